/*
 * fields.h: inside tiktok only: what event.c and fields.c share while one event is built.
 */
#ifndef TIKTOK_FIELDS_H
#define TIKTOK_FIELDS_H

#include "tiktok/event.h"

struct build {
    struct arena *arena;
    const struct json *fields;
    const struct tiktok_rules *rules;
    const struct tiktok_moment *now;
    struct tiktok_event *out;
    struct tiktok_warnings *warnings;
    struct fault *why;
    struct buf rest;      /* the text of out->rest as it grows */
    size_t contacts, ids; /* valid e-mail addresses and phone numbers; external ids */
};

/* What a text field may not hold, since it is stored in clear. */
enum {
    CHECK_CARD = 1,       /* refused, unless listed in rules->card_like_fields */
    CHECK_NO_EMAIL = 2,   /* refused */
    CHECK_DROP_EMAIL = 4, /* the field goes, with a warning */
    CLEAR_ID = CHECK_CARD | CHECK_NO_EMAIL,
    CLEAR_TEXT = CHECK_CARD | CHECK_DROP_EMAIL,
};

/* Text of a field whose value is v: a string as it is, a number of at most 15 digits as text; ""
 * when it is absent, null, blank, or went with a warning. BAD_FIELD, CARD_NUMBER, NO_MEMORY. */
int fields_text(struct build *b, const char *name, unsigned checks, const struct json *v,
                struct str *out);
/* Writes user, properties, page and limited_data_use, counts the people, and sets order_id and
 * shop_id of b->out. */
int fields_write(struct build *b);
/* A sign, at most 15 digits, a point among them or at an end; the 0 of "0.5" does not count. */
bool fields_decimal(struct str text, double *out);
/* path and message are static. */
void fields_warn(struct build *b, const char *path, const char *code, const char *message);

#endif
