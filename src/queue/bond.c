/*
 * bond.c: what a row's seal is bound to.
 *
 * SQLite's pages carry no checksum: a bit that flips in a column would go out as another time or
 * another test code. So all of a row's columns are bound into its seal, as they are stored, and whoever
 * changes one seals anew; what a seal opens is the row as we wrote it, or nothing.
 *
 * Format (stable, bytes). Version 2: each text behind its length (4 bytes, little end first): event
 * id, name, key name ("" where it is the name), test code, boot id; then each number in 8 bytes:
 * occurred_ms, recorded_s, flags, boot_ms. Version 1, rows of schema 1: event id, NUL, name.
 */
#include "queue/bond.h"
#include "tillpost/err.h"

static void add_number(struct buf *b, uint64_t n, unsigned bytes)
{
    unsigned char little[8];
    for (unsigned i = 0; i < bytes; i++) little[i] = (unsigned char)(n >> 8 * i);
    buf_add(b, little, bytes);
}

static void add_text(struct buf *b, struct str s)
{
    add_number(b, s.len, 4);
    buf_add_str(b, s);
}

struct str queue_bound(struct queue *q, const struct queue_bond *bond, int version)
{
    const struct str texts[] = {bond->event_id, bond->event, bond->key_event, bond->test_code,
                                bond->boot_id};
    const int64_t numbers[] = {bond->occurred_ms, bond->recorded_s, bond->flags, bond->boot_ms};
    struct buf *b = &q->bound;
    buf_clear(b);
    if (version == SEAL_VERSION_NAMES) {
        buf_add_str(b, bond->event_id);
        buf_add_char(b, '\0');
        buf_add_str(b, bond->event);
        return buf_str(b);
    }
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) add_text(b, texts[i]);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        add_number(b, (uint64_t)numbers[i], 8);
    return buf_str(b);
}

int queue_open_sealed(struct queue *q, const struct queue_bond *bond, struct str sealed, char *out)
{
    if (sealed.len < SEAL_OVERHEAD_BYTES || sealed.len > sizeof q->sealed)
        return TILLPOST_E_DAMAGED;
    struct str bound = queue_bound(q, bond, sealed.p[0]);
    if (q->bound.failed) return TILLPOST_E_DAMAGED;
    return seal_decrypt(q->seal, bound, (const unsigned char *)sealed.p, sealed.len, out);
}

void queue_read_bond(struct queue *q, enum sql sql, int column, struct queue_bond *out)
{
    struct db *db = q->db;
    *out = (struct queue_bond){
        .event_id = db_text(db, sql, column),
        .event = db_text(db, sql, column + 1),
        .key_event = db_text(db, sql, column + 2),
        .test_code = db_text(db, sql, column + 3),
        .occurred_ms = db_int(db, sql, column + 4),
        .recorded_s = db_int(db, sql, column + 5),
        .flags = db_int(db, sql, column + 6),
        .boot_ms = db_int(db, sql, column + 7),
        .boot_id = db_text(db, sql, column + 8),
    };
}

int queue_open_row(struct queue *q, enum sql sql, int column, char *out)
{
    struct queue_bond bond;
    queue_read_bond(q, sql, column, &bond);
    return queue_open_sealed(q, &bond, db_text(q->db, sql, column + SEALED_AT), out);
}
