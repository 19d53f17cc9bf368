/*
 * amounts.h: random amounts of money, and whether two texts are the same amount; no binary number
 * has a part in it.
 */
#ifndef AMOUNTS_H
#define AMOUNTS_H

#include "testing.h"

#include <stdbool.h>

enum { AMOUNT_BYTES = 24 };

/* SplitMix64 (Steele, Lea, Flood 2014): a seed gives its amounts again. */
static inline uint64_t amount_chance(uint64_t *seed)
{
    uint64_t z = (*seed += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* An amount of up to 15 digits with its point anywhere, "-" in front of some. */
static inline void amount_make(uint64_t *seed, char out[AMOUNT_BYTES])
{
    unsigned digits = 1 + (unsigned)(amount_chance(seed) % 15);
    unsigned whole = (unsigned)(amount_chance(seed) % (digits + 1));
    char *p = out;
    if (amount_chance(seed) % 4 == 0) *p++ = '-';
    if (whole == 0) *p++ = '0';
    for (unsigned i = 0; i < digits; i++) {
        if (i == whole) *p++ = '.';
        bool leads = i == 0 && whole > 1;
        *p++ = (char)('0' + (leads ? 1 + amount_chance(seed) % 9 : amount_chance(seed) % 10));
    }
    *p = '\0';
}

/* A decimal text as its value: sign, digits without outer zeros, power of ten of the last. */
struct amount_decimal {
    bool negative;
    char digits[32];
    long exponent;
};

static inline struct amount_decimal amount_decimal_of(const char *text)
{
    struct amount_decimal d = {.negative = *text == '-'};
    size_t len = 0;
    bool point = false;
    for (text += d.negative; *text != '\0' && *text != 'e'; text++) {
        if (*text == '.') point = true;
        if (*text == '.' || (len == 0 && *text == '0' && !point)) continue;
        d.exponent -= point;
        if (len == 0 && *text == '0') continue;
        assert_true(len < sizeof d.digits - 1);
        d.digits[len++] = *text;
    }
    if (*text == 'e') d.exponent += strtol(text + 1, NULL, 10);
    for (; len > 0 && d.digits[len - 1] == '0'; d.exponent++) d.digits[--len] = '\0';
    if (len == 0) d = (struct amount_decimal){0};
    return d;
}

static inline bool amount_is_same(const char *a, const char *b)
{
    struct amount_decimal x = amount_decimal_of(a), y = amount_decimal_of(b);
    return x.negative == y.negative && x.exponent == y.exponent && strcmp(x.digits, y.digits) == 0;
}

#endif
