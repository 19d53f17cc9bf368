/*
 * peers_load.c: what peers.sh needs of C: a load that speaks as tillpost's peers do, and a sink.
 *
 *   bench_peers sell LEDGER SPEECH PORT|SOCKET CONNECTIONS SECONDS [MOST]
 *       a sale at a time on each connection, each after the answer to the last, MOST sales at most;
 *       prints how many were acknowledged, and how many a second; exit 1: the peer went away
 *   bench_peers sink LEDGER PORT|-
 *       says yes to HTTP requests on loopback; or reads standard input to its end
 *   bench_peers tally LEDGER
 *       prints: acknowledged, arrived, acknowledged and not arrived, arrived once more, seconds from
 *       the first arrival to the last
 *
 * The ledger is a file that all of them map: what became of each id. A sale is known by its
 * messageId, bench-ID, in whatever a peer wraps around it. An acknowledgement is in the ledger once
 * its last byte has been read, an arrival before the sink says yes; both stay, whoever is killed.
 */
#include "bench/bench.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { IDS_MAX = 1 << 25, BUFFER_BYTES = 8 << 20, EXIT_WRONG_USE = 64 };
static const char mark[] = "bench-";
enum { MARK_BYTES = sizeof mark - 1 };

/* A seller writes what is above, a sink what is below. */
struct ledger {
    uint64_t next_id;
    unsigned char acked[IDS_MAX];
    uint64_t twice;
    int64_t first_us, last_us;
    unsigned char arrived[IDS_MAX];
};
static struct ledger *ledger;

static bool open_ledger(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, sizeof *ledger) != 0) return false;
    void *p = mmap(NULL, sizeof *ledger, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ledger = p;
    return close(fd) == 0 && p != MAP_FAILED;
}

static void note_acked(uint64_t id)
{
    if (id < IDS_MAX) ledger->acked[id] = 1;
}

static void note_arrived(uint64_t id)
{
    if (id >= IDS_MAX) return;
    ledger->last_us = bench_now_us();
    if (!ledger->first_us) ledger->first_us = ledger->last_us;
    ledger->twice += ledger->arrived[id];
    ledger->arrived[id] = 1;
}

/* Notes the ids in a text that ends in a NUL; how many bytes of it are done with: a mark at its end may
 * go on in what follows. */
static size_t note_ids(char *text, size_t len)
{
    char *at = text, *from = text, *end = text + len;
    while ((at = memmem(from, (size_t)(end - from), mark, MARK_BYTES)) != NULL) {
        uint64_t id = strtoull(at + MARK_BYTES, &from, 10);
        if (from == end) return (size_t)(at - text);
        if (from > at + MARK_BYTES) note_arrived(id);
    }
    return end - from > MARK_BYTES ? len - MARK_BYTES : (size_t)(from - text);
}

/* The peers' speeches -------------------------------------------------------------------------- */

/* RFC 5424, a line each. */
static size_t say_line(char *out, unsigned connection, uint64_t id)
{
    char sale[BENCH_CALL_BYTES + 1];
    load_purchase(sale, id);
    return (size_t)snprintf(out, LOAD_REQUEST_BYTES,
                            "<134>1 2026-11-22T08:00:00Z till bench - - - %s\n", sale);
}

/* RELP: TXNR COMMAND LENGTH DATA LF; a connection's numbers have no gaps (librelp, doc/relp.html). */
static unsigned relp_number[BENCH_CONNECTIONS_MAX];

static size_t hello_relp(char *out, unsigned connection)
{
    static const char offers[] = "relp_version=0\nrelp_software=bench\ncommands=syslog";
    relp_number[connection] = 1;
    return (size_t)snprintf(out, LOAD_REQUEST_BYTES, "1 open %zu %s\n", sizeof offers - 1, offers);
}

static size_t say_relp(char *out, unsigned connection, uint64_t id)
{
    char line[LOAD_REQUEST_BYTES];
    size_t len = say_line(line, connection, id) - 1; /* the LF is the frame's */
    return (size_t)snprintf(out, LOAD_REQUEST_BYTES, "%u syslog %zu %s", ++relp_number[connection],
                            len, line);
}

static int hear_relp(const char *in, size_t len)
{
    const char *rsp = strstr(in, " rsp ");
    char *data = NULL;
    size_t bytes = rsp ? strtoul(rsp + 5, &data, 10) : 0;
    if (!rsp || in + len < data + 1 + bytes + 1) return 0;
    return strncmp(data, " 200", 4) == 0 ? 1 : -1;
}

/* MQTT 3.1.1, quality of service 1. */
static size_t hello_mqtt(char *out, unsigned connection)
{
    static const char connect[] = "\x10\x0c\0\4MQTT\4\2\0\0\0"; /* with its NUL: no client id */
    memcpy(out, connect, sizeof connect);
    return sizeof connect;
}

