/*
 * http_fuzz.c: any bytes into the listener, on the Unix socket or on TCP. The first byte chooses the
 * door and into how many pieces the rest is cut; between pieces the api has its turns.
 * What must hold: what comes back are answers of the contract; a request that was handed out has a
 * body within its route's limit; over TCP nothing but the open route is handed out to a sender who
 * does not know the token; nobody stays connected; the next caller is served.
 * The mutator knows lines: it puts, doubles and drops the lines of a request. ":PPPPP" stands for the
 * listener's port, without which no Host over TCP is the right one.
 */
#include "fuzz/fuzz.h"

#include "api_world.h"
#include "generator.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct world world;

/* Answers -------------------------------------------------------------------------------------- */

static bool is_known(int status)
{
    static const int known[] = {100, 200, 204, 400, 401, 403, 404, 405, 408,
                                413, 414, 415, 417, 431, 501, 503, 505};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (status == known[i]) return true;
    return false;
}

/* Behind an answer's head: the next answer, or this one's body (none, to HEAD). */
static const char *behind_body(const char *head, const char *body)
{
    static const char key[] = "\r\nContent-Length: ";
    const char *length = strstr(head, key);
    size_t left = strlen(body);
    if (strncmp(body, "HTTP/1.", 7) == 0 || length == NULL || length > body) return body;
    size_t bytes = (size_t)strtoull(length + sizeof key - 1, NULL, 10);
    return body + (bytes < left ? bytes : left);
}

static void check_answers(const char *text)
{
    while (text[0] != '\0') {
        const char *end = strstr(text, "\r\n\r\n");
        MUST(is_known(world_status(text)));
        MUST(end != NULL);
        text = behind_body(text, end + 4);
    }
}

/* "token-of-the-register" and "the-next-token" in Base64, behind nothing: the user of Basic. */
static bool knows_token(const uint8_t *data, size_t size)
{
    static const char *const forms[] = {WORLD_TOKEN, "the-next-token",
                                        "dG9rZW4tb2YtdGhlLXJlZ2lzdGVy", "dGhlLW5leHQtdG9rZW"};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (memmem(data, size, forms[i], strlen(forms[i])) != NULL) return true;
    return false;
}

static size_t body_max(int route)
{
    for (size_t i = 0; i < world_route_count; i++) {
        if (world_routes[i].id != route) continue;
        switch (world_routes[i].body) {
        case API_NO_BODY: return API_NO_BODY_MAX_BYTES;
        case API_CALL_BODY: return API_CALL_MAX_BYTES;
        case API_BATCH_BODY: return API_BATCH_MAX_BYTES;
        case API_SMALL_BODY: return API_SMALL_MAX_BYTES;
        }
    }
    fuzz_stop(__FILE__, __LINE__, "a route that nobody asked for");
    return 0;
}

static void serve_held(bool tcp, bool known)
{
    for (size_t i = 0; i < world.held_count; i++) {
        const struct api_request *r = &world.held[i];
        MUST(r->over_tcp == tcp);
        MUST(r->body_len <= body_max(r->route));
        MUST(r->body_len == 0 || r->body[r->body_len] == '\0');
        MUST(!tcp || known || r->route == ROUTE_HEALTH);
        MUST(!tcp || r->route != ROUTE_ERASE);
        world_answer_held(&world, i);
    }
    world.held_count = 0;
}

/* One caller ----------------------------------------------------------------------------------- */

/* The input, with the port in it. */
static uint8_t *with_port(const uint8_t *data, size_t size)
{
    static const char mark[] = ":PPPPP";
    const size_t len = sizeof mark - 1;
    char port[sizeof mark];
    uint8_t *copy = malloc(size + 1);
    MUST(copy != NULL && snprintf(port, sizeof port, ":%05u", world.port) == (int)len);
    memcpy(copy, data, size);
    for (size_t i = 0; i + len <= size; i++)
        if (memcmp(copy + i, mark, len) == 0) memcpy(copy + i, port, len);
    return copy;
}

static void talk(int fd, const uint8_t *data, size_t size, size_t pieces, bool tcp)
{
    bool known = knows_token(data, size);
    size_t piece = size / pieces + 1;
    for (size_t at = 0; at < size; at += piece) {
        size_t len = size - at < piece ? size - at : piece;
        bool open = world_send(&world, fd, data + at, len);
        serve_held(tcp, known);
        if (!open) break;
    }
    (void)shutdown(fd, SHUT_WR);
    for (bool open = true, fresh = true; open; fresh = false) {
        open = world_read(&world, fd, fresh);
        bool answered = world.held_count > 0;
        serve_held(tcp, known);
        if (!answered) break;
    }
    check_answers(world.text);
}

