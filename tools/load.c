/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature load: a CSV file into a feature view.
 *
 * Owns the command line and the summary.
 * Keeps standard output to the summary alone.
 * Never reads a row: that is ingest.c.
 */
#include "load.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "number.h"

#define CHUNK_MAX 1048576
#define RATE_MAX  1000000000

enum {
    OPTION_COLUMN = TOOL_OPTION,
    OPTION_TIME,
    OPTION_ZONE,
    OPTION_AT_COMMIT,
    OPTION_UPSERT,
    OPTION_PATCH,
    OPTION_RETRACT,
    OPTION_REJECTS,
    OPTION_RATE,
    OPTION_CHUNK,
    OPTION_DELIMITER,
    OPTION_FORCE,
    OPTION_REPLACE,
    OPTION_ID,
    OPTION_FINGERPRINT,
    OPTION_CUT,
    OPTION_EVENT,
    OPTION_LAST_WINS,
    OPTION_GATE,
    OPTION_FORCE_GATES
};

static const char load_help[] =
    "Usage: feature load STORE VIEW|EVENT FILE.csv [OPTION...]\n"
    "\n"
    "Streams a CSV file (- is standard input) into a feature view or an event, "
    "a\n"
    "commit for each chunk of rows. The file needs a header; columns are found "
    "by\n"
    "name.\n"
    "\n"
    "      --column NAME=TITLE  the column titled TITLE is NAME of the view\n"
    "  -t, --timestamp COLUMN[:FORMAT]\n"
    "                           the event timestamp and how it is written: s, "
    "ms,\n"
    "                           us, ns, iso, or a pattern of %Y %m %d %H %M %S "
    "%f %z\n"
    "      --time NAME=FORMAT   how the TIMESTAMP feature NAME is written\n"
    "      --time-zone ZONE     of times that say none: UTC, +08:00, -05:00\n"
    "      --at-commit          the file has no times: rows take their "
    "commit's\n"
    "      --upsert             features that the file lacks become null\n"
    "      --patch              features that the file lacks stay\n"
    "      --retract            take events back instead of adding them\n"
    "      --rejects FILE       write bad rows there and go on\n"
    "      --rate ROWS          load at most so many rows a second\n"
    "      --chunk ROWS         rows of one commit (32768)\n"
    "      --delimiter CHAR     between cells; tab is one, too\n"
    "      --force              load times that look like another unit\n"
    "\n"
    "      --replace            the file is all of the view: a new version of "
    "it "
    "is\n"
    "                           built, and swapped in with one commit\n"
    "      --id ID              with --replace: a second time changes nothing\n"
    "      --fingerprint TEXT   of the file: another one under the same ID is "
    "refused\n"
    "      --cut SEQUENCE       commit up to which the file knows what was "
    "written\n"
    "      --event EVENT        the file has events, of a view FROM EVENT\n"
    "      --gate RULE          that has to hold besides those of the view:\n"
    "                           'rows >= 1000'; as often as you like\n"
    "      --last-wins          of several rows of a key the last one counts\n"
    "      --force-gates        swap in also what a check of the view refuses\n"
    "\n"
    "      --json               print the summary as JSON\n"
    "      --clock TIME         take TIME for now (for tests)\n"
    "\n"
    "Example: feature load ./store trip_stats trips.csv -t ended_at:iso "
    "--time-zone UTC\n";

/* Cuts "name=value" at its first "=" and appends it. */
static int
add_pair(const struct load_options *options, struct load_pair **pairs,
         uint32_t *count, const char *option, char *word)
{
    char *equals = strchr(word, '=');
    struct load_pair *grown;

    if (!equals || equals == word)
        return tool_misuse(options->command, "%s: \"%s\" is not NAME=VALUE",
                           option, word);
    grown = realloc(*pairs, (*count + 1) * sizeof **pairs);
    if (!grown)
        return tool_no_memory();
    *pairs = grown;
    *equals = '\0';
    for (uint32_t i = 0; i < *count; i++)
        if (!strcmp(grown[i].name, word))
            return tool_misuse(options->command, "%s: %s is given twice",
                               option, word);
    grown[(*count)++] = (struct load_pair){word, equals + 1};
    return TOOL_DONE;
}

