/* SPDX-License-Identifier: Apache-2.0 */
/* Values of answered columns, as text. */
#ifndef TOOL_VALUE_H
#define TOOL_VALUE_H

#include "libfeature.h"
#include "text.h"

/* Whether bit i of an Arrow bitmap is set; NULL has no bit set. */
bool value_bit(const uint8_t *bits, uint32_t i);

/* Appends the value of a row that is not null: STRING as it is, BYTES as "\x"
 * and hexadecimal digits, TIMESTAMP in RFC 3339, lists as JSON. What is
 * appended, feature load reads back as the same value. */
void value_add(struct text *text, const struct feature_column *column,
               uint32_t row);

/* Appends the value of a row as JSON, null too. NaN and infinities are the
 * strings "NaN", "Infinity" and "-Infinity". */
void value_add_json(struct text *text, const struct feature_column *column,
                    uint32_t row);

/* "PRESENT", "OUTSIDE_MAX_AGE" ... "UNKNOWN". */
const char *value_state_name(uint8_t state);

#endif
