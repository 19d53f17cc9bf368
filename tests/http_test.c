/* http_test.c: raw bytes in, answers out; what holds of src/api/http.c and its rules together. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "api_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

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

/* --- one request a row --- */

#define JSON_TYPE          "Content-Type: application/json\r\n"
#define HOST               "Host: x\r\n"
#define GET(path)          "GET " path " HTTP/1.1\r\n" HOST "\r\n"
#define POST(path, fields) "POST " path " HTTP/1.1\r\n" HOST fields

/* clang-format off */
static const struct row {
    const char *what;
    const char *request; /* a length and the end of the head are added when there is a body */
    const char *body;
    int status;
    const char *has[2];  /* in the answer */
} rows[] = {
    /* routes */
    {"a route",               GET("/healthz"), NULL, 200, {"\"route\":0", "Content-Type: application/json\r\n"}},
    {"HTTP/1.0 without Host", "GET /healthz HTTP/1.0\r\n\r\n", NULL, 200, {"\"route\":0"}},
    {"no such route",         GET("/v1/nothing"), NULL, 404, {"\"code\":\"not_found\""}},
    {"a slash too much",      GET("/healthz/"), NULL, 404, {"\"code\":\"not_found\""}},
    {"an escaped route",      GET("/%68ealthz"), NULL, 404, {"\"code\":\"not_found\""}},
    {"another method",        POST("/healthz", "\r\n"), NULL, 405, {"Allow: GET, HEAD, OPTIONS\r\n", "\"code\":\"method_not_allowed\""}},
    {"an invented method",    "FOO /v1/track HTTP/1.1\r\n" HOST "\r\n", NULL, 405, {"Allow: POST, OPTIONS\r\n"}},
    {"a small letter",        "post /v1/sync HTTP/1.1\r\n" HOST "\r\n", NULL, 405, {"method_not_allowed"}},
    {"OPTIONS",               "OPTIONS /v1/track HTTP/1.1\r\n" HOST "\r\n", NULL, 204, {"Allow: POST, OPTIONS\r\n"}},
    {"OPTIONS of all",        "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", NULL, 204, {"Allow: OPTIONS\r\n"}},
    {"OPTIONS of nothing",    "OPTIONS /x HTTP/1.1\r\n" HOST "\r\n", NULL, 404, {"not_found"}},
    {"a parameter",           GET("/v1/events/a%20b"), NULL, 200, {"\"route\":3", "\"parameter\":\"a b\""}},
    {"a slash in it",         GET("/v1/events/a%2Fb"), NULL, 200, {"\"parameter\":\"a/b\""}},
    {"no parameter",          GET("/v1/events/"), NULL, 404, {"not_found"}},
    {"a segment too much",    GET("/v1/events/a/b"), NULL, 404, {"not_found"}},
    {"a spelt-out path",      POST("/v1/events/retry", "\r\n"), NULL, 200, {"\"route\":5", "\"parameter\":\"\""}},
    {"the star beside it",    GET("/v1/events/retry"), NULL, 200, {"\"route\":3", "\"parameter\":\"retry\""}},
    {"a broken escape",       GET("/v1/events/%4"), NULL, 400, {"bad_request"}},
    {"an escaped NUL",        GET("/v1/events/a%00b"), NULL, 400, {"bad_request"}},
    {"a query",               GET("/v1/events?x=1&name=a%26b+c&y"), NULL, 200, {"\"query\":\"x=1&name=a%26b+c&y\"", "\"name\":\"a&b c\""}},
    {"a long query value",    GET("/v1/events?name=0123456789012345678901234567890123456789"), NULL, 200, {"\"tcp\":0}"}},
    {"absolute form",         "GET http://localhost/healthz HTTP/1.1\r\n" HOST "\r\n", NULL, 200, {"\"route\":0"}},
    {"absolute, no path",     "GET http://localhost HTTP/1.1\r\n" HOST "\r\n", NULL, 200, {"\"route\":8"}},
    {"absolute, no host",     "GET http:///healthz HTTP/1.1\r\n" HOST "\r\n", NULL, 400, {"bad_request"}},
    {"another scheme",        "GET ftp://localhost/healthz HTTP/1.1\r\n" HOST "\r\n", NULL, 400, {"bad_request"}},
    {"a proxy's CONNECT",     "CONNECT localhost:80 HTTP/1.1\r\n" HOST "\r\n", NULL, 400, {"bad_request"}},
    {"an upgrade",            POST("/v1/sync", "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n"), NULL, 200, {"HTTP/1.1 200"}},
    /* types */
    {"JSON",                  POST("/v1/track", JSON_TYPE), "{\"a\":1}", 200, {"\"route\":1", "\"len\":7"}},
    {"utf-8",                 POST("/v1/track", "Content-Type: application/JSON; charset=UTF-8\r\n"), "{}", 200, {"\"len\":2"}},
    {"quoted utf-8",          POST("/v1/track", "Content-Type: application/json ;charset=\"utf-8\";\r\n"), "{}", 200, {"\"len\":2"}},
    {"another charset",       POST("/v1/track", "Content-Type: application/json; charset=latin1\r\n"), "{}", 415, {"unsupported_media_type"}},
    {"another parameter",     POST("/v1/track", "Content-Type: application/json; boundary=x\r\n"), "{}", 415, {"unsupported_media_type"}},
    {"no type",               POST("/v1/track", ""), "{}", 415, {"unsupported_media_type"}},
    {"a form",                POST("/v1/track", "Content-Type: application/x-www-form-urlencoded\r\n"), "a=1", 415, {"unsupported_media_type"}},
    {"plain text",            POST("/v1/track", "Content-Type: text/plain\r\n"), "{}", 415, {"unsupported_media_type"}},
    {"a form on no body",     POST("/v1/sync", "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 0\r\n\r\n"), NULL, 200, {"\"route\":6"}},
    {"a body-less call",      POST("/v1/track", "\r\n"), NULL, 200, {"\"len\":0"}},
    {"identity",              POST("/v1/track", JSON_TYPE "Content-Encoding: identity\r\n"), "{}", 200, {"\"len\":2"}},
    {"another encoding",      POST("/v1/track", JSON_TYPE "Content-Encoding: br\r\n"), "{}", 415, {"gzip"}},
    {"two encodings",         POST("/v1/track", JSON_TYPE "Content-Encoding: gzip, gzip\r\n"), "{}", 415, {"gzip"}},
    {"no gzip at all",        POST("/v1/track", JSON_TYPE "Content-Encoding: gzip\r\n"), "{\"a\":1}", 400, {"bad_request", "gzip"}},
    /* sizes */
    {"too large, announced",  POST("/v1/track", JSON_TYPE "Content-Length: 32769\r\n\r\n"), NULL, 413, {"\"code\":\"too_large\"", "Connection: close"}},
    {"no body wanted",        POST("/v1/sync", JSON_TYPE), "{}", 200, {"\"route\":6"}},
    {"a body on GET",         "GET /healthz HTTP/1.1\r\n" HOST JSON_TYPE, "{}", 200, {"\"route\":0"}},
    {"a large one there",     POST("/v1/sync", JSON_TYPE "Content-Length: 1025\r\n\r\n"), NULL, 413, {"takes no body"}},
    {"an enormous length",    POST("/v1/track", JSON_TYPE "Content-Length: 18446744073709551615\r\n\r\n"), NULL, 413, {"HTTP/1.1 413"}},
    {"chunks",                POST("/v1/track", JSON_TYPE "Transfer-Encoding: chunked\r\n\r\n2\r\n{\"\r\n5\r\na\":1}\r\n0\r\n\r\n"), NULL, 200, {"\"len\":7"}},
    {"chunks and trailers",   POST("/v1/track", JSON_TYPE "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: y\r\n\r\n"), NULL, 200, {"\"len\":2"}},
    /* framing */
    {"two lengths",           POST("/v1/track", JSON_TYPE "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}"), NULL, 400, {"bad_request", "Connection: close"}},
    {"two lengths, one none", POST("/v1/track", JSON_TYPE "Content-Length: 0\r\nContent-Length: 2\r\n\r\n{}"), NULL, 400, {"bad_request", "Connection: close"}},
    {"length and chunks",     POST("/v1/track", JSON_TYPE "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"), NULL, 400, {"HTTP/1.1 400"}},
    {"chunks in HTTP/1.0",    "POST /v1/track HTTP/1.0\r\n" HOST JSON_TYPE "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", NULL, 400, {"bad_request", "HTTP/1.0"}},
    {"a coding we lack",      POST("/v1/track", JSON_TYPE "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), NULL, 400, {"HTTP/1.1 400"}},
    {"a space in a name",     POST("/v1/track", JSON_TYPE "Content-Length : 2\r\n\r\n{}"), NULL, 400, {"HTTP/1.1 400"}},
    {"a length with a sign",  POST("/v1/track", JSON_TYPE "Content-Length: +2\r\n\r\n{}"), NULL, 400, {"HTTP/1.1 400"}},
    {"two hosts",             "GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", NULL, 400, {"bad_request"}},
    {"1.1 without Host",      "GET /healthz HTTP/1.1\r\n\r\n", NULL, 400, {"HTTP/1.1 400"}},
    {"HTTP/2",                "GET /healthz HTTP/2.0\r\n" HOST "\r\n", NULL, 505, {"HTTP/1.1 505"}},
    {"a chunk of no length",  POST("/v1/track", JSON_TYPE "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"), NULL, 400, {"HTTP/1.1 400"}},
};
/* clang-format on */

static void say(const struct row *row)
{
    print_message("row \"%s\": answered\n%.600s\n", row->what, world.text);
}

static void every_request_gets_the_answer_of_its_row(void **state)
{
    char request[4096];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        if (row->body)
            snprintf(request, sizeof request, "%sContent-Length: %zu\r\n\r\n%s", row->request,
                     strlen(row->body), row->body);
        else snprintf(request, sizeof request, "%s", row->request);
        int status = world_talk(&world, WORLD_UNIX, request);
        bool good = status == row->status;
        for (size_t h = 0; h < 2; h++)
            if (row->has[h] && !strstr(world.text, row->has[h])) good = false;
        if (strstr(row->what, "HEAD") == NULL && strstr(world.text, "\"code\":")) {
            good = good && strstr(world.text, "Content-Type: application/json\r\n");
            good = good && strstr(world.text, "{\"success\":false,\"code\":\"");
        }
        if (strstr(world.text, "X-Content-Type-Options") || strstr(world.text, "\"code\":")) {
            good = good && strstr(world.text, "X-Content-Type-Options: nosniff\r\n");
            good = good && strstr(world.text, "Cache-Control: no-store\r\n");
        }
        if (!good) say(row);
        assert_true(good);
    }
}

static void head_is_get_without_its_body(void **state)
{
    assert_int_equal(world_talk(&world, WORLD_UNIX, "HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n"),
                     200);
    assert_null(strstr(world.text, "\"route\""));
    assert_non_null(strstr(world.text, "Content-Length: "));
    assert_string_equal(strstr(world.text, "\r\n\r\n"), "\r\n\r\n");
    /* Refused before its body: past libmicrohttpd, where this is ours to see to. */
    assert_int_equal(world_talk(&world, WORLD_UNIX,
                                "HEAD /v1/track HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"),
                     405);
    assert_string_equal(strstr(world.text, "\r\n\r\n"), "\r\n\r\n");
}

static void an_answer_keeps_its_type(void **state)
{
    world.page = "<!doctype html><title>t</title>";
    assert_int_equal(world_talk(&world, WORLD_UNIX, GET("/")), 200);
    assert_non_null(strstr(world.text, "Content-Type: text/html\r\n"));
    assert_non_null(strstr(world.text, "X-Content-Type-Options: nosniff\r\n"));
    assert_non_null(strstr(world.text, "<!doctype html>"));
}

static void a_head_of_more_than_8_kib_is_refused(void **state)
{
    static const struct {
        size_t field_bytes;
        int status;
        bool json;
    } sizes[] = {{7000, 200, false}, {9000, 431, true}, {20000, 431, true}, {200000, 431, false}};
    static char request[256 * 1024];
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        int n = snprintf(request, sizeof request, "GET /healthz HTTP/1.1\r\nHost: x\r\nX: ");
        memset(request + n, 'a', sizes[i].field_bytes);
        snprintf(request + (size_t)n + sizes[i].field_bytes, 8, "\r\n\r\n");
        int fd = world_connect(&world, WORLD_UNIX);
        (void)world_send(&world, fd, request, strlen(request));
        for (int turn = 0; turn < 100; turn++)
            world_turn(&world, 0); /* it grows its buffer slowly */
        (void)world_read(&world, fd, true);
        close(fd);
        int status = world_status(world.text);
        if (status != sizes[i].status) print_message("%zu: %s\n", sizes[i].field_bytes, world.text);
        assert_int_equal(status, sizes[i].status);
        assert_int_equal(strstr(world.text, "\"too_large\"") != NULL, sizes[i].json);
    }
    assert_int_equal(world_talk(&world, WORLD_UNIX, GET("/healthz")), 200);
}

