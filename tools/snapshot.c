/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature snapshot, restore, compact: copies of a store.
 *
 * Owns the options of the three, and a thread that shows how far they are.
 * Keeps an interrupted command from leaving a half-made file: it asks the
 * library to stop.
 * Never shows progress where standard error is no terminal.
 */
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "moment.h"
#include "progress.h"
#include "recover.h"
#include "tool.h"

static const char snapshot_help[] =
    "Usage: feature snapshot STORE FILE [OPTION...]\n"
    "\n"
    "Writes all that a store holds at one commit to a portable file, while "
    "others\n"
    "read and write. FILE gets its name when it is complete.\n"
    "\n"
    "  --level N     of zstd, from 1, the default, to 19\n"
    "  --workers N   threads that compress, up to 16; default 2\n"
    "  --json        print the report as one JSON object\n"
    "\n"
    "Example: feature snapshot ./store monday.snapshot\n";

static const char restore_help[] =
    "Usage: feature restore FILE STORE [--changes PATH [--until WHEN]] "
    "[OPTION...]\n"
    "       feature restore --verify-only FILE\n"
    "\n"
    "Makes a store of a snapshot, after checking every byte of it. STORE is a "
    "new\n"
    "name. With --changes, records that `feature changes` wrote are applied "
    "then; the\n"
    "store follows another one from there on, until `feature follow STORE "
    "--promote`.\n"
    "\n"
    "  --changes PATH   a file of change records, or a directory of such files; "
    "they may\n"
    "                   overlap\n"
    "  --until WHEN     the last commit: a sequence, or a time that none is "
    "after\n"
    "  --verify-only    check the snapshot and write nothing\n"
    "  --allow-remote   accept a network file system\n"
    "  --json           print the report as one JSON object\n"
    "\n"
    "Example: feature restore monday.snapshot ./restored\n"
    "         feature restore monday.snapshot ./restored --changes ./archive \\\n"
    "             --until 2026-11-21T14:05:00Z\n";

static const char compact_help[] =
    "Usage: feature compact STORE [OPTION...]\n"
    "\n"
    "Rewrites a store's file without its free pages. Nobody else may have the "
    "store\n"
    "open.\n"
    "\n"
    "  --allow-remote   accept a network file system\n"
    "  --json           print the report as one JSON object\n"
    "\n"
    "Example: feature compact ./store\n";

/* The signal handler knows it, and so it is the program's only one. */
static struct feature_progress now;

enum {
    OPTION_LEVEL = TOOL_OPTION,
    OPTION_WORKERS,
    OPTION_VERIFY_ONLY,
    OPTION_ALLOW_REMOTE,
    OPTION_CHANGES,
    OPTION_UNTIL
};

struct arguments {
    bool json;
    bool verify_only;
    bool allow_remote;
    int32_t level;
    uint32_t workers;
    struct recovery recovery;
};

/* A number from 1 to limit; false after explaining. */
static bool
read_number(const char *command, const char *option, const char *text,
            uint32_t limit, uint32_t *number)
{
    char *end;
    unsigned long read = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || *end || !read || read > limit) {
        tool_misuse(command, "%s is a number from 1 to %u, not \"%s\"", option,
                    limit, text);
        return false;
    }
    *number = (uint32_t)read;
    return true;
}

