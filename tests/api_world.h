/*
 * api_world.h: an api with callers, in one thread and with a clock of its own.
 *
 * The world opens an api in a directory of its own and plays the agent: world_turn lets the api have
 * a turn and answers what it hands out with {"route":…} (or keeps it, while `hold` is set). Callers
 * are plain descriptors that never block.
 */
#ifndef TESTS_API_WORLD_H
#define TESTS_API_WORLD_H

#include "api/api.h"

enum world_route {
    ROUTE_HEALTH,
    ROUTE_TRACK,
    ROUTE_BATCH,
    ROUTE_EVENT,
    ROUTE_EVENTS,
    ROUTE_RETRY,
    ROUTE_SYNC,
    ROUTE_ERASE,
    ROUTE_PAGE
};
extern const struct api_route world_routes[];
extern const size_t world_route_count;

enum { WORLD_HELD_MAX = 256, WORLD_TEXT_MAX = 1024 * 1024 };
#define WORLD_TOKEN "token-of-the-register"

struct world {
    struct api *api;
    struct api_options options;
    char dir[64], socket[96];
    unsigned port;
    int64_t now_ms;
    bool hold;
    struct api_request held[WORLD_HELD_MAX];
    size_t held_count;
    size_t handed_out;
    const char *page;          /* when set: the body of every answer, as text/html */
    struct str big;            /* when set: the body of every answer */
    char text[WORLD_TEXT_MAX]; /* what world_talk has read */
};

/* with_tcp: also 127.0.0.1 on a free port, with WORLD_TOKEN. Aborts when it cannot be opened. */
void world_open(struct world *w, bool with_tcp);
void world_close(struct world *w);

enum world_door { WORLD_UNIX, WORLD_TCP };
int world_connect(const struct world *w, enum world_door door);
void world_turn(struct world *w, int64_t ms); /* ms pass, then a turn */
void world_answer_held(struct world *w, size_t i);

/* Sends everything, with turns in between; false when the other end has closed. */
bool world_send(struct world *w, int fd, const void *p, size_t len);
/* Turns until nothing more comes; appends to w->text (NUL-terminated, from its start when
 * `fresh`). True while the connection is open. */
bool world_read(struct world *w, int fd, bool fresh);
/* Both, on a connection of its own; returns the status of the first answer, 0 without one. */
int world_talk(struct world *w, enum world_door door, const char *text);
int world_talk_bytes(struct world *w, enum world_door door, const void *p, size_t len);
int world_status(const char *text); /* "HTTP/1.1 200 OK…" → 200 */

size_t world_open_fds(void); /* descriptors of this process */

#endif
