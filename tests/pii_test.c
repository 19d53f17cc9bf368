/* pii_test.c: e-mail addresses, phone numbers and external ids, normalised and hashed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tiktok/pii.h"

#include <stdio.h>
#include <string.h>

/* What sha256sum says of each plain text below: the tests hash `normal` through this, so that the
 * tables show what is hashed, and one test pins the digest itself. */
static void digest_of(const char *normal, char out[PII_HASH_BYTES])
{
    unsigned char digest[32];
    pii_sha256(normal, strlen(normal), digest);
    hex_encode(digest, sizeof digest, out);
}

static void a_digest_is_that_of_tiktoks_examples(void **state)
{
    static const struct {
        const char *normal, *hex;
    } rows[] = {
        {"alice_abc@gmail.com", "848a771458438fc2ec420560d769fb9b9b86851ee338ec56517baabd79d3bb4f"},
        {"+12133734253", "9f7ec22d72092cd3c0b58726ed9c2d91b92e51a3f29837508fb2948bb22dd2fd"},
        {"user_123", "80fba0ae1c48e3978e43e4efc365e14e12ea0c830ba8ba5b9a2dafc7e3f2ab8b"},
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[PII_HASH_BYTES];
        digest_of(rows[i].normal, out);
        assert_string_equal(out, rows[i].hex);
    }
}

#define TEN     "0123456789"
#define HASH    "86e0b9e56c17cc4d12387e1949b85053fbe73bc3ce5a1188713a9d300cc6133d"
#define HASH_UP "86E0B9E56C17CC4D12387E1949B85053FBE73BC3CE5A1188713A9D300CC6133D"
#define BYTES_242                                                                               \
    TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN \
        TEN "ab"

/* normal: what is hashed; "=" and a hash: passed on; "?": invalid; "": blank */
struct pii_row {
    const char *text, *normal;
};

static void assert_result(enum pii_result result, const char *hash, const struct pii_row *row)
{
    char expected[PII_HASH_BYTES] = "";
    enum pii_result wanted = PII_OK;
    if (row->normal[0] == '\0') wanted = PII_BLANK;
    if (row->normal[0] == '?') wanted = PII_INVALID;
    if (result != wanted) print_message("\"%s\"\n", row->text);
    assert_int_equal(result, wanted);
    if (wanted != PII_OK) return;
    if (row->normal[0] == '=') {
        assert_string_equal(hash, row->normal + 1);
        return;
    }
    digest_of(row->normal, expected);
    if (strcmp(hash, expected) != 0) print_message("\"%s\"\n", row->text);
    assert_string_equal(hash, expected);
}

