/* template_test.c: texts with {{paths}} in them. */
#include "mapping_kit.h"

#include "mapping/template.h"

static const char data[] =
    "{`type`:`track`,`properties`:{`name`:`O'Neill & Söhne <x>`,`n`:5,`price`:19.90,"
    "`yes`:true,`no`:false,`nothing`:null,`blank`:` `,`list`:[`a`,1,null,[`b`,`c`],true],"
    "`empty`:[],"
    "`o`:{`a`:[1]},`my key`:`k`,`braces`:`{{type}}`,`items`:[{`id`:`x`},{`id`:`y`}]}}";

static const struct {
    const char *template, *text; /* ` is the quote */
} rows[] = {
    {"", ""},
    {"no braces", "no braces"},
    {"{{type}}", "track"},
    {"{{{type}}}", "track"},
    {"{{ type }}", "track"},
    {"{{$.type}}", "track"},
    {"a {{type}} b {{properties.n}} c", "a track b 5 c"},
    {"{{type}}{{type}}", "tracktrack"},
    {"{{properties.name}}", "O'Neill & Söhne <x>"},
    {"{{{properties.name}}}", "O'Neill & Söhne <x>"},
    {"{{properties.price}}", "19.9"},
    {"{{properties.yes}} {{properties.no}}", "true false"},
    {"[{{properties.nothing}}]", "[]"},
    {"[{{properties.absent}}]", "[]"},
    {"[{{properties.blank}}]", "[ ]"},
    {"{{properties.list}}", "a,1,,b,c,true"},
    {"[{{properties.empty}}]", "[]"},
    {"{{properties.list[1]}}", "1"},
    {"{{properties.items.id}}", "x,y"},
    {"{{properties.items[1].id}}", "y"},
    {"{{properties.o}}", "{`a`:[1]}"},
    {"{{properties['my key']}}", "k"},
    {"{{properties.my key}}", "k"},
    {"{{properties.braces}}", "{{type}}"},
    /* braces that are none */
    {"{type}", "{type}"},
    {"{{type}", "{{type}"},
    {"{{type", "{{type"},
    {"{{", "{{"},
    {"{{}}", "{{}}"},
    {"{{ }}", "{{ }}"},
    {"{{{}}}", "}"}, /* the path "{" */
    {"{{ty}pe}}", "{{ty}pe}}"},
    {"}}{{type}}{{", "}}track{{"},
    {"{{type}}}", "track}"},
    {"{{{type}}", ""}, /* the path "{type", as Segment has it */
    {"{ {{type}} }", "{ track }"},
    {"Bestellung für {{type}} €", "Bestellung für track €"},
};

static const struct template *parse(const char *text)
{
    const struct template *t = NULL;
    struct fault why = {0};
    if (template_parse(&kit, str_from(text), &t, &why) < 0) fail_msg("%s: %s", text, why.message);
    return t;
}

static void braces_become_what_their_path_finds(void **state)
{
    struct path_roots roots;
    path_read_roots(&roots, kit_json(data));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf b;
        buf_init(&b, 1000);
        int err = template_write(parse(rows[i].template), &roots, roots.call, &kit, &b);
        assert_int_equal(err, TILLPOST_OK);
        assert_false(b.failed);
        if (!str_is(buf_str(&b), kit_text(rows[i].text))) {
            fail_msg("%s: %s", rows[i].template, b.p ? b.p : "");
        }
        buf_free(&b);
    }
}

static void a_path_that_never_ends_is_refused(void **state)
{
    const struct template *t = NULL;
    struct fault why = {0};
    assert_int_equal(template_parse(&kit, STR("x {{a['b}} y"), &t, &why), TILLPOST_E_CONFIG);
    assert_string_equal(why.message,
                        "the path \"a['b\" opens a name at column 3 and never closes it with '");
}

/* What a double keeps of a whole number has a text; the rest would be another's number. */
static const struct {
    const char *number;
    const char *text; /* NULL: refused */
} numbers[] = {
    {"0", "0"},
    {"-0", "0"},
    {"-5", "-5"},
    {"999999999999999", "999999999999999"},
    {"-999999999999999", "-999999999999999"},
    {"1000000000000000", NULL},
    {"-1000000000000000", NULL},
    {"7000000000000000001", NULL},
    {"1e15", NULL},
    {"1e400", NULL},
    {"32.839999999999996", "32.84"}, /* a register's float noise is no id */
    {"1234567890.1234567", "1234567890.12346"},
    {"1e-7", "1e-07"},
    {"[1,[2,7000000000000000001]]", NULL},
    {"{`a`:{`b`:7000000000000000001}}", NULL},
    {"`7000000000000000001`", "7000000000000000001"},
};

static void a_number_of_more_than_15_digits_becomes_no_text(void **state)
{
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct path_roots roots;
        struct buf b;
        char call[100];
        (void)snprintf(call, sizeof call, "{`properties`:{`n`:%s}}", numbers[i].number);
        path_read_roots(&roots, kit_json(call));
        buf_init(&b, 1000);
        int err = template_write(parse("<{{properties.n}}>"), &roots, roots.call, &kit, &b);
        char wanted[100] = "<";
        if (numbers[i].text != NULL) (void)snprintf(wanted, sizeof wanted, "<%s>", numbers[i].text);
        if (err != (numbers[i].text != NULL ? TILLPOST_OK : TILLPOST_E_BAD_FIELD) ||
            !str_is(buf_str(&b), wanted))
            fail_msg("%s: %d %s", numbers[i].number, err, b.p);
        buf_free(&b);
    }
}

static void a_text_that_does_not_fit_is_known_to_the_buffer(void **state)
{
    struct path_roots roots;
    struct buf b;
    path_read_roots(&roots, kit_json(data));
    buf_init(&b, 4);
    assert_int_equal(template_write(parse("{{type}}"), &roots, roots.call, &kit, &b), TILLPOST_OK);
    assert_true(b.failed);
    buf_free(&b);
}

static void a_full_arena_is_no_memory(void **state)
{
    for (size_t max = 0;; max += 16) {
        struct arena small;
        const struct template *t = NULL;
        arena_init(&small, 64, max);
        int err = template_parse(&small, STR("a {{b.c}} d {{e}}"), &t, NULL);
        arena_free(&small);
        if (err == TILLPOST_OK) break;
        assert_int_equal(err, TILLPOST_E_NO_MEMORY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(braces_become_what_their_path_finds),
        cmocka_unit_test(a_number_of_more_than_15_digits_becomes_no_text),
        cmocka_unit_test(a_path_that_never_ends_is_refused),
        cmocka_unit_test(a_text_that_does_not_fit_is_known_to_the_buffer),
        cmocka_unit_test(a_full_arena_is_no_memory),
    };
    return cmocka_run_group_tests(tests, kit_open, kit_close);
}
