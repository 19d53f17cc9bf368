/*
 * folder.c: the life of a file in the drop folder.
 *
 *   seen ─▶ quiet? readable? ─▶ taken in slices, each kept by the commit of its turn ─▶ deleted,
 *     or, with refused rows: its report into failed/, then the file itself
 *
 * What always holds:
 * 1. A file is deleted or moved only after the commit that keeps its last row, and only if the name
 *    still means the file that was read and nothing was added to it.
 * 2. No link is followed: names are opened in the folder's own descriptor, with O_NOFOLLOW, and only
 *    regular files are read.
 * 3. A kill at any point leaves the file (it is taken again, which changes nothing), or the file in
 *    failed/ with its report.
 * 4. Names of files go into no log: a store may have named them after customers.
 */
#include "agent/folder.h"

#include "agent/folder_file.h"
#include "base/log.h"
#include "platform/platform.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAMES_MAX = 256, NAME_BYTES = 256, TWINS_MAX = 1000, REPORT_NAME_CUT = 200 };
#define FAILED     "failed"
#define REPORT_NEW ".report.new"

struct folder {
    char *path;
    int dir, watch; /* -1: none */
    char names[NAMES_MAX][NAME_BYTES];
    size_t count, next;
    char name[NAME_BYTES]; /* of the file at hand */
    struct folder_file file;
    bool reading, ended; /* a file is at hand; all of it is kept */
    bool slice_open, slice_end, slice_failed;
    int64_t again_ms, sweep_ms; /* monotonic */
    bool unusable, refused, told;
};

int folder_open(const char *path, struct folder **out)
{
    struct folder *f = calloc(1, sizeof *f);
    *out = f;
    if (!f) return TILLPOST_E_NO_MEMORY;
    f->dir = f->watch = -1;
    folder_file_init(&f->file);
    f->path = strdup(path);
    return f->path ? 0 : TILLPOST_E_NO_MEMORY;
}

void folder_close(struct folder *f)
{
    if (!f) return;
    folder_file_close(&f->file);
    if (f->watch >= 0) close(f->watch);
    if (f->dir >= 0) close(f->dir);
    free(f->path);
    free(f);
}

int folder_fd(const struct folder *f)
{
    return f ? f->watch : -1;
}

bool folder_unusable(const struct folder *f)
{
    return f && f->unusable;
}

bool folder_has_refused(const struct folder *f)
{
    return f && f->refused;
}

int64_t folder_timeout_ms(const struct folder *f, const struct clock_now *now)
{
    if (!f) return INT64_MAX;
    return f->again_ms > now->mono_ms ? f->again_ms - now->mono_ms : 0;
}

static void tell_unusable(struct folder *f, const char *what)
{
    f->unusable = true;
    if (!f->told) log_line(LOG_LEVEL_WARNING, "import.folder %s: %s", f->path, what);
    f->told = true;
}

/* Looking around ------------------------------------------------------------------------------ */

static bool is_candidate(const char *name)
{
    struct str s = str_from(name);
    return name[0] != '.' && s.len < NAME_BYTES &&
           (str_ends_nocase(s, ".json") || str_ends_nocase(s, ".csv"));
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* A directory stream of its own: closing it must not close ours. */
static DIR *stream_of(int dir)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
    if (!stream && fd >= 0) close(fd);
    return stream;
}

static bool find_names(struct folder *f)
{
    struct dirent *entry;
    DIR *stream = stream_of(f->dir);
    f->count = f->next = 0;
    if (!stream) return false;
    while (f->count < NAMES_MAX && (entry = readdir(stream)) != NULL)
        if (is_candidate(entry->d_name))
            (void)snprintf(f->names[f->count++], NAME_BYTES, "%s", entry->d_name);
    closedir(stream);
    qsort(f->names, f->count, NAME_BYTES, by_name);
    return true;
}

/* The folder may be made, moved or mounted over at any time: it is opened anew at each look. */
static bool look(struct folder *f)
{
    f->unusable = false;
    if (f->dir >= 0) close(f->dir);
    f->dir = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->watch < 0 && f->dir >= 0) f->watch = platform_dirwatch_open(f->path);
    if (f->dir >= 0 && faccessat(f->dir, ".", R_OK | W_OK | X_OK, AT_EACCESS) != 0)
        tell_unusable(f, "the agent's user may not read and delete there");
    else if (f->dir < 0 || !find_names(f)) tell_unusable(f, strerror(errno));
    return !f->unusable;
}

