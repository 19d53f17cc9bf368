/*
 * export.c: see export.h.
 *
 * The rows of a settle are read from the text of its body: a tree of them would need many times the
 * memory. First each is looked at, then all are settled.
 */
#include "agent/export.h"

#include "base/json.h"
#include "queue/leave.h"
#include "tiktok/csv_write.h"
#include "tiktok/event.h"

/* Pages --------------------------------------------------------------------------------------- */

enum { ARENA_MAX_BYTES = 2 * 1024 * 1024, ROW_MAX_BYTES = 256 * 1024 };
#define TIME_BEFORE_MAX_MS (90LL * 24 * 3600 * 1000) /* before the clock's lower bound */

enum stay { STAY_IN_FLIGHT, STAY_IN_DOUBT, STAY_NO_FORM, STAYS };
static const char *const stay_names[STAYS] = {"in_flight", "in_doubt", "no_form"};

struct page {
    const struct export_view *view;
    struct buf *out;
    unsigned seen, rows, stay[STAYS];
    int64_t last_seq;
    bool full;
    int rc;
    struct buf rest, row;
    struct arena arena;
};

static bool is_busy(const struct export_view *v, int64_t seq)
{
    return seq >= v->busy.first && seq <= v->busy.last;
}

static bool is_doubtful(const struct export_view *v, int64_t seq)
{
    struct queue_range range;
    return queue_doubt_count(v->queue) > 0 && queue_doubt_find(v->queue, seq, &range) == 1;
}

/* A till that booted in 1970 has stamped its sales so; only a verified server tells the truth. What
 * the register itself said may be right. */
static bool time_is_known(const struct export_view *v, const struct queue_row *row)
{
    if (v->clock->trusted || !row->unjudged) return true;
    return !row->stamped && row->occurred_ms > v->clock->lower_ms - TIME_BEFORE_MAX_MS &&
           row->occurred_ms <= v->clock->lower_ms + CLOCK_PLAUSIBLE_MS;
}

/* 1: p->row is the row; 0: it has none. */
static int write_row(struct page *p, const struct queue_row *row)
{
    const struct export_view *v = p->view;
    if (row->test_code.len || !time_is_known(v, row)) return 0;
    buf_clear(&p->rest);
    int rc = queue_unseal(v->queue, row->seq, &p->rest, NULL);
    if (rc < 0) return rc == TILLPOST_E_NO_MEMORY ? rc : 0;
    return tiktok_csv_write(&p->row, &p->arena, row->event, clock_event_ms(v->clock, v->now, row),
                            buf_str(&p->rest));
}

static int see_row(void *ctx, const struct queue_row *row)
{
    struct page *p = ctx;
    p->seen++;
    p->last_seq = row->seq;
    if (is_busy(p->view, row->seq)) {
        p->stay[STAY_IN_FLIGHT]++;
    } else if (is_doubtful(p->view, row->seq)) {
        p->stay[STAY_IN_DOUBT]++;
    } else {
        p->rc = write_row(p, row);
        if (p->rc < 0) return 1;
        if (p->rc == 0) p->stay[STAY_NO_FORM]++;
        if (p->rc == 0) return 0;
        buf_printf(p->out, "%s{\"seq\":%lld,\"row\":", p->rows++ ? "," : "", (long long)row->seq);
        json_write_string(p->out, buf_str(&p->row));
        buf_add_char(p->out, '}');
    }
    p->full = p->out->len > EXPORT_PAGE_MAX_BYTES;
    return p->full;
}

static void write_header(struct page *p)
{
    buf_clear(&p->row);
    tiktok_csv_write_header(&p->row);
    buf_add_z(p->out, "{\"header\":");
    json_write_string(p->out, buf_str(&p->row));
    buf_add_z(p->out, ",\"rows\":[");
}

static void write_end(struct page *p)
{
    buf_add_z(p->out, "],\"next\":");
    if (p->full || p->seen == EXPORT_PAGE_ROWS) buf_printf(p->out, "%lld", (long long)p->last_seq);
    else buf_add_z(p->out, "null");
    buf_add_z(p->out, ",\"stay\":{");
    for (int i = 0; i < STAYS; i++)
        buf_printf(p->out, "%s\"%s\":%u", i ? "," : "", stay_names[i], p->stay[i]);
    buf_add_z(p->out, "}}");
}

