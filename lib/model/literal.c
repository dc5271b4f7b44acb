/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DEFAULT values.
 *
 * Owns what a value of each type looks like in a definition text.
 * Keeps parse(print(value)) equal to value, byte for byte.
 * Never rounds a whole number, and refuses what does not fit.
 *
 * The bytes are those of a cell (format/row.h): elements little-endian, a BOOL
 * one byte, a STRING[] u32 count, that many u32 ends, then the text bytes.
 */
#include "model/literal.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/utf8.h"
#include "model/number.h"
#include "model/quantity.h"

/* A value under way. */
struct builder {
    struct lf_lexer *lexer;
    struct lf_arena *arena;
    struct lf_buffer bytes;
    struct lf_buffer ends; /* of the strings of a STRING[] */
};

static feature_status
add(struct builder *builder, const void *bytes, size_t size)
{
    if (!lf_buffer_append(&builder->bytes, bytes, size))
        return lf_fail_memory(builder->lexer->error);
    return lf_lexer_next(builder->lexer);
}

static feature_status
take_bool(struct builder *builder)
{
    bool value = lf_lexer_is_word(builder->lexer, "TRUE");

    if (!value && !lf_lexer_is_word(builder->lexer, "FALSE"))
        return lf_lexer_expected(builder->lexer, "TRUE or FALSE");
    return add(builder, &(uint8_t){value}, 1);
}

/* A whole number of the token, of a type named in messages. */
static feature_status
read_whole(const struct lf_lexer *lexer, int32_t code, int64_t *value)
{
    const struct lf_token *token = &lexer->token;
    char quoted[LF_QUOTE_SIZE];

    if (token->kind != LF_TOKEN_NUMBER ||
        !lf_number_is_whole(token->text, token->size))
        return lf_lexer_expected(lexer, "a whole number");
    if (!lf_number_parse_int64(token->text, token->size, value) ||
        (code == FEATURE_TYPE_INT32 && *value != (int32_t)*value))
        return lf_lexer_fail(lexer, "%s does not fit %s",
                             lf_quote(quoted, token->text, token->size),
                             lf_type_code_name(code));
    return FEATURE_OK;
}

static feature_status
take_int(struct builder *builder, int32_t code)
{
    int64_t value;
    int32_t narrow;

    LF_TRY(read_whole(builder->lexer, code, &value));
    if (code == FEATURE_TYPE_INT64)
        return add(builder, &value, sizeof value);
    narrow = (int32_t)value;
    return add(builder, &narrow, sizeof narrow);
}

/* 'NaN', 'Infinity' and '-Infinity', in any case. */
static bool
read_special(const struct lf_token *token, double *value)
{
    static const struct {
        const char *name;
        double value;
    } specials[] = {{"'NaN'", (double)NAN},
                    {"'Infinity'", (double)INFINITY},
                    {"'-Infinity'", -(double)INFINITY}};

    for (size_t i = 0; i < sizeof specials / sizeof *specials; i++)
        if (token->size == strlen(specials[i].name) &&
            !strncasecmp(token->text, specials[i].name, token->size)) {
            *value = specials[i].value;
            return true;
        }
    return false;
}

static feature_status
take_float(struct builder *builder, int32_t code)
{
    const struct lf_token *token = &builder->lexer->token;
    bool is_narrow = code == FEATURE_TYPE_FLOAT32, fits = true;
    char quoted[LF_QUOTE_SIZE];
    double value = 0;
    float narrow = 0;

    if (token->kind == LF_TOKEN_STRING && read_special(token, &value))
        narrow = (float)value;
    else if (token->kind != LF_TOKEN_NUMBER)
        return lf_lexer_expected(builder->lexer,
                                 "a number, 'NaN', 'Infinity' or '-Infinity'");
    else if (is_narrow)
        fits = lf_number_parse_float32(token->text, token->size, &narrow);
    else
        fits = lf_number_parse_float64(token->text, token->size, &value);
    if (!fits)
        return lf_lexer_fail(builder->lexer, "%s does not fit %s",
                             lf_quote(quoted, token->text, token->size),
                             lf_type_code_name(code));
    return is_narrow ? add(builder, &narrow, sizeof narrow)
                     : add(builder, &value, sizeof value);
}

