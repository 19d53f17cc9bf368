/*
 * unicode.h: white space and letter case as JavaScript's trim, toLowerCase and toUpperCase have
 * them: Segment's mappings are written for those, and everybody else who hashes a customer's e-mail
 * address does it with those.
 *
 * Bytes that are not UTF-8 are no character: they end a walk and are never white space.
 * Source: ECMA-262 (WhiteSpace, LineTerminator), Unicode 15.1 sections 3.13 and 5.18.
 */
#ifndef BASE_UNICODE_H
#define BASE_UNICODE_H

#include "base/text.h"

/* The first character and its bytes; 0 at the end and where no UTF-8 is. */
size_t unicode_next(struct str s, uint32_t *code);
bool unicode_is_space(uint32_t code);
struct str unicode_trim(struct str s); /* borrowed from s */
bool unicode_is_blank(struct str s);   /* nothing but white space, or nothing at all */

/* The small letter of one character, for comparing without case; itself where it has none. */
uint32_t unicode_fold(uint32_t code);
/* Lower case of s into out: bytes written, or -1 when it does not fit or is not UTF-8. */
long unicode_lower(struct str s, char *out, size_t out_bytes);
/* The same, and upper case, appended to out, up to where no UTF-8 is. One character may become
 * three. */
void unicode_write_lower(struct buf *out, struct str s);
void unicode_write_upper(struct buf *out, struct str s);

#endif
