/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scans and joins of windowed views.
 *
 * Owns the labels, and the way from Arrow's arrays to columns.
 * Keeps to the verdicts of reads: event_read.c has them.
 * Never copies a value: arrays live until they were judged.
 */
#include "event_read.h"

#include <errno.h>
#include <string.h>

#include "../api/arrow_abi.h"

/* --- arrays as columns ------------------------------------------------------- */

static const uint8_t all_valid[READ_ROWS / 8 + 1] = {0xff, 0xff, 0xff};

static void
take_array(const struct ArrowArray *array, const struct ArrowSchema *schema,
           struct feature_column *column)
{
    const struct ArrowArray *child = array;
    const char *format = schema->format;

    *column = (struct feature_column){.validity = array->buffers[0]};
    if (!column->validity)
        column->validity = all_valid;
    if (!strcmp(format, "+l")) {
        column->offsets = array->buffers[1];
        child = array->children[0];
        format = schema->children[0]->format;
    }
    column->type = *format == 'u'   ? FEATURE_TYPE_STRING
                   : *format == 'g' ? FEATURE_TYPE_FLOAT64
                                    : FEATURE_TYPE_INT64;
    column->values = child->buffers[*format == 'u' ? 2 : 1];
    if (*format == 'u' && child != array)
        column->child_offsets = child->buffers[1];
    else if (*format == 'u')
        column->offsets = child->buffers[1];
}

/* A stream's schema and its only batch. */
struct arrived {
    struct ArrowSchema schema;
    struct ArrowArray array;
};

static bool
arrive(struct event_world *world, struct ArrowArrayStream *stream,
       struct arrived *arrived)
{
    *arrived = (struct arrived){0};
    if (stream->get_schema(stream, &arrived->schema) ||
        stream->get_next(stream, &arrived->array))
        return differ(world, "a stream fails: %s",
                      stream->get_last_error(stream));
    return true;
}

static void
release(struct arrived *arrived, struct ArrowArrayStream *stream)
{
    if (arrived->array.release)
        arrived->array.release(&arrived->array);
    if (arrived->schema.release)
        arrived->schema.release(&arrived->schema);
    if (stream->release)
        stream->release(stream);
}

static void
take_values(struct reading *reading, const struct arrived *arrived,
            uint32_t first)
{
    for (uint32_t i = 0; i < reading->count; i++)
        take_array(arrived->array.children[first + i],
                   arrived->schema.children[first + i], &reading->values[i]);
}

/* --- scans ------------------------------------------------------------------- */

static int
shop_named(const char *bytes, int32_t size)
{
    for (int i = 0; i < SHOPS; i++)
        if ((size_t)size == strlen(shop_names[i]) &&
            !memcmp(bytes, shop_names[i], (size_t)size))
            return i;
    return -1;
}

static void
take_keys(struct reading *reading, const struct arrived *arrived)
{
    struct ArrowArray **columns = arrived->array.children;
    enum entity entity = reading->view->entity;
    const struct ArrowArray *shops = columns[entity == BY_PAIR];
    uint32_t keys = entity == BY_PAIR ? 2 : 1;

    for (uint32_t i = 0; i < reading->rows; i++) {
        if (entity != BY_SHOP)
            reading->card[i] =
                (int)((const int64_t *)columns[0]->buffers[1])[i];
        if (entity != BY_CARD) {
            const int32_t *ends = shops->buffers[1];

            reading->shop[i] =
                shop_named((const char *)shops->buffers[2] + ends[i],
                           ends[i + 1] - ends[i]);
        }
        reading->newest[i] = ((const int64_t *)columns[keys]->buffers[1])[i];
        reading->states[i] = FEATURE_STATE_PRESENT;
    }
}

static bool
is_listed(const struct reading *reading, uint32_t key)
{
    for (uint32_t i = 0; i < reading->rows; i++) {
        struct happened row = {.card = reading->card[i],
                               .shop = reading->shop[i]};

        if (key_of(reading->view, &row) == (int)key)
            return true;
    }
    return false;
}

