/* resolve_test.c: what a value of a mapping comes to, for a call. */
#include "mapping_kit.h"

#include "mapping/directive.h"

/* ` is the quote of JSON. */
static const char call[] =
    "{`type`:`track`,`userId`:`u1`,"
    "`properties`:{`email`:`Jane@Example.COM`,`blank`:` \\t`,`nothing`:null,`total`:19.90,`zero`:0,"
    "`yes`:true,`no`:false,`empty`:``,`list`:[`a`,`b`],`blanks`:[``,null,[` `]],`none`:[],`o`:{},"
    "`which`:`$.properties.total`,`tpl`:`{{type}}!`,`badpath`:`a['`,`phone`:`+1 (213) 373-4253`,"
    "`json`:`{\\`a\\`:[1,{\\`b\\`:null}]}`,`notjson`:`{a:1}`,`umlaut`:`Straße ÄÖÜ`,"
    "`nested`:{`a`:1,`b`:{`c`:null,`d`:{`e`:`x`,`f`:null}},`l`:[1,{`g`:2,`h`:null}],`m`:null},"
    "`products`:[{`product_id`:`p1`,`price`:5,`name`:``},{`sku`:`s2`},7,null,"
    "{`product_id`:`p3`,`price`:null,`tags`:[`x`,`y`]}]},"
    "`traits`:{`a`:1,`b`:null,`email`:`t@x.y`},`context`:{`a`:2,`c`:3,`email`:``}}";

#define P(path)   "{`@path`:`" path "`}"
#define PROP(key) P("$.properties." key)

