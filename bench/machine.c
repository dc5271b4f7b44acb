/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine a result belongs to.
 *
 * Owns the lines about processor, memory, kernel, compiler and versions.
 * Keeps to what the system itself tells.
 * Never guesses: what cannot be read is left out.
 */
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "report.h"

const char *
report_place(const char *path)
{
    static char other[24];
    struct statfs at;

    if (statfs(path, &at))
        return "unknown";
    switch ((unsigned long)at.f_type) {
    case 0xef53:
        return "ext4";
    case 0x01021994:
        return "tmpfs";
    case 0x58465342:
        return "xfs";
    case 0x9123683e:
        return "btrfs";
    case 0x794c7630:
        return "overlay";
    default:
        snprintf(other, sizeof other, "file system %lx",
                 (unsigned long)at.f_type);
        return other;
    }
}

/* The value of the first line of a file that begins with a name. */
static void
read_line(const char *path, const char *name, char *value, size_t size)
{
    FILE *file = fopen(path, "r");
    char line[256];

    snprintf(value, size, "unknown");
    while (file && fgets(line, sizeof line, file)) {
        char *at = strchr(line, ':');

        if (strncmp(line, name, strlen(name)) != 0 || !at)
            continue;
        line[strcspn(line, "\n")] = 0;
        snprintf(value, size, "%s", at + 1 + strspn(at + 1, " \t"));
        break;
    }
    if (file)
        fclose(file);
}

void
report_machine(void)
{
    char processor[128], memory[64];
    struct utsname system;

    read_line("/proc/cpuinfo", "model name", processor, sizeof processor);
    read_line("/proc/meminfo", "MemTotal", memory, sizeof memory);
    report_text("processor", "%s, %ld cores", processor,
                sysconf(_SC_NPROCESSORS_ONLN));
    report_text("memory", "%.1f GiB", strtod(memory, NULL) / 1024 / 1024);
    if (!uname(&system))
        report_text("kernel", "%s %s %s", system.sysname, system.release,
                    system.machine);
    report_text("compiler", "%s",
#ifdef __clang__
                __VERSION__
#else
                "gcc " __VERSION__
#endif
    );
    report_text("libfeature", "%u.%u.%u", feature_version() / 10000,
                feature_version() / 100 % 100, feature_version() % 100);
    report_text("LMDB", "%s", mdb_version(NULL, NULL, NULL));
    report_text("read data", "%s on %s", settings.reads,
                report_place(settings.reads));
    report_text("durable data", "%s on %s", settings.disk,
                report_place(settings.disk));
    report_text("write data", "%s on %s", settings.tmpfs,
                report_place(settings.tmpfs));
    if (settings.quick)
        report_text("sizes", "QUICK: a tenth of the rows, few rounds; not the "
                             "figures of the goals");
}
