/*
 * generator_values.c: random values for the fields of calls. See generator_values.h.
 *
 * They stand in tables: those that a careful sender has, those that are blank, and those of a wrong
 * form, of which a call has none, few or many (odd_percent). Everything that is personal has "zq"
 * in it, so that the test can look for it where it must not be.
 */
#include "generator_values.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { CALL_MAX_BYTES = 32 * 1024 };

/* Chance --------------------------------------------------------------------------------------- */

/* splitmix64, by Sebastiano Vigna (public domain). */
static uint64_t draw(struct generator *g)
{
    uint64_t z = g->state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

unsigned generator_below(struct generator *g, unsigned n)
{
    return (unsigned)(draw(g) % n);
}

bool generator_chance(struct generator *g, unsigned percent)
{
    return generator_below(g, 100) < percent;
}

void generator_begin(struct generator *g, uint64_t seed)
{
    static const unsigned moods[] = {0, 0, 2, 2, 5, 5, 10, 25};
    g->state = seed * 0xD1342543DE82EF95u;
    buf_init(&g->out, CALL_MAX_BYTES);
    g->odd_percent = moods[generator_below(g, 8)];
}

/* Text ----------------------------------------------------------------------------------------- */

void generator_put(struct generator *g, const char *quick)
{
    for (; *quick != '\0'; quick++) buf_add_char(&g->out, *quick == '`' ? '"' : *quick);
}

static void put_digits(struct generator *g, unsigned n)
{
    for (unsigned i = 0; i < n; i++) buf_add_char(&g->out, (char)('0' + generator_below(g, 10)));
}

/* At times one digit short or long: that is no hash. */
static void put_hash(struct generator *g)
{
    unsigned digits = generator_chance(g, 90) ? 64 : 63 + 2 * generator_below(g, 2);
    generator_put(g, "`");
    if (generator_chance(g, 20)) generator_put(g, " ");
    for (unsigned i = 0; i < digits; i++)
        buf_add_char(&g->out, "0123456789abcdefABCDEF"[generator_below(g, 22)]);
    if (generator_chance(g, 20)) generator_put(g, "\\t");
    generator_put(g, "`");
}

void generator_member(struct generator *g, const char *key, maker make, unsigned absent)
{
    static const char *const blanks[] = {"null", "``",     "` `",      "`\\u00a0\\t`",
                                         "[]",   "[null]", "[` `, ``]"};
    if (generator_chance(g, absent)) return;
    buf_printf(&g->out, "\"%s\":", key);
    if (generator_chance(g, 6)) generator_put(g, PICK(g, blanks));
    else make(g, generator_chance(g, g->odd_percent));
    generator_put(g, ",");
}

void generator_end(struct generator *g, const char *end)
{
    if (g->out.p[g->out.len - 1] == ',') g->out.p[--g->out.len] = '\0';
    generator_put(g, end);
}

/* Values that no field wants. */
static void put_wrong(struct generator *g)
{
    static const char *const wrong[] = {"true",  "false", "{}",   "{`a`:1}",
                                        "[1]",   "[`x`]", "[{}]", "12345678901234567",
                                        "1e400", "-1e-7"};
    generator_put(g, PICK(g, wrong));
}

#define HASH_OF_NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* People --------------------------------------------------------------------------------------- */

static void one_email(struct generator *g, bool odd)
{
    static const char *const names[] = {"zqjane.doe",      "ZQ.Jane+Till", "zq_o'brien", "zqJÜRGEN",
                                        "zqΣΊΣΥΦΟΣ",       "zqΟΣ.Φ",       "zqİrem",     "zqЖАННА",
                                        "zq\u212A",        "zqǄ",          "zqᲐ",      "zq𐐀",
                                        "zqÉ\u00DF\u1E9E", "zqԱ",          "zqΣ"};
    static const char *const hosts[] = {"example.com", "EXÄMPLE.DE",   "Shop.Example",
                                        "x",           "ΟΔΟΣ.example", "пример.example"};
    static const char *const bad[] = {"zq-no-at",       "zq@",           "@zq.example",
                                      "zq a@b.example", "zq@@b.example", "zq@a@b.example",
                                      "zq@b .example",  HASH_OF_NOTHING};
    static const char *const pads[] = {"", "", "", " ", "\\t", "\\u00a0", "\\n ", "\xE2\x80\x83"};
    if (!odd && generator_chance(g, 10)) {
        put_hash(g);
        return;
    }
    if (odd && generator_chance(g, 40)) {
        put_wrong(g);
        return;
    }
    generator_put(g, "`");
    generator_put(g, PICK(g, pads));
    if (odd) {
        generator_put(g, PICK(g, bad));
    } else {
        generator_put(g, PICK(g, names));
        generator_put(g, "@");
        generator_put(g, PICK(g, hosts));
    }
    generator_put(g, PICK(g, pads));
    generator_put(g, "`");
}

/* One of 253 to 256 bytes. */
static void long_email(struct generator *g)
{
    unsigned n = 253 + generator_below(g, 4);
    generator_put(g, "`zq");
    for (unsigned i = 0; i < n - 6; i++) generator_put(g, "x");
    generator_put(g, "@b.c`");
}

void make_phone(struct generator *g, bool odd)
{
    static const char *const fronts[] = {"+1", "+44", "0044",  "+49 (0)", "1",   "44",  "(+1)",
                                         "0",  "",    "00 1 ", "+ 1",     "(0)", "+81-"};
    static const char *const gaps[] = {"", "", "", " ", "-", ".", ") ", " (", "\\u00a0", "  "};
    static const char *const backs[] = {"",    "",     "",       "",   "",        " ext. 12",
                                        "x12", " x 7", " EXT 3", "#4", ";ext=99", " extension 5"};
    static const char *const bad[] = {
        "N/A",         "+",           "abc",         "+1+2133734253",      "123",
        "+12",         "0000000",     "555-FLOWERS", "+44207183875012345", "++4420718387",
        "+0123456789", "20718+38750", "12345 ext"};
    static const char *const numbers[] = {"12133734253", "442071838750", "123456", "2133734253"};
    if (odd && generator_chance(g, 40)) {
        put_wrong(g);
    } else if (odd) {
        generator_put(g, "`");
        generator_put(g, PICK(g, bad));
        generator_put(g, "`");
    } else if (generator_chance(g, 8)) {
        put_hash(g);
    } else if (generator_chance(g, 8)) {
        generator_put(g, PICK(g, numbers));
    } else {
        generator_put(g, generator_chance(g, 10) ? "` " : "`");
        generator_put(g, PICK(g, fronts));
        for (unsigned n = 2 + generator_below(g, 3); n > 0; n--) {
            put_digits(g, 2 + generator_below(g, 3));
            if (n > 1) generator_put(g, PICK(g, gaps));
        }
        generator_put(g, PICK(g, backs));
        generator_put(g, "`");
    }
}

static void one_id(struct generator *g, bool odd)
{
    static const char *const ids[] = {"`zq-Cust-42`", "`zqID`", "` zq-Cust-42 `",
                                      "42",           "1e3",    "123456789012345",
                                      "-7",           "1.5",    "`zqÜ`"};
    static const char *const nobody[] = {"`N/A`", "`null`", "`undefined`",
                                         "` + `", "`n/a`",  "`" HASH_OF_NOTHING "`"};
    if (odd) put_wrong(g);
    else if (generator_chance(g, 10)) put_hash(g);
    else if (generator_chance(g, 3)) generator_put(g, PICK(g, nobody));
    else generator_put(g, PICK(g, ids));
}

/* One, or a list of a few, at times with the same twice. */
static void one_or_more(struct generator *g, maker one, bool odd)
{
    if (generator_chance(g, 75)) {
        one(g, odd);
        return;
    }
    generator_put(g, "[");
    for (unsigned n = 1 + generator_below(g, 3); n > 0; n--) {
        size_t start = g->out.len;
        if (generator_chance(g, 8)) generator_put(g, generator_chance(g, 50) ? "null" : "` `");
        else one(g, odd && n == 1);
        size_t bytes = g->out.len - start;
        generator_put(g, ",");
        if (generator_chance(g, 15) && buf_reserve(&g->out, bytes)) {
            buf_add(&g->out, g->out.p + start, bytes);
            generator_put(g, ",");
        }
    }
    generator_end(g, "]");
}

void make_emails(struct generator *g, bool odd)
{
    if (generator_chance(g, 2)) long_email(g);
    else one_or_more(g, one_email, odd);
}

void make_phones(struct generator *g, bool odd)
{
    one_or_more(g, make_phone, odd);
}

void make_ids(struct generator *g, bool odd)
{
    one_or_more(g, one_id, odd);
}

/* Texts in clear ------------------------------------------------------------------------------- */

static void card(struct generator *g)
{
    static const char *const cards[] = {"4111111111111111",
                                        "4012 8888 8888 1881",
                                        "5555-5555-5555-4444",
                                        "2223003122003222",
                                        "3782 822463 10005",
                                        "371449635398431",
                                        "6011111111111117",
                                        "30569309025904",
                                        "3530111333300000",
                                        "6205500000000000004",
                                        "4111  1111 - 1111 1111",
                                        "7 4111 1111 1111 1111",
                                        "4111-1111-1111-1111 27",
                                        "2223 0031-2200 3222",
                                        "4111\\u00a01111\\u20131111\\u20091111"};
    static const char *const lookalikes[] = {
        "4111111111111112",     "1234567812345670",        "00012345678905",
        "4006381333931",        "41111111111111111111111", "4111 1111 1111 1112",
        "9780201379624",        "4111_1111_1111_1111",     "4222222222222",
        "411111111111 1111 99", "4111    1111 1111 1111"};
    static const char *const fronts[] = {"", "", "card ", "no.", "R-", "\\u00a0"};
    static const char *const backs[] = {"", "", " paid", "/2", ".", "-A"};
    bool real = generator_chance(g, 70);
    generator_put(g, PICK(g, fronts));
    generator_put(g, real ? PICK(g, cards) : PICK(g, lookalikes));
    generator_put(g, PICK(g, backs));
}

/* A text that has something in it that may not stand in clear. */
static void unwanted(struct generator *g)
{
    static const char *const addresses[] = {"jane@example.com",
                                            "Jane <jane.doe@shop.example>",
                                            "x=jane%40example.com&y=1",
                                            "u=jane%2540example.com",
                                            "mailto:j@e.org",
                                            "@home",
                                            "2 @ 3.50",
                                            "a@b",
                                            "jane at example.com"};
    generator_put(g, "`");
    if (generator_chance(g, 60)) card(g);
    else generator_put(g, PICK(g, addresses));
    generator_put(g, "`");
}

void make_clear_id(struct generator *g, bool odd)
{
    static const char *const ids[] = {
        "`ORD-1001`", "`A 7`",      "1001",  "`0042`",          "`STORE-3456`",
        "12.5",       "` padded `", "`ø/1`", "999999999999999", "`1234567890123456789012`"};
    if (odd && generator_chance(g, 50)) unwanted(g);
    else if (odd && generator_chance(g, 40)) generator_put(g, "7000000000000000001");
    else if (odd) put_wrong(g);
    else generator_put(g, PICK(g, ids));
}

void make_words(struct generator *g, bool odd)
{
    static const char *const some[] = {
        "`Running Shoe`", "`Shoes > Running`", "`x`", "`\\\"q\\\"`",
        "`größe 42`",     "` sp aced `",       "7",   "`line\\nbreak`"};
    if (odd && generator_chance(g, 50)) unwanted(g);
    else if (odd) put_wrong(g);
    else generator_put(g, PICK(g, some));
}

void make_opaque(struct generator *g, bool odd)
{
    static const char *const some[] = {"`E.C.P.click1`", "`2F7h37YkS1j57AYSKTI7IHhJPYH`", "`en-US`",
                                       "`203.0.113.7`",  "`Mozilla/5.0 (X11)`",           "77"};
    if (odd && generator_chance(g, 40)) unwanted(g);
    else if (odd) put_wrong(g);
    else generator_put(g, PICK(g, some));
}

void make_url(struct generator *g, bool odd)
{
    static const char *const some[] = {"`https://shop.example/store/3456?x=1`",
                                       "`https://shop.example/?ttclid=E.C.P.url1&b=2`",
                                       "`https://shop.example/?b=2&ttclid=E%2eC+P%20url`",
                                       "`https://shop.example/?ttclid=`",
                                       "`https://shop.example/?attclid=no#ttclid=no`",
                                       "`https://shop.example/#?ttclid=no`",
                                       "`/store?ttclid=rel#x`",
                                       "`https://shop.example/?ttclid=&ttclid=second`"};
    if (odd && generator_chance(g, 50)) unwanted(g);
    else if (odd) put_wrong(g);
    else generator_put(g, PICK(g, some));
}

/* Amounts -------------------------------------------------------------------------------------- */

void make_amount(struct generator *g, bool odd)
{
    static const char *const some[] = {"73.4",
                                       "`73.40`",
                                       "0",
                                       "`0`",
                                       "19.90",
                                       "32.839999999999996",
                                       "0.30000000000000004",
                                       "1e2",
                                       "`1234567890123.45`",
                                       "`0.123456789012345`",
                                       "-5",
                                       "`-5.25`",
                                       "123456789012345",
                                       "1",
                                       "3",
                                       "` 12.50 `",
                                       "12345678901234567",
                                       "`.5`",
                                       "`12.`",
                                       "`+7`",
                                       "`007`"};
    static const char *const bad[] = {"`abc`",
                                      "`1,234.50`",
                                      "`$12.50`",
                                      "`1e3`",
                                      "`12.x`",
                                      "`--1`",
                                      "`0x10`",
                                      "`1234567890123.456`",
                                      "`0.1234567890123456`",
                                      "true",
                                      "{}",
                                      "[5]",
                                      "1e400",
                                      "`12 50`",
                                      "`NaN`",
                                      "`+`",
                                      "`.`"};
    generator_put(g, odd ? PICK(g, bad) : PICK(g, some));
}

void make_currency(struct generator *g, bool odd)
{
    static const char *const some[] = {"`USD`", "`usd`", "` gbp `", "`Eur`",
                                       "`UGX`", "`xxx`", "`JPY`"};
    static const char *const bad[] = {"`EURO`", "`€`",   "`US`", "978",     "`U5D`",
                                      "{}",     "`ÄÖÜ`", "true", "[`USD`]", "`U D`"};
    generator_put(g, odd ? PICK(g, bad) : PICK(g, some));
}

void make_flag(struct generator *g, bool odd)
{
    static const char *const some[] = {"true",   "true",    "false", "false",
                                       "`true`", "`false`", "1",     "0"};
    static const char *const bad[] = {"`yes`", "2", "{}", "[true]", "`maybe`"};
    generator_put(g, odd ? PICK(g, bad) : PICK(g, some));
}

/* Times ---------------------------------------------------------------------------------------- */

static int64_t some_time(struct generator *g, bool odd)
{
    static const int64_t good[] = {0, 5, 60, 3600, 86400, 27 * 86400, -60, -599, -600, 28 * 86400};
    static const int64_t bad[] = {28 * 86400 + 1, 29 * 86400, 800 * 86400,
                                  -601,           -3600,      -86400 * 400};
    int64_t ago = odd ? PICK(g, bad) : PICK(g, good);
    int64_t ms = g->now_ms - ago * 1000;
    return generator_chance(g, 30) ? ms + (int64_t)generator_below(g, 1000) - 500 : ms;
}

static void put_time(struct generator *g, int64_t ms)
{
    static const struct {
        const char *format;
        int offset_s;
    } forms[] = {
        {"`%Y-%m-%dT%H:%M:%SZ`", 0},
        {"`%Y-%m-%dT%H:%M:%S+01:00`", 3600},
        {"`%Y-%m-%dt%H:%M:%S-05:00`", -18000},
        {"`%Y-%m-%d %H:%M:%Sz`", 0},
        {"`%Y-%m-%dT%H:%M:%S`", 1},
        {"`%Y-%m-%dT%H:%M:%S.%%03dZ`", 0},
        {"`%Y-%m-%dT%H:%M:%S.5+01:00`", 3600},
        {"` %Y-%m-%dT%H:%M:%S.%%03d987`", 1},
    };
    char text[64], line[96];
    struct tm tm;
    unsigned form = generator_below(g, 12);
    if (form >= 8) {
        const char *quote = form >= 10 ? "`" : "";
        generator_put(g, quote);
        buf_printf(&g->out, "%lld", (long long)(form % 2 == 0 ? ms / 1000 : ms));
        generator_put(g, quote);
        return;
    }
    int offset = forms[form].offset_s == 1 ? g->zone_s : forms[form].offset_s;
    time_t seconds = (time_t)(ms / 1000 + offset);
    (void)strftime(text, sizeof text, forms[form].format, gmtime_r(&seconds, &tm));
    (void)snprintf(line, sizeof line, text, (int)(ms % 1000));
    generator_put(g, line);
}

void make_timestamp(struct generator *g, bool odd)
{
    static const char *const bad[] = {"`2026-11-21`",
                                      "`yesterday`",
                                      "`2026-13-01T10:00:00Z`",
                                      "`2026-02-30T10:00:00Z`",
                                      "`2026-11-21T25:00:00Z`",
                                      "true",
                                      "{}",
                                      "[1795000000]",
                                      "`21.11.2026 10:00`",
                                      "1e400",
                                      "`2026-11-21T10:00:00+25:00`",
                                      "`2026-11-21T10:00:00Zx`"};
    if (odd && generator_chance(g, 50)) generator_put(g, PICK(g, bad));
    else put_time(g, some_time(g, odd));
}

/* When a sender with a clock of its own sent. */
void make_sent_at(struct generator *g, bool odd)
{
    static const int64_t skews[] = {0, 1, 9, 10, 11, -10, -11, 60, -3600, 86400};
    static const char *const bad[] = {"`now`", "1794990000", "``", "null", "`2026-11-21`", "{}"};
    if (odd) {
        generator_put(g, PICK(g, bad));
    } else if (generator_chance(g, 15)) {
        int64_t ms = g->now_ms - PICK(g, skews) * 1000;
        bool whole = generator_chance(g, 50);
        buf_printf(&g->out, whole ? "%lld" : "%lld.25", (long long)(whole ? ms : ms / 1000));
    } else {
        int64_t ms = g->now_ms - PICK(g, skews) * 1000 + (int64_t)generator_below(g, 3) - 1;
        time_t seconds = (time_t)(ms / 1000);
        char text[64];
        struct tm tm;
        (void)strftime(text, sizeof text, "`%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &tm));
        generator_put(g, text);
        buf_printf(&g->out, ".%03dZ\"", (int)(ms % 1000));
    }
}
