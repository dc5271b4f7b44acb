/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a stream's schema says of its columns.
 *
 * Owns the table of Arrow's formats: those that are taken, and the names of
 * those that are not.
 * Keeps a column's source complete: what is not in it is not asked again.
 * Never keeps a pointer into the schema, which is released before the first
 * record batch.
 */
#include "exchange/import.h"

#include <stdio.h>
#include <string.h>

#define DAY_US       INT64_C(86400000000)
#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct form {
    const char *format, *name;
    enum lf_source_kind kind;
    enum lf_number number;
    int64_t unit;
} forms[] = {
    {"n", "null", LF_SOURCE_NULL, 0, 0},
    {"b", "bool", LF_SOURCE_BOOL, 0, 0},
    {"c", "int8", LF_SOURCE_NUMBER, LF_NUMBER_I8, 0},
    {"C", "uint8", LF_SOURCE_NUMBER, LF_NUMBER_U8, 0},
    {"s", "int16", LF_SOURCE_NUMBER, LF_NUMBER_I16, 0},
    {"S", "uint16", LF_SOURCE_NUMBER, LF_NUMBER_U16, 0},
    {"i", "int32", LF_SOURCE_NUMBER, LF_NUMBER_I32, 0},
    {"I", "uint32", LF_SOURCE_NUMBER, LF_NUMBER_U32, 0},
    {"l", "int64", LF_SOURCE_NUMBER, LF_NUMBER_I64, 0},
    {"L", "uint64", LF_SOURCE_NUMBER, LF_NUMBER_U64, 0},
    {"f", "float32", LF_SOURCE_NUMBER, LF_NUMBER_F32, 0},
    {"g", "float64", LF_SOURCE_NUMBER, LF_NUMBER_F64, 0},
    {"u", "string", LF_SOURCE_TEXT32, 0, 0},
    {"U", "large string", LF_SOURCE_TEXT64, 0, 0},
    {"vu", "string view", LF_SOURCE_TEXT_VIEW, 0, 0},
    {"z", "binary", LF_SOURCE_TEXT32, 0, 0},
    {"Z", "large binary", LF_SOURCE_TEXT64, 0, 0},
    {"vz", "binary view", LF_SOURCE_TEXT_VIEW, 0, 0},
    {"tdD", "date32", LF_SOURCE_TIME, LF_NUMBER_I32, DAY_US},
    {"tdm", "date64", LF_SOURCE_TIME, LF_NUMBER_I64, 1000},
    {"tss", "timestamp[s]", LF_SOURCE_TIME, LF_NUMBER_I64, 1000000},
    {"tsm", "timestamp[ms]", LF_SOURCE_TIME, LF_NUMBER_I64, 1000},
    {"tsu", "timestamp[us]", LF_SOURCE_TIME, LF_NUMBER_I64, 1},
    {"tsn", "timestamp[ns]", LF_SOURCE_TIME, LF_NUMBER_I64, -1000},
    {"+l", "list", LF_SOURCE_LIST32, 0, 0},
    {"+L", "large list", LF_SOURCE_LIST64, 0, 0},
    {"+w", "fixed-size list", LF_SOURCE_VECTOR, 0, 0},
};

/* By how the format begins; one letter is all of it. */
static const struct {
    const char *format, *name;
} refused[] = {
    {"e", "float16"},
    {"d:", "decimal"},
    {"w:", "fixed-size binary"},
    {"tt", "time of day"},
    {"tD", "duration"},
    {"ti", "interval"},
    {"+vl", "list-view"},
    {"+vL", "large list-view"},
    {"+s", "struct"},
    {"+m", "map"},
    {"+ud:", "dense union"},
    {"+us:", "sparse union"},
    {"+r", "run-end encoded"},
};

static bool
begins(const char *format, const char *with)
{
    return strncmp(format, with, strlen(with)) == 0;
}

