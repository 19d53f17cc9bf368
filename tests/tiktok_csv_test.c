/*
 * tiktok_csv_test.c: TikTok's upload file: its header, and each row as the event that it is or as
 * the refusal that names column and category.
 */
#include "testing.h"

#include "building.h"
#include "tiktok/csv.h"

/* sha256 of a@b.co, +12133734253 */
#define A_HASH   "80305c9bb1bb2480e03894350e0a8a366dcbdeb302e69e0817aa0743abd77054"
#define TEL_HASH "9f7ec22d72092cd3c0b58726ed9c2d91b92e51a3f29837508fb2948bb22dd2fd"

#define MAIL "\"user\":{\"email\":[\"" A_HASH "\"]}"
#define CALL "\"user\":{\"phone\":[\"" TEL_HASH "\"]}"
#define BOTH "\"user\":{\"email\":[\"" A_HASH "\"],\"phone\":[\"" TEL_HASH "\"]}"
#define TAIL "\"limited_data_use\":false}"

#define HEADER                                                                                \
    "event_type,email,phone,timestamp,price,currency,transaction_category,order_id,quantity," \
    "product_id,product_category,store_id\n"
#define T    "2026-10-31T19:11:01.152Z"
#define T_MS INT64_C(1793473861152)
/* A row by what is asked of it; the rest is as good as can be. */
#define TYPE(type)  type ",a@b.co,," T ",,,,,,,,"
#define EMAIL(mail) "Purchase," mail ",," T ",,,,,,,,"
#define PHONE(tel)  "Purchase,," tel "," T ",,,,,,,,"
#define TIME(time)  "Purchase,a@b.co,," time ",,,,,,,,"
#define PRICE(n)    "Purchase,a@b.co,," T "," n ",,,,,,,"
#define COIN(code)  "Purchase,a@b.co,," T ",," code ",,,,,,"
#define KIND(kind)  "Purchase,a@b.co,," T ",,," kind ",,,,,"
#define ORDER(id)   "Purchase,a@b.co,," T ",,,," id ",,,,"
#define COUNT(n)    "Purchase,a@b.co,," T ",,,,," n ",,,"
#define ITEM(id)    "Purchase,a@b.co,," T ",,,,,," id ",,"
#define GROUP(name) "Purchase,a@b.co,," T ",,,,,,," name ","
#define STORE(id)   "Purchase,a@b.co,," T ",,,,,,,," id

#define CHARACTERS TIKTOK_CSV_ILLEGAL_CHARACTERS
#define MISSING    TIKTOK_CSV_MISSING_FIELDS
#define TIMES      TIKTOK_CSV_INACCURATE_TIMESTAMPS
#define FORM       TIKTOK_CSV_DATA_FORMATTING

struct world {
    struct building b;
    struct tiktok_csv_header header;
    struct tiktok_csv_refusal why;
};

static long fill(void *ctx, char *to, size_t bytes_max)
{
    struct str *text = ctx;
    size_t n = text->len < bytes_max ? text->len : bytes_max;
    memcpy(to, text->p, n);
    *text = (struct str){text->p + n, text->len - n};
    return (long)n;
}

/* Reads a header and one row of a file's text, as an import does. */
static int read_file(struct world *w, const char *file, const struct tiktok_csv_map *maps,
                     size_t map_count)
{
    struct str text = str_from(file);
    struct csv_reader r;
    struct csv_record record;
    memset(&w->why, 0, sizeof w->why);
    w->b.warnings.count = 0;
    arena_reset(&w->b.arena);
    assert_int_equal(csv_open(&r, fill, &text), 0);
    int rc = csv_next(&r, &record);
    assert_int_equal(rc, 1);
    rc = tiktok_csv_read_header(record.fields, record.count, maps, map_count, &w->header, &w->why);
    if (rc >= 0 && csv_next(&r, &record) == 1) {
        rc = record.fault == CSV_GOOD
                 ? tiktok_csv_read_row(&w->b.arena, &w->header, &record, &w->b.rules, &w->b.now,
                                       &w->b.event, &w->b.warnings, &w->why)
                 : tiktok_csv_fault(&w->header, record.fault, record.fault_field, &w->why);
    }
    /* What the event needs must not lie in the reader. */
    csv_close(&r);
    return rc;
}

static int read_row(struct world *w, const char *row)
{
    static char file[128 * 1024];
    snprintf(file, sizeof file, "%s%s\n", HEADER, row);
    return read_file(w, file, NULL, 0);
}

static int setup(void **state)
{
    static struct world w;
    building_setup(&w.b);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    building_teardown(&w->b);
    return 0;
}

