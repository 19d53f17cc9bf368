/*
 * import.c: TikTok's upload files, row by row into the queue.
 *
 * A file is read record by record and handed over in parts of PART_ROWS: to the agent's /v1/rows,
 * or, when none runs, to the queue itself, which a part leaves in one commit. What always holds:
 * 1. Memory does not grow with the file: one part and the reader's window are all there is.
 * 2. A part that was answered is on stable storage, and a row's id is made of the row: whoever is
 *    killed, running the same command again ends where it would have ended.
 * 3. All files, and the one for refused rows, are opened first: by then root still is root, and no
 *    row is queued of a command that cannot do its whole work.
 */
#include "base/csv.h"
#include "base/json.h"
#include "cli/report.h"
#include "cli/source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PART_ROWS = 250,             /* a sale that comes meanwhile waits for no more than these */
    PART_MAX_BYTES = 500 * 1024, /* as the route takes */
    ROW_MAX_BYTES = 2 * CSV_RECORD_MAX_BYTES + 4 * CSV_FIELDS_MAX,
    HEAD_MAX_BYTES = 2 * ROW_MAX_BYTES,
    NAME_MAX_BYTES = 64, /* of a column, in a message */
    TRIES_MAX = 10,
    WAIT_MS = 500,
    OPEN_FAILED = -1,
};

struct import {
    struct cli *c;
    struct source source;
    bool was_online; /* the agent has answered: it will come back */
    struct report report;
    int status;
    bool stop; /* a fault that the next file would meet, too */

    const char *name; /* of the file at hand */
    struct stat stat;
    int fd;
    struct csv_reader reader;
    struct buf head; /* {"header":[…],"map":{…},"consented":…,"rows":[ */
    struct buf part; /* head, then rows */
    struct buf raws; /* their records, for rejects */
    size_t rows;
    uint64_t lines[PART_ROWS];
    size_t raw_bytes[PART_ROWS]; /* of each in raws */
};

static void fail(struct import *i, int status)
{
    if (i->status == EXIT_OK || i->status == EXIT_DATA) i->status = status;
}

/* Asking -------------------------------------------------------------------------------------- */

static struct str text_of(const struct json *v, const char *key)
{
    return json_string(json_get(v, key));
}

static void tell_stop(struct import *i, int status, const char *message)
{
    report_clear(&i->report);
    fprintf(stderr, "tillpost: %s\n", message);
    fail(i, status);
    i->stop = true;
}

/* The HTTP status of one request, its answer in the source's; < 0: told. */
static int ask_once(struct import *i)
{
    struct source *s = &i->source;
    buf_clear(&s->answer);
    int rc = s->is_offline ? 0 : source_request(s, "POST", "/v1/rows", buf_str(&i->part));
    if (rc >= 0 && !s->is_offline) {
        i->was_online = true;
        return s->http;
    }
    if (rc < 0 && i->was_online) return 503; /* it may be on its way back */
    if (rc >= 0 || source_go_offline(s, rc))
        return offline_rows(&s->offline, i->c->loaded, buf_str(&i->part), &s->answer);
    fail(i, s->status);
    i->stop = true;
    return -1;
}

/* A refusal without TikTok's category is none of the row: the queue could not take it. */
static bool was_stored(const struct json *root)
{
    for (const struct json *v = json_first(json_get(root, "results")); v; v = json_next(v))
        if (!json_is(json_get(v, "success"), JSON_TRUE) && !json_get(v, "category")) return false;
    return true;
}