static feature_status
fail_schema(struct feature_error *error, const char *name, const char *what)
{
    return lf_fail(error, FEATURE_INVALID, "arrow",
                   "column \"%s\" of the stream: %s", name, what);
}

static feature_status
fail_format(const char *format, const char *name, const char *where,
            struct feature_error *error)
{
    char quoted[LF_QUOTE_SIZE];

    lf_quote(quoted, format, strnlen(format, LF_QUOTE_SIZE));
    for (size_t i = 0; i < COUNT(refused); i++)
        if (begins(format, refused[i].format) &&
            (refused[i].format[1] || !format[1]))
            return lf_fail(error, FEATURE_UNSUPPORTED, "arrow-type",
                           "column \"%s\" of the stream: the Arrow type %s%s "
                           "(\"%s\") is not taken",
                           name, where, refused[i].name, quoted);
    return lf_fail(error, FEATURE_UNSUPPORTED, "arrow-type",
                   "column \"%s\" of the stream: unknown Arrow format \"%s\"",
                   name, quoted);
}

/* Timestamps end in a zone, whatever it is: their values are in UTC. */
static const struct form *
find_form(const char *format)
{
    size_t size = strlen(format);

    if (begins(format, "ts") && size > 3 && format[3] == ':')
        size = 3;
    if (begins(format, "+w:"))
        size = 2;
    for (size_t i = 0; i < COUNT(forms); i++)
        if (strlen(forms[i].format) == size &&
            memcmp(forms[i].format, format, size) == 0)
            return &forms[i];
    return NULL;
}

/* The N of +w:N. */
static bool
read_width(const char *digits, int64_t *width)
{
    int64_t made = 0;

    if (!*digits)
        return false;
    for (; *digits; digits++) {
        if (*digits < '0' || *digits > '9')
            return false;
        made = 10 * made + (*digits - '0');
        if (made > INT32_MAX)
            return false;
    }
    *width = made;
    return true;
}

/* A type without children of its own. */
static feature_status
parse_plain(struct lf_source *source, const struct ArrowSchema *schema,
            const char *name, const char *where, struct feature_error *error)
{
    const struct form *form;

    if (!schema->format)
        return fail_schema(error, name, "a type has no format");
    form = find_form(schema->format);
    if (!form)
        return fail_format(schema->format, name, where, error);
    if (form->kind >= LF_SOURCE_VECTOR && *where)
        return lf_fail(error, FEATURE_UNSUPPORTED, "arrow-type",
                       "column \"%s\" of the stream: the Arrow type %s%s is "
                       "not taken",
                       name, where, form->name);
    *source = (struct lf_source){.kind = form->kind,
                                 .number = form->number,
                                 .unit = form->unit,
                                 .name = form->name};
    if (source->kind == LF_SOURCE_VECTOR &&
        !read_width(schema->format + 3, &source->width))
        return fail_schema(error, name, "a fixed-size list has no size");
    if (source->kind < LF_SOURCE_VECTOR && schema->n_children != 0)
        return fail_schema(error, name, "its type has children");
    return FEATURE_OK;
}

static feature_status
make_child(struct lf_source *source, struct lf_arena *arena,
           struct feature_error *error)
{
    source->child = lf_arena_alloc(arena, sizeof *source->child);
    return source->child ? FEATURE_OK : lf_fail_memory(error);
}

/* The format is of the indexes, the dictionary's of the values. */
static feature_status
parse_dictionary(struct lf_source *source, const struct ArrowSchema *schema,
                 struct lf_arena *arena, const char *name, const char *where,
                 struct feature_error *error)
{
    const struct lf_source *child;