/* With a reset, so that no port waits. */
static void hang_up(int fd)
{
    const struct linger at_once = {1, 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fd);
}

static void next_caller_is_served(void)
{
    world.hold = false;
    MUST(world_talk(&world, WORLD_UNIX, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n") == 200);
    world.hold = true;
}

static void nobody_stays(void)
{
    struct api_counters c;
    world_turn(&world, API_IDLE_MAX_MS + API_ANSWER_MAX_MS);
    world_turn(&world, 0);
    serve_held(false, true);
    world_turn(&world, 0);
    api_counters(world.api, &c);
    MUST(c.connections == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    if (world.api == NULL) world_open(&world, true);
    enum world_door door = (data[0] & 1) != 0 ? WORLD_TCP : WORLD_UNIX;
    size_t pieces = (size_t)(data[0] >> 1) % 16 + 1;
    world.hold = true;
    int fd = world_connect(&world, door);
    uint8_t *input = with_port(data + 1, size - 1);
    talk(fd, input, size - 1, pieces, door == WORLD_TCP);
    free(input);
    hang_up(fd);
    nobody_stays();
    next_caller_is_served();
    return 0;
}

/* The mutator ---------------------------------------------------------------------------------- */

/* clang-format off */
static const char *const lines[] = {
    "GET /healthz HTTP/1.1\r\n", "POST /v1/track HTTP/1.1\r\n", "POST /v1/batch HTTP/1.1\r\n",
    "GET /v1/events/a%2Fb?name=x HTTP/1.1\r\n", "POST /v1/events/retry HTTP/1.1\r\n",
    "POST /v1/erase HTTP/1.1\r\n", "POST /v1/sync HTTP/1.0\r\n", "OPTIONS * HTTP/1.1\r\n",
    "HEAD / HTTP/1.1\r\n", "GET http://localhost/ HTTP/1.1\r\n", "Host: localhost\r\n",
    "Host: localhost:PPPPP\r\n", "Host: 127.0.0.1:PPPPP\r\n", "Origin: http://localhost:PPPPP\r\n",
    "Host: evil.example\r\n", "Host: [::1]:80\r\n", "Origin: https://till.example\r\n",
    "Origin: null\r\n", "Authorization: Bearer " WORLD_TOKEN "\r\n",
    "Authorization: Bearer the-next-token\r\n", "Authorization: Bearer x\r\n",
    "Authorization: Basic dG9rZW4tb2YtdGhlLXJlZ2lzdGVyOg==\r\n",
    "Content-Type: application/json\r\n", "Content-Type: text/plain\r\n",
    "Content-Encoding: gzip\r\n", "Content-Length: 2\r\n", "Content-Length: 0\r\n",
    "Content-Length: 32769\r\n", "Content-Length: 99999999999999999999\r\n",
    "Transfer-Encoding: chunked\r\n", "Expect: 100-continue\r\n", "Connection: close\r\n",
    "Connection: Upgrade\r\nUpgrade: h2c\r\n", "Access-Control-Request-Method: POST\r\n",
    "Access-Control-Request-Private-Network: true\r\n", "\r\n", "\n", "2\r\n{}\r\n", "0\r\n\r\n",
    "{\"event\":\"x\"}", "{}",
};
/* clang-format on */

/* Behind the line end that follows data[i]. */
static size_t line_end(const uint8_t *data, size_t size, size_t i)
{
    while (i < size && data[i] != '\n') i++;
    return i < size ? i + 1 : size;
}

/* In the place of a line, or before it, another: one of the list, or the line itself. */
static size_t put_line(struct generator *g, uint8_t *data, size_t size, size_t max_size)
{
    size_t start = 1;
    char twice[256];
    for (unsigned n = generator_below(g, 8); n > 0 && start < size; n--)
        start = line_end(data, size, start);
    size_t end = line_end(data, size, start), own = end - start;
    const char *line = lines[generator_below(g, sizeof lines / sizeof lines[0])];
    size_t len = strlen(line);
    if (generator_chance(g, 20) && own < sizeof twice) {
        memcpy(twice, data + start, own);
        line = twice;
        len = own;
    }
    if (generator_chance(g, 60)) end = start;
    if (start > size || size - (end - start) + len > max_size) return 0;
    memmove(data + start + len, data + end, size - end);
    memcpy(data + start, line, len);
    return size - (end - start) + len;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    struct generator g;
    generator_begin(&g, seed);
    if (size == 0) data[size++] = 0;
    size_t made = generator_chance(&g, 60) ? put_line(&g, data, size, max_size) : 0;
    buf_free(&g.out);
    return made > 0 ? made : LLVMFuzzerMutate(data, size, max_size);
}
