/*
 * plain.c: people's e-mails and phones, handed in by the thousand, and a search for what is left.
 *
 *   plain flood SOCKET PID COUNT COUNT requests, fuzzed from the seed TILLPOST_SEED or 1; exit 1
 *                                when the memory of the process held one of them once answered
 *   plain scan FILE…             exit 1 when a file holds one of them in clear
 *   plain memory PID             the same for a process
 *   plain private SOCKET PID     exit 1 when what the process holds of a request under way is not in
 *                                memory that is locked and in no core dump
 *   plain key KEY_FILE FILE…     exit 1 when a file holds the queue key, as hexadecimal or as bytes
 *   plain hashes COUNT FILE…     exit 1 when a file holds the hash of one of the first COUNT e-mails
 *
 * All e-mails and all phones have a stem in common, which nothing else on a machine has; the search
 * is for the stems, in any case, and for the phones' with separators between the digits. Where a
 * person's data is sent, it is where a mapping hashes it, where the contract refuses it or drops
 * it, or where nothing reads it; whole calls, broken ones, batches, gzip'd ones, and ones that are
 * cut off.
 */
#include "till.h"

#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <mbedtls/sha256.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#define LOCAL_STEM  "kxqzvwjh"
#define DOMAIN_STEM "qzjxkfwv"
#define PHONE_STEM  "15730896" /* no digit twice: a mismatch begins anew at the digit at hand */
enum {
    BODY_BYTES = 96 * 1024,
    BLOCK_BYTES = 1024 * 1024,
    OVERLAP_BYTES = 256,
    CALL_MS = 20 * 1000,
    KEY_BYTES = 32,
    SEPARATORS_MAX = 3,
    SETTLE_MS = 300,
    LOOKS = 100, /* into the memory, beside the last */
    EXIT_WRONG_USE = 64
};

static uint64_t seed;
static unsigned flood_number; /* so that each flood has ids of its own */