static size_t say_mqtt(char *out, unsigned connection, uint64_t id)
{
    static const char head[] = "\x32\xc5\5\0\5bench"; /* 709 bytes follow the length */
    _Static_assert(2 + 5 + 2 + BENCH_CALL_BYTES == 0x45 + (5 << 7), "the length in the head");
    const size_t bytes = sizeof head - 1;
    const unsigned packet = (unsigned)(id % 65535) + 1;
    memcpy(out, head, bytes);
    out[bytes] = (char)(packet >> 8);
    out[bytes + 1] = (char)packet;
    load_purchase(out + bytes + 2, id);
    return bytes + 2 + BENCH_CALL_BYTES;
}

static int hear_mqtt(const char *in, size_t len)
{
    if (len < 4) return 0;
    return in[0] == 0x40 || (in[0] == 0x20 && in[3] == 0) ? 1 : -1;
}

/* NATS: the stream's answer comes to an inbox of the connection's own. */
static size_t hello_nats(char *out, unsigned connection)
{
    return (size_t)snprintf(out, LOAD_REQUEST_BYTES,
                            "CONNECT {\"verbose\":false}\r\nSUB _INBOX.%u 1\r\nPING\r\n",
                            connection);
}

static size_t say_nats(char *out, unsigned connection, uint64_t id)
{
    char sale[BENCH_CALL_BYTES + 1];
    load_purchase(sale, id);
    return (size_t)snprintf(out, LOAD_REQUEST_BYTES, "PUB bench _INBOX.%u %d\r\n%s\r\n", connection,
                            BENCH_CALL_BYTES, sale);
}

static int hear_nats(const char *in, size_t len)
{
    const char *message = strstr(in, "MSG ");
    if (strstr(in, "-ERR") || strstr(in, "\"error\"")) return -1;
    if (strstr(in, "PONG\r\n")) return 1;
    return message && strstr(message, "\"seq\":") && in[len - 1] == '\n';
}

static const struct load_speech *speech_named(const char *name)
{
    static const struct load_speech peers[] = {
        {"line", NULL, say_line, NULL},
        {"relp", hello_relp, say_relp, hear_relp},
        {"mqtt", hello_mqtt, say_mqtt, hear_mqtt},
        {"nats", hello_nats, say_nats, hear_nats},
    };
    for (size_t i = 0; i < sizeof peers / sizeof peers[0]; i++)
        if (strcmp(peers[i].name, name) == 0) return &peers[i];
    return strcmp(load_track.name, name) == 0 ? &load_track : NULL;
}

static int sell(char **args, int count)
{
    struct load l = {.socket = args[1],
                     .port = (int)strtol(args[1], NULL, 10),
                     .speech = speech_named(args[0]),
                     .connections = (unsigned)strtoul(args[2], NULL, 10),
                     .seconds = strtod(args[3], NULL),
                     .first_id = ledger->next_id,
                     .most = count > 4 ? strtoull(args[4], NULL, 10) : 0,
                     .taken = note_acked};
    if (!l.speech || l.connections < 1 || l.connections > BENCH_CONNECTIONS_MAX)
        return EXIT_WRONG_USE;
    bool good = load_run(&l);
    ledger->next_id += l.queued + l.connections;
    printf("%" PRIu64 " %.0f\n", l.queued, (double)l.queued / l.took_s);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* The sink ------------------------------------------------------------------------------------- */

static void note_body(char *body, size_t len)
{
    (void)note_ids(body, len);
}

static int sink_http(int port)
{
    if (sink_start(port, note_body) < 0) return EXIT_FAILURE;
    for (;;) pause();
}

static int sink_input(void)
{
    char *buffer = malloc(BUFFER_BYTES + 1);
    size_t len = 0;
    for (ssize_t n; buffer && (n = read(STDIN_FILENO, buffer + len, BUFFER_BYTES - len)) > 0;) {
        len += (size_t)n;
        buffer[len] = '\0';
        size_t done = note_ids(buffer, len);
        memmove(buffer, buffer + done, len - done);
        len -= done;
    }
    free(buffer);
    return EXIT_SUCCESS;
}

static int tally(void)
{
    uint64_t acked = 0, arrived = 0, lost = 0;
    for (uint64_t i = 0; i < ledger->next_id && i < IDS_MAX; i++) {
        acked += ledger->acked[i];
        arrived += ledger->arrived[i];
        lost += ledger->acked[i] > ledger->arrived[i];
    }
    printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %.2f\n", acked, arrived, lost,
           ledger->twice, (double)(ledger->last_us - ledger->first_us) / 1e6);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc >= 3 && !open_ledger(argv[2])) {
        perror(argv[2]);
        return EXIT_FAILURE;
    }
    if (argc >= 7 && strcmp(argv[1], "sell") == 0) return sell(argv + 3, argc - 3);
    if (argc == 4 && strcmp(argv[1], "sink") == 0)
        return strcmp(argv[3], "-") == 0 ? sink_input() : sink_http((int)strtol(argv[3], NULL, 10));
    if (argc == 3 && strcmp(argv[1], "tally") == 0) return tally();
    fputs("bench_peers sell|sink|tally LEDGER …: see the head of peers_load.c\n", stderr);
    return EXIT_WRONG_USE;
}