/* --- bodies --- */

static char *filled(size_t len, char with)
{
    char *p = malloc(len + 1);
    assert_non_null(p);
    memset(p, with, len);
    p[len] = '\0';
    return p;
}

static void a_body_may_be_as_large_as_its_route_allows(void **state)
{
    static const struct {
        const char *path;
        size_t bytes;
        int status;
    } bodies[] = {
        {"/v1/track", 32 * 1024, 200},
        {"/v1/track", 32 * 1024 + 1, 413},
        {"/v1/batch", 500 * 1024, 200},
        {"/v1/batch", 500 * 1024 + 1, 413},
        {"/v1/events/retry", 64 * 1024, 200},
        {"/v1/events/retry", 64 * 1024 + 1, 413},
        {"/v1/sync", 1024, 200},
        {"/v1/sync", 1025, 413},
    };
    static char head[256], wanted[32];
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        char *body = filled(bodies[i].bytes, ' ');
        for (int chunked = 0; chunked < 2; chunked++) {
            if (chunked)
                snprintf(head, sizeof head,
                         "POST %s HTTP/1.1\r\nHost: x\r\n" JSON_TYPE
                         "Transfer-Encoding: chunked\r\n\r\n%zx\r\n",
                         bodies[i].path, bodies[i].bytes);
            else
                snprintf(head, sizeof head,
                         "POST %s HTTP/1.1\r\nHost: x\r\n" JSON_TYPE "Content-Length: %zu\r\n\r\n",
                         bodies[i].path, bodies[i].bytes);
            int fd = world_connect(&world, WORLD_UNIX);
            bool sent = world_send(&world, fd, head, strlen(head)) &&
                        world_send(&world, fd, body, bodies[i].bytes);
            if (sent && chunked) (void)world_send(&world, fd, "\r\n0\r\n\r\n", 7);
            (void)world_read(&world, fd, true);
            close(fd);
            assert_int_equal(world_status(world.text), bodies[i].status);
            snprintf(wanted, sizeof wanted, "\"len\":%zu", bodies[i].bytes);
            assert_int_equal(strstr(world.text, wanted) != NULL, bodies[i].status == 200);
            assert_int_equal(strstr(world.text, "\"too_large\"") != NULL, bodies[i].status == 413);
        }
        free(body);
    }
}

