/* fql_test.c: triggers that are none, and what is said of them. */
#include "mapping_kit.h"

#include "mapping/fql.h"

#define VALUE "\"text\", a number, true, false or null"
#define TEST  "a field, a function, not or ("
#define OP    "one of = != > >= < <="
#define FIELDS                                                                           \
    "there are type, event, name, userId, anonymousId, messageId, groupId, previousId, " \
    "properties, traits, context and integrations"
#define DEEP32 "((((((((((((((((((((((((((((((((" /* 32 of them */
#define NUMBER "a number is written like 5, -5 or 19.90, without an exponent"

static const struct {
    const char *trigger; /* ` is the quote */
    size_t column;       /* in characters, from 1 */
    const char *message;
} rows[] = {
    {"", 1, "expected " TEST ", found the end"},
    {"   ", 4, "expected " TEST ", found the end"},
    {"event", 6, "expected " OP ", found the end"},
    {"event =", 8, "expected " VALUE ", found the end"},
    {"event = ", 9, "expected " VALUE ", found the end"},
    {"event == `x`", 8, "expected " VALUE ", found ="},
    {"event is `x`", 7, "expected " OP ", found is"},
    {"event ! `x`", 7, "expected " OP ", found !"},
    {"event contains `x`", 7, "expected " OP ", found contains"},
    {"event = x", 9, "expected " VALUE ", found x"},
    {"event = True", 9, "expected " VALUE ", found True"},
    {"event = properties.x", 9, "expected " VALUE ", found properties"},
    {"event = (`x`)", 9, "expected " VALUE ", found ("},
    {"event = “Order Completed”", 9, "expected " VALUE ", found “Order"},
    {"event = an_endless_word_without_quotes", 9,
     "expected " VALUE ", found an_endless_word_without_..."},
    {"`Order` = event", 1, "expected " TEST ", found \"Order\""},
    {"= `x`", 1, "expected " TEST ", found ="},
    {"5 = 5", 1, "expected " TEST ", found 5"},
    /* what follows a test */
    {"event = `x` event = `y`", 13, "expected and, or or the end, found event"},
    {"event = `x` AND type = `y`", 13, "expected and, or or the end, found AND"},
    {"event = `x` && type = `y`", 13, "no trigger has a & here; texts stand in quotes"},
    {"event = `x` || type = `y`", 13, "no trigger has a | here; texts stand in quotes"},
    {"event = `x`;", 12, "no trigger has a ; here; texts stand in quotes"},
    {"event = `x`)", 12, "expected and, or or the end, found )"},
    {"event = `x` and", 16, "expected " TEST ", found the end"},
    {"event = `x` or ", 16, "expected " TEST ", found the end"},
    {"event = `x` and or type = `y`", 17, "expected " TEST ", found or"},
    {"event = `x` and and type = `y`", 17, "expected " TEST ", found and"},
    {"and event = `x`", 1, "expected " TEST ", found and"},
    {"not", 4, "expected " TEST ", found the end"},
    {"!", 2, "expected " TEST ", found the end"},
    /* brackets */
    {"(event = `x`", 13, "expected and, or or ), found the end"},
    {"(event = `x` or (type = `y`)", 29, "expected and, or or ), found the end"},
    {"()", 2, "expected " TEST ", found )"},
    {"(event) = `x`", 7, "expected " OP ", found )"},
    {"(event = `x` type = `y`)", 14, "expected and, or or ), found type"},
    {"!(event = `x`", 14, "expected and, or or ), found the end"},
    /* fields */
    {"evnt = `x`", 1, "there is no field evnt; did you mean event?"},
    {"Event = `x`", 1, "there is no field Event; did you mean event?"},
    {"userid = `x`", 1, "there is no field userid; did you mean userId?"},
    {"type = `track` and propertes.x = 1", 20,
     "there is no field propertes; did you mean properties?"},
    {"timestamp = `x`", 1, "there is no field timestamp; " FIELDS},
    {"$.event = `x`", 1, "no trigger has a $ here; texts stand in quotes"},
    {"event.x = `x`", 6, "event has no fields below it"},
    {"userId[0] = `x`", 7, "userId has no fields below it"},
    {"properties. = 1", 13, "expected a name behind the dot, found ="},
    {"properties..x = 1", 12, "expected a name behind the dot, found ."},
    {"properties.", 12, "expected a name behind the dot, found the end"},
    {"properties.x.* = 1", 14, "no trigger has a * here; texts stand in quotes"},
    {"properties[x] = 1", 12, "expected a number or a name in quotes, found x"},
    {"properties[] = 1", 12, "expected a number or a name in quotes, found ]"},
    {"properties[-1] = 1", 12, "expected a number or a name in quotes, found -1"},
    {"properties[1.5] = 1", 12, "expected a number or a name in quotes, found 1.5"},
    {"properties[0 = 1", 14, "expected ], found ="},
    {"properties['x' = 1", 16, "expected ], found ="},
    {"properties.my key = 1", 15, "expected " OP ", found key"},
    {"properties.x\\", 13, "a backslash stands before the character it escapes"},
    {"properties.größe ? 1", 18, "no trigger has a ? here; texts stand in quotes"},
    {"properties.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a = 1", 74,
     "a path has at most 32 names"},
    /* texts */
    {"event = `x", 9, "the text that begins here has no closing \""},
    {"event = 'x`", 9, "the text that begins here has no closing '"},
    {"event = `x\\`", 9, "the text that begins here has no closing \""},
    {"type = `ä` and event = `x", 24, "the text that begins here has no closing \""},
    {"properties.`x = 1", 12, "the text that begins here has no closing \""},
    /* numbers */
    {"properties.x = 5.", 16, NUMBER},
    {"properties.x = .5", 16, "expected " VALUE ", found ."},
    {"properties.x = 1e3", 16, NUMBER},
    {"properties.x = 1.2.3", 16, NUMBER},
    {"properties.x = -", 16, NUMBER},
    {"properties.x = 5x", 16, NUMBER},
    {"properties.x = 1,5", 17, "expected and, or or the end, found ,"},
    {"properties.x = 123456789012345678901234567890123", 16, NUMBER},
    {"properties.x > `abc`", 16, "expected a number, found \"abc\""},
    {"properties.x > ``", 16, "expected a number, found \"\""},
    {"properties.x > `5 `", 16, "expected a number, found \"5 \""},
    {"properties.x > `5 6`", 16, "expected a number, found \"5 6\""},
    {"properties.x >= true", 17, "expected a number, found true"},
    {"properties.x < null", 16, "expected a number, found null"},
    {"properties.x <", 15, "expected a number, found the end"},
    /* functions */
    {"contain(event, `x`)", 1, "there is no function contain; did you mean contains?"},
    {"Match(event, `x`)", 1, "there is no function Match; did you mean match?"},
    {"regex(event, `x`)", 1,
     "there is no function regex; there are contains, match, length, lowercase and typeof"},
    {"contains", 9, "expected (, found the end"},
    {"contains(event)", 15, "expected ,, found )"},
    {"contains(event `x`)", 16, "expected ,, found \"x\""},
    {"contains(event, )", 17, "expected a text in quotes, found )"},
    {"contains(event, x)", 17, "expected a text in quotes, found x"},
    {"contains(event, 5)", 17, "expected a text in quotes, found 5"},
    {"contains(event, `x`", 20, "expected ), found the end"},
    {"contains(event, `x`, `y`)", 20, "expected ), found ,"},
    {"contains(`x`, event)", 10, "expected a field, found \"x\""},
    {"contains()", 10, "expected a field, found )"},
    {"contains(event, `x`) = true", 22, "expected and, or or the end, found ="},
    {"match(event, `x*`", 18, "expected ), found the end"},
    {"length(event)", 14, "expected " OP ", found the end"},
    {"length() = 0", 8, "expected a field, found )"},
    {"length(event = 5", 14, "expected ), found ="},
    {"length(match(event, `x`)) = 0", 8,
     "match() is a condition of its own and has no value to compare"},
    {"contains(contains(event, `x`), `y`)", 10,
     "contains() is a condition of its own and has no value to compare"},
    {"lowercase(lowercase(lowercase(lowercase(lowercase(event))))) = `x`", 1,
     "more than 4 functions in one another"},
    {"typeof event = `x`", 8, "expected (, found event"},
    /* bounds */
    {DEEP32 "event = `x`))))))))))))))))))))))))))))))))", 33, "nested more than 32 deep"},
    {"!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!event = `x`", 33, "nested more than 32 deep"},
};

