/*
 * doctor_line.c: the way to TikTok, and the clock that certificates are judged by.
 *
 * One probe is sent. Where it ends is the check that has failed: those before it are fine, those
 * behind it could not be looked at. A probe over a verified connection teaches the time, too.
 */
#include "agent/doctor_inside.h"

#include "agent/deliver.h"
#include "agent/open.h"
#include "base/json.h"
#include "platform/platform.h"
#include "tiktok/batch.h"
#include "uplink/ca.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    OFFSET_MS = 60 * 1000,
    DAY_MS = 24 * 3600 * 1000,
    CERT_SOON_DAYS = 14,
    RTC_S = 26 * 3600, /* some are set to local time, up to 14 hours away */
    SLICE_MS = 200,
    GRACE_MS = 1000 /* for a curl that does not keep its time */
};

/* Where a probe ended ------------------------------------------------------------------------- */

/* clang-format off */
static const struct { enum uplink_trouble trouble; enum doctor_check check; enum doctor_code code; } ends[] = {
    {UPLINK_DNS,                DOCTOR_CHECK_DNS,    DOCTOR_DNS_FAILED},
    {UPLINK_CONNECT,            DOCTOR_CHECK_ROUTE,  DOCTOR_ROUTE_REFUSED},
    {UPLINK_TIMEOUT,            DOCTOR_CHECK_ROUTE,  DOCTOR_ROUTE_SILENT},
    {UPLINK_RESET,              DOCTOR_CHECK_ROUTE,  DOCTOR_ROUTE_CUT},
    {UPLINK_PROXY,              DOCTOR_CHECK_PROXY,  DOCTOR_PROXY_FAILED},
    {UPLINK_PROXY_AUTH,         DOCTOR_CHECK_PROXY,  DOCTOR_PROXY_PASSWORD},
    {UPLINK_NOT_TLS,            DOCTOR_CHECK_PORTAL, DOCTOR_PORTAL_FOUND},
    {UPLINK_TOO_LARGE,          DOCTOR_CHECK_PORTAL, DOCTOR_PORTAL_FOUND},
    {UPLINK_TLS,                DOCTOR_CHECK_TLS,    DOCTOR_TLS_FAILED},
    {UPLINK_CERT_NOT_YET_VALID, DOCTOR_CHECK_TLS,    DOCTOR_TLS_NOT_YET_VALID},
    {UPLINK_CERT_EXPIRED,       DOCTOR_CHECK_TLS,    DOCTOR_TLS_EXPIRED},
    {UPLINK_CERT_HOST,          DOCTOR_CHECK_TLS,    DOCTOR_TLS_WRONG_HOST},
    {UPLINK_CERT_UNTRUSTED,     DOCTOR_CHECK_TLS,    DOCTOR_TLS_UNTRUSTED},
    {UPLINK_CERT_UNFIT,         DOCTOR_CHECK_TLS,    DOCTOR_TLS_UNFIT},
    {UPLINK_OTHER,              DOCTOR_CHECK_ROUTE,  DOCTOR_ROUTE_CUT},
};
/* clang-format on */

static void ended_at(struct doctor *d, enum doctor_check check, enum doctor_code code,
                     const char *detail)
{
    d->bad = check;
    d->bad_finding.code = code;
    (void)snprintf(d->bad_finding.detail, sizeof d->bad_finding.detail, "%s", detail);
}

static bool without_ca(const struct config *c)
{
    return !c->tiktok.ca_file && !c->tiktok.extra_ca_file && !ca_system_bundle();
}

static void judge_trouble(struct doctor *d, const struct uplink_reply *r)
{
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (ends[i].trouble == r->trouble) ended_at(d, ends[i].check, ends[i].code, r->error);
    if (r->os_error == ENETUNREACH || r->os_error == EHOSTUNREACH)
        d->bad_finding.code = DOCTOR_ROUTE_NONE;
    if (r->os_error == ETIMEDOUT) d->bad_finding.code = DOCTOR_ROUTE_SILENT;
    if (r->trouble == UPLINK_TLS && without_ca(d->config)) d->bad_finding.code = DOCTOR_TLS_NO_CA;
    if (r->result == UPLINK_NO_ANSWER && r->trouble == UPLINK_TIMEOUT)
        ended_at(d, DOCTOR_CHECK_TIKTOK, DOCTOR_TIKTOK_UNWELL, r->error);
}

