#include "tillpost/client.h"

#include "peer.h"
#include "platform/platform.h"

#include <signal.h>
#include <sys/un.h>

enum { LONG_MS = 20000, SHORT_MS = 300, SLACK_MS = 5000 };

static char dir[TESTING_PATH_BYTES], path[TESTING_PATH_BYTES + 16];
static const char call[] = "{\"event\":\"Order Completed\",\"messageId\":\"m-1\"}";
static const char no_id[] = "{\"event\":\"Order Completed\",\"context\":{\"messageId\":\"m-1\"}}";

static int listen_here(int backlog)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    assert_in_range(strlen(path), 1, sizeof at.sun_path - 1);
    memcpy(at.sun_path, path, strlen(path));
    (void)unlink(path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, backlog), 0);
    return fd;
}

static int setup(void **state)
{
    (void)state;
    testing_scratch(dir);
    (void)snprintf(path, sizeof path, "%s/s", dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return testing_scratch_remove(dir);
}

/* A reply as the agent writes it. */
static const char *reply(int status, const char *body)
{
    static char text[2048];
    (void)snprintf(
        text, sizeof text,
        "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", status,
        strlen(body), body);
    return text;
}

static int track(struct tillpost *t, const char *json, int timeout_ms,
                 struct tillpost_answer *answer)
{
    return tillpost_track(t, json, strlen(json), timeout_ms, answer);
}

/* clang-format off */
static const struct {
    int status;
    const char *body;
    int result, again;
    const char *event_id, *path, *message;
} answers[] = {
    {200, "{\"success\":true,\"status\":\"queued\",\"event_ids\":[\"m-1\"]}",
     TILLPOST_QUEUED, 0, "m-1", "", ""},
    {200, "{\"success\":true,\"status\":\"duplicate\",\"event_ids\":[\"m-1\"]}",
     TILLPOST_DUPLICATE, 0, "m-1", "", ""},
    {200, "{\"success\":true,\"status\":\"ignored\",\"reason\":\"no_mapping\"}",
     TILLPOST_IGNORED, 0, "", "", ""},
    {422, "{\"success\":false,\"code\":\"bad_number\",\"path\":\"properties.value\",\"message\":\"say\"}",
     TILLPOST_E_BAD_NUMBER, 0, "", "properties.value", "say"},
    {403, "{\"success\":false,\"code\":\"forbidden\",\"message\":\"no\"}",
     TILLPOST_E_FORBIDDEN, 0, "", "", "no"},
    {503, "{\"success\":false,\"code\":\"storage_error\",\"message\":\"later\"}",
     TILLPOST_E_STORAGE, 1, "", "", "later"},
    {503, "{\"success\":false,\"code\":\"busy\",\"message\":\"later\"}",
     TILLPOST_E_BUSY, 1, "", "", "later"},
    {507, "{\"success\":false,\"code\":\"queue_full\",\"message\":\"later\"}",
     TILLPOST_E_QUEUE_FULL, 1, "", "", "later"},
    /* What is not understood is no promise. */
    {200, "{\"success\":true,\"status\":\"stored\"}", TILLPOST_E_NETWORK, 1, "", "", ""},
    {200, "{\"success\":true,\"code\":\"queued\"}",   TILLPOST_E_NETWORK, 1, "", "", ""},
    {200, "<html>queued</html>",                      TILLPOST_E_NETWORK, 1, "", "", ""},
    {200, "",                                         TILLPOST_E_NETWORK, 1, "", "", ""},
    {202, "{\"success\":true,\"status\":\"queued\"}", TILLPOST_E_NETWORK, 1, "", "", ""},
    {500, "{\"success\":false,\"code\":\"strange\"}", TILLPOST_E_NETWORK, 1, "", "", ""},
};
/* clang-format on */

static void only_the_agents_clear_word_is_a_promise(void **state)
{
    (void)state;
    static const char *const script[] = {"HBRC", NULL};
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct tillpost_answer a;
        struct peer p = {.scripts = script, .reply = reply(answers[i].status, answers[i].body)};
        peer_start_on(&p, listen_here(4));
        struct tillpost *t = tillpost_open(path);
        int rc = track(t, call, LONG_MS, &a);
        tillpost_close(t);
        peer_stop(&p);
        if (rc != answers[i].result || tillpost_again(rc) != answers[i].again ||
            a.http != answers[i].status || strcmp(a.event_id, answers[i].event_id) != 0 ||
            strcmp(a.path, answers[i].path) != 0 || strcmp(a.message, answers[i].message) != 0)
            fail_msg("row %zu: %s", i, tillpost_result_text(rc));
        assert_int_equal(p.body_bytes, strlen(call));
        assert_non_null(strstr(p.head, "POST /v1/track HTTP/1.1\r\n"));
    }
}

