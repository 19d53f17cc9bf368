/*
 * ingest_world.h: a till in a scratch directory: a configuration, a real queue, a clock that stands
 * still, for tests of what is taken in. One a program.
 */
#ifndef INGEST_WORLD_H
#define INGEST_WORLD_H

#include "testing.h"

#include "agent/ingest.h"

#define TRUTH_MS 1795000000000LL /* 2026-11-18T11:06:40Z */
static char scratch[TESTING_PATH_BYTES];
static char file[TESTING_PATH_BYTES + 32], token[TESTING_PATH_BYTES + 32];
static char db[TESTING_PATH_BYTES + 32];
static struct config *config;
static struct queue *queue;
static struct clock till_clock;
static struct clock_now now;
static struct ingest ingest;
static struct buf answer;

static void load(const char *rest)
{
    static struct config_problems problems;
    char text[4096];
    (void)snprintf(text, sizeof text,
                   "{\"tiktok\": {\"event_set_id\": \"7\", \"access_token_file\": \"%s\"}%s}",
                   token, rest);
    testing_write(file, text, 0600);
    config_free(config);
    config = NULL;
    if (config_load(file, &config, &problems) < 0) fail_msg("%s", problems.list[0].message);
    ingest.config = config;
}

static void open_till(int64_t max_size_bytes)
{
    static const unsigned char key[QUEUE_KEY_BYTES] = {1};
    struct fault why = {0};
    const struct queue_options options = {.path = db, .key = key, .max_size_bytes = max_size_bytes};
    if (queue_open(&options, &queue, &why) < 0) fail_msg("%s", why.message);
    ingest.queue = queue;
}

static int setup(void **state)
{
    static const unsigned char boot[QUEUE_BOOT_BYTES] = {2};
    static const struct clock_memory nothing;
    testing_scratch(scratch);
    (void)snprintf(file, sizeof file, "%s/tillpost.json", scratch);
    (void)snprintf(token, sizeof token, "%s/token", scratch);
    (void)snprintf(db, sizeof db, "%s/queue.db", scratch);
    testing_write(token, "abcdef0123456789\n", 0600);
    unsetenv("CREDENTIALS_DIRECTORY");
    now = (struct clock_now){TRUTH_MS, 1000, 1000};
    clock_init(&till_clock, 1790000000, boot, &nothing);
    ingest_init(&ingest, NULL, NULL, &till_clock);
    open_till(64 << 20);
    buf_init(&answer, (size_t)8 << 20);
    load("");
    return 0;
}

static int teardown(void **state)
{
    ingest_free(&ingest);
    queue_close(queue);
    config_free(config);
    config = NULL;
    buf_free(&answer);
    return testing_scratch_remove(scratch);
}

#endif
