/*
 * db.c: how SQLite is opened, and what its failures mean.
 *
 * What always holds:
 * 1. One connection: the file is locked exclusively before anything is read, and stays so. The
 *    WAL-reset bug (SQLite 3.7.0 to 3.51.2) needs two, and the WAL's index lives in our memory, so
 *    that there is no third file.
 * 2. synchronous=FULL: a commit returns after the WAL's fdatasync. SQLite syncs the directory with
 *    the WAL's first sync.
 * 3. psow=0: the WAL is padded to the end of a 4096-byte sector, so that the next commit never
 *    rewrites a sector that holds a promise. Most disks would do without, cheap cards may not; at
 *    this page size it costs no block more (measured: the story of queue.c).
 * 4. No checkpoint happens by itself (SQLite does not report an fsync error of an automatic one);
 *    the one that closing makes is a gift and nothing relies on it.
 * 5. Every setting is read back. A distribution's SQLite may have been built with others.
 * 6. A file that is not ours, or newer than this program, is left as it is, its WAL included; the
 *    header alone is not believed about that (the plan's witness).
 * 7. secure_delete overwrites what is deleted, but not what stays behind when SQLite moves a row to
 *    another page: such bytes stand between a page's pointers and its cells. They are overwritten
 *    on the way into the file, for which the method that writes its pages is replaced by ours.
 * 8. A read that fails is damage only where the file can be read elsewhere.
 * 9. A WAL that is found at opening is brought into the file and cut to nothing: no old frame of it
 *    stays readable.
 */
#include "queue/db.h"

#include "queue/page.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    URI_MAX_BYTES = 8192,
    FILE_MODE = 0600,
    WITNESS_VERSIONS = 65536,
    WAL_HEADER_BYTES = 32, /* https://www.sqlite.org/fileformat2.html, section 4 */
    WAL_FRAME_BYTES = DB_PAGE_BYTES + 24
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

enum own { OWN_BEGIN, OWN_COMMIT, OWN_ROLLBACK, OWN_PAGES, OWN_FREE_PAGES, OWN_COUNT };
static const char *const own_sql[] = {
    [OWN_BEGIN] = "BEGIN IMMEDIATE",
    [OWN_COMMIT] = "COMMIT",
    [OWN_ROLLBACK] = "ROLLBACK",
    [OWN_PAGES] = "PRAGMA page_count",
    [OWN_FREE_PAGES] = "PRAGMA freelist_count",
};

typedef int write_method(sqlite3_file *file, const void *p, int len, sqlite3_int64 offset);
typedef int read_method(sqlite3_file *file, void *p, int len, sqlite3_int64 offset);
struct page_methods { /* what the file's pMethods point to */
    sqlite3_io_methods methods;
    write_method *write; /* of the VFS */
    read_method *read;
};

struct db {
    const struct db_plan *plan;
    struct page_methods pages;
    sqlite3 *handle;
    sqlite3_stmt *own[OWN_COUNT];
    sqlite3_stmt **statements; /* of the plan */
    int wal_frames;            /* confirmed since the last checkpoint */
    int64_t written_before;    /* pages, when the transaction began */
    bool wal_counted; /* wal_frames is right: there was a checkpoint or a commit since opening */
    bool unclean;     /* opening found a WAL */
    bool open;        /* what fails from now on is no fault of who asks */
    struct db_failure failure;
};

/* Failures ------------------------------------------------------------------------------------ */