/* zlib keeps what it has packed; here it does so in memory that is wiped. */
static char gzip_pool[512 * 1024];
static size_t gzip_pool_used;

static voidpf gzip_take(voidpf opaque, uInt items, uInt size)
{
    char *at = gzip_pool + gzip_pool_used;
    gzip_pool_used += (items * size + 15U) / 16 * 16;
    return gzip_pool_used <= sizeof gzip_pool ? at : NULL;
}

static void gzip_give_back(voidpf opaque, voidpf p)
{
}

static size_t gzip(const char *text, size_t len, char *out, size_t out_bytes)
{
    z_stream z = {.zalloc = gzip_take, .zfree = gzip_give_back};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)text;
    z.avail_in = (uInt)len;
    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)out_bytes;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    wipe(gzip_pool, sizeof gzip_pool);
    gzip_pool_used = 0;
    return out_bytes - z.avail_out;
}

static int talk_gzip(const char *path, const char *packed, size_t len)
{
    static char request[64 * 1024];
    int n = snprintf(request, sizeof request,
                     "POST %s HTTP/1.1\r\nHost: x\r\n" JSON_TYPE
                     "Content-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
                     path, len);
    memcpy(request + n, packed, len);
    return world_talk_bytes(&world, WORLD_UNIX, request, (size_t)n + len);
}

