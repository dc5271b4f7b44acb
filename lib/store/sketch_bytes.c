/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sketches as bytes: our own frame, Redis' strings, DDSketch messages.
 *
 * Owns the frame: magic "LFSK", version, kind, precision, hash, CRC-32C of all
 * else, for quantiles the error, then the state of lib/format.
 * Keeps equal sets of values equal bytes.
 * Never believes a byte that it was given.
 */
#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "store/sketch.h"

#define VERSION    1
#define MURMUR     1 /* MurmurHash64A with Redis' seed */
#define HEAD       12
#define ERROR_SIZE 8

static const uint8_t magic[4] = {'L', 'F', 'S', 'K'};

static uint32_t
checksum(const uint8_t *bytes, size_t size)
{
    return lf_crc32c(lf_crc32c(0, bytes, HEAD - 4), bytes + HEAD, size - HEAD);
}

static bool
put_native(const feature_sketch *sketch, struct lf_buffer *to)
{
    bool is_distinct = sketch->kind == FEATURE_SKETCH_DISTINCT;
    uint8_t head[HEAD + ERROR_SIZE] = {0};

    memcpy(head, magic, sizeof magic);
    head[4] = VERSION;
    head[5] = (uint8_t)sketch->kind;
    head[6] = is_distinct ? sketch->hll.p : 0;
    head[7] = is_distinct ? MURMUR : 0;
    lf_store_f64(head + HEAD, sketch->dd.mapping.error);
    if (!lf_buffer_append(to, head, is_distinct ? HEAD : sizeof head) ||
        !(is_distinct ? lf_hll_encode(&sketch->hll, to)
                      : lf_dd_encode(&sketch->dd, to)))
        return false;
    lf_store_u32(to->data + HEAD - 4, checksum(to->data, to->size));
    return true;
}

static feature_status
check_format(const feature_sketch *sketch, int32_t format,
             struct feature_error *error)
{
    bool is_distinct = sketch->kind == FEATURE_SKETCH_DISTINCT;

    if (format < FEATURE_SKETCH_NATIVE || format > FEATURE_SKETCH_DDSKETCH)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "there is no format %d of sketches", format);
    if (format == FEATURE_SKETCH_DDSKETCH && is_distinct)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "DDSketch is for quantiles");
    if (format == FEATURE_SKETCH_HYLL &&
        (!is_distinct || sketch->hll.p != LF_HLL_REDIS_P))
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "HYLL is for distinct values in precision %d",
                       LF_HLL_REDIS_P);
    return FEATURE_OK;
}

feature_status
feature_sketch_bytes(feature_sketch *sketch, int32_t format,
                     struct feature_sketch_data *data,
                     struct feature_error *error)
{
    struct lf_buffer *to;
    bool done;

    if (!sketch || !data)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "sketch and data are needed");
    LF_TRY(check_format(sketch, format, error));
    to = &sketch->bytes;
    to->size = 0;
    done = format == FEATURE_SKETCH_NATIVE ? put_native(sketch, to)
           : format == FEATURE_SKETCH_HYLL ? lf_hll_to_redis(&sketch->hll, to)
                                           : lf_dd_to_message(&sketch->dd, to);
    if (!done)
        return lf_fail_memory(error);
    data->bytes = to->data;
    data->size = to->size;
    return FEATURE_OK;
}

static feature_status
damaged(const char *what, struct feature_error *error)
{
    return lf_fail(error, FEATURE_CORRUPT, "structure",
                   "these bytes are no sketch: %s", what);
}

static feature_status
take_distinct(const uint8_t *bytes, size_t size, struct lf_hll *hll,
              struct feature_error *error)
{
    uint32_t p = bytes[6];

    if (p < LF_HLL_P_MIN || p > LF_HLL_P_MAX || bytes[7] != MURMUR)
        return damaged("the precision or the hash is unknown", error);
    if (size == HEAD ||
        lf_hll_check(p, bytes + HEAD, size - HEAD) != size - HEAD)
        return damaged("its state is none", error);
    lf_hll_init(hll, p);
    return lf_hll_merge_bytes(hll, p, bytes + HEAD, size - HEAD)
               ? FEATURE_OK
               : lf_fail_memory(error);
}

