/*
 * salvage.c: moves what can be read of a damaged queue into a new one.
 *
 * The old file is read page by page without SQLite: a damaged page costs its own rows and no other,
 * be it the first or an inner one. What always holds:
 * 1. A row of `event` or `dead` moves only if its seal opens with its columns (bond.c): nothing
 *    damaged is ever sent. It keeps its seq and its sealed bytes.
 * 2. Nothing is counted twice: rows of `past` move before queued ones, and a queued row whose seq or
 *    pair of id and name is there already stays behind. Rows of `past` have no seal: a wrong id in
 *    them says nothing to anybody.
 * 3. What may have been under way is in doubt: the mark becomes a doubt; where the page of `value`
 *    is lost, all rows are.
 * 4. New rows come behind all that were seen in the old file, so that both can go on at once.
 * 5. How far it got rides in the transaction of what was moved: a power cut repeats nothing.
 *
 * SLOT_SALVAGE_NEXT: 0 none, else the pass (1 past, 2 event and dead, 3 done) in the upper 32 bits
 * and the next page in the lower.
 */
#include "queue/aside.h"

#include "platform/platform.h"
#include "queue/bond.h"
#include "queue/inside.h"
#include "queue/page.h"
#include "queue/salvage.h"
#include "queue/wreck.h"
#include "tillpost/err.h"

#include <string.h>

enum { /* columns of the tables, as the schema has them */
       COLUMNS_VALUE = 2,
       COLUMNS_DOUBT = 4,
       COLUMNS_PAST = 8,
       COLUMNS_EVENT = 11,
       COLUMNS_DEAD = 14,
       COLUMNS_MAX = 14
};
enum stage { PASS_PAST = 1, PASS_ROWS = 2, PASS_DONE = 3 };
enum { STEP_MS = 4, PAGES_PER_CLOCK = 16, ID_MAX_BYTES = 4096, PATH_BYTES = 4096 };
#define SEQ_BELIEVED (INT64_C(1) << 50)
#define HOUR_AHEAD_S (INT64_C(1) << 39) /* begins when the true time is known (agent/deliver.h) */

/* The survey: numbers, doubts, the last seq --------------------------------------------------- */

struct survey {
    int64_t slots[SLOT_COUNT];
    bool seen_values;
    int64_t last_seq;
    struct queue_range doubts[SALVAGE_DOUBTS_MAX];
    size_t doubt_count;
};

static void note_doubt(struct survey *s, int64_t first, int64_t last, int64_t since_s)
{
    bool sane = first > 0 && last >= first && last < SEQ_BELIEVED && since_s >= 0;
    if (sane && s->doubt_count < SALVAGE_DOUBTS_MAX)
        s->doubts[s->doubt_count++] = (struct queue_range){first, last, since_s};
}

static void survey_small(struct survey *s, const struct page_cell *c, int columns)
{
    struct page_value v[COLUMNS_MAX];
    if (c->overflow != 0 || page_record(c->payload, c->local_bytes, v, COLUMNS_MAX) != columns)
        return;
    if (columns == COLUMNS_DOUBT) note_doubt(s, v[1].number, v[2].number, v[3].number);
    if (columns != COLUMNS_VALUE || v[1].kind != PAGE_NUMBER) return;
    if (c->rowid < 0 || c->rowid >= SLOT_COUNT) return;
    s->slots[c->rowid] = v[1].number;
    s->seen_values = true;
}

static void survey_page(struct survey *s, const unsigned char *page, bool first)
{
    struct page_cell c;
    if (!page_may_hold_rows(page, first)) return;
    for (unsigned i = 0, n = page_cell_count(page, first); i < n; i++) {
        if (!page_cell(page, first, i, &c)) continue;
        int columns = page_columns(c.payload, c.local_bytes);
        if (columns == COLUMNS_VALUE || columns == COLUMNS_DOUBT) survey_small(s, &c, columns);
        else if (columns < COLUMNS_PAST) continue;
        else if (c.rowid > s->last_seq && c.rowid < SEQ_BELIEVED) s->last_seq = c.rowid;
    }
}

