/*
 * testing.h: what every test of tillpost needs: cmocka with the headers it wants before it, a
 * scratch directory, whole files.
 */
#ifndef TESTING_H
#define TESTING_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TESTING_PATH_BYTES = 512 };

/* A fresh directory under $TMPDIR or /tmp; removed by testing_scratch_remove. */
static inline void testing_scratch(char out[TESTING_PATH_BYTES])
{
    const char *base = getenv("TMPDIR");
    (void)snprintf(out, TESTING_PATH_BYTES, "%s/tillpost-test-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(out));
}

static inline int testing_remove_inner(const char *path, const struct stat *st, int type,
                                       struct FTW *at)
{
    (void)st;
    (void)type;
    return at->level == 0 ? 0 : remove(path);
}

static inline void testing_scratch_empty(const char *dir)
{
    enum { OPEN_FILES = 16 };
    assert_int_equal(nftw(dir, testing_remove_inner, OPEN_FILES, FTW_DEPTH | FTW_PHYS), 0);
}

/* 0, as a teardown answers. */
static inline int testing_scratch_remove(const char *dir)
{
    testing_scratch_empty(dir);
    return rmdir(dir);
}

static inline void testing_write(const char *path, const char *text, unsigned mode)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fwrite(text, 1, strlen(text), f) == strlen(text));
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, (mode_t)mode), 0);
}

#endif
