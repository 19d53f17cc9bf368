/*
 * generator_text.c: product.md's rules for single texts, told plainly: personal data, card numbers,
 * numbers, time stamps. See generator.h.
 */
#include "generator.h"

#include <ctype.h>
#include <math.h>
#include <mbedtls/md.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* White space ---------------------------------------------------------------------------------- */

static const char *const spaces[] = {
    " ",
    "\t",
    "\n",
    "\v",
    "\f",
    "\r",
    "\xC2\xA0",
    "\xE1\x9A\x80",
    "\xE2\x80\x80",
    "\xE2\x80\x81",
    "\xE2\x80\x82",
    "\xE2\x80\x83",
    "\xE2\x80\x84",
    "\xE2\x80\x85",
    "\xE2\x80\x86",
    "\xE2\x80\x87",
    "\xE2\x80\x88",
    "\xE2\x80\x89",
    "\xE2\x80\x8A",
    "\xE2\x80\xA8",
    "\xE2\x80\xA9",
    "\xE2\x80\xAF",
    "\xE2\x81\x9F",
    "\xE3\x80\x80",
    "\xEF\xBB\xBF",
};

/* Bytes of the white space that text begins with, 0 when it begins with none. */
static size_t space_at(const char *text)
{
    for (size_t i = 0; i < sizeof spaces / sizeof spaces[0]; i++) {
        size_t n = strlen(spaces[i]);
        if (strncmp(text, spaces[i], n) == 0) return n;
    }
    return 0;
}

void plain_trim(const char *text, char out[PLAIN_TEXT_BYTES])
{
    size_t end = 0;
    while (space_at(text) > 0) text += space_at(text);
    for (size_t i = 0; text[i] != '\0'; i++) {
        size_t n = space_at(text + i);
        if (n == 0) end = i + 1;
        if (n > 1) i += n - 1;
    }
    (void)snprintf(out, PLAIN_TEXT_BYTES, "%.*s", (int)end, text);
}

bool plain_is_blank(const cJSON *v)
{
    char trimmed[PLAIN_TEXT_BYTES];
    if (v == NULL || cJSON_IsNull(v)) return true;
    if (cJSON_IsString(v)) {
        plain_trim(v->valuestring, trimmed);
        return trimmed[0] == '\0';
    }
    if (!cJSON_IsArray(v)) return false;
    const cJSON *item;
    cJSON_ArrayForEach(item, v)
    {
        if (!plain_is_blank(item)) return false;
    }
    return true;
}

/* Lower case ----------------------------------------------------------------------------------- */

/* The capitals that the generator knows, and what JavaScript's toLowerCase makes of them. */
static const struct {
    const char *capital, *small;
} letters[] = {
    {"Ä", "ä"},
    {"Ö", "ö"},
    {"Ü", "ü"},
    {"É", "é"},
    {"Ñ", "ñ"},
    {"Ø", "ø"},
    {"Ł", "ł"},
    {"Ž", "ž"},
    {"ẞ", "ß"},
    {"Ж", "ж"},
    {"А", "а"},
    {"Н", "н"},
    {"Я", "я"},
    {"Ї", "ї"},
    {"Σ", "σ"},
    {"Ί", "ί"},
    {"Υ", "υ"},
    {"Φ", "φ"},
    {"Ο", "ο"},
    {"Ω", "ω"},
    {"Δ", "δ"},
    {"İ", "i̇"},
    {"\xE2\x84\xAA", "k"},
    {"Ǆ", "ǆ"},
    {"Ա", "ա"},
    {"Ა", "ა"},
    {"𐐀", "𐐨"},
};

static bool is_letter(const char *p)
{
    return isalpha((unsigned char)*p) || ((unsigned char)*p >= 0xC3 && space_at(p) == 0);
}

/* A capital sigma is a final one behind a letter when no letter follows. */
static bool is_final_sigma(const char *text, const char *at)
{
    const char *before = at, *after = at + strlen("Σ");
    if (strncmp(at, "Σ", strlen("Σ")) != 0) return false;
    while (before > text && (before[-1] == '.' || before[-1] == '\'')) before--;
    while (*after == '.' || *after == '\'') after++;
    if (before == text) return false;
    for (before--; before > text && ((unsigned char)*before & 0xC0) == 0x80;) before--;
    return is_letter(before) && !is_letter(after);
}