static unsigned roll(unsigned n)
{
    uint64_t z = (seed += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (unsigned)((z ^ (z >> 31)) % n);
}

/* The flood ----------------------------------------------------------------------------------- */

struct person {
    char email[128], phone[64];
};

static void make_person(long n, struct person *p)
{
    static const char *const emails[] = {
        LOCAL_STEM "%ld@" DOMAIN_STEM ".example",
        " KXQZVWJH%ld@" DOMAIN_STEM ".Example ",
        LOCAL_STEM ".%ld+shop@mail." DOMAIN_STEM ".example",
        LOCAL_STEM "%ld\\u0040" DOMAIN_STEM ".example",
        LOCAL_STEM "%ld@@" DOMAIN_STEM,
        "\\u006bxqzvwjh%ld@" DOMAIN_STEM ".example",
    };
    static const char *const phones[] = {
        "+49" PHONE_STEM "%05ld",       "0049 1573 0896 %05ld",  "+49 (0) 1573-0896-%05ld",
        "(+49) 1573.0896.%05ld ext. 5", "49" PHONE_STEM "%05ld", "+49" PHONE_STEM "%05ld12345678",
    };
    /* The first of the forms is what `plain hashes` looks for. */
    unsigned form = n % 2 == 0 ? 0 : roll(6);
    (void)snprintf(p->email, sizeof p->email, emails[form], n);
    (void)snprintf(p->phone, sizeof p->phone, phones[roll(6)], n % 100000);
}

/* %1 the e-mail, %2 the phone, %3 a number: calls as registers and SDKs make them, good and bad. */
static const char *const calls[] = {
    "{\"type\":\"track\",\"event\":\"Order Completed\",\"messageId\":\"f-%3\",\"properties\":"
    "{\"email\":\"%1\",\"phone\":\"%2\",\"value\":9.5,\"currency\":\"EUR\"}}",
    "{\"type\":\"track\",\"event\":\"Order Completed\",\"messageId\":\"f-%3\",\"properties\":"
    "{\"email\":[\"%1\",\"second.%1\"],\"phone\":[\"%2\"],\"value\":\"12,5\"}}",
    "{\"type\":\"track\",\"event\":\"Order Completed\",\"messageId\":\"f-%3\",\"context\":{\"traits\":"
    "{\"email\":\"%1\",\"phone\":\"%2\"}},\"properties\":{\"value\":1}}",
    "{\"type\":\"identify\",\"userId\":\"%1\",\"messageId\":\"f-%3\",\"traits\":{\"email\":\"%1\","
    "\"phone\":\"%2\"}}",
    "{\"type\":\"track\",\"event\":\"Order Completed\",\"messageId\":\"%1\",\"properties\":"
    "{\"email\":\"%1\",\"value\":1}}",
    "{\"type\":\"track\",\"event\":\"Order Completed\",\"properties\":{\"email\":\"%1\",\"order_id\":"
    "\"%1\",\"shop_id\":\"%1\",\"value\":1}}",
    "{\"type\":\"track\",\"event\":\"Order Completed\",\"messageId\":\"f-%3\",\"properties\":"
    "{\"email\":\"%1\",\"url\":\"https://shop.example/?mail=%1\",\"value\":1},\"context\":{\"page\":"
    "{\"url\":\"https://shop.example/%1\",\"referrer\":\"https://%1/\"}}}",
    "{\"type\":\"track\",\"event\":\"Products Searched\",\"messageId\":\"f-%3\",\"properties\":"
    "{\"email\":\"%1\",\"query\":\"%1\"}}",
    "{\"type\":\"track\",\"event\":\"%1\",\"messageId\":\"f-%3\",\"properties\":{\"email\":\"%1\"}}",
    "{\"type\":\"track\",\"event\":\"Order Completed\",\"messageId\":\"f-%3\",\"properties\":"
    "{\"email\":{\"%1\":\"%2\"},\"note\":\"%1 %2\",\"%1\":\"%2\"}}",
    "{\"type\":\"track\",\"event\":\"Order Completed\",\"messageId\":\"f-%3\",\"timestamp\":\"%1\","
    "\"properties\":{\"email\":\"%1\",\"value\":\"%2\",\"currency\":\"%1\"}}",
    "{\"type\":\"track\",\"event\":\"Order Completed\",\"email\":\"%1\",\"email\":\"%1\"}",
    "{\"type\":\"track\" \"%1\" \"%2\"}",
    "[\"%1\",\"%2\"]",
    "{\"type\":\"page\",\"name\":\"%1\",\"messageId\":\"f-%3\",\"properties\":{\"phone\":\"%2\"}}",
    "{\"type\":\"%1\",\"event\":\"%2\",\"properties\":{\"email\":\"%1\"}}",
};
enum { CALLS = sizeof calls / sizeof calls[0] };

static size_t write_call(const char *form, long n, char *out, size_t bytes)
{
    struct person p;
    size_t len = 0;
    make_person(n, &p);
    for (const char *c = form; *c && len + sizeof p < bytes; c++) {
        const char *more = NULL;
        char number[24];
        (void)snprintf(number, sizeof number, "%ld-%u", n, flood_number);
        if (*c == '%') more = c[1] == '1' ? p.email : c[1] == '2' ? p.phone : number;
        if (more) len += (size_t)snprintf(out + len, bytes - len, "%s", more);
        if (more) c++;
        else out[len++] = *c;
    }
    out[len] = '\0';
    return len;
}

static size_t write_batch(long n, char *out, size_t bytes)
{
    size_t len = (size_t)snprintf(out, bytes, "{\"batch\":[");
    for (unsigned i = 1 + roll(6); i > 0; i--) {
        len += write_call(calls[roll(CALLS)], n, out + len, bytes - len);
        out[len++] = i > 1 ? ',' : ']';
    }
    out[len++] = '}';
    out[len] = '\0';
    return len;
}

static size_t squeeze(const char *text, size_t len, char *out, size_t bytes)
{
    z_stream z = {0};
    enum { GZIP = 15 + 16 };
    if (deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, GZIP, 8, Z_DEFAULT_STRATEGY) != Z_OK) abort();
    z.next_in = (unsigned char *)(uintptr_t)text;
    z.avail_in = (unsigned)len;
    z.next_out = (unsigned char *)out;
    z.avail_out = (unsigned)bytes;
    (void)deflate(&z, Z_FINISH);
    (void)deflateEnd(&z);
    return bytes - z.avail_out;
}

static void spoil(char *body, size_t *len)
{
    switch (roll(3)) {
    case 0: *len = 1 + roll((unsigned)*len); break;
    case 1: body[roll((unsigned)*len)] = (char)roll(256); break;
    default:
        memset(body + *len, ' ', 40000);
        *len += 40000;
        break;
    }
}

