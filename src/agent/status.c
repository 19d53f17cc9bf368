/*
 * status.c: how the agent is, as JSON. No personal data, no secret.
 *
 * What a problem is, what it says and what to do stands in one table; a problem's test is a function
 * of the agent's state.
 */
#include "agent/agent.h"
#include "agent/build.h"
#include "agent/hours.h"
#include "agent/stored.h"
#include "platform/platform.h"
#include "queue/aside.h"

#include <string.h>

/* The state ----------------------------------------------------------------------------------- */

static bool line_is_down(const struct agent *a)
{
    const struct deliver_last *l = &a->deliver.last;
    return l->at_ms && l->failed && !l->answered;
}

static const char *state_of(const struct agent *a)
{
    if (a->storage_failed) return "failing";
    if (sync_paused(&a->deliver.sync) != SYNC_RUNNING) return "paused";
    if (line_is_down(a)) return "offline";
    return sync_failing(&a->deliver.sync) ? "failing" : "ok";
}

/* A page where TikTok's JSON should be. Its own gateways answer without JSON too, but with a status
 * that says so; 511 is the one that portals have (RFC 6585). */
static bool is_page(const struct deliver_last *l)
{
    return l->answered && !l->is_json && l->http && (l->http < 400 || l->http == 511);
}

static bool proxy_failed(const struct deliver_last *l)
{
    return l->trouble == UPLINK_PROXY_AUTH || l->trouble == UPLINK_PROXY;
}

static const char *network_of(const struct agent *a)
{
    const struct deliver_last *l = &a->deliver.last;
    if (is_page(l) || l->trouble == UPLINK_CERT_HOST || l->trouble == UPLINK_NOT_TLS)
        return "portal";
    if (l->trouble == UPLINK_CERT_UNTRUSTED) return "inspected";
    if (line_is_down(a) && !proxy_failed(l)) return "none";
    return l->via_proxy || proxy_failed(l) ? "proxy" : "direct";
}

/* Problems ------------------------------------------------------------------------------------ */

static bool is_paused_for(struct agent *a, enum sync_pause why)
{
    return sync_paused(&a->deliver.sync) == why;
}

static bool bad_storage(struct agent *a)
{
    return a->storage_failed;
}
static bool bad_token(struct agent *a)
{
    return is_paused_for(a, SYNC_PAUSED_CREDENTIALS);
}
static bool bad_account(struct agent *a)
{
    return is_paused_for(a, SYNC_PAUSED_CONFIGURATION);
}
static bool by_operator(struct agent *a)
{
    return is_paused_for(a, SYNC_PAUSED_OPERATOR);
}
static bool bad_reload(struct agent *a)
{
    return a->reload_failed;
}
static bool bad_tokens(struct agent *a)
{
    return a->tokens_why.err != 0;
}
static bool bad_folder(struct agent *a)
{
    return folder_unusable(a->folder);
}
static bool refused_files(struct agent *a)
{
    return folder_has_refused(a->folder);
}

/* An expired certificate is a clock that runs ahead, until a server has told the time. */
static bool bad_clock(struct agent *a)
{
    return clock_state(&a->clock, &a->now) == CLOCK_STATE_IMPLAUSIBLE ||
           (!a->clock.trusted && a->deliver.last.trouble == UPLINK_CERT_EXPIRED);
}

/* Nothing is sent later for it, but nothing grows old either: not even the ids of what was sent. */
static bool no_time(struct agent *a)
{
    return a->deliver.told_no_time;
}

static bool bad_line(struct agent *a)
{
    return line_is_down(a);
}

static bool bad_portal(struct agent *a)
{
    return strcmp(network_of(a), "portal") == 0;
}

static bool bad_chain(struct agent *a)
{
    return a->deliver.last.trouble == UPLINK_CERT_UNTRUSTED;
}

static bool unfit(struct agent *a)
{
    return a->deliver.last.trouble == UPLINK_CERT_UNFIT;
}

static bool bad_proxy(struct agent *a)
{
    return proxy_failed(&a->deliver.last);
}

/* Until a person has looked: then the file goes. */
static bool bad_queue(struct agent *a)
{
    return queue_was_damaged(a->queue);
}

static bool in_memory(struct agent *a)
{
    return platform_disk(a->config->queue.path) == PLATFORM_DISK_FORGETS;
}

static bool dead_letters(struct agent *a)
{
    struct queue_counts counts;
    queue_counts(a->queue, &counts);
    return counts.dead > 0;
}

