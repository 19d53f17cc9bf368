/*
 * attacks.c: what hostile software on the till, or a web page in its browser, may try on the local
 * API: one row an attack and the answer it gets, over the sockets of a running agent.
 *
 *   attacks SOCKET PORT TOKEN
 *
 * In a request, $SALE$ stands for a good sale, $LEN$ for its bytes, $PORT$ and $TOKEN$ for the
 * arguments, $FLOOD$ for 9 KiB. Each attack carries a sale that would be taken if the attack worked.
 * A row passes when its connection brought `answers` answers, the last with the status, then ended,
 * and none said "queued". Status 0: it ends without an answer.
 */
#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { TEXT_BYTES = 64 * 1024, FLOOD_BYTES = 9 * 1024, WAIT_S = 60, EXIT_WRONG_USE = 64 };
enum door { TCP, UNIX };
enum end { STAYS, HALF_CLOSES };

#define LINE    "POST /v1/track HTTP/1.1\r\n"
#define HOST    "Host: 127.0.0.1:$PORT$\r\n"
#define AUTH    "Authorization: Bearer $TOKEN$\r\n"
#define JSON    "Content-Type: application/json\r\n"
#define CLOSE   "Connection: close\r\n"
#define LENGTH  "Content-Length: $LEN$\r\n"
#define SALE    LENGTH "\r\n$SALE$"
#define CHUNKED "Transfer-Encoding: chunked\r\n"
#define CHUNKS  "\r\n$HEX$\r\n$SALE$\r\n0\r\n\r\n"
#define TILL    LINE HOST AUTH JSON CLOSE /* a good head but for what a row adds */
#define HIDDEN  LINE HOST JSON CLOSE SALE /* a sale behind another message, without a token */
#define GET(t)  "GET " t " HTTP/1.1\r\n" HOST AUTH CLOSE

struct row {
    const char *attack;
    enum door door;
    int status;
    size_t answers;
    enum end end;
    const char *text;
    size_t bytes; /* 0: to the NUL */
};
#define WITH_NUL(t) t, sizeof(t) - 1

