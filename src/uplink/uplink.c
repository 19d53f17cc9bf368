/*
 * uplink.c: one request at a time over libcurl's multi interface.
 *
 * One easy handle is kept and added to the multi handle for each request, so that the connection,
 * the TLS session and the resolved name stay cached between requests. curl reads the body through a
 * callback, so that we know how much of it has left our hands.
 *
 * What always holds:
 *  1. Chain, host and dates are verified, TLS is 1.2 or later; nothing here switches that off.
 *     Redirects are not followed: they would carry the token elsewhere.
 *  2. At most one request is under way.
 *  3. ANSWERED is a reply whose head and body are whole. A request that ended otherwise is NOT_SENT
 *     only if the last byte of its body was not handed to the connection. On a kept connection that
 *     turns out dead curl repeats the request by itself on a new one, and forgets what it sent on
 *     the first: there, what curl has read of the body counts as sent. All else is NO_ANSWER.
 *  4. Our copies of the token are wiped when the request ends. curl's is not: the head of the last
 *     request stays in its send buffer (8.14) until the next. What guards it is that the process
 *     leaves no core (platform_forbid_core).
 *  5. A connection that was accepted leniently (cert.h) is neither kept nor resumed.
 *  6. Nothing blocks but uplink_sleep: names are resolved by curl's own thread, which QUICK_EXIT
 *     leaves behind when a request ends before the resolver does.
 *
 * curl_global_cleanup is never called: it would pull PSA crypto away from under the other rooms.
 */
#include "uplink/uplink.h"

#include "platform/platform.h"
#include "uplink/ca.h"
#include "uplink/cert.h"

#include <curl/curl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef TILLPOST_VERSION
#define USER_AGENT "tillpost/" TILLPOST_VERSION
#else
#define USER_AGENT "tillpost"
#endif

enum {
    TOKEN_LINE_MAX_BYTES = 4096,
    KEEPALIVE_S = 60,
    CONNECTIONS_MAX = 1,
    STUCK_MS = 1000 /* a connect that takes longer is given up when the line changes */
};

enum phase { FREE, UNDER_WAY, ENDED };

struct uplink {
    CURLM *multi;
    CURL *easy;
    bool https, own_ca, proxy_named;
    struct buf ca; /* both CA files joined, when there are two */
    struct cert_clock clock;
    bool kept;           /* curl may have kept a connection */
    bool new_connection; /* the line changed: do not use that one, until a new one has answered */
    enum phase phase;    /* the rest: of the request under way or just ended */
    struct curl_slist *headers;
    struct str body;
    size_t body_read;
    bool held, wanted; /* the body is not to leave yet; curl has asked for it */
    bool anew;         /* it was to open a new connection */
    bool may_repeat;   /* curl may start over by itself */
    bool repeated;     /* it did, after it had read the whole body */
    bool head_whole;
    char date[64], retry_after[64];
    struct buf reply;
    bool reply_too_large;
    int64_t started_ms;
    CURLcode code;
    char words[CURL_ERROR_SIZE];
};

/* What is linked ------------------------------------------------------------------------------ */

static const char *tls_library(void)
{
    const char *name = curl_version_info(CURLVERSION_NOW)->ssl_version;
    return name ? name : "without TLS";
}

const char *uplink_version(void)
{
    static char text[128];
    (void)snprintf(text, sizeof text, "curl %s %s", curl_version_info(CURLVERSION_NOW)->version,
                   tls_library());
    return text;
}

bool uplink_has_certificate_clock(void)
{
    return cert_fits(tls_library());
}

/* What curl calls ----------------------------------------------------------------------------- */

static CURLcode on_tls_config(CURL *easy, void *ssl_config, void *ctx)
{
    struct uplink *u = ctx;
    (void)easy;
    cert_install(ssl_config, &u->clock);
    return CURLE_OK;
}

