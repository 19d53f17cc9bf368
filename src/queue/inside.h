/*
 * inside.h: what the files of the room share. Private.
 *
 * queue.c    opening, transactions, counts, values, the mark; the story of the whole
 * rows.c     what happens to rows;  leave.c  many of them leave
 * bond.c     what a row's seal is bound to;  doubt.c  ranges in doubt
 * erase.c    right to erasure;  recent.c  the newest ids in memory
 * aside.c    a damaged queue's names;  salvage.c  its rows;  wreck.c  its pages
 * tidy.c     idle work, the ballast;  scrub.c  reads everything after an unclean end
 * db.c       SQLite;  seal.c  mbedTLS;  page.c  SQLite's pages without SQLite
 *
 * Each function that touches the database ends with queue_done, which opens it again where it failed.
 */
#ifndef QUEUE_INSIDE_H
#define QUEUE_INSIDE_H

#include "queue/db.h"
#include "queue/limits.h"
#include "queue/recent.h"
#include "queue/seal.h"

/* clang-format off */
enum sql {
    SQL_PUSH, SQL_WALK, SQL_WALK_SEALED, SQL_SEALED, SQL_SET_TIME,
    SQL_LIST_QUEUED, SQL_LIST_DEAD, SQL_LIST_PAST, SQL_FIND,
    SQL_EVENT_TO_PAST, SQL_EVENT_TO_DEAD, SQL_EVENT_REMOVE,
    SQL_DEAD_TO_PAST, SQL_DEAD_TO_EVENT, SQL_DEAD_REMOVE,
    SQL_OLDEST, SQL_NEWEST, SQL_IN_RANGE,
    SQL_KNOWN_FIND, SQL_KNOWN_OF_ID, SQL_KNOWN_ADD, SQL_KNOWN_REMOVE,
    SQL_IDS_AFTER, SQL_PAST_AFTER, SQL_PAST_REMOVE, SQL_DEAD_AFTER,
    SQL_ERASE_WALK, SQL_KNOWN_AFTER, SQL_ENDS, SQL_SALVAGE_DEAD, SQL_SALVAGE_PAST,
    SQL_DOUBT_ALL, SQL_DOUBT_ADD, SQL_DOUBT_DATE, SQL_DOUBT_REMOVE,
    SQL_VALUES, SQL_VALUE_WRITE, SQL_VALUE_READ, SQL_VALUE_REMOVE, SQL_SIZES,
    SQL_COUNT
};
/* clang-format on */

/* Numbers of the table `value`: those of queue.h, then the queue's own. Never renumber. */
enum slot {
    SLOT_LAST_SEQ = QUEUE_VALUE_COUNT, /* highest seq given when a row last left `event` */
    SLOT_GONE,                         /* of the seqs up to it, how many are not in `event` */
    SLOT_DEAD,                         /* rows of `dead` */
    SLOT_KNOWN_UPTO,                   /* ids up to this seq are in `known` */
    SLOT_MARK_FIRST,
    SLOT_MARK_LAST,
    SLOT_MARK_SINCE,
    SLOT_SALVAGE_NEXT, /* salvage.c */
    SLOT_SALVAGE_SAVED,
    SLOT_SALVAGE_BROKEN,
    SLOT_COUNT = QUEUE_VALUE_END,
    SLOT_KEY_CHECK = 100,       /* a blob: text sealed with the queue's key */
    SLOT_WITNESS = 101,         /* of the schema: queue.c */
    SLOT_KEY_CHECK_AGAIN = 102, /* the same as 100, should that be damaged */
    SLOT_LEAVING = 103          /* a sealed note of rows that are to leave: leave.c */
};

enum { FORGET_ROWS_MAX = 512, EVENTS_OF_AN_ID_MAX = 64 };

/* After an unclean end everything is read once: rows, then past, then known. */
struct scrub {
    enum { SCRUB_NONE, SCRUB_ROWS, SCRUB_PAST, SCRUB_KNOWN } at;
    int64_t after_seq;
    struct recent_key after_key;
};

