/*
 * cert.c: see cert.h.
 *
 * mbedTLS calls back for each certificate of the chain with the faults it found; what stays in
 * *flags refuses the handshake. curl's own callback at this place only honours switches that are
 * never set here (no verification of peer or host), so taking its place loses nothing.
 */
#include "uplink/cert.h"

#include "base/times.h"

#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

static int64_t seconds_of(const mbedtls_x509_time *t)
{
    return times_from_civil(t->year, t->mon, t->day, t->hour, t->min, t->sec);
}

static void judge_dates(const struct cert_clock *clock, const mbedtls_x509_crt *crt,
                        uint32_t *flags)
{
    *flags &= ~(uint32_t)(MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE);
    if (clock->verify_s > seconds_of(&crt->valid_to)) *flags |= MBEDTLS_X509_BADCERT_EXPIRED;
    if (clock->verify_s < seconds_of(&crt->valid_from) && !clock->lenient_not_before)
        *flags |= MBEDTLS_X509_BADCERT_FUTURE;
}

static unsigned faults_of(uint32_t flags)
{
    unsigned faults = 0;
    const uint32_t named = MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE |
                           MBEDTLS_X509_BADCERT_CN_MISMATCH | MBEDTLS_X509_BADCERT_NOT_TRUSTED;
    if (flags & MBEDTLS_X509_BADCERT_EXPIRED) faults |= CERT_EXPIRED;
    if (flags & MBEDTLS_X509_BADCERT_FUTURE) faults |= CERT_NOT_YET_VALID;
    if (flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) faults |= CERT_WRONG_HOST;
    if (flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) faults |= CERT_UNTRUSTED;
    if (flags & ~named) faults |= CERT_OTHER;
    return faults;
}

static int verify(void *ctx, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
    struct cert_clock *clock = ctx;
    (void)depth;
    judge_dates(clock, crt, flags);
    if (mbedtls_pk_can_do(&crt->pk, MBEDTLS_PK_RSA) &&
        mbedtls_pk_get_bitlen(&crt->pk) < CERT_RSA_MIN_BITS)
        *flags |= MBEDTLS_X509_BADCERT_BAD_KEY;
    clock->faults |= faults_of(*flags);
    return 0;
}

void cert_install(void *ssl_config, struct cert_clock *clock)
{
    clock->faults = 0;
    mbedtls_ssl_conf_verify(ssl_config, verify, clock);
}
