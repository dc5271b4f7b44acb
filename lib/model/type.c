/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types of features and join keys.
 *
 * Owns the names, the sizes and the widening rule of types.
 * Keeps to the codes of the public header.
 * Never judges which types a feature or a join key may have.
 */
#include "model/type.h"

#include <stdio.h>

#include "base/bytes.h"

bool
lf_type_equal(struct lf_type a, struct lf_type b)
{
    return a.code == b.code && a.width == b.width && a.is_list == b.is_list;
}

bool
lf_type_widens(struct lf_type from, struct lf_type to)
{
    if (from.width != to.width || from.is_list != to.is_list)
        return false;
    if (from.code == FEATURE_TYPE_INT32)
        return to.code == FEATURE_TYPE_INT64 || to.code == FEATURE_TYPE_FLOAT64;
    return from.code == FEATURE_TYPE_FLOAT32 && to.code == FEATURE_TYPE_FLOAT64;
}

const char *
lf_type_name(char buffer[LF_TYPE_NAME_SIZE], struct lf_type type)
{
    const char *code = lf_type_code_name(type.code);

    if (type.is_list)
        snprintf(buffer, LF_TYPE_NAME_SIZE, "%s[]", code);
    else if (type.width != 1)
        snprintf(buffer, LF_TYPE_NAME_SIZE, "%s[%u]", code, type.width);
    else
        snprintf(buffer, LF_TYPE_NAME_SIZE, "%s", code);
    return buffer;
}

const char *
lf_type_code_name(int32_t code)
{
    switch ((enum feature_type)code) {
    case FEATURE_TYPE_BOOL:
        return "BOOL";
    case FEATURE_TYPE_INT32:
        return "INT32";
    case FEATURE_TYPE_INT64:
        return "INT64";
    case FEATURE_TYPE_FLOAT32:
        return "FLOAT32";
    case FEATURE_TYPE_FLOAT64:
        return "FLOAT64";
    case FEATURE_TYPE_STRING:
        return "STRING";
    case FEATURE_TYPE_BYTES:
        return "BYTES";
    case FEATURE_TYPE_TIMESTAMP:
        return "TIMESTAMP";
    }
    return "UNKNOWN";
}

bool
lf_type_is_string_list(const uint8_t *bytes, size_t size)
{
    uint32_t count, end = 0;
    uint64_t head;

    if (size < 4)
        return false;
    count = lf_load_u32(bytes);
    head = 4 + 4 * (uint64_t)count;
    if (head > size)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t next = lf_load_u32(bytes + 4 + 4 * (size_t)i);

        if (next < end)
            return false;
        end = next;
    }
    return head + end == size;
}