static void a_gzipped_body_is_what_it_says_within_the_same_limits(void **state)
{
    static char packed[16 * 1024];
    static const struct {
        size_t bytes;
        int status;
    } bodies[] = {{7, 200}, {32 * 1024, 200}, {32 * 1024 + 1, 413}, {8 * 1024 * 1024, 413}};
    char wanted[32];
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        char *text = filled(bodies[i].bytes, 'a');
        size_t len = gzip(text, bodies[i].bytes, packed, sizeof packed);
        free(text);
        assert_int_equal(talk_gzip("/v1/track", packed, len), bodies[i].status);
        snprintf(wanted, sizeof wanted, "\"len\":%zu", bodies[i].bytes);
        assert_int_equal(strstr(world.text, wanted) != NULL, bodies[i].status == 200);
        if (bodies[i].status != 200) continue;
        assert_int_equal(talk_gzip("/v1/track", packed, len - 1), 400);
    }
}

static void all_bodies_together_have_a_ceiling(void **state)
{
    enum { FIT = 8, MORE = 3, BYTES = 500 * 1024 };
    int fds[FIT + MORE];
    char head[256];
    char *body = filled(BYTES, ' ');
    world.hold = true;
    snprintf(head, sizeof head, POST("/v1/batch", JSON_TYPE "Content-Length: %d\r\n\r\n"), BYTES);
    for (int i = 0; i < FIT + MORE; i++) {
        fds[i] = world_connect(&world, WORLD_UNIX);
        if (world_send(&world, fds[i], head, strlen(head)))
            (void)world_send(&world, fds[i], body, BYTES);
        (void)world_read(&world, fds[i], true);
        if (i < FIT) {
            assert_string_equal(world.text, "");
            continue;
        }
        assert_int_equal(world_status(world.text), 503);
        assert_non_null(strstr(world.text, "\"code\":\"busy\""));
        assert_non_null(strstr(world.text, "Retry-After: 1\r\n"));
    }
    assert_int_equal(world.held_count, FIT);
    /* One is answered: there is room for one again. */
    world.hold = false;
    world_answer_held(&world, 0);
    int status = 0;
    int fd = world_connect(&world, WORLD_UNIX);
    assert_true(world_send(&world, fd, head, strlen(head)));
    assert_true(world_send(&world, fd, body, BYTES));
    assert_true(world_read(&world, fd, true));
    status = world_status(world.text);
    assert_int_equal(status, 200);
    for (size_t i = 1; i < world.held_count; i++) world_answer_held(&world, i);
    for (int i = 0; i < FIT + MORE; i++) close(fds[i]);
    close(fd);
    free(body);
}

static void a_refused_body_is_not_read_for_ever(void **state)
{
    static char junk[64 * 1024];
    size_t sent = 0;
    const char *head = POST("/v1/track", "Transfer-Encoding: chunked\r\n\r\nffffffff\r\n");
    int fd = world_connect(&world, WORLD_UNIX);
    assert_true(world_send(&world, fd, head, strlen(head)));
    assert_false(world_read(&world, fd, true));
    assert_int_equal(world_status(world.text), 415);
    while (sent < 64 * sizeof junk && world_send(&world, fd, junk, sizeof junk))
        sent += sizeof junk;
    assert_in_range(sent, 512 * 1024, 2048 * 1024);
    close(fd);
}