static void survey_all(struct queue *q, struct survey *s)
{
    unsigned char page[PAGE_BYTES];
    for (uint32_t n = 1; n <= wreck_pages(q->wreck); n++) {
        wreck_read(q->wreck, n, page);
        survey_page(s, page, n == 1);
    }
    int64_t last = s->slots[SLOT_LAST_SEQ];
    if (last > s->last_seq && last < SEQ_BELIEVED) s->last_seq = last;
    if (s->slots[SLOT_MARK_FIRST] > 0)
        note_doubt(s, s->slots[SLOT_MARK_FIRST], s->slots[SLOT_MARK_LAST],
                   s->slots[SLOT_MARK_SINCE]);
    if (!s->seen_values) note_doubt(s, 1, s->last_seq, HOUR_AHEAD_S);
}

/* The agent's numbers go on, but for what it believes about the time: it learns that again. */
static void take_values(struct queue *q, const struct survey *s)
{
    for (int slot = 0; slot < SLOT_COUNT; slot++) {
        bool own = slot >= QUEUE_VALUE_COUNT && slot < QUEUE_VALUE_DEAD;
        bool time = slot == QUEUE_VALUE_VERIFIED_TIME_MS || slot == QUEUE_VALUE_VERIFIED_BOOT_MS ||
                    slot == QUEUE_VALUE_VERIFIED_BOOT;
        if (!own && !time && s->slots[slot] > 0) queue_set_slot(q, (enum slot)slot, s->slots[slot]);
    }
    queue_set_slot(q, SLOT_LAST_SEQ, s->last_seq);
    queue_set_slot(q, SLOT_GONE, s->last_seq);
    queue_set_slot(q, SLOT_KNOWN_UPTO, s->last_seq);
    queue_set_slot(q, SLOT_SALVAGE_NEXT, ((int64_t)PASS_PAST << 32) + 1);
}

static int add_doubts(struct queue *q, const struct survey *s, struct fault *why)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < s->doubt_count; i++) {
        const struct queue_range *d = &s->doubts[i];
        r = db_run(q->db, SQL_DOUBT_ADD,
                   DB_ARGS(DB_ARG_INT((int64_t)i + 1), DB_ARG_INT(d->first), DB_ARG_INT(d->last),
                           DB_ARG_INT(d->since_s)),
                   why);
    }
    return r < 0 ? r : doubt_load(q, why);
}

static int open_wreck(struct queue *q, struct fault *why)
{
    char path[PATH_BYTES];
    if (q->wreck != NULL) return 0;
    aside_wreck_path(q, path, sizeof path);
    int r = wreck_open(path, &q->wreck);
    if (r >= 0) return 0;
    return fault_set(why, r, NULL, "%s: the damaged queue cannot be read", path);
}

int salvage_begin(struct queue *q, struct fault *why)
{
    static struct survey s;
    int r = open_wreck(q, why);
    if (r < 0) return r;
    memset(&s, 0, sizeof s);
    survey_all(q, &s);
    r = queue_change(q, why);
    if (r >= 0) take_values(q, &s);
    if (r >= 0) r = add_doubts(q, &s, why);
    return r < 0 ? r : queue_commit(q, why);
}

/* Rows ---------------------------------------------------------------------------------------- */

/* A record that goes on in other pages, gathered in q->record; false: the chain is broken. */
static bool gather(struct queue *q, const struct page_cell *c, struct str *out)
{
    unsigned char page[PAGE_BYTES];
    enum { MOST = PAGE_BYTES - PAGE_OVERFLOW_NEXT_BYTES };
    *out = (struct str){(const char *)c->payload, c->local_bytes};
    if (c->overflow == 0) return true;
    if (c->payload_bytes > q->record.max_bytes) return false;
    buf_clear(&q->record);
    buf_add_str(&q->record, *out);
    size_t left = (size_t)c->payload_bytes - c->local_bytes;
    for (uint32_t next = c->overflow; left > 0; next = page_u32(page)) {
        if (next == 0 || next > wreck_pages(q->wreck)) return false;
        wreck_read(q->wreck, next, page);
        size_t n = left < MOST ? left : MOST;
        buf_add(&q->record, page + PAGE_OVERFLOW_NEXT_BYTES, n);
        left -= n;
    }
    *out = buf_str(&q->record);
    return !q->record.failed;
}

static struct str bytes_of(const struct page_value *v)
{
    return v->kind == PAGE_TEXT || v->kind == PAGE_BLOB ? (struct str){(const char *)v->p, v->len}
                                                        : STR("");
}