static size_t on_body_wanted(char *to, size_t size, size_t n, void *ctx)
{
    struct uplink *u = ctx;
    const size_t left = u->body.len - u->body_read;
    const size_t part = size * n < left ? size * n : left;
    u->wanted = true;
    if (u->held) return CURL_READFUNC_PAUSE;
    memcpy(to, u->body.p + u->body_read, part);
    u->body_read += part;
    return part;
}

static int on_body_again(void *ctx, curl_off_t offset, int origin)
{
    struct uplink *u = ctx;
    if (origin != SEEK_SET || offset < 0 || (size_t)offset > u->body.len) {
        return CURL_SEEKFUNC_FAIL;
    }
    if (u->body_read == u->body.len) u->repeated = true;
    u->body_read = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

static void copy_value(struct str value, char *out, size_t bytes)
{
    value = str_trim(value);
    if (value.len >= bytes) return;
    memcpy(out, value.p, value.len);
    out[value.len] = 0;
}

/* A head begins with its status line and ends with an empty one. Heads of a proxy and of interim
 * replies come before that of the reply: the last one counts. */
static size_t on_header(char *from, size_t size, size_t n, void *ctx)
{
    struct uplink *u = ctx;
    struct str value, line = {from, size * n};
    const struct str name = str_split(line, ':', &value);
    if (str_starts(line, "HTTP/")) u->date[0] = u->retry_after[0] = 0;
    u->head_whole = str_trim(line).len == 0;
    if (str_is_nocase(name, "Date")) copy_value(value, u->date, sizeof u->date);
    if (str_is_nocase(name, "Retry-After")) {
        copy_value(value, u->retry_after, sizeof u->retry_after);
    }
    return size * n;
}

static size_t on_reply(char *from, size_t size, size_t n, void *ctx)
{
    struct uplink *u = ctx;
    u->reply_too_large = u->reply.len + size * n > UPLINK_REPLY_MAX_BYTES;
    buf_add(&u->reply, from, size * n);
    return u->reply.failed ? 0 : size * n;
}

/* Opening ------------------------------------------------------------------------------------- */

/* clang-format off */
static const struct { CURLoption option; long value; } switches[] = {
    {CURLOPT_POST,                     1},
    {CURLOPT_FOLLOWLOCATION,           0},
    {CURLOPT_HTTP_VERSION,             CURL_HTTP_VERSION_1_1}, /* (3) is about one stream of bytes */
    {CURLOPT_SSLVERSION,               CURL_SSLVERSION_TLSv1_2},
    {CURLOPT_PROXY_SSLVERSION,         CURL_SSLVERSION_TLSv1_2},
    {CURLOPT_SSL_VERIFYPEER,           1},
    {CURLOPT_SSL_VERIFYHOST,           2},
    {CURLOPT_NOSIGNAL,                 1},
    {CURLOPT_QUICK_EXIT,               1},
    {CURLOPT_TCP_KEEPALIVE,            1},
    {CURLOPT_TCP_KEEPIDLE,             KEEPALIVE_S},
    {CURLOPT_TCP_KEEPINTVL,            KEEPALIVE_S},
    {CURLOPT_HTTPPROXYTUNNEL,          1}, /* a proxy never sees the request */
    {CURLOPT_PROXYAUTH,                CURLAUTH_BASIC},
};
/* clang-format on */

static bool set_switches(CURL *easy)
{
    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++) {
        if (curl_easy_setopt(easy, switches[i].option, switches[i].value) != CURLE_OK) return false;
    }
    return true;
}

static bool set_callbacks(struct uplink *u)
{
    CURL *e = u->easy;
    if (uplink_has_certificate_clock() &&
        (curl_easy_setopt(e, CURLOPT_SSL_CTX_FUNCTION, on_tls_config) != CURLE_OK ||
         curl_easy_setopt(e, CURLOPT_SSL_CTX_DATA, u) != CURLE_OK)) {
        return false;
    }
    return curl_easy_setopt(e, CURLOPT_READFUNCTION, on_body_wanted) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_READDATA, u) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_SEEKFUNCTION, on_body_again) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_SEEKDATA, u) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_HEADERDATA, u) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_reply) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_WRITEDATA, u) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_ERRORBUFFER, u->words) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_USERAGENT, USER_AGENT) == CURLE_OK;
}

