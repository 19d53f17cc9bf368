/* The queue as pages of rows, and the settle that takes exactly these out of it, or nothing. */
#include "testing.h"

#include "agent/export.h"
#include "base/json.h"

#define TRUTH_MS 1795000000000LL
#define EMAIL    "836f82db99121b3481011f16b49dfa5fbc714a0d1b1b9f784a1ebbbf5b39577f"
static char scratch[TESTING_PATH_BYTES], db[TESTING_PATH_BYTES + 32];
static struct queue *queue;
static struct clock till_clock;
static struct clock_now now;
static struct export_view view;
static struct buf answer;
static struct fault why;
static unsigned made;

static void reopen(void)
{
    static const unsigned char key[QUEUE_KEY_BYTES] = {1};
    const struct queue_options options = {.path = db, .key = key, .max_size_bytes = 64 << 20};
    queue_close(queue);
    if (queue_open(&options, &queue, &why) < 0) fail_msg("%s", why.message);
    view = (struct export_view){.queue = queue, .clock = &till_clock, .now = &now};
}

static int setup(void **state)
{
    (void)state;
    static const unsigned char boot[QUEUE_BOOT_BYTES] = {2};
    static const struct clock_memory nothing;
    testing_scratch(scratch);
    (void)snprintf(db, sizeof db, "%s/queue.db", scratch);
    now = (struct clock_now){TRUTH_MS, 1000, 1000};
    clock_init(&till_clock, 1790000000, boot, &nothing);
    buf_init(&answer, (size_t)8 << 20);
    reopen();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    queue_close(queue);
    queue = NULL;
    buf_free(&answer);
    return testing_scratch_remove(scratch);
}

static int64_t push_as(struct queue_event e)
{
    char id[32];
    int64_t seq = 0;
    (void)snprintf(id, sizeof id, "id-%u", ++made);
    e.event_id = str_from(id);
    e.event = e.key_event = STR("Purchase");
    e.recorded_s = TRUTH_MS / 1000;
    if (!e.occurred_ms) e.occurred_ms = TRUTH_MS - 1000;
    if (!e.rest.len) e.rest = STR("{\"user\":{\"email\":[\"" EMAIL "\"]}}");
    e.boot_id = (const unsigned char *)"0123456789abcdef";
    assert_int_equal(queue_push(queue, &e, &seq, NULL), 0);
    return seq;
}

static void push(unsigned n)
{
    while (n--) (void)push_as((struct queue_event){0});
    assert_true(queue_commit(queue, NULL) >= 0);
}

static int64_t queued(void)
{
    struct queue_counts c;
    queue_counts(queue, &c);
    return c.queued;
}

static const char *page(int64_t after)
{
    buf_clear(&answer);
    assert_int_equal(export_page(&view, after, &answer, &why), 0);
    return answer.p;
}

static unsigned occurrences(const char *text, const char *of)
{
    unsigned n = 0;
    while ((text = strstr(text, of)) != NULL) {
        n++;
        text++;
    }
    return n;
}

static int settle(const char *body)
{
    buf_clear(&answer);
    int rc = export_settle(&view, str_from(body), &answer, &why);
    if (rc >= 0) assert_true(queue_commit(queue, NULL) >= 0);
    return rc;
}

static void pages_show_every_row_once(void **state)
{
    (void)state;
    push(EXPORT_PAGE_ROWS + 3);
    const char *text = page(0);
    assert_int_equal(occurrences(text, "\"seq\":"), EXPORT_PAGE_ROWS);
    assert_non_null(strstr(text, "{\"header\":\"event_type,email,"));
    assert_non_null(strstr(text, "\"row\":\"Purchase," EMAIL ",,2026-11-18T11:06:39Z,,,in-store,"));
    assert_non_null(strstr(text, "],\"next\":200,\"stay\""));
    assert_int_equal(occurrences(page(200), "\"seq\":"), 3);
    assert_non_null(strstr(answer.p, "\"next\":null"));
    assert_int_equal(occurrences(page(203), "\"seq\":"), 0);
    assert_int_equal(queued(), EXPORT_PAGE_ROWS + 3);
}

