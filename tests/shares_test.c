/*
 * shares_test.c: what one caller leaves to another. The callers are users: the kernel notes at
 * connect(2) as whom this process goes.
 */
#include "testing.h"

#include "api_world.h"

#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define GET  "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
#define HEAD "GET /healthz HTTP/1.1\r\nX-"
#define BODY                                                                   \
    "POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" \
    "Content-Length: 100\r\n\r\n{"

enum { MANY = API_CONNECTIONS_MAX, ROOT = 0, CALLERS = 3 };

static const char *const users[] = {"nobody", "daemon"};
static unsigned uids[CALLERS] = {ROOT};
static struct world world;

static int connect_as(unsigned caller)
{
    assert_int_equal(seteuid(uids[caller]), 0);
    int fd = world_connect(&world, WORLD_UNIX);
    assert_int_equal(seteuid(ROOT), 0);
    return fd;
}

/* The status of a request on a connection of its own. */
static int get_as(unsigned caller)
{
    int fd = connect_as(caller);
    (void)world_send(&world, fd, GET, strlen(GET));
    (void)world_read(&world, fd, true);
    close(fd);
    world_turn(&world, 0);
    return world_status(world.text);
}

static void open_many(unsigned caller, int fds[], int count, const char *opening)
{
    for (int i = 0; i < count; i++) {
        fds[i] = connect_as(caller);
        world_turn(&world, 1);
        if (*opening) assert_true(world_send(&world, fds[i], opening, strlen(opening)));
    }
    world_turn(&world, 1);
}

static void close_many(const int fds[], int count)
{
    for (int i = 0; i < count; i++) close(fds[i]);
    world_turn(&world, 0);
}

static int still_open(const int fds[], int count)
{
    int open = 0;
    char text[4096];
    for (int i = 0; i < count; i++) {
        ssize_t n = 1;
        while (n > 0) n = recv(fds[i], text, sizeof text, MSG_DONTWAIT);
        open += n < 0;
    }
    return open;
}

static int open_world(void **state)
{
    if (geteuid() != ROOT) return 0;
    world_open(&world, true);
    assert_int_equal(chmod(world.dir, 0711), 0);
    assert_int_equal(chmod(world.socket, 0666), 0);
    world.options.allow_users = users;
    world.options.allow_user_count = sizeof users / sizeof users[0];
    for (size_t i = 0; i < sizeof users / sizeof users[0]; i++) {
        const struct passwd *user = getpwnam(users[i]);
        assert_non_null(user);
        uids[1 + i] = user->pw_uid;
    }
    return api_reload(world.api, &world.options, NULL);
}

static int close_world(void **state)
{
    if (geteuid() == ROOT) world_close(&world);
    return 0;
}

static void need_root(void)
{
    if (geteuid() == ROOT) return;
    print_message("skipped: calling as another user needs root\n");
    skip();
}

static void a_caller_who_holds_all_connections_gives_one_to_another(void **state)
{
    /* silent, stalled in a head, stalled in a body, idle between two requests */
    static const char *const openings[] = {"", HEAD, BODY, GET};
    need_root();
    for (size_t i = 0; i < sizeof openings / sizeof openings[0]; i++) {
        int fds[MANY];
        open_many(ROOT, fds, MANY, openings[i]);
        if (get_as(1) != 200) fail_msg("\"%s\": %s", openings[i], world.text);
        assert_int_equal(still_open(fds, MANY), MANY - 1);
        assert_int_equal(still_open(fds, 1), 0); /* the oldest */
        int again = connect_as(ROOT);
        world_turn(&world, 0);
        assert_int_equal(get_as(ROOT), 503); /* its own it does not push out */
        assert_int_equal(still_open(fds, MANY), MANY - 1);
        close(again);
        close_many(fds, MANY);
    }
}

static void an_idle_connection_goes_before_one_that_is_in_a_request(void **state)
{
    int stalled[MANY - 1], idle[1];
    need_root();
    open_many(ROOT, stalled, MANY - 1, HEAD);
    open_many(ROOT, idle, 1, GET);
    assert_int_equal(get_as(1), 200);
    assert_int_equal(still_open(stalled, MANY - 1), MANY - 1);
    assert_int_equal(still_open(idle, 1), 0);
    close_many(stalled, MANY - 1);
    close_many(idle, 1);
}

