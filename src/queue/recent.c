/*
 * recent.c: open addressing with linear probing, at most half full.
 *
 * What always holds:
 * 1. A slot with seq 0 is empty; every entry stands at its home slot or behind it with no empty
 *    slot between (removing moves the entries behind back, so there are no tombstones).
 * 2. The home slot depends on the part of the key that comes from the event id alone, so that all
 *    events of one id stand in one run; and homes are in the order of the keys, so that a part of
 *    them is a stretch of slots and goes into the table page by page.
 */
#include "queue/recent.h"

#include "tillpost/err.h"
#include <stdlib.h>
#include <string.h>

int recent_open(struct recent *r, size_t max)
{
    size_t n = 2;
    while (n < 2 * max) n *= 2;
    *r = (struct recent){.slots = calloc(n, sizeof r->slots[0]), .slot_count = n, .max = max};
    return r->slots == NULL ? TILLPOST_E_NO_MEMORY : 0;
}

void recent_close(struct recent *r)
{
    free(r->slots);
    *r = (struct recent){0};
}

void recent_clear(struct recent *r)
{
    memset(r->slots, 0, r->slot_count * sizeof r->slots[0]);
    r->count = 0;
}

bool recent_full(const struct recent *r)
{
    return r->count == r->max;
}

static size_t home(const struct recent *r, const struct recent_key *key)
{
    const unsigned char *b = key->bytes;
    uint64_t h = (uint64_t)b[0] << 24 | (uint64_t)b[1] << 16 | (uint64_t)b[2] << 8 | b[3];
    return (size_t)(h * r->slot_count >> 32);
}

static size_t next(const struct recent *r, size_t slot)
{
    return (slot + 1) & (r->slot_count - 1);
}

void recent_add(struct recent *r, const struct recent_key *key, int64_t seq)
{
    size_t i = home(r, key);
    while (r->slots[i].seq != 0) i = next(r, i);
    r->slots[i] = (struct recent_entry){*key, seq};
    r->count++;
}

static size_t slot_of(const struct recent *r, const struct recent_key *key)
{
    size_t i = home(r, key);
    while (r->slots[i].seq != 0 && memcmp(&r->slots[i].key, key, sizeof *key) != 0) i = next(r, i);
    return i;
}

int64_t recent_find(const struct recent *r, const struct recent_key *key)
{
    return r->slots[slot_of(r, key)].seq;
}

const struct recent_entry *recent_of_id(const struct recent *r, const struct recent_key *key,
                                        size_t *at)
{
    while (*at < r->slot_count) {
        const struct recent_entry *e = &r->slots[(home(r, key) + (*at)++) & (r->slot_count - 1)];
        if (e->seq == 0) break;
        if (memcmp(e->key.bytes, key->bytes, RECENT_ID_BYTES) == 0) return e;
    }
    return NULL;
}

const struct recent_entry *recent_in_part(const struct recent *r, unsigned part, size_t *at)
{
    size_t first = part * r->slot_count / RECENT_PARTS;
    size_t last = ((part + 1) * r->slot_count - 1) / RECENT_PARTS;
    while (*at < r->slot_count) {
        size_t i = first + (*at)++;
        const struct recent_entry *e = &r->slots[i & (r->slot_count - 1)];
        if (e->seq == 0 && i >= last) break;
        if (e->seq != 0 && e->key.bytes[0] * RECENT_PARTS / 256U == part) return e;
    }
    return NULL;
}

/* Closes the gap: an entry behind it moves in unless its home lies between the gap and itself. */
static void remove_at(struct recent *r, size_t gap)
{
    size_t mask = r->slot_count - 1;
    for (size_t i = next(r, gap); r->slots[i].seq != 0; i = next(r, i)) {
        size_t from_home = (i - home(r, &r->slots[i].key)) & mask;
        if (from_home < ((i - gap) & mask)) continue;
        r->slots[gap] = r->slots[i];
        gap = i;
    }
    r->slots[gap].seq = 0;
    r->count--;
}

void recent_remove(struct recent *r, const struct recent_key *key)
{
    size_t i = slot_of(r, key);
    if (r->slots[i].seq != 0) remove_at(r, i);
}

void recent_remove_upto(struct recent *r, int64_t seq)
{
    for (size_t i = 0; i < r->slot_count; i++)
        while (r->slots[i].seq != 0 && r->slots[i].seq <= seq) remove_at(r, i);
}
