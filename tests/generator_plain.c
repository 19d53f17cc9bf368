/*
 * generator_plain.c: product.md section 4 from the fields of a mapping to TikTok's event, and from
 * a call to what becomes of it, told plainly. See generator.h.
 *
 * Where a call breaks several rules product.md does not say which one is named: so faults are a
 * set, and the agent may name any of it.
 */
#include "generator.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *const plain_field_names[PLAIN_FIELDS] = {
    "event",    "event_id", "timestamp", "phone_numbers", "email_addresses", "external_ids",
    "order_id", "shop_id",  "ttclid",    "ttp",           "lead_id",         "locale",
    "url",      "referrer", "ip",        "user_agent",    "contents",        "content_type",
    "currency", "value",    "query",     "description",
};

/* "the standard events TikTok lists for offline sets plus the legacy names". */
static const struct {
    const char *name, *current, *legacy;
} names[] = {
    {"Purchase", "Purchase", "CompletePayment"},
    {"CompletePayment", "Purchase", "CompletePayment"},
    {"Lead", "Lead", "SubmitForm"},
    {"SubmitForm", "Lead", "SubmitForm"},
    {"AddPaymentInfo", NULL, NULL},
    {"AddToCart", NULL, NULL},
    {"AddToWishlist", NULL, NULL},
    {"ApplicationApproval", NULL, NULL},
    {"ClickButton", NULL, NULL},
    {"CompleteRegistration", NULL, NULL},
    {"Contact", NULL, NULL},
    {"CustomizeProduct", NULL, NULL},
    {"Download", NULL, NULL},
    {"FindLocation", NULL, NULL},
    {"InitiateCheckout", NULL, NULL},
    {"PageView", NULL, NULL},
    {"PlaceAnOrder", NULL, NULL},
    {"Schedule", NULL, NULL},
    {"Search", NULL, NULL},
    {"StartTrial", NULL, NULL},
    {"SubmitApplication", NULL, NULL},
    {"Subscribe", NULL, NULL},
    {"ViewContent", NULL, NULL},
};

static const char listed_currencies[] =
    "AED ARS AUD BDT BHD BIF BOB BRL CAD CHF CLP CNY COP CRC CZK DKK DZD EGP EUR GBP GTQ HKD HNL "
    "HUF IDR ILS INR ISK JPY KES KHR KRW KWD KZT MAD MOP MXN MYR NGN NIO NOK NZD OMR PEN PHP PKR "
    "PLN PYG QAR RON RUB SAR SEK SGD THB TRY TWD UAH USD VES VND ZAR";

/* What is worked on. */
struct work {
    const cJSON *fields;
    const struct plain_world *world;
    struct plain_event *out;
};

