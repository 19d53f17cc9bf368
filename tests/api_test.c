/* api_test.c: the order of requests, the sleep of the loop, and the end. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "api_world.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define GET "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"

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

static void a_thousand_requests_are_handed_out_in_order_of_arrival(void **state)
{
    enum { CALLERS = 50, ROUNDS = 20 };
    int fds[CALLERS];
    char request[128], wanted[64];
    for (int i = 0; i < CALLERS; i++) {
        fds[i] = world_connect(&world, WORLD_UNIX);
        assert_true(world_send(&world, fds[i], GET, strlen(GET)));
        assert_true(world_read(&world, fds[i], true));
    }
    world.hold = true;
    for (int round = 0; round < ROUNDS; round++) {
        world.held_count = 0;
        for (int i = 0; i < CALLERS; i++) {
            int who = (i * 7 + round) % CALLERS; /* each round in another order */
            snprintf(request, sizeof request, "GET /v1/events?%d HTTP/1.1\r\nHost: x\r\n\r\n",
                     round * CALLERS + i);
            assert_true(send(fds[who], request, strlen(request), 0) > 0);
            api_turn(world.api, world.now_ms); /* within one turn the kernel decides */
        }
        world_turn(&world, 0);
        assert_int_equal(world.held_count, CALLERS);
        for (int i = 0; i < CALLERS; i++) {
            struct str query = world.held[i].query;
            snprintf(wanted, sizeof wanted, "%d", round * CALLERS + i);
            assert_int_equal(query.len, strlen(wanted));
            assert_memory_equal(query.p, wanted, query.len);
        }
        for (size_t i = 0; i < CALLERS; i++) world_answer_held(&world, i);
        for (int i = 0; i < CALLERS; i++) { /* each gets its own */
            int who = (i * 7 + round) % CALLERS;
            assert_true(world_read(&world, fds[who], true));
            snprintf(wanted, sizeof wanted, "\"query\":\"%d\"", round * CALLERS + i);
            assert_non_null(strstr(world.text, wanted));
        }
    }
    assert_int_equal(counters().requests, CALLERS * (ROUNDS + 1));
    for (int i = 0; i < CALLERS; i++) close(fds[i]);
}

static void answers_may_come_in_any_order(void **state)
{
    enum { CALLERS = 8 };
    int fds[CALLERS];
    char request[128], wanted[64];
    world.hold = true;
    for (int i = 0; i < CALLERS; i++) {
        fds[i] = world_connect(&world, WORLD_UNIX);
        snprintf(request, sizeof request, "GET /v1/events?%d HTTP/1.1\r\nHost: x\r\n\r\n", i);
        assert_true(world_send(&world, fds[i], request, strlen(request)));
    }
    for (int i = CALLERS - 1; i >= 0; i--) {
        world_answer_held(&world, (size_t)i);
        assert_true(world_read(&world, fds[i], true));
        snprintf(wanted, sizeof wanted, "\"query\":\"%d\"", i);
        assert_non_null(strstr(world.text, wanted));
    }
    for (int i = 0; i < CALLERS; i++) close(fds[i]);
}

