/*
 * sync.c: the delivery engine: a step function without clock, disk, socket or memory of its own.
 *
 * The batch. Row 0 is the first that is not decided yet. A send starts there (but for the witness,
 * below), and what is decided leaves, so what is left is one range and a split needs no list of
 * parts:
 *
 *   0    sent     suspect                      rows
 *   |--- half ---|--- half ---|--- not yet looked at ---|
 *
 * Split. A refusal that names a row buries that row. One that names none makes the part sent
 * suspect. Of a suspect part the first half is sent: refused, it is the new suspect part; passed,
 * the fault is in the other half, which is halved in turn without being sent whole. What lies
 * behind the suspect part waits and goes out in one send with what the search leaves over.
 *
 * What always holds:
 *  1. Only DONE settles rows, only SPLIT buries one.
 *  2. A row is buried if it was refused alone, if the reply named it, or if it is the only one left
 *     of at least two refused sends. One refusal of many is not enough to condemn the last of them
 *     unheard: it is sent alone. With that, finding one of k faulty rows among n costs at most
 *     ceil(log2 n) sends plus one (the last row alone, or the leftovers: never both), so k of them
 *     cost less than k * (log2 n + 2) requests more than a batch without fault.
 *  3. "Too large" condemns nobody: the halves are sent, and no later send of the batch is larger.
 *  4. Never SYNC_BURIED_IN_A_ROW_MAX rows are dead with no success between. Before the last of them
 *     goes, another row of the batch (the witness, by chance) is sent alone: if it passes, the
 *     account is fine and the rows really are at fault; else all come back and deliveries pause. If
 *     another refusal follows once a probe has lifted that pause, it is back and buries nobody.
 *  5. While the operator has paused, nothing is sent. While a fault pauses, only probes are.
 *  6. Every wait has chance in it (full jitter: anything up to the doubled time, but not less than
 *     the floor), so that ten thousand tills that lost a server together come back apart. Waits
 *     come in pairs, a long one with a short one: each alone may still be any part of its window,
 *     but no till knocks far more often than the others because it drew short waits only.
 */
#include "sync/sync.h"

/* A server that names a time gets up to this part of it more, so that many do not return as one. */
static const double retry_after_spread = 0.1;
/* Refusals that condemn a row which was never sent alone. */
enum { REFUSALS_MIN = 2 };

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t part_of(int64_t ms, double chance)
{
    return (int64_t)((double)ms * chance);
}

/* Waiting -------------------------------------------------------------------------------------- */

/* The second wait of a pair comes from the quarter opposite the first's. Its mirror image (1 - chance)
 * would vary less still, but tills that failed in one second would do so again two waits later. */
static double paired(struct sync *s, double chance)
{
    enum { PARTS = 4 };
    if (s->failures % 2 == 1) return (PARTS - 1 - s->part + chance) / PARTS;
    s->part = (unsigned)(chance * PARTS);
    return chance;
}

static int64_t backoff_ms(struct sync *s, double chance)
{
    const struct sync_settings *set = &s->settings;
    const int64_t floor = least(least(set->retry_first_ms, SYNC_WAIT_MIN_MS), set->retry_most_ms);
    int64_t window = set->retry_first_ms;
    for (unsigned i = 0; i < s->failures && window < set->retry_most_ms; i++) window *= 2;
    window = least(window, set->retry_most_ms);
    return most(part_of(window, paired(s, chance)), floor);
}

static void failed(struct sync *s, int64_t now_ms, const struct sync_reply *reply, double chance)
{
    int64_t wait = backoff_ms(s, chance);
    if (s->fault_pause != SYNC_RUNNING) {
        wait = most(least(wait, SYNC_PROBE_EVERY_MS), SYNC_PROBE_RETRY_MIN_MS);
    }
    if (reply->dns_only) wait = most(wait, SYNC_DNS_WAIT_MS);
    s->server_wait_ms = now_ms;
    if (reply->retry_after_ms >= 0) {
        int64_t named = most(reply->retry_after_ms, SYNC_RETRY_AFTER_MIN_MS);
        named = least(named, SYNC_RETRY_AFTER_MAX_MS);
        s->server_wait_ms = now_ms + named;
        wait = most(wait, named + part_of(named, chance * retry_after_spread));
    }
    s->failures++;
    s->not_before_ms = now_ms + wait;
    if (s->kick_wanted) sync_line_changed(s, now_ms, chance);
}

