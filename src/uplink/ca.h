/*
 * ca.h: which certification authorities are trusted: a file of the system or of the configuration,
 * and a second one beside it (a TLS-inspecting proxy's root).
 *
 * One file is named to curl, which reads it at each new connection; its bytes are not kept. Two are
 * joined in memory (about 220 KB for a usual bundle), for as long as the uplink lives.
 *
 * Errors: CONFIG: a configured file cannot be read or holds no certificate in PEM form.
 */
#ifndef UPLINK_CA_H
#define UPLINK_CA_H

#include "base/fault.h"
#include "base/text.h"

enum { CA_FILE_MAX_BYTES = 4 * 1024 * 1024 };

/* The system's bundle: $SSL_CERT_FILE, else the first that exists of the usual places; NULL: none. */
const char *ca_system_bundle(void);
/* Can this file be read, and does it hold a certificate? */
int ca_check(const char *path, struct fault *why);
/* Appends both to out; bundle may be NULL. */
int ca_join(const char *bundle, const char *extra, struct buf *out, struct fault *why);

#endif