/* Rows ----------------------------------------------------------------------------------------- */

static void a_good_row_is_the_event_that_it_says(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *row, *name, *rest;
        int64_t time_ms;
    } rows[] = {
        {"Complete Payment,a@b.co,+12133734253," T
         ",10,USD,in-store,abc123,1,123456,furniture,3456",
         "Purchase",
         "{" BOTH ",\"properties\":{\"contents\":[{\"quantity\":1,\"content_id\":\"123456\","
         "\"content_category\":\"furniture\"}],\"currency\":\"USD\",\"value\":10,"
         "\"order_id\":\"abc123\",\"shop_id\":\"3456\"}," TAIL,
         T_MS},
        {TYPE("Purchase"), "Purchase", "{" MAIL "," TAIL, T_MS},
        {TYPE("CompletePayment"), "Purchase", "{" MAIL "," TAIL, T_MS},
        {PHONE("+12133734253"), "Purchase", "{" CALL "," TAIL, T_MS},
        {PHONE("12133734253"), "Purchase", "{" CALL "," TAIL, T_MS},
        {PHONE("+1 (213) 373-4253"), "Purchase", "{" CALL "," TAIL, T_MS},
        {PHONE("0012133734253"), "Purchase", "{" CALL "," TAIL, T_MS},
        {PHONE("\" +1.213.373.4253 \""), "Purchase", "{" CALL "," TAIL, T_MS},
        {PHONE(TEL_HASH), "Purchase", "{" CALL "," TAIL, T_MS},
        {EMAIL("a@b.co"), "Purchase", "{" MAIL "," TAIL, T_MS},
        {EMAIL("  A@B.CO "), "Purchase", "{" MAIL "," TAIL, T_MS},
        {EMAIL("\"A@b.co\""), "Purchase", "{" MAIL "," TAIL, T_MS},
        {EMAIL(A_HASH), "Purchase", "{" MAIL "," TAIL, T_MS},
        {EMAIL("80305C9BB1BB2480E03894350E0A8A366DCBDEB302E69E0817AA0743ABD77054"), "Purchase",
         "{" MAIL "," TAIL, T_MS},
        {"Purchase,not one,+12133734253," T ",,,,,,,,", "Purchase", "{" CALL "," TAIL, T_MS},
        {"Purchase,a@b.co,not one," T ",,,,,,,,", "Purchase", "{" MAIL "," TAIL, T_MS},
        {TIME("2026-10-31T19:11:01Z"), "Purchase", "{" MAIL "," TAIL, T_MS - 152},
        {TIME("2026-10-31 19:11:01.152Z"), "Purchase", "{" MAIL "," TAIL, T_MS},
        {TIME("2026-10-31T21:11:01.152+02:00"), "Purchase", "{" MAIL "," TAIL, T_MS},
        {TIME("2026-10-31T12:11:01.152-0700"), "Purchase", "{" MAIL "," TAIL, T_MS},
        {TIME("2026-10-31T19:11:01.152"), "Purchase", "{" MAIL "," TAIL, T_MS},
        {TIME("2026-10-31t19:11:01.152z"), "Purchase", "{" MAIL "," TAIL, T_MS},
        {TIME(" 2026-10-31T19:11:01.152Z "), "Purchase", "{" MAIL "," TAIL, T_MS},
        {TIME("2026-10-31T19:11Z"), "Purchase", "{" MAIL "," TAIL, T_MS - 1152},
        {TIME("2026-11-01T10:09:59Z"), "Purchase", "{" MAIL "," TAIL,
         BUILDING_NOW_MS + 9 * 60000 + 59000},
        {TIME("2026-10-04T10:00:00Z"), "Purchase", "{" MAIL "," TAIL,
         BUILDING_NOW_MS - INT64_C(28) * 86400000},
        {PRICE("19.90"), "Purchase", "{" MAIL ",\"properties\":{\"value\":19.9}," TAIL, T_MS},
        {PRICE("0"), "Purchase", "{" MAIL ",\"properties\":{\"value\":0}," TAIL, T_MS},
        {PRICE("-5.5"), "Purchase", "{" MAIL ",\"properties\":{\"value\":-5.5}," TAIL, T_MS},
        {PRICE(" 10 "), "Purchase", "{" MAIL ",\"properties\":{\"value\":10}," TAIL, T_MS},
        {PRICE("1234567.89"), "Purchase", "{" MAIL ",\"properties\":{\"value\":1234567.89}," TAIL,
         T_MS},
        {PRICE("0.1"), "Purchase", "{" MAIL ",\"properties\":{\"value\":0.1}," TAIL, T_MS},
        {PRICE("32.84"), "Purchase", "{" MAIL ",\"properties\":{\"value\":32.84}," TAIL, T_MS},
        {COIN("usd"), "Purchase", "{" MAIL ",\"properties\":{\"currency\":\"USD\"}," TAIL, T_MS},
        {COIN(" Eur "), "Purchase", "{" MAIL ",\"properties\":{\"currency\":\"EUR\"}," TAIL, T_MS},
        {COIN("XXX"), "Purchase", "{" MAIL ",\"properties\":{\"currency\":\"XXX\"}," TAIL, T_MS},
        {KIND("in-store"), "Purchase", "{" MAIL "," TAIL, T_MS},
        {KIND("online"), "Purchase", "{" MAIL "," TAIL, T_MS},
        {ORDER("abc123"), "Purchase", "{" MAIL ",\"properties\":{\"order_id\":\"abc123\"}," TAIL,
         T_MS},
        {ORDER("0042"), "Purchase", "{" MAIL ",\"properties\":{\"order_id\":\"0042\"}," TAIL, T_MS},
        {ORDER("\"a,b\""), "Purchase", "{" MAIL ",\"properties\":{\"order_id\":\"a,b\"}," TAIL,
         T_MS},
        {ORDER("\"6\"\" pipe\""), "Purchase",
         "{" MAIL ",\"properties\":{\"order_id\":\"6\\\" pipe\"}," TAIL, T_MS},
        {ORDER("\"a\nb\""), "Purchase", "{" MAIL ",\"properties\":{\"order_id\":\"a\\nb\"}," TAIL,
         T_MS},
        {ORDER("12345678901234567890"), "Purchase",
         "{" MAIL ",\"properties\":{\"order_id\":\"12345678901234567890\"}," TAIL, T_MS},
        {COUNT("2"), "Purchase", "{" MAIL ",\"properties\":{\"contents\":[{\"quantity\":2}]}," TAIL,
         T_MS},
        {COUNT("0.75"), "Purchase",
         "{" MAIL ",\"properties\":{\"contents\":[{\"quantity\":0.75}]}," TAIL, T_MS},
        {ITEM("4006381333931"), "Purchase",
         "{" MAIL ",\"properties\":{\"contents\":[{\"content_id\":\"4006381333931\"}]}," TAIL,
         T_MS},
        {ITEM("4111111111111111"), "Purchase",
         "{" MAIL ",\"properties\":{\"contents\":[{\"content_id\":\"4111111111111111\"}]}," TAIL,
         T_MS},
        {GROUP("M\xC3\xB6"
               "bel"),
         "Purchase",
         "{" MAIL ",\"properties\":{\"contents\":[{\"content_category\":\"M\xC3\xB6"
         "bel\"}]}," TAIL,
         T_MS},
        {GROUP("\"Garden, Tools\""), "Purchase",
         "{" MAIL ",\"properties\":{\"contents\":[{\"content_category\":\"Garden, Tools\"}]}," TAIL,
         T_MS},
        {STORE("3456"), "Purchase", "{" MAIL ",\"properties\":{\"shop_id\":\"3456\"}," TAIL, T_MS},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int rc = read_row(w, rows[i].row);
        if (rc < 0) fail_msg("%s: %s", rows[i].row, w->why.why.message);
        assert_string_equal(w->b.event.name, rows[i].name);
        assert_string_equal(w->b.event.rest.p, rows[i].rest);
        if (w->b.event.time_ms != rows[i].time_ms) fail_msg("%s: wrong time", rows[i].row);
        assert_false(w->b.event.stamped);
        assert_true(str_starts(w->b.event.event_id, "csv-"));
        assert_int_equal(w->b.event.event_id.len, 36);
    }
}

