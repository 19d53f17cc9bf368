/* doors_test.c: who comes in, how many, and what they are told who do not. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "api_world.h"
#include "tillpost/err.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define GET "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"

enum { NOBODY = 65534, MANY = API_CONNECTIONS_MAX };

static struct world world;

static int open_world(void **state)
{
    world_open(&world, true);
    return 0;
}

static int close_world(void **state)
{
    world_close(&world);
    return 0;
}

static struct api_counters counters(void)
{
    struct api_counters n;
    api_counters(world.api, &n);
    return n;
}

/* --- how many --- */

static void the_65th_connection_of_a_listener_is_told_at_once(void **state)
{
    for (int door = WORLD_UNIX; door <= WORLD_TCP; door++) {
        int fds[MANY];
        for (int i = 0; i < MANY; i++) fds[i] = world_connect(&world, (enum world_door)door);
        world_turn(&world, 0);
        assert_int_equal(counters().connections, MANY);
        /* It gets its answer even when it sends its request only afterwards. */
        int late = world_connect(&world, (enum world_door)door);
        world_turn(&world, 0);
        assert_true(send(late, GET, strlen(GET), MSG_NOSIGNAL) > 0);
        assert_false(world_read(&world, late, true));
        assert_int_equal(world_status(world.text), 503);
        assert_non_null(strstr(world.text, "Retry-After: 1\r\n"));
        assert_non_null(strstr(world.text, "Content-Type: application/json\r\n"));
        assert_non_null(strstr(world.text, "\"code\":\"busy\""));
        close(late);
        /* The other listener has its own 64. */
        assert_int_equal(world_talk(&world, WORLD_UNIX + WORLD_TCP - (enum world_door)door, GET),
                         door == WORLD_TCP ? 200 : 403);
        /* One leaves: the next one gets in. */
        close(fds[0]);
        world_turn(&world, 0);
        fds[0] = world_connect(&world, (enum world_door)door);
        world_turn(&world, 0);
        assert_int_equal(counters().connections, MANY);
        for (int i = 0; i < MANY; i++) close(fds[i]);
        world_turn(&world, 0);
        assert_int_equal(counters().connections, 0);
    }
    assert_int_equal(counters().refused_limit, 2);
}

static void a_thousand_stalled_connections_delay_nobody(void **state)
{
    enum { STALLED = 1000 };
    static int fds[STALLED];
    size_t before = world_open_fds();
    for (int i = 0; i < STALLED; i++) {
        fds[i] = world_connect(&world, WORLD_UNIX);
        if (i % 2) (void)send(fds[i], "GET / HTTP/1.1\r\n", 16, MSG_NOSIGNAL);
        if (i % 100 == 99) world_turn(&world, 0);
    }
    assert_int_equal(world_talk(&world, WORLD_TCP, GET), 403); /* its Host is no loopback name */
    assert_int_equal(world_talk(&world, WORLD_UNIX, GET), 503);
    assert_in_range(world_open_fds() - before, STALLED, STALLED + MANY + 33);
    world_turn(&world, API_HEADER_MAX_MS);
    assert_int_equal(world_talk(&world, WORLD_UNIX, GET), 200);
    for (int i = 0; i < STALLED; i++) close(fds[i]);
    world_turn(&world, 0);
    assert_int_equal(counters().connections, 0);
    assert_int_equal(world_open_fds(), before);
}

static void who_is_turned_away_has_half_a_second_to_read(void **state)
{
    int fds[MANY];
    for (int i = 0; i < MANY; i++) fds[i] = world_connect(&world, WORLD_UNIX);
    world_turn(&world, 0);
    size_t before = world_open_fds();
    int late = world_connect(&world, WORLD_UNIX);
    world_turn(&world, 0);
    assert_int_equal(world_open_fds(), before + 2);
    assert_int_equal(api_timeout_ms(world.api), 500);
    world_turn(&world, 499);
    assert_int_equal(world_open_fds(), before + 2);
    world_turn(&world, 1);
    assert_int_equal(world_open_fds(), before + 1);
    close(late);
    for (int i = 0; i < MANY; i++) close(fds[i]);
}

static void without_descriptors_it_waits_and_recovers(void **state)
{
    struct rlimit was, few;
    int first = world_connect(&world, WORLD_UNIX), second = world_connect(&world, WORLD_UNIX);
    int fds[4];
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
    few = was;
    few.rlim_cur = (rlim_t)second + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    world_turn(&world, 0);
    assert_int_equal(counters().connections, 0);
    /* The full listener is not looked at, or the loop would spin. */
    assert_int_equal(api_fds(world.api, fds, 4), 2);
    assert_in_range(api_timeout_ms(world.api), 1, 200);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
    world_turn(&world, 199);
    assert_int_equal(counters().connections, 0);
    world_turn(&world, 1);
    assert_int_equal(counters().connections, 2);
    assert_int_equal(api_fds(world.api, fds, 4), 3);
    close(first);
    close(second);
}

