/* seal_test.c: see src/queue/seal.h. */
#include "testing.h"

#include "queue/seal.h"
#include "tillpost/err.h"

static const unsigned char key[SEAL_KEY_BYTES] = "a key of thirty-two bytes, yes!!";
static const unsigned char other_key[SEAL_KEY_BYTES] = "a key of thirty-two bytes, no!!!";
#define BOUND ((struct str){"sale-1\0Purchase", 15})
#define PLAIN STR("{\"user\":{\"email\":[\"ab\"]}}")

static void what_is_sealed_opens_again(void **state)
{
    static char big[70000];
    memset(big, 'x', sizeof big);
    const struct str texts[] = {STR(""), STR("a"), PLAIN, {big, sizeof big}};
    struct seal *s;
    assert_int_equal(seal_open(key, &s), 0);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        unsigned char *sealed = malloc(texts[i].len + SEAL_OVERHEAD_BYTES);
        char *out = malloc(texts[i].len + SEAL_OVERHEAD_BYTES);
        int n = seal_encrypt(s, BOUND, texts[i], sealed);
        assert_int_equal(n, texts[i].len + SEAL_OVERHEAD_BYTES);
        assert_int_equal(sealed[0], SEAL_VERSION);
        assert_int_equal(seal_decrypt(s, BOUND, sealed, (size_t)n, out), texts[i].len);
        assert_memory_equal(out, texts[i].p, texts[i].len);
        free(sealed);
        free(out);
    }
    seal_close(s);
}

static void every_changed_bit_and_every_cut_is_damage(void **state)
{
    unsigned char sealed[64];
    char out[64];
    struct seal *s;
    assert_int_equal(seal_open(key, &s), 0);
    int n = seal_encrypt(s, BOUND, PLAIN, sealed);
    for (int bit = 0; bit < n * 8; bit++) {
        sealed[bit / 8] ^= (unsigned char)(1 << bit % 8);
        assert_int_equal(seal_decrypt(s, BOUND, sealed, (size_t)n, out), TILLPOST_E_DAMAGED);
        sealed[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    for (int len = 0; len < n; len++)
        assert_int_equal(seal_decrypt(s, BOUND, sealed, (size_t)len, out), TILLPOST_E_DAMAGED);
    assert_true(seal_decrypt(s, BOUND, sealed, (size_t)n, out) > 0);
    seal_close(s);
}

static void a_seal_opens_only_with_its_key_and_its_binding(void **state)
{
    static const struct {
        const char *name;
        const unsigned char *key;
        struct str bound;
        int opens;
    } rows[] = {
        {"as it was sealed", key, {"sale-1\0Purchase", 15}, 1},
        {"another key", other_key, {"sale-1\0Purchase", 15}, 0},
        {"another id", key, {"sale-2\0Purchase", 15}, 0},
        {"another name", key, {"sale-1\0Lead", 11}, 0},
        {"the boundary moved", key, {"sale-1P\0urchase", 15}, 0},
        {"no binding", key, {"", 0}, 0},
    };
    unsigned char sealed[64];
    char out[64];
    struct seal *s;
    assert_int_equal(seal_open(key, &s), 0);
    int n = seal_encrypt(s, BOUND, PLAIN, sealed);
    seal_close(s);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(seal_open(rows[i].key, &s), 0);
        int r = seal_decrypt(s, rows[i].bound, sealed, (size_t)n, out);
        if ((r > 0) != rows[i].opens) fail_msg("%s: %d", rows[i].name, r);
        seal_close(s);
    }
}

static void the_same_text_never_looks_the_same_and_never_shows(void **state)
{
    enum { TIMES = 1000 };
    static unsigned char sealed[TIMES][64];
    struct seal *s;
    int n = 0;
    assert_int_equal(seal_open(key, &s), 0);
    for (int i = 0; i < TIMES; i++) {
        n = seal_encrypt(s, BOUND, PLAIN, sealed[i]);
        for (int j = 0; j < i; j++) {
            assert_memory_not_equal(sealed[i] + 1, sealed[j] + 1, SEAL_NONCE_BYTES);
            assert_memory_not_equal(sealed[i] + 1 + SEAL_NONCE_BYTES,
                                    sealed[j] + 1 + SEAL_NONCE_BYTES, 8);
        }
        for (int at = 0; at + 5 <= n; at++) assert_memory_not_equal(sealed[i] + at, "email", 5);
    }
    seal_close(s);
}

/* NIST SP 800-38D, "Test Case 16" of the GCM specification: AES-256 with additional data. Its seal
 * must open, so that the format is AES-256-GCM and nothing of our own. */
static void a_published_vector_opens(void **state)
{
    static const char *const hex[] = {
        "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
        "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        "01cafebabefacedbaddecaf888522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb0"
        "8e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b",
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b5"
        "25b16aedf5aa0de657ba637b39",
    };
    unsigned char k[32], bound[20], sealed[89], plain[60];
    char out[89];
    struct seal *s;
    assert_true(hex_decode(str_from(hex[0]), k, sizeof k));
    assert_true(hex_decode(str_from(hex[1]), bound, sizeof bound));
    assert_true(hex_decode(str_from(hex[2]), sealed, sizeof sealed));
    assert_true(hex_decode(str_from(hex[3]), plain, sizeof plain));
    assert_int_equal(seal_open(k, &s), 0);
    struct str binding = {(const char *)bound, sizeof bound};
    assert_int_equal(seal_decrypt(s, binding, sealed, sizeof sealed, out), sizeof plain);
    assert_memory_equal(out, plain, sizeof plain);
    seal_close(s);
}

static void the_hash_is_sha256(void **state)
{
    unsigned char out[SEAL_HASH_BYTES];
    char hex[2 * SEAL_HASH_BYTES + 1];
    assert_int_equal(seal_hash(STR("abc"), out), 0);
    hex_encode(out, sizeof out, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sealed_opens_again),
        cmocka_unit_test(every_changed_bit_and_every_cut_is_damage),
        cmocka_unit_test(a_seal_opens_only_with_its_key_and_its_binding),
        cmocka_unit_test(the_same_text_never_looks_the_same_and_never_shows),
        cmocka_unit_test(a_published_vector_opens),
        cmocka_unit_test(the_hash_is_sha256),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
