/*
 * bond.h: what a row's seal is bound to. Private to the room.
 */
#ifndef QUEUE_BOND_H
#define QUEUE_BOND_H

#include "queue/inside.h"

/* What a row's seal is bound to: its columns, as they are stored. */
enum { SEALED_AT = 9 }; /* of SEALED_COLUMNS, the sealed text */
struct queue_bond {
    struct str event_id, event, key_event, test_code, boot_id;
    int64_t occurred_ms, recorded_s, flags, boot_ms;
};
struct str queue_bound(struct queue *q, const struct queue_bond *bond, int version);
/* out has room for QUEUE_ROW_MAX_BYTES. Length, or DAMAGED. The second opens the row that a
 * statement stands on, of whose columns SEALED_COLUMNS (queue.c) begin at `column`. */
int queue_open_sealed(struct queue *q, const struct queue_bond *bond, struct str sealed, char *out);
int queue_open_row(struct queue *q, enum sql sql, int column, char *out);
void queue_read_bond(struct queue *q, enum sql sql, int column, struct queue_bond *out);

#endif
