/*
 * text.c: borrowed strings, hex, wiping. Everything here is ASCII but the two UTF-8 functions;
 * no function looks at the locale.
 */
#define _DEFAULT_SOURCE /* explicit_bzero: glibc 2.25, musl 1.1.20 */
#include "base/text.h"

#include "tillpost/err.h"
#include <string.h>

/* Deeper than libmicrohttpd, our handlers and zlib together get: 14 KiB, measured on x86-64. */
enum { WIPE_STACK_BYTES = 32 * 1024 };

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool str_is_nocase(struct str a, const char *z)
{
    size_t len = strlen(z);
    if (a.len != len) return false;
    for (size_t i = 0; i < len; i++) {
        if (lower(a.p[i]) != lower(z[i])) return false;
    }
    return true;
}

bool str_starts(struct str a, const char *z)
{
    size_t len = strlen(z);
    return a.len >= len && (len == 0 || memcmp(a.p, z, len) == 0);
}

static struct str tail(struct str a, size_t len)
{
    return len < a.len ? (struct str){a.p + a.len - len, len} : a;
}

bool str_ends(struct str a, const char *z)
{
    return str_is(tail(a, strlen(z)), z);
}

bool str_ends_nocase(struct str a, const char *z)
{
    return str_is_nocase(tail(a, strlen(z)), z);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str a)
{
    while (a.len > 0 && is_space(a.p[0])) {
        a.p++;
        a.len--;
    }
    while (a.len > 0 && is_space(a.p[a.len - 1])) {
        a.len--;
    }
    return a;
}

struct str str_split(struct str a, char sep, struct str *rest)
{
    const char *at = a.len == 0 ? NULL : memchr(a.p, sep, a.len);
    if (at == NULL) {
        *rest = (struct str){"", 0};
        return a;
    }
    size_t len = (size_t)(at - a.p);
    *rest = (struct str){at + 1, a.len - len - 1};
    return (struct str){a.p, len};
}

struct str str_cut(struct str a, size_t max_bytes)
{
    if (a.len <= max_bytes) return a;
    size_t len = max_bytes;
    while (len > 0 && max_bytes - len < 3 && ((unsigned char)a.p[len] & 0xC0) == 0x80) {
        len--;
    }
    return (struct str){a.p, len};
}

/* RFC 3629 section 4: the first byte decides the length and the range of the second. */
struct utf8_row {
    unsigned char first_min, first_max, second_min, second_max, bytes;
};

static const struct utf8_row utf8_rows[] = {
    {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3}, {0xE1, 0xEC, 0x80, 0xBF, 3},
    {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4},
    {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
};

static size_t utf8_tail(const struct utf8_row *row, struct str a)
{
    if (a.len < row->bytes) return 0;
    unsigned char second = (unsigned char)a.p[1];
    if (second < row->second_min || second > row->second_max) return 0;
    for (size_t i = 2; i < row->bytes; i++) {
        if (((unsigned char)a.p[i] & 0xC0) != 0x80) return 0;
    }
    return row->bytes;
}

size_t str_utf8_char(struct str a)
{
    if (a.len == 0) return 0;
    unsigned char first = (unsigned char)a.p[0];
    if (first < 0x80) return 1;
    for (size_t i = 0; i < sizeof utf8_rows / sizeof utf8_rows[0]; i++) {
        const struct utf8_row *row = &utf8_rows[i];
        if (first >= row->first_min && first <= row->first_max) return utf8_tail(row, a);
    }
    return 0;
}

int str_to_u64(struct str a, uint64_t *out)
{
    uint64_t n = 0;
    if (a.len == 0) return TILLPOST_E_BAD_NUMBER;
    for (size_t i = 0; i < a.len; i++) {
        if (a.p[i] < '0' || a.p[i] > '9') return TILLPOST_E_BAD_NUMBER;
        unsigned digit = (unsigned)(a.p[i] - '0');
        if (n > (UINT64_MAX - digit) / 10) return TILLPOST_E_BAD_NUMBER;
        n = n * 10 + digit;
    }
    *out = n;
    return TILLPOST_OK;
}

void wipe(void *p, size_t bytes)
{
    if (p != NULL) explicit_bzero(p, bytes);
}

/* A copy leaves what it moved last in the processor's wide registers, and a core has those too.
 * Copies of zeros take their place, of each length that C libraries treat in a way of its own. */
static void wipe_registers(unsigned char *zeros, size_t bytes)
{
    static void *(*volatile const copy)(void *, const void *, size_t) = memcpy;
    static const size_t lengths[] = {2048, 768, 384, 192, 96, 48, 24, 12};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        (void)copy(zeros, zeros + bytes / 2, lengths[i]);
}

void wipe_stack(void)
{
    unsigned char below[WIPE_STACK_BYTES];
    wipe(below, sizeof below);
    wipe_registers(below, sizeof below);
}

void hex_encode(const void *bytes, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *in = bytes;
    for (size_t i = 0; i < n; i++) {
        *out++ = digits[in[i] >> 4];
        *out++ = digits[in[i] & 15];
    }
    *out = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hex_decode(struct str hex, void *out, size_t out_bytes)
{
    unsigned char *to = out;
    if (hex.len % 2 != 0 || hex.len / 2 != out_bytes) return false;
    for (size_t i = 0; i < out_bytes; i++) {
        int high = hex_value(hex.p[2 * i]);
        int low = hex_value(hex.p[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        to[i] = (unsigned char)(high * 16 + low);
    }
    return true;
}