/* The answer to the part, once it is one that stays; NULL: told. */
static const struct json *ask(struct import *i)
{
    for (int tries = 0;; tries++) {
        int http = ask_once(i);
        if (http < 0) return NULL;
        bool busy = http == 503 || http == 507;
        const struct json *root = source_tree(&i->source);
        if (!root && !busy) tell_stop(i, EXIT_BUG, SOURCE_NOT_UNDERSTOOD);
        else if (http == 403) tell_stop(i, EXIT_DENIED, text_of(root, "message").p);
        else if (http == 400) tell_stop(i, EXIT_USAGE, text_of(root, "message").p);
        if (i->stop) return NULL;
        if (!busy && was_stored(root)) return root;
        if (tries < TRIES_MAX) {
            (void)poll(NULL, 0, WAIT_MS);
            continue;
        }
        struct str words = text_of(root, "message");
        report_clear(&i->report);
        fprintf(stderr, "tillpost: %s: %s\n", i->name, words.len ? words.p : "no answer");
        tell_stop(i, EXIT_LATER,
                  "run the same command later: rows that are queued are not queued again");
        return NULL;
    }
}

/* Parts --------------------------------------------------------------------------------------- */

static void tell_refused(struct import *i, const struct json *refusal, uint64_t line,
                         struct str raw)
{
    struct report_refusal told = {.file = i->name,
                                  .line = line,
                                  .column = text_of(refusal, "path"),
                                  .category = text_of(refusal, "category"),
                                  .code = text_of(refusal, "code"),
                                  .message = text_of(refusal, "message"),
                                  .raw = raw};
    report_refusal(&i->report, &told);
    fail(i, EXIT_DATA);
}

static void take_result(struct import *i, const struct json *result, size_t row, struct str raw)
{
    struct report *r = &i->report;
    r->rows++;
    if (!json_is(json_get(result, "success"), JSON_TRUE)) {
        tell_refused(i, result, i->lines[row], raw);
        return;
    }
    struct str status = text_of(result, "status");
    r->queued += str_is(status, "queued");
    r->duplicate += str_is(status, "duplicate");
    for (const struct json *w = json_first(json_get(result, "warnings")); w; w = json_next(w))
        report_warning(r, i->name, i->lines[row], text_of(w, "path"), text_of(w, "message"));
}

static void begin_part(struct import *i)
{
    i->rows = 0;
    buf_clear(&i->raws);
    buf_clear(&i->part);
    buf_add_str(&i->part, buf_str(&i->head));
}

static void send_part(struct import *i)
{
    if (!i->rows || i->stop) return;
    buf_add_z(&i->part, "]}");
    const struct json *root = ask(i);
    const struct json *result = json_first(json_get(root, "results"));
    size_t at = 0;
    for (size_t row = 0; root && row < i->rows; row++, result = json_next(result)) {
        struct str raw = {i->raws.p + at, i->raw_bytes[row]};
        at += raw.len;
        take_result(i, result, row, raw);
    }
    begin_part(i);
    report_progress(&i->report, i->name, i->reader.taken,
                    S_ISREG(i->stat.st_mode) ? (uint64_t)i->stat.st_size : 0);
}

/* Cells as strings, or what is wrong with the record. */
static void write_record(struct buf *out, const struct csv_record *record)
{
    if (record->fault != CSV_GOOD) {
        buf_printf(out, "{\"fault\":\"%s\",\"field\":%zu}", csv_fault_name(record->fault),
                   record->fault_field);
        return;
    }
    buf_add_char(out, '[');
    for (size_t k = 0; k < record->count; k++) {
        if (k) buf_add_char(out, ',');
        json_write_string(out, record->fields[k]);
    }
    buf_add_char(out, ']');
}

static void add_row(struct import *i, const struct csv_record *record)
{
    if (i->rows == PART_ROWS || i->part.len > PART_MAX_BYTES - ROW_MAX_BYTES ||
        i->raws.len > PART_MAX_BYTES - ROW_MAX_BYTES)
        send_part(i);
    if (i->rows) buf_add_char(&i->part, ',');
    write_record(&i->part, record);
    i->lines[i->rows] = record->line;
    i->raw_bytes[i->rows++] = record->raw.len;
    buf_add_str(&i->raws, record->raw);
}

