/*
 * find.h: the value at a place of a JSON tree, "events.0.data.user". NULL: there is none.
 */
#ifndef E2E_FIND_H
#define E2E_FIND_H

#include "base/json.h"

const struct json *find(const struct json *v, const char *path);

#endif
