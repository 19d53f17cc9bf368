/*
 * cert.c: see cert.h.
 *
 * mbedTLS calls back for each certificate of the chain, root first, with the faults it found; what
 * stays in *flags refuses the handshake. curl installs a callback of its own at the same place
 * (lib/vtls/mbedtls.c, mbed_verify_cb, 8.14.1); it clears faults where verification was switched
 * off, which uplink never does, and otherwise words them, which uplink does itself. So taking its
 * place loses nothing. curl's profile would accept SHA-1 and RSA of 1024 bits; mbedTLS' default one
 * takes its place: SHA-256 or better, RSA of 2048 bits.
 */
#include "uplink/cert.h"

#include "base/times.h"

#include <mbedtls/oid.h>
#include <mbedtls/ssl.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
static const struct { uint32_t flags; unsigned fault; } faults[] = {
    {MBEDTLS_X509_BADCERT_EXPIRED,     CERT_EXPIRED},
    {MBEDTLS_X509_BADCERT_FUTURE,      CERT_NOT_YET_VALID},
    {MBEDTLS_X509_BADCERT_CN_MISMATCH, CERT_WRONG_HOST},
    {MBEDTLS_X509_BADCERT_NOT_TRUSTED, CERT_UNTRUSTED},
    {MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_PK | MBEDTLS_X509_BADCERT_BAD_KEY,
                                       CERT_WEAK},
    {MBEDTLS_X509_BADCERT_KEY_USAGE | MBEDTLS_X509_BADCERT_EXT_KEY_USAGE | MBEDTLS_X509_BADCERT_NS_CERT_TYPE,
                                       CERT_WRONG_USE},
};
/* clang-format on */

static unsigned faults_of(uint32_t flags)
{
    unsigned found = 0;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        if (flags & faults[i].flags) found |= faults[i].fault;
        flags &= ~faults[i].flags;
    }
    return flags ? found | CERT_OTHER : found;
}

static int64_t milliseconds_of(const mbedtls_x509_time *t)
{
    return times_from_civil(t->year, t->mon, t->day, t->hour, t->min, t->sec) * 1000;
}

static void judge_dates(const struct cert_clock *clock, const mbedtls_x509_crt *crt,
                        uint32_t *flags)
{
    *flags &= ~(uint32_t)(MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE);
    if (clock->verify_ms >= milliseconds_of(&crt->valid_to) + 1000) {
        *flags |= MBEDTLS_X509_BADCERT_EXPIRED;
    }
    if (clock->verify_ms < milliseconds_of(&crt->valid_from)) {
        *flags |= MBEDTLS_X509_BADCERT_FUTURE;
    }
}

/* mbedTLS asks this too, but behind our back, and then says only that the certificate is bad. */
static void judge_use(const mbedtls_x509_crt *crt, uint32_t *flags)
{
    static const char server[] = MBEDTLS_OID_SERVER_AUTH;
    if (mbedtls_x509_crt_check_extended_key_usage(crt, server, sizeof server - 1) != 0)
        *flags |= MBEDTLS_X509_BADCERT_EXT_KEY_USAGE;
    if (mbedtls_x509_crt_check_key_usage(crt, MBEDTLS_X509_KU_DIGITAL_SIGNATURE) != 0 &&
        mbedtls_x509_crt_check_key_usage(crt, MBEDTLS_X509_KU_KEY_ENCIPHERMENT) != 0 &&
        mbedtls_x509_crt_check_key_usage(crt, MBEDTLS_X509_KU_KEY_AGREEMENT) != 0)
        *flags |= MBEDTLS_X509_BADCERT_KEY_USAGE;
}

static void name_fault(struct cert_clock *clock, const mbedtls_x509_crt *crt, uint32_t flags)
{
    const bool host = flags & MBEDTLS_X509_BADCERT_CN_MISMATCH;
    char name[512];
    int len = mbedtls_x509_dn_gets(name, sizeof name, host ? &crt->subject : &crt->issuer);
    if (len > 0) (void)snprintf(clock->name, sizeof clock->name, "%.127s", name);
}

static int judge(void *ctx, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
    struct cert_clock *clock = ctx;
    int64_t until_ms = milliseconds_of(&crt->valid_to);
    if (clock->until_ms == 0 || until_ms < clock->until_ms) clock->until_ms = until_ms;
    if (depth == 0) judge_use(crt, flags);
    if (clock->verify_ms > 0) judge_dates(clock, crt, flags);
    if (clock->lenient_not_before) *flags &= ~(uint32_t)MBEDTLS_X509_BADCERT_FUTURE;
    if (*flags) name_fault(clock, crt, *flags);
    clock->faults |= faults_of(*flags);
    return 0;
}

bool cert_fits(const char *ssl_version)
{
    return ssl_version && strcmp(ssl_version, "mbedTLS/" MBEDTLS_VERSION_STRING) == 0;
}

void cert_install(void *ssl_config, struct cert_clock *clock)
{
    clock->faults = 0;
    clock->name[0] = 0;
    clock->until_ms = 0;
    mbedtls_ssl_conf_verify(ssl_config, judge, clock);
    mbedtls_ssl_conf_cert_profile(ssl_config, &mbedtls_x509_crt_profile_default);
}
