/*
 * cert_test.c: chains judged at a time of our choosing, by the very callback and profile that a
 * handshake gets.
 */
#define MBEDTLS_ALLOW_PRIVATE_ACCESS
#include "certs.h"

#include "base/times.h"
#include "uplink/cert.h"

#include <mbedtls/ssl.h>
#include <mbedtls/version.h>
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#include <psa/crypto.h>
#endif

static struct certs certs;

static int64_t year_ms(int year)
{
    return times_from_civil(year, 7, 1, 0, 0, 0) * 1000;
}

/* 0: the chain is accepted. */
static unsigned judge(const char *leaf, const char *root, const char *host,
                      struct cert_clock *clock)
{
    mbedtls_ssl_config config;
    mbedtls_x509_crt chain, ca;
    char file[64];
    uint32_t flags = 0;
    mbedtls_ssl_config_init(&config);
    mbedtls_x509_crt_init(&chain);
    mbedtls_x509_crt_init(&ca);
    (void)snprintf(file, sizeof file, "%s.chain", leaf);
    assert_int_equal(mbedtls_x509_crt_parse_file(&chain, certs_path(&certs, file)), 0);
    (void)snprintf(file, sizeof file, "%s.crt", root);
    assert_int_equal(mbedtls_x509_crt_parse_file(&ca, certs_path(&certs, file)), 0);
    cert_install(&config, clock);
    int rc = mbedtls_x509_crt_verify_with_profile(&chain, &ca, NULL, config.cert_profile, host,
                                                  &flags, config.f_vrfy, config.p_vrfy);
    assert_int_equal(rc != 0, clock->faults != 0);
    assert_int_equal(flags != 0, clock->faults != 0);
    mbedtls_x509_crt_free(&chain);
    mbedtls_x509_crt_free(&ca);
    mbedtls_ssl_config_free(&config);
    return clock->faults;
}

/* clang-format off */
static const struct {
    const char *sentence;
    const char *leaf, *root, *host;
    int year; /* 0: none given, the system's clock judges */
    bool lenient;
    unsigned faults;
} rows[] = {
    {"a good chain is accepted",                              "good",      "root",     "localhost", 2026, false, 0},
    {"a good chain is accepted at the system's time",         "good",      "root",     "localhost", 0,    false, 0},
    {"RSA of 2048 bits is accepted",                          "rsa",       "root",     "localhost", 2026, false, 0},
    {"RSA of 1024 bits is refused",                           "weak",      "root",     "localhost", 2026, false, CERT_WEAK},
    {"a certificate for clients is refused",                  "client",    "root",     "localhost", 2026, false, CERT_WRONG_USE},
    {"a certificate for revocation lists is refused",         "signer",    "root",     "localhost", 2026, false, CERT_WRONG_USE},
    {"SHA-1 is refused",                                      "sha1",      "root",     "localhost", 2026, false, CERT_WEAK},
    {"a certificate for another host is refused",             "other",     "root",     "localhost", 2026, false, CERT_WRONG_HOST},
    {"a certificate of an unknown CA is refused",             "untrusted", "root",     "localhost", 2026, false, CERT_UNTRUSTED},
    {"an expired certificate is refused",                     "expired",   "root",     "localhost", 2026, false, CERT_EXPIRED},
    {"an expired certificate is refused by the system's clock", "expired", "root",     "localhost", 0,    false, CERT_EXPIRED},
    {"the system's clock does not count once there is ours",  "expired",   "root",     "localhost", 2019, true,  0},
    {"a chain is refused after its end",                      "good",      "root",     "localhost", 2100, false, CERT_EXPIRED},
    {"a chain is refused before its time",                    "good",      "root",     "localhost", 2016, false, CERT_NOT_YET_VALID},
    {"a chain is refused in 1970",                            "good",      "root",     "localhost", 1970, false, CERT_NOT_YET_VALID},
    {"in 1970 a lenient judge accepts it",                    "good",      "root",     "localhost", 1970, true,  0},
    {"a certificate of the future is refused",                "future",    "root",     "localhost", 2026, false, CERT_NOT_YET_VALID},
    {"a certificate of the future is refused by the system's clock", "future", "root", "localhost", 0,    false, CERT_NOT_YET_VALID},
    {"an intermediate that expired is found",                 "behind_old",    "root", "localhost", 2026, false, CERT_EXPIRED},
    {"an intermediate of the future is found",                "behind_future", "root", "localhost", 2026, false, CERT_NOT_YET_VALID},
    {"a lenient judge accepts that intermediate",             "behind_future", "root", "localhost", 2026, true,  0},
    {"a lenient judge does not waive expiry",                 "good",      "root",     "localhost", 2100, true,  CERT_EXPIRED},
    {"a lenient judge does not waive the host",               "other",     "root",     "localhost", 1970, true,  CERT_WRONG_HOST},
    {"a lenient judge does not waive the chain",              "untrusted", "root",     "localhost", 1970, true,  CERT_UNTRUSTED},
    {"a lenient judge does not waive the key",                "weak",      "root",     "localhost", 1970, true,  CERT_WEAK},
    {"an expired intermediate is not waived with the leaf's date", "behind_old", "root", "localhost", 2021, true, CERT_EXPIRED},
    {"every fault of a chain is told",                        "other",     "stranger", "localhost", 2100, false, CERT_WRONG_HOST | CERT_UNTRUSTED | CERT_EXPIRED},
};
/* clang-format on */

