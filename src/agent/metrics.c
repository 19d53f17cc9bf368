/* metrics.c: Prometheus text format, version 0.0.4. */
#include "agent/agent.h"
#include "agent/build.h"
#include "agent/loop.h"

#include <inttypes.h>

/* Source: from a loop device's 0.1 ms to an SD card that stops for seconds. */
const double agent_commit_bounds[AGENT_COMMIT_BUCKETS] = {0.0005, 0.001, 0.0025, 0.005, 0.01,
                                                          0.025,  0.05,  0.1,    0.5,   2.5};

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_received(const struct agent *a, struct buf *out)
{
    static const char *const results[] = {"queued", "duplicate", "ignored", "refused"};
    head(out, "tillpost_events_received_total", "counter", "Calls answered, by result.");
    for (size_t i = 0; i < INGEST_RESULTS; i++)
        buf_printf(out, "tillpost_events_received_total{result=\"%s\"} %" PRIu64 "\n", results[i],
                   a->ingest.counts[i]);
}

static void write_sent(struct agent *a, struct buf *out)
{
    const struct deliver *d = &a->deliver;
    head(out, "tillpost_events_sent_total", "counter", "Events that TikTok has confirmed.");
    buf_printf(out, "tillpost_events_sent_total %" PRId64 "\n",
               queue_value(a->queue, QUEUE_VALUE_SENT_TOTAL));
    head(out, "tillpost_events_dead_total", "counter", "Events set aside, by reason.");
    for (int i = 0; i < DELIVER_DEAD_COUNT; i++)
        buf_printf(out, "tillpost_events_dead_total{reason=\"%s\"} %" PRId64 "\n",
                   deliver_dead[i].reason,
                   queue_value(a->queue, (enum queue_value)(QUEUE_VALUE_DEAD + i)));
    head(out, "tillpost_events_retried_total", "counter", "Dead letters put back into the queue.");
    buf_printf(out, "tillpost_events_retried_total %" PRId64 "\n",
               queue_value(a->queue, QUEUE_VALUE_RETRIED_TOTAL));
    head(out, "tillpost_events_dropped_total", "counter", "Events removed by a person.");
    buf_printf(out, "tillpost_events_dropped_total %" PRId64 "\n",
               queue_value(a->queue, QUEUE_VALUE_DROPPED_TOTAL));
    head(out, "tillpost_delivery_attempts_total", "counter", "Requests to TikTok, by outcome.");
    for (size_t i = 0; i < DELIVER_OUTCOMES; i++)
        buf_printf(out, "tillpost_delivery_attempts_total{outcome=\"%s\"} %" PRIu64 "\n",
                   deliver_outcome_names[i], d->outcomes[i]);
    head(out, "tillpost_last_delivery_timestamp_seconds", "gauge",
         "Unix time of the last confirmed delivery, 0 before the first.");
    buf_printf(out, "tillpost_last_delivery_timestamp_seconds %" PRId64 "\n",
               queue_value(a->queue, QUEUE_VALUE_LAST_SUCCESS));
}

static void write_queue(struct agent *a, struct buf *out)
{
    struct queue_counts c;
    queue_counts(a->queue, &c);
    int64_t age = c.queued ? clock_truth_ms(&a->clock, &a->now) / 1000 - c.oldest_recorded_s : 0;
    head(out, "tillpost_queue_events", "gauge", "Events in the queue, by state.");
    buf_printf(out, "tillpost_queue_events{state=\"queued\"} %" PRId64 "\n", c.queued);
    buf_printf(out, "tillpost_queue_events{state=\"dead\"} %" PRId64 "\n", c.dead);
    head(out, "tillpost_queue_oldest_age_seconds", "gauge", "Age of the oldest queued event.");
    buf_printf(out, "tillpost_queue_oldest_age_seconds %" PRId64 "\n", age > 0 ? age : 0);
    head(out, "tillpost_queue_bytes", "gauge", "Size of queue.db.");
    buf_printf(out, "tillpost_queue_bytes %" PRId64 "\n", c.size_bytes);
}

static void write_storage(const struct agent *a, struct buf *out)
{
    const struct agent_metrics *m = &a->metrics;
    uint64_t sum = 0;
    head(out, "tillpost_storage_errors_total", "counter", "Failed operations of the queue.");
    buf_printf(out, "tillpost_storage_errors_total{op=\"commit\"} %" PRIu64 "\n", m->commit_faults);
    head(out, "tillpost_commit_seconds", "histogram", "Time of a commit, to stable storage.");
    for (size_t i = 0; i < AGENT_COMMIT_BUCKETS; i++) {
        sum += m->commits[i];
        buf_printf(out, "tillpost_commit_seconds_bucket{le=\"%g\"} %" PRIu64 "\n",
                   agent_commit_bounds[i], sum);
    }
    sum += m->commits[AGENT_COMMIT_BUCKETS];
    buf_printf(out, "tillpost_commit_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n", sum);
    buf_printf(out, "tillpost_commit_seconds_sum %.6f\n", m->commit_seconds);
    buf_printf(out, "tillpost_commit_seconds_count %" PRIu64 "\n", sum);
}

void agent_write_metrics(struct agent *a, struct buf *out)
{
    write_received(a, out);
    write_sent(a, out);
    write_queue(a, out);
    write_storage(a, out);
    head(out, "tillpost_clock_offset_seconds", "gauge",
         "True time less system time, 0 while it is not known.");
    buf_printf(out, "tillpost_clock_offset_seconds %.3f\n",
               (double)clock_offset_ms(&a->clock, &a->now) / 1000.0);
    head(out, "tillpost_build_info", "gauge", "Always 1; the labels tell the build.");
    buf_printf(out, "tillpost_build_info{version=\"%s\"} 1\n", build_version());
}
