/*
 * doctor_host.c: the device itself: files, disk, database, socket, queue.
 *
 * The agent's user is the owner of the state directory. Who is neither that nor root is told what
 * could not be judged, instead of faults that are only theirs.
 */
#include "agent/doctor_inside.h"

#include "agent/open.h"
#include "base/json.h"
#include "platform/platform.h"
#include "queue/aside.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MIB ((int64_t)1024 * 1024)
enum {
    DISK_FULL_MIB = 4, /* the WAL and the ballast want as much */
    WAL_MIB = 8,
    SLOW_MS = 500, /* a sale waits for one such write; good SD cards take 5 to 50 ms */
    WRITES = 3,
    WRITE_BYTES = 4096,
    FULL_KIB = 640,   /* of max_size, kept for settling and burying; and a few rows more */
    OLD_S = 24 * 3600 /* a store that is open has a line once a day */
};

/* Configuration ------------------------------------------------------------------------------- */

#define TOKEN_KEY "tiktok.access_token_file"

/* The token's file is looked at by permissions. */
static bool is_ours(const struct config_problem *p, bool warning)
{
    return p->warning == warning && strcmp(p->key, TOKEN_KEY) != 0;
}

static size_t tell_problems(const struct doctor *d, bool warning, enum doctor_code code,
                            struct doctor_findings *out)
{
    struct buf line;
    size_t n = 0;
    buf_init(&line, (size_t)8 * 1024);
    for (size_t i = 0; i < d->problems.count; i++)
        if (is_ours(&d->problems.list[i], warning) && n++ == 0)
            config_problem_text(d->config_file, &d->problems.list[i], &line);
    if (n > 1) doctor_find(out, code, "%zu faults; the first: %.180s", n, line.p);
    else if (n) doctor_find(out, code, "%s", line.p);
    buf_free(&line);
    return n;
}

void doctor_configuration(struct doctor *d, struct doctor_findings *out)
{
    if (d->config_err == TILLPOST_E_NO_INPUT) {
        doctor_find(out, DOCTOR_CONFIG_MISSING, "%s", d->config_file);
        return;
    }
    size_t n = tell_problems(d, false, DOCTOR_CONFIG_BROKEN, out);
    n += tell_problems(d, true, DOCTOR_CONFIG_ODD, out);
    if (!n) doctor_find(out, DOCTOR_FINE, "%s", d->config_file);
}

/* Permissions --------------------------------------------------------------------------------- */

static const char *token_file(const struct doctor *d, char credential[SECRET_PATH_BYTES])
{
    if (secret_credential_path("tiktok-access-token", credential)) return credential;
    return d->config->tiktok.access_token_file;
}

/* Called again as the agent's user; what only root could read is kept for the probe. */
int doctor_read_token(struct doctor *d)
{
    char credential[SECRET_PATH_BYTES];
    struct secret fresh = {0};
    const char *file = token_file(d, credential);
    int rc = file ? secret_read_token(file, &fresh, NULL) : TILLPOST_E_NO_INPUT;
    if (rc < 0) return rc;
    secret_forget(&d->token);
    d->token = fresh;
    return rc;
}

static bool agent_lacks_token(const struct doctor *d)
{
    const struct json *paused = json_get(d->status, "paused");
    return !d->status || str_is(json_string(json_get(paused, "by")), "credentials");
}

static void look_at_token(struct doctor *d, struct doctor_findings *out)
{
    char credential[SECRET_PATH_BYTES];
    unsigned mode = 0, uid = 0;
    const char *file = token_file(d, credential);
    int rc = doctor_read_token(d);
    if (rc >= 0 || !d->is_owner) return;
    if ((!file || d->token.text) && !agent_lacks_token(d)) return; /* handed on by systemd */
    enum doctor_code code = DOCTOR_TOKEN_UNREADABLE;
    if (rc == TILLPOST_E_NO_INPUT) code = DOCTOR_TOKEN_MISSING;
    if (rc == TILLPOST_E_CONFIG) code = DOCTOR_TOKEN_MALFORMED;
    if (rc == TILLPOST_E_DENIED && platform_file_mode(file, &mode, &uid) >= 0) {
        if (mode & 0004) code = DOCTOR_TOKEN_EXPOSED;
        else if (d->token.text && !d->status) code = DOCTOR_TOKEN_ROOTS;
    }
    doctor_find(out, code, "%s", file ? file : TOKEN_KEY " is not set");
}

