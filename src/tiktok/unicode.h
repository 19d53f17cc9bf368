/*
 * unicode.h: inside tiktok only: white space and lower case as JavaScript's trim and toLowerCase
 * have them, since everybody else who hashes a customer's e-mail address does it with those.
 *
 * Bytes that are not UTF-8 are no character: they end a walk and are never white space.
 * Source: ECMA-262 (WhiteSpace, LineTerminator), Unicode 15.1 sections 3.13 and 5.18.
 */
#ifndef TIKTOK_UNICODE_H
#define TIKTOK_UNICODE_H

#include "base/text.h"

/* The first character and its bytes; 0 at the end and where no UTF-8 is. */
size_t unicode_next(struct str s, uint32_t *code);
bool unicode_is_space(uint32_t code);
struct str unicode_trim(struct str s); /* borrowed from s */
bool unicode_is_blank(struct str s);   /* nothing but white space, or nothing at all */
/* Lower case of s into out: bytes written, or -1 when it does not fit or is not UTF-8. */
long unicode_lower(struct str s, char *out, size_t out_bytes);

#endif