static void lower(const char *text, char out[PLAIN_TEXT_BYTES])
{
    size_t n = 0;
    for (const char *p = text; *p != '\0';) {
        const char *small = NULL;
        size_t used = 1;
        for (size_t i = 0; i < sizeof letters / sizeof letters[0] && small == NULL; i++) {
            used = strlen(letters[i].capital);
            if (strncmp(p, letters[i].capital, used) == 0) small = letters[i].small;
        }
        if (is_final_sigma(text, p)) small = "ς";
        if (small == NULL) used = 1;
        for (; small != NULL && *small != '\0'; small++) out[n++] = *small;
        if (used == 1 && small == NULL) out[n++] = (char)tolower((unsigned char)*p);
        p += used;
    }
    out[n] = '\0';
}

/* Personal data -------------------------------------------------------------------------------- */

static void sha256(const char *text, char out[PLAIN_HASH_BYTES])
{
    unsigned char hash[32];
    (void)mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), (const unsigned char *)text,
                     strlen(text), hash);
    for (size_t i = 0; i < sizeof hash; i++) (void)snprintf(out + 2 * i, 3, "%02x", hash[i]);
}

/* "Never send: hash of empty string …": the list of data/vectors/hashes.json. */
static bool may_be_sent(const char hash[PLAIN_HASH_BYTES])
{
    static const char *const nobody[] = {"", "+", "null", "undefined", "N/A"};
    char hex[PLAIN_HASH_BYTES];
    for (size_t i = 0; i < sizeof nobody / sizeof nobody[0]; i++) {
        sha256(nobody[i], hex);
        if (strcmp(hash, hex) == 0) return false;
    }
    return true;
}

/* "A value of 64 hex digits is already hashed: trimmed, lower-cased, passed on." */
static bool hashed_already(const char *trimmed, char out[PLAIN_HASH_BYTES])
{
    if (strlen(trimmed) != 64 || strspn(trimmed, "0123456789abcdefABCDEF") != 64) return false;
    for (size_t i = 0; i <= 64; i++) out[i] = (char)tolower((unsigned char)trimmed[i]);
    return true;
}

/* "E-mail: trim, lower-case (Unicode), one `@`, at most 254 bytes, SHA-256." */
bool plain_email(const char *text, char out[PLAIN_HASH_BYTES])
{
    char trimmed[PLAIN_TEXT_BYTES], small[PLAIN_TEXT_BYTES];
    plain_trim(text, trimmed);
    if (hashed_already(trimmed, out)) return may_be_sent(out);
    lower(trimmed, small);
    const char *at = strchr(small, '@');
    if (at == NULL || strchr(at + 1, '@') != NULL) return false;
    if (strlen(small) > 254) return false;
    /* silent: nothing before or behind the @, white space within */
    if (at == small || at[1] == '\0') return false;
    for (const char *p = small; *p != '\0'; p++) {
        if (space_at(p) > 0) return false;
    }
    sha256(small, out);
    return true;
}

/* Where an extension begins: "ext. 12", "x12", "extension 12", "#12", ";ext=12"; or the end. */
static size_t extension_at(const char *s)
{
    static const char *const marks[] = {";ext=", "extension", "ext", "x", "#"};
    for (size_t i = 0; s[i] != '\0'; i++) {
        for (size_t m = 0; m < sizeof marks / sizeof marks[0]; m++) {
            size_t n = strlen(marks[m]);
            if (strncmp(s + i, marks[m], n) != 0) continue;
            const char *p = s + i + n;
            p += strspn(p, ". :");
            if (p[strspn(p, "0123456789")] == '\0') return i; /* silent: none may stand there */
        }
    }
    return strlen(s);
}

/* Takes every `what` out. */
static void strike(char *s, const char *what)
{
    size_t n = strlen(what);
    for (char *p = strstr(s, what); p != NULL; p = strstr(p, what)) {
        memmove(p, p + n, strlen(p + n) + 1);
    }
}