static void a_broken_trigger_is_refused_with_its_column(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct fql *f = NULL;
        struct fault why = {0};
        char want[FAULT_MESSAGE_MAX_BYTES];
        (void)snprintf(want, sizeof want, "column %zu: %s", rows[i].column, rows[i].message);
        int err = fql_parse(&kit, str_from(kit_text(rows[i].trigger)), &f, &why);
        assert_null(f);
        if (err != TILLPOST_E_CONFIG) fail_msg("%s: err %d", rows[i].trigger, err);
        if (strcmp(why.message, want) != 0) fail_msg("%s: %s", rows[i].trigger, why.message);
        assert_string_equal(why.path, "$.subscribe");
        assert_int_equal(why.err, err);
    }
}

static void nobody_needs_to_ask_why(void **state)
{
    const struct fql *f = NULL;
    assert_int_equal(fql_parse(&kit, STR("event = "), &f, NULL), TILLPOST_E_CONFIG);
    assert_null(f);
}

static int parse_repeated(const char *part, size_t times, const char *end, struct fault *why)
{
    struct buf b;
    const struct fql *f = NULL;
    struct arena a;
    buf_init(&b, KIT_TEXT_MAX_BYTES);
    arena_init(&a, KIT_BLOCK_BYTES, KIT_MAX_BYTES);
    for (size_t i = 0; i < times; i++) {
        buf_add_z(&b, part);
    }
    buf_add_z(&b, end);
    int err = fql_parse(&a, buf_str(&b), &f, why);
    assert_true((err == TILLPOST_OK) == (f != NULL));
    assert_true(a.used_bytes < 300000);
    arena_free(&a);
    buf_free(&b);
    return err;
}

