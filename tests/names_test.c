/* names_test.c: the event names and currencies that TikTok lists. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tiktok/event.h"
#include "tiktok/names.h"

#include <string.h>

static const char *const current[] = {
    "Purchase",         "Lead",
    "Contact",          "Subscribe",
    "AddPaymentInfo",   "AddToCart",
    "AddToWishlist",    "CompleteRegistration",
    "Download",         "Search",
    "InitiateCheckout", "ViewContent",
    "FindLocation",     "Schedule",
    "StartTrial",       "ApplicationApproval",
    "CustomizeProduct", "SubmitApplication",
    "PlaceAnOrder",     "ClickButton",
};

static void every_offline_event_is_known_and_sent_under_its_own_name(void **state)
{
    for (size_t i = 0; i < sizeof current / sizeof current[0]; i++) {
        const struct tiktok_name *name = tiktok_name_find(str_from(current[i]));
        assert_non_null(name);
        assert_string_equal(name->name, current[i]);
        assert_string_equal(name->current, current[i]);
        assert_true(name->offline);
        assert_true(strlen(name->display) > 0);
    }
}

static void the_renamed_events_have_two_spellings(void **state)
{
    static const struct {
        const char *name, *current, *legacy, *display;
    } rows[] = {
        {"Purchase", "Purchase", "CompletePayment", "Purchase"},
        {"CompletePayment", "Purchase", "CompletePayment", "Complete Payment"},
        {"Lead", "Lead", "SubmitForm", "Lead"},
        {"SubmitForm", "Lead", "SubmitForm", "SubmitForm"},
        {"PlaceAnOrder", "PlaceAnOrder", "PlaceAnOrder", "Place an Order"},
        {"ViewContent", "ViewContent", "ViewContent", "View Content"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct tiktok_name *name = tiktok_name_find(str_from(rows[i].name));
        assert_non_null(name);
        assert_string_equal(name->current, rows[i].current);
        assert_string_equal(name->legacy, rows[i].legacy);
        assert_string_equal(name->display, rows[i].display);
    }
}

static void page_view_is_known_but_no_offline_event(void **state)
{
    const struct tiktok_name *name = tiktok_name_find(STR("PageView"));
    assert_non_null(name);
    assert_false(name->offline);
}

static void other_names_and_spellings_are_unknown(void **state)
{
    static const char *const rows[] = {"",          "purchase",       "PURCHASE",
                                       "Purchase ", "Purchas",        "Complete Payment",
                                       "Refund",    "OrderDelivered", "MyCustomEvent"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_null(tiktok_name_find(str_from(rows[i])));
    }
}

static void currencies_are_those_of_tiktoks_list(void **state)
{
    static const struct {
        const char *code;
        bool listed;
    } rows[] = {
        {"EUR", true}, {"USD", true},  {"AED", true},  {"ZAR", true},  {"HNL", true},
        {"PHP", true}, {"UGX", false}, {"XXX", false}, {"DAR", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(tiktok_currency_is_listed(rows[i].code), rows[i].listed);
    }
    long listed = 0, places = 0; /* in the order AAA, AAB, … */
    for (int n = 0; n < 26 * 26 * 26; n++) {
        char code[4] = {(char)('A' + n / 676), (char)('A' + n / 26 % 26), (char)('A' + n % 26), 0};
        bool is_listed = tiktok_currency_is_listed(code);
        listed += is_listed;
        places += is_listed ? n : 0;
    }
    assert_int_equal(listed, 62);
    assert_int_equal(places, 435085); /* computed from TikTok's page */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_offline_event_is_known_and_sent_under_its_own_name),
        cmocka_unit_test(the_renamed_events_have_two_spellings),
        cmocka_unit_test(page_view_is_known_but_no_offline_event),
        cmocka_unit_test(other_names_and_spellings_are_unknown),
        cmocka_unit_test(currencies_are_those_of_tiktoks_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
