/*
 * clock.c: see clock.h.
 *
 * An event that the agent stamped carries the boot id and the boot-time clock of the sale. In the
 * same boot its true time is: truth now - (boot clock now - boot clock then). An event of an older
 * boot keeps its stamp if our clock was plausible when it was taken; if it was not, or the stamp
 * turns out to lie ahead, all that is known is that it happened before this boot began.
 */
#include "agent/clock.h"

#include <string.h>

int64_t clock_boot_number(const unsigned char boot_id[QUEUE_BOOT_BYTES])
{
    uint64_t n = 0;
    for (size_t i = 0; i < 8; i++) n = n << 8 | boot_id[i];
    return (int64_t)(n >> 1 | 1); /* positive and never 0 */
}

void clock_init(struct clock *c, int64_t build_s, const unsigned char boot_id[QUEUE_BOOT_BYTES],
                const struct clock_memory *memory)
{
    memset(c, 0, sizeof *c);
    memcpy(c->boot_id, boot_id, QUEUE_BOOT_BYTES);
    c->lower_ms = build_s * 1000;
    if (memory->date_ms > c->lower_ms) c->lower_ms = memory->date_ms;
    if (memory->boot == clock_boot_number(boot_id)) {
        c->trusted = true;
        c->date_ms = memory->date_ms;
        c->date_boot_ms = memory->date_boot_ms;
    }
}

int64_t clock_truth_ms(const struct clock *c, const struct clock_now *now)
{
    return c->trusted ? c->date_ms + (now->boot_ms - c->date_boot_ms) : now->wall_ms;
}

bool clock_learn(struct clock *c, const struct clock_now *now, int64_t date_ms)
{
    /* A Date is cut to whole seconds and was written before it arrived: the truth is up to a second
     * and the way later. What lies so near it is no news, and finer than the header. */
    enum { BEFORE_MS = 1000, AFTER_MS = 2000 };
    int64_t moved = date_ms - clock_truth_ms(c, now);
    bool agrees = moved <= BEFORE_MS && moved >= -AFTER_MS;
    bool news = !c->trusted || !agrees;
    if (date_ms > c->lower_ms) c->lower_ms = date_ms;
    if (!news) return false;
    c->trusted = true;
    c->date_ms = agrees ? now->wall_ms : date_ms;
    c->date_boot_ms = now->boot_ms;
    return true;
}

enum clock_state clock_state(const struct clock *c, const struct clock_now *now)
{
    if (c->trusted) return CLOCK_STATE_TRUSTED;
    bool behind = now->wall_ms < c->lower_ms;
    bool ahead = now->wall_ms > c->lower_ms + CLOCK_PLAUSIBLE_MS;
    return behind || ahead ? CLOCK_STATE_IMPLAUSIBLE : CLOCK_STATE_PLAUSIBLE;
}

const char *clock_state_name(enum clock_state s)
{
    static const char *const names[] = {"trusted", "plausible", "implausible"};
    return names[s];
}

int64_t clock_offset_ms(const struct clock *c, const struct clock_now *now)
{
    return clock_truth_ms(c, now) - now->wall_ms;
}

int64_t clock_verify_ms(const struct clock *c, const struct clock_now *now)
{
    int64_t t = clock_truth_ms(c, now);
    return t > c->lower_ms ? t : c->lower_ms;
}

bool clock_lenient(const struct clock *c, const struct clock_now *now)
{
    return !c->trusted && now->wall_ms < c->lower_ms;
}

int64_t clock_event_ms(const struct clock *c, const struct clock_now *now,
                       const struct queue_row *row)
{
    if (!row->stamped || !c->trusted) return row->occurred_ms;
    int64_t truth = clock_truth_ms(c, now);
    if (memcmp(row->boot_id, c->boot_id, QUEUE_BOOT_BYTES) == 0)
        return truth - (now->boot_ms - row->boot_ms);
    const int64_t bound = truth - now->boot_ms;
    return row->unjudged || row->occurred_ms > bound ? bound : row->occurred_ms;
}