static void look_at_key(struct doctor *d, struct doctor_findings *out)
{
    char path[SECRET_PATH_BYTES];
    unsigned char key[SECRET_KEY_BYTES];
    struct fault why = {0};
    if (!platform_file_stamp(d->config->queue.path)) return; /* it is made with the queue */
    if (open_key_path(d->config, path, NULL) < 0) return;
    int rc = secret_queue_key(path, false, key, &why);
    wipe(key, sizeof key);
    if (rc >= 0) return;
    d->bad_key = true;
    enum doctor_code code = DOCTOR_KEY_MALFORMED;
    if (!platform_file_stamp(path)) code = DOCTOR_KEY_MISSING;
    else if (rc == TILLPOST_E_DENIED) code = DOCTOR_KEY_UNREADABLE;
    doctor_find(out, code, "%s", path);
}

static void look_at_state(struct doctor *d, struct doctor_findings *out)
{
    static const char *const ends[] = {"", "-wal"};
    char path[SECRET_PATH_BYTES];
    unsigned mode = 0, uid = 0, owner = 0;
    if (platform_file_mode(d->folder, &mode, &owner) >= 0 && (mode & 0022))
        doctor_find(out, DOCTOR_STATE_EXPOSED, "%s", d->folder);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        int n = snprintf(path, sizeof path, "%s%s", d->config->queue.path, ends[i]);
        if (n < 0 || (size_t)n >= sizeof path || platform_file_mode(path, &mode, &uid) < 0)
            continue;
        if (mode & 0077) doctor_find(out, DOCTOR_STATE_EXPOSED, "%s", path);
        if (uid != owner) doctor_find(out, DOCTOR_STATE_OWNER, "%s", path);
    }
}

static void look_at_drop_folder(struct doctor *d, struct doctor_findings *out)
{
    const char *folder = d->config->import.folder;
    if (folder && access(folder, R_OK | W_OK | X_OK) != 0)
        doctor_find(out, DOCTOR_IMPORT_FOLDER, "%s: %s", folder, strerror(errno));
}

void doctor_permissions(struct doctor *d, struct doctor_findings *out)
{
    if (!platform_file_stamp(d->folder)) {
        doctor_find(out, DOCTOR_STATE_MISSING, "%s", d->folder);
    } else if (!d->is_owner) {
        doctor_find(out, DOCTOR_NOT_THE_OWNER, "%s", d->folder);
    } else {
        look_at_state(d, out);
        look_at_key(d, out);
        look_at_drop_folder(d, out);
    }
    look_at_token(d, out);
    if (!out->count) doctor_find(out, DOCTOR_FINE, "%s", d->folder);
}

/* Disk ---------------------------------------------------------------------------------------- */

static double status_number(const struct doctor *d, const char *section, const char *key)
{
    return json_number(json_get(json_get(d->status, section), key));
}

static struct queue_counts counts_of(struct doctor *d)
{
    struct queue_counts n = {0};
    struct queue *q = d->status ? NULL : doctor_queue(d);
    if (q) queue_counts(q, &n);
    if (!d->status) return n;
    n.queued = (int64_t)status_number(d, "queue", "queued");
    n.dead = (int64_t)status_number(d, "queue", "dead");
    n.size_bytes = (int64_t)status_number(d, "queue", "size_bytes");
    return n;
}

static enum doctor_code write_fault(void)
{
    switch (errno) {
    case ENOSPC:
    case EDQUOT: return DOCTOR_DISK_FULL;
    case EROFS: return DOCTOR_DISK_READ_ONLY;
    case EACCES:
    case EPERM: return DOCTOR_STATE_UNWRITABLE;
    default: return DOCTOR_DISK_FAILING;
    }
}

/* Time of the quickest of a few durable writes, in ms; < 0: told. */
static int64_t time_writes(const struct doctor *d, struct doctor_findings *out)
{
    static const char page[WRITE_BYTES];
    char path[SECRET_PATH_BYTES + 16];
    int64_t best = INT64_MAX;
    (void)snprintf(path, sizeof path, "%s/doctor", d->folder);
    for (int i = 0; i < WRITES; i++) {
        int64_t began = platform_mono_ms();
        if (platform_write_file(path, page, sizeof page, 0600) < 0) {
            doctor_find(out, write_fault(), "%s: %s", d->folder, strerror(errno));
            return -1;
        }
        int64_t took = platform_mono_ms() - began;
        if (took < best) best = took;
    }
    (void)remove(path);
    return best;
}