/* A column's value for its new row. A seal says nothing of kinds, so the table's column does. */
static struct db_arg arg_of(char kind, const struct page_value *v)
{
    const struct db_arg none = {.kind = DB_NULL};
    struct str s = bytes_of(v);
    switch (kind) {
    case 'i': return DB_ARG_INT(v->number);
    case 'n': return v->kind == PAGE_NUMBER ? DB_ARG_INT(v->number) : none;
    case 'T': return DB_ARG_TEXT(s);
    case 't': return s.len > 0 ? DB_ARG_TEXT(s) : none;
    default: return s.len > 0 ? DB_ARG_BLOB(s) : none;
    }
}

/* What no seal proves is at least text that can be shown. */
static bool is_text(const struct page_value *v)
{
    struct str s = bytes_of(v);
    if (v->kind != PAGE_TEXT || s.len > ID_MAX_BYTES) return false;
    while (s.len > 0) {
        size_t n = str_utf8_char(s);
        if (n == 0) return false;
        s = (struct str){s.p + n, s.len - n};
    }
    return true;
}

static bool seal_opens(struct queue *q, const struct page_value *v, const struct page_value *sealed)
{
    const struct queue_bond bond = {
        .event_id = bytes_of(&v[1]),
        .event = bytes_of(&v[2]),
        .key_event = bytes_of(&v[3]),
        .test_code = bytes_of(&v[4]),
        .occurred_ms = v[5].number,
        .recorded_s = v[6].number,
        .flags = v[7].number,
        .boot_ms = v[8].number,
        .boot_id = bytes_of(&v[9]),
    };
    int n = queue_open_sealed(q, &bond, bytes_of(sealed), (char *)q->sealed);
    if (n > 0) wipe(q->sealed, (size_t)n);
    return n >= 0;
}

/* 1: neither its number nor its pair of id and name is there. */
static int is_new(struct queue *q, int64_t seq, const struct recent_key *key, struct fault *why)
{
    int64_t known = queue_known_seq(q, key, why);
    if (known < 0) return (int)known;
    db_start(q->db, SQL_FIND, DB_ARGS(DB_ARG_INT(seq)));
    int r = db_next(q->db, SQL_FIND, why);
    db_reset(q->db, SQL_FIND);
    return r < 0 ? r : r == 0 && known == 0;
}

/* kinds: a letter a column, behind seq: i number, n number or NULL, T text, t text or NULL, b blob. */
static int insert(struct queue *q, enum sql sql, int64_t seq, const struct page_value *v,
                  const char *kinds, struct fault *why)
{
    struct db_arg args[COLUMNS_MAX];
    struct recent_key key;
    struct str event = bytes_of(&v[2]), key_event = bytes_of(&v[3]);
    if (seq <= 0 || seq > q->slots[SLOT_LAST_SEQ]) return 0;
    if (queue_key_of(q, bytes_of(&v[1]), key_event.len > 0 ? key_event : event, &key) < 0) return 0;
    int r = is_new(q, seq, &key, why);
    if (r <= 0) return r;
    size_t n = 1;
    args[0] = DB_ARG_INT(seq);
    for (; kinds[n - 1] != '\0'; n++) args[n] = arg_of(kinds[n - 1], &v[n]);
    r = db_run(q->db, sql, args, n, why);
    if (r < 0) return r;
    struct str blob = {(const char *)key.bytes, RECENT_KEY_BYTES};
    r = db_run(q->db, SQL_KNOWN_ADD, DB_ARGS(DB_ARG_BLOB(blob), DB_ARG_INT(seq)), why);
    return r < 0 ? r : 1;
}

static int move_past(struct queue *q, int64_t seq, const struct page_value *v, struct fault *why)
{
    bool good = is_text(&v[1]) && is_text(&v[2]) && (v[3].kind == PAGE_NULL || is_text(&v[3]));
    for (int i = 4; i < COLUMNS_PAST; i++) good = good && v[i].kind == PAGE_NUMBER;
    if (!good || (v[7].number != QUEUE_SENT && v[7].number != QUEUE_DROPPED)) return 0;
    int r = insert(q, SQL_SALVAGE_PAST, seq, v, "TTtiiii", why);
    return r < 0 ? r : 0;
}

