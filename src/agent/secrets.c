/* secrets.c: see secrets.h. The file that holds a secret is judged before it is believed. */
#include "agent/secrets.h"

#include "platform/platform.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool secret_credential_path(const char *name, char out[SECRET_PATH_BYTES])
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    if (!folder || !*folder) return false;
    int n = snprintf(out, SECRET_PATH_BYTES, "%s/%s", folder, name);
    return n > 0 && n < SECRET_PATH_BYTES && platform_file_stamp(out) != 0;
}

static int read_secret(const char *path, struct secret *out, struct fault *why)
{
    memset(out, 0, sizeof *out);
    int64_t stamp =
        platform_file_stamp(path); /* first: what is replaced while it is read is read again */
    int rc = platform_read_file(path, SECRET_MAX_BYTES, true, &out->text, &out->len);
    if (rc == TILLPOST_E_DENIED)
        return fault_set(why, rc, "",
                         "%s is readable by others, or not by us: chmod 600 it and "
                         "give it to the agent's user",
                         path);
    if (rc == TILLPOST_E_NO_INPUT)
        return fault_set(why, rc, "", "%s does not exist, or is a directory", path);
    if (rc < 0)
        return fault_set(why, rc, "", "%s cannot be read: %s", path, tillpost_err_info(rc)->words);
    out->stamp = stamp;
    return 0;
}

static bool is_token(const char *p)
{
    if (!*p) return false;
    for (; *p; p++)
        if (*p <= ' ' || *p > '~') return false;
    return true;
}

/* Cuts the text into lines in place; blank lines do not count. */
static size_t cut_lines(struct secret *s, size_t max)
{
    size_t n = 0;
    char *save = NULL;
    for (char *line = strtok_r(s->text, "\r\n", &save); line;
         line = strtok_r(NULL, "\r\n", &save)) {
        while (*line == ' ' || *line == '\t') line++;
        size_t len = strlen(line);
        while (len && (line[len - 1] == ' ' || line[len - 1] == '\t')) line[--len] = 0;
        if (!len) continue;
        if (n < max) s->tokens[n] = line;
        n++;
    }
    s->token_count = n < max ? n : max;
    return n;
}

int secret_read_token(const char *path, struct secret *out, struct fault *why)
{
    int rc = read_secret(path, out, why);
    if (rc < 0) return rc;
    size_t lines = cut_lines(out, 1);
    rc = TILLPOST_E_CONFIG;
    if (lines == 0) (void)fault_set(why, rc, "", "%s is empty: put the access token into it", path);
    else if (lines == 1 && strncmp(out->tokens[0], "Bearer ", 7) == 0)
        (void)fault_set(why, rc, "", "%s begins with \"Bearer\": TikTok wants the token alone",
                        path);
    else if (lines > 1 || !is_token(out->tokens[0]))
        (void)fault_set(why, rc, "", "%s must hold one token on one line and nothing else", path);
    else return 0;
    secret_forget(out);
    return rc;
}

bool secret_refresh_token(struct secret *s, const char *file, struct fault *why)
{
    char path[SECRET_PATH_BYTES];
    struct secret fresh = {0};
    if (secret_credential_path("tiktok-access-token", path)) file = path;
    if (s->text && platform_file_stamp(file) == s->stamp) return true;
    if (secret_read_token(file, &fresh, why) < 0) return s->text != NULL;
    secret_forget(s);
    *s = fresh;
    return true;
}

int secret_read_tokens(const char *path, struct secret *out, struct fault *why)
{
    enum { TOKEN_MIN_BYTES = 16 };
    int rc = read_secret(path, out, why);
    if (rc < 0) return rc;
    size_t lines = cut_lines(out, SECRET_TOKENS_MAX);
    bool good = lines >= 1 && lines <= SECRET_TOKENS_MAX;
    for (size_t i = 0; i < out->token_count; i++)
        good = good && is_token(out->tokens[i]) && strlen(out->tokens[i]) >= TOKEN_MIN_BYTES;
    if (good) return 0;
    secret_forget(out);
    return fault_set(why, TILLPOST_E_CONFIG, "",
                     "%s must hold one token, or two during a rotation, one a line, of at least %d "
                     "printable characters",
                     path, TOKEN_MIN_BYTES);
}

void secret_forget(struct secret *s)
{
    platform_free_file(s->text, s->len);
    memset(s, 0, sizeof *s);
}

static int make_key(const char *path, unsigned char out[SECRET_KEY_BYTES], struct fault *why)
{
    char text[2 * SECRET_KEY_BYTES + 2];
    int rc = platform_random(out, SECRET_KEY_BYTES);
    if (rc == 0) rc = platform_make_parent(path);
    if (rc == 0) {
        hex_encode(out, SECRET_KEY_BYTES, text);
        text[2 * SECRET_KEY_BYTES] = '\n';
        text[2 * SECRET_KEY_BYTES + 1] = 0;
        rc = platform_write_file(path, text, 2 * SECRET_KEY_BYTES + 1, 0600);
        wipe(text, sizeof text);
    }
    if (rc < 0)
        return fault_set(why, rc, "",
                         "the queue key %s cannot be made: is its folder "
                         "there and writable?",
                         path);
    return 0;
}

int secret_queue_key(const char *path, bool may_create, unsigned char out[SECRET_KEY_BYTES],
                     struct fault *why)
{
    struct secret s = {0};
    struct fault inner = {0};
    int rc = read_secret(path, &s, &inner);
    if (rc == TILLPOST_E_NO_INPUT && may_create) return make_key(path, out, why);
    if (rc == TILLPOST_E_NO_INPUT)
        return fault_set(why, TILLPOST_E_CONFIG, "",
                         "the queue key %s is missing while there is a queue: put the key back, or "
                         "move the queue aside to begin a new one",
                         path);
    if (rc < 0) {
        if (why) *why = inner;
        return rc;
    }
    bool good = hex_decode(str_trim((struct str){s.text, s.len}), out, SECRET_KEY_BYTES);
    secret_forget(&s);
    if (good) return 0;
    return fault_set(why, TILLPOST_E_CONFIG, "",
                     "the queue key %s is not a line of 64 hex digits: put the right key back",
                     path);
}
