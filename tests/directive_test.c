/* directive_test.c: values of a mapping that are wrong, and where the message says they are. */
#include "mapping_kit.h"

#include "mapping/directive.h"

#define LONG256                                                        \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ALL                                                                                     \
    "there are @path @template @literal @arrayPath @excludeWhenNull @if @case @replace @merge " \
    "@flatten @json @transform"

static const struct {
    const char *value; /* ` is the quote */
    const char *path, *message;
} rows[] = {
    /* the name */
    {"{`@pth`:`x`}", "$.f", "there is no directive @pth; did you mean @path?"},
    {"{`@Path`:`x`}", "$.f", "there is no directive @Path; did you mean @path?"},
    {"{`@arraypath`:[`x`]}", "$.f", "there is no directive @arraypath; did you mean @arrayPath?"},
    {"{`@excludeWhenBlank`:1}", "$.f", "there is no directive @excludeWhenBlank; " ALL},
    {"{`@liquid`:`x`}", "$.f", "there is no directive @liquid; " ALL},
    {"{`@`:`x`}", "$.f", "there is no directive @; " ALL},
    /* one directive, alone */
    {"{`@path`:`x`,`@template`:`y`}", "$.f",
     "an object holds one directive; here are @path and @template"},
    {"{`@path`:`x`,`a`:1}", "$.f",
     "a directive is the only key of its object; \"a\" stands beside @path"},
    {"{`a`:1,`@path`:`x`}", "$.f",
     "a directive is the only key of its object; \"a\" stands beside @path"},
    /* the place, at any depth */
    {"{`a`:{`b`:[1,{`@pth`:`x`}]}}", "$.f.a.b[1]",
     "there is no directive @pth; did you mean @path?"},
    {"[[{`@pth`:`x`}]]", "$.f[0][0]", "there is no directive @pth; did you mean @path?"},
    {"{`@literal`:{`@pth`:`x`}}", "$.f.@literal",
     "there is no directive @pth; did you mean @path?"},
    {"{`@if`:{`exists`:1,`then`:{`a`:{`@pth`:`x`}}}}", "$.f.@if.then.a",
     "there is no directive @pth; did you mean @path?"},
    {"{`@if`:{`exists`:{`@pth`:`x`},`then`:1}}", "$.f.@if.exists",
     "there is no directive @pth; did you mean @path?"},
    {"{`@arrayPath`:[`$.x`,{`price`:{`@pth`:`x`}}]}", "$.f.@arrayPath[1].price",
     "there is no directive @pth; did you mean @path?"},
    {"{`@arrayPath`:[{`@pth`:`x`}]}", "$.f.@arrayPath[0]",
     "there is no directive @pth; did you mean @path?"},
    {"{`@merge`:{`direction`:`left`,`objects`:[{},{`@pth`:1}]}}", "$.f.@merge.objects[1]",
     "there is no directive @pth; did you mean @path?"},
    {"{`@transform`:{`apply`:{`a`:{`@pth`:1}},`mapping`:{}}}", "$.f.@transform.apply.a",
     "there is no directive @pth; did you mean @path?"},
    {"{`@excludeWhenNull`:{`@pth`:1}}", "$.f.@excludeWhenNull",
     "there is no directive @pth; did you mean @path?"},
    {"{`@path`:{`@pth`:1}}", "$.f.@path", "there is no directive @pth; did you mean @path?"},
    {"{`@template`:{`@pth`:1}}", "$.f.@template",
     "there is no directive @pth; did you mean @path?"},
    /* @path, @template */
    {"{`@path`:5}", "$.f.@path", "must be a text or a directive, not a number"},
    {"{`@path`:null}", "$.f.@path", "must be a text or a directive, not null"},
    {"{`@path`:[`a`,`b`]}", "$.f.@path", "must be a text or a directive, not a list"},
    {"{`@path`:{}}", "$.f.@path", "must be a text or a directive, not an object"},
    {"{`@path`:{`a`:1}}", "$.f.@path", "must be a text or a directive, not an object"},
    {"{`@path`:`a['b`}", "$.f.@path",
     "the path \"a['b\" opens a name at column 3 and never closes it with '"},
    {"{`@path`:`a[0`}", "$.f.@path",
     "the path \"a[0\" opens a name at column 2 and never closes it with ]"},
    {"{`@template`:true}", "$.f.@template", "must be a text or a directive, not true or false"},
    {"{`@template`:{`a`:1}}", "$.f.@template", "must be a text or a directive, not an object"},
    {"{`@template`:`{{a['b}}`}", "$.f.@template",
     "the path \"a['b\" opens a name at column 3 and never closes it with '"},
    /* @if */
    {"{`@if`:`x`}", "$.f.@if", "@if takes an object of arguments, not a text"},
    {"{`@if`:null}", "$.f.@if", "@if takes an object of arguments, not null"},
    {"{`@if`:[]}", "$.f.@if", "@if takes an object of arguments, not a list"},
    {"{`@if`:{}}", "$.f.@if", "@if needs \"exists\" or \"blank\""},
    {"{`@if`:{`then`:1}}", "$.f.@if", "@if needs \"exists\" or \"blank\""},
    {"{`@if`:{`exists`:1}}", "$.f.@if", "@if needs \"then\" or \"else\""},
    {"{`@if`:{`exist`:1,`then`:2}}", "$.f.@if",
     "@if has no argument \"exist\"; did you mean exists?"},
    {"{`@if`:{`exists`:1,`then`:2,`otherwise`:3}}", "$.f.@if", "@if has no argument \"otherwise\""},
    {"{`@if`:{`@path`:`x`}}", "$.f.@if", "@if has no argument \"@path\""},
    /* @arrayPath */
    {"{`@arrayPath`:`$.x`}", "$.f.@arrayPath",
     "@arrayPath takes a list of a path and the shape of an item"},
    {"{`@arrayPath`:[]}", "$.f.@arrayPath",
     "@arrayPath takes a list of a path and the shape of an item"},
    {"{`@arrayPath`:[`$.x`,{},{}]}", "$.f.@arrayPath",
     "@arrayPath takes a list of a path and the shape of an item"},
    {"{`@arrayPath`:[5,{}]}", "$.f.@arrayPath[0]", "must be a text or a directive, not a number"},
    {"{`@arrayPath`:[{`a`:1}]}", "$.f.@arrayPath[0]",
     "must be a text or a directive, not an object"},
    {"{`@arrayPath`:[`a['`,{}]}", "$.f.@arrayPath[0]",
     "the path \"a['\" opens a name at column 3 and never closes it with '"},
    {"{`@arrayPath`:[`$.x`,`y`]}", "$.f.@arrayPath[1]",
     "must be an object or a directive, not a text"},
    {"{`@arrayPath`:[`$.x`,[{}]]}", "$.f.@arrayPath[1]",
     "must be an object or a directive, not a list"},
    /* @case */
    {"{`@case`:{}}", "$.f.@case", "@case needs \"operator\""},
    {"{`@case`:{`operator`:`lower`}}", "$.f.@case", "@case needs \"value\""},
    {"{`@case`:{`value`:`x`}}", "$.f.@case", "@case needs \"operator\""},
    {"{`@case`:{`operator`:`title`,`value`:`x`}}", "$.f.@case.operator",
     "must be \"lower\" or \"upper\""},
    {"{`@case`:{`operator`:{`@path`:`x`},`value`:`x`}}", "$.f.@case.operator",
     "must be \"lower\" or \"upper\""},
    {"{`@case`:{`operator`:`lower`,`value`:5}}", "$.f.@case.value",
     "must be a text or a directive, not a number"},
    {"{`@case`:{`operator`:null,`value`:`x`}}", "$.f.@case", "@case needs \"operator\""},
    /* @replace */
    {"{`@replace`:{`value`:`x`}}", "$.f.@replace", "@replace needs \"pattern\""},
    {"{`@replace`:{`pattern`:`x`}}", "$.f.@replace", "@replace needs \"value\""},
    {"{`@replace`:{`pattern`:``,`value`:`x`}}", "$.f.@replace.pattern",
     "must be a text of 1 to 256 bytes"},
    {"{`@replace`:{`pattern`:`" LONG256 "0`,`value`:`x`}}", "$.f.@replace.pattern",
     "must be a text of 1 to 256 bytes"},
    {"{`@replace`:{`pattern`:5,`value`:`x`}}", "$.f.@replace.pattern",
     "must be a text of 1 to 256 bytes"},
    {"{`@replace`:{`pattern`:`x`,`replacement`:5,`value`:`x`}}", "$.f.@replace.replacement",
     "must be a text of at most 256 bytes"},
    {"{`@replace`:{`pattern`:`x`,`replacement`:`" LONG256 "0`,`value`:`x`}}",
     "$.f.@replace.replacement", "must be a text of at most 256 bytes"},
    {"{`@replace`:{`pattern`:`x`,`value`:`x`,`pattern2`:true}}", "$.f.@replace.pattern2",
     "must be a text of at most 256 bytes"},
    {"{`@replace`:{`pattern`:`x`,`value`:`x`,`replacement2`:{}}}", "$.f.@replace.replacement2",
     "must be a text of at most 256 bytes"},
    {"{`@replace`:{`pattern`:`x`,`value`:`x`,`ignorecase`:`yes`}}", "$.f.@replace.ignorecase",
     "must be true or false, not a text"},
    {"{`@replace`:{`pattern`:`x`,`value`:`x`,`global`:1}}", "$.f.@replace.global",
     "must be true or false, not a number"},
    {"{`@replace`:{`pattern`:`x`,`value`:7}}", "$.f.@replace.value",
     "must be a text or a directive, not a number"},
    {"{`@replace`:{`pattern`:`x`,`value`:`x`,`ignoreCase`:true}}", "$.f.@replace",
     "@replace has no argument \"ignoreCase\"; did you mean ignorecase?"},
    /* @merge */
    {"{`@merge`:{`objects`:[]}}", "$.f.@merge", "@merge needs \"direction\""},
    {"{`@merge`:{`direction`:`left`}}", "$.f.@merge", "@merge needs \"objects\""},
    {"{`@merge`:{`direction`:`up`,`objects`:[]}}", "$.f.@merge.direction",
     "must be \"left\" or \"right\""},
    {"{`@merge`:{`direction`:`left`,`objects`:{}}}", "$.f.@merge.objects",
     "must be a list of objects or directives, not an object"},
    {"{`@merge`:{`direction`:`left`,`objects`:[{},`x`]}}", "$.f.@merge.objects",
     "must be a list of objects or directives, not a list"},
    {"{`@merge`:[{},{}]}", "$.f.@merge", "@merge takes an object of arguments, not a list"},
    /* @flatten */
    {"{`@flatten`:{`value`:{}}}", "$.f.@flatten", "@flatten needs \"separator\""},
    {"{`@flatten`:{`separator`:`.`}}", "$.f.@flatten", "@flatten needs \"value\""},
    {"{`@flatten`:{`separator`:``,`value`:{}}}", "$.f.@flatten.separator",
     "must be a text of 1 to 256 bytes"},
    {"{`@flatten`:{`separator`:`.`,`value`:{},`omitArrays`:`no`}}", "$.f.@flatten.omitArrays",
     "must be true or false, not a text"},
    /* @json */
    {"{`@json`:{`value`:1}}", "$.f.@json", "@json needs \"mode\""},
    {"{`@json`:{`mode`:`encode`}}", "$.f.@json", "@json needs \"value\""},
    {"{`@json`:{`mode`:`stringify`,`value`:1}}", "$.f.@json.mode",
     "must be \"encode\" or \"decode\""},
    /* @transform */
    {"{`@transform`:{`apply`:{}}}", "$.f.@transform", "@transform needs \"mapping\""},
    {"{`@transform`:{`mapping`:{}}}", "$.f.@transform", "@transform needs \"apply\""},
    {"{`@transform`:{`apply`:`x`,`mapping`:{}}}", "$.f.@transform.apply",
     "must be an object or a directive, not a text"},
    {"{`@transform`:{`apply`:{},`mapping`:[]}}", "$.f.@transform.mapping",
     "must be an object or a directive, not a list"},
};

