/* rules_test.c: one head a row, and what is made of it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "api_world.h"
#include "api/rules.h"
#include "tillpost/err.h"

#include <stdio.h>
#include <string.h>

static char *token_list[] = {"good", "next"};
static char *origin_list[] = {"https://till.example", "http://10.0.0.5:8080", "null"};

static struct rules rules(void)
{
    return (struct rules){.routes = world_routes,
                          .route_count = world_route_count,
                          .tokens = {token_list, 2},
                          .origins = {origin_list, 2},
                          .address = "127.0.0.9",
                          .port = 7390};
}

enum { UNIX, TCP, FIELDS = 6 };
#define HOST  "Host", "127.0.0.1:7390"
#define TOKEN "Authorization", "Bearer good"
#define OK    0

/* clang-format off */
static const struct row {
    int door;
    const char *method, *target;
    const char *fields[2 * FIELDS];
    int err;   /* of TILLPOST_E_… */
    int route; /* when let in; -1: none */
} rows[] = {
    /* on the Unix socket neither names nor tokens are asked for */
    {UNIX, "GET",  "/healthz",  {0}, OK, ROUTE_HEALTH},
    {UNIX, "GET",  "/v1/events", {"Host", "evil.example", "Origin", "https://evil.example", "Authorization", "Bearer bad"}, OK, ROUTE_EVENTS},
    {UNIX, "POST", "/v1/erase", {0}, OK, ROUTE_ERASE},
    /* Host: a name that was rebound to loopback is not ours */
    {TCP, "GET", "/healthz", {HOST}, OK, ROUTE_HEALTH},
    {TCP, "GET", "/healthz", {"Host", "localhost:7390"}, OK, ROUTE_HEALTH},
    {TCP, "GET", "/healthz", {"host", "LOCALHOST:7390"}, OK, ROUTE_HEALTH},
    {TCP, "GET", "/healthz", {"Host", "[::1]:7390"}, OK, ROUTE_HEALTH},
    {TCP, "GET", "/healthz", {"Host", "127.0.0.9:7390"}, OK, ROUTE_HEALTH},
    {TCP, "GET", "/healthz", {0}, TILLPOST_E_FORBIDDEN, -1},
    {TCP, "GET", "/healthz", {"Host", ""}, TILLPOST_E_FORBIDDEN, -1},
    {TCP, "GET", "/healthz", {"Host", "127.0.0.1"}, TILLPOST_E_FORBIDDEN, -1},
    {TCP, "GET", "/healthz", {"Host", "127.0.0.1:"}, TILLPOST_E_FORBIDDEN, -1},
    {TCP, "GET", "/healthz", {"Host", "127.0.0.1:7391"}, TILLPOST_E_FORBIDDEN, -1},
    {TCP, "GET", "/healthz", {"Host", "127.0.0.1:7390:7390"}, TILLPOST_E_FORBIDDEN, -1},
    {TCP, "GET", "/healthz", {"Host", "evil.example:7390"}, TILLPOST_E_FORBIDDEN, -1},
    {TCP, "GET", "/healthz", {"Host", "127.0.0.1.evil.example:7390"}, TILLPOST_E_FORBIDDEN, -1},
    {TCP, "GET", "/healthz", {"Host", "localhost.:7390"}, TILLPOST_E_FORBIDDEN, -1},
    {TCP, "GET", "/healthz", {"Host", "0.0.0.0:7390"}, TILLPOST_E_FORBIDDEN, -1},
    {TCP, "GET", "/healthz", {"Host", "::1:7390"}, TILLPOST_E_FORBIDDEN, -1},
    {TCP, "GET", "/healthz", {"Host", "user@127.0.0.1:7390"}, TILLPOST_E_FORBIDDEN, -1},
    {TCP, "GET", "http://127.0.0.1:7390/healthz", {"Host", "evil.example"}, OK, ROUTE_HEALTH},
    {TCP, "GET", "http://evil.example/healthz", {HOST}, TILLPOST_E_FORBIDDEN, -1},
    /* tokens */
    {TCP, "GET", "/v1/events", {HOST, TOKEN}, OK, ROUTE_EVENTS},
    {TCP, "GET", "/v1/events", {HOST, "Authorization", "Bearer next"}, OK, ROUTE_EVENTS},
    {TCP, "GET", "/v1/events", {HOST, "Authorization", "Basic Z29vZDo="}, OK, ROUTE_EVENTS},
    {TCP, "GET", "/v1/events", {HOST}, TILLPOST_E_UNAUTHORIZED, -1},
    {TCP, "GET", "/v1/events", {HOST, "Authorization", "Bearer bad"}, TILLPOST_E_UNAUTHORIZED, -1},
    {TCP, "GET", "/v1/events?token=good", {HOST}, TILLPOST_E_UNAUTHORIZED, -1},
    {TCP, "GET", "/v1/events/x", {HOST}, TILLPOST_E_UNAUTHORIZED, -1},
    {TCP, "GET", "/nothing", {HOST}, TILLPOST_E_UNAUTHORIZED, -1},
    {TCP, "GET", "/nothing", {HOST, TOKEN}, TILLPOST_E_NOT_FOUND, -1},
    {TCP, "PUT", "/healthz", {HOST}, TILLPOST_E_UNAUTHORIZED, -1},
    {TCP, "PUT", "/healthz", {HOST, TOKEN}, TILLPOST_E_METHOD_NOT_ALLOWED, -1},
    {TCP, "POST", "/v1/track", {HOST, "Content-Type", "application/json", "Content-Length", "2"}, TILLPOST_E_UNAUTHORIZED, -1},
    {TCP, "OPTIONS", "/v1/track", {HOST}, TILLPOST_E_UNAUTHORIZED, -1},
    /* what is not for a register's key */
    {TCP, "POST", "/v1/erase", {HOST, TOKEN}, TILLPOST_E_FORBIDDEN, -1},
    {TCP, "POST", "/v1/erase", {HOST}, TILLPOST_E_UNAUTHORIZED, -1},
    /* Origin */
    {TCP, "GET", "/v1/events", {HOST, TOKEN, "Origin", "http://127.0.0.1:7390"}, OK, ROUTE_EVENTS},
    {TCP, "GET", "/v1/events", {HOST, TOKEN, "Origin", "http://localhost:7390"}, OK, ROUTE_EVENTS},
    {TCP, "GET", "/v1/events", {HOST, TOKEN, "Origin", "https://till.example"}, OK, ROUTE_EVENTS},
    {TCP, "GET", "/v1/events", {HOST, TOKEN, "Origin", "http://10.0.0.5:8080"}, OK, ROUTE_EVENTS},
    {TCP, "GET", "/v1/events", {HOST, TOKEN, "Origin", "https://localhost:7390"}, TILLPOST_E_FORBIDDEN, -1},
    {TCP, "GET", "/v1/events", {HOST, TOKEN, "Origin", "http://localhost:3000"}, TILLPOST_E_FORBIDDEN, -1},
    {TCP, "GET", "/v1/events", {HOST, TOKEN, "Origin", "http://till.example"}, TILLPOST_E_FORBIDDEN, -1},
    {TCP, "GET", "/v1/events", {HOST, TOKEN, "Origin", "https://till.example.evil"}, TILLPOST_E_FORBIDDEN, -1},
    {TCP, "GET", "/v1/events", {HOST, TOKEN, "Origin", "https://till.example:8443"}, TILLPOST_E_FORBIDDEN, -1},
    {TCP, "GET", "/v1/events", {HOST, TOKEN, "Origin", "null"}, TILLPOST_E_FORBIDDEN, -1},
    {TCP, "GET", "/v1/events", {HOST, TOKEN, "Origin", ""}, TILLPOST_E_FORBIDDEN, -1},
    {TCP, "GET", "/healthz", {HOST, "Origin", "https://evil.example"}, TILLPOST_E_FORBIDDEN, -1},
    {TCP, "OPTIONS", "/v1/track", {HOST, "Origin", "https://evil.example", "Access-Control-Request-Method", "POST"}, TILLPOST_E_FORBIDDEN, -1},
    {TCP, "OPTIONS", "/v1/track", {HOST, "Origin", "http://localhost:7390", "Access-Control-Request-Method", "POST"}, TILLPOST_E_UNAUTHORIZED, -1},
    /* types: a form is JSON only where RudderStack's SDK says so, gzip'd */
    {UNIX, "POST", "/v1/track", {"Content-Type", "application/json", "Content-Length", "2"}, OK, ROUTE_TRACK},
    {UNIX, "POST", "/v1/track", {"Content-Type", "application/x-www-form-urlencoded", "Content-Encoding", "gzip", "Content-Length", "2"}, OK, ROUTE_TRACK},
    {UNIX, "POST", "/v1/track", {"Content-Type", "application/x-www-form-urlencoded", "Content-Length", "2"}, TILLPOST_E_UNSUPPORTED_MEDIA, -1},
    {UNIX, "POST", "/v1/track", {"Content-Type", "application/x-www-form-urlencoded", "Content-Encoding", "identity", "Content-Length", "2"}, TILLPOST_E_UNSUPPORTED_MEDIA, -1},
    {UNIX, "POST", "/v1/track", {"Content-Type", "text/plain", "Content-Encoding", "gzip", "Content-Length", "2"}, TILLPOST_E_UNSUPPORTED_MEDIA, -1},
    /* what could be read in two ways */
    {UNIX, "GET", "/healthz", {"Host", "a", "Host", "a"}, TILLPOST_E_BAD_REQUEST, -1},
    {TCP, "GET", "/healthz", {HOST, "Origin", "https://till.example", "Origin", "https://till.example"}, TILLPOST_E_BAD_REQUEST, -1},
    {TCP, "GET", "/v1/events", {HOST, TOKEN, "Authorization", "Bearer bad"}, TILLPOST_E_BAD_REQUEST, -1},
    {UNIX, "POST", "/v1/track", {"Content-Type", "application/json", "Content-Type", "text/plain"}, TILLPOST_E_BAD_REQUEST, -1},
    {UNIX, "POST", "/v1/track", {"Content-Length", "1", "content-length", "1"}, TILLPOST_E_BAD_REQUEST, -1},
    {UNIX, "POST", "/v1/track", {"Content-Length", "1,1"}, TILLPOST_E_BAD_REQUEST, -1},
    {UNIX, "POST", "/v1/track", {"Content-Length", "0x1"}, TILLPOST_E_BAD_REQUEST, -1},
    {UNIX, "POST", "/v1/track", {"Content-Length", ""}, TILLPOST_E_BAD_REQUEST, -1},
    {UNIX, "POST", "/v1/track", {"Content-Length", "1", "Transfer-Encoding", "chunked"}, TILLPOST_E_BAD_REQUEST, -1},
    {UNIX, "POST", "/v1/track", {"Transfer-Encoding", "chunked", "Transfer-Encoding", "chunked"}, TILLPOST_E_BAD_REQUEST, -1},
    {UNIX, "POST", "/v1/track", {"Transfer-Encoding", "identity"}, TILLPOST_E_BAD_REQUEST, -1},
    {UNIX, "POST", "/v1/track", {"Transfer-Encoding", "xchunked"}, TILLPOST_E_BAD_REQUEST, -1},
    {UNIX, "GET", "/healthz", {"Content-Length ", "5"}, TILLPOST_E_BAD_REQUEST, -1},
    {UNIX, "GET", "/healthz", {" X", "5"}, TILLPOST_E_BAD_REQUEST, -1},
    {UNIX, "GET", "/healthz", {"", "5"}, TILLPOST_E_BAD_REQUEST, -1},
    {UNIX, "GET", "/healthz", {"X\x01", "5"}, TILLPOST_E_BAD_REQUEST, -1},
};
/* clang-format on */