static feature_status
take_string(struct builder *builder)
{
    const char *text;
    uint32_t size;

    LF_TRY(lf_lexer_take_string(builder->lexer, builder->arena,
                                "a string such as 'text'", &text, &size));
    if (!lf_buffer_append(&builder->bytes, text, size))
        return lf_fail_memory(builder->lexer->error);
    return FEATURE_OK;
}

static uint8_t
hex_digit(char c)
{
    if (c <= '9')
        return (uint8_t)(c - '0');
    return (uint8_t)((c | 0x20) - 'a' + 10);
}

static feature_status
take_bytes(struct builder *builder)
{
    const struct lf_token *token = &builder->lexer->token;

    if (token->kind != LF_TOKEN_HEX)
        return lf_lexer_expected(builder->lexer, "bytes such as x'00ff'");
    for (uint32_t i = 2; i + 2 < token->size; i += 2) {
        uint8_t byte = (uint8_t)(hex_digit(token->text[i]) << 4 |
                                 hex_digit(token->text[i + 1]));

        if (!lf_buffer_append(&builder->bytes, &byte, 1))
            return lf_fail_memory(builder->lexer->error);
    }
    return lf_lexer_next(builder->lexer);
}

static feature_status
take_timestamp(struct builder *builder)
{
    struct lf_lexer *lexer = builder->lexer, start = *lexer;
    const char *text, *problem;
    int64_t value;
    uint32_t size;

    if (lexer->token.kind == LF_TOKEN_NUMBER) {
        LF_TRY(read_whole(lexer, FEATURE_TYPE_TIMESTAMP, &value));
        return add(builder, &value, sizeof value);
    }
    LF_TRY(lf_lexer_take_string(lexer, builder->arena,
                                "a timestamp such as '2024-01-31T12:00:00Z'",
                                &text, &size));
    problem = lf_timestamp_parse(text, &value);
    if (problem)
        return lf_lexer_fail(&start, "%s", problem);
    if (!lf_buffer_append(&builder->bytes, &value, sizeof value))
        return lf_fail_memory(lexer->error);
    return FEATURE_OK;
}

static feature_status
take_value(struct builder *builder, int32_t code)
{
    switch ((enum feature_type)code) {
    case FEATURE_TYPE_BOOL:
        return take_bool(builder);
    case FEATURE_TYPE_INT32:
    case FEATURE_TYPE_INT64:
        return take_int(builder, code);
    case FEATURE_TYPE_FLOAT32:
    case FEATURE_TYPE_FLOAT64:
        return take_float(builder, code);
    case FEATURE_TYPE_STRING:
        return take_string(builder);
    case FEATURE_TYPE_BYTES:
        return take_bytes(builder);
    case FEATURE_TYPE_TIMESTAMP:
        return take_timestamp(builder);
    }
    return lf_lexer_expected(builder->lexer, "a value");
}

static feature_status
take_element(struct builder *builder, int32_t code)
{
    uint32_t end;

    LF_TRY(take_value(builder, code));
    end = (uint32_t)builder->bytes.size;
    if (code == FEATURE_TYPE_STRING &&
        !lf_buffer_append(&builder->ends, &end, sizeof end))
        return lf_fail_memory(builder->lexer->error);
    return FEATURE_OK;
}

