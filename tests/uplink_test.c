/*
 * uplink_test.c: requests over real sockets, against a scripted peer and, for TLS, nginx with
 * certificates made for the day. Numbers in brackets are the guarantees of uplink.c.
 */
#include "certs.h"
#include "peer.h"

#include "base/times.h"
#include "platform/platform.h"
#include "uplink/uplink.h"

#include <signal.h>
#include <sys/wait.h>

enum { GIVE_UP_MS = 60 * 1000, TIMEOUT_MS = 15 * 1000, LARGE_BODY_BYTES = 8 * 1024 * 1024 };

static const struct str token = {"the-token", 9};
static char large_body[LARGE_BODY_BYTES];

#define HTTP(status, headers, body) "HTTP/1.1 " status "\r\n" headers "\r\n" body
#define YES                         HTTP("200 OK", "Content-Length: 10\r\n", "{\"code\":0}")

/* Driving an uplink --------------------------------------------------------------------------- */

static struct uplink *open_url(const char *url, const char *proxy, int64_t timeout_ms)
{
    const struct uplink_options options = {.url = url, .proxy = proxy, .timeout_ms = timeout_ms};
    struct uplink *u = NULL;
    struct fault why = {0};
    if (uplink_open(&options, &u, &why) < 0) fail_msg("uplink_open: %s", why.message);
    return u;
}

static struct uplink *open_port(unsigned short port, int64_t timeout_ms)
{
    char url[64];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/track/", port);
    return open_url(url, NULL, timeout_ms);
}

static struct uplink_reply wait_reply(struct uplink *u)
{
    const int64_t end_ms = platform_mono_ms() + GIVE_UP_MS;
    struct uplink_reply reply;
    while (uplink_take_reply(u, &reply) != 1) {
        assert_true(uplink_busy(u));
        assert_true(platform_mono_ms() < end_ms);
        (void)uplink_sleep(u, NULL, 0, 100);
    }
    assert_false(uplink_busy(u));
    return reply;
}

static struct uplink_reply post(struct uplink *u, struct str body)
{
    struct fault why = {0};
    if (uplink_post(u, body, token, &why) < 0) fail_msg("uplink_post: %s", why.message);
    return wait_reply(u);
}

/* What became of a request -------------------------------------------------------------------- */

/* clang-format off */
static const struct {
    const char *sentence;
    const char *script[3];
    const char *reply;
    bool large;         /* body of 8 MiB instead of 2 bytes */
    int64_t timeout_ms;
    enum uplink_result result;
    enum uplink_trouble trouble;
    int http_status;
} fates[] = {
    {"a whole reply is an answer",                        {"HBR"},   YES, false, TIMEOUT_MS, UPLINK_ANSWERED,  UPLINK_FINE,    200},
    {"a whole reply to a large body is an answer",        {"HBR"},   YES, true,  TIMEOUT_MS, UPLINK_ANSWERED,  UPLINK_FINE,    200},
    {"an answer of any status is an answer",              {"HBR"},   HTTP("503 No", "Content-Length: 0\r\n", ""), false, TIMEOUT_MS, UPLINK_ANSWERED, UPLINK_FINE, 503},
    {"a redirect is an answer, and is not followed",      {"HBR"},   HTTP("307 Go", "Location: /other\r\nContent-Length: 0\r\n", ""), false, TIMEOUT_MS, UPLINK_ANSWERED, UPLINK_FINE, 307},
    {"a reply that ends with the connection is whole",    {"HBRC"},  HTTP("200 OK", "", "{}"), false, TIMEOUT_MS, UPLINK_ANSWERED, UPLINK_FINE, 200},
    {"a refusal before the body is through is an answer", {"HRD"},   HTTP("413 Large", "Content-Length: 0\r\nConnection: close\r\n", ""), true, TIMEOUT_MS, UPLINK_ANSWERED, UPLINK_FINE, 413},
    {"a reset before the body is through: not sent",      {"HbX"},   YES, true,  TIMEOUT_MS, UPLINK_NOT_SENT,  UPLINK_RESET,   0},
    {"a peer that stops reading the body: not sent",      {"HbS"},   YES, true,  500,        UPLINK_NOT_SENT,  UPLINK_TIMEOUT, 0},
    {"a reset after the body: no answer",                 {"HBX"},   YES, false, TIMEOUT_MS, UPLINK_NO_ANSWER, UPLINK_RESET,   0},
    {"a close after the body: no answer",                 {"HBC"},   YES, false, TIMEOUT_MS, UPLINK_NO_ANSWER, UPLINK_RESET,   0},
    {"a close after a large body: no answer",             {"HBC"},   YES, true,  TIMEOUT_MS, UPLINK_NO_ANSWER, UPLINK_RESET,   0},
    {"silence after the body: no answer",                 {"HBS"},   YES, false, 500,        UPLINK_NO_ANSWER, UPLINK_TIMEOUT, 0},
    {"half a reply: no answer",                           {"HBrC"},  HTTP("200 OK", "Content-Length: 40\r\n", "0123456789012345678901234567890123456789"), false, TIMEOUT_MS, UPLINK_NO_ANSWER, UPLINK_RESET, 200},
    {"half a reply, then silence: no answer",             {"HBrS"},  HTTP("200 OK", "Content-Length: 40\r\n", "0123456789012345678901234567890123456789"), false, 500, UPLINK_NO_ANSWER, UPLINK_TIMEOUT, 200},
    {"half a head: no answer",                            {"HBrC"},  HTTP("200 OK", "X: 1\r\nX: 2\r\nX: 3\r\nX: 4\r\n", ""), false, TIMEOUT_MS, UPLINK_NO_ANSWER, UPLINK_RESET, 200},
    {"half a chunked reply: no answer",                   {"HBRC"},  HTTP("200 OK", "Transfer-Encoding: chunked\r\n", "5\r\n{\"a\":\r\n"), false, TIMEOUT_MS, UPLINK_NO_ANSWER, UPLINK_RESET, 200},
    {"an interim reply alone: no answer",                 {"HBRC"},  "HTTP/1.1 100 Continue\r\n\r\n", false, TIMEOUT_MS, UPLINK_NO_ANSWER, UPLINK_RESET, 100},
    {"an interim reply before the real one is passed over", {"HBRC"}, "HTTP/1.1 103 Early\r\nDate: x\r\n\r\n" YES, false, TIMEOUT_MS, UPLINK_ANSWERED, UPLINK_FINE, 200},
    {"no HTTP at all: no answer",                         {"HBRC"},  "SSH-2.0-OpenSSH_9.2\r\n", false, TIMEOUT_MS, UPLINK_NO_ANSWER, UPLINK_OTHER, 0},
};
/* clang-format on */

