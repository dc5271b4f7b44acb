/* SPDX-License-Identifier: Apache-2.0 */
/* Memory, bits, checksums and hashes. */
#include "draw.h"

#include "base/alloc.h"
#include "base/bits.h"
#include "base/buffer.h"
#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/hash.h"
#include "base/random.h"

/* An allocation nobody can have is NULL under AddressSanitizer too. */
const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

/* --- crc32c ------------------------------------------------------------------ */

static void
expect_crc(const void *bytes, size_t size, uint32_t sum)
{
    assert_int_equal(lf_crc32c(0, bytes, size), sum);
    assert_int_equal(lf_crc32c_table(0, bytes, size), sum);
}

static void
crc32c_gives_the_numbers_of_rfc_3720(void **state)
{
    static const uint8_t read_pdu[48] = {
        [0] = 0x01,  [1] = 0xc0,  [16] = 0x14, [22] = 0x04,
        [27] = 0x14, [31] = 0x18, [32] = 0x28, [40] = 0x02,
    };
    uint8_t bytes[32];

    (void)state;
    memset(bytes, 0, sizeof bytes);
    expect_crc(bytes, sizeof bytes, 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    expect_crc(bytes, sizeof bytes, 0x62a8ab43);
    for (uint8_t i = 0; i < 32; i++)
        bytes[i] = i;
    expect_crc(bytes, sizeof bytes, 0x46dd794e);
    for (uint8_t i = 0; i < 32; i++)
        bytes[i] = (uint8_t)(31 - i);
    expect_crc(bytes, sizeof bytes, 0x113fdb5c);
    expect_crc(read_pdu, sizeof read_pdu, 0xd9963a56);
    expect_crc("123456789", 9, 0xe3069283);
    expect_crc("", 0, 0);
}

/* The polynomial one bit at a time, straight from its definition. */
static uint32_t
crc_by_bits(const uint8_t *bytes, size_t size)
{
    uint32_t sum = 0xffffffff;

    for (size_t i = 0; i < size; i++) {
        sum ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            sum = sum & 1 ? sum >> 1 ^ 0x82f63b78 : sum >> 1;
    }
    return ~sum;
}

static void
crc32c_is_the_same_from_hardware_table_and_definition(void **state)
{
    uint8_t bytes[320];

    (void)state;
    draw_bytes(bytes, sizeof bytes);
    for (size_t begin = 0; begin < 16; begin++)
        for (size_t size = 0; size <= 300; size++) {
            uint32_t begun = (uint32_t)draw();

            assert_int_equal(lf_crc32c(begun, bytes + begin, size),
                             lf_crc32c_table(begun, bytes + begin, size));
            assert_int_equal(lf_crc32c(0, bytes + begin, size),
                             crc_by_bits(bytes + begin, size));
        }
}

static void
crc32c_of_parts_is_crc32c_of_the_whole(void **state)
{
    uint8_t bytes[200];

    (void)state;
    for (int i = 0; i < 2000; i++) {
        size_t size = draw_below(sizeof bytes + 1);
        size_t cut = draw_below(size + 1);
        uint32_t head;

        draw_bytes(bytes, size);
        head = lf_crc32c(0, bytes, cut);
        assert_int_equal(lf_crc32c(head, bytes + cut, size - cut),
                         lf_crc32c(0, bytes, size));
    }
}

/* --- hash128 ----------------------------------------------------------------- */

static void
expect_hash(const char *text, uint64_t low, uint64_t high)
{
    struct lf_hash128 hash = lf_hash128(0, text, strlen(text));

    assert_int_equal(hash.low, low);
    assert_int_equal(hash.high, high);
}

static void
hash128_gives_the_known_numbers_of_murmurhash3(void **state)
{
    (void)state;
    expect_hash("", 0, 0);
    expect_hash("hello", 0xcbd8a7b341bd9b02, 0x5b1e906a48ae1d19);
    expect_hash("hello, world", 0x342fac623a5ebc8e, 0x4cdcbc079642414d);
    expect_hash("The quick brown fox jumps over the lazy dog",
                0xe34bbc7bbc071b6c, 0x7a433ca9c49a9347);
}

/* The verification value that SMHasher keeps for the function: a hash over the
 * hashes of 256 keys of 0 to 255 bytes, each with a seed of its own. */
static void
hash128_passes_the_verification_of_smhasher(void **state)
{
    struct lf_hash128 hashes[256], sum;
    uint8_t key[256];

    (void)state;
    for (uint32_t i = 0; i < 256; i++) {
        key[i] = (uint8_t)i;
        hashes[i] = lf_hash128(256 - i, key, i);
    }
    sum = lf_hash128(0, hashes, sizeof hashes);
    assert_int_equal((uint32_t)sum.low, 0x6384ba69);
}

static unsigned __int128
number_of(struct lf_hash128 hash)
{
    return (unsigned __int128)hash.high << 64 | hash.low;
}

static void
hash_sums_are_128_bit_numbers(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        /* Halves of all ones or zeros, so that carries run. */
        struct lf_hash128 a = {draw(), draw()}, b = {draw(), draw()}, sum;

        a.low = draw_one_in(4) ? UINT64_MAX : a.low;
        b.low = draw_one_in(4) ? draw_below(2) : b.low;
        a.high = draw_one_in(4) ? UINT64_MAX : a.high;
        sum = a;
        lf_hash128_add(&sum, b);
        assert_true(number_of(sum) == number_of(a) + number_of(b));
        sum = a;
        lf_hash128_subtract(&sum, b);
        assert_true(number_of(sum) == number_of(a) - number_of(b));
    }
}

