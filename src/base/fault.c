/*
 * fault.c: fills struct fault. Text that does not fit is cut, never inside a UTF-8 character,
 * because a fault's message becomes JSON on its way out.
 */
#include "base/fault.h"

#include "base/text.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void copy_cut(char *to, size_t bytes, struct str from)
{
    struct str cut = str_cut(from, bytes - 1);
    memmove(to, cut.p, cut.len);
    to[cut.len] = '\0';
}

/* vsnprintf cuts bytes: one more byte than fits is formatted, so that str_cut sees the cut. */
static void format_cut(char to[FAULT_MESSAGE_MAX_BYTES], const char *format, va_list args)
{
    char text[FAULT_MESSAGE_MAX_BYTES + 4] = "";
    vsnprintf(text, sizeof text, format, args);
    copy_cut(to, FAULT_MESSAGE_MAX_BYTES, str_from(text));
}

int fault_set(struct fault *why, int err, const char *path, const char *format, ...)
{
    if (why == NULL) return err;
    char message[FAULT_MESSAGE_MAX_BYTES];
    va_list args;
    va_start(args, format);
    format_cut(message, format, args);
    va_end(args);
    why->err = err;
    copy_cut(why->path, sizeof why->path, str_from(path));
    copy_cut(why->message, sizeof why->message, str_from(message));
    return err;
}

void fault_prefix(struct fault *why, const char *format, ...)
{
    if (why == NULL) return;
    char message[FAULT_MESSAGE_MAX_BYTES];
    va_list args;
    va_start(args, format);
    format_cut(message, format, args);
    va_end(args);
    size_t len = strlen(message);
    copy_cut(message + len, sizeof message - len, str_from(why->message));
    copy_cut(why->message, sizeof why->message, str_from(message));
}
