/*
 * json_text.h: inside base only: what the json files share.
 */
#ifndef BASE_JSON_TEXT_H
#define BASE_JSON_TEXT_H

#include "base/json.h"

enum {
    JSON_DEPTH_MAX = 1000,         /* cJSON's CJSON_NESTING_LIMIT */
    JSON_TEXT_MAX_BYTES = 1 << 30, /* offsets into a text are 32 bits wide */
};

/* json_check.c: grammar, UTF-8, duplicate keys and the limits, without building anything. */
int json_check_limits(struct str text, const struct json_limits *limits, struct fault *why);
/* Fills *why with `message` and the line and column of `offset`; returns BAD_JSON. */
int json_fault_at(struct fault *why, struct str text, size_t offset, const char *message);

/* json_raw.c: overwrites comments outside strings with blanks, line ends stay. Returns the offset
 * of a block comment that does not end, or len when all is well. */
size_t json_blank_comments(char *text, size_t len);

/* json_text.c */
/* Behind the characters that need no look, neither when a string is read nor when it is written:
 * ASCII but control characters, quotes and backslashes. */
const char *json_plain_end(const char *p, const char *end);
int json_hex4(const char *p, const char *end); /* the four digits of \uXXXX, or -1 */
/* The content of a string, escapes resolved, byte by byte. */
struct json_unescape {
    const char *p;        /* starts behind the opening quote; stops at the closing one */
    const char *end;      /* of the whole text */
    unsigned char out[4]; /* UTF-8 of the escape just read */
    unsigned char at, have;
};
int json_unescape_next(struct json_unescape *u); /* 0 to 255, or -1 at the end */

/* json_keys.c: the keys of all objects that are open. */
struct json_keys_entry {
    uint32_t offset; /* of the byte behind the opening quote */
    uint32_t hash;   /* of the content, escapes resolved */
};
enum { JSON_KEYS_FIRST_COUNT = 64 }; /* for so many no memory is asked */
#define JSON_KEYS_DIFFER SIZE_MAX
struct json_keys {
    struct str text;
    struct json_keys_entry *list;
    size_t len, cap;
    struct json_keys_entry first[JSON_KEYS_FIRST_COUNT];
};
void json_keys_init(struct json_keys *k, struct str text);
void json_keys_free(struct json_keys *k);
/* A key behind the quote at offset; false when memory ran out. */
bool json_keys_push(struct json_keys *k, size_t offset, bool escaped);
/* Forgets the keys from number `first` on, those of one object. Returns the offset of the first
 * that repeats another, or JSON_KEYS_DIFFER. */
size_t json_keys_close(struct json_keys *k, size_t first);

#endif
