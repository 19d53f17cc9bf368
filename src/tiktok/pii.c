/*
 * pii.c: e-mail addresses, phone numbers and external ids to SHA-256.
 *
 * What always holds:
 * 1. Plain text is copied into one local buffer at most, and that is wiped before returning.
 * 2. What goes out is 64 lower-case hex digits that are not in never_send: digests of nothing that
 *    registers and middleware have been seen to send, which TikTok takes and never matches.
 * 3. A text of 64 hex digits is already hashed and is never hashed again.
 *
 * This file alone includes mbedTLS in this room. Its generic digest call is the same in 2.28 and
 * 3.6.
 */
#include "tiktok/pii.h"

#include "base/unicode.h"
#include <mbedtls/md.h>
#include <stdlib.h>
#include <string.h>

enum {
    SHA256_BYTES = 32,
    LOWER_SHRINKS_MOST = 3, /* the Kelvin sign: 3 bytes of UTF-8 become the letter k */
    PHONE_DIGITS_MIN = 7,   /* with the country code */
    PHONE_DIGITS_MAX = 15,  /* E.164 */
    PHONE_KEPT_MAX = 20,    /* digits before "00" goes or a calling code comes; more is no phone */
};

static const char *const never_send[] = {
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", /* "" */
    "a318c24216defe206feeb73ef5be00033fa9c4a74d0b967f6532a26ca5906d3b", /* "+" */
    "74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b", /* "null" */
    "eb045d78d273107348b0300c01d29b7552d622abbc6faf81b3ec55359aa9950c", /* "undefined" */
    "e2f79e5b60330bba4c289962231b6ba2957d0b14e7deb3110417003c79dea635", /* "N/A" */
};

void pii_sha256(const void *bytes, size_t n, unsigned char out[32])
{
    const mbedtls_md_info_t *sha256 = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);
    /* Fails only where mbedTLS was built without SHA-256: better no agent than wrong digests. */
    if (mbedtls_md(sha256, bytes, n, out) != 0) abort();
}

static enum pii_result check_hash(const char hash[PII_HASH_BYTES])
{
    for (size_t i = 0; i < sizeof never_send / sizeof never_send[0]; i++) {
        if (strcmp(hash, never_send[i]) == 0) return PII_INVALID;
    }
    return PII_OK;
}

static enum pii_result hash_text(struct str text, char out[PII_HASH_BYTES])
{
    unsigned char digest[SHA256_BYTES];
    pii_sha256(text.p, text.len, digest);
    hex_encode(digest, sizeof digest, out);
    return check_hash(out);
}

/* Is it hashed already? Then out holds it in lower case. */
static bool read_hash(struct str text, char out[PII_HASH_BYTES])
{
    unsigned char digest[SHA256_BYTES];
    if (!hex_decode(text, digest, sizeof digest)) return false;
    hex_encode(digest, sizeof digest, out);
    return true;
}

/* One @ with something on both sides, no white space. */
static bool is_address(struct str s)
{
    struct str domain, local = str_split(s, '@', &domain);
    if (local.len == 0 || domain.len == 0 || memchr(domain.p, '@', domain.len) != NULL)
        return false;
    uint32_t code = 0;
    for (size_t n = unicode_next(s, &code); n > 0; n = unicode_next(s, &code)) {
        if (unicode_is_space(code)) return false;
        s = (struct str){s.p + n, s.len - n};
    }
    return true;
}

enum pii_result pii_email(struct str plain, char out[PII_HASH_BYTES])
{
    struct str s = unicode_trim(plain);
    if (s.len == 0) return PII_BLANK;
    if (read_hash(s, out)) return check_hash(out);
    if (s.len > PII_EMAIL_MAX_BYTES * LOWER_SHRINKS_MOST) return PII_INVALID;
    char lower[PII_EMAIL_MAX_BYTES];
    enum pii_result result = PII_INVALID;
    long len = unicode_lower(s, lower, sizeof lower);
    struct str address = {lower, len < 0 ? 0 : (size_t)len};
    if (address.len > 0 && is_address(address)) result = hash_text(address, out);
    wipe(lower, sizeof lower);
    return result;
}

