/* SPDX-License-Identifier: Apache-2.0 */
/* Loads and stores at any alignment, little-endian unless the name says big. */
#ifndef LF_BASE_BYTES_H
#define LF_BASE_BYTES_H

#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "libfeature needs a little-endian machine"
#endif

#define LF_LOAD_STORE(name, type)                            \
    static inline type lf_load_##name(const void *from)      \
    {                                                        \
        type value;                                          \
        memcpy(&value, from, sizeof value);                  \
        return value;                                        \
    }                                                        \
    static inline void lf_store_##name(void *to, type value) \
    {                                                        \
        memcpy(to, &value, sizeof value);                    \
    }

LF_LOAD_STORE(u16, uint16_t)
LF_LOAD_STORE(u32, uint32_t)
LF_LOAD_STORE(u64, uint64_t)
LF_LOAD_STORE(i32, int32_t)
LF_LOAD_STORE(i64, int64_t)
LF_LOAD_STORE(f32, float)
LF_LOAD_STORE(f64, double)

#undef LF_LOAD_STORE

static inline uint32_t
lf_load_big_u32(const void *from)
{
    return __builtin_bswap32(lf_load_u32(from));
}

static inline void
lf_store_big_u32(void *to, uint32_t value)
{
    lf_store_u32(to, __builtin_bswap32(value));
}

static inline uint64_t
lf_load_big_u64(const void *from)
{
    return __builtin_bswap64(lf_load_u64(from));
}

static inline void
lf_store_big_u64(void *to, uint64_t value)
{
    lf_store_u64(to, __builtin_bswap64(value));
}

#endif
