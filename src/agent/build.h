/* build.h: what was built, and when: the first lower bound of every clock reading. */
#ifndef AGENT_BUILD_H
#define AGENT_BUILD_H

#include <stdint.h>

const char *build_version(void);   /* "1.0.0" */
int64_t build_time_s(void);        /* Unix seconds */
const char *build_libraries(void); /* "libcurl/8.14.1 mbedTLS/3.6.6" */

#endif