static const cJSON *get(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static void drop(struct work *w, const char *field)
{
    for (size_t i = 0; i < PLAIN_FIELDS; i++) {
        if (strcmp(plain_field_names[i], field) == 0) w->out->dropped |= (uint32_t)1 << i;
    }
}

/* silent: a list is not blank here, though the mapping leaves blank lists out before. */
static bool is_blank(const cJSON *v)
{
    return !cJSON_IsArray(v) && plain_is_blank(v);
}

/* Texts ---------------------------------------------------------------------------------------- */

/* A text, or a number as text: false when it is neither, or has more than 15 digits. silent: or
 * cannot be written without an exponent. */
static bool as_text(const cJSON *v, char out[PLAIN_TEXT_BYTES])
{
    if (cJSON_IsString(v)) {
        (void)snprintf(out, PLAIN_TEXT_BYTES, "%s", v->valuestring);
        return true;
    }
    if (!cJSON_IsNumber(v) || isinf(v->valuedouble)) return false;
    (void)snprintf(out, PLAIN_TEXT_BYTES, "%.15g", v->valuedouble);
    return strtod(out, NULL) == v->valuedouble && strchr(out, 'e') == NULL;
}

static bool one_of(const char *name, const char *const *list)
{
    for (; *list != NULL; list++) {
        if (strcmp(name, *list) == 0) return true;
    }
    return false;
}

/* What a value that is stored in clear may not hold. false: it goes. silent: that this is so beyond
 * the ten fields that product.md names, but for cards in product ids. */
static bool may_stand_in_clear(struct work *w, const char *field, const char *text)
{
    static const char *const no_card[] = {
        "order_id", "shop_id", "event_id",     "description",      "query",           "url",
        "referrer", "brand",   "content_name", "content_category", "ttclid",          "ttp",
        "lead_id",  "locale",  "ip",           "user_agent",       "test_event_code", NULL};
    static const char *const no_email[] = {"event_id", "order_id", "shop_id", "test_event_code",
                                           NULL};
    const char *allowed = w->world->card_like;
    bool may_look_so = allowed != NULL && strcmp(allowed, field) == 0;
    if (one_of(field, no_card) && !may_look_so && plain_has_card(text))
        w->out->faults |= PLAIN_FAULT(CARD_NUMBER);
    if (one_of(field, no_email) && plain_has_email(text)) w->out->faults |= PLAIN_FAULT(BAD_FIELD);
    return one_of(field, no_email) || !plain_has_email(text);
}

/* The text of a field; "" when it is absent or goes. */
static void text_of(struct work *w, const cJSON *object, const char *key, const char *field,
                    char out[PLAIN_TEXT_BYTES])
{
    const cJSON *v = get(object, key);
    out[0] = '\0';
    if (is_blank(v)) return;
    if (!as_text(v, out)) {
        w->out->faults |= PLAIN_FAULT(BAD_FIELD);
    } else if (!may_stand_in_clear(w, key, out)) {
        drop(w, field);
        out[0] = '\0';
    }
}

static void add_text(struct work *w, cJSON *to, const char *key, const char *field)
{
    char text[PLAIN_TEXT_BYTES];
    text_of(w, w->fields, field, field, text);
    if (text[0] != '\0') cJSON_AddStringToObject(to, key, text);
}

/* People --------------------------------------------------------------------------------------- */

static bool hash(const struct work *w, const char *field, const cJSON *v,
                 char out[PLAIN_HASH_BYTES])
{
    char text[PLAIN_TEXT_BYTES];
    if (is_blank(v) || !as_text(v, text)) return false;
    if (strcmp(field, "email_addresses") == 0) return plain_email(text, out);
    if (strcmp(field, "phone_numbers") == 0) return plain_phone(text, w->world->calling_code, out);
    return plain_external_id(text, out);
}

static bool holds(const cJSON *list, const char *text)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        if (strcmp(item->valuestring, text) == 0) return true;
    }
    return false;
}

/* "an id given as a number of more than 15 digits is `bad_field`". */
static void add_person(struct work *w, cJSON *list, const char *field, const cJSON *v)
{
    char hex[PLAIN_HASH_BYTES], text[PLAIN_TEXT_BYTES];
    if (cJSON_IsNumber(v) && strcmp(field, "external_ids") == 0 && !as_text(v, text))
        w->out->faults |= PLAIN_FAULT(BAD_FIELD);
    if (hash(w, field, v, hex) && !holds(list, hex))
        cJSON_AddItemToArray(list, cJSON_CreateString(hex));
    else drop(w, field);
}

/* "Scalars or arrays; blank, invalid and repeated values go with a warning." Returns how many are
 * left. */
static int add_people(struct work *w, cJSON *user, const char *key, const char *field)
{
    const cJSON *v = get(w->fields, field), *item;
    cJSON *list = cJSON_CreateArray();
    if (v != NULL && !cJSON_IsNull(v) && !cJSON_IsArray(v)) add_person(w, list, field, v);
    if (cJSON_IsArray(v)) {
        cJSON_ArrayForEach(item, v)
        {
            add_person(w, list, field, item);
        }
    }
    int n = cJSON_GetArraySize(list);
    if (n > 0) cJSON_AddItemToObject(user, key, list);
    else cJSON_Delete(list);
    return n;
}

static void add_click_id(struct work *w, cJSON *user)
{
    char text[PLAIN_TEXT_BYTES];
    const cJSON *url = get(w->fields, "url");
    add_text(w, user, "ttclid", "ttclid");
    if (get(user, "ttclid") != NULL || !cJSON_IsString(url)) return;
    if (plain_url_parameter(url->valuestring, "ttclid", text) && !plain_has_email(text))
        cJSON_AddStringToObject(user, "ttclid", text);
}

