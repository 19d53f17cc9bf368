/*
 * aside.c: the names of a damaged queue; see aside.h.
 *
 * Names tell how far it got, so that a power cut at any moment is only a pause:
 *
 *   queue.db-salvage-wal alone     the WAL was moved, the file was not yet: it follows
 *   queue.db-salvage (and -wal)    rows are moving from it into queue.db, which knows how far
 *   queue.db-damaged-DATE          done with; kept for a person to look at
 *
 * Each step is a rename and a sync of the directory, in this order, the WAL before its file.
 */
#include "queue/aside.h"

#include "platform/platform.h"
#include "queue/inside.h"
#include "queue/page.h"
#include "queue/salvage.h"
#include "queue/wreck.h"
#include "tillpost/err.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PATH_BYTES = 4096, NAME_BYTES = 256, SAME_SECOND_MAX = 100 };
#define SALVAGE "-salvage"
#define DAMAGED "-damaged-"

struct path {
    char text[PATH_BYTES];
};

static const char *beside(const struct queue *q, const char *suffix, struct path *out)
{
    (void)snprintf(out->text, sizeof out->text, "%s%s", q->path, suffix);
    return out->text;
}

static bool is_there(const struct queue *q, const char *suffix)
{
    struct path p;
    return platform_file_stamp(beside(q, suffix, &p)) != 0;
}

static int move(const struct queue *q, const char *from, const char *to)
{
    struct path a, b;
    return platform_rename(beside(q, from, &a), beside(q, to, &b));
}

/* The set-aside files, without their WALs ----------------------------------------------------- */

typedef void (*visit_aside)(void *ctx, const char *name);

static void each_aside(const struct queue *q, visit_aside visit, void *ctx)
{
    struct path folder;
    const char *slash = strrchr(q->path, '/'), *base = slash ? slash + 1 : q->path;
    char prefix[NAME_BYTES];
    (void)snprintf(folder.text, sizeof folder.text, "%.*s", slash ? (int)(slash - q->path + 1) : 2,
                   slash ? q->path : "./");
    int len = snprintf(prefix, sizeof prefix, "%s" DAMAGED, base);
    DIR *d = opendir(folder.text);
    if (d == NULL || len < 0 || (size_t)len >= sizeof prefix) return;
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        size_t n = strlen(e->d_name);
        bool wal = n > 4 && strcmp(e->d_name + n - 4, "-wal") == 0;
        if (!wal && strncmp(e->d_name, prefix, (size_t)len) == 0)
            visit(ctx, e->d_name + strlen(base));
    }
    (void)closedir(d);
}

static void count_one(void *ctx, const char *suffix)
{
    (void)suffix;
    ++*(unsigned *)ctx;
}

unsigned aside_count(const struct queue *q)
{
    unsigned n = 0;
    if (q->plan.vfs == NULL) each_aside(q, count_one, &n);
    return n;
}

struct oldest {
    char suffix[NAME_BYTES];
};

static void find_oldest(void *ctx, const char *suffix)
{
    struct oldest *o = ctx;
    if (o->suffix[0] != '\0' && strcmp(suffix, o->suffix) > 0) return;
    (void)snprintf(o->suffix, sizeof o->suffix, "%s", suffix);
}

static void remove_oldest(const struct queue *q)
{
    struct oldest o = {""};
    struct path p;
    char wal[NAME_BYTES + 8];
    each_aside(q, find_oldest, &o);
    if (o.suffix[0] == '\0') return;
    (void)snprintf(wal, sizeof wal, "%s-wal", o.suffix);
    (void)remove(beside(q, wal, &p));
    (void)remove(beside(q, o.suffix, &p));
}

int aside_remove_all(const struct queue *q)
{
    for (unsigned n = aside_count(q); n > 0; n--) remove_oldest(q);
    return aside_count(q) == 0 ? 0 : TILLPOST_E_STORAGE;
}

/* Moving -------------------------------------------------------------------------------------- */

static void dated(const struct queue *q, char out[NAME_BYTES])
{
    char date[32];
    time_t now = time(NULL);
    struct tm t;
    (void)gmtime_r(&now, &t);
    (void)strftime(date, sizeof date, "%Y%m%dT%H%M%SZ", &t);
    (void)snprintf(out, NAME_BYTES, DAMAGED "%s", date);
    for (int i = 2; is_there(q, out) && i < SAME_SECOND_MAX; i++)
        (void)snprintf(out, NAME_BYTES, DAMAGED "%s-%02d", date, i);
}

bool aside_pending(const struct queue *q)
{
    return q->plan.vfs == NULL && is_there(q, SALVAGE);
}

int aside_finish(const struct queue *q)
{
    char name[NAME_BYTES], wal[NAME_BYTES + 8];
    while (aside_count(q) >= QUEUE_ASIDE_MAX) remove_oldest(q);
    dated(q, name);
    (void)snprintf(wal, sizeof wal, "%s-wal", name);
    int r = is_there(q, SALVAGE "-wal") ? move(q, SALVAGE "-wal", wal) : 0;
    return r < 0 ? r : move(q, SALVAGE, name);
}

int aside_move(const struct queue *q)
{
    int r = 0;
    if (aside_pending(q))
        r = aside_finish(q); /* damaged again: the rest of the first is given up */
    if (r >= 0 && is_there(q, "-wal")) r = move(q, "-wal", SALVAGE "-wal");
    return r < 0 ? r : move(q, "", SALVAGE);
}

int aside_resume(const struct queue *q)
{
    if (q->plan.vfs != NULL || is_there(q, SALVAGE) || !is_there(q, SALVAGE "-wal")) return 0;
    return move(q, "", SALVAGE);
}

void aside_wreck_path(const struct queue *q, char *out, size_t out_bytes)
{
    (void)snprintf(out, out_bytes, "%s" SALVAGE, q->path);
}

/* A file that somebody else put there is not ours to move: ours has our mark in its header, our
 * table in its first page, or our ballast beside it. */
bool aside_is_ours(const struct queue *q)
{
    static const char table[] =
        "CREATE TABLE event(seq INTEGER PRIMARY KEY, event_id TEXT NOT NULL";
    enum { APPLICATION_ID_AT = 68 };
    unsigned char page[PAGE_BYTES];
    struct wreck *w;
    if (q->plan.vfs != NULL) return false;
    if (is_there(q, "-ballast")) return true;
    if (wreck_open(q->path, &w) < 0) return false;
    wreck_read(w, 1, page);
    wreck_close(w);
    bool ours = page_u32(page + APPLICATION_ID_AT) == (uint32_t)q->plan.application_id;
    for (size_t i = 0; !ours && i + sizeof table <= sizeof page; i++)
        ours = memcmp(page + i, table, sizeof table - 1) == 0;
    return ours;
}

bool queue_salvaging(const struct queue *q)
{
    return q->slots[SLOT_SALVAGE_NEXT] != 0;
}

bool queue_was_damaged(const struct queue *q)
{
    return queue_salvaging(q) || aside_count(q) > 0;
}

void queue_damage(struct queue *q, struct queue_damage *out)
{
    *out = (struct queue_damage){
        .salvaging = queue_salvaging(q),
        .saved = q->slots[SLOT_SALVAGE_SAVED],
        .broken = q->slots[SLOT_SALVAGE_BROKEN],
        .times = q->damaged_times,
    };
}