static const struct {
    const char *value, *result;
} rows[] = {
    /* what is no directive is itself */
    {"`x`", "`x`"},
    {"5", "5"},
    {"true", "true"},
    {"null", "null"},
    {"``", "``"},
    {"{`a`:1,`b`:[`x`,2]}", "{`a`:1,`b`:[`x`,2]}"},
    {"`{{type}}`", "`{{type}}`"},
    {"`$.type`", "`$.type`"},
    {"{}", "{}"},
    {"[]", "[]"},
    /* what is absent, null or blank is left out of what the mapping writes */
    {"{`a`:null,`b`:``,`c`:` `,`d`:[],`e`:[``,null],`f`:0,`g`:false,`h`:{}}",
     "{`f`:0,`g`:false,`h`:{}}"},
    {"{`a`:" P("nope") ",`b`:" PROP("nothing") ",`c`:" PROP("blank") ",`d`:" PROP("zero") "}",
     "{`d`:0}"},
    {"[" P("nope") "," PROP("nothing") "," PROP("email") "," PROP("blank") "]",
     "[`Jane@Example.COM`]"},
    {"{`a`:{`b`:" P("nope") "}}", "{`a`:{}}"},
    /* @path */
    {P("$.type"), "`track`"},
    {P("type"), "`track`"},
    {PROP("total"), "19.9"},
    {PROP("nothing"), "null"},
    {PROP("blank"), "` \\t`"},
    {PROP("absent"), "absent"},
    {PROP("list"), "[`a`,`b`]"},
    {PROP("list[1]"), "`b`"},
    {PROP("blanks"), "[``,null,[` `]]"},
    {PROP("nested.b.d"), "{`e`:`x`,`f`:null}"},
    {PROP("products.product_id"), "[`p1`,`p3`]"},
    {PROP("products.tags"), "[[`x`,`y`]]"},
    {PROP("products[4].tags[0]"), "`x`"},
    {"{`@path`:" PROP("which") "}", "19.9"},
    {"{`@path`:{`@template`:`{{properties.which}}`}}", "19.9"},
    {"{`@path`:" PROP("absent") "}", "absent"},
    {"{`@path`:" PROP("total") "}", "absent"},
    {"{`@path`:" PROP("badpath") "}", "absent"},
    /* @template */
    {"{`@template`:`{{type}} {{properties.total}}`}", "`track 19.9`"},
    {"{`@template`:`plain`}", "`plain`"},
    {"{`@template`:`{{properties.absent}}`}", "``"},
    {"{`a`:{`@template`:`{{properties.absent}}`}}", "{}"},
    {"{`@template`:" PROP("tpl") "}", "`track!`"},
    {"{`@template`:" PROP("total") "}", "absent"},
    {"{`@template`:{`@if`:{`exists`:" PROP("zero") ",`then`:`{{userId}}`}}}", "`u1`"},
    /* @literal */
    {"{`@literal`:`{{type}}`}", "`{{type}}`"},
    {"{`@literal`:5}", "5"},
    {"{`@literal`:null}", "null"},
    {"{`@literal`:{`a`:[1,2]}}", "{`a`:[1,2]}"},
    {"{`@literal`:" P("type") "}", "`track`"},
    /* @if: exists and blank ask whether there is something */
    {"{`@if`:{`exists`:" PROP("email") ",`then`:1,`else`:2}}", "1"},
    {"{`@if`:{`exists`:" PROP("absent") ",`then`:1,`else`:2}}", "2"},
    {"{`@if`:{`exists`:" PROP("nothing") ",`then`:1,`else`:2}}", "2"},
    {"{`@if`:{`exists`:" PROP("empty") ",`then`:1,`else`:2}}", "2"},
    {"{`@if`:{`exists`:" PROP("blank") ",`then`:1,`else`:2}}", "2"},
    {"{`@if`:{`exists`:" PROP("blanks") ",`then`:1,`else`:2}}", "2"},
    {"{`@if`:{`exists`:" PROP("none") ",`then`:1,`else`:2}}", "2"},
    {"{`@if`:{`exists`:" PROP("list") ",`then`:1,`else`:2}}", "1"},
    {"{`@if`:{`exists`:" PROP("o") ",`then`:1,`else`:2}}", "1"},
    {"{`@if`:{`exists`:" PROP("zero") ",`then`:1,`else`:2}}", "1"},
    {"{`@if`:{`exists`:" PROP("no") ",`then`:1,`else`:2}}", "1"},
    {"{`@if`:{`blank`:" PROP("email") ",`then`:1,`else`:2}}", "1"},
    {"{`@if`:{`blank`:" PROP("blank") ",`then`:1,`else`:2}}", "2"},
    {"{`@if`:{`blank`:" PROP("zero") ",`then`:1,`else`:2}}", "1"},
    {"{`@if`:{`exists`:" PROP("absent") ",`blank`:" PROP("email") ",`then`:1,`else`:2}}", "2"},
    {"{`@if`:{`exists`:`x`,`then`:1}}", "1"},
    {"{`@if`:{`exists`:null,`then`:1}}", "absent"},
    {"{`@if`:{`exists`:" PROP("email") ",`else`:1}}", "absent"},
    {"{`@if`:{`exists`:" PROP("absent") ",`else`:0}}", "0"},
    {"{`@if`:{`exists`:" PROP("absent") ",`then`:1,`else`:false}}", "false"},
    {"{`@if`:{`exists`:" PROP("email") ",`then`:" PROP("email") ",`else`:" P("userId") "}}",
     "`Jane@Example.COM`"},
    {"{`@if`:{`exists`:" PROP("blank") ",`then`:" PROP("blank") ",`else`:" P("userId") "}}",
     "`u1`"},
    {"{`@if`:{`exists`:" PROP("email") ",`then`:" P("userId") ",`else`:" PROP("email") "}}",
     "`u1`"},
    {"{`@if`:{`exists`:" PROP("absent") ",`then`:1,`else`:{`@if`:{`exists`:" PROP(
         "nothing") ",`then`:2,`else`:{`@if`:{`exists`:" PROP("yes") ",`then`:3}}}}}}",
     "3"},
    /* @arrayPath */
    {"{`@arrayPath`:[`$.properties.products`,{`id`:" P("$.product_id") ",`price`:" P("price") "}]}",
     "[{`id`:`p1`,`price`:5},{`id`:`p3`}]"},
    {"{`@arrayPath`:[`$.properties.products`,{`name`:" P("name") "}]}", "[]"},
    {"{`@arrayPath`:[`$.properties.products`," P("tags") "]}", "[[`x`,`y`]]"},
    {"{`@arrayPath`:[`$.properties.products`,{`@template`:`{{sku}}`}]}", "[`s2`]"},
    {"{`@arrayPath`:[`$.properties.products`,{`kind`:`x`}]}",
     "[{`kind`:`x`},{`kind`:`x`},{`kind`:`x`},{`kind`:`x`},{`kind`:`x`}]"},
    {"{`@arrayPath`:[`$.properties`,{`total`:" P("$.total") ",`x`:" P("$.x") "}]}",
     "[{`total`:19.9}]"},
    {"{`@arrayPath`:[`$.properties`,{`x`:" P("$.x") ",`nothing`:" P("$.nothing") ",`e`:" P(
         "empty") "}]}",
     "[]"},
    {"{`@arrayPath`:[`$.properties.list`]}", "[`a`,`b`]"},
    {"{`@arrayPath`:[`$.properties.list`,{}]}", "[`a`,`b`]"},
    {"{`@arrayPath`:[`$.properties.list`,null]}", "[`a`,`b`]"},
    {"{`@arrayPath`:[`$.properties.list`," P("$") "]}", "[`a`,`b`]"},
    {"{`@arrayPath`:[`$.properties.absent`,{`a`:1}]}", "absent"},
    {"{`@arrayPath`:[`$.properties.nothing`,{`a`:1}]}", "null"},
    {"{`@arrayPath`:[`$.properties.email`,{`a`:1}]}", "`Jane@Example.COM`"},
    {"{`@arrayPath`:[`$.properties.none`,{`a`:1}]}", "[]"},
    {"{`@arrayPath`:[" PROP("list") "," P("$") "]}", "[`a`,`b`]"},
    {"{`@arrayPath`:[{`@json`:{`mode`:`decode`,`value`:" PROP("json") "}},{`n`:" P("a[0]") "}]}",
     "[{`n`:1}]"},
    {"{`@arrayPath`:[`$.properties.products`,{`t`:{`@arrayPath`:[`$.tags`,{`v`:" P("$") "}]}}]}",
     "[{`t`:[{`v`:`x`},{`v`:`y`}]}]"},
    /* inside a list, a path starts at the item: the name of a call's root too */
    {"{`@arrayPath`:[`$.properties.products`,{`t`:" P("$.type") ",`p`:" P("product_id") "}]}",
     "[{`p`:`p1`},{`p`:`p3`}]"},
    /* @case */
    {"{`@case`:{`operator`:`lower`,`value`:" PROP("email") "}}", "`jane@example.com`"},
    {"{`@case`:{`operator`:`upper`,`value`:" PROP("email") "}}", "`JANE@EXAMPLE.COM`"},
    {"{`@case`:{`operator`:`upper`,`value`:" PROP("umlaut") "}}", "`STRASSE ÄÖÜ`"},
    {"{`@case`:{`operator`:`lower`,`value`:" PROP("umlaut") "}}", "`straße äöü`"},
    {"{`@case`:{`operator`:`lower`,`value`:`ABC`}}", "`abc`"},
    {"{`@case`:{`operator`:`lower`,`value`:" PROP("total") "}}", "19.9"},
    {"{`@case`:{`operator`:`lower`,`value`:" PROP("list") "}}", "[`a`,`b`]"},
    {"{`@case`:{`operator`:`lower`,`value`:" PROP("absent") "}}", "absent"},
    {"{`@case`:{`operator`:`lower`,`value`:{`@template`:`{{properties.email}}X`}}}",
     "`jane@example.comx`"},
    /* @replace */
    {"{`@replace`:{`pattern`:`-`,`value`:`a-b-c`}}", "`abc`"},
    {"{`@replace`:{`pattern`:`-`,`replacement`:`+`,`value`:`a-b-c`}}", "`a+b+c`"},
    {"{`@replace`:{`pattern`:`-`,`replacement`:`+`,`global`:false,`value`:`a-b-c`}}", "`a+b-c`"},
    {"{`@replace`:{`pattern`:`AN`,`replacement`:`_`,`value`:" PROP("email") "}}",
     "`Jane@Example.COM`"},
    {"{`@replace`:{`pattern`:`AN`,`replacement`:`_`,`ignorecase`:true,`value`:" PROP("email") "}}",
     "`J_e@Example.COM`"},
    {"{`@replace`:{`pattern`:`äöü`,`replacement`:`_`,`ignorecase`:true,`value`:" PROP(
         "umlaut") "}}",
     "`Straße _`"},
    {"{`@replace`:{`pattern`:`.`,`replacement`:`_`,`value`:" PROP("email") "}}",
     "`Jane@Example_COM`"},
    {"{`@replace`:{`pattern`:`(`,`pattern2`:`)`,`value`:" PROP("phone") "}}", "`+1 213 373-4253`"},
    {"{`@replace`:{`pattern`:` `,`replacement`:`-`,`pattern2`:`--`,`replacement2`:`!`,"
     "`value`:`a  b c`}}",
     "`a!b-c`"},
    {"{`@replace`:{`pattern`:`a`,`replacement`:`aa`,`value`:`aaa`}}", "`aaaaaa`"},
    {"{`@replace`:{`pattern`:`aa`,`replacement`:`b`,`value`:`aaa`}}", "`ba`"},
    {"{`@replace`:{`pattern`:`b`,`replacement`:`$&`,`value`:`abc`}}", "`a$&c`"},
    {"{`@replace`:{`pattern`:`true`,`replacement`:`T`,`value`:" PROP("yes") "}}", "`T`"},
    {"{`@replace`:{`pattern`:`.`,`replacement`:`,`,`value`:" PROP("total") "}}", "`19,9`"},
    {"{`@replace`:{`pattern`:`a`,`value`:" PROP("absent") "}}", "absent"},
    {"{`@replace`:{`pattern`:`a`,`value`:" PROP("list") "}}", "absent"},
    {"{`@replace`:{`pattern`:`a`,`value`:" PROP("o") "}}", "absent"},
    {"{`@replace`:{`pattern`:`longer than it`,`value`:`a`}}", "`a`"},
    {"{`@replace`:{`pattern`:`©`,`ignorecase`:true,`value`:`é©é`}}", "`éé`"},
    /* The Kelvin sign is a capital k of three bytes. */
    {"{`@replace`:{`pattern`:`k`,`ignorecase`:true,`value`:`1 \u212A 2 K 3`}}", "`1  2  3`"},
    {"{`@replace`:{`pattern`:`\u212Ag`,`ignorecase`:true,`value`:`1 kg k`}}", "`1  k`"},
    /* @merge */
    {"{`@merge`:{`direction`:`right`,`objects`:[" P("traits") "," P("context") "]}}",
     "{`a`:2,`email`:`t@x.y`,`c`:3}"},
    {"{`@merge`:{`direction`:`left`,`objects`:[" P("traits") "," P("context") "]}}",
     "{`a`:1,`email`:`t@x.y`,`c`:3}"},
    {"{`@merge`:{`direction`:`right`,`objects`:[{`a`:1,`b`:1},{`b`:2}]}}", "{`a`:1,`b`:2}"},
    {"{`@merge`:{`direction`:`left`,`objects`:[{`a`:1,`b`:1},{`b`:2,`c`:" P("type") "}]}}",
     "{`a`:1,`b`:1,`c`:`track`}"},
    {"{`@merge`:{`direction`:`right`,`objects`:[" P("nope") ",{`a`:1}," P("type") "]}}", "{`a`:1}"},
    {"{`@merge`:{`direction`:`right`,`objects`:[]}}", "{}"},
    {"{`@merge`:{`direction`:`right`,`objects`:[{`a`:{`b`:1}},{`a`:{`c`:2}}]}}", "{`a`:{`c`:2}}"},
    /* @flatten */
    {"{`@flatten`:{`separator`:`.`,`value`:" PROP("nested") "}}",
     "{`a`:1,`b.c`:null,`b.d.e`:`x`,`b.d.f`:null,`l.0`:1,`l.1.g`:2,`l.1.h`:null,`m`:null}"},
    {"{`@flatten`:{`separator`:`__`,`omitArrays`:true,`value`:" PROP("nested") "}}",
     "{`a`:1,`b__c`:null,`b__d__e`:`x`,`b__d__f`:null,`l`:[1,{`g`:2,`h`:null}],`m`:null}"},
    {"{`@flatten`:{`separator`:`.`,`value`:" PROP("list") "}}", "{`0`:`a`,`1`:`b`}"},
    {"{`@flatten`:{`separator`:`.`,`value`:" PROP("total") "}}", "19.9"},
    {"{`@flatten`:{`separator`:`.`,`value`:" PROP("absent") "}}", "absent"},
    {"{`@flatten`:{`separator`:`.`,`value`:" PROP("o") "}}", "{}"},
    {"{`@flatten`:{`separator`:`.`,`value`:{`a`:{`b`:" P("type") "}}}}", "{`a.b`:`track`}"},
    {"{`@flatten`:{`separator`:`.`,`value`:{`a.b`:`x`,`a`:{`b`:" P("type") "}}}}",
     "{`a.b`:`track`}"},
    /* @json */
    {"{`@json`:{`mode`:`encode`,`value`:" PROP("nested.l") "}}", "`[1,{\\`g\\`:2,\\`h\\`:null}]`"},
    {"{`@json`:{`mode`:`encode`,`value`:{`a`:" P("type") ",`b`:1.50}}}",
     "`{\\`a\\`:\\`track\\`,\\`b\\`:1.5}`"},
    {"{`@json`:{`mode`:`encode`,`value`:" P("type") "}}", "`\\`track\\``"},
    {"{`@json`:{`mode`:`encode`,`value`:" PROP("absent") "}}", "absent"},
    {"{`@json`:{`mode`:`encode`,`value`:" PROP("nothing") "}}", "`null`"},
    {"{`@json`:{`mode`:`decode`,`value`:" PROP("json") "}}", "{`a`:[1,{`b`:null}]}"},
    {"{`@json`:{`mode`:`decode`,`value`:" PROP("notjson") "}}", "`{a:1}`"},
    {"{`@json`:{`mode`:`decode`,`value`:" PROP("total") "}}", "19.9"},
    {"{`@json`:{`mode`:`decode`,`value`:" PROP("absent") "}}", "absent"},
    {"{`@json`:{`mode`:`decode`,`value`:`[1,2] x`}}", "`[1,2] x`"},
    {"{`@json`:{`mode`:`decode`,`value`:`[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]`}}",
     "`[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]`"}, /* deeper than a call may be */
    /* @transform */
    {"{`@transform`:{`apply`:{`x`:" PROP("total") "},`mapping`:{`y`:" P("$.x") ",`z`:" P(
         "type") "}}}",
     "{`y`:19.9}"},
    {"{`@transform`:{`apply`:" P("properties") ",`mapping`:" P("email") "}}", "`Jane@Example.COM`"},
    {"{`@transform`:{`apply`:{`type`:`inner`},`mapping`:{`@template`:`{{type}}`}}}", "`inner`"},
    {"{`@transform`:{`apply`:{`l`:{`@arrayPath`:[`$.properties.products`,{`id`:" P(
         "product_id") "}]}},`mapping`:{`@arrayPath`:[`$.l`,{`content_id`:" P("id") "}]}}}",
     "[{`content_id`:`p1`},{`content_id`:`p3`}]"},
    {"{`@transform`:{`apply`:" P("nope") ",`mapping`:{`a`:" P("type") ",`b`:1}}}", "{`b`:1}"},
    /* @excludeWhenNull */
    {"{`@excludeWhenNull`:" PROP("nothing") "}", "absent"},
    {"{`@excludeWhenNull`:" PROP("absent") "}", "absent"},
    {"{`@excludeWhenNull`:" PROP("total") "}", "19.9"},
    {"{`@excludeWhenNull`:" PROP("empty") "}", "``"},
    {"{`@excludeWhenNull`:" PROP("nested") "}",
     "{`a`:1,`b`:{`d`:{`e`:`x`}},`l`:[1,{`g`:2,`h`:null}]}"},
    {"{`@excludeWhenNull`:" PROP("o") "}", "{}"},
    {"{`@excludeWhenNull`:" PROP("products") "}",
     "[{`product_id`:`p1`,`price`:5,`name`:``},{`sku`:`s2`},7,null,"
     "{`product_id`:`p3`,`price`:null,`tags`:[`x`,`y`]}]"},
    /* all in one another */
    {"{`@case`:{`operator`:`upper`,`value`:{`@replace`:{`pattern`:`@`,`replacement`:` at `,`value`:"
     "{`@if`:{`exists`:" PROP("blank") ",`then`:`x`,`else`:{`@template`:`<{{properties.email}}>`}}}"
                                       "}}}}",
     "`<JANE AT EXAMPLE.COM>`"},
    {"{`@json`:{`mode`:`encode`,`value`:{`@flatten`:{`separator`:`-`,`value`:{`@merge`:{"
     "`direction`:"
     "`right`,`objects`:[{`@excludeWhenNull`:" P("traits") "},{`n`:{`@literal`:{`v`:" P(
         "type") "}}}]}}}}}}",
     "`{\\`a\\`:1,\\`email\\`:\\`t@x.y\\`,\\`n-v\\`:\\`track\\`}`"},
};

