/*
 * times.c: text to time and back, by the proleptic Gregorian calendar, without libc's time
 * functions: those know the process's zone and locale, and 32-bit systems' time_t.
 *
 * Every form is a pattern (scan_pattern). What always holds: a time that comes out lies in the
 * years 1 to 9999; what does not is refused.
 */
#include "base/times.h"

#include "tillpost/err.h"
#include <stdio.h>
#include <string.h>

enum { MS_PER_S = 1000, S_PER_MINUTE = 60, S_PER_HOUR = 3600, S_PER_DAY = 86400 };

static const int64_t year_1_ms = -62135596800000;    /* 0001-01-01T00:00:00Z */
static const int64_t year_9999_ms = 253402300799999; /* the last ms of 9999 */
static const double seconds_below = 100000000000;    /* 5138-11-16 in s, 1973-03-03 in ms */

struct civil {
    int year, month, day, hour, minute, second;
};

/* Days since 1970-01-01: Howard Hinnant's days_from_civil (chrono-compatible low-level date
 * algorithms): years begin in March, so that the leap day is the last. */
static int64_t days_from_civil(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

/* The way back: civil_from_days of the same source. */
static struct civil civil_from_days(int64_t days)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    int month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    return (struct civil){
        .year = (int)(year_of_era + era * 400 + (month <= 2)),
        .month = month,
        .day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1),
    };
}

int64_t times_from_civil(int year, int month, int day, int hour, int minute, int second)
{
    return days_from_civil(year, month, day) * S_PER_DAY + hour * S_PER_HOUR +
           minute * S_PER_MINUTE + second;
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static bool civil_is_valid(const struct civil *c)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (c->year < 1 || c->month < 1 || c->month > 12) return false;
    int last = days[c->month - 1] + (c->month == 2 && is_leap(c->year));
    return c->day >= 1 && c->day <= last && c->hour <= 23 && c->minute <= 59 && c->second <= 60;
}

/* A leap second has no place in Unix time; its event belongs to the last moment before. */
static int64_t civil_to_ms(const struct civil *c, int ms)
{
    bool leap = c->second == 60;
    return times_from_civil(c->year, c->month, c->day, c->hour, c->minute, c->second - leap) *
               MS_PER_S +
           (leap ? MS_PER_S - 1 : ms);
}

static int within_years(int64_t ms, int64_t *out_ms)
{
    if (ms < year_1_ms || ms > year_9999_ms) return TILLPOST_E_BAD_TIMESTAMP;
    *out_ms = ms;
    return TILLPOST_OK;
}

/* Patterns ------------------------------------------------------------------------------------ */

static const char *const month_names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul",
                                          "Aug", "Sep", "Oct", "Nov", "Dec", NULL};
