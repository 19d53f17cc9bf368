/*
 * generator_calls.c: random Segment calls. See generator.h.
 *
 * A call is drawn from tables of values: those that a careful sender has, those that are blank,
 * and those of a wrong form, of which a call has none, few or many (odd_percent). In the tables
 * ` stands for the quote. Everything that is personal has "zq" in it, so that the test can look
 * for it where it must not be.
 */
#include "generator.h"

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
    static const unsigned moods[] = {0, 0, 0, 2, 2, 5, 5, 25};
    g->state = seed * 0xD1342543DE82EF95u;
    buf_init(&g->out, CALL_MAX_BYTES);
    g->odd_percent = moods[generator_below(g, 8)];
}

/* Text ----------------------------------------------------------------------------------------- */

#define PICK(g, table) ((table)[generator_below(g, sizeof(table) / sizeof(table)[0])])

static void put(struct generator *g, const char *quick)
{
    for (; *quick != '\0'; quick++) buf_add_char(&g->out, *quick == '`' ? '"' : *quick);
}

static void put_digits(struct generator *g, unsigned n)
{
    for (unsigned i = 0; i < n; i++) buf_add_char(&g->out, (char)('0' + generator_below(g, 10)));
}

static void put_hash(struct generator *g)
{
    put(g, "`");
    if (generator_chance(g, 20)) put(g, " ");
    for (int i = 0; i < 64; i++)
        buf_add_char(&g->out, "0123456789abcdefABCDEF"[generator_below(g, 22)]);
    if (generator_chance(g, 20)) put(g, "\\t");
    put(g, "`");
}

/* A value of one field: good, or of a wrong form. */
typedef void (*maker)(struct generator *g, bool odd);

/* "key": value and a comma; absent in `absent` percent of the calls. */
static void member(struct generator *g, const char *key, maker make, unsigned absent)
{
    static const char *const blanks[] = {"null", "``", "` `", "`\\u00a0\\t`", "[]",
                                         "[null]", "[` `, ``]"};
    if (generator_chance(g, absent)) return;
    buf_printf(&g->out, "\"%s\":", key);
    if (generator_chance(g, 6)) put(g, PICK(g, blanks));
    else make(g, generator_chance(g, g->odd_percent));
    put(g, ",");
}

/* Ends an object or a list whose last member has a comma behind it. */
static void close_with(struct generator *g, const char *end)
{
    if (g->out.p[g->out.len - 1] == ',') g->out.p[--g->out.len] = '\0';
    put(g, end);
}

/* Values that no field wants. */
static void put_wrong(struct generator *g)
{
    static const char *const wrong[] = {"true", "false", "{}", "{`a`:1}", "[1]", "[`x`]", "[{}]",
                                        "12345678901234567", "1e400", "-1e-7"};
    put(g, PICK(g, wrong));
}

/* People --------------------------------------------------------------------------------------- */

static void one_email(struct generator *g, bool odd)
{
    static const char *const names[] = {"zqjane.doe", "ZQ.Jane+Till", "zq_o'brien", "zqJÜRGEN",
                                        "zqΣΊΣΥΦΟΣ", "zqΟΣ.Φ", "zqİrem", "zqЖАННА", "zq\u212A",
                                        "zqǄ", "zqᲐ", "zq𐐀", "zqÉ\u00DF\u1E9E", "zqԱ", "zqΣ"};
    static const char *const hosts[] = {"example.com", "EXÄMPLE.DE", "Shop.Example", "x",
                                        "ΟΔΟΣ.example", "пример.example"};
    static const char *const bad[] = {"zq-no-at", "zq@", "@zq.example", "zq a@b.example",
                                      "zq@@b.example", "zq@a@b.example", "zq@b .example"};
    static const char *const pads[] = {"", "", "", " ", "\\t", "\\u00a0", "\\n ", "\xE2\x80\x83"};
    if (!odd && generator_chance(g, 10)) {
        put_hash(g);
        return;
    }
    if (odd && generator_chance(g, 40)) {
        put_wrong(g);
        return;
    }
    put(g, "`");
    put(g, PICK(g, pads));
    if (odd) {
        put(g, PICK(g, bad));
    } else {
        put(g, PICK(g, names));
        put(g, "@");
        put(g, PICK(g, hosts));
    }
    put(g, PICK(g, pads));
    put(g, "`");
}

