/* times_test.c: time stamps, HTTP dates, durations and sizes as text. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/times.h"

#include "tillpost/err.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BAD = -1 }; /* in a column of results: refused */

/* 2026-11-01T10:00:00Z, from date(1). */
#define NOV_1 INT64_C(1793527200000)

static int64_t asked_for;

static int two_hours_east(int64_t local_civil_s)
{
    asked_for = local_civil_s;
    return 7200;
}

static int half_past_three_west(int64_t local_civil_s)
{
    return -12600;
}

/* Berlin around the end of summer time 2026-10-25, when 03:00 becomes 02:00. */
static int berlin(int64_t local_civil_s)
{
    return local_civil_s < 1792897200 ? 7200 : 3600;
}

static void a_time_stamp_with_offset_is_a_moment(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        {"2026-11-01T10:00:00Z", NOV_1},
        {"2026-11-01T10:00:00.5+01:00", NOV_1 - 3600000 + 500},
        {"2026-11-01t10:00:00z", NOV_1},
        {"2026-11-01 10:00:00Z", NOV_1},
        {"2026-11-01T10:00Z", NOV_1},
        {"2026-11-01T10:00+0100", NOV_1 - 3600000},
        {"2026-11-01T10:00:00+01", NOV_1 - 3600000},
        {"2026-11-01T10:00:00+0130", NOV_1 - 5400000},
        {"2026-11-01T10:00:00-08:00", NOV_1 + 28800000},
        {"2026-11-01T10:00:00-00:00", NOV_1},
        {"2026-11-01T15:45:00+05:45", NOV_1},
        {"2026-11-02T00:00:00+14:00", NOV_1},
        {"2026-11-01T10:00:00+23:59", NOV_1 - 86340000},
        {"2026-11-01T10:00:00.1Z", NOV_1 + 100},
        {"2026-11-01T10:00:00.12Z", NOV_1 + 120},
        {"2026-11-01T10:00:00.123Z", NOV_1 + 123},
        {"2026-11-01T10:00:00.1239Z", NOV_1 + 123},
        {"2026-11-01T10:00:00.000999999999999999999999999999Z", NOV_1},
        {"2026-11-01T10:00:00.999999999999Z", NOV_1 + 999},
        {"2026-11-01T09:59:60Z", NOV_1 - 1},
        {"2026-11-01T09:59:60.7Z", NOV_1 - 1},
        {"2016-12-31T23:59:60Z", 1483228799999},
        {"1970-01-01T00:00:00Z", 0},
        {"1969-12-31T23:59:59.999Z", -1},
        {"1969-12-31T23:59:59.5Z", -500},
        {"2000-02-29T12:00:00Z", 951825600000},
        {"2024-02-29T00:00:00Z", 1709164800000},
        {"2028-02-29T23:59:59Z", 1835481599000},
        {"2000-03-01T00:00:00Z", 951868800000},
        {"1900-03-01T00:00:00Z", -2203891200000},
        {"2038-01-19T03:14:08Z", 2147483648000},
        {"2100-03-01T00:00:00Z", 4107542400000},
        {"0001-01-01T00:00:00Z", -62135596800000},
        {"9999-12-31T23:59:59.999Z", 253402300799999},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t ms = BAD;
        int err = times_parse(str_from(rows[i].text), two_hours_east, &ms);
        if (err < 0 || ms != rows[i].ms) {
            fail_msg("%s: %d, %lld", rows[i].text, err, (long long)ms);
        }
    }
}

