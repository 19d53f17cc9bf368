/* private_test.c: private memory, as the kernel describes it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/text.h"
#include "platform/platform.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY = 65534 };

/* The flags of the mapping that an address lies in, or "" where the system does not tell. */
static const char *flags_of(const void *p)
{
    static char line[512];
    uint64_t at = (uint64_t)(uintptr_t)p, from, to;
    bool within = false;
    FILE *f = fopen("/proc/self/smaps", "re");
    while (f && fgets(line, sizeof line, f)) {
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &from, &to) == 2)
            within = from <= at && at < to;
        if (!within || strncmp(line, "VmFlags:", 8) != 0) continue;
        fclose(f);
        return line;
    }
    if (f) fclose(f);
    return "";
}

static bool has_flag(const void *p, const char *flag)
{
    char word[8];
    (void)snprintf(word, sizeof word, " %s ", flag);
    return strstr(flags_of(p), word) != NULL;
}

/* AddressSanitizer makes mlock(2) do nothing, and ends the program over a request that is too large. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

static bool is_locked(const void *p)
{
    return SANITIZED || has_flag(p, "lo");
}

/* An emulator describes itself, not its guest: what is asked of the kernel cannot be seen then. */
static void skip_without_flags(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *p = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(p, MAP_FAILED);
    assert_int_equal(madvise(p, page, MADV_DONTDUMP), 0);
    bool told = has_flag(p, "dd");
    assert_int_equal(munmap(p, page), 0);
    if (!told) skip();
}

static void private_memory_is_zeroed_locked_and_in_no_core_dump(void **state)
{
    static const size_t sizes[] = {1, 4095, 4096, 4097, 64 * 1024};
    skip_without_flags();
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char *p = platform_private_alloc(sizes[i]);
        assert_non_null(p);
        for (size_t k = 0; k < sizes[i]; k++) assert_int_equal(p[k], 0);
        for (size_t k = 0; k<sizes[i]; k += sizes[i]> 1 ? sizes[i] - 1 : 1) {
            assert_true(has_flag(p + k, "dd"));
            assert_true(is_locked(p + k));
        }
        memset(p, 'x', sizes[i]);
        platform_private_free(p, sizes[i]);
    }
}

static void what_is_freed_is_the_heap_s_again(void **state)
{
    skip_without_flags();
    char *p = platform_private_alloc(100);
    assert_non_null(p);
    const volatile char *page = p; /* it stays in the heap, which is not given back for a page */
    platform_private_free(p, 100);
    assert_false(has_flag((const void *)(uintptr_t)page, "dd"));
    assert_false(has_flag((const void *)(uintptr_t)page, "lo"));
    platform_private_free(NULL, 100);
}

/* Root may lock what it likes: nobody tries. */
static int try_as_nobody(void)
{
    const struct rlimit none = {0, 0};
    if (geteuid() == 0 && setuid(NOBODY) != 0) return 1;
    if (prctl(PR_SET_DUMPABLE, 1L, 0L, 0L, 0L) != 0 || setrlimit(RLIMIT_MEMLOCK, &none) != 0)
        return 1;
    char *p = platform_private_alloc(100);
    if (p == NULL || !has_flag(p, "dd") || has_flag(p, "lo")) return 2;
    platform_private_free(p, 100);
    return 0;
}

static void a_limit_on_locked_memory_costs_the_lock_alone(void **state)
{
    int status = 1;
    skip_without_flags();
    pid_t child = fork();
    if (child == 0) _exit(try_as_nobody());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void an_arena_is_private(void **state)
{
    struct arena a;
    skip_without_flags();
    arena_init(&a, 4000, 1 << 20);
    for (int i = 0; i < 20; i++) {
        char *p = arena_alloc(&a, 1000);
        assert_true(has_flag(p, "dd"));
        assert_true(is_locked(p + 999));
    }
    arena_free(&a);
}

static void more_than_there_is_is_refused(void **state)
{
    assert_null(platform_private_alloc(SIZE_MAX));
    if (!SANITIZED) assert_null(platform_private_alloc(SIZE_MAX / 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(private_memory_is_zeroed_locked_and_in_no_core_dump),
        cmocka_unit_test(what_is_freed_is_the_heap_s_again),
        cmocka_unit_test(an_arena_is_private),
        cmocka_unit_test(more_than_there_is_is_refused),
        cmocka_unit_test(a_limit_on_locked_memory_costs_the_lock_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
