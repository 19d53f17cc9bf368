/*
 * export.c: the undelivered queue as files for Events Manager.
 *
 * One export is NAME-001.csv, NAME-002.csv, … and a manifest that lists them and the rows that are
 * in them; NAME is tillpost- and the time. Each file appears whole (temporary name, fsync, rename,
 * fsync of the directory), the manifest after the last of them.
 *
 * With --mark-sent the manifest is NAME.pending.json at first. It is the very body of the settle
 * that follows; when that has been answered it becomes NAME.json. What always holds:
 * 1. Rows are settled only when all of their files and the manifest are on stable storage, and all
 *    in one transaction.
 * 2. A run that finds a pending manifest finishes that export first: the number in it tells the
 *    queue whether it was settled already.
 * 3. When events have been taken for delivery meanwhile, nothing is settled; this run's own files go
 *    and it begins anew, while the agent holds deliveries back.
 */
#include "base/times.h"
#include "cli/source.h"
#include "platform/platform.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FILE_MAX_BYTES = 10 * 1000 * 1000 - 1, /* "File size too large (greater than 10 MB)" */
    ROWS_MAX_BYTES = 400 * 1024,           /* of the list of rows in a manifest */
    MANIFEST_MAX_BYTES = 480 * 1024,       /* the agent takes so much */
    SETTLE_TIMEOUT_MS = 120 * 1000,
    TRIES_MAX = 5, /* to win against deliveries */
    NAME_BYTES = 64,
    PATH_BYTES = 4096,
    STAYS = 3,
    FILE_MODE = 0600
};
#define PREFIX  "tillpost-"
#define PENDING ".pending.json"
#define DONE    ".json"

static const char *const stay_names[STAYS] = {"in_flight", "in_doubt", "no_form"};

struct export
{
    struct source source;
    const char *folder;
    char name[NAME_BYTES];
    char header[256];
    unsigned parts;
    int64_t number, after, next; /* next: 0 when there is no further page */
    int64_t first, last;         /* rows that are not in the list yet; first 0: none */
    int64_t events, part_events, stay[STAYS];
    struct buf file, list, rows; /* the part at hand; JSON of the manifest */
};

static bool fail(struct export *e, int err, const char *path)
{
    fprintf(stderr, "tillpost: %s: %s\n", path,
            errno ? strerror(errno) : tillpost_err_info(err)->words);
    e->source.status = tillpost_err_info(err)->exit;
    return false;
}

static void path_of(const struct export *e, const char *name, const char *suffix,
                    char out[PATH_BYTES])
{
    (void)snprintf(out, PATH_BYTES, "%s/%s%s", e->folder, name, suffix);
}

static bool exists(const struct export *e, const char *name, const char *suffix)
{
    char path[PATH_BYTES];
    path_of(e, name, suffix, path);
    return access(path, F_OK) == 0;
}

/* Files --------------------------------------------------------------------------------------- */

static bool write_whole(struct export *e, const char *path, struct str text)
{
    errno = 0;
    int rc = platform_write_file(path, text.p, text.len, FILE_MODE);
    return rc >= 0 || fail(e, rc, path);
}

static bool end_part(struct export *e)
{
    char path[PATH_BYTES], suffix[16];
    if (e->part_events == 0) return true;
    if (e->file.failed) return fail(e, TILLPOST_E_NO_MEMORY, e->name);
    (void)snprintf(suffix, sizeof suffix, "-%03u.csv", ++e->parts);
    path_of(e, e->name, suffix, path);
    if (!write_whole(e, path, buf_str(&e->file))) return false;
    buf_printf(&e->list, "%s{\"name\":\"%s%s\",\"events\":%lld,\"bytes\":%zu}",
               e->list.len ? "," : "", e->name, suffix, (long long)e->part_events, e->file.len);
    e->part_events = 0;
    return true;
}

static bool add_row(struct export *e, struct str row)
{
    size_t bytes = row.len + 1;
    if (e->part_events > 0 && e->file.len + bytes > FILE_MAX_BYTES && !end_part(e)) return false;
    if (e->part_events == 0) {
        buf_clear(&e->file);
        buf_printf(&e->file, "%s\n", e->header);
    }
    buf_add_str(&e->file, row);
    buf_add_char(&e->file, '\n');
    e->part_events++;
    e->events++;
    return true;
}

static void list_rows(struct export *e)
{
    if (e->first == 0) return;
    buf_add_z(&e->rows, e->rows.len ? "," : "");
    if (e->first == e->last) buf_printf(&e->rows, "%lld", (long long)e->first);
    else buf_printf(&e->rows, "[%lld,%lld]", (long long)e->first, (long long)e->last);
    e->first = 0;
}

