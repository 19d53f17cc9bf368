/*
 * arena.c: memory that is given back, wiped, all at once.
 *
 * A list of blocks, each filled from front to back. They hold what callers sent, so they are private
 * pages (platform.h). What always holds:
 * 1. Every byte of a block behind `used` is zero: blocks come zeroed, and a reset wipes exactly what
 *    was used. So an allocation is zeroed without a memset.
 * 2. An address handed out is a multiple of ARENA_ALIGN_BYTES, on 32-bit systems too.
 * 3. used_bytes, the sum of the rounded sizes, never exceeds max_bytes.
 */
#include "base/text.h"

#include "platform/platform.h"

#include <string.h>

enum { ARENA_ALIGN_BYTES = 16 };

struct arena_block {
    struct arena_block *next;
    char *data;   /* first aligned byte behind this header */
    size_t whole; /* bytes of all of it */
    size_t bytes; /* of data */
    size_t used;
};

void arena_init(struct arena *a, size_t block_bytes, size_t max_bytes)
{
    *a = (struct arena){.block_bytes = block_bytes, .max_bytes = max_bytes};
}

static struct arena_block *block_new(size_t bytes)
{
    size_t around = sizeof(struct arena_block) + ARENA_ALIGN_BYTES;
    if (bytes > SIZE_MAX - around) return NULL;
    struct arena_block *block = platform_private_alloc(around + bytes);
    if (block == NULL) return NULL;
    block->whole = around + bytes;
    char *behind = (char *)(block + 1);
    size_t over = (uintptr_t)behind % ARENA_ALIGN_BYTES;
    block->data = behind + (over == 0 ? 0 : ARENA_ALIGN_BYTES - over);
    block->bytes = bytes;
    return block;
}

static bool next_block(struct arena *a, size_t bytes)
{
    struct arena_block *block = block_new(bytes > a->block_bytes ? bytes : a->block_bytes);
    if (block == NULL) return false;
    if (a->current != NULL) {
        a->current->next = block;
    } else {
        a->first = block;
    }
    a->current = block;
    return true;
}

void *arena_alloc(struct arena *a, size_t bytes)
{
    if (bytes > a->max_bytes) return NULL;
    size_t rounded = bytes + (ARENA_ALIGN_BYTES - bytes % ARENA_ALIGN_BYTES) % ARENA_ALIGN_BYTES;
    if (rounded < bytes || rounded > a->max_bytes - a->used_bytes) return NULL;
    struct arena_block *block = a->current;
    if (block == NULL || rounded > block->bytes - block->used) {
        if (!next_block(a, rounded)) return NULL;
        block = a->current;
    }
    void *p = block->data + block->used;
    block->used += rounded;
    a->used_bytes += rounded;
    return p;
}

char *arena_copy(struct arena *a, struct str s)
{
    char *p = s.len == SIZE_MAX ? NULL : arena_alloc(a, s.len + 1);
    if (p != NULL && s.len > 0) memcpy(p, s.p, s.len);
    return p;
}

static void free_blocks(struct arena_block *block)
{
    while (block != NULL) {
        struct arena_block *next = block->next;
        platform_private_free(block, block->whole);
        block = next;
    }
}

void arena_reset(struct arena *a)
{
    a->used_bytes = 0;
    a->current = a->first;
    if (a->first == NULL) return;
    free_blocks(a->first->next);
    a->first->next = NULL;
    wipe(a->first->data, a->first->used);
    a->first->used = 0;
}

void arena_free(struct arena *a)
{
    free_blocks(a->first);
    arena_init(a, a->block_bytes, a->max_bytes);
}