static bool set_times(CURL *easy, int64_t timeout_ms)
{
    const long all = timeout_ms < LONG_MAX ? (long)timeout_ms : LONG_MAX;
    return curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, all) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, all / 2) == CURLE_OK;
}

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
           strcmp(host, "[::1]") == 0;
}

/* Both are curl_free's, also of what is CONFIG: no address by HTTP, which the caller words. */
static int url_parts(const char *url, unsigned flags, char **scheme, char **host, struct fault *why)
{
    CURLU *parts = curl_url();
    CURLUcode rc = parts ? curl_url_set(parts, CURLUPART_URL, url, flags) : CURLUE_OUT_OF_MEMORY;
    if (rc == CURLUE_OK) rc = curl_url_get(parts, CURLUPART_SCHEME, scheme, 0);
    if (rc == CURLUE_OK) rc = curl_url_get(parts, CURLUPART_HOST, host, 0);
    curl_url_cleanup(parts);
    if (rc == CURLUE_OUT_OF_MEMORY) return fault_no_memory(why, NULL);
    bool http = rc == CURLUE_OK && (strcmp(*scheme, "http") == 0 || strcmp(*scheme, "https") == 0);
    return http ? 0 : TILLPOST_E_CONFIG;
}

/* A loopback endpoint (a stand-in) is not asked for through the proxy of the environment. */
static int set_url(struct uplink *u, const struct uplink_options *o, struct fault *why)
{
    char *scheme = NULL, *host = NULL;
    int rc = url_parts(o->url, 0, &scheme, &host, why);
    if (rc == TILLPOST_E_CONFIG)
        (void)fault_set(why, rc, "", "the endpoint %s is no http or https address", o->url);
    if (rc >= 0 && (curl_easy_setopt(u->easy, CURLOPT_PROTOCOLS_STR, scheme) != CURLE_OK ||
                    curl_easy_setopt(u->easy, CURLOPT_URL, o->url) != CURLE_OK))
        rc = fault_no_memory(why, NULL);
    if (rc >= 0) u->https = strcmp(scheme, "https") == 0;
    if (rc >= 0 && is_loopback(host)) (void)curl_easy_setopt(u->easy, CURLOPT_PROXY, "");
    curl_free(scheme);
    curl_free(host);
    return rc;
}

static int set_proxy(struct uplink *u, const char *proxy, struct fault *why)
{
    if (!proxy) return 0;
    char *scheme = NULL, *host = NULL;
    u->proxy_named = true;
    int rc = url_parts(proxy, CURLU_GUESS_SCHEME, &scheme, &host, why);
    if (rc == TILLPOST_E_CONFIG)
        (void)fault_set(why, rc, "",
                        "the proxy must be http://host:port or http://user:password@host:port");
    if (rc >= 0 && curl_easy_setopt(u->easy, CURLOPT_PROXY, proxy) != CURLE_OK)
        rc = fault_no_memory(why, NULL);
    curl_free(scheme);
    curl_free(host);
    return rc;
}

static bool name_ca_file(struct uplink *u, const char *path)
{
    return curl_easy_setopt(u->easy, CURLOPT_CAINFO, path) == CURLE_OK &&
           curl_easy_setopt(u->easy, CURLOPT_PROXY_CAINFO, path) == CURLE_OK;
}

static bool lend_ca(struct uplink *u)
{
    struct curl_blob blob = {u->ca.p, u->ca.len, CURL_BLOB_NOCOPY};
    return curl_easy_setopt(u->easy, CURLOPT_CAINFO_BLOB, &blob) == CURLE_OK &&
           curl_easy_setopt(u->easy, CURLOPT_PROXY_CAINFO_BLOB, &blob) == CURLE_OK;
}

/* A configured file is checked now; the system's bundle may come later than we do (name_ca_file at
 * each request). A directory of CAs that curl was built with must not be trusted beside them. */
