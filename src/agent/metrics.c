/* metrics.c: Prometheus text format, version 0.0.4. */
#include "agent/agent.h"
#include "agent/build.h"
#include "agent/loop.h"

#include <inttypes.h>

/* Source: from a loop device's 0.1 ms to an SD card that stops for seconds. */
const double agent_commit_bounds[AGENT_COMMIT_BUCKETS] = {0.0005, 0.001, 0.0025, 0.005, 0.01,
                                                          0.025,  0.05,  0.1,    0.5,   2.5};

/* clang-format off */
enum metric {
    RECEIVED, SENT, EXPORTED, DEAD, RETRIED, DROPPED, ERASED, GIVEN_UP, ATTEMPTS, LAST, EVENTS, AGE,
    BYTES, BYTES_MAX, ERRORS, COMMITS, OFFSET, BUILD, METRICS
};
static const struct { const char *name, *type, *help; } metrics[METRICS] = {
/*              name                                        type         help */
  [RECEIVED]  = {"tillpost_events_received_total",           "counter",   "Calls answered, by result."},
  [SENT]      = {"tillpost_events_sent_total",               "counter",   "Events that TikTok has confirmed."},
  [EXPORTED]  = {"tillpost_events_exported_total",           "counter",   "Events marked as sent by an export."},
  [DEAD]      = {"tillpost_events_dead_total",               "counter",   "Events set aside, by reason."},
  [RETRIED]   = {"tillpost_events_retried_total",            "counter",   "Dead letters put back into the queue."},
  [DROPPED]   = {"tillpost_events_dropped_total",            "counter",   "Events removed by a person."},
  [ERASED]    = {"tillpost_events_erased_total",             "counter",   "Events removed by an erasure."},
  [GIVEN_UP]  = {"tillpost_events_given_up_total",           "counter",   "Dead letters dropped after 90 days in which nobody looked."},
  [ATTEMPTS]  = {"tillpost_delivery_attempts_total",         "counter",   "Requests to TikTok, by outcome."},
  [LAST]      = {"tillpost_last_delivery_timestamp_seconds", "gauge",     "Unix time of the last confirmed delivery, 0 before the first."},
  [EVENTS]    = {"tillpost_queue_events",                    "gauge",     "Events in the queue, by state."},
  [AGE]       = {"tillpost_queue_oldest_age_seconds",        "gauge",     "Age of the oldest queued event."},
  [BYTES]     = {"tillpost_queue_bytes",                     "gauge",     "Size of queue.db."},
  [BYTES_MAX] = {"tillpost_queue_max_bytes",                 "gauge",     "Size that queue.db may have (queue.max_size)."},
  [ERRORS]    = {"tillpost_storage_errors_total",            "counter",   "Failed operations of the queue, by operation."},
  [COMMITS]   = {"tillpost_commit_seconds",                  "histogram", "Time of a commit, to stable storage."},
  [OFFSET]    = {"tillpost_clock_offset_seconds",            "gauge",     "True time less system time, 0 while it is not known."},
  [BUILD]     = {"tillpost_build_info",                      "gauge",     "Always 1; the labels tell the build."},
};
/* clang-format on */

const char *agent_metric_name(size_t i)
{
    return i < METRICS ? metrics[i].name : NULL;
}

static const char *head(struct buf *out, enum metric m)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", metrics[m].name, metrics[m].help,
               metrics[m].name, metrics[m].type);
    return metrics[m].name;
}

static void write_one(struct buf *out, enum metric m, int64_t value)
{
    buf_printf(out, "%s %" PRId64 "\n", head(out, m), value);
}

static void write_received(const struct agent *a, struct buf *out)
{
    static const char *const results[] = {"queued", "duplicate", "ignored", "refused"};
    const char *name = head(out, RECEIVED);
    for (size_t i = 0; i < INGEST_RESULTS; i++)
        buf_printf(out, "%s{result=\"%s\"} %" PRIu64 "\n", name, results[i], a->ingest.counts[i]);
}

static void write_sent(struct agent *a, struct buf *out)
{
    const struct deliver *d = &a->deliver;
    write_one(out, SENT, queue_value(a->queue, QUEUE_VALUE_SENT_TOTAL));
    write_one(out, EXPORTED, queue_value(a->queue, QUEUE_VALUE_EXPORTED_TOTAL));
    const char *name = head(out, DEAD);
    for (int i = 0; i < DELIVER_DEAD_COUNT; i++)
        buf_printf(out, "%s{reason=\"%s\"} %" PRId64 "\n", name, deliver_dead[i].reason,
                   queue_value(a->queue, (enum queue_value)(QUEUE_VALUE_DEAD + i)));
    write_one(out, RETRIED, queue_value(a->queue, QUEUE_VALUE_RETRIED_TOTAL));
    write_one(out, DROPPED, queue_value(a->queue, QUEUE_VALUE_DROPPED_TOTAL));
    write_one(out, ERASED, queue_value(a->queue, QUEUE_VALUE_ERASED_TOTAL));
    write_one(out, GIVEN_UP, queue_value(a->queue, QUEUE_VALUE_GIVEN_UP_TOTAL));
    name = head(out, ATTEMPTS);
    for (size_t i = 0; i < DELIVER_OUTCOMES; i++)
        buf_printf(out, "%s{outcome=\"%s\"} %" PRIu64 "\n", name, deliver_outcome_names[i],
                   d->outcomes[i]);
    write_one(out, LAST, queue_value(a->queue, QUEUE_VALUE_LAST_SUCCESS));
}

static void write_queue(struct agent *a, struct buf *out)
{
    struct queue_counts c;
    queue_counts(a->queue, &c);
    int64_t age = c.queued ? clock_truth_ms(&a->clock, &a->now) / 1000 - c.oldest_recorded_s : 0;
    const char *name = head(out, EVENTS);
    buf_printf(out, "%s{state=\"queued\"} %" PRId64 "\n", name, c.queued);
    buf_printf(out, "%s{state=\"dead\"} %" PRId64 "\n", name, c.dead);
    write_one(out, AGE, age > 0 ? age : 0);
    write_one(out, BYTES, c.size_bytes);
    write_one(out, BYTES_MAX, a->config->queue.max_size_bytes);
}

static void write_storage(const struct agent *a, struct buf *out)
{
    static const char *const ops[AGENT_STORAGE_OPS] = {"commit", "tidy"};
    const struct agent_metrics *m = &a->metrics;
    uint64_t sum = 0;
    const char *name = head(out, ERRORS);
    for (size_t i = 0; i < AGENT_STORAGE_OPS; i++)
        buf_printf(out, "%s{op=\"%s\"} %" PRIu64 "\n", name, ops[i], m->storage_faults[i]);
    name = head(out, COMMITS);
    for (size_t i = 0; i < AGENT_COMMIT_BUCKETS; i++) {
        sum += m->commits[i];
        buf_printf(out, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", name, agent_commit_bounds[i], sum);
    }
    sum += m->commits[AGENT_COMMIT_BUCKETS];
    buf_printf(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, sum);
    buf_printf(out, "%s_sum %.6f\n%s_count %" PRIu64 "\n", name, m->commit_seconds, name, sum);
}

void agent_write_metrics(struct agent *a, struct buf *out)
{
    write_received(a, out);
    write_sent(a, out);
    write_queue(a, out);
    write_storage(a, out);
    double offset = (double)clock_offset_ms(&a->clock, &a->now) / 1000.0;
    buf_printf(out, "%s %.3f\n", head(out, OFFSET), offset);
    buf_printf(out, "%s{version=\"%s\"} 1\n", head(out, BUILD), build_version());
}
