/*
 * deliver_inside.h: what the files of the deliveries share. Private to them.
 *
 * deliver.c       replies, verdicts, sending
 * deliver_take.c  which rows go, which are set aside
 * deliver_time.c  what a verified Date changes
 */
#ifndef AGENT_DELIVER_INSIDE_H
#define AGENT_DELIVER_INSIDE_H

#include "agent/deliver.h"

/* deliver.c */
int deliver_bury(struct deliver *d, const struct clock_now *now, int64_t seq,
                 enum deliver_dead_kind kind, const char *reason, const char *message,
                 struct fault *why);

/* deliver_take.c */
/* Fills d->seqs from the oldest row on and begins the batch, or asks for a probe; rows that may not
 * go are set aside on the way, at most DELIVER_BURY_MAX a turn. */
int deliver_take(struct deliver *d, const struct clock_now *now, struct fault *why);
/* 1: every row of the batch at hand may still go, 0: one may not. */
int deliver_still_good(struct deliver *d, const struct clock_now *now, struct fault *why);

/* deliver_time.c */
/* The hour that a mark or a doubt notes, now. */
int64_t deliver_note_s(const struct deliver *d, const struct clock_now *now);
/* Takes a verified Date in. News are stored by deliver_correct; keep: store it in any case. */
int deliver_learn(struct deliver *d, const struct clock_now *now, const struct uplink_reply *reply,
                  bool keep, struct fault *why);
/* Corrects what a wrong clock has written: a row that leaves before its turn, or the next step from
 * d->correct_from on (1: from the start). */
int deliver_correct_one(struct deliver *d, const struct clock_now *now, int64_t seq,
                        struct fault *why);
int deliver_correct(struct deliver *d, const struct clock_now *now, struct fault *why);

#endif
