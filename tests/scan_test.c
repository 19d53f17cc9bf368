/* scan_test.c: card numbers and e-mail addresses in text that is stored in clear. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tiktok/pii.h"

#include <stdio.h>
#include <string.h>

static void assert_found(bool (*scan)(struct str), const char *text, bool expected)
{
    struct str s = str_from(text);
    if (scan(s) != expected) print_message("\"%.*s\"\n", (int)s.len, s.p);
    assert_int_equal(scan(str_from(text)), expected);
}

static void a_card_number_of_every_brand_is_found(void **state)
{
    /* Test numbers that payment processors publish. */
    static const char *const rows[] = {
        "4111111111111111",    /* Visa */
        "4012888888881881",    /* Visa */
        "5555555555554444",    /* Mastercard */
        "2223003122003222",    /* Mastercard */
        "378282246310005",     /* American Express */
        "341111111111111",     /* American Express */
        "6011111111111117",    /* Discover */
        "6445644564456445",    /* Discover */
        "30569309025904",      /* Diners Club */
        "36227206271667",      /* Diners Club */
        "3056930009020004",    /* Diners Club, 16 */
        "3566002020360505",    /* JCB */
        "6205500000000000004", /* UnionPay, 19 */
        "6200000000000005",    /* UnionPay */
        "6759649826438453",    /* Maestro */
        "5018000000000009",    /* Maestro */
        "2200000000000004",    /* Mir */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[64];
        assert_found(pii_has_card_number, rows[i], true);
        snprintf(text, sizeof text, "card %s.", rows[i]);
        assert_found(pii_has_card_number, text, true);
        /* One digit off: Luhn. */
        snprintf(text, sizeof text, "%s", rows[i]);
        size_t last = strlen(text) - 1;
        text[last] = (char)(text[last] == '9' ? '0' : text[last] + 1);
        assert_found(pii_has_card_number, text, false);
    }
}

static void a_card_number_is_found_wherever_it_stands(void **state)
{
    static const struct {
        const char *text;
        bool found;
    } rows[] = {
        {"4111 1111 1111 1111", true},
        {"4111-1111-1111-1111", true},
        {"3782 822463 10005", true},
        {"4111 - 1111 - 1111 - 1111", true},
        {"4111\u00a01111\u00a01111\u00a01111", true},
        {"4111\u2009\u2013\u20091111 1111\t1111", true},
        {"4111\u22121111\u22121111\u22121111", true},
        {"4111\xC2"
         "1111 1111 1111",
         false},                                        /* half a character */
        {"%B4111111111111111^DOE/JOHN^2512101?", true}, /* as a reader gives it */
        {";4111111111111111=25121010000000000?", true},
        {"?u=%3Fpan%3D4111%25201111%25201111%25201111", true}, /* an address in an address */
        {"ORDER-4111111111111111", true},
        {"POS4111111111111111X", true},
        {"12 4111111111111111 99", true},
        {"99-4111-1111-1111-1111", true},
        {"https://shop.example/?pan=4111111111111111&x=1", true},
        {"https://shop.example/?pan=4111%201111%201111%201111", true},
        {"https://shop.example/?pan=4111+1111+1111+1111", true},
        {"https://shop.example/%3D4111-1111-1111-1111", true},
        {"https://shop.example/%204111111111111111", true},
        {"4111.1111.1111.1111", true},
        {"3782.822463.10005", true},
        {"3782-8224-6310-005", true},
        {"3056 930902 5904", true},
        {"3056-9309-0259-04", true},
        {"6205 5000 0000 0000 004", true},
        {"620550 0000000000004", true},
        {"41 11 11 11 11 11 11 11", true},
        {"4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", true},
        {"371 449 635 398 431", true},
        {"4111 1111 - 1111.1111", true},
        {"4111111111111 111", false}, /* an EAN-13 and a quantity */
        {"411111111111-1111", false}, /* an order and its line */
        {"41111111 11111111", false}, /* two ids of eight digits */
        {"4111 1111 11111111", false},
        {"4111_1111_1111_1111", false},
        {"4111111111111111 1", true},
        {"41111111111111111", false}, /* 17 digits: no Visa */
        {"4222222222222", false},     /* 13 digits: an EAN could look like it */
        {"4111    1111 1111 1111", false},
        {"", false},
        {"-", false},
        {"4111111111111111111111", false},
        {"62055000000000000041", false}, /* 20 digits, the first 19 a UnionPay number */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_found(pii_has_card_number, rows[i].text, rows[i].found);
    }
}