static void add_user(struct work *w, cJSON *to)
{
    cJSON *user = cJSON_AddObjectToObject(to, "user");
    int contacts = add_people(w, user, "email", "email_addresses");
    contacts += add_people(w, user, "phone", "phone_numbers");
    int ids = add_people(w, user, "external_id", "external_ids");
    if (contacts == 0 && (ids == 0 || !w->world->external_id_alone))
        w->out->faults |= PLAIN_FAULT(MISSING_PII);
    add_click_id(w, user);
    add_text(w, user, "ttp", "ttp");
    add_text(w, user, "lead_id", "lead_id");
    add_text(w, user, "ip", "ip");
    add_text(w, user, "user_agent", "user_agent");
    add_text(w, user, "locale", "locale");
}

/* The sale ------------------------------------------------------------------------------------- */

static void add_number(struct work *w, cJSON *to, const char *key, const cJSON *v)
{
    double n = 0;
    if (is_blank(v)) return;
    if (plain_number(v, &n)) cJSON_AddNumberToObject(to, key, n);
    else w->out->faults |= PLAIN_FAULT(BAD_NUMBER);
}

static void add_item(struct work *w, cJSON *list, const cJSON *item)
{
    static const char *const texts[] = {"content_category", "content_id", "content_name", "brand"};
    char text[PLAIN_TEXT_BYTES];
    if (is_blank(item)) return;
    if (!cJSON_IsObject(item)) {
        w->out->faults |= PLAIN_FAULT(BAD_FIELD);
        return;
    }
    cJSON *kept = cJSON_CreateObject();
    add_number(w, kept, "price", get(item, "price"));
    add_number(w, kept, "quantity", get(item, "quantity"));
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        text_of(w, item, texts[i], "contents", text);
        if (text[0] != '\0') cJSON_AddStringToObject(kept, texts[i], text);
    }
    if (cJSON_GetArraySize(kept) > 0) cJSON_AddItemToArray(list, kept);
    else cJSON_Delete(kept);
}

static void add_contents(struct work *w, cJSON *properties)
{
    const cJSON *v = get(w->fields, "contents"), *item;
    if (is_blank(v)) return;
    cJSON *list = cJSON_CreateArray();
    if (!cJSON_IsArray(v)) add_item(w, list, v);
    else {
        cJSON_ArrayForEach(item, v)
        {
            add_item(w, list, item);
        }
    }
    if (cJSON_GetArraySize(list) > 0) cJSON_AddItemToObject(properties, "contents", list);
    else cJSON_Delete(list);
}

/* "upper-cased, three letters; one that TikTok does not list is a warning." */
static void add_currency(struct work *w, cJSON *properties)
{
    const cJSON *v = get(w->fields, "currency");
    char trimmed[PLAIN_TEXT_BYTES] = "";
    const char *text = trimmed;
    if (cJSON_IsString(v)) plain_trim(v->valuestring, trimmed); /* silent */
    char code[4] = "";
    if (is_blank(v)) {
        if (w->world->currency == NULL) return;
        text = w->world->currency;
    }
    bool three = strlen(text) == 3;
    for (size_t i = 0; i < 3 && three; i++) {
        three = isalpha((unsigned char)text[i]);
        code[i] = (char)toupper((unsigned char)text[i]);
    }
    if (!three) {
        w->out->faults |= PLAIN_FAULT(BAD_CURRENCY);
        return;
    }
    if (strstr(listed_currencies, code) == NULL) drop(w, "currency");
    cJSON_AddStringToObject(properties, "currency", code);
}

static void add_content_type(struct work *w, cJSON *properties)
{
    const cJSON *v = get(w->fields, "content_type");
    if (is_blank(v)) return;
    const char *text = cJSON_IsString(v) ? v->valuestring : "";
    if (strcmp(text, "product") == 0 || strcmp(text, "product_group") == 0)
        cJSON_AddStringToObject(properties, "content_type", text);
    else w->out->faults |= PLAIN_FAULT(BAD_CONTENT_TYPE);
}

static void add_properties(struct work *w, cJSON *to, const char *event)
{
    struct plain_event *out = w->out;
    cJSON *properties = cJSON_AddObjectToObject(to, "properties");
    add_contents(w, properties);
    add_content_type(w, properties);
    add_currency(w, properties);
    add_number(w, properties, "value", get(w->fields, "value"));
    add_text(w, properties, "description", "description");
    add_text(w, properties, "query", "query");
    const cJSON *query = get(properties, "query");
    if (query != NULL && strcmp(event, "Search") == 0)
        cJSON_AddStringToObject(properties, "search_string", query->valuestring);
    text_of(w, w->fields, "order_id", "order_id", out->order);
    text_of(w, w->fields, "shop_id", "shop_id", out->shop);
    if (is_blank(get(w->fields, "shop_id")) && w->world->shop_id != NULL)
        (void)snprintf(out->shop, sizeof out->shop, "%s", w->world->shop_id);
    if (out->order[0] != '\0') cJSON_AddStringToObject(properties, "order_id", out->order);
    if (out->shop[0] != '\0') cJSON_AddStringToObject(properties, "shop_id", out->shop);
}