static void look_at_kind(const struct doctor *d, struct doctor_findings *out)
{
    enum platform_disk kind = platform_disk(d->folder);
    if (kind == PLATFORM_DISK_FORGETS) doctor_find(out, DOCTOR_DISK_IN_MEMORY, "%s", d->folder);
    if (kind == PLATFORM_DISK_REMOTE) doctor_find(out, DOCTOR_DISK_REMOTE, "%s", d->folder);
}

void doctor_disk(struct doctor *d, struct doctor_findings *out)
{
    if (!platform_file_stamp(d->folder)) {
        doctor_skip(out, DOCTOR_CHECK_PERMISSIONS);
        return;
    }
    int64_t free_bytes = platform_free_bytes(d->config->queue.path);
    int64_t growth = d->config->queue.max_size_bytes + WAL_MIB * MIB - counts_of(d).size_bytes;
    look_at_kind(d, out);
    bool full = free_bytes >= 0 && free_bytes < DISK_FULL_MIB * MIB;
    if (full)
        doctor_find(out, DOCTOR_DISK_FULL, "%lld KiB are free", (long long)(free_bytes / 1024));
    else if (free_bytes >= 0 && free_bytes < growth)
        doctor_find(out, DOCTOR_DISK_LOW, "%lld MiB are free, the queue may take %lld more",
                    (long long)(free_bytes / MIB), (long long)(growth / MIB));
    int64_t took = d->is_owner && !full ? time_writes(d, out) : -1;
    if (took > SLOW_MS) doctor_find(out, DOCTOR_DISK_SLOW, "%lld ms", (long long)took);
    if (out->count) return;
    if (took < 0) doctor_find(out, DOCTOR_FINE, "%lld MiB free", (long long)(free_bytes / MIB));
    else
        doctor_find(out, DOCTOR_FINE, "%lld MiB free, a durable write takes %lld ms",
                    (long long)(free_bytes / MIB), (long long)took);
}

/* Database ------------------------------------------------------------------------------------ */

static const struct json *status_problem(const struct doctor *d, const char *code)
{
    for (const struct json *p = json_first(json_get(d->status, "problems")); p; p = json_next(p))
        if (str_is(json_string(json_get(p, "code")), code)) return p;
    return NULL;
}

/* A damaged one was set aside when it was opened; its file says so until somebody has looked. */
static void judge_queue(const struct doctor *d, struct queue *q, struct doctor_findings *out)
{
    if (!queue_was_damaged(q)) doctor_find(out, DOCTOR_FINE, "%s", d->config->queue.path);
    else
        doctor_find(out, DOCTOR_DATABASE_DAMAGED,
                    "it was set aside, and what could be read is in a new one: %s-damaged-…",
                    d->config->queue.path);
}

void doctor_database(struct doctor *d, struct doctor_findings *out)
{
    const struct json *damaged = status_problem(d, "queue_damaged");
    const struct fault *why = &d->queue_why;
    const struct json *p = status_problem(d, "storage");
    if (p) doctor_find(out, DOCTOR_DATABASE_FAILING, "%s", json_string(json_get(p, "message")).p);
    else if (damaged)
        doctor_find(out, DOCTOR_DATABASE_DAMAGED, "%s",
                    json_string(json_get(damaged, "message")).p);
    else if (d->status) doctor_find(out, DOCTOR_FINE, "the agent has it open");
    else if (d->agent.err != TILLPOST_E_UNAVAILABLE) doctor_skip(out, DOCTOR_CHECK_SOCKET);
    else if (!d->is_owner || d->bad_key) doctor_skip(out, DOCTOR_CHECK_PERMISSIONS);
    else if (doctor_queue(d)) judge_queue(d, doctor_queue(d), out);
    else if (why->err == TILLPOST_E_NOT_FOUND)
        doctor_find(out, DOCTOR_FINE, "there is none yet: the agent makes it");
    else if (why->err == TILLPOST_E_DAMAGED)
        doctor_find(out, DOCTOR_DATABASE_DAMAGED, "%s", why->message);
    else if (why->err == TILLPOST_E_LOCKED)
        doctor_find(out, DOCTOR_DATABASE_LOCKED, "%s", why->message);
    else doctor_find(out, DOCTOR_DATABASE_FAILING, "%s", why->message);
}

/* Socket -------------------------------------------------------------------------------------- */

