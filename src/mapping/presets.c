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

#define DESTINATION(name)  "integrations.TikTok Offline Conversions." name
#define DESTINATION2(name) "integrations.Tiktok Offline Conversions (Actions)." name

#define COMMON \
    FIELD("event_id",         PATH("messageId")) \
    FIELD("timestamp",        FIRST2("timestamp", "originalTimestamp")) \
    FIELD("phone_numbers",    FIRST3("properties.phone", "context.traits.phone", "traits.phone")) \
    FIELD("email_addresses",  FIRST3("properties.email", "context.traits.email", "traits.email")) \
    FIELD("external_ids",     FIRST2("userId", "anonymousId")) \
    FIELD("order_id",         PATH("properties.order_id")) \
    FIELD("shop_id",          PATH("properties.shop_id")) \
    FIELD("ttclid",           FIRST3("properties.ttclid", DESTINATION("ttclid"), DESTINATION2("ttclid"))) \
    FIELD("ttp",              FIRST3("properties.ttp", DESTINATION("ttp"), DESTINATION2("ttp"))) \
    FIELD("lead_id",          PATH("properties.lead_id")) \
    FIELD("locale",           PATH("context.locale")) \
    FIELD("url",              PATH("context.page.url")) \
    FIELD("referrer",         PATH("context.page.referrer")) \
    FIELD("ip",               PATH("context.ip")) \
    FIELD("user_agent",       PATH("context.userAgent")) \
    FIELD("content_type",     "\"product\"") \
    FIELD("currency",         PATH("properties.currency")) \
    FIELD("value",            FIRST3("properties.value", "properties.revenue", "properties.total")) \
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
#define NO_ITEMS
#define ONE_ITEM ITEMS_OF("properties")
#define PRODUCTS ITEMS_OF("properties.products")

#define ON_EVENT(name) "event = \\\"" name "\\\""

#define PRESET(name, trigger, event, items, on) \
    {name, event, "{\"name\":\"" name "\",\"subscribe\":\"" trigger "\",\"mapping\":{" COMMON items \
                  "\"event\":\"" event "\"}}", on}

const struct mapping_preset mapping_presets[MAPPING_PRESETS] = {
    /*     name                     trigger                               event                   items     on by default */
    PRESET("Complete Payment",      ON_EVENT("Order Completed"),           "Purchase",             PRODUCTS, true),
    PRESET("Contact",               ON_EVENT("Callback Started"),          "Contact",              NO_ITEMS, true),
    PRESET("Subscribe",             ON_EVENT("Subscription Created"),      "Subscribe",            NO_ITEMS, true),
    PRESET("Submit Form",           ON_EVENT("Form Submitted"),            "Lead",                 NO_ITEMS, true),
    PRESET("Page View",             "type=\\\"page\\\"",                   "PageView",             PRODUCTS, false),
    PRESET("View Content",          ON_EVENT("Product Viewed"),            "ViewContent",          ONE_ITEM, false),
    PRESET("Click Button",          ON_EVENT("Product Clicked"),           "ClickButton",          ONE_ITEM, false),
    PRESET("Search",                ON_EVENT("Products Searched"),         "Search",               ONE_ITEM, false),
    PRESET("Add to Wishlist",       ON_EVENT("Product Added to Wishlist"), "AddToWishlist",        ONE_ITEM, false),
    PRESET("Add to Cart",           ON_EVENT("Product Added"),             "AddToCart",            ONE_ITEM, false),
    PRESET("Initiate Checkout",     ON_EVENT("Checkout Started"),          "InitiateCheckout",     PRODUCTS, false),
    PRESET("Add Payment Info",      ON_EVENT("Payment Info Entered"),      "AddPaymentInfo",       PRODUCTS, false),
    PRESET("Place an Order",        ON_EVENT("Order Placed"),              "PlaceAnOrder",         PRODUCTS, false),
    PRESET("Download",              ON_EVENT("Download Link Clicked"),     "Download",             NO_ITEMS, false),
    PRESET("Complete Registration", ON_EVENT("Signed Up"),                 "CompleteRegistration", NO_ITEMS, false),
};
/* clang-format on */
