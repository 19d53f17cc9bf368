/*
 * queue.c: the durable queue, its file and its promises.
 *
 * THE FILE. queue.db, an SQLite database (application id "tpos", schema version in user_version);
 * beside it its WAL and the ballast (tidy.c). An event has one number, `seq`, given in order and
 * never again; at any time it is in one of three tables:
 *
 *   event  queued: id, names, times, flags, boot id, test code, and last the sealed rest, so that a
 *          walk past it never reads its overflow pages
 *   dead   the same, with reason, message and the time of its end
 *   past   sent or dropped: id, names, times, state; no content
 *   known  fingerprint of (event id, key name) -> seq; ordered by fingerprint: 12 bytes of SHA-256
 *          of the id, then 4 of the name, so that all events of one id stand together
 *   doubt  ranges of seq whose outcome is unknown
 *   value  small numbers by slot (inside.h), and a text sealed with the queue's key, twice
 *
 * No further index, no retry state, no counter in a row: each page touched costs 4 KB of flash.
 *
 * WHAT ALWAYS HOLDS (tests cite the number)
 * 1. What queue_commit confirmed survives a power cut; what it did not is there whole or not at
 *    all.
 * 2. A pair of event id and key name has one seq, as long as any of the three tables remembers it.
 * 3. Every seq in 1 … last is in exactly one of event, dead and past, or was forgotten by
 *    queue_tidy; so queued = last - gone, and neither a push nor opening has to count.
 * 4. Every seq up to SLOT_KNOWN_UPTO that a table remembers is in `known`; those above are in
 *    memory (recent.c), read from the tables at opening. A push so touches one page, that of its
 *    row. The ids move over in bulk, in the order of the table, when 8,000 have gathered and
 *    nobody waits; a part that is moved twice, after a power cut, does no harm.
 * 5. What memory says is what the tables say plus the open transaction: whenever a transaction is
 *    lost or rolled back, memory is read anew.
 * 6. A sealed row opens only with the columns it was pushed with (bond.c).
 * 7. After a failed fsync nothing that it covered is believed: the kernel may have dropped pages
 *    that still read back. The WAL is cut back to the last confirmed commit before it is read
 *    again; a WAL that another process left is read from the disk, not from the cache.
 * 8. A file that SQLite refuses, at opening or later, is set aside and what can be read moves over
 *    (aside.h). Opening looks at the header, the schema and the ends of every table, in constant
 *    time; counts that cannot be are damage too.
 * 9. The WAL is smaller than 8 MiB: it is brought into the file before the first change beyond 4
 *    MiB, and a transaction that has grown long ends with the next change. What must leave as a
 *    whole and is too much for one is noted first (leave.c); ids move over in transactions of their
 *    own when they came faster than moments of rest.
 * 10. Settling goes on when nothing more can be taken: part of max_size is kept for it, a ballast
 *    file is given up when the disk is full (tidy.c), and pushes then wait until it is back.
 *
 * WHAT IT COSTS. Bytes written at the block layer for a 700-byte event, checkpoints included; ext4
 * on a loop device, 10,000 ids known, page cache warm (November 2026; flushes: 1.03 a commit):
 *
 *   one commit holds                alone    and the mark, and    64 of them   and the last
 *   an event                                 the last settled                  64 settled
 *   `known` written at each push    18.3 KB  23.7 KB              6.1 KB       6.7 KB
 *   the same, 1024-byte pages       12.7 KB  16.8 KB              4.8 KB       5.1 KB
 *   this, 4096-byte pages           12.5 KB  17.8 KB              3.0 KB       3.5 KB
 *
 * Then with 60,000 ids known, and 8,000 moving together instead of 2,000: 3.0 became 2.4 KB when 64
 * share a commit, 3.9 became 3.5 when 16 do; a push 1.8 to 3 us of CPU less.
 *
 * Smaller pages write less when an event comes alone, but then commits share 4096-byte sectors:
 * with psow=0 SQLite makes up for that by writing whole sectors (29 KB), without it a torn sector
 * takes an acknowledged event along (crash/queue_power_cut.c shows it). One million queued: opens
 * in 10 ms, 45 ms after SIGKILL; 5.4 MiB PSS; once drained, 720 MiB go back in 69 idle steps.
 */
#include "queue/aside.h"

#include "platform/platform.h"
#include "queue/bond.h"
#include "queue/inside.h"
#include "queue/leave.h"
#include "queue/salvage.h"
#include "queue/wreck.h"
#include "tillpost/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEQ_MAX (INT64_C(1) << 53) /* also exact in JSON's numbers */
enum { RECENT_LOAD_MAX = 1 << 20, RECORD_MAX_BYTES = 3 * QUEUE_ROW_MAX_BYTES };

