/*
 * generator_values.h: inside the generator only: values for the fields of calls, as JSON text. In
 * tables ` stands for the quote.
 */
#ifndef GENERATOR_VALUES_H
#define GENERATOR_VALUES_H

#include "generator.h"

#define PICK(g, table) ((table)[generator_below(g, sizeof(table) / sizeof(table)[0])])

void generator_put(struct generator *g, const char *quick);

/* A value of one field: good, or of a wrong form. */
typedef void (*maker)(struct generator *g, bool odd);

/* "key": value and a comma; absent in `absent` percent of the calls. */
void generator_member(struct generator *g, const char *key, maker make, unsigned absent);
/* Ends an object or a list whose last member has a comma behind it. */
void generator_end(struct generator *g, const char *end);

void make_emails(struct generator *g, bool odd); /* one or a list */
void make_phones(struct generator *g, bool odd);
void make_phone(struct generator *g, bool odd);
void make_ids(struct generator *g, bool odd);      /* of people */
void make_clear_id(struct generator *g, bool odd); /* of orders, shops, messages */
void make_words(struct generator *g, bool odd);
void make_opaque(struct generator *g, bool odd); /* click ids, addresses, languages */
void make_url(struct generator *g, bool odd);
void make_amount(struct generator *g, bool odd);
void make_currency(struct generator *g, bool odd);
void make_flag(struct generator *g, bool odd);
void make_timestamp(struct generator *g, bool odd);
void make_sent_at(struct generator *g, bool odd);

#endif
