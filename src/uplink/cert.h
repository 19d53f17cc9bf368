/*
 * cert.h: certificates judged by the agent's clock instead of the system's. The door to mbedTLS.
 *
 * A till boots in 1970: the system clock says nothing about dates. Each certificate of the chain is
 * judged at verify_s; "not yet valid" alone may pass while our clock is implausibly behind. RSA keys
 * under CERT_RSA_MIN_BITS are refused. All other verdicts are mbedTLS's own.
 */
#ifndef UPLINK_CERT_H
#define UPLINK_CERT_H

#include <stdbool.h>
#include <stdint.h>

enum { CERT_RSA_MIN_BITS = 2048 };

enum cert_fault { /* what was found, ORed over the chain */
    CERT_EXPIRED = 1,
    CERT_NOT_YET_VALID = 2,
    CERT_WRONG_HOST = 4,
    CERT_UNTRUSTED = 8,
    CERT_OTHER = 16
};

struct cert_clock {
    int64_t verify_s;
    bool lenient_not_before;
    unsigned faults; /* of the last handshake */
};

/* Takes over the dates of a handshake. ssl_config is the mbedtls_ssl_config of a connection that is
 * about to be made; clock must outlive it. */
void cert_install(void *ssl_config, struct cert_clock *clock);

#endif