/* --- who --- */

/* The status that a request of this user and group gets. */
static int status_for(unsigned uid, unsigned gid)
{
    int out[2], status = 0;
    assert_int_equal(pipe(out), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char text[1024];
        struct sockaddr_un at = {.sun_family = AF_UNIX};
        memcpy(at.sun_path, world.socket, strlen(world.socket) + 1);
        if (setgroups(0, NULL) != 0 || setgid(gid) != 0 || setuid(uid) != 0) _exit(1);
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        if (connect(fd, (struct sockaddr *)&at, sizeof at) != 0) _exit(2);
        if (send(fd, GET, strlen(GET), MSG_NOSIGNAL) < 0) _exit(3);
        ssize_t n = recv(fd, text, sizeof text - 1, 0);
        if (n > 0) n = write(out[1], text, (size_t)n);
        _exit(0);
    }
    close(out[1]);
    int ended;
    while (waitpid(child, &ended, WNOHANG) == 0) {
        world_turn(&world, 1);
        usleep(500);
    }
    ssize_t n = read(out[0], world.text, sizeof world.text - 1);
    close(out[0]);
    world.text[n > 0 ? n : 0] = '\0';
    status = ended == 0 ? world_status(world.text) : -ended;
    return status;
}

static void only_those_who_may_use_the_socket_are_heard(void **state)
{
    struct fault why;
    if (geteuid() != 0) {
        print_message("skipped: becoming another user needs root\n");
        skip();
    }
    const struct group *g = getgrnam("daemon");
    assert_non_null(g);
    const unsigned daemon_gid = g->gr_gid;
    assert_int_equal(chmod(world.socket, 0666), 0); /* whatever the mode has become */
    assert_int_equal(status_for(0, 0), 200);
    assert_int_equal(status_for(NOBODY, NOBODY), 403);
    assert_non_null(strstr(world.text, "\"code\":\"forbidden\""));
    assert_int_equal(counters().refused_peer, 1);
    assert_int_equal(status_for(NOBODY, daemon_gid), 403);
    static const char *const users[] = {"nobody"};
    world.options.allow_users = users;
    world.options.allow_user_count = 1;
    assert_int_equal(api_reload(world.api, &world.options, &why), 0);
    assert_int_equal(status_for(NOBODY, NOBODY), 200);
    assert_int_equal(status_for(12345, NOBODY), 403);
    world.options.allow_user_count = 0;
    world.options.socket_group = "daemon";
    assert_int_equal(api_reload(world.api, &world.options, &why), 0);
    assert_int_equal(status_for(NOBODY, NOBODY), 403);
    assert_int_equal(status_for(NOBODY, daemon_gid), 200);
    assert_int_equal(status_for(12345, daemon_gid), 200);
}

static void the_agents_own_user_is_heard(void **state)
{
    if (geteuid() != 0) {
        print_message("skipped: becoming another user needs root\n");
        skip();
    }
    assert_int_equal(chmod(world.socket, 0666), 0);
    assert_int_equal(seteuid(NOBODY), 0);
    world_turn(&world, 0);
    int fd = world_connect(&world, WORLD_UNIX);
    assert_true(world_send(&world, fd, GET, strlen(GET)));
    (void)world_read(&world, fd, true);
    close(fd);
    int status = world_status(world.text);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(status, 200);
}

/* --- TCP --- */

static int tcp(const char *request_line, const char *fields)
{
    char text[2048];
    snprintf(text, sizeof text, "%s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n%s\r\n", request_line,
             world.port, fields);
    return world_talk(&world, WORLD_TCP, text);
}

#define TOKEN  "Authorization: Bearer " WORLD_TOKEN "\r\n"
#define ORIGIN "Origin: https://till.example\r\n"

static void over_tcp_a_token_is_needed(void **state)
{
    assert_int_equal(tcp("GET /healthz", ""), 200);
    assert_non_null(strstr(world.text, "\"tcp\":1"));
    assert_int_equal(tcp("GET /v1/events", ""), 401);
    assert_non_null(strstr(world.text, "WWW-Authenticate: Basic realm=\"tillpost\"\r\n"));
    assert_int_equal(tcp("GET /v1/events", TOKEN), 200);
    assert_int_equal(tcp("GET /v1/events", "Authorization: Bearer wrong\r\n"), 401);
    assert_int_equal(tcp("POST /v1/erase", TOKEN), 403);
    assert_int_equal(counters().refused_token, 2);
}