struct wreck;
struct doubt {
    int64_t id;
    struct queue_range range;
};

/* Through a table in order of seq, a step at a time; the next pass begins an hour later. */
struct pass {
    bool on;
    int64_t before_s, after_seq;
};

struct queue {
    char *path, *ballast_path; /* ballast_path NULL: none */
    const struct limits *limits;
    int64_t max_size_bytes;
    struct db_plan plan;
    struct db *db; /* NULL: could not be opened again */
    struct seal *seal;
    unsigned visiting;               /* visitors on the stack */
    const struct queue_row *visited; /* what the visitor sees */
    bool visited_sealed;             /* its sealed part is at hand: the walk reads it too */

    /* What the tables say, changes of the open transaction included. */
    int64_t slots[SLOT_COUNT];
    bool unsaved[SLOT_COUNT];
    int64_t oldest_seq, oldest_recorded_s, newest_seq;
    struct db_size size; /* at the last commit */
    int64_t room_bytes;  /* for pushes, at least; SQLite is asked anew only when it is used up */
    struct recent recent;
    char last_name[64]; /* a key event, "" none; and its hash */
    unsigned char last_name_hash[RECENT_EVENT_BYTES];
    struct doubt *doubts;
    size_t doubt_count, doubt_cap;

    /* Idle work under way. */
    int64_t merge_upto; /* 0: none */
    unsigned merge_part;
    bool shrinking;
    struct scrub scrub;
    struct pass forgetting, expiring;
    bool full; /* the disk was full and nobody has seen space since */
    struct fault full_why;
    int64_t try_space_ms, ballast_bytes;

    struct wreck *wreck; /* a damaged queue, while its rows move over */
    struct buf record;   /* scratch of its long rows */
    unsigned damaged_times, sync_failures;
    bool attaching;     /* a failure is attach's to see to */
    bool owed, leaving; /* there is a note of rows that are to leave; they are on their way */

    struct buf bound; /* scratch of seals */
    unsigned char sealed[QUEUE_ROW_MAX_BYTES + SEAL_OVERHEAD_BYTES];
    struct recent_entry forget[FORGET_ROWS_MAX];
};

/* queue.c */
int queue_ready(struct queue *q, struct fault *why);  /* open, or opened again; before reading */
int queue_change(struct queue *q, struct fault *why); /* the same, and a transaction is open */
int queue_change_anew(struct queue *q, struct fault *why); /* and nothing has been written in it */
int queue_done(struct queue *q, int result);               /* gives result back */
void queue_set_slot(struct queue *q, enum slot slot, int64_t value);
int queue_load_ends(struct queue *q, struct fault *why); /* oldest and newest queued row */
bool queue_counts_hold(const struct queue *q);           /* as many queued rows as can be */
int queue_merge_part(struct queue *q, struct fault *why);
bool queue_wants_checkpoint(struct queue *q, int64_t wal_bytes);
int queue_key_of(struct queue *q, struct str id, struct str key_event, struct recent_key *out);
int queue_read_id(struct queue *q, enum sql sql, struct recent_entry *out); /* of the row at hand */
/* rows.c */
int64_t queue_room_bytes(const struct queue *q, const struct db_size *size); /* for pushes */
int64_t queue_known_seq(struct queue *q, const struct recent_key *key, struct fault *why);
int queue_ready_to_visit(struct queue *q, struct fault *why);

/* doubt.c */
int doubt_load(struct queue *q, struct fault *why);
int doubt_prune(struct queue *q, int64_t first, int64_t last, struct fault *why);
/* scrub.c */
int scrub_step(struct queue *q, struct fault *why); /* 1 there is more, 0 nothing to do */

/* tidy.c */
void ballast_release(struct queue *q, bool remove_it); /* and pushes wait */
bool ballast_ready(struct queue *q); /* there is one, or none is needed; tries now and then */
int64_t ballast_growth_max(const struct queue *q); /* of queue.db that only the WAL may hold */

#endif
