/*
 * times.h: time stamps as text.
 *
 * Units: wall time is int64_t Unix milliseconds (`_ms`) unless named `_s`; durations too.
 * Pure: the device's time zone comes in as an argument.
 */
#ifndef BASE_TIMES_H
#define BASE_TIMES_H

#include "base/text.h"

/* Offset of local time from UTC in seconds at a local civil time given as if it were UTC
 * (seconds); platform_local_offset fits, tests pass their own. */
typedef int (*times_zone)(int64_t local_civil_s);

/* RFC 3339 ("2026-11-01T10:00:00.5+01:00", "Z", a space for the T, lower case too; seconds may be
 * absent; a leap second 60 is taken as 59.999; any number of fraction digits), ISO 8601 basic
 * offsets ("+0100", "+01"), or without offset in `zone`. A date alone is refused.
 * Errors: BAD_TIMESTAMP. */
int times_parse(struct str text, times_zone zone, int64_t *out_ms);
/* A JSON number or digit string: below 100,000,000,000 it is seconds, otherwise milliseconds. */
int times_from_number(double n, int64_t *out_ms);
/* "2026-11-01T10:00:00Z" (whole seconds); out has room for TIMES_TEXT_BYTES. */
enum { TIMES_TEXT_BYTES = 32 };
void times_format(int64_t unix_ms, char *out);
/* An HTTP date (IMF-fixdate and the two obsolete forms of RFC 9110). Errors: BAD_TIMESTAMP. */
int times_parse_http(struct str text, int64_t *out_ms);
/* "90s" "15m" "12h" "28d" "100ms" to milliseconds. Errors: BAD_NUMBER. */
int times_parse_duration(struct str text, int64_t *out_ms);
/* "64K" "256M" "1G" (powers of 1024), or plain digits. Errors: BAD_NUMBER. */
int times_parse_size(struct str text, int64_t *out_bytes);
/* Gregorian civil time to Unix seconds and back, for any year 1..9999. */
int64_t times_from_civil(int year, int month, int day, int hour, int minute, int second);

#endif