static feature_status
take_elements(struct builder *builder, struct lf_type type)
{
    struct lf_lexer *lexer = builder->lexer, start = *lexer;
    char name[LF_TYPE_NAME_SIZE];
    uint32_t count = 0;
    bool more;

    LF_TRY(lf_lexer_take_mark(lexer, '['));
    for (more = !lf_lexer_is_mark(lexer, ']'); more; count++) {
        LF_TRY(take_element(builder, type.code));
        LF_TRY(lf_lexer_skip_mark(lexer, ',', &more));
    }
    if (!lf_lexer_is_mark(lexer, ']'))
        return lf_lexer_expected(lexer, "\",\" or \"]\"");
    if (!type.is_list && count != type.width)
        return lf_lexer_fail(&start, "%s needs %u values, not %u",
                             lf_type_name(name, type), type.width, count);
    return lf_lexer_next(lexer);
}

/* Moves what was built into the arena. */
static feature_status
finish(struct builder *builder, struct lf_type type, struct lf_literal *literal)
{
    bool is_string_list = type.is_list && type.code == FEATURE_TYPE_STRING;
    size_t head = is_string_list ? 4 + builder->ends.size : 0;
    size_t size = head + builder->bytes.size;
    uint8_t *bytes = lf_arena_alloc(builder->arena, size);

    if (!bytes)
        return lf_fail_memory(builder->lexer->error);
    if (is_string_list)
        lf_store_u32(bytes, (uint32_t)(builder->ends.size / 4));
    if (builder->ends.size)
        memcpy(bytes + 4, builder->ends.data, builder->ends.size);
    if (builder->bytes.size)
        memcpy(bytes + head, builder->bytes.data, builder->bytes.size);
    literal->is_set = true;
    literal->size = (uint32_t)size;
    literal->bytes = bytes;
    return FEATURE_OK;
}

feature_status
lf_literal_parse(struct lf_lexer *lexer, struct lf_type type,
                 struct lf_arena *arena, struct lf_literal *literal)
{
    struct builder builder = {.lexer = lexer, .arena = arena};
    feature_status status;

    if (lf_lexer_is_word(lexer, "NULL")) {
        *literal = (struct lf_literal){0};
        return lf_lexer_next(lexer);
    }
    if (type.is_list || type.width > 1)
        status = take_elements(&builder, type);
    else
        status = take_value(&builder, type.code);
    if (status)
        goto out;
    status = finish(&builder, type, literal);
out:
    lf_buffer_free(&builder.bytes);
    lf_buffer_free(&builder.ends);
    return status;
}

void
lf_string_print(struct lf_text *text, const void *bytes, size_t size)
{
    const char *at = bytes, *end = at + size;

    lf_text_add_bytes(text, "'", 1);
    while (at < end) {
        const char *quote = memchr(at, '\'', (size_t)(end - at));
        const char *stop = quote ? quote + 1 : end;

        lf_text_add_bytes(text, at, (size_t)(stop - at));
        if (quote)
            lf_text_add_bytes(text, "'", 1);
        at = stop;
    }
    lf_text_add_bytes(text, "'", 1);
}

static void
print_float(struct lf_text *text, double value, bool is_narrow)
{
    char buffer[LF_NUMBER_SIZE];

    if (isnan(value))
        lf_text_add(text, "'NaN'");
    else if (isinf(value))
        lf_text_add(text, value < 0 ? "'-Infinity'" : "'Infinity'");
    else if (is_narrow)
        lf_text_add(text, "%s", lf_number_print_float32(buffer, (float)value));
    else
        lf_text_add(text, "%s", lf_number_print_float64(buffer, value));
}

static void
print_timestamp(struct lf_text *text, int64_t value)
{
    char buffer[LF_QUANTITY_SIZE];

    if (lf_timestamp_print(buffer, value))
        lf_text_add(text, "'%s'", buffer);
    else
        lf_text_add(text, "%" PRId64, value);
}

static void
print_bytes(struct lf_text *text, const uint8_t *bytes, size_t size)
{
    lf_text_add(text, "x'");
    for (size_t i = 0; i < size; i++)
        lf_text_add(text, "%02x", bytes[i]);
    lf_text_add(text, "'");
}