static int
read_count(const struct load_options *options, const char *option,
           const char *word, int64_t most, int64_t *count)
{
    if (number_int64(word, strlen(word), count) || *count < 1 || *count > most)
        return tool_misuse(options->command,
                           "%s: \"%s\" is not a number from 1 to %" PRId64,
                           option, word, most);
    return TOOL_DONE;
}

static int
set_operation(struct load_options *options, int32_t operation)
{
    if (options->operation && options->operation != operation)
        return tool_misuse(options->command,
                           "--upsert and --patch exclude each other");
    options->operation = operation;
    return TOOL_DONE;
}

static int
set_zone(struct load_options *options, const char *word)
{
    const char *why = moment_zone_read(word, &options->zone);

    if (why)
        return tool_misuse(options->command, "--time-zone: \"%s\" %s", word,
                           why);
    options->has_zone = true;
    return TOOL_DONE;
}

/* Options that are numbers, files and flags. */
static int
take_plain_option(struct load_options *options, int code, char **argv)
{
    int64_t count = 0;
    int misuse;

    switch (code) {
    case OPTION_AT_COMMIT:
        options->at_commit = true;
        return TOOL_DONE;
    case OPTION_RETRACT:
        options->retract = true;
        return TOOL_DONE;
    case OPTION_REJECTS:
        options->rejects = optarg;
        return TOOL_DONE;
    case OPTION_FORCE:
        options->force = true;
        return TOOL_DONE;
    case TOOL_OPTION_JSON:
        options->json = true;
        return TOOL_DONE;
    case TOOL_OPTION_CLOCK:
        return tool_read_time(argv[0], "--clock", optarg, &options->clock);
    case OPTION_RATE:
        misuse = read_count(options, "--rate", optarg, RATE_MAX, &count);
        options->rate = (uint64_t)count;
        return misuse;
    case OPTION_CHUNK:
        misuse = read_count(options, "--chunk", optarg, CHUNK_MAX, &count);
        options->chunk = (uint32_t)count;
        return misuse;
    default:
        return tool_misuse_option(argv, code);
    }
}

/* One text of all rules; places in it are those of the first. */
static int
add_gate(struct load_options *options, const char *rule)
{
    const char *old = options->gates;
    size_t room = (old ? strlen(old) + 2 : 0) + strlen(rule) + 1;
    char *joined = malloc(room);

    if (!joined)
        return tool_no_memory();
    snprintf(joined, room, "%s%s%s", old ? old : "", old ? "; " : "", rule);
    free(options->gates);
    options->version.check = options->gates = joined;
    return TOOL_DONE;
}

/* Those of --replace. */
static int
take_version_option(struct load_options *options, int code, char **argv)
{
    struct feature_load_options *version = &options->version;
    int64_t cut = 0;
    int misuse;

    switch (code) {
    case OPTION_REPLACE:
        options->replace = true;
        return TOOL_DONE;
    case OPTION_ID:
        version->id = optarg;
        return TOOL_DONE;
    case OPTION_FINGERPRINT:
        version->fingerprint = optarg;
        return TOOL_DONE;
    case OPTION_CUT:
        misuse = read_count(options, "--cut", optarg, INT64_MAX, &cut);
        version->cut = (uint64_t)cut;
        return misuse;
    case OPTION_EVENT:
        options->event = optarg;
        return TOOL_DONE;
    case OPTION_GATE:
        return add_gate(options, optarg);
    case OPTION_LAST_WINS:
        version->flags |= FEATURE_LOAD_LAST_WINS;
        return TOOL_DONE;
    case OPTION_FORCE_GATES:
        version->flags |= FEATURE_LOAD_FORCE;
        return TOOL_DONE;
    default:
        return take_plain_option(options, code, argv);
    }
}

