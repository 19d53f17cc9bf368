/* build.c: the one file that the build tells its version and time. */
#include "agent/build.h"

#include "uplink/uplink.h"

const char *build_version(void)
{
    return TILLPOST_VERSION;
}

int64_t build_time_s(void)
{
    return TILLPOST_BUILD_TIME;
}

const char *build_libraries(void)
{
    return uplink_version();
}
