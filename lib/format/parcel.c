/* SPDX-License-Identifier: Apache-2.0 */
/*
 * States on their way from store to store.
 *
 * Owns what a state says of itself there, and the print of a definition.
 * Keeps equal what reads equal: names and meaning make the print, never ids,
 * which are each store's own.
 * Never takes a state for that of another key.
 */
#include "format/parcel.h"

#include <string.h>

#define FORM      1
#define HEAD_SIZE 40
#define SEED      UINT32_C(0x73656c74) /* of checksums: "tles" */

/* --- prints ------------------------------------------------------------------- */

struct printer {
    struct lf_buffer bytes;
    bool is_short; /* of memory */
};

static void
add(struct printer *to, const void *bytes, size_t size)
{
    if (size && !lf_buffer_append(&to->bytes, bytes, size))
        to->is_short = true;
}

static void
add_number(struct printer *to, int64_t number)
{
    uint8_t bytes[8];

    lf_store_i64(bytes, number);
    add(to, bytes, sizeof bytes);
}

static void
add_text(struct printer *to, const char *text)
{
    add_number(to, (int64_t)strlen(text));
    add(to, text, strlen(text));
}

static void
add_column(struct printer *to, const struct lf_event *event, uint32_t column)
{
    add_text(to, lf_event_column_name(event, column));
    add_number(to, lf_event_column_code(event, column));
}

static void
add_term(struct printer *to, const struct lf_event *event,
         const struct lf_term *term)
{
    add_column(to, event, term->column);
    add_number(to, term->op);
    add_number(to, term->literal_count);
    for (uint32_t i = 0; i < term->literal_count; i++) {
        add_number(to, term->literals[i].size);
        add(to, term->literals[i].bytes, term->literals[i].size);
    }
}

static void
add_condition(struct printer *to, const struct lf_tile_plan *plan,
              uint32_t which)
{
    const struct lf_tile_condition *condition = &plan->conditions[which];

    add_number(to, condition->term_count);
    for (uint32_t i = 0; i < condition->term_count; i++)
        add_term(to, plan->event, &condition->terms[i]);
}

static void
add_state(struct printer *to, const struct lf_tile_state *state)
{
    int64_t error;

    memcpy(&error, &state->error, sizeof error);
    add_number(to, state->kind);
    add_number(to, state->input);
    add_number(to, state->by);
    add_number(to, state->condition);
    add_number(to, state->k);
    add_number(to, error);
    add_number(to, state->is_lifetime);
}

/* All that the bytes of a state depend on. */
static void
add_plan(struct printer *to, const struct lf_tile_plan *plan)
{
    add_number(to, plan->zone);
    add_number(to, plan->skew);
    add_number(to, plan->slack);
    add_number(to, plan->has_lifetime);
    add_number(to, plan->level_count);
    for (uint32_t i = 0; i < plan->level_count; i++) {
        add_number(to, plan->hops[i]);
        add_number(to, plan->keeps[i]);
    }
    add_number(to, plan->input_count);
    for (uint32_t i = 0; i < plan->input_count; i++)
        add_column(to, plan->event, plan->inputs[i].column);
    add_number(to, plan->condition_count);
    for (uint32_t i = 0; i < plan->condition_count; i++)
        add_condition(to, plan, i);
    add_number(to, plan->state_count);
    for (uint32_t i = 0; i < plan->state_count; i++)
        add_state(to, &plan->states[i]);
}

static void
add_names(struct printer *to, const struct lf_tile_plan *plan,
          const struct lf_entity *entity)
{
    add_number(to, FORM);
    add_text(to, plan->view->name);
    add_text(to, plan->event->name);
    add_text(to, entity->name);
    for (uint32_t i = 0; i < entity->key_count; i++) {
        add_text(to, entity->keys[i].name);
        add_column(to, plan->event, plan->view->key_columns[i]);
    }
}

bool
lf_tile_print_make(struct lf_tile_print *print,
                   const struct lf_tile_print *before,
                   const struct lf_tile_plan *plan,
                   const struct lf_entity *entity)
{
    uint64_t seed = before ? before->lineage : 0;
    struct printer to = {0};
    bool is_made;

    add_names(&to, plan, entity);
    add_plan(&to, plan);
    is_made = !to.is_short;
    if (is_made) {
        print->states = lf_hash128(0, to.bytes.data, to.bytes.size).low;
        print->lineage = lf_hash128(seed, to.bytes.data, to.bytes.size).high;
    }
    lf_buffer_free(&to.bytes);
    return is_made;
}

/* --- parcels ------------------------------------------------------------------ */

bool
lf_parcel_put(const struct lf_parcel *parcel, const uint8_t *key,
              size_t key_size, struct lf_buffer *to)
{
    uint8_t *at = lf_buffer_extend(to, HEAD_SIZE + parcel->size);

    if (!at)
        return false;
    memset(at, 0, HEAD_SIZE);
    lf_store_u16(at + 4, FORM);
    lf_store_u16(at + 6, parcel->version);
    lf_store_u16(at + 8, parcel->flags);
    lf_store_u64(at + 16, parcel->print.states);
    lf_store_u64(at + 24, parcel->print.lineage);
    lf_store_i64(at + 32, parcel->time);
    if (parcel->size)
        memcpy(at + HEAD_SIZE, parcel->body, parcel->size);
    lf_store_u32(
        at, lf_row_checksum(SEED, key, key_size, at, HEAD_SIZE + parcel->size));
    return true;
}

const char *
lf_parcel_open(struct lf_parcel *parcel, const uint8_t *key, size_t key_size,
               const uint8_t *bytes, size_t size)
{
    if (size < HEAD_SIZE ||
        size - HEAD_SIZE > LF_ROW_SIZE_LIMIT - LF_ROW_HEADER_SIZE)
        return "is no state of a window";
    if (lf_load_u32(bytes) != lf_row_checksum(SEED, key, key_size, bytes, size))
        return "does not match its checksum: it is damaged, or of another key";
    if (lf_load_u16(bytes + 4) != FORM)
        return "has a form that this library does not know";
    *parcel = (struct lf_parcel){.version = lf_load_u16(bytes + 6),
                                 .flags = lf_load_u16(bytes + 8),
                                 .print = {.states = lf_load_u64(bytes + 16),
                                           .lineage = lf_load_u64(bytes + 24)},
                                 .time = lf_load_i64(bytes + 32),
                                 .body = bytes + HEAD_SIZE,
                                 .size = size - HEAD_SIZE};
    if (parcel->time == LF_TIME_UNSET || lf_load_u16(bytes + 10) ||
        lf_load_u32(bytes + 12) ||
        (parcel->flags != LF_ROW_WINDOW &&
         (parcel->flags != LF_ROW_TOMBSTONE || parcel->size)))
        return "is no state of a window";
    return NULL;
}