/* The service answered and meant it: whatever comes next may come at once. */
static void answered(struct sync *s, int64_t now_ms)
{
    s->failures = 0;
    s->not_before_ms = now_ms;
}

static void pause_for(struct sync *s, int64_t now_ms, enum sync_pause why, struct sync_verdict *out)
{
    answered(s, now_ms);
    s->not_before_ms = now_ms + SYNC_PROBE_EVERY_MS;
    out->paused_now = s->fault_pause != why;
    out->batch_over = s->batch.rows > 0;
    s->fault_pause = why;
    s->batch = (struct sync_batch){0};
}

/* The batch ------------------------------------------------------------------------------------ */

/* Rows [from, from + n) leave. */
static void remove_rows(struct sync_batch *b, unsigned from, unsigned n)
{
    b->rows -= n;
    if (from < b->doubted) b->doubted -= (unsigned)least(n, b->doubted - from);
    if (from < b->suspect) b->suspect -= (unsigned)least(n, b->suspect - from);
}

static void end_if_decided(struct sync *s, struct sync_verdict *out)
{
    if (s->batch.rows > 0) return;
    out->batch_over = true;
    s->batch = (struct sync_batch){0};
}

static void bury(struct sync *s, unsigned row)
{
    remove_rows(&s->batch, row, 1);
    s->refused_in_a_row++;
    s->buried_in_a_row++;
}

static void passed(struct sync *s, struct sync_verdict *out)
{
    struct sync_batch *b = &s->batch;
    out->what = SYNC_SETTLE;
    s->refused_in_a_row = 0;
    s->buried_in_a_row = 0;
    b->ask_witness = false;
    remove_rows(b, s->sent_lo, s->sent_hi - s->sent_lo);
    if (b->suspect == 1 && b->refusals >= REFUSALS_MIN) {
        out->bury_hi = true;
        bury(s, 0);
    }
    end_if_decided(s, out);
}

static void give_back(struct sync *s, int64_t now_ms, struct sync_verdict *out)
{
    out->what = SYNC_UNBURY;
    out->unbury = s->buried_in_a_row;
    s->buried_in_a_row = 0;
    s->refused_in_a_row = SYNC_BURIED_IN_A_ROW_MAX - 1;
    pause_for(s, now_ms, SYNC_PAUSED_CONFIGURATION, out);
}

/* Any row of the batch but the one at fault. */
static void call_witness(struct sync_batch *b, unsigned at_fault, double chance)
{
    const unsigned drawn = (unsigned)part_of(b->rows - 1, chance);
    b->ask_witness = true;
    b->witness = drawn < at_fault ? drawn : drawn + 1;
}

static void found(struct sync *s, int64_t now_ms, unsigned row, double chance,
                  struct sync_verdict *out)
{
    s->batch.suspect = 0;
    if (s->refused_in_a_row + 1 < SYNC_BURIED_IN_A_ROW_MAX) {
        out->what = SYNC_BURY;
        out->lo = row;
        out->hi = row + 1;
        bury(s, row);
        end_if_decided(s, out);
    } else if (s->batch.rows > 1) {
        call_witness(&s->batch, row, chance);
    } else {
        give_back(s, now_ms, out);
    }
}

