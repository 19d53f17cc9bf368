/*
 * damaged_test.c: golden damaged queues, each under the name of its damage, and what becomes of each.
 *
 * tests/data/damaged/NAME.db.gz (and NAME.db-wal.gz) are small queues of ROWS events that were
 * damaged once; their key is in this file. Each is opened as the agent would: it opens, or it is set
 * aside and what is whole is saved, or it is refused with what to do and left as it was. No row ever
 * comes out otherwise than it was pushed, and a new sale is taken at once.
 *
 * A new one: a row in `damages`, then `damaged_test --make DIR`, and its file moves to the others.
 */
#include "testing.h"

#include "queue/aside.h"
#include "queue/queue.h"
#include "tillpost/err.h"

#include <dirent.h>
#include <sqlite3.h>
#include <sys/wait.h>

enum {
    ROWS = 12, /* 1 to 3 were sent, 4 is dead, 5 to 12 are queued, 13 and 14 in a WAL alone */
    SENT = 3,
    DEAD = 4,
    LONG = 2, /* its pages are free since it was sent */
    IN_WAL = 13,
    NEW = 100, /* the first sale behind the damage; so many follow that pages are wanted */
    NEW_ROWS = 40,
    NOW_S = 1800000000,
    MIB = 1 << 20,
    PAGE_BYTES = 4096,
    WAL_FRAME_HEADER_BYTES = 24,
    FILE_MAX_BYTES = 1 << 20,
    NAME_BYTES = 2 * TESTING_PATH_BYTES
};
static const unsigned char key[QUEUE_KEY_BYTES] = "the key of the queue in the test";

static char dir[TESTING_PATH_BYTES], path[TESTING_PATH_BYTES + 32];
static struct queue *q;
static struct fault why;

static void good(int r)
{
    if (r < 0) fail_msg("%d: %s", r, why.message);
}

static int open_queue(void)
{
    const struct queue_options options = {path, key, 64 * MIB, NULL};
    why = (struct fault){0};
    return queue_open(&options, &q, &why);
}

static void close_queue(void)
{
    queue_close(q);
    q = NULL;
}

/* All of row n follows from n. */
static struct queue_event event_of(int64_t n, char id[32], char rest[8192])
{
    static const unsigned char boot[QUEUE_BOOT_BYTES] = "boot of the till";
    (void)snprintf(id, 32, "sale-%lld", (long long)n);
    int len = snprintf(rest, 8192, "{\"n\":%lld,\"fill\":\"%0*d\"}", (long long)n,
                       n == LONG ? 6000 : 300, (int)n);
    return (struct queue_event){.event_id = str_from(id),
                                .event = STR("Purchase"),
                                .key_event = STR("Purchase"),
                                .rest = {rest, (size_t)len},
                                .occurred_ms = (NOW_S + n) * INT64_C(1000),
                                .recorded_s = NOW_S + n,
                                .stamped = n % 2 == 0,
                                .boot_ms = n * 3,
                                .boot_id = boot};
}

static int push(int64_t n)
{
    static char rest[8192];
    char id[32];
    int64_t seq;
    const struct queue_event e = event_of(n, id, rest);
    return queue_push(q, &e, &seq, &why);
}

/* The damages --------------------------------------------------------------------------------- */

static unsigned char image[FILE_MAX_BYTES];
static size_t image_len;

static size_t read_file(const char *name, unsigned char *out)
{
    FILE *f = fopen(name, "rb");
    if (f == NULL) return 0;
    size_t n = fread(out, 1, FILE_MAX_BYTES, f);
    (void)fclose(f);
    return n;
}

static void write_file(const char *name, const unsigned char *p, size_t n)
{
    FILE *f = fopen(name, "wb");
    assert_non_null(f);
    assert_true(fwrite(p, 1, n, f) == n);
    assert_int_equal(fclose(f), 0);
}

static void write_ballast(void)
{
    char name[TESTING_PATH_BYTES + 48];
    (void)snprintf(name, sizeof name, "%s-ballast", path);
    write_file(name, (const unsigned char *)"b", 1);
}

static void change(const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    (void)sqlite3_exec(db, "PRAGMA locking_mode=EXCLUSIVE", NULL, NULL, NULL);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_close(db);
}

