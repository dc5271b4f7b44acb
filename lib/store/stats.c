/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Figures: feature_store_stats() and feature_store_metrics().
 *
 * Owns what the store tells of itself, as a struct and as OpenMetrics text.
 * Keeps all figures of one call to one snapshot, save for those of the process
 * and the file.
 * Never scans rows: the views' records have the counts.
 */
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "store/store.h"

/* What both reports are made from. */
struct figures {
    struct lf_environment_info environment;
    struct lf_meta_store meta;
    struct lf_catalog *catalog;
    struct lf_meta_view *views; /* in the catalog's order */
};

static feature_status
read_view(struct lf_reader *reader, uint32_t view, struct lf_meta_view *meta,
          struct feature_error *error)
{
    char key[LF_META_KEY_SIZE];
    const uint8_t *value;
    bool found;
    size_t size;

    lf_meta_view_key(view, key);
    LF_TRY(lf_reader_get(reader, LF_META_TREE, key, strlen(key), &found, &value,
                         &size, error));
    *meta = lf_meta_view_empty();
    if (found && !lf_meta_view_decode(meta, view, value, size))
        return lf_fail(error, FEATURE_CORRUPT, "checksum",
                       "the record of a feature view is damaged");
    return FEATURE_OK;
}

static feature_status
read_snapshot(feature_store *store, struct lf_reader *reader,
              struct figures *figures, struct feature_error *error)
{
    LF_TRY(lf_store_read_meta(reader, &figures->meta, error));
    LF_TRY(lf_store_read_catalog(store, reader, &figures->meta,
                                 &figures->catalog, error));
    figures->views =
        lf_alloc_array(figures->catalog->view_count, sizeof *figures->views);
    if (!figures->views)
        return lf_fail_memory(error);
    for (uint32_t i = 0; i < figures->catalog->view_count; i++)
        LF_TRY(read_view(reader, figures->catalog->views[i].id,
                         &figures->views[i], error));
    return FEATURE_OK;
}

static void
free_figures(struct figures *figures)
{
    lf_catalog_release(figures->catalog);
    lf_free(figures->views);
}

static feature_status
take_figures(feature_store *store, struct figures *figures,
             struct feature_error *error)
{
    struct lf_reader *reader;
    feature_status status;

    LF_TRY(
        lf_environment_info(store->environment, &figures->environment, error));
    LF_TRY(lf_reader_begin(store->environment, &reader, error));
    figures->environment.transaction = lf_reader_transaction(reader);
    status = read_snapshot(store, reader, figures, error);
    lf_reader_end(reader);
    return status;
}

static void
fill_stats(const feature_store *store, const struct figures *figures,
           struct feature_stats *stats)
{
    const struct lf_environment_info *info = &figures->environment;

    *stats = (struct feature_stats){
        .flags = (info->is_durable ? FEATURE_STATS_DURABLE : 0u) |
                 (info->map_fallback ? FEATURE_STATS_MAP_FALLBACK : 0u),
        .sequence = figures->meta.sequence,
        .commit_time = figures->meta.commit_time,
        .catalog_version = figures->meta.catalog_version,
        .file_size = info->file_size,
        .map_size = info->map_size,
        .used_size = info->used_size,
        .transaction = info->transaction,
        .entities = figures->catalog->entity_count,
        .views = figures->catalog->view_count,
        .services = figures->catalog->service_count,
        .readers = info->readers,
        .max_readers = info->max_readers,
        .lmdb_version = info->lmdb_version,
        .reads = atomic_load(&store->reads),
        .read_rows = atomic_load(&store->read_rows),
        .fallback_reads = info->fallback_reads};
    for (uint32_t i = 0; i < figures->catalog->view_count; i++) {
        const struct lf_meta_view *view = &figures->views[i];

        stats->rows += view->row_entries - view->tombstones;
        stats->tombstones += view->tombstones;
        stats->applied += view->applied;
        stats->late += view->late;
    }
}

feature_status
feature_store_stats(feature_store *store, struct feature_stats *stats,
                    struct feature_error *error)
{
    struct figures figures = {0};
    struct feature_stats ours;
    feature_status status;

    if (!store || !stats)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "store and stats are needed");
    LF_TRY(lf_report_check(stats, "feature_stats", error));
    LF_TRY(lf_store_enter(store, error));
    status = take_figures(store, &figures, error);
    if (!status)
        fill_stats(store, &figures, &ours);
    lf_store_leave(store);
    free_figures(&figures);
    if (!status)
        lf_report_write(stats, &ours, sizeof ours);
    return status;
}

static void
add_family(struct lf_text *text, const char *name, const char *type,
           const char *unit, const char *help)
{
    lf_text_add(text, "# TYPE feature_%s %s\n", name, type);
    if (*unit)
        lf_text_add(text, "# UNIT feature_%s %s\n", name, unit);
    lf_text_add(text, "# HELP feature_%s %s\n", name, help);
}

static void
add_number(struct lf_text *text, const char *name, const char *type,
           const char *unit, const char *help, uint64_t value)
{
    add_family(text, name, type, unit, help);
    lf_text_add(text, "feature_%s%s %" PRIu64 "\n", name,
                strcmp(type, "counter") == 0 ? "_total" : "", value);
}

