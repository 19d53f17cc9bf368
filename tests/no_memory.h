/*
 * no_memory.h: a stretch of a test in which the system gives no more memory.
 *
 * By RLIMIT_AS, so small pieces may still come from the heap: ask for NO_MEMORY_BYTES or more.
 * Where that cannot be had (AddressSanitizer ends the program, qemu ignores the limit) begin
 * returns false and the test skips.
 */
#ifndef TESTS_NO_MEMORY_H
#define TESTS_NO_MEMORY_H

#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { NO_MEMORY_BYTES = 1 << 20, NO_MEMORY_LIMIT_BYTES = 1 << 16 };

static struct rlimit no_memory_before;

static inline void no_memory_end(void)
{
    setrlimit(RLIMIT_AS, &no_memory_before);
}

static inline bool no_memory_begin(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
    return false;
#endif
#endif
    if (getrlimit(RLIMIT_AS, &no_memory_before) != 0) return false;
    struct rlimit none = {.rlim_cur = NO_MEMORY_LIMIT_BYTES, .rlim_max = no_memory_before.rlim_max};
    if (setrlimit(RLIMIT_AS, &none) != 0) return false;
    void *volatile probe = malloc(NO_MEMORY_BYTES);
    if (probe == NULL) return true;
    free(probe);
    no_memory_end();
    return false;
}

#endif