static int set_ca(struct uplink *u, const struct uplink_options *o, struct fault *why)
{
    const char *path = o->ca_file ? o->ca_file : ca_system_bundle();
    bool good = curl_easy_setopt(u->easy, CURLOPT_CAPATH, NULL) == CURLE_OK &&
                curl_easy_setopt(u->easy, CURLOPT_PROXY_CAPATH, NULL) == CURLE_OK;
    int rc = 0;
    u->own_ca = o->ca_file || o->extra_ca_file;
    if (o->extra_ca_file) {
        rc = ca_join(path, o->extra_ca_file, &u->ca, why);
        good = good && lend_ca(u);
    } else if (o->ca_file) {
        rc = ca_check(path, why);
        good = good && name_ca_file(u, path);
    }
    if (rc < 0 || good) return rc;
    return fault_set(why, TILLPOST_E_INTERNAL, "", "%s refuses the CA files", uplink_version());
}

static int set_all(struct uplink *u, const struct uplink_options *o, struct fault *why)
{
    if (!set_switches(u->easy) || !set_callbacks(u) || !set_times(u->easy, o->timeout_ms) ||
        curl_multi_setopt(u->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_MAX) != CURLM_OK) {
        return fault_set(why, TILLPOST_E_INTERNAL, "", "%s refuses an option", uplink_version());
    }
    int rc = set_url(u, o, why);
    if (rc >= 0) rc = set_proxy(u, o->proxy, why);
    if (rc >= 0) rc = set_ca(u, o, why);
    return rc;
}

int uplink_open(const struct uplink_options *options, struct uplink **out, struct fault *why)
{
    static bool started;
    *out = NULL;
    if (!started && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return fault_set(why, TILLPOST_E_INTERNAL, "", "%s cannot be started", uplink_version());
    }
    started = true;
    struct uplink *u = calloc(1, sizeof *u);
    if (!u) return fault_no_memory(why, NULL);
    buf_init(&u->reply, UPLINK_REPLY_MAX_BYTES);
    buf_init(&u->ca, (size_t)2 * CA_FILE_MAX_BYTES + 1);
    u->multi = curl_multi_init();
    u->easy = curl_easy_init();
    int rc = u->multi && u->easy ? set_all(u, options, why) : fault_no_memory(why, NULL);
    if (rc < 0) goto fail;
    *out = u;
    return 0;
fail:
    uplink_close(u);
    return rc;
}

void uplink_close(struct uplink *u)
{
    if (!u) return;
    uplink_abandon(u);
    curl_easy_cleanup(u->easy);
    curl_multi_cleanup(u->multi);
    buf_free(&u->reply);
    buf_free(&u->ca);
    free(u);
}

void uplink_set_clock(struct uplink *u, int64_t verify_ms, bool lenient_not_before)
{
    u->clock.verify_ms = verify_ms;
    u->clock.lenient_not_before = lenient_not_before;
}

/* A request ----------------------------------------------------------------------------------- */

static bool add_header(struct uplink *u, const char *line)
{
    struct curl_slist *longer = curl_slist_append(u->headers, line);
    if (longer) u->headers = longer;
    return longer != NULL;
}

static void forget_headers(struct uplink *u)
{
    for (struct curl_slist *h = u->headers; h; h = h->next) wipe(h->data, strlen(h->data));
    curl_slist_free_all(u->headers);
    u->headers = NULL;
    (void)curl_easy_setopt(u->easy, CURLOPT_HTTPHEADER, NULL);
}

