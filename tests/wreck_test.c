/* wreck_test.c: a database that SQLite need not understand, as pages; and the kernel's cache of a file. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "platform/platform.h"
#include "queue/page.h"
#include "queue/wreck.h"
#include "testing.h"
#include "tillpost/err.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[TESTING_PATH_BYTES], path[TESTING_PATH_BYTES + 16], wal[TESTING_PATH_BYTES + 32];

/* One committed row in the file, one in the WAL, and one that was not committed. */
static void write_and_die(void)
{
    sqlite3 *db = NULL;
    if (sqlite3_open(path, &db) != SQLITE_OK) _exit(1);
    _exit(sqlite3_exec(
        db,
        "PRAGMA page_size=4096; PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL;"
        "PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=1; CREATE TABLE t(x);"
        "WITH n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<500)"
        "INSERT INTO t SELECT 'of the file'||hex(zeroblob(1000)) FROM n;"
        "PRAGMA wal_checkpoint(TRUNCATE); INSERT INTO t VALUES('of the wal');"
        "BEGIN; UPDATE t SET x='of nobody'||hex(zeroblob(1000))",
        NULL, NULL, NULL));
}

static int make(void **state)
{
    int status = 1;
    testing_scratch(dir);
    (void)snprintf(path, sizeof path, "%s/queue.db", dir);
    (void)snprintf(wal, sizeof wal, "%s-wal", path);
    pid_t child = fork();
    if (child == 0) write_and_die();
    return waitpid(child, &status, 0) == child && status == 0 ? 0 : -1;
}

static int remove_all(void **state)
{
    (void)unlink(wal);
    (void)unlink(path);
    return rmdir(dir);
}

static bool holds(const char *text)
{
    unsigned char page[PAGE_BYTES];
    struct wreck *w;
    bool found = false;
    assert_int_equal(wreck_open(path, &w), 0);
    for (uint32_t n = 1; n <= wreck_pages(w); n++) {
        wreck_read(w, n, page);
        found |= memmem(page, sizeof page, text, strlen(text)) != NULL;
    }
    wreck_close(w);
    return found;
}

static void damage(const char *name, off_t at)
{
    unsigned char byte = 0;
    int fd = open(name, O_RDWR | O_CLOEXEC);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    assert_int_equal(close(fd), 0);
}

static void what_a_commit_closed_counts_and_nothing_else(void **state)
{
    assert_true(holds("of the file"));
    assert_true(holds("of the wal"));
    assert_false(holds("of nobody"));
}

static void a_frame_whose_sum_is_wrong_ends_the_wal(void **state)
{
    struct stat st;
    assert_int_equal(stat(wal, &st), 0);
    damage(wal, 32 + 24 + 100);
    assert_true(holds("of the file"));
    assert_false(holds("of the wal"));
}

static void a_wal_with_another_header_is_none(void **state)
{
    for (off_t at = 0; at < 32; at += 8) {
        damage(wal, at);
        assert_true(holds("of the file"));
        assert_false(holds("of the wal"));
        damage(wal, at);
    }
    assert_true(holds("of the wal"));
}

/* A machine with another order of bytes sums the words of its own order, and says so in bit 0 of
 * the header. SQLite tells whether what is made here is such a WAL. */
static void sum_anew(unsigned char *p, size_t len, bool big, uint32_t sum[2])
{
    for (size_t i = 0; i < len; i += 4) {
        uint32_t word = page_u32(p + i);
        sum[i / 4 % 2] += (big ? word : __builtin_bswap32(word)) + sum[1 - i / 4 % 2];
    }
}

static void write_sum(unsigned char *p, const uint32_t sum[2])
{
    for (size_t i = 0; i < 8; i++) p[i] = (unsigned char)(sum[i / 4] >> (24 - 8 * (i % 4)));
}

static int sqlite_counts(const char *text)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *count = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA locking_mode=EXCLUSIVE", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM t WHERE x=?", -1, &count, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_bind_text(count, 1, text, -1, SQLITE_STATIC), SQLITE_OK);
    assert_int_equal(sqlite3_step(count), SQLITE_ROW);
    int found = sqlite3_column_int(count, 0);
    (void)sqlite3_finalize(count);
    (void)sqlite3_close(db);
    return found;
}

static void a_wal_of_a_machine_with_another_order_of_bytes_counts(void **state)
{
    static unsigned char bytes[4096 * 1024];
    uint32_t sum[2] = {0, 0};
    int fd = open(wal, O_RDWR | O_CLOEXEC);
    ssize_t len = pread(fd, bytes, sizeof bytes, 0);
    assert_in_range(len, 32 + 24 + PAGE_BYTES, sizeof bytes - 1);
    bool big = ((bytes[3] ^= 1) & 1) != 0;
    sum_anew(bytes, 24, big, sum);
    write_sum(bytes + 24, sum);
    for (unsigned char *f = bytes + 32; f < bytes + len; f += 24 + PAGE_BYTES) {
        sum_anew(f, 8, big, sum);
        sum_anew(f + 24, PAGE_BYTES, big, sum);
        write_sum(f + 16, sum);
    }
    assert_int_equal(pwrite(fd, bytes, (size_t)len, 0), len);
    assert_int_equal(close(fd), 0);
    assert_true(holds("of the wal"));
    assert_false(holds("of nobody"));
    assert_int_equal(sqlite_counts("of the wal"), 1);
}

static void without_a_wal_the_file_is_all(void **state)
{
    assert_int_equal(unlink(wal), 0);
    assert_true(holds("of the file"));
    assert_false(holds("of the wal"));
}

static void what_lies_beyond_a_cut_is_zero(void **state)
{
    unsigned char page[PAGE_BYTES];
    struct wreck *w;
    assert_int_equal(unlink(wal), 0);
    assert_int_equal(truncate(path, PAGE_BYTES + 1), 0);
    assert_int_equal(wreck_open(path, &w), 0);
    assert_int_equal(wreck_pages(w), 2);
    for (uint32_t n = 2; n < 5; n++) {
        wreck_read(w, n, page);
        for (size_t i = 1; i < sizeof page; i++) assert_int_equal(page[i], 0);
    }
    wreck_close(w);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(wreck_open(path, &w), TILLPOST_E_NO_INPUT);
    assert_null(w);
}

/* platform_drop_cached --------------------------------------------------------------------------- */

static void dropping_the_cache_keeps_what_was_written(void **state)
{
    char text[6] = "";
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "hello", 5, 100000), 5);
    platform_drop_cached(path); /* what is dirty goes to the disk first */
    assert_int_equal(pread(fd, text, 5, 100000), 5);
    assert_string_equal(text, "hello");
    assert_int_equal(close(fd), 0);
}

static void dropping_the_cache_of_nothing_makes_nothing(void **state)
{
    char missing[TESTING_PATH_BYTES + 16];
    (void)snprintf(missing, sizeof missing, "%s/missing", dir);
    platform_drop_cached(missing);
    assert_int_equal(access(missing, F_OK), -1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make, remove_all)
    const struct CMUnitTest tests[] = {
        TEST(what_a_commit_closed_counts_and_nothing_else),
        TEST(a_frame_whose_sum_is_wrong_ends_the_wal),
        TEST(a_wal_with_another_header_is_none),
        TEST(a_wal_of_a_machine_with_another_order_of_bytes_counts),
        TEST(without_a_wal_the_file_is_all),
        TEST(what_lies_beyond_a_cut_is_zero),
        TEST(dropping_the_cache_keeps_what_was_written),
        TEST(dropping_the_cache_of_nothing_makes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