static int move_row(struct queue *q, int64_t seq, struct page_value *v, int columns,
                    struct fault *why)
{
    static const unsigned char unreadable[] = "unreadable";
    bool dead = columns == COLUMNS_DEAD;
    if (!seal_opens(q, v, &v[columns - 1])) {
        queue_set_slot(q, SLOT_SALVAGE_BROKEN, q->slots[SLOT_SALVAGE_BROKEN] + 1);
        return 0;
    }
    for (int i = 10; dead && i < 12; i++)
        if (!is_text(&v[i]))
            v[i] = (struct page_value){PAGE_TEXT, 0, unreadable, sizeof unreadable - 1};
    if (dead && v[12].kind != PAGE_NUMBER) v[12] = (struct page_value){.kind = PAGE_NUMBER};
    int r = dead ? insert(q, SQL_SALVAGE_DEAD, seq, v, "TTttiiinbTTib", why)
                 : insert(q, SQL_PUSH, seq, v, "TTttiiinbb", why);
    if (r <= 0) return r;
    queue_set_slot(q, SLOT_SALVAGE_SAVED, q->slots[SLOT_SALVAGE_SAVED] + 1);
    if (dead) queue_set_slot(q, SLOT_DEAD, q->slots[SLOT_DEAD] + 1);
    else queue_set_slot(q, SLOT_GONE, q->slots[SLOT_GONE] - 1);
    return 0;
}

static int move_cell(struct queue *q, enum stage pass, const struct page_cell *c, struct fault *why)
{
    struct page_value v[COLUMNS_MAX];
    struct str record;
    int columns = page_columns(c->payload, c->local_bytes);
    bool is_row = columns == COLUMNS_EVENT || columns == COLUMNS_DEAD;
    if (pass == PASS_PAST ? columns != COLUMNS_PAST : !is_row) return 0;
    if (!gather(q, c, &record)) return 0;
    if (page_record((const unsigned char *)record.p, record.len, v, COLUMNS_MAX) != columns)
        return 0;
    return is_row ? move_row(q, c->rowid, v, columns, why) : move_past(q, c->rowid, v, why);
}

static int move_page(struct queue *q, enum stage pass, uint32_t number, struct fault *why)
{
    unsigned char page[PAGE_BYTES];
    struct page_cell c;
    int r = 0;
    wreck_read(q->wreck, number, page);
    bool first = number == 1;
    if (!page_may_hold_rows(page, first)) return 0;
    if (pass == PASS_PAST && page[0] != PAGE_TABLE_LEAF) return 0;
    for (unsigned i = 0, n = page_cell_count(page, first); r >= 0 && i < n; i++)
        if (page_cell(page, first, i, &c)) r = move_cell(q, pass, &c, why);
    return r;
}

static int move_pages(struct queue *q, struct fault *why)
{
    int64_t until_ms = platform_mono_ms() + STEP_MS;
    enum stage pass = (enum stage)(q->slots[SLOT_SALVAGE_NEXT] >> 32);
    uint32_t page = (uint32_t)(q->slots[SLOT_SALVAGE_NEXT] & UINT32_MAX);
    int r = queue_change(q, why);
    for (unsigned n = 1; r >= 0 && page <= wreck_pages(q->wreck); n++) {
        r = move_page(q, pass, page++, why);
        if (n % PAGES_PER_CLOCK == 0 && platform_mono_ms() >= until_ms) break;
    }
    if (page > wreck_pages(q->wreck)) {
        pass++;
        page = 1;
    }
    if (r >= 0) queue_set_slot(q, SLOT_SALVAGE_NEXT, ((int64_t)pass << 32) + page);
    return r < 0 ? r : queue_load_ends(q, why);
}

/* Its new name says that it is done with; then the doubts without a row may go. */
static int finish(struct queue *q, struct fault *why)
{
    int r = aside_pending(q) ? aside_finish(q) : 0;
    wreck_close(q->wreck);
    q->wreck = NULL;
    if (r < 0)
        return fault_set(why, TILLPOST_E_STORAGE, NULL, "%s: the damaged queue cannot be renamed",
                         q->path);
    r = queue_change(q, why);
    if (r >= 0) queue_set_slot(q, SLOT_SALVAGE_NEXT, 0);
    return r < 0 ? r : doubt_prune(q, 1, q->slots[SLOT_LAST_SEQ], why);
}

int salvage_step(struct queue *q, struct fault *why)
{
    int64_t next = q->slots[SLOT_SALVAGE_NEXT];
    if (next == 0) return 0;
    bool done = next >> 32 >= PASS_DONE || !aside_pending(q);
    int r = done ? 0 : open_wreck(q, why);
    if (r >= 0) r = queue_done(q, done ? finish(q, why) : move_pages(q, why));
    return r < 0 ? r : queue_commit(q, why);
}