/* silent: only behind a country code; a number that begins with "(0)" is a national one. */
static void strike_separators(char *s)
{
    size_t first = strcspn(s, "123456789");
    if (strncmp(s, "(0)", 3) != 0) strike(s, "(0)");
    else strike(s + (s[first] != '\0' ? first : strlen(s)), "(0)");
    static const char *const others[] = {".", "-", "(", ")"};
    for (size_t i = 0; i < sizeof spaces / sizeof spaces[0]; i++) strike(s, spaces[i]);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) strike(s, others[i]);
}

/* "E.164 with the `+` inside the hash; spaces, dots, dashes, parentheses, `(0)` and extensions go,
 * `00` becomes `+`, 7 to 15 digits, the first not 0; a number without `+` is taken as already
 * carrying its country code, unless `defaults.calling_code` is set: then a leading 0 goes and the
 * code comes in front." */
bool plain_phone(const char *text, const char *calling_code, char out[PLAIN_HASH_BYTES])
{
    char s[PLAIN_TEXT_BYTES], small[PLAIN_TEXT_BYTES], number[PLAIN_TEXT_BYTES];
    plain_trim(text, s);
    if (hashed_already(s, out)) return may_be_sent(out);
    lower(s, small);
    small[extension_at(small)] = '\0';
    strike_separators(small);
    const char *digits = small;
    bool international = true;
    if (digits[0] == '+') digits++;
    else if (strncmp(digits, "00", 2) == 0) digits += 2;
    else international = false;
    bool national = !international && calling_code != NULL;
    if (national && digits[0] == '0') digits++;
    if (strlen(digits) > 32) return false;
    (void)snprintf(number, sizeof number, "+%.8s%.32s", national ? calling_code : "", digits);
    size_t n = strlen(number + 1);
    if (n < 7 || n > 15 || strspn(number + 1, "0123456789") != n || number[1] == '0') return false;
    sha256(number, out);
    return true;
}

/* "External id: trim, SHA-256." */
bool plain_external_id(const char *text, char out[PLAIN_HASH_BYTES])
{
    char trimmed[PLAIN_TEXT_BYTES];
    plain_trim(text, trimmed);
    if (!hashed_already(trimmed, out)) sha256(trimmed, out);
    return may_be_sent(out);
}

/* What may not stand in clear ------------------------------------------------------------------ */

/* Issuers' prefixes and the lengths of their numbers, from 14 digits on. Source: ISO/IEC 7812 as
 * payment forms use it. */
static const struct {
    long first, last;
    int digits;
    size_t min, max;
} brands[] = {
    {4, 4, 1, 16, 16},       {4, 4, 1, 19, 19},     {51, 55, 2, 16, 16},
    {2221, 2720, 4, 16, 16}, {34, 34, 2, 15, 15},   {37, 37, 2, 15, 15},
    {300, 305, 3, 14, 14},   {36, 36, 2, 14, 14},   {38, 39, 2, 14, 14},
    {6011, 6011, 4, 16, 19}, {644, 649, 3, 16, 19}, {65, 65, 2, 16, 19},
    {3528, 3589, 4, 16, 19}, {62, 62, 2, 16, 19},
};

static bool luhn(const char *digits, size_t n)
{
    int sum = 0;
    for (size_t i = 0; i < n; i++) {
        int d = digits[n - 1 - i] - '0';
        if (i % 2 == 1) d = d > 4 ? 2 * d - 9 : 2 * d;
        sum += d;
    }
    return sum % 10 == 0;
}

static bool is_card(const char *digits, size_t n)
{
    for (size_t i = 0; i < sizeof brands / sizeof brands[0]; i++) {
        char prefix[8];
        (void)snprintf(prefix, sizeof prefix, "%.*s", brands[i].digits, digits);
        long p = strtol(prefix, NULL, 10);
        if (p < brands[i].first || p > brands[i].last) continue;
        if (n >= brands[i].min && n <= brands[i].max) return luhn(digits, n);
    }
    return false;
}

/* Its bytes. silent: that spaces and dashes of print are some. */
static size_t separator_at(const char *p)
{
    static const char *const separators[] = {" ", "-", ".", "\u00a0", "\u2009", "\u2013"};
    for (size_t i = 0; i < sizeof separators / sizeof separators[0]; i++) {
        size_t n = strlen(separators[i]);
        if (strncmp(p, separators[i], n) == 0) return n;
    }
    return 0;
}

