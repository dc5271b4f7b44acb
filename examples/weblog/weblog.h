/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Page views in, figures of each page and minute out.
 *
 * A line of the log: 2026-01-01T12:00:00.250000Z /cart u0412 231.4
 * (when, which page, who, milliseconds until it was loaded).
 */
#ifndef EXAMPLES_WEBLOG_H
#define EXAMPLES_WEBLOG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <libfeature.h>

#define SECOND    INT64_C(1000000)
#define MINUTE    (60 * SECOND)
#define NAME_SIZE 64
#define PAGES_MAX 256

struct line {
    int64_t time;
    char page[NAME_SIZE], visitor[NAME_SIZE];
    double load_ms;
};

/* False: that is no line of the log. */
bool line_parse(const char *text, struct line *line);
void line_print(FILE *out, const struct line *line);

/* --- generate.c --- */

struct generator {
    long rate;    /* views in a second of the log */
    long minutes; /* of the log */
    long seed;
    double speed; /* seconds of the log in one of ours; 0: no pauses */
};

int generate(const struct generator *settings, FILE *out);

/* --- site.c: the store --- */

struct site;

/* Figures of one page in one minute. Without a view: false. */
struct figures {
    const char *page;
    bool is_there;
    int64_t views, visitors, visitors_hour;
    double p95, p99;
};

struct counts {
    uint64_t views, late; /* late: no window has a place for it any more */
};

/* Ends the program where something fails, as all of these do. */
struct site *site_open(const char *path, int64_t clock);
void site_add(struct site *site, const struct line *line);
void site_flush(struct site *site); /* what was added, in one commit */
struct counts site_counts(const struct site *site);
uint32_t site_pages(const struct site *site);
/* Of all pages so far, by name; end: where the minute ends. */
void site_minute(struct site *site, int64_t end, struct figures *figures);
void site_close(struct site *site);

/* --- report.c --- */

/* Reads lines and prints each minute, grace after it is over. */
int report(const char *path, int64_t grace, FILE *in, FILE *out);

#endif
