/* mapping_test.c: a whole mapping: what it needs, when it fires, what it makes of a call. */
#include "mapping_kit.h"

#include "mapping/mapping.h"

#define GOOD "`name`:`N`,`subscribe`:`type = \\`track\\``"

static const struct {
    const char *definition; /* ` is the quote */
    const char *path, *message;
} bad[] = {
    {"7", "$", "a mapping is an object with name, subscribe and mapping"},
    {"[]", "$", "a mapping is an object with name, subscribe and mapping"},
    {"null", "$", "a mapping is an object with name, subscribe and mapping"},
    {"{" GOOD ",`mapping`:{`event`:`Purchase`},`mappings`:{}}", "$",
     "there is no key \"mappings\"; did you mean mapping?"},
    {"{" GOOD ",`mapping`:{`event`:`Purchase`},`enabled`:false}", "$",
     "there is no key \"enabled\""},
    {"{`subscribe`:`type = \\`track\\``,`mapping`:{`event`:`Purchase`}}", "$.name",
     "name must be a text of 1 to 100 bytes, not blank"},
    {"{`name`:5,`subscribe`:`x`,`mapping`:{}}", "$.name",
     "name must be a text of 1 to 100 bytes, not blank"},
    {"{`name`:` `,`subscribe`:`x`,`mapping`:{}}", "$.name",
     "name must be a text of 1 to 100 bytes, not blank"},
    {"{`name`:`"
     "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234"
     "567890123456789x`,`subscribe`:`x`,`mapping`:{}}",
     "$.name", "name must be a text of 1 to 100 bytes, not blank"},
    {"{`name`:`N`,`mapping`:{`event`:`Purchase`}}", "$.subscribe",
     "subscribe must be a trigger, such as event = \"Order Completed\""},
    {"{`name`:`N`,`subscribe`:true,`mapping`:{`event`:`Purchase`}}", "$.subscribe",
     "subscribe must be a trigger, such as event = \"Order Completed\""},
    {"{`name`:`N`,`subscribe`:`event = Order`,`mapping`:{`event`:`Purchase`}}", "$.subscribe",
     "column 9: expected \"text\", a number, true, false or null, found Order"},
    {"{" GOOD "}", "$.mapping", "mapping must be an object of fields"},
    {"{" GOOD ",`mapping`:[]}", "$.mapping", "mapping must be an object of fields"},
    {"{" GOOD ",`mapping`:{}}", "$.mapping.event",
     "the field event is required, such as \"event\": \"Purchase\""},
    {"{" GOOD ",`mapping`:{`event`:null}}", "$.mapping.event",
     "the field event is required, such as \"event\": \"Purchase\""},
    {"{" GOOD ",`mapping`:{`event`:` `}}", "$.mapping.event",
     "the field event is required, such as \"event\": \"Purchase\""},
    {"{" GOOD ",`mapping`:{`event`:`Purchase`,`email`:1}}", "$.mapping",
     "there is no field \"email\""},
    {"{" GOOD ",`mapping`:{`event`:`Purchase`,`emails_adresses`:1}}", "$.mapping",
     "there is no field \"emails_adresses\"; did you mean email_addresses?"},
    {"{" GOOD ",`mapping`:{`event`:`Purchase`,`Value`:1}}", "$.mapping",
     "there is no field \"Value\"; did you mean value?"},
    {"{" GOOD ",`mapping`:{`event`:`Purchase`,`@path`:`x`}}", "$.mapping",
     "there is no field \"@path\""},
    {"{" GOOD ",`mapping`:{`event`:`Purchase`,`value`:{`@pth`:`x`}}}", "$.mapping.value",
     "there is no directive @pth; did you mean @path?"},
    {"{" GOOD
     ",`mapping`:{`event`:`Purchase`,`contents`:{`@arrayPath`:[`$.p`,{`price`:{`@path`:5}}]"
     "}}}",
     "$.mapping.contents.@arrayPath[1].price.@path", "must be a text or a directive, not a number"},
};

static void a_wrong_definition_is_refused_with_its_place(void **state)
{
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct mapping *m = NULL;
        struct fault why = {0};
        int err = mapping_compile(kit_json(bad[i].definition), &m, &why);
        if (err != TILLPOST_E_CONFIG) fail_msg("%s: err %d", bad[i].definition, err);
        assert_null(m);
        if (strcmp(why.message, bad[i].message) != 0 || strcmp(why.path, bad[i].path) != 0) {
            fail_msg("%s: %s: %s", bad[i].definition, why.path, why.message);
        }
    }
}

