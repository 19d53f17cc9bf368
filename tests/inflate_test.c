/* inflate_test.c: gzip'd bodies, good, broken and hostile. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "api/inflate.h"
#include "tillpost/err.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { OUT_BYTES = 64 * 1024 };

static char packed[256 * 1024], out[OUT_BYTES + 1];

static size_t pack(const char *text, size_t len, int window, char *to, size_t to_bytes)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, window, 9, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)text;
    z.avail_in = (uInt)len;
    z.next_out = (Bytef *)to;
    z.avail_out = (uInt)to_bytes;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return to_bytes - z.avail_out;
}

enum { GZIP = 15 + 16, ZLIB = 15, RAW = -15 };

static int unpack(const char *p, size_t len, size_t out_max, size_t *out_len)
{
    out[out_max] = '#';
    int rc = inflate_gzip((struct str){p, len}, out, out_max, out_len);
    assert_int_equal(out[out_max], '#');
    return rc;
}

static void what_was_packed_comes_out(void **state)
{
    size_t len, n;
    len = pack("{\"a\":1}", 7, GZIP, packed, sizeof packed);
    assert_int_equal(unpack(packed, len, OUT_BYTES, &n), 0);
    assert_int_equal(n, 7);
    assert_memory_equal(out, "{\"a\":1}", 7);
    len = pack("", 0, GZIP, packed, sizeof packed);
    assert_int_equal(unpack(packed, len, OUT_BYTES, &n), 0);
    assert_int_equal(n, 0);
}

static void noise_of_any_length_comes_out_as_it_went_in(void **state)
{
    static char noise[OUT_BYTES];
    uint32_t seed = 7;
    for (size_t i = 0; i < sizeof noise; i++) {
        seed = seed * 1664525 + 1013904223;
        noise[i] = (char)(seed >> 24);
    }
    for (size_t len = 1; len <= sizeof noise; len = len * 3 + 1) {
        size_t n, packed_len = pack(noise, len, GZIP, packed, sizeof packed);
        assert_int_equal(unpack(packed, packed_len, len, &n), 0);
        assert_int_equal(n, len);
        assert_memory_equal(out, noise, len);
        assert_int_equal(unpack(packed, packed_len, len - 1, &n), TILLPOST_E_TOO_LARGE);
    }
}

static void the_ceiling_is_exact_and_holds_against_a_bomb(void **state)
{
    static const size_t sizes[] = {OUT_BYTES, OUT_BYTES + 1, 2 * OUT_BYTES, 64 * 1024 * 1024};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t n;
        char *text = calloc(sizes[i], 1);
        assert_non_null(text);
        size_t len = pack(text, sizes[i], GZIP, packed, sizeof packed);
        free(text);
        int rc = unpack(packed, len, OUT_BYTES, &n);
        assert_int_equal(rc, sizes[i] <= OUT_BYTES ? 0 : TILLPOST_E_TOO_LARGE);
        assert_true(n <= OUT_BYTES);
    }
}

static void members_may_follow_each_other(void **state)
{
    size_t n, len = pack("{\"a\":", 5, GZIP, packed, sizeof packed);
    len += pack("1}", 2, GZIP, packed + len, sizeof packed - len);
    assert_int_equal(unpack(packed, len, OUT_BYTES, &n), 0);
    assert_int_equal(n, 7);
    assert_memory_equal(out, "{\"a\":1}", 7);
    /* Together they have the same ceiling. */
    assert_int_equal(unpack(packed, len, 6, &n), TILLPOST_E_TOO_LARGE);
}

static void a_cut_or_a_flipped_bit_never_changes_what_comes_out(void **state)
{
    enum { HEADER_BYTES = 10 }; /* flags, time and system in it mean nothing to us */
    const char text[] = "{\"type\":\"track\",\"event\":\"Order Completed\",\"properties\":{}}";
    size_t n, refused = 0, len = pack(text, sizeof text - 1, GZIP, packed, sizeof packed);
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(unpack(packed, cut, OUT_BYTES, &n), TILLPOST_E_BAD_REQUEST);
    for (size_t bit = HEADER_BYTES * 8; bit < len * 8; bit++) {
        packed[bit / 8] ^= (char)(1 << bit % 8);
        int rc = unpack(packed, len, OUT_BYTES, &n);
        /* The bits that fill up the last byte before the trailer mean nothing. */
        if (rc == 0) assert_true(n == sizeof text - 1 && memcmp(out, text, n) == 0);
        else assert_true(rc == TILLPOST_E_BAD_REQUEST || rc == TILLPOST_E_TOO_LARGE);
        refused += rc < 0;
        packed[bit / 8] ^= (char)(1 << bit % 8);
    }
    assert_true(refused + 8 > (len - HEADER_BYTES) * 8);
    assert_int_equal(unpack(packed, len, OUT_BYTES, &n), 0);
}

static void nothing_but_gzip_is_taken(void **state)
{
    size_t n, len = pack("{}", 2, ZLIB, packed, sizeof packed);
    assert_int_equal(unpack(packed, len, OUT_BYTES, &n), TILLPOST_E_BAD_REQUEST);
    len = pack("{}", 2, RAW, packed, sizeof packed);
    assert_int_equal(unpack(packed, len, OUT_BYTES, &n), TILLPOST_E_BAD_REQUEST);
    assert_int_equal(unpack("{\"a\":1}", 7, OUT_BYTES, &n), TILLPOST_E_BAD_REQUEST);
    assert_int_equal(unpack("", 0, OUT_BYTES, &n), TILLPOST_E_BAD_REQUEST);
    len = pack("{}", 2, GZIP, packed, sizeof packed);
    packed[len] = ' ';
    assert_int_equal(unpack(packed, len + 1, OUT_BYTES, &n), TILLPOST_E_BAD_REQUEST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_packed_comes_out),
        cmocka_unit_test(noise_of_any_length_comes_out_as_it_went_in),
        cmocka_unit_test(the_ceiling_is_exact_and_holds_against_a_bomb),
        cmocka_unit_test(members_may_follow_each_other),
        cmocka_unit_test(a_cut_or_a_flipped_bit_never_changes_what_comes_out),
        cmocka_unit_test(nothing_but_gzip_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