static int compile(struct arena *a, const char *value, const struct node **n, struct fault *why)
{
    return directive_compile(a, kit_json(value), "$.f", n, why);
}

static void a_wrong_value_is_refused_with_its_place(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct node *n = NULL;
        struct fault why = {0};
        int err = compile(&kit, rows[i].value, &n, &why);
        if (err != TILLPOST_E_CONFIG) fail_msg("%s: err %d", rows[i].value, err);
        assert_null(n);
        assert_int_equal(why.err, err);
        if (strcmp(why.message, rows[i].message) != 0 || strcmp(why.path, rows[i].path) != 0) {
            fail_msg("%s: %s: %s", rows[i].value, why.path, why.message);
        }
        assert_int_equal(compile(&kit, rows[i].value, &n, NULL), TILLPOST_E_CONFIG);
    }
}

/* What Segment's exports hold and what may be left out. */
static const char *const good[] = {
    "{`@path`:`$.x`,`_metadata`:{`label`:`x`,`type`:`variable`}}",
    "{`_metadata`:{},`@if`:{`exists`:{`@path`:`x`},`then`:1,`_metadata`:{}}}",
    "{`_metadata`:1}",
    "{`@if`:{`blank`:{`@path`:`x`},`else`:1}}",
    "{`@if`:{`exists`:null,`then`:null}}",
    "{`@arrayPath`:[`$.x`]}",
    "{`@arrayPath`:[`$.x`,null]}",
    "{`@arrayPath`:[`$.x`,{}]}",
    "{`@arrayPath`:[{`@path`:`$.x`},{`@path`:`y`}]}",
    "{`@replace`:{`value`:`x`,`pattern`:`" LONG256 "`,`replacement`:null,`ignorecase`:null,"
    "`global`:null,`pattern2`:``,`replacement2`:``}}",
    "{`@merge`:{`direction`:`left`,`objects`:[]}}",
    "{`@path`:``}",
    "{`@template`:``}",
    "{`@literal`:null}",
    "{`mail`:`a@b.c`,`@`:null}",
};