static struct mapping *compile(const char *definition)
{
    struct mapping *m = NULL;
    struct fault why = {0};
    if (mapping_compile(kit_json(definition), &m, &why) < 0) {
        fail_msg("%s: %s: %s", definition, why.path, why.message);
    }
    return m;
}

static void every_field_of_the_contract_is_known(void **state)
{
    struct mapping *m = compile(
        "{" GOOD ",`partnerAction`:`reportOfflineEvent`,`type`:`automatic`,`mapping`:{`event`:`e`,"
        "`event_id`:1,`timestamp`:1,`phone_numbers`:1,`email_addresses`:1,`external_ids`:1,"
        "`order_id`:1,`shop_id`:1,`ttclid`:1,`ttp`:1,`lead_id`:1,`locale`:1,`url`:1,`referrer`:1,"
        "`ip`:1,`user_agent`:1,`contents`:1,`content_type`:1,`currency`:1,`value`:1,"
        "`description`:1,`query`:1,`limited_data_use`:1,`test_event_code`:1}}");
    assert_string_equal(mapping_name(m), "N");
    mapping_free(m);
}

static const struct {
    const char *fields, *call, *result;
} rows[] = {
    {"{`event`:`Purchase`}", "{}", "{`event`:`Purchase`}"},
    {"{`event`:{`@path`:`$.event`}}", "{`event`:`Order Completed`}", "{`event`:`Order Completed`}"},
    /* an event that is absent is the caller's to refuse */
    {"{`event`:{`@path`:`$.event`}}", "{}", "{}"},
    {"{`value`:1,`event`:`e`,`currency`:`EUR`}", "{}", "{`value`:1,`event`:`e`,`currency`:`EUR`}"},
    /* absent, null and blank fields are left out */
    {"{`event`:`e`,`value`:{`@path`:`v`},`currency`:{`@path`:`c`},`query`:{`@path`:`q`},"
     "`contents`:{`@path`:`l`},`email_addresses`:{`@path`:`m`},`description`:null}",
     "{`c`:null,`q`:` `,`l`:[],`m`:[``,null]}", "{`event`:`e`}"},
    {"{`event`:`e`,`value`:{`@path`:`v`},`limited_data_use`:{`@path`:`b`},"
     "`contents`:{`@path`:`o`}}",
     "{`v`:0,`b`:false,`o`:{}}", "{`event`:`e`,`value`:0,`limited_data_use`:false,`contents`:{}}"},
    /* what is wrong with a value is not the mapping's business */
    {"{`event`:`e`,`value`:{`@path`:`v`}}", "{`v`:{`a`:[`b`,null]}}",
     "{`event`:`e`,`value`:{`a`:[`b`,null]}}"},
    {"{`event`:`e`,`email_addresses`:{`@path`:`m`}}", "{`m`:[`a@b.c`,``,5]}",
     "{`event`:`e`,`email_addresses`:[`a@b.c`,``,5]}"},
    {"{`event`:`e`,`value`:1}", "[1]", "{`event`:`e`,`value`:1}"},
    {"{`event`:`e`,`value`:{`@path`:`v`}}", "null", "{`event`:`e`}"},
};

static void a_call_becomes_fields(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char definition[1024];
        const struct json *fields = NULL;
        struct fault why = {0};
        (void)snprintf(definition, sizeof definition, "{" GOOD ",`mapping`:%s}", rows[i].fields);
        struct mapping *m = compile(definition);
        assert_int_equal(mapping_apply(m, kit_json(rows[i].call), &kit, &fields, &why), 0);
        if (strcmp(kit_written(fields), kit_text(rows[i].result)) != 0) {
            fail_msg("%s: %s", rows[i].fields, kit_written(fields));
        }
        mapping_free(m);
    }
}

