/*
 * glob.h: inside mapping only: the patterns of match().
 */
#ifndef MAPPING_GLOB_H
#define MAPPING_GLOB_H

#include "base/text.h"

/* Does the whole text fit the pattern? `*` stands for any number of characters, `?` for one, and
 * a backslash makes the character behind it stand for itself. Case counts.
 * A bracket stands for itself too: Segment's documentation knows "[a-z]", but its action
 * destinations compare it literally, and its editor writes names into patterns unescaped. */
bool glob_matches(struct str pattern, struct str text);

#endif