/* clang-format off */
struct cause { int code; int err; const char *what; const char *todo; };
static const struct cause system_causes[] = { /* what: NULL takes the system's words */
    {ENOSPC, TILLPOST_E_QUEUE_FULL,  NULL, "free some space on this file system"},
    {EDQUOT, TILLPOST_E_QUEUE_FULL,  NULL, "raise the agent's quota or free some space"},
    {EFBIG,  TILLPOST_E_QUEUE_FULL,  NULL, "raise the limit of file sizes (LimitFSIZE=, ulimit -f)"},
    {EROFS,  TILLPOST_E_STORAGE,     NULL, "look for disk errors in the system's log, then remount it writable"},
    {EIO,    TILLPOST_E_STORAGE,     NULL, "look for disk errors in the system's log; the disk may be dying"},
    {EACCES, TILLPOST_E_DENIED,      NULL, "the agent's user must own the directory and its files"},
    {EPERM,  TILLPOST_E_DENIED,      NULL, "the agent's user must own the directory and its files"},
    {ENOENT, TILLPOST_E_CANT_CREATE, NULL, "make the directory, or set queue.path"},
    {ENOTDIR,TILLPOST_E_CANT_CREATE, NULL, "set queue.path to a file in a directory"},
    {EISDIR, TILLPOST_E_CANT_CREATE, NULL, "set queue.path to a file, not a directory"},
    {ENOMEM, TILLPOST_E_NO_MEMORY,   NULL, "free some memory"},
};
static const struct cause sqlite_causes[] = {
    {SQLITE_FULL,       TILLPOST_E_QUEUE_FULL,  "no space is left, on the disk or within queue.max_size", "free some space"},
    {SQLITE_BUSY,       TILLPOST_E_LOCKED,      "another program has it open", "stop that one first, or talk to the agent"},
    {SQLITE_NOMEM,      TILLPOST_E_NO_MEMORY,   "out of memory", "free some memory"},
    {SQLITE_CORRUPT,    TILLPOST_E_DAMAGED,     "its content is damaged", "keep a copy of the file and look for disk errors in the system's log"},
    {SQLITE_NOTADB,     TILLPOST_E_DAMAGED,     "it is no SQLite database, or its first page is damaged", "keep a copy of the file, then move it aside"},
    {SQLITE_ERROR,      TILLPOST_E_DAMAGED,     "its tables are not what they should be", "keep a copy of the file, then move it aside"},
    {SQLITE_CONSTRAINT, TILLPOST_E_DAMAGED,     "its tables contradict each other", "keep a copy of the file and look for disk errors in the system's log"},
    /* Nothing of ours is: the length of a value has been trashed. */
    {SQLITE_TOOBIG,     TILLPOST_E_DAMAGED,     "its content is damaged", "keep a copy of the file and look for disk errors in the system's log"},
    {SQLITE_READONLY,   TILLPOST_E_DENIED,      "it cannot be written", "the agent's user must own the directory and its files"},
    {SQLITE_PERM,       TILLPOST_E_DENIED,      "permission denied", "the agent's user must own the directory and its files"},
    {SQLITE_CANTOPEN,   TILLPOST_E_CANT_CREATE, "it cannot be opened", "check queue.path"},
    {SQLITE_IOERR,      TILLPOST_E_STORAGE,     "input or output failed", "look for disk errors in the system's log"},
};
/* clang-format on */

static const struct cause *cause_of(const struct cause *table, size_t n, int code)
{
    for (size_t i = 0; i < n; i++)
        if (table[i].code == code) return &table[i];
    return NULL;
}

static int system_fault(const char *path, const char *doing, int os, struct fault *why)
{
    const struct cause *c = cause_of(system_causes, COUNT(system_causes), os);
    return fault_set(why, c ? c->err : TILLPOST_E_STORAGE, NULL, "%s: cannot %s: %s; %s", path,
                     doing, strerror(os), c ? c->todo : "check the disk and the directory");
}

static bool lacks_space(struct db *db, int rc)
{
    int os = sqlite3_system_errno(db->handle);
    if ((rc & 0xff) == SQLITE_FULL) return true;
    return (rc & 0xff) == SQLITE_IOERR && (os == ENOSPC || os == EDQUOT || os == EFBIG);
}

/* Fills in the failure itself; code, os: SQLite's and the system's. */
static int explain(const char *path, int code, int os, const char *doing, struct fault *why)
{
    if (os != 0) return system_fault(path, doing, os, why);
    const struct cause *c = cause_of(sqlite_causes, COUNT(sqlite_causes), code);
    if (c == NULL)
        return fault_set(why, TILLPOST_E_INTERNAL, NULL, "%s: cannot %s: SQLite says %s (%d)", path,
                         doing, sqlite3_errstr(code), code);
    return fault_set(why, c->err, NULL, "%s: cannot %s: %s; %s", path, doing, c->what, c->todo);
}