/* Files --------------------------------------------------------------------------------------- */

static void refuse_file(struct import *i, uint64_t line, const char *category, const char *message)
{
    struct str none = {"", 0};
    struct report_refusal told = {i->name,           line, none, str_from(category), none,
                                  str_from(message), none};
    report_refusal(&i->report, &told);
    fail(i, EXIT_DATA);
}

static void write_maps(struct import *i)
{
    for (size_t k = 0; k < i->c->maps.count; k++) {
        const char *map = i->c->maps.items[k], *equals = strrchr(map, '=');
        buf_add_char(&i->head, k ? ',' : '{');
        json_write_string(&i->head, (struct str){map, (size_t)(equals - map)});
        buf_add_char(&i->head, ':');
        json_write_string(&i->head, str_from(equals + 1));
    }
    if (!i->c->maps.count) buf_add_char(&i->head, '{');
    buf_add_char(&i->head, '}');
}

static void tell_passed_over(struct import *i, const struct csv_record *header,
                             const struct json *columns)
{
    size_t k = 0;
    for (const struct json *v = json_first(columns); v; v = json_next(v), k++) {
        struct str name = k < header->count ? str_trim(header->fields[k]) : (struct str){"", 0};
        if (!json_is(v, JSON_NULL) || !name.len) continue;
        struct str cut = str_cut(name, NAME_MAX_BYTES);
        fprintf(stderr,
                "tillpost: %s: the column \"%.*s\" is none of TikTok's and is passed over\n",
                i->name, (int)cut.len, cut.p);
    }
}

/* The header, judged before any row is read; false when it is refused (told). */
static bool read_header(struct import *i)
{
    struct csv_record header = {.line = 1};
    int rc = csv_next(&i->reader, &header);
    if (rc < 0) return false;
    if (!report_header(&i->report, header.raw)) {
        refuse_file(i, header.line, "data formatting",
                    "its header differs from that of the first file, and a file of refused rows "
                    "has one header: import it by itself");
        return false;
    }
    buf_clear(&i->head);
    buf_add_z(&i->head, "{\"header\":");
    write_record(&i->head, &header);
    buf_add_z(&i->head, ",\"map\":");
    write_maps(i);
    buf_printf(&i->head, ",\"consented\":%s,\"rows\":[", i->c->consented ? "true" : "false");
    begin_part(i);
    buf_add_z(&i->part, "]}");
    const struct json *root = ask(i);
    if (!root) return false;
    bool good = json_is(json_get(root, "success"), JSON_TRUE);
    if (good) tell_passed_over(i, &header, json_get(root, "columns"));
    else tell_refused(i, root, header.line, (struct str){"", 0});
    begin_part(i);
    return good;
}

static void import_file(struct import *i)
{
    static struct csv_record record;
    int rc = csv_open(&i->reader, csv_fill_file, &i->fd);
    if (rc >= 0 && read_header(i)) {
        while (!i->stop && (rc = csv_next(&i->reader, &record)) > 0) add_row(i, &record);
        send_part(i);
    }
    csv_close(&i->reader);
    if (rc >= 0 || i->stop) return;
    report_clear(&i->report);
    fprintf(stderr, "tillpost: %s: %s\n", i->name, strerror(rc == TILLPOST_E_IO ? errno : ENOMEM));
    fail(i, tillpost_err_info(rc)->exit);
}

static bool has_extension(const char *path)
{
    return strcmp(path, "-") == 0 || str_ends_nocase(str_from(path), ".csv");
}

static int open_file(struct import *i, const char *path)
{
    struct stat s;
    int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &s) == 0 && !S_ISDIR(s.st_mode)) return fd;
    fprintf(stderr, "tillpost: %s: %s\n", path, strerror(fd < 0 ? errno : EISDIR));
    if (fd > STDERR_FILENO) close(fd);
    fail(i, EXIT_NO_INPUT);
    return OPEN_FAILED;
}

