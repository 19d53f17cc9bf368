/*
 * reply_fuzz.c: any bytes as a reply; the first two are the HTTP status. What must hold: only the
 * three codes of a clear yes drop a row; the message is UTF-8 without control characters, addresses
 * and long numbers; the index is one of a batch; a probe differs in one code only.
 */
#include "fuzz/fuzz.h"

#include "tiktok/batch.h"
#include <string.h>

static void check_message(const char *message)
{
    size_t digits = 0;
    MUST(strlen(message) > 0 && strlen(message) < TIKTOK_MESSAGE_BYTES);
    MUST(strchr(message, '@') == NULL);
    for (struct str s = str_from(message); s.len > 0;) {
        size_t n = str_utf8_char(s);
        MUST(n > 0 && (unsigned char)s.p[0] >= ' ');
        digits = s.p[0] >= '0' && s.p[0] <= '9' ? digits + 1 : 0;
        MUST(digits <= 5); /* a code has five */
        s = (struct str){s.p + n, s.len - n};
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tiktok_outcome out, probe;
    if (size < 2) return 0;
    int http = (data[0] * 256 + data[1]) % 1000;
    struct str body = {(const char *)data + 2, size - 2};
    tiktok_outcome_read(http, body, &out);
    tiktok_probe_read(http, body, &probe);
    bool is_yes = out.code == 0 || out.code == 20001 || out.code == 40050;
    MUST((out.class == TIKTOK_DONE) == is_yes);
    MUST(out.is_json || out.code == -1);
    MUST(!out.limited || out.class == TIKTOK_RETRY);
    MUST(out.index >= -1 && out.index < TIKTOK_BATCH_EVENTS_MAX);
    MUST(strlen(out.request_id) < TIKTOK_REQUEST_ID_BYTES);
    MUST(out.http == http && strlen(tiktok_class_name(out.class)) > 0);
    MUST(probe.class == out.class || (out.code == 40002 && probe.class == TIKTOK_DONE));
    check_message(out.message);
    return 0;
}
