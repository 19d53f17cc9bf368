/*
 * names.h: inside tiktok only: is a currency in TikTok's list? Are two names one?
 */
#ifndef TIKTOK_NAMES_H
#define TIKTOK_NAMES_H

#include "base/text.h"

/* Three capital letters and a NUL. */
bool tiktok_currency_is_listed(const char code[4]);
/* ASCII case, spaces, tabs, dashes and underscores make no difference. */
bool names_alike(struct str a, struct str b);

#endif
