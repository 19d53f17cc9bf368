/*
 * generator.h: random calls, and what product.md says of them, told a second time and plainly.
 *
 * generator_calls.c and generator_values.c make the calls. The others are the second telling: text
 * (generator_text.c), triggers and mappings (generator_mappings.c), fields and the whole call
 * (generator_plain.c). They share nothing with the rooms but the table of errors, and are meant to
 * be held against product.md section 4, not to be quick: cJSON, fixed buffers, one rule at a time.
 * Where product.md is silent they say what the agent does; these places are marked "silent:".
 */
#ifndef GENERATOR_H
#define GENERATOR_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "tillpost/err.h"

/* What surrounds a call: settings and the clock. NULL: not set. */
struct plain_world {
    bool legacy_names, external_id_alone, implausible;
    const char *calling_code, *shop_id, *currency, *consent, *card_like;
    int64_t now_ms, age_max_ms;
    int zone_s; /* seconds east of UTC */
};

/* A set of codes of the table of errors. */
typedef uint64_t plain_faults;
#define PLAIN_FAULT(name) ((plain_faults)1 << TILLPOST_IX_##name)

/* generator_text.c ----------------------------------------------------------------------------- */

enum { PLAIN_HASH_BYTES = 65, PLAIN_TEXT_BYTES = 1024 };

void plain_trim(const char *text, char out[PLAIN_TEXT_BYTES]); /* Unicode's white space */
bool plain_is_blank(const cJSON *v); /* absent, null, white space, a list of nothing but blanks */
bool plain_email(const char *text, char out[PLAIN_HASH_BYTES]);
bool plain_phone(const char *text, const char *calling_code, char out[PLAIN_HASH_BYTES]);
bool plain_external_id(const char *text, char out[PLAIN_HASH_BYTES]);
bool plain_has_card(const char *text);
bool plain_has_email(const char *text);
/* A JSON number, or text of one. */
bool plain_number(const cJSON *v, double *out);
bool plain_time(const cJSON *v, int zone_s, int64_t *out_ms);
/* Of the query of a URL, decoded; false when it has none, or a blank or strange one. */
bool plain_url_parameter(const char *url, const char *name, char out[PLAIN_TEXT_BYTES]);

/* generator_mappings.c ------------------------------------------------------------------------- */

enum { PLAIN_MAPPINGS = 20 };
struct plain_mapping {
    const char *name;
    const char *definition; /* of a custom one, " as `; NULL: a preset of that name */
    bool (*fires)(const cJSON *call, const char *event);
    void (*fill)(cJSON *fields, const cJSON *call);
    const char *event; /* of a preset: what fires it, and what TikTok calls it */
    const char *tiktok;
    enum { ITEMS_NONE, ITEMS_ONE, ITEMS_LIST } items;
};
extern const struct plain_mapping plain_mappings[PLAIN_MAPPINGS];
const cJSON *plain_at(const cJSON *root, const char *path); /* "context.traits.email" */
void plain_fields(const struct plain_mapping *m, const cJSON *call, cJSON *fields);
bool plain_fires(const struct plain_mapping *m, const cJSON *call);

/* generator_plain.c ---------------------------------------------------------------------------- */

/* Fields of a mapping, as bits of `dropped`. */
enum { PLAIN_FIELDS = 22 };
extern const char *const plain_field_names[PLAIN_FIELDS];

struct plain_event {
    const char *mapping;
    plain_faults faults; /* what it may be refused for */
    uint32_t dropped;    /* fields of which something goes, with a warning */
    cJSON *sends;        /* the event for TikTok, without event_id */
    char id[PLAIN_TEXT_BYTES], test_code[PLAIN_TEXT_BYTES];
    char shop[PLAIN_TEXT_BYTES], order[PLAIN_TEXT_BYTES], stamp[PLAIN_TEXT_BYTES];
    bool stamped, unjudged;
};

struct plain_outcome {
    const char *ignored;               /* the reason, or NULL */
    char message_id[PLAIN_TEXT_BYTES]; /* for events whose mapping gives none; "" */
    plain_faults message_faults;       /* what such an event may be refused for */
    plain_faults faults;               /* of the call as a whole */
    size_t matched;                    /* mappings that fire; one event each, good or bad */
    struct plain_event events[PLAIN_MAPPINGS];
};

void plain_build(const cJSON *fields, const cJSON *call, const struct plain_world *w,
                 struct plain_event *out);
void plain_call(const cJSON *call, const struct plain_world *w, struct plain_outcome *out);
void plain_free(struct plain_outcome *o);

/* generator_calls.c ---------------------------------------------------------------------------- */

struct generator {
    uint64_t state;
    unsigned odd_percent; /* values of a wrong form */
    int64_t now_ms;
    int zone_s;
    struct buf out;
};

void generator_begin(struct generator *g, uint64_t seed);
unsigned generator_below(struct generator *g, unsigned n);
bool generator_chance(struct generator *g, unsigned percent);
void generator_world(struct generator *g, struct plain_world *w);
/* Writes one call into g->out; returns its route: "track" for /v1/track. */
const char *generator_call(struct generator *g);

#endif