static void a_chain_is_judged_as_its_row_says(void **state)
{
    if (!certs.made) skip();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
#ifndef MBEDTLS_SHA1_C
        if (strcmp(rows[i].leaf, "sha1") == 0) continue; /* cannot even be read */
#endif
        struct cert_clock clock = {.verify_ms = rows[i].year ? year_ms(rows[i].year) : 0,
                                   .lenient_not_before = rows[i].lenient};
        unsigned faults = judge(rows[i].leaf, rows[i].root, rows[i].host, &clock);
        if (faults != rows[i].faults) fail_msg("%s: faults %#x", rows[i].sentence, faults);
    }
}

static void validity_ends_with_its_last_second(void **state)
{
    const int64_t first_ms = times_from_civil(2020, 1, 1, 0, 0, 0) * 1000;
    const int64_t last_ms = times_from_civil(2020, 2, 1, 0, 0, 0) * 1000;
    const struct {
        int64_t at_ms;
        unsigned faults;
    } edges[] = {{first_ms - 1, CERT_NOT_YET_VALID},
                 {first_ms, 0},
                 {last_ms, 0},
                 {last_ms + 999, 0},
                 {last_ms + 1000, CERT_EXPIRED}};
    if (!certs.made) skip();
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        struct cert_clock clock = {.verify_ms = edges[i].at_ms};
        assert_int_equal(judge("expired", "root", "localhost", &clock), edges[i].faults);
    }
}

static void the_first_expiry_of_the_chain_is_kept(void **state)
{
    struct cert_clock clock = {.verify_ms = year_ms(2026)};
    if (!certs.made) skip();
    (void)judge("good", "root", "localhost", &clock);
    assert_int_equal(clock.until_ms, times_from_civil(2099, 1, 1, 0, 0, 0) * 1000);
    (void)judge("expired", "root", "localhost", &clock);
    assert_int_equal(clock.until_ms, times_from_civil(2020, 2, 1, 0, 0, 0) * 1000);
}

static void who_is_at_fault_is_named(void **state)
{
    struct cert_clock clock = {.verify_ms = year_ms(2026)};
    if (!certs.made) skip();
    (void)judge("untrusted", "root", "localhost", &clock);
    assert_string_equal(clock.name, "CN=tillpost test stranger"); /* the inspecting proxy */
    (void)judge("other", "root", "localhost", &clock);
    assert_string_equal(clock.name, "CN=tillpost test other");
    (void)judge("good", "root", "localhost", &clock);
    assert_string_equal(clock.name, "");
}

static void only_the_library_that_this_was_built_with_fits(void **state)
{
    assert_true(cert_fits("mbedTLS/" MBEDTLS_VERSION_STRING));
    assert_false(cert_fits("mbedTLS/1.0.0"));
    assert_false(cert_fits("OpenSSL/3.0.0"));
    assert_false(cert_fits("(OpenSSL/3.0.0) mbedTLS/" MBEDTLS_VERSION_STRING));
    assert_false(cert_fits(NULL));
}

static int make(void **state)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    assert_int_equal(psa_crypto_init(), 0); /* curl_global_init does it for uplink.c */
#endif
    certs_make(&certs);
    return 0;
}

static int clean(void **state)
{
    certs_remove(&certs);
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_is_judged_as_its_row_says),
        cmocka_unit_test(validity_ends_with_its_last_second),
        cmocka_unit_test(the_first_expiry_of_the_chain_is_kept),
        cmocka_unit_test(who_is_at_fault_is_named),
        cmocka_unit_test(only_the_library_that_this_was_built_with_fits),
    };
    return cmocka_run_group_tests(tests, make, clean);
}