static void fill_all(unsigned char byte, size_t len)
{
    memset(image, byte, len);
    image_len = len;
}

static void no_header(void)
{
    memset(image, 0xa5, 100);
}
static void no_first_page(void)
{
    memset(image, 0, PAGE_BYTES);
}
static void cut_in_a_page(void)
{
    image_len = image_len / PAGE_BYTES * PAGE_BYTES - PAGE_BYTES - 1000;
}
static void no_bytes(void)
{
    image_len = 0;
}
static void zeroes(void)
{
    fill_all(0, (size_t)4 * PAGE_BYTES);
}
static void text(void)
{
    fill_all('x', (size_t)4 * PAGE_BYTES);
}
static void noise(void)
{
    uint32_t seed = 7;
    image_len = (size_t)4 * PAGE_BYTES;
    for (size_t i = 0; i < image_len; i++) {
        seed = seed * 1664525u + 1013904223u;
        image[i] = (unsigned char)(seed >> 16);
    }
}

static uint32_t number_at(size_t at)
{
    return (uint32_t)image[at] << 24 | (uint32_t)image[at + 1] << 16 |
           (uint32_t)image[at + 2] << 8 | image[at + 3];
}

/* The first trunk page of the free list names itself as the next one, and the header believes it. */
static void free_list_in_a_circle(void)
{
    enum { FIRST_TRUNK_AT = 32, FREE_PAGES_AT = 36 };
    size_t trunk = number_at(FIRST_TRUNK_AT);
    assert_true(trunk > 1 && number_at(FREE_PAGES_AT) > 1);
    memcpy(image + (trunk - 1) * PAGE_BYTES, image + FIRST_TRUNK_AT, 4);
    image[FREE_PAGES_AT + 3] = (unsigned char)(image[FREE_PAGES_AT + 3] + 4);
}

/* A row's sealed text, which is the last column: one bit of it. */
static void a_bit_of_a_row(void)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    (void)sqlite3_exec(db, "PRAGMA locking_mode=EXCLUSIVE", NULL, NULL, NULL);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT sealed FROM event WHERE seq=7", -1, &s, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    unsigned char *at =
        memmem(image, image_len, sqlite3_column_blob(s, 0), (size_t)sqlite3_column_bytes(s, 0));
    assert_non_null(at);
    at[100] ^= 0x10;
    sqlite3_finalize(s);
    sqlite3_close(db);
}

static void a_bit_and_the_header(void)
{
    a_bit_of_a_row();
    no_header();
}

/* Two sales stand in the WAL alone; of the second one's frames the first is not what was summed. */
static void die_with_a_bad_frame(void)
{
    char wal[TESTING_PATH_BYTES + 48];
    struct stat st;
    (void)snprintf(wal, sizeof wal, "%s-wal", path);
    good(open_queue());
    assert_int_equal(push(IN_WAL), 0);
    good(queue_commit(q, &why));
    assert_int_equal(stat(wal, &st), 0);
    assert_int_equal(push(IN_WAL + 1), 0);
    good(queue_commit(q, &why));
    size_t len = read_file(wal, image);
    image[st.st_size + WAL_FRAME_HEADER_BYTES + 200] ^= 1;
    write_file(wal, image, len);
    _exit(0);
}
static void bad_wal(void)
{
    int status = 1;
    pid_t child = fork();
    if (child == 0) die_with_a_bad_frame();
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    image_len = read_file(path, image);
}

/* What becomes of them ------------------------------------------------------------------------ */

enum fate { OPENS, ASIDE, REFUSED };
#define NEWER        "PRAGMA user_version=77;UPDATE value SET value=1953525619*65536+77 WHERE slot=101"
#define SCHEMA(what) "PRAGMA writable_schema=ON;DELETE FROM sqlite_schema WHERE " what
#define FOREIGN                                                                 \
    "PRAGMA application_id=7;DROP TABLE event;DROP TABLE dead;DROP TABLE past;" \
    "DROP TABLE known;DROP TABLE doubt;DROP TABLE value;CREATE TABLE recipes(name)"
