/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature compare: whether two stores hold the same.
 *
 * Owns what is compared: definitions, then each view's content and history hash,
 * then the rows of views whose hashes differ.
 * Keeps equal stores cheap: no row of them is read.
 * Never writes to either; a snapshot is restored to a place of its own first.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "differ.h"
#include "recover.h"
#include "tool.h"

#define EXAMPLES 10
#define VIEW_MAX 256

enum { EQUAL = 0, DIFFERENT = 1, COULD_NOT = 2 };

static const char compare_help[] =
    "Usage: feature compare A B [--view VIEW] [--examples N] [--json]\n"
    "\n"
    "Says whether two stores, or snapshot files, hold the same: definitions, "
    "rows and\n"
    "history. Equal ones are told by their hashes; of views that differ, rows "
    "are\n"
    "compared in order of their keys: mismatch, missing in B, extra in B.\n"
    "Exit codes: 0 equal, 1 different, 2 could not run.\n"
    "\n"
    "  --view VIEW    this feature view alone\n"
    "  --examples N   rows of each view to tell one by one (10)\n"
    "  --json         as one JSON object\n"
    "\n"
    "Example: feature compare ./primary ./backup\n";

enum { OPTION_VIEW = TOOL_OPTION, OPTION_EXAMPLES };

struct arguments {
    const char *view;
    uint64_t examples;
    bool json;
};

struct place {
    const char *path;
    char folder[PATH_MAX]; /* of a restored snapshot; empty: a store */
    feature_store *store;
    char *content;
    char *definitions;
};

/* A line of feature_store_content(). */
struct view {
    char name[VIEW_MAX];
    uint64_t rows, tombstones, history, sequence;
    char rows_hash[33], history_hash[33];
};

struct comparison {
    const struct arguments *asked;
    struct place places[2];
    uint64_t views; /* compared */
    uint64_t rows;
    bool is_different;
    bool has_output; /* in the list of views of the JSON object */
};

/* --- places ------------------------------------------------------------------- */

static bool
restore_snapshot(struct place *place, char store[PATH_MAX + 8])
{
    const char *base = getenv("TMPDIR");
    struct feature_error error;

    snprintf(place->folder, sizeof place->folder, "%s/feature-compare-XXXXXX",
             base && *base ? base : "/tmp");
    if (!mkdtemp(place->folder)) {
        tool_refuse("cannot make %s: %s", place->folder, strerror(errno));
        *place->folder = '\0';
        return false;
    }
    snprintf(store, PATH_MAX + 8, "%s/store", place->folder);
    if (!feature_store_restore(place->path, store, NULL, NULL, NULL, &error))
        return true;
    tool_fail(&error);
    return false;
}

static bool
open_place(struct place *place, const char *view)
{
    char store[PATH_MAX + 8];
    struct feature_error error;
    struct stat at;

    if (!stat(place->path, &at) && S_ISREG(at.st_mode)) {
        if (!restore_snapshot(place, store))
            return false;
    } else if (snprintf(store, sizeof store, "%s", place->path) >= PATH_MAX) {
        tool_refuse("the path of the store is too long");
        return false;
    }
    place->store = tool_open_store(store, FEATURE_OPEN_READ_ONLY, 0);
    if (!place->store)
        return false;
    if (!feature_store_content(place->store, &place->content, &error) &&
        !feature_store_describe(place->store, view, &place->definitions,
                                &error))
        return true;
    tool_fail(&error);
    return false;
}

static void
close_place(struct place *place)
{
    char store[PATH_MAX + 8];

    feature_free(place->content);
    feature_free(place->definitions);
    feature_store_close(place->store);
    if (!*place->folder)
        return;
    snprintf(store, sizeof store, "%s/store", place->folder);
    recover_remove(store);
    rmdir(place->folder);
}

/* --- content ------------------------------------------------------------------ */

static const char *
next_line(const char *line)
{
    const char *end = strchr(line, '\n');

    return end && end[1] ? end + 1 : NULL;
}

static bool
read_view(const char *line, struct view *view)
{
    return sscanf(line,
                  "view\t%255[^\t]\t%" SCNu64 "\t%" SCNu64 "\t%32s\t%" SCNu64
                  "\t%32s\t%" SCNu64,
                  view->name, &view->rows, &view->tombstones, view->rows_hash,
                  &view->history, view->history_hash, &view->sequence) == 7;
}