int export_page(const struct export_view *v, int64_t after, struct buf *out, struct fault *why)
{
    struct page p = {.view = v, .out = out};
    buf_init(&p.rest, QUEUE_ROW_MAX_BYTES);
    buf_init(&p.row, ROW_MAX_BYTES);
    arena_init(&p.arena, (size_t)32 * 1024, ARENA_MAX_BYTES);
    write_header(&p);
    int rc = queue_list(v->queue, QUEUE_QUEUED, after, EXPORT_PAGE_ROWS, see_row, &p, why);
    if (rc >= 0 && p.rc < 0)
        rc = fault_set(why, p.rc, "", "no memory to write the rows; try again");
    if (rc >= 0) write_end(&p);
    buf_free(&p.rest);
    buf_free(&p.row);
    arena_free(&p.arena);
    return rc < 0 ? rc : 0;
}

/* Settling ------------------------------------------------------------------------------------ */

struct check { /* of one range */
    const struct export_view *view;
    int64_t rows;
};

static int check_row(void *ctx, const struct queue_row *row)
{
    struct check *c = ctx;
    if (is_busy(c->view, row->seq) || is_doubtful(c->view, row->seq)) return 1;
    c->rows++;
    return 0;
}

static bool read_seq(struct str text, int64_t *out)
{
    uint64_t n = 0;
    if (str_to_u64(str_trim(text), &n) < 0 || n < 1 || n > EXPORT_NUMBER_MAX) return false;
    *out = (int64_t)n;
    return true;
}

/* SEQ or [FIRST,LAST], above what came before. */
static int read_range(struct str text, struct queue_range *out, struct fault *why)
{
    struct str last = {NULL, 0}, first = text;
    int64_t before = out->last;
    bool good = false;
    if (str_starts(text, "[")) {
        first = str_split((struct str){text.p + 1, text.len - 2}, ',', &last);
        good = read_seq(first, &out->first) && read_seq(last, &out->last);
    } else {
        good = read_seq(first, &out->first);
        out->last = out->first;
    }
    if (good && out->first > before && out->last >= out->first) return 0;
    return fault_set(why, TILLPOST_E_BAD_REQUEST, "$.rows",
                     "rows must be the seqs of the pages, rising: [1,2,[5,900]]");
}

static int check_range(const struct export_view *v, const struct queue_range *r, struct fault *why)
{
    struct check c = {.view = v};
    int rc = queue_walk(v->queue, r->first, r->last, check_row, &c, why);
    if (rc < 0) return rc;
    if (c.rows == r->last - r->first + 1) return 0;
    return fault_set(why, TILLPOST_E_BUSY, "$.rows",
                     "some of these events are being delivered or have gone: nothing was settled; "
                     "throw the files away and export again");
}

/* Looks at each range and adds it to the numbers; *count is how many rows they name. */
static int check_ranges(const struct export_view *v, struct str rows, struct queue_numbers *numbers,
                        int64_t *count, struct fault *why)
{
    struct queue_range range = {0};
    struct str item = {NULL, 0};
    size_t pos = 0;
    int rc = 0;
    *count = 0;
    while (rc >= 0 && json_raw_next(rows, &pos, &item)) {
        rc = read_range(item, &range, why);
        if (rc >= 0) rc = check_range(v, &range, why);
        queue_numbers_add(numbers, range.first, range.last);
        *count += range.last - range.first + 1;
    }
    return rc;
}

static int settle_ranges(const struct export_view *v, int64_t number, struct str list,
                         int64_t *rows, struct fault *why)
{
    const struct queue_whole whole = {QUEUE_VALUE_EXPORT, number, QUEUE_VALUE_EXPORTED_TOTAL};
    const int64_t now_s = clock_truth_ms(v->clock, v->now) / 1000;
    struct queue_numbers numbers;
    queue_numbers_init(&numbers);
    int rc = check_ranges(v, list, &numbers, rows, why);
    if (rc >= 0) rc = queue_settle_whole(v->queue, &numbers, now_s, &whole, why);
    queue_numbers_free(&numbers);
    return rc;
}

static int read_body(struct str body, int64_t *number, struct str *rows, struct fault *why)
{
    int rc = json_check(body, why);
    if (rc < 0) return rc;
    if (str_starts(str_trim(body), "{")) {
        *rows = json_raw_member(body, "rows");
        if (read_seq(json_raw_member(body, "export"), number) && str_starts(*rows, "[")) return 0;
    }
    return fault_set(why, TILLPOST_E_BAD_REQUEST, "$",
                     "the body must be {\"export\":NUMBER,\"rows\":[SEQ,[FIRST,LAST],…]}");
}

int export_settle(const struct export_view *v, struct str body, struct buf *out, struct fault *why)
{
    int64_t number = 0, rows = 0;
    struct str list = {NULL, 0};
    int rc = read_body(body, &number, &list, why);
    if (rc >= 0 && queue_value(v->queue, QUEUE_VALUE_EXPORT) != number)
        rc = settle_ranges(v, number, list, &rows, why);
    if (rc < 0) return rc;
    buf_printf(out, "{\"success\":true,\"settled\":%lld}", (long long)rows);
    return 0;
}