static void a_preflight_of_an_allowed_origin_is_answered(void **state)
{
    static const char *const fields[] = {
        "Access-Control-Allow-Origin: https://till.example\r\n",
        "Vary: Origin\r\n",
        "Access-Control-Allow-Methods: GET, HEAD, POST\r\n",
        "Access-Control-Allow-Headers: authorization, content-type, content-encoding\r\n",
        "Access-Control-Max-Age: ",
        "Access-Control-Allow-Private-Network: true\r\n",
        "Access-Control-Allow-Local-Network: true\r\n",
    };
    assert_int_equal(tcp("OPTIONS /v1/track",
                         ORIGIN "Access-Control-Request-Method: POST\r\n"
                                "Access-Control-Request-Private-Network: true\r\n"
                                "Access-Control-Request-Local-Network: true\r\n"),
                     204);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        assert_non_null(strstr(world.text, fields[i]));
    assert_int_equal(tcp("OPTIONS /v1/track", ORIGIN "Access-Control-Request-Method: POST\r\n"),
                     204);
    assert_null(strstr(world.text, "-Network"));
}

static void an_allowed_page_can_read_answers_and_refusals(void **state)
{
    assert_int_equal(tcp("GET /v1/events", TOKEN ORIGIN), 200);
    assert_non_null(strstr(world.text, "Access-Control-Allow-Origin: https://till.example\r\n"));
    assert_int_equal(tcp("GET /v1/events", ORIGIN), 401);
    assert_non_null(strstr(world.text, "Access-Control-Allow-Origin: https://till.example\r\n"));
    /* Refused before its body: past libmicrohttpd. */
    assert_int_equal(tcp("POST /v1/track", TOKEN ORIGIN "Content-Length: 2\r\n"), 415);
    assert_non_null(strstr(world.text, "Access-Control-Allow-Origin: https://till.example\r\n"));
    assert_int_equal(tcp("GET /v1/events", TOKEN "Origin: https://evil.example\r\n"), 403);
    assert_null(strstr(world.text, "Access-Control"));
    assert_int_equal(tcp("GET /v1/events", TOKEN), 200);
    assert_null(strstr(world.text, "Access-Control"));
}

static void a_reload_changes_tokens_and_origins_and_a_broken_one_nothing(void **state)
{
    struct fault why;
    static const char *const tokens[] = {"fresh"};
    static const char *const users[] = {"no-such-user-here"};
    int kept = world_connect(&world, WORLD_UNIX);
    world.options.tokens = tokens;
    world.options.token_count = 1;
    world.options.allow_origin_count = 0;
    world.options.allow_users = users;
    world.options.allow_user_count = 1;
    assert_int_equal(api_reload(world.api, &world.options, &why), TILLPOST_E_CONFIG);
    assert_non_null(strstr(why.message, "no-such-user-here"));
    assert_int_equal(tcp("GET /v1/events", TOKEN ORIGIN), 200);
    world.options.allow_user_count = 0;
    assert_int_equal(api_reload(world.api, &world.options, &why), 0);
    assert_int_equal(tcp("GET /v1/events", TOKEN), 401);
    assert_int_equal(tcp("GET /v1/events", "Authorization: Bearer fresh\r\n"), 200);
    assert_int_equal(tcp("GET /v1/events", "Authorization: Bearer fresh\r\n" ORIGIN), 403);
    assert_true(world_send(&world, kept, GET, strlen(GET)));
    assert_true(world_read(&world, kept, true));
    assert_int_equal(world_status(world.text), 200);
    close(kept);
}

/* --- opening and closing --- */

