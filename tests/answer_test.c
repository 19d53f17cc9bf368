/* answer_test.c: refusals as JSON, and answers past libmicrohttpd. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "api/answer.h"
#include "tillpost/err.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void a_refusal_has_the_form_of_the_contract(void **state)
{
    struct buf out;
    struct fault f;
    buf_init(&out, 4096);
    fault_set(&f, TILLPOST_E_BAD_NUMBER, "$.properties.value", "\"1,5\" is no number\n");
    api_refusal(&out, &f);
    assert_string_equal(out.p, "{\"success\":false,\"code\":\"bad_number\","
                               "\"path\":\"$.properties.value\","
                               "\"message\":\"\\\"1,5\\\" is no number\\n\"}");
    buf_free(&out);
}

static void every_code_makes_a_whole_answer(void **state)
{
    for (int i = 0; i < TILLPOST_ERR_COUNT; i++) {
        char text[ANSWER_REFUSAL_MAX_BYTES], words[FAULT_MESSAGE_MAX_BYTES];
        struct answer answer;
        memset(words, '"', sizeof words - 1); /* the longest there can be once escaped */
        words[sizeof words - 1] = '\0';
        answer_refusal(&answer, -(i + 1), words, text);
        assert_int_equal(answer.status, tillpost_err_info(-(i + 1))->http);
        assert_int_equal(answer.retry_after_s > 0, answer.status == 503);
        assert_true(answer.body.len > 600 && answer.body.p[answer.body.len - 1] == '}');
    }
}

static void send_and_read(const struct answer *answer, bool head_only, char *text, size_t bytes)
{
    int fds[2];
    size_t len = 0;
    ssize_t n;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_true(answer_send(fds[0], answer, head_only));
    while ((n = recv(fds[1], text + len, bytes - 1 - len, 0)) > 0) len += (size_t)n;
    text[len] = '\0';
    assert_int_equal(n, 0);                                  /* no more comes … */
    assert_int_equal(send(fds[1], "x", 1, MSG_NOSIGNAL), 1); /* … but it still listens */
    close(fds[0]);
    close(fds[1]);
}

static void an_answer_past_the_library_is_whole_http(void **state)
{
    char text[4096];
    const struct answer answer = {
        .status = 405, .body = STR("{\"a\":1}"), .allow = "POST, OPTIONS", .retry_after_s = 3};
    send_and_read(&answer, false, text, sizeof text);
    assert_string_equal(text, "HTTP/1.1 405 Method Not Allowed\r\n"
                              "Content-Type: application/json\r\n"
                              "X-Content-Type-Options: nosniff\r\n"
                              "Cache-Control: no-store\r\n"
                              "Allow: POST, OPTIONS\r\n"
                              "Retry-After: 3\r\n"
                              "Content-Length: 7\r\n"
                              "Connection: close\r\n\r\n{\"a\":1}");
    send_and_read(&answer, true, text, sizeof text);
    assert_non_null(strstr(text, "Content-Length: 7\r\n"));
    assert_null(strstr(text, "{\"a\":1}"));
}

static void every_status_of_ours_has_its_words(void **state)
{
    static const int statuses[] = {400, 401, 403, 404, 405, 413, 415, 431, 503};
    char text[4096];
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        const struct answer answer = {.status = statuses[i], .body = STR("{}")};
        send_and_read(&answer, false, text, sizeof text);
        assert_int_equal(strtol(text + 9, NULL, 10), statuses[i]);
        assert_null(strstr(text, "Refused"));
    }
}

static void a_caller_that_is_gone_or_full_is_noticed(void **state)
{
    int fds[2];
    char junk[65536] = {0};
    const struct answer answer = {.status = 503, .body = STR("{}")};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    while (send(fds[0], junk, sizeof junk, MSG_DONTWAIT) > 0) continue;
    while (send(fds[0], junk, 1, MSG_DONTWAIT) > 0) continue;
    assert_false(answer_send(fds[0], &answer, false)); /* and does not block */
    close(fds[1]);
    assert_false(answer_send(fds[0], &answer, false)); /* nor is there a SIGPIPE */
    close(fds[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refusal_has_the_form_of_the_contract),
        cmocka_unit_test(every_code_makes_a_whole_answer),
        cmocka_unit_test(an_answer_past_the_library_is_whole_http),
        cmocka_unit_test(every_status_of_ours_has_its_words),
        cmocka_unit_test(a_caller_that_is_gone_or_full_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
