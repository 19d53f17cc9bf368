/*
 * generator_mappings.c: when a mapping fires and which fields it makes, told plainly: Segment's
 * fifteen presets from the tables of tiktok-api.md section 9, and custom mappings that go through
 * every directive. See generator.h.
 */
#include "generator.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const cJSON *get(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

const cJSON *plain_at(const cJSON *root, const char *path)
{
    char name[128];
    while (root != NULL && *path != '\0') {
        size_t n = strcspn(path, ".");
        (void)snprintf(name, sizeof name, "%.*s", (int)n, path);
        root = cJSON_IsObject(root) ? get(root, name) : NULL;
        path += n + (path[n] == '.');
    }
    return root;
}

static void copy(cJSON *fields, const char *key, const cJSON *v)
{
    if (!plain_is_blank(v)) cJSON_AddItemToObject(fields, key, cJSON_Duplicate(v, true));
}

/* Presets -------------------------------------------------------------------------------------- */

/* "first that exists"; a blank one does not. silent: traits, which identify calls have. */
static const struct {
    const char *field, *paths[3];
} sources[] = {
    {"event_id", {"messageId"}},
    {"timestamp", {"timestamp"}},
    {"email_addresses", {"properties.email", "context.traits.email", "traits.email"}},
    {"phone_numbers", {"properties.phone", "context.traits.phone", "traits.phone"}},
    {"external_ids", {"userId", "anonymousId"}},
    {"ttclid", {"properties.ttclid"}},
    {"ttp", {"properties.ttp"}},
    {"lead_id", {"properties.lead_id"}},
    {"ip", {"context.ip"}},
    {"user_agent", {"context.userAgent"}},
    {"locale", {"context.locale"}},
    {"url", {"context.page.url"}},
    {"referrer", {"context.page.referrer"}},
    {"order_id", {"properties.order_id"}},
    {"shop_id", {"properties.shop_id"}},
    {"currency", {"properties.currency"}},
    {"query", {"properties.query"}},
    {"value", {"properties.value", "properties.revenue", "properties.total"}},
    {"limited_data_use", {"properties.limited_data_use"}},
};

static void copy_first(cJSON *fields, const cJSON *call, size_t source)
{
    for (size_t i = 0; i < 3 && sources[source].paths[i] != NULL; i++) {
        const cJSON *v = plain_at(call, sources[source].paths[i]);
        if (plain_is_blank(v)) continue;
        copy(fields, sources[source].field, v);
        return;
    }
}

/* "`ttclid` and `ttp` are read under all these spellings." silent: in which order. */
static void copy_from_integrations(cJSON *fields, const cJSON *call, const char *key)
{
    static const char *const ours[] = {"TikTok Offline Conversions",
                                       "Tiktok Offline Conversions (Actions)"};
    const cJSON *v;
    for (size_t i = 0; i < 2; i++) {
        cJSON_ArrayForEach(v, get(call, "integrations"))
        {
            bool is_ours = v->string != NULL && strcasecmp(v->string, ours[i]) == 0;
            if (is_ours && cJSON_IsObject(v) && get(fields, key) == NULL)
                copy(fields, key, get(v, key));
        }
    }
}

static void add_item(cJSON *contents, const cJSON *product)
{
    static const struct {
        const char *field, *key;
    } keys[] = {
        {"price", "price"},           {"quantity", "quantity"}, {"content_category", "category"},
        {"content_id", "product_id"}, {"content_name", "name"}, {"brand", "brand"},
    };
    cJSON *item = cJSON_CreateObject();
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        copy(item, keys[i].field, cJSON_IsObject(product) ? get(product, keys[i].key) : NULL);
    }
    cJSON_AddItemToArray(contents, item);
}

