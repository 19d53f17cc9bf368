/*
 * folder_file.c: the records of a file: calls, one a line or one in all, or rows.
 *
 * Calls are read through a buffer of one line; a line that does not fit is refused and passed over.
 * Rows are read by base/csv.h. What was read is wiped.
 */
#include "agent/folder_file.h"

#include "base/json.h"
#include "tiktok/event.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { IDENTITY_BYTES = 96, ANSWER_MAX_BYTES = 1024 * 1024, MARK_BYTES = 3 };

void folder_file_init(struct folder_file *f)
{
    memset(f, 0, sizeof *f);
    f->fd = -1;
    buf_init(&f->report, FOLDER_REPORT_MAX_BYTES + FAULT_MESSAGE_MAX_BYTES * 4);
    buf_init(&f->answer, ANSWER_MAX_BYTES);
}

int folder_file_open(struct folder_file *f, int fd, const struct stat *found, bool is_csv)
{
    f->fd = fd;
    f->found = *found;
    f->is_csv = is_csv;
    f->at = f->kept = (struct folder_point){.line = 1};
    if (is_csv) return csv_open(&f->csv, csv_fill_file, &f->fd);
    f->text = malloc(FOLDER_LINE_BYTES);
    return f->text ? 0 : TILLPOST_E_NO_MEMORY;
}

void folder_file_close(struct folder_file *f)
{
    if (f->fd >= 0) close(f->fd);
    csv_close(&f->csv);
    if (f->text) wipe(f->text, FOLDER_LINE_BYTES);
    free(f->text);
    buf_free(&f->report);
    buf_free(&f->answer);
    folder_file_init(f);
}

void folder_file_keep(struct folder_file *f)
{
    f->kept = f->at;
}

void folder_file_back(struct folder_file *f)
{
    f->at = f->kept;
    f->at_end = false;
    f->from = f->to = 0;
    f->report.len = f->kept.report_bytes;
    if (f->kept.taken == 0) f->has_header = f->is_hopeless = false;
    if (lseek(f->fd, (off_t)f->kept.taken, SEEK_SET) < 0) f->at_end = true;
    if (!f->is_csv) return;
    csv_close(&f->csv);
    if (csv_open(&f->csv, csv_fill_file, &f->fd) < 0) return; /* its next record says so */
    f->csv.started = f->kept.taken > 0;
    f->csv.taken = f->kept.taken;
    f->csv.line = f->kept.line;
    f->csv.skips_line = f->kept.skips;
}

/* The report ---------------------------------------------------------------------------------- */

static void refuse(struct folder_file *f, uint64_t line, const char *code, struct str path,
                   struct str message)
{
    f->at.refused++;
    if (f->report.len > FOLDER_REPORT_MAX_BYTES) return;
    buf_printf(&f->report, "line %" PRIu64 ": %s: ", line, code);
    if (path.len) buf_printf(&f->report, "%.*s: ", (int)path.len, path.p);
    buf_printf(&f->report, "%.*s\n", (int)message.len, message.p);
    if (f->report.len > FOLDER_REPORT_MAX_BYTES) buf_add_z(&f->report, "and more\n");
    f->at.report_bytes = f->report.len;
}

/* Calls --------------------------------------------------------------------------------------- */

static struct str held(const struct folder_file *f)
{
    return (struct str){f->text + f->from, f->to - f->from};
}

static void take(struct folder_file *f, size_t bytes, unsigned lines)
{
    f->from += bytes;
    f->at.taken += bytes;
    f->at.line += lines;
}

/* Fills the buffer up; < 0: the file cannot be read. */
static int fill_up(struct folder_file *f)
{
    memmove(f->text, f->text + f->from, f->to - f->from);
    f->to -= f->from;
    f->from = 0;
    while (!f->at_end && f->to < FOLDER_LINE_BYTES) {
        long n = csv_fill_file(&f->fd, f->text + f->to, FOLDER_LINE_BYTES - f->to);
        if (n < 0) return (int)n;
        f->at_end = n == 0;
        f->to += (size_t)n;
    }
    if (f->at.taken == 0 && str_starts(held(f), "\xef\xbb\xbf")) take(f, MARK_BYTES, 0);
    return 0;
}

/* A file that is one call as a whole is one record, however many lines it has. */
static bool is_one_call(const struct folder_file *f)
{
    return f->at.rows == 0 && f->at_end && f->at.line == 1 && json_check(held(f), NULL) >= 0;
}

/* 1: a line (or what the buffer holds of one that is too long), 0: the end. */
static int next_line(struct folder_file *f, struct str *out, bool *too_long)
{
    if (!memchr(f->text + f->from, '\n', f->to - f->from)) {
        int rc = fill_up(f);
        if (rc < 0) return rc;
    }
    *too_long = false;
    *out = held(f);
    if (out->len == 0) return 0;
    if (is_one_call(f)) {
        take(f, out->len, 1);
        return 1;
    }
    const char *end = memchr(out->p, '\n', out->len);
    if (end) out->len = (size_t)(end - out->p);
    *too_long = !end && !f->at_end;
    take(f, out->len + (end != NULL), end != NULL);
    return 1;
}