/* clang-format off */
const struct limits queue_limits = {
    .wal_max_bytes    = 4 * 1024 * 1024,
    .wal_idle_bytes   = 3 * 1024 * 1024,
    .growth_max_bytes = 1536 * 1024,
    .change_max_bytes = 1536 * 1024,
    .leave_max_bytes  = 1024 * 1024,
    .ballast_bytes    = 2 * 1024 * 1024,
    .space_try_ms     = 2000, /* bar R4: full service 5 s after a fault ends */
    .spare_bytes      = 512 * 1024,
    .free_keep_bytes  = 1024 * 1024,
    .give_back_pages  = 256,
    .forget_rows      = 512,
    .recent_max       = 16384,
    .recent_spare     = 512,
    .recent_idle      = 8192,
    .recent_must      = 10240,
};

#define APPLICATION_ID 1953525619 /* "tpos" */
#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)
/* A second place for whose file it is and of which version, in a slot that keeps its meaning for
 * ever: where the header says something else, the header is damaged. */
#define WITNESS(version) "INSERT OR REPLACE INTO value VALUES(101, " TEXT(APPLICATION_ID) "*65536+" #version ");"
static const char *const schema[] = {
    "PRAGMA application_id=" TEXT(APPLICATION_ID) ";"
    "CREATE TABLE event(seq INTEGER PRIMARY KEY, event_id TEXT NOT NULL, event TEXT NOT NULL,"
    " key_event TEXT, test_code TEXT, occurred_ms INTEGER NOT NULL, recorded_s INTEGER NOT NULL,"
    " flags INTEGER NOT NULL, boot_ms INTEGER, boot_id BLOB, sealed BLOB NOT NULL) STRICT;"
    "CREATE TABLE dead(seq INTEGER PRIMARY KEY, event_id TEXT NOT NULL, event TEXT NOT NULL,"
    " key_event TEXT, test_code TEXT, occurred_ms INTEGER NOT NULL, recorded_s INTEGER NOT NULL,"
    " flags INTEGER NOT NULL, boot_ms INTEGER, boot_id BLOB, reason TEXT NOT NULL,"
    " message TEXT NOT NULL, ended_s INTEGER NOT NULL, sealed BLOB NOT NULL) STRICT;"
    "CREATE TABLE past(seq INTEGER PRIMARY KEY, event_id TEXT NOT NULL, event TEXT NOT NULL,"
    " key_event TEXT, occurred_ms INTEGER NOT NULL, recorded_s INTEGER NOT NULL,"
    " ended_s INTEGER NOT NULL, state INTEGER NOT NULL) STRICT;"
    "CREATE TABLE known(key BLOB PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE doubt(id INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL,"
    " since_s INTEGER NOT NULL) STRICT;"
    "CREATE TABLE value(slot INTEGER PRIMARY KEY, value ANY NOT NULL) STRICT;",
    /* 2: rows are sealed with all of their columns; those of 1 are still opened. */
    WITNESS(2),
};
enum { SCHEMA_VERSION = sizeof schema / sizeof schema[0] };

/* Columns of struct queue_row, in the order in which rows.c reads them. */
#define ROW_QUEUED "seq, 0, event_id, event, test_code, occurred_ms, recorded_s, flags, boot_ms, boot_id," \
                   " length(sealed), NULL, NULL, 0 FROM event"
#define ROW_DEAD   "seq, 2, event_id, event, test_code, occurred_ms, recorded_s, flags, boot_ms, boot_id," \
                   " length(sealed), reason, message, ended_s FROM dead"
#define ROW_PAST   "seq, state, event_id, event, NULL, occurred_ms, recorded_s, 0, 0, NULL," \
                   " 0, NULL, NULL, ended_s FROM past"
