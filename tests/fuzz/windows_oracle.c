/* SPDX-License-Identifier: Apache-2.0 */
/* What plain arrays say of windows: every event is looked at for every answer. */
#include "windows.h"

#include <math.h>
#include <stdlib.h>

static wide_int
floor_to(wide_int x, int64_t hop, int64_t zone)
{
    wide_int local = x + zone, rest = local % hop;

    return x - (rest < 0 ? rest + hop : rest);
}

void
arrays_bounds(const struct world *world, const struct lf_window *window,
              int64_t t, wide_int *from, wide_int *to)
{
    int64_t zone = world->view.zone;

    *to = t;
    switch (window->kind) {
    case LF_SLIDING:
        *from = floor_to((wide_int)t - window->size, window->hop, zone);
        return;
    case LF_TUMBLE:
        *to = floor_to(t, window->size, zone);
        *from = *to - window->size;
        return;
    case LF_CUMULATE:
        *from = floor_to(t, window->size, zone);
        return;
    default:
        *from = (wide_int)INT64_MIN - 1;
    }
}

bool
arrays_visible(const struct world *world, uint32_t version,
               const struct happening *const *happenings, uint32_t count,
               int64_t t)
{
    const struct lf_schema *schema = &world->schemas[version - 1];

    for (uint32_t i = 0; i < schema->count; i++) {
        const struct lf_window *window =
            &world->aggregates[schema->fields[i].feature - 1].window;
        wide_int from, to;

        arrays_bounds(world, window, t, &from, &to);
        for (uint32_t j = 0; j < count; j++)
            if (happenings[j]->ts >= from && happenings[j]->ts < to)
                return true;
    }
    return false;
}

bool
arrays_promises(const struct lf_tile_plan *plan, int64_t wm, int64_t t)
{
    int64_t hop = plan->level_count > 1 ? plan->hops[1] : 1;

    if ((wide_int)t >= (wide_int)wm - plan->skew)
        return true;
    return (wide_int)t >= (wide_int)wm - plan->slack &&
           floor_to(t, hop, plan->zone) == t;
}

uint32_t
arrays_level(const struct lf_tile_plan *plan, int64_t wm, int64_t ts)
{
    for (uint32_t i = 0; i < plan->level_count; i++) {
        uint32_t parent = i + 1 < plan->level_count ? i + 1 : i;
        int64_t hop = i == 0 ? plan->grain : plan->hops[parent];

        if ((wide_int)wm - (floor_to(ts, hop, plan->zone) + hop) <
            plan->keeps[i])
            return i;
    }
    return plan->level_count;
}

/* --- values ----------------------------------------------------------------*/

struct seen {
    double number; /* order and arithmetic: all numbers here are exact in it */
    const char *text;
    int64_t ts;
    uint32_t order; /* of commit */
    double key;
    const char *key_text;
};

struct fold {
    const struct world *world;
    const struct lf_aggregate *aggregate;
    int32_t code;
    bool is_text;
    uint32_t count;
    struct seen seen[EVENTS_MAX + 1];
};

static double
number_of(const struct happening *happening, uint32_t column)
{
    switch (column) {
    case AMOUNT:
    case SMALL:
        return (double)happening->integer;
    case FLAG:
        return happening->flag;
    case RATIO:
        return happening->price / 2;
    default:
        return happening->price;
    }
}

static bool
holds(const struct lf_aggregate *aggregate, const struct happening *happening)
{
    const struct lf_term *term = aggregate->terms;
    int64_t least;

    if (!aggregate->term_count)
        return true;
    if (!happening->has[term->column])
        return false;
    if (term->column == FLAG)
        return happening->flag == term->literals->bytes[0];
    memcpy(&least, term->literals->bytes, 8);
    return term->op == LF_LESS ? happening->integer < least
                               : happening->integer >= least;
}

static int
by_value(const struct fold *fold, const struct seen *a, const struct seen *b)
{
    if (fold->is_text)
        return strcmp(a->text, b->text);
    return (a->number > b->number) - (a->number < b->number);
}

static int
by_key(const struct seen *a, const struct seen *b)
{
    if (a->key_text)
        return strcmp(a->key_text, b->key_text);
    return (a->key > b->key) - (a->key < b->key);
}

/* Negative: a is listed before b. */
static int
rank(const struct fold *fold, const struct seen *a, const struct seen *b)
{
    int order;

    if (fold->aggregate->by != LF_NO_COLUMN)
        return by_key(a, b);
    switch (fold->aggregate->kind) {
    case LF_FIRST:
    case LF_LAST:
        order = (a->ts > b->ts) - (a->ts < b->ts);
        if (!order)
            order = (a->order > b->order) - (a->order < b->order);
        return fold->aggregate->kind == LF_LAST ? -order : order;
    case LF_TOP:
    case LF_MAX:
        return -by_value(fold, a, b);
    default:
        return by_value(fold, a, b);
    }
}

