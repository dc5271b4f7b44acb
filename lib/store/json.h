/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and rows as JSON. */
#ifndef LF_STORE_JSON_H
#define LF_STORE_JSON_H

#include "format/change.h"
#include "format/row.h"

void lf_json_text(struct lf_text *text, const void *bytes, size_t size);
void lf_json_hex(struct lf_text *text, const void *bytes, size_t size);

/* {"driver_id":7}. False, and nothing written: no key of the entity. */
bool lf_json_key(struct lf_text *text, const struct lf_entity *entity,
                 const uint8_t *key, size_t size);

/* {"fare":2.5,...}: the cells of a row without its checksum; those that were
 * never written are left out. False, and nothing written: no row of the view. */
bool lf_json_row(struct lf_text *text, const struct lf_view *view,
                 const uint8_t *row, size_t size);

/* The same of an event's payload. */
bool lf_json_event(struct lf_text *text, const struct lf_event *event,
                   const uint8_t *payload, size_t size);

#endif
