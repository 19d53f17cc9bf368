/*
 * csv.c: RFC 4180, read in one pass over a window of the file.
 *
 * Why not a library: libcsv, the one that distributions carry (3.0.3, 2013), lets a field grow
 * without bound, leaves copies of it in freed memory, does not say on which line a record stands,
 * and ends at the first fault in strict mode or hides it in the other.
 *
 * What always holds:
 * 1. The window holds the longest record and what follows it, so that memory does not depend on the
 *    file.
 * 2. A quote that is never closed costs the one line where it opens: were it to swallow what
 *    follows, one slip of a hand would lose a file's rest.
 * 3. `line` counts line ends of all three kinds, those inside quotes too: it is the number that an
 *    editor shows.
 */
#include "base/csv.h"

#include "base/unicode.h"
#include "tillpost/err.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    WINDOW_BYTES = 3 * CSV_RECORD_MAX_BYTES,
    LINE_END_MAX_BYTES = 2,
    RECORD_MORE_BYTES = CSV_RECORD_MAX_BYTES + LINE_END_MAX_BYTES, /* then a record's end is seen */
};

static const char byte_order_mark[] = "\xEF\xBB\xBF";

static const char *const fault_names[CSV_FAULTS] = {
    [CSV_GOOD] = "good",           [CSV_BAD_CHARACTER] = "bad_character",
    [CSV_BAD_QUOTE] = "bad_quote", [CSV_OPEN_QUOTE] = "open_quote",
    [CSV_TOO_LONG] = "too_long",   [CSV_TOO_MANY_FIELDS] = "too_many_fields",
};

const char *csv_fault_name(enum csv_fault fault)
{
    return fault_names[fault];
}

enum csv_fault csv_fault_of(struct str name)
{
    enum csv_fault fault = CSV_GOOD;
    while (fault < CSV_FAULTS && !str_is(name, fault_names[fault])) fault++;
    return fault;
}

long csv_fill_file(void *fd, char *to, size_t bytes_max)
{
    ssize_t n;
    do n = read(*(int *)fd, to, bytes_max);
    while (n < 0 && errno == EINTR);
    return n < 0 ? TILLPOST_E_IO : (long)n;
}

int csv_open(struct csv_reader *r, csv_fill fill, void *ctx)
{
    *r = (struct csv_reader){.fill = fill, .ctx = ctx, .line = 1};
    buf_init(&r->cells, CSV_RECORD_MAX_BYTES);
    r->text = malloc(WINDOW_BYTES);
    if (r->text && buf_reserve(&r->cells, CSV_RECORD_MAX_BYTES)) return TILLPOST_OK;
    csv_close(r);
    return TILLPOST_E_NO_MEMORY;
}

void csv_close(struct csv_reader *r)
{
    if (r->text) wipe(r->text, WINDOW_BYTES);
    free(r->text);
    r->text = NULL;
    buf_free(&r->cells);
}

/* The window ---------------------------------------------------------------------------------- */

static struct str window(const struct csv_reader *r)
{
    return (struct str){r->text + r->from, r->to - r->from};
}

/* Fills until the longest record is in the window, or the file ends. */
static int fill_window(struct csv_reader *r)
{
    if (r->at_end || r->to - r->from >= RECORD_MORE_BYTES) return TILLPOST_OK;
    memmove(r->text, r->text + r->from, r->to - r->from);
    r->to -= r->from;
    r->from = 0;
    while (!r->at_end && r->to < RECORD_MORE_BYTES) {
        long n = r->fill(r->ctx, r->text + r->to, WINDOW_BYTES - r->to);
        if (n < 0) return (int)n;
        r->to += (size_t)n;
        r->at_end = n == 0;
    }
    return TILLPOST_OK;
}

static size_t line_end_at(struct str text, size_t i)
{
    if (i >= text.len) return 0;
    if (text.p[i] == '\n') return 1;
    if (text.p[i] != '\r') return 0;
    return i + 1 < text.len && text.p[i + 1] == '\n' ? 2 : 1;
}

/* Bytes before the first line end, or all. */
static size_t line_length(struct str text)
{
    size_t i = 0;
    while (i < text.len && text.p[i] != '\n' && text.p[i] != '\r') i++;
    return i;
}

static void take(struct csv_reader *r, size_t bytes)
{
    struct str taken = {r->text + r->from, bytes};
    for (size_t i = 0; i < bytes;) {
        size_t end = line_end_at(taken, i);
        r->line += end > 0;
        i += end > 0 ? end : 1;
    }
    r->from += bytes;
    r->taken += bytes;
}

/* The rest of a line of which only the beginning was looked at. */
static int skip_line(struct csv_reader *r)
{
    while (r->skips_line) {
        int rc = fill_window(r);
        if (rc < 0) return rc;
        struct str text = window(r);
        size_t len = line_length(text);
        size_t end = len + 1 == text.len && !r->at_end ? 0 : line_end_at(text, len);
        r->skips_line = end == 0 && (len < text.len || !r->at_end);
        take(r, len + end);
    }
    return TILLPOST_OK;
}

/* One record ---------------------------------------------------------------------------------- */

enum state { AT_START, PLAIN, QUOTED, BEHIND_QUOTE };