/* Sends a request with a body of bytes; part of it only, and hangs up, when `whole` is false. */
static bool send_request(struct till *t, const char *path, const char *more, const char *body,
                         size_t len, bool whole)
{
    static struct till_answer answer;
    char head[512];
    if (t->fd < 0 && !till_ask(t, "GET", "/healthz", "", CALL_MS, &answer)) return false;
    int n = snprintf(head, sizeof head,
                     "POST %s HTTP/1.1\r\nHost: till\r\nContent-Type: application/json\r\n%s"
                     "Content-Length: %zu\r\n\r\n",
                     path, more, len);
    if (send(t->fd, head, (size_t)n, MSG_NOSIGNAL) < 0) return false;
    for (size_t at = 0, most = whole ? len : len / 2; at < most;) {
        ssize_t sent = send(t->fd, body + at, most - at, MSG_NOSIGNAL);
        if (sent <= 0) break; /* refused before its end */
        at += (size_t)sent;
    }
    if (!whole) till_hang_up(t);
    return !whole || till_read(t, CALL_MS, &answer);
}

static bool one_request(struct till *t, long n)
{
    static char body[BODY_BYTES], packed[BODY_BYTES];
    static const char *const paths[] = {"/v1/track", "/v1/track", "/v1/batch", "/v1/identify"};
    unsigned which = roll(4);
    size_t len = which == 2 ? write_batch(n, body, BODY_BYTES / 2)
                            : write_call(calls[roll(CALLS)], n, body, BODY_BYTES / 2);
    if (roll(8) == 0) spoil(body, &len);
    if (roll(200) == 0) till_hang_up(t);
    if (roll(10) == 0) {
        len = squeeze(body, len, packed, sizeof packed);
        return send_request(t, paths[which], "Content-Encoding: gzip\r\n", packed, len, true);
    }
    if (roll(40) == 0) return send_request(t, paths[which], "", body, len, false);
    return send_request(t, paths[which], "", body, len, true);
}

/* The search ---------------------------------------------------------------------------------- */

static bool is_separator(char c)
{
    return c != '\0' && strchr(" -./()", c) != NULL;
}

static bool has_phone(const char *p, size_t len)
{
    unsigned at = 0, gap = 0;
    for (size_t i = 0; i < len; i++) {
        if (p[i] == PHONE_STEM[at]) {
            gap = 0;
            if (PHONE_STEM[++at] == '\0') return true;
        } else if (at > 0 && is_separator(p[i]) && ++gap <= SEPARATORS_MAX) {
            continue;
        } else {
            at = p[i] == PHONE_STEM[0];
            gap = 0;
        }
    }
    return false;
}

static bool has_word(const char *p, size_t len, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= len; i++) {
        size_t k = 0;
        while (k < n && tolower((unsigned char)p[i + k]) == word[k]) k++;
        if (k == n) return true;
    }
    return false;
}

/* What of a person is in these bytes, or NULL. */
static const char *plain_in(const char *p, size_t len)
{
    if (has_word(p, len, LOCAL_STEM)) return "an e-mail address";
    if (has_word(p, len, DOMAIN_STEM)) return "the end of an e-mail address";
    return has_phone(p, len) ? "a phone number" : NULL;
}

typedef const char *(*search)(const char *p, size_t len);

static long search_file(const char *path, search in)
{
    static char block[OVERLAP_BYTES + BLOCK_BYTES];
    size_t kept = 0;
    long hits = 0, at = 0;
    FILE *f = fopen(path, "re");
    if (!f) {
        perror(path);
        return 1;
    }
    for (size_t n; (n = fread(block + kept, 1, BLOCK_BYTES, f)) > 0; at += (long)n) {
        const char *what = in(block, kept + n);
        if (what) printf("%s holds %s near byte %ld\n", path, what, at);
        hits += what != NULL;
        size_t keep = kept + n < OVERLAP_BYTES ? kept + n : OVERLAP_BYTES;
        memmove(block, block + kept + n - keep, keep);
        kept = keep;
    }
    fclose(f);
    return hits;
}

static int search_files(char **files, search in)
{
    long hits = 0, count = 0;
    for (; files[count]; count++) hits += search_file(files[count], in);
    printf("%ld files, %ld hits\n", count, hits);
    return hits > 0;
}

static int scan(char **args)
{
    return search_files(args, plain_in);
}