static void expect_100_continue_is_answered_before_the_body(void **state)
{
    const char *head =
        POST("/v1/track", JSON_TYPE "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    int fd = world_connect(&world, WORLD_UNIX);
    assert_true(world_send(&world, fd, head, strlen(head)));
    assert_true(world_read(&world, fd, true));
    assert_string_equal(world.text, "HTTP/1.1 100 Continue\r\n\r\n");
    assert_true(world_send(&world, fd, "{}", 2));
    assert_true(world_read(&world, fd, true));
    assert_int_equal(world_status(world.text), 200);
    close(fd);
    /* And a refusal comes instead of it. */
    assert_int_equal(world_talk(&world, WORLD_UNIX,
                                POST("/v1/track", JSON_TYPE
                                     "Content-Length: 99999\r\nExpect: 100-continue\r\n\r\n")),
                     413);
    assert_null(strstr(world.text, "100 Continue"));
}

/* --- connections --- */

static size_t count(const char *text, const char *what)
{
    size_t n = 0;
    for (; (text = strstr(text, what)); text++) n++;
    return n;
}

static void a_connection_serves_many_requests_in_order(void **state)
{
    char pipelined[8192] = "", wanted[64];
    size_t len = 0;
    for (int i = 0; i < 60; i++)
        len += (size_t)snprintf(pipelined + len, sizeof pipelined - len,
                                i % 3 == 1
                                    ? POST("/v1/track", JSON_TYPE "Content-Length: %d\r\n\r\n%d")
                                    : "GET /v1/events?n%d%d HTTP/1.1\r\nHost: x\r\n\r\n",
                                i % 3 == 1 ? (i < 10 ? 1 : 2) : i, i);
    int fd = world_connect(&world, WORLD_UNIX);
    assert_true(world_send(&world, fd, pipelined, len));
    assert_true(world_read(&world, fd, true));
    assert_int_equal(count(world.text, "HTTP/1.1 200"), 60);
    const char *at = world.text;
    for (int i = 0; i < 60; i++) {
        if (i % 3 == 1) snprintf(wanted, sizeof wanted, "\"body\":\"%d\"", i);
        else snprintf(wanted, sizeof wanted, "\"query\":\"n%d%d\"", i, i);
        at = strstr(at, wanted);
        assert_non_null(at);
    }
    close(fd);
}

static void a_refusal_without_a_body_keeps_the_connection(void **state)
{
    const char *two = GET("/nothing") GET("/healthz");
    int fd = world_connect(&world, WORLD_UNIX);
    assert_true(world_send(&world, fd, two, strlen(two)));
    assert_true(world_read(&world, fd, true));
    assert_int_equal(world_status(world.text), 404);
    assert_non_null(strstr(world.text, "HTTP/1.1 200"));
    close(fd);
}

static void a_request_hidden_behind_two_lengths_is_never_seen(void **state)
{
    world.handed_out = 0;
    assert_int_equal(
        world_talk(&world, WORLD_UNIX,
                   POST("/v1/track", JSON_TYPE "Content-Length: 0\r\nContent-Length: 60\r\n\r\n")
                       POST("/v1/sync", "\r\n")),
        400);
    assert_int_equal(count(world.text, "HTTP/1.1"), 1);
    assert_int_equal(world.handed_out, 0);
}

static void one_that_pipelines_takes_its_turn_with_the_others(void **state)
{
    char many[100 * (sizeof GET("/healthz") - 1)];
    for (size_t i = 0; i < sizeof many; i++)
        many[i] = GET("/healthz")[i % (sizeof GET("/healthz") - 1)];
    int greedy = world_connect(&world, WORLD_UNIX);
    int modest = world_connect(&world, WORLD_UNIX);
    world_turn(&world, 0);
    assert_int_equal(send(greedy, many, sizeof many, 0), (ssize_t)sizeof many);
    assert_int_equal(send(modest, GET("/"), strlen(GET("/")), 0), (ssize_t)strlen(GET("/")));
    world_turn(&world, 0);
    char answer[1024];
    assert_true(recv(modest, answer, sizeof answer, MSG_DONTWAIT) > 0);
    close(greedy);
    close(modest);
}

static void a_caller_that_has_closed_its_sending_half_is_answered(void **state)
{
    static const char *const requests[] = {
        GET("/healthz"),
        POST("/v1/track", JSON_TYPE "Content-Length: 2\r\n\r\n{}"),
        GET("/healthz") GET("/healthz") GET("/healthz"),
        GET("/nothing"),
    };
    /* libmicrohttpd treats its oldest connection differently: ours must not be that one. */
    int oldest = world_connect(&world, WORLD_UNIX);
    world_turn(&world, 0);
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        int fd = world_connect(&world, WORLD_UNIX);
        assert_true(send(fd, requests[i], strlen(requests[i]), 0) > 0);
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        assert_false(world_read(&world, fd, true));
        assert_int_equal(count(world.text, "HTTP/1.1 "), i == 2 ? 3 : 1);
        close(fd);
    }
    close(oldest);
}

