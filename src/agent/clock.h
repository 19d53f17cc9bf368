/*
 * clock.h: what time it really is. Tills boot in 1970; the system clock is never set.
 *
 * Lower bound: the later of the build's time and the last time learnt from a verified server.
 * Trusted: a verified Date was seen since boot; then truth runs on the boot-time clock, and steps
 * of the system clock do not matter. Plausible: within three years after the lower bound.
 * Pure: readings come in.
 */
#ifndef AGENT_CLOCK_H
#define AGENT_CLOCK_H

#include "queue/queue.h"

enum clock_state { CLOCK_STATE_TRUSTED, CLOCK_STATE_PLAUSIBLE, CLOCK_STATE_IMPLAUSIBLE };
#define CLOCK_PLAUSIBLE_MS (3LL * 366 * 24 * 3600 * 1000)

/* One reading of all clocks; one a turn of the loop. */
struct clock_now {
    int64_t wall_ms, mono_ms, boot_ms;
};

struct clock {
    int64_t lower_ms; /* lower bound of the truth */
    bool trusted;
    int64_t date_ms, date_boot_ms; /* the verified time and the boot-time clock beside it */
    unsigned char boot_id[QUEUE_BOOT_BYTES];
};

/* What survives a restart of the agent: the last verified time and on which boot's clock. */
struct clock_memory {
    int64_t date_ms, date_boot_ms;
    int64_t boot; /* clock_boot_number of that boot; 0: none */
};

void clock_init(struct clock *c, int64_t build_s, const unsigned char boot_id[QUEUE_BOOT_BYTES],
                const struct clock_memory *memory);
int64_t clock_boot_number(const unsigned char boot_id[QUEUE_BOOT_BYTES]);
/* A Date of a verified server: true when it changed what is believed by more than a second. */
bool clock_learn(struct clock *c, const struct clock_now *now, int64_t date_ms);
enum clock_state clock_state(const struct clock *c, const struct clock_now *now);
const char *clock_state_name(enum clock_state s);
/* The best reading of the truth. */
int64_t clock_truth_ms(const struct clock *c, const struct clock_now *now);
/* truth - system clock, 0 while it is not known. */
int64_t clock_offset_ms(const struct clock *c, const struct clock_now *now);
/* Time at which certificates are judged, and whether "not yet valid" may pass. */
int64_t clock_verify_ms(const struct clock *c, const struct clock_now *now);
bool clock_lenient(const struct clock *c, const struct clock_now *now);
/* The event time to send for a row: corrected when the agent stamped it. */
int64_t clock_event_ms(const struct clock *c, const struct clock_now *now,
                       const struct queue_row *row);

#endif