static void a_mapping_outlives_its_definition(void **state)
{
    static const struct json_limits wide = {1000, 20, 100};
    static const char text[] =
        "{\"name\":\"Name\",\"subscribe\":\"event = 'E' and userId = 42\",\"mapping\":"
        "{\"event\":\"Purchase\",\"query\":{\"@template\":\"<{{x}}>\"}}}";
    struct arena gone;
    const struct json *definition, *fields;
    struct mapping *m = NULL;
    arena_init(&gone, 4096, 1 << 20);
    assert_int_equal(json_parse(&gone, str_from(text), &wide, &definition, NULL), 0);
    assert_int_equal(mapping_compile(definition, &m, NULL), 0);
    arena_free(&gone);
    const struct json *call = kit_json("{`event`:`E`,`userId`:`42`,`x`:1}");
    assert_string_equal(mapping_name(m), "Name");
    assert_true(mapping_matches(m, call));
    assert_int_equal(mapping_apply(m, call, &kit, &fields, NULL), 0);
    assert_string_equal(kit_written(fields), "{\"event\":\"Purchase\",\"query\":\"<1>\"}");
    mapping_free(m);
}

static const char *const triggers[] = {
    "event = 'A'",   "event = 'B'",     "type = 'track'",
    "type = 'page'", "not event = 'B'", "userId = 7",
};
enum { TRIGGERS = sizeof triggers / sizeof triggers[0] };

static const struct {
    const char *call;
    size_t count, hits[TRIGGERS];
} selections[] = {
    {"{`type`:`track`,`event`:`A`}", 3, {0, 2, 4}},
    {"{`type`:`track`,`event`:`B`,`userId`:`7`}", 3, {1, 2, 5}},
    {"{`type`:`page`}", 2, {3, 4}},
    {"{`event`:`B`}", 1, {1}},
    {"5", 1, {4}},
};

static void a_call_selects_the_mappings_it_matches_in_their_order(void **state)
{
    struct mapping *list[TRIGGERS];
    for (size_t i = 0; i < TRIGGERS; i++) {
        char definition[200];
        (void)snprintf(definition, sizeof definition,
                       "{`name`:`N`,`subscribe`:`%s`,`mapping`:{`event`:`e`}}", triggers[i]);
        list[i] = compile(definition);
    }
    for (size_t i = 0; i < sizeof selections / sizeof selections[0]; i++) {
        const struct json *call = kit_json(selections[i].call);
        size_t hits[TRIGGERS], n = mapping_select(list, TRIGGERS, call, hits), matching = 0;
        if (n != selections[i].count) fail_msg("%s: %zu", selections[i].call, n);
        for (size_t j = 0; j < n; j++) {
            assert_int_equal(hits[j], selections[i].hits[j]);
        }
        for (size_t j = 0; j < TRIGGERS; j++) {
            matching += mapping_matches(list[j], call);
        }
        assert_int_equal(matching, n);
    }
    assert_int_equal(mapping_select(list, 0, kit_json("{}"), NULL), 0);
    for (size_t i = 0; i < TRIGGERS; i++) {
        mapping_free(list[i]);
    }
}

/* Product contract: an audience that comes in through identify triggers an event, leaving it
 * another. */
static void an_audience_trait_triggers_an_event(void **state)
{
    struct mapping *in = compile("{`name`:`in`,`subscribe`:`type = 'identify' and "
                                 "traits.order_completed_last_30days = true`,"
                                 "`mapping`:{`event`:`Purchase`,"
                                 "`email_addresses`:{`@path`:`$.traits.email`}}}");
    struct mapping *out = compile("{`name`:`out`,`subscribe`:`type = 'identify' and "
                                  "traits.order_completed_last_30days = false`,"
                                  "`mapping`:{`event`:`Contact`}}");
    const struct json *added = kit_json("{`type`:`identify`,`traits`:{`email`:`a@b.c`,"
                                        "`order_completed_last_30days`:true}}");
    const struct json *removed =
        kit_json("{`type`:`identify`,`traits`:{`order_completed_last_30days`:false}}");
    const struct json *fields = NULL;
    assert_true(mapping_matches(in, added) && !mapping_matches(out, added));
    assert_true(!mapping_matches(in, removed) && mapping_matches(out, removed));
    assert_int_equal(mapping_apply(in, added, &kit, &fields, NULL), 0);
    assert_string_equal(kit_written(fields),
                        "{\"event\":\"Purchase\",\"email_addresses\":\"a@b.c\"}");
    mapping_free(in);
    mapping_free(out);
}

