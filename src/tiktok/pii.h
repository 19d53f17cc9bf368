/*
 * pii.h: personal data to SHA-256, by product.md section 4. The only door to mbedTLS's hash.
 *
 * Rules: e-mail: trimmed (Unicode white space), lower-cased (Unicode, full mapping), exactly one
 * `@` with something on both sides, no white space inside, at most 254 bytes. Phone: E.164 with the
 * `+` inside the hash; spaces, dots, dashes, slashes, parentheses, "(0)" behind a country code,
 * invisible marks and extensions go, "00" becomes "+", 7 to 15 digits, the first not 0; a number
 * without `+` carries its country code already unless a calling code is given: then a leading 0
 * goes and the code comes in front. External id: trimmed. 64 hex digits are already hashed:
 * trimmed, lower-cased, passed on. A digest of nothing ("", "+", "null", "undefined", "N/A") never
 * comes out, however it came in: PII_INVALID.
 * Owner: plain text is kept only in a local buffer that is wiped before returning.
 */
#ifndef TIKTOK_PII_H
#define TIKTOK_PII_H

#include "base/text.h"

enum { PII_HASH_BYTES = 65, PII_EMAIL_MAX_BYTES = 254 }; /* 64 hex digits and a NUL */

enum pii_result { PII_OK, PII_BLANK, PII_INVALID };

enum pii_result pii_email(struct str plain, char out[PII_HASH_BYTES]);
enum pii_result pii_phone(struct str plain, const char *calling_code, char out[PII_HASH_BYTES]);
enum pii_result pii_external_id(struct str plain, char out[PII_HASH_BYTES]);

/* SHA-256 of bytes, raw. */
void pii_sha256(const void *bytes, size_t n, unsigned char out[32]);

/* A payment card number somewhere in the text: 14 to 19 digits in one piece or grouped as cards are
 * (4-4-4-4, 4-6-5, …; up to three spaces, dashes and dots between groups), a brand's prefix and
 * length, Luhn; not inside a UUID or a longer hex id. */
bool pii_has_card_number(struct str text);
/* Something that looks like an e-mail address somewhere in the text, "%40" counting as "@". */
bool pii_has_email(struct str text);

#endif