/* One of 253 to 256 bytes. */
static void long_email(struct generator *g)
{
    unsigned n = 253 + generator_below(g, 4);
    put(g, "`zq");
    for (unsigned i = 0; i < n - 6; i++) put(g, "x");
    put(g, "@b.c`");
}

static void one_phone(struct generator *g, bool odd)
{
    static const char *const fronts[] = {"+1", "+44", "0044", "+49 (0)", "1", "44", "(+1)", "0", "",
                                         "00 1 ", "+ 1", "(0)", "+81-"};
    static const char *const gaps[] = {"", "", "", " ", "-", ".", ") ", " (", "\\u00a0", "  "};
    static const char *const backs[] = {"", "", "", "", "", " ext. 12", "x12", " x 7", " EXT 3",
                                        "#4", ";ext=99", " extension 5"};
    static const char *const bad[] = {"N/A", "+", "abc", "+1+2133734253", "123", "+12", "0000000",
                                      "555-FLOWERS", "+44207183875012345", "++4420718387",
                                      "+0123456789", "20718+38750", "12345 ext"};
    static const char *const numbers[] = {"12133734253", "442071838750", "123456", "2133734253"};
    if (odd && generator_chance(g, 40)) {
        put_wrong(g);
    } else if (odd) {
        put(g, "`");
        put(g, PICK(g, bad));
        put(g, "`");
    } else if (generator_chance(g, 8)) {
        put_hash(g);
    } else if (generator_chance(g, 8)) {
        put(g, PICK(g, numbers));
    } else {
        put(g, generator_chance(g, 10) ? "` " : "`");
        put(g, PICK(g, fronts));
        for (unsigned n = 2 + generator_below(g, 4); n > 0; n--) {
            put_digits(g, 2 + generator_below(g, 3));
            if (n > 1) put(g, PICK(g, gaps));
        }
        put(g, PICK(g, backs));
        put(g, "`");
    }
}

static void one_id(struct generator *g, bool odd)
{
    static const char *const ids[] = {"`zq-Cust-42`", "`zqID`", "` zq-Cust-42 `", "42", "1e3",
                                      "123456789012345", "-7", "1.5", "`zqÜ`"};
    static const char *const nobody[] = {"`N/A`", "`null`", "`undefined`", "` + `", "`n/a`"};
    if (odd) put_wrong(g);
    else if (generator_chance(g, 10)) put_hash(g);
    else if (generator_chance(g, 3)) put(g, PICK(g, nobody));
    else put(g, PICK(g, ids));
}

/* One, or a list of a few, at times with the same twice. */
static void one_or_more(struct generator *g, maker one, bool odd)
{
    if (generator_chance(g, 75)) {
        one(g, odd);
        return;
    }
    put(g, "[");
    for (unsigned n = 1 + generator_below(g, 3); n > 0; n--) {
        size_t start = g->out.len;
        if (generator_chance(g, 8)) put(g, generator_chance(g, 50) ? "null" : "` `");
        else one(g, odd && n == 1);
        size_t bytes = g->out.len - start;
        put(g, ",");
        if (generator_chance(g, 15) && buf_reserve(&g->out, bytes)) {
            buf_add(&g->out, g->out.p + start, bytes);
            put(g, ",");
        }
    }
    close_with(g, "]");
}

static void emails(struct generator *g, bool odd)
{
    if (generator_chance(g, 2)) long_email(g);
    else one_or_more(g, one_email, odd);
}

static void phones(struct generator *g, bool odd)
{
    one_or_more(g, one_phone, odd);
}

static void user_id(struct generator *g, bool odd)
{
    one_or_more(g, one_id, odd);
}