enum { TARGET_BYTES = 128 };

static void judge(const struct row *row, size_t bytes, char *target, struct verdict *v)
{
    struct rules r = rules();
    (void)snprintf(target, TARGET_BYTES, "%s", row->target);
    struct head h = {.method = str_from(row->method),
                     .target = target,
                     .bytes = bytes,
                     .over_tcp = row->door == TCP};
    for (size_t f = 0; f < FIELDS && row->fields[2 * f]; f++)
        head_add(&h, row->fields[2 * f], row->fields[2 * f + 1]);
    rules_judge(&r, &h, v);
}

static void a_request_is_judged_as_its_row_says(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char target[TARGET_BYTES];
        struct verdict v;
        judge(&rows[i], 100, target, &v);
        if (v.err != rows[i].err)
            print_message("row %zu \"%s %s\" %s: %s\n", i, rows[i].method, rows[i].target,
                          tillpost_err_info(v.err)->wire, v.message ? v.message : "");
        assert_int_equal(v.err, rows[i].err);
        if (!v.err) assert_int_equal(v.route->id, rows[i].route);
        if (v.err) assert_non_null(v.message);
    }
}

static void a_request_whose_end_is_uncertain_ends_its_connection(void **state)
{
    size_t uncertain = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char target[TARGET_BYTES];
        struct verdict v;
        judge(&rows[i], 100, target, &v);
        assert_int_equal(v.framing, v.err == TILLPOST_E_BAD_REQUEST);
        uncertain += v.framing;
    }
    assert_in_range(uncertain, 10, 20);
}