static void a_request_has_the_fate_of_its_row(void **state)
{
    for (size_t i = 0; i < sizeof fates / sizeof *fates; i++) {
        struct peer peer = {.scripts = fates[i].script, .reply = fates[i].reply};
        peer_start(&peer);
        struct uplink *u = open_port(peer.port, fates[i].timeout_ms);
        struct str body = fates[i].large ? (struct str){large_body, sizeof large_body} : STR("{}");
        struct uplink_reply r = post(u, body);
        peer_stop(&peer);
        bool good = r.result == fates[i].result && r.trouble == fates[i].trouble &&
                    r.http_status == fates[i].http_status && peer.requests == 1;
        good = good && (r.error[0] == 0) == (r.trouble == UPLINK_FINE);
        good = good && r.took_ms < fates[i].timeout_ms + 5000;
        if (!good) {
            fail_msg("%s: result %d, %s, status %d, %u requests: %s", fates[i].sentence,
                     (int)r.result, uplink_trouble_name(r.trouble), r.http_status, peer.requests,
                     r.error);
        }
        uplink_close(u);
    }
}

static void the_body_of_an_answer_is_handed_out(void **state)
{
    static const char *const script[] = {"HBR", NULL};
    struct peer peer = {.scripts = script, .reply = YES};
    peer_start(&peer);
    struct uplink *u = open_port(peer.port, TIMEOUT_MS);
    struct uplink_reply r = post(u, STR("{}"));
    peer_stop(&peer);
    assert_true(str_is(r.body, "{\"code\":0}"));
    assert_string_equal(r.peer, "127.0.0.1");
    assert_false(r.tls_verified);
    assert_false(r.via_proxy);
    uplink_close(u);
}

static void a_reply_is_taken_up_to_its_limit_and_not_over(void **state)
{
    static const char *const script[] = {"HBRC", NULL};
    for (size_t over = 0; over < 2; over++) {
        static char reply[UPLINK_REPLY_MAX_BYTES + 200];
        const size_t bytes = UPLINK_REPLY_MAX_BYTES + over;
        int head =
            snprintf(reply, sizeof reply, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", bytes);
        memset(reply + head, 'x', bytes);
        reply[(size_t)head + bytes] = 0;
        struct peer peer = {.scripts = script, .reply = reply};
        peer_start(&peer);
        struct uplink *u = open_port(peer.port, TIMEOUT_MS);
        struct uplink_reply r = post(u, STR("{}"));
        peer_stop(&peer);
        assert_int_equal(r.result, over ? UPLINK_NO_ANSWER : UPLINK_ANSWERED);
        assert_int_equal(r.trouble, over ? UPLINK_TOO_LARGE : UPLINK_FINE);
        assert_int_equal(r.body.len, over ? 0 : UPLINK_REPLY_MAX_BYTES);
        uplink_close(u);
    }
}

static void a_request_says_what_it_must_and_no_more(void **state)
{
    static const char *const script[] = {"HBR", NULL};
    static const char *const said[] = {
        "POST /track/ HTTP/1.1\r\n", "\r\nAccess-Token: the-token\r\n",
        "\r\nContent-Type: application/json\r\n", "\r\nContent-Length: 2097152\r\n",
        "\r\nUser-Agent: tillpost"};
    static const char *const unsaid[] = {"Expect", "Accept-Encoding", "chunked", "Cookie"};
    struct peer peer = {.scripts = script, .reply = YES};
    peer_start(&peer);
    struct uplink *u = open_port(peer.port, TIMEOUT_MS);
    (void)post(u, (struct str){large_body, 2097152});
    peer_stop(&peer);
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        if (!strstr(peer.head, said[i])) fail_msg("%s is not in %s", said[i], peer.head);
    }
    for (size_t i = 0; i < sizeof unsaid / sizeof *unsaid; i++) {
        if (strstr(peer.head, unsaid[i])) fail_msg("%s is in %s", unsaid[i], peer.head);
    }
    assert_int_equal(peer.body_bytes, 2097152);
    uplink_close(u);
}

/* clang-format off */
#define LONG_VALUE "0123456789012345678901234567890123456789012345678901234567890123456789"
#define EMPTY "Content-Length: 0\r\n"
static const struct {
    const char *sentence, *reply;
    const char *date, *retry_after; /* "": absent */
} header_rows[] = {
    {"headers that are absent are absent",     HTTP("200 OK", EMPTY, ""), "", ""},
    {"both are handed out as they are",        HTTP("429 Slow", EMPTY "Date: Sun, 01 Nov 2026 10:00:00 GMT\r\nRetry-After: 120\r\n", ""), "Sun, 01 Nov 2026 10:00:00 GMT", "120"},
    {"names have any case, values no blanks",  HTTP("200 OK", EMPTY "dAtE:   now \r\nRETRY-AFTER:5\r\n", ""), "now", "5"},
    {"a value that is too long is absent",     HTTP("200 OK", EMPTY "Date: " LONG_VALUE "\r\nRetry-After: 1\r\n", ""), "", "1"},
    {"those of an interim reply do not count", HTTP("103 Early", "Date: then\r\nRetry-After: 9\r\n", "") HTTP("200 OK", EMPTY, ""), "", ""},
};
/* clang-format on */

