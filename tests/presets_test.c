/* presets_test.c: the fifteen presets, against Segment's own and against our rules of fallback. */
#include "mapping_kit.h"

#include "mapping/mapping.h"

static struct mapping *presets[MAPPING_PRESETS];

static int open_presets(void **state)
{
    kit_open(state);
    for (size_t i = 0; i < MAPPING_PRESETS; i++) {
        struct fault why = {0};
        if (mapping_compile(kit_json(mapping_presets[i].definition), &presets[i], &why) < 0) {
            print_error("%s: %s: %s\n", mapping_presets[i].name, why.path, why.message);
            return -1;
        }
    }
    return 0;
}

static int close_presets(void **state)
{
    for (size_t i = 0; i < MAPPING_PRESETS; i++) {
        mapping_free(presets[i]);
    }
    return kit_close(state);
}

/* Source: Segment's destination; tiktok-api.md section 9. */
enum items { NONE, ONE, LIST };
static const struct {
    const char *name, *subscribe, *event;
    enum items items;
    bool on;
} rows[MAPPING_PRESETS] = {
    {"Complete Payment", "event = \"Order Completed\"", "Purchase", LIST, true},
    {"Contact", "event = \"Callback Started\"", "Contact", NONE, true},
    {"Subscribe", "event = \"Subscription Created\"", "Subscribe", NONE, true},
    {"Submit Form", "event = \"Form Submitted\"", "Lead", NONE, true},
    {"Page View", "type=\"page\"", "PageView", LIST, false},
    {"View Content", "event = \"Product Viewed\"", "ViewContent", ONE, false},
    {"Click Button", "event = \"Product Clicked\"", "ClickButton", ONE, false},
    {"Search", "event = \"Products Searched\"", "Search", ONE, false},
    {"Add to Wishlist", "event = \"Product Added to Wishlist\"", "AddToWishlist", ONE, false},
    {"Add to Cart", "event = \"Product Added\"", "AddToCart", ONE, false},
    {"Initiate Checkout", "event = \"Checkout Started\"", "InitiateCheckout", LIST, false},
    {"Add Payment Info", "event = \"Payment Info Entered\"", "AddPaymentInfo", LIST, false},
    {"Place an Order", "event = \"Order Placed\"", "PlaceAnOrder", LIST, false},
    {"Download", "event = \"Download Link Clicked\"", "Download", NONE, false},
    {"Complete Registration", "event = \"Signed Up\"", "CompleteRegistration", NONE, false},
};

static void the_presets_are_those_of_segment(void **state)
{
    for (size_t i = 0; i < MAPPING_PRESETS; i++) {
        const struct mapping_preset *p = &mapping_presets[i];
        const struct json *d = kit_json(p->definition), *m = json_get(d, "mapping");
        const struct json *items = json_get(json_get(m, "contents"), "@arrayPath");
        struct str path = json_string(json_at(items, 0));
        assert_string_equal(p->name, rows[i].name);
        assert_string_equal(p->event, rows[i].event);
        assert_int_equal(p->on_by_default, rows[i].on);
        assert_string_equal(mapping_name(presets[i]), rows[i].name);
        assert_string_equal(json_string(json_get(d, "name")).p, rows[i].name);
        assert_string_equal(json_string(json_get(d, "subscribe")).p, rows[i].subscribe);
        assert_string_equal(json_string(json_get(m, "event")).p, rows[i].event);
        assert_int_equal(json_count(d), 3);
        assert_int_equal(json_count(m), rows[i].items == NONE ? 21 : 22);
        assert_true((items == NULL) == (rows[i].items == NONE));
        if (rows[i].items == ONE) assert_true(str_is(path, "$.properties"));
        if (rows[i].items == LIST) assert_true(str_is(path, "$.properties.products"));
    }
}

/* The published destination, for one full call each -------------------------------------------- */

