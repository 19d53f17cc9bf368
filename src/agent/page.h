/*
 * page.h: the status page (page.html), and the policy that lets nothing else run in it.
 *
 * It is one file without any outside part; what it shows comes from GET /v1/status and /v1/events.
 */
#ifndef AGENT_PAGE_H
#define AGENT_PAGE_H

#include "base/fault.h"
#include "base/text.h"

enum { PAGE_NONCE_BYTES = 33, PAGE_POLICY_BYTES = 320 };

/* The page with a nonce of its own; INTERNAL: there is no randomness. */
int page_write(struct buf *out, char nonce[PAGE_NONCE_BYTES], struct fault *why);
/* Its Content-Security-Policy. */
void page_policy(const char *nonce, char out[PAGE_POLICY_BYTES]);

#endif
