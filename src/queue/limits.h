/*
 * limits.h: the numbers of the queue's rhythm. Private to the room; queue_open uses those of
 * queue.c, tests reach every corner sooner with smaller ones through queue_open_limited.
 */
#ifndef QUEUE_LIMITS_H
#define QUEUE_LIMITS_H

#include "queue/queue.h"

struct limits {
    int64_t wal_max_bytes;    /* beyond it a checkpoint comes before the next change */
    int64_t wal_idle_bytes;   /* beyond it a checkpoint comes in an idle moment */
    int64_t growth_max_bytes; /* of queue.db that only the WAL holds yet, with a whole ballast */
    int64_t change_max_bytes; /* a transaction that has written so much ends with the next change */
    int64_t leave_max_bytes;  /* sealed, that leave in one transaction */
    int64_t ballast_bytes;    /* given up when the disk is full */
    int64_t space_try_ms;     /* between looks whether a full disk has space again */
    int64_t spare_bytes;      /* of max_size, kept for settling and burying */
    int64_t free_keep_bytes;  /* free pages that stay for the next backlog */
    unsigned give_back_pages; /* a step */
    unsigned forget_rows;     /* a step */
    unsigned recent_max;      /* ids in memory */
    unsigned recent_spare;    /* of them, that one transaction should find free */
    unsigned recent_idle;     /* from here on they go into the table in idle moments */
    unsigned recent_must;     /* and from here on with the next change */
};

extern const struct limits queue_limits;
int queue_open_limited(const struct queue_options *options, const struct limits *limits,
                       struct queue **out, struct fault *why);

#endif