static void
a_set_of_hashes_has_one_sum_in_any_order(void **state)
{
    struct lf_hash128 terms[50], forth = {0}, back = {0};

    (void)state;
    for (uint32_t i = 0; i < 50; i++) {
        uint32_t row[2] = {i, draw_below(1000)};

        terms[i] = lf_hash128(7, row, sizeof row);
        lf_hash128_add(&forth, terms[i]);
    }
    for (uint32_t i = 50; i-- > 0;)
        lf_hash128_add(&back, terms[i]);
    assert_true(number_of(forth) == number_of(back));
    for (uint32_t i = 0; i < 50; i += 2)
        lf_hash128_subtract(&forth, terms[i]);
    for (uint32_t i = 1; i < 50; i += 2)
        lf_hash128_subtract(&forth, terms[i]);
    assert_true(number_of(forth) == 0);
}

/* --- bits and bytes ---------------------------------------------------------- */

static void
a_bitmap_holds_what_was_put_and_nothing_else_changes(void **state)
{
    uint8_t bits[13] = {0};
    bool model[8 * sizeof bits] = {false};

    (void)state;
    for (int i = 0; i < 5000; i++) {
        uint32_t at = draw_below(8 * sizeof bits);

        model[at] = draw_one_in(2);
        switch (draw_below(2) ? 2 : model[at]) {
        case 0:
            lf_bit_clear(bits, at);
            break;
        case 1:
            lf_bit_set(bits, at);
            break;
        default:
            lf_bit_put(bits, at, model[at]);
        }
        for (uint32_t j = 0; j < 8 * sizeof bits; j++)
            assert_int_equal(lf_bit_get(bits, j), model[j]);
    }
}

static void
a_bitmap_is_arrows_least_significant_bit_first(void **state)
{
    uint8_t bits[2] = {0};

    (void)state;
    lf_bit_set(bits, 0);
    lf_bit_set(bits, 11);
    assert_int_equal(bits[0], 0x01);
    assert_int_equal(bits[1], 0x08);
    assert_int_equal(lf_bits_size(0), 0);
    assert_int_equal(lf_bits_size(1), 1);
    assert_int_equal(lf_bits_size(8), 1);
    assert_int_equal(lf_bits_size(9), 2);
}