/* clang-format off */
const struct agent_problem agent_problems[] = {
  {"storage",         bad_storage,  "the queue cannot be written, sales are being refused",     "free space on the disk; if the disk is not full, replace it"},
  {"token_refused",   bad_token,    "the access token cannot be read, or TikTok does not accept it", "put a valid token into tiktok.access_token_file; that is all"},
  {"account_refused", bad_account,  "TikTok does not accept the event set or the account",      "check tiktok.event_set_id and the account, then: tillpost sync"},
  {"paused",          by_operator,  "deliveries are paused by the operator",                     "tillpost resume"},
  {"clock",           bad_clock,    "the device's clock is wrong",                               "nothing: it is corrected at the next contact; if it stays, set it"},
  {"no_time",         no_time,      "the server that answers tells no time that can be believed", "let its Date header through: nothing expires until then"},
  {"portal",          bad_portal,   "something between here and TikTok answers in its place",    "sign in to the network, or have this device let through"},
  {"inspected",       bad_chain,    "no CA that is trusted here stands behind the certificate that came", "where the network inspects TLS, name its root in tiktok.extra_ca_file"},
  {"certificate",     unfit,        "the certificate that came has a weak key, or is not for a server", "see the log: whoever runs the server or proxy must replace it"},
  {"proxy",           bad_proxy,    "the proxy cannot be reached, or refuses",                   "check tiktok.proxy or https_proxy: host, port, user and password"},
  {"offline",         bad_line,     "TikTok cannot be reached",                                  "check the network; sales are kept and will be delivered"},
  {"queue_damaged",   bad_queue,    "the queue was damaged; what could be read of it was saved", "look for disk errors, then remove queue.db-damaged-*"},
  {"queue_in_memory", in_memory,    "the queue lies in memory: sales are lost at power off", "set queue.path to a file on a disk"},
  {"dead_letters",    dead_letters, "some events were refused and are set aside",                "tillpost events --state dead, then tillpost retry or drop"},
  {"import_folder",   bad_folder,   "files in the drop folder cannot be taken in: see the log",  "let the agent's user read and delete all files in import.folder"},
  {"import_refused",  refused_files,"files of the drop folder had rows that were refused",       "mend what the reports in its failed/ say, and drop them again"},
  {"listen_tokens",   bad_tokens,   "the changed listen.token_file is not in force: old tokens count",  "put one or two tokens into it, a line each, chmod 600; see the log"},
  {"config_reload",   bad_reload,   "the changed configuration file is broken and not in force", "tillpost check"},
};
/* clang-format on */
const size_t agent_problem_count = sizeof agent_problems / sizeof agent_problems[0];

static void write_problems(struct agent *a, struct buf *out)
{
    size_t written = 0;
    for (size_t i = 0; i < agent_problem_count; i++) {
        const struct agent_problem *p = &agent_problems[i];
        if (!p->is(a)) continue;
        if (written++) buf_add_char(out, ',');
        buf_printf(out, "{\"code\":\"%s\",\"message\":\"%s\",\"do\":\"%s\"}", p->code, p->message,
                   p->todo);
    }
}

/* The whole ----------------------------------------------------------------------------------- */

static void write_queue(struct agent *a, struct buf *out)
{
    struct queue_counts c;
    queue_counts(a->queue, &c);
    int64_t age = c.queued ? clock_truth_ms(&a->clock, &a->now) / 1000 - c.oldest_recorded_s : 0;
    buf_printf(out,
               "\"queue\":{\"queued\":%lld,\"dead\":%lld,\"oldest_age_s\":%lld,"
               "\"size_bytes\":%lld,\"max_size_bytes\":%lld}",
               (long long)c.queued, (long long)c.dead, (long long)(age > 0 ? age : 0),
               (long long)c.size_bytes, (long long)a->config->queue.max_size_bytes);
}

static void write_delivery(struct agent *a, struct buf *out)
{
    const struct deliver *d = &a->deliver;
    int64_t next = sync_next_try_ms(&d->sync, a->now.mono_ms);
    buf_printf(out, "\"delivery\":{\"sent_total\":%lld,\"last_success_at\":",
               (long long)queue_value(a->queue, QUEUE_VALUE_SENT_TOTAL));
    stored_write_time(out, queue_value(a->queue, QUEUE_VALUE_LAST_SUCCESS) * 1000);
    buf_add_z(out, ",\"last_attempt_at\":");
    stored_write_time(out, d->last.at_ms);
    if (d->last.code < 0) buf_add_z(out, ",\"last_code\":null");
    else buf_printf(out, ",\"last_code\":%d", d->last.code);
    if (next < 0) buf_add_z(out, ",\"next_attempt_in_s\":null");
    else buf_printf(out, ",\"next_attempt_in_s\":%lld", (long long)((next + 999) / 1000));
    buf_add_z(out, ",\"sent_hourly\":");
    hours_write(a->queue, clock_truth_ms(&a->clock, &a->now) / 1000, out);
    buf_add_char(out, '}');
}

void agent_write_status(struct agent *a, struct buf *out)
{
    double offset = (double)clock_offset_ms(&a->clock, &a->now) / 1000.0;
    enum clock_state clock = clock_state(&a->clock, &a->now);
    buf_printf(out, "{\"version\":\"%s\",\"state\":\"%s\",\"paused\":", build_version(),
               state_of(a));
    stored_write_pause(a->queue, sync_paused(&a->deliver.sync), out);
    buf_add_char(out, ',');
    write_queue(a, out);
    buf_add_char(out, ',');
    write_delivery(a, out);
    buf_printf(out, ",\"clock\":{\"state\":\"%s\",\"offset_s\":", clock_state_name(clock));
    if (a->clock.trusted) buf_printf(out, "%.1f", offset);
    else buf_add_z(out, "null");
    buf_printf(out, "},\"network\":{\"state\":\"%s\"},\"page\":", network_of(a));
    if (a->config->listen.http) buf_printf(out, "\"http://%s/\"", a->config->listen.http);
    else buf_add_z(out, "null");
    buf_add_z(out, ",\"problems\":[");
    write_problems(a, out);
    buf_add_z(out, "],\"confinement\":");
    confine_write(&a->confine, out);
    buf_add_char(out, '}');
}
