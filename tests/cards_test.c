/*
 * cards_test.c: no payment card number comes in, whatever its brand, its separators, the field and the
 * door, and none is in a file of the state directory afterwards; what only looks like one comes in.
 */
#include "testing.h"

#include "agent/ingest.h"
#include "tiktok/pii.h"

#include <dirent.h>

#define NOW_MS 1795000000000LL

static char scratch[TESTING_PATH_BYTES], db[TESTING_PATH_BYTES + 32];
static struct config *config;
static struct queue *queue;
static struct clock till_clock;
static struct ingest ingest;
static struct buf answer;

/* Public test numbers, of brands and of processors, as digits. */
static const char *const cards[] = {
    "4111111111111111",    /* Visa */
    "4012888888881881",    /* Visa */
    "4242424242424242",    /* Visa */
    "4000056655665556",    /* Visa debit */
    "5555555555554444",    /* Mastercard */
    "5105105105105100",    /* Mastercard */
    "5200828282828210",    /* Mastercard debit */
    "2223003122003222",    /* Mastercard, series 2 */
    "2720990000000007",    /* Mastercard, the last of series 2 */
    "378282246310005",     /* American Express */
    "371449635398431",     /* American Express */
    "378734493671000",     /* American Express corporate */
    "6011111111111117",    /* Discover */
    "6011000990139424",    /* Discover */
    "6011981111111113",    /* Discover debit */
    "30569309025904",      /* Diners Club */
    "38520000023237",      /* Diners Club */
    "36227206271667",      /* Diners Club */
    "3056930009020004",    /* Diners Club, 16 digits */
    "3530111333300000",    /* JCB */
    "3566002020360505",    /* JCB */
    "6200000000000005",    /* UnionPay */
    "6205500000000000004", /* UnionPay, 19 digits */
    "6759649826438453",    /* Maestro */
    "5018000000000009",    /* Maestro */
    "2200000000000004",    /* Mir */
};
enum { CARDS = sizeof cards / sizeof cards[0], CARD_TEXT_BYTES = 128 };

/* Between groups of four digits. */
static const char *const separators[] = {"", " ", "-", "  ", " - ", ".", "\\u00a0", "\\u2013"};
enum { SEPARATORS = sizeof separators / sizeof separators[0] };

/* Where each field that is stored stands in a call of this test. %s: its value, without quotes. */
static const struct {
    const char *name, *member;
} fields[] = {
    {"event_id", "\"messageId\":\"%s\""},
    {"order_id", "\"properties\":{\"email\":\"a@example.com\",\"order_id\":\"%s\"}"},
    {"shop_id", "\"properties\":{\"email\":\"a@example.com\",\"shop_id\":\"till %s\"}"},
    {"test_event_code", "\"properties\":{\"email\":\"a@example.com\",\"test\":\"%s\"}"},
    {"description", "\"properties\":{\"email\":\"a@example.com\",\"note\":\"paid by %s, thanks\"}"},
    {"query", "\"properties\":{\"email\":\"a@example.com\",\"query\":\"%s\"}"},
    {"lead_id", "\"properties\":{\"email\":\"a@example.com\",\"lead_id\":\"L%s\"}"},
    {"content_name",
     "\"properties\":{\"email\":\"a@example.com\",\"products\":[{},{\"name\":\"%s\"}]}"},
    {"content_category",
     "\"properties\":{\"email\":\"a@example.com\",\"products\":[{\"category\":\"%s\"}]}"},
    {"brand", "\"properties\":{\"email\":\"a@example.com\",\"products\":{\"brand\":\"%s\"}}"},
    {"url", "\"context\":{\"page\":{\"url\":\"https://shop.example/?pan=%s&x=1\"}}"},
    {"referrer", "\"context\":{\"page\":{\"referrer\":\"https://shop.example/%s\"}}"},
    {"ttclid", "\"context\":{\"ttclid\":\"%s\"}"},
    {"ttp", "\"context\":{\"ttp\":\"%s\"}"},
    {"locale", "\"context\":{\"locale\":\"%s\"}"},
    {"ip", "\"context\":{\"ip\":\"%s\"}"},
    {"user_agent", "\"context\":{\"userAgent\":\"%%B%s^DOE/JOHN^2512\"}"},
    /* made of two values that are none alone */
    {"order_id", "\"properties\":{\"email\":\"a@example.com\",\"order_id\":{\"a\":\"%s\"}}"},
};
enum { FIELDS = sizeof fields / sizeof fields[0] };

