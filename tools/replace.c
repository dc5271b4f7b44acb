/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature load --replace: a CSV file as the whole content of a view.
 *
 * Owns the load from its begin to its swap.
 * Keeps the version that serves where anything fails, and says so.
 * Never reads a row: that is ingest.c.
 */
#include <inttypes.h>
#include <string.h>

#include "load.h"
#include "loaded.h"

static int
stays(const struct load_options *options, int code)
{
    if (code)
        tool_refuse("%s is as it was", options->target);
    return code;
}

static void
print_summary(const struct load_options *options,
              const struct load_result *result,
              const struct feature_load_report *report)
{
    struct text text = {0};

    if (options->json) {
        loaded_add_json(&text, options->target, report);
    } else if (report->flags & FEATURE_LOADED_DUPLICATE) {
        text_add(&text, "%s was loaded before: nothing changed\n",
                 options->version.id);
    } else {
        text_add_count(&text, report->rows);
        text_add(&text, " rows of %s from %s in %.3f s\n", options->target,
                 tool_file_name(options->file),
                 (double)result->microseconds / 1e6);
        loaded_add_lines(&text, report);
    }
    fputs(text_end(&text) ? text.data : "", stdout);
    text_free(&text);
}

static int
build(feature_load *version, feature_store *store,
      const struct load_options *options, const struct load_mapping *mapping,
      struct csv_reader *reader, uint64_t file_size)
{
    struct feature_load_report report = {.struct_size = sizeof report};
    struct load_result result = {0};
    struct feature_error error;
    int64_t begun = tool_steady_clock();
    int code =
        load_rows(&result, store, version, options, mapping, reader, file_size);

    if (!code && feature_load_commit(version, &report, &error))
        code = tool_fail(&error);
    result.microseconds = tool_steady_clock() - begun;
    if (!code)
        print_summary(options, &result, &report);
    return code;
}

int
replace_rows(feature_store *store, const struct load_options *options,
             const struct load_mapping *mapping, struct csv_reader *reader,
             uint64_t file_size)
{
    struct feature_load_options version = options->version;
    struct feature_error error;
    feature_load *load;
    int code;

    version.rows_per_second = options->rate;
    if (feature_load_begin(store, options->target, &version, &load, &error))
        return stays(options, tool_fail(&error));
    code = build(load, store, options, mapping, reader, file_size);
    feature_load_free(load);
    return stays(options, code);
}