static void what_segment_exports_is_accepted(void **state)
{
    size_t last =
        sizeof good / sizeof good[0] - 1; /* the last one is not: a key that begins with @ */
    for (size_t i = 0; i <= last; i++) {
        const struct node *n = NULL;
        struct fault why = {0};
        int err = compile(&kit, good[i], &n, &why);
        if ((err == TILLPOST_OK) != (i < last)) fail_msg("%s: %s", good[i], why.message);
        assert_true((n != NULL) == (i < last));
    }
}

static int compile_nested(size_t depth, struct fault *why)
{
    struct buf b;
    const struct node *n = NULL;
    buf_init(&b, 10000);
    for (size_t i = 1; i < depth; i++) {
        buf_add_z(&b, "[");
    }
    buf_add_z(&b, "1");
    for (size_t i = 1; i < depth; i++) {
        buf_add_z(&b, "]");
    }
    int err = compile(&kit, b.p, &n, why);
    buf_free(&b);
    return err;
}

static void thirty_two_levels_are_enough(void **state)
{
    struct fault why = {0};
    assert_int_equal(compile_nested(32, &why), TILLPOST_OK);
    assert_int_equal(compile_nested(33, &why), TILLPOST_E_CONFIG);
    assert_string_equal(why.message, "nested more than 32 deep");
    assert_int_equal(strncmp(why.path, "$.f[0][0][0]", 12), 0);
}