static void two_and_three_callers_end_up_with_equal_shares(void **state)
{
    int fds[CALLERS][MANY];
    need_root();
    open_many(0, fds[0], MANY, "");
    open_many(1, fds[1], MANY, "");
    assert_int_equal(still_open(fds[0], MANY), MANY / 2);
    assert_int_equal(still_open(fds[1], MANY), MANY / 2);
    open_many(2, fds[2], MANY, "");
    for (int i = 0; i < CALLERS; i++)
        assert_in_range(still_open(fds[i], MANY), MANY / CALLERS, MANY / CALLERS + 1);
    for (unsigned i = 0; i < CALLERS; i++) assert_int_equal(get_as(i), 503); /* and it stays so */
    for (int i = 0; i < CALLERS; i++) close_many(fds[i], MANY);
}

static void a_whole_request_keeps_its_connection(void **state)
{
    int fds[MANY];
    need_root();
    world.hold = true;
    open_many(ROOT, fds, MANY, GET);
    assert_int_equal(world.held_count, MANY);
    assert_int_equal(get_as(1), 503);
    world.hold = false;
    for (size_t i = 0; i < world.held_count; i++) world_answer_held(&world, i);
    world.held_count = 0;
    world_turn(&world, 0);
    assert_int_equal(get_as(1), 200);
    close_many(fds, MANY);
}

static void over_tcp_all_are_one_caller(void **state)
{
    int fds[MANY];
    need_root();
    for (int i = 0; i < MANY; i++) fds[i] = world_connect(&world, WORLD_TCP);
    world_turn(&world, 0);
    assert_int_equal(world_talk(&world, WORLD_TCP, GET), 503);
    assert_int_equal(still_open(fds, MANY), MANY);
    assert_int_equal(get_as(1), 200);
    close_many(fds, MANY);
}

static void the_caller_who_was_served_least_recently_comes_next(void **state)
{
    enum { FLOOD = 20 };
    int flood[FLOOD], others[2];
    need_root();
    for (int i = 0; i < FLOOD; i++) {
        flood[i] = connect_as(ROOT);
        assert_true(send(flood[i], GET, strlen(GET), MSG_NOSIGNAL) > 0);
    }
    for (int i = 0; i < 2; i++) {
        others[i] = connect_as(1 + (unsigned)i);
        assert_true(send(others[i], GET, strlen(GET), MSG_NOSIGNAL) > 0);
    }
    world.hold = true;
    for (int i = 0; i < 4 && world.held_count < FLOOD + 2; i++) world_turn(&world, 0);
    world.hold = false;
    assert_int_equal(world.held_count, FLOOD + 2);
    bool first[CALLERS] = {false};
    for (size_t i = 0; i < CALLERS; i++)
        for (size_t c = 0; c < CALLERS; c++)
            if (world.held[i].peer_uid == uids[c]) first[c] = true;
    assert_true(first[0] && first[1] && first[2]);
    for (size_t i = 0; i < world.held_count; i++) world_answer_held(&world, i);
    world.held_count = 0;
    close_many(flood, FLOOD);
    close_many(others, 2);
}

/* A batch of spaces, its last `missing` bytes not sent: its status, 0 none yet. */
static int send_batch(unsigned caller, int *fd, int bytes, int missing)
{
    static char text[600000];
    int head = snprintf(text, sizeof text,
                        "POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                        "Content-Length: %d\r\n\r\n",
                        bytes);
    memset(text + head, ' ', (size_t)bytes);
    *fd = connect_as(caller);
    (void)world_send(&world, *fd, text, (size_t)(head + bytes - missing));
    (void)world_read(&world, *fd, true);
    return world_status(world.text);
}

static void a_sale_has_room_beside_bodies_that_stall(void **state)
{
    enum { SALE = 8000 };
    static const int sizes[] = {500000, 60000, SALE}; /* the smaller ones fill the gaps */
    int fds[MANY], fd, count = 0;
    need_root();
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        while (count < MANY && send_batch(ROOT, &fds[count++], sizes[i], 1) == 0) continue;
    assert_in_range(count, 8, MANY - 1);
    assert_int_equal(send_batch(ROOT, &fd, SALE, 0), 503);
    close(fd);
    assert_int_equal(send_batch(1, &fd, SALE, 0), 200);
    close(fd);
    close_many(fds, count);
    assert_int_equal(send_batch(ROOT, &fd, 500000, 0), 200); /* all was given back */
    close(fd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
    const struct CMUnitTest tests[] = {
        TEST(a_caller_who_holds_all_connections_gives_one_to_another),
        TEST(an_idle_connection_goes_before_one_that_is_in_a_request),
        TEST(two_and_three_callers_end_up_with_equal_shares),
        TEST(a_whole_request_keeps_its_connection),
        TEST(over_tcp_all_are_one_caller),
        TEST(the_caller_who_was_served_least_recently_comes_next),
        TEST(a_sale_has_room_beside_bodies_that_stall),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
