/*
 * wreck.h: a database file that SQLite refuses, as pages: those of its WAL over those of the file.
 *
 * Only what a commit of the WAL closed counts, as for SQLite. Nothing is written.
 * Errors: NO_INPUT (there is no such file), STORAGE, NO_MEMORY.
 */
#ifndef QUEUE_WRECK_H
#define QUEUE_WRECK_H

#include <stddef.h>
#include <stdint.h>

struct wreck;
int wreck_open(const char *path, struct wreck **out); /* and path-wal, when there is one */
void wreck_close(struct wreck *w);
uint32_t wreck_pages(const struct wreck *w);
/* Page `number` (from 1) into PAGE_BYTES; what cannot be read, or lies beyond a cut, is zero. */
void wreck_read(const struct wreck *w, uint32_t number, unsigned char *page);

#endif
