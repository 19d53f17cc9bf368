/* Right to erasure, as the agent reads it: who is meant, whose row it is, who waits. */
#include "testing.h"

#include "agent/erase.h"

static const struct config british = {.defaults = {.calling_code = "44"}};
static const struct config plain;

static void who_is_meant_is_hashed_as_an_event_would_be(void **state)
{
    (void)state;
    char phone[PII_HASH_BYTES], anna[PII_HASH_BYTES];
    assert_int_equal(pii_phone(STR("+442071838750"), NULL, phone), PII_OK);
    assert_int_equal(pii_email(STR("anna@example.com"), anna), PII_OK);
    /* clang-format off */
    const struct { const struct config *c; const char *body, *hash, *path; } rows[] = {
        {&plain,   "{\"email\":\"anna@example.com\"}",          anna,  NULL},
        {&plain,   "{\"email\":\"  ANNA@Example.COM \"}",       anna,  NULL},
        {&plain,   "{\"phone\":\"+44 (0) 20 7183-8750\"}",      phone, NULL},
        {&plain,   "{\"phone\":\"0044 20 7183 8750\"}",         phone, NULL},
        {&british, "{\"phone\":\"020 7183 8750\"}",             phone, NULL},
        {&plain,   "{\"phone\":\"442071838750\"}",              phone, NULL},
        {&plain,   "{\"phone\":\"020 7183 8750\"}",             NULL,  "$.phone"},
        {&plain,   "{\"phone\":442071838750}",                  NULL,  "$.phone"},
        {&plain,   "{\"email\":\"anna\"}",                      NULL,  "$.email"},
        {&plain,   "{\"email\":\"\"}",                          NULL,  "$.email"},
        {&plain,   "{\"email\":null}",                          NULL,  "$.email"},
        {&plain,   "{\"email\":\"a@b.c\",\"phone\":\"+4930123456\"}", NULL, "$"},
        {&plain,   "{}",                                        NULL,  "$"},
        {&plain,   "{\"mail\":\"a@b.c\"}",                      NULL,  "$"},
    };
    /* clang-format on */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char hash[PII_HASH_BYTES] = "";
        struct fault why = {0};
        int rc = erase_read(rows[i].c, str_from(rows[i].body), hash, &why);
        if (rows[i].hash) {
            if (rc != 0 || strcmp(hash, rows[i].hash) != 0) fail_msg("%s", rows[i].body);
        } else {
            assert_int_equal(rc, TILLPOST_E_BAD_REQUEST);
            assert_string_equal(why.path, rows[i].path);
            assert_null(strstr(why.message, "anna"));
        }
    }
}

static void a_row_is_theirs_when_it_holds_the_hash_as_a_whole_string(void **state)
{
    (void)state;
#define H "b7e94be513e96e8c45cd23d162275e5a12ebde9100a425c4ebcdd7fa4dcd897c"
    /* clang-format off */
    static const struct { const char *rest; bool theirs; } rows[] = {
        {"{\"user\":{\"emails\":[\"" H "\"]}}",                 true},
        {"{\"user\":{\"emails\":[\"x\",\"" H "\",\"y\"]}}",     true},
        {"\"" H "\"",                                           true},
        {"{\"user\":{\"emails\":[\"a" H "\"]}}",                false},
        {"{\"user\":{\"emails\":[\"" H "a\"]}}",                false},
        {"{\"query\":\"see " H "\"}",                           false},
        {"\"" H,                                                false},
        {H "\"",                                                false},
        {"{\"user\":{}}",                                       false},
        {"\"",                                                  false},
        {"",                                                    false},
    };
    /* clang-format on */
    char hash[PII_HASH_BYTES] = H;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct str whole = str_from(rows[i].rest);
        /* Exactly as long as it is: a read beyond its end is seen by the sanitizer. */
        char *copy = malloc(whole.len + 1);
        assert_non_null(copy);
        memcpy(copy, whole.p, whole.len);
        if (erase_matches(hash, (struct str){copy, whole.len}) != rows[i].theirs)
            fail_msg("%s", rows[i].rest);
        free(copy);
    }
}

static void a_few_wait_and_the_plain_text_is_wiped_at_once(void **state)
{
    (void)state;
    static struct eraser e;
    for (size_t i = 0; i <= ERASE_WAITING_MAX; i++) {
        char body[] = "{\"email\":\"anna@example.com\"}";
        struct api_request request = {.body = body, .body_len = sizeof body - 1};
        struct fault why = {0};
        int rc = erase_begin(&e, &plain, &request, &why);
        assert_int_equal(rc, i < ERASE_WAITING_MAX ? 0 : TILLPOST_E_BUSY);
        if (rc == 0) assert_int_equal(body[10], 0);
    }
    assert_int_equal(e.count, ERASE_WAITING_MAX);
    erase_free(&e);
    assert_int_equal(e.waiting[0].hash[0], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_meant_is_hashed_as_an_event_would_be),
        cmocka_unit_test(a_row_is_theirs_when_it_holds_the_hash_as_a_whole_string),
        cmocka_unit_test(a_few_wait_and_the_plain_text_is_wiped_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