/* The refused ones ---------------------------------------------------------------------------- */

static int open_failed(struct folder *f)
{
    return openat(f->dir, FAILED, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Moved when the clock was wrong: its week begins now. */
static bool has_expired(int failed, const char *name, const struct stat *st, int64_t now_s,
                        int64_t lower_s)
{
    if (st->st_ctim.tv_sec >= lower_s) return now_s - st->st_ctim.tv_sec > FOLDER_FAILED_KEEP_S;
    (void)utimensat(failed, name, NULL, AT_SYMLINK_NOFOLLOW);
    return false;
}

static void sweep(struct folder *f, const struct ingest *g, const struct clock_now *now)
{
    struct stat st;
    struct dirent *entry;
    int64_t now_s = clock_truth_ms(g->clock, now) / 1000, lower_s = g->clock->lower_ms / 1000;
    bool judge =
        clock_state(g->clock, now) != CLOCK_STATE_IMPLAUSIBLE && now->mono_ms >= f->sweep_ms;
    int failed = open_failed(f);
    DIR *stream = failed >= 0 ? stream_of(failed) : NULL;
    f->refused = false;
    while (stream && (entry = readdir(stream)) != NULL) {
        if (fstatat(failed, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0) continue;
        if (S_ISDIR(st.st_mode)) continue;
        bool gone = judge && has_expired(failed, entry->d_name, &st, now_s, lower_s) &&
                    unlinkat(failed, entry->d_name, 0) == 0;
        f->refused = f->refused || !gone;
    }
    if (stream) closedir(stream);
    if (failed >= 0) close(failed);
    if (judge) f->sweep_ms = now->mono_ms + FOLDER_SWEEP_MS;
}

static bool is_free(int dir, const char *name)
{
    struct stat st;
    return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT;
}

/* NAME, or NAME.2 and so on where there is one already. */
static bool free_name(const struct folder *f, int failed, char out[NAME_BYTES])
{
    (void)snprintf(out, NAME_BYTES, "%s", f->name);
    for (int i = 2; !is_free(failed, out); i++) {
        if (i > TWINS_MAX) return false;
        (void)snprintf(out, NAME_BYTES, "%.*s.%d", REPORT_NAME_CUT, f->name, i);
    }
    return true;
}

static bool write_report(struct folder *f, int failed, const char *name)
{
    char report[NAME_BYTES + 16];
    struct str text = buf_str(&f->file.report);
    (void)unlinkat(failed, REPORT_NEW, 0);
    int fd = openat(failed, REPORT_NEW, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)0600);
    if (fd < 0) return false;
    bool good = write(fd, text.p, text.len) == (ssize_t)text.len && fsync(fd) == 0;
    good = close(fd) == 0 && good;
    (void)snprintf(report, sizeof report, "%.*s.report.txt", REPORT_NAME_CUT, name);
    return good && renameat(failed, REPORT_NEW, failed, report) == 0;
}

static bool set_aside(struct folder *f)
{
    char name[NAME_BYTES];
    if (mkdirat(f->dir, FAILED, (mode_t)0700) != 0 && errno != EEXIST) return false;
    int failed = open_failed(f);
    if (failed < 0) return false;
    bool good = fchmod(failed, (mode_t)0700) == 0 && free_name(f, failed, name) &&
                write_report(f, failed, name) && fsync(failed) == 0 &&
                renameat(f->dir, f->name, failed, name) == 0 && fsync(failed) == 0;
    close(failed);
    f->refused = f->refused || good;
    return good;
}

/* The file at hand ---------------------------------------------------------------------------- */

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev;
}

static bool is_quiet(int fd, const struct stat *st, const struct clock_now *now)
{
    int64_t age_ms =
        now->wall_ms - ((int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000);
    if (age_ms < 0) age_ms = -age_ms; /* another clock's time */
    return age_ms >= FOLDER_QUIET_MS && !platform_is_written(fd);
}

enum seen { TAKEN, PASSED_OVER, LATER };

static enum seen try_file(struct folder *f, const char *name, const struct clock_now *now)
{
    struct stat st;
    int fd = openat(f->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        if (errno == EACCES) tell_unusable(f, "it holds a file that the agent's user may not read");
        return PASSED_OVER;
    }
    enum seen seen = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? TAKEN : PASSED_OVER;
    if (seen == TAKEN && !is_quiet(fd, &st, now)) seen = LATER;
    if (seen == TAKEN && !platform_may_unlink(f->dir, fd)) {
        tell_unusable(f, "it is sticky and holds a file of another user");
        seen = PASSED_OVER;
    }
    if (seen != TAKEN) {
        close(fd);
        return seen;
    }
    (void)snprintf(f->name, sizeof f->name, "%s", name);
    bool is_csv = str_ends_nocase(str_from(name), ".csv");
    if (folder_file_open(&f->file, fd, &st, is_csv) >= 0) return TAKEN;
    folder_file_close(&f->file);
    return LATER;
}

/* Finds the next file; else says when to look again. */
static bool next_file(struct folder *f, const struct ingest *g, const struct clock_now *now)
{
    bool waits = false;
    if (f->next == f->count) {
        if (now->mono_ms < f->again_ms) return false;
        f->again_ms = now->mono_ms + FOLDER_RESCAN_MS;
        if (!look(f)) return false;
        sweep(f, g, now);
    }
    while (f->next < f->count) {
        enum seen seen = try_file(f, f->names[f->next++], now);
        waits = waits || seen == LATER;
        if (seen == TAKEN) return true;
    }
    f->told = f->told && f->unusable;
    f->again_ms = now->mono_ms + (waits ? FOLDER_QUIET_MS : FOLDER_RESCAN_MS);
    return false;
}

static void let_go(struct folder *f, const struct clock_now *now)
{
    log_line(LOG_LEVEL_INFO, "import.folder: %llu rows taken in, %llu of them refused",
             (unsigned long long)f->file.at.rows, (unsigned long long)f->file.at.refused);
    folder_file_close(&f->file);
    f->reading = f->ended = false;
    f->again_ms = now->mono_ms; /* more may have come */
}

/* All of it is kept. 1 above: what the name means now is looked at once more. */
static void finish(struct folder *f, const struct clock_now *now)
{
    struct stat now_open, now_named;
    struct folder_file *file = &f->file;
    bool known = fstat(file->fd, &now_open) == 0;
    if (known && !file->is_hopeless && (uint64_t)now_open.st_size > file->at.taken) {
        f->ended = false; /* it has grown */
        folder_file_back(file);
        f->again_ms = now->mono_ms + FOLDER_QUIET_MS;
        return;
    }
    bool gone = fstatat(f->dir, f->name, &now_named, AT_SYMLINK_NOFOLLOW) != 0
                    ? errno == ENOENT
                    : !same_file(&now_named, &file->found);
    bool good = gone || (file->at.refused ? set_aside(f) : unlinkat(f->dir, f->name, 0) == 0);
    if (good) {
        let_go(f, now);
        return;
    }
    tell_unusable(f, "a file that was taken in cannot be deleted or moved to failed/");
    f->again_ms = now->mono_ms + FOLDER_RETRY_MS;
}

void folder_turn(struct folder *f, struct ingest *g, const struct clock_now *now)
{
    if (!f) return;
    bool noticed = f->watch >= 0 && platform_dirwatch_read(f->watch);
    if (noticed && !f->reading) f->again_ms = now->mono_ms;
    if (now->mono_ms < f->again_ms) return;
    if (f->ended) finish(f, now);
    if (now->mono_ms < f->again_ms) return;
    if (!f->reading) f->reading = next_file(f, g, now);
    if (!f->reading) return;
    int rc = folder_file_slice(&f->file, g, now);
    f->slice_open = true;
    f->slice_end = rc == 0;
    f->slice_failed = rc < 0;
}

void folder_kept(struct folder *f, const struct clock_now *now, bool kept)
{
    if (!f || !f->slice_open) return;
    f->slice_open = false;
    if (!kept || f->slice_failed) {
        folder_file_back(&f->file);
        f->again_ms = now->mono_ms + FOLDER_RETRY_MS;
        return;
    }
    folder_file_keep(&f->file);
    f->ended = f->slice_end;
    if (f->ended) finish(f, now);
}