static void a_preflight_is_answered_for_allowed_origins(void **state)
{
    struct verdict v;
    char target[TARGET_BYTES];
    const struct row asked = {TCP,
                              "OPTIONS",
                              "/v1/track",
                              {HOST, "Origin", "https://till.example",
                               "Access-Control-Request-Method", "POST",
                               "Access-Control-Request-Private-Network", "true"},
                              OK,
                              -1};
    judge(&asked, 100, target, &v);
    assert_int_equal(v.err, 0);
    assert_true(v.preflight);
    assert_true(v.private_network);
    assert_false(v.local_network);
    assert_true(str_is(v.cors_origin, "https://till.example"));
    const struct row not_asked = {
        TCP, "OPTIONS", "/v1/track", {HOST, "Origin", "https://till.example"}, OK, -1};
    judge(&not_asked, 100, target, &v);
    assert_int_equal(v.err, TILLPOST_E_UNAUTHORIZED);
    /* A refusal can be read by the page as well. */
    assert_true(str_is(v.cors_origin, "https://till.example"));
}

static void the_head_has_a_limit(void **state)
{
    struct verdict v;
    char target[TARGET_BYTES];
    judge(&rows[0], API_HEADER_MAX_BYTES, target, &v);
    assert_int_equal(v.err, 0);
    judge(&rows[0], API_HEADER_MAX_BYTES + 1, target, &v);
    assert_int_equal(v.err, TILLPOST_E_TOO_LARGE);
    assert_int_equal(v.status, 431);
}

