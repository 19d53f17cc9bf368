/* path_test.c: which value a path leads to, and which paths are none. */
#include "mapping_kit.h"

#include "mapping/path.h"

/* ` is the quote of JSON. */
static const char call[] =
    "{`type`:`track`,`event`:`Order Completed`,`userId`:`u1`,"
    "`properties`:{`total`:7,`no`:null,`blank`:``,`a`:{`b`:{`c`:3}},`my key`:1,`my.key`:2,"
    "`customer's`:4,`2nd`:5,`0`:`zero`,`a[b]`:6,`list`:[10,20,[30,31]],"
    "`products`:[{`id`:`p1`,`tags`:[`x`,`y`]},{`name`:`n2`},{`id`:`p3`,`tags`:[]},8,null]},"
    "`odd`:{``:1,`$`:2},"
    "`integrations`:{`All`:true,`Tiktok OFFLINE conversions`:{`ttclid`:`c1`},"
    "`tiktok offline conversions (actions)`:false,"
    "`TikTok Offline Conversions (Actions)`:{`ttclid`:`c2`}}}";

static const struct {
    const char *path, *found; /* ` is the quote in found */
} rows[] = {
    {"type", "`track`"},
    {"$.type", "`track`"},
    {"$.properties.total", "7"},
    {"properties.a.b.c", "3"},
    {"properties.a.b", "{`c`:3}"},
    {"properties.no", "null"},
    {"properties.blank", "``"},
    {"properties.nothing", "absent"},
    {"nothing.at.all", "absent"},
    {"properties.total.x", "absent"},
    {"type.length", "absent"},
    {"properties.no.x", "absent"},
    /* case counts */
    {"Type", "absent"},
    {"properties.Total", "absent"},
    /* names that are no words */
    {"properties.my key", "1"},
    {"properties['my key']", "1"},
    {"properties[\"my key\"]", "1"},
    {"properties.'my key'", "1"},
    {"properties.\"my key\"", "1"},
    {"properties['my.key']", "2"},
    {"properties.my.key", "absent"},
    {"properties.customer's", "4"},
    {"properties['customer\\'s']", "4"},
    {"properties[\"customer's\"]", "4"},
    {"properties.2nd", "5"},
    {"properties.0", "`zero`"},
    {"properties[0]", "`zero`"},
    {"properties.a[b]", "6"},
    {"odd['']", "1"},
    {"odd.$", "2"},
    /* lists */
    {"properties.list[0]", "10"},
    {"properties.list.1", "20"},
    {"properties.list['1']", "20"},
    {"properties.list[2][1]", "31"},
    {"properties.list[3]", "absent"},
    {"properties.list[999999999]", "absent"},
    {"properties.list[9999999999]", "absent"},
    {"properties.products[0].id", "`p1`"},
    {"$.properties.products[1].name", "`n2`"},
    {"properties.products[3].id", "absent"},
    {"properties.products[4].id", "absent"},
    /* the whole */
    {"$.odd", "{``:1,`$`:2}"},
    {"$['odd'].$", "2"},
    /* what counts for nothing */
    {"properties..total", "7"},
    {".properties.total.", "7"},
    {"properties.list.[1]", "20"},
    /* the destination's own name is spelt in more than one way; the rest is as it is */
    {"integrations.TikTok Offline Conversions.ttclid", "`c1`"},
    {"integrations.tiktok offline conversions.ttclid", "`c1`"},
    {"integrations['TIKTOK OFFLINE CONVERSIONS'].ttclid", "`c1`"},
    {"integrations.TikTok Offline Conversions.TTCLID", "absent"},
    {"integrations.Tiktok Offline Conversions (Actions).ttclid", "`c2`"},
    {"integrations.all", "true"},
    {"integrations.nothing", "absent"},
    {"Integrations.all", "absent"},
    {"properties.integrations.A", "absent"},
};

static const struct path *parse(const char *text)
{
    const struct path *p = NULL;
    struct fault why = {0};
    if (path_parse(&kit, str_from(text), &p, &why) < 0) fail_msg("%s: %s", text, why.message);
    return p;
}

static void a_path_leads_to_the_value_or_nowhere(void **state)
{
    struct path_roots roots;
    path_read_roots(&roots, kit_json(call));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool failed = false;
        const struct path *p = parse(rows[i].path);
        const char *want = kit_text(rows[i].found);
        const char *found = kit_written(path_find(p, &roots));
        if (strcmp(found, want) != 0) fail_msg("%s finds %s", rows[i].path, found);
        found = kit_written(path_resolve(p, &roots, roots.call, &kit, &failed));
        if (strcmp(found, want) != 0) fail_msg("%s resolves to %s", rows[i].path, found);
        assert_false(failed);
    }
}

static const struct {
    const char *path, *resolved;
} mapped[] = {
    {"properties.products.id", "[`p1`,`p3`]"}, {"properties.products.name", "[`n2`]"},
    {"properties.products.nothing", "absent"}, {"properties.products.tags", "[[`x`,`y`],[]]"},
    {"properties.products.tags[1]", "[`y`]"},  {"properties.products.tags.x", "absent"},
    {"properties.list.x", "absent"},
};

