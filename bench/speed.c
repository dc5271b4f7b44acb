/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The speed bench: libfeature against its own engine and its peers.
 *
 * Owns the order of the parts and the base point's data set, which most share.
 * Keeps one process and one run for every ratio it prints.
 * Never asserts a time: PASS and MISS are lines of the last table.
 *
 *     speed [--quick] [--only PART] --disk DIR --tmpfs DIR --results FILE
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "speed.h"

static const struct part {
    const char *name;
    void (*run)(struct bed *base);
} parts[] = {
    {"micro", part_micro},     {"base", part_base},
    {"readers", part_readers}, {"sizes", part_sizes},
    {"factors", part_factors}, {"views", part_views},
    {"cold", part_cold},       {"writer", part_writer},
    {"writes", part_writes},   {"commits", part_commits},
};

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
        if (!strcmp(name, "--disk"))
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

int
main(int count, char **arguments)
{
    uint64_t begun = bench_clock();
    struct dataset data;
    struct bed base;

    if (count > 1 && !strcmp(arguments[1], "--worker"))
        return worker_main(count - 2, arguments + 2);
    read_arguments(count, arguments);
    mkdir(settings.disk, 0700);
    mkdir(settings.tmpfs, 0700);
    bench_pin(0);
    report_machine();
    data = base_data("base", bench_choose(1000000, 200000));
    bed_make(&base, &data);
    for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!settings.only || !strcmp(settings.only, parts[i].name))
            parts[i].run(&base);
    bed_remove(&base);
    rmdir(settings.tmpfs);
    rmdir(settings.disk);
    printf("\nran for %.0f s\n", (double)(bench_clock() - begun) / 1e9);
    report_finish();
    return 0;
}
