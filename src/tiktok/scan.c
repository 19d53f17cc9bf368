/*
 * scan.c: finds what must never be stored in clear: payment card numbers and e-mail addresses in
 * order ids, descriptions and page addresses.
 *
 * Page addresses spell characters as %40 or %20: a percent sign and two hex digits count as the
 * byte they stand for, but the digits count too: "%B4111…" is what a card reader gives. A sale is
 * refused over a find, so digits that are surely an id are left alone: 10 to 13 digits, time
 * stamps, UUIDs and long hex ids (one in ten thousand of the latter would hold a card number by
 * chance).
 *
 * Digits in several groups are one number only when they are grouped as people write a card's:
 * 4-4-4-4 and the like (groups of one size up to four, the last may be shorter), 4-6-5 and 4-6-4
 * (American Express, Diners), 6-13 (UnionPay). Of any other neighbours, an order's number and a date,
 * two ids, an EAN-13 and a quantity, one pair in twenty that begins like a card would pass for one.
 */
#include "tiktok/pii.h"

#include "base/unicode.h"
#include <string.h>

enum {
    CARD_DIGITS_MIN = 14,
    CARD_DIGITS_MAX = 19,
    CARD_SEPARATORS_MAX = 3, /* " - " */
    CARD_GROUP_DIGITS = 4,
    CARD_PREFIX_DIGITS = 6,
    HEX_ID_BYTES_MIN = 24, /* MongoDB's, the shortest that is common */
    UUID_BYTES = 36,
    PERCENT_DIGITS = 2, /* behind a percent sign */
};

#define LENGTH(n)     (1u << (n))
#define LENGTHS_16_19 (LENGTH(16) | LENGTH(17) | LENGTH(18) | LENGTH(19))
#define LENGTHS_14_19 (LENGTH(14) | LENGTH(15) | LENGTHS_16_19)

/* Issuer prefixes, as of 2026; all brands of ISO/IEC 7812 that stores outside one chain see. UATP
 * (prefix 1, 15 digits) is left out: airlines take it, and it looks like time stamps. */
struct card_brand {
    unsigned first, last; /* of the first six digits */
    unsigned lengths;     /* bit n: n digits */
};

/* clang-format off */
static const struct card_brand card_brands[] = {
    /* from    to      digits */
    {400000, 499999, LENGTH(16) | LENGTH(19)},    /* Visa */
    {510000, 559999, LENGTH(16)},                 /* Mastercard */
    {222100, 272099, LENGTH(16)},                 /* Mastercard */
    {340000, 349999, LENGTH(15)},                 /* American Express */
    {370000, 379999, LENGTH(15)},                 /* American Express */
    {601100, 601199, LENGTHS_16_19},              /* Discover */
    {644000, 659999, LENGTHS_16_19},              /* Discover, RuPay, Troy, Elo */
    {300000, 305999, LENGTH(14) | LENGTHS_16_19}, /* Diners Club */
    {309500, 309599, LENGTH(14) | LENGTHS_16_19}, /* Diners Club */
    {360000, 369999, LENGTH(14) | LENGTHS_16_19}, /* Diners Club */
    {380000, 399999, LENGTH(14) | LENGTHS_16_19}, /* Diners Club */
    {352800, 358999, LENGTHS_16_19},              /* JCB */
    {620000, 629999, LENGTHS_16_19},              /* UnionPay */
    {810000, 829999, LENGTHS_16_19},              /* UnionPay, RuPay */
    {501800, 501899, LENGTHS_14_19},              /* Maestro */
    {502000, 502099, LENGTHS_14_19},              /* Maestro */
    {503800, 503899, LENGTHS_14_19},              /* Maestro */
    {589300, 589399, LENGTHS_14_19},              /* Maestro */
    {630400, 630499, LENGTHS_14_19},              /* Maestro */
    {675900, 675999, LENGTHS_14_19},              /* Maestro */
    {676100, 676399, LENGTHS_14_19},              /* Maestro */
    {500000, 509999, LENGTHS_16_19},              /* Maestro, Elo, Verve, RuPay, Dankort */
    {560000, 589999, LENGTHS_16_19},              /* Maestro */
    {670300, 670399, LENGTHS_16_19},              /* Bancontact */
    {220000, 220499, LENGTHS_16_19},              /* Mir */
    {604001, 604200, LENGTHS_16_19},              /* UkrCard */
    {606282, 606282, LENGTH(16) | LENGTH(19)},    /* Hipercard */
    {606985, 608984, LENGTH(16)},                 /* RuPay */
    {636000, 636999, LENGTHS_16_19},              /* InterPayment, Elo */
    {637000, 639999, LENGTH(16)},                 /* InstaPayment */
    {979200, 979289, LENGTH(16)},                 /* Troy */
};
/* clang-format on */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* The character at s.p[i], "%40" read as "@", and its bytes in s. An address within an address
 * spells it "%2540": its percent sign is spelt out too. */
