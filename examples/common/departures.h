/* SPDX-License-Identifier: Apache-2.0 */
/* The flights of examples/data/departures.csv, and the keys of a read of them.
 */
#ifndef EXAMPLES_DEPARTURES_H
#define EXAMPLES_DEPARTURES_H

#include <stdint.h>

#include <libfeature.h>

/* The time of the question: 2013-07-01T21:00:00Z. */
#define AS_OF (INT64_C(1372712400) * 1000000)

#define ROWS_MAX 1000
#define KEYS     3

struct flight {
    char key[KEYS][16]; /* tailnum, origin_faa, destination_faa */
    char number[16];
    char delay[8]; /* what became of it, in minutes; empty: cancelled */
};

/* Reads at most ROWS_MAX flights and returns how many; 0 after a message. */
uint32_t load_flights(const char *path, struct flight *flights);

/* Sets the keys of a request for departure_v1: rows flights, beginning again
 * after the last. An empty text is a null. */
feature_status set_keys(feature_request *request, const struct flight *flights,
                        uint32_t count, uint32_t rows,
                        struct feature_error *error);

#endif
