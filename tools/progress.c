/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Progress on a terminal.
 *
 * Owns one line of standard error while a load runs.
 * Keeps quiet where standard error is no terminal.
 * Never writes more than ten times a second.
 */
#include "progress.h"

#include <stdio.h>
#include <unistd.h>

#include "text.h"
#include "tool.h"

#define PAUSE 100000 /* microseconds from line to line */
#define CELLS 24     /* of the bar */

void
progress_begin(struct progress *progress, uint64_t total)
{
    progress->is_shown = isatty(STDERR_FILENO);
    progress->total = total;
    progress->begun = tool_steady_clock();
    progress->shown = progress->begun;
}

static void
add_bar(struct text *line, uint64_t total, uint64_t bytes)
{
    uint64_t filled = bytes >= total ? CELLS : bytes * CELLS / total;

    text_add(line, "[");
    for (uint64_t i = 0; i < CELLS; i++)
        text_add(line, i < filled ? "#" : ".");
    text_add(line, "] %3u %%  ",
             (unsigned)(bytes >= total ? 100 : bytes * 100 / total));
}

void
progress_print(char line[PROGRESS_SIZE], uint64_t total, uint64_t rows,
               uint64_t bytes, int64_t microseconds)
{
    double seconds = (double)(microseconds > 0 ? microseconds : 1) / 1e6;
    struct text text = {0};

    if (total)
        add_bar(&text, total, bytes);
    text_add_count(&text, rows);
    text_add(&text, " rows  ");
    text_add_count(&text, (uint64_t)((double)rows / seconds));
    text_add(&text, " rows/s");
    if (total && bytes && bytes < total) {
        uint64_t left =
            (uint64_t)(seconds * (double)(total - bytes) / (double)bytes);

        text_add(&text, "  %llu:%02llu left", (unsigned long long)(left / 60),
                 (unsigned long long)(left % 60));
    }
    snprintf(line, PROGRESS_SIZE, "%s", text_end(&text) ? text.data : "");
    text_free(&text);
}

void
progress_show(struct progress *progress, uint64_t rows, uint64_t bytes)
{
    char line[PROGRESS_SIZE];
    int64_t now;

    if (!progress->is_shown)
        return;
    now = tool_steady_clock();
    if (now - progress->shown < PAUSE)
        return;
    progress->shown = now;
    progress_print(line, progress->total, rows, bytes, now - progress->begun);
    fprintf(stderr, "\r%s\033[K", line);
    fflush(stderr);
}

void
progress_end(struct progress *progress)
{
    if (progress->is_shown)
        fputs("\r\033[K", stderr);
    progress->is_shown = false;
}