static const struct node *compile(const char *value)
{
    const struct node *n = NULL;
    struct fault why = {0};
    if (directive_compile(&kit, kit_json(value), "$.f", &n, &why) < 0) {
        fail_msg("%s: %s: %s", value, why.path, why.message);
    }
    return n;
}

static void a_value_comes_to_what_its_directives_say(void **state)
{
    const struct json *data = kit_json(call);
    const char *before = kit_written(data);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct run r = {.a = &kit};
        path_read_roots(&r.roots, data);
        const char *got = kit_written(directive_resolve(&r, compile(rows[i].value), data));
        assert_int_equal(r.err, 0);
        if (strcmp(got, kit_text(rows[i].result)) != 0) fail_msg("%s: %s", rows[i].value, got);
    }
    assert_string_equal(kit_written(data), before);
}

static void the_second_time_is_like_the_first(void **state)
{
    const struct json *data = kit_json(call);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct node *n = compile(rows[i].value);
        for (int time = 0; time < 2; time++) {
            struct run r = {.a = &kit};
            path_read_roots(&r.roots, data);
            const char *got = kit_written(directive_resolve(&r, n, data));
            assert_string_equal(got, kit_text(rows[i].result));
        }
    }
}

static void a_full_arena_is_no_memory(void **state)
{
    const struct json *data = kit_json(call);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct node *n = compile(rows[i].value);
        struct run r = {.err = TILLPOST_E_NO_MEMORY};
        for (size_t max = 0; r.err < 0; max += 48) {
            struct arena small;
            arena_init(&small, 256, max);
            r = (struct run){.a = &small};
            path_read_roots(&r.roots, data);
            const struct json *v = directive_resolve(&r, n, data);
            if (r.err == 0) assert_string_equal(kit_written(v), kit_text(rows[i].result));
            if (r.err < 0) assert_null(v);
            assert_true(r.err == 0 || r.err == TILLPOST_E_NO_MEMORY);
            arena_free(&small);
        }
    }
}

