/*
 * generator_calls.c: random Segment calls, from the values of generator_values.c. See generator.h.
 */
#include "generator_values.h"

#include <string.h>

/* Products ------------------------------------------------------------------------------------- */

static void product(struct generator *g, const char *const keys[6])
{
    static const maker makers[6] = {make_amount,   make_amount, make_words,
                                    make_clear_id, make_words,  make_words};
    for (size_t i = 0; i < 6; i++) generator_member(g, keys[i], makers[i], 30);
}

static const char *const product_keys[6] = {"price",      "quantity", "category",
                                            "product_id", "name",     "brand"};
static const char *const content_keys[6] = {"price",      "quantity",     "content_category",
                                            "content_id", "content_name", "brand"};

static void items(struct generator *g, bool odd, const char *const keys[6])
{
    static const char *const strange[] = {"{}",        "null",         "` `",
                                          "{`sku`:1}", "{`name`:` `}", "{`price`:null,`brand`:``}"};
    static const char *const wrong[] = {
        "`oops`", "5", "[`oops`]", "{`price`:5,`name`:`one`}", "[7,{`price`:2}]", "true", "[true]"};
    if (odd) {
        generator_put(g, PICK(g, wrong));
        return;
    }
    generator_put(g, "[");
    for (unsigned n = generator_below(g, 4); n > 0; n--) {
        if (generator_chance(g, 15)) {
            generator_put(g, PICK(g, strange));
        } else {
            generator_put(g, "{`sku`:`ignored`,");
            product(g, keys);
            if (generator_chance(g, 10)) generator_put(g, "`sale_price`:2.5,");
            generator_end(g, "}");
        }
        generator_put(g, ",");
    }
    generator_end(g, "]");
}

static void products(struct generator *g, bool odd)
{
    items(g, odd, product_keys);
}

static void contents(struct generator *g, bool odd)
{
    items(g, odd, content_keys);
}

/* Calls ---------------------------------------------------------------------------------------- */

static void name_of_event(struct generator *g, bool odd)
{
    static const char *const some[] = {"`Purchase`",   "`CompletePayment`", "`Lead`",
                                       "`SubmitForm`", "`Search`",          "`AddToCart`",
                                       "`StartTrial`", "`PlaceAnOrder`"};
    static const char *const bad[] = {"`MyEvent`", "`purchase`", "5", "{}", "true"};
    generator_put(g, odd ? PICK(g, bad) : PICK(g, some));
}

static void content_type(struct generator *g, bool odd)
{
    static const char *const some[] = {"`product`", "`product_group`"};
    static const char *const bad[] = {"`Product`", "`sku`", "1", "true", "{}", "[`product`]"};
    generator_put(g, odd ? PICK(g, bad) : PICK(g, some));
}

/* The fields of a mapping, as the mapping named Raw takes them over. */
static void raw(struct generator *g, bool odd)
{
    static const struct {
        const char *key;
        maker make;
        unsigned absent;
    } fields[] = {
        {"event", name_of_event, 2},
        {"event_id", make_clear_id, 40},
        {"timestamp", make_timestamp, 30},
        {"phone_numbers", make_phones, 40},
        {"email_addresses", make_emails, 10},
        {"external_ids", make_ids, 40},
        {"order_id", make_clear_id, 40},
        {"shop_id", make_clear_id, 40},
        {"ttclid", make_opaque, 70},
        {"ttp", make_opaque, 70},
        {"lead_id", make_opaque, 70},
        {"locale", make_opaque, 70},
        {"url", make_url, 50},
        {"referrer", make_url, 70},
        {"ip", make_opaque, 70},
        {"user_agent", make_opaque, 70},
        {"contents", contents, 50},
        {"content_type", content_type, 50},
        {"currency", make_currency, 50},
        {"value", make_amount, 50},
        {"query", make_words, 60},
        {"description", make_words, 50},
        {"limited_data_use", make_flag, 60},
        {"test_event_code", make_opaque, 70},
    };
    enum { FIELDS = sizeof fields / sizeof fields[0] };
    unsigned before = g->odd_percent, usual = before;
    unsigned odd_one = odd ? FIELDS : generator_below(g, FIELDS + FIELDS / 2);
    if (odd_one < FIELDS) usual = 0;
    generator_put(g, "{");
    for (size_t i = 0; i < FIELDS; i++) {
        g->odd_percent = i == odd_one ? 100 : usual;
        generator_member(g, fields[i].key, fields[i].make, i == odd_one ? 0 : fields[i].absent);
    }
    g->odd_percent = before;
    generator_end(g, "}");
}