static void
print_value(struct lf_text *text, int32_t code, const uint8_t *bytes,
            size_t size)
{
    switch ((enum feature_type)code) {
    case FEATURE_TYPE_BOOL:
        lf_text_add(text, *bytes ? "TRUE" : "FALSE");
        return;
    case FEATURE_TYPE_INT32:
        lf_text_add(text, "%" PRId32, lf_load_i32(bytes));
        return;
    case FEATURE_TYPE_INT64:
        lf_text_add(text, "%" PRId64, lf_load_i64(bytes));
        return;
    case FEATURE_TYPE_FLOAT32:
        print_float(text, (double)lf_load_f32(bytes), true);
        return;
    case FEATURE_TYPE_FLOAT64:
        print_float(text, lf_load_f64(bytes), false);
        return;
    case FEATURE_TYPE_STRING:
        lf_string_print(text, bytes, size);
        return;
    case FEATURE_TYPE_BYTES:
        print_bytes(text, bytes, size);
        return;
    case FEATURE_TYPE_TIMESTAMP:
        print_timestamp(text, lf_load_i64(bytes));
        return;
    }
}

static void
print_strings(struct lf_text *text, const uint8_t *bytes)
{
    uint32_t count = lf_load_u32(bytes), begin = 0;
    const uint8_t *ends = bytes + 4, *first = ends + 4 * (size_t)count;

    for (uint32_t i = 0; i < count; i++) {
        uint32_t end = lf_load_u32(ends + 4 * (size_t)i);

        lf_text_add(text, i ? ", " : "");
        lf_string_print(text, first + begin, end - begin);
        begin = end;
    }
}

void
lf_literal_print(struct lf_text *text, struct lf_type type,
                 const struct lf_literal *literal)
{
    size_t size = lf_type_element_size(type.code);

    if (!type.is_list && type.width == 1) {
        print_value(text, type.code, literal->bytes, literal->size);
        return;
    }
    lf_text_add(text, "[");
    if (type.code == FEATURE_TYPE_STRING)
        print_strings(text, literal->bytes);
    else
        for (size_t at = 0; at < literal->size; at += size) {
            lf_text_add(text, at ? ", " : "");
            print_value(text, type.code, literal->bytes + at, size);
        }
    lf_text_add(text, "]");
}

bool
lf_literal_equal(const struct lf_literal *a, const struct lf_literal *b)
{
    if (!a->is_set || !b->is_set)
        return a->is_set == b->is_set;
    return a->size == b->size &&
           (a->size == 0 || !memcmp(a->bytes, b->bytes, a->size));
}

static bool
is_text(const uint8_t *bytes, size_t size)
{
    return lf_utf8_valid(bytes, size) && !memchr(bytes, 0, size);
}

static bool
are_texts(const uint8_t *bytes, uint32_t size)
{
    uint32_t count, begin = 0;
    const uint8_t *texts;

    if (!lf_type_is_string_list(bytes, size))
        return false;
    count = lf_load_u32(bytes);
    texts = bytes + 4 + 4 * (size_t)count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t end = lf_load_u32(bytes + 4 + 4 * (size_t)i);

        if (!is_text(texts + begin, end - begin))
            return false;
        begin = end;
    }
    return true;
}

bool
lf_literal_is_valid(const struct lf_literal *literal, struct lf_type type)
{
    const uint8_t *bytes = literal->bytes;
    uint32_t size = literal->size;

    if (type.is_list)
        return type.code == FEATURE_TYPE_STRING
                   ? are_texts(bytes, size)
                   : size % lf_type_element_size(type.code) == 0;
    if (type.code == FEATURE_TYPE_STRING)
        return is_text(bytes, size);
    if (type.code == FEATURE_TYPE_BYTES)
        return true;
    return size == lf_type_fixed_size(type) &&
           (type.code != FEATURE_TYPE_BOOL || *bytes <= 1);
}