/* clang-format off */
static const struct damage {
    const char *name;
    const char *sql;      /* the damage, said to SQLite; or */
    void (*damage)(void); /* done to the bytes */
    bool no_ballast;      /* there is nothing beside it that tells whose it is */
    enum fate fate;
    int queued, dead, sent; /* rows that come out as they went in; ids that are known as sent */
    int broken;             /* rows that tell that their seal is broken */
    int err;
    const char *words;      /* what a person is told to do */
} damages[] = {
    {"whole",                    "PRAGMA page_count", NULL, false, OPENS,  8, 1, 3, 0, 0, ""},
    {"header-destroyed",         NULL, no_header,     false, ASIDE,   8, 1, 3, 0, 0, ""},
    {"header-destroyed-alone",   NULL, no_header,     true,  ASIDE,   8, 1, 3, 0, 0, ""},
    {"first-page-gone",          NULL, no_first_page, false, ASIDE,   8, 1, 3, 0, 0, ""},
    {"cut-in-a-page",            NULL, cut_in_a_page, false, ASIDE,   8, 1, 3, 0, 0, ""},
    {"schema-gone",              SCHEMA("1"),  NULL,  false, ASIDE,   8, 1, 3, 0, 0, ""},
    {"table-event-gone",         SCHEMA("name='event'"), NULL, false, ASIDE, 8, 1, 3, 0, 0, ""},
    {"index-of-ids-gone",        SCHEMA("name='known'"), NULL, false, ASIDE, 8, 1, 3, 0, 0, ""},
    {"index-of-ids-out-of-step", "INSERT INTO known VALUES(x'00112233445566778899aabbccddeeff', 3)", NULL, false, OPENS, 8, 1, 3, 0, 0, ""},
    {"counters-wild",            "UPDATE value SET value=900000 WHERE slot=17", NULL, false, ASIDE, 8, 1, 3, 0, 0, ""},
    {"key-check-broken",         "UPDATE value SET value=x'00' WHERE slot=100", NULL, false, OPENS, 8, 1, 3, 0, 0, ""},
    {"seal-broken",              NULL, a_bit_of_a_row, false, OPENS,  7, 1, 3, 1, 0, ""},
    {"seal-and-header-broken",   NULL, a_bit_and_the_header, false, ASIDE, 7, 1, 3, 0, 0, ""},
    {"time-changed",             "UPDATE event SET occurred_ms=occurred_ms+1 WHERE seq=9", NULL, false, OPENS, 7, 1, 3, 1, 0, ""},
    {"note-of-leaving-broken",   "INSERT INTO value VALUES(103, zeroblob(64))", NULL, false, ASIDE, 8, 1, 3, 0, 0, ""},
    {"free-list-in-a-circle",    NULL, free_list_in_a_circle, false, ASIDE, 8, 1, 3, 0, 0, ""},
    {"wal-with-a-bad-checksum",  NULL, bad_wal,       false, OPENS,   9, 1, 3, 0, 0, ""},
    {"no-bytes",                 NULL, no_bytes,      false, OPENS,   0, 0, 0, 0, 0, ""},
    {"zeroes",                   NULL, zeroes,        false, ASIDE,   0, 0, 0, 0, 0, ""},
    {"zeroes-alone",             NULL, zeroes,        true,  REFUSED, 0, 0, 0, 0, TILLPOST_E_DAMAGED, "move it aside"},
    {"text",                     NULL, text,          true,  REFUSED, 0, 0, 0, 0, TILLPOST_E_DAMAGED, "move it aside"},
    {"encrypted",                NULL, noise,         true,  REFUSED, 0, 0, 0, 0, TILLPOST_E_DAMAGED, "move it aside"},
    {"another-programs",         FOREIGN,      NULL,  false, REFUSED, 0, 0, 0, 0, TILLPOST_E_CONFIG, "set queue.path to a file of its own"},
    {"of-a-newer-tillpost",      NEWER,        NULL,  false, REFUSED, 0, 0, 0, 0, TILLPOST_E_CONFIG, "install that tillpost again"},
};
/* clang-format on */
enum { DAMAGES = sizeof damages / sizeof damages[0] };

/* Making them --------------------------------------------------------------------------------- */