/* A time in seconds, with its microseconds exact. */
static void
add_seconds(struct lf_text *text, int64_t time)
{
    uint64_t size = time < 0 ? 0 - (uint64_t)time : (uint64_t)time;

    lf_text_add(text, "%s%" PRIu64 ".%06" PRIu64 "\n", time < 0 ? "-" : "",
                size / 1000000, size % 1000000);
}

static uint64_t
view_rows(const struct lf_meta_view *view)
{
    return view->row_entries - view->tombstones;
}

static uint64_t
view_tombstones(const struct lf_meta_view *view)
{
    return view->tombstones;
}

static uint64_t
view_applied(const struct lf_meta_view *view)
{
    return view->applied;
}

static uint64_t
view_late(const struct lf_meta_view *view)
{
    return view->late;
}

static void
add_view_family(struct lf_text *text, const struct figures *figures,
                const char *name, const char *type, const char *help,
                uint64_t (*value)(const struct lf_meta_view *))
{
    const char *suffix = strcmp(type, "counter") == 0 ? "_total" : "";

    add_family(text, name, type, "", help);
    for (uint32_t i = 0; i < figures->catalog->view_count; i++)
        lf_text_add(text, "feature_%s%s{view=\"%s\"} %" PRIu64 "\n", name,
                    suffix, figures->catalog->views[i].name,
                    value(&figures->views[i]));
}

static void
add_freshness(struct lf_text *text, const struct figures *figures)
{
    const char *name = "view_newest_event_timestamp_seconds";

    add_family(text, name, "gauge", "seconds",
               "Newest event timestamp written, by view.");
    for (uint32_t i = 0; i < figures->catalog->view_count; i++) {
        if (figures->views[i].newest == INT64_MIN)
            continue;
        lf_text_add(text, "feature_%s{view=\"%s\"} ", name,
                    figures->catalog->views[i].name);
        add_seconds(text, figures->views[i].newest);
    }
}

static void
add_views(struct lf_text *text, const struct figures *figures)
{
    add_view_family(text, figures, "view_rows", "gauge",
                    "Rows, tombstones not counted, by view.", view_rows);
    add_view_family(text, figures, "view_tombstones", "gauge",
                    "Deleted rows still remembered, by view.", view_tombstones);
    add_view_family(text, figures, "view_rows_applied", "counter",
                    "Rows that wrote at least one cell, by view.",
                    view_applied);
    add_view_family(text, figures, "view_rows_late", "counter",
                    "Rows older than all they meant to write, by view.",
                    view_late);
    add_freshness(text, figures);
}

static void
add_store(struct lf_text *text, const feature_store *store,
          const struct figures *figures)
{
    const struct lf_environment_info *info = &figures->environment;

    add_number(text, "commits", "counter", "", "Commits ever made.",
               figures->meta.sequence);
    add_family(text, "commit_time_seconds", "gauge", "seconds",
               "Time of the newest commit.");
    lf_text_add(text, "feature_commit_time_seconds ");
    add_seconds(text, figures->meta.commit_time);
    add_number(text, "catalog_version", "gauge", "",
               "Applies that changed something.",
               figures->meta.catalog_version);
    add_number(text, "reads", "counter", "", "Read calls of this handle.",
               atomic_load(&store->reads));
    add_number(text, "rows_read", "counter", "", "Rows they answered.",
               atomic_load(&store->read_rows));
    add_number(text, "fallback_reads", "counter", "",
               "Look-ups of this process off the fast path.",
               info->fallback_reads);
    add_number(text, "file_bytes", "gauge", "bytes", "Size of data.mdb.",
               info->file_size);
    add_number(text, "used_bytes", "gauge", "bytes",
               "Bytes of data.mdb that hold pages in use.", info->used_size);
    add_number(text, "map_bytes", "gauge", "bytes", "Address space of the map.",
               info->map_size);
    add_number(text, "reader_slots_used", "gauge", "",
               "Reader slots taken, by all processes.", info->readers);
    add_number(text, "reader_slots", "gauge", "", "Reader slots there are.",
               info->max_readers);
    add_number(text, "scan_snapshots", "gauge", "",
               "Snapshots that scans of this handle hold.",
               atomic_load(&store->hold_count));
    add_number(text, "durable", "gauge", "",
               "1 where the file system survives a reboot.", info->is_durable);
}

feature_status
feature_store_metrics(feature_store *store, char **text,
                      struct feature_error *error)
{
    struct figures figures = {0};
    struct lf_text made = {0};
    feature_status status;
    char *taken;

    if (!store || !text)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "store and text are needed");
    LF_TRY(lf_store_enter(store, error));
    status = take_figures(store, &figures, error);
    if (!status) {
        add_store(&made, store, &figures);
        add_views(&made, &figures);
        lf_text_add(&made, "# EOF\n");
    }
    lf_store_leave(store);
    free_figures(&figures);
    if (status)
        return status;
    taken = lf_text_take(&made);
    if (!taken)
        return lf_fail_memory(error);
    *text = taken;
    return FEATURE_OK;
}