/* Texts in clear ------------------------------------------------------------------------------- */

static void card(struct generator *g)
{
    static const char *const cards[] = {
        "4111111111111111", "4012 8888 8888 1881", "5555-5555-5555-4444", "2223003122003222",
        "3782 822463 10005", "371449635398431", "6011111111111117", "30569309025904",
        "3530111333300000", "6205500000000000004"};
    static const char *const lookalikes[] = {
        "4111111111111112", "1234567812345670", "00012345678905", "4006381333931",
        "41111111111111111111111", "4111 1111 1111 1112", "9780201379624", "4111_1111_1111_1111",
        "4222222222222"};
    static const char *const fronts[] = {"", "", "card ", "no.", "R-", "\\u00a0"};
    static const char *const backs[] = {"", "", " paid", "/2", ".", "-A"};
    bool real = generator_chance(g, 70);
    put(g, PICK(g, fronts));
    put(g, real ? PICK(g, cards) : PICK(g, lookalikes));
    put(g, PICK(g, backs));
}

/* A text that has something in it that may not stand in clear. */
static void unwanted(struct generator *g)
{
    static const char *const addresses[] = {"jane@example.com", "Jane <jane.doe@shop.example>",
                                            "x=jane%40example.com&y=1", "mailto:j@e.org", "@home",
                                            "2 @ 3.50", "a@b", "jane at example.com"};
    put(g, "`");
    if (generator_chance(g, 60)) card(g);
    else put(g, PICK(g, addresses));
    put(g, "`");
}

static void clear_id(struct generator *g, bool odd)
{
    static const char *const ids[] = {"`ORD-1001`", "`A 7`", "1001", "`0042`", "`STORE-3456`",
                                      "12.5", "` padded `", "`ø/1`", "999999999999999",
                                      "`1234567890123456789012`"};
    if (odd && generator_chance(g, 60)) unwanted(g);
    else if (odd) put_wrong(g);
    else put(g, PICK(g, ids));
}

static void words(struct generator *g, bool odd)
{
    static const char *const some[] = {"`Running Shoe`", "`Shoes > Running`", "`x`", "`\\\"q\\\"`",
                                       "`größe 42`", "` sp aced `", "7", "`line\\nbreak`"};
    if (odd && generator_chance(g, 50)) unwanted(g);
    else if (odd) put_wrong(g);
    else put(g, PICK(g, some));
}

static void opaque(struct generator *g, bool odd)
{
    static const char *const some[] = {"`E.C.P.click1`", "`2F7h37YkS1j57AYSKTI7IHhJPYH`", "`en-US`",
                                       "`203.0.113.7`", "`Mozilla/5.0 (X11)`", "77"};
    if (odd) put_wrong(g);
    else put(g, PICK(g, some));
}

static void url(struct generator *g, bool odd)
{
    static const char *const some[] = {
        "`https://shop.example/store/3456?x=1`", "`https://shop.example/?ttclid=E.C.P.url1&b=2`",
        "`https://shop.example/?b=2&ttclid=E%2eC+P%20url`", "`https://shop.example/?ttclid=`",
        "`https://shop.example/?attclid=no#ttclid=no`", "`https://shop.example/#?ttclid=no`",
        "`/store?ttclid=rel#x`", "`https://shop.example/?ttclid=&ttclid=second`"};
    if (odd && generator_chance(g, 50)) unwanted(g);
    else if (odd) put_wrong(g);
    else put(g, PICK(g, some));
}

/* Amounts -------------------------------------------------------------------------------------- */