/* A call with a text of 30 KB, and values that make more than 64 KiB of it. */
static const struct {
    const char *value;
    int err;
} large[] = {
    {"{`@template`:`{{t}}{{t}}`}", 0},
    {"{`@template`:`{{t}}{{t}}{{t}}`}", TILLPOST_E_TOO_LARGE},
    {"{`@replace`:{`pattern`:`t`,`replacement`:`1234`,`value`:{`@path`:`t`}}}",
     TILLPOST_E_TOO_LARGE},
    {"{`@replace`:{`pattern`:`t`,`replacement`:`tt`,`pattern2`:`t`,`replacement2`:`tt`,"
     "`value`:{`@path`:`t`}}}",
     TILLPOST_E_TOO_LARGE},
    {"{`@replace`:{`pattern`:`t`,`replacement`:`1234`,`pattern2`:`1234`,`replacement2`:``,"
     "`value`:{`@path`:`t`}}}",
     TILLPOST_E_TOO_LARGE},
    {"{`@case`:{`operator`:`upper`,`value`:{`@path`:`t`}}}", 0},
    {"{`@case`:{`operator`:`upper`,`value`:{`@template`:`{{t}}{{t}}`}}}", 0},
    {"{`@json`:{`mode`:`encode`,`value`:[{`@path`:`t`},{`@path`:`t`}]}}", 0},
    {"{`@json`:{`mode`:`encode`,`value`:[{`@path`:`t`},{`@path`:`t`},{`@path`:`t`}]}}",
     TILLPOST_E_TOO_LARGE},
    {"{`@json`:{`mode`:`decode`,`value`:{`@template`:`[{{t}}]`}}}", 0},
    {"{`a`:{`@template`:`{{t}}{{t}}{{t}}`},`b`:{`@path`:`t`}}", TILLPOST_E_TOO_LARGE},
    {"{`@flatten`:{`separator`:`.`,`value`:{`@path`:`deep`}}}", 0},
};

