/* nearest_test.c: which name was meant, and when it is better to say nothing. */
#include "testing.h"

#include "base/nearest.h"

static const char *const names[] = {"@path", "@template", "email_addresses",
                                    "event", "event_id",  "ip"};

static const struct {
    const char *given, *meant;
} rows[] = {
    {"event", "event"},
    {"evnt", "event"},
    {"Event", "event"},
    {"EVENTID", "event_id"},
    {"event_ids", "event_id"},
    {"@Path", "@path"},
    {"@pth", "@path"},
    {"@tempalte", "@template"},
    {"email_adresses", "email_addresses"},
    {"emailAddresses", "email_addresses"},
    {"email_addr", NULL}, /* four and more slips */
    {"at", NULL},         /* two slips of "ip" would be another word */
    {"i", "ip"},          /* half of it is still there */
    {"", NULL},
    {"price", NULL},
    {"a_name_of_more_than_forty_bytes_is_never_compared", NULL},
};

static void the_name_with_the_fewest_slips_was_meant(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *got =
            nearest_name(str_from(rows[i].given), names, sizeof names / sizeof *names);
        if ((got == NULL) != (rows[i].meant == NULL) || (got && strcmp(got, rows[i].meant) != 0)) {
            fail_msg("\"%s\": %s, not %s", rows[i].given, got ? got : "none",
                     rows[i].meant ? rows[i].meant : "none");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_name_with_the_fewest_slips_was_meant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
