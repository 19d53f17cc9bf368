/*
 * world.h: a store's month in virtual time: what is shared by those who play it.
 *
 *   sim.c     seeds, mishaps, what is checked; the controls
 *   store.c   the agent: the real queue, deliveries, engine, clock and outcome table, in the order of
 *             agent/loop.c; the disk in memory; power cuts
 *   tiktok.c  the line and the server with its memory of 48 h
 *   seams.c   the uplink, chance, the token and the log, played; what a control breaks
 *
 * Units: ms of true time since 1970 unless named `_s`.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "agent/deliver.h"
#include "memory_vfs.h"

#define SECOND (INT64_C(1000))
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define NEVER  INT64_MAX

#define BUILT_S   INT64_C(1767225600) /* the program is of January 2026 */
#define BIRTH     (BUILT_S * 1000 + 100 * DAY)
#define TROUBLED  (BIRTH + 30 * DAY)   /* until then anything may go wrong */
#define END       (TROUBLED + 3 * DAY) /* then all is well: pauses end, the queue drains */
#define AGE_MOST  (28 * DAY)
#define MEMORY_48 (48 * HOUR) /* tiktok-api.md section 7 */

enum { EVENTS_TROUBLED_MAX = 480, EVENTS_MAX = 500, SALES_A_TURN_MAX = 400 };

struct event {
    bool bad;           /* TikTok refuses it */
    bool own_time;      /* the register gave a time; else the agent stamps */
    bool acknowledged;  /* the register got its answer */
    bool time_is_known; /* stamped, and the truth was learnt while its boot lasted */
    unsigned boot;      /* in which it was pushed */
    int64_t sold_at;
    int64_t first_copy_at; /* the server's memory; 0: it does not know it */
    unsigned first_name;   /* of the id in that copy; 0 but in a control */
    unsigned counted;
    int64_t unclear_at;   /* the first request with it that had no clear answer; 0: none */
    int64_t clock_behind; /* how much the clock that was believed then was behind */
};

enum line { LINE_FINE, LINE_DOWN, LINE_NO_DNS, LINE_BLACK_HOLE, LINE_CUTS, LINE_FLAPS, LINES };
enum server {
    SERVER_FINE,
    SERVER_ERRORS,
    SERVER_UNCLEAR,
    SERVER_LIMITS,
    SERVER_TOKEN,
    SERVER_CONFIG,
    SERVER_REFUSES_ALL,
    SERVERS
};

/* What a control breaks: each must turn the simulation red. */
enum fault_in {
    NO_FAULT,
    DONE_ON_UNKNOWN_CODE,
    NO_40_HOURS,
    NO_JITTER,
    NEW_ID_ON_RETRY,
    SETTLED_BEFORE_REPLY,
    ANSWERED_BEFORE_COMMIT,
    NO_MARK,
    BATCH_NOT_JUDGED_AGAIN,
    HOUR_OF_1970,
    TIME_NOT_KEPT,
    FAULTS_IN
};

enum cut_at {
    CUT_NONE,
    CUT_SETTLED,
    CUT_PUSHED,
    CUT_PLANNED,
    CUT_COMMITTED,
    CUT_ANSWERED,
    CUT_SENT,
    CUTS
};

struct world {
    uint64_t seed;
    bool loud;
    enum fault_in broken;
    int64_t now;
    /* the world outside */
    enum line line;
    enum server server;
    bool names_rows; /* a refusal names the row */
    unsigned size_limit;
    unsigned refusing_times; /* how often all was refused */
    struct event events[EVENTS_MAX];
    unsigned sold, pushed; /* made; acknowledged, in order */
    unsigned requests;
    /* the request under way */
    bool under_way, prompted;
    bool held, holding, served; /* the body waits; a connection stands; it has left */
    struct str body;
    int64_t reply_at;
    struct uplink_reply reply;
    char reply_body[256];
    unsigned in_body[SYNC_BATCH_MAX], in_body_count; /* events of it */
    /* the agent */
    struct disk disk;
    struct queue *queue;
    struct deliver deliver;
    struct clock clock;
    struct config config;
    unsigned boot, known_boot, restarts; /* known_boot: its times are known and kept */
    int64_t booted_at, wall_ahead;       /* of the system clock */
    int64_t token_stamp;
    bool sent_now; /* a request left in this turn */
    bool refused;  /* the last turn's commit failed */
};
extern struct world w;

/* Chance, by seed. */
void dice_cast(uint64_t seed);
uint64_t dice(void);
bool in(unsigned n); /* once in n */
int64_t between(int64_t least, int64_t most);

void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A promise is broken: ends the program with status 1. */
void wrong(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* store.c */
void store_open(void); /* a new disk */
void store_close(void);
bool store_turn(enum cut_at cut); /* true: the power failed, and is back */
/* The agent by SIGTERM or SIGKILL, or the device: its clock may be another afterwards. */
enum stop { STOP_CLEAN, STOP_KILLED, STOP_POWER };
void store_restart(enum stop stop);
int64_t store_next_turn(void); /* when the agent wakes by itself */
void store_retry_dead(void);
struct clock_now store_clocks(void);

/* tiktok.c */
void tiktok_note_unclear(struct event *e);
void tiktok_serve(void); /* what has left the agent in this turn gets its fate */

#endif
