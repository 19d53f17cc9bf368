/*
 * email_fuzz.c: any bytes as an e-mail address, as an external id, and as text that is searched for
 * card numbers and addresses. What must hold: what comes out is a digest in lower-case hex; lower
 * case is final; an address in lower case has the same digest; trimming twice is trimming once.
 */
#include "fuzz/fuzz.h"

#include "base/unicode.h"
#include "tiktok/pii.h"
#include <string.h>

static void check_hash(enum pii_result result, const char *hash)
{
    if (result != PII_OK) return;
    MUST(strlen(hash) == PII_HASH_BYTES - 1);
    MUST(strspn(hash, "0123456789abcdef") == PII_HASH_BYTES - 1);
}

static void check_lower(struct str text, enum pii_result result, const char *hash)
{
    static char lower[3 * 4096], again[3 * 4096];
    char lower_hash[PII_HASH_BYTES];
    long len = unicode_lower(text, lower, sizeof lower);
    if (len < 0) {
        MUST(result != PII_OK || text.len == 0);
        return;
    }
    struct str in_lower = {lower, (size_t)len};
    MUST(unicode_lower(in_lower, again, sizeof again) == len);
    MUST(memcmp(lower, again, (size_t)len) == 0);
    if (result != PII_OK) return;
    MUST(pii_email(in_lower, lower_hash) == PII_OK && strcmp(hash, lower_hash) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 4096) return 0;
    struct str text = {(const char *)data, size};
    struct str trimmed = unicode_trim(text);
    char hash[PII_HASH_BYTES];
    MUST(str_equal(unicode_trim(trimmed), trimmed));
    MUST(unicode_is_blank(text) == (trimmed.len == 0));
    enum pii_result result = pii_email(text, hash);
    check_hash(result, hash);
    check_lower(trimmed, result, hash);
    check_hash(pii_external_id(text, hash), hash);
    (void)pii_has_card_number(text);
    (void)pii_has_email(text);
    return 0;
}