static void event_types_are_taken_in_every_spelling(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *type, *name;
    } rows[] = {
        {"Purchase", "Purchase"},
        {"Complete Payment", "Purchase"},
        {"CompletePayment", "Purchase"},
        {"complete payment", "Purchase"},
        {"Lead", "Lead"},
        {"SubmitForm", "Lead"},
        {"Submit Form", "Lead"},
        {"Contact", "Contact"},
        {"Subscribe", "Subscribe"},
        {"Add Payment Info", "AddPaymentInfo"},
        {"AddPaymentInfo", "AddPaymentInfo"},
        {"Add to Cart", "AddToCart"},
        {"AddToCart", "AddToCart"},
        {"add_to_cart", "AddToCart"},
        {"Add to Wishlist", "AddToWishlist"},
        {"AddToWishlist", "AddToWishlist"},
        {"Click Button", "ClickButton"},
        {"ClickButton", "ClickButton"},
        {"Complete Registration", "CompleteRegistration"},
        {"CompleteRegistration", "CompleteRegistration"},
        {"Download", "Download"},
        {"Initiate Checkout", "InitiateCheckout"},
        {"InitiateCheckout", "InitiateCheckout"},
        {"Place an Order", "PlaceAnOrder"},
        {"PlaceAnOrder", "PlaceAnOrder"},
        {"Search", "Search"},
        {"View Content", "ViewContent"},
        {"ViewContent", "ViewContent"},
        {" View Content ", "ViewContent"},
        {"Schedule", "Schedule"}, /* not on the upload page; the Events API takes it */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char row[256];
        snprintf(row, sizeof row, "%s" TYPE(""), rows[i].type);
        int rc = read_row(w, row);
        if (rc < 0) fail_msg("%s: %s", row, w->why.why.message);
        assert_string_equal(w->b.event.name, rows[i].name);
    }
}