static void date_and_retry_after_follow_the_table(void **state)
{
    static const char *const script[] = {"HBR", NULL};
    for (size_t i = 0; i < sizeof header_rows / sizeof *header_rows; i++) {
        struct peer peer = {.scripts = script, .reply = header_rows[i].reply};
        peer_start(&peer);
        struct uplink *u = open_port(peer.port, TIMEOUT_MS);
        struct uplink_reply r = post(u, STR("{}"));
        peer_stop(&peer);
        bool good = strcmp(r.date, header_rows[i].date) == 0 && r.has_date == (r.date[0] != 0);
        good = good && strcmp(r.retry_after, header_rows[i].retry_after) == 0 &&
               r.has_retry_after == (r.retry_after[0] != 0);
        if (!good) fail_msg("%s: '%s' '%s'", header_rows[i].sentence, r.date, r.retry_after);
        uplink_close(u);
    }
}

/* Connections --------------------------------------------------------------------------------- */

static void a_connection_is_used_again(void **state)
{
    static const char *const script[] = {"HBRHBRHBR", NULL};
    struct peer peer = {.scripts = script, .reply = YES};
    peer_start(&peer);
    struct uplink *u = open_port(peer.port, TIMEOUT_MS);
    for (int i = 0; i < 3; i++) assert_int_equal(post(u, STR("{}")).result, UPLINK_ANSWERED);
    peer_stop(&peer);
    assert_int_equal(peer.connections, 1);
    assert_int_equal(peer.requests, 3);
    uplink_close(u);
}

static void after_a_change_of_the_line_a_new_connection_is_made(void **state)
{
    static const char *const script[] = {"HBRK", "HBRHBR", NULL};
    struct peer peer = {.scripts = script, .reply = YES};
    peer_start(&peer);
    struct uplink *u = open_port(peer.port, TIMEOUT_MS);
    assert_int_equal(post(u, STR("{}")).result, UPLINK_ANSWERED);
    uplink_line_changed(u);
    assert_int_equal(post(u, STR("{}")).result, UPLINK_ANSWERED);
    assert_int_equal(post(u, STR("{}")).result, UPLINK_ANSWERED);
    peer_stop(&peer);
    assert_int_equal(peer.connections, 2);
    uplink_close(u);
}

static void a_kept_connection_that_died_is_replaced(void **state)
{
    static const char *const script[] = {"HBRHBC", "HBR", NULL};
    struct peer peer = {.scripts = script, .reply = YES};
    peer_start(&peer);
    struct uplink *u = open_port(peer.port, TIMEOUT_MS);
    assert_int_equal(post(u, STR("{}")).result, UPLINK_ANSWERED);
    assert_int_equal(post(u, STR("{}")).result, UPLINK_ANSWERED);
    peer_stop(&peer);
    assert_int_equal(peer.connections, 2);
    assert_int_equal(peer.requests, 3);
    uplink_close(u);
}

/* [3] The second body went out on a connection that died; its repetition finds nobody. */
static void a_body_that_went_out_before_curl_starts_over_is_no_answer(void **state)
{
    static const char *const script[] = {"HBRHBLC", "X", NULL};
    struct peer peer = {.scripts = script, .reply = YES};
    peer_start(&peer);
    struct uplink *u = open_port(peer.port, TIMEOUT_MS);
    assert_int_equal(post(u, STR("{}")).result, UPLINK_ANSWERED);
    struct uplink_reply r = post(u, STR("{}"));
    peer_stop(&peer);
    assert_int_equal(peer.requests, 2);
    assert_int_equal(r.trouble, UPLINK_CONNECT);
    assert_int_equal(r.result, UPLINK_NO_ANSWER);
    uplink_close(u);
}

/* Posts with the body held; true once a connection stands, false when the request has ended. */
static bool post_held(struct uplink *u)
{
    assert_int_equal(uplink_post(u, STR("{}"), token, NULL), 0);
    uplink_hold(u);
    for (int64_t end = platform_mono_ms() + TIMEOUT_MS; platform_mono_ms() < end;) {
        (void)uplink_sleep(u, NULL, 0, 20);
        if (uplink_holding(u)) return true;
    }
    return false;
}

static void a_held_body_leaves_when_it_is_released_and_not_before(void **state)
{
    static const char *const script[] = {"HBRHBR", NULL};
    struct peer peer = {.scripts = script, .reply = YES};
    struct uplink_reply r;
    peer_start(&peer);
    struct uplink *u = open_port(peer.port, TIMEOUT_MS);
    for (int i = 0; i < 2; i++) { /* on a new connection, and on a kept one */
        assert_true(post_held(u));
        for (int n = 0; n < 10; n++) (void)uplink_sleep(u, NULL, 0, 20);
        if (i == 0) assert_int_equal(peer.body_bytes, 0);
        assert_int_equal(uplink_take_reply(u, &r), 0);
        uplink_release(u);
        assert_false(uplink_holding(u));
        assert_int_equal(wait_reply(u).result, UPLINK_ANSWERED);
    }
    peer_stop(&peer);
    assert_int_equal(peer.connections, 1);
    uplink_close(u);
}

static void a_body_that_is_held_to_the_end_is_not_sent(void **state)
{
    static const char *const script[] = {"HBR", NULL};
    struct peer peer = {.scripts = script, .reply = YES};
    peer_start(&peer);
    struct uplink *u = open_port(peer.port, 400);
    assert_true(post_held(u));
    assert_int_equal(wait_reply(u).result, UPLINK_NOT_SENT);
    peer_stop(&peer);
    assert_int_equal(peer.body_bytes, 0);
    assert_false(uplink_holding(u));
    uplink_close(u);
}

static void a_port_that_refuses_is_not_sent(void **state)
{
    unsigned short port = 0;
    (void)close(peer_listen(&port, 1));
    struct uplink *u = open_port(port, TIMEOUT_MS);
    struct uplink_reply r = post(u, STR("{}"));
    assert_int_equal(r.result, UPLINK_NOT_SENT);
    assert_int_equal(r.trouble, UPLINK_CONNECT);
    assert_int_equal(r.http_status, 0);
    uplink_close(u);
}