static void show_around(const char *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!plain_in(p + i, len - i < 40 ? len - i : 40)) continue;
        size_t from = i > 60 ? i - 60 : 0, to = i + 100 < len ? i + 100 : len;
        for (size_t k = from; k < to; k++) putchar(isprint((unsigned char)p[k]) ? p[k] : '.');
        putchar('\n');
        return;
    }
}

static long search_region(int mem, uint64_t from, uint64_t to, const char *name)
{
    static char block[BLOCK_BYTES];
    long hits = 0;
    for (uint64_t at = from; at < to; at += BLOCK_BYTES - OVERLAP_BYTES) {
        size_t want = to - at < BLOCK_BYTES ? (size_t)(to - at) : BLOCK_BYTES;
        ssize_t n = pread(mem, block, want, (off_t)at);
        const char *what = n > 0 ? plain_in(block, (size_t)n) : NULL;
        if (!what) continue;
        printf("memory at %" PRIx64 " (%s) holds %s: ", at, *name ? name : "no name", what);
        show_around(block, (size_t)n);
        hits++;
    }
    return hits;
}

static int memory(char **args)
{
    char path[64], line[512], mode[8];
    long hits = 0, regions = 0;
    (void)snprintf(path, sizeof path, "/proc/%s/mem", args[0]);
    int mem = open(path, O_RDONLY | O_CLOEXEC);
    (void)snprintf(path, sizeof path, "/proc/%s/maps", args[0]);
    FILE *maps = fopen(path, "re");
    if (mem < 0 || !maps) {
        perror(path);
        return EXIT_WRONG_USE;
    }
    while (fgets(line, sizeof line, maps)) {
        char *p = line;
        uint64_t from = strtoull(p, &p, 16), to = strtoull(p + 1, &p, 16);
        (void)snprintf(mode, sizeof mode, "%.4s", p + 1);
        char *name = strchr(line, '/') ? strchr(line, '/') : strchr(line, '[');
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(mode, "rw", 2) != 0) continue; /* the others are as they were in their files */
        regions++;
        hits += search_region(mem, from, to, name ? name : "");
    }
    fclose(maps);
    close(mem);
    if (hits > 0) printf("%ld regions of memory, %ld hits\n", regions, hits);
    return hits > 0;
}

/* A request whose body stays away: half of it is in the process. */
static bool begin_request(struct till *t)
{
    static struct till_answer answer;
    char text[512], body[256];
    int len = snprintf(body, sizeof body,
                       "{\"type\":\"track\",\"properties\":{\"email\":\"%s1@%s.example\"",
                       LOCAL_STEM, DOMAIN_STEM);
    int n = snprintf(text, sizeof text,
                     "POST /v1/track HTTP/1.1\r\nHost: till\r\nContent-Type: application/json\r\n"
                     "Content-Length: %d\r\n\r\n%s",
                     len + 1000, body);
    return till_ask(t, "GET", "/healthz", "", CALL_MS, &answer) &&
           write(t->fd, text, (size_t)n) == n;
}

/* Hits in mappings that are private as they should be, and in others. */
static void look_at_flags(int mem, FILE *smaps, long *good, long *bad)
{
    char line[512];
    uint64_t from = 0, to = 0, a, b;
    while (fgets(line, sizeof line, smaps)) {
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &a, &b) == 2) {
            from = a;
            to = b;
        }
        if (strncmp(line, "VmFlags: rd", 11) != 0) continue;
        long hits = search_region(mem, from, to, line);
        bool kept = strstr(line, " dd ") && strstr(line, " lo ");
        *(kept ? good : bad) += hits;
    }
}

static int private_pages(char **args)
{
    char path[64];
    struct till t = {.socket = args[0], .fd = -1};
    long good = 0, bad = 0;
    if (!begin_request(&t)) return EXIT_WRONG_USE;
    (void)snprintf(path, sizeof path, "/proc/%s/mem", args[1]);
    int mem = open(path, O_RDONLY | O_CLOEXEC);
    for (int look = 0; mem >= 0 && look < LOOKS && good + bad == 0; look++) {
        nanosleep(&(struct timespec){.tv_nsec = SETTLE_MS * 100000L}, NULL);
        (void)snprintf(path, sizeof path, "/proc/%s/smaps", args[1]);
        FILE *smaps = fopen(path, "re");
        if (!smaps) break;
        look_at_flags(mem, smaps, &good, &bad);
        fclose(smaps);
    }
    till_hang_up(&t);
    printf("%ld places in private memory, %ld elsewhere\n", good, bad);
    return good == 0 || bad > 0;
}