static int sqlite_fault(struct db *db, int rc, const char *doing, struct fault *why)
{
    struct db_failure *f = &db->failure;
    int code = rc == SQLITE_IOERR_NOMEM ? SQLITE_NOMEM : rc & 0xff;
    bool system = code == SQLITE_IOERR || code == SQLITE_CANTOPEN;
    int os = system ? sqlite3_system_errno(db->handle) : 0;
    f->any = true;
    bool sync = rc == SQLITE_IOERR_FSYNC || rc == SQLITE_IOERR_DIR_FSYNC;
    if (sync && db->plan->sync_failures != NULL) ++*db->plan->sync_failures;
    f->sync |= sync;
    f->space |= lacks_space(db, rc);
    f->disk |= lacks_space(db, rc) && os != EFBIG;
    int err = explain(db->plan->path, code, os, doing, &f->why);
    f->damaged |= err == TILLPOST_E_DAMAGED;
    bool ours =
        err == TILLPOST_E_DAMAGED || err == TILLPOST_E_DENIED || err == TILLPOST_E_CANT_CREATE;
    if (ours && db->open) err = f->why.err = TILLPOST_E_STORAGE;
    if (why != NULL) *why = f->why;
    return err;
}

const struct db_failure *db_failure(const struct db *db)
{
    return &db->failure;
}

int db_call_damaged(struct db *db, struct fault *why)
{
    return sqlite_fault(db, SQLITE_CORRUPT, "read it", why);
}

void db_forgive(struct db *db)
{
    db->failure = (struct db_failure){0};
}

/* Opening ------------------------------------------------------------------------------------- */

/* clang-format off */
struct pragma { const char *name, *value, *reads; }; /* reads: NULL where there may be no answer */
static const struct pragma layout[] = { /* settled when the file is made */
    {"page_size",          "4096",        "4096"},
    {"auto_vacuum",        "INCREMENTAL", "2"},
};
static const struct pragma behaviour[] = {
    {"journal_mode",       "WAL",         "wal"},
    {"synchronous",        "FULL",        "2"},
    {"wal_autocheckpoint", "0",           "0"},
    {"journal_size_limit", "6291456",     "6291456"}, /* a WAL that grew beyond 6 MiB is cut when it starts anew */
    {"secure_delete",      "ON",          "1"},
    {"temp_store",         "MEMORY",      "2"},
    {"cache_size",         "-1024",       "-1024"},   /* KiB */
    {"mmap_size",          "0",           NULL},
    {"cell_size_check",    "ON",          "1"},
    {"trusted_schema",     "OFF",         "0"},
};
/* clang-format on */

/* The one value that a statement gives, or "". */
static int ask(struct db *db, const char *sql, char *out, size_t out_bytes, struct fault *why)
{
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(db->handle, sql, -1, &s, NULL);
    out[0] = '\0';
    if (rc == SQLITE_OK) rc = sqlite3_step(s);
    if (rc == SQLITE_ROW) {
        const unsigned char *text = sqlite3_column_text(s, 0);
        (void)snprintf(out, out_bytes, "%s", text ? (const char *)text : "");
    }
    sqlite3_finalize(s);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : sqlite_fault(db, rc, "open it", why);
}

static int ask_int(struct db *db, const char *sql, int *out, struct fault *why)
{
    char text[32];
    int r = ask(db, sql, text, sizeof text, why);
    *out = (int)strtol(text, NULL, 10);
    return r;
}

static int execute(struct db *db, const char *sql, const char *doing, struct fault *why)
{
    int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : sqlite_fault(db, rc, doing, why);
}

static int set_pragma(struct db *db, const struct pragma *p, struct fault *why)
{
    char sql[96];
    (void)snprintf(sql, sizeof sql, "PRAGMA %s=%s", p->name, p->value);
    return execute(db, sql, "open it", why);
}

static int check_pragma(struct db *db, const struct pragma *p, int err, struct fault *why)
{
    char sql[96], now[32];
    (void)snprintf(sql, sizeof sql, "PRAGMA %s", p->name);
    int r = ask(db, sql, now, sizeof now, why);
    if (r < 0 || p->reads == NULL || strcmp(now, p->reads) == 0) return r;
    return fault_set(why, err, NULL,
                     "%s: SQLite did not take %s=%s but says \"%s\"; this file or "
                     "this SQLite cannot keep events safely",
                     db->plan->path, p->name, p->value, now);
}