#define ID_COLUMNS "seq, event_id, event, key_event"
#define KEPT       "seq, event_id, event, key_event, test_code, occurred_ms, recorded_s, flags, boot_ms, boot_id"
#define SEALED_COLUMNS "event_id, event, key_event, test_code, occurred_ms, recorded_s, flags, boot_ms, boot_id, sealed"
#define TO_PAST    "INSERT INTO past SELECT seq, event_id, event, key_event, occurred_ms, recorded_s, ?3, ?4 FROM "
static const char *const statements[SQL_COUNT] = {
    [SQL_PUSH]          = "INSERT INTO event VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)",
    [SQL_WALK]          = "SELECT " ROW_QUEUED " WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq",
    [SQL_WALK_SEALED]   = "SELECT seq, " SEALED_COLUMNS " FROM event WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq",
    [SQL_SEALED]        = "SELECT " SEALED_COLUMNS " FROM event WHERE seq=?1",
    [SQL_SET_TIME]      = "UPDATE event SET occurred_ms=?2, flags=?3, boot_ms=NULL, boot_id=NULL, sealed=?4 WHERE seq=?1",
    [SQL_LIST_QUEUED]   = "SELECT " ROW_QUEUED " WHERE seq>?1 ORDER BY seq LIMIT ?2",
    [SQL_LIST_DEAD]     = "SELECT " ROW_DEAD " WHERE seq>?1 ORDER BY seq LIMIT ?2",
    [SQL_LIST_PAST]     = "SELECT " ROW_PAST " WHERE seq>?1 AND state=?3 ORDER BY seq LIMIT ?2",
    [SQL_FIND]          = "SELECT " ROW_QUEUED " WHERE seq=?1 UNION ALL SELECT " ROW_DEAD " WHERE seq=?1"
                          " UNION ALL SELECT " ROW_PAST " WHERE seq=?1",
    [SQL_EVENT_TO_PAST] = TO_PAST "event WHERE seq BETWEEN ?1 AND ?2",
    [SQL_EVENT_TO_DEAD] = "INSERT INTO dead SELECT " KEPT ", ?2, ?3, ?4, sealed FROM event WHERE seq=?1",
    [SQL_EVENT_REMOVE]  = "DELETE FROM event WHERE seq BETWEEN ?1 AND ?2",
    [SQL_DEAD_TO_PAST]  = TO_PAST "dead WHERE seq BETWEEN ?1 AND ?2",
    [SQL_DEAD_TO_EVENT] = "INSERT INTO event SELECT " KEPT ", sealed FROM dead WHERE seq=?1",
    [SQL_DEAD_REMOVE]   = "DELETE FROM dead WHERE seq BETWEEN ?1 AND ?2",
    [SQL_OLDEST]        = "SELECT seq, recorded_s FROM event ORDER BY seq LIMIT 1",
    [SQL_NEWEST]        = "SELECT seq FROM event ORDER BY seq DESC LIMIT 1",
    [SQL_IN_RANGE]      = "SELECT 1 FROM event WHERE seq BETWEEN ?1 AND ?2 UNION ALL SELECT 1 FROM dead"
                          " WHERE seq BETWEEN ?1 AND ?2 LIMIT 1",
    [SQL_KNOWN_FIND]    = "SELECT seq FROM known WHERE key=?1",
    [SQL_KNOWN_OF_ID]   = "SELECT seq FROM known WHERE key BETWEEN ?1 AND ?2",
    [SQL_KNOWN_ADD]     = "INSERT OR IGNORE INTO known VALUES(?1, ?2)",
    [SQL_KNOWN_REMOVE]  = "DELETE FROM known WHERE key=?1",
    [SQL_IDS_AFTER]     = "SELECT " ID_COLUMNS " FROM event WHERE seq>?1 UNION ALL SELECT " ID_COLUMNS
                          " FROM dead WHERE seq>?1 UNION ALL SELECT " ID_COLUMNS " FROM past WHERE seq>?1",
    [SQL_PAST_AFTER]    = "SELECT " ID_COLUMNS ", ended_s FROM past WHERE seq>?1 ORDER BY seq LIMIT ?2",
    [SQL_PAST_REMOVE]   = "DELETE FROM past WHERE seq=?1",
    [SQL_DEAD_AFTER]    = "SELECT seq, ended_s FROM dead WHERE seq>?1 ORDER BY seq LIMIT ?2",
    [SQL_KNOWN_AFTER]   = "SELECT key FROM known WHERE key>?1 ORDER BY key LIMIT ?2",
    [SQL_ENDS]          = "SELECT max(coalesce((SELECT max(seq) FROM past), 0), coalesce((SELECT max(seq) FROM dead), 0)),"
                          " (SELECT min(seq) FROM past), coalesce((SELECT min(seq) FROM dead), 0),"
                          " (SELECT min(key) FROM known), (SELECT max(key) FROM known)",
    [SQL_SALVAGE_DEAD]  = "INSERT INTO dead VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14)",
    [SQL_SALVAGE_PAST]  = "INSERT INTO past VALUES(?1,?2,?3,?4,?5,?6,?7,?8)",
    [SQL_ERASE_WALK]    = "SELECT seq, " SEALED_COLUMNS " FROM event WHERE seq>?1 UNION ALL SELECT seq, " SEALED_COLUMNS
                          " FROM dead WHERE seq>?1 ORDER BY seq",
    [SQL_DOUBT_ALL]     = "SELECT id, first, last, since_s FROM doubt ORDER BY id",
    [SQL_DOUBT_ADD]     = "INSERT INTO doubt VALUES(?1, ?2, ?3, ?4)",
    [SQL_DOUBT_DATE]    = "UPDATE doubt SET since_s=?2 WHERE id=?1",
    [SQL_DOUBT_REMOVE]  = "DELETE FROM doubt WHERE id=?1",
    [SQL_VALUES]        = "SELECT slot, value FROM value ORDER BY slot",
    [SQL_VALUE_WRITE]   = "INSERT OR REPLACE INTO value VALUES(?1, ?2)",
    [SQL_VALUE_READ]    = "SELECT value FROM value WHERE slot=?1",
    [SQL_VALUE_REMOVE]  = "DELETE FROM value WHERE slot=?1",
    [SQL_SIZES]         = "SELECT seq, length(sealed) FROM event WHERE seq BETWEEN ?1 AND ?2 UNION ALL"
                          " SELECT seq, length(sealed) FROM dead WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq",
};
/* clang-format on */