static void a_caller_that_is_gone_harms_nobody(void **state)
{
    world.hold = true;
    int fd = world_connect(&world, WORLD_UNIX);
    assert_true(world_send(&world, fd, GET("/healthz"), strlen(GET("/healthz"))));
    assert_int_equal(world.held_count, 1);
    close(fd);
    world_turn(&world, 0);
    world.hold = false;
    world_answer_held(&world, 0);
    world_turn(&world, 0);
    struct api_counters n;
    api_counters(world.api, &n);
    assert_int_equal(n.connections, 0);
}

/* --- deadlines --- */

static unsigned connections(void)
{
    struct api_counters n;
    api_counters(world.api, &n);
    return n.connections;
}

/* clang-format off */
static const struct slow {
    const char *what;
    const char *first;   /* sent at once */
    const char *drip;    /* then a byte of this every second, again and again */
    int64_t closed_after_ms;
} slow[] = {
    {"silence",             "",                                   "", 5000},
    {"half a head",         "GET /healthz HTTP/1.1\r\nHost: x\r\n", "", 5000},
    {"a dripping head",     "GET /healthz HTTP/1.1\r\nX: ",       "a", 5000},
    {"a dripping path",     "GET /",                              "a", 5000},
    {"half a body",         POST("/v1/track", JSON_TYPE "Content-Length: 100\r\n\r\n{"), "", 10000},
    {"a dripping body",     POST("/v1/track", JSON_TYPE "Content-Length: 100\r\n\r\n{"), " ", 10000},
    {"dripping chunks",     POST("/v1/track", JSON_TYPE "Transfer-Encoding: chunked\r\n\r\n"), "1\r\n{\r\n", 10000},
    {"after a refusal",     POST("/v1/track", "Content-Length: 100\r\n\r\n{"), " ", 10000},
    {"idle",                GET("/healthz"),                      "", 60000},
    {"half a second head",  GET("/healthz") "GET /he",            "", 60000},
};
/* clang-format on */

static void whatever_drips_is_closed_at_its_deadline(void **state)
{
    for (size_t i = 0; i < sizeof slow / sizeof slow[0]; i++) {
        const struct slow *s = &slow[i];
        size_t drop = 0, drops = strlen(s->drip);
        int fd = world_connect(&world, WORLD_UNIX);
        world_turn(&world, 0);
        int64_t began = world.now_ms;
        (void)world_send(&world, fd, s->first, strlen(s->first));
        while (world.now_ms - began < s->closed_after_ms - 1000) {
            world_turn(&world, 1000);
            if (drops) assert_int_equal(send(fd, s->drip + drop++ % drops, 1, MSG_NOSIGNAL), 1);
        }
        world_turn(&world, 999);
        if (connections() != 1) print_message("row \"%s\": closed too early\n", s->what);
        assert_int_equal(connections(), 1);
        world_turn(&world, 1);
        if (connections() != 0) print_message("row \"%s\": not closed\n", s->what);
        assert_int_equal(connections(), 0);
        close(fd);
    }
}

static void the_first_byte_of_a_further_request_starts_its_clock(void **state)
{
    int fd = world_connect(&world, WORLD_UNIX);
    assert_true(world_send(&world, fd, GET("/healthz"), strlen(GET("/healthz"))));
    world_turn(&world, 30000);
    assert_int_equal(connections(), 1);
    assert_int_equal(send(fd, "G", 1, 0), 1);
    world_turn(&world, 0);
    world_turn(&world, 4999);
    assert_int_equal(send(fd, "E", 1, 0), 1);
    world_turn(&world, 0);
    assert_int_equal(connections(), 1);
    world_turn(&world, 1);
    assert_int_equal(connections(), 0);
    close(fd);
}

static void a_caller_that_does_not_read_is_closed(void **state)
{
    world.big = (struct str){filled(900 * 1024, 'a'), 900 * 1024};
    int fd = world_connect(&world, WORLD_UNIX);
    int size = 4096;
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size), 0);
    assert_true(world_send(&world, fd, GET("/healthz"), strlen(GET("/healthz"))));
    world_turn(&world, 29999);
    assert_int_equal(connections(), 1);
    world_turn(&world, 1);
    assert_int_equal(connections(), 0);
    free((char *)(uintptr_t)world.big.p);
    close(fd);
}

static void a_request_that_waits_for_its_answer_has_no_deadline(void **state)
{
    world.hold = true;
    int fd = world_connect(&world, WORLD_UNIX);
    assert_true(world_send(&world, fd, GET("/healthz"), strlen(GET("/healthz"))));
    assert_int_equal(api_timeout_ms(world.api), -1);
    world_turn(&world, 3600 * 1000);
    world.hold = false;
    world_answer_held(&world, 0);
    assert_true(world_read(&world, fd, true));
    assert_int_equal(world_status(world.text), 200);
    close(fd);
}

/* --- what stays --- */

/* The secret never stands in this program's own memory but where it is sent from. */
enum { SECRET_BYTES = 24, MASK = 0x5A };
static unsigned char masked[SECRET_BYTES];

/* No string literal, which AddressSanitizer keeps in memory that may be written, where we look; and
 * no alphabet: C libraries keep one for their digits. */
