/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bench's results, for people and for programs.
 *
 * Owns everything that was measured, and the goals it is held against.
 * Keeps raw rounds beside each median, so that noise can be judged later.
 * Never fails a run for a missed goal: a gate is a line, not a test.
 */
#include "report.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTESTS_MAX 64
#define RATIOS_MAX   32
#define FACTS_MAX    128
#define TEXTS_MAX    48

struct goal {
    const char *name;
    const char *what;
    double goal;
    bool at_least; /* else at most */
    bool is_aim;   /* reported only */
};

static const struct goal goals[] = {
    {"batch100_vs_mdb_get", "batch of 100 / raw mdb_get loop", 0.25, 0, 0},
    {"batch1_vs_mdb_get", "batch of 1 / raw mdb_get", 1.15, 0, 0},
    {"views5_vs_mdb_get", "one key in 5 views / 5 mdb_get", 0.5, 0, 0},
    {"memory_limit_1e7", "1e7 rows / hash probe + row copy", 5, 0, 0},
    {"batch100_vs_rocksdb", "batch of 100 / RocksDB MultiGet", 0.08, 0, 1},
    {"batch100_vs_sqlite", "batch of 100 / SQLite", 0.12, 0, 1},
    {"batch100_vs_redis", "batch of 100 / Redis MGET packed", 0.10, 0, 1},
    {"decode_vs_memcpy", "decode of 20 features / memcpy of row", 8, 0, 0},
    {"readers2_vs_mdb_get_scaling", "2-thread speed-up / raw loop's", 0.9, 1,
     0},
    {"with_writer", "with a writer committing / without", 1.15, 0, 0},
    {"rows1e7_vs_1e5", "1e7 rows / 1e5 rows, batch of 100", 4, 0, 0},
    {"bulk_vs_append", "sorted batch, empty view / MDB_APPEND", 1.6, 0, 0},
    {"upsert_vs_raw", "upsert 10,000 a commit / raw LMDB", 1.3, 0, 0},
    {"group_commit_32", "32 writers / one, commits a second", 8, 1, 0},
};

static struct {
    struct contest contests[CONTESTS_MAX];
    struct {
        const char *name;
        double value;
    } ratios[RATIOS_MAX];
    struct {
        char name[100];
        char unit[24];
        double value;
    } facts[FACTS_MAX];
    struct {
        char name[40];
        char text[200];
    } texts[TEXTS_MAX];
    unsigned contest_count, ratio_count, fact_count, text_count;
} all;

void
report_contest(const struct contest *contest)
{
    const struct method *base = &contest->methods[contest->baseline];

    if (all.contest_count == CONTESTS_MAX)
        bench_fail("too many contests");
    all.contests[all.contest_count++] = *contest;
    printf("\n%s [%s, %s, %u rounds; baseline moved %.2fx%s]\n", contest->name,
           contest->unit, contest->place, contest->rounds, contest->spread,
           contest->spread > (contest->limit > 0 ? contest->limit : 1.25)
               ? ", UNSTEADY"
               : "");
    for (unsigned i = 0; i < contest->count; i++) {
        const struct method *method = &contest->methods[i];

        printf("  %-36s %10.1f  %10.1f ..%10.1f  %7.3f\n", method->name,
               median_of(method->values, contest->rounds),
               least_of(method->values, contest->rounds),
               most_of(method->values, contest->rounds),
               contest_ratio(contest, method->name, base->name));
    }
    fflush(stdout);
}

void
report_ratio(const char *name, double value)
{
    if (all.ratio_count == RATIOS_MAX)
        bench_fail("too many ratios");
    all.ratios[all.ratio_count].name = name;
    all.ratios[all.ratio_count++].value = value;
}

void
report_fact(const char *name, double value, const char *unit)
{
    if (all.fact_count == FACTS_MAX)
        bench_fail("too many facts");
    snprintf(all.facts[all.fact_count].name,
             sizeof all.facts[all.fact_count].name, "%s", name);
    snprintf(all.facts[all.fact_count].unit,
             sizeof all.facts[all.fact_count].unit, "%s", unit);
    all.facts[all.fact_count++].value = value;
    printf("  %-58s %12.4g %s\n", name, value, unit);
    fflush(stdout);
}