/* A list's items, an object as the only one; anything else stays what it is. */
static void add_items(cJSON *fields, const cJSON *products, void (*add)(cJSON *, const cJSON *))
{
    const cJSON *product;
    if (!cJSON_IsArray(products) && !cJSON_IsObject(products)) {
        copy(fields, "contents", products);
        return;
    }
    cJSON *contents = cJSON_AddArrayToObject(fields, "contents");
    if (cJSON_IsObject(products)) {
        add(contents, products);
        return;
    }
    cJSON_ArrayForEach(product, products)
    {
        add(contents, product);
    }
}

static void fill_preset(const struct plain_mapping *m, cJSON *fields, const cJSON *call)
{
    cJSON_AddStringToObject(fields, "event", m->tiktok);
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) copy_first(fields, call, i);
    copy_from_integrations(fields, call, "ttclid");
    copy_from_integrations(fields, call, "ttp");
    cJSON_AddStringToObject(fields, "content_type", "product");
    if (m->items == ITEMS_ONE) add_items(fields, get(call, "properties"), add_item);
    if (m->items == ITEMS_LIST) add_items(fields, plain_at(call, "properties.products"), add_item);
}

/* Custom mappings ------------------------------------------------------------------------------ */

static void append(char out[PLAIN_TEXT_BYTES], const char *text)
{
    size_t n = strlen(out);
    (void)snprintf(out + n, PLAIN_TEXT_BYTES - n, "%s", text);
}

/* A value as @template writes it. */
static void write_value(char out[PLAIN_TEXT_BYTES], const cJSON *v)
{
    char digits[32];
    if (v == NULL || cJSON_IsNull(v)) return;
    if (cJSON_IsString(v)) {
        append(out, v->valuestring);
    } else if (cJSON_IsNumber(v)) {
        (void)snprintf(digits, sizeof digits, "%.15g", v->valuedouble);
        append(out, isfinite(v->valuedouble) ? digits : "null");
    } else if (cJSON_IsArray(v)) {
        const cJSON *item;
        cJSON_ArrayForEach(item, v)
        {
            write_value(out, item);
            if (item->next != NULL) append(out, ",");
        }
    } else {
        char *text = cJSON_PrintUnformatted(v);
        append(out, text);
        cJSON_free(text);
    }
}

static bool has_left_or_joined(const cJSON *call, bool joined)
{
    const cJSON *v = plain_at(call, "traits.order_completed_last_30days");
    return joined ? cJSON_IsTrue(v) : cJSON_IsFalse(v);
}

static bool joined_fires(const cJSON *call, const char *event)
{
    (void)event;
    return strcmp(get(call, "type")->valuestring, "identify") == 0 &&
           has_left_or_joined(call, true);
}

static bool has_long_number(const cJSON *v)
{
    const cJSON *item;
    if (cJSON_IsNumber(v)) return fabs(v->valuedouble) >= 1e15;
    cJSON_ArrayForEach(item, v)
    {
        if (has_long_number(item)) return true;
    }
    return false;
}

/* silent: a text made of a number of more than 15 digits is refused as the number itself is, which
 * therefore stands here for it. */
static void add_template(cJSON *fields, const char *key, const char *text, const cJSON *of)
{
    if (has_long_number(of)) cJSON_AddNumberToObject(fields, key, 1e15);
    else cJSON_AddStringToObject(fields, key, text);
}

static void fill_joined(cJSON *fields, const cJSON *call)
{
    char id[PLAIN_TEXT_BYTES] = "joined-";
    cJSON_AddStringToObject(fields, "event", "Subscribe");
    write_value(id, get(call, "messageId"));
    add_template(fields, "event_id", id, get(call, "messageId"));
    copy(fields, "timestamp", get(call, "timestamp"));
    copy(fields, "email_addresses", plain_at(call, "traits.email"));
    copy(fields, "phone_numbers", plain_at(call, "traits.phone"));
    copy(fields, "limited_data_use", plain_at(call, "traits.opted_out"));
    cJSON *ids = cJSON_AddArrayToObject(fields, "external_ids");
    static const char *const both[] = {"userId", "anonymousId"};
    for (size_t i = 0; i < 2; i++) {
        const cJSON *v = get(call, both[i]);
        if (!plain_is_blank(v)) cJSON_AddItemToArray(ids, cJSON_Duplicate(v, true));
    }
}

