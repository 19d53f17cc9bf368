/*
 * certs.h: certificates for tests, made anew by data/certs.sh in a scratch directory. The tests that
 * need them are skipped, with the reason, where there is no openssl(1).
 */
#ifndef CERTS_H
#define CERTS_H

#include "testing.h"

#include <stdbool.h>

struct certs {
    char dir[TESTING_PATH_BYTES];
    bool made;
};

static inline bool certs_run(const char *command, const char *dir)
{
    char line[2 * TESTING_PATH_BYTES];
    (void)snprintf(line, sizeof line, command, TEST_DATA_DIR, dir);
    return system(line) == 0;
}

static inline void certs_make(struct certs *c)
{
    testing_scratch(c->dir);
    c->made = certs_run("command -v openssl >/dev/null && %s/certs.sh '%s'", c->dir);
    if (!c->made) print_message("skipped below: no certificates, as openssl(1) is not here\n");
}

static inline void certs_remove(struct certs *c)
{
    assert_int_equal(testing_scratch_remove(c->dir), 0);
}

/* "<dir>/good.crt"; valid until the fourth call from here. */
static inline const char *certs_path(const struct certs *c, const char *file)
{
    static char paths[4][2 * TESTING_PATH_BYTES];
    static unsigned next;
    char *path = paths[next++ % 4];
    (void)snprintf(path, sizeof paths[0], "%s/%s", c->dir, file);
    return path;
}

#endif
