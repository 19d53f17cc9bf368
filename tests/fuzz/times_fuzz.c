/*
 * times_fuzz.c: any bytes as a time stamp, an HTTP date, a duration, a size, a number. What must
 * hold: what is taken lies in the years 1 to 9999 and is written as what is read as the same
 * second; what is refused leaves the result alone.
 */
#include "fuzz/fuzz.h"

#include "base/times.h"

#include "tillpost/err.h"
#include <string.h>

enum { UNTOUCHED = 4711 };

static const int64_t year_1_ms = -62135596800000, year_9999_ms = 253402300799999;

static int a_day_west(int64_t local_civil_s)
{
    (void)local_civil_s;
    return -86400;
}

static void same_second_again(int err, int64_t ms)
{
    char text[TIMES_TEXT_BYTES];
    int64_t again;
    if (err < 0) {
        MUST(err == TILLPOST_E_BAD_TIMESTAMP && ms == UNTOUCHED);
        return;
    }
    MUST(ms >= year_1_ms && ms <= year_9999_ms);
    times_format(ms, text);
    MUST(times_parse(str_from(text), NULL, &again) == TILLPOST_OK);
    MUST(again <= ms && ms - again < 1000);
}

static void quantity(int (*parse)(struct str, int64_t *), struct str text)
{
    int64_t value = -1;
    int err = parse(text, &value);
    MUST(err == TILLPOST_OK ? value >= 0 : err == TILLPOST_E_BAD_NUMBER && value == -1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    int64_t ms = UNTOUCHED;
    int err = times_parse(text, a_day_west, &ms);
    same_second_again(err, ms);
    ms = UNTOUCHED;
    err = times_parse_http(text, &ms);
    same_second_again(err, ms);
    double n = 0;
    if (size >= sizeof n) memcpy(&n, data, sizeof n);
    ms = UNTOUCHED;
    err = times_from_number(n, &ms);
    same_second_again(err, ms);
    quantity(times_parse_duration, text);
    quantity(times_parse_size, text);
    return 0;
}
