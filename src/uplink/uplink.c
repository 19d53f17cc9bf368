/*
 * uplink.c: one request at a time over libcurl's multi interface.
 *
 * What always holds: (1) verification of chain and host is never switched off, TLS is 1.2 or later,
 * redirects are not followed (they would carry the token); (2) at most one request is under way; (3) a
 * body that was not handed to the connection whole cannot have been counted: NOT_SENT; whatever
 * happens after its last byte was handed over without a whole reply is NO_ANSWER; (4) our copy of
 * the token is wiped when the request ends.
 *
 * One easy handle is kept, so that the connection, the TLS session and the name stay cached.
 */
#include "uplink/uplink.h"

#include "platform/platform.h"
#include "uplink/cert.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CA_FILE_MAX_BYTES = 4 * 1024 * 1024, UPLOAD_BUFFER_BYTES = 64 * 1024 };

struct uplink {
    CURLM *multi;
    CURL *easy;
    struct curl_slist *headers; /* of the request under way; the last one is the token's */
    struct cert_clock clock;
    struct buf ca;    /* both CA files, when there is an extra one */
    struct buf reply;
    char error[CURL_ERROR_SIZE];
    char date[64], retry_after[64];
    size_t body_len;
    bool busy, done, too_large, https, has_ca;
    CURLcode result;
};

/* Where systems keep their bundle. Source: Debian, Fedora, Alpine and OpenWrt, SUSE, FreeBSD. */
static const char *const bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem", "/usr/local/share/certs/ca-root-nss.crt",
};

/* Opening ------------------------------------------------------------------------------------- */

const char *uplink_version(void)
{
    static char text[96];
    const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);
    (void)snprintf(text, sizeof text, "curl %s %s", v->version, v->ssl_version ? v->ssl_version : "");
    return text;
}

bool uplink_has_certificate_clock(void)
{
    const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);
    return v->ssl_version && strncmp(v->ssl_version, "mbedTLS", 7) == 0;
}

static CURLcode take_ssl_config(CURL *easy, void *ssl_config, void *ctx)
{
    struct uplink *u = ctx;
    (void)easy;
    cert_install(ssl_config, &u->clock);
    return CURLE_OK;
}

static size_t take_body(char *p, size_t size, size_t n, void *ctx)
{
    struct uplink *u = ctx;
    buf_add(&u->reply, p, size * n);
    if (!u->reply.failed) return size * n;
    u->too_large = true;
    return 0;
}

static void copy_header(struct str value, char *out, size_t out_bytes)
{
    value = str_trim(value);
    if (value.len >= out_bytes) return;
    memcpy(out, value.p, value.len);
    out[value.len] = 0;
}

static size_t take_header(char *p, size_t size, size_t n, void *ctx)
{
    struct uplink *u = ctx;
    struct str line = {p, size * n}, value;
    struct str name = str_split(line, ':', &value);
    if (str_starts(line, "HTTP/")) u->date[0] = u->retry_after[0] = 0;
    else if (str_is_nocase(name, "Date")) copy_header(value, u->date, sizeof u->date);
    else if (str_is_nocase(name, "Retry-After"))
        copy_header(value, u->retry_after, sizeof u->retry_after);
    return size * n;
}

static const char *system_bundle(void)
{
    const char *env = getenv("SSL_CERT_FILE");
    if (env && *env) return env;
    for (size_t i = 0; i < sizeof bundles / sizeof bundles[0]; i++)
        if (platform_file_stamp(bundles[i]) != 0) return bundles[i];
    return NULL;
}

static int add_ca(struct uplink *u, const char *path, struct fault *why)
{
    char *text = NULL;
    size_t len = 0;
    int rc = platform_read_file(path, CA_FILE_MAX_BYTES, false, &text, &len);
    if (rc < 0)
        return fault_set(why, TILLPOST_E_CONFIG, "", "the CA file %s cannot be read: %s", path,
                         tillpost_err_info(rc)->words);
    buf_add(&u->ca, text, len);
    buf_add_char(&u->ca, '\n');
    platform_free_file(text, len);
    return 0;
}