static void note_row(struct export *e, int64_t seq)
{
    if (e->first && seq != e->last + 1) list_rows(e);
    if (e->first == 0) e->first = seq;
    e->last = seq;
}

/* Pages --------------------------------------------------------------------------------------- */

static const struct json *get_page(struct export *e)
{
    char path[64];
    struct fault why = {0};
    struct source *s = &e->source;
    (void)snprintf(path, sizeof path, "/v1/export?after=%lld", (long long)e->after);
    int rc = source_ask(s, "GET", path, (struct str){0});
    if (rc == 0) {
        buf_clear(&s->answer);
        rc = offline_export(&s->offline, e->after, &s->answer, &why);
        if (rc < 0) (void)source_tell(s, &why);
    }
    return rc < 0 ? NULL : source_parsed(s);
}

static bool take_page(struct export *e)
{
    const struct json *page = get_page(e);
    if (!page) return false;
    (void)snprintf(e->header, sizeof e->header, "%s", source_text(page, "header"));
    for (const struct json *r = json_first(json_get(page, "rows")); r; r = json_next(r)) {
        if (!add_row(e, json_string(json_get(r, "row")))) return false;
        note_row(e, (int64_t)json_number(json_get(r, "seq")));
    }
    for (int i = 0; i < STAYS; i++)
        e->stay[i] += (int64_t)json_number(json_get(json_get(page, "stay"), stay_names[i]));
    e->next = (int64_t)json_number(json_get(page, "next"));
    return true;
}

/* The manifest -------------------------------------------------------------------------------- */

static void write_stay(const struct export *e, struct buf *out)
{
    buf_add_z(out, ",\"stay\":{");
    for (int i = 0; i < STAYS; i++)
        buf_printf(out, "%s\"%s\":%lld", i ? "," : "", stay_names[i], (long long)e->stay[i]);
    buf_add_char(out, '}');
}

static void write_manifest(struct export *e, struct buf *out)
{
    char now[TIMES_TEXT_BYTES];
    times_format(platform_wall_ms(), now);
    buf_printf(out, "{\"export\":%lld,\"made_at\":\"%s\",\"events\":%lld,\"files\":[",
               (long long)e->number, now, (long long)e->events);
    buf_add_str(out, buf_str(&e->list));
    buf_add_z(out, "],\"rows\":[");
    buf_add_str(out, buf_str(&e->rows));
    buf_add_char(out, ']');
    write_stay(e, out);
    buf_add_z(out, "}\n");
}

static bool keep_manifest(struct export *e, struct buf *manifest, const char *suffix)
{
    char path[PATH_BYTES];
    buf_clear(manifest);
    write_manifest(e, manifest);
    path_of(e, e->name, suffix, path);
    if (manifest->failed) return fail(e, TILLPOST_E_TOO_LARGE, path);
    return write_whole(e, path, buf_str(manifest));
}

/* From here on the name says that it is settled. Should that be lost, the number tells it. */
static bool confirm(struct export *e)
{
    char from[PATH_BYTES], to[PATH_BYTES];
    path_of(e, e->name, PENDING, from);
    path_of(e, e->name, DONE, to);
    return rename(from, to) == 0 || fail(e, TILLPOST_E_IO, from);
}

static void discard(struct export *e)
{
    char path[PATH_BYTES], suffix[16];
    for (unsigned i = 1; i <= e->parts; i++) {
        (void)snprintf(suffix, sizeof suffix, "-%03u.csv", i);
        path_of(e, e->name, suffix, path);
        (void)unlink(path);
    }
    path_of(e, e->name, PENDING, path);
    (void)unlink(path);
}

/* Settling ------------------------------------------------------------------------------------ */

enum settled { SETTLED, TAKEN, TOLD };

/* TAKEN: events of it are not free (said by why, not printed); TOLD: another failure. */
static enum settled settle(struct export *e, struct str manifest, struct fault *why)
{
    struct source *s = &e->source;
    s->client.timeout_ms = SETTLE_TIMEOUT_MS;
    int rc = source_try(s, "POST", "/v1/export/settle", manifest);
    if (rc < 0) return TOLD;
    if (rc > 0 && s->http == 200) return SETTLED;
    if (rc > 0) {
        const struct json *refusal = source_parsed(s);
        bool busy = strcmp(source_text(refusal, "code"), "busy") == 0;
        (void)fault_set(why, busy ? TILLPOST_E_BUSY : TILLPOST_E_STORAGE, "", "%s",
                        source_text(refusal, "message"));
    } else {
        buf_clear(&s->answer);
        if (offline_settle(&s->offline, manifest, &s->answer, why) >= 0) return SETTLED;
    }
    if (why->err == TILLPOST_E_BUSY) return TAKEN;
    (void)source_tell(s, why);
    return TOLD;
}