static void each_result_has_its_word(void **state)
{
    (void)state;
    assert_string_equal(tillpost_result_text(TILLPOST_QUEUED), "queued");
    assert_string_equal(tillpost_result_text(TILLPOST_IGNORED), "ignored");
    assert_string_equal(tillpost_result_text(TILLPOST_E_MISSING_PII), "missing_pii");
    assert_string_equal(tillpost_result_text(99), "unknown");
    assert_string_equal(tillpost_result_text(-9999), "internal");
    assert_int_equal(tillpost_client_abi(), TILLPOST_CLIENT_ABI);
    assert_int_equal(tillpost_again(TILLPOST_QUEUED), 0);
    assert_int_equal(tillpost_again(TILLPOST_E_UNAVAILABLE), 1);
}

/* Whatever the other end does, the call comes back in time. */
static void no_call_takes_longer_than_it_may(void **state)
{
    (void)state;
    static const char *const scripts[][2] = {
        {"S", NULL}, {"HS", NULL}, {"HBS", NULL}, {"HBrS", NULL}, {"HBd", NULL}};
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        struct peer p = {.scripts = scripts[i],
                         .reply = reply(200, "{\"status\":\"queued\",\"event_ids\":[\"m-1\"]}")};
        peer_start_on(&p, listen_here(4));
        struct tillpost *t = tillpost_open(path);
        int64_t from_ms = platform_mono_ms();
        assert_int_equal(track(t, call, SHORT_MS, NULL), TILLPOST_E_NETWORK);
        int64_t took_ms = platform_mono_ms() - from_ms;
        if (took_ms < SHORT_MS - 1 || took_ms > SHORT_MS + SLACK_MS)
            fail_msg("row %zu took %lld ms", i, (long long)took_ms);
        tillpost_close(t);
        peer_stop(&p);
    }
}

static void a_full_backlog_is_waited_for_no_longer_than_asked(void **state)
{
    (void)state;
    int fd = listen_here(0), waiting[64], n = 0;
    while (n < 64 && (waiting[n] = platform_connect_unix(path)) >= 0) n++;
    assert_in_range(n, 1, 63);
    assert_int_equal(waiting[n], TILLPOST_E_BUSY);
    struct tillpost *t = tillpost_open(path);
    int64_t from_ms = platform_mono_ms();
    assert_int_equal(track(t, call, SHORT_MS, NULL), TILLPOST_E_NETWORK);
    assert_in_range(platform_mono_ms() - from_ms, SHORT_MS - 1, SHORT_MS + SLACK_MS);
    tillpost_close(t);
    while (n > 0) close(waiting[--n]);
    close(fd);
}