static void
numbers_are_stored_in_the_order_their_names_say(void **state)
{
    uint8_t bytes[9] = {0};

    (void)state;
    lf_store_u32(bytes + 1, 0x01020304);
    assert_memory_equal(bytes + 1, "\x04\x03\x02\x01", 4);
    lf_store_big_u32(bytes + 1, 0x01020304);
    assert_memory_equal(bytes + 1, "\x01\x02\x03\x04", 4);
    assert_int_equal(lf_load_big_u32(bytes + 1), 0x01020304);
    lf_store_big_u64(bytes + 1, 0x0102030405060708);
    assert_memory_equal(bytes + 1, "\x01\x02\x03\x04\x05\x06\x07\x08", 8);
    assert_int_equal(lf_load_big_u64(bytes + 1), 0x0102030405060708);
}

/* --- memory ------------------------------------------------------------------ */

static void
allocations_are_zeroed_and_overflow_is_no_memory(void **state)
{
    uint8_t *memory = lf_alloc(1000);
    void *empty = lf_alloc(0), *grown;

    (void)state;
    assert_non_null(memory);
    assert_non_null(empty);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(memory[i], 0);
    assert_null(lf_alloc_array(SIZE_MAX / 4 + 2, 4));
    assert_null(lf_realloc_array(memory, SIZE_MAX / 4 + 2, 4));
    memory[999] = 1;
    grown = lf_realloc_array(memory, 500, 8);
    assert_non_null(grown);
    assert_int_equal(((uint8_t *)grown)[999], 1);
    lf_free(grown);
    lf_free(empty);
    lf_free(NULL);
}

static void
a_copied_text_ends_in_nul(void **state)
{
    char *copy = lf_copy_text("feature store", 7);
    char *empty = lf_copy_text(NULL, 0);

    (void)state;
    assert_string_equal(copy, "feature");
    assert_string_equal(empty, "");
    lf_free(copy);
    lf_free(empty);
}

static void
a_buffer_keeps_its_bytes_as_it_grows(void **state)
{
    struct lf_buffer buffer = {0};
    size_t capacity;

    (void)state;
    for (uint32_t i = 0; i < 10000; i++) {
        uint8_t byte = (uint8_t)(i * 7);

        assert_true(lf_buffer_append(&buffer, &byte, 1));
    }
    assert_int_equal(buffer.size, 10000);
    for (uint32_t i = 0; i < 10000; i++)
        assert_int_equal(buffer.data[i], (uint8_t)(i * 7));
    capacity = buffer.capacity;
    buffer.size = 0;
    assert_non_null(lf_buffer_extend(&buffer, 10000));
    assert_int_equal(buffer.capacity, capacity);
    lf_buffer_free(&buffer);
    assert_null(buffer.data);
    assert_int_equal(buffer.capacity, 0);
}

static void
a_buffer_that_cannot_grow_keeps_what_it_has(void **state)
{
    struct lf_buffer buffer = {0};

    (void)state;
    assert_true(lf_buffer_append(&buffer, NULL, 0));
    assert_true(lf_buffer_append(&buffer, "kept", 4));
    assert_false(lf_buffer_reserve(&buffer, SIZE_MAX));
    assert_null(lf_buffer_extend(&buffer, SIZE_MAX));
    assert_null(lf_buffer_extend(&buffer, SIZE_MAX - 3));
    assert_false(lf_buffer_append(&buffer, "", SIZE_MAX - 4));
    assert_int_equal(buffer.size, 4);
    assert_memory_equal(buffer.data, "kept", 4);
    lf_buffer_free(&buffer);
}

static void
a_text_is_what_was_added_at_any_length(void **state)
{
    char part[1100], expected[5000];

    (void)state;
    memset(part, 'x', sizeof part);
    for (int size = 0; size<1100; size += size> 240 && size < 270 ? 1 : 13) {
        struct lf_text text = {0};
        char *taken;

        lf_text_add(&text, "%d:", size);
        lf_text_add(&text, "%.*s", size, part);
        lf_text_add_bytes(&text, "|", 1);
        lf_text_add(&text, "%.*s;", size, part);
        taken = lf_text_take(&text);
        snprintf(expected, sizeof expected, "%d:%.*s|%.*s;", size, size, part,
                 size, part);
        assert_non_null(taken);
        assert_string_equal(taken, expected);
        assert_null(text.bytes.data);
        lf_free(taken);
    }
}

