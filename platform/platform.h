/*
 * platform.h: everything that differs between systems. One duty per .c file.
 *
 * Units: wall time Unix ms; mono and boot times ms of CLOCK_MONOTONIC and CLOCK_BOOTTIME.
 * Errors: a negative code of tillpost/err.h with errno left as the system set it.
 * Owner: file contents are malloc'ed for the caller.
 */
#ifndef PLATFORM_H
#define PLATFORM_H

#include "tillpost/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* clock.c */
int64_t platform_wall_ms(void);
int64_t platform_mono_ms(void); /* does not count time asleep */
int64_t platform_mono_us(void); /* microseconds, to time things */
int64_t platform_boot_ms(void); /* counts time asleep */
enum { PLATFORM_BOOT_ID_BYTES = 16 };
int platform_boot_id(uint8_t out[PLATFORM_BOOT_ID_BYTES]); /* differs after every boot */
/* The battery-backed clock, Unix seconds. NO_INPUT: this machine has none. */
int platform_rtc_s(int64_t *out);
int platform_local_offset(int64_t local_civil_s); /* seconds east of UTC */
/* random.c: getrandom(2), /dev/urandom before Linux 3.17. Never short. */
int platform_random(void *out, size_t bytes);

/* file.c */
/* Reads a whole file of at most max_bytes; a NUL follows the content. With `secret`, a file that
 * group (unless the group is root's or our own) or others can read is refused: DENIED. NO_INPUT
 * when absent or a directory, TOO_LARGE, NO_MEMORY, IO. */
int platform_read_file(const char *path, size_t max_bytes, bool secret, char **out, size_t *len);
void platform_free_file(char *content, size_t len); /* wipes and frees; NULL is fine */
/* Writes a file so that after a power cut there is the old or the new one: temporary name,
 * fsync, rename, fsync of the directory. CANT_CREATE, IO. */
int platform_write_file(const char *path, const void *data, size_t len, unsigned mode);
enum { PLATFORM_PATH_BYTES = 4096 };
/* Without links and dots; false: not there. */
bool platform_real_path(const char *path, char out[PLATFORM_PATH_BYTES]);
int platform_file_mode(const char *path, unsigned *mode, unsigned *uid); /* of what it points to */
/* Changes when the file is replaced, written, or its mode or owner is changed; 0 absent. */
int64_t platform_file_stamp(const char *path);
/* Durable: the directory is synced. NO_INPUT, DENIED, IO. */
int platform_rename(const char *from, const char *to);
/* Gives up what the kernel has cached of a file, so that it is read from the disk again: after an
 * fsync that failed the cache shows what the disk has not. Nothing when it is absent. */
void platform_drop_cached(const char *path);
/* Makes the last directory of a path when missing (0700). */
int platform_make_parent(const char *path);
int64_t platform_file_max_bytes(void);         /* that a file of ours may have (RLIMIT_FSIZE) */
int64_t platform_free_bytes(const char *path); /* free to us on its file system, < 0 unknown */
/* disk.c */
enum platform_disk {
    PLATFORM_DISK_KEEPS,
    PLATFORM_DISK_FORGETS, /* in memory: empty after power off */
    PLATFORM_DISK_REMOTE   /* a server's: its locks and its syncs are what they are */
};
enum platform_disk platform_disk(const char *path); /* of an existing file or directory */

/* listen.c: listening sockets, non-blocking, close-on-exec. */
/* Replaces a stale socket file, refuses a live one (LOCKED). group < 0: unchanged. DENIED with
 * EPERM: others may write the directory (no sticky bit), or it is neither root's nor ours. */
int platform_listen_unix(const char *path, unsigned mode, long group, int *fd);
int platform_listen_tcp(const char *address, uint16_t port, int *fd); /* numeric address */
int platform_accept(int listen_fd);                                   /* fd, or -1 with errno */
struct platform_peer {
    unsigned uid, gid;
    int pid;
};
int platform_peer(int fd, struct platform_peer *out); /* SO_PEERCRED */
bool platform_user_in_group(unsigned uid, unsigned gid, unsigned primary_gid);
enum { PLATFORM_ID_NOT_NOW = -2 };        /* the lists of names cannot be read */
long platform_group_id(const char *name); /* -1 unknown */
long platform_user_id(const char *name);  /* -1 unknown */
/* Sockets handed in by systemd (LISTEN_FDS), by index; -1 when there are fewer. */
int platform_inherited_socket(unsigned index, bool *is_unix);

/* connect.c: a non-blocking connection. UNAVAILABLE, DENIED, CONFIG (too long), NO_MEMORY, IO; BUSY:
 * too many wait before us, try again soon. */
int platform_connect_unix(const char *path);

/* signals.c: SIGTERM, SIGINT, SIGHUP as a readable descriptor; SIGPIPE ignored. */
int platform_signals_open(void);
int platform_signals_read(int fd); /* next signal number, 0 when none */

/* process.c */
void platform_forbid_core(void); /* no core dump; others of the same user cannot look into it */
void platform_harden(void);      /* umask 077, stdin/out/err open */
/* Root becomes the user that owns a file, for good; others and a missing file: nothing. DENIED. */
int platform_become_owner(const char *path);
void platform_notify(const char *state); /* sd_notify(3) without libsystemd; nothing if unset */
/* How soon the service manager takes us for dead without WATCHDOG=1 (WatchdogSec); 0: never. */
int64_t platform_watchdog_ms(void);
/* Memory for plain personal data and keys: zeroed whole pages of its own, in no core dump, and never
 * swapped out as far as the limit allows (RLIMIT_MEMLOCK). NULL: none. Freeing wipes it; NULL is
 * fine. */
void *platform_private_alloc(size_t bytes);
void platform_private_free(void *p, size_t bytes);

/* confine.c: from here on the process may do what it needs and no more, for good: the kernel refuses
 * other directories (Landlock) and other system calls (seccomp), as far as it can. */
struct platform_way {
    const char *path; /* a directory: it and all beneath it. A missing one is passed over */
    bool writes;      /* else it is only read */
};
struct platform_confinement {
    bool seccomp;
    int landlock; /* version of the kernel's rules, 0: not here */
};
void platform_confine(const struct platform_way *ways, size_t n, struct platform_confinement *out);

/* netwatch.c: link, address and route changes as a readable descriptor (-1: not here). */
int platform_netwatch_open(void);
bool platform_netwatch_read(int fd); /* true when something changed */

/* dirwatch.c: files that appear in a directory, as a readable descriptor (-1: not here). */
int platform_dirwatch_open(const char *path);
bool platform_dirwatch_read(int fd); /* true when something appeared */
/* Has somebody this file open for writing? fd is open for reading; SIGIO is ignored from here on.
 * False also where that cannot be told: another user's file, some network file systems. */
bool platform_is_written(int fd);
/* May this file be removed from the directory? Not another user's from a sticky one. */
bool platform_may_unlink(int dir_fd, int fd);

#endif
