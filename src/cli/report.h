/*
 * report.h: what an import says while it goes on and at its end: progress on a terminal, refused
 * rows, the file of them, the sum. Inside cli only.
 *
 * Refused rows and the sum are data, to stdout; warnings and progress are words, to stderr.
 * Units: lines from 1, 0 for a file as a whole. Owner: borrows names and texts until it returns.
 */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "base/text.h"

#include <stdio.h>

enum { REPORT_WARNINGS_MAX = 20 /* shown; all are counted */ };

struct report {
    bool json, dry_run, shows_progress;
    uint64_t rows, queued, duplicate, refused, warnings;
    FILE *rejects;      /* NULL: nobody asked for it */
    struct buf header;  /* the line that stands first in rejects */
    bool header_stands; /* it does */
    bool rejects_failed;
    bool line_open; /* progress stands on the terminal's last line */
    bool listed;    /* JSON: a refusal was written */
    int64_t began_ms, drawn_ms;
};

struct report_refusal {
    const char *file;
    uint64_t line;
    struct str column, category, code, message;
    struct str raw; /* the record, for rejects; empty: the file as a whole */
};

/* rejects_fd < 0: none; else the report's to close. */
void report_open(struct report *r, bool json, bool dry_run, int rejects_fd);
/* The header of the file whose rows come next; false when rejects has another one already. */
bool report_header(struct report *r, struct str raw);
void report_refusal(struct report *r, const struct report_refusal *refusal);
void report_warning(struct report *r, const char *file, uint64_t line, struct str column,
                    struct str message);
/* bytes_total 0: not known. */
void report_progress(struct report *r, const char *file, uint64_t bytes, uint64_t bytes_total);
/* Before anybody else writes to the terminal. */
void report_clear(struct report *r);
/* The sum; false when rejects could not be written. */
bool report_close(struct report *r);

#endif
