/*
 * recent.h: the ids of the newest events, in memory.
 *
 * The table `known` of queue.db is ordered by a hash, so that every id put into it alone would cost
 * a page of flash. The newest ids are therefore kept here and go into the table in bulk; see the
 * story of queue.c. Room private to the queue.
 *
 * Owner: one block of memory, made once; nothing is allocated per id.
 */
#ifndef QUEUE_RECENT_H
#define QUEUE_RECENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RECENT_ID_BYTES = 12,   /* of SHA-256 of the event id */
    RECENT_EVENT_BYTES = 4, /* of SHA-256 of the event's key name */
    RECENT_KEY_BYTES = RECENT_ID_BYTES + RECENT_EVENT_BYTES,
    RECENT_PARTS = 64 /* a key belongs to the part of its first six bits */
};

struct recent_key {
    unsigned char bytes[RECENT_KEY_BYTES];
};
struct recent_entry {
    struct recent_key key;
    int64_t seq; /* 0: empty */
};
struct recent {
    struct recent_entry *slots;
    size_t slot_count; /* a power of two, at least twice max */
    size_t count, max;
};

int recent_open(struct recent *r, size_t max); /* NO_MEMORY */
void recent_close(struct recent *r);
void recent_clear(struct recent *r);
bool recent_full(const struct recent *r);
/* The key must not be there yet and the set not be full. */
void recent_add(struct recent *r, const struct recent_key *key, int64_t seq);
int64_t recent_find(const struct recent *r, const struct recent_key *key); /* seq, or 0 */
/* Goes through all that have the event id of key. Start with *at = 0; NULL at the end. */
const struct recent_entry *recent_of_id(const struct recent *r, const struct recent_key *key,
                                        size_t *at);
/* The same for those of a part, 0 … RECENT_PARTS - 1: the parts are in the order of the keys. */
const struct recent_entry *recent_in_part(const struct recent *r, unsigned part, size_t *at);
void recent_remove(struct recent *r, const struct recent_key *key);
void recent_remove_upto(struct recent *r, int64_t seq); /* all with a seq of at most this */

#endif
