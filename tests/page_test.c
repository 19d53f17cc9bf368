#include "agent/page.h"

#include "testing.h"

enum { PAGE_MAX_BYTES = 40 * 1024 }; /* of the whole page */

static size_t count(const char *text, const char *what)
{
    size_t n = 0;
    for (; (text = strstr(text, what)) != NULL; text++) n++;
    return n;
}

static char *page_text(char nonce[PAGE_NONCE_BYTES])
{
    struct fault why;
    struct buf out;
    buf_init(&out, PAGE_MAX_BYTES);
    assert_int_equal(page_write(&out, nonce, &why), 0);
    assert_false(out.failed);
    char *text = calloc(1, out.len + 1);
    assert_non_null(text);
    memcpy(text, buf_str(&out).p, out.len);
    buf_free(&out);
    return text;
}

static void each_page_has_a_nonce_of_its_own_where_it_belongs(void **state)
{
    (void)state;
    char first[PAGE_NONCE_BYTES], second[PAGE_NONCE_BYTES], mark[64];
    char *a = page_text(first), *b = page_text(second);
    assert_int_equal(strlen(first), PAGE_NONCE_BYTES - 1);
    assert_string_not_equal(first, second);
    (void)snprintf(mark, sizeof mark, "<style nonce=\"%s\">", first);
    assert_int_equal(count(a, mark), 1);
    (void)snprintf(mark, sizeof mark, "<script nonce=\"%s\">", first);
    assert_int_equal(count(a, mark), 1);
    assert_int_equal(count(a, first), 2);
    assert_int_equal(count(a, "NONCE"), 0);
    assert_int_equal(strlen(a), strlen(b));
    assert_string_equal(a + strlen(a) - 8, "</html>\n");
    free(a);
    free(b);
}

static void nothing_comes_from_elsewhere_and_nothing_is_written_in_line(void **state)
{
    (void)state;
    static const char *const never[] = {" src=",      " style=", "@import", "url(",
                                        "onclick=\"", "<img",    "<iframe", "innerHTML",
                                        "https://",   "<form",   "eval(",   "document.write"};
    char nonce[PAGE_NONCE_BYTES];
    char *text = page_text(nonce);
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
        if (strstr(text, never[i])) fail_msg("%s", never[i]);
    assert_int_equal(count(text, "<script"), 1);
    free(text);
}

static void the_policy_lets_only_the_nonce_run(void **state)
{
    (void)state;
    char policy[PAGE_POLICY_BYTES], nonce[PAGE_NONCE_BYTES];
    memset(nonce, 'f', sizeof nonce - 1);
    nonce[sizeof nonce - 1] = 0;
    page_policy(nonce, policy);
    assert_non_null(strstr(policy, "default-src 'none'; "));
    assert_int_equal(count(policy, "-src 'nonce-ffffffffffffffffffffffffffffffff'; "), 2);
    assert_null(strstr(policy, "unsafe"));
    assert_null(strstr(policy, "*"));
    static const char end[] = "frame-ancestors 'none'";
    assert_string_equal(policy + strlen(policy) - strlen(end), end);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_page_has_a_nonce_of_its_own_where_it_belongs),
        cmocka_unit_test(nothing_comes_from_elsewhere_and_nothing_is_written_in_line),
        cmocka_unit_test(the_policy_lets_only_the_nonce_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