static void a_text_is_at_most_64_kilobytes(void **state)
{
    enum { TEXT_BYTES = 30000 };
    static char text[2 * TEXT_BYTES + 100];
    int head = snprintf(text, sizeof text, "{\"deep\":{\"x\":1},\"t\":\"");
    memset(text + head, 't', TEXT_BYTES);
    (void)snprintf(text + head + TEXT_BYTES, 3, "\"}");
    const struct json *data = kit_json(text);
    for (size_t i = 0; i < sizeof large / sizeof large[0]; i++) {
        struct run r = {.a = &kit};
        path_read_roots(&r.roots, data);
        const struct json *v = directive_resolve(&r, compile(large[i].value), data);
        if (r.err != large[i].err) fail_msg("%s: %d", large[i].value, r.err);
        assert_true((v == NULL) == (r.err < 0));
    }
}

/* A text made of a number that a double does not hold would be another's id. */
static const struct {
    const char *value;
    int err;
} long_numbers[] = {
    {"{`@path`:`big`}", 0},
    {"{`@template`:`{{kept}}`}", 0},
    {"{`@template`:`{{big}}`}", TILLPOST_E_BAD_FIELD},
    {"{`@template`:`{{kept}}-{{within.id}}`}", TILLPOST_E_BAD_FIELD},
    {"{`@template`:{`@literal`:`{{big}}`}}", TILLPOST_E_BAD_FIELD},
    {"{`@replace`:{`value`:{`@path`:`kept`},`pattern`:`9`,`replacement`:`8`}}", 0},
    {"{`@replace`:{`value`:{`@path`:`big`},`pattern`:`9`,`replacement`:`8`}}",
     TILLPOST_E_BAD_FIELD},
    {"{`@json`:{`mode`:`encode`,`value`:{`@path`:`kept`}}}", 0},
    {"{`@json`:{`mode`:`encode`,`value`:{`@path`:`within`}}}", TILLPOST_E_BAD_FIELD},
    {"{`@case`:{`operator`:`lower`,`value`:{`@path`:`big`}}}", 0},
    {"{`@flatten`:{`separator`:`.`,`value`:{`@path`:`within`}}}", 0},
    {"{`@if`:{`exists`:{`@path`:`absent`},`then`:{`@template`:`{{big}}`},`else`:`x`}}", 0},
};

