/*
 * secrets.h: the access token, the local tokens and the queue key: read, kept, wiped.
 *
 * Sources: a systemd credential ($CREDENTIALS_DIRECTORY) wins over the configured file. A file that
 * others can read is refused. Nothing of a secret is ever in a message.
 * Owner: a secret owns its bytes; secret_forget wipes them.
 */
#ifndef AGENT_SECRETS_H
#define AGENT_SECRETS_H

#include "base/fault.h"
#include "base/text.h"
#include "platform/platform.h"

enum {
    SECRET_PATH_BYTES = PLATFORM_PATH_BYTES,
    SECRET_MAX_BYTES = 4096,
    SECRET_TOKENS_MAX = 2,
    SECRET_KEY_BYTES = 32
};

struct secret {
    char *text; /* NUL-terminated; NULL when empty */
    size_t len;
    const char *tokens[SECRET_TOKENS_MAX]; /* lines of a local token file */
    size_t token_count;
    int64_t stamp; /* of the file it came from */
};

/* Path of a systemd credential when it exists. */
bool secret_credential_path(const char *name, char out[SECRET_PATH_BYTES]);
/* TikTok's access token: one line. */
int secret_read_token(const char *path, struct secret *out, struct fault *why);
/* The same, from the credential or else `file`, if that has changed; true when there is one. While
 * the new one cannot be read, the old one stays. */
bool secret_refresh_token(struct secret *s, const char *file, struct fault *why);
/* Tokens of the local listener: one a line, at most two (the old and the new one). */
int secret_read_tokens(const char *path, struct secret *out, struct fault *why);
void secret_forget(struct secret *s);

/* The queue's key from `path` (64 hex digits). Absent: made when may_create, else CONFIG. */
int secret_queue_key(const char *path, bool may_create, unsigned char out[SECRET_KEY_BYTES],
                     struct fault *why);

#endif
