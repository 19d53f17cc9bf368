/*
 * rules.h: may this request in, and where does it go? Private to api.
 *
 * Pure: the head of a request and the settings in, a verdict out; no socket, no clock, no memory.
 * Source: RFC 9112 (framing), RFC 9110 (fields), Fetch standard (CORS protocol), product contract
 * ("Local API", "Who may call").
 */
#ifndef API_RULES_H
#define API_RULES_H

#include "api/api.h"

/* The fields that decide anything. */
enum head_field {
    HEAD_HOST,
    HEAD_ORIGIN,
    HEAD_AUTHORIZATION,
    HEAD_CONTENT_LENGTH,
    HEAD_TRANSFER_ENCODING,
    HEAD_CONTENT_TYPE,
    HEAD_CONTENT_ENCODING,
    HEAD_REQUEST_METHOD,          /* Access-Control-Request-Method: a preflight */
    HEAD_REQUEST_PRIVATE_NETWORK, /* Access-Control-Request-Private-Network */
    HEAD_REQUEST_LOCAL_NETWORK,   /* Access-Control-Request-Local-Network */
    HEAD_FIELDS
};

struct head {
    struct str method;
    char *target; /* of the request line, NUL-terminated; rules_judge decodes in it */
    struct str value[HEAD_FIELDS];
    unsigned times[HEAD_FIELDS];
    size_t bytes; /* request line and fields */
    bool broken;  /* a field name that is none */
    bool over_tcp, is_http_1_0;
};
/* Takes one field of a request in. */
void head_add(struct head *h, const char *name, const char *value);

struct names { /* a list of strings with its own memory */
    char **p;
    size_t count;
};
struct rules {
    const struct api_route *routes; /* borrowed */
    size_t route_count;
    struct names tokens, origins;
    char address[64]; /* of the TCP listener as a URL has it: "127.0.0.1", "[::1]" */
    uint16_t port;
};

struct verdict {
    int err;             /* 0: let it in; else the refusal's code */
    const char *message; /* of the refusal; static */
    int status;          /* 0: the code's own */
    bool framing;        /* where the request ends is not known: close after the answer */
    bool preflight;      /* answer 204 with the fields below and nothing else */
    bool options;        /* answer 204 with Allow */
    bool known_path;
    const struct api_route *route;
    struct str path, parameter, query; /* within head.target */
    struct str cors_origin;            /* allowed origin, len 0: none */
    bool private_network, local_network;
    bool has_body, gzip;
    size_t body_bytes;     /* announced; 0: none, or in chunks */
    size_t body_max_bytes; /* of its route */
};
void rules_judge(const struct rules *r, struct head *h, struct verdict *v);

/* The methods of a path: "GET, HEAD, OPTIONS". */
void rules_allow(const struct rules *r, struct str path, char *out, size_t out_bytes);

/* Words for a body that is over its route's limit. */
const char *rules_too_large(const struct api_route *route);

#endif
