/*
 * ca.c: see ca.h. The first system path that exists wins; a wrong $SSL_CERT_FILE is not passed over,
 * so that the mistake shows.
 */
#include "uplink/ca.h"

#include "platform/platform.h"

#include <stdlib.h>
#include <string.h>

static const char *const places[] = {
    "/etc/ssl/certs/ca-certificates.crt", /* Debian, Ubuntu, Alpine, Arch, Gentoo, Buildroot, Yocto */
    "/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora, RHEL */
    "/etc/ssl/ca-bundle.pem",             /* SUSE */
    "/etc/ssl/cert.pem",                  /* OpenWrt, Alpine, BSD */
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* RHEL 10 */
};

const char *ca_system_bundle(void)
{
    const char *named = getenv("SSL_CERT_FILE");
    if (named && *named) return named;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (platform_file_stamp(places[i]) != 0) return places[i];
    }
    return NULL;
}

static int add(const char *path, struct buf *out, struct fault *why)
{
    char *text = NULL;
    size_t len = 0;
    int rc = platform_read_file(path, CA_FILE_MAX_BYTES, false, &text, &len);
    if (rc < 0) {
        return fault_set(why, tillpost_err_passes(rc) ? rc : TILLPOST_E_CONFIG, "",
                         "the CA file %s cannot be used: %s", path, tillpost_err_info(rc)->words);
    }
    if (strstr(text, "-----BEGIN CERTIFICATE-----")) {
        if (out) buf_add(out, text, len);
    } else {
        rc = fault_set(why, TILLPOST_E_CONFIG, "",
                       "the CA file %s holds no certificate in PEM form", path);
    }
    platform_free_file(text, len);
    return rc;
}

int ca_check(const char *path, struct fault *why)
{
    return add(path, NULL, why);
}

int ca_join(const char *bundle, const char *extra, struct buf *out, struct fault *why)
{
    int rc = bundle ? add(bundle, out, why) : 0;
    buf_add_char(out, '\n'); /* a file may end without one */
    if (rc >= 0) rc = add(extra, out, why);
    if (rc >= 0 && out->failed) rc = fault_no_memory(why, NULL);
    return rc;
}
