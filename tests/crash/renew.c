/*
 * renew.c: an old queue as if its sales were of today, so that they are delivered and not expired.
 *
 *   renew QUEUE    (data/queue/schema-1-till.db, that a program of schema 1 wrote; its seals do not bind times)
 *
 * Nothing else is changed: neither its schema nor its rows' seals.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

static const char sql[] = "UPDATE event SET occurred_ms=unixepoch()*1000, recorded_s=unixepoch();"
                          "UPDATE dead SET recorded_s=unixepoch(), ended_s=unixepoch();"
                          "UPDATE past SET recorded_s=unixepoch(), ended_s=unixepoch();"
                          "UPDATE value SET value=unixepoch() WHERE slot=22;"; /* the mark's hour */

int main(int argc, char **argv)
{
    sqlite3 *db = NULL;
    int rc = argc == 2 ? sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READWRITE, NULL) : SQLITE_MISUSE;
    if (rc == SQLITE_OK) rc = sqlite3_exec(db, "PRAGMA locking_mode=EXCLUSIVE", NULL, NULL, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    if (rc != SQLITE_OK) fprintf(stderr, "renew QUEUE: %s\n", sqlite3_errstr(rc));
    return sqlite3_close(db) == SQLITE_OK && rc == SQLITE_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
