/*
 * activate.c: what a service manager does for socket activation (sd_listen_fds(3)): it opens the sockets and
 * hands them in as descriptors 3 and 4.
 *
 *   activate SOCKET PORT PROGRAM [ARGUMENT…]
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { FIRST_FD = 3, BACKLOG = 16, EXIT_WRONG_USE = 64 };

static void fail(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static void hand_in(int fd, int as, const void *at, socklen_t len)
{
    if (fd < 0 || bind(fd, at, len) != 0 || listen(fd, BACKLOG) != 0) fail("a socket");
    if (fd != as && (dup2(fd, as) != as || close(fd) != 0)) fail("dup2");
}

int main(int argc, char **argv)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    char pid[32];
    if (argc < 4) {
        fputs("activate SOCKET PORT PROGRAM [ARGUMENT...]\n", stderr);
        return EXIT_WRONG_USE;
    }
    for (int fd = FIRST_FD; fd < 64; fd++) (void)close(fd);
    (void)snprintf(un.sun_path, sizeof un.sun_path, "%s", argv[1]);
    in.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
    hand_in(socket(AF_UNIX, SOCK_STREAM, 0), FIRST_FD, &un, sizeof un);
    hand_in(socket(AF_INET, SOCK_STREAM, 0), FIRST_FD + 1, &in, sizeof in);
    (void)snprintf(pid, sizeof pid, "%ld", (long)getpid());
    if (setenv("LISTEN_PID", pid, 1) != 0 || setenv("LISTEN_FDS", "2", 1) != 0) fail("setenv");
    (void)execv(argv[3], argv + 3);
    fail(argv[3]);
}