/* -1: go on with the arguments from optind; else the exit code. */
static int
read_options(int argc, char **argv, const struct option *options,
             const char *help, struct arguments *asked)
{
    uint32_t level;
    int code;

    while ((code = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        switch (code) {
        case 'h':
            return tool_help(help);
        case TOOL_OPTION_JSON:
            asked->json = true;
            break;
        case OPTION_VERIFY_ONLY:
            asked->verify_only = true;
            break;
        case OPTION_ALLOW_REMOTE:
            asked->allow_remote = true;
            break;
        case OPTION_LEVEL:
            if (!read_number(argv[0], "--level", optarg, 19, &level))
                return TOOL_USAGE;
            asked->level = (int32_t)level;
            break;
        case OPTION_WORKERS:
            if (!read_number(argv[0], "--workers", optarg, 16, &asked->workers))
                return TOOL_USAGE;
            break;
        case OPTION_CHANGES:
            asked->recovery.changes = optarg;
            break;
        case OPTION_UNTIL:
            if (recover_until(argv[0], optarg, &asked->recovery))
                return TOOL_USAGE;
            break;
        default:
            return tool_misuse_option(argv, code);
        }
    }
    return -1;
}

static void
interrupt(int number)
{
    (void)number;
    __atomic_store_n(&now.cancel, 1, __ATOMIC_RELAXED);
}

/* Ten times a second, until it is cancelled while it sleeps. */
static void *
show(void *context)
{
    struct progress *line = context;
    struct timespec pause = {.tv_nsec = 100000000};

    for (;;) {
        uint64_t rows = __atomic_load_n(&now.rows, __ATOMIC_RELAXED);

        nanosleep(&pause, NULL);
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
        line->total = __atomic_load_n(&now.total_rows, __ATOMIC_RELAXED);
        progress_show(line, rows, rows);
        pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    }
    return NULL;
}

struct watch {
    struct progress line;
    pthread_t thread;
    bool has_thread;
};

static void
watch_begin(struct watch *watch)
{
    struct sigaction action = {.sa_handler = interrupt,
                               .sa_flags = SA_RESTART | (int)SA_RESETHAND};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    progress_begin(&watch->line, 0);
    watch->has_thread =
        watch->line.is_shown &&
        !pthread_create(&watch->thread, NULL, show, &watch->line);
}

static void
watch_end(struct watch *watch)
{
    if (watch->has_thread) {
        pthread_cancel(watch->thread);
        pthread_join(watch->thread, NULL);
    }
    progress_end(&watch->line);
}

static void
print_json(const struct feature_snapshot_report *report)
{
    printf("{\"sequence\":%" PRIu64 ",\"time\":%" PRId64
           ",\"catalog_version\":%" PRIu64 ",\"views\":%" PRIu32
           ",\"rows\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"size\":%" PRIu64
           ",\"source_size\":%" PRIu64 ",\"lag\":%" PRIu64 "}\n",
           report->sequence, report->time, report->catalog_version,
           report->views, report->rows, report->bytes, report->size,
           report->source_size, report->lag);
}

/* what: "wrote", and so on. */
static int
print_report(const struct feature_snapshot_report *report, bool json,
             const char *what)
{
    char time[MOMENT_SIZE];
    struct text line = {0};

    if (json) {
        print_json(report);
        return tool_finish();
    }
    text_add(&line, "%s ", what);
    text_add_count(&line, report->rows);
    text_add(&line, " rows of %" PRIu32 " views", report->views);
    if (report->sequence) {
        moment_print(time, report->time);
        text_add(&line, ", commit %" PRIu64 " at %s", report->sequence, time);
    }
    text_add(&line, "; ");
    text_add_count(&line, report->source_size);
    text_add(&line, " bytes");
    if (report->size) {
        text_add(&line, " became ");
        text_add_count(&line, report->size);
    }
    puts(text_end(&line) ? line.data : what);
    text_free(&line);
    return tool_finish();
}

int
snapshot_run(int argc, char **argv)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},
        {"json", no_argument, NULL, TOOL_OPTION_JSON},
        {"level", required_argument, NULL, OPTION_LEVEL},
        {"workers", required_argument, NULL, OPTION_WORKERS},
        {NULL, 0, NULL, 0}};
    struct feature_snapshot_report report = {.struct_size = sizeof report};
    struct feature_snapshot_options how = {.struct_size = sizeof how};
    struct arguments asked = {0};
    struct feature_error error;
    struct watch watch;
    feature_store *store;
    int code = read_options(argc, argv, options, snapshot_help, &asked);

    if (code >= 0)
        return code;
    if (argc - optind != 2)
        return tool_misuse(argv[0], "a STORE and a FILE are needed");
    store = tool_open_store(argv[optind], FEATURE_OPEN_READ_ONLY, 0);
    if (!store)
        return TOOL_REFUSED;
    how.level = asked.level;
    how.workers = asked.workers;
    watch_begin(&watch);
    code = feature_store_snapshot(store, argv[optind + 1], &how, &now, &report,
                                  &error);
    watch_end(&watch);
    feature_store_close(store);
    return code ? tool_fail(&error)
                : print_report(&report, asked.json, "wrote");
}