static void a_name_that_does_not_resolve_is_named_so(void **state)
{
    struct uplink *u = open_url("http://nobody.invalid/", NULL, 8000);
    struct uplink_reply r = post(u, STR("{}"));
    assert_int_equal(r.result, UPLINK_NOT_SENT);
    assert_int_equal(r.trouble, UPLINK_DNS);
    uplink_close(u);
}

/* A listener whose queue is full drops what comes: as silent as a black hole. */
struct black_hole {
    int listen_fd, fill[8];
    unsigned short port;
};

static struct black_hole black_hole(void)
{
    struct black_hole h = {.listen_fd = peer_listen(&h.port, 0)};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    h.listen_fd = peer_listen(&h.port, 0);
    at.sin_port = htons(h.port);
    for (size_t i = 0; i < sizeof h.fill / sizeof *h.fill; i++) {
        h.fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(h.fill[i], (struct sockaddr *)&at, sizeof at);
    }
    return h;
}

static void close_black_hole(const struct black_hole *h)
{
    for (size_t i = 0; i < sizeof h->fill / sizeof *h->fill; i++) (void)close(h->fill[i]);
    (void)close(h->listen_fd);
}

static void connecting_gets_half_the_time_at_most(void **state)
{
    struct black_hole h = black_hole();
    struct uplink *u = open_port(h.port, 1000);
    struct uplink_reply r = post(u, STR("{}"));
    assert_int_equal(r.result, UPLINK_NOT_SENT);
    assert_int_equal(r.trouble, UPLINK_TIMEOUT);
    assert_in_range(r.took_ms, 400, 950);
    uplink_close(u);
    close_black_hole(&h);
}

static void a_line_that_changes_ends_a_connect_that_is_stuck(void **state)
{
    struct black_hole h = black_hole();
    struct uplink *u = open_port(h.port, 20000);
    struct uplink_reply r;
    const int64_t start_ms = platform_mono_ms();
    assert_int_equal(uplink_post(u, STR("{}"), token, NULL), 0);
    (void)uplink_sleep(u, NULL, 0, 20);
    uplink_line_changed(u);
    assert_int_equal(uplink_take_reply(u, &r), 0); /* it may yet come through */
    while (platform_mono_ms() < start_ms + 1100) (void)uplink_sleep(u, NULL, 0, 50);
    uplink_line_changed(u);
    assert_int_equal(uplink_take_reply(u, &r), 1);
    assert_int_equal(r.result, UPLINK_NOT_SENT);
    assert_int_equal(r.trouble, UPLINK_CONNECT);
    assert_string_equal(r.error, "the network changed while connecting");
    uplink_close(u);
    close_black_hole(&h);
}

static void a_line_that_changes_leaves_a_request_alone_whose_body_went_out(void **state)
{
    static const char *const script[] = {"HBS", NULL};
    struct peer peer = {.scripts = script, .reply = YES};
    struct uplink_reply r;
    peer_start(&peer);
    struct uplink *u = open_port(peer.port, TIMEOUT_MS);
    const int64_t start_ms = platform_mono_ms();
    assert_int_equal(uplink_post(u, STR("{}"), token, NULL), 0);
    while (platform_mono_ms() < start_ms + 1200) (void)uplink_sleep(u, NULL, 0, 50);
    uplink_line_changed(u);
    assert_int_equal(uplink_take_reply(u, &r), 0);
    uplink_close(u);
    peer_stop(&peer);
}

/* One at a time ------------------------------------------------------------------------------- */

static void a_second_request_is_busy_until_the_reply_is_taken(void **state)
{
    static const char *const script[] = {"HBR", NULL};
    struct peer peer = {.scripts = script, .reply = YES};
    struct fault why = {0};
    struct uplink_reply r;
    peer_start(&peer);
    struct uplink *u = open_port(peer.port, TIMEOUT_MS);
    assert_int_equal(uplink_take_reply(u, &r), 0);
    assert_int_equal(uplink_post(u, STR("{}"), token, NULL), 0);
    assert_int_equal(uplink_post(u, STR("{}"), token, &why), TILLPOST_E_BUSY);
    assert_int_equal(why.err, TILLPOST_E_BUSY);
    for (int i = 0; i < 20; i++) (void)uplink_sleep(u, NULL, 0, 20);
    assert_int_equal(uplink_post(u, STR("{}"), token, NULL), TILLPOST_E_BUSY);
    assert_int_equal(wait_reply(u).result, UPLINK_ANSWERED);
    assert_int_equal(uplink_take_reply(u, &r), 0);
    peer_stop(&peer);
    uplink_close(u);
}

static void an_abandoned_request_leaves_the_uplink_free(void **state)
{
    static const char *const script[] = {"HBS", NULL};
    struct peer peer = {.scripts = script, .reply = YES};
    struct uplink_reply r;
    peer_start(&peer);
    struct uplink *u = open_port(peer.port, TIMEOUT_MS);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(uplink_post(u, STR("{}"), token, NULL), 0);
        (void)uplink_sleep(u, NULL, 0, 20);
        uplink_abandon(u);
        assert_false(uplink_busy(u));
        assert_int_equal(uplink_take_reply(u, &r), 0);
    }
    assert_int_equal(uplink_post(u, STR("{}"), token, NULL), 0);
    uplink_close(u);
    peer_stop(&peer);
}

static void a_token_that_could_begin_another_header_is_refused(void **state)
{
    static const char *const tokens[] = {"", "a b", "a\r\nX: y", "a\n", "\xc3\xa4", "a\x7f"};
    struct uplink *u = open_url("http://127.0.0.1:9/", NULL, TIMEOUT_MS);
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        struct fault why = {0};
        assert_int_equal(uplink_post(u, STR("{}"), str_from(tokens[i]), &why), TILLPOST_E_CONFIG);
        assert_false(uplink_busy(u));
    }
    assert_int_equal(uplink_post(u, STR("{}"), (struct str){large_body, 5000}, NULL),
                     TILLPOST_E_CONFIG);
    uplink_close(u);
}

