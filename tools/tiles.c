/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature tiles: the states of a windowed view to a file, and into a store.
 *
 * Owns the options of the two, and the cut that a merge commits.
 * Keeps a file from having its name before it is whole.
 * Never looks into a state.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tiles_file.h"
#include "tool.h"

static const char tiles_help[] =
    "Usage: feature tiles export STORE VIEW FILE\n"
    "       feature tiles merge STORE VIEW FILE [--source NAME --next N "
    "[OPTION...]]\n"
    "\n"
    "Writes the states of a view FROM an event to a file, or merges such a "
    "file into\n"
    "the view of another store, in one commit: each row becomes what it would "
    "be had\n"
    "the events behind it been written first. FILE may be - for standard "
    "output or\n"
    "input.\n"
    "\n"
    "  --source NAME   where the events come from: a merge of offsets that "
    "were merged\n"
    "                  before changes nothing. Without it a second merge "
    "counts "
    "twice\n"
    "  --partition N   of the source (0)\n"
    "  --first N       offset of the first event behind the tiles (0)\n"
    "  --next N        and the one after the last\n"
    "  --json          print what was merged as one JSON object\n"
    "  --clock TIME    use this time instead of the clock\n"
    "\n"
    "Example: feature tiles export ./batch card_spend card_spend.tiles\n"
    "         feature tiles merge ./store card_spend card_spend.tiles \\\n"
    "             --source payments/batch --next 1250000\n";

enum {
    OPTION_SOURCE = TOOL_OPTION,
    OPTION_PARTITION,
    OPTION_FIRST,
    OPTION_NEXT
};

struct job {
    const char *store, *view, *file;
    struct feature_source source;
    int64_t clock;
    bool has_next, json;
};

/* --- export ------------------------------------------------------------------- */

/* The name it has until it is whole; NULL: no memory. */
static char *
name_for_now(const char *file)
{
    size_t size = strlen(file) + sizeof ".tmp";
    char *name = malloc(size);

    if (name)
        snprintf(name, size, "%s.tmp", file);
    return name;
}

static int
finish(FILE *to, const char *now, const char *file, int code)
{
    bool is_done = !code && !fflush(to) && !fsync(fileno(to));

    if (fclose(to))
        is_done = false;
    if (is_done && !rename(now, file))
        return TOOL_DONE;
    if (!code)
        code = tool_refuse("%s: %s", file, strerror(errno));
    unlink(now);
    return code;
}

static int
write_file(struct ArrowArrayStream *stream, const char *file, uint64_t *rows)
{
    char *now = name_for_now(file);
    FILE *to = now ? fopen(now, "wbe") : NULL;
    int code;

    if (!to) {
        stream->release(stream);
        code = now ? tool_refuse("%s: %s", now, strerror(errno))
                   : tool_no_memory();
    } else {
        code = tiles_write(stream, to, file, rows);
        code = finish(to, now, file, code);
    }
    free(now);
    return code;
}

static int
export_tiles(const struct job *job, feature_store *store)
{
    struct ArrowArrayStream stream;
    struct feature_error error;
    struct text line = {0};
    uint64_t rows = 0;
    int code;

    if (feature_store_tiles_arrow(store, job->view, NULL, &stream, &error))
        return tool_fail(&error);
    if (!strcmp(job->file, "-")) {
        code = tiles_write(&stream, stdout, "standard output", &rows);
        return code ? code : tool_finish();
    }
    code = write_file(&stream, job->file, &rows);
    if (code)
        return code;
    text_add(&line, "wrote ");
    text_add_count(&line, rows);
    text_add(&line, " rows of tiles");
    puts(text_end(&line) ? line.data : "wrote them");
    text_free(&line);
    return tool_finish();
}

/* --- merge -------------------------------------------------------------------- */

static int
print_merged(const struct feature_commit *commit, bool json)
{
    struct text line = {0};

    text_add(&line,
             json ? "{\"applied\":%" PRIu64 ",\"late\":%" PRIu64
                    ",\"duplicate\":%" PRIu64 ",\"sequence\":%" PRIu64 "}"
                  : "applied %" PRIu64 ", late %" PRIu64 ", duplicate %" PRIu64
                    ": commit %" PRIu64,
             commit->applied, commit->late, commit->duplicate,
             commit->sequence);
    puts(text_end(&line) ? line.data : "merged");
    text_free(&line);
    return tool_finish();
}