static bool left_fires(const cJSON *call, const char *event)
{
    (void)event;
    return has_left_or_joined(call, false);
}

static void fill_left(cJSON *fields, const cJSON *call)
{
    cJSON_AddStringToObject(fields, "event", "Contact");
    cJSON_AddNumberToObject(fields, "value", 0);
    copy(fields, "email_addresses", plain_at(call, "traits.email"));
    copy(fields, "event_id", get(call, "messageId"));
}

/* event = "Raw Sale" and properties.go != "no" and !(properties.stop = true) */
static bool raw_fires(const cJSON *call, const char *event)
{
    const cJSON *go = plain_at(call, "properties.go");
    if (strcmp(event, "Raw Sale") != 0) return false;
    if (cJSON_IsString(go) && strcmp(go->valuestring, "no") == 0) return false;
    return !cJSON_IsTrue(plain_at(call, "properties.stop"));
}

static void fill_raw(cJSON *fields, const cJSON *call)
{
    const cJSON *v;
    cJSON_ArrayForEach(v, plain_at(call, "properties.raw"))
    {
        copy(fields, v->string, v);
    }
}

/* match(event, "Till *") and (properties.total >= 100 or properties.total = null or
 * length(properties.note) != 2) and not (contains(properties.note, "void")) */
static bool till_fires(const cJSON *call, const char *event)
{
    const cJSON *total = plain_at(call, "properties.total");
    const cJSON *note = plain_at(call, "properties.note");
    const char *words = cJSON_IsString(note) ? note->valuestring : "";
    if (strncmp(event, "Till ", 5) != 0 || strstr(words, "void") != NULL) return false;
    return total == NULL || cJSON_IsNull(total) || strlen(words) != 2 ||
           (cJSON_IsNumber(total) && total->valuedouble >= 100);
}

static void add_till_item(cJSON *contents, const cJSON *product)
{
    const cJSON *price = get(product, "sale_price");
    cJSON *item = cJSON_CreateObject();
    if (plain_is_blank(price)) price = get(product, "price");
    if (cJSON_IsObject(product)) {
        copy(item, "price", price);
        copy(item, "content_id", get(product, "product_id"));
    }
    cJSON_AddNumberToObject(item, "quantity", 1);
    cJSON_AddItemToArray(contents, item);
}

static int underscore(int c)
{
    return c == ' ' ? '_' : c;
}

static void copy_changed(cJSON *fields, const char *key, const cJSON *v, int (*change)(int))
{
    copy(fields, key, v);
    v = get(fields, key);
    for (char *p = cJSON_IsString(v) ? v->valuestring : NULL; p != NULL && *p != '\0'; p++)
        *p = (char)change((unsigned char)*p);
}

static void fill_till_texts(cJSON *fields, const cJSON *call)
{
    char order[PLAIN_TEXT_BYTES] = "", shop[PLAIN_TEXT_BYTES] = "";
    const cJSON *tags = plain_at(call, "properties.tags");
    write_value(order, plain_at(call, "properties.store"));
    append(order, "-");
    write_value(order, plain_at(call, "properties.order_id"));
    add_template(fields, "order_id", order, plain_at(call, "properties.order_id"));
    copy_changed(fields, "currency", plain_at(call, "properties.currency"), toupper);
    copy_changed(fields, "description", plain_at(call, "properties.note"), underscore);
    copy_changed(fields, "lead_id", plain_at(call, "properties.store"), tolower);
    if (tags == NULL) return;
    write_value(shop, tags);
    cJSON_AddStringToObject(fields, "shop_id", shop);
    char *list = cJSON_PrintUnformatted(tags);
    cJSON_AddStringToObject(fields, "query", list);
    cJSON_free(list);
}