static void add_page(struct work *w, cJSON *to)
{
    cJSON *page = cJSON_AddObjectToObject(to, "page");
    add_text(w, page, "url", "url");
    add_text(w, page, "referrer", "referrer");
}

/* true, "true", 1 and their opposites. */
static void add_limited_data_use(struct work *w, cJSON *to)
{
    const cJSON *v = get(w->fields, "limited_data_use");
    const char *text = cJSON_IsString(v) ? v->valuestring : "";
    bool yes =
        cJSON_IsTrue(v) || strcmp(text, "true") == 0 || (cJSON_IsNumber(v) && v->valuedouble == 1);
    bool no = is_blank(v) || cJSON_IsFalse(v) || strcmp(text, "false") == 0 ||
              (cJSON_IsNumber(v) && v->valuedouble == 0);
    if (!yes && !no) w->out->faults |= PLAIN_FAULT(BAD_FIELD);
    cJSON_AddBoolToObject(to, "limited_data_use", yes);
}

/* The event itself ----------------------------------------------------------------------------- */

static const char *name_of(struct work *w)
{
    const cJSON *v = get(w->fields, "event");
    if (is_blank(v)) {
        w->out->faults |= PLAIN_FAULT(MISSING_EVENT);
        return "";
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0] && cJSON_IsString(v); i++) {
        if (strcmp(v->valuestring, names[i].name) != 0) continue;
        if (names[i].current == NULL) return names[i].name;
        return w->world->legacy_names ? names[i].legacy : names[i].current;
    }
    w->out->faults |= PLAIN_FAULT(BAD_EVENT_NAME);
    return "";
}

static void judge_time(struct work *w, int64_t ms)
{
    w->out->unjudged = w->world->implausible;
    if (w->out->unjudged) return;
    if (w->world->now_ms - ms > w->world->age_max_ms) w->out->faults |= PLAIN_FAULT(TOO_OLD);
    if (ms - w->world->now_ms > 10 * 60 * 1000) w->out->faults |= PLAIN_FAULT(IN_FUTURE);
}

/* "With `sentAt`, the sender's skew is corrected as Segment does, if it is over 10 s and our clock
 * not implausible." */
static int64_t correct_skew(const struct work *w, const cJSON *sent_at, int64_t ms)
{
    int64_t sent_ms = 0;
    if (w->world->implausible || !plain_time(sent_at, w->world->zone_s, &sent_ms)) return ms;
    int64_t skew = w->world->now_ms - sent_ms;
    return llabs(skew) > 10 * 1000 ? ms + skew : ms;
}

static int64_t time_of(struct work *w, const cJSON *sent_at)
{
    const cJSON *v = get(w->fields, "timestamp");
    int64_t ms = w->world->now_ms;
    w->out->stamped = is_blank(v);
    w->out->unjudged = w->world->implausible;
    if (w->out->stamped) return ms;
    if (!plain_time(v, w->world->zone_s, &ms)) {
        w->out->faults |= PLAIN_FAULT(BAD_TIMESTAMP);
        return 0;
    }
    if (cJSON_IsString(v)) plain_trim(v->valuestring, w->out->stamp);
    else (void)as_text(v, w->out->stamp);
    ms = correct_skew(w, sent_at, ms);
    judge_time(w, ms);
    return ms;
}

static void leave_out_empty(cJSON *sends, const char *key)
{
    if (cJSON_GetArraySize(get(sends, key)) == 0) cJSON_DeleteItemFromObject(sends, key);
}

void plain_build(const cJSON *fields, const cJSON *call, const struct plain_world *w,
                 struct plain_event *out)
{
    struct work work = {.fields = fields, .world = w, .out = out};
    cJSON *sends = out->sends = cJSON_CreateObject();
    const char *event = name_of(&work);
    cJSON_AddStringToObject(sends, "event", event);
    int64_t ms = time_of(&work, get(call, "sentAt"));
    cJSON_AddNumberToObject(sends, "event_time", (double)((ms - (ms % 1000 + 1000) % 1000) / 1000));
    text_of(&work, fields, "event_id", "event_id", out->id);
    text_of(&work, fields, "test_event_code", "test_event_code", out->test_code);
    add_user(&work, sends);
    add_properties(&work, sends, event);
    add_page(&work, sends);
    add_limited_data_use(&work, sends);
    leave_out_empty(sends, "properties");
    leave_out_empty(sends, "page");
    leave_out_empty(sends, "user");
}