static bool
find_view(const struct place *place, const char *name, struct view *view)
{
    for (const char *line = place->content; line; line = next_line(line))
        if (read_view(line, view) && !strcmp(view->name, name))
            return true;
    return false;
}

static uint64_t
sequence_of(const struct place *place)
{
    uint64_t epoch, sequence = 0;

    (void)sscanf(place->content, "store\t%*s\t%" SCNu64 "\t%" SCNu64, &epoch,
                 &sequence);
    return sequence;
}

/* --- one view ----------------------------------------------------------------- */

static void
begin_view(struct comparison *comparison, const char *name)
{
    if (comparison->asked->json)
        printf("%s{\"view\":\"%s\",", comparison->has_output ? "," : "", name);
    comparison->has_output = true;
}

/* which: the place that has it. */
static void
tell_alone(struct comparison *comparison, const char *name, int which)
{
    comparison->is_different = true;
    begin_view(comparison, name);
    if (comparison->asked->json)
        printf("\"equal\":false,\"only_in\":\"%c\"}", "AB"[which]);
    else
        printf("%s: only in %s\n", name, comparison->places[which].path);
}

static void
print_view_json(const struct view *a, const struct view *b, bool is_equal,
                const struct differ *differ)
{
    printf("\"equal\":%s,\"rows\":[%" PRIu64 ",%" PRIu64
           "],\"tombstones\":[%" PRIu64 ",%" PRIu64 "],\"history\":[%" PRIu64
           ",%" PRIu64 "],\"content_hash\":[\"%s\",\"%s\"]"
           ",\"history_hash\":[\"%s\",\"%s\"]",
           is_equal ? "true" : "false", a->rows, b->rows, a->tombstones,
           b->tombstones, a->history, b->history, a->rows_hash, b->rows_hash,
           a->history_hash, b->history_hash);
    for (int i = 0; i < DIFFER_KINDS; i++)
        printf(",\"%s\":%" PRIu64, differ_names[i], differ->counts[i]);
    printf(",\"examples\":[%s]}", differ->examples ? differ->told.data : "");
}

static void
print_view_text(const struct view *a, const struct view *b,
                const struct differ *differ)
{
    const uint64_t *counts = differ->counts;

    if (differ->has_other_columns)
        printf("%s: its columns differ; rows were not compared\n", a->name);
    else if (counts[0] || counts[1] || counts[2])
        printf("%s: %" PRIu64 " mismatch, %" PRIu64 " missing, %" PRIu64
               " extra, %" PRIu64 " equal\n%s",
               a->name, counts[0], counts[1], counts[2], differ->equal,
               differ->examples ? differ->told.data : "");
    else if (strcmp(a->rows_hash, b->rows_hash) != 0)
        printf("%s: its rows read the same and are stored otherwise: "
               "tombstones (%" PRIu64 " and %" PRIu64
               "), times of single cells, or the order in which views were "
               "created\n",
               a->name, a->tombstones, b->tombstones);
    if (a->history != b->history ||
        strcmp(a->history_hash, b->history_hash) != 0)
        printf("%s: its history differs: %" PRIu64 " and %" PRIu64 " entries\n",
               a->name, a->history, b->history);
}

static bool
same_hashes(const struct view *a, const struct view *b)
{
    return a->rows == b->rows && a->tombstones == b->tombstones &&
           !strcmp(a->rows_hash, b->rows_hash);
}

static bool
compare_view(struct comparison *comparison, const struct view *a,
             const struct view *b)
{
    struct place *places = comparison->places;
    struct differ differ = {.example_max = comparison->asked->examples,
                            .is_json = comparison->asked->json};
    bool same_rows = same_hashes(a, b);
    bool is_equal = same_rows && a->history == b->history &&
                    !strcmp(a->history_hash, b->history_hash);
    bool is_good = same_rows || differ_rows(places[0].store, places[1].store,
                                            a->name, &differ);

    if (is_good && differ.examples && !text_end(&differ.told)) {
        tool_no_memory();
        is_good = false;
    }
    comparison->views++;
    comparison->rows += a->rows;
    comparison->is_different |= !is_equal;
    if (is_good && comparison->asked->json) {
        begin_view(comparison, a->name);
        print_view_json(a, b, is_equal, &differ);
    } else if (is_good && !is_equal) {
        print_view_text(a, b, &differ);
    }
    text_free(&differ.told);
    return is_good;
}

