/* config_write.c: the settings in force as JSON, for a person who helps from afar. */
#include "agent/config_table.h"

#include <stdio.h>
#include <string.h>

enum { CONFIG_SHOWN_BYTES = 4096 };

/* What stands before an '@' is a user and a password. */
static void write_text(struct buf *out, const char *text)
{
    char shown[CONFIG_SHOWN_BYTES];
    const char *at = strrchr(text, '@');
    (void)snprintf(shown, sizeof shown, "%s%s", at ? "[removed]" : "", at ? at : text);
    json_write_string(out, str_from(shown));
}

static void write_list(struct buf *out, const struct config_list *list)
{
    buf_add_char(out, '[');
    for (size_t i = 0; i < list->count; i++) {
        if (i) buf_add_char(out, ',');
        json_write_string(out, str_from(list->items[i]));
    }
    buf_add_char(out, ']');
}

static void write_value(struct buf *out, const struct config *c, const struct config_setting *s)
{
    const void *at = (const char *)c + s->offset;
    switch (s->kind) {
    case KIND_DURATION:
    case KIND_SIZE:
    case KIND_MODE:
    case KIND_COUNT: buf_printf(out, "%lld", (long long)*(const int64_t *)at); return;
    case KIND_FLAG: buf_add_z(out, *(const bool *)at ? "true" : "false"); return;
    case KIND_LIST: write_list(out, at); return;
    default: break;
    }
    const char *text = *(const char *const *)at;
    if (!text) buf_add_z(out, "null");
    else write_text(out, text);
}

void config_write(const struct config *c, struct buf *out)
{
    const char *section = "";
    buf_add_char(out, '{');
    for (size_t i = 0; i < config_setting_count; i++) {
        const struct config_setting *s = &config_settings[i];
        if (s->kind == KIND_MAPPINGS) continue;
        if (strcmp(section, s->section) != 0)
            buf_printf(out, "%s\"%s\":{", *section ? "}," : "", s->section);
        else buf_add_char(out, ',');
        section = s->section;
        buf_printf(out, "\"%s\":", s->key);
        write_value(out, c, s);
    }
    buf_printf(out, "},\"mappings\":{\"count\":%zu}}", c->mapping_count);
}
