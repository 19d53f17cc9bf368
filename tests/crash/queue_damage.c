/*
 * queue_damage.c: the queue on a file that is damaged (bar R6).
 *
 * A real queue (queued, dead and sent rows, long ones, a mark, a doubt) is made once. Then, for place after place in queue.db, a bit is flipped,
 * a byte, a sector or a page is trashed, or the file is cut; the queue is opened on the copy and
 * worked with. It must never crash, be ready soon, take a sale, hand out no row that was not pushed
 * just so, keep at least 99 % of the rows that the damage did not touch, count none twice, and leave
 * the bad file aside whenever it began anew.
 *
 * Damages with a name of their own are tests of their own. TILLPOST_SOAK=1 runs 12,000 places
 * instead of 240. TILLPOST_SEED=N begins with another seed.
 */
#include "testing.h"

#include "platform/platform.h"
#include "queue/aside.h"
#include "queue/erase.h"
#include "queue/limits.h"

#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ROWS = 1500,
    PLACES = 240,
    PLACES_SOAK = 12000,
    PAGE = 4096,
    NOW_S = 1800000000,
    READY_MS = 5000 * CRASH_SLOWNESS,
    IMAGE_MAX_BYTES = 16 << 20,
    PATH_BYTES = 512
};

static const unsigned char key[QUEUE_KEY_BYTES] = "the key of the queue in the test";
static const struct limits small = {
    .wal_max_bytes = 1 << 20,
    .wal_idle_bytes = 1 << 19,
    .growth_max_bytes = 1 << 19,
    .change_max_bytes = 1 << 20,
    .leave_max_bytes = 64 * 1024,
    .ballast_bytes = 64 * 1024,
    .space_try_ms = 20,
    .spare_bytes = 256 * 1024,
    .free_keep_bytes = 64 * 1024,
    .give_back_pages = 32,
    .forget_rows = 64,
    .recent_max = 256,
    .recent_spare = 32,
    .recent_idle = 128,
    .recent_must = 192,
};

