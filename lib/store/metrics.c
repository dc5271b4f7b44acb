/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature_store_metrics(): the figures as OpenMetrics text.
 *
 * Owns the names, the units and the help texts of the metrics.
 * Keeps each family whole: its type, unit and help, then all of its samples.
 * Never prints a number that is not known: the sample is left out.
 */
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "store/figures.h"
#include "store/metrics_loads.h"
#include "store/metrics_rules.h"

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
view_history(const struct lf_meta_view *view)
{
    return view->history_entries;
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
add_view_family(struct lf_text *text, const struct lf_figures *figures,
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

static int64_t
view_newest(const struct lf_meta_view *view)
{
    return view->newest;
}

static int64_t
view_history_since(const struct lf_meta_view *view)
{
    return view->history_since;
}

/* A time of each view that has one, or how long ago that was. */
static void
add_view_time(struct lf_text *text, const struct lf_figures *figures,
              const char *name, const char *help, bool is_age,
              int64_t (*value)(const struct lf_meta_view *))
{
    add_family(text, name, "gauge", "seconds", help);
    for (uint32_t i = 0; i < figures->catalog->view_count; i++) {
        int64_t time = value(&figures->views[i]), age;

        if (time == INT64_MIN)
            continue;
        if (__builtin_sub_overflow(figures->now, time, &age))
            age = INT64_MAX; /* an event before the year -290000 */
        lf_text_add(text, "feature_%s{view=\"%s\"} ", name,
                    figures->catalog->views[i].name);
        add_seconds(text, is_age ? age : time);
    }
}

static void
add_views(struct lf_text *text, const struct lf_figures *figures)
{
    add_view_family(text, figures, "view_rows", "gauge",
                    "Rows, tombstones not counted, by view.", view_rows);
    add_view_family(text, figures, "view_tombstones", "gauge",
                    "Deleted rows still remembered, by view.", view_tombstones);
    add_view_family(text, figures, "view_history_entries", "gauge",
                    "Versions of rows kept in history, by view.", view_history);
    add_view_time(text, figures, "view_history_since_seconds",
                  "Commit time from which on history is kept, by view.", false,
                  view_history_since);
    add_view_family(text, figures, "view_rows_applied", "counter",
                    "Rows that wrote at least one cell, by view.",
                    view_applied);
    add_view_family(text, figures, "view_rows_late", "counter",
                    "Rows older than all they meant to write, by view.",
                    view_late);
    add_view_time(text, figures, "view_newest_event_timestamp_seconds",
                  "Newest event timestamp written, by view.", false,
                  view_newest);
    add_view_time(text, figures, "view_freshness_seconds",
                  "Time since the newest event timestamp, by view.", true,
                  view_newest);
}

static void
add_events(struct lf_text *text, const struct lf_figures *figures)
{
    static const char *const names[LF_OUTCOMES] = {
        [FEATURE_OUTCOME_APPLIED] = "applied",
        [FEATURE_OUTCOME_LATE] = "late",
        [FEATURE_OUTCOME_DUPLICATE] = "duplicate",
        [FEATURE_OUTCOME_FUTURE] = "future",
        [FEATURE_OUTCOME_REJECTED] = "rejected"};
    const struct lf_catalog *catalog = figures->catalog;

    if (!catalog->event_count)
        return;
    add_family(text, "event_rows", "counter", "",
               "Events that this handle wrote or took back, by outcome.");
    for (uint32_t i = 0; i < catalog->event_count; i++)
        for (int j = 1; j < LF_OUTCOMES; j++)
            lf_text_add(text,
                        "feature_event_rows_total{event=\"%s\",outcome=\"%s\"}"
                        " %" PRIu64 "\n",
                        catalog->events[i].name, names[j],
                        figures->events[i].counts.outcomes[j]);
    add_family(text, "event_ids", "gauge", "",
               "Ids that dedupe remembers, by event.");
    for (uint32_t i = 0; i < catalog->event_count; i++)
        lf_text_add(text, "feature_event_ids{event=\"%s\"} %" PRIu64 "\n",
                    catalog->events[i].name, figures->events[i].ids);
}

static void
add_states(struct lf_text *text, const struct lf_figures *figures)
{
    static const char *const names[LF_STATES] = {
        [FEATURE_STATE_PRESENT] = "present",
        [FEATURE_STATE_NULL] = "null",
        [FEATURE_STATE_NOT_FOUND] = "not_found",
        [FEATURE_STATE_OUTSIDE_MAX_AGE] = "outside_max_age",
        [FEATURE_STATE_NO_HISTORY] = "no_history",
        [FEATURE_STATE_NO_KEY] = "no_key",
        [FEATURE_STATE_PARTIAL] = "partial"};

    add_number(text, "reads", "counter", "", "Read calls of this handle.",
               figures->counts.reads);
    add_number(text, "rows_read", "counter", "", "Rows they answered.",
               figures->counts.rows);
    add_family(text, "read_states", "counter", "",
               "Rows they answered, for each of their views, by state.");
    for (int i = 1; i < LF_STATES; i++)
        lf_text_add(text,
                    "feature_read_states_total{state=\"%s\"} %" PRIu64 "\n",
                    names[i], figures->counts.states[i]);
    add_number(text, "read_overflows", "counter", "",
               "Values of windows that did not fit their type: null.",
               figures->counts.overflows);
    add_number(text, "fallback_reads", "counter", "",
               "Look-ups of this process off the fast path.",
               figures->environment.fallback_reads);
}

static void
add_commits(struct lf_text *text, const struct lf_figures *figures)
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
    add_number(text, "write_transactions", "counter", "",
               "Write transactions of this process that came to the gate.",
               info->writers);
    add_number(text, "write_waits", "counter", "",
               "Those that had to wait for another writer.",
               info->writers_waited);
    add_number(text, "write_timeouts", "counter", "",
               "Those that gave up at their deadline.", info->writers_gave_up);
    add_family(text, "write_wait_seconds", "counter", "seconds",
               "Time that writers of this process waited for others.");
    lf_text_add(text, "feature_write_wait_seconds_total ");
    add_seconds(text, (int64_t)info->writers_us);
}

static void
add_file(struct lf_text *text, const struct lf_figures *figures)
{
    const struct lf_environment_info *info = &figures->environment;

    add_number(text, "file_bytes", "gauge", "bytes", "Size of data.mdb.",
               info->file_size);
    add_number(text, "used_bytes", "gauge", "bytes",
               "Bytes of data.mdb that hold pages in use.", info->used_size);
    add_number(text, "free_bytes", "gauge", "bytes",
               "Bytes of those that hold nothing now.",
               figures->free_pages * figures->page_size);
    add_number(text, "map_bytes", "gauge", "bytes", "Address space of the map.",
               info->map_size);
    add_number(text, "map_fallback", "gauge", "",
               "1 where the map is smaller than asked for.",
               info->map_fallback);
    add_number(text, "durable", "gauge", "",
               "1 where the file system survives a reboot.", info->is_durable);
}

static void
add_readers(struct lf_text *text, const struct lf_figures *figures)
{
    const struct lf_environment_info *info = &figures->environment;

    add_number(text, "reader_slots_used", "gauge", "",
               "Reader slots taken, by all processes.", info->readers);
    add_number(text, "reader_slots", "gauge", "", "Reader slots there are.",
               info->max_readers);
    add_number(text, "active_readers", "gauge", "",
               "Readers that hold a snapshot, in all processes.",
               info->active_readers);
    add_number(text, "oldest_reader_lag", "gauge", "",
               "Transactions since the oldest snapshot that is held.",
               info->oldest_lag);
    add_number(text, "scan_snapshots", "gauge", "",
               "Snapshots that scans of this handle hold.", figures->holds);
}

static void
add_consumers(struct lf_text *text, const struct lf_feed_figures *feed)
{
    const void *data = feed->consumers.data;
    const struct lf_consumer_figures *each = data;
    size_t count = feed->consumers.size / sizeof *each;

    if (!count)
        return;
    add_family(text, "feed_consumer_lag", "gauge", "",
               "Change records a consumer has not acknowledged, by consumer.");
    for (size_t i = 0; i < count; i++) {
        uint64_t got = each[i].consumer.acknowledged;

        lf_text_add(
            text, "feature_feed_consumer_lag{consumer=\"%s\"} %" PRIu64 "\n",
            each[i].name, got < feed->meta.head ? feed->meta.head - got : 0);
    }
    add_family(text, "feed_consumer_claim_seconds", "gauge", "seconds",
               "Time until which a consumer's records are kept, by consumer.");
    for (size_t i = 0; i < count; i++) {
        lf_text_add(text,
                    "feature_feed_consumer_claim_seconds{consumer=\"%s\"} ",
                    each[i].name);
        add_seconds(text, each[i].consumer.expires);
    }
}

/* Left out where there is none. */
static void
add_feed(struct lf_text *text, const struct lf_feed_figures *feed)
{
    const struct lf_meta_feed *meta = &feed->meta;

    add_number(text, "follower", "gauge", "",
               "1 where the store follows another one.",
               meta->flags & LF_FEED_FOLLOWER ? 1 : 0);
    if (meta->flags & LF_FEED_ON) {
        add_number(text, "feed_head", "gauge", "",
                   "Sequence of the newest change record.", meta->head);
        add_number(text, "feed_first", "gauge", "",
                   "Sequence of the first change record that is kept.",
                   meta->first);
        add_number(text, "feed_bytes", "gauge", "bytes",
                   "Bytes of all change records.", meta->bytes);
        add_consumers(text, feed);
    }
    add_number(text, "source_partitions", "gauge", "",
               "Partitions of sources with a stored offset.", feed->sources);
    add_number(text, "source_jumps", "counter", "",
               "Writes that began past the stored offset.", feed->jumps);
    add_number(text, "source_replays", "counter", "",
               "Write calls of this handle that were written before.",
               feed->replays);
}

feature_status
feature_store_metrics(feature_store *store, char **text,
                      struct feature_error *error)
{
    struct lf_figures figures = {0};
    struct lf_text made = {0};
    feature_status status;
    char *taken;

    if (!store || !text)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "store and text are needed");
    LF_TRY(lf_store_enter(store, error));
    status = lf_figures_take(store, &figures, error);
    if (!status) {
        add_commits(&made, &figures);
        add_states(&made, &figures);
        add_readers(&made, &figures);
        add_file(&made, &figures);
        add_views(&made, &figures);
        add_events(&made, &figures);
        lf_metrics_rules(&made, &figures);
        lf_metrics_loads(&made, &figures);
        add_feed(&made, &figures.feed);
        add_number(&made, "upkeep_passes_due", "gauge", "",
                   "Passes of upkeep over rows or history that are due or not "
                   "at their end.",
                   figures.passes_due);
        lf_text_add(&made, "# EOF\n");
    }
    lf_store_leave(store);
    lf_figures_free(&figures);
    if (status)
        return status;
    taken = lf_text_take(&made);
    if (!taken)
        return lf_fail_memory(error);
    *text = taken;
    return FEATURE_OK;
}