static void what_is_no_time_stamp_is_refused(void **state)
{
    static const char *const rows[] = {
        "",
        "2026-11-01",
        "2026-11-01Z",
        "2026-11-01T",
        "2026-11-01T10",
        "2026-11-01T10Z",
        "2026-11-01T10:0Z",
        "2026-11-01T10:00:Z",
        "2026-11-01T10:00:0Z",
        "2026-11-01T10:00:00.Z",
        "2026-11-01T10:00:00,5Z",
        "2026-11-01T10:00.5Z",
        "2026-11-01T10:00:00 Z",
        "2026-11-01T10:00:00ZZ",
        "2026-11-01T10:00:00Zx",
        "2026-11-01T10:00:00+",
        "2026-11-01T10:00:00+1",
        "2026-11-01T10:00:00+1:00",
        "2026-11-01T10:00:00+01:",
        "2026-11-01T10:00:00+01:0",
        "2026-11-01T10:00:00+010",
        "2026-11-01T10:00:00+01000",
        "2026-11-01T10:00:00+24:00",
        "2026-11-01T10:00:00+01:60",
        "2026-11-01T10:00:00+-1:00",
        "2026-11-01T10:00:00*01:00",
        "2026-11-01T24:00:00Z",
        "2026-11-01T23:60:00Z",
        "2026-11-01T23:59:61Z",
        "2026-00-01T10:00:00Z",
        "2026-13-01T10:00:00Z",
        "2026-11-00T10:00:00Z",
        "2026-11-31T10:00:00Z",
        "2026-02-29T10:00:00Z",
        "2024-02-30T10:00:00Z",
        "1900-02-29T10:00:00Z",
        "2100-02-29T10:00:00Z",
        "2026-04-31T10:00:00Z",
        "0000-01-01T00:00:00Z",
        "0000-12-31T23:59:59-00:01",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "26-11-01T10:00:00Z",
        "02026-11-01T10:00:00Z",
        "+2026-11-01T10:00:00Z",
        "-2026-11-01T10:00:00Z",
        "2026/11/01T10:00:00Z",
        "20261101T100000Z",
        "2026-11-01_10:00:00Z",
        "2026-11-01  10:00:00Z",
        " 2026-11-01T10:00:00Z",
        "2026-11-01T10:00:00Z ",
        "2026-W44-7T10:00:00Z",
        "2026-305T10:00:00Z",
        "01.11.2026 10:00:00",
        "11/01/2026 10:00",
        "2026-11- 1T10:00:00Z",
        "2026-1a-01T10:00:00Z",
        "1793527200",
        "now",
        "Sun, 01 Nov 2026 10:00:00 GMT",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t ms = 42;
        if (times_parse(str_from(rows[i]), two_hours_east, &ms) != TILLPOST_E_BAD_TIMESTAMP) {
            fail_msg("%s is taken", rows[i]);
        }
        assert_true(ms == 42);
    }
}

static void a_time_stamp_cut_anywhere_is_read_within_its_bounds(void **state)
{
    static const char text[] = "2026-11-01T10:00:00.123+01:00";
    for (size_t len = 0; len < sizeof text; len++) {
        int64_t ms;
        bool whole = len == 16 || len == 19 || (len > 20 && len < 24) || len == 26 || len == 29;
        int err = times_parse((struct str){text, len}, two_hours_east, &ms);
        assert_int_equal(err, whole ? TILLPOST_OK : TILLPOST_E_BAD_TIMESTAMP);
    }
}

static void without_offset_the_zone_decides(void **state)
{
    static const struct {
        const char *text;
        times_zone zone;
        int64_t ms;
    } rows[] = {
        {"2026-11-01T10:00:00", two_hours_east, NOV_1 - 7200000},
        {"2026-11-01 10:00", two_hours_east, NOV_1 - 7200000},
        {"2026-11-01T10:00:00.25", two_hours_east, NOV_1 - 7200000 + 250},
        {"2026-11-01T06:30:00", half_past_three_west, NOV_1},
        {"2026-10-25T01:30:00", berlin, 1792884600000},
        {"2026-10-25T03:30:00", berlin, 1792895400000},
        {"2026-12-31T23:59:60", two_hours_east, 1798761599999 - 7200000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t ms = BAD;
        assert_int_equal(times_parse(str_from(rows[i].text), rows[i].zone, &ms), TILLPOST_OK);
        if (ms != rows[i].ms) fail_msg("%s: %lld", rows[i].text, (long long)ms);
    }
    int64_t ms;
    times_parse(STR("2026-11-01T10:00:00"), two_hours_east, &ms);
    assert_true(asked_for == NOV_1 / 1000);
    asked_for = BAD;
    times_parse(STR("2026-11-01T10:00:00Z"), two_hours_east, &ms);
    assert_true(asked_for == BAD); /* with an offset nobody asks for the zone */
    assert_int_equal(times_parse(STR("0001-01-01T00:00:00"), two_hours_east, &ms),
                     TILLPOST_E_BAD_TIMESTAMP);
}

static void numbers_are_seconds_below_a_hundred_thousand_million(void **state)
{
    static const struct {
        double n;
        int64_t ms;
    } rows[] = {
        {0, 0},
        {1793527200, NOV_1},
        {1793527200000, NOV_1},
        {1793527200.25, NOV_1 + 250},
        {1793527200.1234, NOV_1 + 123},
        {1793527200.9996, NOV_1 + 1000},
        {99999999999, 99999999999000},
        {100000000000, 100000000000},
        {100000000001, 100000000001},
        {-1, -1000},
        {-0.25, -250},
        {253402300799999, 253402300799999},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t ms = BAD;
        assert_int_equal(times_from_number(rows[i].n, &ms), TILLPOST_OK);
        if (ms != rows[i].ms) fail_msg("%f: %lld", rows[i].n, (long long)ms);
    }
    static const double bad[] = {253402300800000, 1e300, INFINITY, -INFINITY, NAN, -62135596801};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t ms;
        assert_int_equal(times_from_number(bad[i], &ms), TILLPOST_E_BAD_TIMESTAMP);
    }
}

