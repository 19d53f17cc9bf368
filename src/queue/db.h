/*
 * db.h: SQLite, opened so that a commit is a promise. The room's only door to it.
 *
 * Knows files, pages, statements and transactions; not what is in the tables. A statement is named
 * by its number in the plan's table. Values are bound without a copy: they must live until the
 * statement is done or reset. Columns are lent until the statement's next step.
 *
 * Errors: the codes that queue.h names; the message has file, cause and what to do. After any of
 * them the open transaction is gone, db_failure says so, and the owner must close and open again or
 * forgive. db_open itself may leave a failure of space behind: then the WAL could not be emptied.
 */
#ifndef QUEUE_DB_H
#define QUEUE_DB_H

#include "base/fault.h"
#include "base/text.h"

/* Why 4096: see the story of queue.c. */
enum { DB_PAGE_BYTES = 4096 };

struct db;
struct db_plan {
    const char *path;
    const char *vfs;   /* NULL: the system's */
    int64_t max_bytes; /* of the file */
    int application_id;
    const char *const *schema; /* schema[n] leads from version n to n + 1 */
    int version;               /* this program's */
    const char *witness; /* a query for application_id * 65536 + version, kept a second time */
    const char *const *statements;
    unsigned statement_count;
    unsigned *sync_failures; /* counts the fsyncs that fail, or NULL */
};
/* Makes the file (0600) and its tables when they are missing. The plan stays the caller's and must
 * outlive the db. CONFIG: another program's file, or of a newer version; nothing was touched. */
int db_open(const struct db_plan *plan, struct db **out, struct fault *why);
void db_close(struct db *db); /* rolls back; checkpoints and removes the WAL when it can */
struct db_failure {           /* of any call since it was opened */
    bool any;
    bool sync;    /* an fsync failed: what the WAL shows may not be on the disk */
    bool space;   /* the disk, a quota or the file's limit is full: the connection is still good */
    bool disk;    /* of these, not the file's limit */
    bool damaged; /* the file's content is: it must not be opened again as it is */
    struct fault why; /* the last */
};
const struct db_failure *db_failure(const struct db *db);
void db_forgive(struct db *db);
int db_call_damaged(struct db *db, struct fault *why); /* for what SQLite did not notice */

int db_begin(struct db *db, struct fault *why);
int db_commit(struct db *db, struct fault *why);
int db_rollback(struct db *db, struct fault *why);
bool db_in_transaction(const struct db *db);
int64_t db_written_bytes(struct db *db);  /* by the open one; 1 MiB more may be in memory */
bool db_was_unclean(const struct db *db); /* it was opened with a WAL: nobody had closed it */

enum db_kind { DB_NULL, DB_INT, DB_TEXT, DB_BLOB };
struct db_arg {
    enum db_kind kind;
    int64_t number;
    struct str bytes;
};
#define DB_ARG_INT(n)  ((struct db_arg){.kind = DB_INT, .number = (n)})
#define DB_ARG_TEXT(s) ((struct db_arg){.kind = DB_TEXT, .bytes = (s)})
#define DB_ARG_BLOB(s) ((struct db_arg){.kind = DB_BLOB, .bytes = (s)})
#define DB_ARGS(...)                      \
    (const struct db_arg[]){__VA_ARGS__}, \
        sizeof((const struct db_arg[]){__VA_ARGS__}) / sizeof(struct db_arg)

/* Starts a statement anew; then db_next gives 1 for a row, 0 at the end. */
void db_start(struct db *db, unsigned statement, const struct db_arg *args, size_t n);
int db_next(struct db *db, unsigned statement, struct fault *why);
void db_reset(struct db *db, unsigned statement);
/* Both, for a statement without rows; returns how many rows it changed. */
int db_run(struct db *db, unsigned statement, const struct db_arg *args, size_t n,
           struct fault *why);
int64_t db_int(struct db *db, unsigned statement, int column);
struct str db_text(struct db *db, unsigned statement, int column); /* of a text or a blob */

struct db_size {
    int64_t pages, free_pages;
};
int db_size(struct db *db, struct db_size *out, struct fault *why);
int64_t db_wal_bytes(const struct db *db); /* written since the last checkpoint */
/* What the next checkpoint will add to the file when the database has so many pages. */
int64_t db_growth_bytes(struct db *db, int64_t pages);
int db_checkpoint(struct db *db,
                  struct fault *why); /* the WAL into the file, complete or an error */
int db_empty_wal(struct db *db,
                 struct fault *why); /* the same, and the WAL has no bytes any more */
/* After a failed sync, before closing: cuts the WAL back to the last commit that was confirmed. */
int db_cut_wal(struct db *db, struct fault *why);
/* Gives at most `pages` free pages back; the file shrinks at the next checkpoint. */
int db_give_back(struct db *db, unsigned pages, struct fault *why);

#endif
