/*
 * confine.c: see confine.h.
 *
 * Directories, not files: a token, a CA bundle, a resolv.conf are replaced by renaming, and the new
 * file must be found. /etc is read as a whole for that reason; what in it is secret belongs to
 * root, and the agent runs as a user of its own. A link has two ways, that of its name and that of what it
 * leads to; what is not there yet has the nearest directory that is.
 */
#include "agent/confine.h"

#include "base/log.h"
#include "uplink/ca.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NEEDS_MAX = 8 };

struct need {
    const char *setting, *path;
    bool writes;
    bool fixed; /* a change waits for a restart in any case */
};

static size_t needs_of(const struct config *c, struct need out[NEEDS_MAX])
{
    /* clang-format off */
    const struct need needs[] = {
        {"tiktok.access_token_file", c->tiktok.access_token_file, false, false},
        {"tiktok.ca_file",           c->tiktok.ca_file,           false, false},
        {"tiktok.extra_ca_file",     c->tiktok.extra_ca_file,     false, false},
        {"listen.token_file",        c->listen.token_file,        false, false},
        {"import.folder",            c->import.folder,            true,  false},
        {"listen.socket",            c->listen.socket,            true,  true},
        {"queue.path",               c->queue.path,               true,  true},
    };
    /* clang-format on */
    _Static_assert(sizeof needs / sizeof needs[0] <= NEEDS_MAX, "room for every need");
    memcpy(out, needs, sizeof needs);
    return sizeof needs / sizeof needs[0];
}

/* Cuts the last name off: "/a/b" → "/a" → "/". */
static void climb(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash && slash != path) *slash = 0;
    else memcpy(path, "/", 2);
}

/* What a link that leads nowhere yet says. */
static bool read_link(const char *path, char out[SECRET_PATH_BYTES])
{
    char target[SECRET_PATH_BYTES / 2];
    ssize_t n = readlink(path, target, sizeof target - 1);
    if (n <= 0) return false;
    target[n] = 0;
    if (target[0] == '/') return snprintf(out, SECRET_PATH_BYTES, "%s", target) > 0;
    int bytes = snprintf(out, SECRET_PATH_BYTES, "%s", path);
    if (bytes < 0 || bytes >= SECRET_PATH_BYTES / 2 - 1) return false;
    climb(out);
    size_t len = strlen(out);
    (void)snprintf(out + len, SECRET_PATH_BYTES - len, "/%s", target);
    return true;
}

/* The directory, without links, in which the name is or will be. */
static bool holder(const char *path, bool follow, char out[SECRET_PATH_BYTES])
{
    char name[SECRET_PATH_BYTES];
    if (!follow || (!platform_real_path(path, name) && !read_link(path, name))) {
        int n = snprintf(name, sizeof name, "%s", path);
        if (n < 0 || n >= SECRET_PATH_BYTES) return false;
    }
    do {
        climb(name);
        if (platform_real_path(name, out)) return true;
    } while (strcmp(name, "/") != 0);
    return false;
}

static bool is_beneath(const char *path, const char *way)
{
    size_t len = strlen(way);
    if (len == 1) return true;
    return strncmp(path, way, len) == 0 && (path[len] == 0 || path[len] == '/');
}

static bool has_way(const struct confine *f, const char *path, bool writes)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->writes[i] >= writes && is_beneath(path, f->paths[i])) return true;
    return false;
}

static void add_way(struct confine *f, const char *path, bool writes)
{
    if (has_way(f, path, writes)) return;
    char *copy = f->count < CONFINE_WAYS_MAX ? strdup(path) : NULL;
    f->incomplete |= copy == NULL;
    if (copy == NULL) return;
    f->paths[f->count] = copy;
    f->writes[f->count++] = writes;
}

static void add_holders(struct confine *f, const char *path, bool writes)
{
    char dir[SECRET_PATH_BYTES];
    if (holder(path, false, dir)) add_way(f, dir, writes);
    if (holder(path, true, dir)) add_way(f, dir, writes);
}

/* Of the drop folder itself too: what holds it is needed where a disk is mounted over it later. */
static void add_need(struct confine *f, const struct need *need)
{
    char dir[SECRET_PATH_BYTES];
    bool is_folder =
        strcmp(need->setting, "import.folder") == 0 && platform_real_path(need->path, dir);
    if (is_folder) add_way(f, dir, true);
    bool in_root = holder(need->path, true, dir) && strcmp(dir, "/") == 0;
    if (!is_folder || !in_root) add_holders(f, need->path, need->writes);
}

/* Names and CAs: what libc and curl read by themselves, again whenever it changes. */
static void add_system(struct confine *f)
{
    static const char *const folders[] = {"/etc",         "/usr",         "/lib", "/lib64",
                                          "/run/systemd", "/var/lib/sss", NULL};
    static const char *const files[] = {"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf",
                                        "/etc/localtime", NULL};
    const char *bundle = ca_system_bundle();
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    for (size_t i = 0; folders[i]; i++) add_way(f, folders[i], false);
    for (size_t i = 0; files[i]; i++) add_holders(f, files[i], false);
    if (bundle) add_holders(f, bundle, false);
    if (credentials && *credentials) add_way(f, credentials, false);
}

int confine_start(struct confine *f, const char *config_file, const struct config *c,
                  struct fault *why)
{
    struct need needs[NEEDS_MAX];
    size_t n = needs_of(c, needs);
    memset(f, 0, sizeof *f);
    add_system(f);
    add_holders(f, config_file, false);
    for (size_t i = 0; i < n; i++)
        if (needs[i].path) add_need(f, &needs[i]);
    if (f->incomplete) return fault_no_memory(why, NULL);
    struct platform_way ways[CONFINE_WAYS_MAX];
    for (size_t i = 0; i < f->count; i++)
        ways[i] = (struct platform_way){f->paths[i], f->writes[i]};
    platform_confine(ways, f->count, &f->in_force);
    log_line(LOG_LEVEL_INFO, "from here on other system calls are %s, other directories are %s",
             f->in_force.seccomp ? "refused (seccomp)" : "not refused: this kernel has no filter",
             f->in_force.landlock ? "refused (Landlock)" : "not refused: this kernel cannot");
    return 0;
}

void confine_free(struct confine *f)
{
    for (size_t i = 0; i < f->count; i++) free(f->paths[i]);
    f->count = 0;
}

int confine_check(const struct confine *f, const struct config *fresh, struct fault *why)
{
    struct need needs[NEEDS_MAX];
    char dir[SECRET_PATH_BYTES];
    size_t n = f->in_force.landlock ? needs_of(fresh, needs) : 0;
    for (size_t i = 0; i < n; i++) {
        const struct need *need = &needs[i];
        if (!need->path || need->fixed || !holder(need->path, true, dir)) continue;
        if (has_way(f, dir, need->writes)) continue;
        /* A drop folder may have a way of its own. */
        if (platform_real_path(need->path, dir) && has_way(f, dir, need->writes)) continue;
        return fault_set(why, TILLPOST_E_CONFIG, need->setting,
                         "%s names a directory that was not given to the agent at its start: "
                         "restart it",
                         need->setting);
    }
    return 0;
}

void confine_write(const struct confine *f, struct buf *out)
{
    buf_printf(out, "{\"seccomp\":%s,\"landlock\":%d}", f->in_force.seccomp ? "true" : "false",
               f->in_force.landlock);
}