static void fill_till(cJSON *fields, const cJSON *call)
{
    cJSON_AddStringToObject(fields, "event", "Purchase");
    copy(fields, "event_id", get(call, "messageId"));
    copy(fields, "timestamp", get(call, "timestamp"));
    copy(fields, "email_addresses", plain_at(call, "properties.email"));
    if (get(fields, "email_addresses") == NULL)
        copy(fields, "email_addresses", plain_at(call, "context.traits.email"));
    copy(fields, "phone_numbers", plain_at(call, "properties.phone"));
    copy(fields, "value", plain_at(call, "properties.total"));
    cJSON_AddTrueToObject(fields, "limited_data_use");
    cJSON_AddStringToObject(fields, "content_type", "product_group");
    fill_till_texts(fields, call);
    add_items(fields, plain_at(call, "properties.products"), add_till_item);
}

/* event = "Fold" and !contains(properties.mode, "skip") and typeof(properties.item) = "object" */
static bool fold_fires(const cJSON *call, const char *event)
{
    const cJSON *mode = plain_at(call, "properties.mode");
    if (strcmp(event, "Fold") != 0 || !cJSON_IsString(mode)) return false;
    return strstr(mode->valuestring, "skip") == NULL &&
           cJSON_IsObject(plain_at(call, "properties.item"));
}

/* {"a":{"b":1},"c":"x"} becomes {"a_b":1,"c":"x"}. */
static void flatten(cJSON *out, const char *prefix, const cJSON *v)
{
    const cJSON *member;
    int index = 0;
    if (!cJSON_IsObject(v) && !cJSON_IsArray(v)) {
        cJSON_AddItemToObject(out, prefix, cJSON_Duplicate(v, true));
        return;
    }
    cJSON_ArrayForEach(member, v)
    {
        char name[PLAIN_TEXT_BYTES], number[16];
        (void)snprintf(number, sizeof number, "%d", index++);
        (void)snprintf(name, sizeof name, "%s%s%s", prefix, prefix[0] ? "_" : "",
                       member->string ? member->string : number);
        flatten(out, name, member);
    }
}

static void fill_fold(cJSON *fields, const cJSON *call)
{
    cJSON_AddStringToObject(fields, "event", "AddToCart");
    copy(fields, "event_id", get(call, "messageId"));
    copy(fields, "timestamp", get(call, "timestamp"));
    copy(fields, "email_addresses", plain_at(call, "properties.email"));
    copy(fields, "external_ids", get(call, "userId"));
    copy(fields, "order_id", plain_at(call, "properties.order_id"));
    copy(fields, "shop_id", cJSON_GetArrayItem(plain_at(call, "properties.shops"), 0));
    copy(fields, "lead_id", get(get(call, "properties"), "till.id"));
    cJSON *phones = cJSON_AddArrayToObject(fields, "phone_numbers");
    const cJSON *person;
    cJSON_ArrayForEach(person, plain_at(call, "properties.people"))
    {
        const cJSON *phone = get(person, "phone");
        if (phone != NULL) cJSON_AddItemToArray(phones, cJSON_Duplicate(phone, true));
    }
    cJSON *contents = cJSON_AddArrayToObject(fields, "contents");
    const cJSON *item = plain_at(call, "properties.item");
    cJSON *merged = cJSON_CreateObject();
    const cJSON *member;
    cJSON_ArrayForEach(member, item)
    {
        copy(merged, member->string, member);
    }
    if (get(merged, "price") == NULL) cJSON_AddNumberToObject(merged, "price", 1);
    if (get(merged, "brand") == NULL) cJSON_AddStringToObject(merged, "brand", "none");
    cJSON_AddItemToArray(contents, merged);
    cJSON *flat = cJSON_CreateObject();
    flatten(flat, "", plain_at(call, "properties.nest"));
    char *text = cJSON_PrintUnformatted(flat);
    cJSON_AddStringToObject(fields, "query", text);
    cJSON_free(text);
    cJSON_Delete(flat);
}

/* clang-format off */
#define RAW(field) "`" field "`:{`@path`:`$.properties.raw." field "`}"