static void refused(struct sync *s, int64_t now_ms, const struct sync_reply *reply, double chance,
                    struct sync_verdict *out)
{
    struct sync_batch *b = &s->batch;
    const unsigned sent = s->sent_hi - s->sent_lo;
    answered(s, now_ms);
    if (b->ask_witness) {
        give_back(s, now_ms, out);
    } else if (sent == 1) {
        found(s, now_ms, s->sent_lo, chance, out);
    } else if (reply->too_large) {
        b->send_max = sent / 2;
    } else if (reply->index >= 0 && reply->index < (long)sent) {
        found(s, now_ms, s->sent_lo + (unsigned)reply->index, chance, out);
    } else {
        b->refusals = b->suspect > 0 ? b->refusals + 1 : 1;
        b->suspect = s->sent_hi;
    }
}

static void doubted(struct sync *s, struct sync_verdict *out)
{
    struct sync_batch *b = &s->batch;
    if (out->hi <= b->doubted) return;
    out->what = SYNC_NOTE_DOUBT;
    out->lo = (unsigned)most(out->lo, b->doubted);
    if (!b->ask_witness) b->doubted = out->hi;
}

/* Replies -------------------------------------------------------------------------------------- */

static void batch_reply(struct sync *s, int64_t now_ms, const struct sync_reply *reply,
                        double chance, struct sync_verdict *out)
{
    out->lo = s->sent_lo;
    out->hi = s->sent_hi;
    switch (reply->class) {
    case SYNC_DONE:
        answered(s, now_ms);
        passed(s, out);
        break;
    case SYNC_DOUBT:
        doubted(s, out);
        failed(s, now_ms, reply, chance);
        break;
    case SYNC_RETRY: failed(s, now_ms, reply, chance); break;
    case SYNC_SPLIT: refused(s, now_ms, reply, chance, out); break;
    case SYNC_PAUSE_CREDENTIALS: pause_for(s, now_ms, SYNC_PAUSED_CREDENTIALS, out); break;
    case SYNC_PAUSE_CONFIGURATION: pause_for(s, now_ms, SYNC_PAUSED_CONFIGURATION, out); break;
    }
}

/* A probe holds no events: a refusal on their account complains of neither token nor event set. */
static void probe_reply(struct sync *s, int64_t now_ms, const struct sync_reply *reply,
                        double chance, struct sync_verdict *out)
{
    switch (reply->class) {
    case SYNC_DONE:
    case SYNC_SPLIT:
        answered(s, now_ms);
        s->fault_pause = SYNC_RUNNING;
        break;
    case SYNC_RETRY:
    case SYNC_DOUBT: failed(s, now_ms, reply, chance); return;
    case SYNC_PAUSE_CREDENTIALS: pause_for(s, now_ms, SYNC_PAUSED_CREDENTIALS, out); break;
    case SYNC_PAUSE_CONFIGURATION: pause_for(s, now_ms, SYNC_PAUSED_CONFIGURATION, out); break;
    }
    s->probe_wanted = false;
}

void sync_reply(struct sync *s, int64_t now_ms, const struct sync_reply *reply, double chance,
                struct sync_verdict *out)
{
    *out = (struct sync_verdict){.what = SYNC_KEEP};
    if (!s->under_way) return;
    s->under_way = false;
    if (s->probing) {
        probe_reply(s, now_ms, reply, chance, out);
    } else {
        batch_reply(s, now_ms, reply, chance, out);
    }
    if (s->abandon_wanted) {
        out->batch_over = out->batch_over || s->batch.rows > 0;
        sync_abandon(s);
    }
    if (s->credentials_new) sync_credentials_changed(s, now_ms);
    s->kick_wanted = false;
}

/* Steps ---------------------------------------------------------------------------------------- */

static void next_part(const struct sync_batch *b, struct sync_next *out)
{
    unsigned n = b->rows;
    if (b->suspect > 0) n = b->suspect > 1 ? b->suspect / 2 : 1;
    if (b->ask_witness) n = 1;
    out->step = SYNC_SEND;
    out->lo = b->ask_witness ? b->witness : 0;
    out->hi = out->lo + (unsigned)least(n, b->send_max);
}