static void judge_answer(struct doctor *d, const struct uplink_reply *r)
{
    struct tiktok_outcome o;
    char words[DOCTOR_DETAIL_BYTES];
    tiktok_probe_read(r->http_status, r->body, &o);
    (void)snprintf(words, sizeof words, "HTTP %d, code %d: %.200s", o.http, o.code, o.message);
    if (!o.is_json && (o.http < 400 || o.http == 511))
        ended_at(d, DOCTOR_CHECK_PORTAL, DOCTOR_PORTAL_FOUND, words);
    else if (o.class == TIKTOK_PAUSE_CREDENTIALS)
        ended_at(d, DOCTOR_CHECK_TIKTOK, DOCTOR_TIKTOK_TOKEN, words);
    else if (o.class == TIKTOK_PAUSE_CONFIGURATION)
        ended_at(d, DOCTOR_CHECK_TIKTOK, DOCTOR_TIKTOK_ACCOUNT, words);
    else if (o.limited) ended_at(d, DOCTOR_CHECK_TIKTOK, DOCTOR_TIKTOK_BUSY, words);
    else if (o.class != TIKTOK_DONE) ended_at(d, DOCTOR_CHECK_TIKTOK, DOCTOR_TIKTOK_UNWELL, words);
}

static void learn_time(struct doctor *d, const struct uplink_reply *r)
{
    int64_t date_ms = 0;
    d->now = open_read_clocks();
    if (deliver_date(r, &date_ms)) (void)clock_learn(&d->clock, &d->now, date_ms);
}

/* The probe ----------------------------------------------------------------------------------- */

/* Without a token of ours the way is tried all the same; TikTok refuses it at the end. */
static int send_probe(struct doctor *d, struct uplink *u, struct buf *body, struct fault *why)
{
    const struct config *c = d->config;
    tiktok_batch_probe(body, c->tiktok.event_set_id ? c->tiktok.event_set_id : "0",
                       c->tiktok.partner_name);
    uplink_set_clock(u, clock_verify_ms(&d->clock, &d->now), clock_lenient(&d->clock, &d->now));
    return uplink_post(u, buf_str(body), str_from(d->token.text ? d->token.tokens[0] : "none"),
                       why);
}

static void take_reply(struct doctor *d, const struct uplink_reply *r)
{
    d->via_proxy = r->via_proxy;
    d->tls = r->tls_verified;
    d->took_ms = r->took_ms;
    d->cert_until_ms = r->cert_until_ms;
    (void)snprintf(d->peer, sizeof d->peer, "%s", r->peer);
    learn_time(d, r);
    if (r->result == UPLINK_ANSWERED) judge_answer(d, r);
    else judge_trouble(d, r);
}

static void probe(struct doctor *d)
{
    struct uplink *u = NULL;
    struct uplink_reply reply = {0};
    struct fault why = {0};
    struct buf body;
    if (d->probed) return;
    d->probed = true;
    buf_init(&body, (size_t)8 * 1024);
    int rc = deliver_open_uplink(d->config, DOCTOR_PROBE_MS, &u, &why);
    if (rc >= 0) rc = send_probe(d, u, &body, &why);
    int64_t end_ms = platform_mono_ms() + DOCTOR_PROBE_MS + GRACE_MS;
    while (rc == 0 && platform_mono_ms() < end_ms) {
        (void)uplink_sleep(u, NULL, 0, SLICE_MS);
        rc = uplink_take_reply(u, &reply);
    }
    d->unsent = rc < 0;
    if (rc > 0) take_reply(d, &reply);
    else if (rc < 0) ended_at(d, DOCTOR_CHECK_TLS, DOCTOR_TLS_FAILED, why.message);
    else ended_at(d, DOCTOR_CHECK_ROUTE, DOCTOR_ROUTE_SILENT, "no end within the time");
    uplink_close(u);
    buf_free(&body);
}

/* The checks ---------------------------------------------------------------------------------- */

