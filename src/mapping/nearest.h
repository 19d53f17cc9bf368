/*
 * nearest.h: inside mapping only: the known name that a misspelt one was meant to be.
 */
#ifndef MAPPING_NEAREST_H
#define MAPPING_NEAREST_H

#include "base/text.h"

/* NULL when none is near: at most three slips, and fewer than half of the known name's letters.
 * ASCII case makes no difference. */
const char *nearest_name(struct str name, const char *const *names, size_t n);

#endif