/* A token goes into a header line as it is: it must not be able to begin another one. */
static int set_headers(struct uplink *u, struct str token, struct fault *why)
{
    char line[TOKEN_LINE_MAX_BYTES];
    int rc = 0;
    for (size_t i = 0; i < token.len; i++) {
        if (token.p[i] <= ' ' || token.p[i] > '~') rc = TILLPOST_E_CONFIG;
    }
    if (rc < 0 || token.len == 0 || token.len > sizeof line - 32) {
        return fault_set(why, TILLPOST_E_CONFIG, "",
                         "the access token must be 1 to %d printable characters without spaces",
                         (int)sizeof line - 32);
    }
    (void)snprintf(line, sizeof line, "Access-Token: %.*s", (int)token.len, token.p);
    bool good = add_header(u, "Content-Type: application/json") && add_header(u, "Expect:") &&
                add_header(u, line) &&
                curl_easy_setopt(u->easy, CURLOPT_HTTPHEADER, u->headers) == CURLE_OK;
    wipe(line, sizeof line);
    return good ? 0 : fault_no_memory(why, NULL);
}

static bool set_request(struct uplink *u)
{
    const long lenient = u->clock.lenient_not_before ? 1 : 0;
    const long anew = u->new_connection ? 1 : 0;
    u->anew = u->new_connection;
    u->new_connection = false;
    if (!u->own_ca && !name_ca_file(u, ca_system_bundle())) return false;
    return curl_easy_setopt(u->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)u->body.len) ==
               CURLE_OK &&
           curl_easy_setopt(u->easy, CURLOPT_FORBID_REUSE, lenient) == CURLE_OK &&
           curl_easy_setopt(u->easy, CURLOPT_SSL_SESSIONID_CACHE, 1 - lenient) == CURLE_OK &&
           curl_easy_setopt(u->easy, CURLOPT_FRESH_CONNECT, anew) == CURLE_OK &&
           curl_multi_add_handle(u->multi, u->easy) == CURLM_OK;
}

int uplink_post(struct uplink *u, struct str body, struct str token, struct fault *why)
{
    if (u->phase != FREE) return fault_set(why, TILLPOST_E_BUSY, "", "a request is under way");
    u->body = body;
    u->body_read = 0;
    u->may_repeat = u->kept && !u->new_connection;
    u->repeated = u->reply_too_large = u->head_whole = false;
    u->held = u->wanted = false;
    u->words[0] = u->date[0] = u->retry_after[0] = 0;
    u->clock.faults = 0;
    u->started_ms = platform_mono_ms();
    buf_clear(&u->reply);
    int rc = set_headers(u, token, why);
    if (rc >= 0 && !set_request(u)) {
        rc = fault_set(why, TILLPOST_E_INTERNAL, "", "%s refuses the request", uplink_version());
    }
    if (rc < 0) forget_headers(u);
    else u->phase = UNDER_WAY;
    return rc;
}

void uplink_hold(struct uplink *u)
{
    u->held = true;
}

bool uplink_holding(const struct uplink *u)
{
    return u->phase == UNDER_WAY && u->held && u->wanted;
}

void uplink_release(struct uplink *u)
{
    u->held = false;
    if (u->phase == UNDER_WAY) (void)curl_easy_pause(u->easy, CURLPAUSE_CONT);
}

bool uplink_busy(const struct uplink *u)
{
    return u->phase != FREE;
}

static void end_request(struct uplink *u, CURLcode code)
{
    (void)curl_multi_remove_handle(u->multi, u->easy);
    forget_headers(u);
    if (code != CURLE_OK && u->anew) u->new_connection = true; /* the old one is still kept */
    u->code = code;
    u->phase = ENDED;
}

void uplink_abandon(struct uplink *u)
{
    if (u->phase == UNDER_WAY) end_request(u, CURLE_ABORTED_BY_CALLBACK);
    u->phase = FREE;
}

static curl_off_t number(const struct uplink *u, CURLINFO which)
{
    curl_off_t n = 0;
    (void)curl_easy_getinfo(u->easy, which, &n);
    return n;
}

void uplink_line_changed(struct uplink *u)
{
    u->new_connection = true;
    if (u->phase != UNDER_WAY || u->body_read > 0) return;
    if (number(u, CURLINFO_PRETRANSFER_TIME_T) > 0) return;
    if (platform_mono_ms() - u->started_ms < STUCK_MS) return;
    end_request(u, CURLE_COULDNT_CONNECT);
    (void)snprintf(u->words, sizeof u->words, "the network changed while connecting");
}