const struct plain_mapping plain_mappings[PLAIN_MAPPINGS] = {
    {"Complete Payment",      NULL, NULL, NULL, "Order Completed",           "CompletePayment",      ITEMS_LIST},
    {"Contact",               NULL, NULL, NULL, "Callback Started",          "Contact",              ITEMS_NONE},
    {"Subscribe",             NULL, NULL, NULL, "Subscription Created",      "Subscribe",            ITEMS_NONE},
    {"Submit Form",           NULL, NULL, NULL, "Form Submitted",            "SubmitForm",           ITEMS_NONE},
    {"Page View",             NULL, NULL, NULL, NULL,                        "PageView",             ITEMS_LIST},
    {"View Content",          NULL, NULL, NULL, "Product Viewed",            "ViewContent",          ITEMS_ONE},
    {"Click Button",          NULL, NULL, NULL, "Product Clicked",           "ClickButton",          ITEMS_ONE},
    {"Search",                NULL, NULL, NULL, "Products Searched",         "Search",               ITEMS_ONE},
    {"Add to Wishlist",       NULL, NULL, NULL, "Product Added to Wishlist", "AddToWishlist",        ITEMS_ONE},
    {"Add to Cart",           NULL, NULL, NULL, "Product Added",             "AddToCart",            ITEMS_ONE},
    {"Initiate Checkout",     NULL, NULL, NULL, "Checkout Started",          "InitiateCheckout",     ITEMS_LIST},
    {"Add Payment Info",      NULL, NULL, NULL, "Payment Info Entered",      "AddPaymentInfo",       ITEMS_LIST},
    {"Place an Order",        NULL, NULL, NULL, "Order Placed",              "PlaceAnOrder",         ITEMS_LIST},
    {"Download",              NULL, NULL, NULL, "Download Link Clicked",     "Download",             ITEMS_NONE},
    {"Complete Registration", NULL, NULL, NULL, "Signed Up",                 "CompleteRegistration", ITEMS_NONE},
    {"Joined",
     "{`name`:`Joined`,`subscribe`:`type = 'identify' and traits.order_completed_last_30days = true`,`mapping`:{"
     "`event`:`Subscribe`,`event_id`:{`@template`:`joined-{{messageId}}`},`timestamp`:{`@path`:`$.timestamp`},"
     "`email_addresses`:{`@path`:`$.traits.email`},`phone_numbers`:{`@path`:`$.traits.phone`},"
     "`limited_data_use`:{`@path`:`$.traits.opted_out`},"
     "`external_ids`:[{`@path`:`$.userId`},{`@path`:`$.anonymousId`}]}}",
     joined_fires, fill_joined, NULL, NULL, ITEMS_NONE},
    {"Left",
     "{`name`:`Left`,`subscribe`:`traits.order_completed_last_30days = false`,`mapping`:{"
     "`event`:`Contact`,`value`:0,`email_addresses`:{`@path`:`$.traits.email`},"
     "`event_id`:{`@path`:`$.messageId`}}}",
     left_fires, fill_left, NULL, NULL, ITEMS_NONE},
    {"Raw",
     "{`name`:`Raw`,`subscribe`:`event = 'Raw Sale' and properties.go != 'no' and !(properties.stop = true)`,"
     "`mapping`:{" RAW("event") "," RAW("event_id") "," RAW("timestamp") "," RAW("phone_numbers") ","
     RAW("email_addresses") "," RAW("external_ids") "," RAW("order_id") "," RAW("shop_id") "," RAW("ttclid") ","
     RAW("ttp") "," RAW("lead_id") "," RAW("locale") "," RAW("url") "," RAW("referrer") "," RAW("ip") ","
     RAW("user_agent") "," RAW("contents") "," RAW("content_type") "," RAW("currency") "," RAW("value") ","
     RAW("query") "," RAW("description") "," RAW("limited_data_use") "," RAW("test_event_code") "}}",
     raw_fires, fill_raw, NULL, NULL, ITEMS_NONE},
    {"Till",
     "{`name`:`Till`,`subscribe`:`match(event, 'Till *') and (properties.total >= 100 or properties.total = null "
     "or length(properties.note) != 2) and not (contains(properties.note, 'void'))`,`mapping`:{"
     "`event`:{`@literal`:`Purchase`},`event_id`:{`@path`:`$.messageId`},"
     "`timestamp`:{`@if`:{`exists`:{`@path`:`$.timestamp`},`then`:{`@path`:`$.timestamp`},`else`:{`@path`:`$.originalTimestamp`}}},"
     "`email_addresses`:{`@if`:{`blank`:{`@path`:`$.properties.email`},`then`:{`@path`:`$.properties.email`},"
     "`else`:{`@path`:`$.context.traits.email`}}},`phone_numbers`:{`@path`:`$.properties.phone`},"
     "`value`:{`@path`:`$.properties.total`},`limited_data_use`:true,`content_type`:`product_group`,"
     "`order_id`:{`@template`:`{{properties.store}}-{{properties.order_id}}`},"
     "`shop_id`:{`@template`:`{{properties.tags}}`},"
     "`lead_id`:{`@case`:{`operator`:`lower`,`value`:{`@path`:`$.properties.store`}}},"
     "`currency`:{`@case`:{`operator`:`upper`,`value`:{`@path`:`$.properties.currency`}}},"
     "`description`:{`@replace`:{`value`:{`@path`:`$.properties.note`},`pattern`:` `,`replacement`:`_`,`global`:true}},"
     "`query`:{`@json`:{`mode`:`encode`,`value`:{`@path`:`$.properties.tags`}}},"
     "`contents`:{`@arrayPath`:[`$.properties.products`,{`content_id`:{`@path`:`$.product_id`},`quantity`:{`@literal`:1},"
     "`price`:{`@if`:{`exists`:{`@path`:`$.sale_price`},`then`:{`@path`:`$.sale_price`},`else`:{`@path`:`$.price`}}}}]}}}",
     till_fires, fill_till, NULL, NULL, ITEMS_NONE},
    {"Fold",
     "{`name`:`Fold`,`subscribe`:`event = 'Fold' and !contains(properties.mode, 'skip') and "
     "typeof(properties.item) = 'object'`,`mapping`:{`event`:`AddToCart`,`event_id`:{`@path`:`$.messageId`},"
     "`timestamp`:{`@path`:`$.timestamp`},`email_addresses`:{`@excludeWhenNull`:{`@path`:`$.properties.email`}},"
     "`external_ids`:{`@path`:`$.userId`},`phone_numbers`:{`@path`:`$.properties.people.phone`},"
     "`shop_id`:{`@path`:`$.properties.shops[0]`},`lead_id`:{`@path`:`$.properties['till.id']`},"
     "`order_id`:{`@transform`:{`apply`:{`id`:{`@path`:`$.properties.order_id`}},`mapping`:{`@path`:`$.id`}}},"
     "`contents`:[{`@merge`:{`objects`:[{`price`:1,`brand`:`none`},{`@path`:`$.properties.item`}],`direction`:`right`}}],"
     "`query`:{`@json`:{`mode`:`encode`,`value`:{`@flatten`:{`value`:{`@path`:`$.properties.nest`},`separator`:`_`}}}}}}",
     fold_fires, fill_fold, NULL, NULL, ITEMS_NONE},
};
/* clang-format on */

/* Presets compare the name of the event, to the letter, and not the type; Page View the type. */
bool plain_fires(const struct plain_mapping *m, const cJSON *call)
{
    const cJSON *event = get(call, "event");
    const char *name = cJSON_IsString(event) ? event->valuestring : "";
    if (m->fires != NULL) return m->fires(call, name);
    if (m->event == NULL) return strcmp(get(call, "type")->valuestring, "page") == 0;
    return strcmp(name, m->event) == 0;
}

void plain_fields(const struct plain_mapping *m, const cJSON *call, cJSON *fields)
{
    if (m->fill != NULL) m->fill(fields, call);
    else fill_preset(m, fields, call);
}
