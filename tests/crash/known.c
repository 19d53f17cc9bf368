/*
 * known.c: does a queue know what it should? For a queue that no agent has open.
 *
 *   known QUEUE KEY_FILE LOG…    exit 1 when integrity_check is not content, or an event that a
 *                                LOG of register.c says was "queued" or "duplicate" is not there,
 *                                or one that was "erased" has not gone
 *
 * The real queue code opens it, so that what recovery does is part of what is judged.
 */
#include "agent/secrets.h"
#include "queue/queue.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 256, MAX_SIZE_BYTES = 256 << 20, EXIT_WRONG_USE = 64 };

static bool is_sound(const char *path)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    bool sound = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
                 sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &s, NULL) == SQLITE_OK &&
                 sqlite3_step(s) == SQLITE_ROW &&
                 strcmp((const char *)sqlite3_column_text(s, 0), "ok") == 0;
    sqlite3_finalize(s);
    sqlite3_close(db);
    if (!sound) printf("%s: integrity_check is not content\n", path);
    return sound;
}

struct seen {
    int rows, kept; /* kept: with its content */
};

static int count(void *ctx, const struct queue_row *row)
{
    struct seen *s = ctx;
    s->rows++;
    s->kept += row->state == QUEUE_QUEUED || row->state == QUEUE_DEAD;
    return 0;
}

/* How many of a log's promises are not kept. */
static long lost_of(struct queue *q, const char *path, long *promised)
{
    char line[LINE_BYTES];
    long lost = 0;
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f)) {
        struct seen seen = {0};
        char *end = strchr(line, ' ');
        if (!end || strncmp(end, " 200 ", 5) != 0) continue;
        *end = '\0';
        bool erased = strncmp(end + 5, "erased", 6) == 0;
        ++*promised;
        bool found = queue_find(q, str_from(line), count, &seen, NULL) >= 0 && seen.rows == 1;
        if (found && !(erased && seen.kept)) continue;
        if (lost++ < 5)
            printf("%s: %s\n", found ? "erased and is there" : "acknowledged and is lost", line);
    }
    if (f) fclose(f);
    return lost;
}

int main(int argc, char **argv)
{
    unsigned char key[QUEUE_KEY_BYTES];
    struct fault why = {0};
    struct queue *q;
    long promised = 0, lost = 0;
    if (argc < 4) {
        fputs("known QUEUE KEY_FILE LOG…\n", stderr);
        return EXIT_WRONG_USE;
    }
    const struct queue_options options = {argv[1], key, MAX_SIZE_BYTES, NULL};
    if (secret_queue_key(argv[2], false, key, &why) < 0 || queue_open(&options, &q, &why) < 0) {
        printf("%s does not open: %s\n", argv[1], why.message);
        return EXIT_FAILURE;
    }
    for (int i = 3; i < argc; i++) lost += lost_of(q, argv[i], &promised);
    queue_close(q);
    printf("%ld promised, %ld lost\n", promised, lost);
    return is_sound(argv[1]) && lost == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