static void put_specials(struct generator *g)
{
    static const char *const notes[] = {"`note`:`a b c`,", "`note`:`void it`,", "`note`:`no`,", ""};
    static const char *const tags[] = {"`tags`:[`a`,`b`],", "`tags`:{`k`:`v`},", "", ""};
    static const char *const nests[] = {"{`a`:{`b`:1},`c`:`x`}", "{`l`:[1,2],`m`:{`n`:{`o`:true}}}",
                                        "{`flat`:`y`}"};
    static const char *const prices[] = {"`price`:9.5,", "`price`:null,`brand`:``,", "", ""};
    generator_put(g, PICK(g, notes));
    generator_put(g, PICK(g, tags));
    if (generator_chance(g, 60)) generator_put(g, "`store`:`S1`,");
    if (generator_chance(g, 80)) generator_put(g, "`mode`:`take`,");
    generator_put(g, "`nest`:");
    generator_put(g, PICK(g, nests));
    generator_put(g, ",`shops`:[");
    make_clear_id(g, false);
    generator_put(g, ",`other`],`till.id`:");
    make_opaque(g, false);
    generator_put(g, ",`people`:[{`phone`:");
    make_phone(g, false);
    generator_put(g, "},{`name`:`zq`},{`phone`:");
    make_phone(g, false);
    generator_put(g, "}],`item`:{`content_id`:`m`,");
    generator_put(g, PICK(g, prices));
    generator_end(g, "},");
    if (generator_chance(g, 5)) generator_put(g, "`go`:`no`,");
    if (generator_chance(g, 5)) generator_put(g, "`stop`:true,");
}

static void properties(struct generator *g, bool odd, bool special, bool with_raw)
{
    static const char *const wrong[] = {"`oops`", "[]", "null", "7"};
    if (odd) {
        generator_put(g, PICK(g, wrong));
        return;
    }
    generator_put(g, "{");
    generator_member(g, "email", make_emails, 25);
    generator_member(g, "phone", make_phones, 50);
    generator_member(g, "order_id", make_clear_id, 40);
    generator_member(g, "shop_id", make_clear_id, 50);
    generator_member(g, "currency", make_currency, 30);
    generator_member(g, "value", make_amount, 40);
    generator_member(g, "revenue", make_amount, 60);
    generator_member(g, "total", make_amount, 60);
    generator_member(g, "ttclid", make_opaque, 80);
    generator_member(g, "ttp", make_opaque, 80);
    generator_member(g, "lead_id", make_opaque, 80);
    generator_member(g, "query", make_words, 70);
    generator_member(g, "limited_data_use", make_flag, 70);
    generator_member(g, "products", products, 50);
    if (generator_chance(g, 50)) product(g, product_keys);
    if (special) put_specials(g);
    if (with_raw) generator_member(g, "raw", raw, 0);
    generator_end(g, "}");
}

static void page(struct generator *g, bool odd)
{
    if (odd) {
        generator_put(g, "`https://shop.example/?ttclid=no`");
        return;
    }
    generator_put(g, "{");
    generator_member(g, "url", make_url, 30);
    generator_member(g, "referrer", make_url, 50);
    generator_end(g, "}");
}

static void traits(struct generator *g, bool odd)
{
    if (odd) {
        generator_put(g, "`traits`");
        return;
    }
    generator_put(g, "{");
    generator_member(g, "email", make_emails, 40);
    generator_member(g, "phone", make_phones, 60);
    generator_member(g, "opted_out", make_flag, 70);
    generator_member(g, "order_completed_last_30days", make_flag, 30);
    generator_end(g, "}");
}

static void consent(struct generator *g, bool odd)
{
    static const char *const some[] = {"{`Advertising`:true}", "{`Advertising`:true}",
                                       "{`Advertising`:false}", "{}"};
    static const char *const bad[] = {"{`Advertising`:`true`}", "{`Advertising`:1}", "true"};
    generator_put(g, odd ? PICK(g, bad) : PICK(g, some));
}

static void context(struct generator *g, bool odd)
{
    if (odd) {
        generator_put(g, "`context`");
        return;
    }
    generator_put(g, "{");
    generator_member(g, "ip", make_opaque, 60);
    generator_member(g, "userAgent", make_opaque, 60);
    generator_member(g, "locale", make_opaque, 60);
    generator_member(g, "page", page, 50);
    generator_member(g, "traits", traits, 40);
    generator_member(g, "consent", consent, 30);
    generator_end(g, "}");
}