static void a_moment_is_written_in_utc_to_the_second(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {
        {NOV_1, "2026-11-01T10:00:00Z"},
        {NOV_1 + 999, "2026-11-01T10:00:00Z"},
        {0, "1970-01-01T00:00:00Z"},
        {-1, "1969-12-31T23:59:59Z"},
        {-1000, "1969-12-31T23:59:59Z"},
        {-1001, "1969-12-31T23:59:58Z"},
        {951825599000, "2000-02-29T11:59:59Z"},
        {1709251199000, "2024-02-29T23:59:59Z"},
        {4107542399000, "2100-02-28T23:59:59Z"},
        {-62135596800000, "0001-01-01T00:00:00Z"},
        {253402300799999, "9999-12-31T23:59:59Z"},
        {INT64_MIN, "0001-01-01T00:00:00Z"},
        {INT64_MAX, "9999-12-31T23:59:59Z"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[TIMES_TEXT_BYTES];
        times_format(rows[i].ms, text);
        assert_string_equal(text, rows[i].text);
    }
}

/* Two whole cycles of the calendar, counted day by day. */
static void every_day_from_1600_to_2399_goes_there_and_back(void **state)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t day = -135140; /* 1600-01-01, by date(1) */
    for (int month = 1; month <= 800 * 12; month++) {
        int year = 1600 + (month - 1) / 12, m = (month - 1) % 12 + 1;
        bool leap = year % 400 == 0 || (year % 4 == 0 && year % 100 != 0);
        for (int d = 1; d <= lengths[m - 1] + (leap && m == 2); d++, day++) {
            char text[TIMES_TEXT_BYTES], expected[64];
            snprintf(expected, sizeof expected, "%04d-%02d-%02dT23:04:05Z", year, m, d);
            int64_t s = times_from_civil(year, m, d, 23, 4, 5);
            assert_true(s == day * 86400 + 83045);
            times_format(s * 1000, text);
            assert_string_equal(text, expected);
        }
    }
}

static void an_http_date_has_three_forms(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777000},
        {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777000},
        {"Sun Nov  6 08:49:37 1994", 784111777000},
        {"Wed Nov 16 08:49:37 1994", 784975777000},
        {"Sun, 01 Nov 2026 10:00:00 GMT", NOV_1},
        {"Sunday, 01-Nov-26 10:00:00 GMT", NOV_1},
        {"Thursday, 01-Jan-70 00:00:00 GMT", 0},
        {"Tuesday, 31-Dec-69 23:59:59 GMT", 3155759999000},
        {"Sat, 31 Dec 2016 23:59:60 GMT", 1483228799999},
        {"Thu, 29 Feb 2024 00:00:00 GMT", 1709164800000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t ms = BAD;
        int err = times_parse_http(str_from(rows[i].text), &ms);
        if (err < 0 || ms != rows[i].ms) fail_msg("%s: %lld", rows[i].text, (long long)ms);
    }
}

static void every_month_has_its_http_name(void **state)
{
    static const char *const names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    for (int month = 1; month <= 12; month++) {
        char text[64];
        int64_t ms;
        snprintf(text, sizeof text, "Mon, 15 %s 2027 12:00:00 GMT", names[month - 1]);
        assert_int_equal(times_parse_http(str_from(text), &ms), TILLPOST_OK);
        assert_true(ms == times_from_civil(2027, month, 15, 12, 0, 0) * 1000);
    }
}

