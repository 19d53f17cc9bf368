/*
 * replay.c: the disk of a traced agent, as a power cut after each of its operations may leave it.
 *
 *   replay TRACE IMAGE KEY_FILE STATES
 *                               exit 0: at least STATES disks were opened and nothing was wrong
 *
 * TRACE is what strace saw of an agent at work (trace.h); IMAGE is the queue that it found, of an
 * older schema, whose events count as acknowledged. For each operation on the queue's files
 * there are disks with nothing, all, and several random mixes of what was not synced (memory_vfs.h:
 * sectors of 512 bytes written, dropped, garbage). On each the real queue code opens, SQLite's
 * integrity_check runs, and what is found is held against what was known outside at that moment:
 *
 *   1. what a register was told is kept: queued, sent, dead or dropped
 *   2. sent only after TikTok's yes, dead only after its refusal, dropped only when somebody asked
 *      for that or for an erasure
 *   3. what TikTok said yes to is not queued any more, but for the batch in flight
 *   4. what was under way is marked or in doubt
 *   5. a person's events are erased all or not at all, and after the answer no file holds their
 *      ciphertext
 *   6. a refused call left nothing, and each row opens with its seal
 *
 * TILLPOST_SEED=N draws other mixes.
 */
#include "trace.h"

#include "agent/secrets.h"
#include "queue/queue.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH "queue.db"
enum {
    SAID_MAX = 12,   /* findings printed */
    SEALED_MAX = 64, /* rows of the erased person */
    MIXES_LEAST = 1,
    UNSEAL_EVERY = 16, /* of the rows, another share each time */
    MAX_SIZE_BYTES = 256 << 20,
    EXIT_WRONG_USE = 64
};

enum finding {
    FOUND_UNOPENED,
    FOUND_UNSOUND,
    FOUND_LOST,
    FOUND_EARLY,
    FOUND_FORGOTTEN,
    FOUND_UNMARKED,
    FOUND_HALF_ERASED,
    FOUND_NOT_ERASED,
    FOUND_STRANGE,
    FINDINGS
};
static const char *const findings[FINDINGS] = {
    [FOUND_UNOPENED] = "the queue does not open",
    [FOUND_UNSOUND] = "integrity_check is not content",
    [FOUND_LOST] = "was acknowledged and is lost",
    [FOUND_EARLY] = "has ended before anybody said so",
    [FOUND_FORGOTTEN] = "was delivered and is queued again",
    [FOUND_UNMARKED] = "was under way and is neither marked nor in doubt",
    [FOUND_HALF_ERASED] = "is left of an erased person's events",
    [FOUND_NOT_ERASED] = "was erased and is still in a file",
    [FOUND_STRANGE] = "should not be there, or does not open with its seal",
};

/* What is known outside of an event. */
struct known {
    bool acknowledged, yes, refused, uncertain, drop_asked, dropped;
    int yes_flight;
};
/* What a disk says of it. */
struct seen {
    long disk; /* of which */
    enum queue_state state;
    bool covered; /* by the mark or a doubt */
    int rows;
};
struct sealed {
    char bytes[16]; /* nonce and more: enough to know it again */
};
struct replaying {
    struct trace trace;
    unsigned char key[QUEUE_KEY_BYTES];
    struct replay disk;
    struct known *known;
    struct seen *seen;
    size_t next_fact;
    int last_flight;
    bool erase_asked, erased;
    long old_count; /* events of the image */
    struct sealed sealed[SEALED_MAX];
    size_t sealed_count;
    struct queue *queue;
    long disks, counts[FINDINGS], said;
    const char *cut;
};

static void found(struct replaying *r, enum finding what, const char *id)
{
    r->counts[what]++;
    if (r->said++ >= SAID_MAX) return;
    printf("  cut after operation %zu of %zu (%s of what was not synced): %s%s%s\n", r->disk.at,
           r->trace.log.op_count, r->cut, id, *id ? " " : "", findings[what]);
}

/* Facts --------------------------------------------------------------------------------------- */

static bool is_of(const char *id, const char *whose)
{
    return strncmp(id, whose, strlen(whose)) == 0;
}