static void an_email_is_trimmed_and_lower_cased(void **state)
{
    static const struct pii_row rows[] = {
        {" ALICE_abc@gmail.com ", "alice_abc@gmail.com"},
        {"Jane.DOE+shop@Example.COM", "jane.doe+shop@example.com"}, /* no folding of dots or plus */
        {"\u00A0jane@example.com\u3000", "jane@example.com"},
        {"\uFEFFjane@example.com", "jane@example.com"},
        {"J\u00DCRGEN@EX\u00C4MPLE.DE", "j\u00FCrgen@ex\u00E4mple.de"},
        {"\u0391\u03A3@x.gr", "\u03B1\u03C2@x.gr"},
        {"a@b", "a@b"},
        {"o'brien@example.ie", "o'brien@example.ie"},
        {BYTES_242 "@example.com", BYTES_242 "@example.com"}, /* 254 bytes */
        {" " BYTES_242 "@EXAMPLE.COM ", BYTES_242 "@example.com"},
        {BYTES_242 "c@example.com", "?"},
        {BYTES_242 "@examp\u023A.com", "?"}, /* 254 bytes, 255 in lower case */
        {"\u212A" BYTES_242 "@example.co", "k" BYTES_242 "@example.co"}, /* 256 bytes, then 254 */
        {"not-an-email", "?"},
        {"@example.com", "?"},
        {"jane@", "?"},
        {"@", "?"},
        {"jane@@example.com", "?"},
        {"jane@doe@example.com", "?"},
        {"jane doe@example.com", "?"},
        {"jane@example.com john@example.com", "?"},
        {"jane\u2003@example.com", "?"},
        {"jane\t@example.com", "?"},
        {"jane@example\xFF.com", "?"},
        {"", ""},
        {"  \t ", ""},
        {"\u00A0", ""},
        {HASH, "=" HASH},
        {" " HASH_UP "\n", "=" HASH},
        {HASH "0", "?"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[PII_HASH_BYTES];
        assert_result(pii_email(str_from(rows[i].text), out), out, &rows[i]);
    }
}

static void a_phone_number_becomes_e164_with_its_plus(void **state)
{
    static const struct pii_row rows[] = {
        {"(+1)2133734253", "+12133734253"},
        {"+1-213-373-4253", "+12133734253"},
        {" +1 (213) 373.4253 ", "+12133734253"},
        {"+1 213/373/4253", "+12133734253"},
        {"12133734253", "+12133734253"},
        {"0012133734253", "+12133734253"},
        {"00 1 213 373 4253", "+12133734253"},
        {"+44 (0)20 7946 0958", "+442079460958"},
        {"+44(0)2079460958", "+442079460958"},
        {"0044 (0)20 7946 0958", "+442079460958"},
        {"+49\u00A030\u2013901820", "+4930901820"},   /* no-break space, en dash */
        {"\u202A+49 30 901820\u202C", "+4930901820"}, /* copied from an address book */
        {"+39 06 698 12345", "+390669812345"},        /* Italy keeps its 0 */
        {"+1 213 373 4253 ext. 12", "+12133734253"},
        {"+1 213 373 4253 ext 12", "+12133734253"},
        {"+1 213 373 4253 EXTENSION: 12", "+12133734253"},
        {"+12133734253x12", "+12133734253"},
        {"+12133734253 X 12", "+12133734253"},
        {"+12133734253#12", "+12133734253"},
        {"+12133734253;ext=12", "+12133734253"},
        {"+12133734253, ext. 12", "+12133734253"},
        {"+12133734253,12", "+12133734253"},
        {"+12133734253 ext.", "+12133734253"},
        {"+1234567", "+1234567"},
        {"+123456789012345", "+123456789012345"},
        {"123456789012345", "+123456789012345"},
        {"+123456", "?"},
        {"+1234567890123456", "?"},
        {"+123456789012345678901", "?"},
        {"02079460958", "?"}, /* national, and no calling code to put in front */
        {"(0)20 7946 0958", "?"},
        {"+0123456789", "?"},
        {"+(0)123456789", "?"},
        {"000123456789", "?"},
        {"+0012133734253", "?"},
        {"++12133734253", "?"},
        {"1+2133734253", "?"},
        {"+1213373+4253", "?"},
        {"1-800-FLOWERS", "?"},
        {"+12133734253 or so", "?"},
        {"+12133734253 xyz", "?"},
        {"+12133734253 ext 12 13", "?"},
        {"x12", "?"},
        {"ext 12133734253", "?"},
        {"N/A", "?"},
        {"+", "?"},
        {"-", "?"},
        {"jane@example.com", "?"},
        {"+1213373425\xC3", "?"},
        {"", ""},
        {" \u00A0 ", ""},
        {HASH, "=" HASH},
        {" " HASH_UP " ", "=" HASH},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[PII_HASH_BYTES];
        assert_result(pii_phone(str_from(rows[i].text), NULL, out), out, &rows[i]);
    }
}

static void a_calling_code_makes_national_numbers_international(void **state)
{
    static const struct {
        const char *code;
        struct pii_row row;
    } rows[] = {
        {"44", {"020 7946 0958", "+442079460958"}},
        {"44", {"(0)20 7946 0958", "+442079460958"}},
        {"44", {"20 7946 0958", "+442079460958"}},
        {"44", {"+1 213 373 4253", "+12133734253"}},
        {"44", {"001 213 373 4253", "+12133734253"}},
        {"44", {"0044 20 7946 0958", "+442079460958"}},
        {"1", {"(213) 373-4253", "+12133734253"}},
        {"44", {"01234", "?"}},
        {"44", {"012345", "+4412345"}},
        {"44", {"01234567890123", "+441234567890123"}},
        {"44", {"012345678901234", "?"}},
        {"44", {"N/A", "?"}},
        {"44", {" ", ""}},
        {"", {"02079460958", "?"}},
        {"", {"442079460958", "+442079460958"}},
        {"44", {HASH, "=" HASH}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[PII_HASH_BYTES];
        enum pii_result result = pii_phone(str_from(rows[i].row.text), rows[i].code, out);
        assert_result(result, out, &rows[i].row);
    }
}

static void an_external_id_is_trimmed_and_keeps_its_case(void **state)
{
    static const struct pii_row rows[] = {
        {"user_123", "user_123"},
        {" Cust-42\t", "Cust-42"},
        {"\u00A0M\u00DCLLER\u2028", "M\u00DCLLER"},
        {"a b", "a b"},
        {"", ""},
        {" ", ""},
        {HASH_UP, "=" HASH},
        {"0", "0"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[PII_HASH_BYTES];
        assert_result(pii_external_id(str_from(rows[i].text), out), out, &rows[i]);
    }
}

static void a_hash_of_nothing_is_never_sent(void **state)
{
    static const char *const nothings[] = {"", "+", "null", "undefined", "N/A"};
    for (size_t i = 0; i < sizeof nothings / sizeof nothings[0]; i++) {
        char hash[PII_HASH_BYTES], out[PII_HASH_BYTES];
        digest_of(nothings[i], hash);
        assert_int_equal(pii_email(str_from(hash), out), PII_INVALID);
        assert_int_equal(pii_phone(str_from(hash), NULL, out), PII_INVALID);
        assert_int_equal(pii_external_id(str_from(hash), out), PII_INVALID);
        enum pii_result plain = pii_external_id(str_from(nothings[i]), out);
        assert_int_equal(plain, nothings[i][0] == '\0' ? PII_BLANK : PII_INVALID);
        hash[0] = (char)(hash[0] >= 'a' ? hash[0] - ('a' - 'A') : hash[0]);
        assert_int_equal(pii_external_id(str_from(hash), out), PII_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_digest_is_that_of_tiktoks_examples),
        cmocka_unit_test(an_email_is_trimmed_and_lower_cased),
        cmocka_unit_test(a_phone_number_becomes_e164_with_its_plus),
        cmocka_unit_test(a_calling_code_makes_national_numbers_international),
        cmocka_unit_test(an_external_id_is_trimmed_and_keeps_its_case),
        cmocka_unit_test(a_hash_of_nothing_is_never_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