static bool
is_asked(const struct comparison *comparison, const struct view *view)
{
    return !comparison->asked->view ||
           !strcmp(comparison->asked->view, view->name);
}

static bool
compare_views(struct comparison *comparison)
{
    const struct place *a = &comparison->places[0], *b = a + 1;
    struct view left, right;

    for (const char *line = a->content; line; line = next_line(line)) {
        if (!read_view(line, &left) || !is_asked(comparison, &left))
            continue;
        if (!find_view(b, left.name, &right))
            tell_alone(comparison, left.name, 0);
        else if (!compare_view(comparison, &left, &right))
            return false;
    }
    for (const char *line = b->content; line; line = next_line(line))
        if (read_view(line, &right) && is_asked(comparison, &right) &&
            !find_view(a, right.name, &left))
            tell_alone(comparison, right.name, 1);
    return true;
}

/* --- both --------------------------------------------------------------------- */

static void
print_end(struct comparison *comparison, bool same_definitions)
{
    const struct place *places = comparison->places;

    if (comparison->asked->json)
        printf("],\"definitions_equal\":%s,\"sequences\":[%" PRIu64 ",%" PRIu64
               "],\"equal\":%s}\n",
               same_definitions ? "true" : "false", sequence_of(&places[0]),
               sequence_of(&places[1]),
               comparison->is_different ? "false" : "true");
    else if (!same_definitions)
        printf("definitions differ: compare what `feature describe` prints\n");
    else if (!comparison->is_different)
        printf("equal: %" PRIu64 " rows of %" PRIu64 " views, commits %" PRIu64
               " and %" PRIu64 "\n",
               comparison->rows, comparison->views, sequence_of(&places[0]),
               sequence_of(&places[1]));
}

static int
compare(struct comparison *comparison)
{
    struct place *places = comparison->places;
    const char *view = comparison->asked->view;
    bool same_definitions;

    if (!open_place(&places[0], view) || !open_place(&places[1], view))
        return COULD_NOT;
    same_definitions = !strcmp(places[0].definitions, places[1].definitions);
    comparison->is_different = !same_definitions;
    if (comparison->asked->json)
        printf("{\"views\":[");
    if (!compare_views(comparison))
        return COULD_NOT;
    print_end(comparison, same_definitions);
    if (tool_finish())
        return COULD_NOT;
    return comparison->is_different ? DIFFERENT : EQUAL;
}

static int
take_option(char **argv, int code, struct arguments *asked)
{
    char *end;

    switch (code) {
    case 'h':
        return tool_help(compare_help);
    case TOOL_OPTION_JSON:
        asked->json = true;
        return -1;
    case OPTION_VIEW:
        asked->view = optarg;
        return -1;
    case OPTION_EXAMPLES:
        errno = 0;
        asked->examples = strtoull(optarg, &end, 10);
        if (*optarg < '0' || *optarg > '9' || *end || errno)
            return tool_misuse(argv[0], "\"%s\" is no number", optarg);
        return -1;
    default:
        return tool_misuse_option(argv, code);
    }
}

int
compare_run(int argc, char **argv)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},
        {"json", no_argument, NULL, TOOL_OPTION_JSON},
        {"view", required_argument, NULL, OPTION_VIEW},
        {"examples", required_argument, NULL, OPTION_EXAMPLES},
        {NULL, 0, NULL, 0}};
    struct arguments asked = {.examples = EXAMPLES};
    struct comparison comparison = {.asked = &asked};
    int code;

    while ((code = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        code = take_option(argv, code, &asked);
        if (code >= 0)
            return code;
    }
    if (argc - optind != 2)
        return tool_misuse(argv[0], "two stores or snapshots are needed");
    comparison.places[0].path = argv[optind];
    comparison.places[1].path = argv[optind + 1];
    code = compare(&comparison);
    close_place(&comparison.places[0]);
    close_place(&comparison.places[1]);
    return code;
}