static void a_name_asked_of_a_list_is_asked_of_its_items(void **state)
{
    struct path_roots roots;
    path_read_roots(&roots, kit_json(call));
    for (size_t i = 0; i < sizeof mapped / sizeof mapped[0]; i++) {
        bool failed = false;
        const struct path *p = parse(mapped[i].path);
        const char *v = kit_written(path_resolve(p, &roots, roots.call, &kit, &failed));
        if (strcmp(v, kit_text(mapped[i].resolved)) != 0) fail_msg("%s: %s", mapped[i].path, v);
        assert_false(failed);
        assert_null(path_find(p, &roots));
    }
}

static void a_path_can_start_anywhere(void **state)
{
    struct path_roots roots;
    const struct json *item = kit_json("{`type`:`inner`,`x`:[{`y`:1}]}");
    bool failed = false;
    path_read_roots(&roots, kit_json(call));
    const struct json *v = path_resolve(parse("$.type"), &roots, item, &kit, &failed);
    assert_string_equal(kit_written(v), "\"inner\"");
    v = path_resolve(parse("x.y"), &roots, item, &kit, &failed);
    assert_string_equal(kit_written(v), "[1]");
    assert_ptr_equal(path_resolve(parse("$"), &roots, item, &kit, &failed), item);
    assert_ptr_equal(path_resolve(parse(""), &roots, item, &kit, &failed), item);
    assert_ptr_equal(path_find(parse("$"), &roots), roots.call);
    assert_null(path_resolve(parse("type"), &roots, NULL, &kit, &failed));
    assert_null(path_resolve(parse("type"), &roots, kit_json("7"), &kit, &failed));
    assert_false(failed);
}

static void what_is_no_object_has_no_roots(void **state)
{
    struct path_roots roots;
    path_read_roots(&roots, kit_json("[1]"));
    assert_null(path_find(parse("type"), &roots));
    path_read_roots(&roots, NULL);
    assert_null(path_find(parse("type"), &roots));
    assert_null(path_find(parse("other"), &roots));
}

static const struct {
    const char *path, *message;
} bad[] = {
    {"a['b", "the path \"a['b\" opens a name at column 3 and never closes it with '"},
    {"a[\"b'", "the path \"a[\"b'\" opens a name at column 3 and never closes it with \""},
    {"a['b'", "the path \"a['b'\" opens a name at column 2 and never closes it with ]"},
    {"a['b'c]", "the path \"a['b'c]\" opens a name at column 2 and never closes it with ]"},
    {"a[0", "the path \"a[0\" opens a name at column 2 and never closes it with ]"},
    {"a[0x]", "the path \"a[0x]\" opens a name at column 2 and never closes it with ]"},
    {"a.'b", "the path \"a.'b\" opens a name at column 3 and never closes it with '"},
    {"a.1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20.21.22.23.24.25.26.27.28.29.30.31.32",
     "a path has at most 32 names"},
};

static void a_path_that_never_ends_is_refused(void **state)
{
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct path *p = NULL;
        struct fault why = {0};
        assert_int_equal(path_parse(&kit, str_from(bad[i].path), &p, &why), TILLPOST_E_CONFIG);
        assert_string_equal(why.message, bad[i].message);
        assert_null(p);
    }
}

static void a_path_is_bounded(void **state)
{
    char text[1100];
    const struct path *p = NULL;
    struct fault why = {0};
    memset(text, 'x', sizeof text);
    assert_int_equal(path_parse(&kit, (struct str){text, 1024}, &p, &why), TILLPOST_OK);
    assert_int_equal(path_parse(&kit, (struct str){text, 1025}, &p, &why), TILLPOST_E_CONFIG);
    assert_string_equal(why.message, "a path has at most 1024 bytes, this one 1025");
}

static void a_full_arena_is_no_crash(void **state)
{
    struct path_roots roots;
    path_read_roots(&roots, kit_json(call));
    const struct path *p = parse("properties.products.id");
    for (size_t max = 0; max < 400; max += 16) {
        struct arena small;
        bool failed = false;
        const struct path *q = NULL;
        arena_init(&small, 64, max);
        int err = path_parse(&small, STR("a.b['c'].d"), &q, NULL);
        assert_true(err == TILLPOST_OK || err == TILLPOST_E_NO_MEMORY);
        arena_reset(&small);
        const struct json *v = path_resolve(p, &roots, roots.call, &small, &failed);
        assert_true(failed == (v == NULL));
        arena_free(&small);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_leads_to_the_value_or_nowhere),
        cmocka_unit_test(a_name_asked_of_a_list_is_asked_of_its_items),
        cmocka_unit_test(a_path_can_start_anywhere),
        cmocka_unit_test(what_is_no_object_has_no_roots),
        cmocka_unit_test(a_path_that_never_ends_is_refused),
        cmocka_unit_test(a_path_is_bounded),
        cmocka_unit_test(a_full_arena_is_no_crash),
    };
    return cmocka_run_group_tests(tests, kit_open, kit_close);
}
