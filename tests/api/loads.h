/* SPDX-License-Identifier: Apache-2.0 */
/* Loads, for their tests. */
#ifndef TESTS_API_LOADS_H
#define TESTS_API_LOADS_H

#include "events.h"

#define E     "CREATE ENTITY e (k INT64);"
#define FED   "STORE WITH (changes = '3 days');"
#define PLAIN "CREATE FEATURE VIEW v (a INT64, b STRING) FOR e;"

static inline feature_load *
begin_load(struct fixture *f, struct feature_load_options options)
{
    feature_load *load = NULL;

    options.struct_size = sizeof options;
    must(feature_load_begin(f->store, "v", &options, &load, &problem));
    return load;
}

static inline feature_batch *
batch_of(struct fixture *f, const char *columns, const char *rows)
{
    feature_batch *batch = NULL;

    must(feature_batch_create(f->store, "v", columns, FEATURE_UPSERT, &batch,
                              &problem));
    fill_batch(batch, rows);
    return batch;
}

static inline void
append(struct fixture *f, feature_load *load, const char *columns,
       const char *rows)
{
    feature_batch *batch = batch_of(f, columns, rows);

    must(feature_load_append(load, batch, &problem));
    feature_batch_free(batch);
}

static inline struct feature_load_report
commit_load(feature_load *load)
{
    struct feature_load_report report = {.struct_size = sizeof report};

    must(feature_load_commit(load, &report, &problem));
    feature_load_free(load);
    return report;
}

/* All of it: rows are "k a b". */
static inline struct feature_load_report
load_rows(struct fixture *f, const char *rows)
{
    feature_load *load = begin_load(f, (struct feature_load_options){0});

    append(f, load, "k, a, b", rows);
    return commit_load(load);
}

/* Whether the lines of the loads of v have a text. */
static inline int
has_load(struct fixture *f, const char *text)
{
    char *lines = NULL;
    int found;

    must(feature_store_loads(f->store, "v", &lines, &problem));
    found = strstr(lines, text) != NULL;
    feature_free(lines);
    return found;
}

/* Whether a line of the metrics is feature_ and that. */
static inline int
has_metric(struct fixture *f, const char *line)
{
    char *text = NULL, wanted[200];
    int found;

    snprintf(wanted, sizeof wanted, "\nfeature_%s\n", line);
    must(feature_store_metrics(f->store, &text, &problem));
    found = strstr(text, wanted) != NULL;
    feature_free(text);
    return found;
}

static inline struct feature_load_report
roll_back(struct fixture *f, uint32_t flags)
{
    struct feature_rollback_options options = {.struct_size = sizeof options,
                                               .flags = flags};
    struct feature_load_report report = {.struct_size = sizeof report};

    must(feature_store_rollback(f->store, "v", &options, &report, &problem));
    return report;
}

#endif