/* Only a new file is told its layout: saying it again would write to the file at each start. */
static int set_pragmas(struct db *db, bool is_new, struct fault *why)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && is_new && i < COUNT(layout); i++)
        r = set_pragma(db, &layout[i], why);
    for (size_t i = 0; r >= 0 && i < COUNT(behaviour); i++) r = set_pragma(db, &behaviour[i], why);
    for (size_t i = 0; r >= 0 && i < COUNT(layout); i++)
        r = check_pragma(db, &layout[i], TILLPOST_E_DAMAGED, why);
    for (size_t i = 0; r >= 0 && i < COUNT(behaviour); i++)
        r = check_pragma(db, &behaviour[i], TILLPOST_E_STORAGE, why);
    return r;
}

/* SQLite makes files that everybody may read, and gives the WAL the mode of the database. */
static int make_file(const char *path, struct fault *why)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)FILE_MODE);
    if (fd >= 0) return close(fd) == 0 ? 0 : system_fault(path, "make it", errno, why);
    if (errno == EEXIST && access(path, R_OK | W_OK) == 0) return 0;
    return system_fault(path, "open it", errno, why);
}

/* https://www.sqlite.org/uri.html: what is special in the path is escaped. */
static bool write_uri(const char *path, char *out, size_t out_bytes)
{
    size_t n = (size_t)snprintf(out, out_bytes, "file:");
    for (; *path != '\0' && n + 16 < out_bytes; path++) {
        bool special = strchr("%?#", *path) != NULL;
        n += (size_t)snprintf(out + n, out_bytes - n, special ? "%%%02x" : "%c", *path & 0xff);
    }
    (void)snprintf(out + n, out_bytes - n, "?psow=0");
    return *path == '\0';
}

static int write_page(sqlite3_file *file, const void *p, int len, sqlite3_int64 offset)
{
    const struct page_methods *w = (const struct page_methods *)file->pMethods;
    unsigned char page[PAGE_BYTES];
    if (len != PAGE_BYTES) return w->write(file, p, len, offset);
    memcpy(page, p, PAGE_BYTES);
    page_clear_gap(page, offset == 0);
    return w->write(file, page, len, offset);
}

/* SQLite takes a read that fails with EIO for a damaged file. It is one where the disk can be read
 * elsewhere; where it cannot, setting the file aside would save nothing. */
static int read_page(sqlite3_file *file, void *p, int len, sqlite3_int64 offset)
{
    const struct page_methods *w = (const struct page_methods *)file->pMethods;
    unsigned char first[DB_PAGE_BYTES];
    int rc = w->read(file, p, len, offset);
    if (rc != SQLITE_IOERR_CORRUPTFS) return rc;
    return w->read(file, first, sizeof first, 0) == SQLITE_OK ? rc : SQLITE_IOERR_READ;
}

static void take_over_pages(struct db *db)
{
    sqlite3_file *file = NULL;
    sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    if (file == NULL || file->pMethods == NULL) return;
    db->pages =
        (struct page_methods){*file->pMethods, file->pMethods->xWrite, file->pMethods->xRead};
    db->pages.methods.xWrite = write_page;
    db->pages.methods.xRead = read_page;
    file->pMethods = &db->pages.methods;
}

static int open_handle(struct db *db, struct fault *why)
{
    char uri[URI_MAX_BYTES];
    const struct db_plan *plan = db->plan;
    if (!write_uri(plan->path, uri, sizeof uri))
        return system_fault("queue", "open it", ENAMETOOLONG, why);
    int r = plan->vfs ? 0 : make_file(plan->path, why);
    if (r < 0) return r;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
    int rc = sqlite3_open_v2(uri, &db->handle, flags, plan->vfs);
    if (rc != SQLITE_OK) return sqlite_fault(db, rc, "open it", why);
    sqlite3_extended_result_codes(db->handle, 1);
    take_over_pages(db);
    return 0;
}

/* The header says otherwise: it is damaged. */
static bool is_ours(struct db *db)
{
    char text[32];
    if (ask(db, db->plan->witness, text, sizeof text, NULL) < 0) db_forgive(db);
    int64_t said = strtoll(text, NULL, 10);
    return said / WITNESS_VERSIONS == db->plan->application_id &&
           said % WITNESS_VERSIONS <= db->plan->version;
}

