/*
 * commits.c: what SQLite itself can do on this disk, as the yardstick.
 *
 * The settings are those of the queue: WAL, synchronous=FULL, locking_mode=EXCLUSIVE. The row is as
 * long as the queue's and has no index but its number, so that the yardstick is on the generous side.
 */
#include "bench/bench.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

static bool run(sqlite3 *db, const char *sql)
{
    char *message = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &message) == SQLITE_OK) return true;
    fprintf(stderr, "bench: sqlite: %s: %s\n", sql, message);
    sqlite3_free(message);
    return false;
}

static bool commit_rows(sqlite3 *db, sqlite3_stmt *insert, unsigned rows)
{
    if (!run(db, "BEGIN IMMEDIATE")) return false;
    for (unsigned i = 0; i < rows; i++) {
        if (sqlite3_step(insert) != SQLITE_DONE || sqlite3_reset(insert) != SQLITE_OK) return false;
    }
    return run(db, "COMMIT");
}

static bool commit_for(struct commits *c, sqlite3 *db, sqlite3_stmt *insert)
{
    char row[BENCH_ROW_BYTES];
    memset(row, 'r', sizeof(row));
    sqlite3_bind_blob(insert, 1, row, sizeof(row), SQLITE_STATIC);
    int64_t began_us = bench_now_us(), now_us = began_us;
    while (now_us - began_us < (int64_t)(c->seconds * 1e6)) {
        if (!commit_rows(db, insert, c->rows_a_commit)) return false;
        c->rows += c->rows_a_commit;
        now_us = bench_now_us();
    }
    c->took_s += (double)(now_us - began_us) / 1e6;
    return true;
}

bool commits_run(struct commits *c)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *insert = NULL;
    bool good = sqlite3_open(c->path, &db) == SQLITE_OK &&
                run(db, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL;"
                        "PRAGMA synchronous=FULL;"
                        "CREATE TABLE IF NOT EXISTS event(seq INTEGER PRIMARY KEY, body BLOB)") &&
                sqlite3_prepare_v2(db, "INSERT INTO event(body) VALUES(?1)", -1, &insert, NULL) ==
                    SQLITE_OK &&
                commit_for(c, db, insert);
    sqlite3_finalize(insert);
    sqlite3_close(db);
    return good;
}