/* A request that was cut off is wiped as soon as the agent sees that it was. */
static bool stays(char **pid)
{
    if (!memory(pid)) return false;
    nanosleep(&(struct timespec){.tv_nsec = SETTLE_MS * 1000000L}, NULL);
    return memory(pid);
}

/* The flood, looked at while its connection is open and everything has been answered. */
static int flood(char **args)
{
    struct till t = {.socket = args[0], .fd = -1};
    const char *text = getenv("TILLPOST_SEED");
    long count = strtol(args[2], NULL, 10), unanswered = 0;
    int found = 0;
    seed = text ? strtoull(text, NULL, 10) : 1;
    flood_number = roll(UINT32_MAX);
    for (long n = 0; n < count && !found; n++) {
        bool answered = one_request(&t, n);
        if (!answered) unanswered++;
        if (n % (count / LOOKS + 1) == 0) found = stays(args + 1);
    }
    found = found || stays(args + 1);
    till_hang_up(&t);
    printf("%ld requests, %ld without an answer\n", count, unanswered);
    return found || unanswered * 20 > count;
}

/* Keys and hashes ----------------------------------------------------------------------------- */

static char key_text[KEY_BYTES * 2], key_bytes[KEY_BYTES];

static const char *key_in(const char *p, size_t len)
{
    if (memmem(p, len, key_text, sizeof key_text)) return "the key in hexadecimal";
    return memmem(p, len, key_bytes, sizeof key_bytes) ? "the key" : NULL;
}

static int look_for_key(char **args)
{
    FILE *f = fopen(args[0], "re");
    bool read = f && fread(key_text, 1, sizeof key_text, f) == sizeof key_text;
    if (f) fclose(f);
    if (!read) {
        fprintf(stderr, "%s: no key\n", args[0]);
        return EXIT_WRONG_USE;
    }
    for (size_t i = 0; i < KEY_BYTES; i++) {
        const char digits[] = {key_text[2 * i], key_text[2 * i + 1], '\0'};
        key_bytes[i] = (char)strtoul(digits, NULL, 16);
    }
    return search_files(args + 1, key_in);
}

static char (*hashes)[65];
static long hash_count;

static int by_text(const void *a, const void *b)
{
    return memcmp(a, b, 64);
}

/* 64 hexadecimal digits in a row, and one of ours. */
static const char *hash_in(const char *p, size_t len)
{
    size_t run = 0;
    for (size_t i = 0; i < len; i++) {
        bool digit = (p[i] >= '0' && p[i] <= '9') || (p[i] >= 'a' && p[i] <= 'f');
        run = digit ? run + 1 : 0;
        if (run >= 64 && bsearch(p + i - 63, hashes, (size_t)hash_count, 65, by_text))
            return "the hash of an e-mail address";
    }
    return NULL;
}

static int look_for_hashes(char **args)
{
    char email[128];
    unsigned char hash[32];
    hash_count = strtol(args[0], NULL, 10);
    hashes = calloc((size_t)hash_count + 1, sizeof hashes[0]);
    if (!hashes) return EXIT_FAILURE;
    for (long n = 0; n < hash_count; n++) {
        int len = snprintf(email, sizeof email, LOCAL_STEM "%ld@" DOMAIN_STEM ".example", n);
        mbedtls_sha256((const unsigned char *)email, (size_t)len, hash, 0);
        for (size_t i = 0; i < sizeof hash; i++)
            (void)snprintf(hashes[n] + 2 * i, 3, "%02x", hash[i]);
    }
    qsort(hashes, (size_t)hash_count, sizeof hashes[0], by_text);
    int status = search_files(args + 1, hash_in);
    free(hashes);
    return status;
}

static const struct {
    const char *name;
    int args_least;
    int (*run)(char **args);
} verbs[] = {
    {"flood", 3, flood},           {"scan", 1, scan},        {"memory", 1, memory},
    {"private", 2, private_pages}, {"key", 2, look_for_key}, {"hashes", 2, look_for_hashes},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(argv[1], verbs[i].name) == 0 && argc - 2 >= verbs[i].args_least)
            return verbs[i].run(argv + 2);
    fputs(
        "plain flood SOCKET PID COUNT | scan FILE… | memory PID | private SOCKET PID | key KEY_FILE "
        "FILE… | hashes COUNT FILE…\n",
        stderr);
    return EXIT_WRONG_USE;
}
