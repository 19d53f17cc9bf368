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
/* For targets that know what their input is made of. All chance comes from the seed. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
/* libFuzzer's own; absent when the corpus is replayed. */
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

#define MUST(holds) ((holds) ? (void)0 : fuzz_stop(__FILE__, __LINE__, #holds))

static inline void fuzz_stop(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}

#endif