/* silent: how they may be grouped. "4 6 5 " are groups of 4, 6 and 5 digits. */
static bool is_grouping(const char *groups, const char *digits)
{
    static const char *const even[] = {"1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 ",
                                       "2 2 2 2 2 2 2 2 2 2 ", "3 3 3 3 3 3 3 ", "4 4 4 4 4 "};
    size_t len = strlen(groups);
    if (strlen(groups) < 4 || strcmp(groups, "4 6 5 ") == 0 || strcmp(groups, "4 6 4 ") == 0)
        return true;
    if (strcmp(groups, "6 13 ") == 0) return strncmp(digits, "62", 2) == 0;
    for (size_t i = 0; i < sizeof even / sizeof even[0]; i++)
        if (strncmp(groups, even[i], len - 2) == 0 && groups[len - 2] <= even[i][0]) return true;
    return false;
}

/* From each group of digits on: that group, that and the next, and so on. */
static bool card_starts_at(const char *p)
{
    char digits[32], groups[64] = "";
    size_t n = 0;
    for (;;) {
        size_t group = strspn(p, "0123456789");
        if (group == 0 || n + group > 19) return false;
        memcpy(digits + n, p, group);
        n += group;
        digits[n] = '\0';
        (void)snprintf(groups + strlen(groups), sizeof groups - strlen(groups), "%zu ", group);
        if (n >= 14 && is_card(digits, n) && is_grouping(groups, digits)) return true;
        p += group;
        size_t between = 0;
        for (size_t bytes = separator_at(p); bytes > 0; bytes = separator_at(p)) {
            p += bytes;
            between++;
        }
        if (between == 0 || between > 3) return false; /* silent: how many */
    }
}

bool plain_has_card(const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        bool starts = isdigit((unsigned char)*p) && (p == text || !isdigit((unsigned char)p[-1]));
        if (starts && card_starts_at(p)) return true;
    }
    return false;
}

/* name@host.tld, the @ as a URL writes it too, and a URL in a URL. */
bool plain_has_email(const char *text)
{
    static const char *const ats[] = {"@", "%40", "%2540"};
    for (size_t i = 0; i < sizeof ats / sizeof ats[0]; i++) {
        for (const char *p = strstr(text, ats[i]); p != NULL; p = strstr(p + 1, ats[i])) {
            const char *host = p + strlen(ats[i]);
            size_t label = strcspn(host, ". /?&#@");
            if (p == text || !isalnum((unsigned char)p[-1]) || label == 0) continue;
            if (host[label] == '.' && isalpha((unsigned char)host[label + 1])) return true;
        }
    }
    return false;
}

/* Numbers and times ---------------------------------------------------------------------------- */

/* "JSON numbers (rounded to 15 significant digits …) or plain decimal strings of at most 15 digits
 * without exponent." */
bool plain_number(const cJSON *v, double *out)
{
    char text[PLAIN_TEXT_BYTES];
    if (cJSON_IsNumber(v)) {
        if (!isfinite(v->valuedouble)) return false;
        (void)snprintf(text, sizeof text, "%.15g", v->valuedouble);
        *out = strtod(text, NULL);
        return true;
    }
    if (!cJSON_IsString(v)) return false;
    plain_trim(v->valuestring, text);
    /* silent: a plus in front, a point at an end */
    const char *p = text + (text[0] == '-' || text[0] == '+');
    size_t whole = strspn(p, "0123456789");
    const char *rest = p + whole + (p[whole] == '.');
    size_t fraction = strspn(rest, "0123456789");
    size_t zero = strncmp(p, "0.", 2) == 0; /* silent: it is free */
    if (rest[fraction] != '\0' || whole + fraction == 0 || whole + fraction > 15 + zero)
        return false;
    *out = strtod(text, NULL);
    return true;
}