static void a_page_ends_when_it_is_long_enough(void **state)
{
    (void)state;
    char rest[20 * 1024];
    int n = snprintf(rest, sizeof rest,
                     "{\"user\":{\"email\":[\"" EMAIL "\"]},\"properties\":"
                     "{\"order_id\":\"%016000d\"}}",
                     7);
    for (int i = 0; i < 40; i++) (void)push_as((struct queue_event){.rest = {rest, (size_t)n}});
    unsigned seen = 0;
    for (int64_t after = 0; seen < 40;) {
        const char *next = strstr(page(after), "\"next\":");
        assert_true(answer.len < EXPORT_PAGE_MAX_BYTES + 20 * 1024);
        seen += occurrences(answer.p, "\"seq\":");
        after = strtoll(next + 7, NULL, 10);
        assert_int_equal(after, seen == 40 ? 0 : seen);
    }
}

static void what_may_have_been_sent_and_what_has_no_form_stays(void **state)
{
    (void)state;
    push(6);
    (void)push_as((struct queue_event){.test_code = STR("TEST1")});
    (void)push_as((struct queue_event){.rest = STR("{\"user\":{\"external_id\":[\"x\"]}}")});
    (void)push_as((struct queue_event){.stamped = true, .unjudged = true, .occurred_ms = 1000});
    (void)push_as((struct queue_event){.unjudged = true, .occurred_ms = 1000});
    (void)push_as((struct queue_event){.unjudged = true});
    const struct queue_range doubt = {4, 5, 1};
    assert_int_equal(queue_doubt_add(queue, &doubt, NULL), 0);
    view.busy = (struct queue_range){1, 2, 0};
    const char *text = page(0);
    assert_int_equal(occurrences(text, "\"seq\":"), 3);
    assert_non_null(strstr(text, "{\"seq\":3,"));
    assert_non_null(strstr(text, "{\"seq\":6,"));
    assert_non_null(strstr(text, "{\"seq\":11,"));
    assert_non_null(strstr(text, "\"stay\":{\"in_flight\":2,\"in_doubt\":2,\"no_form\":4}}"));
}

static void once_the_time_is_known_stamped_rows_have_a_form(void **state)
{
    (void)state;
    (void)push_as((struct queue_event){.stamped = true, .unjudged = true, .occurred_ms = 1000});
    assert_int_equal(occurrences(page(0), "\"seq\":"), 0);
    (void)clock_learn(&till_clock, &now, TRUTH_MS);
    assert_int_equal(occurrences(page(0), "\"seq\":"), 1);
}

/* clang-format off */
static const struct { const char *body; int rc; int64_t left; } settles[] = {
    {"{\"export\":1,\"rows\":[[1,10]]}",                         0, 0},
    {"{\"export\":1,\"rows\":[1,2,[3,4],[5,5],10]}",             0, 4},
    {"{\"rows\":[ 7 , [ 8 , 9 ] ],\"x\":{},\"export\":2}",       0, 7},
    {"{\"export\":1,\"rows\":[]}",                               0, 10},
    {"{\"export\":1,\"rows\":[[1,11]]}",                         TILLPOST_E_BUSY, 10},
    {"{\"export\":1,\"rows\":[1,2,99]}",                         TILLPOST_E_BUSY, 10},
    {"{\"export\":1,\"rows\":[[1,9007199254740992]]}",           TILLPOST_E_BUSY, 10},
    {"{\"export\":1,\"rows\":[2,1]}",                            TILLPOST_E_BAD_REQUEST, 10},
    {"{\"export\":1,\"rows\":[1,1]}",                            TILLPOST_E_BAD_REQUEST, 10},
    {"{\"export\":1,\"rows\":[[1,5],[5,6]]}",                    TILLPOST_E_BAD_REQUEST, 10},
    {"{\"export\":1,\"rows\":[[5,1]]}",                          TILLPOST_E_BAD_REQUEST, 10},
    {"{\"export\":1,\"rows\":[[1,2,3]]}",                        TILLPOST_E_BAD_REQUEST, 10},
    {"{\"export\":1,\"rows\":[[1]]}",                            TILLPOST_E_BAD_REQUEST, 10},
    {"{\"export\":1,\"rows\":[[]]}",                             TILLPOST_E_BAD_REQUEST, 10},
    {"{\"export\":1,\"rows\":[0]}",                              TILLPOST_E_BAD_REQUEST, 10},
    {"{\"export\":1,\"rows\":[-1]}",                             TILLPOST_E_BAD_REQUEST, 10},
    {"{\"export\":1,\"rows\":[\"1\"]}",                          TILLPOST_E_BAD_REQUEST, 10},
    {"{\"export\":1,\"rows\":[1.5]}",                            TILLPOST_E_BAD_REQUEST, 10},
    {"{\"export\":1,\"rows\":{}}",                               TILLPOST_E_BAD_REQUEST, 10},
    {"{\"export\":1}",                                           TILLPOST_E_BAD_REQUEST, 10},
    {"{\"rows\":[1]}",                                           TILLPOST_E_BAD_REQUEST, 10},
    {"{\"export\":0,\"rows\":[1]}",                              TILLPOST_E_BAD_REQUEST, 10},
    {"{\"export\":99999999999999999,\"rows\":[1]}",              TILLPOST_E_BAD_REQUEST, 10},
    {"[1]",                                                      TILLPOST_E_BAD_REQUEST, 10},
    {"{\"export\":1,\"rows\":[1}",                               TILLPOST_E_BAD_JSON, 10},
    {"",                                                         TILLPOST_E_BAD_JSON, 10},
};
/* clang-format on */