/* The reply ----------------------------------------------------------------------------------- */

/* clang-format off */
static const char *const trouble_names[] = {
    [UPLINK_FINE]               = "fine",
    [UPLINK_DNS]                = "dns",
    [UPLINK_CONNECT]            = "connect",
    [UPLINK_TIMEOUT]            = "timeout",
    [UPLINK_PROXY]              = "proxy",
    [UPLINK_PROXY_AUTH]         = "proxy password",
    [UPLINK_TLS]                = "tls",
    [UPLINK_NOT_TLS]            = "not tls",
    [UPLINK_CERT_NOT_YET_VALID] = "certificate not yet valid",
    [UPLINK_CERT_EXPIRED]       = "certificate expired",
    [UPLINK_CERT_HOST]          = "certificate of another host",
    [UPLINK_CERT_UNTRUSTED]     = "certificate not trusted",
    [UPLINK_CERT_UNFIT]         = "certificate unfit",
    [UPLINK_RESET]              = "connection cut",
    [UPLINK_TOO_LARGE]          = "reply too large",
    [UPLINK_OTHER]              = "other",
};

static const struct { CURLcode code; enum uplink_trouble trouble; } troubles[] = {
    {CURLE_OK,                       UPLINK_FINE},
    {CURLE_COULDNT_RESOLVE_HOST,     UPLINK_DNS},
    {CURLE_COULDNT_RESOLVE_PROXY,    UPLINK_PROXY},
    {CURLE_PROXY,                    UPLINK_PROXY},
    {CURLE_COULDNT_CONNECT,          UPLINK_CONNECT},
    {CURLE_OPERATION_TIMEDOUT,       UPLINK_TIMEOUT},
    {CURLE_SSL_CONNECT_ERROR,        UPLINK_TLS},
    {CURLE_SSL_CACERT_BADFILE,       UPLINK_TLS},
    {CURLE_SSL_CERTPROBLEM,          UPLINK_TLS},
    {CURLE_SSL_CIPHER,               UPLINK_TLS},
    {CURLE_SEND_ERROR,               UPLINK_RESET},
    {CURLE_RECV_ERROR,               UPLINK_RESET},
    {CURLE_GOT_NOTHING,              UPLINK_RESET},
    {CURLE_PARTIAL_FILE,             UPLINK_RESET},
};

/* The first that a chain has counts: who is not trusted may have any date and name. The name of the
 * certificate's issuer (for another host: its own) follows the words. */
static const struct refusal {
    unsigned fault; enum uplink_trouble trouble; const char *words;
} refusals[] = {
    {CERT_UNTRUSTED,     UPLINK_CERT_UNTRUSTED,     "was issued by no CA trusted here: "},
    {CERT_WRONG_HOST,    UPLINK_CERT_HOST,          "is for another host: "},
    {CERT_WEAK,          UPLINK_CERT_UNFIT,         "has a weak key or digest; issuer: "},
    {CERT_WRONG_USE,     UPLINK_CERT_UNFIT,         "is not one for a server (key usage); issuer: "},
    {CERT_OTHER,         UPLINK_CERT_UNTRUSTED,     "cannot be judged; issuer: "},
    {CERT_EXPIRED,       UPLINK_CERT_EXPIRED,       "has expired, or the clock is ahead; issuer: "},
    {CERT_NOT_YET_VALID, UPLINK_CERT_NOT_YET_VALID, "begins later, or the clock is behind; issuer: "},
};
/* clang-format on */

const char *uplink_trouble_name(enum uplink_trouble t)
{
    return trouble_names[t];
}

/* Without our own judge there is only what OpenSSL says: X509_V_… of its x509_vfy.h. curl looks at
 * the host first, and leaves 1 (unspecified) behind if it is the wrong one. */
