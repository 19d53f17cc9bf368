/*
 * members.h: reads the first level of a JSON object, for a library that brings no JSON parser.
 *
 * Made for two texts: the agent's answers, which are right, and the callers' calls, which may be
 * anything: whatever is not a plain object has no members here. Owner: what is found borrows.
 */
#ifndef CLIENT_MEMBERS_H
#define CLIENT_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>

struct members_value { /* the raw text of a value, quotes included; p NULL: there is none */
    const char *p;
    size_t len;
};

/* The member of the first level with that name. */
struct members_value members_find(const char *json, size_t len, const char *name);
/* The first element of an array. */
struct members_value members_first(struct members_value array);
bool members_is_text(struct members_value v); /* a string that is not empty */
/* A string's text into out, cut at a character, NUL-terminated; anything else becomes "". Escapes
 * other than \uD800 … \uDFFF, which become '?', are resolved. */
void members_text(struct members_value v, char *out, size_t bytes);

#endif