/* Reading the tables into memory -------------------------------------------------------------- */

/* A till sends one kind of event most of the time: its hash is kept. */
static int hash_name(struct queue *q, struct str name)
{
    unsigned char hash[SEAL_HASH_BYTES];
    struct str last = {q->last_name, strlen(q->last_name)};
    if (last.len > 0 && str_equal(name, last)) return 0;
    int r = seal_hash(name, hash);
    memcpy(q->last_name_hash, hash, RECENT_EVENT_BYTES);
    size_t len = r >= 0 && name.len < sizeof q->last_name ? name.len : 0;
    memcpy(q->last_name, name.p, len);
    q->last_name[len] = '\0';
    return r;
}

int queue_key_of(struct queue *q, struct str event_id, struct str key_event, struct recent_key *out)
{
    unsigned char hash[SEAL_HASH_BYTES];
    int r = seal_hash(event_id, hash);
    memcpy(out->bytes, hash, RECENT_ID_BYTES);
    if (r >= 0) r = hash_name(q, key_event);
    memcpy(out->bytes + RECENT_ID_BYTES, q->last_name_hash, RECENT_EVENT_BYTES);
    return r;
}

int queue_read_id(struct queue *q, enum sql sql, struct recent_entry *out)
{
    struct str event = db_text(q->db, sql, 2), key_event = db_text(q->db, sql, 3);
    out->seq = db_int(q->db, sql, 0);
    return queue_key_of(q, db_text(q->db, sql, 1), key_event.len ? key_event : event, &out->key);
}

static const struct str key_check_bound = {"queue key", 9}, key_check_text = {"tillpost", 8};

static bool opens(struct queue *q, struct str bound, struct str sealed)
{
    if (sealed.len > sizeof q->sealed) return false;
    return seal_decrypt(q->seal, bound, (const unsigned char *)sealed.p, sealed.len,
                        (char *)q->sealed) >= 0;
}

/* 1: the oldest row opens with the key, whatever the key check says. */
static int oldest_opens(struct queue *q, struct fault *why)
{
    db_start(q->db, SQL_SEALED, DB_ARGS(DB_ARG_INT(q->oldest_seq)));
    int r = db_next(q->db, SQL_SEALED, why);
    if (r <= 0) return r;
    r = queue_open_row(q, SQL_SEALED, 0, (char *)q->sealed) >= 0;
    db_reset(q->db, SQL_SEALED);
    wipe(q->sealed, sizeof q->sealed);
    return r;
}

static int write_key_check(struct queue *q, enum slot slot, struct fault *why)
{
    unsigned char sealed[64];
    int n = seal_encrypt(q->seal, key_check_bound, key_check_text, sealed);
    if (n < 0) return fault_set(why, n, NULL, "%s: cannot seal the key check", q->path);
    struct str blob = {(const char *)sealed, (size_t)n};
    return db_run(q->db, SQL_VALUE_WRITE, DB_ARGS(DB_ARG_INT(slot), DB_ARG_BLOB(blob)), why);
}

/* fits: of the `seen` key checks. A new queue has none yet. */
static int judge_key(struct queue *q, unsigned seen, unsigned fits, struct fault *why)
{
    if (fits > 0) return 0;
    int r = 0;
    if (seen == 0 && q->oldest_seq == 0) {
        r = write_key_check(q, SLOT_KEY_CHECK, why);
        return r < 0 ? r : write_key_check(q, SLOT_KEY_CHECK_AGAIN, why);
    }
    r = oldest_opens(q, why);
    if (r != 0) return r;
    return fault_set(why, TILLPOST_E_CONFIG, NULL,
                     "%s: the queue key does not fit this queue: its "
                     "rows were sealed with another one; give back that key (queue.key_file), or "
                     "move the queue aside to begin a new one",
                     q->path);
}

static int load_values(struct queue *q, struct fault *why)
{
    unsigned seen = 0, fits = 0;
    int r;
    memset(q->slots, 0, sizeof q->slots);
    memset(q->unsaved, 0, sizeof q->unsaved);
    q->owed = false;
    db_start(q->db, SQL_VALUES, NULL, 0);
    while ((r = db_next(q->db, SQL_VALUES, why)) > 0) {
        int64_t slot = db_int(q->db, SQL_VALUES, 0);
        if (slot >= 0 && slot < SLOT_COUNT) q->slots[slot] = db_int(q->db, SQL_VALUES, 1);
        q->owed |= slot == SLOT_LEAVING;
        if (slot != SLOT_KEY_CHECK && slot != SLOT_KEY_CHECK_AGAIN) continue;
        seen++;
        fits += opens(q, key_check_bound, db_text(q->db, SQL_VALUES, 1));
    }
    if (r >= 0) r = queue_load_ends(q, why);
    return r < 0 ? r : judge_key(q, seen, fits, why);
}

