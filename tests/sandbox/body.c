/*
 * body.c: what a request brings, gathered piece by piece; what an answer needs everywhere.
 */
#include "sandbox/sandbox.h"

#include <stdlib.h>

struct body *body_new(void)
{
    struct body *b = calloc(1, sizeof(*b));
    if (b) buf_init(&b->bytes, CHECK_BODY_MAX_BYTES);
    return b;
}

void body_done(void *cls, struct MHD_Connection *c, void **request,
               enum MHD_RequestTerminationCode why)
{
    struct body *b = *request;
    (void)cls;
    (void)c;
    (void)why;
    if (!b) return;
    buf_free(&b->bytes);
    free(b);
    *request = NULL;
}

enum MHD_Result body_send(struct MHD_Connection *c, struct MHD_Response *r, int status,
                          const char *content_type)
{
    if (!r) return MHD_NO;
    MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    enum MHD_Result done = MHD_queue_response(c, (unsigned)status, r);
    MHD_destroy_response(r);
    return done;
}
