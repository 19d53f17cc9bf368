/*
 * json_keys.c: has an object two keys that are the same?
 *
 * The keys of all objects that are open lie on one stack, as offsets into the text and hashes; when
 * an object closes, its keys are sorted and neighbours compared. That is O(n log n) whatever the
 * keys are: equal hashes, which a hostile sender can make, cost no more than comparing the text.
 * Keys are compared with their escapes resolved: "a" and "\u0061" are one key.
 *
 * What always holds: the only memory is the stack, at most 16 bytes for every 6 of the text (the
 * shortest member that differs from another is `"a":1,`); it is wiped before it is freed.
 */
#include "base/json_text.h"

#include <stdlib.h>
#include <string.h>

enum { FEW_KEYS_COUNT = 16 }; /* so many are compared each with each */

void json_keys_init(struct json_keys *k, struct str text)
{
    k->text = text;
    k->list = k->first;
    k->len = 0;
    k->cap = JSON_KEYS_FIRST_COUNT;
}

void json_keys_free(struct json_keys *k)
{
    if (k->list == k->first) return;
    wipe(k->list, k->cap * sizeof *k->list);
    free(k->list);
}

static bool grow(struct json_keys *k)
{
    struct json_keys_entry *list = malloc(2 * k->cap * sizeof *list);
    if (list == NULL) return false;
    memcpy(list, k->list, k->len * sizeof *list);
    json_keys_free(k);
    k->list = list;
    k->cap *= 2;
    return true;
}

static struct json_unescape content_of(const struct json_keys *k, const struct json_keys_entry *key)
{
    return (struct json_unescape){.p = k->text.p + key->offset, .end = k->text.p + k->text.len};
}

/* FNV-1a of the content. */
static uint32_t hash_of(const struct json_keys *k, const struct json_keys_entry *key, bool escaped)
{
    enum { FNV_PRIME = 16777619 };
    uint32_t hash = 2166136261u;
    if (!escaped) {
        for (const char *p = k->text.p + key->offset; *p != '"'; p++) {
            hash = (hash ^ (unsigned char)*p) * FNV_PRIME;
        }
        return hash;
    }
    struct json_unescape content = content_of(k, key);
    for (int ch = json_unescape_next(&content); ch >= 0; ch = json_unescape_next(&content)) {
        hash = (hash ^ (unsigned)ch) * FNV_PRIME;
    }
    return hash;
}

bool json_keys_push(struct json_keys *k, size_t offset, bool escaped)
{
    if (k->len == k->cap && !grow(k)) return false;
    struct json_keys_entry *key = &k->list[k->len++];
    key->offset = (uint32_t)offset;
    key->hash = hash_of(k, key, escaped);
    return true;
}

/* < 0, 0, > 0 in an order that has equal keys side by side. */
static int compare(const struct json_keys *k, const struct json_keys_entry *a,
                   const struct json_keys_entry *b)
{
    if (a->hash != b->hash) return a->hash < b->hash ? -1 : 1;
    struct json_unescape left = content_of(k, a), right = content_of(k, b);
    int x, y;
    do {
        x = json_unescape_next(&left);
        y = json_unescape_next(&right);
    } while (x == y && x >= 0);
    return x - y;
}

static void swap(struct json_keys_entry *a, struct json_keys_entry *b)
{
    struct json_keys_entry key = *a;
    *a = *b;
    *b = key;
}

static void sift_down(const struct json_keys *k, struct json_keys_entry *list, size_t root,
                      size_t n)
{
    for (size_t child = 2 * root + 1; child < n; child = 2 * root + 1) {
        if (child + 1 < n && compare(k, &list[child], &list[child + 1]) < 0) child++;
        if (compare(k, &list[root], &list[child]) >= 0) return;
        swap(&list[root], &list[child]);
        root = child;
    }
}

/* Heapsort: in place, without recursion, and no input makes it slow. */
static void sort(const struct json_keys *k, struct json_keys_entry *list, size_t n)
{
    for (size_t root = n / 2; root > 0; root--) {
        sift_down(k, list, root - 1, n);
    }
    for (size_t last = n; last > 1; last--) {
        swap(&list[0], &list[last - 1]);
        sift_down(k, list, 0, last - 1);
    }
}

/* In a sorted list: the first key, as the text goes, that stands there again. */
static size_t repeated_of_many(const struct json_keys *k, const struct json_keys_entry *list,
                               size_t n)
{
    size_t first = JSON_KEYS_DIFFER;
    for (size_t i = 1; i < n; i++) {
        if (compare(k, &list[i - 1], &list[i]) != 0) continue;
        size_t a = list[i - 1].offset, b = list[i].offset;
        size_t later = a > b ? a : b;
        if (later < first) first = later;
    }
    return first;
}

/* The same for the few keys of an ordinary object, which no sorting makes quicker. */
static size_t repeated_of_few(const struct json_keys *k, const struct json_keys_entry *list,
                              size_t n)
{
    for (size_t i = 1; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            if (list[i].hash != list[j].hash) continue;
            if (compare(k, &list[i], &list[j]) == 0) return list[i].offset;
        }
    }
    return JSON_KEYS_DIFFER;
}

size_t json_keys_close(struct json_keys *k, size_t first)
{
    struct json_keys_entry *list = k->list + first;
    size_t n = k->len - first;
    k->len = first;
    if (n <= FEW_KEYS_COUNT) return repeated_of_few(k, list, n);
    sort(k, list, n);
    return repeated_of_many(k, list, n);
}