struct scan {
    struct buf *cells;
    struct csv_record *out;
    enum state state;
    size_t field; /* where the field at hand begins in cells */
};

static void note(struct csv_record *out, enum csv_fault fault, size_t field)
{
    if (out->fault != CSV_GOOD) return;
    out->fault = fault;
    out->fault_field = field;
}

static void end_field(struct scan *s)
{
    struct csv_record *out = s->out;
    struct str field = {s->cells->p + s->field, s->cells->len - s->field};
    if (out->count == CSV_FIELDS_MAX) note(out, CSV_TOO_MANY_FIELDS, CSV_FIELDS_MAX);
    else out->fields[out->count++] = field;
    s->field = s->cells->len;
    s->state = AT_START;
}

static void take_quote(struct scan *s)
{
    if (s->state == AT_START) {
        s->state = QUOTED;
        return;
    }
    if (s->state == QUOTED) {
        s->state = BEHIND_QUOTE;
        return;
    }
    if (s->state == PLAIN) note(s->out, CSV_BAD_QUOTE, s->out->count);
    else s->state = QUOTED;
    buf_add_char(s->cells, '"');
}

static void take_char(struct scan *s, char c)
{
    if (c == '"') {
        take_quote(s);
    } else if (c == ',' && s->state != QUOTED) {
        end_field(s);
    } else {
        if (s->state == BEHIND_QUOTE) note(s->out, CSV_BAD_QUOTE, s->out->count);
        if (s->state != QUOTED) s->state = PLAIN;
        buf_add_char(s->cells, c);
    }
}

/* Where the record that text begins with ends; past CSV_RECORD_MAX_BYTES when it is too long. */
static size_t scan_record(struct scan *s, struct str text)
{
    size_t i = 0;
    for (; i < text.len && i <= CSV_RECORD_MAX_BYTES; i++) {
        if (s->state != QUOTED && line_end_at(text, i) > 0) break;
        if (i < CSV_RECORD_MAX_BYTES) take_char(s, text.p[i]);
    }
    if (s->state == QUOTED) note(s->out, CSV_OPEN_QUOTE, s->out->count);
    else if (i > CSV_RECORD_MAX_BYTES) note(s->out, CSV_TOO_LONG, s->out->count);
    end_field(s);
    return i;
}

static bool is_clean(struct str text)
{
    while (text.len > 0) {
        unsigned char c = (unsigned char)text.p[0];
        bool is_control = (c < ' ' && c != '\t' && c != '\n' && c != '\r') || c == 0x7F;
        size_t n = is_control ? 0 : str_utf8_char(text);
        if (n == 0) return false;
        text = (struct str){text.p + n, text.len - n};
    }
    return true;
}

static bool has_text(struct csv_record *out)
{
    bool found = out->fault != CSV_GOOD;
    for (size_t i = 0; i < out->count && !found; i++) found = !unicode_is_blank(out->fields[i]);
    return found;
}

/* Sees to what a record must not be; only its first line is taken when its end is not known. */
static size_t judge(struct csv_record *out, struct str text, size_t len)
{
    bool is_open = out->fault == CSV_OPEN_QUOTE || out->fault == CSV_TOO_LONG;
    if (len > CSV_RECORD_MAX_BYTES && !is_open) {
        out->fault = CSV_TOO_LONG;
        is_open = true;
    }
    for (size_t i = 0; i < out->count && !is_open; i++) {
        if (out->fault == CSV_GOOD && !is_clean(out->fields[i])) note(out, CSV_BAD_CHARACTER, i);
    }
    if (!is_open) return len;
    out->count = 0;
    return line_length((struct str){text.p, len});
}

static bool read_record(struct csv_reader *r, struct csv_record *out)
{
    struct str text = window(r);
    struct scan s = {.cells = &r->cells, .out = out, .state = AT_START};
    buf_clear(&r->cells);
    out->count = 0;
    out->fault = CSV_GOOD;
    out->fault_field = 0;
    out->line = r->line;
    size_t len = judge(out, text, scan_record(&s, text));
    size_t end = line_end_at(text, len);
    out->raw = (struct str){text.p, len};
    r->skips_line = end == 0 && len < text.len;
    take(r, len + end);
    return has_text(out);
}

int csv_next(struct csv_reader *r, struct csv_record *out)
{
    for (;;) {
        int rc = skip_line(r);
        if (rc >= 0) rc = fill_window(r);
        if (rc < 0) return rc;
        if (!r->started && str_starts(window(r), byte_order_mark)) {
            take(r, sizeof byte_order_mark - 1);
        }
        r->started = true;
        if (r->from == r->to) return 0;
        if (read_record(r, out)) return 1;
    }
}

void csv_write_field(struct buf *out, struct str field)
{
    bool plain = true;
    for (size_t i = 0; i < field.len && plain; i++) plain = !strchr(",\"\r\n", field.p[i]);
    if (plain) {
        buf_add_str(out, field);
        return;
    }
    buf_add_char(out, '"');
    for (size_t i = 0; i < field.len; i++) {
        if (field.p[i] == '"') buf_add_char(out, '"');
        buf_add_char(out, field.p[i]);
    }
    buf_add_char(out, '"');
}