/* clang-format off */
static const char mappings[] =
    ", \"mappings\": {\"presets\": [], \"custom\": [{\"name\":\"All\",\"subscribe\":\"event = 'Sale'\",\"mapping\":{"
    "\"event\":\"Purchase\",\"event_id\":{\"@path\":\"$.messageId\"},"
    "\"email_addresses\":{\"@if\":{\"exists\":{\"@path\":\"$.properties.email\"},\"then\":{\"@path\":\"$.properties.email\"},\"else\":\"till@example.com\"}},"
    "\"order_id\":{\"@if\":{\"exists\":{\"@path\":\"$.properties.order_id.a\"},"
    "\"then\":{\"@template\":\"A {{properties.order_id.a}} B\"},\"else\":{\"@path\":\"$.properties.order_id\"}}},"
    "\"shop_id\":{\"@path\":\"$.properties.shop_id\"},\"test_event_code\":{\"@path\":\"$.properties.test\"},"
    "\"description\":{\"@path\":\"$.properties.note\"},\"query\":{\"@path\":\"$.properties.query\"},"
    "\"lead_id\":{\"@path\":\"$.properties.lead_id\"},"
    "\"contents\":{\"@arrayPath\":[\"$.properties.products\",{\"content_name\":{\"@path\":\"$.name\"},"
    "\"content_category\":{\"@path\":\"$.category\"},\"brand\":{\"@path\":\"$.brand\"},\"content_id\":{\"@path\":\"$.product_id\"}}]},"
    "\"url\":{\"@path\":\"$.context.page.url\"},\"referrer\":{\"@path\":\"$.context.page.referrer\"},"
    "\"ttclid\":{\"@path\":\"$.context.ttclid\"},\"ttp\":{\"@path\":\"$.context.ttp\"},"
    "\"locale\":{\"@path\":\"$.context.locale\"},\"ip\":{\"@path\":\"$.context.ip\"},"
    "\"user_agent\":{\"@path\":\"$.context.userAgent\"}}}]}";
/* clang-format on */

static void write_card(const char *digits, const char *separator, char out[CARD_TEXT_BYTES])
{
    size_t len = 0;
    for (size_t i = 0; digits[i] != '\0'; i++)
        len += (size_t)snprintf(out + len, CARD_TEXT_BYTES - len, "%s%c",
                                i > 0 && i % 4 == 0 ? separator : "", digits[i]);
}

static void write_call(const char *member, const char *value, char out[1024])
{
    char with_value[512];
    size_t n = strcspn(member, "%");
    const char *behind = member + n;
    if (behind[1] == '%') { /* %%B%s: track 1 as a reader gives it */
        (void)snprintf(with_value, sizeof with_value, "%.*s%%B%s%s", (int)n, member, value,
                       behind + 5);
    } else {
        (void)snprintf(with_value, sizeof with_value, "%.*s%s%s", (int)n, member, value,
                       behind + 2);
    }
    (void)snprintf(out, 1024, "{\"type\":\"track\",\"event\":\"Sale\",%s}", with_value);
}

static int64_t queued(void)
{
    struct queue_counts c;
    queue_counts(queue, &c);
    return c.queued;
}

static int hand_in(const char *body, bool batch)
{
    const struct clock_now now = {NOW_MS, 1000, 1000};
    buf_clear(&answer);
    return batch ? ingest_batch(&ingest, &now, str_from(body), &answer)
                 : ingest_call(&ingest, &now, "track", str_from(body), &answer);
}

static void assert_refused(const char *field, const char *card, const char *call)
{
    int status = hand_in(call, false);
    if (status != 422 || strstr(answer.p, "\"code\":\"card_number\"") == NULL)
        fail_msg("%s, %s: %d %s\n%s", field, card, status, answer.p, call);
    if (strstr(answer.p, field) == NULL || strstr(answer.p, card) != NULL)
        fail_msg("%s: %s", field, answer.p);
}