int queue_load_ends(struct queue *q, struct fault *why)
{
    q->oldest_seq = q->newest_seq = q->oldest_recorded_s = 0;
    db_start(q->db, SQL_OLDEST, NULL, 0);
    int r = db_next(q->db, SQL_OLDEST, why);
    if (r <= 0) return r;
    q->oldest_seq = db_int(q->db, SQL_OLDEST, 0);
    q->oldest_recorded_s = db_int(q->db, SQL_OLDEST, 1);
    db_reset(q->db, SQL_OLDEST);
    db_start(q->db, SQL_NEWEST, NULL, 0);
    r = db_next(q->db, SQL_NEWEST, why);
    if (r <= 0) return r;
    q->newest_seq = db_int(q->db, SQL_NEWEST, 0);
    db_reset(q->db, SQL_NEWEST);
    return 0;
}

/* A count of rows between the first and the last of them, and none where there are none. */
static bool is_count(int64_t n, int64_t first, int64_t last)
{
    return first == 0 ? n == 0 : n > 0 && n <= last - first + 1;
}

bool queue_counts_hold(const struct queue *q)
{
    return is_count(q->slots[SLOT_LAST_SEQ] - q->slots[SLOT_GONE], q->oldest_seq, q->newest_seq);
}

/* The ends of all tables: each is read, and none goes beyond the last number. */
static int check_counters(struct queue *q, struct fault *why)
{
    const int64_t *s = q->slots;
    if (q->newest_seq > s[SLOT_LAST_SEQ]) q->slots[SLOT_LAST_SEQ] = q->newest_seq;
    int64_t last = s[SLOT_LAST_SEQ], upto = s[SLOT_KNOWN_UPTO];
    db_start(q->db, SQL_ENDS, NULL, 0);
    int r = db_next(q->db, SQL_ENDS, why);
    if (r < 0) return r;
    int64_t last_gone = db_int(q->db, SQL_ENDS, 0), first_dead = db_int(q->db, SQL_ENDS, 2);
    db_reset(q->db, SQL_ENDS);
    if (last >= 0 && last < SEQ_MAX && s[SLOT_GONE] >= 0 && last_gone <= last &&
        queue_counts_hold(q) && is_count(s[SLOT_DEAD], first_dead, last) && upto >= 0 &&
        upto <= last && last - upto <= RECENT_LOAD_MAX)
        return 0;
    return fault_set(why, TILLPOST_E_DAMAGED, NULL,
                     "%s: its counters are damaged; keep a copy of "
                     "the file, then move it aside",
                     q->path);
}

/* Makes room for as many ids as there may be: an older program may have had other limits. */
static int make_recent(struct queue *q, struct fault *why)
{
    size_t count = (size_t)(q->slots[SLOT_LAST_SEQ] - q->slots[SLOT_KNOWN_UPTO]);
    size_t need = count > q->limits->recent_max ? count : q->limits->recent_max;
    recent_close(&q->recent);
    if (recent_open(&q->recent, need) >= 0) return 0;
    return fault_set(why, TILLPOST_E_NO_MEMORY, NULL, "%s: out of memory", q->path);
}

static int load_recent(struct queue *q, struct fault *why)
{
    int64_t upto = q->slots[SLOT_KNOWN_UPTO];
    db_start(q->db, SQL_IDS_AFTER, DB_ARGS(DB_ARG_INT(upto)));
    int r;
    while ((r = db_next(q->db, SQL_IDS_AFTER, why)) > 0 && !recent_full(&q->recent)) {
        struct recent_entry e;
        r = queue_read_id(q, SQL_IDS_AFTER, &e);
        if (r < 0) return fault_set(why, r, NULL, "%s: cannot hash an id", q->path);
        recent_add(&q->recent, &e.key, e.seq);
    }
    db_reset(q->db, SQL_IDS_AFTER);
    return r < 0 ? r : 0;
}

static int load(struct queue *q, struct fault *why)
{
    int r = load_values(q, why);
    if (r < 0) return r;
    q->merge_upto = 0;
    q->forgetting.on = q->expiring.on = false;
    r = check_counters(q, why);
    if (r >= 0) r = make_recent(q, why);
    if (r >= 0) r = load_recent(q, why);
    if (r >= 0) r = doubt_load(q, why);
    if (r >= 0) r = db_size(q->db, &q->size, why);
    return r;
}

/* Opening ------------------------------------------------------------------------------------- */

static void detach(struct queue *q)
{
    db_close(q->db);
    q->db = NULL;
}

/* The disk is full. The ballast goes; with its space a checkpoint succeeds, and what the WAL
 * occupies is written anew. It comes at once, before another program has taken that space. The
 * connection stays: closing it would give the WAL's away. */