static void
a_text_remembers_that_memory_ran_out(void **state)
{
    struct lf_text text = {0};
    char *taken;

    (void)state;
    lf_text_add(&text, "begun");
    lf_text_add_bytes(&text, "", SIZE_MAX);
    lf_text_add(&text, "more");
    assert_null(lf_text_take(&text));
    lf_text_add(&text, "again");
    taken = lf_text_take(&text);
    assert_string_equal(taken, "again");
    lf_free(taken);
}

static void
arena_memory_is_zeroed_aligned_and_apart(void **state)
{
    enum { COUNT = 400 };
    struct lf_arena arena = {0};
    uint8_t *parts[COUNT];
    size_t sizes[COUNT];

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        sizes[i] = draw_one_in(20) ? draw_below(20000) : draw_below(100);
        parts[i] = lf_arena_alloc(&arena, sizes[i]);
        assert_non_null(parts[i]);
        assert_int_equal((uintptr_t)parts[i] % 16, 0);
        for (size_t j = 0; j < sizes[i]; j++)
            assert_int_equal(parts[i][j], 0);
        if (sizes[i])
            memset(parts[i], i, sizes[i]);
    }
    for (int i = 0; i < COUNT; i++)
        for (size_t j = 0; j < sizes[i]; j++)
            assert_int_equal(parts[i][j], (uint8_t)i);
    lf_arena_free(&arena);
    assert_null(arena.blocks);
}

static void
an_arena_refuses_sizes_past_all_memory(void **state)
{
    struct lf_arena arena = {0};
    char *copy = lf_arena_copy(&arena, "kept in mind", 4);

    (void)state;
    assert_string_equal(copy, "kept");
    assert_null(lf_arena_alloc(&arena, SIZE_MAX));
    assert_null(lf_arena_alloc(&arena, SIZE_MAX - 14));
    assert_null(lf_arena_array(&arena, SIZE_MAX / 4 + 2, 4));
    assert_non_null(lf_arena_array(&arena, 0, 5));
    assert_string_equal(copy, "kept");
    lf_arena_free(&arena);
}

static void
random_bytes_fill_all_of_the_memory_and_no_more(void **state)
{
    uint8_t bytes[34], seen[32] = {0};

    (void)state;
    for (int i = 0; i < 64; i++) {
        memset(bytes, 0, sizeof bytes);
        assert_true(lf_random(bytes + 1, 32));
        for (int j = 0; j < 32; j++)
            seen[j] |= bytes[j + 1];
        assert_int_equal(bytes[0], 0);
        assert_int_equal(bytes[33], 0);
    }
    for (int j = 0; j < 32; j++)
        assert_int_equal(seen[j], 0xff);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc32c_gives_the_numbers_of_rfc_3720),
        DRAWN(crc32c_is_the_same_from_hardware_table_and_definition),
        DRAWN(crc32c_of_parts_is_crc32c_of_the_whole),
        cmocka_unit_test(hash128_gives_the_known_numbers_of_murmurhash3),
        cmocka_unit_test(hash128_passes_the_verification_of_smhasher),
        DRAWN(hash_sums_are_128_bit_numbers),
        DRAWN(a_set_of_hashes_has_one_sum_in_any_order),
        DRAWN(a_bitmap_holds_what_was_put_and_nothing_else_changes),
        cmocka_unit_test(a_bitmap_is_arrows_least_significant_bit_first),
        cmocka_unit_test(numbers_are_stored_in_the_order_their_names_say),
        cmocka_unit_test(allocations_are_zeroed_and_overflow_is_no_memory),
        cmocka_unit_test(a_copied_text_ends_in_nul),
        cmocka_unit_test(a_buffer_keeps_its_bytes_as_it_grows),
        cmocka_unit_test(a_buffer_that_cannot_grow_keeps_what_it_has),
        cmocka_unit_test(a_text_is_what_was_added_at_any_length),
        cmocka_unit_test(a_text_remembers_that_memory_ran_out),
        DRAWN(arena_memory_is_zeroed_aligned_and_apart),
        cmocka_unit_test(an_arena_refuses_sizes_past_all_memory),
        cmocka_unit_test(random_bytes_fill_all_of_the_memory_and_no_more),
    };

    draw_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
