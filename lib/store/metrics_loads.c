/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads among the metrics.
 *
 * Owns their families, by view.
 * Keeps to records: a version's rows are counted there.
 * Never names a view that was never loaded: a store without loads has none of them.
 */
#include "store/metrics_loads.h"

#include <inttypes.h>

#include "engine/claim.h"
#include "store/loads.h"

enum state {
    STATE_BUILDING,
    STATE_INTERRUPTED,
    STATE_COMMITTED,
    STATE_FAILED,
    STATE_ABORTED,
    STATES
};

/* Of one view. */
struct load_figures {
    bool any; /* a load is on record, or a version beside the one that serves */
    uint64_t states[STATES];
    const struct lf_load_record *newest; /* that was committed; no rollback */
    uint64_t kept;
    uint64_t kept_rows;
    uint64_t kept_bytes;
    bool has_bytes; /* of all of them */
    uint64_t left;  /* versions, by loads that were interrupted */
    uint64_t left_rows;
};

static void
add_record(struct load_figures *to, const struct lf_load_record *record,
           bool is_taken)
{
    static const enum state states[] = {[LF_LOAD_COMMITTED] = STATE_COMMITTED,
                                        [LF_LOAD_FAILED] = STATE_FAILED,
                                        [LF_LOAD_ABORTED] = STATE_ABORTED};

    to->any = true;
    if (record->state == LF_LOAD_BUILDING)
        to->states[is_taken ? STATE_BUILDING : STATE_INTERRUPTED]++;
    else
        to->states[states[record->state]]++;
    if (record->state == LF_LOAD_COMMITTED && !record->is_rollback)
        to->newest = record;
}

/* The load that made a version, or NULL: nobody loaded it, or it is forgotten. */
static const struct lf_load_record *
find_maker(const struct lf_load_list *loads, const struct lf_version *version)
{
    for (size_t i = 0; i < lf_load_count(loads); i++) {
        const struct lf_load_record *each = lf_load_at(loads, i);

        if (each->view == version->view && each->version == version->version &&
            !each->is_rollback)
            return each;
    }
    return NULL;
}

static void
add_version(struct load_figures *to, const struct lf_version *version,
            const struct lf_load_list *loads, bool is_taken)
{
    uint64_t rows = version->meta.row_entries - version->meta.tombstones;
    const struct lf_load_record *maker = find_maker(loads, version);

    to->any = true;
    if (version->standing == LF_STAGED && !is_taken) {
        to->left++;
        to->left_rows += rows;
    }
    if (version->standing != LF_KEPT)
        return;
    to->kept++;
    to->kept_rows += rows;
    to->kept_bytes += maker ? maker->bytes : 0;
    to->has_bytes = to->has_bytes && maker;
}

static struct load_figures
figures_of(const struct lf_figures *figures, uint32_t view)
{
    struct load_figures made = {.has_bytes = true};
    const struct lf_load_list *loads = &figures->loads;
    const struct lf_version *each = (const void *)figures->versions.data;
    bool is_taken = lf_claim_is_taken(figures->claims, view);

    for (size_t i = 0; i < lf_load_count(loads); i++)
        if (lf_load_at(loads, i)->view == view)
            add_record(&made, lf_load_at(loads, i), is_taken);
    for (size_t i = 0; i < figures->versions.size / sizeof *each; i++)
        if (each[i].view == view)
            add_version(&made, &each[i], loads, is_taken);
    return made;
}

/* --- samples ---------------------------------------------------------------------- */

static void
add_states(struct lf_text *text, const char *name, const char *view,
           const struct load_figures *figures)
{
    static const char *const words[STATES] = {"building", "interrupted",
                                              "committed", "failed", "aborted"};

    for (int i = 0; i < STATES; i++)
        lf_text_add(text, "feature_%s{view=\"%s\",state=\"%s\"} %" PRIu64 "\n",
                    name, view, words[i], figures->states[i]);
}

static void
add_count(struct lf_text *text, const char *name, const char *view,
          uint64_t count)
{
    lf_text_add(text, "feature_%s{view=\"%s\"} %" PRIu64 "\n", name, view,
                count);
}