static void a_bad_row_names_column_and_category(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *row, *column;
        enum tiktok_csv_category category;
        int err;
    } rows[] = {
        {TYPE(""), "event_type", MISSING, TILLPOST_E_MISSING_EVENT},
        {TYPE("  "), "event_type", MISSING, TILLPOST_E_MISSING_EVENT},
        {TYPE("Refund"), "event_type", FORM, TILLPOST_E_BAD_EVENT_NAME},
        {TYPE("Page View"), "event_type", FORM, TILLPOST_E_BAD_EVENT_NAME},
        {TYPE("Purchases"), "event_type", FORM, TILLPOST_E_BAD_EVENT_NAME},
        {TYPE("Complete"), "event_type", FORM, TILLPOST_E_BAD_EVENT_NAME},
        {TYPE("Order Completed"), "event_type", FORM, TILLPOST_E_BAD_EVENT_NAME},
        {EMAIL(""), "email", MISSING, TILLPOST_E_MISSING_PII},
        {EMAIL("   "), "email", MISSING, TILLPOST_E_MISSING_PII},
        {EMAIL("a.b.co"), "email", FORM, TILLPOST_E_MISSING_PII},
        {EMAIL("a@b@c.co"), "email", FORM, TILLPOST_E_MISSING_PII},
        {EMAIL("@b.co"), "email", FORM, TILLPOST_E_MISSING_PII},
        {EMAIL("a @b.co"), "email", FORM, TILLPOST_E_MISSING_PII},
        {EMAIL("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"), "email", FORM,
         TILLPOST_E_MISSING_PII},
        {PHONE("12"), "phone", FORM, TILLPOST_E_MISSING_PII},
        {PHONE("1.21337E+10"), "phone", FORM, TILLPOST_E_MISSING_PII},
        {PHONE("1234567890123456"), "phone", FORM, TILLPOST_E_MISSING_PII},
        {PHONE("+0123456789"), "phone", FORM, TILLPOST_E_MISSING_PII},
        {PHONE("call me"), "phone", FORM, TILLPOST_E_MISSING_PII},
        {"Purchase,x,y," T ",,,,,,,,", "email", FORM, TILLPOST_E_MISSING_PII},
        {TIME(""), "timestamp", MISSING, TILLPOST_E_BAD_TIMESTAMP},
        {TIME("22/10/2022 19:11"), "timestamp", TIMES, TILLPOST_E_BAD_TIMESTAMP},
        {TIME("10/31/2026 7:11 PM"), "timestamp", TIMES, TILLPOST_E_BAD_TIMESTAMP},
        {TIME("2026-10-31"), "timestamp", TIMES, TILLPOST_E_BAD_TIMESTAMP},
        {TIME("1793473861"), "timestamp", TIMES, TILLPOST_E_BAD_TIMESTAMP},
        {TIME("1793473861152"), "timestamp", TIMES, TILLPOST_E_BAD_TIMESTAMP},
        {TIME("46326.79"), "timestamp", TIMES, TILLPOST_E_BAD_TIMESTAMP},
        {TIME("2026-02-30T10:00:00Z"), "timestamp", TIMES, TILLPOST_E_BAD_TIMESTAMP},
        {TIME("2026-10-31T25:00:00Z"), "timestamp", TIMES, TILLPOST_E_BAD_TIMESTAMP},
        {TIME("yesterday"), "timestamp", TIMES, TILLPOST_E_BAD_TIMESTAMP},
        {TIME("2026-10-04T09:59:59Z"), "timestamp", TIMES, TILLPOST_E_TOO_OLD},
        {TIME("2022-10-22T19:11:01.152Z"), "timestamp", TIMES, TILLPOST_E_TOO_OLD},
        {TIME("2026-11-01T10:10:01Z"), "timestamp", TIMES, TILLPOST_E_IN_FUTURE},
        {TIME("2062-10-31T19:11:01Z"), "timestamp", TIMES, TILLPOST_E_IN_FUTURE},
        {PRICE("10 USD"), "price", FORM, TILLPOST_E_BAD_NUMBER},
        {PRICE("$10"), "price", FORM, TILLPOST_E_BAD_NUMBER},
        {PRICE("\"1,234.50\""), "price", FORM, TILLPOST_E_BAD_NUMBER},
        {PRICE("\"10,50\""), "price", FORM, TILLPOST_E_BAD_NUMBER},
        {PRICE("1e3"), "price", FORM, TILLPOST_E_BAD_NUMBER},
        {PRICE("0x10"), "price", FORM, TILLPOST_E_BAD_NUMBER},
        {PRICE("NaN"), "price", FORM, TILLPOST_E_BAD_NUMBER},
        {PRICE("free"), "price", FORM, TILLPOST_E_BAD_NUMBER},
        {PRICE("1234567890123456"), "price", FORM, TILLPOST_E_BAD_NUMBER},
        {COIN("$"), "currency", FORM, TILLPOST_E_BAD_CURRENCY},
        {COIN("EURO"), "currency", FORM, TILLPOST_E_BAD_CURRENCY},
        {COIN("E1R"), "currency", FORM, TILLPOST_E_BAD_CURRENCY},
        {ORDER("a@b.co"), "order_id", FORM, TILLPOST_E_BAD_FIELD},
        {ORDER("4111111111111111"), "order_id", FORM, TILLPOST_E_CARD_NUMBER},
        {ORDER("4111 1111 1111 1111"), "order_id", FORM, TILLPOST_E_CARD_NUMBER},
        {ORDER("R-5555-5555-5555-4444"), "order_id", FORM, TILLPOST_E_CARD_NUMBER},
        {COUNT("two"), "quantity", FORM, TILLPOST_E_BAD_NUMBER},
        {COUNT("1x"), "quantity", FORM, TILLPOST_E_BAD_NUMBER},
        {GROUP("378282246310005"), "product_category", FORM, TILLPOST_E_CARD_NUMBER},
        {STORE("a@b.co"), "store_id", FORM, TILLPOST_E_BAD_FIELD},
        {STORE("4111111111111111"), "store_id", FORM, TILLPOST_E_CARD_NUMBER},
        {STORE("1,2"), "", FORM, TILLPOST_E_BAD_FIELD},
        {STORE("1,"), "", FORM, TILLPOST_E_BAD_FIELD},
        {GROUP("Garden, Tools"), "", FORM, TILLPOST_E_BAD_FIELD},
        {"Purchase,a@b.co,," T, "", FORM, TILLPOST_E_BAD_FIELD},
        {"Purchase", "", FORM, TILLPOST_E_BAD_FIELD},
        {"Purchase,a@b.co,," T ",1,234.50,USD,,,,,,", "", FORM, TILLPOST_E_BAD_FIELD},
        {"Purchase;a@b.co;;" T ";;;;;;;;", "", FORM, TILLPOST_E_BAD_FIELD},
        {ORDER("a\x01"
               "b"),
         "order_id", CHARACTERS, TILLPOST_E_BAD_FIELD},
        {GROUP("M\xF6"
               "bel"),
         "product_category", CHARACTERS, TILLPOST_E_BAD_FIELD},
        {ORDER("a\"b"), "order_id", FORM, TILLPOST_E_BAD_FIELD},
        {ORDER("\"a\"b"), "order_id", FORM, TILLPOST_E_BAD_FIELD},
        {GROUP("\"open"), "product_category", FORM, TILLPOST_E_BAD_FIELD},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int rc = read_row(w, rows[i].row);
        if (rc != rows[i].err) fail_msg("%s: %d %s", rows[i].row, rc, w->why.why.message);
        assert_int_equal(w->why.why.err, rc);
        assert_string_equal(tiktok_csv_column_name(w->why.column), rows[i].column);
        assert_string_equal(w->why.why.path, rows[i].column);
        if (w->why.category != rows[i].category)
            fail_msg("%s: %s", rows[i].row, tiktok_csv_category_name(w->why.category));
    }
}

