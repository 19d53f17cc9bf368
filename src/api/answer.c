/*
 * answer.c: refusals as JSON, the fields of every answer, and answers past libmicrohttpd.
 *
 * Some must be answered that http.c cannot answer: whoever is turned away at the door, and a request
 * that is refused before its body has come.
 */
#include "api/answer.h"

#include "base/json.h"
#include "tillpost/err.h"
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { SEND_MAX_BYTES = 4096, ORIGIN_MAX_BYTES = 256, RETRY_AFTER_S = 1 };

static const struct reason {
    int status;
    const char *words;
} reasons[] = {
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {431, "Request Header Fields Too Large"},
    {503, "Service Unavailable"},
};

void api_refusal(struct buf *out, const struct fault *f)
{
    buf_add_z(out, "{\"success\":false,\"code\":");
    json_write_string(out, str_from(tillpost_err_info(f->err)->wire));
    buf_add_z(out, ",\"path\":");
    json_write_string(out, str_from(f->path));
    buf_add_z(out, ",\"message\":");
    json_write_string(out, str_from(f->message));
    buf_add_z(out, "}");
}

void answer_refusal(struct answer *answer, int err, const char *message, char *text)
{
    struct fault f;
    struct buf out;
    buf_init(&out, ANSWER_REFUSAL_MAX_BYTES - 1);
    fault_set(&f, err, NULL, "%s", message);
    api_refusal(&out, &f);
    int status = tillpost_err_info(err)->http;
    *answer = (struct answer){.status = status, .body = {text, out.len}};
    if (status == 503) answer->retry_after_s = RETRY_AFTER_S;
    if (out.len > 0) memcpy(text, out.p, out.len);
    buf_free(&out);
}

static void cors_fields(const struct verdict *v, answer_field field, void *to)
{
    char origin[ORIGIN_MAX_BYTES];
    if (v->cors_origin.len == 0 || v->cors_origin.len >= sizeof origin) return;
    snprintf(origin, sizeof origin, "%.*s", (int)v->cors_origin.len, v->cors_origin.p);
    field(to, "Access-Control-Allow-Origin", origin);
    field(to, "Vary", "Origin");
    if (!v->preflight) return;
    field(to, "Access-Control-Allow-Methods", "GET, HEAD, POST");
    field(to, "Access-Control-Allow-Headers", "authorization, content-type, content-encoding");
    field(to, "Access-Control-Max-Age", "600");
    if (v->private_network) field(to, "Access-Control-Allow-Private-Network", "true");
    if (v->local_network) field(to, "Access-Control-Allow-Local-Network", "true");
}

void answer_fields(const struct answer *answer, answer_field field, void *to)
{
    char seconds[16];
    if (answer->body.len > 0)
        field(to, "Content-Type", answer->content_type ? answer->content_type : "application/json");
    field(to, "X-Content-Type-Options", "nosniff");
    field(to, "Cache-Control", "no-store");
    if (answer->policy) {
        field(to, "Content-Security-Policy", answer->policy);
        field(to, "X-Frame-Options", "DENY");
        field(to, "Referrer-Policy", "no-referrer");
    }
    if (answer->allow) field(to, "Allow", answer->allow);
    if (answer->status == 401) field(to, "WWW-Authenticate", "Basic realm=\"tillpost\"");
    if (answer->retry_after_s > 0) {
        snprintf(seconds, sizeof seconds, "%d", answer->retry_after_s);
        field(to, "Retry-After", seconds);
    }
    if (answer->judged) cors_fields(answer->judged, field, to);
}

static void write_field(void *to, const char *name, const char *value)
{
    buf_printf(to, "%s: %s\r\n", name, value);
}

static const char *reason_of(int status)
{
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (reasons[i].status == status) return reasons[i].words;
    return "Refused";
}

bool answer_send(int fd, const struct answer *answer, bool head_only)
{
    struct buf out;
    buf_init(&out, SEND_MAX_BYTES);
    buf_printf(&out, "HTTP/1.1 %d %s\r\n", answer->status, reason_of(answer->status));
    answer_fields(answer, write_field, &out);
    buf_printf(&out, "Content-Length: %zu\r\nConnection: close\r\n\r\n", answer->body.len);
    if (!head_only) buf_add_str(&out, answer->body);
    bool whole =
        !out.failed && send(fd, out.p, out.len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)out.len;
    buf_free(&out);
    return shutdown(fd, SHUT_WR) == 0 && whole;
}