static size_t char_at(struct str s, size_t i, char *c)
{
    size_t bytes = 1;
    *c = s.p[i];
    while (*c == '%' && s.len - i >= bytes + PERCENT_DIGITS &&
           hex_decode((struct str){s.p + i + bytes, PERCENT_DIGITS}, c, 1)) {
        bytes += PERCENT_DIGITS;
    }
    return bytes;
}

static bool has_brand(const unsigned char *digits, size_t count)
{
    unsigned prefix = 0;
    for (size_t i = 0; i < CARD_PREFIX_DIGITS; i++) {
        prefix = prefix * 10 + digits[i];
    }
    for (size_t i = 0; i < sizeof card_brands / sizeof card_brands[0]; i++) {
        const struct card_brand *brand = &card_brands[i];
        if (prefix < brand->first || prefix > brand->last) continue;
        if ((brand->lengths & LENGTH(count)) != 0) return true;
    }
    return false;
}

/* ISO/IEC 7812-1 annex B. */
static bool passes_luhn(const unsigned char *digits, size_t count)
{
    unsigned sum = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned digit = digits[count - 1 - i];
        unsigned twice = digit * 2;
        sum += i % 2 == 0 ? digit : twice > 9 ? twice - 9 : twice;
    }
    return sum % 10 == 0;
}

static bool is_uuid(struct str s)
{
    if (s.len != UUID_BYTES) return false;
    for (size_t i = 0; i < s.len; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        if ((s.p[i] == '-') != is_dash) return false;
    }
    return true;
}

/* The bytes from..to of s and what stands directly around them: hex digits, or dashes as well. */
static struct str surroundings(struct str s, size_t from, size_t to, bool dashes)
{
    while (from > 0 && (is_hex(s.p[from - 1]) || (dashes && s.p[from - 1] == '-'))) {
        from--;
    }
    while (to < s.len && (is_hex(s.p[to]) || (dashes && s.p[to] == '-'))) {
        to++;
    }
    return (struct str){s.p + from, to - from};
}

/* Are the digits from..to, without separators, a piece of a longer hex id? Or of a UUID? */
static bool is_in_id(struct str s, size_t from, size_t to, size_t digits)
{
    struct str hex = surroundings(s, from, to, false);
    if (to - from == digits && hex.len > digits && hex.len >= HEX_ID_BYTES_MIN) return true;
    return is_uuid(surroundings(s, from, to, true));
}

/* White space, dots, dashes of any script; a plus is how a query spells a space. */
static bool is_separator(uint32_t code)
{
    bool dash = code == '-' || (code >= 0x2010 && code <= 0x2015) || code == 0x2212;
    return dash || code == '+' || code == '.' || unicode_is_space(code);
}

/* Bytes of up to three separators at s.p[i] that a digit follows, or 0. */
static size_t separators_at(struct str s, size_t i)
{
    size_t start = i;
    for (size_t n = 0; n < CARD_SEPARATORS_MAX && i < s.len; n++) {
        char c;
        size_t bytes = char_at(s, i, &c);
        uint32_t code = (unsigned char)c;
        if (bytes == 1) bytes = unicode_next((struct str){s.p + i, s.len - i}, &code);
        if (bytes == 0 || !is_separator(code)) return 0;
        i += bytes;
        if (i < s.len && is_digit(s.p[i])) return i - start;
    }
    return 0;
}

