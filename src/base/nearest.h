/*
 * nearest.h: the known name that a misspelt one was meant to be.
 */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include "base/text.h"

/* NULL when none is near: at most three slips, and fewer than half of the known name's letters.
 * ASCII case makes no difference. */
const char *nearest_name(struct str name, const char *const *names, size_t n);

#endif
