/*
 * phone_fuzz.c: any bytes as a phone number; the first byte chooses the calling code. What must
 * hold: what comes out is a digest in lower-case hex; hashing it again changes nothing; white space
 * around a number does not matter; nobody's number is half a number: with a calling code or
 * without, the result is one of three.
 */
#include "fuzz/fuzz.h"

#include "tiktok/pii.h"
#include <string.h>

static void check_hash(const char *hash)
{
    char again[PII_HASH_BYTES];
    MUST(strlen(hash) == PII_HASH_BYTES - 1);
    MUST(strspn(hash, "0123456789abcdef") == PII_HASH_BYTES - 1);
    MUST(pii_phone(str_from(hash), "44", again) == PII_OK && strcmp(hash, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const codes[] = {NULL, "", "1", "44", "971"};
    if (size == 0 || size > 4096) return 0;
    const char *code = codes[data[0] % 5];
    struct str text = {(const char *)data + 1, size - 1};
    char hash[PII_HASH_BYTES], spaced_hash[PII_HASH_BYTES];
    static char spaced[4096 + 8];
    memcpy(spaced, " \t", 2);
    memcpy(spaced + 2, text.p, text.len);
    memcpy(spaced + 2 + text.len, "\xC2\xA0\n", 3);
    enum pii_result result = pii_phone(text, code, hash);
    MUST(pii_phone((struct str){spaced, text.len + 5}, code, spaced_hash) == result);
    MUST(result == PII_OK || result == PII_BLANK || result == PII_INVALID);
    if (result != PII_OK) return 0;
    MUST(strcmp(hash, spaced_hash) == 0);
    check_hash(hash);
    return 0;
}