static const struct json *read_vectors(void)
{
    static const struct json_limits wide = {1 << 20, 50, 100000};
    const struct json *v = NULL;
    FILE *f = fopen(TEST_DATA_DIR "/vectors/segment-presets.json", "r");
    char *text = arena_alloc(&kit, 1 << 20);
    assert_true(f != NULL && text != NULL);
    size_t len = fread(text, 1, (1 << 20) - 1, f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(json_parse(&kit, (struct str){text, len}, &wide, &v, NULL), 0);
    return json_get(v, "vectors");
}

static const struct json *follow(const struct json *v, const char *path)
{
    struct str rest = str_from(path);
    while (rest.len > 0 && v != NULL) {
        struct str name = str_split(rest, '.', &rest);
        v = json_get_str(v, name);
    }
    return v;
}

/* A field goes where Segment puts it; what it hashes is compared with what the caller sent. */
static const struct {
    const char *field, *body, *input;
} places[] = {
    {"event_id", "event_id", NULL},
    {"timestamp", NULL, "timestamp"},
    {"phone_numbers", NULL, "properties.phone"},
    {"email_addresses", NULL, "properties.email"},
    {"external_ids", NULL, "userId"},
    {"order_id", "properties.order_id", NULL},
    {"shop_id", "properties.shop_id", NULL},
    {"ttclid", "user.ttclid", NULL},
    {"ttp", "user.ttp", NULL},
    {"lead_id", "user.lead_id", NULL},
    {"locale", "user.locale", NULL},
    {"url", "page.url", NULL},
    {"referrer", "page.referrer", NULL},
    {"ip", "user.ip", NULL},
    {"user_agent", "user.user_agent", NULL},
    {"content_type", "properties.content_type", NULL},
    {"currency", "properties.currency", NULL},
    {"value", "properties.value", NULL},
    {"query", "properties.query", NULL},
    {"limited_data_use", "limited_data_use", NULL},
};
enum { PLACES = sizeof places / sizeof places[0] };

static void check_vector(const struct json *vector, const struct json *fields, size_t i)
{
    const struct json *input = json_get(vector, "input");
    const struct json *body = json_first(follow(vector, "expected_body.data"));
    const struct json *contents = follow(body, "properties.contents");
    for (size_t j = 0; j < PLACES; j++) {
        const struct json *want =
            places[j].body ? follow(body, places[j].body) : follow(input, places[j].input);
        assert_non_null(want);
        assert_string_equal(kit_written(json_get(fields, places[j].field)), kit_written(want));
    }
    bool items = json_first(contents) != NULL;
    assert_string_equal(kit_written(json_get(fields, "contents")),
                        items ? kit_written(contents) : "absent");
    assert_string_equal(json_string(json_get(fields, "event")).p, rows[i].event);
    assert_int_equal(json_count(fields), PLACES + 1 + (items ? 1 : 0));
}

static void a_full_call_becomes_what_segments_destination_makes_of_it(void **state)
{
    size_t i = 0;
    const struct json *v = json_first(read_vectors());
    for (; v != NULL; v = json_next(v), i++) {
        const struct json *fields = NULL, *input = json_get(v, "input");
        size_t hits[MAPPING_PRESETS];
        assert_int_equal(mapping_select(presets, MAPPING_PRESETS, input, hits), 1);
        assert_int_equal(hits[0], i);
        assert_int_equal(mapping_apply(presets[i], input, &kit, &fields, NULL), 0);
        check_vector(v, fields, i);
    }
    assert_int_equal(i, MAPPING_PRESETS);
}

/* Fallbacks and defaults ----------------------------------------------------------------------- */

static const struct {
    const char *preset, *field, *call, *value; /* ` is the quote */
} fallbacks[] = {
    {"Contact", "email_addresses",
     "{`properties`:{`email`:`p`},`context`:{`traits`:{`email`:`c`}},`traits`:{`email`:`t`}}",
     "`p`"},
    {"Contact", "email_addresses",
     "{`properties`:{`email`:` `},`context`:{`traits`:{`email`:`c`}},`traits`:{`email`:`t`}}",
     "`c`"},
    {"Contact", "email_addresses",
     "{`properties`:{`email`:null},`context`:{`traits`:{`email`:``}},`traits`:{`email`:`t`}}",
     "`t`"},
    {"Contact", "email_addresses",
     "{`properties`:{`email`:[``,null]},`traits`:{`email`:[`t`,`u`]}}", "[`t`,`u`]"},
    {"Contact", "email_addresses", "{`properties`:{`email`:[``,`p`]},`traits`:{`email`:`t`}}",
     "[``,`p`]"},
    {"Contact", "email_addresses", "{`properties`:{`email`:``}}", "absent"},
    {"Contact", "email_addresses", "{`properties`:null,`context`:7}", "absent"},
    {"Contact", "phone_numbers",
     "{`properties`:{`phone`:`p`},`context`:{`traits`:{`phone`:`c`}},`traits`:{`phone`:`t`}}",
     "`p`"},
    {"Contact", "phone_numbers", "{`context`:{`traits`:{`phone`:`c`}},`traits`:{`phone`:`t`}}",
     "`c`"},
    {"Contact", "phone_numbers", "{`context`:{`traits`:{`phone`:` `}},`traits`:{`phone`:491}}",
     "491"},
    {"Contact", "external_ids", "{`userId`:`u`,`anonymousId`:`a`}", "`u`"},
    {"Contact", "external_ids", "{`userId`:``,`anonymousId`:`a`}", "`a`"},
    {"Contact", "external_ids", "{`userId`:null}", "absent"},
    {"Contact", "value", "{`properties`:{`value`:1,`revenue`:2,`total`:3}}", "1"},
    {"Contact", "value", "{`properties`:{`value`:0,`revenue`:2,`total`:3}}", "0"},
    {"Contact", "value", "{`properties`:{`value`:``,`revenue`:2,`total`:3}}", "2"},
    {"Contact", "value", "{`properties`:{`value`:null,`revenue`:null,`total`:`3.50`}}", "`3.50`"},
    {"Contact", "value", "{`properties`:{}}", "absent"},
    {"Contact", "timestamp", "{`timestamp`:`a`,`originalTimestamp`:`b`}", "`a`"},
    {"Contact", "timestamp", "{`timestamp`:``,`originalTimestamp`:`b`}", "`b`"},
    {"Contact", "timestamp", "{`originalTimestamp`:1700000000}", "1700000000"},
    {"Contact", "timestamp", "{`sentAt`:`c`}", "absent"},
    {"Contact", "event_id", "{`messageId`:`m`}", "`m`"},
    {"Contact", "event_id", "{`messageId`:7}", "7"},
    {"Contact", "limited_data_use", "{`properties`:{`limited_data_use`:true}}", "true"},
    {"Contact", "limited_data_use", "{`properties`:{`limited_data_use`:false}}", "false"},
    {"Contact", "limited_data_use", "{`properties`:{`limited_data_use`:`true`}}", "`true`"},
    {"Contact", "limited_data_use", "{`properties`:{`limited_data_use`:``}}", "false"},
    {"Contact", "limited_data_use", "{}", "false"},
    {"Contact", "content_type", "{`properties`:{`content_type`:`product_group`}}", "`product`"},
    {"Contact", "description", "{`properties`:{`description`:`d`}}", "absent"},
    {"Contact", "test_event_code", "{`properties`:{`test_event_code`:`T`}}", "absent"},
    {"Contact", "currency", "{`properties`:{`currency`:` `}}", "absent"},
    /* ttclid and ttp: the destination's name in every spelling */
    {"Contact", "ttclid",
     "{`properties`:{`ttclid`:`p`},`integrations`:{`TikTok Offline Conversions`:{`ttclid`:`i`}}}",
     "`p`"},
    {"Contact", "ttclid",
     "{`properties`:{`ttclid`:``},`integrations`:{`TikTok Offline Conversions`:{`ttclid`:`i`}}}",
     "`i`"},
    {"Contact", "ttclid", "{`integrations`:{`tiktok offline CONVERSIONS`:{`ttclid`:`i`}}}", "`i`"},
    {"Contact", "ttclid",
     "{`integrations`:{`Tiktok Offline Conversions (Actions)`:{`ttclid`:`i`}}}", "`i`"},
    {"Contact", "ttclid",
     "{`integrations`:{`TIKTOK OFFLINE CONVERSIONS (ACTIONS)`:{`ttclid`:`i`}}}", "`i`"},
    {"Contact", "ttclid",
     "{`integrations`:{`TikTok Offline Conversions`:true,"
     "`TikTok Offline Conversions (Actions)`:{`ttclid`:`i`}}}",
     "`i`"},
    {"Contact", "ttclid",
     "{`integrations`:{`TikTok Offline Conversions`:{`ttclid`:` `},"
     "`TikTok Offline Conversions (Actions)`:{`ttclid`:`i`}}}",
     "`i`"},
    {"Contact", "ttclid", "{`integrations`:{`TikTok`:{`ttclid`:`i`},`All`:true}}", "absent"},
    {"Contact", "ttclid", "{`context`:{`page`:{`url`:`https://s.example/?ttclid=u`}}}", "absent"},
    {"Contact", "url", "{`context`:{`page`:{`url`:`https://s.example/?ttclid=u`}}}",
     "`https://s.example/?ttclid=u`"},
    {"Contact", "ttp", "{`properties`:{`ttp`:`p`}}", "`p`"},
    {"Contact", "ttp", "{`integrations`:{`Tiktok offline conversions`:{`ttp`:`i`}}}", "`i`"},
    {"Contact", "ttp", "{`integrations`:{`TikTok Offline Conversions (Actions)`:{`ttp`:`i`}}}",
     "`i`"},
    /* contents: none, one item, a list */
    {"Contact", "contents", "{`properties`:{`price`:1,`products`:[{`price`:2}]}}", "absent"},
    {"Add to Cart", "contents", "{`properties`:{`price`:1,`products`:[{`price`:2}]}}",
     "[{`price`:1}]"},
    {"Add to Cart", "contents",
     "{`properties`:{`price`:`5.00`,`quantity`:0,`category`:`c`,`product_id`:7,`name`:`n`,"
     "`brand`:`b`,"
     "`sku`:`s`,`variant`:`v`,`url`:`u`}}",
     "[{`price`:`5.00`,`quantity`:0,`content_category`:`c`,`content_id`:7,`content_name`:`n`,"
     "`brand`:`b`}]"},
    {"Add to Cart", "contents", "{`properties`:{`email`:`e`,`value`:1}}", "absent"},
    {"Add to Cart", "contents", "{`properties`:{`price`:null,`name`:` `,`brand`:``}}", "absent"},
    {"Add to Cart", "contents", "{}", "absent"},
    {"Complete Payment", "contents",
     "{`properties`:{`price`:1,`products`:[{`price`:2},{`price`:3}]}}",
     "[{`price`:2},{`price`:3}]"},
    {"Complete Payment", "contents",
     "{`properties`:{`products`:[{`price`:null,`name`:``},{},{`sku`:`s`},null,7,{`brand`:`b`}]}}",
     "[{`brand`:`b`}]"},
    {"Complete Payment", "contents", "{`properties`:{`products`:[]}}", "absent"},
    {"Complete Payment", "contents", "{`properties`:{`products`:{`price`:2}}}", "[{`price`:2}]"},
    {"Complete Payment", "contents", "{`properties`:{`products`:`x`}}", "`x`"},
    {"Complete Payment", "contents", "{`properties`:{}}", "absent"},
};

static size_t find_preset(const char *name)
{
    size_t i = 0;
    while (i < MAPPING_PRESETS && strcmp(mapping_presets[i].name, name) != 0) {
        i++;
    }
    assert_true(i < MAPPING_PRESETS);
    return i;
}

static void what_is_blank_gives_way_to_what_is_there(void **state)
{
    for (size_t i = 0; i < sizeof fallbacks / sizeof fallbacks[0]; i++) {
        const struct json *fields = NULL, *call = kit_json(fallbacks[i].call);
        const struct mapping *m = presets[find_preset(fallbacks[i].preset)];
        assert_int_equal(mapping_apply(m, call, &kit, &fields, NULL), 0);
        const char *got = kit_written(json_get(fields, fallbacks[i].field));
        if (strcmp(got, kit_text(fallbacks[i].value)) != 0) {
            fail_msg("%s of %s: %s", fallbacks[i].field, fallbacks[i].call, got);
        }
    }
}

static void the_fields_of_all_presets_are_the_same(void **state)
{
    const struct json *call = kit_json(
        "{`messageId`:`m`,`originalTimestamp`:`o`,`anonymousId`:`a`,`traits`:{`phone`:`t`},"
        "`context`:{`traits`:{`email`:`c`},`ip`:`i`},`properties`:{`total`:5,`query`:`q`}}");
    for (size_t i = 0; i < MAPPING_PRESETS; i++) {
        const struct json *fields = NULL;
        char want[512];
        (void)snprintf(want, sizeof want,
                       "{`event_id`:`m`,`timestamp`:`o`,`phone_numbers`:`t`,`email_addresses`:`c`,"
                       "`external_ids`:`a`,`ip`:`i`,`content_type`:`product`,`value`:5,`query`:`q`,"
                       "`limited_data_use`:false,`event`:`%s`}",
                       rows[i].event);
        assert_int_equal(mapping_apply(presets[i], call, &kit, &fields, NULL), 0);
        assert_string_equal(kit_written(fields), kit_text(want));
    }
}

/* As Segment does: a page call that carries an event fires both. */
static void an_event_fires_whatever_the_type(void **state)
{
    size_t hits[MAPPING_PRESETS];
    const struct json *call = kit_json("{`type`:`page`,`event`:`Order Completed`}");
    assert_int_equal(mapping_select(presets, MAPPING_PRESETS, call, hits), 2);
    assert_int_equal(hits[0], find_preset("Complete Payment"));
    assert_int_equal(hits[1], find_preset("Page View"));
    call = kit_json("{`type`:`track`,`event`:`order completed`}");
    assert_int_equal(mapping_select(presets, MAPPING_PRESETS, call, hits), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_presets_are_those_of_segment),
        cmocka_unit_test(a_full_call_becomes_what_segments_destination_makes_of_it),
        cmocka_unit_test(what_is_blank_gives_way_to_what_is_there),
        cmocka_unit_test(the_fields_of_all_presets_are_the_same),
        cmocka_unit_test(an_event_fires_whatever_the_type),
    };
    return cmocka_run_group_tests(tests, open_presets, close_presets);
}
