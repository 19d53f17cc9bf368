/*
 * find.c: keys and indexes with dots between them, one after the other.
 */
#include "e2e/find.h"

const struct json *find(const struct json *v, const char *path)
{
    struct str rest = str_from(path);
    while (v && rest.len) {
        struct str key = str_split(rest, '.', &rest);
        uint64_t index;
        if (json_is(v, JSON_ARRAY))
            v = str_to_u64(key, &index) < 0 ? NULL : json_at(v, (size_t)index);
        else v = json_get_str(v, key);
    }
    return v;
}