static int make_way(struct queue *q, struct fault *why)
{
    q->full_why = db_failure(q->db)->why;
    ballast_release(q, db_failure(q->db)->disk);
    int r = db_rollback(q->db, why);
    db_forgive(q->db);
    if (r >= 0 && db_checkpoint(q->db, NULL) < 0 && !db_failure(q->db)->sync) db_forgive(q->db);
    return r < 0 ? r : load(q, why);
}

static char *joined(const char *a, const char *b)
{
    size_t n = strlen(a) + strlen(b) + 1;
    char *p = malloc(n);
    if (p != NULL) (void)snprintf(p, n, "%s%s", a, b);
    return p;
}

/* Who had it before may have died between a failed fsync and its cure (7): then the WAL in the cache
 * is not the one on the disk, and what is built upon it would fall with the power. */
static void distrust_cache(const struct queue *q)
{
    char *wal = q->plan.vfs == NULL ? joined(q->path, "-wal") : NULL;
    if (wal != NULL) platform_drop_cached(wal);
    free(wal);
}

static int open_file(struct queue *q, struct fault *why)
{
    distrust_cache(q);
    int r = db_open(&q->plan, &q->db, why);
    if (r < 0) return r;
    r = db_failure(q->db)->space ? make_way(q, why) : load(q, why);
    q->scrub = (struct scrub){.at = db_was_unclean(q->db) ? SCRUB_ROWS : SCRUB_NONE};
    return r < 0 && db_failure(q->db)->damaged ? TILLPOST_E_DAMAGED : r;
}

/* It is damaged: a new one takes its place, and what can be read will move over. */
static int begin_anew(struct queue *q, struct fault *why)
{
    detach(q);
    wreck_close(q->wreck);
    q->wreck = NULL;
    int r = aside_move(q);
    if (r < 0)
        return fault_set(why, TILLPOST_E_STORAGE, NULL,
                         "%s: it is damaged and cannot be set aside; give the agent's user its "
                         "directory",
                         q->path);
    q->damaged_times++;
    return open_file(q, why);
}

static int attach(struct queue *q, bool damaged, struct fault *why)
{
    struct fault first = {0};
    int r = aside_resume(q);
    if (r >= 0) r = damaged ? TILLPOST_E_DAMAGED : open_file(q, &first);
    if (r == TILLPOST_E_DAMAGED && aside_is_ours(q)) r = begin_anew(q, &first);
    q->attaching = true;
    if (r >= 0 && !queue_salvaging(q) && aside_pending(q)) r = salvage_begin(q, &first);
    q->attaching = false;
    if (r < 0 && why != NULL) *why = first;
    return r;
}

/* Most queues are small: what there is to save is there before the first sale comes. */
static void salvage_for_a_while(struct queue *q)
{
    int64_t until_ms = platform_mono_ms() + QUEUE_SALVAGE_OPEN_MS;
    while (queue_salvaging(q) && platform_mono_ms() < until_ms && salvage_step(q, NULL) > 0) {
    }
}

static int reopen(struct queue *q, struct fault *why)
{
    int r = 0;
    bool damaged = q->db != NULL && db_failure(q->db)->damaged && aside_is_ours(q);
    if (q->db != NULL && db_failure(q->db)->sync) r = db_cut_wal(q->db, why);
    if (r < 0) return r;
    detach(q);
    r = attach(q, damaged, why);
    if (r < 0) detach(q);
    if (r != TILLPOST_E_DENIED && r != TILLPOST_E_CANT_CREATE) return r;
    if (why != NULL) why->err = TILLPOST_E_STORAGE; /* it was open: no fault of who asks */
    return TILLPOST_E_STORAGE;
}

static int make(const struct queue_options *o, const struct limits *limits, struct queue **out)
{
    struct queue *q = platform_private_alloc(sizeof *q); /* it holds rows that were unsealed */
    *out = q;
    if (q == NULL) return TILLPOST_E_NO_MEMORY;
    q->limits = limits;
    q->max_size_bytes = platform_file_max_bytes();
    if (q->max_size_bytes > o->max_size_bytes) q->max_size_bytes = o->max_size_bytes;
    q->forgetting.before_s = q->expiring.before_s = INT64_MIN;
    buf_init(&q->bound, QUEUE_ROW_MAX_BYTES * 2);
    buf_init(&q->record, RECORD_MAX_BYTES);
    q->path = joined(o->path, "");
    if (o->vfs == NULL && limits->ballast_bytes > 0) q->ballast_path = joined(o->path, "-ballast");
    q->plan = (struct db_plan){.path = q->path,
                               .vfs = o->vfs,
                               .max_bytes = q->max_size_bytes,
                               .application_id = APPLICATION_ID,
                               .schema = schema,
                               .version = SCHEMA_VERSION,
                               .witness = "SELECT value FROM value WHERE slot=101",
                               .statements = statements,
                               .statement_count = SQL_COUNT,
                               .sync_failures = &q->sync_failures};
    return q->path == NULL ? TILLPOST_E_NO_MEMORY : seal_open(o->key, &q->seal);
}