/* Whose file is it? The first read takes the lock. */
static int recognise(struct db *db, int *version, struct fault *why)
{
    const struct db_plan *plan = db->plan;
    int application = 0, tables = 0;
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    int r = execute(db, "PRAGMA locking_mode=EXCLUSIVE", "open it", why);
    if (r >= 0) r = ask_int(db, "SELECT count(*) FROM sqlite_schema", &tables, why);
    if (r >= 0) r = ask_int(db, "PRAGMA application_id", &application, why);
    if (r >= 0) r = ask_int(db, "PRAGMA user_version", version, why);
    if (r < 0) return r;
    bool odd = tables > 0 && (application != plan->application_id || *version > plan->version);
    if (odd && is_ours(db)) return sqlite_fault(db, SQLITE_CORRUPT, "open it", why);
    if (tables > 0 && application != plan->application_id)
        return fault_set(why, TILLPOST_E_CONFIG, NULL,
                         "%s: this is another program's database; "
                         "set queue.path to a file of its own",
                         plan->path);
    if (*version < 0 || (tables == 0) != (*version == 0))
        return sqlite_fault(db, SQLITE_ERROR, "open it", why);
    if (*version > plan->version)
        return fault_set(
            why, TILLPOST_E_CONFIG, NULL,
            "%s: a newer tillpost wrote it (schema %d, "
            "this one knows %d) and it was left as it is; install that tillpost again, "
            "or move the file aside",
            plan->path, *version, plan->version);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    return 0;
}

/* Reading makes a WAL, and what is refused stays as it was: without one. The lock is still held. */
static int recognise_only(struct db *db, int *version, struct fault *why)
{
    const char *wal = sqlite3_filename_wal(sqlite3_db_filename(db->handle, "main"));
    bool had_wal = db->plan->vfs != NULL || access(wal, F_OK) == 0;
    int r = recognise(db, version, why);
    if (r == TILLPOST_E_CONFIG && !had_wal) (void)unlink(wal);
    return r;
}

static int upgrade(struct db *db, int version, struct fault *why)
{
    char sql[32];
    int r = 0;
    for (; r >= 0 && version < db->plan->version; version++) {
        (void)snprintf(sql, sizeof sql, "PRAGMA user_version=%d", version + 1);
        r = execute(db, "BEGIN IMMEDIATE", "upgrade it", why);
        if (r >= 0) r = execute(db, db->plan->schema[version], "upgrade it", why);
        if (r >= 0) r = execute(db, sql, "upgrade it", why);
        if (r >= 0) r = execute(db, "COMMIT", "upgrade it", why);
    }
    return r;
}

static int prepare(struct db *db, const char *const *sql, unsigned n, sqlite3_stmt **out,
                   struct fault *why)
{
    for (unsigned i = 0; i < n; i++) {
        int rc =
            sqlite3_prepare_v3(db->handle, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &out[i], NULL);
        if (rc != SQLITE_OK) return sqlite_fault(db, rc, "open it", why);
    }
    return 0;
}

static int count_frames(void *ctx, sqlite3 *handle, const char *name, int frames)
{
    (void)handle;
    (void)name;
    ((struct db *)ctx)->wal_frames = frames;
    ((struct db *)ctx)->wal_counted = true;
    return SQLITE_OK;
}

static int checkpoint(struct db *db, int mode, int *frames, struct fault *why)
{
    int moved = 0;
    int rc = sqlite3_wal_checkpoint_v2(db->handle, "main", mode, frames, &moved);
    if (rc == SQLITE_OK && *frames != moved) rc = SQLITE_BUSY;
    if (rc != SQLITE_OK) return sqlite_fault(db, rc, "checkpoint", why);
    db->wal_frames = 0;
    db->wal_counted = true;
    return 0;
}

/* SQLite does not sync what it cuts off. Its cached pages are given up too: they were not cleaned as
 * those of the file were, and would come into the next WAL as they are. */
int db_empty_wal(struct db *db, struct fault *why)
{
    sqlite3_file *wal = NULL;
    int frames = 0, r = checkpoint(db, SQLITE_CHECKPOINT_TRUNCATE, &frames, why);
    if (r < 0) return r;
    sqlite3_db_release_memory(db->handle);
    sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal);
    if (wal == NULL || wal->pMethods == NULL) return 0;
    int rc = wal->pMethods->xSync(wal, SQLITE_SYNC_NORMAL);
    return rc == SQLITE_OK ? 0 : sqlite_fault(db, rc, "sync its WAL", why);
}

