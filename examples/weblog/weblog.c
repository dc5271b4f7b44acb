/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Page views, unique visitors and load times of each page, minute by minute.
 *
 *     weblog generate --rate 500 --minutes 5 | weblog report DIR
 *     weblog generate --speed 60 | weblog report DIR    # a minute a second
 *
 * See README.md.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "weblog.h"

static const char usage[] =
    "usage: weblog generate [OPTION...] | weblog report [OPTION...] STORE\n"
    "  --rate N         views a second (500)\n"
    "  --minutes N      of the log (5)\n"
    "  --seed N         another log (1)\n"
    "  --speed X        seconds of the log in one second; 0: no pauses (0)\n"
    "  --grace SECONDS  a minute is printed so long after its end (10)\n";

enum choice {
    OPTION_RATE = 1,
    OPTION_MINUTES,
    OPTION_SEED,
    OPTION_SPEED,
    OPTION_GRACE
};

static const struct option options[] = {
    {"rate", required_argument, NULL, OPTION_RATE},
    {"minutes", required_argument, NULL, OPTION_MINUTES},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"speed", required_argument, NULL, OPTION_SPEED},
    {"grace", required_argument, NULL, OPTION_GRACE},
    {0},
};

bool
line_parse(const char *text, struct line *line)
{
    struct tm at = {0};
    int micros;

    if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%6dZ %63s %63s %lf", &at.tm_year,
               &at.tm_mon, &at.tm_mday, &at.tm_hour, &at.tm_min, &at.tm_sec,
               &micros, line->page, line->visitor, &line->load_ms) != 10)
        return false;
    at.tm_year -= 1900;
    at.tm_mon--;
    line->time = timegm(&at) * SECOND + micros;
    return line->load_ms >= 0 && line->load_ms < 1e9;
}

void
line_print(FILE *out, const struct line *line)
{
    time_t seconds = (time_t)(line->time / SECOND);
    struct tm at;
    char text[32];

    gmtime_r(&seconds, &at);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &at);
    fprintf(out, "%s.%06dZ %s %s %.1f\n", text, (int)(line->time % SECOND),
            line->page, line->visitor, line->load_ms);
}

/* Out of range: the program ends. */
static double
number(const char *text, double least, double most)
{
    char *end;
    double value = strtod(text, &end);

    if (end != text && !*end && value >= least && value <= most)
        return value;
    fprintf(stderr, "weblog: %s is not a number from %g to %g\n", text, least,
            most);
    exit(2);
}

int
main(int argc, char **argv)
{
    struct generator settings = {.rate = 500, .minutes = 5, .seed = 1};
    int64_t grace = 10 * SECOND;
    const char *what;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        switch (option) {
        case OPTION_RATE:
            settings.rate = (long)number(optarg, 1, 1e6);
            break;
        case OPTION_MINUTES:
            settings.minutes = (long)number(optarg, 1, 1e5);
            break;
        case OPTION_SEED:
            settings.seed = (long)number(optarg, 0, 1e9);
            break;
        case OPTION_SPEED:
            settings.speed = number(optarg, 0, 1e6);
            break;
        case OPTION_GRACE:
            grace = (int64_t)number(optarg, 0, 240) * SECOND;
            break;
        default:
            fputs(usage, stderr);
            return 2;
        }
    what = optind < argc ? argv[optind] : "";
    if (!strcmp(what, "generate") && argc - optind == 1)
        return generate(&settings, stdout);
    if (!strcmp(what, "report") && argc - optind == 2)
        return report(argv[optind + 1], grace, stdin, stdout);
    fputs(usage, stderr);
    return 2;
}