static void a_path_spelt_out_goes_before_one_with_a_star(void **state)
{
    static const struct api_route routes[][2] = {
        {{"GET", "/a/*", 1, API_NO_BODY, false, false},
         {"GET", "/a/b", 2, API_NO_BODY, false, false}},
        {{"GET", "/a/b", 2, API_NO_BODY, false, false},
         {"GET", "/a/*", 1, API_NO_BODY, false, false}},
    };
    for (size_t i = 0; i < 2; i++) {
        struct rules r = {.routes = routes[i], .route_count = 2};
        char exact[] = "/a/b", star[] = "/a/bb";
        struct verdict v;
        struct head h = {.method = STR("GET"), .target = exact};
        rules_judge(&r, &h, &v);
        assert_int_equal(v.route->id, 2);
        assert_int_equal(v.parameter.len, 0);
        h.target = star;
        rules_judge(&r, &h, &v);
        assert_int_equal(v.route->id, 1);
        assert_true(str_is(v.parameter, "bb"));
    }
}

static void allow_names_the_methods_of_a_path(void **state)
{
    static const char *const allowed[][2] = {
        {"/healthz", "GET, HEAD, OPTIONS"},
        {"/v1/track", "POST, OPTIONS"},
        {"/v1/events/retry", "GET, HEAD, POST, OPTIONS"},
        {"/nothing", "OPTIONS"},
    };
    struct rules r = rules();
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++) {
        char out[64];
        rules_allow(&r, str_from(allowed[i][0]), out, sizeof out);
        assert_string_equal(out, allowed[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_judged_as_its_row_says),
        cmocka_unit_test(a_request_whose_end_is_uncertain_ends_its_connection),
        cmocka_unit_test(a_preflight_is_answered_for_allowed_origins),
        cmocka_unit_test(the_head_has_a_limit),
        cmocka_unit_test(a_path_spelt_out_goes_before_one_with_a_star),
        cmocka_unit_test(allow_names_the_methods_of_a_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
