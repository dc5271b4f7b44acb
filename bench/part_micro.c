/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pieces of a read, measured by the program `micro`.
 *
 * Owns the reading of its lines.
 * Keeps them like any other contest.
 * Never fails the run when that program is not there: it says so.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "speed.h"

#define LINE_SIZE 1024

static char *
copy(const char *text)
{
    return text ? strdup(text) : NULL; /* kept to the end, as names are */
}

static void
begin(struct contest *contest, char **rest)
{
    const char *name = strtok_r(NULL, "\t", rest);

    *contest = (struct contest){0};
    snprintf(contest->name, sizeof contest->name, "%s", name ? name : "");
    contest->unit = copy(strtok_r(NULL, "\t", rest));
    contest->place = copy(strtok_r(NULL, "\t", rest));
    contest->spread = strtod(strtok_r(NULL, "\t", rest), NULL);
    contest->discarded = (unsigned)atoi(strtok_r(NULL, "\t", rest));
    contest->rounds = (unsigned)atoi(strtok_r(NULL, "\t", rest));
    contest->baseline = (unsigned)atoi(strtok_r(NULL, "\t\n", rest));
}

static void
add(struct contest *contest, char **rest)
{
    const char *name = copy(strtok_r(NULL, "\t", rest));
    struct method *method = contest_add(contest, name, NULL, NULL);

    for (unsigned i = 0; i < contest->rounds; i++)
        method->values[i] = strtod(strtok_r(NULL, "\t\n", rest), NULL);
}

static void
finish(const struct contest *contest)
{
    if (!contest->count)
        return;
    report_contest(contest);
    if (contest_find(contest, "memcpy of 125 bytes"))
        report_ratio("decode_vs_memcpy",
                     contest_ratio(contest, "decode of 125 bytes, libfeature",
                                   "memcpy of 125 bytes"));
}

void
part_micro(struct bed *base)
{
    char command[4 * PATH_SIZE] = "", line[LINE_SIZE];
    struct contest contest = {0};
    FILE *lines;

    (void)base;
    bench_append(command, sizeof command, "'%s' %s '%s'", settings.micro,
                 settings.quick ? "--quick" : "", settings.tmpfs);
    fflush(stdout);
    lines = popen(command, "r");
    while (lines && fgets(line, sizeof line, lines)) {
        char *rest = NULL;
        const char *kind = strtok_r(line, "\t", &rest);

        if (kind && !strcmp(kind, "contest")) {
            finish(&contest);
            begin(&contest, &rest);
        } else if (kind && !strcmp(kind, "method")) {
            add(&contest, &rest);
        }
    }
    finish(&contest);
    if (!lines || pclose(lines))
        report_text("micro", "did not run: %s", settings.micro);
}
