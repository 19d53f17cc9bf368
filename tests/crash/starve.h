/*
 * starve.h: what starve.c and the library starved.c share, through a file that both map.
 */
#ifndef CRASH_STARVE_H
#define CRASH_STARVE_H

#include <stdatomic.h>

struct starve {
    _Atomic long at;    /* the at-th allocation from now fails; 0: none does */
    _Atomic long times; /* and how many from there on; < 0: all */
    _Atomic long calls; /* allocations so far */
    _Atomic long failed;
};

#endif