/* The call ------------------------------------------------------------------------------------- */

static bool is_our_name(const char *name)
{
    return strcasecmp(name, "TikTok Offline Conversions") == 0 ||
           strcasecmp(name, "Tiktok Offline Conversions (Actions)") == 0;
}

/* "`false`, or `All: false` without one of them". */
static bool opted_out(const cJSON *call)
{
    const cJSON *integrations = get(call, "integrations"), *v;
    bool named = false, all_off = false;
    cJSON_ArrayForEach(v, integrations)
    {
        if (v->string == NULL) continue;
        if (is_our_name(v->string) && cJSON_IsFalse(v)) return true;
        if (is_our_name(v->string)) named = true;
        if (strcasecmp(v->string, "All") == 0 && cJSON_IsFalse(v)) all_off = true;
    }
    return all_off && !named;
}

static void judge_call(const cJSON *call, const struct plain_world *w, struct plain_outcome *out)
{
    const cJSON *event = get(call, "event");
    bool track = strcmp(get(call, "type")->valuestring, "track") == 0;
    if (plain_is_blank(event)) {
        if (track) out->faults |= PLAIN_FAULT(MISSING_EVENT);
    } else if (!cJSON_IsString(event)) {
        out->faults |= PLAIN_FAULT(BAD_FIELD);
    }
    if (out->faults != 0) return;
    if (opted_out(call)) out->ignored = "integrations";
    else if (w->consent != NULL && !cJSON_IsTrue(plain_at(call, w->consent)))
        out->ignored = "consent";
}

/* For events whose mapping does not read it: by the rules of those that do. */
static void read_message_id(const cJSON *call, const struct plain_world *w,
                            struct plain_outcome *out)
{
    struct plain_event event = {.mapping = ""};
    struct work work = {.world = w, .out = &event};
    cJSON *fields = cJSON_CreateObject();
    if (!plain_is_blank(get(call, "messageId")))
        cJSON_AddItemToObject(fields, "event_id", cJSON_Duplicate(get(call, "messageId"), true));
    text_of(&work, fields, "event_id", "event_id", out->message_id);
    out->message_faults = event.faults;
    cJSON_Delete(fields);
}

/* "`timestamp`, else `originalTimestamp`", for every mapping that asks for the former. */
static cJSON *with_timestamp(const cJSON *call)
{
    cJSON *copy = cJSON_Duplicate(call, true);
    const cJSON *original = get(call, "originalTimestamp");
    if (!plain_is_blank(get(call, "timestamp")) || plain_is_blank(original)) return copy;
    cJSON_DeleteItemFromObjectCaseSensitive(copy, "timestamp");
    cJSON_AddItemToObject(copy, "timestamp", cJSON_Duplicate(original, true));
    return copy;
}

static void build_events(const cJSON *call, const struct plain_world *w, struct plain_outcome *out)
{
    for (size_t i = 0; i < PLAIN_MAPPINGS; i++) {
        const struct plain_mapping *m = &plain_mappings[i];
        if (!plain_fires(m, call)) continue;
        struct plain_event *event = &out->events[out->matched++];
        cJSON *fields = cJSON_CreateObject();
        memset(event, 0, sizeof *event);
        event->mapping = m->name;
        plain_fields(m, call, fields);
        plain_build(fields, call, w, event);
        cJSON_Delete(fields);
    }
}

void plain_call(const cJSON *call, const struct plain_world *w, struct plain_outcome *out)
{
    out->ignored = NULL;
    out->faults = 0;
    out->matched = 0;
    judge_call(call, w, out);
    read_message_id(call, w, out);
    cJSON *filled = with_timestamp(call);
    build_events(filled, w, out);
    cJSON_Delete(filled);
    if (out->matched == 0 && out->faults == 0 && out->ignored == NULL) out->ignored = "no_mapping";
}

void plain_free(struct plain_outcome *o)
{
    for (size_t i = 0; i < o->matched; i++) cJSON_Delete(o->events[i].sends);
}
