/*
 * config_fuzz.c: any bytes as a configuration file. What must hold: either it is right and every
 * setting in its range, or there is a problem with words, a known setting and a line of the file;
 * what is right takes a call without falling over.
 */
#include "fuzz/fuzz.h"

#include "agent/offline.h"
#include "mapping/mapping.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ANSWER_MAX_BYTES = 1 << 20 };

static const char *path_of_scratch(void)
{
    static char path[64];
    if (path[0] == '\0') {
        (void)snprintf(path, sizeof path, "/tmp/tillpost-config-%ld", (long)getpid());
    }
    return path;
}

static void write_file(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    MUST(file != NULL);
    MUST(fwrite(data, 1, size, file) == size);
    MUST(fclose(file) == 0);
}

static char credentials[96], token[128];

static void remove_credentials(void)
{
    (void)unlink(token);
    (void)rmdir(credentials);
}

/* Without a token no configuration is right, and no input knows of a file that others cannot read:
 * it is a credential of the service manager's. */
static void make_credentials(void)
{
    static const char text[] = "0123456789abcdef\n";
    if (credentials[0] != '\0') return;
    (void)snprintf(credentials, sizeof credentials, "%s.d", path_of_scratch());
    (void)snprintf(token, sizeof token, "%s/tiktok-access-token", credentials);
    MUST(mkdir(credentials, 0700) == 0 && atexit(remove_credentials) == 0);
    write_file(token, text, sizeof text - 1);
    MUST(chmod(token, 0600) == 0 && setenv("CREDENTIALS_DIRECTORY", credentials, 1) == 0);
}

static void check_ranges(const struct config *c)
{
    const int64_t second = 1000, hour = 3600 * second, day = 24 * hour, mega = 1 << 20;
    MUST(c->tiktok.event_set_id != NULL && c->tiktok.event_set_id[0] != '\0');
    MUST(c->queue.max_size_bytes >= 4 * mega && c->queue.max_size_bytes <= 64 * 1024 * mega);
    MUST(c->queue.max_event_age_ms >= hour && c->queue.max_event_age_ms <= 28 * day);
    MUST(c->queue.keep_sent_ms >= c->queue.max_event_age_ms && c->queue.keep_sent_ms <= 90 * day);
    MUST(c->sync.batch_events >= 1 && c->sync.batch_events <= 1000);
    MUST(c->sync.batch_size_bytes >= 32 * 1024 && c->sync.batch_size_bytes <= 8 * mega);
    MUST(c->sync.retry_first_ms >= 100 && c->sync.retry_first_ms <= hour);
    MUST(c->sync.retry_most_ms >= c->sync.retry_first_ms && c->sync.retry_most_ms <= day);
    MUST(c->sync.timeout_ms >= second && c->sync.timeout_ms <= 300 * second);
    MUST(c->mapping_count <= MAPPINGS_MAX);
    for (size_t i = 0; i < c->mapping_count; i++) MUST(mapping_name(c->mappings[i])[0] != '\0');
}

static void take_a_call(const struct config *c)
{
    static const char call[] =
        "{\"event\":\"Order Completed\",\"messageId\":\"m\",\"userId\":7,\"properties\":{\"email\":"
        "\"a@example.com\",\"total\":5,\"products\":[{\"price\":1},{\"name\":\"x\"}]}}";
    struct buf answer;
    buf_init(&answer, ANSWER_MAX_BYTES);
    MUST(offline_dry_run(c, "track", str_from(call), &answer) >= 200);
    MUST(!answer.failed && json_check(buf_str(&answer), NULL) == 0);
    buf_free(&answer);
}

static void check_problems(const struct config_problems *problems, unsigned lines)
{
    size_t errors = 0;
    MUST(problems->count <= CONFIG_PROBLEMS_MAX);
    for (size_t i = 0; i < problems->count; i++) {
        struct buf text;
        buf_init(&text, 4096);
        config_problem_text("f.json", &problems->list[i], &text);
        MUST(!text.failed && problems->list[i].message[0] != '\0');
        MUST(problems->list[i].line <= lines);
        errors += !problems->list[i].warning;
        buf_free(&text);
    }
    MUST(errors == problems->errors || problems->count == CONFIG_PROBLEMS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct config_problems problems;
    struct config *c = NULL;
    unsigned lines = 1;
    for (size_t i = 0; i < size; i++) lines += data[i] == '\n';
    make_credentials();
    write_file(path_of_scratch(), data, size);
    int rc = config_load(path_of_scratch(), &c, &problems);
    MUST((rc == 0) == (c != NULL) && (rc == 0) == (problems.errors == 0));
    check_problems(&problems, lines);
    if (c != NULL) {
        check_ranges(c);
        take_a_call(c);
    }
    config_free(c);
    (void)unlink(path_of_scratch());
    return 0;
}
