/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Figures of rows, for quality rules.
 *
 * Owns what a row adds to each figure: see docs/quality.md.
 * Keeps its memory to a few sketches a feature that a rule names, however many
 * rows there are.
 * Never looks at a feature that no rule names.
 */
#include "store/quality.h"

#include <string.h>

#include "base/alloc.h"
#include "format/key.h"
#include "format/row.h"
#include "store/quality_parts.h"

static bool
is_real(int32_t code)
{
    return code == FEATURE_TYPE_FLOAT32 || code == FEATURE_TYPE_FLOAT64;
}

/* The subject of a rule, made where it is new; the array has room. */
static struct lf_subject *
subject_of(struct lf_quality *quality, const struct lf_rule *rule)
{
    struct lf_subject *made;

    for (uint32_t i = 0; i < quality->subject_count; i++)
        if (quality->subjects[i].feature == rule->feature &&
            quality->subjects[i].key == rule->key)
            return &quality->subjects[i];
    made = &quality->subjects[quality->subject_count++];
    made->feature = rule->feature;
    made->key = rule->key;
    if (rule->feature)
        made->type = lf_view_feature_by_id(quality->view, rule->feature)->type;
    made->is_scalar = rule->feature && !lf_type_is_variable(made->type) &&
                      made->type.width == 1;
    made->is_real = is_real(made->type.code);
    return made;
}

static bool
add_rule(struct lf_quality *quality, const struct lf_rule *rule)
{
    struct lf_subject *subject;

    if (!lf_figure_has_name(rule->figure) ||
        (rule->key && quality->entity->key_count == 1))
        return true;
    subject = subject_of(quality, rule);
    if (rule->figure == LF_LEAST || rule->figure == LF_GREATEST)
        subject->has_ends = true;
    if (rule->figure == LF_DISTINCT && !subject->has_distinct) {
        subject->has_distinct = true;
        lf_hll_init(&subject->distinct, LF_QUALITY_P);
        return lf_hll_reserve(&subject->distinct);
    }
    if (rule->figure == LF_PSI && !subject->has_values) {
        subject->has_values = true;
        return lf_dd_init(&subject->values, LF_DD_ERROR_DEFAULT);
    }
    return true;
}

feature_status
lf_quality_make(const struct lf_view *view, const struct lf_entity *entity,
                bool is_before, struct lf_quality **quality,
                struct feature_error *error)
{
    struct lf_quality *made = lf_alloc(sizeof *made);
    bool done;

    if (!made)
        return lf_fail_memory(error);
    made->view = view;
    made->entity = entity;
    made->subjects = lf_alloc_array(view->rule_count, sizeof *made->subjects);
    made->versions = lf_alloc_array(view->schema_count, sizeof *made->versions);
    done = made->subjects && made->versions;
    for (uint32_t i = 0; done && i < view->rule_count; i++)
        if (!is_before || view->rules[i].figure == LF_PSI)
            done = add_rule(made, &view->rules[i]);
    if (!done) {
        lf_quality_free(made);
        return lf_fail_memory(error);
    }
    *quality = made;
    return FEATURE_OK;
}

void
lf_quality_free(struct lf_quality *quality)
{
    if (!quality)
        return;
    for (uint32_t i = 0; i < quality->subject_count; i++) {
        lf_hll_free(&quality->subjects[i].distinct);
        lf_dd_free(&quality->subjects[i].values);
    }
    lf_arena_free(&quality->arena);
    lf_free(quality->versions);
    lf_free(quality->subjects);
    lf_free(quality);
}

bool
lf_quality_needs_rows(const struct lf_quality *quality)
{
    return quality->subject_count > 0;
}

static feature_status
corrupt(const struct lf_quality *quality, struct feature_error *error)
{
    return lf_fail(error, FEATURE_CORRUPT, "structure",
                   "a row of %s has bytes that are none", quality->view->name);
}

static void
find_place(const struct lf_subject *subject, const struct lf_layout *layout,
           struct lf_subject_place *place)
{
    const struct lf_slot *slot;

    place->slot = subject->feature ? lf_layout_slot(layout, subject->feature)
                                   : LF_NO_SLOT;
    if (place->slot == LF_NO_SLOT)
        return;
    slot = &layout->slots[place->slot];
    place->code = slot->type.code;
    place->offset = slot->offset;
}

/* How rows of a schema version are laid out, and where its subjects are. */
static feature_status
find_version(struct lf_quality *quality, uint16_t number,
             struct lf_quality_version **version, struct feature_error *error)
{
    const struct lf_schema *schema = lf_view_schema(quality->view, number);
    struct lf_quality_version *found;

    if (!schema)
        return corrupt(quality, error);
    found = &quality->versions[number - 1];
    *version = found;
    if (found->places)
        return FEATURE_OK;
    if (!lf_layout_init(&found->layout, schema, &quality->arena))
        return lf_fail_memory(error);
    found->places = lf_arena_array(&quality->arena, quality->subject_count,
                                   sizeof *found->places);
    if (!found->places)
        return lf_fail_memory(error);
    for (uint32_t i = 0; i < quality->subject_count; i++)
        find_place(&quality->subjects[i], &found->layout, &found->places[i]);
    return FEATURE_OK;
}