static void the_socket_has_its_mode_and_goes_with_the_api(void **state)
{
    struct stat st;
    struct fault why;
    assert_int_equal(stat(world.socket, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0660);
    api_close(world.api);
    assert_int_equal(stat(world.socket, &st), -1);
    assert_int_equal(api_open(&world.options, &world.api, &why), 0);
    /* Not when another has put its own there. */
    assert_int_equal(unlink(world.socket), 0);
    int fd = open(world.socket, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
    api_close(world.api);
    assert_int_equal(stat(world.socket, &st), 0);
    world.api = NULL;
}

static void a_second_agent_is_refused_and_the_first_goes_on(void **state)
{
    struct api *second;
    struct fault why;
    struct api_options options = world.options;
    options.http = NULL;
    assert_int_equal(api_open(&options, &second, &why), TILLPOST_E_LOCKED);
    assert_null(second);
    assert_non_null(strstr(why.message, world.socket));
    assert_int_equal(world_talk(&world, WORLD_UNIX, GET), 200);
}

/* clang-format off */
static const struct broken {
    const char *http;
    bool token;
    const char *group;
    int err;
    const char *path; /* of the fault */
} broken[] = {
    {"0.0.0.0:0",      true,  NULL, TILLPOST_E_CONFIG, "listen.http"},
    {"[::]:0",         true,  NULL, TILLPOST_E_CONFIG, "listen.http"},
    {"localhost:7390", true,  NULL, TILLPOST_E_CONFIG, "listen.http"},
    {"127.0.0.1",      true,  NULL, TILLPOST_E_CONFIG, "listen.http"},
    {"127.0.0.1:",     true,  NULL, TILLPOST_E_CONFIG, "listen.http"},
    {"127.0.0.1:99999", true, NULL, TILLPOST_E_CONFIG, "listen.http"},
    {":7390",          true,  NULL, TILLPOST_E_CONFIG, "listen.http"},
    {"127.0.0.1:0",    false, NULL, TILLPOST_E_CONFIG, "listen.token_file"},
    {NULL,             true,  "no-such-group-here", TILLPOST_E_CONFIG, "listen.socket_group"},
};
/* clang-format on */

static void broken_options_open_nothing(void **state)
{
    size_t before = world_open_fds();
    struct api_options options = world.options;
    char path[128];
    snprintf(path, sizeof path, "%s/other.sock", world.dir);
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct api *a;
        struct fault why = {0};
        options.socket = path;
        options.http = broken[i].http;
        options.token_count = broken[i].token;
        options.socket_group = broken[i].group;
        int rc = api_open(&options, &a, &why);
        if (rc != broken[i].err) print_message("row %zu: %s\n", i, why.message);
        assert_int_equal(rc, broken[i].err);
        assert_int_equal(why.err, rc);
        assert_string_equal(why.path, broken[i].path);
        assert_null(a);
        assert_int_equal(access(path, F_OK), -1);
    }
    assert_int_equal(world_open_fds(), before);
}

/* In a child, as the service manager would start us. */
static int inherit(void)
{
    char text[32];
    struct api *a;
    struct fault why = {0};
    struct sockaddr_in at = {.sin_family = AF_INET};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    snprintf(un.sun_path, sizeof un.sun_path, "%s/given", world.dir);
    int fds[2] = {socket(AF_UNIX, SOCK_STREAM, 0), socket(AF_INET, SOCK_STREAM, 0)};
    if (bind(fds[0], (struct sockaddr *)&un, sizeof un) != 0 || listen(fds[0], 8) != 0) return 1;
    if (bind(fds[1], (struct sockaddr *)&at, sizeof at) != 0 || listen(fds[1], 8) != 0) return 2;
    for (int i = 0; i < 2; i++) fds[i] = fcntl(fds[i], F_DUPFD, 200);
    for (int i = 0; i < 2; i++) dup2(fds[i], 3 + i);
    snprintf(text, sizeof text, "%ld", (long)getpid());
    setenv("LISTEN_PID", text, 1);
    setenv("LISTEN_FDS", "2", 1);
    socklen_t len = sizeof at;
    if (getsockname(4, (struct sockaddr *)&at, &len) != 0) return 3;
    struct api_options options = world.options;
    options.http = NULL; /* a TCP socket that has no setting is not opened without a token */
    if (api_open(&options, &a, &why) != TILLPOST_E_CONFIG) return 4;
    for (int i = 0; i < 2; i++) dup2(fds[i], 3 + i); /* it has closed what it was given */
    options.http = "127.0.0.1:1";
    if (api_open(&options, &a, &why) != 0) return 5;
    world.api = a;
    world.port = ntohs(at.sin_port);
    memcpy(world.socket, un.sun_path, strlen(un.sun_path) + 1);
    if (world_talk(&world, WORLD_UNIX, GET) != 200) return 6;
    if (tcp("GET /healthz", "") != 200) return 7;
    api_close(a);
    return access(un.sun_path, F_OK) == 0 ? 0 : 8; /* it is the service manager's */
}

static void sockets_of_the_service_manager_are_used(void **state)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) _exit(inherit());
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    char given[128];
    snprintf(given, sizeof given, "%s/given", world.dir);
    unlink(given);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
    const struct CMUnitTest tests[] = {
        TEST(the_65th_connection_of_a_listener_is_told_at_once),
        TEST(a_thousand_stalled_connections_delay_nobody),
        TEST(who_is_turned_away_has_half_a_second_to_read),
        TEST(without_descriptors_it_waits_and_recovers),
        TEST(only_those_who_may_use_the_socket_are_heard),
        TEST(the_agents_own_user_is_heard),
        TEST(over_tcp_a_token_is_needed),
        TEST(a_preflight_of_an_allowed_origin_is_answered),
        TEST(an_allowed_page_can_read_answers_and_refusals),
        TEST(a_reload_changes_tokens_and_origins_and_a_broken_one_nothing),
        TEST(the_socket_has_its_mode_and_goes_with_the_api),
        TEST(a_second_agent_is_refused_and_the_first_goes_on),
        TEST(broken_options_open_nothing),
        TEST(sockets_of_the_service_manager_are_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
