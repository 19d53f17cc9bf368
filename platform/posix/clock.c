/* clock.c: the clocks. Nothing else in tillpost asks the system for the time. */
#include "platform/platform.h"

#include <time.h>

static int64_t read_ms(clockid_t id)
{
    struct timespec t;
    if (clock_gettime(id, &t) != 0) return 0;
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t platform_wall_ms(void)
{
    return read_ms(CLOCK_REALTIME);
}

int64_t platform_mono_ms(void)
{
    return read_ms(CLOCK_MONOTONIC);
}

int platform_local_offset(int64_t local_civil_s)
{
    /* mktime() reads a civil time in the device's zone; where a time occurs twice (end of summer
     * time) the C library chooses, where it does not occur it moves on: both are within an hour. */
    time_t as_utc = (time_t)local_civil_s;
    struct tm civil;
    if (!gmtime_r(&as_utc, &civil)) return 0;
    civil.tm_isdst = -1;
    time_t real = mktime(&civil);
    if (real == (time_t)-1) return 0;
    return (int)(local_civil_s - (int64_t)real);
}

int64_t platform_mono_us(void)
{
    struct timespec t;
    if (clock_gettime(CLOCK_MONOTONIC, &t) != 0) return 0;
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}
