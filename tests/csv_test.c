/* csv_test.c: records as RFC 4180 has them, however the bytes come in. */
#include "testing.h"

#include "base/csv.h"
#include "tillpost/err.h"

struct source {
    struct str text;
    size_t at, step; /* bytes a fill gives at most */
    int fails_with;  /* behind the text, in place of the end */
};

static long fill(void *ctx, char *to, size_t bytes_max)
{
    struct source *s = ctx;
    size_t n = s->text.len - s->at;
    if (n == 0 && s->fails_with < 0) return s->fails_with;
    if (n > s->step) n = s->step;
    if (n > bytes_max) n = bytes_max;
    if (n > 0) memcpy(to, s->text.p + s->at, n);
    s->at += n;
    return (long)n;
}

/* Each record as "line fault: field|field" and a line end. */
static void tell(struct buf *out, const struct csv_record *record)
{
    buf_printf(out, "%u ", (unsigned)record->line);
    if (record->fault != CSV_GOOD)
        buf_printf(out, "%s@%zu ", csv_fault_name(record->fault), record->fault_field);
    for (size_t i = 0; i < record->count; i++) {
        if (i > 0) buf_add_char(out, '|');
        buf_add_str(out, record->fields[i]);
    }
    buf_add_char(out, '\n');
}

static void read_all(struct str text, size_t step, struct buf *out)
{
    struct source s = {.text = text, .step = step};
    struct csv_reader r;
    struct csv_record record;
    int rc;
    buf_clear(out);
    assert_int_equal(csv_open(&r, fill, &s), 0);
    while ((rc = csv_next(&r, &record)) > 0) tell(out, &record);
    assert_int_equal(rc, 0);
    assert_int_equal(r.taken, text.len);
    csv_close(&r);
}

static void assert_records(struct str text, const char *expected)
{
    static const size_t steps[] = {1, 2, 3, 7, 100000};
    struct buf got;
    buf_init(&got, 1024 * 1024);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        read_all(text, steps[i], &got);
        assert_string_equal(got.p ? got.p : "", expected);
    }
    buf_free(&got);
}