static int
take_option(struct load_options *options, int code, char **argv)
{
    switch (code) {
    case OPTION_COLUMN:
        return add_pair(options, &options->titles, &options->title_count,
                        "--column", optarg);
    case OPTION_TIME:
        return add_pair(options, &options->times, &options->time_count,
                        "--time", optarg);
    case 't':
        options->timestamp = optarg;
        return TOOL_DONE;
    case OPTION_ZONE:
        return set_zone(options, optarg);
    case OPTION_UPSERT:
        return set_operation(options, FEATURE_UPSERT);
    case OPTION_PATCH:
        return set_operation(options, FEATURE_PATCH);
    case OPTION_DELIMITER:
        return tool_read_delimiter(argv[0], optarg, &options->delimiter);
    default:
        return take_version_option(options, code, argv);
    }
}

/* Which options go together. */
static int
check_options(const struct load_options *options)
{
    const struct feature_load_options *version = &options->version;
    bool has_version = version->id || version->fingerprint || version->cut ||
                       version->check || version->flags || options->event;

    if (options->timestamp && options->at_commit)
        return tool_misuse(options->command,
                           "--timestamp and --at-commit exclude each other");
    if (has_version && !options->replace)
        return tool_misuse(options->command,
                           "--id, --fingerprint, --cut, --event, --gate, "
                           "--last-wins and --force-gates are for --replace");
    if (options->replace && (options->rejects || options->retract ||
                             options->operation == FEATURE_PATCH))
        return tool_misuse(options->command,
                           "--replace takes whole rows, and all of them: not "
                           "--patch, --retract or --rejects");
    return TOOL_DONE;
}

static void
print_json(const struct load_options *options, const struct load_result *result,
           const char *rate)
{
    struct text text = {0};

    text_add(&text, "{\"file\":");
    text_add_json(&text, options->file, strlen(options->file));
    text_add(&text, ",\"view\":");
    text_add_json(&text, options->view, strlen(options->view));
    text_add(&text,
             ",\"rows\":%" PRIu64 ",\"applied\":%" PRIu64 ",\"late\":%" PRIu64
             ",\"future\":%" PRIu64 ",\"rejected\":%" PRIu64
             ",\"duplicate\":%" PRIu64 ",\"sequence\":%" PRIu64
             ",\"seconds\":%.3f"
             ",\"rows_per_second\":%s}\n",
             result->rows, result->applied, result->late, result->future,
             result->rejected, result->duplicate, result->sequence,
             (double)result->microseconds / 1e6, rate);
    fputs(text_end(&text) ? text.data : "", stdout);
    text_free(&text);
}

static void
print_line(const char *label, uint64_t count, const char *note)
{
    struct text text = {0};

    text_add_count(&text, count);
    printf("  %-9s %12s%s\n", label, text_end(&text) ? text.data : "?",
           count ? note : "");
    text_free(&text);
}

static void
print_summary(const struct load_options *options,
              const struct load_mapping *mapping,
              const struct load_result *result, uint64_t rate)
{
    struct text text = {0};

    text_add_count(&text, result->rows);
    text_add(&text, " rows read from %s in %.3f s, ",
             tool_file_name(options->file), (double)result->microseconds / 1e6);
    text_add_count(&text, rate);
    printf("%s rows/s\n", text_end(&text) ? text.data : "");
    print_line("applied", result->applied, "");
    print_line("late", result->late, "  older than what is stored");
    if (mapping->is_event)
        print_line("duplicate", result->duplicate, "  seen before: not stored");
    print_line("future", result->future,
               "  ahead of the clock by more than max_skew: not stored");
    print_line("rejected", result->rejected, "  see the file of --rejects");
    if (mapping->ignored.size)
        printf("  ignored columns: %s\n", mapping->ignored.data);
    text_free(&text);
}

static void
report(const struct load_options *options, const struct load_mapping *mapping,
       const struct load_result *result)
{
    double seconds =
        (double)(result->microseconds ? result->microseconds : 1) / 1e6;
    uint64_t rate = (uint64_t)((double)result->rows / seconds);
    char digits[24];

    snprintf(digits, sizeof digits, "%" PRIu64, rate);
    if (options->json)
        print_json(options, result, digits);
    else
        print_summary(options, mapping, result, rate);
}

/* Bytes of a regular file; 0 for anything else. */
static uint64_t
file_size(int file)
{
    struct stat about;

    return fstat(file, &about) || !S_ISREG(about.st_mode)
               ? 0
               : (uint64_t)about.st_size;
}

