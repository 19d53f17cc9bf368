/*
 * folder_file.h: one file of the drop folder while it is taken in. Private to folder.c.
 *
 * Records are taken from where the last slice that was kept ended; after one that was not, reading
 * goes back there.
 */
#ifndef AGENT_FOLDER_FILE_H
#define AGENT_FOLDER_FILE_H

#include "agent/folder.h"
#include "agent/rows.h"

#include <sys/stat.h>

enum { FOLDER_REPORT_MAX_BYTES = 64 * 1024, FOLDER_LINE_BYTES = INGEST_CALL_MAX_BYTES + 1024 };

struct folder_point { /* a place between two records */
    uint64_t taken;   /* bytes before it */
    uint64_t line;    /* that begins there, from 1 */
    bool skips;       /* in the middle of a line that is too long */
    uint64_t rows, refused;
    size_t report_bytes;
};

struct folder_file {
    int fd; /* -1: none */
    struct stat found;
    bool is_csv, has_header, at_end;
    bool is_hopeless; /* its header is refused: nothing behind it is understood */
    struct folder_point at, kept;
    char *text; /* of calls: what was read and not taken yet, from..to */
    size_t from, to;
    struct csv_reader csv;
    struct rows_file rows;
    struct buf report, answer;
};

void folder_file_init(struct folder_file *f);
/* fd is the file's from here on. NO_MEMORY. */
int folder_file_open(struct folder_file *f, int fd, const struct stat *found, bool is_csv);
void folder_file_close(struct folder_file *f);
/* 1: there is more, 0: the end, < 0: a fault of the queue or of the file; go back. */
int folder_file_slice(struct folder_file *f, struct ingest *g, const struct clock_now *now);
void folder_file_keep(struct folder_file *f); /* the last slice is safe */
void folder_file_back(struct folder_file *f); /* to where it began */

#endif