static void an_agent_that_does_not_run_is_said_at_once(void **state)
{
    (void)state;
    char long_path[300];
    struct tillpost_answer a;
    struct tillpost *t = tillpost_open(path);
    assert_int_equal(track(t, call, LONG_MS, &a), TILLPOST_E_UNAVAILABLE);
    assert_int_equal(a.http, 0);
    tillpost_close(t);
    close(listen_here(1)); /* a stale socket */
    t = tillpost_open(path);
    assert_int_equal(track(t, call, LONG_MS, NULL), TILLPOST_E_UNAVAILABLE);
    tillpost_close(t);
    memset(long_path, 'x', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = 0;
    t = tillpost_open(long_path);
    assert_int_equal(track(t, call, LONG_MS, NULL), TILLPOST_E_CONFIG);
    tillpost_close(t);
    tillpost_close(NULL);
}

static void a_restarted_agent_is_found_again(void **state)
{
    (void)state;
    static const char *const scripts[] = {"HBRC", "HBRHBRC", NULL};
    struct peer p = {.scripts = scripts,
                     .reply = reply(200, "{\"status\":\"queued\",\"event_ids\":[\"m-1\"]}")};
    peer_start_on(&p, listen_here(4));
    struct tillpost *t = tillpost_open(path);
    /* no_id: nothing may be sent twice, so the end must be seen before anything is sent. */
    for (int i = 0; i < 3; i++) {
        assert_int_equal(track(t, no_id, LONG_MS, NULL), TILLPOST_QUEUED);
        if (i == 0) usleep(100 * 1000);
    }
    tillpost_close(t);
    peer_stop(&p);
    assert_int_equal(p.connections, 2);
    assert_int_equal(p.requests, 3);
}

/* The agent dies with the second call in its hands: only what has an id may go out twice. */
static void a_call_without_an_id_is_never_sent_twice(void **state)
{
    (void)state;
    static const char *const scripts[] = {"HBRHBC", "HBRC", NULL};
    for (int with_id = 0; with_id < 2; with_id++) {
        struct peer p = {.scripts = scripts,
                         .reply = reply(200, "{\"status\":\"queued\",\"event_ids\":[\"m-1\"]}")};
        peer_start_on(&p, listen_here(4));
        struct tillpost *t = tillpost_open(path);
        const char *json = with_id ? call : no_id;
        assert_int_equal(track(t, json, LONG_MS, NULL), TILLPOST_QUEUED);
        assert_int_equal(track(t, json, LONG_MS, NULL),
                         with_id ? TILLPOST_QUEUED : TILLPOST_E_NETWORK);
        tillpost_close(t);
        peer_stop(&p);
        assert_int_equal(p.requests, with_id ? 3 : 2);
    }
}

static void the_socket_of_the_environment_is_the_default(void **state)
{
    (void)state;
    static const char *const script[] = {"HBRC", NULL};
    struct peer p = {.scripts = script, .reply = reply(200, "{\"status\":\"duplicate\"}")};
    peer_start_on(&p, listen_here(4));
    assert_int_equal(setenv("TILLPOST_SOCKET", path, 1), 0);
    struct tillpost *t = tillpost_open(NULL);
    assert_int_equal(unsetenv("TILLPOST_SOCKET"), 0);
    assert_int_equal(track(t, call, LONG_MS, NULL), TILLPOST_DUPLICATE);
    tillpost_close(t);
    peer_stop(&p);
}

static void each_type_has_its_route_and_others_are_refused(void **state)
{
    (void)state;
    static const char *const script[] = {"HBRC", NULL};
    static const char *const types[] = {"track", "page", "screen", "identify", "group", "alias"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        char line[64];
        struct peer p = {.scripts = script, .reply = reply(200, "{\"status\":\"ignored\"}")};
        peer_start_on(&p, listen_here(4));
        struct tillpost *t = tillpost_open(path);
        assert_int_equal(tillpost_call(t, types[i], call, sizeof call - 1, LONG_MS, NULL),
                         TILLPOST_IGNORED);
        assert_int_equal(tillpost_call(t, "Track", call, sizeof call - 1, LONG_MS, NULL),
                         TILLPOST_E_USAGE);
        tillpost_close(t);
        peer_stop(&p);
        (void)snprintf(line, sizeof line, "POST /v1/%s HTTP/1.1\r\n", types[i]);
        assert_non_null(strstr(p.head, line));
        assert_int_equal(p.requests, 1);
    }
    assert_int_equal(tillpost_track(NULL, call, 1, 1, NULL), TILLPOST_E_USAGE);
}

static void an_event_is_sent_as_it_was_built(void **state)
{
    (void)state;
    static const char *const script[] = {"HBRHBRC", NULL};
    size_t bytes = 0;
    struct tillpost_answer a;
    struct peer p = {.scripts = script,
                     .reply = reply(200, "{\"status\":\"queued\",\"event_ids\":[\"m-1\"]}")};
    peer_start_on(&p, listen_here(4));
    struct tillpost *t = tillpost_open(path);
    struct tillpost_event *e = tillpost_event_new("Order Completed");
    assert_non_null(tillpost_event_json(e, &bytes, NULL));
    assert_int_equal(tillpost_event_send(t, e, LONG_MS, &a), TILLPOST_QUEUED);
    assert_string_equal(a.event_id, "m-1");
    assert_int_equal(tillpost_event_send(t, e, LONG_MS, NULL), TILLPOST_QUEUED);
    assert_int_equal(tillpost_event_set(e, TILLPOST_EMAIL, "\xFF"), TILLPOST_E_BAD_FIELD);
    assert_int_equal(tillpost_event_send(t, e, LONG_MS, &a), TILLPOST_E_BAD_FIELD);
    assert_int_equal(a.http, 0);
    tillpost_event_free(e);
    tillpost_close(t);
    peer_stop(&p);
    assert_int_equal(p.requests, 2);
    assert_int_equal(p.body_bytes, bytes);
}

struct caller {
    struct tillpost *t;
    int timeout_ms, result;
    pthread_t thread;
};

static void *call_once(void *ctx)
{
    struct caller *c = ctx;
    c->result = track(c->t, call, c->timeout_ms, NULL);
    return NULL;
}

static void one_handle_serves_threads_one_after_the_other(void **state)
{
    (void)state;
    static const char *const script[] = {"HBRHBRHBRHBRHBRHBRHBRHBRC", NULL};
    struct caller callers[8];
    struct peer p = {.scripts = script,
                     .reply = reply(200, "{\"status\":\"queued\",\"event_ids\":[\"m-1\"]}")};
    peer_start_on(&p, listen_here(4));
    struct tillpost *t = tillpost_open(path);
    for (size_t i = 0; i < 8; i++) {
        callers[i] = (struct caller){.t = t, .timeout_ms = LONG_MS, .result = -1};
        assert_int_equal(pthread_create(&callers[i].thread, NULL, call_once, &callers[i]), 0);
    }
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(pthread_join(callers[i].thread, NULL), 0);
        assert_int_equal(callers[i].result, TILLPOST_QUEUED);
    }
    tillpost_close(t);
    peer_stop(&p);
    assert_int_equal(p.connections, 1);
}