static int64_t days_before(int year, int month, int day)
{
    int64_t days = day - 1;
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    for (int y = 1970; y < year; y++) {
        days += (y % 4 == 0 && y % 100 != 0) || y % 400 == 0 ? 366 : 365;
    }
    for (int m = 1; m < month; m++) days += lengths[m - 1];
    if (month > 2 && ((year % 4 == 0 && year % 100 != 0) || year % 400 == 0)) days++;
    return days;
}

static bool time_number(double n, int64_t *out_ms)
{
    if (!isfinite(n) || n < 0) return false;
    *out_ms = (int64_t)(n < 1e11 ? n * 1000 : n);
    return true;
}

/* The offset at p in seconds; false when what is there is no offset. */
static bool time_offset(const char *p, int zone_s, int *out)
{
    int hours, minutes, used = 0;
    char sign;
    *out = zone_s;
    if (*p == '\0') return true;
    *out = 0;
    if (strcmp(p, "Z") == 0 || strcmp(p, "z") == 0) return true;
    if (sscanf(p, "%c%2d:%2d%n", &sign, &hours, &minutes, &used) < 3 || p[used] != '\0')
        return false;
    *out = (sign == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
    return strchr("+-", sign) != NULL && hours < 24 && minutes < 60;
}

static bool time_text(const char *s, int zone_s, int64_t *out_ms)
{
    int year, month, day, hour, minute, second, used = 0, offset;
    char t;
    double fraction = 0;
    if (sscanf(s, "%4d-%2d-%2d%c%2d:%2d:%2d%n", &year, &month, &day, &t, &hour, &minute, &second,
               &used) < 7 ||
        used != 19)
        return false;
    s += used;
    if (*s == '.') {
        char *end;
        fraction = strtod(s, &end);
        s = end;
    }
    if (strchr("Tt ", t) == NULL || month < 1 || month > 12 || day < 1) return false;
    if (days_before(year, month, day) >= days_before(year + month / 12, month % 12 + 1, 1))
        return false;
    if (hour > 23 || minute > 59 || second > 59) return false;
    if (!time_offset(s, zone_s, &offset)) return false;
    int64_t seconds = days_before(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    *out_ms = (seconds - offset) * 1000 + (int64_t)(fraction * 1000 + 1e-6);
    return true;
}

/* "RFC 3339, or without offset in the device's time zone, or Unix seconds or milliseconds; a date
 * alone is `bad_timestamp`." */
bool plain_time(const cJSON *v, int zone_s, int64_t *out_ms)
{
    char text[PLAIN_TEXT_BYTES];
    if (cJSON_IsNumber(v)) return time_number(v->valuedouble, out_ms);
    if (!cJSON_IsString(v)) return false;
    plain_trim(v->valuestring, text);
    if (text[0] != '\0' && text[strspn(text, "0123456789")] == '\0')
        return time_number(strtod(text, NULL), out_ms);
    return time_text(text, zone_s, out_ms);
}

/* URLs ----------------------------------------------------------------------------------------- */

/* silent: a + stays one, and what is not printable ASCII then is no click id. */
static bool decode(const char *p, size_t n, char out[PLAIN_TEXT_BYTES])
{
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        char hex[3] = {p[i], 0, 0};
        bool escaped = p[i] == '%' && i + 2 < n && isxdigit((unsigned char)p[i + 1]) &&
                       isxdigit((unsigned char)p[i + 2]);
        if (escaped) memcpy(hex, p + i + 1, 2);
        out[len++] = escaped ? (char)strtol(hex, NULL, 16) : p[i];
        if (escaped) i += 2;
        if (out[len - 1] <= ' ' || out[len - 1] > '~') return false;
    }
    out[len] = '\0';
    return len > 0;
}

bool plain_url_parameter(const char *url, const char *name, char out[PLAIN_TEXT_BYTES])
{
    const char *end = url + strcspn(url, "#"), *p = strchr(url, '?');
    if (p == NULL || p > end) return false;
    for (p++; p < end; p += strcspn(p, "&#") + 1) {
        size_t part = strcspn(p, "&#"), name_bytes = strcspn(p, "=&#");
        if (name_bytes != strlen(name) || strncmp(p, name, name_bytes) != 0) continue;
        if (part > name_bytes + 1) return decode(p + name_bytes + 1, part - name_bytes - 1, out);
    }
    return false;
}