/* clang-format off */
static const struct row rows[] = {
    /* who calls over TCP */
    {"no token",                           TCP, 401, 1, STAYS, LINE HOST JSON CLOSE SALE, 0},
    {"another token",                      TCP, 401, 1, STAYS, LINE HOST JSON CLOSE "Authorization: Bearer guessed-write-key\r\n" SALE, 0},
    {"the token and a byte",               TCP, 401, 1, STAYS, LINE HOST JSON CLOSE "Authorization: Bearer $TOKEN$x\r\n" SALE, 0},
    {"the token twice",                    TCP, 401, 1, STAYS, LINE HOST JSON CLOSE "Authorization: Bearer $TOKEN$$TOKEN$\r\n" SALE, 0},
    {"an empty token",                     TCP, 401, 1, STAYS, LINE HOST JSON CLOSE "Authorization: Bearer \r\n" SALE, 0},
    {"an empty Basic",                     TCP, 401, 1, STAYS, LINE HOST JSON CLOSE "Authorization: Basic Og==\r\n" SALE, 0},
    {"the token in the query",             TCP, 401, 1, STAYS, "POST /v1/track?token=$TOKEN$&access_token=$TOKEN$ HTTP/1.1\r\n" HOST JSON CLOSE SALE, 0},
    {"the token in a cookie",              TCP, 401, 1, STAYS, LINE HOST JSON CLOSE "Cookie: token=$TOKEN$\r\n" SALE, 0},
    {"the token in a header of its own",   TCP, 401, 1, STAYS, LINE HOST JSON CLOSE "Access-Token: $TOKEN$\r\n" SALE, 0},
    {"the token in a trailer",             TCP, 401, 1, STAYS, LINE HOST JSON CLOSE CHUNKED "\r\n$HEX$\r\n$SALE$\r\n0\r\n" AUTH "\r\n", 0},
    {"a forwarded user",                   TCP, 401, 1, STAYS, LINE HOST JSON CLOSE "X-Forwarded-For: 127.0.0.1\r\nX-Remote-User: root\r\n" SALE, 0},
    {"two tokens, the second is right",    TCP, 400, 1, STAYS, LINE HOST JSON CLOSE "Authorization: Bearer x\r\n" AUTH SALE, 0},
    {"erasure with a register's token",    TCP, 403, 1, STAYS, "POST /v1/erase HTTP/1.1\r\n" HOST AUTH JSON CLOSE "Content-Length: 2\r\n\r\n{}", 0},
    {"dropping with a register's token",   TCP, 403, 1, STAYS, "POST /v1/events/drop HTTP/1.1\r\n" HOST AUTH JSON CLOSE "Content-Length: 2\r\n\r\n{}", 0},
    /* a web page: DNS rebinding, another site's forms and scripts */
    {"a rebinding name",                   TCP, 403, 1, STAYS, LINE "Host: rebinding.example:$PORT$\r\n" AUTH JSON CLOSE SALE, 0},
    {"a name that begins as loopback",     TCP, 403, 1, STAYS, LINE "Host: 127.0.0.1.rebinding.example\r\n" AUTH JSON CLOSE SALE, 0},
    {"a name that begins as localhost",    TCP, 403, 1, STAYS, LINE "Host: localhost.rebinding.example\r\n" AUTH JSON CLOSE SALE, 0},
    {"0.0.0.0",                            TCP, 403, 1, STAYS, LINE "Host: 0.0.0.0:$PORT$\r\n" AUTH JSON CLOSE SALE, 0},
    {"the address in the LAN",             TCP, 403, 1, STAYS, LINE "Host: 192.168.1.20:$PORT$\r\n" AUTH JSON CLOSE SALE, 0},
    {"a user before the host",             TCP, 403, 1, STAYS, LINE "Host: localhost@rebinding.example\r\n" AUTH JSON CLOSE SALE, 0},
    {"an empty Host",                      TCP, 403, 1, STAYS, LINE "Host:\r\n" AUTH JSON CLOSE SALE, 0},
    {"no Host",                            TCP, 400, 1, STAYS, LINE AUTH JSON CLOSE SALE, 0},
    {"two Hosts",                          TCP, 400, 1, STAYS, LINE HOST "Host: rebinding.example\r\n" AUTH JSON CLOSE SALE, 0},
    {"another name in an absolute target", TCP, 403, 1, STAYS, "POST http://rebinding.example/v1/track HTTP/1.1\r\n" HOST AUTH JSON CLOSE SALE, 0},
    {"another origin",                     TCP, 403, 1, STAYS, TILL "Origin: https://elsewhere.example\r\n" SALE, 0},
    {"the origin of a sandbox or a file",  TCP, 403, 1, STAYS, TILL "Origin: null\r\n" SALE, 0},
    {"an origin that begins as allowed",   TCP, 403, 1, STAYS, TILL "Origin: https://till.example.evil.example\r\n" SALE, 0},
    {"the allowed origin by http",         TCP, 403, 1, STAYS, TILL "Origin: http://till.example\r\n" SALE, 0},
    {"an allowed origin without a token",  TCP, 401, 1, STAYS, LINE HOST JSON CLOSE "Origin: https://till.example\r\n" SALE, 0},
    {"a preflight from elsewhere",         TCP, 403, 1, STAYS, "OPTIONS /v1/track HTTP/1.1\r\n" HOST CLOSE "Origin: https://elsewhere.example\r\nAccess-Control-Request-Method: POST\r\n\r\n", 0},
    {"a form of another site",             TCP, 415, 1, STAYS, LINE HOST AUTH CLOSE "Content-Type: application/x-www-form-urlencoded\r\n" SALE, 0},
    {"a form with a file",                 TCP, 415, 1, STAYS, LINE HOST AUTH CLOSE "Content-Type: multipart/form-data; boundary=x\r\n" SALE, 0},
    {"a form as plain text",               TCP, 415, 1, STAYS, LINE HOST AUTH CLOSE "Content-Type: text/plain\r\n" SALE, 0},
    {"plain text that names JSON",         TCP, 415, 1, STAYS, LINE HOST AUTH CLOSE "Content-Type: text/plain; application/json\r\n" SALE, 0},
    {"two types",                          TCP, 415, 1, STAYS, LINE HOST AUTH CLOSE "Content-Type: text/plain, application/json\r\n" SALE, 0},
    {"no type",                            TCP, 415, 1, STAYS, LINE HOST AUTH CLOSE SALE, 0},
    {"a form on the Unix socket",         UNIX, 415, 1, STAYS, LINE HOST CLOSE "Content-Type: text/plain\r\n" SALE, 0},
    /* methods */
    {"a method in a header",               TCP, 405, 1, STAYS, "GET /v1/track HTTP/1.1\r\n" HOST AUTH JSON CLOSE "X-HTTP-Method-Override: POST\r\n" SALE, 0},
    {"a method in the query",              TCP, 405, 1, STAYS, "GET /v1/track?_method=POST HTTP/1.1\r\n" HOST AUTH JSON CLOSE SALE, 0},
    {"PUT",                                TCP, 405, 1, STAYS, "PUT /v1/track HTTP/1.1\r\n" HOST AUTH JSON CLOSE SALE, 0},
    {"TRACE",                              TCP, 405, 1, STAYS, "TRACE /v1/track HTTP/1.1\r\n" HOST AUTH CLOSE "\r\n", 0},
    {"CONNECT",                            TCP, 400, 1, STAYS, "CONNECT business-api.tiktok.com:443 HTTP/1.1\r\n" HOST AUTH CLOSE "\r\n", 0},
    {"a method of small letters",          TCP, 405, 1, STAYS, "post /v1/track HTTP/1.1\r\n" HOST AUTH JSON CLOSE SALE, 0},
    {"a WebSocket",                        TCP, 405, 1, STAYS, "GET /v1/track HTTP/1.1\r\n" HOST AUTH "Connection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", 0},
    {"an upgrade to HTTP/2",               TCP, 405, 1, STAYS, "GET /v1/track HTTP/1.1\r\n" HOST AUTH "Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n", 0},
    /* where a message ends: request smuggling (RFC 9112, sections 6 and 11.2) */
    {"a length and chunks",                TCP, 400, 1, STAYS, TILL LENGTH CHUNKED CHUNKS HIDDEN, 0},
    {"chunks and a length",                TCP, 400, 1, STAYS, TILL CHUNKED LENGTH CHUNKS HIDDEN, 0},
    {"two lengths that differ",            TCP, 400, 1, STAYS, TILL "Content-Length: 0\r\n" SALE, 0},
    {"two lengths that agree",             TCP, 400, 1, STAYS, TILL LENGTH SALE, 0},
    {"a list of lengths",                  TCP, 400, 1, STAYS, TILL "Content-Length: $LEN$, $LEN$\r\n\r\n$SALE$", 0},
    {"a negative length",                  TCP, 400, 1, STAYS, TILL "Content-Length: -1\r\n\r\n$SALE$", 0},
    {"a length with a sign",               TCP, 400, 1, STAYS, TILL "Content-Length: +$LEN$\r\n\r\n$SALE$", 0},
    {"a length in hex",                    TCP, 400, 1, STAYS, TILL "Content-Length: 0x$HEX$\r\n\r\n$SALE$", 0},
    {"a length with a space inside",       TCP, 400, 1, STAYS, TILL "Content-Length: 1 0\r\n\r\n$SALE$", 0},
    {"an empty length",                    TCP, 400, 1, STAYS, TILL "Content-Length:\r\n\r\n$SALE$", 0},
    {"a length over 64 bits",              TCP, 413, 1, STAYS, TILL "Content-Length: 184467440737095516160\r\n\r\n$SALE$", 0},
    {"a length of 64 bits",                TCP, 413, 1, STAYS, TILL "Content-Length: 18446744073709551615\r\n\r\n$SALE$", 0},
    {"a coding that is not known",         TCP, 400, 1, STAYS, TILL "Transfer-Encoding: xchunked\r\n" CHUNKS HIDDEN, 0},
    {"chunked is not the last coding",     TCP, 400, 1, STAYS, TILL "Transfer-Encoding: chunked, identity\r\n" CHUNKS HIDDEN, 0},
    {"chunked twice",                      TCP, 400, 1, STAYS, TILL CHUNKED CHUNKED CHUNKS HIDDEN, 0},
    {"a control before chunked",           TCP, 400, 1, STAYS, TILL "Transfer-Encoding: \vchunked\r\n" CHUNKS HIDDEN, 0},
    {"a space before the colon",           TCP, 400, 1, STAYS, TILL "Transfer-Encoding : chunked\r\n" CHUNKS HIDDEN, 0},
    {"chunks in HTTP/1.0",                 TCP, 400, 1, STAYS, "POST /v1/track HTTP/1.0\r\n" HOST AUTH JSON CHUNKED CHUNKS HIDDEN, 0},
    {"a folded line",                      TCP, 400, 1, STAYS, TILL "X-Folded: a\r\n Content-Length: 0\r\n" SALE, 0},
    {"a folded coding",                    TCP, 400, 1, STAYS, TILL "Transfer-Encoding:\r\n chunked\r\n" CHUNKS HIDDEN, 0},
    {"a space before the first name",      TCP, 400, 1, STAYS, LINE " X-First: a\r\n" HOST AUTH JSON CLOSE SALE, 0},
    {"a line without a colon",             TCP, 400, 1, STAYS, TILL "Content-Length\r\n" SALE, 0},
    {"a line without a name",              TCP, 400, 1, STAYS, TILL ": a\r\n" SALE, 0},
    {"lines that end in LF",               TCP, 400, 1, STAYS, "POST /v1/track HTTP/1.1\nHost: 127.0.0.1\nAuthorization: Bearer $TOKEN$\nContent-Type: application/json\nConnection: close\nContent-Length: $LEN$\n\n$SALE$", 0},
    {"one line that ends in LF",           TCP, 400, 1, STAYS, TILL "X-A: a\nContent-Length: 0\r\n" SALE, 0},
    {"a bare CR in a line",                TCP, 400, 1, STAYS, TILL "X-A: a\rContent-Length: 0\r\n" SALE, 0},
    {"a chunk in hex with 0x",             TCP, 400, 1, STAYS, TILL CHUNKED "\r\n0x$HEX$\r\n$SALE$\r\n0\r\n\r\n", 0},
    {"a chunk with a sign",                TCP, 400, 1, STAYS, TILL CHUNKED "\r\n+$HEX$\r\n$SALE$\r\n0\r\n\r\n", 0},
    {"a negative chunk",                   TCP, 400, 1, STAYS, TILL CHUNKED "\r\n-1\r\n$SALE$\r\n0\r\n\r\n", 0},
    {"a chunk over 64 bits",               TCP, 413, 1, STAYS, TILL CHUNKED "\r\n10000000000000000$HEX$\r\n$SALE$\r\n0\r\n\r\n", 0},
    {"a chunk that is longer than told",   TCP, 400, 1, STAYS, TILL CHUNKED "\r\n2\r\n$SALE$\r\n0\r\n\r\n", 0},
    {"a chunk that ends in LF",            TCP, 400, 1, STAYS, TILL CHUNKED "\r\n$HEX$\n$SALE$\n0\n\n" HIDDEN, 0},
    {"a chunk extension with an LF",       TCP, 400, 1, STAYS, TILL CHUNKED "\r\n$HEX$;a\nb\r\n$SALE$\r\n0\r\n\r\n" HIDDEN, 0},
    {"a flood of chunk extensions",        TCP, 400, 1, STAYS, TILL CHUNKED "\r\n$HEX$;$FLOOD$\r\n$SALE$\r\n0\r\n\r\n", 0},
    {"a flood of trailers",                TCP, 431, 1, STAYS, TILL CHUNKED "\r\n$HEX$\r\n$SALE$\r\n0\r\nX: $FLOOD$$FLOOD$$FLOOD$$FLOOD$\r\n\r\n", 0},
    {"a sale behind a good request",       TCP, 401, 2, STAYS, "GET /healthz HTTP/1.1\r\n" HOST "\r\n" HIDDEN, 0},
    {"a sale in the body of another",      TCP, 415, 1, STAYS, GET("/healthz") LENGTH "\r\n$SALE$", 0},
    {"a sale behind a refused one",        TCP, 401, 1, STAYS, LINE HOST JSON LENGTH "\r\n$SALE$" LINE HOST AUTH JSON CLOSE SALE, 0},
    /* half messages */
    {"half a head",                        TCP,   0, 0, HALF_CLOSES, LINE HOST AUTH JSON "Content-Le", 0},
    {"half a sale",                        TCP,   0, 0, HALF_CLOSES, LINE HOST AUTH JSON "Content-Length: 9000\r\n\r\n$SALE$", 0},
    {"a sale nobody asked to continue",    TCP, 401, 1, STAYS, LINE HOST JSON CLOSE "Expect: 100-continue\r\n" LENGTH "\r\n", 0},
    /* floods */
    {"a header of 9 KiB",                  TCP, 431, 1, STAYS, TILL "X: $FLOOD$\r\n" SALE, 0},
    {"a name of 9 KiB",                    TCP, 431, 1, STAYS, TILL "$FLOOD$: x\r\n" SALE, 0},
    {"a target of 9 KiB",                  TCP, 431, 1, STAYS, "POST /v1/track?$FLOOD$ HTTP/1.1\r\n" HOST AUTH JSON CLOSE SALE, 0},
    {"a method of 9 KiB",                  TCP, 431, 1, STAYS, "$FLOOD$ /v1/track HTTP/1.1\r\n" HOST AUTH JSON CLOSE SALE, 0},
    /* targets */
    {"a file above the root",              TCP, 404, 1, STAYS, GET("/../../../../etc/passwd") "\r\n", 0},
    {"the same, escaped",                  TCP, 404, 1, STAYS, GET("/%2e%2e/%2e%2e/etc/passwd") "\r\n", 0},
    {"an escaped slash",                   TCP, 404, 1, STAYS, "POST /v1%2Ftrack HTTP/1.1\r\n" HOST AUTH JSON CLOSE SALE, 0},
    {"escaped twice",                      TCP, 404, 1, STAYS, "POST /v1/%2574rack HTTP/1.1\r\n" HOST AUTH JSON CLOSE SALE, 0},
    {"a route beneath the free one",       TCP, 401, 1, STAYS, "POST /healthz/../v1/track HTTP/1.1\r\n" HOST JSON CLOSE SALE, 0},
    {"the free one, escaped, before it",   TCP, 401, 1, STAYS, "POST /healthz%2f..%2fv1/track HTTP/1.1\r\n" HOST JSON CLOSE SALE, 0},
    {"two slashes",                        TCP, 404, 1, STAYS, "POST //v1/track HTTP/1.1\r\n" HOST AUTH JSON CLOSE SALE, 0},
    {"a back slash",                       TCP, 404, 1, STAYS, "POST /v1\\track HTTP/1.1\r\n" HOST AUTH JSON CLOSE SALE, 0},
    {"capital letters",                    TCP, 404, 1, STAYS, "POST /V1/TRACK HTTP/1.1\r\n" HOST AUTH JSON CLOSE SALE, 0},
    {"a NUL, escaped",                     TCP, 404, 1, STAYS, "POST /v1/track%00 HTTP/1.1\r\n" HOST AUTH JSON CLOSE SALE, 0},
    {"a NUL in the target",                TCP,   0, 0, STAYS, WITH_NUL("POST /v1/tr\0ack HTTP/1.1\r\n" HOST AUTH JSON CLOSE SALE)},
    {"a NUL in a header",                  TCP, 400, 1, STAYS, WITH_NUL(TILL "X: a\0b\r\n" SALE)},
    {"a space in the target",              TCP, 400, 1, STAYS, "POST /v1/track HTTP/1.1 HTTP/1.1\r\n" HOST AUTH JSON CLOSE SALE, 0},
    /* other protocols */
    {"HTTP/0.9",                           TCP, 400, 1, STAYS, "GET /v1/status\r\n\r\n", 0},
    {"HTTP/2's first words",               TCP, 505, 1, STAYS, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0},
    {"HTTP/3",                             TCP, 505, 1, STAYS, "POST /v1/track HTTP/3.0\r\n" HOST AUTH JSON CLOSE SALE, 0},
    {"a version of two digits",            TCP, 400, 1, STAYS, "POST /v1/track HTTP/1.10\r\n" HOST AUTH JSON CLOSE SALE, 0},
    {"a version of small letters",         TCP, 400, 1, STAYS, "POST /v1/track http/1.1\r\n" HOST AUTH JSON CLOSE SALE, 0},
    {"TLS",                                TCP,   0, 0, HALF_CLOSES, WITH_NUL("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00")},
    {"a part of an answer",                TCP, 200, 1, STAYS, GET("/healthz") "Range: bytes=0-1\r\n\r\n", 0},
    /* a coding of the body */
    {"a coding that we lack",              TCP, 415, 1, STAYS, TILL "Content-Encoding: br\r\n" SALE, 0},
    {"gzip in gzip",                       TCP, 415, 1, STAYS, TILL "Content-Encoding: gzip, gzip\r\n" SALE, 0},
    {"gzip that is none",                  TCP, 400, 1, STAYS, TILL "Content-Encoding: gzip\r\n" SALE, 0},
};
/* clang-format on */

