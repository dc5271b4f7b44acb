/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The speed bench: libfeature against its own engine and its peers.
 *
 * Owns the order of the parts and the base point's data set, which most share.
 * Keeps one process and one run for every ratio it prints.
 * Never asserts a time: PASS and MISS are lines of the last table.
 *
 *     speed [--quick] [--only PART] --reads DIR --disk DIR --tmpfs DIR
 *           --results FILE
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "speed.h"

static const struct part {
    const char *name;
    void (*run)(struct bed *base);
    bool on_disk;
} parts[] = {
    {"micro", part_micro, false},     {"base", part_base, false},
    {"readers", part_readers, false}, {"sizes", part_sizes, false},
    {"factors", part_factors, false}, {"views", part_views, false},
    {"writes", part_writes, false},   {"cold", part_cold, true},
    {"service", part_service, true},  {"writer", part_writer, true},
    {"commits", part_commits, true},  {"snapshot", part_snapshot, true},
};

#define PARTS (sizeof parts / sizeof *parts)

static void
set_path(char path[PATH_SIZE], const char *value)
{
    *path = 0;
    bench_append(path, PATH_SIZE, "%s", value);
}

static void
read_arguments(int count, char **arguments)
{
    ssize_t size = readlink("/proc/self/exe", settings.self, PATH_SIZE - 1);

    set_path(settings.reads, "/dev/shm/feature-bench");
    set_path(settings.disk, "build/bench/data");
    set_path(settings.tmpfs, "/dev/shm/feature-bench");
    set_path(settings.results, "build/bench/results.json");
    if (size < 0)
        bench_fail("cannot find this program");
    set_path(settings.micro, settings.self);
    *strrchr(settings.micro, '/') = 0;
    bench_append(settings.micro, PATH_SIZE, "/micro");
    for (int i = 1; i < count; i++) {
        const char *name = arguments[i];
        const char *value = i + 1 < count ? arguments[i + 1] : "";

        if (!strcmp(name, "--quick")) {
            settings.quick = true;
            continue;
        }
        if (!strcmp(name, "--reads"))
            set_path(settings.reads, value);
        else if (!strcmp(name, "--disk"))
            set_path(settings.disk, value);
        else if (!strcmp(name, "--tmpfs"))
            set_path(settings.tmpfs, value);
        else if (!strcmp(name, "--results"))
            set_path(settings.results, value);
        else if (!strcmp(name, "--only"))
            settings.only = value;
        else
            bench_fail("unknown argument %s", name);
        i++;
    }
}

/* The parts of one kind, over a data set that lives as long as they run. */
static void
run_parts(bool on_disk, const char *name, const char *directory)
{
    struct dataset data = base_data(name, bench_choose(1000000, 100000));
    bool is_made = false;
    uint64_t begun;
    struct bed bed;

    for (unsigned i = 0; i < PARTS; i++) {
        if (parts[i].on_disk != on_disk ||
            (settings.only && strcmp(settings.only, parts[i].name) != 0))
            continue;
        if (!is_made)
            bed_make(&bed, &data, directory);
        is_made = true;
        begun = bench_clock();
        parts[i].run(&bed);
        printf("\n(part %s: %.0f s)\n", parts[i].name,
               (double)(bench_clock() - begun) / 1e9);
    }
    if (is_made)
        bed_remove(&bed);
}

int
main(int count, char **arguments)
{
    uint64_t begun = bench_clock();

    if (count > 1 && !strcmp(arguments[1], "--worker"))
        return worker_main(count - 2, arguments + 2);
    read_arguments(count, arguments);
    mkdir(settings.reads, 0700);
    mkdir(settings.disk, 0700);
    mkdir(settings.tmpfs, 0700);
    bench_pin(0);
    report_machine();
    bench_last_words = report_finish;
    run_parts(false, "base", settings.reads);
    run_parts(true, "disk", settings.disk);
    rmdir(settings.tmpfs);
    rmdir(settings.disk);
    rmdir(settings.reads);
    printf("\nran for %.0f s\n", (double)(bench_clock() - begun) / 1e9);
    report_finish();
    return 0;
}