static void amount(struct generator *g, bool odd)
{
    static const char *const some[] = {"73.4", "`73.40`", "0", "`0`", "19.90", "32.839999999999996",
                                       "0.30000000000000004", "1e2", "`1234567890123.45`", "-5",
                                       "`-5.25`", "123456789012345", "1", "3", "` 12.50 `",
                                       "12345678901234567", "`.5`", "`12.`", "`+7`", "`007`"};
    static const char *const bad[] = {"`abc`", "`1,234.50`", "`$12.50`", "`1e3`", "`12.x`", "`--1`",
                                      "`0x10`", "`1234567890123.456`", "true", "{}", "[5]", "1e400",
                                      "`12 50`", "`NaN`", "`+`", "`.`"};
    put(g, odd ? PICK(g, bad) : PICK(g, some));
}

static void currency(struct generator *g, bool odd)
{
    static const char *const some[] = {"`USD`", "`usd`", "` gbp `", "`Eur`", "`UGX`", "`xxx`", "`JPY`"};
    static const char *const bad[] = {"`EURO`", "`€`", "`US`", "978", "`U5D`", "{}", "`ÄÖÜ`", "true",
                                      "[`USD`]", "`U D`"};
    put(g, odd ? PICK(g, bad) : PICK(g, some));
}

static void flag(struct generator *g, bool odd)
{
    static const char *const some[] = {"true", "false", "`true`", "`false`"};
    static const char *const bad[] = {"`yes`", "2", "{}", "[true]", "`maybe`"};
    put(g, odd ? PICK(g, bad) : PICK(g, some));
}

static void product(struct generator *g, const char *const keys[6])
{
    static const maker makers[6] = {amount, amount, words, clear_id, words, words};
    for (size_t i = 0; i < 6; i++) member(g, keys[i], makers[i], 30);
}

static const char *const product_keys[6] = {"price",      "quantity", "category",
                                            "product_id", "name",     "brand"};
static const char *const content_keys[6] = {"price",      "quantity",     "content_category",
                                            "content_id", "content_name", "brand"};

static void items(struct generator *g, bool odd, const char *const keys[6])
{
    static const char *const strange[] = {"{}", "null", "{`sku`:1}", "{`name`:` `}",
                                          "{`price`:null,`brand`:``}"};
    static const char *const wrong[] = {"`oops`", "5", "[`oops`]", "{`price`:5,`name`:`one`}",
                                        "[7,{`price`:2}]", "true", "[true]"};
    if (odd) {
        put(g, PICK(g, wrong));
        return;
    }
    put(g, "[");
    for (unsigned n = generator_below(g, 4); n > 0; n--) {
        if (generator_chance(g, 15)) {
            put(g, PICK(g, strange));
        } else {
            put(g, "{`sku`:`ignored`,");
            product(g, keys);
            if (generator_chance(g, 10)) put(g, "`sale_price`:2.5,");
            close_with(g, "}");
        }
        put(g, ",");
    }
    close_with(g, "]");
}

static void products(struct generator *g, bool odd)
{
    items(g, odd, product_keys);
}

static void contents(struct generator *g, bool odd)
{
    items(g, odd, content_keys);
}

/* Times ---------------------------------------------------------------------------------------- */

static int64_t some_time(struct generator *g, bool odd)
{
    static const int64_t good[] = {0, 5, 60, 3600, 86400, 27 * 86400, -60, -599, -600, 28 * 86400};
    static const int64_t bad[] = {28 * 86400 + 1, 29 * 86400, 800 * 86400, -601, -3600, -86400 * 400};
    int64_t ago = odd ? PICK(g, bad) : PICK(g, good);
    int64_t ms = g->now_ms - ago * 1000;
    return generator_chance(g, 30) ? ms + (int64_t)generator_below(g, 1000) - 500 : ms;
}

