/* boot.c: which boot this is, and the clock that runs through sleep. */
#include "platform/platform.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t platform_boot_ms(void)
{
    struct timespec t;
    if (clock_gettime(CLOCK_BOOTTIME, &t) != 0) return platform_mono_ms();
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

int platform_rtc_s(int64_t *out)
{
    char *text = NULL;
    size_t len = 0;
    int rc = platform_read_file("/sys/class/rtc/rtc0/since_epoch", 64, false, &text, &len);
    *out = rc < 0 ? 0 : strtoll(text, NULL, 10);
    platform_free_file(text, len);
    return rc < 0 ? TILLPOST_E_NO_INPUT : 0;
}

/* The kernel's file holds a UUID: 32 hex digits with dashes. */
int platform_boot_id(uint8_t out[PLATFORM_BOOT_ID_BYTES])
{
    char *text = NULL;
    size_t len = 0;
    int rc = platform_read_file("/proc/sys/kernel/random/boot_id", 64, false, &text, &len);
    if (rc < 0) return rc;
    size_t digits = 0;
    memset(out, 0, PLATFORM_BOOT_ID_BYTES);
    for (size_t i = 0; i < len && digits < 2 * PLATFORM_BOOT_ID_BYTES; i++) {
        int v = hex_value(text[i]);
        if (v < 0) continue;
        out[digits / 2] = (uint8_t)(out[digits / 2] << 4 | v);
        digits++;
    }
    platform_free_file(text, len);
    return digits == 2 * PLATFORM_BOOT_ID_BYTES ? 0 : TILLPOST_E_IO;
}
