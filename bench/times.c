/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads at past times, from C.
 *
 *     times make DIRECTORY ENTITIES VERSIONS LABELS FEW
 *     times join STORE LABELS
 *     times write plain|history|feed DIRECTORY ROWS
 *     times visible DIRECTORY COMMITS
 *
 * Owns the data that all contestants get, and the library's own runs through
 * the C API. bench/times.py runs it and prints what comes of it.
 * Keeps to one thread, and to what a program would call.
 * Never puts the making of data, or a check sum, into a time.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "libfeature.h"

#define COLUMNS    4
#define FIRST_TIME INT64_C(1700000000000000)
#define SPAN       INT64_C(7776000000000) /* 90 days */
#define CHUNK      100000                 /* rows of a commit that loads */
#define SMALL      500 /* rows of a commit that is measured */

static struct feature_error error;

static const char definitions[] =
    "CREATE ENTITY e (k INT64);"
    "CREATE FEATURE VIEW v (a FLOAT64, b FLOAT64, c FLOAT64, d FLOAT64)"
    " FOR e%s;%s";

__attribute__((format(printf, 1, 2), noreturn)) static void
die(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

static void
must(feature_status status)
{
    if (status)
        die("times: %s: %s", error.reason, error.message);
}

static void *
room(size_t size)
{
    void *memory = calloc(1, size ? size : 1);

    if (!memory)
        die("times: no memory");
    return memory;
}

static double
seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint64_t
mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* --- rows ---------------------------------------------------------------------- */

struct rows {
    size_t count;
    int64_t *keys, *times;
    double *values[COLUMNS];
};

static struct rows
new_rows(size_t count, int with_values)
{
    struct rows rows = {.count = count};

    rows.keys = room(8 * count);
    rows.times = room(8 * count);
    for (int i = 0; with_values && i < COLUMNS; i++)
        rows.values[i] = room(8 * count);
    return rows;
}

/* Times of one entity differ: versions lie in slots of their own. */
static struct rows
make_history(int64_t entities, int64_t versions)
{
    struct rows rows = new_rows((size_t)(entities * versions), 1);
    int64_t slot = SPAN / versions;
    size_t at = 0;

    for (int64_t version = 0; version < versions; version++)
        for (int64_t k = 0; k < entities; k++, at++) {
            uint64_t drawn = mix((uint64_t)(k * versions + version));

            rows.keys[at] = k;
            rows.times[at] =
                FIRST_TIME + version * slot + (int64_t)(drawn % (uint64_t)slot);
            for (int i = 0; i < COLUMNS; i++)
                rows.values[i][at] =
                    (double)(mix(drawn + (uint64_t)i) >> 40) / 16.0;
        }
    return rows;
}

static struct rows
make_labels(int64_t entities, size_t count, uint64_t seed)
{
    struct rows rows = new_rows(count, 0);

    for (size_t i = 0; i < count; i++) {
        rows.keys[i] = (int64_t)(mix(seed + 2 * i) % (uint64_t)entities);
        rows.times[i] =
            FIRST_TIME + (int64_t)(mix(seed + 2 * i + 1) % (uint64_t)SPAN);
    }
    return rows;
}

static void
save(const char *directory, const char *name, const struct rows *rows)
{
    char path[4096];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", directory, name);
    file = fopen(path, "wb");
    if (!file)
        die("times: no %s", path);
    fwrite(rows->keys, 8, rows->count, file);
    fwrite(rows->times, 8, rows->count, file);
    for (int i = 0; i < COLUMNS && rows->values[i]; i++)
        fwrite(rows->values[i], 8, rows->count, file);
    if (fclose(file))
        die("times: %s cannot be written", path);
}

static struct rows
load_labels(const char *path)
{
    struct stat about;
    struct rows rows;
    FILE *file = fopen(path, "rb");

    if (!file || fstat(fileno(file), &about))
        die("times: no %s", path);
    rows = new_rows((size_t)about.st_size / 16, 0);
    if (fread(rows.keys, 8, rows.count, file) != rows.count ||
        fread(rows.times, 8, rows.count, file) != rows.count)
        die("times: %s is too short", path);
    fclose(file);
    return rows;
}

/* --- stores -------------------------------------------------------------------- */

static feature_store *
new_store(const char *path, const char *view_options, const char *more)
{
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = FEATURE_OPEN_CREATE,
                                      .fixed_now = FIRST_TIME + 2 * SPAN};
    char text[1024];
    feature_store *store;

    snprintf(text, sizeof text, definitions, view_options, more);
    must(feature_store_open(path, &options, &store, &error));
    must(feature_store_apply(store, text, NULL, NULL, &error));
    return store;
}