static void learn_reply(struct known *k, const struct fact *f)
{
    bool yes = f->code == 0 || f->code == 20001 || f->code == 40050;
    k->uncertain = false;
    k->yes |= yes;
    k->refused |= !yes;
    if (yes) k->yes_flight = f->flight;
}

static void learn(struct replaying *r, const struct fact *f)
{
    struct known none = {0}, *k = f->id >= 0 ? &r->known[f->id] : &none;
    switch (f->kind) {
    case FACT_ACKNOWLEDGED: k->acknowledged = true; break;
    case FACT_SENT:
        k->uncertain = true;
        r->last_flight = f->flight;
        break;
    case FACT_REPLIED: learn_reply(k, f); break;
    case FACT_DROP_ASKED: k->drop_asked = true; break;
    case FACT_DROPPED: k->dropped = true; break;
    case FACT_ERASE_ASKED: r->erase_asked = true; break;
    case FACT_ERASED: r->erased = true; break;
    }
}

/* One disk ------------------------------------------------------------------------------------ */

static int see_row(void *ctx, const struct queue_row *row)
{
    struct replaying *r = ctx;
    struct queue_range mark = {0}, doubt;
    int id = trace_find(&r->trace, row->event_id.p, row->event_id.len);
    if (id < 0) {
        found(r, FOUND_STRANGE, "an event that nobody handed in");
        return 0;
    }
    struct seen *s = &r->seen[id];
    if (s->disk != r->disks) *s = (struct seen){.disk = r->disks};
    s->rows++;
    s->state = row->state;
    s->covered =
        (queue_marked(r->queue, &mark) && mark.first <= row->seq && row->seq <= mark.last) ||
        queue_doubt_find(r->queue, row->seq, &doubt);
    if (row->state != QUEUE_QUEUED || (row->seq + r->disks) % UNSEAL_EVERY != 0) return 0;
    struct buf rest;
    buf_init(&rest, QUEUE_ROW_MAX_BYTES);
    if (queue_unseal(r->queue, row->seq, &rest, NULL) < 0)
        found(r, FOUND_STRANGE, r->trace.ids[id]);
    buf_free(&rest);
    return 0;
}

static bool is_of_erased(const struct replaying *r, int i)
{
    return r->erase_asked && is_of(r->trace.ids[i], "gone-");
}

/* Of what was erased the id stays, as that of a dropped one. */
static bool has_content(const struct replaying *r, int i)
{
    const struct seen *s = &r->seen[i];
    return s->disk == r->disks && (s->state == QUEUE_QUEUED || s->state == QUEUE_DEAD);
}

static bool is_allowed(const struct replaying *r, int i)
{
    const struct known *k = &r->known[i];
    switch (r->seen[i].state) {
    case QUEUE_SENT: return k->yes;
    case QUEUE_DEAD: return k->refused;
    case QUEUE_DROPPED: return k->drop_asked || is_of_erased(r, i);
    case QUEUE_QUEUED: break;
    }
    return true;
}

static void judge_queued(struct replaying *r, const char *id, const struct known *k,
                         const struct seen *s)
{
    if (k->dropped || (k->yes && k->yes_flight != r->last_flight)) found(r, FOUND_FORGOTTEN, id);
    if (k->uncertain && !s->covered) found(r, FOUND_UNMARKED, id);
}

static void judge(struct replaying *r, int i)
{
    const struct known *k = &r->known[i];
    const struct seen *s = &r->seen[i];
    const char *id = r->trace.ids[i];
    if (s->disk != r->disks) {
        if (k->acknowledged) found(r, FOUND_LOST, id);
        return;
    }
    if (s->rows != 1 || is_of(id, "bad-")) found(r, FOUND_STRANGE, id);
    if (r->erased && is_of_erased(r, i) && has_content(r, i)) found(r, FOUND_NOT_ERASED, id);
    if (!is_allowed(r, i)) found(r, FOUND_EARLY, id);
    if (s->state == QUEUE_QUEUED) judge_queued(r, id, k, s);
}