static void a_thread_does_not_wait_for_another_longer_than_asked(void **state)
{
    (void)state;
    static const char *const script[] = {"HBS", NULL};
    struct peer p = {.scripts = script, .reply = ""};
    peer_start_on(&p, listen_here(4));
    struct tillpost *t = tillpost_open(path);
    struct caller slow = {.t = t, .timeout_ms = 4 * SHORT_MS};
    assert_int_equal(pthread_create(&slow.thread, NULL, call_once, &slow), 0);
    usleep(SHORT_MS * 1000);
    assert_int_equal(track(t, call, SHORT_MS, NULL), TILLPOST_E_BUSY);
    assert_int_equal(pthread_join(slow.thread, NULL), 0);
    assert_int_equal(slow.result, TILLPOST_E_NETWORK);
    tillpost_close(t);
    peer_stop(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_agents_clear_word_is_a_promise),
        cmocka_unit_test(each_result_has_its_word),
        cmocka_unit_test(no_call_takes_longer_than_it_may),
        cmocka_unit_test(a_full_backlog_is_waited_for_no_longer_than_asked),
        cmocka_unit_test(an_agent_that_does_not_run_is_said_at_once),
        cmocka_unit_test(a_restarted_agent_is_found_again),
        cmocka_unit_test(a_call_without_an_id_is_never_sent_twice),
        cmocka_unit_test(the_socket_of_the_environment_is_the_default),
        cmocka_unit_test(each_type_has_its_route_and_others_are_refused),
        cmocka_unit_test(an_event_is_sent_as_it_was_built),
        cmocka_unit_test(one_handle_serves_threads_one_after_the_other),
        cmocka_unit_test(a_thread_does_not_wait_for_another_longer_than_asked),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
