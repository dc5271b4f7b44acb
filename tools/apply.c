/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature apply and plan: definition files against a store.
 *
 * Owns the joining of several files into one text, and the way back from a
 * line of that text to the file and line it came from.
 * Keeps what apply prints equal to what it did: it applies only at the catalog
 * version that was planned against.
 * Never changes a file.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "moment.h"
#include "tool.h"

#define TRIES 10 /* times another process may change the catalog meanwhile */

static const char apply_help[] =
    "Usage: feature apply STORE FILE... [--create]\n"
    "\n"
    "Makes a store hold the definitions of all files (- is standard input), "
    "in\n"
    "one commit or not at all. What the files leave out stays; only DROP "
    "removes.\n"
    "\n"
    "  --create       make the store where there is none\n"
    "  --clock TIME   take TIME for now (for tests)\n"
    "\n"
    "Example: feature apply --create ./store features.sql\n";

static const char plan_help[] =
    "Usage: feature plan STORE FILE... [--exit-code]\n"
    "\n"
    "Lists what `feature apply` would do, and does nothing.\n"
    "\n"
    "  --exit-code   exit 0: the store holds it all, 2: it differs, 1: an "
    "error\n"
    "\n"
    "Example: feature plan --exit-code ./store features.sql\n";

/* The text of all files, and the line of it on which each begins. */
struct source {
    struct text text;
    char **paths;
    uint32_t *first_lines;
    int count;
};

static void
free_source(struct source *source)
{
    text_free(&source->text);
    free(source->first_lines);
}

static uint32_t
count_lines(const char *text, size_t size)
{
    uint32_t lines = 0;
    const char *end = text + size;

    while ((text = memchr(text, '\n', (size_t)(end - text)))) {
        lines++;
        text++;
    }
    return lines;
}

/* Appends one file, without its byte order mark and with a last line feed. */
static bool
append_file(struct source *source, int i)
{
    struct text *text = &source->text;
    size_t first = text->size;
    const char *nul;

    if (!tool_read_file(source->paths[i], text))
        return false;
    if (text->size - first >= 3 &&
        !memcmp(text->data + first, "\xef\xbb\xbf", 3)) {
        memmove(text->data + first, text->data + first + 3,
                text->size - first - 3);
        text->size -= 3;
    }
    nul = memchr(text->data + first, '\0', text->size - first);
    if (nul) {
        fprintf(stderr, "%s:%u: a NUL byte\n", tool_file_name(source->paths[i]),
                1 + count_lines(text->data + first,
                                (size_t)(nul - text->data) - first));
        return false;
    }
    text_add_bytes(text, "\n", 1);
    return true;
}

static bool
read_source(struct source *source, char **paths, int count)
{
    source->paths = paths;
    source->count = count;
    source->first_lines = calloc((size_t)count, sizeof *source->first_lines);
    if (!source->first_lines)
        return tool_no_memory(), false;
    for (int i = 0; i < count; i++) {
        source->first_lines[i] =
            1 + (i ? count_lines(source->text.data, source->text.size) : 0);
        if (!append_file(source, i))
            return false;
    }
    if (!text_end(&source->text))
        return tool_no_memory(), false;
    return true;
}

/* Prints `file:line:column: message`; the library's message may begin with the
 * line and column of the joined text. */
static int
fail_at(const struct source *source, const struct feature_error *error)
{
    const char *message = error->message;
    char place[32];
    int file = source->count - 1;
    int size;

    if (!error->line)
        return tool_fail(error);
    while (file && source->first_lines[file] > error->line)
        file--;
    size = snprintf(place, sizeof place, "%" PRIu32 ":%" PRIu32 ": ",
                    error->line, error->column);
    if (!strncmp(message, place, (size_t)size))
        message += size;
    fprintf(stderr, "%s:%" PRIu32 ":%" PRIu32 ": %s\n",
            tool_file_name(source->paths[file]),
            error->line - source->first_lines[file] + 1, error->column,
            message);
    return TOOL_REFUSED;
}

/* Prints the lines of a plan, those that begin with "kept" only if asked;
 * returns how many lines are changes. */
static unsigned
print_plan(const char *changes, bool with_kept)
{
    unsigned count = 0;

    while (*changes) {
        size_t size = strcspn(changes, "\n");
        bool is_kept = !strncmp(changes, "kept", 4);

        count += !is_kept;
        if (!is_kept || with_kept)
            printf("%.*s\n", (int)size, changes);
        changes += size + (changes[size] == '\n');
    }
    return count;
}