static void no_text_is_made_of_a_number_of_more_than_15_digits(void **state)
{
    const struct json *data = kit_json("{`kept`:999999999999999,`big`:7000000000000000001,"
                                       "`within`:{`id`:[7000000000000000001]}}");
    for (size_t i = 0; i < sizeof long_numbers / sizeof long_numbers[0]; i++) {
        struct run r = {.a = &kit};
        path_read_roots(&r.roots, data);
        const struct json *v = directive_resolve(&r, compile(long_numbers[i].value), data);
        if (r.err != long_numbers[i].err || (v == NULL) != (r.err < 0))
            fail_msg("%s: %d %s", long_numbers[i].value, r.err, kit_written(v));
    }
}

static const struct {
    const char *value;
    bool blank;
} blanks[] = {
    {"null", true},  {"``", true},           {"` \\t\\u00a0`", true},
    {"[]", true},    {"[``,null,[]]", true}, {"[[[` `]]]", true},
    {"0", false},    {"false", false},       {"`a`", false},
    {"[0]", false},  {"[``,`a`]", false},    {"{}", false},
    {"[{}]", false}, {"{`a`:null}", false},
};

static void null_and_white_space_and_lists_of_it_are_blank(void **state)
{
    assert_true(directive_is_blank(NULL));
    for (size_t i = 0; i < sizeof blanks / sizeof blanks[0]; i++) {
        if (directive_is_blank(kit_json(blanks[i].value)) != blanks[i].blank) {
            fail_msg("%s", blanks[i].value);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_comes_to_what_its_directives_say),
        cmocka_unit_test(the_second_time_is_like_the_first),
        cmocka_unit_test(a_full_arena_is_no_memory),
        cmocka_unit_test(a_text_is_at_most_64_kilobytes),
        cmocka_unit_test(no_text_is_made_of_a_number_of_more_than_15_digits),
        cmocka_unit_test(null_and_white_space_and_lists_of_it_are_blank),
    };
    return cmocka_run_group_tests(tests, kit_open, kit_close);
}