/* All of the person's events are there, or none; but what had been delivered before. */
static void judge_erased(struct replaying *r)
{
    int there = 0, acknowledged = 0, one = -1;
    for (int i = 0; i < r->trace.id_count; i++) {
        if (!is_of_erased(r, i) || !r->known[i].acknowledged || r->known[i].yes) continue;
        acknowledged++;
        if (!has_content(r, i)) continue;
        there++;
        one = i;
    }
    if (there != 0 && there != acknowledged) found(r, FOUND_HALF_ERASED, r->trace.ids[one]);
}

static void judge_queue(struct replaying *r)
{
    static const enum queue_state states[] = {QUEUE_QUEUED, QUEUE_DEAD, QUEUE_SENT, QUEUE_DROPPED};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (queue_list(r->queue, states[i], 0, UINT32_MAX >> 1, see_row, r, NULL) < 0)
            found(r, FOUND_UNSOUND, "");
    for (int i = 0; i < r->trace.id_count; i++) judge(r, i);
    if (r->erase_asked) judge_erased(r);
}

static sqlite3 *open_plain(void)
{
    sqlite3 *db = NULL;
    (void)sqlite3_open_v2(PATH, &db, SQLITE_OPEN_READWRITE, MEMORY_VFS);
    (void)sqlite3_exec(db, "PRAGMA locking_mode=EXCLUSIVE", NULL, NULL, NULL);
    return db;
}

static bool is_sound(void)
{
    sqlite3 *db = open_plain();
    sqlite3_stmt *s = NULL;
    bool sound = sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &s, NULL) == SQLITE_OK &&
                 sqlite3_step(s) == SQLITE_ROW &&
                 strcmp((const char *)sqlite3_column_text(s, 0), "ok") == 0;
    sqlite3_finalize(s);
    sqlite3_close(db);
    return sound;
}

/* What the image says is acknowledged; and of the past, what TikTok or somebody has said. */
static void learn_image(struct replaying *r)
{
    static const char sql[] = "SELECT event_id, 0 FROM event UNION ALL SELECT event_id, 2 FROM dead"
                              " UNION ALL SELECT event_id, state FROM past";
    struct disk now = {0};
    sqlite3_stmt *s = NULL;
    replay_to(&r->disk, r->trace.begin);
    replay_cut(&r->disk, CUT_ALL_OF_IT, 0, &now);
    memory_vfs_use(&now);
    sqlite3 *db = open_plain();
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK) abort();
    while (sqlite3_step(s) == SQLITE_ROW) {
        const char *id = (const char *)sqlite3_column_text(s, 0);
        int state = sqlite3_column_int(s, 1);
        r->known[trace_add(&r->trace, id, strlen(id))] = (struct known){
            .acknowledged = true,
            .yes = state == QUEUE_SENT,
            .refused = state == QUEUE_DEAD,
            .dropped = state == QUEUE_DROPPED,
            .drop_asked = state == QUEUE_DROPPED,
            .yes_flight = -1,
        };
        r->old_count++;
    }
    sqlite3_finalize(s);
    sqlite3_close(db);
    disk_clear(&now);
}

/* What the files hold of the person who will be erased. */
static void remember_sealed(struct replaying *r)
{
    static const char sql[] = "SELECT sealed FROM event WHERE event_id LIKE 'gone-%'"
                              " UNION ALL SELECT sealed FROM dead WHERE event_id LIKE 'gone-%'";
    struct disk now = {0};
    sqlite3_stmt *s = NULL;
    replay_cut(&r->disk, CUT_ALL_OF_IT, 0, &now);
    memory_vfs_use(&now);
    sqlite3 *db = open_plain();
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK) abort();
    while (sqlite3_step(s) == SQLITE_ROW && r->sealed_count < SEALED_MAX)
        memcpy(r->sealed[r->sealed_count++].bytes, sqlite3_column_blob(s, 0),
               sizeof r->sealed[0].bytes);
    sqlite3_finalize(s);
    sqlite3_close(db);
    disk_clear(&now);
}

static void look_for_sealed(struct replaying *r, const struct disk *disk)
{
    for (size_t i = 0; i < r->sealed_count; i++)
        for (int f = 0; f < DISK_FILES_MAX; f++)
            if (disk->files[f].there && disk->files[f].len > 0 &&
                memmem(disk->files[f].bytes, disk->files[f].len, r->sealed[i].bytes,
                       sizeof r->sealed[i].bytes))
                found(r, FOUND_NOT_ERASED, disk->files[f].name);
}