/* Plans and applies at one catalog version. */
static feature_status
apply_once(feature_store *store, const struct source *source, char **changes,
           struct feature_commit *commit, struct feature_error *error)
{
    struct feature_stats stats = {.struct_size = sizeof stats};
    struct feature_apply_options options = {.struct_size = sizeof options};
    const char *text = source->text.data;
    feature_status status;

    status = feature_store_stats(store, &stats, error);
    if (!status)
        status = feature_store_plan(store, text, changes, error);
    if (status)
        return status;
    options.expect = stats.catalog_version;
    return feature_store_apply(store, text, &options, commit, error);
}

static int
apply_source(feature_store *store, const struct source *source)
{
    struct feature_commit commit = {.struct_size = sizeof commit};
    struct feature_error error = {0};
    feature_status status = FEATURE_OK;
    char time[MOMENT_SIZE];
    char *changes = NULL;

    for (int i = 0; i < TRIES; i++) {
        feature_free(changes);
        changes = NULL;
        status = apply_once(store, source, &changes, &commit, &error);
        if (!status || strcmp(error.reason, "catalog-version"))
            break;
    }
    if (status) {
        feature_free(changes);
        return fail_at(source, &error);
    }
    if (print_plan(changes, false)) {
        moment_print(time, commit.time);
        printf("commit %" PRIu64 " at %s\n", commit.sequence, time);
    } else {
        printf("no change\n");
    }
    feature_free(changes);
    return tool_finish();
}

int
apply_run(int argc, char **argv)
{
    static const struct option options[] = {
        {"create", no_argument, NULL, 'c'},
        {"clock", required_argument, NULL, TOOL_OPTION_CLOCK},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0}};
    struct source source = {0};
    feature_store *store = NULL;
    uint32_t flags = 0;
    int64_t clock = 0;
    int code;

    while ((code = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        if (code == 'h')
            return tool_help(apply_help);
        if (code == 'c')
            flags = FEATURE_OPEN_CREATE;
        else if (code != TOOL_OPTION_CLOCK)
            return tool_misuse_option(argv, code);
        else if (tool_read_time(argv[0], "--clock", optarg, &clock))
            return TOOL_USAGE;
    }
    if (argc - optind < 2)
        return tool_misuse(argv[0], "a STORE and a FILE are needed");
    code = TOOL_REFUSED;
    if (read_source(&source, argv + optind + 1, argc - optind - 1))
        store = tool_open_store(argv[optind], flags, clock);
    if (store)
        code = apply_source(store, &source);
    feature_store_close(store);
    free_source(&source);
    return code;
}

static int
plan_source(feature_store *store, const struct source *source, bool exit_code)
{
    struct feature_error error;
    char *changes = NULL;
    unsigned count;
    int code;

    if (feature_store_plan(store, source->text.data, &changes, &error))
        return fail_at(source, &error);
    count = print_plan(changes, true);
    if (!count)
        printf("no change\n");
    feature_free(changes);
    code = tool_finish();
    return code ? code : exit_code && count ? 2 : TOOL_DONE;
}

/* Whoever asks for --exit-code reads 2 as "differs", also from a typing error
 * beside it. */
static int
misuse_code(int argc, char **argv, int code)
{
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], "--exit-code"))
            return TOOL_REFUSED;
    return code;
}

int
plan_run(int argc, char **argv)
{
    static const struct option options[] = {
        {"exit-code", no_argument, NULL, 'e'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0}};
    struct source source = {0};
    feature_store *store = NULL;
    bool exit_code = false;
    int code;

    while ((code = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        if (code == 'h')
            return tool_help(plan_help);
        if (code != 'e')
            return misuse_code(argc, argv, tool_misuse_option(argv, code));
        exit_code = true;
    }
    if (argc - optind < 2)
        return misuse_code(
            argc, argv, tool_misuse(argv[0], "a STORE and a FILE are needed"));
    code = TOOL_REFUSED;
    if (read_source(&source, argv + optind + 1, argc - optind - 1))
        store = tool_open_store(argv[optind], FEATURE_OPEN_READ_ONLY, 0);
    if (store)
        code = plan_source(store, &source, exit_code);
    feature_store_close(store);
    free_source(&source);
    return code;
}