static feature_status
take_quantiles(const uint8_t *bytes, size_t size, struct lf_dd *dd,
               struct feature_error *error)
{
    const uint8_t *state = bytes + HEAD + ERROR_SIZE;

    if (bytes[6] || bytes[7] || size < HEAD + ERROR_SIZE ||
        !lf_dd_init(dd, lf_load_f64(bytes + HEAD)))
        return damaged("the error is out of range", error);
    size -= HEAD + ERROR_SIZE;
    if (!size || lf_dd_check(&dd->mapping, state, size) != size)
        return damaged("its state is none", error);
    return lf_dd_merge_bytes(dd, state, size) ? FEATURE_OK
                                              : lf_fail_memory(error);
}

static feature_status
take_native(const uint8_t *bytes, size_t size, int32_t *kind,
            struct lf_hll *hll, struct lf_dd *dd, struct feature_error *error)
{
    if (size < HEAD || memcmp(bytes, magic, sizeof magic))
        return damaged("they do not begin with LFSK", error);
    if (bytes[4] != VERSION)
        return lf_fail(error, FEATURE_VERSION, "sketch",
                       "the sketch is of version %u, this library knows %d",
                       bytes[4], VERSION);
    if (lf_load_u32(bytes + HEAD - 4) != checksum(bytes, size))
        return lf_fail(error, FEATURE_CORRUPT, "checksum",
                       "the checksum of the sketch is wrong");
    *kind = bytes[5];
    if (*kind == FEATURE_SKETCH_DISTINCT)
        return take_distinct(bytes, size, hll, error);
    if (*kind == FEATURE_SKETCH_QUANTILES)
        return take_quantiles(bytes, size, dd, error);
    return damaged("its kind is unknown", error);
}

static feature_status
take_redis(const uint8_t *bytes, size_t size, struct lf_hll *hll,
           struct feature_error *error)
{
    const char *problem;

    lf_hll_init(hll, LF_HLL_REDIS_P);
    problem = lf_hll_from_redis(hll, bytes, size);
    if (problem == LF_HLL_NO_MEMORY)
        return lf_fail_memory(error);
    return problem ? damaged(problem, error) : FEATURE_OK;
}

static feature_status
take_message(const uint8_t *bytes, size_t size, struct lf_dd *dd,
             struct feature_error *error)
{
    const char *problem = lf_dd_from_message(dd, bytes, size);

    if (problem == LF_DD_NO_MEMORY)
        return lf_fail_memory(error);
    if (problem == LF_DD_MAPPING)
        return lf_fail(error, FEATURE_UNSUPPORTED, "sketch", "%s", problem);
    return problem ? damaged(problem, error) : FEATURE_OK;
}

feature_status
feature_sketch_from_bytes(int32_t format, const void *bytes, size_t size,
                          feature_sketch **sketch, struct feature_error *error)
{
    struct lf_hll hll = {.p = LF_HLL_P_DEFAULT};
    struct lf_dd dd = {.count = 0};
    int32_t kind = FEATURE_SKETCH_DISTINCT;
    feature_status status;

    if (!bytes || !sketch)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "bytes and sketch are needed");
    switch (format) {
    case FEATURE_SKETCH_NATIVE:
        status = take_native(bytes, size, &kind, &hll, &dd, error);
        break;
    case FEATURE_SKETCH_HYLL:
        status = take_redis(bytes, size, &hll, error);
        break;
    case FEATURE_SKETCH_DDSKETCH:
        kind = FEATURE_SKETCH_QUANTILES;
        status = take_message(bytes, size, &dd, error);
        break;
    default:
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "there is no format %d of sketches", format);
    }
    if (!status)
        return lf_sketch_give(kind, &hll, &dd, sketch, error);
    lf_hll_free(&hll);
    lf_dd_free(&dd);
    return status;
}
