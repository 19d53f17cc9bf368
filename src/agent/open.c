/* open.c: see open.h. A key is made only where there is no queue that it could not open. */
#include "agent/open.h"

#include "agent/build.h"
#include "base/log.h"
#include "platform/platform.h"

#include <stdio.h>
#include <string.h>

int open_key_path(const struct config *c, char out[SECRET_PATH_BYTES], struct fault *why)
{
    if (secret_credential_path("queue-key", out)) return 0;
    const char *slash = strrchr(c->queue.path, '/');
    int n = c->queue.key_file ? snprintf(out, SECRET_PATH_BYTES, "%s", c->queue.key_file)
                              : snprintf(out, SECRET_PATH_BYTES, "%.*s/key",
                                         (int)(slash - c->queue.path), c->queue.path);
    if (n > 0 && n < SECRET_PATH_BYTES) return 0;
    return fault_set(why, TILLPOST_E_CONFIG, "queue.key_file", "queue.key_file is too long");
}

int open_queue(const struct config *c, bool may_create, struct queue **out, struct fault *why)
{
    char path[SECRET_PATH_BYTES];
    unsigned char key[SECRET_KEY_BYTES];
    bool exists = platform_file_stamp(c->queue.path) != 0;
    *out = NULL;
    if (!exists && !may_create)
        return fault_set(why, TILLPOST_E_NOT_FOUND, "", "there is no queue at %s yet",
                         c->queue.path);
    if (open_key_path(c, path, why) < 0) return TILLPOST_E_CONFIG;
    int rc = secret_queue_key(path, !exists, key, why);
    if (rc < 0) return rc;
    const struct queue_options options = {
        .path = c->queue.path,
        .key = key,
        .max_size_bytes = c->queue.max_size_bytes,
    };
    rc = queue_open(&options, out, why);
    wipe(key, sizeof key);
    if (rc >= 0 && platform_disk(c->queue.path) == PLATFORM_DISK_FORGETS)
        log_line(LOG_LEVEL_WARNING,
                 "%s lies on a file system in memory: sales are lost at power off", c->queue.path);
    return rc;
}

struct clock_now open_read_clocks(void)
{
    return (struct clock_now){platform_wall_ms(), platform_mono_ms(), platform_boot_ms()};
}

int open_clock(struct queue *q, struct clock *out, struct fault *why)
{
    unsigned char boot_id[QUEUE_BOOT_BYTES];
    struct clock_memory memory = {0};
    if (platform_boot_id(boot_id) < 0 && platform_random(boot_id, sizeof boot_id) < 0)
        return fault_set(why, TILLPOST_E_INTERNAL, "", "this boot cannot be named");
    if (q) {
        memory = (struct clock_memory){
            .date_ms = queue_value(q, QUEUE_VALUE_VERIFIED_TIME_MS),
            .date_boot_ms = queue_value(q, QUEUE_VALUE_VERIFIED_BOOT_MS),
            .boot = queue_value(q, QUEUE_VALUE_VERIFIED_BOOT),
        };
    }
    clock_init(out, build_time_s(), boot_id, &memory);
    return 0;
}