static enum uplink_trouble openssl_trouble(const struct uplink *u)
{
    enum { NOT_JUDGED_FOR_THE_HOST = 1, NOT_YET_VALID = 9, EXPIRED = 10, WRONG_USE = 26 };
    long verdict = -1;
    (void)curl_easy_getinfo(u->easy, CURLINFO_SSL_VERIFYRESULT, &verdict);
    if (strncmp(tls_library(), "OpenSSL/", 8) != 0) return UPLINK_CERT_UNTRUSTED;
    if (verdict == NOT_JUDGED_FOR_THE_HOST) return UPLINK_CERT_HOST;
    if (verdict == WRONG_USE) return UPLINK_CERT_UNFIT;
    if (verdict == NOT_YET_VALID) return UPLINK_CERT_NOT_YET_VALID;
    return verdict == EXPIRED ? UPLINK_CERT_EXPIRED : UPLINK_CERT_UNTRUSTED;
}

static bool without_ca(const struct uplink *u)
{
    return u->https && !u->own_ca && !ca_system_bundle();
}

/* NULL: the certificate was not refused, or not by our own judge. */
static const struct refusal *refusal_of(const struct uplink *u)
{
    if (u->code != CURLE_PEER_FAILED_VERIFICATION || without_ca(u)) return NULL;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        if (u->clock.faults & refusals[i].fault) return &refusals[i];
    }
    return NULL;
}

static enum uplink_trouble certificate_trouble(const struct uplink *u)
{
    const struct refusal *refusal = refusal_of(u);
    if (without_ca(u)) return UPLINK_TLS;
    return refusal ? refusal->trouble : openssl_trouble(u);
}

static bool by_proxy(const struct uplink *u, long connect_code)
{
    long used = 0;
#if LIBCURL_VERSION_NUM >= 0x080700
    (void)connect_code;
    (void)curl_easy_getinfo(u->easy, CURLINFO_USED_PROXY, &used);
#else
    used = connect_code != 0 || u->proxy_named;
#endif
    return used != 0;
}

/* curl tells it in words only. -0x7200 is MBEDTLS_ERR_SSL_INVALID_RECORD (mbedtls/ssl.h, 3.6.6). */
static bool speaks_no_tls(const struct uplink *u)
{
    return strstr(u->words, "-0x7200") || strstr(u->words, "wrong version number");
}

static enum uplink_trouble trouble_of(const struct uplink *u, long connect_code, bool via_proxy)
{
    enum uplink_trouble t = UPLINK_OTHER;
    if (u->reply_too_large) return UPLINK_TOO_LARGE;
    if (u->code == CURLE_PEER_FAILED_VERIFICATION) return certificate_trouble(u);
    if (u->code != CURLE_OK && connect_code == 407) return UPLINK_PROXY_AUTH;
    if (u->code != CURLE_OK && connect_code >= 300) return UPLINK_PROXY;
    for (size_t i = 0; i < sizeof troubles / sizeof *troubles; i++) {
        if (troubles[i].code == u->code) t = troubles[i].trouble;
    }
    if (t == UPLINK_CONNECT && via_proxy) return UPLINK_PROXY;
    if (t == UPLINK_TLS && speaks_no_tls(u)) return UPLINK_NOT_TLS;
    if (t == UPLINK_TIMEOUT && u->body_read == 0 && number(u, CURLINFO_NAMELOOKUP_TIME_T) == 0) {
        return UPLINK_DNS;
    }
    return t;
}

static enum uplink_result result_of(const struct uplink *u)
{
    const bool all_read = u->body_read == u->body.len;
    if (u->code == CURLE_OK) return UPLINK_ANSWERED;
    if (u->repeated || (u->may_repeat && all_read)) return UPLINK_NO_ANSWER;
    if (!all_read) return UPLINK_NOT_SENT;
    return number(u, CURLINFO_SIZE_UPLOAD_T) < (curl_off_t)u->body.len ? UPLINK_NOT_SENT
                                                                       : UPLINK_NO_ANSWER;
}