static void no_brand_comes_in_by_any_field(void **state)
{
    char text[CARD_TEXT_BYTES], call[1024];
    for (size_t f = 0; f < FIELDS; f++)
        for (size_t c = 0; c < CARDS; c++)
            for (size_t s = 0; s < SEPARATORS; s++) {
                write_card(cards[c], separators[s], text);
                write_call(fields[f].member, text, call);
                assert_refused(fields[f].name, text, call);
            }
    assert_false(queue_dirty(queue));
    assert_int_equal(queued(), 0);
}

static void in_a_batch_the_neighbours_are_kept(void **state)
{
    char text[CARD_TEXT_BYTES], call[1024], batch[4096];
    for (size_t c = 0; c < CARDS; c++) {
        int64_t before = queued();
        write_card(cards[c], separators[c % SEPARATORS], text);
        write_call(fields[c % FIELDS].member, text, call);
        (void)snprintf(
            batch, sizeof batch,
            "{\"batch\":[{\"type\":\"track\",\"event\":\"Sale\",\"messageId\":\"a%zu\"},%s,"
            "{\"type\":\"track\",\"event\":\"Sale\",\"messageId\":\"b%zu\"}]}",
            c, call, c);
        assert_int_equal(hand_in(batch, true), 422);
        if (strstr(answer.p, "card_number") == NULL) fail_msg("%s: %s", batch, answer.p);
        assert_true(queue_commit(queue, NULL) >= 0);
        assert_int_equal(queued(), before + 2);
    }
}

/* A JSON number of up to 15 digits is read as its text; a longer one is refused as no id. */
static void a_card_number_as_a_json_number_is_none_the_less_one(void **state)
{
    for (size_t c = 0; c < CARDS; c++) {
        char call[1024];
        (void)snprintf(call, sizeof call,
                       "{\"event\":\"Sale\",\"properties\":{\"email\":\"a@example.com\","
                       "\"order_id\":%s}}",
                       cards[c]);
        const char *code = strlen(cards[c]) <= 15 ? "card_number" : "bad_field";
        assert_int_equal(hand_in(call, false), 422);
        if (strstr(answer.p, code) == NULL) fail_msg("%s: %s", cards[c], answer.p);
    }
    assert_false(queue_dirty(queue));
}

/* What stores have in these fields. */
static const char *const harmless[] = {
    "1234567890",
    "4111111111",
    "411111111111",
    "4222222222222",
    "5555555555555",
    "3782822463100",
    "6011111111111",
    "0000000000000",
    "4006381333931",
    "5901234123457",
    "3561234567890",
    "978-3-16-148410-0",
    "400638133393",
    "96385074",
    "1795000000",
    "1795000000123",
    "1795000000123456",
    "1795000000123456789",
    "20261118103000",
    "20261118-103000-0042",
    "2026-11-18T10:30:00",
    "7181537436256731137",
    "STORE-3456-0001-0042",
    "+49 30 1234567",
    "550e8400-e29b-41d4-a716-446655440000",
    "5f4dcc3b4111111111111111aa765d61",
    "4111111111111112",
    "41111111111111111111",
    "4006381333931 411",
    "41111111-11111111",
    "4711 2024-11-02 0004",
    "192.168.100.200",
};

static void order_ids_barcodes_and_times_come_in(void **state)
{
    char call[1024];
    for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++)
        for (size_t f = 0; f < FIELDS; f++) {
            write_call(fields[f].member, harmless[i], call);
            int status = hand_in(call, false);
            if (status != 200) fail_msg("%s: %d %s", call, status, answer.p);
        }
    queue_rollback(queue);
}

/* Ids of 10 to 13 digits; 2 to 6 are what cards begin with. */
static void no_id_of_ten_to_thirteen_digits_is_taken_for_a_card(void **state)
{
    uint64_t id = 0;
    for (int i = 0; i < 100000; i++) {
        char digits[32];
        id = id * 6364136223846793005u + 1442695040888963407u;
        int count = 10 + i % 4;
        int len = snprintf(digits, sizeof digits, "%c%0*llu", "456723"[i % 6], count - 1,
                           (unsigned long long)(id >> 16) % 1000000000u);
        assert_int_equal(len, count);
        if (pii_has_card_number(str_from(digits))) fail_msg("%s", digits);
    }
}

