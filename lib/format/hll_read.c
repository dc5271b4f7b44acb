/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a HyperLogLog estimates, and the form that Redis gives it.
 *
 * Owns the estimator, and the strings that begin with "HYLL".
 * Keeps an estimate what PFCOUNT makes of the same registers.
 * Never calls the C library's math: its last bits differ between machines.
 */
#include "format/hll.h"

#include <string.h>

#include "format/wide.h"

#define ALPHA      0.721347520444481703680 /* 1 / (2 ln 2) */
#define REDIS_HEAD 16
#define REDIS_SIZE (REDIS_HEAD + 12288)
#define REGISTERS  (1u << LF_HLL_REDIS_P)

const char LF_HLL_NO_MEMORY[] = "no memory for registers";

/* The root of 0 < x < 1, rounded once. */
static double
root_of(double x)
{
    struct lf_wide wide;
    uint64_t bits, mantissa;
    int32_t exponent;

    memcpy(&bits, &x, sizeof bits);
    exponent = (int32_t)(bits >> 52);
    mantissa = (bits & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1) << 52;
    lf_wide_set(&wide, &mantissa, 1);
    return lf_wide_round(&wide, exponent - 1075, 1, true);
}

static double
tau(double x)
{
    double before, y = 1, z = 1 - x;

    if (x == 0 || x == 1)
        return 0;
    do {
        x = root_of(x);
        before = z;
        y *= 0.5;
        z -= (1 - x) * (1 - x) * y;
    } while (before != z);
    return z / 3;
}

static double
sigma(double x)
{
    double before, y = 1, z = x;

    do {
        x *= x;
        before = z;
        z += x * y;
        y += y;
    } while (before != z);
    return z;
}

/* Half a unit goes up. */
static uint64_t
round_up(double x)
{
    uint64_t down = (uint64_t)x;

    return down + (x - (double)down >= 0.5);
}

static void
count_ranks(const struct lf_hll *hll, uint32_t histogram[64])
{
    const uint8_t *at = hll->registers.data;
    uint32_t more[3][64] = {{0}};

    /* Four counts of a rank: one alone waits for itself. */
    for (uint32_t i = 0; i < 1u << hll->p; i += 4) {
        histogram[at[i]]++;
        more[0][at[i + 1]]++;
        more[1][at[i + 2]]++;
        more[2][at[i + 3]]++;
    }
    for (uint32_t i = 0; i < 64; i++)
        histogram[i] += more[0][i] + more[1][i] + more[2][i];
}

uint64_t
lf_hll_estimate(const struct lf_hll *hll)
{
    uint32_t histogram[64] = {0}, q = 64u - hll->p;
    double m = (double)(1u << hll->p), z;

    if (!hll->has_registers)
        return hll->count;
    count_ranks(hll, histogram);
    if (histogram[0] == 1u << hll->p)
        return 0;
    z = m * tau((m - (double)histogram[q + 1]) / m);
    for (uint32_t rank = q; rank; rank--) {
        z += (double)histogram[rank];
        z *= 0.5;
    }
    z += m * sigma((double)histogram[0] / m);
    return round_up(ALPHA * m * m / z);
}

bool
lf_hll_to_redis(const struct lf_hll *hll, struct lf_buffer *to)
{
    static const uint8_t head[REDIS_HEAD] = {'H', 'Y', 'L', 'L', [15] = 0x80};
    struct lf_hll whole;
    size_t was = to->size;
    uint8_t *at;

    lf_hll_init(&whole, LF_HLL_REDIS_P);
    at = lf_buffer_extend(to, REDIS_SIZE);
    if (!at || !lf_hll_registers(&whole) || !lf_hll_merge(&whole, hll)) {
        lf_hll_free(&whole);
        to->size = was;
        return false;
    }
    memcpy(at, head, REDIS_HEAD);
    lf_hll_pack(whole.registers.data, REGISTERS, at + REDIS_HEAD);
    lf_hll_free(&whole);
    return true;
}

/* Runs of registers: 00nnnnnn zeros, 01nnnnnn nnnnnnnn zeros, 1rrrrrnn ranks. */
static const char *
take_runs(uint8_t *registers, const uint8_t *at, const uint8_t *end)
{
    uint32_t index = 0;

    while (at < end) {
        uint32_t op = *at++, length, rank = 0;

        if (op & 0x80) {
            rank = (op >> 2 & 31) + 1;
            length = (op & 3) + 1;
        } else if (op & 0x40) {
            if (at == end)
                return "it ends within a run";
            length = ((op & 63) << 8 | *at++) + 1;
        } else {
            length = (op & 63) + 1;
        }
        if (length > REGISTERS - index)
            return "it has too many registers";
        memset(registers + index, (int)rank, length);
        index += length;
    }
    return index == REGISTERS ? NULL : "it has too few registers";
}

static const char *
take_packed(uint8_t *registers, const uint8_t *at)
{
    for (uint32_t i = 0; i < REGISTERS; i++) {
        uint32_t bit = 6 * i, pair = at[bit / 8];

        if (bit % 8 > 2)
            pair |= (uint32_t)at[bit / 8 + 1] << 8;
        registers[i] = pair >> (bit % 8) & 63;
        if (registers[i] > 65 - LF_HLL_REDIS_P)
            return "a rank is out of range";
    }
    return NULL;
}

const char *
lf_hll_from_redis(struct lf_hll *hll, const uint8_t *from, size_t size)
{
    const char *problem;
    uint32_t set = 0;

    if (size < REDIS_HEAD || memcmp(from, "HYLL", 4) || from[4] > 1)
        return "it does not begin as one of Redis' HyperLogLogs";
    if (!from[4] && size != REDIS_SIZE)
        return "it is not of the size of a dense one";
    if (!lf_hll_registers(hll))
        return LF_HLL_NO_MEMORY;
    problem =
        from[4] ? take_runs(hll->registers.data, from + REDIS_HEAD, from + size)
                : take_packed(hll->registers.data, from + REDIS_HEAD);
    for (uint32_t i = 0; !problem && i < REGISTERS; i++)
        set |= hll->registers.data[i];
    if (problem || !set) /* nothing in it: that is known exactly */
        lf_hll_clear(hll);
    return problem;
}
