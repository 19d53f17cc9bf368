/* ca_test.c: which CA files are taken, and what is said of those that cannot be. */
#include "testing.h"

#include "uplink/ca.h"

static char dir[TESTING_PATH_BYTES];

static const char *path_of(const char *name)
{
    static char path[2 * TESTING_PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

#define PEM(name) "-----BEGIN CERTIFICATE-----\n" name "\n-----END CERTIFICATE-----"

static int make_files(void **state)
{
    testing_scratch(dir);
    testing_write(path_of("one"), PEM("one"), 0600);
    testing_write(path_of("two"), PEM("two"), 0600);
    testing_write(path_of("der"), "0\x82\x01", 0600);
    testing_write(path_of("empty"), "", 0600);
    return 0;
}

static int remove_files(void **state)
{
    return testing_scratch_remove(dir);
}

static void a_file_without_a_certificate_is_refused_by_name(void **state)
{
    static const struct {
        const char *file;
        int rc;
        const char *words;
    } rows[] = {
        {"one", 0, ""},
        {"der", TILLPOST_E_CONFIG, "holds no certificate in PEM form"},
        {"empty", TILLPOST_E_CONFIG, "holds no certificate in PEM form"},
        {"absent", TILLPOST_E_CONFIG, "cannot be used"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fault why = {0};
        const char *path = path_of(rows[i].file);
        assert_int_equal(ca_check(path, &why), rows[i].rc);
        assert_int_equal(why.err, rows[i].rc);
        assert_non_null(strstr(why.message, rows[i].words));
        if (rows[i].rc < 0) assert_non_null(strstr(why.message, path));
    }
}

static void two_files_are_joined_with_a_line_between(void **state)
{
    struct buf out;
    char one[2 * TESTING_PATH_BYTES];
    (void)snprintf(one, sizeof one, "%s", path_of("one"));
    buf_init(&out, 1000);
    assert_int_equal(ca_join(one, path_of("two"), &out, NULL), 0);
    assert_string_equal(out.p, PEM("one") "\n" PEM("two"));
    buf_free(&out);
}

static void an_extra_file_stands_alone_where_there_is_no_bundle(void **state)
{
    struct buf out;
    buf_init(&out, 1000);
    assert_int_equal(ca_join(NULL, path_of("two"), &out, NULL), 0);
    assert_string_equal(out.p, "\n" PEM("two"));
    buf_free(&out);
}

static void joining_fails_when_either_file_does_or_memory_runs_out(void **state)
{
    struct buf out;
    char one[2 * TESTING_PATH_BYTES];
    (void)snprintf(one, sizeof one, "%s", path_of("one"));
    buf_init(&out, 1000);
    assert_int_equal(ca_join(one, path_of("der"), &out, NULL), TILLPOST_E_CONFIG);
    assert_int_equal(ca_join(path_of("absent"), one, &out, NULL), TILLPOST_E_CONFIG);
    buf_free(&out);
    buf_init(&out, 100);
    assert_int_equal(ca_join(one, path_of("two"), &out, NULL), TILLPOST_E_NO_MEMORY);
    buf_free(&out);
}

static void the_environment_names_the_bundle_before_the_usual_places(void **state)
{
    assert_int_equal(setenv("SSL_CERT_FILE", "/nowhere/bundle.pem", 1), 0);
    assert_string_equal(ca_system_bundle(), "/nowhere/bundle.pem");
    assert_int_equal(setenv("SSL_CERT_FILE", "", 1), 0);
    const char *usual = ca_system_bundle();
    assert_true(usual == NULL || access(usual, F_OK) == 0);
    assert_int_equal(unsetenv("SSL_CERT_FILE"), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_without_a_certificate_is_refused_by_name),
        cmocka_unit_test(two_files_are_joined_with_a_line_between),
        cmocka_unit_test(an_extra_file_stands_alone_where_there_is_no_bundle),
        cmocka_unit_test(joining_fails_when_either_file_does_or_memory_runs_out),
        cmocka_unit_test(the_environment_names_the_bundle_before_the_usual_places),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
