/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature doctor: what there is to say about a store and its surroundings.
 *
 * Owns the findings: when a figure is worth a warning, and what to do about it.
 * Keeps each finding one sentence on what is, and for a warning one on what to
 * do. Never writes: stores are opened read-only, or as immutable when asked to.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "tool.h"

#define OPTION_IMMUTABLE  TOOL_OPTION
#define MANY_TRANSACTIONS 1000           /* that a reader lags behind */
#define LITTLE_SPACE      (256ull << 20) /* on the disk */
#define SMALL_FILE        (16ull << 20)  /* where free pages do not matter */

static const char doctor_help[] =
    "Usage: feature doctor STORE [--json] [--immutable]\n"
    "\n"
    "Looks at a store, its readers, its file and its disk, and says in words "
    "what\n"
    "is sound and what needs doing. Exits 0 where all is sound, 1 where "
    "something\n"
    "needs doing or the store cannot be opened.\n"
    "\n"
    "  --json        as one JSON object\n"
    "  --immutable   open it without locks, as a store nobody writes\n"
    "\n"
    "Example: feature doctor ./store\n";

/* A finding is a warning where it has advice. */
struct finding {
    const char *topic;
    char text[320];
    const char *advice; /* NULL: sound */
};

struct report {
    struct finding findings[16];
    size_t count;
};

__attribute__((format(printf, 4, 5))) static void
add(struct report *report, const char *topic, const char *advice,
    const char *format, ...)
{
    struct finding *finding = &report->findings[report->count];
    va_list arguments;

    if (report->count == sizeof report->findings / sizeof *report->findings)
        return;
    report->count++;
    finding->topic = topic;
    finding->advice = advice;
    va_start(arguments, format);
    vsnprintf(finding->text, sizeof finding->text, format, arguments);
    va_end(arguments);
}

/* What to do where a store is refused and the message does not say it all. */
static const char *
advise(const char *reason)
{
    static const struct {
        const char *reason;
        const char *advice;
    } known[] = {
        {"no-store", "look at the path; feature apply --create makes a store"},
        {"disk-full", "free space on the disk; no data is lost"},
        {"permission", "run as the owner of the files, or open a store for "
                       "several users with the mode option"},
        {"read-only-mount", "mount it writable, or try --immutable where "
                            "nobody writes"},
        {"overlay-stale", "move it to a volume, or try --immutable where "
                          "nobody writes"},
        {"truncated", "restore a snapshot; keep the file for inspection"},
        {"structure", "restore a snapshot; keep the file for inspection"},
        {"checksum", "restore a snapshot; keep the file for inspection"},
        {"readers-full", "end some of these processes, or let the first one "
                         "to open the store raise max_readers"},
        {"pid-namespace", "let the containers share the PID namespace"},
        {"open-lock", "look for a process that hangs while it opens or closes "
                      "the store"},
        {"format", "use a release of libfeature that knows this format"},
        {"feature-bits", "use a newer release of libfeature"},
        {"lmdb-version", "use LMDB 0.9.24 or a later 0.9"},
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(known[i].reason, reason))
            return known[i].advice;
    return "do what the message says";
}

static void
judge_store(struct report *report, const struct feature_stats *stats)
{
    add(report, "store", NULL,
        "it opens; commit %" PRIu64 ", catalog version %" PRIu64
        ", %u views, %" PRIu64 " rows",
        stats->sequence, stats->catalog_version, stats->views, stats->rows);
    if (stats->flags & FEATURE_STATS_DURABLE)
        add(report, "durability", NULL, "the file system survives a reboot");
    else
        add(report, "durability",
            "keep it there only if it can be made again; else move it to a "
            "disk",
            "the file system is in memory and gone after a reboot");
}

static void
judge_readers(struct report *report, const struct feature_stats *stats)
{
    if (stats->flags & FEATURE_STATS_IMMUTABLE) {
        add(report, "readers", NULL, "none register: the store is immutable");
        return;
    }
    if (stats->readers > stats->max_readers / 5 * 4)
        add(report, "readers",
            "let the process that opens the store first raise max_readers, "
            "or run fewer processes",
            "%u of %u reader slots are taken", stats->readers,
            stats->max_readers);
    else
        add(report, "readers", NULL, "%u of %u reader slots are taken",
            stats->readers, stats->max_readers);
    if (stats->oldest_reader_lag < MANY_TRANSACTIONS)
        add(report, "snapshots", NULL,
            "%u readers hold one; the oldest is %" PRIu64
            " transactions behind",
            stats->active_readers, stats->oldest_reader_lag);
    else
        add(report, "snapshots",
            kill(stats->oldest_reader_pid, 0) && errno == ESRCH
                ? "the process is gone: the next writer frees its slot"
                : "let it end its scan: the file grows meanwhile, as no page "
                  "can be used again",
            "process %d holds a snapshot that is %" PRIu64
            " transactions behind",
            stats->oldest_reader_pid, stats->oldest_reader_lag);
}

