/*
 * hours.c: a ring of counters among the queue's named values.
 *
 * A value holds its hour (since 1970) above HOUR_SHIFT bits and the count below, so that one that is
 * left from an earlier round, or from a clock that was wrong, is known as such and begins anew.
 */
#include "agent/hours.h"

enum { HOUR_S = 3600, HOUR_SHIFT = 40 };
static const int64_t count_max = (INT64_C(1) << HOUR_SHIFT) - 1;

static enum queue_value slot_of(int64_t hour)
{
    return (enum queue_value)(QUEUE_VALUE_HOURS + (int)(hour % HOURS_KEPT));
}

static int64_t count_of(struct queue *q, int64_t hour)
{
    int64_t value = hour < 0 ? 0 : queue_value(q, slot_of(hour));
    return value >> HOUR_SHIFT == hour ? value & count_max : 0;
}

int hours_add(struct queue *q, int64_t now_s, int64_t delivered, struct fault *why)
{
    int64_t hour = now_s / HOUR_S;
    if (now_s < 0) return 0;
    int64_t count = count_of(q, hour) + delivered;
    if (count > count_max) count = count_max;
    return queue_set_value(q, slot_of(hour), hour << HOUR_SHIFT | count, why);
}

void hours_write(struct queue *q, int64_t now_s, struct buf *out)
{
    int64_t last = now_s / HOUR_S;
    for (int64_t hour = last - HOURS_KEPT + 1; hour <= last; hour++)
        buf_printf(out, "%s%lld", hour == last - HOURS_KEPT + 1 ? "[" : ",",
                   (long long)count_of(q, hour));
    buf_add_char(out, ']');
}
