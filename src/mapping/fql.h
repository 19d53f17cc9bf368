/*
 * fql.h: inside mapping only: triggers, in Segment's Destination FQL.
 *
 *   condition  = and-part { "or" and-part }
 *   and-part   = part { "and" part }
 *   part       = ("not" | "!") part | "(" condition ")" | test
 *   test       = value ("=" | "!=") (text | number | "true" | "false" | "null")
 *              | value (">" | ">=" | "<" | "<=") number
 *              | ("contains" | "match") "(" value "," text ")"
 *   value      = field | ("length" | "lowercase" | "typeof") "(" value ")"
 *   field      = "type" | "event" | "name" | "userId" | "anonymousId" | "messageId" | "groupId"
 *              | "previousId" | ("properties" | "traits" | "context" | "integrations") { step }
 *   step       = "." name | "." text | "[" digits "]" | "[" text "]"
 *   text       = "…" or '…'; \" \' and \\ stand for the character, any other \ for itself
 *   name       = letters, digits, _ and -; a \ makes any other character part of the name
 *
 * What a test says of a value of another kind, or of none, is what Segment's action destinations
 * say, since a trigger that was pasted must fire for the same calls (but for slips of theirs: here
 * event != null asks for an event, and != true is not true of true):
 *   =  text, number, true, false   only for a value of that kind that is equal
 *   =  null                        for null and for none
 *   != text, true, false, null     whatever `=` is not: an absent field differs from "x"
 *   != number                      only for a number
 *   > >= < <=                      only for a number ("19" is none); a number in quotes is a number
 *   contains() match()             only for a text, and so is their `!`: without an x,
 *                                  !contains(properties.x, "a") is false, !(contains(…)) is true
 * The fields from type to previousId hold texts: userId = 42 is true for "42" too.
 * `not`, parentheses within parentheses, precedence (not, and, or) and the functions are ours, as
 * Segment's reference of the language has them: typeof() gives "string", "number", "bool", "list",
 * "object" or "null"; length() counts bytes or items, 0 for none; both, and lowercase(), take what
 * is absent.
 *
 * Owner: a parsed condition lives in the arena it was made in.
 * Source: Segment's destination-subscriptions 3.37.0 and fql-ts 1.10.1 (run and read, November
 * 2026); the page "Destination Filter Query Language" of its documentation.
 */
#ifndef MAPPING_FQL_H
#define MAPPING_FQL_H

#include "mapping/path.h"

enum { FQL_TEXT_MAX_BYTES = 4096, FQL_DEPTH_MAX = 32, FQL_CALLS_MAX = 4 };

struct fql;

/* Errors: CONFIG (path "$.subscribe"; the message names the column, counted in characters from 1,
 * and what was expected), NO_MEMORY. */
int fql_parse(struct arena *a, struct str text, const struct fql **out, struct fault *why);
bool fql_matches(const struct fql *f, const struct path_roots *call);

#endif