struct till {
    const char *socket, *port, *token;
};

static int dial(const struct till *t, enum door door)
{
    const struct timeval wait = {.tv_sec = WAIT_S};
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    in.sin_port = htons((uint16_t)strtoul(t->port, NULL, 10));
    (void)snprintf(un.sun_path, sizeof un.sun_path, "%s", t->socket);
    int fd = socket(door == TCP ? AF_INET : AF_UNIX, SOCK_STREAM, 0);
    int rc = door == TCP ? connect(fd, (struct sockaddr *)&in, sizeof in)
                         : connect(fd, (struct sockaddr *)&un, sizeof un);
    if (rc == 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) == 0) return fd;
    perror("the agent cannot be reached");
    exit(EXIT_FAILURE);
}

static void sale_of(const char *attack, char out[512])
{
    (void)snprintf(out, 512,
                   "{\"type\":\"track\",\"event\":\"Order Completed\",\"messageId\":\"%s\","
                   "\"properties\":{\"email\":\"jane@example.com\",\"value\":1}}",
                   attack);
}

static void expand(const struct till *t, const struct row *r, struct buf *out)
{
    static char flood[FLOOD_BYTES + 1];
    char sale[512], len[32], hex[32];
    memset(flood, 'a', FLOOD_BYTES);
    sale_of(r->attack, sale);
    (void)snprintf(len, sizeof len, "%zu", strlen(sale));
    (void)snprintf(hex, sizeof hex, "%zx", strlen(sale));
    const char *const names[][2] = {{"$SALE$", sale},    {"$LEN$", len},     {"$HEX$", hex},
                                    {"$PORT$", t->port}, {"$FLOOD$", flood}, {"$TOKEN$", t->token}};
    enum { NAMES = sizeof names / sizeof names[0] };
    struct str left = {r->text, r->bytes ? r->bytes : strlen(r->text)};
    while (left.len) {
        size_t i = 0;
        while (i < NAMES && !str_starts(left, names[i][0])) i++;
        size_t taken = i < NAMES ? strlen(names[i][0]) : 1;
        if (i < NAMES) buf_add_z(out, names[i][1]);
        else buf_add_char(out, *left.p);
        left = (struct str){left.p + taken, left.len - taken};
    }
}

