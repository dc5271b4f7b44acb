/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature: the command line of libfeature.
 *
 * Owns main and the list of commands.
 * Keeps every command behind one shape: arguments in, exit code out.
 * Never touches a store itself.
 */
#include <stdlib.h>
#include <string.h>

#include "tool.h"

struct command {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv);
};

static int help_run(int argc, char **argv);
static int version_run(int argc, char **argv);

static const struct command commands[] = {
    {"apply", "make a store hold definitions", apply_run},
    {"plan", "list what apply would do", plan_run},
    {"describe", "print a store's definitions", describe_run},
    {"infer", "propose definitions for a CSV file", infer_run},
    {"load", "load a CSV file into a feature view", load_run},
    {"loads", "list the whole versions that were loaded", loads_run},
    {"rollback", "go back to the version of a view before", rollback_run},
    {"get", "read features", get_run},
    {"history", "list versions of rows", history_run},
    {"join", "join labels with features as of their times", join_run},
    {"stats", "print a store's numbers", stats_run},
    {"metrics", "print them as OpenMetrics text", metrics_run},
    {"doctor", "say what is sound and what needs doing", doctor_run},
    {"verify", "check a store for damage", verify_run},
    {"check", "judge the quality rules of views", check_run},
    {"maintain", "remove what has expired", maintain_run},
    {"snapshot", "write all of a store to a file", snapshot_run},
    {"restore", "make a store of a snapshot", restore_run},
    {"compact", "rewrite a store's file without its free pages", compact_run},
    {"changes", "print the records of a store's change feed", changes_run},
    {"follow", "apply them to another store", follow_run},
    {"compare", "say whether two stores hold the same", compare_run},
    {"export", "print the changes of a view as CSV", export_run},
    {"tiles", "carry states of windows to another store", tiles_run},
    {"version", "print the version", version_run},
    {"help", "print this, or the help of a command", help_run},
};

#define COMMAND_COUNT (sizeof commands / sizeof *commands)

static const struct command *
find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (!strcmp(commands[i].name, name))
            return &commands[i];
    return NULL;
}

static void
print_help(FILE *to)
{
    fputs("Usage: feature COMMAND [ARGUMENT...]\n"
          "\n"
          "The command line of libfeature, the embedded feature store.\n"
          "\n",
          to);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fputs("\n"
          "`feature COMMAND --help` tells more. Exit codes: 0 done, 1 refused, "
          "2 wrong usage.\n"
          "\n"
          "Example: feature get ./store 'driver_stats(*)' driver_id=1001\n",
          to);
}

static int
help_run(int argc, char **argv)
{
    static char option[] = "--help";
    const struct command *command;
    char *rest[3];

    if (argc < 2 || !strcmp(argv[1], "--help")) {
        print_help(stdout);
        return tool_finish();
    }
    command = find_command(argv[1]);
    if (!command)
        return tool_misuse(NULL, "there is no command \"%s\"", argv[1]);
    if (command->run == help_run)
        return help_run(1, argv);
    rest[0] = argv[1];
    rest[1] = option;
    rest[2] = NULL;
    return command->run(2, rest);
}

static int
version_run(int argc, char **argv)
{
    uint32_t version = feature_version();

    if (argc > 1 && !strcmp(argv[1], "--help"))
        return tool_help("Usage: feature version\n"
                         "\n"
                         "Prints the version of the library in use.\n"
                         "\n"
                         "Example: feature version\n");
    if (argc > 1)
        return tool_misuse(NULL, "version takes no argument");
    printf("feature %u.%u.%u\n", version / 10000, version / 100 % 100,
           version % 100);
    return tool_finish();
}

int
main(int argc, char **argv)
{
    const struct command *command;

    if (argc < 2) {
        print_help(stderr);
        return TOOL_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
        return help_run(1, argv);
    if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))
        return version_run(1, argv);
    command = find_command(argv[1]);
    if (!command)
        return tool_misuse(NULL, "there is no command \"%s\"", argv[1]);
    opterr = 0;
    return command->run(argc - 1, argv + 1);
}