static void ids_barcodes_and_times_are_no_card_numbers(void **state)
{
    static const char *const rows[] = {
        "1704721970",
        "1704721970212",
        "1704721970212345", /* s, ms, us */
        "20240108135250",
        "20240108-135250",
        "2024-01-08 13:52:50",
        "2024-01-08-13-52-50",
        "4006381333931",
        "5901234123457",       /* EAN-13 */
        "35600202036",         /* 11 digits */
        "7181537436256731137", /* an event set */
        "490154203237518",     /* IMEI: Luhn, and no brand */
        "550e8400-e29b-41d4-a716-446655440000",
        "00000000-0000-4000-8111-111111111112", /* inside: 8111 1111 1111 1112, UnionPay, Luhn */
        "5f4dcc3b4111111111111111aa765d61",     /* a hex id around a Visa number */
        "DEADBEEF4111111111111111",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_found(pii_has_card_number, rows[i], false);
    }
}

static bool passes_luhn(const char *digits)
{
    int sum = 0;
    size_t len = strlen(digits);
    for (size_t i = 0; i < len; i++) {
        int d = digits[len - 1 - i] - '0';
        if (i % 2 == 1) d = d * 2 > 9 ? d * 2 - 9 : d * 2;
        sum += d;
    }
    return sum % 10 == 0;
}

/* What stores write beside each other. d: a digit, D: one that cards begin with; Y, M, T: of a day's
 * date and time, all from one draw. */
static void write_alike(const char *form, uint64_t *seed, char out[64])
{
    static const char starts[] = "456723";
    static const char clock[] = "20241102123045";
    size_t len = 0, at = 0;
    for (; *form != '\0'; form++) {
        *seed = *seed * 6364136223846793005u + 1442695040888963407u;
        unsigned draw = (unsigned)(*seed >> 40);
        char c = *form;
        if (c == 'd') c = (char)('0' + draw % 10);
        else if (c == 'D') c = starts[draw % 6];
        else if (c == 'T') c = clock[at++];
        out[len++] = c;
    }
    out[len] = '\0';
}

static void what_stands_beside_each_other_is_not_joined(void **state)
{
    static const char *const forms[] = {
        "Dddddddddd",
        "Ddddddddddd",
        "Dddddddddddd",
        "Ddddddddddddd",         /* ids, EAN-13 */
        "Dddddddddd Dddddddddd", /* two of them */
        "Dddddddddd-dddd",
        "Dddddddddddd-ddd",
        "Ddddddddddddd Ddddddddddddd",
        "Ddddddddddddd ddd", /* and a quantity */
        "Dddddddd Dddddddd",
        "Dddddddd-Dddddddd",
        "order Dddd dddd, then Dddddddd",
        "Dddd dddd Dddddddd",
        "Dddddd Dddddddddd",
        "Ddddd-Dddddd-ddddd",
        "Dddd-TTTT-TT-TT-dddd", /* shop, date, receipt */
        "Dddd TTTT-TT-TT TT:TT:TT dddd",
        "Dddddddd TTTTTTTT",
        "Dddddd-TTTTTTTT-TTTTTT",
        "TTTT-TT-TT TT:TT:TT dddd",
        "TTTTTTTT-TTTTTT-dddd",
        "TTTTTTTTTTTTTT",
        "179500ddddddd", /* Unix times */
        "179500dddddddddd",
        "+Ddd Ddd Dddddddd", /* phones */
        "00dd Ddd dddddddd",
        "(0Ddd) ddddddd-dd",
    };
    enum { TIMES = 20000 };
    uint64_t seed = 9;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        for (int n = 0; n < TIMES; n++) {
            char text[64];
            write_alike(forms[i], &seed, text);
            if (pii_has_card_number(str_from(text))) fail_msg("%s: \"%s\"", forms[i], text);
        }
}

/* Every card of 14 to 19 digits, whatever its number, is found in each way to write it. */
static void a_card_number_is_found_however_it_is_grouped(void **state)
{
    static const char *const between[] = {"", " ", "-", ".", " - ", "\u00a0", "%20", "%2D", "+"};
    static const struct {
        const char *prefix;
        int groups[20];
    } rows[] = {
        {"4", {4, 4, 4, 4}},     {"5105", {4, 4, 4, 4}}, {"37", {4, 6, 5}},
        {"34", {4, 4, 4, 3}},    {"36", {4, 6, 4}},      {"36", {4, 4, 4, 2}},
        {"62", {4, 4, 4, 4, 3}}, {"4", {4, 4, 4, 4, 3}}, {"62", {6, 13}},
        {"6759", {4, 4, 4, 3}},
    };
    uint64_t seed = 4;
    for (int n = 0; n < 2000; n++)
        for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
            char digits[64], text[128];
            int count = 0;
            size_t len = 0, at = 0;
            const char *separator = between[(size_t)n % (sizeof between / sizeof between[0])];
            for (int g = 0; rows[r].groups[g] > 0; g++) count += rows[r].groups[g];
            write_alike("dddddddddddddddddddd", &seed, digits);
            memcpy(digits, rows[r].prefix, strlen(rows[r].prefix));
            digits[count] = '\0';
            while (!passes_luhn(digits))
                digits[count - 1] = (char)(digits[count - 1] == '9' ? '0' : digits[count - 1] + 1);
            for (int g = 0; rows[r].groups[g] > 0; at += (size_t)rows[r].groups[g++])
                len += (size_t)snprintf(text + len, sizeof text - len, "%s%.*s",
                                        g > 0 ? separator : "", rows[r].groups[g], digits + at);
            assert_found(pii_has_card_number, text, true);
        }
}