static void a_place_that_is_too_long_is_cut(void **state)
{
    const struct node *n = NULL;
    struct fault why = {0};
    assert_int_equal(compile(&kit, "{`" LONG256 "`:{`" LONG256 "`:{`@pth`:1}}}", &n, &why),
                     TILLPOST_E_CONFIG);
    assert_int_equal(strlen(why.path), FAULT_PATH_MAX_BYTES - 1);
}

static void a_full_arena_is_no_memory(void **state)
{
    static const char value[] =
        "{`a`:{`@if`:{`exists`:{`@path`:`$.x`},`then`:{`@template`:`{{y}}`},`else`:{`@arrayPath`:["
        "`$.z`,{`b`:{`@replace`:{`value`:{`@path`:`v`},`pattern`:`p`}}}]}}},"
        "`c`:[1,`two`,true,null]}";
    for (size_t max = 0;; max += 16) {
        struct arena small;
        const struct node *n = NULL;
        struct fault why = {0};
        arena_init(&small, 64, max);
        int err = compile(&small, value, &n, &why);
        arena_free(&small);
        if (err == TILLPOST_OK) break;
        assert_int_equal(err, TILLPOST_E_NO_MEMORY);
        assert_string_equal(why.message, "the mapping is too large; make it smaller");
        assert_null(n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_value_is_refused_with_its_place),
        cmocka_unit_test(what_segment_exports_is_accepted),
        cmocka_unit_test(thirty_two_levels_are_enough),
        cmocka_unit_test(a_place_that_is_too_long_is_cut),
        cmocka_unit_test(a_full_arena_is_no_memory),
    };
    return cmocka_run_group_tests(tests, kit_open, kit_close);
}