static void put_words(const struct uplink *u, enum uplink_trouble trouble, char *out, size_t bytes)
{
    const struct refusal *refusal = refusal_of(u);
    const char *words = u->words[0] ? u->words : curl_easy_strerror(u->code);
    if (u->code == CURLE_OK) return;
    if (trouble == UPLINK_TOO_LARGE) words = "the reply is longer than any of TikTok's";
    if (trouble == UPLINK_TLS && without_ca(u)) {
        words = "there is no CA bundle on this system: install one, or set tiktok.ca_file";
    }
    if (refusal) {
        (void)snprintf(out, bytes, "the certificate %s%.80s", refusal->words, u->clock.name);
    } else {
        (void)snprintf(out, bytes, "%.159s", words);
    }
}

int uplink_take_reply(struct uplink *u, struct uplink_reply *out)
{
    long status = 0, connect_code = 0, os_error = 0;
    char *peer = NULL;
    if (u->phase != ENDED) return 0;
    u->phase = FREE;
    *out = (struct uplink_reply){.result = result_of(u)};
    (void)curl_easy_getinfo(u->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(u->easy, CURLINFO_HTTP_CONNECTCODE, &connect_code);
    (void)curl_easy_getinfo(u->easy, CURLINFO_PRIMARY_IP, &peer);
    (void)curl_easy_getinfo(u->easy, CURLINFO_OS_ERRNO, &os_error);
    out->os_error = u->code == CURLE_COULDNT_CONNECT ? (int)os_error : 0;
    out->via_proxy = by_proxy(u, connect_code);
    out->trouble = trouble_of(u, connect_code, out->via_proxy);
    out->http_status = (int)status;
    out->took_ms = number(u, CURLINFO_TOTAL_TIME_T) / 1000;
    (void)snprintf(out->peer, sizeof out->peer, "%s", peer ? peer : "");
    put_words(u, out->trouble, out->error, sizeof out->error);
    if (out->result != UPLINK_ANSWERED) return 1;
    out->body = buf_str(&u->reply);
    out->tls_verified = u->https;
    out->cert_until_ms = u->https ? u->clock.until_ms : 0;
    out->has_date = u->date[0] != 0;
    out->has_retry_after = u->retry_after[0] != 0;
    memcpy(out->date, u->date, sizeof out->date);
    memcpy(out->retry_after, u->retry_after, sizeof out->retry_after);
    return 1;
}

/* Sleeping ------------------------------------------------------------------------------------ */

static void serve(struct uplink *u)
{
    int running = 0, left = 0;
    if (u->phase != UNDER_WAY) return;
    (void)curl_multi_perform(u->multi, &running);
    const struct CURLMsg *m = curl_multi_info_read(u->multi, &left);
    if (!m || m->msg != CURLMSG_DONE) return;
    const bool cut = m->data.result == CURLE_OK && !u->head_whole;
    end_request(u, cut ? CURLE_PARTIAL_FILE : m->data.result);
    if (u->code == CURLE_OK) u->kept = true;
}

int uplink_sleep(struct uplink *u, struct uplink_fd *fds, size_t n, int64_t most_ms)
{
    struct curl_waitfd wait[UPLINK_FDS_MAX] = {0};
    int ready = 0;
    if (n > UPLINK_FDS_MAX) n = UPLINK_FDS_MAX;
    for (size_t i = 0; i < n; i++) {
        wait[i].fd = fds[i].fd;
        wait[i].events = fds[i].want_write ? CURL_WAIT_POLLOUT : CURL_WAIT_POLLIN;
    }
    serve(u);
    if (u->phase == ENDED || uplink_holding(u) || most_ms < 0) most_ms = 0;
    if (most_ms > INT_MAX) most_ms = INT_MAX;
    (void)curl_multi_poll(u->multi, wait, (unsigned)n, (int)most_ms, NULL);
    for (size_t i = 0; i < n; i++) {
        fds[i].ready = wait[i].revents != 0;
        ready += fds[i].ready;
    }
    serve(u);
    return ready;
}