static void a_trigger_of_four_kilobytes_is_read_and_a_longer_one_refused(void **state)
{
    struct fault why = {0};
    assert_int_equal(parse_repeated("type=\"x\" or ", 340, "type=\"xxxxxxxxx\"", &why), 0);
    assert_int_equal(parse_repeated("type=\"x\" or ", 340, "type=\"xxxxxxxxxx\"", &why),
                     TILLPOST_E_CONFIG);
    assert_string_equal(why.message, "a trigger has at most 4096 bytes, this one has 4097");
    assert_string_equal(why.path, "$.subscribe");
}

static void thirty_one_brackets_are_not_too_deep(void **state)
{
    struct fault why = {0};
    assert_int_equal(parse_repeated("(", 31, "type=\"x\")))))))))))))))))))))))))))))))", &why), 0);
}

static void a_full_arena_is_no_memory(void **state)
{
    static const char trigger[] = "type = \"a\" and (properties.x > 5 or !contains(event, 'x'))";
    for (size_t max = 0;; max += 16) {
        struct arena small;
        const struct fql *f = NULL;
        struct fault why = {0};
        arena_init(&small, 64, max);
        int err = fql_parse(&small, str_from(trigger), &f, &why);
        arena_free(&small);
        if (err == TILLPOST_OK) break;
        assert_int_equal(err, TILLPOST_E_NO_MEMORY);
        assert_int_equal(why.err, err);
        assert_string_equal(why.path, "$.subscribe");
        assert_null(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broken_trigger_is_refused_with_its_column),
        cmocka_unit_test(nobody_needs_to_ask_why),
        cmocka_unit_test(a_trigger_of_four_kilobytes_is_read_and_a_longer_one_refused),
        cmocka_unit_test(thirty_one_brackets_are_not_too_deep),
        cmocka_unit_test(a_full_arena_is_no_memory),
    };
    return cmocka_run_group_tests(tests, kit_open, kit_close);
}
