/* SPDX-License-Identifier: Apache-2.0 */
/* The flights of examples/data/departures.csv, and the keys of a read of them.
 */
#include "departures.h"

#include <stdio.h>
#include <string.h>

/* The next field of a CSV line without quotes, and *line past it. */
static void
take(char **line, char *field, size_t size)
{
    size_t length = strcspn(*line, ",\r\n");

    snprintf(field, size, "%.*s", (int)length, *line);
    *line += length + ((*line)[length] == ',');
}

uint32_t
load_flights(const char *path, struct flight *flights)
{
    FILE *file = fopen(path, "r");
    char buffer[256], scheduled[32];
    uint32_t count = 0;

    if (!file || !fgets(buffer, sizeof buffer, file)) { /* the header */
        perror(path);
        if (file)
            fclose(file);
        return 0;
    }
    while (count < ROWS_MAX && fgets(buffer, sizeof buffer, file)) {
        struct flight *flight = &flights[count++];
        char *line = buffer;

        for (int i = 0; i < KEYS; i++)
            take(&line, flight->key[i], sizeof flight->key[i]);
        take(&line, flight->number, sizeof flight->number);
        take(&line, scheduled, sizeof scheduled);
        take(&line, flight->delay, sizeof flight->delay);
    }
    fclose(file);
    return count;
}

/* One join key of many rows, in Arrow's layout. */
struct key_column {
    char bytes[ROWS_MAX * 16];
    int32_t ends[ROWS_MAX + 1];
    uint8_t known[ROWS_MAX / 8 + 1];
};

feature_status
set_keys(feature_request *request, const struct flight *flights, uint32_t count,
         uint32_t rows, struct feature_error *error)
{
    struct key_column column;
    feature_status status = FEATURE_OK;

    for (uint32_t k = 0; k < KEYS && !status; k++) {
        memset(column.known, 0, sizeof column.known);
        column.ends[0] = 0;
        for (uint32_t i = 0; i < rows; i++) {
            const char *text = flights[i % count].key[k];
            size_t size = strlen(text);

            memcpy(column.bytes + column.ends[i], text, size);
            column.ends[i + 1] = column.ends[i] + (int32_t)size;
            column.known[i / 8] |= (uint8_t)((size > 0) << i % 8);
        }
        status = feature_request_set_key(request, k, FEATURE_TYPE_STRING,
                                         column.bytes, column.ends,
                                         column.known, rows, error);
    }
    return status;
}
