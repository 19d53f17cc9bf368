/*
 * uplink.h: one HTTPS request at a time, and the sleep of the loop. The only door to libcurl.
 *
 * Knows URL, headers, bytes; not what they say. TLS 1.2 or later, verification always on: host,
 * chain and expiry. With curl on mbedTLS dates are judged by the time given to uplink_set_clock.
 *
 * Owner: the body sent is borrowed until the reply has been taken; the reply is borrowed until
 * the next request. Units: ms.
 * Errors: CONFIG (a bad endpoint, proxy, CA file or token), BUSY, NO_MEMORY, INTERNAL. That the
 * system has no CA bundle is no error of uplink_open: requests then end with UPLINK_TLS.
 */
#ifndef UPLINK_UPLINK_H
#define UPLINK_UPLINK_H

#include "base/fault.h"
#include "base/text.h"

enum { UPLINK_REPLY_MAX_BYTES = 64 * 1024, UPLINK_FDS_MAX = 8 };

struct uplink;
struct uplink_options {
    const char *url;
    const char *ca_file;       /* NULL: the system's bundle, looked for in the usual places */
    const char *extra_ca_file; /* NULL: none */
    const char *proxy;         /* NULL: from the environment, unless the URL is a loopback one.
                                  NO_PROXY is honoured in both cases */
    int64_t timeout_ms;        /* of a whole request; connecting gets at most half of it */
};
int uplink_open(const struct uplink_options *options, struct uplink **out, struct fault *why);
void uplink_close(struct uplink *u); /* abandons what is under way */

/* Certificates are checked at verify_ms from the next connection on (never called: at the system's
 * time). When lenient_not_before (our clock is implausibly behind), a chain whose single fault is
 * "not yet valid" is accepted; such a connection is not kept. */
void uplink_set_clock(struct uplink *u, int64_t verify_ms, bool lenient_not_before);

/* Starts a POST with Content-Type: application/json and Access-Token: token. BUSY when one is
 * under way. The token is copied and wiped with the request. */
int uplink_post(struct uplink *u, struct str body, struct str token, struct fault *why);
/* After uplink_post: the body stays here once a connection stands, until uplink_release; nothing of
 * it reaches the server before. uplink_holding: the connection stands and the body is waited for. */
void uplink_hold(struct uplink *u);
bool uplink_holding(const struct uplink *u);
void uplink_release(struct uplink *u);
bool uplink_busy(const struct uplink *u); /* under way, or its reply has not been taken */
void uplink_abandon(struct uplink *u);
/* The network changed (link, address, route): the next request opens a new connection, and one that
 * has been connecting for over a second ends as NOT_SENT. */
void uplink_line_changed(struct uplink *u);

enum uplink_result {
    UPLINK_ANSWERED, /* a whole HTTP reply came over a verified connection */
    UPLINK_NOT_SENT, /* the body surely did not reach the server whole: nothing happened there */
    UPLINK_NO_ANSWER /* the body went out, no clear reply came */
};
enum uplink_trouble { /* what a technician would call it */
                      UPLINK_FINE,
                      UPLINK_DNS,
                      UPLINK_CONNECT,
                      UPLINK_TIMEOUT,
                      UPLINK_PROXY,
                      UPLINK_PROXY_AUTH,
                      UPLINK_TLS,
                      UPLINK_NOT_TLS, /* somebody answers there who speaks something else */
                      UPLINK_CERT_NOT_YET_VALID,
                      UPLINK_CERT_EXPIRED,
                      UPLINK_CERT_HOST,
                      UPLINK_CERT_UNTRUSTED,
                      UPLINK_CERT_UNFIT, /* a weak key or digest, or not for servers */
                      UPLINK_RESET,
                      UPLINK_TOO_LARGE,
                      UPLINK_OTHER
};
const char *uplink_trouble_name(enum uplink_trouble t); /* "dns", "certificate expired", … */
struct uplink_reply {
    enum uplink_result result;
    enum uplink_trouble trouble;
    int http_status;       /* 0 when none */
    struct str body;       /* at most UPLINK_REPLY_MAX_BYTES; more: NO_ANSWER, TOO_LARGE */
    bool tls_verified;     /* the Date and the body may be trusted */
    int64_t cert_until_ms; /* when the first certificate of the chain expires; 0: not known */
    bool has_date, has_retry_after;
    char date[64]; /* the header's text */
    char retry_after[64];
    int64_t took_ms;
    char error[160]; /* words, "" when fine; no token, no body */
    char peer[64];   /* address connected to, "" */
    bool via_proxy;
    int os_error; /* errno of a connection that was not made; 0: none, or not known */
};
/* 1: the request has ended and *out is filled, 0: still under way or none. */
int uplink_take_reply(struct uplink *u, struct uplink_reply *out);

struct uplink_fd {
    int fd;
    bool want_write;
    bool ready; /* out */
};
/* Sleeps until a descriptor is ready, the network needs service, or most_ms have passed (never
 * longer); serves the network. Returns the number of ready descriptors. At most UPLINK_FDS_MAX. */
int uplink_sleep(struct uplink *u, struct uplink_fd *fds, size_t n, int64_t most_ms);

/* "curl 8.14.1 mbedTLS/3.6.6": what is linked; and does the certificate clock work with it? */
const char *uplink_version(void);
bool uplink_has_certificate_clock(void);

#endif