/* Each key of which something is visible now is there, and no other. */
static bool
judge_keys(struct event_world *world, const struct reading *reading)
{
    static struct gathered all;
    struct view *view = reading->view;

    for (uint32_t key = 0; key < KEYS; key++) {
        struct asked asked = {.view = view, .key = key, .t = world->now};
        bool knows, is_partial, is_there = is_listed(reading, key);

        gather(world, &asked, &all);
        view_knowledge(world, &asked, &knows, &is_partial);
        if (view->wm[key] == NEVER || view->is_unsure[key])
            continue; /* its row may have left before a feature came */
        if (!is_partial && is_there != is_visible(world, &asked, &all) &&
            (!is_there || world->now > view->wm[key]))
            return differ(world, "a scan of %s %s key %u",
                          view_name(world, view), is_there ? "has" : "lacks",
                          key);
    }
    return true;
}

bool
run_event_scan(struct event_world *world)
{
    static struct reading reading;
    struct ArrowArrayStream stream = {0};
    struct arrived arrived;
    struct feature_error error = {0};
    feature_status status;
    bool same;

    memset(&reading, 0, sizeof reading);
    reading.view = any_view(world);
    if (!reading.view)
        return true;
    for (uint32_t i = 0; i < reading.view->count; i++)
        reading.columns[reading.count++] = i;
    reading.fills = true;
    reading.now = world->now;
    status = feature_store_scan_arrow(
        any_store(world),
        arena_print(&world->scratch, "%s(*)", view_name(world, reading.view)),
        NULL, &stream, &error);
    if (!expect_good(world, "feature_store_scan_arrow", status, &error))
        return false;
    same = arrive(world, &stream, &arrived);
    if (same && arrived.array.release) {
        reading.rows = (uint32_t)arrived.array.length;
        take_keys(&reading, &arrived);
        take_values(&reading, &arrived,
                    reading.view->entity == BY_PAIR ? 3 : 2);
        same = judge_reading(world, &reading);
    }
    same = same && judge_keys(world, &reading);
    world->counts.scans++;
    release(&arrived, &stream);
    return same;
}

/* --- labels ------------------------------------------------------------------ */

#define LABEL_COLUMNS 3

/* Columns as Arrow has them, all of them static: released is forgotten. */
struct labels {
    uint32_t rows, count;
    bool is_given;
    const char *names[LABEL_COLUMNS], *formats[LABEL_COLUMNS];
    int64_t cards[READ_ROWS], times[READ_ROWS];
    int32_t ends[READ_ROWS + 1];
    char shops[4 * READ_ROWS];
    uint8_t has[READ_ROWS / 8 + 1];
    const void *buffers[LABEL_COLUMNS][3];
    struct ArrowArray arrays[LABEL_COLUMNS], *array_list[LABEL_COLUMNS];
    struct ArrowSchema schemas[LABEL_COLUMNS], *schema_list[LABEL_COLUMNS];
};

static void
release_array(struct ArrowArray *array)
{
    array->release = NULL;
}

static void
release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static int
give_schema(struct ArrowArrayStream *stream, struct ArrowSchema *schema)
{
    struct labels *labels = stream->private_data;

    for (uint32_t i = 0; i < labels->count; i++) {
        labels->schemas[i] = (struct ArrowSchema){.format = labels->formats[i],
                                                  .name = labels->names[i],
                                                  .flags = ARROW_FLAG_NULLABLE,
                                                  .release = release_schema};
        labels->schema_list[i] = &labels->schemas[i];
    }
    *schema = (struct ArrowSchema){.format = "+s",
                                   .name = "",
                                   .n_children = labels->count,
                                   .children = labels->schema_list,
                                   .release = release_schema};
    return 0;
}