static void
write_rows(feature_store *store, const struct rows *rows, size_t chunk)
{
    feature_batch *batch;

    must(feature_batch_create(store, "v", "k, event_timestamp, a, b, c, d",
                              FEATURE_UPSERT, &batch, &error));
    for (size_t at = 0; at < rows->count; at += chunk) {
        size_t left = rows->count - at;
        uint32_t count = (uint32_t)(left < chunk ? left : chunk);

        must(feature_batch_set(batch, 0, FEATURE_TYPE_INT64, rows->keys + at,
                               NULL, NULL, count, &error));
        must(feature_batch_set(batch, 1, FEATURE_TYPE_TIMESTAMP,
                               rows->times + at, NULL, NULL, count, &error));
        for (uint32_t i = 0; i < COLUMNS; i++)
            must(feature_batch_set(batch, 2 + i, FEATURE_TYPE_FLOAT64,
                                   rows->values[i] + at, NULL, NULL, count,
                                   &error));
        must(feature_store_write(store, &batch, 1, NULL, NULL, &error));
    }
    feature_batch_free(batch);
}

static void
make(const char *directory, int64_t entities, int64_t versions, size_t labels,
     size_t few)
{
    struct rows history = make_history(entities, versions);
    struct rows many = make_labels(entities, labels, 1u << 20);
    struct rows some = make_labels(entities, few, UINT64_C(1) << 40);
    feature_store *store;
    char path[4096];
    double begun;

    save(directory, "history.bin", &history);
    save(directory, "labels.bin", &many);
    save(directory, "few.bin", &some);
    snprintf(path, sizeof path, "%s/store", directory);
    store = new_store(path, " WITH (history = '36500 days')", "");
    begun = seconds_now();
    write_rows(store, &history, CHUNK);
    printf("%.3f\n", seconds_now() - begun);
    feature_store_close(store);
}

/* --- the join ------------------------------------------------------------------ */

static double
join_once(feature_request *request, const struct rows *labels,
          struct feature_column *columns)
{
    double begun = seconds_now();
    uint32_t rows = (uint32_t)labels->count;

    must(feature_request_set_key(request, 0, FEATURE_TYPE_INT64, labels->keys,
                                 NULL, NULL, rows, &error));
    must(feature_request_set_as_of(request, labels->times, rows, &error));
    must(feature_request_read(request, &error));
    must(feature_request_columns(request, columns, COLUMNS, &error));
    return seconds_now() - begun;
}

static uint64_t
proc_kib(const char *name)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    uint64_t kib = 0;

    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, name, strlen(name)))
            kib = strtoull(line + strlen(name), NULL, 10);
    if (file)
        fclose(file);
    return kib;
}

/* A line for each line that comes in: seconds, hits, sum, KiB at most, KiB of
 * them that are pages of the file. */
static void
join(const char *path, const char *labels_path)
{
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = FEATURE_OPEN_READ_ONLY};
    struct rows labels = load_labels(labels_path);
    struct feature_column columns[COLUMNS];
    feature_request *request;
    feature_store *store;
    feature_query *query;
    char line[16];

    must(feature_store_open(path, &options, &store, &error));
    must(feature_query_create(store, "v(a, b, c, d)", NULL, &query, &error));
    must(feature_request_create(query, &request, &error));
    while (fgets(line, sizeof line, stdin)) {
        double took = join_once(request, &labels, columns), sum = 0;
        uint64_t hits = 0;

        for (size_t i = 0; i < labels.count; i++)
            hits += columns[0].validity[i / 8] >> (i & 7) & 1;
        for (int c = 0; c < COLUMNS; c++)
            for (size_t i = 0; i < labels.count; i++)
                sum += ((const double *)columns[c].values)[i];
        printf("%.6f %" PRIu64 " %.4f %" PRIu64 " %" PRIu64 "\n", took, hits,
               sum, proc_kib("VmHWM:"),
               proc_kib("RssFile:") + proc_kib("RssShmem:"));
        fflush(stdout);
    }
    feature_request_free(request);
    feature_query_free(query);
    feature_store_close(store);
}

