/*
 * value.h: small named values that survive restarts; part of queue.h. They ride in the open
 * transaction.
 *
 * The numbers are those of the table `value`: never renumber.
 */
#ifndef QUEUE_VALUE_H
#define QUEUE_VALUE_H

#include "base/fault.h"

struct queue;
enum queue_value {
    QUEUE_VALUE_SENT_TOTAL,
    QUEUE_VALUE_DROPPED_TOTAL,
    QUEUE_VALUE_PAUSED,
    QUEUE_VALUE_PAUSED_SINCE,
    QUEUE_VALUE_VERIFIED_TIME_MS,
    QUEUE_VALUE_VERIFIED_BOOT_MS,
    QUEUE_VALUE_VERIFIED_BOOT,
    QUEUE_VALUE_LAST_SUCCESS,
    QUEUE_VALUE_RETRIED_TOTAL,
    QUEUE_VALUE_FAULT_PAUSE, /* why deliveries pause by themselves, with which code, since when */
    QUEUE_VALUE_FAULT_CODE,
    QUEUE_VALUE_FAULT_SINCE,
    QUEUE_VALUE_EXPORT, /* number of the last export that was settled */
    QUEUE_VALUE_EXPORTED_TOTAL,
    QUEUE_VALUE_ERASED_TOTAL,   /* the queue counts this one and the next by itself */
    QUEUE_VALUE_GIVEN_UP_TOTAL, /* dead rows that nobody looked at in time */
    QUEUE_VALUE_COUNT = 16,     /* from here to 31 are the queue's own */
    QUEUE_VALUE_DEAD = 32,      /* and the 15 behind it: set aside, a counter a reason */
    QUEUE_VALUE_HOURS = 48,     /* and the 47 behind it: delivered, a counter an hour */
    QUEUE_VALUE_END = QUEUE_VALUE_HOURS + 48
};
int64_t queue_value(struct queue *q, enum queue_value which); /* O(1), from memory */
int queue_set_value(struct queue *q, enum queue_value which, int64_t value, struct fault *why);
int queue_add_value(struct queue *q, enum queue_value which, int64_t more, struct fault *why);

#endif