    if (source->kind != LF_SOURCE_NUMBER || source->number >= LF_NUMBER_F32)
        return fail_schema(error, name,
                           "the indexes of a dictionary are not integers");
    LF_TRY(make_child(source, arena, error));
    LF_TRY(parse_plain(source->child, schema->dictionary, name,
                       "dictionary of ", error));
    child = source->child;
    if (schema->dictionary->dictionary || child->kind < LF_SOURCE_TEXT32 ||
        child->kind > LF_SOURCE_TEXT_VIEW)
        return lf_fail(error, FEATURE_UNSUPPORTED, "arrow-type",
                       "column \"%s\" of the stream: the Arrow type %s"
                       "dictionary of %s is not taken",
                       name, where, child->name);
    source->kind = LF_SOURCE_DICTIONARY;
    source->name = "dictionary of strings";
    return FEATURE_OK;
}

static feature_status
parse_value(struct lf_source *source, const struct ArrowSchema *schema,
            struct lf_arena *arena, const char *name, const char *where,
            struct feature_error *error)
{
    LF_TRY(parse_plain(source, schema, name, where, error));
    if (!schema->dictionary)
        return FEATURE_OK;
    return parse_dictionary(source, schema, arena, name, where, error);
}

feature_status
lf_source_parse(struct lf_source *source, const struct ArrowSchema *schema,
                struct lf_arena *arena, const char *name,
                struct feature_error *error)
{
    LF_TRY(parse_value(source, schema, arena, name, "", error));
    if (source->kind < LF_SOURCE_VECTOR)
        return FEATURE_OK;
    if (schema->n_children != 1 || !schema->children || !schema->children[0])
        return fail_schema(error, name, "a list has not one type of elements");
    LF_TRY(make_child(source, arena, error));
    return parse_value(source->child, schema->children[0], arena, name,
                       "list of ", error);
}

static bool
accepts(int32_t code, const struct lf_source *source)
{
    switch (source->kind) {
    case LF_SOURCE_NULL:
        return true;
    case LF_SOURCE_BOOL:
        return code == FEATURE_TYPE_BOOL;
    case LF_SOURCE_NUMBER:
        return lf_number_conversion(source->number, code) != NULL;
    case LF_SOURCE_TIME:
        return code == FEATURE_TYPE_TIMESTAMP;
    case LF_SOURCE_TEXT32:
    case LF_SOURCE_TEXT64:
    case LF_SOURCE_TEXT_VIEW:
    case LF_SOURCE_DICTIONARY:
        return code == FEATURE_TYPE_STRING || code == FEATURE_TYPE_BYTES;
    case LF_SOURCE_VECTOR:
    case LF_SOURCE_LIST32:
    case LF_SOURCE_LIST64:
        break;
    }
    return false;
}

/* Lists and fixed-size lists both become vectors and lists: where every one of
 * them has as many elements as the vector. */
static bool
accepts_shape(struct lf_type type, const struct lf_source *source)
{
    if (source->kind == LF_SOURCE_NULL)
        return true;
    if (source->kind < LF_SOURCE_VECTOR)
        return !type.is_list && type.width == 1 && accepts(type.code, source);
    if (!type.is_list &&
        (type.width == 1 || (source->kind == LF_SOURCE_VECTOR &&
                             source->width != (int64_t)type.width)))
        return false;
    return accepts(type.code, source->child);
}

feature_status
lf_source_accept(const struct lf_source *source,
                 const struct lf_batch_column *column,
                 struct feature_error *error)
{
    char wanted[LF_TYPE_NAME_SIZE], width[24] = "";

    if (accepts_shape(column->input.type, source))
        return FEATURE_OK;
    lf_type_name(wanted, column->input.type);
    if (source->kind < LF_SOURCE_VECTOR)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "column \"%s\" is %s and cannot take Arrow's %s",
                       column->name, wanted, source->name);
    if (source->kind == LF_SOURCE_VECTOR)
        snprintf(width, sizeof width, "%lld ", (long long)source->width);
    return lf_fail(error, FEATURE_INVALID, "argument",
                   "column \"%s\" is %s and cannot take Arrow's %s of %s%s",
                   column->name, wanted, source->name, width,
                   source->child->name);
}