static void a_row_too_long_is_too_large(void **state)
{
    static char row[CSV_RECORD_MAX_BYTES + 100];
    struct world *w = *state;
    memset(row, 'x', sizeof row - 1);
    assert_int_equal(read_row(w, row), TILLPOST_E_TOO_LARGE);
    assert_int_equal(w->why.category, TIKTOK_CSV_FILE_TOO_LARGE);
}

static void words_name_the_column_and_never_the_value(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *row, *words;
    } rows[] = {
        {PRICE("12secret"), "price must be a plain decimal number"},
        {STORE("secret@example.com"), "store_id must not hold an e-mail address"},
        {COUNT("secret"), "quantity must be a plain decimal number"},
        {EMAIL("secret"), "email is not valid"},
        {TIME("secret"), "timestamp must be a date and time"},
        {TYPE("secret"), "event_type must be an event"},
        {GROUP("4111111111111111"), "product_category holds what looks like a payment card"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(read_row(w, rows[i].row) < 0);
        assert_true(str_starts(str_from(w->why.why.message), rows[i].words));
        assert_null(strstr(w->why.why.message, "secret"));
        assert_null(strstr(w->why.why.message, "4111"));
    }
}

static void a_warning_names_the_column(void **state)
{
    struct world *w = *state;
    assert_true(read_row(w, "Purchase,nobody,+12133734253," T ",1,XXX,,,,,,") >= 0);
    assert_int_equal(w->b.warnings.count, 2);
    assert_string_equal(w->b.warnings.list[0].path, "email");
    assert_string_equal(w->b.warnings.list[1].path, "currency");
}

