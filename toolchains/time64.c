/* Compiles only where time_t has 64 bits; see section 2 of CMakeLists.txt. */
#include <time.h>

_Static_assert(sizeof(time_t) >= 8, "time_t has 32 bits");

int main(void)
{
    return 0;
}
