/* err.c: the table of include/tillpost/err.h as data. */
#include "tillpost/err.h"

static const struct tillpost_err_info infos[TILLPOST_ERR_COUNT] = {
#define X(name, wire, http, exit, words) [TILLPOST_IX_##name] = {wire, words, http, exit},
    TILLPOST_ERRORS(X)
#undef X
};

const struct tillpost_err_info *tillpost_err_info(int err)
{
    if (err >= 0 || err < -TILLPOST_ERR_COUNT) return &infos[TILLPOST_IX_INTERNAL];
    return &infos[-err - 1];
}

bool tillpost_err_passes(int err)
{
    return err == TILLPOST_E_NO_MEMORY || err == TILLPOST_E_IO;
}
