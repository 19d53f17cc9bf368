/* peer.c: who is at the other end of a Unix socket, as the kernel saw it at connect(2). */
#include "platform/platform.h"

#include <sys/socket.h>

int platform_peer(int fd, struct platform_peer *out)
{
    struct ucred who;
    socklen_t len = sizeof who;
    *out = (struct platform_peer){.uid = (unsigned)-1, .gid = (unsigned)-1};
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0 || len != sizeof who)
        return TILLPOST_E_DENIED;
    *out = (struct platform_peer){.uid = who.uid, .gid = who.gid, .pid = (int)who.pid};
    return 0;
}
