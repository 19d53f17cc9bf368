/* A queued event as a row for Events Manager: what stands in each column, and what has no row. */
#include "testing.h"

#include "base/csv.h"
#include "tiktok/csv_write.h"

#define EMAIL "836f82db99121b3481011f16b49dfa5fbc714a0d1b1b9f784a1ebbbf5b39577f"
#define PHONE "94d4f1b1d8d2e42a3a0f3f1e9b0f8e2d1c7b5a69788766554433221100ffeedd"
#define USER  "{\"user\":{\"email\":[\"" EMAIL "\"]}"
#define AT_MS 1795000000000LL
#define AT    "2026-11-18T11:06:40Z"

static struct buf out;
static struct arena scratch;

static int setup(void **state)
{
    (void)state;
    buf_init(&out, (size_t)256 * 1024);
    arena_init(&scratch, 4096, (size_t)4 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buf_free(&out);
    arena_free(&scratch);
    return 0;
}

static int write_row(const char *event, int64_t time_ms, const char *rest)
{
    return tiktok_csv_write(&out, &scratch, str_from(event), time_ms, str_from(rest));
}

/* clang-format off */
static const struct { const char *event; int64_t ms; const char *rest, *row; } rows[] = {
    {"Purchase",        AT_MS,       USER "}",                                        "Purchase," EMAIL ",," AT ",,,in-store,,,,,"},
    {"CompletePayment", AT_MS,       USER "}",                                        "Complete Payment," EMAIL ",," AT ",,,in-store,,,,,"},
    {"SubmitForm",      AT_MS,       USER "}",                                        "SubmitForm," EMAIL ",," AT ",,,in-store,,,,,"},
    {"PlaceAnOrder",    AT_MS,       USER "}",                                        "Place an Order," EMAIL ",," AT ",,,in-store,,,,,"},
    {"Purchase",        AT_MS + 152, USER "}",                                        "Purchase," EMAIL ",,2026-11-18T11:06:40.152Z,,,in-store,,,,,"},
    {"Purchase",        -1,          USER "}",                                        "Purchase," EMAIL ",,1969-12-31T23:59:59.999Z,,,in-store,,,,,"},
    {"Purchase",        AT_MS,       "{\"user\":{\"phone\":[\"" PHONE "\",\"x\"]}}",  "Purchase,," PHONE "," AT ",,,in-store,,,,,"},
    {"Purchase",        AT_MS,       "{\"user\":{\"email\":[\"" EMAIL "\"],\"phone\":[\"" PHONE "\"],\"external_id\":[\"e\"]}}", "Purchase," EMAIL "," PHONE "," AT ",,,in-store,,,,,"},
    {"Purchase",        AT_MS,       USER ",\"properties\":{\"value\":19.9,\"currency\":\"EUR\",\"order_id\":\"o-1\",\"shop_id\":\"s 1\"}}",
                                                                                      "Purchase," EMAIL ",," AT ",19.9,EUR,in-store,o-1,,,,s 1"},
    {"Purchase",        AT_MS,       USER ",\"properties\":{\"value\":0}}",           "Purchase," EMAIL ",," AT ",0,,in-store,,,,,"},
    {"Purchase",        AT_MS,       USER ",\"properties\":{\"contents\":[{\"content_id\":\"p\",\"content_category\":\"c\",\"quantity\":2,\"price\":3}]}}",
                                                                                      "Purchase," EMAIL ",," AT ",,,in-store,,2,p,c,"},
    {"Purchase",        AT_MS,       USER ",\"properties\":{\"contents\":[{\"content_id\":\"p\",\"quantity\":2},{\"content_id\":\"q\",\"content_category\":\"c\",\"quantity\":0.5},{}]}}",
                                                                                      "Purchase," EMAIL ",," AT ",,,in-store,,2.5,,,"},
    {"Purchase",        AT_MS,       USER ",\"properties\":{\"contents\":[{\"price\":3}]}}", "Purchase," EMAIL ",," AT ",,,in-store,,,,,"},
    {"Purchase",        AT_MS,       USER ",\"properties\":{\"order_id\":\"a,b\",\"shop_id\":\"say \\\"x\\\"\"}}",
                                                                                      "Purchase," EMAIL ",," AT ",,,in-store,\"a,b\",,,,\"say \"\"x\"\"\""},
    {"Purchase",        AT_MS,       USER ",\"properties\":{\"order_id\":\"caf\xc3\xa9\"},\"limited_data_use\":false}",
                                                                                      "Purchase," EMAIL ",," AT ",,,in-store,caf\xc3\xa9,,,,"},
    /* and what has none */
    {"PageView",        AT_MS,       USER "}",                                        NULL},
    {"Schedule",        AT_MS,       USER "}",                                        NULL},
    {"Nonsense",        AT_MS,       USER "}",                                        NULL},
    {"Purchase",        AT_MS,       "{\"user\":{\"external_id\":[\"e\"]}}",          NULL},
    {"Purchase",        AT_MS,       "{\"user\":{\"email\":[],\"phone\":[]}}",        NULL},
    {"Purchase",        AT_MS,       "{}",                                            NULL},
    {"Purchase",        AT_MS,       "{\"user\":",                                    NULL},
    {"Purchase",        AT_MS,       USER ",\"limited_data_use\":true}",              NULL},
    {"Purchase",        AT_MS,       USER ",\"properties\":{\"value\":1e20}}",        NULL},
    {"Purchase",        AT_MS,       USER ",\"properties\":{\"value\":0.000001}}",    NULL},
    {"Purchase",        AT_MS,       USER ",\"properties\":{\"order_id\":\"a\\nb\"}}", NULL},
    {"Purchase",        AT_MS,       USER ",\"properties\":{\"order_id\":\"a\\tb\"}}", NULL},
    {"Purchase",        AT_MS,       USER ",\"properties\":{\"shop_id\":\"a\\u007fb\"}}", NULL},
};
/* clang-format on */

static void an_event_is_one_row_or_has_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int rc = write_row(rows[i].event, rows[i].ms, rows[i].rest);
        if (rc != (rows[i].row != NULL)) fail_msg("%zu: %d: %s", i, rc, rows[i].rest);
        if (rows[i].row && strcmp(out.p, rows[i].row) != 0)
            fail_msg("%zu:\n%s\n%s", i, out.p, rows[i].row);
    }
}

static void a_row_that_a_reader_would_refuse_is_none(void **state)
{
    (void)state;
    char id[CSV_RECORD_MAX_BYTES + 1], rest[CSV_RECORD_MAX_BYTES + 512];
    for (size_t more = 0; more < 2; more++) {
        size_t row = strlen("Purchase," EMAIL ",," AT ",,,in-store,,,,,");
        memset(id, 'x', sizeof id);
        id[CSV_RECORD_MAX_BYTES - row + more] = 0;
        (void)snprintf(rest, sizeof rest, USER ",\"properties\":{\"order_id\":\"%s\"}}", id);
        assert_int_equal(write_row("Purchase", AT_MS, rest), more == 0);
    }
}

static void the_header_is_that_of_the_upload_page(void **state)
{
    (void)state;
    buf_clear(&out);
    tiktok_csv_write_header(&out);
    assert_string_equal(out.p, "event_type,email,phone,timestamp,price,currency,"
                               "transaction_category,order_id,quantity,product_id,"
                               "product_category,store_id");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_is_one_row_or_has_none),
        cmocka_unit_test(a_row_that_a_reader_would_refuse_is_none),
        cmocka_unit_test(the_header_is_that_of_the_upload_page),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