static void
judge_map(struct report *report, const struct feature_stats *stats)
{
    uint64_t mib = stats->map_size >> 20;
    bool is_tight = stats->used_size > stats->map_size / 5 * 4;

    if (is_tight && stats->max_size)
        add(report, "map", "raise max_size of STORE WITH, or delete rows",
            "%" PRIu64 " of the %" PRIu64 " MiB that max_size allows are used",
            stats->used_size >> 20, mib);
    else if (is_tight && stats->flags & FEATURE_STATS_MAP_FALLBACK)
        add(report, "map", "raise `ulimit -v`, which keeps the map small",
            "%" PRIu64 " of %" PRIu64 " MiB of the map are used, and a larger "
            "one was refused",
            stats->used_size >> 20, mib);
    else if (stats->flags & FEATURE_STATS_MAP_FALLBACK)
        add(report, "map", NULL,
            "%" PRIu64 " MiB, less than asked for (`ulimit -v`?), and enough",
            mib);
    else
        add(report, "map", NULL, "%" PRIu64 " MiB of address space", mib);
}

static void
judge_pages(struct report *report, const struct feature_stats *stats)
{
    uint64_t free = stats->free_pages * stats->page_size;
    uint64_t part = stats->used_size ? free * 100 / stats->used_size : 0;

    if (part > 50 && stats->used_size > SMALL_FILE)
        add(report, "free pages",
            "they are used again by later writes; a snapshot that is restored "
            "gives them back to the disk",
            "%" PRIu64 " %% of the file's %" PRIu64 " MiB hold nothing", part,
            stats->file_size >> 20);
    else
        add(report, "free pages", NULL,
            "%" PRIu64 " %% of the file's %" PRIu64 " MiB hold nothing", part,
            stats->file_size >> 20);
}

static void
judge_disk(struct report *report, const char *path,
           const struct feature_stats *stats)
{
    struct statvfs disk;
    uint64_t space;

    if (stats->flags & FEATURE_STATS_IMMUTABLE || statvfs(path, &disk))
        return;
    space = (uint64_t)disk.f_bavail * disk.f_frsize;
    add(report, "disk",
        space < LITTLE_SPACE && space < stats->file_size / 4 + (16u << 20)
            ? "free some space: writes fail once it is used up, and reads go on"
            : NULL,
        "%" PRIu64 " MiB are free", space >> 20);
}

/* LMDB 0.9.26 to 0.9.31 destroy a mutex when processes open and close at once;
 * the library opens and closes under a lock of its own. */
static void
judge_lmdb(struct report *report, const struct feature_stats *stats)
{
    uint32_t patch = stats->lmdb_version % 100;
    bool is_odd = patch >= 26 && patch <= 31;

    add(report, "LMDB", NULL, "0.9.%u%s", patch,
        is_odd ? "; no other program may open the store with it" : "");
}

/* The value of a metric without labels; name begins with the end of the line
 * before and ends in a space. False: it is not there. */
static bool
find_metric(const char *metrics, const char *name, uint64_t *value)
{
    const char *at = strstr(metrics, name);

    if (at)
        *value = strtoull(at + strlen(name), NULL, 10);
    return at;
}

/* The worst of the consumers. */
static uint64_t
find_lag(const char *metrics, uint64_t *consumers)
{
    static const char name[] = "\nfeature_feed_consumer_lag{";
    uint64_t worst = 0;

    for (const char *at = metrics; (at = strstr(at, name)); ++*consumers) {
        const char *value = strchr(at += strlen(name), '}');
        uint64_t lag = value ? strtoull(value + 2, NULL, 10) : 0;

        worst = lag > worst ? lag : worst;
    }
    return worst;
}

static void
judge_feed(struct report *report, const char *metrics)
{
    uint64_t head, first, bytes, follower = 0, consumers = 0, lag;

    if (find_metric(metrics, "\nfeature_follower ", &follower) && follower)
        add(report, "follower", NULL, "the store follows another one");
    if (!find_metric(metrics, "\nfeature_feed_head ", &head) ||
        !find_metric(metrics, "\nfeature_feed_first ", &first) ||
        !find_metric(metrics, "\nfeature_feed_bytes ", &bytes))
        return;
    lag = find_lag(metrics, &consumers);
    add(report, "feed", NULL,
        "change records %" PRIu64 " to %" PRIu64 ", %" PRIu64 " MiB; %" PRIu64
        " consumers, the slowest lacks %" PRIu64,
        first, head, bytes >> 20, consumers, lag);
}

static void
judge_upkeep(struct report *report, const char *metrics)
{
    uint64_t due = 0;

    if (!find_metric(metrics, "\nfeature_upkeep_passes_due ", &due))
        return;
    if (due)
        add(report, "upkeep", NULL,
            "%" PRIu64 " passes over rows or history are due: each write does "
            "a part, feature maintain all of it",
            due);
    else
        add(report, "upkeep", NULL, "nothing is due");
}