/* Options that cannot be ---------------------------------------------------------------------- */

static void options_that_cannot_be_are_refused_in_words(void **state)
{
    static const struct {
        struct uplink_options options;
        const char *words;
    } rows[] = {
        {{.url = "ftp://example.test/"}, "ftp://example.test/"},
        {{.url = "no address"}, "no address"},
        {{.url = "https://example.test/", .proxy = "socks5://u:secret@h:1"}, "the proxy must be"},
        {{.url = "https://example.test/", .proxy = "http://u:secret@:x"}, "the proxy must be"},
        {{.url = "https://example.test/", .proxy = "ftp://u:secret@h:1"}, "the proxy must be"},
        {{.url = "https://example.test/", .ca_file = "/nowhere/ca.pem"}, "/nowhere/ca.pem"},
        {{.url = "https://example.test/", .extra_ca_file = "/nowhere/ca.pem"}, "/nowhere/ca.pem"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fault why = {0};
        struct uplink *u = NULL;
        assert_int_equal(uplink_open(&rows[i].options, &u, &why), TILLPOST_E_CONFIG);
        assert_null(u);
        assert_int_equal(why.err, TILLPOST_E_CONFIG);
        if (!strstr(why.message, rows[i].words)) fail_msg("%s", why.message);
        assert_null(strstr(why.message, "secret"));
    }
}

static void every_trouble_has_a_name_of_its_own(void **state)
{
    for (int i = 0; i <= UPLINK_OTHER; i++) {
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(uplink_trouble_name((enum uplink_trouble)i),
                                    uplink_trouble_name((enum uplink_trouble)j));
        }
    }
    assert_int_equal(strncmp(uplink_version(), "curl ", 5), 0);
}

/* Proxies ------------------------------------------------------------------------------------- */

static const struct {
    const char *sentence;
    const char *script[2];
    const char *tunnel;
    enum uplink_result result;
    enum uplink_trouble trouble;
} proxies[] = {
    {"a tunnel that opens carries the request", {"HTHBR"}, NULL, UPLINK_ANSWERED, UPLINK_FINE},
    {"headers of the proxy are not the server's",
     {"HTHBR"},
     HTTP("200 OK", "Date: then\r\nRetry-After: 9\r\n", ""),
     UPLINK_ANSWERED,
     UPLINK_FINE},
    {"a proxy that wants a password is named so",
     {"HTC"},
     HTTP("407 Who", "Proxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n", ""),
     UPLINK_NOT_SENT,
     UPLINK_PROXY_AUTH},
    {"a proxy that refuses is named so",
     {"HTC"},
     HTTP("403 No", "Content-Length: 0\r\n", ""),
     UPLINK_NOT_SENT,
     UPLINK_PROXY},
    {"a proxy that cannot reach the server is named so",
     {"HTC"},
     HTTP("502 Bad", "Content-Length: 0\r\n", ""),
     UPLINK_NOT_SENT,
     UPLINK_PROXY},
    {"a tunnel that is cut after the body is no answer",
     {"HTHBX"},
     NULL,
     UPLINK_NO_ANSWER,
     UPLINK_RESET},
};

static void a_proxy_has_the_part_of_its_row(void **state)
{
    for (size_t i = 0; i < sizeof proxies / sizeof *proxies; i++) {
        char proxy[64];
        struct peer peer = {
            .scripts = proxies[i].script, .reply = YES, .tunnel = proxies[i].tunnel};
        peer_start(&peer);
        (void)snprintf(proxy, sizeof proxy, "http://me:secret@127.0.0.1:%u", peer.port);
        struct uplink *u = open_url("http://shop.test/track/", proxy, TIMEOUT_MS);
        struct uplink_reply r = post(u, STR("{}"));
        peer_stop(&peer);
        if (r.result != proxies[i].result || r.trouble != proxies[i].trouble) {
            fail_msg("%s: result %d, %s: %s", proxies[i].sentence, (int)r.result,
                     uplink_trouble_name(r.trouble), r.error);
        }
        assert_true(r.via_proxy);
        assert_false(r.has_date || r.has_retry_after);
        assert_null(strstr(r.error, "secret"));
        assert_int_equal(strncmp(peer.connect_head, "CONNECT shop.test:80 HTTP/1.1\r\n", 31), 0);
        assert_non_null(strstr(peer.connect_head, "Proxy-Authorization: Basic bWU6c2VjcmV0\r\n"));
        assert_null(strstr(peer.connect_head, "the-token"));
        uplink_close(u);
    }
}

static void a_proxy_that_is_not_there_is_named_so(void **state)
{
    char proxy[64];
    unsigned short port = 0;
    (void)close(peer_listen(&port, 1));
    (void)snprintf(proxy, sizeof proxy, "127.0.0.1:%u", port);
    struct uplink *u = open_url("http://shop.test/", proxy, TIMEOUT_MS);
    struct uplink_reply r = post(u, STR("{}"));
    assert_int_equal(r.result, UPLINK_NOT_SENT);
    assert_int_equal(r.trouble, UPLINK_PROXY);
    uplink_close(u);
}

static void the_environments_proxy_is_used_but_not_towards_loopback(void **state)
{
    static const char *const script[] = {"HTHBR", NULL}, *const direct[] = {"HBR", NULL};
    char proxy[64];
    struct peer peer = {.scripts = script, .reply = YES};
    peer_start(&peer);
    (void)snprintf(proxy, sizeof proxy, "http://127.0.0.1:%u", peer.port);
    assert_int_equal(setenv("http_proxy", proxy, 1), 0);
    struct uplink *u = open_url("http://shop.test/", NULL, TIMEOUT_MS);
    assert_int_equal(post(u, STR("{}")).result, UPLINK_ANSWERED);
    uplink_close(u);
    peer_stop(&peer);
    peer = (struct peer){.scripts = direct, .reply = YES};
    peer_start(&peer);
    u = open_port(peer.port, TIMEOUT_MS);
    assert_int_equal(post(u, STR("{}")).result, UPLINK_ANSWERED);
    uplink_close(u);
    peer_stop(&peer);
    assert_string_equal(peer.connect_head, "");
    assert_int_equal(unsetenv("http_proxy"), 0);
}