static void look_at_modes(const struct config *c, struct doctor_findings *out)
{
    char folder[SECRET_PATH_BYTES];
    unsigned mode = 0, uid = 0, wanted = (unsigned)c->listen.socket_mode;
    const char *slash = strrchr(c->listen.socket, '/');
    if (platform_file_mode(c->listen.socket, &mode, &uid) >= 0 && (mode & 0777) != wanted)
        doctor_find(out, DOCTOR_SOCKET_MODE, "%s has %04o, listen.socket_mode is %04o",
                    c->listen.socket, mode & 0777, wanted);
    (void)snprintf(folder, sizeof folder, "%.*s", (int)(slash - c->listen.socket),
                   c->listen.socket);
    unsigned needs = (wanted & 0060 ? 0010 : 0) | (wanted & 0006 ? 0001 : 0);
    if (platform_file_mode(folder, &mode, &uid) >= 0 && (mode & needs) != needs)
        doctor_find(out, DOCTOR_SOCKET_FOLDER, "%s has %04o", folder, mode);
}

void doctor_socket(struct doctor *d, struct doctor_findings *out)
{
    const char *socket = d->config ? d->config->listen.socket : CONFIG_DEFAULT_SOCKET;
    switch (d->agent.err) {
    case 0: break;
    case TILLPOST_E_UNAVAILABLE: doctor_find(out, DOCTOR_AGENT_STOPPED, "%s", socket); return;
    case TILLPOST_E_DENIED: doctor_find(out, DOCTOR_SOCKET_DENIED, "%s", socket); return;
    default: doctor_find(out, DOCTOR_AGENT_SILENT, "%s", socket); return;
    }
    if (d->config) look_at_modes(d->config, out);
    if (status_problem(d, "listen_tokens"))
        doctor_find(out, DOCTOR_LISTEN_TOKENS, "%s", d->config ? d->config->listen.token_file : "");
    if (!out->count) doctor_find(out, DOCTOR_FINE, "%s", socket);
}

/* Queue --------------------------------------------------------------------------------------- */

static int64_t age_of(struct doctor *d, const struct queue_counts *n)
{
    if (d->status) return (int64_t)status_number(d, "queue", "oldest_age_s");
    int64_t age = clock_truth_ms(&d->clock, &d->now) / 1000 - n->oldest_recorded_s;
    return n->queued && age > 0 ? age : 0;
}

static bool is_paused(struct doctor *d)
{
    const struct json *paused = json_get(d->status, "paused");
    if (d->status) return str_is(json_string(json_get(paused, "by")), "operator");
    return d->queue && queue_value(d->queue, QUEUE_VALUE_PAUSED) != 0;
}

void doctor_backlog(struct doctor *d, struct doctor_findings *out)
{
    if (!d->status && !doctor_queue(d) && d->queue_why.err != TILLPOST_E_NOT_FOUND) {
        doctor_skip(out, d->agent.err == TILLPOST_E_UNAVAILABLE ? DOCTOR_CHECK_DATABASE
                                                                : DOCTOR_CHECK_SOCKET);
        return;
    }
    struct queue_counts n = counts_of(d);
    int64_t age = age_of(d, &n), most = d->config->queue.max_size_bytes;
    if (is_paused(d)) doctor_find(out, DOCTOR_QUEUE_PAUSED, "%lld wait", (long long)n.queued);
    if (age > d->config->queue.max_event_age_ms / 1000 * 3 / 4)
        doctor_find(out, DOCTOR_QUEUE_EXPIRING, "the oldest for %lld days", (long long)age / 86400);
    else if (age > OLD_S)
        doctor_find(out, DOCTOR_QUEUE_OLD, "the oldest for %lld hours", (long long)age / 3600);
    if (n.size_bytes > most - FULL_KIB * 1024)
        doctor_find(out, DOCTOR_QUEUE_FULL, "%lld of %lld MiB", (long long)(n.size_bytes / MIB),
                    (long long)(most / MIB));
    else if (n.size_bytes > most / 4 * 3)
        doctor_find(out, DOCTOR_QUEUE_FILLING, "%lld of %lld MiB", (long long)(n.size_bytes / MIB),
                    (long long)(most / MIB));
    if (n.dead) doctor_find(out, DOCTOR_DEAD_LETTERS, "%lld", (long long)n.dead);
    if (!out->count) doctor_find(out, DOCTOR_FINE, "%lld wait", (long long)n.queued);
}
