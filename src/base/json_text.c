/*
 * json_text.c: what needs a look in a JSON string, and what an escape in it stands for (RFC 8259
 * section 7).
 *
 * The text is one that passed the check; all the same nothing is read behind its end, whatever it
 * holds.
 */
#include "base/json_text.h"

#include <string.h>

/* Eight bytes at once: https://graphics.stanford.edu/~seander/bithacks.html, "Determine if a word
 * has a zero byte", "… a byte less than n". Which byte it is, they do not tell. */
#define EACH_BYTE(n) (UINT64_C(0x0101010101010101) * (n))
static uint64_t less(uint64_t word, unsigned char than)
{
    return (word - EACH_BYTE(than)) & ~word & EACH_BYTE(0x80);
}

static bool is_plain(char ch)
{
    return (unsigned char)ch < 0x80 && ch >= ' ' && ch != '"' && ch != '\\';
}

const char *json_plain_end(const char *p, const char *end)
{
    for (uint64_t word; (size_t)(end - p) >= sizeof word; p += sizeof word) {
        memcpy(&word, p, sizeof word);
        uint64_t odd = less(word, ' ') | less(word ^ EACH_BYTE('"'), 1) |
                       less(word ^ EACH_BYTE('\\'), 1) | (word & EACH_BYTE(0x80));
        if (odd != 0) break;
    }
    while (p < end && is_plain(*p)) p++;
    return p;
}

static int hex_value(char ch)
{
    if (ch >= '0' && ch <= '9') return ch - '0';
    ch = (char)(ch | 0x20);
    return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

int json_hex4(const char *p, const char *end)
{
    int unit = 0;
    if (end - p < 4) return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(p[i]);
        if (digit < 0) return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

static unsigned char put_utf8(unsigned char out[4], int point)
{
    if (point < 0x80) {
        out[0] = (unsigned char)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (unsigned char)(0xC0 | point >> 6);
        out[1] = (unsigned char)(0x80 | (point & 0x3F));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (unsigned char)(0xE0 | point >> 12);
        out[1] = (unsigned char)(0x80 | (point >> 6 & 0x3F));
        out[2] = (unsigned char)(0x80 | (point & 0x3F));
        return 3;
    }
    out[0] = (unsigned char)(0xF0 | point >> 18);
    out[1] = (unsigned char)(0x80 | (point >> 12 & 0x3F));
    out[2] = (unsigned char)(0x80 | (point >> 6 & 0x3F));
    out[3] = (unsigned char)(0x80 | (point & 0x3F));
    return 4;
}

/* p is behind "\u"; -1 when the text is not one that passed the check. */
static int unescape_point(struct json_unescape *u)
{
    int unit = json_hex4(u->p, u->end);
    if (unit < 0) return -1;
    u->p += 4;
    if (unit < 0xD800 || unit > 0xDFFF) return unit;
    int low = u->end - u->p < 6 ? -1 : json_hex4(u->p + 2, u->end);
    if (low < 0) return -1;
    u->p += 6;
    return 0x10000 + ((unit & 0x3FF) << 10) + (low & 0x3FF);
}

int json_unescape_next(struct json_unescape *u)
{
    static const char names[] = "bfnrt", bytes[] = "\b\f\n\r\t";
    if (u->at < u->have) return u->out[u->at++];
    if (u->p >= u->end || *u->p == '"') return -1;
    char ch = *u->p++;
    if (ch != '\\' || u->p >= u->end) return (unsigned char)ch;
    ch = *u->p++;
    if (ch != 'u') {
        const char *name = ch == '\0' ? NULL : strchr(names, ch);
        return name == NULL ? (unsigned char)ch : bytes[name - names];
    }
    int point = unescape_point(u);
    if (point < 0) return -1;
    u->have = put_utf8(u->out, point);
    u->at = 1;
    return u->out[0];
}