/* So that from here on we know how long the WAL is. On a full disk that must wait. */
static int take_wal_in(struct db *db, struct fault *why)
{
    int frames = 0, r = checkpoint(db, SQLITE_CHECKPOINT_PASSIVE, &frames, why);
    db->unclean = frames > 0;
    if (r >= 0 && db->unclean) r = db_empty_wal(db, why);
    return db->failure.space && !db->failure.sync ? 0 : r;
}

static int set_up(struct db *db, struct fault *why)
{
    char sql[64];
    int version = 0, r = recognise_only(db, &version, why);
    if (r >= 0) r = set_pragmas(db, version == 0, why);
    if (r >= 0) r = take_wal_in(db, why);
    (void)snprintf(sql, sizeof sql, "PRAGMA max_page_count=%" PRId64,
                   db->plan->max_bytes / DB_PAGE_BYTES);
    if (r >= 0) r = execute(db, sql, "open it", why);
    if (r >= 0) r = upgrade(db, version, why);
    if (r >= 0) r = prepare(db, own_sql, OWN_COUNT, db->own, why);
    if (r >= 0)
        r = prepare(db, db->plan->statements, db->plan->statement_count, db->statements, why);
    sqlite3_wal_hook(db->handle, count_frames, db);
    return r;
}

int db_open(const struct db_plan *plan, struct db **out, struct fault *why)
{
    struct db *db = calloc(1, sizeof *db);
    sqlite3_stmt **statements = calloc(plan->statement_count, sizeof(sqlite3_stmt *));
    *out = NULL;
    if (db == NULL || statements == NULL) {
        free(db);
        free(statements);
        return fault_set(why, TILLPOST_E_NO_MEMORY, NULL, "%s: out of memory", plan->path);
    }
    db->plan = plan;
    db->statements = statements;
    int r = open_handle(db, why);
    if (r >= 0) r = set_up(db, why);
    db->open = r >= 0;
    if (r >= 0) *out = db;
    else db_close(db);
    return r;
}

void db_close(struct db *db)
{
    if (db == NULL) return;
    for (unsigned i = 0; i < OWN_COUNT; i++) sqlite3_finalize(db->own[i]);
    for (unsigned i = 0; i < db->plan->statement_count; i++) sqlite3_finalize(db->statements[i]);
    /* What an fsync refused is not brought into the file, nor anything into a damaged one. */
    if (db->failure.sync || db->failure.damaged)
        sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_close(db->handle);
    free(db->statements);
    free(db);
}

/* Statements ---------------------------------------------------------------------------------- */

static int run_own(struct db *db, enum own which, const char *doing, struct fault *why)
{
    int rc = sqlite3_step(db->own[which]);
    sqlite3_reset(db->own[which]);
    return rc == SQLITE_DONE ? 0 : sqlite_fault(db, rc, doing, why);
}

static int64_t pages_written(struct db *db)
{
    int now = 0, most = 0;
    (void)sqlite3_db_status(db->handle, SQLITE_DBSTATUS_CACHE_WRITE, &now, &most, 0);
    return now;
}

int64_t db_written_bytes(struct db *db)
{
    return (pages_written(db) - db->written_before) * DB_PAGE_BYTES;
}

int db_begin(struct db *db, struct fault *why)
{
    db->written_before = pages_written(db);
    return run_own(db, OWN_BEGIN, "change it", why);
}

int db_commit(struct db *db, struct fault *why)
{
    return run_own(db, OWN_COMMIT, "commit", why);
}

int db_rollback(struct db *db, struct fault *why)
{
    return db_in_transaction(db) ? run_own(db, OWN_ROLLBACK, "roll back", why) : 0;
}

bool db_in_transaction(const struct db *db)
{
    return sqlite3_get_autocommit(db->handle) == 0;
}

bool db_was_unclean(const struct db *db)
{
    return db->unclean;
}