static void import_open_file(struct import *i, const char *path, int fd)
{
    i->fd = fd;
    i->name = strcmp(path, "-") == 0 ? "standard input" : path;
    if (fd < 0 || i->stop) return;
    if (fstat(fd, &i->stat) != 0) i->stat = (struct stat){0};
    if (has_extension(path)) import_file(i);
    else
        refuse_file(i, 0, "wrong file extension",
                    "TikTok's files end in .csv: rename it, or hand it in through a pipe with -");
}

/* The verb ------------------------------------------------------------------------------------ */

static bool is_same_file(const char *a, const char *b)
{
    struct stat of_a, of_b;
    return stat(a, &of_a) == 0 && stat(b, &of_b) == 0 && S_ISREG(of_a.st_mode) &&
           of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
}

static int check_usage(const struct cli *c)
{
    if (!c->operand_count) {
        fprintf(stderr, "tillpost: name a file, or - for standard input; see: tillpost help "
                        "import\n");
        return EXIT_USAGE;
    }
    for (size_t k = 0; k < c->maps.count; k++) {
        if (strchr(c->maps.items[k], '=')) continue;
        fprintf(stderr, "tillpost: --map must be \"Their Column=email\"\n");
        return EXIT_USAGE;
    }
    for (size_t k = 0; k < c->operand_count && c->rejects; k++) {
        if (!is_same_file(c->rejects, c->operands[k])) continue;
        fprintf(stderr, "tillpost: %s: refused rows cannot go to the file that they come from\n",
                c->rejects);
        return EXIT_USAGE;
    }
    return EXIT_OK;
}

/* Plain personal data may stand in it: for its owner alone. */
static int open_rejects(const struct cli *c, int *fd)
{
    *fd = OPEN_FAILED;
    if (!c->rejects) return EXIT_OK;
    *fd = open(c->rejects, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (*fd >= 0) return EXIT_OK;
    fprintf(stderr, "tillpost: %s cannot be written: %s\n", c->rejects, strerror(errno));
    return EXIT_CANT_CREATE;
}

static void open_import(struct import *i, struct cli *c, int rejects_fd)
{
    *i = (struct import){.c = c};
    source_open(&i->source, c);
    i->source.is_offline = c->dry_run;
    i->source.makes = true;
    i->source.client.timeout_ms = CLIENT_TIMEOUT_MS; /* a slow disk has a whole part to write */
    report_open(&i->report, c->json, c->dry_run, rejects_fd);
    buf_init(&i->head, HEAD_MAX_BYTES);
    buf_init(&i->part, PART_MAX_BYTES);
    buf_init(&i->raws, PART_MAX_BYTES);
}

static int close_import(struct import *i)
{
    buf_free(&i->head);
    buf_free(&i->part);
    buf_free(&i->raws);
    if (!report_close(&i->report)) {
        fprintf(stderr, "tillpost: %s cannot be written\n", i->c->rejects);
        fail(i, EXIT_IO);
    }
    return source_close(&i->source, i->status);
}

int verb_import(struct cli *c)
{
    static struct import i;
    int fds[CLI_OPERANDS_MAX], rejects_fd;
    int status = check_usage(c);
    if (status == EXIT_OK && c->dry_run && !cli_config(c)) {
        fprintf(stderr, "tillpost: the configuration is not right; see: tillpost check\n");
        status = EXIT_CONFIG;
    }
    if (status == EXIT_OK) status = open_rejects(c, &rejects_fd);
    if (status != EXIT_OK) return status;
    open_import(&i, c, rejects_fd);
    for (size_t k = 0; k < c->operand_count; k++) fds[k] = open_file(&i, c->operands[k]);
    for (size_t k = 0; k < c->operand_count; k++) {
        import_open_file(&i, c->operands[k], fds[k]);
        if (fds[k] > STDERR_FILENO) close(fds[k]);
    }
    return close_import(&i);
}