static void put_time(struct generator *g, int64_t ms)
{
    static const struct { const char *format; int offset_s; } forms[] = {
        {"`%Y-%m-%dT%H:%M:%SZ`", 0},          {"`%Y-%m-%dT%H:%M:%S+01:00`", 3600},
        {"`%Y-%m-%dt%H:%M:%S-05:00`", -18000}, {"`%Y-%m-%d %H:%M:%Sz`", 0},
        {"`%Y-%m-%dT%H:%M:%S`", 1},           {"`%Y-%m-%dT%H:%M:%S.%%03dZ`", 0},
    };
    char text[64], line[96];
    struct tm tm;
    unsigned form = generator_below(g, 10);
    if (form >= 6) {
        const char *quote = form >= 8 ? "`" : "";
        put(g, quote);
        buf_printf(&g->out, "%lld", (long long)(form % 2 == 0 ? ms / 1000 : ms));
        put(g, quote);
        return;
    }
    int offset = forms[form].offset_s == 1 ? g->zone_s : forms[form].offset_s;
    time_t seconds = (time_t)(ms / 1000 + offset);
    (void)strftime(text, sizeof text, forms[form].format, gmtime_r(&seconds, &tm));
    (void)snprintf(line, sizeof line, text, (int)(ms % 1000));
    put(g, line);
}

static void timestamp(struct generator *g, bool odd)
{
    static const char *const bad[] = {"`2026-11-21`", "`yesterday`", "`2026-13-01T10:00:00Z`",
                                      "`2026-02-30T10:00:00Z`", "`2026-11-21T25:00:00Z`", "true",
                                      "{}", "[1795000000]", "`21.11.2026 10:00`", "1e400",
                                      "`2026-11-21T10:00:00+25:00`", "`2026-11-21T10:00:00Zx`"};
    if (odd && generator_chance(g, 50)) put(g, PICK(g, bad));
    else put_time(g, some_time(g, odd));
}

/* When a sender with a clock of its own sent. */
static void sent_at(struct generator *g, bool odd)
{
    static const int64_t skews[] = {0, 1, 9, 10, 11, -10, -11, 60, -3600, 86400};
    static const char *const bad[] = {"`now`", "1794990000", "``", "null", "`2026-11-21`", "{}"};
    if (odd) put(g, PICK(g, bad));
    else {
        time_t seconds = (time_t)(g->now_ms / 1000 - PICK(g, skews));
        char text[64];
        struct tm tm;
        (void)strftime(text, sizeof text, "`%Y-%m-%dT%H:%M:%SZ`", gmtime_r(&seconds, &tm));
        put(g, text);
    }
}

/* Calls ---------------------------------------------------------------------------------------- */

static void name_of_event(struct generator *g, bool odd)
{
    static const char *const some[] = {"`Purchase`", "`CompletePayment`", "`Lead`", "`SubmitForm`",
                                       "`Search`", "`AddToCart`", "`StartTrial`", "`PlaceAnOrder`"};
    static const char *const bad[] = {"`MyEvent`", "`purchase`", "5", "{}", "true"};
    put(g, odd ? PICK(g, bad) : PICK(g, some));
}

static void content_type(struct generator *g, bool odd)
{
    static const char *const some[] = {"`product`", "`product_group`"};
    static const char *const bad[] = {"`Product`", "`sku`", "1", "true", "{}", "[`product`]"};
    put(g, odd ? PICK(g, bad) : PICK(g, some));
}

/* The fields of a mapping, as the mapping named Raw takes them over. */
static void raw(struct generator *g, bool odd)
{
    static const struct { const char *key; maker make; unsigned absent; } fields[] = {
        {"event", name_of_event, 2},    {"event_id", clear_id, 40},
        {"timestamp", timestamp, 30},   {"phone_numbers", phones, 40},
        {"email_addresses", emails, 20}, {"external_ids", user_id, 40},
        {"order_id", clear_id, 40},     {"shop_id", clear_id, 40},
        {"ttclid", opaque, 70},         {"ttp", opaque, 70},
        {"lead_id", opaque, 70},        {"locale", opaque, 70},
        {"url", url, 50},               {"referrer", url, 70},
        {"ip", opaque, 70},             {"user_agent", opaque, 70},
        {"contents", contents, 50},     {"content_type", content_type, 50},
        {"currency", currency, 50},     {"value", amount, 50},
        {"query", words, 60},           {"description", words, 50},
        {"limited_data_use", flag, 60}, {"test_event_code", opaque, 70},
    };
    (void)odd;
    put(g, "{");
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        member(g, fields[i].key, fields[i].make, fields[i].absent);
    close_with(g, "}");
}

