/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From lines to a table.
 *
 * A minute is printed when a line is the grace ahead of its end. What comes later
 * is counted: it still enters the store, where it is found by who asks again.
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "weblog.h"

struct board {
    struct site *site;
    FILE *out;
    bool is_live; /* a terminal: the table is drawn over the last one */
    int64_t grace, newest;
    int64_t next; /* where the next minute to print ends */
    uint64_t behind, bad;
    double begun;
};

static double
now(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static int64_t
minute_after(int64_t time)
{
    return time - time % MINUTE + MINUTE;
}

static void
print_heading(const struct board *board)
{
    fprintf(board->out, "%-6s %-16s %8s %9s %9s %9s %13s\n", "minute", "page",
            "views", "visitors", "p95 ms", "p99 ms", "visitors hour");
}

static void
print_minute(struct board *board)
{
    static struct figures figures[PAGES_MAX];
    time_t begin = (time_t)((board->next - MINUTE) / SECOND);
    uint32_t count = site_pages(board->site);
    struct tm at;

    site_minute(board->site, board->next, figures);
    gmtime_r(&begin, &at);
    if (board->is_live) {
        fputs("\033[H\033[J", board->out); /* home, and nothing below */
        print_heading(board);
    }
    for (uint32_t i = 0; i < count; i++)
        if (figures[i].is_there)
            fprintf(board->out,
                    "%02d:%02d  %-16s %8" PRId64 " %9" PRId64
                    " %9.1f %9.1f %13" PRId64 "\n",
                    at.tm_hour, at.tm_min, figures[i].page, figures[i].views,
                    figures[i].visitors, figures[i].p95, figures[i].p99,
                    figures[i].visitors_hour);
    fflush(board->out);
    board->next += MINUTE;
}

static void
take(struct board *board, const struct line *line, const char *path)
{
    if (!board->site) {
        board->site = site_open(path, line->time);
        board->newest = line->time;
        board->next = minute_after(line->time);
    }
    while (line->time >= board->next + board->grace)
        print_minute(board);
    if (line->time < board->next - MINUTE)
        board->behind++;
    if (line->time > board->newest)
        board->newest = line->time;
    site_add(board->site, line);
}

static void
print_end(struct board *board)
{
    double took = now() - board->begun;
    struct counts counts = site_counts(board->site);

    fprintf(board->out,
            "%" PRIu64 " views, %" PRIu64 " behind their minute, %" PRIu64
            " too late, %" PRIu64 " bad lines\n",
            counts.views, board->behind, counts.late, board->bad);
    fprintf(stderr, "%.1f s, %.0f views/s\n", took,
            (double)counts.views / took);
}

int
report(const char *path, int64_t grace, FILE *in, FILE *out)
{
    struct board board = {.out = out,
                          .is_live = isatty(fileno(out)),
                          .grace = grace,
                          .begun = now()};
    char text[256];
    struct line line;

    if (!board.is_live)
        print_heading(&board);
    while (fgets(text, sizeof text, in))
        if (line_parse(text, &line))
            take(&board, &line, path);
        else
            board.bad++;
    if (!board.site) {
        fprintf(stderr, "weblog: no lines\n");
        return 1;
    }
    while (board.next - MINUTE <= board.newest) /* without their grace */
        print_minute(&board);
    print_end(&board);
    site_close(board.site);
    return 0;
}