/* The same call of the same file has the same id; one that says when it was has it in any file. */
static void derive_id(struct ingest *g, const struct folder_file *f, uint64_t offset,
                      struct str call)
{
    char file[IDENTITY_BYTES] = "any";
    if (json_check(call, NULL) < 0 || call.p[0] != '{') return;
    if (!json_raw_member(call, "timestamp").len && !json_raw_member(call, "originalTimestamp").len)
        (void)snprintf(file, sizeof file, "%" PRIu64 "/%" PRId64 ".%09ld/%" PRIu64,
                       (uint64_t)f->found.st_ino, (int64_t)f->found.st_mtim.tv_sec,
                       (long)f->found.st_mtim.tv_nsec, offset);
    (void)tiktok_derive_id(STR("call"), str_from(file), call, g->own_id);
}

static struct str text_in(struct str answer, const char *key)
{
    struct str raw = json_raw_member(answer, key);
    return raw.len < 2 ? (struct str){"", 0} : (struct str){raw.p + 1, raw.len - 2};
}

/* < 0: a fault of the queue. */
static int take_call(struct folder_file *f, struct ingest *g, const struct clock_now *now,
                     struct str call, uint64_t line, uint64_t offset)
{
    char code[32];
    derive_id(g, f, offset, call);
    buf_clear(&f->answer);
    int http = ingest_call(g, now, NULL, call, &f->answer);
    g->own_id[0] = 0;
    f->at.rows++;
    if (http == 200) return 1;
    if (http >= 500) return TILLPOST_E_STORAGE;
    struct str answer = buf_str(&f->answer), name = text_in(answer, "code");
    (void)snprintf(code, sizeof code, "%.*s", (int)name.len, name.p);
    refuse(f, line, code, text_in(answer, "path"), text_in(answer, "message"));
    return 1;
}

static int next_call(struct folder_file *f, struct ingest *g, const struct clock_now *now)
{
    struct str text;
    bool too_long;
    uint64_t line = f->at.line, offset = f->at.taken;
    int rc = next_line(f, &text, &too_long);
    if (rc <= 0) return rc;
    bool is_tail = f->at.skips;
    f->at.skips = too_long;
    if (is_tail) return 1;
    if (too_long) {
        f->at.rows++;
        refuse(f, line, "too_large", STR(""), STR("a line may have 32 KiB: send smaller calls"));
        return 1;
    }
    text = str_trim(text);
    return text.len ? take_call(f, g, now, text, line, offset) : 1;
}

/* Rows ---------------------------------------------------------------------------------------- */

static void refuse_row(struct folder_file *f, uint64_t line, const struct tiktok_csv_refusal *why)
{
    char code[64];
    (void)snprintf(code, sizeof code, "%s", tillpost_err_info(why->why.err)->wire);
    refuse(f, line, code, str_from(why->why.path), str_from(why->why.message));
}

static int read_header(struct folder_file *f, const struct csv_record *record)
{
    struct tiktok_csv_refusal why;
    f->has_header = true;
    int rc =
        record->fault != CSV_GOOD
            ? tiktok_csv_fault(NULL, record->fault, record->fault_field, &why)
            : tiktok_csv_read_header(record->fields, record->count, NULL, 0, &f->rows.header, &why);
    if (rc >= 0) return 1;
    refuse_row(f, record->line, &why);
    f->is_hopeless = true;
    return 0;
}

static int next_row(struct folder_file *f, struct ingest *g, const struct clock_now *now)
{
    struct csv_record record;
    struct rows_taken taken;
    if (!f->csv.text) return TILLPOST_E_NO_MEMORY;
    int rc = csv_next(&f->csv, &record);
    f->at.taken = f->csv.taken;
    f->at.line = f->csv.line;
    f->at.skips = f->csv.skips_line;
    if (rc <= 0) return rc;
    if (!f->has_header) return read_header(f, &record);
    f->at.rows++;
    if (rows_take(g, now, &f->rows, &record, &taken) >= 0) return 1;
    if (tillpost_err_info(taken.refusal.why.err)->http >= 500) return TILLPOST_E_STORAGE;
    refuse_row(f, record.line, &taken.refusal);
    return 1;
}

int folder_file_slice(struct folder_file *f, struct ingest *g, const struct clock_now *now)
{
    int rc = 1;
    uint64_t from = f->at.taken;
    for (int i = 0; rc > 0 && i < FOLDER_SLICE_ROWS; i++) {
        rc = f->is_csv ? next_row(f, g, now) : next_call(f, g, now);
        if (f->at.taken - from > FOLDER_SLICE_BYTES) break;
    }
    buf_clear(&f->answer);
    return rc;
}