static void put_specials(struct generator *g)
{
    static const char *const notes[] = {"`note`:`a b c`,", "`note`:`void it`,", "`note`:`no`,", ""};
    static const char *const tags[] = {"`tags`:[`a`,`b`],", "`tags`:{`k`:`v`},", "", ""};
    static const char *const nests[] = {"{`a`:{`b`:1},`c`:`x`}", "{`l`:[1,2],`m`:{`n`:{`o`:true}}}",
                                        "{`flat`:`y`}"};
    put(g, PICK(g, notes));
    put(g, PICK(g, tags));
    if (generator_chance(g, 60)) put(g, "`store`:`S1`,");
    if (generator_chance(g, 80)) put(g, "`mode`:`take`,");
    put(g, "`nest`:");
    put(g, PICK(g, nests));
    put(g, ",`item`:{`content_id`:`m`,");
    if (generator_chance(g, 50)) put(g, "`price`:9.5,");
    close_with(g, "},");
    if (generator_chance(g, 5)) put(g, "`go`:`no`,");
    if (generator_chance(g, 5)) put(g, "`stop`:true,");
}

static void properties(struct generator *g, bool odd, bool special, bool with_raw)
{
    static const char *const wrong[] = {"`oops`", "[]", "null", "7"};
    if (odd) {
        put(g, PICK(g, wrong));
        return;
    }
    put(g, "{");
    member(g, "email", emails, 25);
    member(g, "phone", phones, 50);
    member(g, "order_id", clear_id, 40);
    member(g, "shop_id", clear_id, 50);
    member(g, "currency", currency, 30);
    member(g, "value", amount, 40);
    member(g, "revenue", amount, 60);
    member(g, "total", amount, 60);
    member(g, "ttclid", opaque, 80);
    member(g, "ttp", opaque, 80);
    member(g, "lead_id", opaque, 80);
    member(g, "query", words, 70);
    member(g, "limited_data_use", flag, 70);
    member(g, "products", products, 50);
    if (generator_chance(g, 50)) product(g, product_keys);
    if (special) put_specials(g);
    if (with_raw) member(g, "raw", raw, 0);
    close_with(g, "}");
}

static void page(struct generator *g, bool odd)
{
    if (odd) {
        put(g, "`https://shop.example/?ttclid=no`");
        return;
    }
    put(g, "{");
    member(g, "url", url, 30);
    member(g, "referrer", url, 50);
    close_with(g, "}");
}

static void traits(struct generator *g, bool odd)
{
    if (odd) {
        put(g, "`traits`");
        return;
    }
    put(g, "{");
    member(g, "email", emails, 40);
    member(g, "phone", phones, 60);
    member(g, "opted_out", flag, 70);
    member(g, "order_completed_last_30days", flag, 60);
    close_with(g, "}");
}

static void consent(struct generator *g, bool odd)
{
    static const char *const some[] = {"{`Advertising`:true}", "{`Advertising`:true}",
                                       "{`Advertising`:false}", "{}"};
    static const char *const bad[] = {"{`Advertising`:`true`}", "{`Advertising`:1}", "true"};
    put(g, odd ? PICK(g, bad) : PICK(g, some));
}

static void context(struct generator *g, bool odd)
{
    if (odd) {
        put(g, "`context`");
        return;
    }
    put(g, "{");
    member(g, "ip", opaque, 60);
    member(g, "userAgent", opaque, 60);
    member(g, "locale", opaque, 60);
    member(g, "page", page, 50);
    member(g, "traits", traits, 40);
    member(g, "consent", consent, 30);
    close_with(g, "}");
}