static int
restore(char **paths, const struct feature_restore_options *how,
        struct arguments *asked, struct feature_snapshot_report *report)
{
    struct feature_error error;

    if (asked->recovery.changes)
        return recover(paths[0], paths[1], how, &now, &asked->recovery, report);
    return feature_store_restore(paths[0], asked->verify_only ? NULL : paths[1],
                                 how, &now, report, &error)
               ? tool_fail(&error)
               : TOOL_DONE;
}

static int
print_recovered(const struct feature_snapshot_report *report,
                const struct arguments *asked)
{
    int code = print_report(report, asked->json, "restored");

    if (code || asked->json)
        return code;
    printf("%" PRIu64 " change records came after the snapshot\n",
           asked->recovery.applied);
    return tool_finish();
}

int
restore_run(int argc, char **argv)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},
        {"json", no_argument, NULL, TOOL_OPTION_JSON},
        {"verify-only", no_argument, NULL, OPTION_VERIFY_ONLY},
        {"allow-remote", no_argument, NULL, OPTION_ALLOW_REMOTE},
        {"changes", required_argument, NULL, OPTION_CHANGES},
        {"until", required_argument, NULL, OPTION_UNTIL},
        {NULL, 0, NULL, 0}};
    struct feature_snapshot_report report = {.struct_size = sizeof report};
    struct feature_restore_options how = {.struct_size = sizeof how};
    struct arguments asked = {0};
    struct watch watch;
    int code = read_options(argc, argv, options, restore_help, &asked);

    if (code >= 0)
        return code;
    if (asked.verify_only && argc - optind != 1)
        return tool_misuse(argv[0], "one FILE is needed");
    if (!asked.verify_only && argc - optind != 2)
        return tool_misuse(argv[0], "a FILE and a STORE are needed");
    if (asked.verify_only ? asked.recovery.changes != NULL
                          : asked.recovery.until && !asked.recovery.changes)
        return tool_misuse(argv[0], "--until needs --changes, and --changes a "
                                    "STORE");
    if (asked.verify_only)
        how.flags |= FEATURE_RESTORE_VERIFY_ONLY;
    if (asked.allow_remote)
        how.flags |= FEATURE_RESTORE_ALLOW_REMOTE;
    watch_begin(&watch);
    code = restore(argv + optind, &how, &asked, &report);
    watch_end(&watch);
    if (!code && asked.recovery.changes)
        return print_recovered(&report, &asked);
    return code ? code
                : print_report(&report, asked.json,
                               asked.verify_only ? "checked" : "restored");
}

int
compact_run(int argc, char **argv)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},
        {"json", no_argument, NULL, TOOL_OPTION_JSON},
        {"allow-remote", no_argument, NULL, OPTION_ALLOW_REMOTE},
        {NULL, 0, NULL, 0}};
    struct feature_snapshot_report report = {.struct_size = sizeof report};
    struct feature_options how = {.struct_size = sizeof how};
    struct arguments asked = {0};
    struct feature_error error;
    struct watch watch;
    int code = read_options(argc, argv, options, compact_help, &asked);

    if (code >= 0)
        return code;
    if (argc - optind != 1)
        return tool_misuse(argv[0], "one STORE is needed");
    if (asked.allow_remote)
        how.flags |= FEATURE_OPEN_ALLOW_REMOTE;
    watch_begin(&watch);
    code = feature_store_compact(argv[optind], &how, &now, &report, &error);
    watch_end(&watch);
    return code ? tool_fail(&error)
                : print_report(&report, asked.json, "rewrote");
}