/* TikTok's own are renewed in time; a proxy's or a test server's may be forgotten. */
static void look_at_expiry(const struct doctor *d, struct doctor_findings *out)
{
    int64_t left_ms = d->cert_until_ms - clock_truth_ms(&d->clock, &d->now);
    if (!d->cert_until_ms || left_ms >= (int64_t)CERT_SOON_DAYS * DAY_MS)
        doctor_find(out, DOCTOR_FINE, "%s", d->tls ? "verified" : "not used towards this device");
    else doctor_find(out, DOCTOR_TLS_EXPIRES_SOON, "in %lld days", (long long)(left_ms / DAY_MS));
}

static void fine(const struct doctor *d, enum doctor_check check, struct doctor_findings *out)
{
    switch (check) {
    case DOCTOR_CHECK_DNS:
        doctor_find(out, DOCTOR_FINE, "%s", d->via_proxy ? "left to the proxy" : "");
        return;
    case DOCTOR_CHECK_ROUTE: doctor_find(out, DOCTOR_FINE, "%s", d->peer); return;
    case DOCTOR_CHECK_PROXY:
        doctor_find(out, DOCTOR_FINE, "%s", d->via_proxy ? "used" : "none");
        return;
    case DOCTOR_CHECK_TLS: look_at_expiry(d, out); return;
    case DOCTOR_CHECK_TIKTOK:
        doctor_find(out, DOCTOR_FINE, "accepts the token; answered in %lld ms",
                    (long long)d->took_ms);
        return;
    default: doctor_find(out, DOCTOR_FINE, "%s", ""); return;
    }
}

/* Who may not read the token asks the agent, which sends with it. */
static void hear_of_token(const struct doctor *d, struct doctor_findings *out)
{
    const struct json *paused = json_get(d->status, "paused");
    if (!d->status) doctor_skip(out, DOCTOR_CHECK_PERMISSIONS);
    else if (str_is(json_string(json_get(paused, "by")), "credentials"))
        doctor_find(out, DOCTOR_TIKTOK_TOKEN, "the agent says so");
    else doctor_find(out, DOCTOR_FINE, "the agent has no trouble with it");
}

void doctor_line(struct doctor *d, enum doctor_check check, struct doctor_findings *out)
{
    probe(d);
    if (check > d->bad || (d->unsent && check != d->bad)) doctor_skip(out, d->bad);
    else if (check < d->bad && (check != DOCTOR_CHECK_TIKTOK || d->token.text)) fine(d, check, out);
    else if (check == DOCTOR_CHECK_TIKTOK && !d->token.text) hear_of_token(d, out);
    else doctor_find(out, d->bad_finding.code, "%s", d->bad_finding.detail);
}

/* The battery-backed clock, which sets the system's at boot. */
static bool rtc_is_odd(const struct doctor *d)
{
    int64_t rtc_s = 0, apart_s;
    if (platform_rtc_s(&rtc_s) < 0) return false;
    apart_s = rtc_s - clock_truth_ms(&d->clock, &d->now) / 1000;
    return apart_s > RTC_S || apart_s < -RTC_S;
}

static int64_t offset_ms(const struct doctor *d)
{
    const struct json *clock = json_get(d->status, "clock");
    if (d->clock.trusted) return clock_offset_ms(&d->clock, &d->now);
    return (int64_t)(json_number(json_get(clock, "offset_s")) * 1000);
}

void doctor_clock(struct doctor *d, struct doctor_findings *out)
{
    char now[TIMES_TEXT_BYTES];
    probe(d);
    int64_t offset = offset_ms(d);
    bool known = d->clock.trusted || offset;
    times_format(d->now.wall_ms, now);
    if (d->was_implausible) doctor_find(out, DOCTOR_CLOCK_WRONG, "%s", now);
    else if (offset > OFFSET_MS || offset < -OFFSET_MS)
        doctor_find(out, DOCTOR_CLOCK_OFFSET, "%+lld s", (long long)offset / 1000);
    if (rtc_is_odd(d)) doctor_find(out, DOCTOR_CLOCK_RTC, "%s", "");
    if (!out->count)
        doctor_find(out, DOCTOR_FINE, "%s%s", now, known ? "" : ", not compared with TikTok's yet");
}