/* One element of a stored number, TIMESTAMP or BOOL. */
static inline struct lf_element
load_element(const uint8_t *bytes, int32_t code)
{
    struct lf_element element = {0};
    uint32_t bits;
    float narrow;

    switch (code) {
    case FEATURE_TYPE_BOOL:
        element.whole = *bytes;
        break;
    case FEATURE_TYPE_INT32:
        element.whole = (int32_t)lf_load_u32(bytes);
        break;
    case FEATURE_TYPE_FLOAT32:
        bits = lf_load_u32(bytes);
        memcpy(&narrow, &bits, sizeof narrow);
        element.real = (double)narrow;
        return element;
    case FEATURE_TYPE_FLOAT64:
        element.whole = lf_load_i64(bytes);
        memcpy(&element.real, &element.whole, sizeof element.real);
        return element;
    default:
        element.whole = lf_load_i64(bytes);
        break;
    }
    element.real = (double)element.whole;
    return element;
}

/* The same in the feature's type now, whatever it was written as. */
static uint64_t
word_of(const struct lf_subject *subject, struct lf_element element)
{
    if (!subject->is_real)
        return (uint64_t)element.whole;
    return element.real == element.real ? lf_element_real(element.real)
                                        : UINT64_C(0x7ff8) << 48;
}

static uint64_t
hash_of(const struct lf_subject *subject, const struct lf_cell *cell,
        int32_t code)
{
    size_t width = lf_type_element_size(code);
    uint64_t hash = 0;

    if (!width)
        return lf_element_hash(cell->bytes, cell->size);
    hash = lf_element_hash_word(cell->size / width);
    for (size_t at = 0; at + width <= cell->size; at += width)
        hash = lf_element_hash_word(
            hash ^ word_of(subject, load_element(cell->bytes + at, code)));
    return hash;
}

static void
add_ends(struct lf_subject *subject, struct lf_element element)
{
    if (subject->is_real) {
        if (!subject->count || element.real < subject->least.real)
            subject->least.real = element.real;
        if (!subject->count || element.real > subject->greatest.real)
            subject->greatest.real = element.real;
    } else {
        if (!subject->count || element.whole < subject->least.whole)
            subject->least.whole = element.whole;
        if (!subject->count || element.whole > subject->greatest.whole)
            subject->greatest.whole = element.whole;
    }
}

/* A value of a feature that has one a row. False: no memory. */
static bool
add_scalar(struct lf_subject *subject, struct lf_element element)
{
    if (subject->is_real && element.real != element.real) {
        subject->nulls++; /* a NaN */
        return true;
    }
    if (subject->has_ends)
        add_ends(subject, element);
    subject->count++;
    if (subject->has_values && !lf_dd_add(&subject->values, element.real))
        return false;
    return !subject->has_distinct ||
           lf_hll_add(&subject->distinct,
                      lf_element_hash_word(word_of(subject, element)));
}

/* A text, a list or a vector. */
static bool
add_wide(struct lf_subject *subject, const struct lf_cell *cell, int32_t code)
{
    subject->count++;
    return !subject->has_distinct ||
           lf_hll_add(&subject->distinct, hash_of(subject, cell, code));
}

/* The encoded bytes of a join key stand for it. */
static bool
add_key(const struct lf_quality *quality, struct lf_subject *subject,
        const uint8_t *key, size_t size)
{
    const uint8_t *at = key, *end = key + size, *begin = key;
    uint8_t text[LF_KEY_MAX];
    size_t text_size;
    int64_t number;
    bool good = size <= LF_KEY_MAX;

    for (uint32_t i = 0; good && i < subject->key; i++) {
        begin = at;
        good = quality->entity->keys[i].code == FEATURE_TYPE_INT64
                   ? lf_key_get_int64(&at, end, &number)
                   : lf_key_get_bytes(&at, end, text, &text_size);
    }
    return good && lf_hll_add(&subject->distinct,
                              lf_element_hash(begin, (size_t)(at - begin)));
}

/* False: no memory. */
static bool
add_feature(struct lf_subject *subject, const struct lf_row *row,
            const struct lf_layout *layout,
            const struct lf_subject_place *place)
{
    struct lf_cell cell;

    if (place->slot == LF_NO_SLOT || lf_row_is_null(row, place->slot)) {
        subject->nulls++;
        return true;
    }
    if (subject->is_scalar)
        return add_scalar(
            subject, load_element(row->bytes + place->offset, place->code));
    cell = lf_row_cell(row, layout, place->slot);
    return add_wide(subject, &cell, place->code);
}

feature_status
lf_quality_add(struct lf_quality *quality, const uint8_t *key, size_t key_size,
               const uint8_t *row, size_t size, struct feature_error *error)
{
    struct lf_quality_version *version = NULL;
    struct lf_row opened;

    if (!lf_row_open(&opened, row, size))
        return corrupt(quality, error);
    if (opened.flags & LF_ROW_TOMBSTONE)
        return FEATURE_OK;
    if (!quality->view->event) {
        LF_TRY(find_version(quality, opened.version, &version, error));
        if (!lf_row_check(&opened, &version->layout))
            return corrupt(quality, error);
    }
    quality->rows++;
    for (uint32_t i = 0; i < quality->subject_count; i++) {
        struct lf_subject *subject = &quality->subjects[i];

        if (subject->key) {
            if (!add_key(quality, subject, key, key_size))
                return corrupt(quality, error);
        } else if (!add_feature(subject, &opened, &version->layout,
                                &version->places[i])) {
            return lf_fail_memory(error);
        }
    }
    return FEATURE_OK;
}
