/*
 * csv.h: comma-separated records as RFC 4180 has them, one at a time, of a file of any size.
 *
 * Quoted fields, doubled quotes, line ends inside quotes; LF, CRLF or CR end a record; a byte order
 * mark at the start is passed over, and so are records without any text. What is wrong with a record
 * is said of that record; reading goes on with the next.
 *
 * Units: lines count from 1, of the file; fields from 0. Owner: the reader owns its memory, which
 * does not grow; a record's strings are the reader's until the next csv_next. What was read is
 * wiped. Errors: those of the fill; NO_MEMORY.
 * Source: RFC 4180 section 2.
 */
#ifndef BASE_CSV_H
#define BASE_CSV_H

#include "base/text.h"

enum {
    CSV_RECORD_MAX_BYTES = 32 * 1024, /* without its line end; as a call's body */
    CSV_FIELDS_MAX = 64,
};

enum csv_fault {
    CSV_GOOD,
    CSV_BAD_CHARACTER,   /* not UTF-8, or a control character */
    CSV_BAD_QUOTE,       /* a quote in a field without quotes, or text behind a closing one */
    CSV_OPEN_QUOTE,      /* never closed; only the line where it opens is taken */
    CSV_TOO_LONG,        /* over CSV_RECORD_MAX_BYTES; only its first line is taken */
    CSV_TOO_MANY_FIELDS, /* over CSV_FIELDS_MAX */
    CSV_FAULTS
};

struct csv_record {
    struct str
        fields[CSV_FIELDS_MAX]; /* without quotes; UTF-8 without NUL when there is no fault */
    size_t count;               /* 0 when OPEN_QUOTE or TOO_LONG */
    uint64_t line;              /* where it begins */
    struct str raw;             /* as it stands in the file, without its line end */
    enum csv_fault fault;
    size_t fault_field; /* where the fault was met */
};

/* Writes at most bytes_max to `to`: how many, 0 at the end, < 0 an error. */
typedef long (*csv_fill)(void *ctx, char *to, size_t bytes_max);
/* The one for a file: ctx is its descriptor, an int. IO: errno says why. */
long csv_fill_file(void *fd, char *to, size_t bytes_max);

struct csv_reader {
    csv_fill fill;
    void *ctx;
    char *text;       /* what was read and not taken yet: from..to */
    size_t from, to;  /* bytes */
    struct buf cells; /* the fields of the record at hand, without quotes */
    uint64_t line;    /* of the byte at `from` */
    uint64_t taken;   /* bytes before `from`, of the whole file */
    bool started, at_end, skips_line;
};

int csv_open(struct csv_reader *r, csv_fill fill, void *ctx);
void csv_close(struct csv_reader *r); /* copes with one that was not opened, if zeroed */
/* 1: a record, 0: the end, < 0: an error. */
int csv_next(struct csv_reader *r, struct csv_record *out);

/* A field with quotes where it needs them. */
void csv_write_field(struct buf *out, struct str field);

/* "bad_quote"; and the fault of such a name, CSV_FAULTS when there is none. */
const char *csv_fault_name(enum csv_fault fault);
enum csv_fault csv_fault_of(struct str name);

#endif