static void defaults_fill_what_a_row_lacks(void **state)
{
    struct world *w = *state;
    w->b.rules.shop_id = "store-12";
    w->b.rules.currency = "EUR";
    w->b.rules.calling_code = "1";
    assert_true(read_row(w, "Purchase,,(0213) 373-4253," T ",1,,,,,,,") >= 0);
    assert_string_equal(w->b.event.rest.p, "{" CALL ",\"properties\":{\"currency\":\"EUR\","
                                           "\"value\":1,\"shop_id\":\"store-12\"}," TAIL);
    assert_true(read_row(w, "Purchase,,(0213) 373-4253," T ",1,USD,,,,,,7") >= 0);
    assert_string_equal(w->b.event.rest.p, "{" CALL ",\"properties\":{\"currency\":\"USD\","
                                           "\"value\":1,\"shop_id\":\"7\"}," TAIL);
    building_teardown(&w->b);
    building_setup(&w->b);
}

static void an_implausible_clock_judges_no_time(void **state)
{
    struct world *w = *state;
    w->b.now.implausible = true;
    assert_true(read_row(w, TIME("2022-10-22T19:11:01.152Z")) >= 0);
    assert_true(w->b.event.unjudged);
    w->b.now.implausible = false;
}

/* Ids ------------------------------------------------------------------------------------------ */

static void id_of(struct world *w, const char *row, char id[TIKTOK_ID_BYTES])
{
    if (read_row(w, row) < 0) fail_msg("%s: %s", row, w->why.why.message);
    snprintf(id, TIKTOK_ID_BYTES, "%s", w->b.event.event_id.p);
}

#define FULL "Purchase,a@b.co,+12133734253," T ",10,USD,in-store,o,1,p,c,s"

static void the_same_row_has_the_same_id_however_it_is_written(void **state)
{
    struct world *w = *state;
    char first[TIKTOK_ID_BYTES], id[TIKTOK_ID_BYTES];
    static const char *const rows[] = {
        FULL,
        "Complete Payment,a@b.co,+12133734253," T ",10,USD,in-store,o,1,p,c,s",
        "purchase , A@B.co ,12133734253," T ",10.00,usd,in-store,o,1.0,p,c,s",
        "\"Purchase\"," A_HASH "," TEL_HASH ",2026-10-31 21:11:01.152+02:00,+10,USD,\"in-store\","
        " o,01,p,c,s",
    };
    id_of(w, FULL, first);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        id_of(w, rows[i], id);
        assert_string_equal(id, first);
    }
    w->b.rules.shop_id = "store-12";
    w->b.rules.currency = "EUR";
    w->b.rules.legacy_names = true;
    id_of(w, FULL, id);
    assert_string_equal(id, first);
    building_teardown(&w->b);
    building_setup(&w->b);
}

/* Queues in the field hold ids; a change here would count their rows again. */
static void an_id_stays_what_it_was(void **state)
{
    char id[TIKTOK_ID_BYTES];
    id_of(*state, FULL, id);
    assert_string_equal(id, "csv-1e24bad14d45e231d4357ca5d0b8b573");
    id_of(*state, TYPE("Lead"), id);
    assert_string_equal(id, "csv-e90cfb56bab4e7cf40742e2bc6803911");
}