int queue_open_limited(const struct queue_options *options, const struct limits *limits,
                       struct queue **out, struct fault *why)
{
    struct queue *q;
    int r = make(options, limits, &q);
    *out = NULL;
    if (r < 0) (void)fault_set(why, r, NULL, "%s: out of memory", options->path);
    if (r >= 0 && options->vfs == NULL) {
        r = platform_make_parent(options->path);
        if (r < 0)
            (void)fault_set(why, r, NULL,
                            "%s: its directory is missing and cannot be made; "
                            "make it, or set queue.path",
                            options->path);
    }
    if (r >= 0) r = attach(q, false, why);
    if (r >= 0) salvage_for_a_while(q);
    if (r >= 0) (void)queue_ready(q, NULL); /* what fails there fails again when it is needed */
    if (r >= 0) *out = q;
    else queue_close(q);
    return r < 0 ? r : 0;
}

int queue_open(const struct queue_options *options, struct queue **out, struct fault *why)
{
    return queue_open_limited(options, &queue_limits, out, why);
}

void queue_close(struct queue *q)
{
    if (q == NULL) return;
    detach(q);
    seal_close(q->seal);
    recent_close(&q->recent);
    buf_free(&q->bound);
    buf_free(&q->record);
    wreck_close(q->wreck);
    free(q->doubts);
    free(q->path);
    free(q->ballast_path);
    platform_private_free(q, sizeof *q);
}

/* Transactions -------------------------------------------------------------------------------- */

int queue_ready(struct queue *q, struct fault *why)
{
    if (q->visiting > 0) return 0;
    int r = q->db == NULL || db_failure(q->db)->any ? reopen(q, why) : 0;
    if (r < 0 || !q->owed || q->leaving || q->attaching) return r;
    return queue_done(q, leave_go_on(q, why));
}

int queue_done(struct queue *q, int result)
{
    if (q->attaching || q->db == NULL || !db_failure(q->db)->any || q->visiting > 0) return result;
    const struct db_failure *f = db_failure(q->db);
    if (f->space && !f->sync && make_way(q, NULL) >= 0) return result;
    (void)reopen(q, NULL); /* if this fails too, the next call tries again and says why */
    return result;
}

/* Moves ids from memory into `known`: those of one part of the order of that table. */
int queue_merge_part(struct queue *q, struct fault *why)
{
    const struct recent_entry *e;
    size_t at = 0;
    if (q->merge_upto == 0) {
        q->merge_upto = q->slots[SLOT_LAST_SEQ];
        q->merge_part = 0;
    }
    while ((e = recent_in_part(&q->recent, q->merge_part, &at)) != NULL) {
        if (e->seq > q->merge_upto) continue;
        struct str key = {(const char *)e->key.bytes, RECENT_KEY_BYTES};
        int r = db_run(q->db, SQL_KNOWN_ADD, DB_ARGS(DB_ARG_BLOB(key), DB_ARG_INT(e->seq)), why);
        if (r < 0) return r;
    }
    if (++q->merge_part < RECENT_PARTS) return 0;
    queue_set_slot(q, SLOT_KNOWN_UPTO, q->merge_upto);
    recent_remove_upto(&q->recent, q->merge_upto);
    q->merge_upto = 0;
    return 0;
}

bool queue_wants_checkpoint(struct queue *q, int64_t wal_bytes)
{
    return db_wal_bytes(q->db) >= wal_bytes ||
           db_growth_bytes(q->db, q->size.pages) >= ballast_growth_max(q);
}

/* On a full disk the WAL may grow to twice its size, for settling: that gives space back. */
static int checkpoint(struct queue *q, struct fault *why)
{
    struct fault full;
    int r = db_checkpoint(q->db, &full);
    if (r < 0 && db_failure(q->db)->space && !db_failure(q->db)->sync &&
        db_wal_bytes(q->db) < 2 * q->limits->wal_max_bytes)
        return make_way(q, why);
    if (r < 0 && why != NULL) *why = full;
    return r;
}

static int begin(struct queue *q, struct fault *why)
{
    int64_t wal_max = q->full ? 1 : q->limits->wal_max_bytes; /* its space is all there is */
    int r = queue_wants_checkpoint(q, wal_max) ? checkpoint(q, why) : 0;
    return r < 0 ? r : db_begin(q->db, why);
}

static int save_slots(struct queue *q, struct fault *why)
{
    int r = 0;
    for (unsigned i = 0; r >= 0 && i < SLOT_COUNT; i++) {
        if (!q->unsaved[i]) continue;
        r = db_run(q->db, SQL_VALUE_WRITE, DB_ARGS(DB_ARG_INT(i), DB_ARG_INT(q->slots[i])), why);
    }
    memset(q->unsaved, 0, sizeof q->unsaved);
    return r;
}