static void bind(sqlite3_stmt *s, int at, const struct db_arg *arg)
{
    const char *p = arg->bytes.p ? arg->bytes.p : "";
    switch (arg->kind) {
    case DB_NULL: sqlite3_bind_null(s, at); break;
    case DB_INT: sqlite3_bind_int64(s, at, arg->number); break;
    case DB_TEXT: sqlite3_bind_text(s, at, p, (int)arg->bytes.len, SQLITE_STATIC); break;
    case DB_BLOB: sqlite3_bind_blob(s, at, p, (int)arg->bytes.len, SQLITE_STATIC); break;
    }
}

void db_start(struct db *db, unsigned statement, const struct db_arg *args, size_t n)
{
    sqlite3_stmt *s = db->statements[statement];
    sqlite3_reset(s);
    for (size_t i = 0; i < n; i++) bind(s, (int)i + 1, &args[i]);
}

int db_next(struct db *db, unsigned statement, struct fault *why)
{
    sqlite3_stmt *s = db->statements[statement];
    int rc = sqlite3_step(s);
    if (rc == SQLITE_ROW) return 1;
    sqlite3_reset(s);
    if (rc == SQLITE_DONE) return 0;
    return sqlite_fault(db, rc, sqlite3_stmt_readonly(s) ? "read it" : "change it", why);
}

void db_reset(struct db *db, unsigned statement)
{
    sqlite3_reset(db->statements[statement]);
}

int db_run(struct db *db, unsigned statement, const struct db_arg *args, size_t n,
           struct fault *why)
{
    db_start(db, statement, args, n);
    int r = db_next(db, statement, why);
    return r < 0 ? r : sqlite3_changes(db->handle);
}

int64_t db_int(struct db *db, unsigned statement, int column)
{
    return sqlite3_column_int64(db->statements[statement], column);
}

struct str db_text(struct db *db, unsigned statement, int column)
{
    sqlite3_stmt *s = db->statements[statement];
    const char *p = sqlite3_column_blob(s, column);
    return p ? (struct str){p, (size_t)sqlite3_column_bytes(s, column)} : STR("");
}

/* Pages --------------------------------------------------------------------------------------- */

static int own_number(struct db *db, enum own which, int64_t *out, struct fault *why)
{
    sqlite3_stmt *s = db->own[which];
    int rc = sqlite3_step(s);
    *out = rc == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
    sqlite3_reset(s);
    return rc == SQLITE_ROW ? 0 : sqlite_fault(db, rc, "read it", why);
}

int db_size(struct db *db, struct db_size *out, struct fault *why)
{
    int r = own_number(db, OWN_PAGES, &out->pages, why);
    return r < 0 ? r : own_number(db, OWN_FREE_PAGES, &out->free_pages, why);
}

int64_t db_wal_bytes(const struct db *db)
{
    return db->wal_frames == 0 ? 0 : WAL_HEADER_BYTES + (int64_t)db->wal_frames * WAL_FRAME_BYTES;
}

int64_t db_growth_bytes(struct db *db, int64_t pages)
{
    sqlite3_file *file = NULL;
    sqlite3_int64 bytes = 0;
    sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    if (file == NULL || file->pMethods == NULL) return 0;
    if (file->pMethods->xFileSize(file, &bytes) != SQLITE_OK) return 0;
    return pages * DB_PAGE_BYTES - bytes;
}

int db_checkpoint(struct db *db, struct fault *why)
{
    int frames = 0;
    return checkpoint(db, SQLITE_CHECKPOINT_PASSIVE, &frames, why);
}

int db_cut_wal(struct db *db, struct fault *why)
{
    sqlite3_file *wal = NULL;
    sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal);
    if (!db->wal_counted || wal == NULL || wal->pMethods == NULL)
        return fault_set(why, TILLPOST_E_STORAGE, NULL,
                         "%s: an fsync failed and the WAL cannot be "
                         "trusted; look for disk errors in the system's log, then start the agent "
                         "again",
                         db->plan->path);
    int rc = wal->pMethods->xTruncate(wal, db_wal_bytes(db));
    if (rc == SQLITE_OK) rc = wal->pMethods->xSync(wal, SQLITE_SYNC_NORMAL);
    return rc == SQLITE_OK ? 0 : sqlite_fault(db, rc, "mend its WAL", why);
}

int db_give_back(struct db *db, unsigned pages, struct fault *why)
{
    char sql[64];
    (void)snprintf(sql, sizeof sql, "PRAGMA incremental_vacuum(%u)", pages);
    return execute(db, sql, "shrink it", why);
}