static void make_secret(void)
{
    for (size_t i = 0; i < SECRET_BYTES; i++)
        masked[i] = (unsigned char)(('a' + (7 * i + 3) % 26) ^ MASK);
}

static void put_secret(char *at)
{
    for (size_t i = 0; i < SECRET_BYTES; i++) at[i] = (char)(masked[i] ^ MASK);
}

static size_t find_secret(const unsigned char *p, size_t len)
{
    size_t found = 0;
    for (size_t i = 0; i + SECRET_BYTES <= len; i++) {
        size_t k = 0;
        while (k < SECRET_BYTES && (p[i + k] ^ MASK) == masked[k]) k++;
        found += k == SECRET_BYTES;
    }
    return found;
}

static size_t secrets_in_memory(void)
{
    static unsigned char block[1024 * 1024];
    size_t found = 0;
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "r");
    FILE *mem = fopen("/proc/self/mem", "r");
    assert_non_null(maps);
    assert_non_null(mem);
    setvbuf(mem, NULL, _IONBF, 0);
    while (fgets(line, sizeof line, maps)) {
        unsigned long from, to;
        char rights[5];
        if (sscanf(line, "%lx-%lx %4s", &from, &to, rights) != 3) continue;
        if (rights[0] != 'r' || rights[1] != 'w' || to - from > 256UL * 1024 * 1024) continue;
        for (unsigned long at = from; at < to; at += sizeof block - SECRET_BYTES) {
            size_t want = to - at < sizeof block ? to - at : sizeof block;
            if (fseek(mem, (long)at, SEEK_SET) != 0) break;
            size_t n = fread(block, 1, want, mem);
            if (at <= (unsigned long)(uintptr_t)block && (unsigned long)(uintptr_t)block < at + n)
                n = (unsigned long)(uintptr_t)block - at;
            found += find_secret(block, n);
            memset(block, 0, sizeof block);
        }
    }
    fclose(maps);
    fclose(mem);
    return found;
}

/* clang-format off */
static const struct trace {
    const char *what;
    const char *head;
    size_t body_bytes; /* sent, blanks around the secret */
    bool gone;         /* the caller then closes at once */
    int packed;        /* 1: gzip'd, 2: and its last bytes are missing */
} traces[] = {
    {"an accepted call",        POST("/v1/track", JSON_TYPE "Content-Length: 1000\r\n\r\n"), 1000, false, 0},
    {"an accepted batch",       POST("/v1/batch", JSON_TYPE "Content-Length: 300000\r\n\r\n"), 300000, false, 0},
    {"one in chunks",           POST("/v1/track", JSON_TYPE "Transfer-Encoding: chunked\r\n\r\n3e8\r\n"), 1000, false, 0},
    {"half of one",             POST("/v1/track", JSON_TYPE "Content-Length: 2000\r\n\r\n"), 1000, true, 0},
    {"a wrong type",            POST("/v1/track", "Content-Length: 1000\r\n\r\n"), 1000, false, 0},
    {"no such route",           POST("/nothing", JSON_TYPE "Content-Length: 1000\r\n\r\n"), 1000, false, 0},
    {"one too large",           POST("/v1/track", JSON_TYPE "Content-Length: 40000\r\n\r\n"), 10000, false, 0},
    {"too large in chunks",     POST("/v1/track", JSON_TYPE "Transfer-Encoding: chunked\r\n\r\n9c40\r\n"), 40000, false, 0},
    {"one with two lengths",    POST("/v1/track", JSON_TYPE "Content-Length: 0\r\nContent-Length: 9\r\n\r\n"), 1000, false, 0},
    {"a broken chunk",          POST("/v1/track", JSON_TYPE "Transfer-Encoding: chunked\r\n\r\nzz\r\n"), 1000, false, 0},
    {"no body wanted",          POST("/v1/sync", JSON_TYPE "Content-Length: 1000\r\n\r\n"), 1000, false, 0},
    {"a target",                "GET /v1/events/a-name-that-is-long-enough-to-be-left-over-", 0, false, 0},
    {"gzip",                    NULL, 1000, false, 1},
    {"gzip that is cut short",  NULL, 1000, false, 2},
    {"gzip of too much",        NULL, 40000, false, 1},
};
/* clang-format on */