static void
sort(struct fold *fold)
{
    for (uint32_t i = 1; i < fold->count; i++) {
        struct seen seen = fold->seen[i];
        uint32_t j = i;

        for (; j > 0 && rank(fold, &fold->seen[j - 1], &seen) > 0; j--)
            fold->seen[j] = fold->seen[j - 1];
        fold->seen[j] = seen;
    }
}

static void
collect(struct fold *fold, const struct happening *const *happenings,
        uint32_t count, int64_t t)
{
    const struct lf_aggregate *aggregate = fold->aggregate;
    wide_int from, to;

    arrays_bounds(fold->world, &aggregate->window, t, &from, &to);
    for (uint32_t i = 0; i < count; i++) {
        const struct happening *happening = happenings[i];
        struct seen seen = {.ts = happening->ts, .order = i};

        if (happening->ts < from || happening->ts >= to ||
            !holds(aggregate, happening) ||
            (aggregate->column != LF_NO_COLUMN &&
             !happening->has[aggregate->column]) ||
            (aggregate->by != LF_NO_COLUMN && !happening->has[aggregate->by]))
            continue;
        if (aggregate->column != LF_NO_COLUMN) {
            seen.number = number_of(happening, aggregate->column);
            seen.text = happening->shop;
        }
        if (aggregate->by != LF_NO_COLUMN) {
            seen.key = number_of(happening, aggregate->by);
            seen.key_text = aggregate->by == SHOP ? happening->shop : NULL;
        }
        fold->seen[fold->count++] = seen;
    }
    sort(fold);
}

/* --- comparing -------------------------------------------------------------*/

static bool
is_near(double a, double b)
{
    return fabs(a - b) <= 1e-9 * (1 + fabs(a) + fabs(b));
}

/* The i-th element of an answer that is a list, or its one value. */
static bool
element_is(const struct lf_tile_answer *answer, int32_t code, uint32_t i,
           const struct seen *seen, double number, const char *text)
{
    size_t size = lf_type_element_size(code);
    double real = 0;

    (void)seen;
    if (size == 0)
        return answer->size == strlen(text) &&
               (!answer->size ||
                memcmp(answer->bytes, text, answer->size) == 0);
    if (answer->size < (i + 1) * size)
        return false;
    if (code == FEATURE_TYPE_FLOAT64)
        memcpy(&real, answer->bytes + i * size, 8);
    else if (code == FEATURE_TYPE_FLOAT32)
        real = (double)lf_load_f32(answer->bytes + i * size);
    else if (size == 8)
        real = (double)lf_load_i64(answer->bytes + i * size);
    else if (size == 4)
        real = lf_load_i32(answer->bytes + i * size);
    else
        real = answer->bytes[i];
    return is_near(real, number);
}

static bool
texts_are(const struct lf_tile_answer *answer, const char *const *texts,
          uint32_t count)
{
    const uint8_t *at;
    uint32_t end = 0;

    if (answer->size < 4 + 4 * count || lf_load_u32(answer->bytes) != count)
        return false;
    at = answer->bytes + 4 + 4 * count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t size = (uint32_t)strlen(texts[i]);

        end += size;
        if (lf_load_u32(answer->bytes + 4 + 4 * i) != end ||
            4 + 4 * count + end > answer->size ||
            memcmp(at, texts[i], size) != 0)
            return false;
        at += size;
    }
    return answer->size == 4 + 4 * count + end;
}

static bool
list_is(const struct fold *fold, const struct lf_tile_answer *answer)
{
    const char *texts[EVENTS_MAX + 1];
    uint32_t k = fold->aggregate->k, count = fold->count;

    if (count > k)
        count = k;
    for (uint32_t i = 0; i < count; i++)
        texts[i] = fold->seen[i].text;
    if (fold->is_text)
        return texts_are(answer, texts, count);
    if (answer->size != count * lf_type_element_size(fold->code))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!element_is(answer, fold->code, i, NULL, fold->seen[i].number,
                        NULL))
            return false;
    return true;
}

static double
moment(const struct seen *seen, uint32_t count, enum lf_aggregate_kind kind)
{
    long double sum = 0, squares = 0, mean;

    for (uint32_t i = 0; i < count; i++)
        sum += (long double)seen[i].number;
    mean = count ? sum / count : 0;
    for (uint32_t i = 0; i < count; i++)
        squares += (seen[i].number - mean) * (seen[i].number - mean);
    switch (kind) {
    case LF_COUNT:
        return count;
    case LF_SUM:
        return (double)sum;
    case LF_AVG:
        return (double)mean;
    case LF_STDDEV:
        return (double)sqrtl(squares / (count - 1));
    default:
        return (double)sqrtl(squares / count);
    }
}

static double
extreme(const struct fold *fold, uint32_t from, uint32_t to, uint32_t *which)
{
    *which = from;
    for (uint32_t i = from + 1; i < to; i++) {
        int order = by_value(fold, &fold->seen[i], &fold->seen[*which]);

        if (fold->aggregate->kind == LF_MIN ? order < 0 : order > 0)
            *which = i;
    }
    return fold->seen[*which].number;
}

