/* utf8.c: see utf8.h. The table is Unicode's "Well-Formed UTF-8 Byte Sequences" (table 3-7). */
#include "client/utf8.h"

/* clang-format off */
static const struct {
    unsigned char first, last;   /* first byte, from … to */
    unsigned char second, up_to; /* second byte; those behind it are 80 … BF */
    unsigned char bytes;
} forms[] = {
    {0x00, 0x7F, 0,    0,    1},
    {0xC2, 0xDF, 0x80, 0xBF, 2},
    {0xE0, 0xE0, 0xA0, 0xBF, 3},
    {0xE1, 0xEC, 0x80, 0xBF, 3},
    {0xED, 0xED, 0x80, 0x9F, 3},
    {0xEE, 0xEF, 0x80, 0xBF, 3},
    {0xF0, 0xF0, 0x90, 0xBF, 4},
    {0xF1, 0xF3, 0x80, 0xBF, 4},
    {0xF4, 0xF4, 0x80, 0x8F, 4},
};
/* clang-format on */

size_t utf8_length(const char *p, size_t bytes)
{
    const unsigned char *u = (const unsigned char *)p;
    for (size_t i = 0; bytes > 0 && i < sizeof forms / sizeof forms[0]; i++) {
        if (u[0] < forms[i].first || u[0] > forms[i].last) continue;
        if (bytes < forms[i].bytes) return 0;
        if (forms[i].bytes > 1 && (u[1] < forms[i].second || u[1] > forms[i].up_to)) return 0;
        for (size_t k = 2; k < forms[i].bytes; k++)
            if (u[k] < 0x80 || u[k] > 0xBF) return 0;
        return forms[i].bytes;
    }
    return 0;
}

size_t utf8_write(unsigned code, char out[4])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    out[0] = (char)(0xE0 | code >> 12);
    out[1] = (char)(0x80 | (code >> 6 & 0x3F));
    out[2] = (char)(0x80 | (code & 0x3F));
    return 3;
}