/* What no mapping reads, and a product's id, which is a barcode. */
static void what_is_not_stored_in_clear_is_not_looked_at(void **state)
{
    static const char *const calls[] = {
        "{\"event\":\"Sale\",\"messageId\":\"n1\",\"properties\":{\"email\":\"a@example.com\","
        "\"paid_with\":\"4111 1111 1111 1111\"}}",
        "{\"event\":\"Sale\",\"messageId\":\"n2\",\"properties\":{\"email\":\"a@example.com\","
        "\"products\":[{\"product_id\":\"4111111111111111\"}]}}",
    };
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        if (hand_in(calls[i], false) != 200) fail_msg("%s", answer.p);
    assert_true(queue_commit(queue, NULL) >= 0);
}

static void look_through(const char *path)
{
    char digits[8192];
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    for (size_t n = 0, kept = 0; (n = fread(digits + kept, 1, sizeof digits - kept, f)) > 0;) {
        for (size_t c = 0; c < CARDS; c++)
            if (memmem(digits, kept + n, cards[c], strlen(cards[c])) != NULL)
                fail_msg("%s holds %s", path, cards[c]);
        size_t all = kept + n;
        kept = all < 32 ? all : 32;
        memmove(digits, digits + all - kept, kept);
    }
    (void)fclose(f);
}

/* Even the product's id, since rows are sealed. */
static void no_file_holds_a_card_number(void **state)
{
    size_t files = 0;
    DIR *d = opendir(scratch);
    assert_non_null(d);
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        char path[2 * TESTING_PATH_BYTES];
        if (e->d_name[0] == '.') continue;
        (void)snprintf(path, sizeof path, "%s/%s", scratch, e->d_name);
        look_through(path);
        files++;
    }
    closedir(d);
    assert_true(files >= 3); /* configuration, token, database */
}

/* The world ------------------------------------------------------------------------------------ */

static int load(void)
{
    static struct config_problems problems;
    char file[TESTING_PATH_BYTES + 32], token[TESTING_PATH_BYTES + 32], text[8192];
    (void)snprintf(file, sizeof file, "%s/tillpost.json", scratch);
    (void)snprintf(token, sizeof token, "%s/token", scratch);
    testing_write(token, "abcdef0123456789\n", 0600);
    (void)snprintf(text, sizeof text,
                   "{\"tiktok\": {\"event_set_id\": \"7\", \"access_token_file\": \"%s\"}%s}",
                   token, mappings);
    testing_write(file, text, 0600);
    if (config_load(file, &config, &problems) == 0) return 0;
    print_error("%s\n", problems.list[0].message);
    return -1;
}

static int open_world(void **state)
{
    static const unsigned char key[QUEUE_KEY_BYTES] = {1};
    static const unsigned char boot[QUEUE_BOOT_BYTES] = {2};
    static const struct clock_memory nothing;
    testing_scratch(scratch);
    (void)snprintf(db, sizeof db, "%s/queue.db", scratch);
    unsetenv("CREDENTIALS_DIRECTORY");
    const struct queue_options options = {.path = db, .key = key, .max_size_bytes = 64 << 20};
    if (load() < 0 || queue_open(&options, &queue, NULL) < 0) return -1;
    clock_init(&till_clock, 1790000000, boot, &nothing);
    ingest_init(&ingest, config, queue, &till_clock);
    buf_init(&answer, (size_t)1 << 20);
    return 0;
}

static int close_world(void **state)
{
    ingest_free(&ingest);
    queue_close(queue);
    config_free(config);
    buf_free(&answer);
    return testing_scratch_remove(scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_brand_comes_in_by_any_field),
        cmocka_unit_test(a_card_number_as_a_json_number_is_none_the_less_one),
        cmocka_unit_test(in_a_batch_the_neighbours_are_kept),
        cmocka_unit_test(order_ids_barcodes_and_times_come_in),
        cmocka_unit_test(no_id_of_ten_to_thirteen_digits_is_taken_for_a_card),
        cmocka_unit_test(what_is_not_stored_in_clear_is_not_looked_at),
        cmocka_unit_test(no_file_holds_a_card_number),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
