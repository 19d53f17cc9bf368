/* doctor_words.h: what each of the doctor's codes says, and the one thing to do. */
#ifndef CLI_DOCTOR_WORDS_H
#define CLI_DOCTOR_WORDS_H

#include "agent/doctor.h"

struct doctor_words {
    const char *message; /* the detail follows it */
    const char *todo;    /* NULL: nothing */
};
extern const struct doctor_words doctor_words[DOCTOR_CODE_COUNT];

#endif
