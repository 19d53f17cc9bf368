/* loop.h: the agent's loop, and the numbers it shares with the metrics. */
#ifndef AGENT_LOOP_H
#define AGENT_LOOP_H

#include "agent/agent.h"

enum {
    AGENT_RETRY_AFTER_S = 1,
    AGENT_ANSWER_KEEP_BYTES = 64 * 1024 /* a larger answer's buffer is given back */
};

/* Upper bounds of the commit histogram, in seconds. */
extern const double agent_commit_bounds[AGENT_COMMIT_BUCKETS];

/* Runs until a signal or a fault that a fresh start may mend (a->exit_status). */
void agent_loop(struct agent *a);

#endif
