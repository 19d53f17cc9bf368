/*
 * fault.h: why something failed, in words for a person.
 *
 * A function that can fail in a way worth explaining takes a `struct fault *why` as its last
 * argument. It fills it only when it returns < 0, and the return value equals why->err. `why` may
 * be NULL everywhere. Personal data never goes into a fault.
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include "tillpost/err.h"

enum { FAULT_PATH_MAX_BYTES = 128, FAULT_MESSAGE_MAX_BYTES = 320 };

struct fault {
    int err;                               /* TILLPOST_E_… */
    char path[FAULT_PATH_MAX_BYTES];       /* "$.properties.value", or "" */
    char message[FAULT_MESSAGE_MAX_BYTES]; /* names the thing, the rule and what to do */
};

/* Fill *why (when not NULL) and return err. path may be NULL. */
int fault_set(struct fault *why, int err, const char *path, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The one that needs no words of its own. path may be NULL. */
static inline int fault_no_memory(struct fault *why, const char *path)
{
    (void)fault_set(why, TILLPOST_E_NO_MEMORY, path, "out of memory");
    return TILLPOST_E_NO_MEMORY;
}

/* Put "prefix" before the message of a fault on its way up, so that it names its place. */
void fault_prefix(struct fault *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
