/* stored.c: see stored.h. */
#include "agent/stored.h"

#include "base/times.h"
#include "queue/queue.h"

enum sync_pause stored_fault(struct queue *q)
{
    const int64_t fault = queue_value(q, QUEUE_VALUE_FAULT_PAUSE);
    if (fault == SYNC_PAUSED_CREDENTIALS) return SYNC_PAUSED_CREDENTIALS;
    return fault == SYNC_PAUSED_CONFIGURATION ? SYNC_PAUSED_CONFIGURATION : SYNC_RUNNING;
}

enum sync_pause stored_pause(struct queue *q)
{
    const enum sync_pause fault = stored_fault(q);
    if (fault != SYNC_RUNNING || !queue_value(q, QUEUE_VALUE_PAUSED)) return fault;
    return SYNC_PAUSED_OPERATOR;
}

void stored_write_time(struct buf *out, int64_t unix_ms)
{
    char text[TIMES_TEXT_BYTES];
    if (unix_ms <= 0) {
        buf_add_z(out, "null");
        return;
    }
    times_format(unix_ms, text);
    buf_printf(out, "\"%s\"", text);
}

void stored_write_pause(struct queue *q, enum sync_pause why, struct buf *out)
{
    static const char *const by[] = {"", "operator", "credentials", "configuration"};
    const bool by_hand = why == SYNC_PAUSED_OPERATOR;
    const int64_t code = by_hand ? 0 : queue_value(q, QUEUE_VALUE_FAULT_CODE);
    if (why == SYNC_RUNNING) {
        buf_add_z(out, "null");
        return;
    }
    buf_printf(out, "{\"by\":\"%s\",\"code\":", by[why]);
    if (code == 0) buf_add_z(out, "null");
    else buf_printf(out, "%lld", (long long)code);
    buf_add_z(out, ",\"since\":");
    stored_write_time(
        out, 1000 * queue_value(q, by_hand ? QUEUE_VALUE_PAUSED_SINCE : QUEUE_VALUE_FAULT_SINCE));
    buf_add_char(out, '}');
}
