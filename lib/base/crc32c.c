/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CRC-32C.
 *
 * Owns the checksum of every stored record.
 * Keeps the hardware and the table code equal; a test compares them.
 * Never reads past the size it was given.
 */
#include "base/crc32c.h"

#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"

/* The reflected polynomial 0x82f63b78, half a byte at a time: 64 bytes of table,
 * no initialisation, no race. */
static const uint32_t half[16] = {
    0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
    0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
    0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};

uint32_t
lf_crc32c_table(uint32_t sum, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;

    sum = ~sum;
    while (size--) {
        sum ^= *at++;
        sum = sum >> 4 ^ half[sum & 15];
        sum = sum >> 4 ^ half[sum & 15];
    }
    return ~sum;
}

#if defined(__x86_64__)
#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t
hardware(uint32_t sum, const uint8_t *at, size_t size)
{
    uint64_t wide = ~sum;

    for (; size >= 32; at += 32, size -= 32) {
        wide = _mm_crc32_u64(wide, lf_load_u64(at));
        wide = _mm_crc32_u64(wide, lf_load_u64(at + 8));
        wide = _mm_crc32_u64(wide, lf_load_u64(at + 16));
        wide = _mm_crc32_u64(wide, lf_load_u64(at + 24));
    }
    for (; size >= 8; at += 8, size -= 8)
        wide = _mm_crc32_u64(wide, lf_load_u64(at));
    sum = (uint32_t)wide;
    if (size >= 4) {
        sum = _mm_crc32_u32(sum, lf_load_u32(at));
        at += 4;
        size -= 4;
    }
    for (; size; at++, size--)
        sum = _mm_crc32_u8(sum, *at);
    return ~sum;
}

static bool
has_hardware(void)
{
    return __builtin_cpu_supports("sse4.2");
}
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>

static uint32_t
hardware(uint32_t sum, const uint8_t *at, size_t size)
{
    sum = ~sum;
    for (; size >= 8; at += 8, size -= 8)
        sum = __crc32cd(sum, lf_load_u64(at));
    for (; size; at++, size--)
        sum = __crc32cb(sum, *at);
    return ~sum;
}

static bool
has_hardware(void)
{
    return true;
}
#else
static uint32_t
hardware(uint32_t sum, const uint8_t *at, size_t size)
{
    return lf_crc32c_table(sum, at, size);
}

static bool
has_hardware(void)
{
    return false;
}
#endif

uint32_t
lf_crc32c(uint32_t sum, const void *bytes, size_t size)
{
    if (has_hardware())
        return hardware(sum, bytes, size);
    return lf_crc32c_table(sum, bytes, size);
}
