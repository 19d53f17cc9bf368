/* report.c: see report.h. With --json one object is written, piece by piece as it comes. */
#include "cli/report.h"

#include "base/json.h"
#include "platform/platform.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum {
    HEADER_MAX_BYTES = 64 * 1024,
    LINE_MAX_BYTES = 8 * 1024,
    DRAW_EVERY_MS = 100,
    RATE_AFTER_MS = 500, /* before, a rate says nothing */
    BAR_CELLS = 24,
    NAME_MAX_BYTES = 24,
};

void report_open(struct report *r, bool json, bool dry_run, int rejects_fd)
{
    *r = (struct report){.json = json, .dry_run = dry_run, .began_ms = platform_mono_ms()};
    r->shows_progress = isatty(STDERR_FILENO) == 1;
    buf_init(&r->header, HEADER_MAX_BYTES);
    if (rejects_fd >= 0) r->rejects = fdopen(rejects_fd, "w");
    r->rejects_failed = rejects_fd >= 0 && !r->rejects;
    if (json) printf("{\"dry_run\":%s,\"rejects\":[", dry_run ? "true" : "false");
}

/* The file of refused rows -------------------------------------------------------------------- */

bool report_header(struct report *r, struct str raw)
{
    if (!r->rejects) return true;
    if (r->header.len) return str_equal(buf_str(&r->header), raw);
    buf_add_str(&r->header, raw);
    return true;
}

static void write_line(struct report *r, struct str text)
{
    bool good =
        fwrite(text.p, 1, text.len, r->rejects) == text.len && fwrite("\n", 1, 1, r->rejects) == 1;
    if (!good) r->rejects_failed = true;
}

static void keep_row(struct report *r, struct str raw)
{
    if (!r->rejects || !raw.len) return;
    if (!r->header_stands) write_line(r, buf_str(&r->header));
    r->header_stands = true;
    write_line(r, raw);
}

static bool close_rejects(struct report *r)
{
    if (!r->rejects) return !r->rejects_failed;
    bool good = !r->rejects_failed && fflush(r->rejects) == 0;
    (void)fsync(fileno(r->rejects)); /* a pipe has none */
    good = fclose(r->rejects) == 0 && good;
    r->rejects = NULL;
    return good;
}

/* Refusals and warnings ----------------------------------------------------------------------- */

void report_clear(struct report *r)
{
    if (r->line_open) (void)fputs("\r\033[K", stderr);
    r->line_open = false;
}

static void add_member(struct buf *out, const char *key, struct str value)
{
    buf_printf(out, ",\"%s\":", key);
    if (value.len) json_write_string(out, value);
    else buf_add_z(out, "null");
}

static void write_json(struct buf *out, const struct report_refusal *f, bool first)
{
    buf_add_z(out, first ? "{\"file\":" : ",{\"file\":");
    json_write_string(out, str_from(f->file));
    if (f->line) buf_printf(out, ",\"line\":%" PRIu64, f->line);
    else buf_add_z(out, ",\"line\":null");
    add_member(out, "column", f->column);
    add_member(out, "category", f->category);
    add_member(out, "code", f->code);
    add_member(out, "message", f->message);
    buf_add_char(out, '}');
}

static void write_words(struct buf *out, const struct report_refusal *f)
{
    buf_printf(out, "%s: ", f->file);
    if (f->line) buf_printf(out, "line %" PRIu64 ": ", f->line);
    if (f->column.len) {
        buf_add_str(out, f->column);
        buf_add_z(out, ": ");
    }
    buf_add_str(out, f->category);
    buf_add_z(out, ": ");
    buf_add_str(out, f->message);
    buf_add_char(out, '\n');
}

void report_refusal(struct report *r, const struct report_refusal *refusal)
{
    struct buf line;
    buf_init(&line, LINE_MAX_BYTES);
    if (r->json) write_json(&line, refusal, !r->listed);
    else write_words(&line, refusal);
    report_clear(r);
    (void)fwrite(line.p ? line.p : "", 1, line.len, stdout);
    if (r->shows_progress) (void)fflush(stdout);
    buf_free(&line);
    r->listed = true;
    if (refusal->line) r->refused += refusal->raw.len > 0;
    keep_row(r, refusal->raw);
}

void report_warning(struct report *r, const char *file, uint64_t line, struct str column,
                    struct str message)
{
    r->warnings++;
    if (r->warnings > REPORT_WARNINGS_MAX) return;
    report_clear(r);
    fprintf(stderr, "%s: line %" PRIu64 ": %.*s: warning: %.*s\n", file, line, (int)column.len,
            column.p, (int)message.len, message.p);
    if (r->warnings == REPORT_WARNINGS_MAX)
        fprintf(stderr, "tillpost: further warnings are counted, not shown\n");
}

/* Progress ------------------------------------------------------------------------------------ */

static void draw_time(int64_t seconds)
{
    fprintf(stderr, ", %d:%02d left", (int)(seconds / 60), (int)(seconds % 60));
}

static void draw_bar(uint64_t bytes, uint64_t bytes_total)
{
    int filled = (int)(bytes * BAR_CELLS / bytes_total);
    (void)fputc('[', stderr);
    for (int i = 0; i < BAR_CELLS; i++) (void)fputc(i < filled ? '#' : '.', stderr);
    fprintf(stderr, "] %3d %%  ", (int)(bytes * 100 / bytes_total));
}

static struct str base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return str_from(slash ? slash + 1 : path);
}

void report_progress(struct report *r, const char *file, uint64_t bytes, uint64_t bytes_total)
{
    int64_t now_ms = platform_mono_ms(), spent_ms = now_ms - r->began_ms;
    if (!r->shows_progress || now_ms - r->drawn_ms < DRAW_EVERY_MS) return;
    r->drawn_ms = now_ms;
    report_clear(r);
    r->line_open = true;
    struct str name = str_cut(base_name(file), NAME_MAX_BYTES);
    fprintf(stderr, "%.*s  ", (int)name.len, name.p);
    if (bytes_total) draw_bar(bytes, bytes_total);
    fprintf(stderr, "%" PRIu64 " rows", r->rows);
    if (spent_ms < RATE_AFTER_MS) return;
    fprintf(stderr, ", %" PRIu64 "/s", r->rows * 1000 / (uint64_t)spent_ms);
    if (bytes && bytes_total > bytes)
        draw_time((int64_t)((double)spent_ms * (double)(bytes_total - bytes) / (double)bytes) /
                  1000);
}

/* The sum ------------------------------------------------------------------------------------- */

static void tell_sum(const struct report *r)
{
    if (r->json) {
        printf("],\"rows\":%" PRIu64 ",\"queued\":%" PRIu64 ",\"duplicate\":%" PRIu64
               ",\"refused\":%" PRIu64 ",\"warnings\":%" PRIu64 "}\n",
               r->rows, r->queued, r->duplicate, r->refused, r->warnings);
    } else if (r->dry_run) {
        printf("%" PRIu64 " rows: %" PRIu64 " good, %" PRIu64
               " refused; a dry run: nothing was queued\n",
               r->rows, r->rows - r->refused, r->refused);
    } else {
        printf("%" PRIu64 " rows: %" PRIu64 " queued, %" PRIu64 " known already, %" PRIu64
               " refused\n",
               r->rows, r->queued, r->duplicate, r->refused);
    }
}

bool report_close(struct report *r)
{
    report_clear(r);
    tell_sum(r);
    buf_free(&r->header);
    return close_rejects(r);
}