static size_t fill_trace(const struct trace *t, char *at, size_t at_bytes)
{
    char packed[4096];
    size_t head = (size_t)snprintf(at, at_bytes, "%s", t->head ? t->head : "");
    if (t->body_bytes == 0) {
        put_secret(at + head);
        head += SECRET_BYTES;
        return head + (size_t)snprintf(at + head, 64, " HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    memset(at + head, ' ', t->body_bytes);
    put_secret(at + head + t->body_bytes / 2);
    if (!t->packed) return head + t->body_bytes;
    size_t n = gzip(at + head, t->body_bytes, packed, sizeof packed);
    n -= t->packed == 2 ? 9 : 0;
    wipe(at + head, t->body_bytes);
    head = (size_t)snprintf(
        at, at_bytes,
        POST("/v1/track", JSON_TYPE "Content-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n"), n);
    memcpy(at + head, packed, n);
    wipe(packed, sizeof packed);
    return head + n;
}

static void nothing_of_a_body_stays_in_memory(void **state)
{
    static char request[512 * 1024];
    make_secret();
    world.big = STR("{}");
    for (size_t i = 0; i < sizeof traces / sizeof traces[0]; i++) {
        const struct trace *t = &traces[i];
        size_t len = fill_trace(t, request, sizeof request);
        int fd = world_connect(&world, WORLD_UNIX);
        (void)world_send(&world, fd, request, len);
        wipe(request, sizeof request);
        if (i == 0) { /* the search finds what is there */
            put_secret(world.text);
            assert_int_equal(secrets_in_memory(), 1);
        }
        wipe(world.text, sizeof world.text);
        if (t->gone) close(fd);
        else (void)world_read(&world, fd, true);
        if (!t->gone) close(fd);
        world_turn(&world, 0);
        size_t found = secrets_in_memory();
        if (found) print_message("row \"%s\": found %zu times\n", t->what, found);
        assert_int_equal(found, 0);
    }
}

static void a_body_that_waits_is_in_memory_once(void **state)
{
    static char request[4096];
    make_secret();
    world.hold = true;
    for (size_t i = 0; i < sizeof traces / sizeof traces[0]; i++) {
        if (i != 0 && traces[i].packed != 1) continue;
        size_t len = fill_trace(&traces[i], request, sizeof request);
        int fd = world_connect(&world, WORLD_UNIX);
        assert_true(world_send(&world, fd, request, len));
        wipe(request, sizeof request);
        assert_int_equal(secrets_in_memory(), world.held_count);
        close(fd);
        if (world.held_count == 2) break;
    }
    assert_int_equal(world.held_count, 2);
}

/* --- a real client --- */

static int curl(const char *arguments)
{
    char command[1024];
    snprintf(
        command, sizeof command,
        "curl -sS -o %s/out -w '%%{http_code}' --max-time 20 --unix-socket %s %s >%s/code 2>&1",
        world.dir, world.socket, arguments, world.dir);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    int status;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        world_turn(&world, 1);
        usleep(200);
    }
    char path[128], code[256] = "";
    snprintf(path, sizeof path, "%s/code", world.dir);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    size_t n = fread(code, 1, sizeof code - 1, f);
    fclose(f);
    unlink(path);
    snprintf(path, sizeof path, "%s/out", world.dir);
    unlink(path);
    if (status != 0) print_message("curl %s: %.*s\n", arguments, (int)n, code);
    return status == 0 ? (int)strtol(code, NULL, 10) : -1;
}

static void curl_gets_every_answer(void **state)
{
    if (access("/usr/bin/curl", X_OK) != 0) {
        print_message("skipped: /usr/bin/curl is not installed\n");
        skip();
    }
    char large[128], arguments[512];
    snprintf(large, sizeof large, "%s/large", world.dir);
    FILE *f = fopen(large, "w");
    assert_non_null(f);
    for (int i = 0; i < 900 * 1024; i++) fputc(' ', f);
    fclose(f);
    assert_int_equal(curl("http://localhost/healthz"), 200);
    assert_int_equal(curl("-H 'Content-Type: application/json' -d '{}' http://x/v1/track"), 200);
    assert_int_equal(curl("-d '{}' http://x/v1/track"), 415);
    for (int i = 0; i < 20; i++) { /* it still sends when the refusal comes */
        snprintf(arguments, sizeof arguments,
                 "-H 'Content-Type: application/json' %s --data-binary @%s http://x/v1/batch",
                 i % 2 ? "-H 'Transfer-Encoding: chunked'" : "", large);
        assert_int_equal(curl(arguments), 413);
    }
    unlink(large);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
    const struct CMUnitTest tests[] = {
        TEST(every_request_gets_the_answer_of_its_row),
        TEST(head_is_get_without_its_body),
        TEST(an_answer_keeps_its_type),
        TEST(a_head_of_more_than_8_kib_is_refused),
        TEST(a_body_may_be_as_large_as_its_route_allows),
        TEST(a_gzipped_body_is_what_it_says_within_the_same_limits),
        TEST(all_bodies_together_have_a_ceiling),
        TEST(a_refused_body_is_not_read_for_ever),
        TEST(expect_100_continue_is_answered_before_the_body),
        TEST(a_connection_serves_many_requests_in_order),
        TEST(a_refusal_without_a_body_keeps_the_connection),
        TEST(a_request_hidden_behind_two_lengths_is_never_seen),
        TEST(one_that_pipelines_takes_its_turn_with_the_others),
        TEST(a_caller_that_has_closed_its_sending_half_is_answered),
        TEST(a_caller_that_is_gone_harms_nobody),
        TEST(whatever_drips_is_closed_at_its_deadline),
        TEST(the_first_byte_of_a_further_request_starts_its_clock),
        TEST(a_caller_that_does_not_read_is_closed),
        TEST(a_request_that_waits_for_its_answer_has_no_deadline),
        TEST(nothing_of_a_body_stays_in_memory),
        TEST(a_body_that_waits_is_in_memory_once),
        TEST(curl_gets_every_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