static void no_proxy_exempts_a_host_from_a_configured_proxy(void **state)
{
    unsigned short port = 0;
    char proxy[64];
    (void)close(peer_listen(&port, 1));
    (void)snprintf(proxy, sizeof proxy, "http://127.0.0.1:%u", port);
    assert_int_equal(setenv("NO_PROXY", "shop.invalid", 1), 0);
    struct uplink *u = open_url("http://shop.invalid/", proxy, TIMEOUT_MS);
    assert_int_equal(post(u, STR("{}")).trouble, UPLINK_DNS);
    uplink_close(u);
    assert_int_equal(unsetenv("NO_PROXY"), 0);
}

/* The sleep ----------------------------------------------------------------------------------- */

static void the_sleep_ends_when_a_descriptor_is_ready_or_the_time_is_over(void **state)
{
    struct uplink *u = open_url("http://127.0.0.1:9/", NULL, TIMEOUT_MS);
    int a[2], b[2];
    assert_int_equal(pipe(a), 0);
    assert_int_equal(pipe(b), 0);
    struct uplink_fd fds[] = {{.fd = a[0], .ready = true}, {.fd = b[0]}};
    int64_t start_ms = platform_mono_ms();
    assert_int_equal(uplink_sleep(u, fds, 2, 200), 0);
    assert_in_range(platform_mono_ms() - start_ms, 195, 5000);
    assert_false(fds[0].ready);
    assert_int_equal(write(b[1], "x", 1), 1);
    start_ms = platform_mono_ms();
    assert_int_equal(uplink_sleep(u, fds, 2, 20000), 1);
    assert_true(platform_mono_ms() - start_ms < 10000);
    assert_false(fds[0].ready);
    assert_true(fds[1].ready);
    fds[0] = (struct uplink_fd){.fd = a[1], .want_write = true};
    assert_int_equal(uplink_sleep(u, fds, 2, INT64_MAX), 2);
    assert_int_equal(uplink_sleep(u, fds + 1, 0, -1), 0);
    for (int i = 0; i < 2; i++) {
        (void)close(a[i]);
        (void)close(b[i]);
    }
    uplink_close(u);
}

static void the_sleep_ends_at_once_when_the_reply_is_there(void **state)
{
    static const char *const script[] = {"HBR", NULL};
    struct peer peer = {.scripts = script, .reply = YES};
    struct uplink_reply r;
    peer_start(&peer);
    struct uplink *u = open_port(peer.port, TIMEOUT_MS);
    assert_int_equal(uplink_post(u, STR("{}"), token, NULL), 0);
    const int64_t start_ms = platform_mono_ms();
    for (int i = 0; i < 50 && uplink_take_reply(u, &r) == 0; i++) {
        (void)uplink_sleep(u, NULL, 0, 20000);
    }
    assert_true(platform_mono_ms() - start_ms < 10000);
    uplink_close(u);
    peer_stop(&peer);
}

/* TLS, by nginx ------------------------------------------------------------------------------- */

static const char *const sites[] = {"good",   "other", "untrusted", "expired",
                                    "future", "weak",  "old"};
enum { SITES = sizeof sites / sizeof *sites };
static struct {
    struct certs certs;
    unsigned short ports[SITES];
    pid_t nginx;
} tls;

static void write_nginx_conf(FILE *f, const char *dir)
{
    (void)fprintf(f,
                  "daemon off; master_process off; pid %s/nginx.pid; error_log %s/error.log;\n"
                  "events {}\nhttp { access_log %s/access.log; client_body_temp_path %s/body;\n"
                  "proxy_temp_path %s/p; fastcgi_temp_path %s/f; uwsgi_temp_path %s/u; "
                  "scgi_temp_path %s/s;\n",
                  dir, dir, dir, dir, dir, dir, dir, dir);
    for (size_t i = 0; i < SITES; i++) {
        const bool old = strcmp(sites[i], "old") == 0;
        const char *cert = old ? "good" : sites[i];
        (void)fprintf(f,
                      "server { listen 127.0.0.1:%u ssl; ssl_certificate %s/%s.chain; "
                      "ssl_certificate_key %s/%s.key; ssl_protocols %s; "
                      "ssl_ciphers DEFAULT:@SECLEVEL=0; "
                      "location / { return 200 '$ssl_protocol $ssl_session_reused'; } }\n",
                      tls.ports[i], dir, cert, dir, cert, old ? "TLSv1.1" : "TLSv1.2 TLSv1.3");
    }
    (void)fprintf(f, "}\n");
}

static bool answers(unsigned short port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool yes = connect(fd, (struct sockaddr *)&at, sizeof at) == 0;
    (void)close(fd);
    return yes;
}