static int
load(feature_store *store, const struct load_options *options, int file)
{
    struct csv_reader reader;
    struct header header = {0};
    struct load_mapping mapping = {0};
    struct load_result result = {0};
    struct csv_problem problem = {0};
    int code = TOOL_REFUSED;

    csv_open(&reader, file, options->delimiter);
    if (header_read(&header, &reader, &problem))
        code = load_map(&mapping, store, options, &header);
    else if (problem.line)
        fprintf(stderr, "%s:%" PRIu64 ":%" PRIu64 ": %s\n",
                tool_file_name(options->file), problem.line, problem.column,
                problem.message);
    else
        tool_refuse("%s: %s", tool_file_name(options->file), problem.message);
    if (!code && options->replace) {
        code = replace_rows(store, options, &mapping, &reader, file_size(file));
    } else if (!code) {
        code = load_rows(&result, store, NULL, options, &mapping, &reader,
                         file_size(file));
        if (!code)
            report(options, &mapping, &result);
    }
    if (!code)
        code = tool_finish();
    load_mapping_free(&mapping);
    header_free(&header);
    csv_close(&reader);
    return code;
}

static int
open_and_load(const struct load_options *options)
{
    feature_store *store = tool_open_store(options->store, 0, options->clock);
    int code = TOOL_REFUSED;
    int file = -1;

    if (store)
        file = tool_open_file(options->file);
    if (file >= 0)
        code = load(store, options, file);
    tool_close_file(file);
    feature_store_close(store);
    return code;
}

int
load_run(int argc, char **argv)
{
    static const struct option list[] = {
        {"column", required_argument, NULL, OPTION_COLUMN},
        {"timestamp", required_argument, NULL, 't'},
        {"time", required_argument, NULL, OPTION_TIME},
        {"time-zone", required_argument, NULL, OPTION_ZONE},
        {"at-commit", no_argument, NULL, OPTION_AT_COMMIT},
        {"retract", no_argument, NULL, OPTION_RETRACT},
        {"upsert", no_argument, NULL, OPTION_UPSERT},
        {"patch", no_argument, NULL, OPTION_PATCH},
        {"rejects", required_argument, NULL, OPTION_REJECTS},
        {"rate", required_argument, NULL, OPTION_RATE},
        {"chunk", required_argument, NULL, OPTION_CHUNK},
        {"delimiter", required_argument, NULL, OPTION_DELIMITER},
        {"force", no_argument, NULL, OPTION_FORCE},
        {"replace", no_argument, NULL, OPTION_REPLACE},
        {"id", required_argument, NULL, OPTION_ID},
        {"fingerprint", required_argument, NULL, OPTION_FINGERPRINT},
        {"cut", required_argument, NULL, OPTION_CUT},
        {"event", required_argument, NULL, OPTION_EVENT},
        {"last-wins", no_argument, NULL, OPTION_LAST_WINS},
        {"gate", required_argument, NULL, OPTION_GATE},
        {"force-gates", no_argument, NULL, OPTION_FORCE_GATES},
        {"json", no_argument, NULL, TOOL_OPTION_JSON},
        {"clock", required_argument, NULL, TOOL_OPTION_CLOCK},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0}};
    struct load_options options = {
        .command = argv[0],
        .delimiter = ',',
        .version = {.struct_size = sizeof options.version}};
    int code = TOOL_DONE, option;

    while (!code &&
           (option = getopt_long(argc, argv, ":t:h", list, NULL)) != -1) {
        if (option == 'h') {
            code = tool_help(load_help);
            goto out;
        }
        code = take_option(&options, option, argv);
    }
    if (!code && argc - optind != 3)
        code = tool_misuse(argv[0], "STORE, VIEW and FILE.csv are needed");
    if (!code)
        code = check_options(&options);
    if (!code) {
        options.store = argv[optind];
        options.target = argv[optind + 1];
        options.view = options.event ? options.event : options.target;
        options.file = argv[optind + 2];
        code = open_and_load(&options);
    }
out:
    free(options.titles);
    free(options.times);
    free(options.gates);
    return code;
}