static int
merge_file(const struct job *job, feature_store *store, struct tiles_file *file)
{
    const struct feature_write_options options = {
        .struct_size = sizeof options,
        .sources = job->source.name ? &job->source : NULL,
        .source_count = job->source.name ? 1 : 0};
    struct feature_commit commit = {.struct_size = sizeof commit};
    struct ArrowArrayStream stream;
    struct feature_error error;

    if (!tiles_begin(file))
        return tool_refuse("%s", file->problem);
    tiles_stream(file, &stream);
    if (feature_store_merge_tiles(store, job->view, &stream, &options, &commit,
                                  &error))
        return *file->problem ? tool_refuse("%s", file->problem)
                              : tool_fail(&error);
    return print_merged(&commit, job->json);
}

static int
merge_tiles(const struct job *job, feature_store *store)
{
    struct tiles_file file = {.name = tool_file_name(job->file)};
    int code = tool_read_file(job->file, &file.bytes)
                   ? merge_file(job, store, &file)
                   : TOOL_REFUSED;

    tiles_free(&file);
    return code;
}

/* --- the command line --------------------------------------------------------- */

static int
read_number(const char *command, const char *option, uint64_t most,
            uint64_t *number)
{
    char *end;

    errno = 0;
    *number = strtoull(optarg, &end, 10);
    if (*optarg < '0' || *optarg > '9' || *end || errno || *number > most)
        return tool_misuse(command, "%s: \"%s\" is no number up to %" PRIu64,
                           option, optarg, most);
    return TOOL_DONE;
}

static int
take_option(struct job *job, int option, char **argv)
{
    uint64_t number = 0;
    int code = TOOL_DONE;

    switch (option) {
    case OPTION_SOURCE:
        job->source.name = optarg;
        return TOOL_DONE;
    case OPTION_PARTITION:
        code = read_number(argv[0], "--partition", UINT32_MAX, &number);
        job->source.partition = (uint32_t)number;
        return code;
    case OPTION_FIRST:
        return read_number(argv[0], "--first", UINT64_MAX,
                           &job->source.first_offset);
    case OPTION_NEXT:
        job->has_next = true;
        return read_number(argv[0], "--next", UINT64_MAX,
                           &job->source.next_offset);
    case TOOL_OPTION_JSON:
        job->json = true;
        return TOOL_DONE;
    case TOOL_OPTION_CLOCK:
        return tool_read_time(argv[0], "--clock", optarg, &job->clock);
    default:
        return tool_misuse_option(argv, option);
    }
}

static int
read_options(struct job *job, int argc, char **argv)
{
    static const struct option list[] = {
        {"source", required_argument, NULL, OPTION_SOURCE},
        {"partition", required_argument, NULL, OPTION_PARTITION},
        {"first", required_argument, NULL, OPTION_FIRST},
        {"next", required_argument, NULL, OPTION_NEXT},
        {"json", no_argument, NULL, TOOL_OPTION_JSON},
        {"clock", required_argument, NULL, TOOL_OPTION_CLOCK},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0}};
    int option, code;

    while ((option = getopt_long(argc, argv, ":h", list, NULL)) != -1) {
        if (option == 'h') {
            tool_help(tiles_help);
            return -1;
        }
        code = take_option(job, option, argv);
        if (code)
            return code;
    }
    return TOOL_DONE;
}

int
tiles_run(int argc, char **argv)
{
    struct job job = {.json = false};
    feature_store *store;
    bool is_merge;
    int code = read_options(&job, argc, argv);

    if (code)
        return code < 0 ? tool_finish() : code;
    is_merge = argc - optind == 4 && !strcmp(argv[optind], "merge");
    if (argc - optind != 4 ||
        (!is_merge && strcmp(argv[optind], "export") != 0))
        return tool_misuse(argv[0], "export or merge, and a STORE, a VIEW and "
                                    "a FILE are needed");
    if (!is_merge && (job.source.name || job.has_next || job.json))
        return tool_misuse(argv[0], "these options are of merge");
    if (!job.source.name != !job.has_next)
        return tool_misuse(argv[0], "--source and --next go together");
    job.view = argv[optind + 2];
    job.file = argv[optind + 3];
    store = tool_open_store(argv[optind + 1],
                            is_merge ? 0 : FEATURE_OPEN_READ_ONLY, job.clock);
    if (!store)
        return TOOL_REFUSED;
    code = is_merge ? merge_tiles(&job, store) : export_tiles(&job, store);
    feature_store_close(store);
    return code;
}
