/* SPDX-License-Identifier: Apache-2.0 */
/* Quantities that texts write as strings: durations, sizes, timestamps. */
#ifndef LF_MODEL_QUANTITY_H
#define LF_MODEL_QUANTITY_H

#include <stddef.h>
#include <stdint.h>

#define LF_QUANTITY_SIZE 40

/* Each parser answers NULL on success, else what is wrong with the text. */

/* '2 hours', '90s': microseconds, positive, below INT64_MAX. */
const char *lf_duration_parse(const char *text, int64_t *duration);
const char *lf_duration_print(char buffer[LF_QUANTITY_SIZE], int64_t duration);

/* '200 GB', '64 MiB': bytes, positive, up to INT64_MAX. */
const char *lf_size_parse(const char *text, uint64_t *size);
const char *lf_size_print(char buffer[LF_QUANTITY_SIZE], uint64_t size);

/* '+08:00', 'UTC': microseconds east of UTC, 14 hours at most. */
const char *lf_zone_parse(const char *text, int64_t *zone);
const char *lf_zone_print(char buffer[LF_QUANTITY_SIZE], int64_t zone);

/* '2024-01-31T12:00:00.5Z': microseconds since 1970 UTC. */
const char *lf_timestamp_parse(const char *text, int64_t *timestamp);

/* The same; NULL for a year that has not four digits. */
const char *lf_timestamp_print(char buffer[LF_QUANTITY_SIZE],
                               int64_t timestamp);

#endif