/* Telling ------------------------------------------------------------------------------------- */

static void tell_json(const struct export *e, bool marked)
{
    struct buf out;
    buf_init(&out, MANIFEST_MAX_BYTES);
    buf_printf(&out, "{\"events\":%lld,\"marked_sent\":%s,\"manifest\":", (long long)e->events,
               marked && e->events ? "true" : "false");
    if (e->events) buf_printf(&out, "\"%s" DONE "\"", e->name);
    else buf_add_z(&out, "null");
    buf_add_z(&out, ",\"files\":[");
    buf_add_str(&out, buf_str(&e->list));
    buf_add_char(&out, ']');
    write_stay(e, &out);
    printf("%s}\n", out.p ? out.p : "");
    buf_free(&out);
}

static void tell(const struct export *e, bool marked)
{
    for (unsigned i = 1; i <= e->parts; i++) printf("%s/%s-%03u.csv\n", e->folder, e->name, i);
    fprintf(stderr,
            "%lld events in %u files%s; %lld stay: %lld in flight, %lld in doubt, %lld "
            "without a CSV form\n",
            (long long)e->events, e->parts,
            marked && e->events ? ", marked as sent: upload every one of them" : "",
            (long long)(e->stay[0] + e->stay[1] + e->stay[2]), (long long)e->stay[0],
            (long long)e->stay[1], (long long)e->stay[2]);
}

/* One export ---------------------------------------------------------------------------------- */

static void name_it(struct export *e)
{
    char text[TIMES_TEXT_BYTES];
    int64_t at_ms = platform_wall_ms();
    do {
        times_format(at_ms, text);
        (void)snprintf(e->name, sizeof e->name, PREFIX "%.4s%.2s%.2sT%.2s%.2s%.2sZ", text, text + 5,
                       text + 8, text + 11, text + 14, text + 17);
        at_ms += 1000;
    } while (exists(e, e->name, "-001.csv") || exists(e, e->name, DONE) ||
             exists(e, e->name, PENDING));
}

static bool number_it(struct export *e)
{
    uint64_t n = 0;
    if (platform_random(&n, sizeof n) < 0) return fail(e, TILLPOST_E_INTERNAL, "random numbers");
    e->number = (int64_t)(n >> 12 | 1); /* positive, exact in JSON's numbers, never 0 */
    return true;
}

/* Rows from e->after on, as many as one manifest can list. */
static bool gather(struct export *e)
{
    int64_t after = e->after;
    e->parts = 0;
    e->events = e->part_events = e->first = 0;
    memset(e->stay, 0, sizeof e->stay);
    buf_clear(&e->list);
    buf_clear(&e->rows);
    name_it(e);
    bool good = take_page(e);
    while (good && e->next && e->rows.len < ROWS_MAX_BYTES) {
        e->after = e->next;
        good = take_page(e);
    }
    list_rows(e);
    good = good && end_part(e);
    e->after = after;
    if (!good) discard(e);
    return good;
}

static bool export_once(struct export *e, struct buf *manifest, bool mark)
{
    struct fault why = {0};
    for (int i = 0; i < TRIES_MAX; i++) {
        if (!number_it(e) || !gather(e)) return false;
        if (e->events == 0) return true;
        if (!keep_manifest(e, manifest, mark ? PENDING : DONE)) return false;
        if (!mark) return true;
        enum settled how = settle(e, buf_str(manifest), &why);
        if (how == SETTLED) return confirm(e);
        if (how == TOLD) return false;
        discard(e);
    }
    return source_tell(&e->source, &why);
}

/* Earlier runs -------------------------------------------------------------------------------- */

/* All files that a manifest lists are there, as long as it says. */
static bool is_whole(struct export *e, struct str manifest)
{
    static const struct json_limits limits = {MANIFEST_MAX_BYTES, 4, 200000};
    const struct json *root = NULL;
    char path[PATH_BYTES];
    struct stat st;
    struct source *s = &e->source;
    arena_reset(&s->arena);
    if (json_parse(&s->arena, manifest, &limits, &root, NULL) < 0) return false;
    const struct json *file = json_first(json_get(root, "files"));
    for (; file; file = json_next(file)) {
        const char *name = source_text(file, "name");
        path_of(e, name, "", path);
        if (strchr(name, '/') || stat(path, &st) != 0) return false;
        if ((double)st.st_size != json_number(json_get(file, "bytes"))) return false;
    }
    return true;
}

