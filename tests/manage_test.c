/*
 * The queue as people look at it and change it. Routes and verbs are in e2e/verbs_test.sh; here is
 * what each change does to rows, doubts and counters.
 */
#include "ingest_world.h"

#include "agent/deliver.h"
#include "agent/manage.h"

#define HOUR_S 3600
static const int64_t now_s = TRUTH_MS / 1000;

static int64_t push(const char *id)
{
    const struct queue_event e = {.event_id = str_from(id),
                                  .event = STR("Purchase"),
                                  .key_event = STR("Purchase"),
                                  .rest = STR("{\"user\":{}}"),
                                  .occurred_ms = TRUTH_MS,
                                  .recorded_s = now_s};
    int64_t seq = 0;
    assert_int_equal(queue_push(queue, &e, &seq, NULL), 0);
    return seq;
}

static void bury(int64_t seq, const char *reason)
{
    assert_int_equal(queue_bury(queue, seq, reason, "words", now_s, NULL), 0);
}

static void change(enum manage_change what, const char *body, const char *want)
{
    struct fault why = {0};
    buf_clear(&answer);
    if (manage_change(queue, what, str_from(body), now_s, &answer, &why) < 0)
        fail_msg("%s", why.message);
    assert_string_equal(answer.p, want);
    assert_true(queue_commit(queue, &why) >= 0);
}

static bool is_doubtful(int64_t seq)
{
    struct queue_range found;
    return queue_doubt_find(queue, seq, &found) == 1;
}

static void who_sends_one_of_unknown_outcome_again_is_told_and_not_asked_twice(void **state)
{
    (void)state;
    const char *unknown = deliver_dead[DELIVER_DEAD_UNKNOWN_OUTCOME].reason;
    int64_t seqs[4];
    const char *const ids[] = {"unclear-1", "unclear-2", "refused", "unclear-3"};
    for (int i = 0; i < 4; i++) seqs[i] = push(ids[i]);
    const struct queue_range doubt = {seqs[0], seqs[3], now_s - 41 * HOUR_S};
    assert_int_equal(queue_doubt_add(queue, &doubt, NULL), 0);
    for (int i = 0; i < 4; i++) bury(seqs[i], i == 2 ? "tiktok_40002" : unknown);
    change(MANAGE_RETRY, "{\"ids\":[\"unclear-1\",\"refused\"]}",
           "{\"success\":true,\"changed\":2,\"left\":0,\"may_repeat\":1,\"not_found\":[]}");
    assert_false(is_doubtful(seqs[0]));
    assert_true(is_doubtful(seqs[2])); /* an earlier try had no clear answer, whatever came then */
    change(MANAGE_RETRY, "{\"state\":\"dead\"}",
           "{\"success\":true,\"changed\":2,\"left\":0,\"may_repeat\":2,\"not_found\":[]}");
    assert_false(is_doubtful(seqs[1]));
    assert_false(is_doubtful(seqs[3]));
    assert_true(is_doubtful(seqs[2]));
    assert_int_equal(queue_value(queue, QUEUE_VALUE_RETRIED_TOTAL), 4);
}

static void what_is_dropped_is_counted_and_no_doubt_is_left(void **state)
{
    (void)state;
    const int64_t dead = push("dead"), queued = push("queued");
    const struct queue_range doubt = {dead, queued, now_s};
    assert_int_equal(queue_doubt_add(queue, &doubt, NULL), 0);
    bury(dead, "tiktok_40002");
    change(
        MANAGE_DROP, "{\"ids\":[\"queued\",\"never\"]}",
        "{\"success\":true,\"changed\":1,\"left\":0,\"may_repeat\":0,\"not_found\":[\"never\"]}");
    assert_int_equal(queue_doubt_count(queue), 1);
    change(MANAGE_DROP, "{\"state\":\"dead\"}",
           "{\"success\":true,\"changed\":1,\"left\":0,\"may_repeat\":0,\"not_found\":[]}");
    assert_int_equal(queue_doubt_count(queue), 0);
    assert_int_equal(queue_value(queue, QUEUE_VALUE_DROPPED_TOTAL), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            who_sends_one_of_unknown_outcome_again_is_told_and_not_asked_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_dropped_is_counted_and_no_doubt_is_left, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