static void make_whole(void)
{
    const struct queue_range mark = {5, 6, NOW_S};
    testing_scratch_empty(dir);
    good(open_queue());
    for (int64_t n = 1; n <= ROWS; n++) assert_int_equal(push(n), 0);
    for (int64_t n = 1; n <= SENT; n++) good(queue_settle(q, &n, 1, NOW_S, &why));
    good(queue_bury(q, DEAD, "tiktok_40002", "no", NOW_S, &why));
    good(queue_mark(q, &mark, &why));
    good(queue_commit(q, &why));
    close_queue();
}

static void zip(const char *from, const char *folder, const char *name, const char *suffix)
{
    char command[2 * NAME_BYTES];
    (void)snprintf(command, sizeof command, "gzip -9nc '%s' >'%s/%s.db%s.gz'", from, folder, name,
                   suffix);
    FILE *f = popen(command, "w");
    assert_non_null(f);
    assert_int_equal(pclose(f), 0);
}

static void make(const struct damage *d, const char *folder)
{
    char wal[TESTING_PATH_BYTES + 48];
    (void)snprintf(wal, sizeof wal, "%s-wal", path);
    make_whole();
    if (d->sql != NULL) change(d->sql);
    image_len = read_file(path, image);
    if (d->damage != NULL) d->damage();
    write_file(path, image, image_len);
    zip(path, folder, d->name, "");
    if (access(wal, F_OK) == 0) zip(wal, folder, d->name, "-wal");
}

/* Opening them -------------------------------------------------------------------------------- */

/* false: there is no such file. */
static bool unzip(const struct damage *d, const char *suffix)
{
    char from[NAME_BYTES], to[TESTING_PATH_BYTES + 48], command[NAME_BYTES + 16];
    (void)snprintf(from, sizeof from, TEST_DATA_DIR "/damaged/%s.db%s.gz", d->name, suffix);
    (void)snprintf(to, sizeof to, "%s%s", path, suffix);
    if (access(from, R_OK) != 0) return false;
    (void)snprintf(command, sizeof command, "gzip -dc '%s'", from);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    image_len = fread(image, 1, FILE_MAX_BYTES, f);
    assert_int_equal(pclose(f), 0);
    write_file(to, image, image_len);
    return true;
}

struct finding {
    int queued, dead, fresh, broken, wrong;
};

static int64_t number_of(struct str id)
{
    char digits[32] = "";
    if (id.len < 6 || id.len >= sizeof digits || memcmp(id.p, "sale-", 5) != 0) return 0;
    memcpy(digits, id.p + 5, id.len - 5);
    return strtoll(digits, NULL, 10);
}

static bool is_as_pushed(const struct queue_row *row)
{
    static char rest[8192];
    char id[32];
    int64_t n = number_of(row->event_id);
    const struct queue_event e = event_of(n, id, rest);
    return (row->seq == n || n >= NEW) && str_equal(row->event_id, e.event_id) &&
           str_equal(row->event, e.event) && row->occurred_ms == e.occurred_ms &&
           row->recorded_s == e.recorded_s && row->stamped == e.stamped &&
           (!e.stamped || row->boot_ms == e.boot_ms);
}

static int see_queued(void *ctx, const struct queue_row *row)
{
    static char rest[8192];
    struct finding *f = ctx;
    struct buf plain;
    char id[32];
    bool fresh = number_of(row->event_id) >= NEW;
    buf_init(&plain, QUEUE_ROW_MAX_BYTES);
    int r = queue_unseal(q, row->seq, &plain, NULL);
    const struct queue_event e = event_of(number_of(row->event_id), id, rest);
    if (r == TILLPOST_E_DAMAGED) f->broken++;
    else if (r < 0 || !is_as_pushed(row) || !str_equal(buf_str(&plain), e.rest)) f->wrong++;
    else if (fresh) f->fresh++;
    else f->queued++;
    buf_free(&plain);
    return 0;
}

static int see_dead(void *ctx, const struct queue_row *row)
{
    struct finding *f = ctx;
    if (number_of(row->event_id) == DEAD && is_as_pushed(row)) f->dead++;
    else f->wrong++;
    return 0;
}

static void look(const struct damage *d)
{
    struct finding f = {0};
    good(queue_walk_sealed(q, 0, INT64_MAX, see_queued, &f, &why));
    good(queue_list(q, QUEUE_DEAD, 0, 1000, see_dead, &f, &why));
    if (f.queued != d->queued || f.dead != d->dead || f.broken != d->broken || f.wrong != 0 ||
        f.fresh != NEW_ROWS)
        fail_msg("%s: %d queued, %d dead, %d new, %d broken, %d otherwise than they went in",
                 d->name, f.queued, f.dead, f.fresh, f.broken, f.wrong);
}