static void a_text_too_large_names_its_field(void **state)
{
    enum { TEXT_BYTES = 30000 };
    static char text[TEXT_BYTES + 100];
    const struct json *fields = NULL;
    struct fault why = {0};
    memset(text, 't', sizeof text);
    memcpy(text, "{\"t\":\"", 6);
    memcpy(text + TEXT_BYTES, "\"}", 3);
    struct mapping *m = compile("{" GOOD ",`mapping`:{`event`:`e`,`query`:{`@path`:`t`},"
                                "`description`:{`@template`:`{{t}}{{t}}{{t}}`},`value`:1}}");
    assert_int_equal(mapping_apply(m, kit_json(text), &kit, &fields, &why), TILLPOST_E_TOO_LARGE);
    assert_null(fields);
    assert_string_equal(why.path, "$.description");
    assert_string_equal(why.message,
                        "a text that the mapping makes is over 65536 bytes; make it shorter");
    mapping_free(m);
}

static void a_text_of_a_long_number_names_its_field(void **state)
{
    const struct json *fields = NULL;
    struct fault why = {0};
    struct mapping *m = compile("{" GOOD ",`mapping`:{`event`:`e`,`query`:`q`,"
                                "`order_id`:{`@template`:`till-{{properties.sale}}`}}}");
    const struct json *call = kit_json("{`properties`:{`sale`:7000000000000000001}}");
    assert_int_equal(mapping_apply(m, call, &kit, &fields, &why), TILLPOST_E_BAD_FIELD);
    assert_null(fields);
    assert_string_equal(why.path, "$.order_id");
    assert_non_null(strstr(why.message, "send it as a string"));
    assert_null(strstr(why.message, "7000"));
    mapping_free(m);
}

static void a_full_arena_is_no_memory(void **state)
{
    const struct json *call = kit_json("{`p`:[{`a`:1},{`a`:2}],`q`:`x`}");
    struct mapping *m = compile("{" GOOD ",`mapping`:{`event`:`e`,`query`:{`@path`:`q`},"
                                "`contents`:{`@arrayPath`:[`$.p`,{`price`:{`@path`:`a`}}]}}}");
    int err = TILLPOST_E_NO_MEMORY;
    for (size_t max = 0; err < 0; max += 16) {
        struct arena small;
        const struct json *fields = NULL;
        struct fault why = {0};
        arena_init(&small, 64, max);
        err = mapping_apply(m, call, &small, &fields, &why);
        assert_int_equal(why.err, err);
        assert_true((fields == NULL) == (err < 0));
        if (err < 0) {
            assert_int_equal(err, TILLPOST_E_NO_MEMORY);
            assert_true(why.path[0] == '$' && why.message[0] != '\0');
        }
        arena_free(&small);
    }
    mapping_free(m);
}

static void a_mapping_larger_than_its_memory_is_refused(void **state)
{
    struct buf b;
    struct mapping *m = NULL;
    struct fault why = {0};
    buf_init(&b, 1 << 20);
    buf_add_z(&b, "{" GOOD ",`mapping`:{`event`:`e`,`contents`:[0");
    for (int i = 0; i < 20000; i++) {
        buf_add_z(&b, ",1");
    }
    buf_add_z(&b, "]}}");
    assert_int_equal(mapping_compile(kit_json(b.p), &m, &why), TILLPOST_E_NO_MEMORY);
    assert_null(m);
    assert_string_equal(why.message, "the mapping is too large; make it smaller");
    buf_free(&b);
}

static void nothing_is_freed_without_complaint(void **state)
{
    mapping_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_definition_is_refused_with_its_place),
        cmocka_unit_test(every_field_of_the_contract_is_known),
        cmocka_unit_test(a_call_becomes_fields),
        cmocka_unit_test(a_mapping_outlives_its_definition),
        cmocka_unit_test(a_call_selects_the_mappings_it_matches_in_their_order),
        cmocka_unit_test(an_audience_trait_triggers_an_event),
        cmocka_unit_test(a_text_too_large_names_its_field),
        cmocka_unit_test(a_text_of_a_long_number_names_its_field),
        cmocka_unit_test(a_full_arena_is_no_memory),
        cmocka_unit_test(a_mapping_larger_than_its_memory_is_refused),
        cmocka_unit_test(nothing_is_freed_without_complaint),
    };
    return cmocka_run_group_tests(tests, kit_open, kit_close);
}
