/*
 * presets.c: the fifteen presets of Segment's destination, as data in its own format.
 *
 * A row is a preset; what their fields have in common is written once, above. Differences from
 * Segment's definitions, each for a rule of ours: Purchase and Lead for CompletePayment and
 * SubmitForm (its current names), originalTimestamp, traits.email and traits.phone (an identify
 * call's), total behind revenue, the other spelling of the destination under integrations, and
 * limited_data_use as false when the call has none. A ttclid that only stands in the page's
 * address is found by whoever reads the field url.
 * Source: Segment action-destinations 3.497.0, tiktok-offline-conversions/index.ts and
 * common_fields.ts.
 */
#include "mapping/mapping.h"

/* clang-format off */
#define PATH(path)               "{\"@path\":\"$." path "\"}"
#define EITHER(path, otherwise)  "{\"@if\":{\"exists\":" PATH(path) ",\"then\":" PATH(path) \
                                 ",\"else\":" otherwise "}}"
#define FIRST2(a, b)             EITHER(a, PATH(b))
#define FIRST3(a, b, c)          EITHER(a, FIRST2(b, c))
#define FIELD(name, value)       "\"" name "\":" value ","

#define OF_DESTINATION(name) \
    FIRST3("properties." name, "integrations.TikTok Offline Conversions." name, \
           "integrations.Tiktok Offline Conversions (Actions)." name)

#define COMMON \
    FIELD("event_id",         PATH("messageId")) \
    FIELD("timestamp",        FIRST2("timestamp", "originalTimestamp")) \
    FIELD("phone_numbers",    FIRST3("properties.phone", "context.traits.phone", "traits.phone")) \
    FIELD("email_addresses",  FIRST3("properties.email", "context.traits.email", "traits.email")) \
    FIELD("external_ids",     FIRST2("userId", "anonymousId")) \
    FIELD("order_id",         PATH("properties.order_id")) \
    FIELD("shop_id",          PATH("properties.shop_id")) \
    FIELD("ttclid",           OF_DESTINATION("ttclid")) \
    FIELD("ttp",              OF_DESTINATION("ttp")) \
    FIELD("lead_id",          PATH("properties.lead_id")) \
    FIELD("locale",           PATH("context.locale")) \
    FIELD("url",              PATH("context.page.url")) \
    FIELD("referrer",         PATH("context.page.referrer")) \
    FIELD("ip",               PATH("context.ip")) \
    FIELD("user_agent",       PATH("context.userAgent")) \
    FIELD("content_type",     "\"product\"") \
    FIELD("currency",         PATH("properties.currency")) \
    FIELD("value",            FIRST3("properties.value", "properties.revenue", \
                                     "properties.total")) \
    FIELD("query",            PATH("properties.query")) \
    FIELD("limited_data_use", EITHER("properties.limited_data_use", "false"))

#define ITEMS_OF(path) \
    FIELD("contents", "{\"@arrayPath\":[\"$." path "\",{" \
        FIELD("price",            PATH("price")) \
        FIELD("quantity",         PATH("quantity")) \
        FIELD("content_category", PATH("category")) \
        FIELD("content_id",       PATH("product_id")) \
        FIELD("content_name",     PATH("name")) \
        "\"brand\":" PATH("brand") "}]}")
#define NONE
#define ONE  ITEMS_OF("properties")
#define LIST ITEMS_OF("properties.products")
#define OFF  false
#define ON   true

#define OTHER(name, trigger, event, items, on) \
    {name, event, "{\"name\":\"" name "\",\"subscribe\":\"" trigger "\",\"mapping\":{" \
                  COMMON items "\"event\":\"" event "\"}}", on}
#define EVENT(name, of, event, items, on) OTHER(name, "event = \\\"" of "\\\"", event, items, on)

const struct mapping_preset mapping_presets[MAPPING_PRESETS] = {
    /*    name                     event of the call            event                   items on? */
    EVENT("Complete Payment",      "Order Completed",           "Purchase",             LIST, ON),
    EVENT("Contact",               "Callback Started",          "Contact",              NONE, ON),
    EVENT("Subscribe",             "Subscription Created",      "Subscribe",            NONE, ON),
    EVENT("Submit Form",           "Form Submitted",            "Lead",                 NONE, ON),
    OTHER("Page View",             "type=\\\"page\\\"",          "PageView",             LIST, OFF),
    EVENT("View Content",          "Product Viewed",            "ViewContent",          ONE,  OFF),
    EVENT("Click Button",          "Product Clicked",           "ClickButton",          ONE,  OFF),
    EVENT("Search",                "Products Searched",         "Search",               ONE,  OFF),
    EVENT("Add to Wishlist",       "Product Added to Wishlist", "AddToWishlist",        ONE,  OFF),
    EVENT("Add to Cart",           "Product Added",             "AddToCart",            ONE,  OFF),
    EVENT("Initiate Checkout",     "Checkout Started",          "InitiateCheckout",     LIST, OFF),
    EVENT("Add Payment Info",      "Payment Info Entered",      "AddPaymentInfo",       LIST, OFF),
    EVENT("Place an Order",        "Order Placed",              "PlaceAnOrder",         LIST, OFF),
    EVENT("Download",              "Download Link Clicked",     "Download",             NONE, OFF),
    EVENT("Complete Registration", "Signed Up",                 "CompleteRegistration", NONE, OFF),
};
/* clang-format on */
