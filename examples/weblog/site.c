/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store of the log: one event, one view, a minute at a time.
 *
 * The time of the log is simulated. So the clock of the store stands still, and
 * the event may be ahead of it as far as it likes (max_skew = 'none'); whoever
 * reads a real log leaves both to the library.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "weblog.h"

#define LINES_MAX 1000 /* of a commit */

/* Lines may be five minutes behind and still count. */
static const char definitions[] =
    "CREATE ENTITY page (page STRING);"
    "CREATE EVENT hit (page STRING, visitor STRING, load_ms FLOAT64)"
    "    WITH (max_skew = 'none');"
    "CREATE FEATURE VIEW page_minute ("
    "    views    = COUNT(*)                            OVER TUMBLE '1 minute',"
    "    visitors = APPROX_COUNT_DISTINCT(visitor)      OVER TUMBLE '1 minute',"
    "    p95      = APPROX_PERCENTILE(load_ms, 0.95)    OVER TUMBLE '1 minute',"
    "    p99      = APPROX_PERCENTILE(load_ms, 0.99)    OVER TUMBLE '1 minute',"
    "    visitors_hour = APPROX_COUNT_DISTINCT(visitor) OVER CUMULATE '1 hour'"
    ") FOR page FROM hit WITH (slack = '5 minutes');";

static const char columns[] =
    "page_minute(views, visitors, p95, p99, visitors_hour)";

struct texts {
    int32_t ends[LINES_MAX + 1];
    char bytes[LINES_MAX * NAME_SIZE];
};

struct site {
    feature_store *store;
    feature_batch *batch;
    feature_query *query;
    feature_request *request;
    struct counts counts;
    /* lines that are not written yet */
    uint32_t count;
    struct texts pages, visitors;
    int64_t times[LINES_MAX];
    double loads[LINES_MAX];
    /* pages so far, by name */
    uint32_t page_count;
    char *names[PAGES_MAX];
};

static struct feature_error error;

static void
check(feature_status status)
{
    if (!status)
        return;
    fprintf(stderr, "weblog: %s: %s (%s)\n", feature_status_name(status),
            error.message, error.reason);
    exit(1);
}

struct site *
site_open(const char *path, int64_t clock)
{
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = FEATURE_OPEN_CREATE,
                                      .max_row_size = UINT64_C(16) << 20,
                                      .fixed_now = clock};
    struct site *site = calloc(1, sizeof *site);

    if (!site)
        exit(1);
    check(feature_store_open(path, &options, &site->store, &error));
    check(feature_store_apply(site->store, definitions, NULL, NULL, &error));
    check(feature_batch_create(site->store, "hit",
                               "page, visitor, load_ms, event_timestamp",
                               FEATURE_EVENT, &site->batch, &error));
    check(
        feature_query_create(site->store, columns, NULL, &site->query, &error));
    check(feature_request_create(site->query, &site->request, &error));
    return site;
}

/* --- writing ------------------------------------------------------------------ */

static void
add_text(struct texts *texts, uint32_t at, const char *text)
{
    size_t size = strlen(text);

    memcpy(texts->bytes + texts->ends[at], text, size);
    texts->ends[at + 1] = texts->ends[at] + (int32_t)size;
}

static void
know_page(struct site *site, const char *name)
{
    uint32_t at = 0;
    char *copy;

    while (at < site->page_count && strcmp(site->names[at], name) < 0)
        at++;
    if (at < site->page_count && !strcmp(site->names[at], name))
        return;
    copy = strdup(name);
    if (!copy || site->page_count == PAGES_MAX) {
        fprintf(stderr, "weblog: more than %d pages\n", PAGES_MAX);
        exit(1);
    }
    memmove(site->names + at + 1, site->names + at,
            (site->page_count - at) * sizeof *site->names);
    site->names[at] = copy;
    site->page_count++;
}

void
site_add(struct site *site, const struct line *line)
{
    uint32_t at = site->count++;

    know_page(site, line->page);
    add_text(&site->pages, at, line->page);
    add_text(&site->visitors, at, line->visitor);
    site->times[at] = line->time;
    site->loads[at] = line->load_ms;
    if (site->count == LINES_MAX)
        site_flush(site);
}

void
site_flush(struct site *site)
{
    struct feature_commit commit = {.struct_size = sizeof commit};
    uint32_t n = site->count;

    if (!n)
        return;
    check(feature_batch_set(site->batch, 0, FEATURE_TYPE_STRING,
                            site->pages.bytes, site->pages.ends, NULL, n,
                            &error));
    check(feature_batch_set(site->batch, 1, FEATURE_TYPE_STRING,
                            site->visitors.bytes, site->visitors.ends, NULL, n,
                            &error));
    check(feature_batch_set(site->batch, 2, FEATURE_TYPE_FLOAT64, site->loads,
                            NULL, NULL, n, &error));
    check(feature_batch_set(site->batch, 3, FEATURE_TYPE_TIMESTAMP, site->times,
                            NULL, NULL, n, &error));
    check(feature_store_write(site->store, &site->batch, 1, NULL, &commit,
                              &error));
    site->counts.views += n;
    site->counts.late += commit.late;
    site->count = 0;
}

struct counts
site_counts(const struct site *site)
{
    return site->counts;
}

/* --- reading ------------------------------------------------------------------ */

uint32_t
site_pages(const struct site *site)
{
    return site->page_count;
}

static void
set_pages(struct site *site)
{
    static struct texts names;

    for (uint32_t i = 0; i < site->page_count; i++)
        add_text(&names, i, site->names[i]);
    check(feature_request_set_key(site->request, 0, FEATURE_TYPE_STRING,
                                  names.bytes, names.ends, NULL,
                                  site->page_count, &error));
}

/* At the instant at which the minute ends, TUMBLE is that minute. */
void
site_minute(struct site *site, int64_t end, struct figures *figures)
{
    struct feature_column made[5];
    const uint8_t *states;

    site_flush(site);
    set_pages(site);
    check(feature_request_set_as_of(site->request, &end, 1, &error));
    check(feature_request_read(site->request, &error));
    check(feature_request_columns(site->request, made, 5, &error));
    states = feature_request_states(site->request, 0);
    for (uint32_t i = 0; i < site->page_count; i++) {
        if (states[i] == FEATURE_STATE_NO_HISTORY) {
            fprintf(stderr, "weblog: that minute is too long ago\n");
            exit(1);
        }
        figures[i] = (struct figures){
            .page = site->names[i],
            .views = ((const int64_t *)made[0].values)[i],
            .visitors = ((const int64_t *)made[1].values)[i],
            .p95 = ((const double *)made[2].values)[i],
            .p99 = ((const double *)made[3].values)[i],
            .visitors_hour = ((const int64_t *)made[4].values)[i]};
        figures[i].is_there = figures[i].views > 0;
    }
}

void
site_close(struct site *site)
{
    feature_request_free(site->request);
    feature_query_free(site->query);
    feature_batch_free(site->batch);
    feature_store_close(site->store);
    for (uint32_t i = 0; i < site->page_count; i++)
        free(site->names[i]);
    free(site);
}