static void integrations(struct generator *g, bool odd)
{
    static const char *const names[] = {"TikTok Offline Conversions", "tiktok offline conversions",
                                        "Tiktok Offline Conversions (Actions)",
                                        "TIKTOK OFFLINE CONVERSIONS (ACTIONS)"};
    static const char *const all[] = {"`All`:true,", "`All`:false,", "`all`:false,", "", "", "", ""};
    if (odd) {
        put(g, "[`TikTok Offline Conversions`]");
        return;
    }
    put(g, "{`Other`:{`ttclid`:`no`},");
    put(g, PICK(g, all));
    if (generator_chance(g, 75)) {
        buf_printf(&g->out, "\"%s\":", PICK(g, names));
        if (generator_chance(g, 15)) put(g, generator_chance(g, 50) ? "false," : "true,");
        else {
            put(g, "{");
            member(g, "ttclid", opaque, 30);
            member(g, "ttp", opaque, 30);
            close_with(g, "},");
        }
    }
    close_with(g, "}");
}

static const char *put_name(struct generator *g)
{
    static const char *const presets[] = {
        "Order Completed", "Order Completed", "Callback Started", "Subscription Created",
        "Form Submitted", "Product Viewed", "Product Clicked", "Products Searched",
        "Product Added to Wishlist", "Product Added", "Checkout Started", "Payment Info Entered",
        "Order Placed", "Download Link Clicked", "Signed Up", "Raw Sale", "Raw Sale", "Raw Sale",
        "Raw Sale", "Till 7", "Till 7", "Fold", "Fold"};
    static const char *const others[] = {"order completed", "Order Completed ", "Tilly", "", "Else"};
    const char *name = generator_chance(g, 4) ? PICK(g, others) : PICK(g, presets);
    buf_printf(&g->out, "\"event\":\"%s\",", name);
    return name;
}

const char *generator_call(struct generator *g)
{
    static const char *const types[] = {"track", "track", "track", "track", "track", "track", "track",
                                        "track", "page", "page", "identify", "screen", "group"};
    const char *type = PICK(g, types), *name = "";
    put(g, "{");
    if (generator_chance(g, 60)) buf_printf(&g->out, "\"type\":\"%s\",", type);
    if (generator_chance(g, strcmp(type, "track") == 0 ? 99 : 25)) name = put_name(g);
    member(g, "messageId", clear_id, 20);
    member(g, "userId", user_id, 40);
    member(g, "anonymousId", user_id, 60);
    member(g, "timestamp", timestamp, 30);
    member(g, "originalTimestamp", timestamp, 70);
    member(g, "sentAt", sent_at, 60);
    if (generator_chance(g, 97)) {
        bool special = strcmp(name, "Till 7") == 0 || strcmp(name, "Fold") == 0;
        put(g, "`properties`:");
        properties(g, generator_chance(g, g->odd_percent / 4), special,
                   strcmp(name, "Raw Sale") == 0);
        put(g, ",");
    }
    member(g, "context", context, 30);
    member(g, "integrations", integrations, 70);
    member(g, "traits", traits, strcmp(type, "identify") == 0 ? 10 : 95);
    close_with(g, "}");
    return type;
}

void generator_world(struct generator *g, struct plain_world *w)
{
    static const int64_t now_ms = INT64_C(1795000000000);
    bool implausible = generator_chance(g, 4);
    *w = (struct plain_world){
        .legacy_names = generator_chance(g, 15),
        .external_id_alone = generator_chance(g, 15),
        .implausible = implausible,
        .calling_code = generator_chance(g, 25) ? "44" : NULL,
        .shop_id = generator_chance(g, 20) ? "Default Shop" : NULL,
        .currency = generator_chance(g, 20) ? "CHF" : NULL,
        .consent = generator_chance(g, 8) ? "context.consent.Advertising" : NULL,
        .card_like = generator_chance(g, 10) ? "order_id" : NULL,
        .now_ms = implausible ? 5000 : now_ms + generator_below(g, 1000),
        .age_max_ms = INT64_C(28) * 86400 * 1000,
        .zone_s = 19800,
    };
    g->now_ms = implausible ? now_ms : w->now_ms;
    g->zone_s = w->zone_s;
}
