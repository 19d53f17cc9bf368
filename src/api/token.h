/* token.h: who has a token. Private to api. Pure. */
#ifndef API_TOKEN_H
#define API_TOKEN_H

#include "base/text.h"

/* Is the value of an Authorization field "Bearer T" or "Basic base64(T:anything)" with T one of
 * tokens[n]? Takes the same time whichever token it is, and whether it is one. Source: RFC 6750
 * section 2.1, RFC 7617. */
bool token_fits(struct str authorization, const char *const *tokens, size_t n);

#endif
