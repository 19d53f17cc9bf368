/*
 * wire.c: what a line does to bytes that neither the stand-in nor nginx would do.
 *
 *   wire say PORT_FILE FILE
 *       Answers every request on a free port of 127.0.0.1, written to PORT_FILE, with the bytes of
 *       FILE as they are then, and closes. An empty FILE: closes without a word.
 *   wire proxy ADDRESS PORT TO LOG [USER:PASSWORD as Base64]
 *       A proxy that knows CONNECT only and has one way out: whatever is asked for, it connects to
 *       the address TO, at the port asked for. Each request is a line of LOG, "HOST:PORT STATUS".
 *
 *   wire ask SOCKET FILE
 *       Sends the bytes of FILE to a Unix socket and prints what comes, up to the end of a body of
 *       the length that its head gives.
 *
 * A connection is a process of its own. It ends with its parent, or after a minute of silence.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    HEAD_MAX_BYTES = 16 * 1024,
    BLOCK_BYTES = 16 * 1024,
    ANSWER_MAX_BYTES = 1024 * 1024,
    NAME_BYTES = 256,
    IDLE_MS = 60 * 1000,
    BACKLOG = 64,
    EXIT_WRONG_USE = 64
};

struct proxy {
    const char *to, *log, *password;
};

static void die(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static struct sockaddr_in address(const char *host, const char *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    a.sin_port = htons((uint16_t)strtol(port, NULL, 10));
    if (inet_pton(AF_INET, host, &a.sin_addr) != 1) die(host);
    return a;
}

static int listen_at(const char *host, const char *port)
{
    const struct sockaddr_in a = address(host, port);
    const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) die("socket");
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (const struct sockaddr *)&a, sizeof a) < 0 || listen(fd, BACKLOG) < 0) die(port);
    return fd;
}

static bool write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n <= 0) return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

static ssize_t read_some(int fd, char *to, size_t max)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (poll(&p, 1, IDLE_MS) <= 0) return -1;
    return read(fd, to, max);
}

/* The value of a header line of a head that ends with NUL; NULL: there is none. */
static const char *header(const char *head, const char *name)
{
    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n")) {
        const size_t len = strlen(name);
        if (strncasecmp(line + 2, name, len) != 0 || line[2 + len] != ':') continue;
        return line + 2 + len + 1 + strspn(line + 2 + len + 1, " ");
    }
    return NULL;
}

/* Reads to the end of the head; what of the body came with it is counted in *body. */
static bool read_head(int fd, char head[HEAD_MAX_BYTES], size_t *body)
{
    size_t len = 0;
    for (;;) {
        ssize_t n = read_some(fd, head + len, HEAD_MAX_BYTES - 1 - len);
        if (n <= 0) return false;
        len += (size_t)n;
        head[len] = 0;
        const char *end = strstr(head, "\r\n\r\n");
        if (!end) continue;
        *body = len - (size_t)(end + 4 - head);
        return true;
    }
}

static size_t read_file(const char *file, char *to, size_t max)
{
    FILE *f = fopen(file, "re");
    if (!f) die(file);
    const size_t len = fread(to, 1, max, f);
    (void)fclose(f);
    return len;
}

/* Saying -------------------------------------------------------------------------------------- */

static void say(int fd, const char *file)
{
    static char head[HEAD_MAX_BYTES], block[BLOCK_BYTES], answer[ANSWER_MAX_BYTES];
    size_t got = 0;
    if (!read_head(fd, head, &got)) return;
    const char *length = header(head, "Content-Length");
    const size_t wanted = length ? (size_t)strtoul(length, NULL, 10) : 0;
    while (got < wanted) {
        ssize_t n = read_some(fd, block, sizeof block);
        if (n <= 0) return;
        got += (size_t)n;
    }
    if (!write_all(fd, answer, read_file(file, answer, sizeof answer))) return;
    (void)shutdown(fd, SHUT_WR);
    while (read_some(fd, block, sizeof block) > 0) continue;
}

static void write_port(int fd, const char *file)
{
    struct sockaddr_in a;
    socklen_t len = sizeof a;
    FILE *f = fopen(file, "we");
    if (!f || getsockname(fd, (struct sockaddr *)&a, &len) < 0) die(file);
    (void)fprintf(f, "%d\n", ntohs(a.sin_port));
    if (fclose(f) != 0) die(file);
}

/* Asking -------------------------------------------------------------------------------------- */