static void every_column_makes_another_id(void **state)
{
    struct world *w = *state;
    static const char *const rows[] = {
        FULL,
        "Lead,a@b.co,+12133734253," T ",10,USD,in-store,o,1,p,c,s",
        "Purchase,b@b.co,+12133734253," T ",10,USD,in-store,o,1,p,c,s",
        "Purchase,,+12133734253," T ",10,USD,in-store,o,1,p,c,s",
        "Purchase,a@b.co,+12133734254," T ",10,USD,in-store,o,1,p,c,s",
        "Purchase,a@b.co,+12133734253,2026-10-31T19:11:01.153Z,10,USD,in-store,o,1,p,c,s",
        "Purchase,a@b.co,+12133734253," T ",10.01,USD,in-store,o,1,p,c,s",
        "Purchase,a@b.co,+12133734253," T ",10,EUR,in-store,o,1,p,c,s",
        "Purchase,a@b.co,+12133734253," T ",10,USD,online,o,1,p,c,s",
        "Purchase,a@b.co,+12133734253," T ",10,USD,in-store,O,1,p,c,s",
        "Purchase,a@b.co,+12133734253," T ",10,USD,in-store,o,2,p,c,s",
        "Purchase,a@b.co,+12133734253," T ",10,USD,in-store,o,1,q,c,s",
        "Purchase,a@b.co,+12133734253," T ",10,USD,in-store,o,1,p,d,s",
        "Purchase,a@b.co,+12133734253," T ",10,USD,in-store,o,1,p,c,t",
        "Purchase,a@b.co,+12133734253," T ",10,USD,in-store,o,1,pc,,s", /* no sliding */
        "Purchase,a@b.co,+12133734253," T ",10,USD,in-store,o,1,,pc,s",
    };
    enum { ROWS = sizeof rows / sizeof rows[0] };
    char ids[ROWS][TIKTOK_ID_BYTES];
    for (size_t i = 0; i < ROWS; i++) {
        id_of(w, rows[i], ids[i]);
        for (size_t j = 0; j < i; j++)
            if (strcmp(ids[i], ids[j]) == 0) fail_msg("%s: the id of %s", rows[i], rows[j]);
    }
}

/* Headers -------------------------------------------------------------------------------------- */

static void a_header_is_taken_in_any_order_and_case(void **state)
{
    struct world *w = *state;
    static const char *const files[] = {
        "event_type,email,timestamp\nPurchase,a@b.co," T "\n",
        "timestamp,email,event_type\n" T ",a@b.co,Purchase\n",
        "\xEF\xBB\xBF"
        "event_type,email,timestamp\r\nPurchase,a@b.co," T "\r\n",
        "EVENT_TYPE,Email,TimeStamp\nPurchase,a@b.co," T "\n",
        "Event Type, E-Mail ,Timestamp\nPurchase,a@b.co," T "\n",
        "\"event_type\",\"email\",\"timestamp\"\n\"Purchase\",\"a@b.co\",\"" T "\"\n",
        "event_type,name,email,timestamp,\nPurchase,A. Customer,a@b.co," T ",\n",
        "event_type,email,timestamp,,\nPurchase,a@b.co," T ",,x\n",
        "event_type,email,phone,timestamp\n\nPurchase,a@b.co,," T "\n",
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        int rc = read_file(w, files[i], NULL, 0);
        if (rc < 0) fail_msg("%s: %s", files[i], w->why.why.message);
        assert_string_equal(w->b.event.rest.p, "{" MAIL "," TAIL);
    }
}

static void a_header_that_lacks_something_says_what(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *header, *column, *words;
        enum tiktok_csv_category category;
        int err;
    } rows[] = {
        {"email,timestamp\n", "event_type", "event_type", TIKTOK_CSV_MISSING_FIELDS,
         TILLPOST_E_MISSING_EVENT},
        {"event_type,timestamp\n", "email", "email or phone", TIKTOK_CSV_MISSING_FIELDS,
         TILLPOST_E_MISSING_PII},
        {"event_type,email\n", "timestamp", "--map", TIKTOK_CSV_MISSING_FIELDS,
         TILLPOST_E_BAD_TIMESTAMP},
        {"Purchase,a@b.co,," T "\n", "event_type", "first line", TIKTOK_CSV_MISSING_FIELDS,
         TILLPOST_E_MISSING_EVENT},
        {"event_type;email;timestamp\n", "event_type", "semicolons", TIKTOK_CSV_DATA_FORMATTING,
         TILLPOST_E_MISSING_EVENT},
        {"event_type\temail\ttimestamp\n", "event_type", "tabs", TIKTOK_CSV_DATA_FORMATTING,
         TILLPOST_E_MISSING_EVENT},
        {"event_type,email,timestamp,Email\n", "email", "twice", TIKTOK_CSV_DATA_FORMATTING,
         TILLPOST_E_BAD_FIELD},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(read_file(w, rows[i].header, NULL, 0), rows[i].err);
        assert_string_equal(tiktok_csv_column_name(w->why.column), rows[i].column);
        assert_int_equal(w->why.category, rows[i].category);
        if (!strstr(w->why.why.message, rows[i].words)) fail_msg("%s", w->why.why.message);
    }
}