static const char *const day_names[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", NULL};
static const char *const long_day_names[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                             "Friday", "Saturday", "Sunday",    NULL};

static bool take_digits(struct str *text, size_t digits, int *out)
{
    uint64_t n;
    if (text->len < digits || str_to_u64((struct str){text->p, digits}, &n) < 0) return false;
    *out = (int)n;
    *text = (struct str){text->p + digits, text->len - digits};
    return true;
}

/* *out becomes the place of the name in the list, from 1. */
static bool take_name(struct str *text, const char *const *names, int *out)
{
    for (int i = 0; names[i] != NULL; i++) {
        if (!str_starts(*text, names[i])) continue;
        size_t len = strlen(names[i]);
        *text = (struct str){text->p + len, text->len - len};
        *out = i + 1;
        return true;
    }
    return false;
}

static bool take_char(struct str *text, char c)
{
    if (text->len == 0 || text->p[0] != c) return false;
    *text = (struct str){text->p + 1, text->len - 1};
    return true;
}

/* RFC 9110 5.6.7 wants years of two digits to be at most 50 years ahead. Without a clock: 1970 to
 * 2069, as POSIX has it. */
static bool take_short_year(struct str *text, int *out)
{
    if (!take_digits(text, 2, out)) return false;
    *out += *out < 70 ? 2000 : 1900;
    return true;
}

static bool take_field(struct str *text, char field, struct civil *c)
{
    int ignored;
    switch (field) {
    case 'Y': return take_digits(text, 4, &c->year);
    case 'y': return take_short_year(text, &c->year);
    case 'M': return take_digits(text, 2, &c->month);
    case 'b': return take_name(text, month_names, &c->month);
    case 'D': return take_digits(text, 2, &c->day);
    case 'd': return take_digits(text, take_char(text, ' ') ? 1 : 2, &c->day);
    case 'h': return take_digits(text, 2, &c->hour);
    case 'm': return take_digits(text, 2, &c->minute);
    case 's': return take_digits(text, 2, &c->second);
    case 'w': return take_name(text, day_names, &ignored);
    case 'W': return take_name(text, long_day_names, &ignored);
    default: return false;
    }
}

/* Takes what the pattern says from the front of the text; % stands before a field. */
static bool scan_pattern(struct str *text, const char *pattern, struct civil *c)
{
    for (; *pattern != '\0'; pattern++) {
        bool taken = *pattern == '%' ? take_field(text, *++pattern, c) : take_char(text, *pattern);
        if (!taken) return false;
    }
    return true;
}

/* Time stamps --------------------------------------------------------------------------------- */

/* ".5" is 500 ms; digits behind the third are cut off. */
static bool take_fraction(struct str *text, int *ms)
{
    int unit = 100;
    *ms = 0;
    if (!take_char(text, '.')) return true;
    const char *start = text->p;
    int digit;
    while (take_digits(text, 1, &digit)) {
        *ms += digit * unit;
        unit /= 10;
    }
    return text->p > start;
}

/* "Z", "+01:00", "+0100", "+01", to the end of the text. */
static bool take_offset(struct str text, int *offset_s)
{
    *offset_s = 0;
    if (text.len == 1 && (text.p[0] == 'Z' || text.p[0] == 'z')) return true;
    int sign = take_char(&text, '-') ? -1 : 1;
    if (sign > 0 && !take_char(&text, '+')) return false;
    int hours, minutes = 0;
    if (!take_digits(&text, 2, &hours)) return false;
    bool colon = take_char(&text, ':');
    if ((colon || text.len > 0) && !take_digits(&text, 2, &minutes)) return false;
    *offset_s = sign * (hours * S_PER_HOUR + minutes * S_PER_MINUTE);
    return text.len == 0 && hours <= 23 && minutes <= 59;
}

int times_parse(struct str text, times_zone zone, int64_t *out_ms)
{
    struct civil c = {0};
    int ms = 0, offset_s = 0;
    if (!scan_pattern(&text, "%Y-%M-%D", &c)) return TILLPOST_E_BAD_TIMESTAMP;
    if (!take_char(&text, 'T') && !take_char(&text, 't') && !take_char(&text, ' ')) {
        return TILLPOST_E_BAD_TIMESTAMP;
    }
    if (!scan_pattern(&text, "%h:%m", &c)) return TILLPOST_E_BAD_TIMESTAMP;
    if (text.len > 0 && text.p[0] == ':') {
        if (!scan_pattern(&text, ":%s", &c)) return TILLPOST_E_BAD_TIMESTAMP;
        if (!take_fraction(&text, &ms)) return TILLPOST_E_BAD_TIMESTAMP;
    }
    if (!civil_is_valid(&c)) return TILLPOST_E_BAD_TIMESTAMP;
    int64_t local_ms = civil_to_ms(&c, ms);
    if (text.len == 0) {
        offset_s = zone(times_from_civil(c.year, c.month, c.day, c.hour, c.minute, c.second));
    } else if (!take_offset(text, &offset_s)) {
        return TILLPOST_E_BAD_TIMESTAMP;
    }
    return within_years(local_ms - (int64_t)offset_s * MS_PER_S, out_ms);
}

int times_from_number(double n, int64_t *out_ms)
{
    double ms = n < seconds_below ? n * MS_PER_S : n;
    if (!(ms >= (double)year_1_ms && ms <= (double)year_9999_ms)) return TILLPOST_E_BAD_TIMESTAMP;
    return within_years((int64_t)(ms < 0 ? ms - 0.5 : ms + 0.5), out_ms);
}

void times_format(int64_t unix_ms, char *out)
{
    if (unix_ms < year_1_ms) unix_ms = year_1_ms;
    if (unix_ms > year_9999_ms) unix_ms = year_9999_ms;
    int64_t seconds = (unix_ms - year_1_ms) / MS_PER_S; /* not negative: rounds down */
    int64_t days = seconds / S_PER_DAY;
    int rest = (int)(seconds % S_PER_DAY);
    struct civil c = civil_from_days(days + year_1_ms / MS_PER_S / S_PER_DAY);
    snprintf(out, TIMES_TEXT_BYTES, "%04u-%02u-%02uT%02u:%02u:%02uZ", (unsigned)c.year % 10000,
             (unsigned)c.month % 100, (unsigned)c.day % 100, (unsigned)rest / S_PER_HOUR,
             (unsigned)rest / S_PER_MINUTE % 60, (unsigned)rest % 60);
}

int times_parse_http(struct str text, int64_t *out_ms)
{
    static const char *const forms[] = {
        "%w, %D %b %Y %h:%m:%s GMT", /* IMF-fixdate: Sun, 06 Nov 1994 08:49:37 GMT */
        "%W, %D-%b-%y %h:%m:%s GMT", /* RFC 850: Sunday, 06-Nov-94 08:49:37 GMT */
        "%w %b %d %h:%m:%s %Y",      /* asctime: Sun Nov  6 08:49:37 1994 */
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct civil c = {0};
        struct str rest = text;
        if (!scan_pattern(&rest, forms[i], &c) || rest.len > 0) continue;
        return civil_is_valid(&c) ? within_years(civil_to_ms(&c, 0), out_ms)
                                  : TILLPOST_E_BAD_TIMESTAMP;
    }
    return TILLPOST_E_BAD_TIMESTAMP;
}

/* Durations and sizes ------------------------------------------------------------------------- */

struct unit {
    const char *suffix;
    int64_t factor;
};

static int parse_with_unit(struct str text, const struct unit *units, size_t n, int64_t *out)
{
    size_t digits = 0;
    while (digits < text.len && text.p[digits] >= '0' && text.p[digits] <= '9') {
        digits++;
    }
    uint64_t count;
    if (str_to_u64((struct str){text.p, digits}, &count) < 0) return TILLPOST_E_BAD_NUMBER;
    struct str suffix = {text.p + digits, text.len - digits};
    for (size_t i = 0; i < n; i++) {
        if (!str_is(suffix, units[i].suffix)) continue;
        if (count > (uint64_t)(INT64_MAX / units[i].factor)) return TILLPOST_E_BAD_NUMBER;
        *out = (int64_t)count * units[i].factor;
        return TILLPOST_OK;
    }
    return TILLPOST_E_BAD_NUMBER;
}

int times_parse_duration(struct str text, int64_t *out_ms)
{
    static const struct unit units[] = {
        {"ms", 1},
        {"s", MS_PER_S},
        {"m", (int64_t)S_PER_MINUTE * MS_PER_S},
        {"h", (int64_t)S_PER_HOUR * MS_PER_S},
        {"d", (int64_t)S_PER_DAY * MS_PER_S},
    };
    return parse_with_unit(text, units, sizeof units / sizeof units[0], out_ms);
}

int times_parse_size(struct str text, int64_t *out_bytes)
{
    static const struct unit units[] = {{"", 1}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}};
    return parse_with_unit(text, units, sizeof units / sizeof units[0], out_bytes);
}
