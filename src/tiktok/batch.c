/*
 * batch.c: the body of a request, by concatenation.
 *
 *   {"event_source":"offline","event_source_id":"…","partner_name":"…","test_event_code":"…",
 *   "data":[
 *     {"event":"Purchase","event_time":1700000000,"event_id":"…","user":{…},…},…]}
 *
 * A row's `rest` is the text of an object; it goes in without its opening brace, behind the members
 * that are known only now. It is never looked into.
 */
#include "tiktok/batch.h"

#include "base/json.h"
#include <inttypes.h>

enum {
    ESCAPED_MOST = 6, /* bytes of JSON for one byte of text: \u001f */
    ROW_FRAME_BYTES =
        sizeof ",{\"event\":\"\",\"event_time\":-9223372036854775808,\"event_id\":\"\","
};

static void add_member(struct buf *body, const char *key, struct str value)
{
    buf_add_char(body, '"');
    buf_add_z(body, key);
    buf_add(body, "\":", 2);
    json_write_string(body, value);
    buf_add_char(body, ',');
}

void tiktok_batch_begin(struct buf *body, const char *event_set_id, const char *partner_name,
                        struct str test_code)
{
    buf_add_z(body, "{\"event_source\":\"offline\",");
    add_member(body, "event_source_id", str_from(event_set_id));
    if (partner_name != NULL) add_member(body, "partner_name", str_from(partner_name));
    if (test_code.len > 0) add_member(body, "test_event_code", test_code);
    buf_add_z(body, "\"data\":[");
}

void tiktok_batch_add(struct buf *body, struct str event, int64_t time_s, struct str event_id,
                      struct str rest)
{
    struct str so_far = buf_str(body);
    if (so_far.len > 0 && so_far.p[so_far.len - 1] != '[') buf_add_char(body, ',');
    buf_add_char(body, '{');
    add_member(body, "event", event);
    buf_printf(body, "\"event_time\":%" PRId64 ",", time_s);
    if (event_id.len > 0) add_member(body, "event_id", event_id);
    buf_add(body, rest.p + 1, rest.len - 1);
}

void tiktok_batch_end(struct buf *body)
{
    buf_add(body, "]}", 2);
}

void tiktok_batch_probe(struct buf *body, const char *event_set_id, const char *partner_name)
{
    tiktok_batch_begin(body, event_set_id, partner_name, (struct str){0});
    tiktok_batch_end(body);
}

size_t tiktok_batch_row_bytes(size_t event_len, size_t id_len, size_t rest_len)
{
    return ROW_FRAME_BYTES + ESCAPED_MOST * (event_len + id_len) + rest_len;
}
