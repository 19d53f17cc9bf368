/*
 * folder.h: the drop folder, for register software that can only write files (import.folder).
 *
 * *.json (one call, or one a line) and *.csv (TikTok's upload format) that appear there, best by
 * rename, are taken in a slice a turn, so that sales at the socket never wait for them, and deleted
 * once their rows are on stable storage. One with refused rows is moved to failed/ beside a report:
 * lines and reasons, no values. What the agent cannot do at the moment (a full disk, a file that is
 * still being written or cannot be read) it tries again; nothing is deleted before it is kept.
 *
 * Taken twice, after a kill, a file changes nothing: a row's id comes from its columns, that of a
 * call without one from its text, and, where the call has no time of its own, from the file too.
 * A call is judged as one at the socket; rows say nothing of consent and are refused where
 * privacy.require_consent is set.
 *
 * A name that begins with a dot or ends otherwise, a link, a directory: left alone. A file is being
 * written as long as somebody has it open for that (told by a lease; of files of another user the
 * system does not tell) or its time is younger than FOLDER_QUIET_MS.
 *
 * Three calls a turn: folder_turn before the commit, folder_kept behind it, folder_timeout_ms.
 */
#ifndef AGENT_FOLDER_H
#define AGENT_FOLDER_H

#include "agent/ingest.h"

enum {
    FOLDER_SLICE_ROWS = 64, /* of one turn */
    FOLDER_SLICE_BYTES = 128 * 1024,
    FOLDER_QUIET_MS = 1000,
    FOLDER_RETRY_MS = 2000,       /* after a fault of the disk */
    FOLDER_RESCAN_MS = 30 * 1000, /* where no notice came */
    FOLDER_SWEEP_MS = 60 * 60 * 1000,
    FOLDER_FAILED_KEEP_S = 7 * 24 * 3600
};

struct folder;
/* The folder itself may be missing yet. NO_MEMORY. */
int folder_open(const char *path, struct folder **out);
void folder_close(struct folder *f);   /* NULL is fine; a file at hand stays for the next start */
int folder_fd(const struct folder *f); /* readable when something appeared; -1: none */
int64_t folder_timeout_ms(const struct folder *f, const struct clock_now *now);

/* One slice of the file at hand into the open transaction. After a fault of the queue the
 * transaction may be gone. */
void folder_turn(struct folder *f, struct ingest *g, const struct clock_now *now);
/* Were the changes of this turn kept? */
void folder_kept(struct folder *f, const struct clock_now *now, bool kept);

bool folder_unusable(const struct folder *f); /* it, or a file in it, cannot be read or deleted */
bool folder_has_refused(const struct folder *f); /* something is in failed/ */

#endif