struct groups { /* of digits, in the order in which they stand */
    unsigned char sizes[CARD_DIGITS_MAX];
    size_t count;
};

static bool is_unionpay(const unsigned char *digits)
{
    return digits[0] == 6 && digits[1] == 2;
}

/* Source: "Payment card number" of Wikipedia (what the brands print), November 2026. */
static bool is_grouped_as_card(const struct groups *g, const unsigned char *digits)
{
    const unsigned char *n = g->sizes;
    const size_t last = g->count - 1;
    if (last == 0) return true;
    if (last == 1 && n[0] == 6 && n[1] == 13) return is_unionpay(digits);
    if (last == 2 && n[0] == 4 && n[1] == 6) return n[2] == 5 || n[2] == 4;
    for (size_t i = 1; i < last; i++)
        if (n[i] != n[0]) return false;
    return n[0] <= CARD_GROUP_DIGITS && n[last] <= n[0];
}

/* A card number whose first digit is at s.p[start], ending where a group of digits ends? */
static bool is_card_at(struct str s, size_t start)
{
    unsigned char digits[CARD_DIGITS_MAX];
    struct groups groups = {.count = 0};
    size_t count = 0, i = start;
    while (i < s.len) {
        size_t before = count;
        while (i < s.len && is_digit(s.p[i])) {
            if (count == CARD_DIGITS_MAX) return false;
            digits[count++] = (unsigned char)(s.p[i++] - '0');
        }
        groups.sizes[groups.count++] = (unsigned char)(count - before);
        bool is_card = count >= CARD_DIGITS_MIN && has_brand(digits, count) &&
                       passes_luhn(digits, count) && is_grouped_as_card(&groups, digits) &&
                       !is_in_id(s, start, i, count);
        size_t between = i < s.len ? separators_at(s, i) : 0;
        if (is_card || between == 0) return is_card;
        i += between;
    }
    return false;
}

/* Most texts are too short for one, or have too few digits. */
static bool has_enough_digits(struct str text)
{
    size_t digits = 0;
    if (text.len < CARD_DIGITS_MIN) return false;
    for (size_t i = 0; i < text.len; i++) digits += is_digit(text.p[i]);
    return digits >= CARD_DIGITS_MIN;
}

bool pii_has_card_number(struct str text)
{
    if (!has_enough_digits(text)) return false;
    bool in_group = false;
    size_t escape_end = 0;
    for (size_t i = 0; i < text.len; i++) {
        bool starts = is_digit(text.p[i]) && (!in_group || i == escape_end);
        char c;
        if (starts && is_card_at(text, i)) return true;
        in_group = is_digit(text.p[i]);
        if (text.p[i] == '%') escape_end = i + char_at(text, i, &c);
    }
    return false;
}

static bool is_label_char(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           (unsigned char)c >= 0x80;
}

/* May stand before the @: what separates an address from its surroundings may not. */
static bool is_local_char(char c)
{
    return (unsigned char)c > ' ' && strchr("/?&=#,;:<>()[]\\\"@", c) == NULL;
}

/* Two labels or more; the last does not begin with a digit. What pii_email would hash and the DNS
 * does not have, x@b.c, is kept out as well. */
static bool is_domain_at(struct str s, size_t i)
{
    size_t labels = 0, len = 0;
    for (size_t bytes; i < s.len; i += bytes) {
        char c;
        bytes = char_at(s, i, &c);
        if (c == '.' && len > 0) {
            labels++;
            len = 0;
        } else if (is_label_char(c)) {
            if (labels > 0 && len == 0 && !is_digit(c)) return true;
            len++;
        } else {
            break;
        }
    }
    return false;
}

bool pii_has_email(struct str text)
{
    if (text.len == 0) return false;
    if (!memchr(text.p, '@', text.len) && !memchr(text.p, '%', text.len)) return false;
    for (size_t i = 1; i < text.len; i++) {
        if (text.p[i] != '@' && text.p[i] != '%') continue;
        char c;
        size_t bytes = char_at(text, i, &c);
        if (c == '@' && is_local_char(text.p[i - 1]) && is_domain_at(text, i + bytes)) return true;
    }
    return false;
}
