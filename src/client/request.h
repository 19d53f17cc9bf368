/*
 * request.h: one HTTP request to the agent's local socket and its reply.
 *
 * Owner: a reply's body is malloc'ed for the caller (client_reply_free). Units: ms.
 * Errors: UNAVAILABLE (nobody listens), DENIED, CONFIG (the path is too long), NETWORK (no whole
 * reply within timeout_ms, connecting included), USAGE (the request line is too long), NO_MEMORY.
 */
#ifndef CLIENT_REQUEST_H
#define CLIENT_REQUEST_H

#include "tillpost/err.h"
#include <stddef.h>

enum { CLIENT_REPLY_MAX_BYTES = 16 * 1024 * 1024, CLIENT_TIMEOUT_MS = 30 * 1000 };

struct client { /* a connection that is kept between requests; fd < 0: none */
    const char *socket;
    int fd;
    int timeout_ms;
};
struct client_reply {
    int status;
    char *body; /* NUL-terminated */
    size_t len;
};

void client_init(struct client *c, const char *socket, int timeout_ms);
void client_close(struct client *c);
/* body NULL: none. A connection that the agent has closed meanwhile is opened again. If it closes
 * without a word while the request is under way, whether it was taken is unknown: it is sent once
 * more when doing it twice does no harm (no body, or a body with a "messageId"), else NETWORK. */
int client_request(struct client *c, const char *method, const char *path, const char *body,
                   size_t len, struct client_reply *out);
void client_reply_free(struct client_reply *r);

#endif
