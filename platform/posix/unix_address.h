/* unix_address.h: a path as a socket address. Private to platform. */
#ifndef PLATFORM_POSIX_UNIX_ADDRESS_H
#define PLATFORM_POSIX_UNIX_ADDRESS_H

#include <sys/socket.h>
#include <sys/un.h>

/* CONFIG with ENAMETOOLONG: empty, or too long for a socket. */
int platform_unix_address(const char *path, struct sockaddr_un *out);

#endif
