/*
 * token.c: tokens, compared in constant time.
 *
 * What always holds: every token is compared over the whole of what was sent, whatever came out for
 * the ones before and at the first byte; what was decoded is wiped.
 */
#include "api/token.h"

#include <string.h>

enum { CREDENTIALS_MAX_BYTES = 1024 };

static int base64_value(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c == '\0' ? NULL : strchr(digits, c);
    return at ? (int)(at - digits) : -1;
}

/* Source: RFC 4648 section 4; padding may be absent. */
static bool base64_decode(struct str in, char *out, size_t *out_len)
{
    uint32_t bits = 0;
    unsigned count = 0;
    size_t n = 0;
    while (in.len > 0 && in.p[in.len - 1] == '=') in.len--;
    for (size_t i = 0; i < in.len; i++) {
        int v = base64_value(in.p[i]);
        if (v < 0) return false;
        bits = (bits << 6 | (uint32_t)v) & 0xFFFF;
        count += 6;
        if (count < 8) continue;
        count -= 8;
        out[n++] = (char)(bits >> count & 0xFF);
    }
    *out_len = n;
    return count < 6;
}

/* The time depends on the length of what was sent and on nothing else. */
static unsigned differs(struct str sent, const char *token)
{
    size_t token_len = strlen(token);
    volatile unsigned diff = sent.len != token_len || token_len == 0;
    for (size_t i = 0; i < sent.len; i++) {
        unsigned char want = token_len ? (unsigned char)token[i % token_len] : 0;
        diff |= (unsigned char)sent.p[i] ^ want;
    }
    return diff;
}

static bool fits_one(struct str sent, const char *const *tokens, size_t n)
{
    volatile unsigned found = 0;
    for (size_t i = 0; i < n; i++) found |= differs(sent, tokens[i]) == 0;
    return found != 0;
}

bool token_fits(struct str authorization, const char *const *tokens, size_t n)
{
    struct str credentials;
    struct str scheme = str_split(authorization, ' ', &credentials);
    credentials = str_trim(credentials);
    if (str_is_nocase(scheme, "Bearer")) return fits_one(credentials, tokens, n);
    if (!str_is_nocase(scheme, "Basic") || credentials.len > CREDENTIALS_MAX_BYTES) return false;
    char text[CREDENTIALS_MAX_BYTES];
    struct str user = {text, 0};
    struct str password;
    bool fits = base64_decode(credentials, text, &user.len) &&
                fits_one(str_split(user, ':', &password), tokens, n);
    wipe(text, sizeof text);
    return fits;
}