static void check(struct replaying *r, enum cut cut, uint64_t seed)
{
    static const char *const cuts[] = {"nothing", "all", "some"};
    const struct queue_options options = {PATH, r->key, MAX_SIZE_BYTES, MEMORY_VFS};
    static struct disk after;
    struct fault why = {0};
    r->cut = cuts[cut];
    r->disks++;
    replay_cut(&r->disk, cut, seed, &after);
    memory_vfs_use(&after);
    if (r->erased) look_for_sealed(r, &after);
    if (queue_open(&options, &r->queue, &why) < 0) {
        found(r, FOUND_UNOPENED, why.message);
        return;
    }
    judge_queue(r);
    queue_close(r->queue);
    if (!is_sound()) found(r, FOUND_UNSOUND, "");
}

/* All of them --------------------------------------------------------------------------------- */

static void learn_upto(struct replaying *r, size_t op)
{
    const struct trace *t = &r->trace;
    for (; r->next_fact < t->fact_count && t->facts[r->next_fact].op <= op; r->next_fact++) {
        const struct fact *f = &t->facts[r->next_fact];
        if (f->kind == FACT_ERASE_ASKED && !r->erase_asked) remember_sealed(r);
        learn(r, f);
    }
}

static void check_all(struct replaying *r, long wanted)
{
    const char *text = getenv("TILLPOST_SEED");
    uint64_t base = text ? strtoull(text, NULL, 10) : 1;
    long ops = (long)(r->trace.log.op_count - r->trace.begin) + 1;
    long mixes = (wanted + ops - 1) / ops - 2;
    if (mixes < MIXES_LEAST) mixes = MIXES_LEAST;
    replay_begin(&r->disk, &r->trace.log);
    learn_image(r);
    for (size_t op = r->trace.begin; op <= r->trace.log.op_count; op++) {
        replay_to(&r->disk, op);
        learn_upto(r, op);
        check(r, CUT_NOTHING_MORE, 0);
        check(r, CUT_ALL_OF_IT, 0);
        for (long i = 0; i < mixes; i++)
            check(r, CUT_SOME_OF_IT, (base << 40) + op * (size_t)mixes + (size_t)i);
    }
    replay_end(&r->disk);
}

static bool report(const struct replaying *r)
{
    long all = 0;
    const struct trace *t = &r->trace;
    printf(
        "%ld events of an older schema, %ld starts, %ld commits, %ld beginnings of the WAL, %d "
        "answers with ids, %d bodies to TikTok, %zu rows erased, %zu operations on the disk: %ld "
        "disks\n",
        r->old_count, t->starts, t->commits, t->wal_starts, t->answers, t->flights, r->sealed_count,
        t->log.op_count - t->begin, r->disks);
    for (int i = 0; i < FINDINGS; i++) {
        all += r->counts[i];
        if (r->counts[i]) printf("found %ld times: %s\n", r->counts[i], findings[i]);
    }
    if (all == 0) puts("nothing is lost, nothing is unsound");
    return all == 0;
}

int main(int argc, char **argv)
{
    static struct replaying r;
    struct fault why = {0};
    if (argc != 5) {
        fputs("replay TRACE IMAGE KEY_FILE STATES\n", stderr);
        return EXIT_WRONG_USE;
    }
    if (!trace_read(argv[1], argv[2], &r.trace)) return EXIT_FAILURE;
    if (secret_queue_key(argv[3], false, r.key, &why) < 0) {
        fprintf(stderr, "%s: %s\n", argv[3], why.message);
        return EXIT_FAILURE;
    }
    r.known = calloc(TRACE_IDS_MAX, sizeof r.known[0]);
    r.seen = calloc(TRACE_IDS_MAX, sizeof r.seen[0]);
    if (!r.known || !r.seen) return EXIT_FAILURE;
    memory_vfs_register();
    check_all(&r, strtol(argv[4], NULL, 10));
    bool good = report(&r);
    free(r.known);
    free(r.seen);
    trace_close(&r.trace);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