static bool is_aside(void)
{
    bool found = false;
    DIR *folder = opendir(dir);
    assert_non_null(folder);
    for (struct dirent *e; (e = readdir(folder)) != NULL;)
        found |= strncmp(e->d_name, "queue.db-damaged-", 17) == 0;
    (void)closedir(folder);
    return found;
}

static void check_refused(const struct damage *d, int r)
{
    static unsigned char now[FILE_MAX_BYTES];
    char wal[TESTING_PATH_BYTES + 48];
    if (r != d->err || strstr(why.message, d->words) == NULL)
        fail_msg("%s: %d: %s", d->name, r, why.message);
    assert_int_equal(read_file(path, now), image_len);
    assert_memory_equal(now, image, image_len);
    assert_false(is_aside());
    (void)snprintf(wal, sizeof wal, "%s-wal", path);
    if (access(wal, F_OK) == 0) fail_msg("%s: a WAL was put beside it", d->name);
}

/* A sale is taken, at the second try at the latest: the first may find the damage out. */
static void sell(const struct damage *d, int64_t n)
{
    for (int tries = 0; tries < 2; tries++) {
        int r = push(n);
        if (r >= 0) r = queue_commit(q, &why);
        if (r >= 0) return;
    }
    fail_msg("%s: no sale is taken: %s", d->name, why.message);
}

static void check_opened(const struct damage *d)
{
    for (int64_t n = NEW; n < NEW + NEW_ROWS; n++) sell(d, n);
    while (queue_tidy(q, NULL, NULL) != 0) continue;
    for (int again = 0; again < 2; again++) {
        look(d);
        close_queue();
        good(open_queue());
    }
    for (int64_t n = 1; n <= SENT; n++) assert_int_equal(push(n), d->sent >= n);
    queue_rollback(q);
    if (is_aside() != (d->fate == ASIDE)) fail_msg("%s: is it set aside?", d->name);
    assert_int_equal(queue_was_damaged(q), d->fate == ASIDE);
}

static void each_damage_comes_out_as_its_name_says(void **state)
{
    for (size_t i = 0; i < DAMAGES; i++) {
        const struct damage *d = &damages[i];
        testing_scratch_empty(dir);
        (void)unzip(d, "-wal");
        if (!unzip(d, "")) fail_msg("there is no %s", d->name);
        if (!d->no_ballast) write_ballast();
        int r = open_queue();
        if (d->fate == REFUSED) {
            check_refused(d, r);
            continue;
        }
        if (r < 0) fail_msg("%s: %s", d->name, why.message);
        check_opened(d);
        close_queue();
    }
}

static bool is_listed(const char *file)
{
    char name[NAME_BYTES];
    for (size_t i = 0; i < DAMAGES; i++)
        for (int wal = 0; wal < 2; wal++) {
            (void)snprintf(name, sizeof name, "%s.db%s.gz", damages[i].name, wal ? "-wal" : "");
            if (strcmp(name, file) == 0) return true;
        }
    return false;
}

static void each_file_is_of_the_list(void **state)
{
    DIR *folder = opendir(TEST_DATA_DIR "/damaged");
    assert_non_null(folder);
    for (struct dirent *e; (e = readdir(folder)) != NULL;)
        if (e->d_name[0] != '.' && !is_listed(e->d_name)) fail_msg("what is %s?", e->d_name);
    (void)closedir(folder);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_damage_comes_out_as_its_name_says),
        cmocka_unit_test(each_file_is_of_the_list),
    };
    testing_scratch(dir);
    (void)snprintf(path, sizeof path, "%s/queue.db", dir);
    int failed = 0;
    if (argc == 3 && strcmp(argv[1], "--make") == 0)
        for (size_t i = 0; i < DAMAGES; i++) make(&damages[i], argv[2]);
    else failed = cmocka_run_group_tests(tests, NULL, NULL);
    close_queue();
    (void)testing_scratch_remove(dir);
    return failed;
}
