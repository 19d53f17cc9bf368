/*
 * memory_vfs.c: see memory_vfs.h. Locks do nothing (there is one connection), there is no shared
 * memory (the queue needs none).
 */
#include "memory_vfs.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct handle {
    sqlite3_file base;
    int file;
    bool sync_directory; /* with the next sync: a new WAL or journal */
};

static struct disk *disk;

uint64_t chance_next(uint64_t *seed)
{
    uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Files --------------------------------------------------------------------------------------- */

static void *grown(void *p, size_t bytes)
{
    p = realloc(p, bytes > 0 ? bytes : 1);
    if (p == NULL) abort();
    return p;
}

static void file_reserve(struct disk_file *f, size_t len)
{
    if (len <= f->cap) return;
    f->cap = len * 2;
    f->bytes = grown(f->bytes, f->cap);
}

static void file_resize(struct disk_file *f, size_t len)
{
    file_reserve(f, len);
    if (len > f->len) memset(f->bytes + f->len, 0, len - f->len);
    f->len = len;
}

static void file_write(struct disk_file *f, size_t offset, const unsigned char *p, size_t len)
{
    if (offset > f->len) file_resize(f, offset);
    file_reserve(f, offset + len);
    memcpy(f->bytes + offset, p, len);
    if (offset + len > f->len) f->len = offset + len;
}

void disk_copy(struct disk *to, const struct disk *from)
{
    for (int i = 0; i < DISK_FILES_MAX; i++) {
        struct disk_file *t = &to->files[i];
        const struct disk_file *f = &from->files[i];
        memcpy(t->name, f->name, sizeof t->name);
        t->there = f->there;
        file_resize(t, 0);
        if (f->len > 0) file_write(t, 0, f->bytes, f->len);
    }
}

void disk_clear(struct disk *d)
{
    for (int i = 0; i < DISK_FILES_MAX; i++) free(d->files[i].bytes);
    for (size_t i = 0; i < d->op_count; i++) free(d->ops[i].bytes);
    free(d->ops);
    memset(d, 0, sizeof *d);
}

static int file_of_disk(struct disk *d, const char *name, bool make)
{
    const char *base = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
    for (int i = 0; i < DISK_FILES_MAX; i++) {
        if (strcmp(d->files[i].name, base) == 0) return i;
        if (d->files[i].name[0] != '\0') continue;
        if (!make) return -1;
        (void)snprintf(d->files[i].name, DISK_NAME_BYTES, "%s", base);
        return i;
    }
    if (make) abort();
    return -1;
}

static int file_named(const char *name, bool make)
{
    return file_of_disk(disk, name, make);
}

static void append(struct disk *d, struct disk_op op)
{
    const unsigned char *p = op.bytes;
    if (d->op_count == d->op_cap) {
        d->op_cap = d->op_cap > 0 ? d->op_cap * 2 : 1024;
        d->ops = grown(d->ops, d->op_cap * sizeof d->ops[0]);
    }
    op.bytes = op.len > 0 ? grown(NULL, op.len) : NULL;
    if (op.len > 0) memcpy(op.bytes, p, op.len);
    d->ops[d->op_count++] = op;
}

static void note(enum disk_op_kind kind, int file, int64_t offset, const void *p, size_t len,
                 bool with_directory)
{
    const struct disk_op op = {kind, file, with_directory, offset, len, (unsigned char *)p};
    if (disk->recording) append(disk, op);
}

void disk_note(struct disk *d, const char *name, struct disk_op op)
{
    op.file = name == NULL ? 0 : file_of_disk(d, name, true);
    append(d, op);
}

/* The VFS ------------------------------------------------------------------------------------- */

static bool fails(bool is_sync)
{
    struct disk_fault *f = &disk->fault;
    if (f->times == 0 || (f->kind == DISK_FAULT_SYNC) != is_sync) return false;
    if (f->at > 1) {
        f->at--;
        return false;
    }
    f->times--;
    disk->frozen |= disk->dies;
    return true;
}

static int fault_code(void)
{
    if (disk->fault.kind == DISK_FAULT_FULL) return SQLITE_FULL;
    return disk->fault.kind == DISK_FAULT_SYNC ? SQLITE_IOERR_FSYNC : SQLITE_IOERR_WRITE;
}

static struct disk_file *file_of(sqlite3_file *h)
{
    return &disk->files[((struct handle *)h)->file];
}

static int x_close(sqlite3_file *h)
{
    (void)h;
    return SQLITE_OK;
}

static int x_read(sqlite3_file *h, void *p, int len, sqlite3_int64 offset)
{
    const struct disk_file *f = file_of(h);
    size_t at = (size_t)offset, n = (size_t)len;
    size_t have = at >= f->len ? 0 : f->len - at < n ? f->len - at : n;
    if (have > 0) memcpy(p, f->bytes + at, have);
    memset((char *)p + have, 0, n - have);
    return have == n ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int x_write(sqlite3_file *h, const void *p, int len, sqlite3_int64 offset)
{
    if (disk->frozen) return SQLITE_OK;
    if (fails(false)) return fault_code();
    note(DISK_WRITE, ((struct handle *)h)->file, offset, p, (size_t)len, false);
    file_write(file_of(h), (size_t)offset, p, (size_t)len);
    return SQLITE_OK;
}

static int x_truncate(sqlite3_file *h, sqlite3_int64 size)
{
    if (disk->frozen) return SQLITE_OK;
    if (disk->fault.kind != DISK_FAULT_FULL && fails(false)) return SQLITE_IOERR_TRUNCATE;
    note(DISK_TRUNCATE, ((struct handle *)h)->file, size, NULL, 0, false);
    file_resize(file_of(h), (size_t)size);
    return SQLITE_OK;
}

static int x_sync(sqlite3_file *h, int flags)
{
    struct handle *hd = (struct handle *)h;
    (void)flags;
    if (disk->lying && strstr(file_of(h)->name, "-wal") != NULL) return SQLITE_OK;
    if (disk->frozen) return SQLITE_OK;
    if (fails(true)) {
        note(DISK_SYNC_FAILED, hd->file, 0, NULL, 0, false);
        return fault_code();
    }
    note(DISK_SYNC, hd->file, 0, NULL, 0, hd->sync_directory);
    hd->sync_directory = false;
    return SQLITE_OK;
}

static int x_file_size(sqlite3_file *h, sqlite3_int64 *out)
{
    *out = (sqlite3_int64)file_of(h)->len;
    return SQLITE_OK;
}

static int x_lock(sqlite3_file *h, int level)
{
    (void)h;
    (void)level;
    return SQLITE_OK;
}

static int x_reserved(sqlite3_file *h, int *out)
{
    (void)h;
    *out = 0;
    return SQLITE_OK;
}

static int x_control(sqlite3_file *h, int op, void *arg)
{
    (void)h;
    (void)op;
    (void)arg;
    return SQLITE_NOTFOUND;
}

static int x_sector(sqlite3_file *h)
{
    (void)h;
    return DISK_PAGE_BYTES;
}

static int x_traits(sqlite3_file *h)
{
    (void)h;
    return disk->shares_sectors ? SQLITE_IOCAP_POWERSAFE_OVERWRITE : 0;
}

static int x_open(sqlite3_vfs *v, const char *name, sqlite3_file *h, int flags, int *out)
{
    static const sqlite3_io_methods methods = {
        .iVersion = 1,
        .xClose = x_close,
        .xRead = x_read,
        .xWrite = x_write,
        .xTruncate = x_truncate,
        .xSync = x_sync,
        .xFileSize = x_file_size,
        .xLock = x_lock,
        .xUnlock = x_lock,
        .xCheckReservedLock = x_reserved,
        .xFileControl = x_control,
        .xSectorSize = x_sector,
        .xDeviceCharacteristics = x_traits,
    };
    struct handle *hd = (struct handle *)h;
    int i = name == NULL ? -1 : file_named(name, (flags & SQLITE_OPEN_CREATE) != 0);
    (void)v;
    h->pMethods = NULL;
    if (i < 0 || (!disk->files[i].there && (flags & SQLITE_OPEN_CREATE) == 0))
        return SQLITE_CANTOPEN;
    /* As SQLite's own VFS (os_unix.c, syncDir): also when the file was there already. */
    bool sync_directory = (flags & SQLITE_OPEN_CREATE) != 0 &&
                          (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0;
    *hd = (struct handle){{&methods}, i, sync_directory};
    if (!disk->files[i].there) {
        note(DISK_CREATE, i, 0, NULL, 0, false);
        file_resize(&disk->files[i], 0);
        disk->files[i].there = true;
    }
    if (out != NULL) *out = flags;
    return SQLITE_OK;
}

static int x_delete(sqlite3_vfs *v, const char *name, int sync_directory)
{
    int i = file_named(name, false);
    (void)v;
    if (i < 0 || !disk->files[i].there) return SQLITE_IOERR_DELETE_NOENT;
    if (disk->frozen) return SQLITE_OK;
    if (disk->fault.kind != DISK_FAULT_FULL && fails(false)) return SQLITE_IOERR_DELETE;
    note(DISK_REMOVE, i, 0, NULL, 0, sync_directory != 0);
    disk->files[i].there = false;
    file_resize(&disk->files[i], 0);
    return SQLITE_OK;
}

static int x_access(sqlite3_vfs *v, const char *name, int flags, int *out)
{
    int i = file_named(name, false);
    (void)v;
    /* As SQLite's own VFS: an empty file is none. */
    *out =
        i >= 0 && disk->files[i].there && (flags != SQLITE_ACCESS_EXISTS || disk->files[i].len > 0);
    return SQLITE_OK;
}

static int x_full_path(sqlite3_vfs *v, const char *name, int bytes, char *out)
{
    (void)v;
    (void)snprintf(out, (size_t)bytes, "%s", name);
    return SQLITE_OK;
}

static int x_random(sqlite3_vfs *v, int bytes, char *out)
{
    static uint64_t seed = 1;
    (void)v;
    for (int i = 0; i < bytes; i++) out[i] = (char)chance_next(&seed);
    return bytes;
}

static int x_sleep(sqlite3_vfs *v, int us)
{
    (void)v;
    return us;
}

static int x_time(sqlite3_vfs *v, double *out)
{
    (void)v;
    *out = 2460000.5;
    return SQLITE_OK;
}

static int x_last_error(sqlite3_vfs *v, int bytes, char *out)
{
    (void)v;
    (void)bytes;
    (void)out;
    return EIO;
}

void memory_vfs_register(void)
{
    static sqlite3_vfs vfs = {
        .iVersion = 1,
        .szOsFile = sizeof(struct handle),
        .mxPathname = 512,
        .zName = MEMORY_VFS,
        .xOpen = x_open,
        .xDelete = x_delete,
        .xAccess = x_access,
        .xFullPathname = x_full_path,
        .xRandomness = x_random,
        .xSleep = x_sleep,
        .xCurrentTime = x_time,
        .xGetLastError = x_last_error,
    };
    if (sqlite3_vfs_register(&vfs, 0) != SQLITE_OK) abort();
}

void memory_vfs_use(struct disk *d)
{
    disk = d;
}

/* Power cuts ---------------------------------------------------------------------------------- */

void replay_begin(struct replay *r, const struct disk *log)
{
    memset(r, 0, sizeof *r);
    r->log = log;
    for (int i = 0; i < DISK_FILES_MAX; i++) {
        memcpy(r->durable.files[i].name, log->files[i].name, DISK_NAME_BYTES);
        memcpy(r->cache.files[i].name, log->files[i].name, DISK_NAME_BYTES);
    }
}

void replay_end(struct replay *r)
{
    disk_clear(&r->durable);
    disk_clear(&r->cache);
    for (int i = 0; i < DISK_FILES_MAX; i++) free(r->files[i].dirty);
    memset(r, 0, sizeof *r);
}

static void make_dirty(struct replay_file *f, size_t offset, size_t len)
{
    size_t first = offset / DISK_PAGE_BYTES, end = (offset + len - 1) / DISK_PAGE_BYTES + 1;
    if (end > f->pages) {
        f->dirty = grown(f->dirty, end * 2);
        memset(f->dirty + f->pages, 0, end * 2 - f->pages);
        f->pages = end * 2;
    }
    memset(f->dirty + first, 1, end - first);
}

static void copy_range(struct disk_file *to, const struct disk_file *from, size_t at, size_t len)
{
    if (at >= from->len) return;
    file_write(to, at, from->bytes + at, from->len - at < len ? from->len - at : len);
}

static void make_clean(struct replay *r, int i, bool written)
{
    struct replay_file *f = &r->files[i];
    struct disk_file *to = &r->durable.files[i];
    const struct disk_file *from = &r->cache.files[i];
    if (written && f->fresh) file_resize(to, 0);
    for (size_t p = 0; p < f->pages; p++)
        if (f->dirty[p] && written) copy_range(to, from, p * DISK_PAGE_BYTES, DISK_PAGE_BYTES);
    if (f->pages > 0) memset(f->dirty, 0, f->pages);
    if (written) file_resize(to, from->len);
}

static void sync_names(struct replay *r)
{
    for (int i = 0; i < DISK_FILES_MAX; i++) {
        struct replay_file *f = &r->files[i];
        if (!f->named_anew) continue;
        if (f->fresh) file_resize(&r->durable.files[i], 0);
        r->durable.files[i].there = r->cache.files[i].there;
        f->named_anew = f->fresh = false;
    }
}

/* The size is the inode's, which no failed write of pages changes. */
static void forget_clean(struct replay *r, int i)
{
    const struct replay_file *f = &r->files[i];
    const struct disk_file *from = &r->durable.files[i];
    struct disk_file *to = &r->cache.files[i];
    for (size_t at = 0; at < to->len; at += DISK_PAGE_BYTES) {
        size_t len = to->len - at < DISK_PAGE_BYTES ? to->len - at : DISK_PAGE_BYTES;
        if (at / DISK_PAGE_BYTES < f->pages && f->dirty[at / DISK_PAGE_BYTES]) continue;
        memset(to->bytes + at, 0, len);
        if (!f->fresh) copy_range(to, from, at, len);
    }
}

static void follow(struct replay *r, const struct disk_op *op)
{
    struct disk_file *cached = &r->cache.files[op->file];
    struct replay_file *f = &r->files[op->file];
    switch (op->kind) {
    case DISK_WRITE:
        file_write(cached, (size_t)op->offset, op->bytes, op->len);
        make_dirty(f, (size_t)op->offset, op->len);
        break;
    case DISK_TRUNCATE: file_resize(cached, (size_t)op->offset); break;
    case DISK_SYNC:
        if (op->with_directory) sync_names(r);
        make_clean(r, op->file, true);
        break;
    case DISK_SYNC_FAILED: make_clean(r, op->file, false); break;
    case DISK_SYNC_NAMES: sync_names(r); break;
    case DISK_FORGET: forget_clean(r, op->file); break;
    case DISK_CREATE:
    case DISK_REMOVE:
        cached->there = op->kind == DISK_CREATE;
        f->named_anew = true;
        if (op->kind == DISK_CREATE) break;
        f->fresh = true;
        file_resize(cached, 0);
        make_clean(r, op->file, false);
        if (op->with_directory) sync_names(r);
        break;
    }
}

void replay_to(struct replay *r, size_t op)
{
    for (; r->at < op; r->at++) follow(r, &r->log->ops[r->at]);
}

static void garbage(struct disk_file *f, size_t sector, uint64_t *seed)
{
    unsigned char bytes[DISK_SECTOR_BYTES];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)chance_next(seed);
    file_write(f, sector, bytes, sizeof bytes);
}

static void write_some(struct disk_file *to, const struct disk_file *from, size_t page,
                       uint64_t *seed)
{
    size_t at = page * DISK_PAGE_BYTES, end = at + DISK_PAGE_BYTES;
    for (; at < end && at < from->len; at += DISK_SECTOR_BYTES) {
        unsigned fate = (unsigned)(chance_next(seed) % 5);
        if (fate < 2) copy_range(to, from, at, DISK_SECTOR_BYTES);
        else if (fate == 4) garbage(to, at, seed);
    }
}

static void cut_file(const struct replay *r, int i, uint64_t *seed, struct disk_file *out)
{
    const struct replay_file *f = &r->files[i];
    const struct disk_file *cached = &r->cache.files[i];
    bool new_name = f->named_anew && chance_next(seed) % 2 == 0;
    if (new_name) out->there = cached->there;
    if (f->fresh && !new_name) return;
    if (f->fresh) file_resize(out, 0);
    if (cached->len < out->len && chance_next(seed) % 2 == 0) file_resize(out, cached->len);
    for (size_t p = 0; p < f->pages; p++)
        if (f->dirty[p]) write_some(out, cached, p, seed);
}

void replay_cut(const struct replay *r, enum cut cut, uint64_t seed, struct disk *out)
{
    disk_copy(out, cut == CUT_ALL_OF_IT ? &r->cache : &r->durable);
    for (int i = 0; cut == CUT_SOME_OF_IT && i < DISK_FILES_MAX; i++)
        cut_file(r, i, &seed, &out->files[i]);
}

void disk_forget(struct disk *d, const char *name)
{
    struct replay r;
    disk_note(d, name, (struct disk_op){.kind = DISK_FORGET});
    replay_begin(&r, d);
    replay_to(&r, d->op_count);
    disk_copy(d, &r.cache);
    replay_end(&r);
}