static bool any_ready(void)
{
    int fds[4];
    struct pollfd p[4];
    size_t n = api_fds(world.api, fds, 4);
    for (size_t i = 0; i < n; i++) p[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
    return poll(p, (nfds_t)n, 0) > 0;
}

static void the_answers_of_a_turn_are_out_when_the_last_is_given(void **state)
{
    char text[1024];
    int fds[3];
    world.hold = true;
    for (int i = 0; i < 3; i++) {
        fds[i] = world_connect(&world, WORLD_UNIX);
        assert_true(world_send(&world, fds[i], GET, strlen(GET)));
    }
    for (size_t i = 0; i < 3; i++) world_answer_held(&world, i);
    for (int i = 0; i < 3; i++) assert_true(recv(fds[i], text, sizeof text, MSG_DONTWAIT) > 0);
    for (int i = 0; i < 3; i++) close(fds[i]);
}

static void an_answer_beside_one_that_waits_needs_no_further_event(void **state)
{
    char text[1024];
    int fds[2];
    world.hold = true;
    for (int i = 0; i < 2; i++) {
        fds[i] = world_connect(&world, WORLD_UNIX);
        assert_true(world_send(&world, fds[i], GET, strlen(GET)));
    }
    world_answer_held(&world, 0);
    assert_int_equal(api_timeout_ms(world.api), 0);
    world_turn(&world, 0);
    assert_true(recv(fds[0], text, sizeof text, MSG_DONTWAIT) > 0);
    for (int i = 0; i < 2; i++) close(fds[i]);
}

static void the_loop_sleeps_when_there_is_nothing_to_do(void **state)
{
    assert_int_equal(api_timeout_ms(world.api), -1);
    assert_false(any_ready());
    int fd = world_connect(&world, WORLD_UNIX);
    assert_true(any_ready());
    world_turn(&world, 0);
    world_turn(&world, 0);
    assert_false(any_ready());
    assert_int_equal(api_timeout_ms(world.api), API_HEADER_MAX_MS);
    assert_true(world_send(&world, fd, GET, strlen(GET)));
    assert_true(world_read(&world, fd, true));
    assert_int_equal(api_timeout_ms(world.api), API_IDLE_MAX_MS);
    assert_false(any_ready());
    world_turn(&world, 1000);
    assert_int_equal(api_timeout_ms(world.api), API_IDLE_MAX_MS - 1000);
    /* A caller that waits for us costs no wake-ups either. */
    world.hold = true;
    assert_true(world_send(&world, fd, GET, strlen(GET)));
    world_turn(&world, 0);
    assert_int_equal(api_timeout_ms(world.api), -1);
    assert_false(any_ready());
    close(fd);
}

static void a_request_that_was_not_fetched_keeps_the_loop_awake(void **state)
{
    struct api_request r;
    int fd = world_connect(&world, WORLD_UNIX);
    assert_true(send(fd, GET, strlen(GET), 0) > 0);
    api_turn(world.api, world.now_ms);
    api_turn(world.api, world.now_ms);
    assert_int_equal(api_timeout_ms(world.api), 0);
    assert_int_equal(api_next(world.api, &r), 1);
    assert_int_equal(r.route, ROUTE_HEALTH);
    assert_false(r.over_tcp);
    assert_int_equal(r.peer_uid, geteuid());
    assert_int_equal(r.body_len, 0);
    assert_string_equal(r.body, "");
    assert_int_equal(api_next(world.api, &r), 0);
    api_answer(world.api, &r, 503, STR("{}"), NULL, 7);
    assert_true(world_read(&world, fd, true));
    assert_int_equal(world_status(world.text), 503);
    assert_non_null(strstr(world.text, "Retry-After: 7\r\n"));
    close(fd);
}

static void what_comes_while_answers_go_out_waits_for_the_next_turn(void **state)
{
    struct api_request r;
    int fd = world_connect(&world, WORLD_UNIX);
    world_turn(&world, 0);
    assert_true(send(fd, GET GET GET, strlen(GET GET GET), 0) > 0);
    for (int i = 0; i < 3; i++) {
        api_turn(world.api, world.now_ms);
        assert_int_equal(api_next(world.api, &r), 1);
        api_answer(world.api, &r, 200, STR("{}"), NULL, 0);
        assert_int_equal(api_next(world.api, &r), 0);
        if (i < 2) assert_int_equal(api_timeout_ms(world.api), 0);
    }
    assert_int_equal(api_timeout_ms(world.api), API_IDLE_MAX_MS);
    close(fd);
}

static void closing_answers_everybody_who_waits(void **state)
{
    enum { CALLERS = 12 };
    int fds[CALLERS];
    char text[2048];
    size_t before = world_open_fds();
    world.hold = true;
    for (int i = 0; i < CALLERS; i++) {
        fds[i] = world_connect(&world, i % 2 ? WORLD_TCP : WORLD_UNIX);
        char request[256];
        /* Some pipeline, some are half-way through a head or a body. */
        snprintf(request, sizeof request,
                 i % 3 == 0   ? GET GET
                 : i % 3 == 1 ? "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n"
                              : "GET /healthz HTTP/1.1\r\nX: ",
                 world.port);
        assert_true(world_send(&world, fds[i], request, strlen(request)));
    }
    struct api_request r;
    while (api_next(world.api, &r) == 1) continue; /* at hand, and never answered */
    api_close(world.api);
    for (int i = 0; i < CALLERS; i++) {
        ssize_t n = recv(fds[i], text, sizeof text - 1, 0);
        text[n > 0 ? n : 0] = '\0';
        bool waited = i % 3 == 1 || (i % 3 == 0 && i % 2 == 0);
        if (waited) assert_int_equal(world_status(text), 503);
        if (waited) assert_non_null(strstr(text, "\"code\":\"busy\""));
        close(fds[i]);
    }
    world.api = NULL;
    assert_true(world_open_fds() < before);
}

/* A caller that has sent on and on must not keep the agent from stopping. */
static void closing_does_not_wait_for_those_who_send_on(void **state)
{
    enum { FEW = 32 };
    size_t sent = 0, answered = 0;
    int fd = world_connect(&world, WORLD_UNIX);
    world_turn(&world, 0);
    while (send(fd, GET, strlen(GET), MSG_DONTWAIT) == (ssize_t)strlen(GET)) sent++;
    assert_true(sent > 4 * FEW);
    world.hold = true;
    world_turn(&world, 0);
    api_close(world.api);
    world.api = NULL;
    ssize_t n = recv(fd, world.text, sizeof world.text - 1, MSG_DONTWAIT);
    world.text[n > 0 ? n : 0] = '\0';
    for (const char *at = world.text; (at = strstr(at, "HTTP/1.1 503")) != NULL; at++) answered++;
    assert_in_range(answered, 1, FEW);
    close(fd);
}

static void closing_half_built_is_fine(void **state)
{
    api_close(NULL);
}

static void nothing_leaks_in_a_hundred_lives(void **state)
{
    size_t before = world_open_fds();
    for (size_t i = 0; i < 100; i++) {
        struct fault why;
        world_close(&world);
        world_open(&world, true);
        int fd = world_connect(&world, WORLD_UNIX);
        assert_true(world_send(&world, fd, GET, i % strlen(GET)));
        close(fd);
        assert_int_equal(api_reload(world.api, &world.options, &why), 0);
    }
    world_turn(&world, 0);
    assert_int_equal(world_open_fds(), before);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
    const struct CMUnitTest tests[] = {
        TEST(a_thousand_requests_are_handed_out_in_order_of_arrival),
        TEST(answers_may_come_in_any_order),
        TEST(the_answers_of_a_turn_are_out_when_the_last_is_given),
        TEST(an_answer_beside_one_that_waits_needs_no_further_event),
        TEST(the_loop_sleeps_when_there_is_nothing_to_do),
        TEST(a_request_that_was_not_fetched_keeps_the_loop_awake),
        TEST(what_comes_while_answers_go_out_waits_for_the_next_turn),
        TEST(closing_answers_everybody_who_waits),
        TEST(closing_does_not_wait_for_those_who_send_on),
        TEST(closing_half_built_is_fine),
        TEST(nothing_leaks_in_a_hundred_lives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