static uint64_t chance(uint64_t *seed)
{
    uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* The queue that is damaged ------------------------------------------------------------------- */

static char folder[PATH_BYTES], path[PATH_BYTES + 32], ballast[PATH_BYTES + 48];
static unsigned char image[IMAGE_MAX_BYTES], wal_image[IMAGE_MAX_BYTES];
static size_t image_len;
static char states[ROWS + 1]; /* of row n: Q, D, S */
static struct queue *q;
static struct fault why;

static void good(int r)
{
    if (r < 0) fail_msg("%d: %s", r, why.message);
}

static int open_queue(void)
{
    const struct queue_options options = {path, key, 64 << 20, NULL};
    why = (struct fault){0};
    return queue_open_limited(&options, &small, &q, &why);
}

/* What row n is: all follows from n, so that a row can be checked wherever it turns up. */
static struct queue_event event_of(int64_t n, char id[32], char rest[12 * 1024])
{
    static const unsigned char boot[QUEUE_BOOT_BYTES] = "boot of the till";
    uint64_t seed = (uint64_t)n;
    int len = 200 + (int)(chance(&seed) % 800);
    if (n % 50 == 0) len = 4000 + (int)(chance(&seed) % 7000);
    (void)snprintf(id, 32, "sale-%lld", (long long)n);
    int used = snprintf(rest, 12 * 1024, "{\"n\":%lld,\"fill\":\"%0*d\"}", (long long)n, len, 7);
    return (struct queue_event){
        .event_id = str_from(id),
        .event = n % 3 == 0 ? STR("CompletePayment") : STR("Lead"),
        .key_event = n % 3 == 0 ? STR("Purchase") : STR("Lead"),
        .rest = {rest, (size_t)used},
        .test_code = n % 7 == 0 ? STR("TEST7") : STR(""),
        .occurred_ms = (NOW_S + n) * INT64_C(1000) + n,
        .recorded_s = NOW_S + n,
        .stamped = n % 5 == 0,
        .unjudged = n % 4 == 0,
        .boot_ms = n * 3,
        .boot_id = boot,
    };
}

static int push(int64_t n)
{
    static char rest[12 * 1024];
    char id[32];
    int64_t seq;
    struct queue_event e = event_of(n, id, rest);
    return queue_push(q, &e, &seq, &why);
}

static size_t read_file(const char *name, unsigned char *out)
{
    FILE *f = fopen(name, "rb");
    if (f == NULL) return 0;
    size_t n = fread(out, 1, IMAGE_MAX_BYTES, f);
    (void)fclose(f);
    return n;
}

static void write_file(const char *name, const unsigned char *p, size_t n)
{
    FILE *f = fopen(name, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(p, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void fill_queue(void)
{
    const struct queue_range mark = {700, 720, NOW_S}, doubt = {650, 660, NOW_S};
    good(open_queue());
    for (int64_t n = 1; n <= ROWS; n++) {
        assert_int_equal(push(n), 0);
        if (n % 40 == 0) good(queue_commit(q, &why));
        states[n] = n <= 600 ? 'S' : n % 10 == 3 ? 'D' : 'Q';
    }
    for (int64_t n = 1; n <= ROWS; n++) {
        if (states[n] == 'S') good(queue_settle(q, &n, 1, NOW_S, &why));
        if (states[n] == 'D') good(queue_bury(q, n, "tiktok_40002", "no", NOW_S, &why));
    }
    good(queue_doubt_add(q, &doubt, &why));
    good(queue_mark(q, &mark, &why));
    good(queue_set_value(q, QUEUE_VALUE_SENT_TOTAL, 600, &why));
    good(queue_commit(q, &why));
    while (queue_tidy(q, NULL, NULL) > 0) {
    }
}

static int make_image(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "%s/tillpost-damage-XXXXXX",
                   getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/queue.db", folder);
    (void)snprintf(ballast, sizeof ballast, "%s-ballast", path);
    fill_queue();
    queue_close(q);
    q = NULL;
    image_len = read_file(path, image);
    assert_true(image_len > 1000 * PAGE / 4);
    return 0;
}

static int remove_image(void **state)
{
    (void)state;
    return testing_scratch_remove(folder);
}

/* What is found afterwards -------------------------------------------------------------------- */

struct finding {
    int64_t queued, dead, sent; /* rows that are as they were pushed */
    int64_t twice, wrong, broken;
    char seen[ROWS + 2];
    struct buf rest;
};

static int64_t number_of(struct str id)
{
    char text[32] = "";
    if (id.len >= sizeof text || id.len < 6 || memcmp(id.p, "sale-", 5) != 0) return 0;
    memcpy(text, id.p, id.len);
    long long n = strtoll(text + 5, NULL, 10);
    return n >= 1 && n <= ROWS ? n : 0;
}

static bool is_as_pushed(const struct queue_row *row, const struct buf *rest)
{
    static char text[12 * 1024];
    char id[32];
    int64_t n = number_of(row->event_id);
    if (n == 0) return false;
    struct queue_event e = event_of(n, id, text);
    return str_equal(row->event_id, e.event_id) && str_equal(row->event, e.event) &&
           str_equal(row->test_code, e.test_code) && row->occurred_ms == e.occurred_ms &&
           row->recorded_s == e.recorded_s && row->stamped == e.stamped &&
           row->unjudged == e.unjudged && (!e.stamped || row->boot_ms == e.boot_ms) &&
           (!e.stamped || memcmp(row->boot_id, e.boot_id, QUEUE_BOOT_BYTES) == 0) &&
           str_equal(buf_str(rest), e.rest);
}

static int check_queued(void *ctx, const struct queue_row *row)
{
    struct finding *f = ctx;
    buf_clear(&f->rest);
    if (queue_unseal(q, row->seq, &f->rest, NULL) < 0) {
        f->broken++;
        return 0;
    }
    int64_t n = number_of(row->event_id);
    if (n > 0 && f->seen[n] != 0) f->twice++;
    if (!is_as_pushed(row, &f->rest)) f->wrong++;
    else f->queued++;
    f->seen[n] = 'Q';
    if (n > 0 && states[n] == 'S') f->twice++; /* it was sent already */
    return 0;
}

static int check_dead(void *ctx, const struct queue_row *row)
{
    struct finding *f = ctx;
    int64_t n = number_of(row->event_id);
    if (n == 0) return 0;
    if (f->seen[n] != 0) f->twice++;
    f->seen[n] = 'D';
    f->dead++;
    return 0;
}

static int check_sent(void *ctx, const struct queue_row *row)
{
    struct finding *f = ctx;
    if (number_of(row->event_id) > 0) f->sent++;
    return 0;
}

static void look(struct finding *f)
{
    enum { ALL = 1 << 20 };
    memset(f, 0, sizeof *f);
    buf_init(&f->rest, QUEUE_ROW_MAX_BYTES);
    (void)queue_walk_sealed(q, 0, INT64_MAX, check_queued, f, NULL); /* as deliveries do */
    (void)queue_list(q, QUEUE_DEAD, 0, ALL, check_dead, f, NULL);
    (void)queue_list(q, QUEUE_SENT, 0, ALL, check_sent, f, NULL);
    buf_free(&f->rest);
}

static unsigned files_aside(void)
{
    unsigned n = 0;
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        n += strstr(e->d_name, "queue.db-damaged-") != NULL && strstr(e->d_name, "-wal") == NULL;
    (void)closedir(d);
    return n;
}

/* Damages ------------------------------------------------------------------------------------- */

static unsigned char damaged[IMAGE_MAX_BYTES];
static size_t damaged_len;

struct totals {
    long places, anew;
    int64_t saved, intact;
    int64_t slowest_ms;
};

/* Opens what was damaged, works with it, and says what was wrong, or NULL. touched: so many queued
 * and dead rows may be gone. */
static const char *try_damaged(int64_t touched, struct totals *t)
{
    struct queue_damage d;
    struct finding f;
    testing_scratch_empty(folder);
    write_file(path, damaged, damaged_len);
    write_file(ballast, damaged, 1); /* by which a queue without a first page is known */
    int64_t began_ms = platform_mono_ms();
    int r = open_queue();
    int64_t ready_ms = platform_mono_ms() - began_ms;
    if (r < 0) return why.message;
    if (ready_ms > t->slowest_ms) t->slowest_ms = ready_ms;
    if (ready_ms > READY_MS) return "not ready in time";
    r = push(ROWS + 1 + t->places);
    if (r >= 0) r = queue_commit(q, &why);
    if (r < 0) { /* found out by this very sale: the register repeats it */
        r = push(ROWS + 1 + t->places);
        if (r >= 0) r = queue_commit(q, &why);
    }
    if (r < 0) return "a sale was not taken";
    look(&f); /* reads everything: damage that hid comes to light, rows move over */
    while (queue_tidy(q, NULL, NULL) > 0) {
    }
    look(&f);
    queue_damage(q, &d);
    queue_close(q);
    q = NULL;
    t->places++;
    t->anew += d.times > 0;
    int64_t intact = ROWS - 600 - touched, saved = f.queued + f.dead;
    if (saved > intact) saved = intact;
    t->intact += intact;
    t->saved += saved;
    if (f.wrong > 1) return "a row is not as it was pushed"; /* one: the new sale's */
    if (f.twice > 0) return "a row is there twice";
    if (d.salvaging) return "rows still move";
    if (d.times > 0 && f.broken > 0) return "a row with a broken seal moved over";
    if (d.times > 0 && files_aside() == 0) return "the bad file is gone";
    if (saved * 100 < intact * 99) {
        static char text[96];
        (void)snprintf(text, sizeof text, "only %lld of %lld rows were saved", (long long)saved,
                       (long long)intact);
        return text;
    }
    return NULL;
}

static void start_damage(void)
{
    memcpy(damaged, image, image_len);
    damaged_len = image_len;
}

static void check(const char *name, size_t at, int64_t touched, struct totals *t)
{
    const char *wrong = try_damaged(touched, t);
    if (wrong != NULL)
        fail_msg("%s at byte %zu (page %zu + %zu): %s", name, at, at / PAGE + 1, at % PAGE, wrong);
}

static void flip_bit(size_t at, uint64_t dice)
{
    damaged[at] ^= (unsigned char)(1u << dice % 8);
}

static void trash_byte(size_t at, uint64_t dice)
{
    damaged[at] = (unsigned char)(damaged[at] + 1 + dice % 255);
}

static void trash_sector(size_t at, uint64_t dice)
{
    size_t begin = at / 512 * 512;
    for (size_t i = 0; i < 512 && begin + i < damaged_len; i++)
        damaged[begin + i] = (unsigned char)chance(&dice);
}

static void zero_page(size_t at, uint64_t dice)
{
    (void)dice;
    memset(damaged + at / PAGE * PAGE, 0, PAGE);
}

static void cut(size_t at, uint64_t dice)
{
    damaged_len = dice % 2 == 0 ? at : at / PAGE * PAGE;
}

/* clang-format off */
static const struct { const char *name; void (*damage)(size_t, uint64_t); int64_t touches; } damages[] = {
    {"a flipped bit",     flip_bit,     1},
    {"a flipped bit",     flip_bit,     1},
    {"a flipped bit",     flip_bit,     1},
    {"another byte",      trash_byte,   1},
    {"a trashed sector",  trash_sector, 20},
    {"a page of zeros",   zero_page,    20},
};
/* clang-format on */

static bool soak(void)
{
    const char *s = getenv("TILLPOST_SOAK");
    return s != NULL && s[0] == '1';
}

static void damage_anywhere_costs_no_more_than_what_it_touched(void **state)
{
    struct totals t = {0};
    const char *s = getenv("TILLPOST_SEED");
    uint64_t seed = s != NULL ? strtoull(s, NULL, 10) : 1;
    long places = soak() ? PLACES_SOAK : PLACES / CRASH_SHARE;
    (void)state;
    for (long n = 0; n < places; n++) {
        size_t kind = (size_t)n % (sizeof damages / sizeof damages[0]);
        /* Every fourth place lies in the first pages, where headers and roots are. */
        size_t at = (size_t)(chance(&seed) % (n % 4 == 0 ? 10 * PAGE : image_len));
        start_damage();
        damages[kind].damage(at, chance(&seed));
        check(damages[kind].name, at, damages[kind].touches, &t);
    }
    print_message("%ld places, %ld times begun anew, %lld of %lld rows saved, ready in %lld ms\n",
                  t.places, t.anew, (long long)t.saved, (long long)t.intact,
                  (long long)t.slowest_ms);
    assert_true(t.anew > places / 20);
}

/* Queued and dead rows that lie in one piece before `end`; long ones are not counted. */
static int64_t rows_before(size_t end)
{
    enum { ONE_PIECE_MAX_BYTES = 3000 };
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    int64_t count = 0;
    write_file(path, image, image_len);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA locking_mode=EXCLUSIVE", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(db, "SELECT sealed FROM event UNION ALL SELECT sealed FROM dead", -1, &s,
                           NULL),
        SQLITE_OK);
    while (sqlite3_step(s) == SQLITE_ROW) {
        size_t len = (size_t)sqlite3_column_bytes(s, 0);
        const void *sealed = sqlite3_column_blob(s, 0);
        if (len <= ONE_PIECE_MAX_BYTES && memmem(image, end, sealed, len) != NULL) count++;
    }
    sqlite3_finalize(s);
    sqlite3_close(db);
    return count;
}

static void a_cut_file_keeps_what_stands_before_the_cut(void **state)
{
    struct totals t = {0};
    (void)state;
    for (size_t part = 1; part <= 9; part++) {
        start_damage();
        cut(image_len / 10 * part, part);
        const char *wrong = try_damaged(ROWS - 600 - rows_before(damaged_len), &t);
        if (wrong != NULL) fail_msg("cut at %zu tenths: %s", part, wrong);
    }
    assert_int_equal(t.anew, 9);
    assert_true(t.intact > 3000);
    start_damage();
    damaged_len = 0;
    assert_null(try_damaged(ROWS - 600, &t)); /* nothing is left, nothing stops */
}

/* Damages with a name ------------------------------------------------------------------------- */

/* clang-format off */
static const struct { const char *name, *sql; bool anew; int64_t touches; } named[] = {
    {"another owner in the header",    "PRAGMA application_id=7",                                      true,  0},
    {"a newer version in the header",  "PRAGMA user_version=77",                                       true,  0},
    {"no version in the header",       "PRAGMA user_version=0",                                        true,  0},
    {"wild counters",                  "UPDATE value SET value=900000 WHERE slot=17",                  true,  0},
    {"more queued than there are",     "UPDATE value SET value=0 WHERE slot=17",                       true,  0},
    {"none queued where there are",    "UPDATE value SET value=(SELECT value FROM value WHERE slot=16) WHERE slot=17", true, 0},
    {"a last number that is too low",  "UPDATE value SET value=100 WHERE slot=16",                     false,  0},
    {"no numbers at all",              "DELETE FROM value",                                            true,  0},
    {"a table with another name",      "ALTER TABLE doubt RENAME TO doubts",                           true,  0},
    {"a column that is missing",       "ALTER TABLE past DROP COLUMN state",                           true,  0},
    {"no known ids",                   "DELETE FROM known",                                            false, 0},
    {"one broken seal",                "UPDATE event SET sealed=x'00' WHERE seq=1000",                 false, 1},
    {"a seal of nothing but length",   "UPDATE event SET sealed=zeroblob(60000) WHERE seq=1000",       false, 1},
    {"the key check",                  "UPDATE value SET value=x'00' WHERE slot=100",                  false, 0},
};
/* clang-format on */

static void change_image(const char *sql)
{
    sqlite3 *db = NULL;
    testing_scratch_empty(folder);
    write_file(path, image, image_len);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    (void)sqlite3_exec(db, "PRAGMA locking_mode=EXCLUSIVE", NULL, NULL, NULL);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_close(db);
    damaged_len = read_file(path, damaged);
}

static void each_damage_with_a_name_is_survived(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
        struct totals t = {0};
        change_image(named[i].sql);
        const char *wrong = try_damaged(named[i].touches, &t);
        if (wrong != NULL) fail_msg("%s: %s", named[i].name, wrong);
        if ((t.anew > 0) != named[i].anew)
            fail_msg("%s: begun anew %ld times", named[i].name, t.anew);
        if (t.saved != t.intact)
            fail_msg("%s: %lld of %lld", named[i].name, (long long)t.saved, (long long)t.intact);
    }
}

static void open_damaged(void)
{
    testing_scratch_empty(folder);
    write_file(path, damaged, damaged_len);
    write_file(ballast, damaged, 1);
    good(open_queue());
}

/* The mark (700 to 720) and the doubt (650 to 660) come along; ids that were sent stay known. */
static void what_was_under_way_is_in_doubt_and_what_was_sent_stays_known(void **state)
{
    struct queue_range r;
    struct queue_counts c;
    (void)state;
    change_image("PRAGMA user_version=0");
    open_damaged();
    assert_int_equal(queue_marked(q, &r), 0);
    assert_int_equal(queue_doubt_find(q, 655, &r), 1);
    assert_int_equal(queue_doubt_find(q, 710, &r), 1);
    assert_int_equal(r.since_s, NOW_S);
    assert_int_equal(queue_doubt_find(q, 800, &r), 0);
    assert_int_equal(queue_value(q, QUEUE_VALUE_SENT_TOTAL), 600);
    assert_int_equal(push(1), 1);
    assert_int_equal(push(700), 1);
    assert_int_equal(push(ROWS + 1), 0);
    queue_counts(q, &c);
    assert_int_equal(c.queued + c.dead, ROWS - 600 + 1);
    queue_close(q);
    q = NULL;
    change_image("DELETE FROM value");
    open_damaged();
    assert_int_equal(queue_doubt_find(q, 800, &r), 1); /* nobody knows what was under way */
    assert_int_equal(queue_doubt_find(q, ROWS, &r), 1);
    queue_close(q);
    q = NULL;
}

static void push_and_die(void)
{
    good(open_queue());
    for (int64_t n = 1; n <= 20; n++) {
        assert_int_equal(push(n), 0);
        good(queue_commit(q, &why));
    }
    _exit(0);
}

static void damage_and_die(void)
{
    sqlite3 *db = NULL;
    if (sqlite3_open(path, &db) != SQLITE_OK) _exit(1);
    (void)sqlite3_exec(db, "PRAGMA locking_mode=EXCLUSIVE", NULL, NULL, NULL);
    _exit(sqlite3_exec(db, "PRAGMA user_version=0", NULL, NULL, NULL));
}

static void die(void (*doing)(void))
{
    int status = 1;
    pid_t child = fork();
    if (child == 0) doing();
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* The newest rows stand in the WAL alone, and so does the first page as it then is. */
static void the_wal_of_a_damaged_file_counts(void **state)
{
    struct queue_damage d;
    struct finding f;
    char wal[PATH_BYTES + 40];
    (void)state;
    testing_scratch_empty(folder);
    die(push_and_die);
    die(damage_and_die);
    (void)snprintf(wal, sizeof wal, "%s-wal", path);
    assert_true(read_file(wal, wal_image) > 4 * PAGE);
    size_t len = read_file(path, damaged);
    memset(damaged, 0, PAGE);
    write_file(path, damaged, len);
    good(open_queue());
    look(&f);
    queue_damage(q, &d);
    queue_close(q);
    q = NULL;
    assert_int_equal(d.times, 1);
    assert_int_equal(d.saved, 20);
    assert_int_equal(f.queued, 20);
}

static void push_many_and_die(void)
{
    fill_queue();
    assert_int_equal(push(ROWS + 1), 0);
    good(queue_commit(q, &why));
    _exit(0);
}

/* Opening looks at the ends alone; what lies between is read in idle moments after an unclean end. */
static void a_page_in_the_middle_is_found_out_after_an_unclean_end(void **state)
{
    struct queue_damage d;
    (void)state;
    for (int clean = 0; clean < 2; clean++) {
        testing_scratch_empty(folder);
        die(push_many_and_die);
        if (clean) {
            good(open_queue());
            queue_close(q);
        }
        size_t len = read_file(path, damaged);
        memset(damaged + len / PAGE / 2 * PAGE, 0, PAGE);
        write_file(path, damaged, len);
        good(open_queue());
        queue_damage(q, &d);
        assert_int_equal(d.times, 0);
        while (queue_tidy(q, NULL, NULL) != 0) {
        }
        queue_damage(q, &d);
        assert_int_equal(d.times, clean ? 0 : 1);
        assert_false(d.salvaging);
        queue_close(q);
        q = NULL;
    }
}

static void few_files_are_kept_and_erasure_removes_them(void **state)
{
    struct queue_damage d;
    struct queue_erasure e;
    (void)state;
    change_image("PRAGMA user_version=0");
    open_damaged();
    for (int i = 0; i < QUEUE_ASIDE_MAX + 2; i++) {
        queue_close(q);
        write_file(path, damaged, damaged_len);
        good(open_queue());
    }
    queue_damage(q, &d);
    assert_true(queue_was_damaged(q));
    assert_int_equal(files_aside(), QUEUE_ASIDE_MAX);
    assert_int_equal(d.saved, ROWS - 600);
    queue_erasure_begin(&e);
    good(queue_erasure_finish(q, &e, NOW_S, &why));
    queue_erasure_free(&e);
    assert_int_equal(files_aside(), 0);
    assert_false(queue_was_damaged(q));
    queue_close(q);
    q = NULL;
}

static void what_is_no_queue_of_ours_stays_where_it_is(void **state)
{
    (void)state;
    testing_scratch_empty(folder);
    memset(damaged, 'x', 3 * PAGE);
    write_file(path, damaged, 3 * PAGE);
    assert_int_equal(open_queue(), TILLPOST_E_DAMAGED);
    assert_int_equal(files_aside(), 0);
    assert_int_equal(read_file(path, damaged), 3 * PAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damage_anywhere_costs_no_more_than_what_it_touched),
        cmocka_unit_test(a_cut_file_keeps_what_stands_before_the_cut),
        cmocka_unit_test(each_damage_with_a_name_is_survived),
        cmocka_unit_test(what_was_under_way_is_in_doubt_and_what_was_sent_stays_known),
        cmocka_unit_test(the_wal_of_a_damaged_file_counts),
        cmocka_unit_test(a_page_in_the_middle_is_found_out_after_an_unclean_end),
        cmocka_unit_test(few_files_are_kept_and_erasure_removes_them),
        cmocka_unit_test(what_is_no_queue_of_ours_stays_where_it_is),
    };
    return cmocka_run_group_tests(tests, make_image, remove_image);
}
