/*
 * loop.c: the order of things.
 *
 * What always holds: (1) an answer that promises leaves after the commit that keeps it; (2) a body
 * goes out after the commit that holds its mark; (3) one commit a turn serves everybody who waits.
 */
#include "agent/loop.h"

#include "agent/open.h"
#include "base/log.h"
#include "platform/platform.h"
#include "queue/aside.h"

#include <signal.h>
#include <string.h>

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* How long nothing can happen. */
static int64_t sleep_ms(struct agent *a)
{
    int64_t most = AGENT_SLEEP_MAX_MS;
    int64_t api = api_timeout_ms(a->api);
    if (queue_dirty(a->queue) || a->answer_count || a->eraser.count) return 0;
    if (api >= 0) most = least(most, api);
    most = least(most, deliver_timeout_ms(&a->deliver, &a->now));
    most = least(most, folder_timeout_ms(a->folder, &a->now));
    most = least(most, a->tidy_at_ms - a->now.mono_ms);
    if (a->watchdog_ms) most = least(most, a->watchdog_at_ms - a->now.mono_ms);
    return most > 0 ? most : 0;
}

static void sleep_until_something(struct agent *a)
{
    const int own[] = {a->signals, a->netwatch, folder_fd(a->folder)};
    struct uplink_fd fds[UPLINK_FDS_MAX] = {{0}};
    int api_fd[UPLINK_FDS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (own[i] >= 0) fds[n++].fd = own[i];
    size_t more = api_fds(a->api, api_fd, UPLINK_FDS_MAX - n);
    for (size_t i = 0; i < more; i++) fds[n++].fd = api_fd[i];
    (void)uplink_sleep(a->deliver.uplink, fds, n, sleep_ms(a));
}

static void take_signals(struct agent *a)
{
    int s;
    while ((s = platform_signals_read(a->signals)) > 0) {
        if (s == SIGHUP) agent_reload(a);
        else a->stop = true;
    }
    if (a->netwatch >= 0 && platform_netwatch_read(a->netwatch))
        deliver_line_changed(&a->deliver, &a->now);
}

static void refuse_promise(struct answer *answer, const struct fault *why)
{
    if (!answer->promises || answer->status >= 500) return;
    buf_clear(&answer->body);
    api_refusal(&answer->body, why);
    answer->status = tillpost_err_info(why->err)->http;
}

/* A change failed and took the open transaction with it: what was promised in it is not kept. */
static void lose_transaction(struct agent *a, size_t answers)
{
    struct fault why = {0};
    (void)fault_set(&why, TILLPOST_E_STORAGE, "",
                    "the queue could not be written; send the event again");
    for (size_t i = 0; i < answers; i++) refuse_promise(&a->answers[i], &why);
    deliver_commit_failed(&a->deliver);
}

static void take_requests(struct agent *a)
{
    a->ingest.pushed_bytes = 0;
    agent_watch_tokens(a);
    api_turn(a->api, a->now.mono_ms);
    while (a->answer_count < AGENT_ANSWERS_MAX && a->ingest.pushed_bytes < AGENT_COMMIT_MAX_BYTES) {
        if (a->answer_count > 0 && queue_is_long(a->queue)) break;
        struct answer *answer = &a->answers[a->answer_count];
        if (api_next(a->api, &answer->request) != 1) break;
        answer->promises = answer->later = false;
        answer->content_type = NULL;
        answer->nonce[0] = 0;
        buf_clear(&answer->body);
        bool dirty = queue_dirty(a->queue);
        agent_handle(a, answer);
        if (dirty && !queue_dirty(a->queue)) lose_transaction(a, a->answer_count);
        if (!answer->later) a->answer_count++;
    }
    wipe_stack();
}

/* After the callers, whose answers wait for the same commit. */
static void take_files(struct agent *a)
{
    bool dirty = queue_dirty(a->queue);
    if (a->ingest.pushed_bytes >= AGENT_COMMIT_MAX_BYTES) return;
    folder_turn(a->folder, &a->ingest, &a->now);
    if (a->folder) wipe_stack();
    if (dirty && !queue_dirty(a->queue)) lose_transaction(a, a->answer_count);
}

static void observe_commit(struct agent *a, double seconds)
{
    struct agent_metrics *m = &a->metrics;
    size_t i = 0;
    while (i < AGENT_COMMIT_BUCKETS && seconds > agent_commit_bounds[i]) i++;
    m->commits[i]++;
    m->commit_seconds += seconds;
}

/* The third fsync that fails in a minute: the service manager gets to try a fresh start. To any other
 * fault, a disk that is read-only say, a start would bring nothing: it is answered until it ends. */
static void note_sync_failures(struct agent *a)
{
    int64_t *at = a->syncs_failed_ms;
    for (; a->syncs_failed != queue_sync_failures(a->queue); a->syncs_failed++) {
        memmove(at, at + 1, (AGENT_SYNCS_FAILED_MAX - 1) * sizeof at[0]);
        at[AGENT_SYNCS_FAILED_MAX - 1] = a->now.mono_ms;
        if (at[0] && a->now.mono_ms - at[0] < 60 * 1000) a->exit_status = 74;
    }
}

/* A disk that stays full is one line of the log, not one a sale. */
static void note_storage_fault(struct agent *a, enum agent_storage_op op, const struct fault *why)
{
    bool same = a->storage_failed && strcmp(a->storage_why.message, why->message) == 0;
    a->storage_failed = true;
    a->storage_why = *why;
    a->metrics.storage_faults[op]++;
    log_line(same ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR, "the queue cannot be written: %s",
             why->message);
}

/* 0 good, < 0: nothing of this turn is kept. */
static int commit(struct agent *a, int rc, struct fault *why)
{
    int64_t began_us = platform_mono_us();
    bool dirty = queue_dirty(a->queue);
    if (rc >= 0) rc = queue_commit(a->queue, why);
    else queue_rollback(a->queue);
    if (rc < 0) {
        note_storage_fault(a, AGENT_STORAGE_COMMIT, why);
        for (size_t i = 0; i < a->answer_count; i++) refuse_promise(&a->answers[i], why);
        deliver_commit_failed(&a->deliver);
        return rc;
    }
    if (!dirty) return 0;
    observe_commit(a, (double)(platform_mono_us() - began_us) / 1e6);
    if (a->storage_failed) log_line(LOG_LEVEL_INFO, "the queue can be written again");
    a->storage_failed = false;
    return 0;
}

static void answer_one(struct agent *a, const struct answer *answer)
{
    char policy[PAGE_POLICY_BYTES];
    int later = answer->status == 503 || answer->status == 507 ? AGENT_RETRY_AFTER_S : 0;
    if (answer->status == 200 && answer->nonce[0]) {
        page_policy(answer->nonce, policy);
        api_answer_page(a->api, &answer->request, buf_str(&answer->body), policy);
    } else {
        api_answer(a->api, &answer->request, answer->status, buf_str(&answer->body),
                   answer->content_type, later);
    }
}

static void answer_all(struct agent *a)
{
    for (size_t i = 0; i < a->answer_count; i++) {
        struct answer *answer = &a->answers[i];
        answer_one(a, answer);
        if (answer->body.cap > AGENT_ANSWER_KEEP_BYTES) buf_free(&answer->body);
    }
    a->answer_count = 0;
}

/* What was damaged, and how much of it could be saved, is said once. */
static void tell_damage(struct agent *a)
{
    struct queue_damage d;
    queue_damage(a->queue, &d);
    if (d.times != a->damage_told && !a->damage_telling)
        log_line(LOG_LEVEL_ERROR,
                 "%s was damaged: it is set aside, and what can be read of it is "
                 "saved; look for disk errors in the system's log",
                 a->config->queue.path);
    a->damage_telling = d.times != a->damage_told;
    if (!a->damage_telling || d.salvaging) return;
    log_line(LOG_LEVEL_WARNING, "%lld events of the damaged queue were saved, %lld were broken",
             (long long)d.saved, (long long)d.broken);
    a->damage_told = d.times;
    a->damage_telling = false;
}

static void tidy(struct agent *a)
{
    struct fault why = {0};
    if (queue_salvaging(a->queue))
        a->tidy_at_ms = least(a->tidy_at_ms, a->now.mono_ms + AGENT_TIDY_SLICE_MS);
    if (a->now.mono_ms < a->tidy_at_ms || queue_dirty(a->queue)) return;
    int64_t now_s = clock_truth_ms(&a->clock, &a->now) / 1000;
    const struct queue_ages ages = {now_s - a->config->queue.keep_sent_ms / 1000,
                                    now_s - AGENT_DEAD_KEEP_S};
    struct queue_counts before, after;
    queue_counts(a->queue, &before);
    int rc = queue_tidy(a->queue, a->clock.trusted ? &ages : NULL, &why);
    queue_counts(a->queue, &after);
    if (after.dead < before.dead)
        log_line(LOG_LEVEL_WARNING, "%lld dead events were dropped: nobody looked for 90 days",
                 (long long)(before.dead - after.dead));
    if (rc < 0) note_storage_fault(a, AGENT_STORAGE_TIDY, &why);
    tell_damage(a);
    a->tidy_at_ms = a->now.mono_ms + (rc == 1 ? AGENT_TIDY_SLICE_MS : AGENT_TIDY_EVERY_MS);
}

static void erase(struct agent *a)
{
    struct fault why = {0};
    if (queue_dirty(a->queue)) return;
    int rc =
        erase_turn(&a->eraser, a->queue, a->api, clock_truth_ms(&a->clock, &a->now) / 1000, &why);
    if (rc < 0) note_storage_fault(a, AGENT_STORAGE_TIDY, &why);
    if (rc > 0) deliver_rows_changed(&a->deliver);
}

/* To the service manager, which restarts an agent whose loop stands still. */
static void show_life(struct agent *a)
{
    if (!a->watchdog_ms || a->now.mono_ms < a->watchdog_at_ms) return;
    platform_notify("WATCHDOG=1");
    a->watchdog_at_ms = a->now.mono_ms + a->watchdog_ms;
}

void agent_loop(struct agent *a)
{
    a->watchdog_ms = platform_watchdog_ms() / AGENT_WATCHDOG_SIGNS;
    a->now = open_read_clocks();
    while (!a->stop && !a->exit_status) {
        struct fault why = {0};
        sleep_until_something(a);
        a->now = open_read_clocks();
        take_signals(a);
        int rc = deliver_settle(&a->deliver, &a->now, &why);
        take_requests(a); /* also when the settle failed: each is answered, if with a refusal */
        if (rc >= 0) take_files(a);
        if (rc >= 0) rc = deliver_plan(&a->deliver, &a->now, &why);
        rc = commit(a, rc, &why);
        answer_all(a);
        if (rc >= 0) deliver_send(&a->deliver, &a->now);
        folder_kept(a->folder, &a->now, rc >= 0);
        erase(a);
        tidy(a);
        note_sync_failures(a);
        show_life(a);
    }
}