/* A refusal may come, and the connection end, before all was sent. False: it did not end. */
static bool exchange(const struct till *t, const struct row *r, struct buf *answer)
{
    struct buf request;
    char block[4096];
    ssize_t n = 1;
    size_t sent = 0;
    int fd = dial(t, r->door);
    buf_init(&request, TEXT_BYTES);
    expand(t, r, &request);
    while (n > 0 && sent < request.len) {
        n = send(fd, request.p + sent, request.len - sent, MSG_NOSIGNAL);
        if (n > 0) sent += (size_t)n;
    }
    if (r->end == HALF_CLOSES) (void)shutdown(fd, SHUT_WR);
    errno = 0;
    while ((n = recv(fd, block, sizeof block, 0)) > 0) buf_add(answer, block, (size_t)n);
    bool ended = n == 0 || errno == ECONNRESET;
    close(fd);
    buf_free(&request);
    buf_add_char(answer, 0);
    return ended;
}

static const char *judge(const struct row *r, const char *text, int *status)
{
    static const char version[] = "HTTP/1.1 ";
    size_t answers = 0;
    *status = 0;
    for (const char *p = text; p && (p = strstr(p, version)) != NULL; p += sizeof version) {
        const char *code = p + sizeof version - 1;
        if (*code < '1' || *code > '5') continue; /* words of a page */
        *status = (int)strtol(code, NULL, 10);
        answers++;
    }
    if (strstr(text, "queued\"")) return "it was taken";
    if (*status != r->status) return "another status";
    return answers == r->answers ? NULL : "more or fewer answers";
}

static bool run(const struct till *t, const struct row *r)
{
    struct buf answer;
    int status = 0;
    buf_init(&answer, TEXT_BYTES);
    bool ended = exchange(t, r, &answer);
    const char *why = judge(r, answer.p, &status);
    if (!ended) why = "the connection stays open";
    printf("%-36s %d\n", r->attack, status);
    if (why) printf("    FAILED: %s; wanted %d; got: %.600s\n", why, r->status, answer.p);
    buf_free(&answer);
    return why == NULL;
}

int main(int argc, char **argv)
{
    size_t count = sizeof rows / sizeof rows[0], wrong = 0;
    if (argc != 4) {
        fputs("attacks SOCKET PORT TOKEN\n", stderr);
        return EXIT_WRONG_USE;
    }
    const struct till till = {argv[1], argv[2], argv[3]};
    for (size_t i = 0; i < count; i++) wrong += !run(&till, &rows[i]);
    printf("%zu of %zu attacks answered as they should be\n", count - wrong, count);
    return wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}
