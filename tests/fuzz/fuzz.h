/*
 * fuzz.h: what every fuzz target shares.
 *
 * A target is one file NAME_fuzz.c with this function: it takes any bytes, and stops the program
 * when something that must hold does not. Every finding becomes a file of corpus/NAME/ and a row
 * in a unit test.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(holds) ((holds) ? (void)0 : fuzz_stop(__FILE__, __LINE__, #holds))

static inline void fuzz_stop(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}

#endif