/* The sum over all views. */
static uint64_t
sum_metric(const char *metrics, const char *name)
{
    uint64_t sum = 0;

    for (const char *at = metrics; (at = strstr(at, name));) {
        const char *value = strchr(at += strlen(name), '}');

        sum += value ? strtoull(value + 2, NULL, 10) : 0;
    }
    return sum;
}

static void
judge_loads(struct report *report, const char *metrics)
{
    uint64_t left = sum_metric(metrics, "\nfeature_load_leftovers{");

    if (left)
        add(report, "loads", "run feature maintain, or feature loads --discard",
            "%" PRIu64
            " loads were interrupted, and what they have built takes "
            "room: %" PRIu64 " rows",
            left, sum_metric(metrics, "\nfeature_load_leftover_rows{"));
}

static size_t
count_warnings(const struct report *report)
{
    size_t count = 0;

    for (size_t i = 0; i < report->count; i++)
        count += report->findings[i].advice != NULL;
    return count;
}

static void
print_words(const struct report *report)
{
    size_t warnings = count_warnings(report);

    for (size_t i = 0; i < report->count; i++) {
        const struct finding *finding = &report->findings[i];

        printf("%-7s  %-10s  %s\n", finding->advice ? "WARNING" : "ok",
               finding->topic, finding->text);
        if (finding->advice)
            printf("%-7s  %-10s  -> %s\n", "", "", finding->advice);
    }
    if (warnings)
        printf("%zu %s.\n", warnings,
               warnings == 1 ? "thing needs doing" : "things need doing");
    else
        printf("All is sound.\n");
}

static int
print_json(const char *path, const struct report *report)
{
    struct text text = {0};
    const char *line;

    text_add(&text, "{\"store\":");
    text_add_json(&text, path, strlen(path));
    text_add(&text, ",\"sound\":%s,\"findings\":[",
             count_warnings(report) ? "false" : "true");
    for (size_t i = 0; i < report->count; i++) {
        const struct finding *finding = &report->findings[i];

        text_add(&text,
                 "%s{\"topic\":\"%s\",\"level\":\"%s\",\"text\":", i ? "," : "",
                 finding->topic, finding->advice ? "warning" : "ok");
        text_add_json(&text, finding->text, strlen(finding->text));
        if (finding->advice) {
            text_add(&text, ",\"advice\":");
            text_add_json(&text, finding->advice, strlen(finding->advice));
        }
        text_add(&text, "}");
    }
    text_add(&text, "]}");
    line = text_end(&text);
    if (line)
        puts(line);
    text_free(&text);
    return line ? TOOL_DONE : tool_no_memory();
}

static void
examine(struct report *report, const char *path, uint32_t flags)
{
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = flags};
    struct feature_stats stats = {.struct_size = sizeof stats};
    struct feature_error error;
    feature_store *store = NULL;
    char *metrics = NULL;
    feature_status status = feature_store_open(path, &options, &store, &error);

    if (!status)
        status = feature_store_stats(store, &stats, &error);
    if (!status)
        status = feature_store_metrics(store, &metrics, &error);
    feature_store_close(store);
    if (status) {
        add(report, "store", advise(error.reason), "%s (%s %s)", error.message,
            feature_status_name(status), error.reason);
        return;
    }
    judge_store(report, &stats);
    judge_readers(report, &stats);
    judge_map(report, &stats);
    judge_pages(report, &stats);
    judge_disk(report, path, &stats);
    judge_lmdb(report, &stats);
    judge_feed(report, metrics);
    judge_upkeep(report, metrics);
    judge_loads(report, metrics);
    feature_free(metrics);
}

int
doctor_run(int argc, char **argv)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},
        {"json", no_argument, NULL, TOOL_OPTION_JSON},
        {"immutable", no_argument, NULL, OPTION_IMMUTABLE},
        {NULL, 0, NULL, 0}};
    uint32_t flags = FEATURE_OPEN_READ_ONLY;
    struct report report = {.count = 0};
    bool json = false;
    int code;

    while ((code = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        if (code == 'h')
            return tool_help(doctor_help);
        if (code == TOOL_OPTION_JSON)
            json = true;
        else if (code == OPTION_IMMUTABLE)
            flags |= FEATURE_OPEN_IMMUTABLE;
        else
            return tool_misuse_option(argv, code);
    }
    if (argc - optind != 1)
        return tool_misuse(argv[0], "one STORE is needed");
    examine(&report, argv[optind], flags);
    code = TOOL_DONE;
    if (json)
        code = print_json(argv[optind], &report);
    else
        print_words(&report);
    if (tool_finish() || code)
        return TOOL_REFUSED;
    return count_warnings(&report) ? TOOL_REFUSED : TOOL_DONE;
}