static int ask(const char *path, const char *file)
{
    static char head[HEAD_MAX_BYTES], bytes[ANSWER_MAX_BYTES];
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    size_t got = 0;
    (void)snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&at, sizeof at) < 0) die(path);
    if (!write_all(fd, bytes, read_file(file, bytes, sizeof bytes))) die("send");
    if (!read_head(fd, head, &got)) return EXIT_FAILURE;
    (void)fputs(head, stdout);
    const char *length = header(head, "Content-Length");
    const size_t wanted = length ? (size_t)strtoul(length, NULL, 10) : 0;
    while (got < wanted) {
        ssize_t n = read_some(fd, bytes, sizeof bytes);
        if (n <= 0) return EXIT_FAILURE;
        (void)fwrite(bytes, 1, (size_t)n, stdout);
        got += (size_t)n;
    }
    return EXIT_SUCCESS;
}

/* The proxy ----------------------------------------------------------------------------------- */

static void pump(int a, int b)
{
    static char block[BLOCK_BYTES];
    struct pollfd p[2] = {{.fd = a, .events = POLLIN}, {.fd = b, .events = POLLIN}};
    while (poll(p, 2, IDLE_MS) > 0) {
        for (int i = 0; i < 2; i++) {
            if (!p[i].revents) continue;
            ssize_t n = read(p[i].fd, block, sizeof block);
            if (n <= 0 || !write_all(p[1 - i].fd, block, (size_t)n)) return;
        }
    }
}

static void note(const struct proxy *p, const char *target, int status)
{
    FILE *f = fopen(p->log, "ae");
    if (!f) die(p->log);
    (void)fprintf(f, "%s %d\n", target, status);
    (void)fclose(f);
}

static bool may_pass(const struct proxy *p, const char *head)
{
    const char *given = header(head, "Proxy-Authorization");
    if (!p->password) return true;
    return given && strncmp(given, "Basic ", 6) == 0 &&
           strncmp(given + 6, p->password, strlen(p->password)) == 0 &&
           given[6 + strlen(p->password)] == '\r';
}

static void refuse(int fd, const struct proxy *p, const char *target, int status, const char *more)
{
    char text[256];
    int len =
        snprintf(text, sizeof text, "HTTP/1.1 %d No\r\n%sContent-Length: 0\r\n\r\n", status, more);
    note(p, target, status);
    (void)write_all(fd, text, (size_t)len);
}

static void serve_proxy(int fd, const struct proxy *p)
{
    static char head[HEAD_MAX_BYTES];
    static const char good[] = "HTTP/1.1 200 Connected\r\n\r\n";
    char target[NAME_BYTES] = "";
    size_t body = 0;
    if (!read_head(fd, head, &body)) return;
    const char *port = NULL;
    if (sscanf(head, "CONNECT %255s HTTP/1.", target) == 1) port = strrchr(target, ':');
    if (!port || body > 0) {
        refuse(fd, p, "?", 405, "");
    } else if (!may_pass(p, head)) {
        refuse(fd, p, target, 407, "Proxy-Authenticate: Basic realm=\"till\"\r\n");
    } else {
        const struct sockaddr_in to = address(p->to, port + 1);
        int out = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (out < 0 || connect(out, (const struct sockaddr *)&to, sizeof to) < 0) {
            refuse(fd, p, target, 502, "");
            return;
        }
        note(p, target, 200);
        if (write_all(fd, good, sizeof good - 1)) pump(fd, out);
    }
}

/* Connections --------------------------------------------------------------------------------- */

static void accept_all(int listener, const struct proxy *p, const char *file)
{
    (void)signal(SIGCHLD, SIG_IGN);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) die("accept");
        pid_t child = fork();
        if (child < 0) die("fork");
        if (child == 0) {
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (file) say(fd, file);
            else serve_proxy(fd, p);
            _exit(0);
        }
        (void)close(fd);
    }
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "say") == 0) {
        int fd = listen_at("127.0.0.1", "0");
        write_port(fd, argv[2]);
        accept_all(fd, NULL, argv[3]);
    }
    if ((argc == 6 || argc == 7) && strcmp(argv[1], "proxy") == 0) {
        const struct proxy p = {argv[4], argv[5], argc == 7 ? argv[6] : NULL};
        accept_all(listen_at(argv[2], argv[3]), &p, NULL);
    }
    if (argc == 4 && strcmp(argv[1], "ask") == 0) return ask(argv[2], argv[3]);
    (void)fputs("wire say PORT_FILE FILE | ask SOCKET FILE | proxy ADDRESS PORT TO LOG [BASE64]\n",
                stderr);
    return EXIT_WRONG_USE;
}