static void records_are_as_the_rfc_has_them(void **state)
{
    static const struct {
        const char *text, *records;
    } rows[] = {
        {"", ""},
        {"\n", ""},
        {"\r\n\r\n", ""},
        {"\xEF\xBB\xBF", ""},
        {"a", "1 a\n"},
        {"a\n", "1 a\n"},
        {"a,b\r\nc,d\r\n", "1 a|b\n2 c|d\n"},
        {"a,b\nc,d", "1 a|b\n2 c|d\n"},
        {"a,b\rc,d\r", "1 a|b\n2 c|d\n"},
        {"a\n\r\nb", "1 a\n3 b\n"},
        {"a\r\rb", "1 a\n3 b\n"},
        {"\xEF\xBB\xBF"
         "a,b\n",
         "1 a|b\n"},
        {"\xEF\xBB\xBF\"a\",b\n", "1 a|b\n"},
        {"a,\n", "1 a|\n"},
        {",a\n", "1 |a\n"},
        {",,\n,x,\n", "2 |x|\n"},
        {" , ,\t\na,b,c\n", "2 a|b|c\n"},
        {"a b, c ,d\n", "1 a b| c |d\n"},
        {"\"a\"\n", "1 a\n"},
        {"\"\",a\n", "1 |a\n"},
        {"\"a,b\",c\n", "1 a,b|c\n"},
        {"\"a\"\"b\",c\n", "1 a\"b|c\n"},
        {"\"\"\"\"\n", "1 \"\n"},
        {"\"\"\"a\"\"\",b\n", "1 \"a\"|b\n"},
        {"\"a\nb\",c\nd,e\n", "1 a\nb|c\n3 d|e\n"},
        {"\"a\r\nb\",c\r\nd,e\r\n", "1 a\r\nb|c\n3 d|e\n"},
        {"\"a\rb\"\nc\n", "1 a\rb\n3 c\n"},
        {"\"\n\n\n\"x\na\n", "1 bad_quote@0 \n\n\nx\n5 a\n"},
        {"\"a\",\"b\"", "1 a|b\n"},
        {"gr\xC3\xBC\xC3\x9F,\xF0\x9F\x9B\x92\n", "1 gr\xC3\xBC\xC3\x9F|\xF0\x9F\x9B\x92\n"},
        {"'a',b\n", "1 'a'|b\n"},
        {"a;b\n", "1 a;b\n"},
        {"a\tb,c\n", "1 a\tb|c\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_records(str_from(rows[i].text), rows[i].records);
}

static void a_fault_is_one_records_and_reading_goes_on(void **state)
{
    static const struct {
        const char *text, *records;
    } rows[] = {
        {"a\"b,c\nd\n", "1 bad_quote@0 a\"b|c\n2 d\n"},
        {"a,b\"\nd\n", "1 bad_quote@1 a|b\"\n2 d\n"},
        {"\"a\"b,c\nd\n", "1 bad_quote@0 ab|c\n2 d\n"},
        {"\"a\" ,c\nd\n", "1 bad_quote@0 a |c\n2 d\n"},
        {"a, \"b\"\nd\n", "1 bad_quote@1 a| \"b\"\n2 d\n"},
        {"\"a\nb,c\nd\n", "1 open_quote@0 \n2 b|c\n3 d\n"},
        {"a,\"b\nc\n", "1 open_quote@1 \n2 c\n"},
        {"a,\"b\r\nc\r\n", "1 open_quote@1 \n2 c\n"},
        {"\"", "1 open_quote@0 \n"},
        {"a\n\"", "1 a\n2 open_quote@0 \n"},
        {"\"a", "1 open_quote@0 \n"},
        {"a,\x01,c\nd\n", "1 bad_character@1 a|\x01|c\n2 d\n"},
        {"a\x7F\nd\n", "1 bad_character@0 a\x7F\n2 d\n"},
        {"a,b\xE9\nd\n", "1 bad_character@1 a|b\xE9\n2 d\n"},
        {"\xFF\xFE"
         "a\nd\n",
         "1 bad_character@0 \xFF\xFE"
         "a\n2 d\n"},
        {"\xC0\x80\nd\n", "1 bad_character@0 \xC0\x80\n2 d\n"},
        {"\xED\xA0\x80\nd\n", "1 bad_character@0 \xED\xA0\x80\n2 d\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_records(str_from(rows[i].text), rows[i].records);
}

static void a_nul_is_a_bad_character(void **state)
{
    struct source s = {.text = STR("a,b\0c\nd\n"), .step = 100};
    struct csv_reader r;
    struct csv_record record;
    assert_int_equal(csv_open(&r, fill, &s), 0);
    assert_int_equal(csv_next(&r, &record), 1);
    assert_int_equal(record.fault, CSV_BAD_CHARACTER);
    assert_int_equal(record.fault_field, 1);
    assert_int_equal(csv_next(&r, &record), 1);
    assert_int_equal(record.fault, CSV_GOOD);
    csv_close(&r);
}

/* "x…x" of `len` bytes (with quotes around it, within them), then "\nd\n". */
static struct str long_text(size_t len, bool quoted)
{
    static char text[3 * CSV_RECORD_MAX_BYTES + 16];
    memset(text, 'x', len);
    if (quoted) text[0] = text[len - 1] = '"';
    memcpy(text + len, "\nd\n", 4);
    return (struct str){text, len + 3};
}

static void a_record_is_at_most_so_long(void **state)
{
    static const struct {
        size_t len;
        bool quoted, good;
    } rows[] = {
        {CSV_RECORD_MAX_BYTES, false, true},      {CSV_RECORD_MAX_BYTES, true, true},
        {CSV_RECORD_MAX_BYTES + 1, false, false}, {CSV_RECORD_MAX_BYTES + 1, true, false},
        {CSV_RECORD_MAX_BYTES + 2, false, false}, {3 * CSV_RECORD_MAX_BYTES, false, false},
        {3 * CSV_RECORD_MAX_BYTES, true, false},
    };
    static const size_t steps[] = {1, 4096, 1000000};
    for (size_t i = 0; i < 3 * sizeof rows / sizeof rows[0]; i++) {
        struct source s = {.text = long_text(rows[i / 3].len, rows[i / 3].quoted),
                           .step = steps[i % 3]};
        struct csv_reader r;
        struct csv_record record;
        assert_int_equal(csv_open(&r, fill, &s), 0);
        assert_int_equal(csv_next(&r, &record), 1);
        assert_int_equal(record.fault == CSV_GOOD, rows[i / 3].good);
        assert_int_equal(record.count, rows[i / 3].good ? 1 : 0);
        assert_int_equal(csv_next(&r, &record), 1);
        assert_int_equal(record.fault, CSV_GOOD);
        assert_int_equal(record.line, 2);
        assert_true(str_is(record.fields[0], "d"));
        assert_int_equal(csv_next(&r, &record), 0);
        csv_close(&r);
    }
}

/* Line ends of a line that is passed over come in pieces too. */
static void the_line_behind_one_too_long_keeps_its_number(void **state)
{
    struct buf text;
    buf_init(&text, 4 * CSV_RECORD_MAX_BYTES);
    for (size_t more = 0; more < 8; more++) {
        struct csv_reader r;
        struct csv_record record;
        buf_clear(&text);
        for (size_t i = 0; i < 3 * CSV_RECORD_MAX_BYTES - 4 + more; i++) buf_add_char(&text, 'x');
        buf_add_z(&text, "\r\nd\r\n");
        struct source s = {.text = buf_str(&text), .step = 1000000};
        assert_int_equal(csv_open(&r, fill, &s), 0);
        assert_int_equal(csv_next(&r, &record), 1);
        assert_int_equal(record.fault, CSV_TOO_LONG);
        assert_int_equal(csv_next(&r, &record), 1);
        assert_int_equal(record.line, 2);
        csv_close(&r);
    }
    buf_free(&text);
}

static void an_open_quote_costs_one_line_of_any_file(void **state)
{
    struct buf text;
    size_t records = 0;
    buf_init(&text, 1024 * 1024);
    buf_add_z(&text, "\"open,a\n");
    for (size_t i = 0; i < 20000; i++) buf_add_z(&text, "a,b,c,d,e\n");
    struct source s = {.text = buf_str(&text), .step = 5000};
    struct csv_reader r;
    struct csv_record record;
    assert_int_equal(csv_open(&r, fill, &s), 0);
    assert_int_equal(csv_next(&r, &record), 1);
    assert_int_equal(record.fault, CSV_OPEN_QUOTE);
    assert_true(str_is(record.raw, "\"open,a"));
    while (csv_next(&r, &record) > 0) {
        assert_int_equal(record.count, 5);
        assert_int_equal(record.line, records + 2);
        records++;
    }
    assert_int_equal(records, 20000);
    csv_close(&r);
    buf_free(&text);
}

static void more_than_64_fields_are_a_fault(void **state)
{
    for (size_t fields = CSV_FIELDS_MAX; fields <= CSV_FIELDS_MAX + 2; fields++) {
        char text[128] = "";
        struct csv_reader r;
        struct csv_record record;
        memset(text, ',', fields);
        memcpy(text + fields - 1, "x\n", 2);
        struct source s = {.text = {text, fields + 1}, .step = 100};
        assert_int_equal(csv_open(&r, fill, &s), 0);
        assert_int_equal(csv_next(&r, &record), 1);
        assert_int_equal(record.count, CSV_FIELDS_MAX);
        assert_int_equal(record.fault == CSV_GOOD, fields == CSV_FIELDS_MAX);
        csv_close(&r);
    }
}

static void the_raw_text_is_what_stands_in_the_file(void **state)
{
    struct source s = {.text = STR("a,\"b\"\"\r\n\" \r\n\n\"c\nd\"\n"), .step = 3};
    struct csv_reader r;
    struct csv_record record;
    assert_int_equal(csv_open(&r, fill, &s), 0);
    assert_int_equal(csv_next(&r, &record), 1);
    assert_true(str_is(record.raw, "a,\"b\"\"\r\n\" "));
    assert_int_equal(csv_next(&r, &record), 1);
    assert_true(str_is(record.raw, "\"c\nd\""));
    csv_close(&r);
}

static void a_fill_that_fails_is_told(void **state)
{
    struct source s = {.text = STR("a\nb"), .step = 2, .fails_with = TILLPOST_E_IO};
    struct csv_reader r;
    struct csv_record record;
    assert_int_equal(csv_open(&r, fill, &s), 0);
    assert_int_equal(csv_next(&r, &record), TILLPOST_E_IO);
    csv_close(&r);
}

static void what_is_written_is_read_as_it_was(void **state)
{
    static const char *const fields[] = {"",      "a",    "a b",      "a,b", "\"",   "a\"b",
                                         "\"a\"", "a\nb", "a\r\nb",   "\r",  ",",    "\"\"",
                                         " a ",   "'",    "\xC3\xBC", ";",   "=1+1", "x"};
    struct buf text;
    struct csv_record record;
    struct csv_reader r;
    size_t n = sizeof fields / sizeof fields[0];
    buf_init(&text, 4096);
    for (size_t i = 0; i < n; i++) {
        if (i > 0) buf_add_char(&text, ',');
        csv_write_field(&text, str_from(fields[i]));
    }
    struct source s = {.text = buf_str(&text), .step = 1};
    assert_int_equal(csv_open(&r, fill, &s), 0);
    assert_int_equal(csv_next(&r, &record), 1);
    assert_int_equal(record.fault, CSV_GOOD);
    assert_int_equal(record.count, n);
    for (size_t i = 0; i < n; i++) assert_true(str_is(record.fields[i], fields[i]));
    csv_close(&r);
    buf_free(&text);
}

static void every_fault_has_a_name_of_its_own(void **state)
{
    for (enum csv_fault f = CSV_GOOD; f < CSV_FAULTS; f++)
        assert_int_equal(csv_fault_of(str_from(csv_fault_name(f))), f);
    assert_int_equal(csv_fault_of(STR("no such")), CSV_FAULTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_as_the_rfc_has_them),
        cmocka_unit_test(a_fault_is_one_records_and_reading_goes_on),
        cmocka_unit_test(a_nul_is_a_bad_character),
        cmocka_unit_test(a_record_is_at_most_so_long),
        cmocka_unit_test(the_line_behind_one_too_long_keeps_its_number),
        cmocka_unit_test(an_open_quote_costs_one_line_of_any_file),
        cmocka_unit_test(more_than_64_fields_are_a_fault),
        cmocka_unit_test(the_raw_text_is_what_stands_in_the_file),
        cmocka_unit_test(a_fill_that_fails_is_told),
        cmocka_unit_test(what_is_written_is_read_as_it_was),
        cmocka_unit_test(every_fault_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