enum pii_result pii_external_id(struct str plain, char out[PII_HASH_BYTES])
{
    struct str s = unicode_trim(plain);
    if (s.len == 0) return PII_BLANK;
    return read_hash(s, out) ? check_hash(out) : hash_text(s, out);
}

struct phone {
    char digits[PHONE_KEPT_MAX];
    size_t count;
    bool plus; /* the country code is there */
};

/* What people write between digits; the marks that phones' address books put around a number. */
static bool is_filler(uint32_t code)
{
    if (unicode_is_space(code)) return true;
    if (code < 0x80) return code != '\0' && strchr(".-/()", (int)code) != NULL;
    return (code >= 0x2010 && code <= 0x2015) || code == 0x2212 ||
           (code >= 0x200B && code <= 0x200F) || (code >= 0x202A && code <= 0x202E) ||
           (code >= 0x2060 && code <= 0x2069);
}

static bool skip_word(struct str *s)
{
    static const char *const words[] = {"extension", "extn", "ext", "x", "#", ",", ";"};
    struct str rest = str_trim(*s);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t len = strlen(words[i]);
        if (rest.len < len || !str_is_nocase((struct str){rest.p, len}, words[i])) continue;
        *s = (struct str){rest.p + len, rest.len - len};
        return true;
    }
    return false;
}

static void skip_any(struct str *s, const char *set)
{
    while (s->len > 0 && s->p[0] != '\0' && strchr(set, s->p[0]) != NULL) {
        *s = (struct str){s->p + 1, s->len - 1};
    }
}

/* "ext. 12", "x12", "#12", ";ext=12", ", extension 12" and nothing behind. */
static bool is_extension(struct str s)
{
    if (!skip_word(&s)) return false;
    while (skip_word(&s)) {
    }
    skip_any(&s, " .:=");
    skip_any(&s, "0123456789");
    return str_trim(s).len == 0;
}

static bool add_char(struct phone *phone, uint32_t code)
{
    if (code >= '0' && code <= '9') {
        if (phone->count == sizeof phone->digits) return false;
        phone->digits[phone->count++] = (char)code;
        return true;
    }
    if (code == '+') {
        if (phone->plus || phone->count > 0) return false;
        phone->plus = true;
        return true;
    }
    return is_filler(code);
}

static bool read_phone(struct str s, struct phone *phone)
{
    while (s.len > 0) {
        uint32_t code = 0;
        size_t n = unicode_next(s, &code);
        if (phone->count > 0 && str_starts(s, "(0)")) {
            n = 3;
        } else if (n == 0 || !add_char(phone, code)) {
            return is_extension(s);
        }
        s = (struct str){s.p + n, s.len - n};
    }
    return true;
}

/* E.164 with its plus into out; its length, or 0 when it is none. */
static size_t write_e164(const struct phone *phone, const char *calling_code,
                         char out[PHONE_DIGITS_MAX + 1])
{
    struct str digits = {phone->digits, phone->count};
    bool international = phone->plus;
    if (!international && str_starts(digits, "00")) {
        digits = (struct str){digits.p + 2, digits.len - 2};
        international = true;
    }
    struct str code = str_from(international ? NULL : calling_code);
    if (code.len > 0 && str_starts(digits, "0")) {
        digits = (struct str){digits.p + 1, digits.len - 1};
    }
    size_t count = code.len + digits.len;
    if (count < PHONE_DIGITS_MIN || count > PHONE_DIGITS_MAX) return 0;
    out[0] = '+';
    memcpy(out + 1, code.p, code.len);
    memcpy(out + 1 + code.len, digits.p, digits.len);
    return out[1] == '0' ? 0 : count + 1;
}

enum pii_result pii_phone(struct str plain, const char *calling_code, char out[PII_HASH_BYTES])
{
    struct str s = unicode_trim(plain);
    if (s.len == 0) return PII_BLANK;
    if (read_hash(s, out)) return check_hash(out);
    struct phone phone = {.count = 0};
    char e164[PHONE_DIGITS_MAX + 1];
    enum pii_result result = PII_INVALID;
    size_t len = read_phone(s, &phone) ? write_e164(&phone, calling_code, e164) : 0;
    if (len > 0) result = hash_text((struct str){e164, len}, out);
    wipe(&phone, sizeof phone);
    wipe(e164, sizeof e164);
    return result;
}
