/*
 * names.h: inside tiktok only: is a currency in TikTok's list?
 */
#ifndef TIKTOK_NAMES_H
#define TIKTOK_NAMES_H

#include <stdbool.h>

/* Three capital letters and a NUL. */
bool tiktok_currency_is_listed(const char code[4]);

#endif