void
report_text(const char *name, const char *format, ...)
{
    va_list arguments;

    if (all.text_count == TEXTS_MAX)
        bench_fail("too many texts");
    snprintf(all.texts[all.text_count].name,
             sizeof all.texts[all.text_count].name, "%s", name);
    va_start(arguments, format);
    vsnprintf(all.texts[all.text_count].text,
              sizeof all.texts[all.text_count].text, format, arguments);
    va_end(arguments);
    printf("  %-12s %s\n", name, all.texts[all.text_count].text);
    all.text_count++;
}

static double
find_ratio(const char *name)
{
    for (unsigned i = 0; i < all.ratio_count; i++)
        if (!strcmp(all.ratios[i].name, name))
            return all.ratios[i].value;
    return NAN;
}

static const char *
judge(const struct goal *goal, double value)
{
    bool met = goal->at_least ? value >= goal->goal : value <= goal->goal;

    if (isnan(value))
        return "not measured";
    return met ? "PASS" : goal->is_aim ? "MISS (an aim)" : "MISS";
}

static void
print_goals(void)
{
    printf("\n%-40s %10s %12s\n",
           settings.quick ? "ratio (QUICK: sizes are not the goals')" : "ratio",
           "measured", "goal");
    for (unsigned i = 0; i < sizeof goals / sizeof *goals; i++) {
        double value = find_ratio(goals[i].name);

        printf("%-40s %10.3f %s %8.2f  %s\n", goals[i].what, value,
               goals[i].at_least ? ">=" : "<=", goals[i].goal,
               judge(&goals[i], value));
    }
}

static void
write_text(FILE *out, const char *text)
{
    putc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            putc('\\', out);
        putc((unsigned char)*text < ' ' ? ' ' : *text, out);
    }
    putc('"', out);
}

static void
write_contest(FILE *out, const struct contest *contest)
{
    fprintf(out, "    {\"name\": ");
    write_text(out, contest->name);
    fprintf(out,
            ", \"unit\": \"%s\", \"place\": \"%s\", \"baseline\": \"%s\", "
            "\"spread\": %.4f, \"discarded\": %u, \"methods\": [",
            contest->unit, contest->place,
            contest->methods[contest->baseline].name, contest->spread,
            contest->discarded);
    for (unsigned i = 0; i < contest->count; i++) {
        const struct method *method = &contest->methods[i];

        fprintf(out, "%s\n      {\"name\": ", i ? "," : "");
        write_text(out, method->name);
        fprintf(out, ", \"median\": %.4g, \"rounds\": [",
                median_of(method->values, contest->rounds));
        for (unsigned j = 0; j < contest->rounds; j++)
            fprintf(out, "%s%.6g", j ? ", " : "", method->values[j]);
        fprintf(out, "]}");
    }
    fprintf(out, "]}");
}

static void
write_results(FILE *out)
{
    fprintf(out, "{\n  \"quick\": %s,\n  \"ratios\": {",
            settings.quick ? "true" : "false");
    for (unsigned i = 0; i < all.ratio_count; i++)
        fprintf(out, "%s\n    \"%s\": %.4g", i ? "," : "", all.ratios[i].name,
                all.ratios[i].value);
    fprintf(out, "\n  },\n  \"about\": {");
    for (unsigned i = 0; i < all.text_count; i++) {
        fprintf(out, "%s\n    \"%s\": ", i ? "," : "", all.texts[i].name);
        write_text(out, all.texts[i].text);
    }
    fprintf(out, "\n  },\n  \"facts\": [");
    for (unsigned i = 0; i < all.fact_count; i++) {
        fprintf(out, "%s\n    {\"name\": ", i ? "," : "");
        write_text(out, all.facts[i].name);
        fprintf(out, ", \"value\": %.6g, \"unit\": \"%s\"}", all.facts[i].value,
                all.facts[i].unit);
    }
    fprintf(out, "\n  ],\n  \"contests\": [\n");
    for (unsigned i = 0; i < all.contest_count; i++) {
        write_contest(out, &all.contests[i]);
        fprintf(out, "%s\n", i + 1 < all.contest_count ? "," : "");
    }
    fprintf(out, "  ]\n}\n");
}

void
report_finish(void)
{
    FILE *out = fopen(settings.results, "w");

    print_goals();
    if (!out)
        bench_fail("cannot write %s", settings.results);
    write_results(out);
    if (fclose(out))
        bench_fail("cannot write %s", settings.results);
    printf("\nraw rounds: %s\n", settings.results);
}