static bool ids_are_many(const struct queue *q)
{
    return q->recent.count + q->limits->recent_spare > q->recent.max;
}

/* Ids that came faster than they moved over: each may cost a page, so that they move in transactions
 * of their own. On a full disk none comes. */
static int merge_ids(struct queue *q, struct fault *why)
{
    int r = 0;
    bool more = ids_are_many(q);
    while (r >= 0 && more && !q->full) {
        r = begin(q, why);
        if (r >= 0 && !q->full) r = queue_merge_part(q, why);
        if (r >= 0) r = save_slots(q, why);
        if (r >= 0) r = db_commit(q->db, why);
        if (r >= 0) r = db_size(q->db, &q->size, why);
        more = q->merge_upto > 0;
    }
    return r;
}

static int begin_change(struct queue *q, struct fault *why)
{
    int r = merge_ids(q, why);
    if (r >= 0) r = begin(q, why);
    if (r >= 0 && q->recent.count >= q->limits->recent_must) r = queue_merge_part(q, why);
    q->room_bytes = queue_room_bytes(q, &q->size);
    return r < 0 ? queue_done(q, r) : 0;
}

int queue_change(struct queue *q, struct fault *why)
{
    if (q->visiting > 0)
        return fault_set(why, TILLPOST_E_INTERNAL, NULL, "%s: a visitor may not change it",
                         q->path);
    int r = queue_ready(q, why);
    if (r < 0) return r;
    if (!db_in_transaction(q->db)) return begin_change(q, why);
    return db_written_bytes(q->db) < q->limits->change_max_bytes ? 0 : queue_change_anew(q, why);
}

int queue_change_anew(struct queue *q, struct fault *why)
{
    int r = queue_commit(q, why);
    return r < 0 ? r : queue_change(q, why);
}

bool queue_is_long(const struct queue *q)
{
    return queue_dirty(q) &&
           (ids_are_many(q) || db_written_bytes(q->db) >= q->limits->change_max_bytes / 2);
}

int queue_commit(struct queue *q, struct fault *why)
{
    if (!queue_dirty(q)) return 0;
    int r = save_slots(q, why);
    if (r >= 0) r = db_commit(q->db, why);
    if (r >= 0) (void)db_size(q->db, &q->size, NULL);
    return queue_done(q, r < 0 ? r : 1);
}

void queue_rollback(struct queue *q)
{
    if (!queue_dirty(q)) return;
    if (db_rollback(q->db, NULL) >= 0 && load(q, NULL) < 0) detach(q);
    else (void)queue_done(q, 0);
}

bool queue_dirty(const struct queue *q)
{
    return q->db != NULL && db_in_transaction(q->db);
}

unsigned queue_sync_failures(const struct queue *q)
{
    return q->sync_failures;
}

/* Numbers ------------------------------------------------------------------------------------- */

void queue_set_slot(struct queue *q, enum slot slot, int64_t value)
{
    q->slots[slot] = value;
    q->unsaved[slot] = true;
}

int64_t queue_value(struct queue *q, enum queue_value which)
{
    return q->slots[which];
}

int queue_set_value(struct queue *q, enum queue_value which, int64_t value, struct fault *why)
{
    if (q->slots[which] == value) return 0;
    int r = queue_change(q, why);
    if (r >= 0) queue_set_slot(q, (enum slot)which, value);
    return r;
}

int queue_add_value(struct queue *q, enum queue_value which, int64_t more, struct fault *why)
{
    return queue_set_value(q, which, queue_value(q, which) + more, why);
}

void queue_counts(struct queue *q, struct queue_counts *out)
{
    *out = (struct queue_counts){
        .queued = q->slots[SLOT_LAST_SEQ] - q->slots[SLOT_GONE],
        .dead = q->slots[SLOT_DEAD],
        .oldest_recorded_s = q->oldest_recorded_s,
        .oldest_seq = q->oldest_seq,
        .newest_seq = q->newest_seq,
        .size_bytes = q->size.pages * DB_PAGE_BYTES,
    };
}

int queue_mark(struct queue *q, const struct queue_range *r, struct fault *why)
{
    const struct queue_range none = {0}, *to = r ? r : &none;
    struct queue_range now;
    if (queue_marked(q, &now) == 0 && r == NULL) return 0;
    int rc = queue_change(q, why);
    if (rc < 0) return rc;
    queue_set_slot(q, SLOT_MARK_FIRST, to->first);
    queue_set_slot(q, SLOT_MARK_LAST, to->last);
    queue_set_slot(q, SLOT_MARK_SINCE, to->since_s);
    return 0;
}

int queue_marked(struct queue *q, struct queue_range *out)
{
    *out = (struct queue_range){q->slots[SLOT_MARK_FIRST], q->slots[SLOT_MARK_LAST],
                                q->slots[SLOT_MARK_SINCE]};
    return out->first != 0;
}
