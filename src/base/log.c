/*
 * log.c: one line, one write(2), to standard error.
 *
 * What always holds: a line has at most LOG_LINE_MAX_BYTES with its line end; it is valid UTF-8
 * without control characters, so that no message can forge a second line or break the JSON; a line
 * that cannot be written is lost, because nothing may wait for a log. No memory is allocated.
 */
#include "base/log.h"

#include "base/text.h"
#include "base/times.h"
#include "platform/platform.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct level_row {
    const char *name;
    const char *syslog; /* severity of RFC 5424, as sd-daemon(3) wants it */
};

static const struct level_row level_rows[] = {
    [LOG_LEVEL_ERROR] = {"error", "<3>"},
    [LOG_LEVEL_WARNING] = {"warning", "<4>"},
    [LOG_LEVEL_INFO] = {"info", "<6>"},
    [LOG_LEVEL_DEBUG] = {"debug", "<7>"},
};

static enum log_level level_max = LOG_LEVEL_INFO;
static bool as_json;
static bool to_journal;

struct line {
    char text[LOG_LINE_MAX_BYTES];
    size_t len;
};

/* systemd.exec(5): JOURNAL_STREAM is "device:inode" of the stream that goes to the journal. */
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat st;
    if (stream == NULL || fstat(STDERR_FILENO, &st) != 0) return false;
    char own[48];
    snprintf(own, sizeof own, "%llu:%llu", (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino);
    return strcmp(stream, own) == 0;
}

void log_setup(enum log_level level, bool json)
{
    level_max = level;
    as_json = json;
    to_journal = !json && stderr_is_journal();
}

bool log_enabled(enum log_level level)
{
    return level <= level_max;
}

static void add(struct line *line, struct str s)
{
    memcpy(line->text + line->len, s.p, s.len);
    line->len += s.len;
}

static void add_z(struct line *line, const char *z)
{
    add(line, str_from(z));
}

/* The next character of a message as it goes out: never a control character, never bad UTF-8. */
static struct str clean_char(struct str *rest)
{
    size_t bytes = str_utf8_char(*rest);
    struct str out = {rest->p, bytes};
    unsigned char first = (unsigned char)rest->p[0];
    if (bytes == 0 || first < 0x20 || first == 0x7F) out = STR("?");
    if (as_json && first == '"') out = STR("\\\"");
    if (as_json && first == '\\') out = STR("\\\\");
    size_t used = bytes == 0 ? 1 : bytes;
    *rest = (struct str){rest->p + used, rest->len - used};
    return out;
}

static void add_message(struct line *line, struct str message, size_t room)
{
    while (message.len > 0) {
        struct str c = clean_char(&message);
        if (c.len > room) return;
        add(line, c);
        room -= c.len;
    }
}

void log_line(enum log_level level, const char *format, ...)
{
    if (!log_enabled(level)) return;
    char message[LOG_LINE_MAX_BYTES] = "";
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);

    char time[TIMES_TEXT_BYTES];
    times_format(platform_wall_ms(), time);
    struct line line = {.len = 0};
    if (to_journal) add_z(&line, level_rows[level].syslog);
    const char *parts[][2] = {{"", " "}, {"{\"time\":\"", "\",\"level\":\""}};
    add_z(&line, parts[as_json][0]);
    add_z(&line, time);
    add_z(&line, parts[as_json][1]);
    add_z(&line, level_rows[level].name);
    add_z(&line, as_json ? "\",\"message\":\"" : " ");
    struct str end = as_json ? STR("\"}\n") : STR("\n");
    add_message(&line, str_from(message), sizeof line.text - line.len - end.len);
    add(&line, end);
    ssize_t written = write(STDERR_FILENO, line.text, line.len);
    (void)written;
}
