/*
 * queue_plans_test.c: what SQLite will do for each statement of the queue, asked of SQLite itself. A
 * queue of a million rows must cost what one of ten does: a statement that goes through a table, sorts
 * or makes an index for itself needs a reason here.
 */
#include "queue/inside.h"
#include "testing.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
static const struct { enum sql sql; const char *plan, *why; } allowed[] = {
    {SQL_OLDEST,    "SCAN event", "the first row in the order of the table, and no second"},
    {SQL_NEWEST,    "SCAN event", "the last one"},
    {SQL_VALUES,    "SCAN value", "a row a named number"},
    {SQL_DOUBT_ALL, "SCAN doubt", "a row a batch without a clear answer"},
    {SQL_ENDS,      "SCAN CONSTANT ROW", "no table"},
};
/* clang-format on */

static bool is_allowed(unsigned statement, const char *plan)
{
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
        if (allowed[i].sql == statement && strcmp(allowed[i].plan, plan) == 0) return true;
    return false;
}

static bool grows(const char *plan)
{
    return strstr(plan, "SCAN") || strstr(plan, "TEMP B-TREE") || strstr(plan, "AUTOMATIC");
}

/* How many steps its plan has; each that grows with the table must be allowed. */
static unsigned check_plan(sqlite3 *db, unsigned statement, const char *sql)
{
    char text[2048];
    sqlite3_stmt *s = NULL;
    unsigned steps = 0;
    assert_true(snprintf(text, sizeof text, "EXPLAIN QUERY PLAN %s", sql) < (int)sizeof text);
    assert_int_equal(sqlite3_prepare_v2(db, text, -1, &s, NULL), SQLITE_OK);
    for (; sqlite3_step(s) == SQLITE_ROW; steps++) {
        const char *plan = (const char *)sqlite3_column_text(s, 3);
        if (grows(plan) && !is_allowed(statement, plan))
            fail_msg("statement %u grows with its table: %s: %s", statement, plan, sql);
    }
    sqlite3_finalize(s);
    return steps;
}

static void no_statement_goes_through_a_table_without_a_reason(void **state)
{
    static const unsigned char key[QUEUE_KEY_BYTES] = {1};
    char dir[TESTING_PATH_BYTES], path[TESTING_PATH_BYTES + 16];
    const char *statements[SQL_COUNT];
    struct queue *q = NULL;
    sqlite3 *db = NULL;
    unsigned steps = 0;
    testing_scratch(dir);
    (void)snprintf(path, sizeof path, "%s/queue.db", dir);
    const struct queue_options options = {.path = path, .key = key, .max_size_bytes = 64 << 20};
    assert_int_equal(queue_open(&options, &q, NULL), 0);
    memcpy(statements, q->plan.statements, sizeof statements);
    queue_close(q);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    for (unsigned i = 0; i < SQL_COUNT; i++) steps += check_plan(db, i, statements[i]);
    assert_true(steps > SQL_COUNT / 2); /* an INSERT of values has none */
    sqlite3_close(db);
    testing_scratch_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_statement_goes_through_a_table_without_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
