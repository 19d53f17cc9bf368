/* page.c: page.html with the nonce put where its mark stands: at its style and at its script. */
#include "agent/page.h"

#include "platform/platform.h"

#include <stdio.h>
#include <string.h>

static const unsigned char page[] = {
#include "page_bytes.h"
};
static const char mark[] = "@NONCE@";

enum { RANDOM_BYTES = 16, MARK_BYTES = sizeof mark - 1 };

int page_write(struct buf *out, char nonce[PAGE_NONCE_BYTES], struct fault *why)
{
    unsigned char random[RANDOM_BYTES];
    nonce[0] = 0;
    if (platform_random(random, sizeof random) < 0)
        return fault_set(why, TILLPOST_E_INTERNAL, "", "there are no random numbers");
    for (size_t i = 0; i < sizeof random; i++) (void)snprintf(nonce + 2 * i, 3, "%02x", random[i]);
    size_t from = 0;
    for (size_t i = 0; i + MARK_BYTES <= sizeof page; i++) {
        if (page[i] != '@' || memcmp(page + i, mark, MARK_BYTES) != 0) continue;
        buf_add(out, (const char *)page + from, i - from);
        buf_add_z(out, nonce);
        from = i + MARK_BYTES;
    }
    buf_add(out, (const char *)page + from, sizeof page - from);
    return 0;
}

void page_policy(const char *nonce, char out[PAGE_POLICY_BYTES])
{
    (void)snprintf(out, PAGE_POLICY_BYTES,
                   "default-src 'none'; script-src 'nonce-%s'; style-src 'nonce-%s'; "
                   "img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
                   "frame-ancestors 'none'",
                   nonce, nonce);
}