static bool finish(struct export *e, const char *name)
{
    char path[PATH_BYTES];
    char *text = NULL;
    size_t len = 0;
    struct fault why = {0};
    (void)snprintf(e->name, sizeof e->name, "%.*s", (int)(strlen(name) - strlen(PENDING)), name);
    path_of(e, name, "", path);
    errno = 0;
    int rc = platform_read_file(path, MANIFEST_MAX_BYTES, false, &text, &len);
    if (rc < 0) return fail(e, rc, path);
    const struct str manifest = {text, len};
    enum settled how = is_whole(e, manifest) ? settle(e, manifest, &why) : TAKEN;
    platform_free_file(text, len);
    if (how == TOLD) return false;
    if (how == SETTLED) {
        fprintf(stderr, "tillpost: %s/%s was interrupted; its events are marked as sent now\n",
                e->folder, e->name);
        return confirm(e);
    }
    fprintf(stderr,
            "tillpost: %s was interrupted, and its files or its events have gone since: look with "
            "tillpost show whether they were delivered; then remove it and its files\n",
            path);
    e->source.status = EXIT_PROBLEM;
    return false;
}

/* Files that an interrupted run left without a manifest hold events that are still queued. */
static void warn_of(const struct export *e, const char *name)
{
    char stem[NAME_BYTES];
    size_t len = strlen(name), tail = strlen("-001.csv");
    if (!str_ends(str_from(name), ".csv") || len < tail || len - tail >= sizeof stem) return;
    (void)snprintf(stem, sizeof stem, "%.*s", (int)(len - tail), name);
    if (exists(e, stem, DONE) || exists(e, stem, PENDING)) return;
    fprintf(stderr, "tillpost: %s/%s has no manifest: of an interrupted export, do not upload it\n",
            e->folder, name);
}

static bool look_back(struct export *e, bool mark)
{
    struct dirent *entry;
    bool good = true;
    DIR *dir = opendir(e->folder);
    if (!dir && errno == ENOENT) return true; /* it will be made */
    if (!dir) return fail(e, TILLPOST_E_CANT_CREATE, e->folder);
    while (good && (entry = readdir(dir)) != NULL) {
        if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) != 0) continue;
        if (!str_ends(str_from(entry->d_name), PENDING)) warn_of(e, entry->d_name);
        else if (mark) good = finish(e, entry->d_name);
        else
            fprintf(stderr,
                    "tillpost: %s/%s was interrupted; its events are in this export too: "
                    "do not upload both\n",
                    e->folder, entry->d_name);
    }
    closedir(dir);
    return good;
}

/* The verb ------------------------------------------------------------------------------------ */

static bool make_folder(struct export *e)
{
    char path[PATH_BYTES];
    path_of(e, "x", "", path);
    errno = 0;
    int rc = platform_make_parent(path);
    return rc >= 0 || fail(e, rc, e->folder);
}

static bool export_all(struct export *e, bool mark, bool json)
{
    struct buf manifest;
    buf_init(&manifest, MANIFEST_MAX_BYTES);
    bool good = look_back(e, mark) && make_folder(e);
    do {
        good = good && export_once(e, &manifest, mark);
        if (good && json) tell_json(e, mark);
        else if (good) tell(e, mark);
        e->after = e->next;
    } while (good && e->next);
    buf_free(&manifest);
    return good;
}

int verb_export(struct cli *c)
{
    static struct export e;
    if (c->operand_count != 1 || strlen(c->operands[0]) + NAME_BYTES * 2 > PATH_BYTES) {
        fprintf(stderr, "tillpost: name one directory for the files\n");
        return EXIT_USAGE;
    }
    e.folder = c->operands[0];
    source_open(&e.source, c);
    buf_init(&e.file, FILE_MAX_BYTES);
    buf_init(&e.list, MANIFEST_MAX_BYTES);
    buf_init(&e.rows, MANIFEST_MAX_BYTES);
    bool good = export_all(&e, c->mark_sent, c->json);
    buf_free(&e.file);
    buf_free(&e.list);
    buf_free(&e.rows);
    return source_close(&e.source, good ? EXIT_OK : e.source.status);
}
