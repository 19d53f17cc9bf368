/*
 * names.c: the lists that TikTok publishes: event names, currencies.
 *
 * TikTok renamed two events in May 2025 and still takes the old names; both spellings are one event
 * to the queue. PageView is no offline event anywhere, but Segment's preset sends it.
 *
 * Source: tiktok-api.md sections 2.1, 8 and 11 (November 2026). Display names of the events that
 * the upload page does not show are inferred.
 */
#include "tiktok/event.h"
#include "tiktok/names.h"

#include <string.h>

/* clang-format off */
#define SAME(name) name, name, name

static const struct tiktok_name names[] = {
    /* name            current     legacy             display                  offline */
    {"Purchase",        "Purchase", "CompletePayment","Purchase",              true},
    {"CompletePayment", "Purchase", "CompletePayment","Complete Payment",      true},
    {"Lead",            "Lead",     "SubmitForm",     "Lead",                  true},
    {"SubmitForm",      "Lead",     "SubmitForm",     "SubmitForm",            true},
    {SAME("PlaceAnOrder"),                            "Place an Order",        true},
    {SAME("ClickButton"),                             "Click Button",          true},
    {SAME("Contact"),                                 "Contact",               true},
    {SAME("Subscribe"),                               "Subscribe",             true},
    {SAME("AddPaymentInfo"),                          "Add Payment Info",      true},
    {SAME("AddToCart"),                               "Add to Cart",           true},
    {SAME("AddToWishlist"),                           "Add to Wishlist",       true},
    {SAME("CompleteRegistration"),                    "Complete Registration", true},
    {SAME("Download"),                                "Download",              true},
    {SAME("InitiateCheckout"),                        "Initiate Checkout",     true},
    {SAME("Search"),                                  "Search",                true},
    {SAME("ViewContent"),                             "View Content",          true},
    {SAME("ApplicationApproval"),                     "Application Approval",  true},
    {SAME("CustomizeProduct"),                        "Customize Product",     true},
    {SAME("FindLocation"),                            "Find Location",         true},
    {SAME("Schedule"),                                "Schedule",              true},
    {SAME("StartTrial"),                              "Start Trial",           true},
    {SAME("SubmitApplication"),                       "Submit Application",    true},
    {SAME("PageView"),                                "Page View",             false},
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

bool tiktok_currency_is_listed(const char code[4])
{
    static const char listed[] =
        "AED ARS AUD BDT BHD BIF BOB BRL CAD CHF CLP CNY COP CRC CZK DKK DZD EGP EUR GBP GTQ HKD "
        "HNL HUF IDR ILS INR ISK JPY KES KHR KRW KWD KZT MAD MOP MXN MYR NGN NIO NOK NZD OMR PEN "
        "PHP PKR PLN PYG QAR RON RUB SAR SEK SGD THB TRY TWD UAH USD VES VND ZAR";
    return strstr(listed, code) != NULL;
}