static int start_tls(void **state)
{
    certs_make(&tls.certs);
    if (!tls.certs.made) return 0;
    for (size_t i = 0; i < SITES; i++) (void)close(peer_listen(&tls.ports[i], 1));
    FILE *f = fopen(certs_path(&tls.certs, "nginx.conf"), "w");
    assert_non_null(f);
    write_nginx_conf(f, tls.certs.dir);
    assert_int_equal(fclose(f), 0);
    tls.nginx = fork();
    if (tls.nginx == 0) {
        const char *conf = certs_path(&tls.certs, "nginx.conf");
        if (!freopen(certs_path(&tls.certs, "nginx.log"), "w", stderr)) _exit(70);
        (void)execlp("nginx", "nginx", "-c", conf, "-p", tls.certs.dir, (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 100; i++) {
        if (answers(tls.ports[SITES - 1])) return 0;
        if (waitpid(tls.nginx, NULL, WNOHANG) != 0) break;
        (void)poll(NULL, 0, 50);
    }
    print_message("skipped below: TLS, as nginx(8) does not run here\n");
    tls.nginx = 0;
    return 0;
}

static int stop_tls(void **state)
{
    if (tls.nginx > 0) {
        assert_int_equal(kill(tls.nginx, SIGKILL), 0);
        assert_int_equal(waitpid(tls.nginx, NULL, 0), tls.nginx);
    }
    certs_remove(&tls.certs);
    return 0;
}

static int64_t year_ms(int year)
{
    return times_from_civil(year, 7, 1, 0, 0, 0) * 1000;
}

static struct uplink *open_site(const char *site, const char *host, const char *ca,
                                const char *extra)
{
    char url[128];
    unsigned short port = 0;
    for (size_t i = 0; i < SITES; i++) {
        if (strcmp(sites[i], site) == 0) port = tls.ports[i];
    }
    (void)snprintf(url, sizeof url, "https://%s:%u/track/", host, port);
    const struct uplink_options options = {.url = url,
                                           .ca_file = ca ? certs_path(&tls.certs, ca) : NULL,
                                           .extra_ca_file =
                                               extra ? certs_path(&tls.certs, extra) : NULL,
                                           .timeout_ms = TIMEOUT_MS};
    struct uplink *u = NULL;
    struct fault why = {0};
    if (uplink_open(&options, &u, &why) < 0) fail_msg("uplink_open: %s", why.message);
    return u;
}

/* clang-format off */
static const struct {
    const char *sentence;
    const char *site, *host, *ca, *extra;
    int year;       /* 0: no clock is given */
    bool lenient;
    bool own_clock; /* needs curl on mbedTLS */
    enum uplink_trouble trouble;
} verdicts[] = {
    {"a good chain is verified",                        "good",      "localhost", "root.crt",     NULL,       0,    false, false, UPLINK_FINE},
    {"an extra CA is trusted beside the first",         "good",      "localhost", "stranger.crt", "root.crt", 0,    false, false, UPLINK_FINE},
    {"the first CA is trusted beside the extra one",    "good",      "localhost", "root.crt", "stranger.crt", 0,    false, false, UPLINK_FINE},
    {"an extra CA is trusted beside the system's",      "good",      "localhost", NULL,           "root.crt", 0,    false, false, UPLINK_FINE},
    {"a configured CA replaces the system's",           "good",      "localhost", "stranger.crt", NULL,       0,    false, false, UPLINK_CERT_UNTRUSTED},
    {"a chain from an unknown CA is refused",           "untrusted", "localhost", "root.crt",     NULL,       0,    false, false, UPLINK_CERT_UNTRUSTED},
    {"a certificate for another host is refused",       "other",     "localhost", "root.crt",     NULL,       0,    false, false, UPLINK_CERT_HOST},
    {"a certificate for a name is none for an address", "good",      "127.0.0.1", "root.crt",     NULL,       0,    false, false, UPLINK_CERT_HOST},
    {"an expired certificate is refused",               "expired",   "localhost", "root.crt",     NULL,       0,    false, false, UPLINK_CERT_EXPIRED},
    {"a certificate of the future is refused",          "future",    "localhost", "root.crt",     NULL,       0,    false, false, UPLINK_CERT_NOT_YET_VALID},
    {"TLS 1.1 is refused",                              "old",       "localhost", "root.crt",     NULL,       0,    false, false, UPLINK_TLS},
    {"RSA of 1024 bits is refused",                     "weak",      "localhost", "root.crt",     NULL,       2026, false, true,  UPLINK_TLS},
    {"a good chain is good at its time",                "good",      "localhost", "root.crt",     NULL,       2026, false, true,  UPLINK_FINE},
    {"a chain is refused after its end",                "good",      "localhost", "root.crt",     NULL,       2100, false, true,  UPLINK_CERT_EXPIRED},
    {"a chain is refused before its time",              "good",      "localhost", "root.crt",     NULL,       1971, false, true,  UPLINK_CERT_NOT_YET_VALID},
    {"a chain before its time passes a lenient clock",  "good",      "localhost", "root.crt",     NULL,       1971, true,  true,  UPLINK_FINE},
    {"a lenient clock does not waive expiry",           "good",      "localhost", "root.crt",     NULL,       2100, true,  true,  UPLINK_CERT_EXPIRED},
    {"a lenient clock does not waive the host",         "other",     "localhost", "root.crt",     NULL,       1971, true,  true,  UPLINK_CERT_HOST},
    {"a lenient clock does not waive the chain",        "untrusted", "localhost", "root.crt",     NULL,       1971, true,  true,  UPLINK_CERT_UNTRUSTED},
    {"the system's clock is not asked",                 "future",    "localhost", "root.crt",     NULL,       2090, false, true,  UPLINK_FINE},
};
/* clang-format on */

static void a_certificate_is_judged_as_its_row_says(void **state)
{
    unsigned skipped = 0;
    if (tls.nginx <= 0) skip();
    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++) {
        if (verdicts[i].own_clock && !uplink_has_certificate_clock()) {
            skipped++;
            continue;
        }
        struct uplink *u =
            open_site(verdicts[i].site, verdicts[i].host, verdicts[i].ca, verdicts[i].extra);
        if (verdicts[i].year) uplink_set_clock(u, year_ms(verdicts[i].year), verdicts[i].lenient);
        struct uplink_reply r = post(u, STR("{}"));
        bool fine = verdicts[i].trouble == UPLINK_FINE;
        if (r.trouble != verdicts[i].trouble || r.tls_verified != fine ||
            r.result != (fine ? UPLINK_ANSWERED : UPLINK_NOT_SENT)) {
            fail_msg("%s: result %d, %s: %s", verdicts[i].sentence, (int)r.result,
                     uplink_trouble_name(r.trouble), r.error);
        }
        assert_int_equal(fine, r.error[0] == 0);
        uplink_close(u);
    }
    if (skipped)
        print_message("skipped %u rows: %s has no clock of ours\n", skipped, uplink_version());
}

static void who_issued_a_refused_certificate_is_told(void **state)
{
    if (tls.nginx <= 0 || !uplink_has_certificate_clock()) skip();
    struct uplink *u = open_site("untrusted", "localhost", "root.crt", NULL);
    assert_non_null(
        strstr(post(u, STR("{}")).error, "no CA trusted here: CN=tillpost test stranger"));
    uplink_close(u);
}

/* [5] */
static void what_a_lenient_clock_accepted_is_not_kept(void **state)
{
    if (tls.nginx <= 0 || !uplink_has_certificate_clock()) skip();
    struct uplink *u = open_site("good", "localhost", "root.crt", NULL);
    uplink_set_clock(u, year_ms(1971), true);
    assert_int_equal(post(u, STR("{}")).trouble, UPLINK_FINE);
    uplink_set_clock(u, year_ms(1971), false);
    assert_int_equal(post(u, STR("{}")).trouble, UPLINK_CERT_NOT_YET_VALID);
    uplink_close(u);
}

static void a_bundle_that_vanished_is_named(void **state)
{
    if (tls.nginx <= 0) skip();
    assert_int_equal(setenv("SSL_CERT_FILE", "/nowhere/bundle.pem", 1), 0);
    struct uplink *u = open_site("good", "localhost", NULL, NULL);
    struct uplink_reply r = post(u, STR("{}"));
    assert_int_equal(r.result, UPLINK_NOT_SENT);
    assert_int_equal(r.trouble, UPLINK_TLS);
    assert_non_null(strstr(r.error, "/nowhere/bundle.pem"));
    assert_int_equal(setenv("SSL_CERT_FILE", certs_path(&tls.certs, "root.crt"), 1), 0);
    assert_int_equal(post(u, STR("{}")).result, UPLINK_ANSWERED); /* it has been put there */
    assert_int_equal(unsetenv("SSL_CERT_FILE"), 0);
    uplink_close(u);
}

/* curl 8.14 on mbedTLS drops a ticket that arrives between two writes of a long body: short ones. */
static void tls_1_3_is_preferred_and_a_session_is_resumed(void **state)
{
    if (tls.nginx <= 0) skip();
    struct uplink *u = open_site("good", "localhost", "root.crt", NULL);
    for (int i = 0; i < 20; i++) {
        struct uplink_reply r = post(u, STR("{}"));
        assert_int_equal(r.result, UPLINK_ANSWERED);
        assert_true(r.has_date && r.tls_verified);
        if (!str_is(r.body, i < 5 ? "TLSv1.3 ." : "TLSv1.3 r")) fail_msg("%s", r.body.p);
        if (i % 5 == 4) uplink_line_changed(u);
    }
    uplink_close(u);
}

static void a_large_body_goes_through_tls(void **state)
{
    if (tls.nginx <= 0) skip();
    struct uplink *u = open_site("good", "localhost", "root.crt", NULL);
    for (int i = 0; i < 5; i++) {
        if (i % 2) uplink_line_changed(u);
        assert_int_equal(post(u, (struct str){large_body, 1000000}).result, UPLINK_ANSWERED);
    }
    uplink_close(u);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_has_the_fate_of_its_row),
        cmocka_unit_test(the_body_of_an_answer_is_handed_out),
        cmocka_unit_test(a_reply_is_taken_up_to_its_limit_and_not_over),
        cmocka_unit_test(a_request_says_what_it_must_and_no_more),
        cmocka_unit_test(date_and_retry_after_follow_the_table),
        cmocka_unit_test(a_connection_is_used_again),
        cmocka_unit_test(after_a_change_of_the_line_a_new_connection_is_made),
        cmocka_unit_test(a_kept_connection_that_died_is_replaced),
        cmocka_unit_test(a_body_that_went_out_before_curl_starts_over_is_no_answer),
        cmocka_unit_test(a_held_body_leaves_when_it_is_released_and_not_before),
        cmocka_unit_test(a_body_that_is_held_to_the_end_is_not_sent),
        cmocka_unit_test(a_port_that_refuses_is_not_sent),
        cmocka_unit_test(a_name_that_does_not_resolve_is_named_so),
        cmocka_unit_test(connecting_gets_half_the_time_at_most),
        cmocka_unit_test(a_line_that_changes_ends_a_connect_that_is_stuck),
        cmocka_unit_test(a_line_that_changes_leaves_a_request_alone_whose_body_went_out),
        cmocka_unit_test(a_second_request_is_busy_until_the_reply_is_taken),
        cmocka_unit_test(an_abandoned_request_leaves_the_uplink_free),
        cmocka_unit_test(a_token_that_could_begin_another_header_is_refused),
        cmocka_unit_test(options_that_cannot_be_are_refused_in_words),
        cmocka_unit_test(every_trouble_has_a_name_of_its_own),
        cmocka_unit_test(a_proxy_has_the_part_of_its_row),
        cmocka_unit_test(a_proxy_that_is_not_there_is_named_so),
        cmocka_unit_test(the_environments_proxy_is_used_but_not_towards_loopback),
        cmocka_unit_test(no_proxy_exempts_a_host_from_a_configured_proxy),
        cmocka_unit_test(the_sleep_ends_when_a_descriptor_is_ready_or_the_time_is_over),
        cmocka_unit_test(the_sleep_ends_at_once_when_the_reply_is_there),
        cmocka_unit_test(a_certificate_is_judged_as_its_row_says),
        cmocka_unit_test(who_issued_a_refused_certificate_is_told),
        cmocka_unit_test(what_a_lenient_clock_accepted_is_not_kept),
        cmocka_unit_test(a_bundle_that_vanished_is_named),
        cmocka_unit_test(tls_1_3_is_preferred_and_a_session_is_resumed),
        cmocka_unit_test(a_large_body_goes_through_tls),
    };
    return cmocka_run_group_tests(tests, start_tls, stop_tls);
}