static void every_prefix_has_the_lengths_of_its_brand(void **state)
{
    static const struct {
        const char *prefix;
        const char *lengths; /* of 14 to 19, those that are cards */
    } rows[] = {
        {"400000", "16 19"},
        {"499999", "16 19"},
        {"509999", "16 17 18 19"},
        {"510000", "16"},
        {"559999", "16"},
        {"222099", ""},
        {"222100", "16"},
        {"272099", "16"},
        {"272100", ""},
        {"340000", "15"},
        {"349999", "15"},
        {"350000", ""},
        {"370000", "15"},
        {"352799", ""},
        {"352800", "16 17 18 19"},
        {"358999", "16 17 18 19"},
        {"359000", ""},
        {"300000", "14 16 17 18 19"},
        {"306000", ""},
        {"309500", "14 16 17 18 19"},
        {"360000", "14 16 17 18 19"},
        {"601100", "16 17 18 19"},
        {"601200", ""},
        {"644000", "16 17 18 19"},
        {"660000", ""},
        {"620000", "16 17 18 19"},
        {"630000", ""},
        {"630400", "14 15 16 17 18 19"},
        {"220000", "16 17 18 19"},
        {"220500", ""},
        {"979200", "16"},
        {"100000", ""},
        {"700000", ""},
        {"900000", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int length = 14; length <= 19; length++) {
            char text[24], name[16];
            snprintf(text, sizeof text, "%s%0*d", rows[i].prefix, length - 6, 0);
            while (!passes_luhn(text)) {
                text[length - 1]++;
            }
            snprintf(name, sizeof name, "%d", length);
            assert_found(pii_has_card_number, text, strstr(rows[i].lengths, name) != NULL);
        }
    }
}

static void an_email_address_is_found_wherever_it_stands(void **state)
{
    static const struct {
        const char *text;
        bool found;
    } rows[] = {
        {"jane@example.com", true},
        {"call jane.doe+x@example.co.uk, please", true},
        {"<jane@example.com>", true},
        {"mailto:jane@example.com", true},
        {"https://shop.example/?email=jane@example.com&x=1", true},
        {"https://shop.example/?email=jane%40example.com", true},
        {"https://jane@shop.example/", true},
        {"https://shop.example/?e=jane%40example%2Ecom", true},
        {"https://shop.example/?u=%2Fx%3Fe%3Djane%2540example.com", true},
        {"https://shop.example/?u=jane%252540example%252Ecom", true},
        {"100%25 @ shop", false},
        {"jane%25example.com", false},
        {"J\u00DCRGEN@ex\u00E4mple.de", true},
        {"x@\u00E4\u00F6.\u4E2D", true},
        {"jane@localhost", false},
        {"jane@", false},
        {"@jane.doe", false},
        {"https://social.example/@jane.doe", false},
        {"https://maps.example/@48.85,2.35,12z", false},
        {"3 @ 9.99", false},
        {"3@9.99", false},
        {"pkg@1.2.3", false},
        {"jane@.com", false},
        {"jane@example.c", true},
        {"x=a@b.c", true},
        {"a@b.1", false},
        {"a@b.", false},
        {"a@b..c", false},
        {"jane@example. com", false},
        {"100%4", false},
        {"%40", false},
        {"%", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_found(pii_has_email, rows[i].text, rows[i].found);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_card_number_of_every_brand_is_found),
        cmocka_unit_test(a_card_number_is_found_wherever_it_stands),
        cmocka_unit_test(ids_barcodes_and_times_are_no_card_numbers),
        cmocka_unit_test(what_stands_beside_each_other_is_not_joined),
        cmocka_unit_test(a_card_number_is_found_however_it_is_grouped),
        cmocka_unit_test(every_prefix_has_the_lengths_of_its_brand),
        cmocka_unit_test(an_email_address_is_found_wherever_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
