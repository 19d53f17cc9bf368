/*
 * csv_fuzz.c: any bytes as a file to import. What must hold: every byte is taken, in whatever
 * pieces they come; a good record that is written again is the same record; a row is an event whose
 * text is JSON and that has the same id again, or a refusal with its words.
 */
#include "fuzz/fuzz.h"

#include "building.h"
#include "tiktok/csv.h"

struct source {
    struct str text;
    size_t step;
};

static long fill(void *ctx, char *to, size_t bytes_max)
{
    struct source *s = ctx;
    size_t n = s->text.len < s->step ? s->text.len : s->step;
    if (n > bytes_max) n = bytes_max;
    if (n > 0) memcpy(to, s->text.p, n);
    s->text = (struct str){s->text.p + n, s->text.len - n};
    return (long)n;
}

static uint64_t mix(uint64_t sum, struct str text)
{
    for (size_t i = 0; i < text.len; i++) sum = (sum ^ (unsigned char)text.p[i]) * 0x100000001B3u;
    return (sum ^ text.len) * 0x100000001B3u;
}

/* One number for all records of a text. */
static uint64_t sum_of(struct str text, size_t step)
{
    struct source s = {text, step};
    struct csv_reader r;
    struct csv_record record;
    uint64_t sum = 1;
    int rc;
    MUST(csv_open(&r, fill, &s) == TILLPOST_OK);
    while ((rc = csv_next(&r, &record)) > 0) {
        sum = mix(sum ^ record.line ^ ((uint64_t)record.fault << 32), record.raw);
        for (size_t i = 0; i < record.count; i++) sum = mix(sum, record.fields[i]);
    }
    MUST(rc == 0 && r.taken == text.len);
    csv_close(&r);
    return sum;
}

static void write_again(const struct csv_record *record)
{
    struct csv_reader r;
    struct csv_record again;
    struct buf text;
    buf_init(&text, 4 * CSV_RECORD_MAX_BYTES);
    for (size_t i = 0; i < record->count; i++) {
        if (i > 0) buf_add_char(&text, ',');
        csv_write_field(&text, record->fields[i]);
    }
    struct source s = {buf_str(&text), 100000};
    MUST(!text.failed && csv_open(&r, fill, &s) == TILLPOST_OK);
    if (text.len <= CSV_RECORD_MAX_BYTES && !str_starts(buf_str(&text), "\xEF\xBB\xBF")) {
        MUST(csv_next(&r, &again) == 1 && again.fault == CSV_GOOD);
        MUST(again.count == record->count);
        for (size_t i = 0; i < record->count; i++)
            MUST(str_equal(again.fields[i], record->fields[i]));
    }
    csv_close(&r);
    buf_free(&text);
}

static int read_row(struct building *b, const struct tiktok_csv_header *header,
                    const struct csv_record *record, struct tiktok_csv_refusal *why)
{
    b->warnings.count = 0;
    if (record->fault != CSV_GOOD)
        return tiktok_csv_fault(header, record->fault, record->fault_field, why);
    return tiktok_csv_read_row(&b->arena, header, record, &b->rules, &b->now, &b->event,
                               &b->warnings, why);
}

static void check_row(struct building *b, const struct tiktok_csv_header *header,
                      const struct csv_record *record)
{
    struct tiktok_csv_refusal why = {0};
    char id[TIKTOK_ID_BYTES];
    arena_reset(&b->arena);
    int rc = read_row(b, header, record, &why);
    if (rc < 0) {
        MUST(why.why.err == rc && why.why.message[0] != '\0');
        MUST(strcmp(why.why.path, tiktok_csv_column_name(why.column)) == 0);
        return;
    }
    MUST(json_check(b->event.rest, NULL) >= 0);
    MUST(b->event.event_id.len + 1 <= sizeof id && !b->event.stamped);
    memcpy(id, b->event.event_id.p, b->event.event_id.len + 1);
    MUST(read_row(b, header, record, &why) >= 0 && str_is(b->event.event_id, id));
}

static void read_file(struct str text)
{
    struct source s = {text, 100000};
    struct csv_reader r;
    struct csv_record record;
    struct tiktok_csv_header header;
    struct tiktok_csv_refusal why = {0};
    struct building b;
    building_setup(&b);
    MUST(csv_open(&r, fill, &s) == TILLPOST_OK);
    bool good = csv_next(&r, &record) == 1 && record.fault == CSV_GOOD &&
                tiktok_csv_read_header(record.fields, record.count, NULL, 0, &header, &why) >= 0;
    while (csv_next(&r, &record) > 0) {
        if (record.fault == CSV_GOOD) write_again(&record);
        if (good) check_row(&b, &header, &record);
    }
    csv_close(&r);
    building_teardown(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    uint64_t sum = sum_of(text, 100000);
    MUST(sum_of(text, 1) == sum && sum_of(text, 5) == sum);
    read_file(text);
    return 0;
}