/* One file is left to curl, by name; two are joined in memory for as long as the uplink lives. */
static int set_ca(struct uplink *u, const struct uplink_options *o, struct fault *why)
{
    const char *path = o->ca_file ? o->ca_file : system_bundle();
    u->has_ca = path || o->extra_ca_file;
    curl_easy_setopt(u->easy, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(u->easy, CURLOPT_CAINFO, path);
    if (!o->extra_ca_file) return 0;
    buf_init(&u->ca, (size_t)2 * CA_FILE_MAX_BYTES + 2);
    int rc = path ? add_ca(u, path, why) : 0;
    if (rc >= 0) rc = add_ca(u, o->extra_ca_file, why);
    if (rc < 0) return rc;
    struct curl_blob blob = {u->ca.p, u->ca.len, CURL_BLOB_NOCOPY};
    curl_easy_setopt(u->easy, CURLOPT_CAINFO_BLOB, &blob);
    return 0;
}

static void set_options(struct uplink *u, const struct uplink_options *o)
{
    CURL *e = u->easy;
    curl_easy_setopt(e, CURLOPT_URL, o->url);
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, u->https ? "https" : "http");
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)o->timeout_ms);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)(o->timeout_ms / 2));
    curl_easy_setopt(e, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER_BYTES);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, u->error);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, u);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, u);
    curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(e, CURLOPT_PROXYAUTH, (long)CURLAUTH_BASIC);
    if (o->proxy) curl_easy_setopt(e, CURLOPT_PROXY, o->proxy);
    if (!uplink_has_certificate_clock()) return;
    curl_easy_setopt(e, CURLOPT_SSL_CTX_FUNCTION, take_ssl_config);
    curl_easy_setopt(e, CURLOPT_SSL_CTX_DATA, u);
}