static void
add_time(struct lf_text *text, const char *name, const char *view, int64_t time)
{
    if (time >= 0)
        lf_text_add(text, "feature_%s{view=\"%s\"} %" PRId64 ".%06" PRId64 "\n",
                    name, view, time / 1000000, time % 1000000);
}

static void
add_rows(struct lf_text *text, const char *name, const char *view,
         const struct load_figures *figures)
{
    if (figures->newest)
        add_count(text, name, view, figures->newest->rows);
}

static void
add_duration(struct lf_text *text, const char *name, const char *view,
             const struct load_figures *figures)
{
    if (figures->newest)
        add_time(text, name, view,
                 figures->newest->ended - figures->newest->began);
}

static void
add_swap(struct lf_text *text, const char *name, const char *view,
         const struct load_figures *figures)
{
    if (figures->newest)
        add_time(text, name, view, (int64_t)figures->newest->swap_us);
}

static void
add_moment(struct lf_text *text, const char *name, const char *view,
           const struct load_figures *figures)
{
    if (figures->newest)
        add_time(text, name, view, figures->newest->time);
}

static void
add_kept(struct lf_text *text, const char *name, const char *view,
         const struct load_figures *figures)
{
    add_count(text, name, view, figures->kept);
}

static void
add_kept_rows(struct lf_text *text, const char *name, const char *view,
              const struct load_figures *figures)
{
    add_count(text, name, view, figures->kept_rows);
}

static void
add_kept_bytes(struct lf_text *text, const char *name, const char *view,
               const struct load_figures *figures)
{
    if (figures->has_bytes)
        add_count(text, name, view, figures->kept_bytes);
}

static void
add_left(struct lf_text *text, const char *name, const char *view,
         const struct load_figures *figures)
{
    add_count(text, name, view, figures->left);
}

static void
add_left_rows(struct lf_text *text, const char *name, const char *view,
              const struct load_figures *figures)
{
    add_count(text, name, view, figures->left_rows);
}

struct family {
    const char *name;
    const char *unit;
    const char *help;
    void (*add)(struct lf_text *text, const char *name, const char *view,
                const struct load_figures *figures);
};

static const struct family families[] = {
    {"loads", "", "Loads and rollbacks on record, by view and state.",
     add_states},
    {"load_rows", "", "Rows of the newest load, by view.", add_rows},
    {"load_duration_seconds", "seconds",
     "From begin to end of the newest load, by view.", add_duration},
    {"load_swap_seconds", "seconds",
     "Time in which nobody else could write, of the newest load, by view.",
     add_swap},
    {"load_time_seconds", "seconds", "Commit time of the newest load, by view.",
     add_moment},
    {"view_versions_kept", "", "Versions that were replaced and kept, by view.",
     add_kept},
    {"view_versions_kept_rows", "", "Rows of those, by view.", add_kept_rows},
    {"view_versions_kept_bytes", "bytes",
     "Bytes of those as loaded, by view, where all of them were.",
     add_kept_bytes},
    {"load_leftovers", "",
     "Versions that loads have left whose process ended, by view.", add_left},
    {"load_leftover_rows", "", "Rows of those, by view.", add_left_rows}};

static void
add_family(struct lf_text *text, const struct family *family,
           const struct lf_figures *figures)
{
    const struct lf_catalog *catalog = figures->catalog;

    lf_text_add(text, "# TYPE feature_%s gauge\n", family->name);
    if (*family->unit)
        lf_text_add(text, "# UNIT feature_%s %s\n", family->name, family->unit);
    lf_text_add(text, "# HELP feature_%s %s\n", family->name, family->help);
    for (uint32_t i = 0; i < catalog->view_count; i++) {
        const struct lf_view *view = &catalog->views[i];
        struct load_figures each = figures_of(figures, view->id);

        if (each.any)
            family->add(text, family->name, view->name, &each);
    }
}

void
lf_metrics_loads(struct lf_text *text, const struct lf_figures *figures)
{
    if (!lf_load_count(&figures->loads) && !figures->versions.size)
        return;
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        add_family(text, &families[i], figures);
}