/* --- writes -------------------------------------------------------------------- */

/* Prints seconds and the bytes that are in use afterwards. */
static void
measure_write(const char *kind, const char *directory, size_t count)
{
    int with_history = !strcmp(kind, "history");
    int with_feed = !strcmp(kind, "feed");
    struct rows rows = make_history((int64_t)(count / 10), 10);
    struct feature_stats stats = {.struct_size = sizeof stats};
    feature_store *store = new_store(
        directory, with_history ? " WITH (history = '36500 days')" : "",
        with_feed ? "STORE WITH (changes = '3 days');" : "");
    double begun = seconds_now();

    write_rows(store, &rows, SMALL);
    begun = seconds_now() - begun;
    must(feature_store_stats(store, &stats, &error));
    printf("%.6f %" PRIu64 "\n", begun, stats.used_size);
    feature_store_close(store);
}

/* --- from commit to visible ---------------------------------------------------- */

struct seen {
    _Atomic uint64_t sequence;
    _Atomic uint64_t at; /* bits of a double */
};

static void
watch(const char *path, struct seen *seen)
{
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = FEATURE_OPEN_READ_ONLY};
    const int64_t key = 0;
    feature_request *request;
    feature_store *store;
    feature_query *query;

    must(feature_store_open(path, &options, &store, &error));
    must(feature_query_create(store, "v(a)", NULL, &query, &error));
    must(feature_request_create(query, &request, &error));
    must(feature_request_set_key(request, 0, FEATURE_TYPE_INT64, &key, NULL,
                                 NULL, 1, &error));
    for (;;) {
        uint64_t sequence, bits;
        double now;

        must(feature_request_read(request, &error));
        now = seconds_now();
        sequence = feature_request_commit(request);
        if (sequence == seen->sequence)
            continue;
        memcpy(&bits, &now, sizeof bits);
        seen->at = bits;
        seen->sequence = sequence;
    }
}

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* Prints median and 99th percentile in microseconds. */
static void
measure_visible(const char *directory, size_t commits)
{
    struct seen *seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE,
                             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct timespec pause = {.tv_nsec = 2000000};
    struct rows rows = make_history(1, (int64_t)commits);
    double *delays = room(commits * sizeof *delays);
    feature_store *store = new_store(directory, "", "");
    pid_t child;

    feature_store_close(store);
    fflush(stdout);
    child = fork();
    if (!child)
        watch(directory, seen);
    store = new_store(directory, "", "");
    while (!seen->sequence)
        nanosleep(&pause, NULL);
    for (size_t i = 0; i < commits; i++) {
        uint64_t before = seen->sequence, bits;
        struct rows one = rows;
        double done, at;

        one.count = 1;
        one.keys += i;
        one.times += i;
        for (int c = 0; c < COLUMNS; c++)
            one.values[c] += i;
        write_rows(store, &one, 1);
        done = seconds_now();
        while (seen->sequence == before)
            ;
        bits = seen->at;
        memcpy(&at, &bits, sizeof at);
        delays[i] = at > done ? at - done : 0;
        nanosleep(&pause, NULL);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    qsort(delays, commits, sizeof *delays, by_value);
    printf("%.3f %.3f\n", 1e6 * delays[commits / 2],
           1e6 * delays[commits * 99 / 100]);
    feature_store_close(store);
}

int
main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    if (!strcmp(what, "make") && argc == 7)
        make(argv[2], atoll(argv[3]), atoll(argv[4]), (size_t)atoll(argv[5]),
             (size_t)atoll(argv[6]));
    else if (!strcmp(what, "join") && argc == 4)
        join(argv[2], argv[3]);
    else if (!strcmp(what, "write") && argc == 5)
        measure_write(argv[2], argv[3], (size_t)atoll(argv[4]));
    else if (!strcmp(what, "visible") && argc == 4)
        measure_visible(argv[2], (size_t)atoll(argv[3]));
    else
        die("usage: see the top of bench/times.c");
    return 0;
}
