/*
 * letters.h: inside mapping only: lower case, upper case and white space of Unicode, in UTF-8.
 *
 * As JavaScript's toLowerCase and toUpperCase, which Segment's @case calls: one letter may become
 * several ("ß" in upper case is "SS"), and a sigma that ends a word becomes the final one. Texts
 * are valid UTF-8, as they come out of JSON.
 */
#ifndef MAPPING_LETTERS_H
#define MAPPING_LETTERS_H

#include "base/text.h"

void letters_lower(struct buf *out, struct str text);
void letters_upper(struct buf *out, struct str text);

/* The character that text begins with, in small; *bytes is its length. text is not empty. */
uint32_t letters_fold(struct str text, size_t *bytes);

/* Nothing but white space (that of JavaScript's trim), or nothing at all. */
bool letters_blank(struct str text);

#endif
