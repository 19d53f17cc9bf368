/*
 * log.h: lines to stderr, text or JSON. Never personal data, never a token.
 *
 * A line is one write(2), at most LOG_LINE_MAX_BYTES. Text: "<6>2026-11-01T10:00:00Z info delivered
 * 3 events" (the <n> syslog level only when stderr is the journal: $JOURNAL_STREAM). JSON:
 * {"time":…,"level":…,"message":…}.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum { LOG_LINE_MAX_BYTES = 1024 };

void log_setup(enum log_level level, bool json);
bool log_enabled(enum log_level level);
/* printf-like message; control characters are replaced. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
