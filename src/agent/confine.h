/*
 * confine.h: what the agent gives up once everything is open: system calls that it never makes, and
 * directories that no setting names. The kernel holds it to that, as far as it can (platform.h).
 *
 * Owner: paths are copied, until confine_free.
 */
#ifndef AGENT_CONFINE_H
#define AGENT_CONFINE_H

#include "agent/config.h"
#include "agent/secrets.h"
#include "platform/platform.h"

enum { CONFINE_WAYS_MAX = 40 };

struct confine {
    struct platform_confinement in_force;
    char *paths[CONFINE_WAYS_MAX];
    bool writes[CONFINE_WAYS_MAX];
    size_t count;
    bool incomplete; /* a path could not be copied */
};

/* For good, so once, behind everything that only the start needs. NO_MEMORY: nothing is given up;
 * with a path missing the agent could not reach what it needs, ever. */
int confine_start(struct confine *f, const char *config_file, const struct config *c,
                  struct fault *why);
void confine_free(struct confine *f); /* what the kernel holds stays */
/* CONFIG: a file of `fresh` lies where there is no way any more; which setting, and what to do. */
int confine_check(const struct confine *f, const struct config *fresh, struct fault *why);
/* {"seccomp":true,"landlock":7} */
void confine_write(const struct confine *f, struct buf *out);

#endif
