/*
 * cert.h: certificates judged by the agent's clock instead of the system's. The door to mbedTLS.
 *
 * A till boots in 1970: its system clock says nothing about dates. Each certificate of a chain is
 * judged at verify_ms; "not yet valid" may pass while our clock is implausibly behind, as no CA
 * issues into the future. Chain, host, key sizes and digests are judged by mbedTLS, expiry always.
 *
 * Owner: what is installed borrows the clock for as long as the connection lives.
 */
#ifndef UPLINK_CERT_H
#define UPLINK_CERT_H

#include <stdbool.h>
#include <stdint.h>

enum { CERT_NAME_BYTES = 128 };

enum { /* faults, ORed over the chain */
       CERT_EXPIRED = 1,
       CERT_NOT_YET_VALID = 2,
       CERT_WRONG_HOST = 4,
       CERT_UNTRUSTED = 8,
       CERT_WEAK = 16,      /* RSA under 2048 bits, SHA-1 */
       CERT_WRONG_USE = 32, /* not for servers, by its extensions */
       CERT_OTHER = 64
};

struct cert_clock {
    int64_t verify_ms; /* 0: none yet, the system's clock judges */
    bool lenient_not_before;
    /* Of the last handshake: what refused it, and who issued the certificate at fault (for a wrong
     * host: whom it is for). The name comes from the peer; it holds printable characters only. */
    unsigned faults;
    char name[CERT_NAME_BYTES];
    int64_t until_ms; /* when the first of the chain expires; 0: no handshake yet */
};

/* Is the library that curl names ("mbedTLS/3.6.6") the one that this file was built with? */
bool cert_fits(const char *ssl_version);
/* Takes over the judging of a handshake. ssl_config: the mbedtls_ssl_config of a connection that is
 * about to be made. */
void cert_install(void *ssl_config, struct cert_clock *clock);

#endif
