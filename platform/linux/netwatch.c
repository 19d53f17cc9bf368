/* netwatch.c: rtnetlink notices of links, addresses and routes: "the line may be back". */
#include "platform/platform.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

int platform_netwatch_open(void)
{
    struct sockaddr_nl us = {.nl_family = AF_NETLINK};
    us.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
                   RTMGRP_IPV6_ROUTE;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0) return -1;
    if (bind(fd, (const struct sockaddr *)&us, sizeof us) == 0) return fd;
    close(fd);
    return -1;
}

/* What changed does not matter: something did. An overrun (ENOBUFS) says the same. */
bool platform_netwatch_read(int fd)
{
    char notice[4096];
    bool changed = false;
    for (;;) {
        ssize_t n = recv(fd, notice, sizeof notice, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && !changed)) return changed;
        if (n < 0) return true;
        changed = true;
    }
}