static void integrations(struct generator *g, bool odd)
{
    static const char *const names[] = {
        "TikTok Offline Conversions", "Tiktok Offline Conversions (Actions)",
        "tiktok offline conversions", "TIKTOK OFFLINE CONVERSIONS (ACTIONS)"};
    static const char *const all[] = {
        "`All`:true,", "`All`:false,", "`all`:false,", "`All`:`false`,", "", "", "", ""};
    if (odd) {
        generator_put(g, "[`TikTok Offline Conversions`]");
        return;
    }
    generator_put(g, "{`Other`:{`ttclid`:`no`},");
    generator_put(g, PICK(g, all));
    unsigned name = generator_below(g, 4);
    for (unsigned n = generator_below(g, 5); n > 2; n--) {
        buf_printf(&g->out, "\"%s\":", names[name++ % 4]);
        if (generator_chance(g, 15)) generator_put(g, generator_chance(g, 50) ? "false," : "true,");
        else {
            generator_put(g, "{");
            generator_member(g, "ttclid", make_opaque, 30);
            generator_member(g, "ttp", make_opaque, 30);
            generator_end(g, "},");
        }
    }
    generator_end(g, "}");
}

static const char *put_name(struct generator *g)
{
    static const char *const presets[] = {"Order Completed",
                                          "Order Completed",
                                          "Callback Started",
                                          "Subscription Created",
                                          "Form Submitted",
                                          "Product Viewed",
                                          "Product Clicked",
                                          "Products Searched",
                                          "Product Added to Wishlist",
                                          "Product Added",
                                          "Checkout Started",
                                          "Payment Info Entered",
                                          "Order Placed",
                                          "Download Link Clicked",
                                          "Signed Up",
                                          "Raw Sale",
                                          "Raw Sale",
                                          "Raw Sale",
                                          "Raw Sale",
                                          "Till 7",
                                          "Till 7",
                                          "Fold",
                                          "Fold"};
    static const char *const others[] = {"order completed", "Order Completed ", "Tilly", "",
                                         "Else"};
    const char *name = generator_chance(g, 4) ? PICK(g, others) : PICK(g, presets);
    if (generator_chance(g, g->odd_percent / 4)) {
        generator_put(g, generator_chance(g, 50) ? "`event`:5," : "`event`:{},");
        return "";
    }
    buf_printf(&g->out, "\"event\":\"%s\",", name);
    return name;
}

const char *generator_call(struct generator *g)
{
    static const char *const types[] = {"track",    "track",    "track",  "track", "track",
                                        "track",    "track",    "track",  "page",  "page",
                                        "identify", "identify", "screen", "group"};
    const char *type = PICK(g, types), *name = "";
    generator_put(g, "{");
    if (generator_chance(g, 60)) buf_printf(&g->out, "\"type\":\"%s\",", type);
    if (generator_chance(g, strcmp(type, "track") == 0 ? 99 : 25)) name = put_name(g);
    generator_member(g, "messageId", make_clear_id, 20);
    generator_member(g, "userId", make_ids, 40);
    generator_member(g, "anonymousId", make_ids, 60);
    generator_member(g, "timestamp", make_timestamp, 30);
    generator_member(g, "originalTimestamp", make_timestamp, 70);
    generator_member(g, "sentAt", make_sent_at, 60);
    if (generator_chance(g, 97)) {
        bool special = strcmp(name, "Till 7") == 0 || strcmp(name, "Fold") == 0;
        generator_put(g, "`properties`:");
        properties(g, generator_chance(g, g->odd_percent / 4), special,
                   strcmp(name, "Raw Sale") == 0);
        generator_put(g, ",");
    }
    generator_member(g, "context", context, 30);
    generator_member(g, "integrations", integrations, 70);
    generator_member(g, "traits", traits, strcmp(type, "identify") == 0 ? 10 : 95);
    generator_end(g, "}");
    return type;
}

void generator_world(struct generator *g, struct plain_world *w)
{
    static const int64_t now_ms = INT64_C(1795000000000);
    static const char *const card_like[] = {"order_id", "query", "brand"};
    bool implausible = generator_chance(g, 4);
    *w = (struct plain_world){
        .legacy_names = generator_chance(g, 15),
        .external_id_alone = generator_chance(g, 15),
        .implausible = implausible,
        .calling_code = generator_chance(g, 25) ? "44" : NULL,
        .shop_id = generator_chance(g, 20) ? "Default Shop" : NULL,
        .currency = generator_chance(g, 20) ? "CHF" : NULL,
        .consent = generator_chance(g, 8) ? "context.consent.Advertising" : NULL,
        .card_like = generator_chance(g, 25) ? PICK(g, card_like) : NULL,
        .now_ms = implausible ? 5000 : now_ms + generator_below(g, 1000),
        .age_max_ms = INT64_C(1000) * (generator_chance(g, 5) ? 3600 : 28 * 86400),
        .zone_s = 19800,
    };
    g->now_ms = implausible ? now_ms : w->now_ms;
    g->zone_s = w->zone_s;
}