static void a_map_goes_before_a_name(void **state)
{
    struct world *w = *state;
    static const struct tiktok_csv_map maps[] = {{{"Mail Address", 12}, TIKTOK_CSV_EMAIL},
                                                 {{"When", 4}, TIKTOK_CSV_TIMESTAMP}};
    assert_true(read_file(w, "event_type,mail address,WHEN\nPurchase,a@b.co," T "\n", maps, 2) >=
                0);
    assert_string_equal(w->b.event.rest.p, "{" MAIL "," TAIL);
    assert_true(read_file(w,
                          "event_type,email,Mail Address,When,timestamp\n"
                          "Purchase,x@y.z,a@b.co," T ",never\n",
                          maps, 2) >= 0);
    assert_string_equal(w->b.event.rest.p, "{" MAIL "," TAIL);
    assert_int_equal(w->header.columns[1], TIKTOK_CSV_NONE);
    assert_int_equal(read_file(w, "event_type,email,When\n", maps, 2), TILLPOST_E_BAD_FIELD);
    assert_non_null(strstr(w->why.why.message, "\"Mail Address\""));
    assert_int_equal(read_file(w, "event_type,When,mail address,Mail Address\n", maps, 2),
                     TILLPOST_E_BAD_FIELD);
}

static void columns_stand_in_the_order_of_the_page(void **state)
{
    static const char *const names[] = {"event_type",
                                        "email",
                                        "phone",
                                        "timestamp",
                                        "price",
                                        "currency",
                                        "transaction_category",
                                        "order_id",
                                        "quantity",
                                        "product_id",
                                        "product_category",
                                        "store_id"};
    assert_int_equal(sizeof names / sizeof names[0], TIKTOK_CSV_COLUMNS);
    for (int i = 0; i < TIKTOK_CSV_COLUMNS; i++) {
        assert_string_equal(tiktok_csv_column_name((enum tiktok_csv_column)i), names[i]);
        assert_int_equal(tiktok_csv_column_of(str_from(names[i])), i);
    }
    assert_int_equal(tiktok_csv_column_of(STR("emial")), TIKTOK_CSV_NONE);
    assert_int_equal(tiktok_csv_column_of(STR("")), TIKTOK_CSV_NONE);
}

static void an_event_has_the_type_of_the_page_or_none(void **state)
{
    static const struct {
        const char *event, *type;
    } rows[] = {
        {"Purchase", "Purchase"},
        {"CompletePayment", "Complete Payment"},
        {"Lead", "Lead"},
        {"SubmitForm", "SubmitForm"},
        {"AddToCart", "Add to Cart"},
        {"PlaceAnOrder", "Place an Order"},
        {"Search", "Search"},
        {"ViewContent", "View Content"},
        {"Schedule", NULL},
        {"PageView", NULL},
        {"Refund", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *type = tiktok_csv_type(str_from(rows[i].event));
        if (rows[i].type == NULL) assert_null(type);
        else assert_string_equal(type, rows[i].type);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_row_is_the_event_that_it_says),
        cmocka_unit_test(event_types_are_taken_in_every_spelling),
        cmocka_unit_test(a_bad_row_names_column_and_category),
        cmocka_unit_test(a_row_too_long_is_too_large),
        cmocka_unit_test(words_name_the_column_and_never_the_value),
        cmocka_unit_test(a_warning_names_the_column),
        cmocka_unit_test(defaults_fill_what_a_row_lacks),
        cmocka_unit_test(an_implausible_clock_judges_no_time),
        cmocka_unit_test(the_same_row_has_the_same_id_however_it_is_written),
        cmocka_unit_test(an_id_stays_what_it_was),
        cmocka_unit_test(every_column_makes_another_id),
        cmocka_unit_test(a_header_is_taken_in_any_order_and_case),
        cmocka_unit_test(a_header_that_lacks_something_says_what),
        cmocka_unit_test(a_map_goes_before_a_name),
        cmocka_unit_test(columns_stand_in_the_order_of_the_page),
        cmocka_unit_test(an_event_has_the_type_of_the_page_or_none),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