static void a_settle_takes_all_that_it_names_or_nothing(void **state)
{
    for (size_t i = 0; i < sizeof settles / sizeof settles[0]; i++) {
        push(10);
        int rc = settle(settles[i].body);
        queue_rollback(queue);
        if (rc != settles[i].rc || queued() != settles[i].left)
            fail_msg("%s: %d, %d left", settles[i].body, rc, (int)queued());
        (void)teardown(state);
        (void)setup(state);
    }
}

static void rows_under_way_or_in_doubt_are_not_settled(void **state)
{
    (void)state;
    push(10);
    view.busy = (struct queue_range){3, 4, 0};
    assert_int_equal(settle("{\"export\":1,\"rows\":[[1,3]]}"), TILLPOST_E_BUSY);
    assert_int_equal(settle("{\"export\":1,\"rows\":[[4,10]]}"), TILLPOST_E_BUSY);
    view.busy = (struct queue_range){0};
    const struct queue_range doubt = {5, 5, 1};
    assert_int_equal(queue_doubt_add(queue, &doubt, NULL), 0);
    assert_int_equal(settle("{\"export\":1,\"rows\":[[4,6]]}"), TILLPOST_E_BUSY);
    assert_int_equal(queued(), 10);
    assert_int_equal(settle("{\"export\":1,\"rows\":[[1,4],[6,10]]}"), 0);
    assert_string_equal(answer.p, "{\"success\":true,\"settled\":9}");
    assert_int_equal(queued(), 1);
}

static void a_row_that_was_settled_meanwhile_refuses_the_whole(void **state)
{
    (void)state;
    const int64_t sent[] = {5};
    push(10);
    assert_int_equal(queue_settle(queue, sent, 1, 1, NULL), 0);
    assert_int_equal(settle("{\"export\":1,\"rows\":[[1,10]]}"), TILLPOST_E_BUSY);
    assert_int_equal(queued(), 9);
}

static void the_same_export_is_settled_once_and_says_so_after_a_restart(void **state)
{
    (void)state;
    push(10);
    assert_int_equal(settle("{\"export\":77,\"rows\":[[1,4]]}"), 0);
    reopen();
    assert_int_equal(settle("{\"export\":77,\"rows\":[[1,4]]}"), 0);
    assert_string_equal(answer.p, "{\"success\":true,\"settled\":0}");
    assert_int_equal(settle("{\"export\":78,\"rows\":[[1,4]]}"), TILLPOST_E_BUSY);
    assert_int_equal(queued(), 6);
    assert_int_equal(queue_value(queue, QUEUE_VALUE_EXPORTED_TOTAL), 4);
}

static void what_was_settled_is_sent_and_its_id_stays_known(void **state)
{
    (void)state;
    push(1);
    struct queue_event again = {.event_id = {0}, .event = STR("Purchase")};
    char id[32];
    int64_t seq = 0;
    (void)snprintf(id, sizeof id, "id-%u", made);
    assert_int_equal(settle("{\"export\":1,\"rows\":[1]}"), 0);
    again.event_id = str_from(id);
    again.key_event = again.event;
    again.rest = STR("{}");
    assert_int_equal(queue_push(queue, &again, &seq, NULL), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pages_show_every_row_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_page_ends_when_it_is_long_enough, setup, teardown),
        cmocka_unit_test_setup_teardown(what_may_have_been_sent_and_what_has_no_form_stays, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(once_the_time_is_known_stamped_rows_have_a_form, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_settle_takes_all_that_it_names_or_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(rows_under_way_or_in_doubt_are_not_settled, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_row_that_was_settled_meanwhile_refuses_the_whole, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_same_export_is_settled_once_and_says_so_after_a_restart,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_settled_is_sent_and_its_id_stays_known, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
