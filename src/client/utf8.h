/* utf8.h: UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing over U+10FFFF. */
#ifndef CLIENT_UTF8_H
#define CLIENT_UTF8_H

#include <stddef.h>

/* Bytes of the character at p, 1 … 4, or 0 when the bytes there are none. */
size_t utf8_length(const char *p, size_t bytes);
/* Writes a character of at most U+FFFF; returns its bytes. */
size_t utf8_write(unsigned code, char out[4]);

#endif