static bool
by_is(const struct fold *fold, const struct lf_feature *feature,
      const struct lf_tile_answer *answer)
{
    const struct lf_aggregate *aggregate = fold->aggregate;
    const char *texts[EVENTS_MAX + 1];
    double numbers[EVENTS_MAX + 1];
    uint32_t keys = 0, end, which;

    for (uint32_t i = 0; i < fold->count; i = end) {
        for (end = i + 1; end < fold->count &&
                          by_key(&fold->seen[i], &fold->seen[end]) == 0;)
            end++;
        which = i;
        if (aggregate->is_keys)
            numbers[keys] = fold->seen[i].key;
        else if (aggregate->kind == LF_MIN || aggregate->kind == LF_MAX)
            numbers[keys] = extreme(fold, i, end, &which);
        else
            numbers[keys] = moment(&fold->seen[i], end - i, aggregate->kind);
        texts[keys++] = aggregate->is_keys ? fold->seen[i].key_text
                                           : fold->seen[which].text;
    }
    if (keys > aggregate->by_cap)
        return answer->kind == LF_ANSWER_NULL;
    if (answer->kind != LF_ANSWER_VALUE)
        return false;
    if (lf_type_element_size(feature->type.code) == 0)
        return texts_are(answer, texts, keys);
    if (answer->size != keys * lf_type_element_size(feature->type.code))
        return false;
    for (uint32_t i = 0; i < keys; i++)
        if (!element_is(answer, feature->type.code, i, NULL, numbers[i], NULL))
            return false;
    return true;
}

static uint32_t
distinct(struct fold *fold)
{
    uint32_t count = 0;

    sort(fold);
    for (uint32_t i = 0; i < fold->count; i++)
        count +=
            i == 0 || by_value(fold, &fold->seen[i - 1], &fold->seen[i]) != 0;
    return count;
}

static bool
quantile_is(struct fold *fold, const struct lf_tile_answer *answer)
{
    double q = fold->aggregate->quantile, real, right;

    if (!fold->count)
        return answer->kind == LF_ANSWER_NULL;
    if (answer->kind != LF_ANSWER_VALUE || answer->size != 8)
        return false;
    sort(fold);
    right = fold->seen[(uint32_t)(q * (fold->count - 1))].number;
    real = lf_load_f64(answer->bytes);
    return fabs(real - right) <= 0.0101 * fabs(right) + 1e-9;
}

static bool
number_is(const struct lf_tile_answer *answer, bool is_null, int32_t code,
          double number)
{
    if (is_null)
        return answer->kind == LF_ANSWER_NULL;
    return answer->kind == LF_ANSWER_VALUE &&
           answer->size == lf_type_element_size(code) &&
           element_is(answer, code, 0, NULL, number, NULL);
}

static bool
agrees(struct fold *fold, const struct lf_feature *feature,
       const struct lf_tile_answer *answer)
{
    const struct lf_aggregate *aggregate = fold->aggregate;
    uint32_t n = fold->count;

    if (aggregate->by != LF_NO_COLUMN)
        return by_is(fold, feature, answer);
    switch (aggregate->kind) {
    case LF_COUNT:
        return number_is(answer, false, FEATURE_TYPE_INT64, n);
    case LF_SUM:
    case LF_AVG:
    case LF_STDDEV_POP:
    case LF_STDDEV:
        return number_is(answer, n < (aggregate->kind == LF_STDDEV ? 2 : 1),
                         feature->type.code,
                         moment(fold->seen, n, aggregate->kind));
    case LF_COUNT_DISTINCT:
        n = distinct(fold);
        return number_is(answer, n > aggregate->k, FEATURE_TYPE_INT64, n);
    case LF_APPROX_COUNT_DISTINCT:
        n = distinct(fold);
        return n <= 64
                   ? number_is(answer, false, FEATURE_TYPE_INT64, n)
                   : answer->size == 8 &&
                         fabs((double)lf_load_i64(answer->bytes) - n) < 0.1 * n;
    case LF_APPROX_PERCENTILE:
        return quantile_is(fold, answer);
    default:
        break;
    }
    if (aggregate->k && aggregate->kind != LF_MIN && aggregate->kind != LF_MAX)
        return answer->kind == LF_ANSWER_VALUE && list_is(fold, answer);
    if (!n)
        return answer->kind == LF_ANSWER_NULL;
    return answer->kind == LF_ANSWER_VALUE &&
           element_is(answer, fold->code, 0, NULL, fold->seen[0].number,
                      fold->seen[0].text);
}

bool
arrays_agrees(const struct world *world, const struct lf_feature *feature,
              const struct happening *const *happenings, uint32_t count,
              int64_t t, const struct lf_tile_answer *answer)
{
    static struct fold fold;

    fold.world = world;
    fold.aggregate = feature->aggregate;
    fold.count = 0;
    fold.is_text = feature->aggregate->column == SHOP;
    fold.code = feature->aggregate->column == LF_NO_COLUMN
                    ? FEATURE_TYPE_INT64
                    : world->columns[feature->aggregate->column].code;
    collect(&fold, happenings, count, t);
    return agrees(&fold, feature, answer);
}