static int
give_next(struct ArrowArrayStream *stream, struct ArrowArray *array)
{
    static const void *no_buffers[1];
    struct labels *labels = stream->private_data;

    *array = (struct ArrowArray){0};
    if (labels->is_given)
        return 0;
    labels->is_given = true;
    for (uint32_t i = 0; i < labels->count; i++) {
        labels->arrays[i] =
            (struct ArrowArray){.length = labels->rows,
                                .null_count = labels->buffers[i][0] ? -1 : 0,
                                .n_buffers = *labels->formats[i] == 'u' ? 3 : 2,
                                .buffers = labels->buffers[i],
                                .release = release_array};
        labels->array_list[i] = &labels->arrays[i];
    }
    *array = (struct ArrowArray){.length = labels->rows,
                                 .n_buffers = 1,
                                 .buffers = no_buffers,
                                 .n_children = labels->count,
                                 .children = labels->array_list,
                                 .release = release_array};
    return 0;
}

static const char *
give_error(struct ArrowArrayStream *stream)
{
    (void)stream;
    return NULL;
}

static void
release_stream(struct ArrowArrayStream *stream)
{
    stream->release = NULL;
}

static void
add_label(struct labels *labels, const char *name, const char *format,
          const void *values, const void *more, const void *has)
{
    uint32_t at = labels->count++;

    labels->names[at] = name;
    labels->formats[at] = format;
    labels->buffers[at][0] = has;
    labels->buffers[at][1] = values;
    labels->buffers[at][2] = more;
}

static void
make_labels(struct labels *labels, const struct reading *reading)
{
    enum entity entity = reading->view->entity;

    memset(labels, 0, sizeof *labels);
    labels->rows = reading->rows;
    for (uint32_t i = 0; i < reading->rows; i++) {
        const char *shop =
            reading->shop[i] < 0 ? "" : shop_names[reading->shop[i]];
        int32_t size = (int32_t)strlen(shop);

        labels->cards[i] = reading->card[i];
        labels->times[i] = reading->times[i];
        memcpy(labels->shops + labels->ends[i], shop, (size_t)size);
        labels->ends[i + 1] = labels->ends[i] + size;
        labels->has[i / 8] |=
            (uint8_t)((reading->card[i] >= 0) << (i & 7)); /* as the shop */
    }
    add_label(labels, "event_timestamp", "l", labels->times, NULL, NULL);
    if (entity != BY_SHOP)
        add_label(labels, "card_id", "l", labels->cards, NULL, labels->has);
    if (entity != BY_CARD)
        add_label(labels, entity == BY_SHOP ? "name" : "shop", "u",
                  labels->ends, labels->shops, labels->has);
}

static void
take_joined(struct reading *reading, const struct arrived *arrived,
            uint32_t labels)
{
    const struct ArrowArray *states = NULL;

    take_values(reading, arrived, labels);
    for (int64_t i = 0; i < arrived->schema.n_children; i++)
        if (strstr(arrived->schema.children[i]->name, "__state"))
            states = arrived->array.children[i];
    for (uint32_t i = 0; states && i < reading->rows; i++)
        reading->states[i] = ((const int32_t *)states->buffers[1])[i];
    reading->has_states = states != NULL;
}

bool
run_event_join(struct event_world *world)
{
    static struct reading reading;
    static struct labels labels;
    struct feature_join_options options = {.struct_size = sizeof options,
                                           .flags = FEATURE_EXPORT_STATES};
    struct ArrowArrayStream given = {give_schema, give_next, give_error,
                                     release_stream, &labels},
                            stream = {0};
    struct arrived arrived = {0};
    struct feature_error error = {0};
    feature_status status;
    bool same;

    memset(&reading, 0, sizeof reading);
    reading.view = any_view(world);
    if (!reading.view)
        return true;
    draw_reading(world, &reading, false);
    reading.as_of = true;
    make_labels(&labels, &reading);
    status = make_event_query(world, &reading, any_store(world), &error);
    if (!status)
        status = feature_query_join_arrow(reading.query, &given, &options,
                                          &stream, &error);
    same = expect_good(world, "feature_query_join_arrow", status, &error) &&
           arrive(world, &stream, &arrived);
    if (same && arrived.array.release) {
        take_joined(&reading, &arrived, labels.count);
        for (uint32_t i = 0; i < reading.rows; i++)
            reading.newest[i] = NEVER;
        same = judge_reading(world, &reading);
    }
    world->counts.joins++;
    feature_query_free(reading.query);
    release(&arrived, &stream);
    return same;
}