void sync_next(const struct sync *s, int64_t now_ms, int64_t queued, struct sync_next *out)
{
    const bool paused = s->fault_pause != SYNC_RUNNING;
    *out = (struct sync_next){.step = SYNC_WAIT, .at_ms = SYNC_NEVER};
    if (s->under_way || s->operator_pause) return;
    if (!paused && s->batch.rows == 0 && queued <= 0) return;
    out->at_ms = s->not_before_ms;
    if (now_ms < s->not_before_ms) return;
    if (paused || s->probe_wanted) {
        out->step = SYNC_PROBE;
    } else if (s->batch.rows == 0) {
        out->step = SYNC_TAKE;
    } else {
        next_part(&s->batch, out);
    }
}

void sync_begin(struct sync *s, unsigned rows)
{
    s->batch = (struct sync_batch){.rows = rows, .send_max = rows};
}

void sync_sent(struct sync *s, const struct sync_next *step)
{
    s->under_way = true;
    s->probing = step->step == SYNC_PROBE;
    s->sent_lo = step->lo;
    s->sent_hi = step->hi;
}

void sync_abandon(struct sync *s)
{
    s->abandon_wanted = s->under_way;
    if (!s->under_way) s->batch = (struct sync_batch){0};
}

/* From outside --------------------------------------------------------------------------------- */

void sync_init(struct sync *s, const struct sync_settings *settings)
{
    *s = (struct sync){.settings = *settings,
                       .kick_ms = -SYNC_KICK_APART_MS,
                       .restart_ms = -SYNC_RESTART_APART_MS};
}

void sync_set_settings(struct sync *s, const struct sync_settings *settings)
{
    s->settings = *settings;
}

void sync_start(struct sync *s, int64_t now_ms, bool backlog, double chance)
{
    s->not_before_ms = now_ms + (backlog ? part_of(SYNC_START_JITTER_MS, chance) : 0);
}

void sync_operator_pause(struct sync *s, bool paused)
{
    s->operator_pause = paused;
}

void sync_try_now(struct sync *s, int64_t now_ms)
{
    if (!s->operator_pause) s->not_before_ms = now_ms;
}

void sync_line_changed(struct sync *s, int64_t now_ms, double chance)
{
    if (s->under_way) s->kick_wanted = true;
    if (s->failures == 0) return;
    if (s->kick_ms <= now_ms) {
        int64_t soon = now_ms + part_of(SYNC_KICK_JITTER_MS, chance);
        s->kick_ms = most(soon, s->kick_ms + SYNC_KICK_APART_MS);
    }
    /* A line that flaps costs at most ten tries more in that time. */
    if (now_ms - s->restart_ms >= SYNC_RESTART_APART_MS) {
        s->restart_ms = now_ms;
        s->failures = 1;
    }
    s->not_before_ms = least(s->not_before_ms, most(s->kick_ms, s->server_wait_ms));
}

void sync_credentials_changed(struct sync *s, int64_t now_ms)
{
    s->credentials_new = s->under_way;
    if (s->fault_pause != SYNC_RUNNING) s->not_before_ms = now_ms;
}

void sync_want_probe(struct sync *s)
{
    s->probe_wanted = true;
}

void sync_pause_for(struct sync *s, enum sync_pause why)
{
    if (why == SYNC_PAUSED_OPERATOR) {
        s->operator_pause = true;
    } else {
        s->fault_pause = why;
    }
}

enum sync_pause sync_paused(const struct sync *s)
{
    if (s->fault_pause != SYNC_RUNNING) return s->fault_pause;
    return s->operator_pause ? SYNC_PAUSED_OPERATOR : SYNC_RUNNING;
}

bool sync_failing(const struct sync *s)
{
    return s->failures > 0;
}

int64_t sync_next_try_ms(const struct sync *s, int64_t now_ms)
{
    if (s->operator_pause || s->under_way) return -1;
    if (s->not_before_ms > now_ms) return s->not_before_ms - now_ms;
    if (s->batch.rows > 0 || s->fault_pause != SYNC_RUNNING) return 0;
    return -1;
}