static void what_is_no_http_date_is_refused(void **state)
{
    static const char *const rows[] = {
        "",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 06 Nov 1994 08:49:37 GMT+1",
        " Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun 06 Nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun,  6 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "sun, 06 Nov 1994 08:49:37 GMT",
        "Xxx, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 29 Feb 2026 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov  6 08:49:37 1994 GMT",
        "Sun Nov  6 08:49:37 94",
        "1994-11-06T08:49:37Z",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t ms;
        if (times_parse_http(str_from(rows[i]), &ms) != TILLPOST_E_BAD_TIMESTAMP) {
            fail_msg("%s is taken", rows[i]);
        }
    }
}

struct quantity {
    const char *text;
    int64_t value; /* BAD: refused */
};

static void check_quantities(int (*parse)(struct str, int64_t *), const struct quantity *rows,
                             size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int64_t value = 42;
        int err = parse(str_from(rows[i].text), &value);
        bool refused = rows[i].value == BAD;
        if (err != (refused ? TILLPOST_E_BAD_NUMBER : TILLPOST_OK) ||
            value != (refused ? 42 : rows[i].value)) {
            fail_msg("%s: %d, %lld", rows[i].text, err, (long long)value);
        }
    }
}

static void a_duration_is_digits_and_a_unit(void **state)
{
    static const struct quantity rows[] = {
        {"100ms", 100},
        {"0s", 0},
        {"1s", 1000},
        {"90s", 90000},
        {"15m", 900000},
        {"12h", 43200000},
        {"28d", 2419200000},
        {"007d", 604800000},
        {"9223372036854775807ms", INT64_MAX},
        {"106751991167d", 106751991167 * INT64_C(86400000)},
        {"106751991168d", BAD},
        {"9223372036854775808ms", BAD},
        {"99999999999999999999s", BAD},
        {"", BAD},
        {"s", BAD},
        {"90", BAD},
        {"90 s", BAD},
        {" 90s", BAD},
        {"90s ", BAD},
        {"90S", BAD},
        {"1h30m", BAD},
        {"1.5h", BAD},
        {"-1s", BAD},
        {"+1s", BAD},
        {"1w", BAD},
        {"1msx", BAD},
    };
    check_quantities(times_parse_duration, rows, sizeof rows / sizeof rows[0]);
}

static void a_size_is_digits_and_maybe_a_unit(void **state)
{
    static const struct quantity rows[] = {
        {"0", 0},
        {"65536", 65536},
        {"64K", 65536},
        {"1M", 1048576},
        {"256M", 268435456},
        {"1G", 1073741824},
        {"64G", 68719476736},
        {"9223372036854775807", INT64_MAX},
        {"8589934591G", 8589934591 * INT64_C(1073741824)},
        {"8589934592G", BAD},
        {"9223372036854775808", BAD},
        {"", BAD},
        {"K", BAD},
        {"1k", BAD},
        {"1KB", BAD},
        {"1KiB", BAD},
        {"1 K", BAD},
        {"1.5G", BAD},
        {"-1K", BAD},
        {"1T", BAD},
    };
    check_quantities(times_parse_size, rows, sizeof rows / sizeof rows[0]);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_stamp_with_offset_is_a_moment),
        cmocka_unit_test(what_is_no_time_stamp_is_refused),
        cmocka_unit_test(a_time_stamp_cut_anywhere_is_read_within_its_bounds),
        cmocka_unit_test(without_offset_the_zone_decides),
        cmocka_unit_test(numbers_are_seconds_below_a_hundred_thousand_million),
        cmocka_unit_test(a_moment_is_written_in_utc_to_the_second),
        cmocka_unit_test(every_day_from_1600_to_2399_goes_there_and_back),
        cmocka_unit_test(an_http_date_has_three_forms),
        cmocka_unit_test(every_month_has_its_http_name),
        cmocka_unit_test(what_is_no_http_date_is_refused),
        cmocka_unit_test(a_duration_is_digits_and_a_unit),
        cmocka_unit_test(a_size_is_digits_and_maybe_a_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
