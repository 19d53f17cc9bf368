/* target.h: the target of a request line, taken apart. Private to api. Pure. */
#ifndef API_TARGET_H
#define API_TARGET_H

#include "base/text.h"

struct target {
    struct str authority; /* of "http://authority/path", else empty */
    struct str path;      /* "/v1/events"; "*" of OPTIONS * */
    struct str query;     /* without the ? */
};
/* Source: RFC 9112 section 3.2: origin-form, absolute-form and *. False for anything else. */
bool target_split(struct str text, struct target *out);

/* Percent-decodes in place; false when malformed or when a NUL would come out. */
bool percent_decode(char *text, size_t *len, bool plus_is_space);

#endif