int uplink_open(const struct uplink_options *options, struct uplink **out, struct fault *why)
{
    static bool global;
    *out = NULL;
    if (!global && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return fault_set(why, TILLPOST_E_INTERNAL, "", "libcurl cannot be started");
    global = true;
    struct uplink *u = calloc(1, sizeof *u);
    if (!u) return fault_set(why, TILLPOST_E_NO_MEMORY, "", "out of memory");
    buf_init(&u->reply, UPLINK_REPLY_MAX_BYTES);
    u->https = strncmp(options->url, "https:", 6) == 0;
    u->multi = curl_multi_init();
    u->easy = curl_easy_init();
    int rc = TILLPOST_E_NO_MEMORY;
    if (!u->multi || !u->easy) {
        (void)fault_set(why, rc, "", "out of memory");
        goto fail;
    }
    set_options(u, options);
    rc = set_ca(u, options, why);
    if (rc < 0) goto fail;
    *out = u;
    return 0;
fail:
    uplink_close(u);
    return rc;
}

static void forget_headers(struct uplink *u)
{
    for (struct curl_slist *h = u->headers; h; h = h->next) wipe(h->data, strlen(h->data));
    curl_slist_free_all(u->headers);
    u->headers = NULL;
}

void uplink_close(struct uplink *u)
{
    if (!u) return;
    uplink_abandon(u);
    if (u->easy) curl_easy_cleanup(u->easy);
    if (u->multi) curl_multi_cleanup(u->multi);
    buf_free(&u->reply);
    buf_free(&u->ca);
    free(u);
}

void uplink_set_clock(struct uplink *u, int64_t verify_ms, bool lenient_not_before)
{
    u->clock.verify_s = verify_ms / 1000;
    u->clock.lenient_not_before = lenient_not_before;
}

/* Sending ------------------------------------------------------------------------------------- */

static bool add_header(struct uplink *u, const char *line)
{
    struct curl_slist *more = curl_slist_append(u->headers, line);
    if (more) u->headers = more;
    return more != NULL;
}

static bool add_headers(struct uplink *u, struct str token)
{
    struct buf line;
    buf_init(&line, (size_t)8 * 1024);
    buf_add_z(&line, "Access-Token: ");
    buf_add_str(&line, token);
    bool good = !line.failed && add_header(u, "Content-Type: application/json") &&
                add_header(u, "Expect:") && add_header(u, "User-Agent: tillpost") &&
                add_header(u, line.p);
    buf_free(&line);
    return good;
}

int uplink_post(struct uplink *u, struct str body, struct str token, struct fault *why)
{
    if (u->busy) return fault_set(why, TILLPOST_E_BUSY, "", "a request is under way");
    u->done = u->too_large = false;
    u->error[0] = u->date[0] = u->retry_after[0] = 0;
    u->clock.faults = 0;
    u->body_len = body.len;
    buf_clear(&u->reply);
    if (!add_headers(u, token)) {
        forget_headers(u);
        return fault_set(why, TILLPOST_E_NO_MEMORY, "", "out of memory");
    }
    curl_easy_setopt(u->easy, CURLOPT_HTTPHEADER, u->headers);
    curl_easy_setopt(u->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
    curl_easy_setopt(u->easy, CURLOPT_POSTFIELDS, body.p);
    if (curl_multi_add_handle(u->multi, u->easy) != CURLM_OK) {
        forget_headers(u);
        return fault_set(why, TILLPOST_E_INTERNAL, "", "libcurl does not take the request");
    }
    u->busy = true;
    return 0;
}

bool uplink_busy(const struct uplink *u)
{
    return u->busy;
}

void uplink_abandon(struct uplink *u)
{
    if (!u->busy) return;
    curl_multi_remove_handle(u->multi, u->easy);
    forget_headers(u);
    u->busy = u->done = false;
}

/* The reply ----------------------------------------------------------------------------------- */

static long info_long(const struct uplink *u, CURLINFO which)
{
    long n = 0;
    (void)curl_easy_getinfo(u->easy, which, &n);
    return n;
}

static curl_off_t info_off(const struct uplink *u, CURLINFO which)
{
    curl_off_t n = 0;
    (void)curl_easy_getinfo(u->easy, which, &n);
    return n;
}

/* clang-format off */
static const struct { CURLcode code; enum uplink_trouble trouble; } troubles[] = {
    {CURLE_OK,                      UPLINK_FINE},
    {CURLE_COULDNT_RESOLVE_HOST,    UPLINK_DNS},
    {CURLE_COULDNT_RESOLVE_PROXY,   UPLINK_PROXY},
    {CURLE_PROXY,                   UPLINK_PROXY},
    {CURLE_COULDNT_CONNECT,         UPLINK_CONNECT},
    {CURLE_OPERATION_TIMEDOUT,      UPLINK_TIMEOUT},
    {CURLE_SSL_CONNECT_ERROR,       UPLINK_TLS},
    {CURLE_SSL_CACERT_BADFILE,      UPLINK_TLS},
    {CURLE_SSL_CIPHER,              UPLINK_TLS},
    {CURLE_PEER_FAILED_VERIFICATION,UPLINK_CERT_UNTRUSTED},
    {CURLE_SEND_ERROR,              UPLINK_RESET},
    {CURLE_RECV_ERROR,              UPLINK_RESET},
    {CURLE_GOT_NOTHING,             UPLINK_RESET},
    {CURLE_PARTIAL_FILE,            UPLINK_RESET},
};
static const char *const trouble_names[] = {
    [UPLINK_FINE] = "fine", [UPLINK_DNS] = "dns", [UPLINK_CONNECT] = "no connection",
    [UPLINK_TIMEOUT] = "time-out", [UPLINK_PROXY] = "proxy",
    [UPLINK_PROXY_AUTH] = "proxy password", [UPLINK_TLS] = "tls",
    [UPLINK_CERT_NOT_YET_VALID] = "certificate not yet valid",
    [UPLINK_CERT_EXPIRED] = "certificate expired", [UPLINK_CERT_HOST] = "certificate of another host",
    [UPLINK_CERT_UNTRUSTED] = "certificate not trusted", [UPLINK_RESET] = "connection cut",
    [UPLINK_TOO_LARGE] = "reply too large", [UPLINK_OTHER] = "other",
};
/* clang-format on */

const char *uplink_trouble_name(enum uplink_trouble t)
{
    return trouble_names[t];
}

/* What the chain was refused for tells more than curl's code. Untrusted comes first: a portal's
 * certificate has every fault at once. */
static enum uplink_trouble certificate_trouble(unsigned faults)
{
    if (faults & CERT_WRONG_HOST) return UPLINK_CERT_HOST;
    if (faults & CERT_UNTRUSTED) return UPLINK_CERT_UNTRUSTED;
    if (faults & CERT_EXPIRED) return UPLINK_CERT_EXPIRED;
    if (faults & CERT_NOT_YET_VALID) return UPLINK_CERT_NOT_YET_VALID;
    return UPLINK_TLS;
}

static enum uplink_trouble trouble_of(const struct uplink *u)
{
    long proxy_status = info_long(u, CURLINFO_HTTP_CONNECTCODE);
    if (u->result == CURLE_OK) return UPLINK_FINE;
    if (u->too_large) return UPLINK_TOO_LARGE;
    if (proxy_status == 407) return UPLINK_PROXY_AUTH;
    if (proxy_status >= 300) return UPLINK_PROXY;
    if (u->clock.faults) return certificate_trouble(u->clock.faults);
    if (u->result == CURLE_OPERATION_TIMEDOUT && info_off(u, CURLINFO_NAMELOOKUP_TIME_T) == 0)
        return UPLINK_DNS;
    for (size_t i = 0; i < sizeof troubles / sizeof troubles[0]; i++)
        if (troubles[i].code == u->result) return troubles[i].trouble;
    return UPLINK_OTHER;
}

static enum uplink_result result_of(const struct uplink *u)
{
    if (u->result == CURLE_OK) return UPLINK_ANSWERED;
    if (info_off(u, CURLINFO_SIZE_UPLOAD_T) < (curl_off_t)u->body_len) return UPLINK_NOT_SENT;
    return UPLINK_NO_ANSWER;
}

static void put_words(const struct uplink *u, struct uplink_reply *out)
{
    const char *words = u->error[0] ? u->error : curl_easy_strerror(u->result);
    if (u->result == CURLE_OK) words = "";
    else if (u->https && !u->has_ca)
        words = "there is no CA bundle on this system: set tiktok.ca_file";
    (void)snprintf(out->error, sizeof out->error, "%.159s", words);
}

int uplink_take_reply(struct uplink *u, struct uplink_reply *out)
{
    char *address = NULL;
    if (!u->done) return 0;
    memset(out, 0, sizeof *out);
    out->result = result_of(u);
    out->trouble = trouble_of(u);
    out->http_status = (int)info_long(u, CURLINFO_RESPONSE_CODE);
    if (out->result == UPLINK_ANSWERED) out->body = buf_str(&u->reply);
    out->tls_verified = u->https && out->result == UPLINK_ANSWERED;
    out->has_date = u->date[0] != 0;
    out->has_retry_after = u->retry_after[0] != 0;
    memcpy(out->date, u->date, sizeof out->date);
    memcpy(out->retry_after, u->retry_after, sizeof out->retry_after);
    out->took_ms = info_off(u, CURLINFO_TOTAL_TIME_T) / 1000;
    out->via_proxy = info_long(u, CURLINFO_HTTP_CONNECTCODE) != 0;
    if (curl_easy_getinfo(u->easy, CURLINFO_PRIMARY_IP, &address) == CURLE_OK && address)
        (void)snprintf(out->peer, sizeof out->peer, "%s", address);
    put_words(u, out);
    u->done = false;
    return 1;
}

/* Sleeping ------------------------------------------------------------------------------------ */

static void serve(struct uplink *u)
{
    int running = 0, left = 0;
    (void)curl_multi_perform(u->multi, &running);
    for (CURLMsg *m; (m = curl_multi_info_read(u->multi, &left));) {
        if (m->msg != CURLMSG_DONE) continue;
        u->result = m->data.result;
        u->done = true;
        u->busy = false;
        curl_multi_remove_handle(u->multi, u->easy);
        forget_headers(u);
    }
}

int uplink_sleep(struct uplink *u, struct uplink_fd *fds, size_t n, int64_t most_ms)
{
    struct curl_waitfd wait[UPLINK_FDS_MAX];
    int ready = 0;
    if (u->busy) serve(u);
    if (u->done || most_ms < 0) most_ms = 0;
    for (size_t i = 0; i < n && i < UPLINK_FDS_MAX; i++)
        wait[i] = (struct curl_waitfd){.fd = fds[i].fd,
                                       .events = fds[i].want_write ? CURL_WAIT_POLLOUT
                                                                   : CURL_WAIT_POLLIN};
    (void)curl_multi_poll(u->multi, wait, (unsigned)n, (int)most_ms, NULL);
    for (size_t i = 0; i < n && i < UPLINK_FDS_MAX; i++) {
        fds[i].ready = wait[i].revents != 0;
        ready += fds[i].ready;
    }
    if (u->busy) serve(u);
    return ready;
}
