/*
 * names.c: the lists that TikTok publishes: event names, currencies.
 *
 * TikTok renamed two events in May 2025 and still takes the old names; both spellings are one event
 * to the queue. PageView is no offline event anywhere, but Segment's preset sends it.
 *
 * Source: tiktok-api.md sections 2.1, 8 and 11 (November 2026). Display names of the events that
 * the upload page does not show are inferred; without spaces each is the name but for case.
 */
#include "tiktok/event.h"
#include "tiktok/names.h"

#include <string.h>

/* clang-format off */
#define SAME(name) name, name, name

static const struct tiktok_name names[] = {
    /* name            current     legacy             display                  offline upload */
    {"Purchase",        "Purchase", "CompletePayment","Purchase",              true,  true},
    {"CompletePayment", "Purchase", "CompletePayment","Complete Payment",      true,  true},
    {"Lead",            "Lead",     "SubmitForm",     "Lead",                  true,  true},
    {"SubmitForm",      "Lead",     "SubmitForm",     "SubmitForm",            true,  true},
    {SAME("PlaceAnOrder"),                            "Place an Order",        true,  true},
    {SAME("ClickButton"),                             "Click Button",          true,  true},
    {SAME("Contact"),                                 "Contact",               true,  true},
    {SAME("Subscribe"),                               "Subscribe",             true,  true},
    {SAME("AddPaymentInfo"),                          "Add Payment Info",      true,  true},
    {SAME("AddToCart"),                               "Add to Cart",           true,  true},
    {SAME("AddToWishlist"),                           "Add to Wishlist",       true,  true},
    {SAME("CompleteRegistration"),                    "Complete Registration", true,  true},
    {SAME("Download"),                                "Download",              true,  true},
    {SAME("InitiateCheckout"),                        "Initiate Checkout",     true,  true},
    {SAME("Search"),                                  "Search",                true,  true},
    {SAME("ViewContent"),                             "View Content",          true,  true},
    {SAME("ApplicationApproval"),                     "Application Approval",  true,  false},
    {SAME("CustomizeProduct"),                        "Customize Product",     true,  false},
    {SAME("FindLocation"),                            "Find Location",         true,  false},
    {SAME("Schedule"),                                "Schedule",              true,  false},
    {SAME("StartTrial"),                              "Start Trial",           true,  false},
    {SAME("SubmitApplication"),                       "Submit Application",    true,  false},
    {SAME("PageView"),                                "Page View",             false, false},
};
#undef SAME
/* clang-format on */

const struct tiktok_name *tiktok_name_find(struct str name)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (str_is(name, names[i].name)) return &names[i];
    }
    return NULL;
}

static char next_letter(struct str *text)
{
    while (text->len > 0) {
        char c = *text->p;
        *text = (struct str){text->p + 1, text->len - 1};
        if (c >= 'A' && c <= 'Z') return (char)(c - 'A' + 'a');
        if (c == ' ' || c == '_' || c == '-' || c == '\t') continue;
        return c;
    }
    return '\0';
}

bool names_alike(struct str a, struct str b)
{
    char of_a, of_b;
    do {
        of_a = next_letter(&a);
        of_b = next_letter(&b);
        if (of_a != of_b) return false;
    } while (of_a != '\0');
    return true;
}

const struct tiktok_name *tiktok_name_of_type(struct str event_type)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names_alike(event_type, str_from(names[i].name))) return &names[i];
    }
    return NULL;
}

bool tiktok_currency_is_listed(const char code[4])
{
    static const char listed[] =
        "AED ARS AUD BDT BHD BIF BOB BRL CAD CHF CLP CNY COP CRC CZK DKK DZD EGP EUR GBP GTQ HKD "
        "HNL HUF IDR ILS INR ISK JPY KES KHR KRW KWD KZT MAD MOP MXN MYR NGN NIO NOK NZD OMR PEN "
        "PHP PKR PLN PYG QAR RON RUB SAR SEK SGD THB TRY TWD UAH USD VES VND ZAR";
    return strstr(listed, code) != NULL;
}
