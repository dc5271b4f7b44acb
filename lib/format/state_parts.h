/* SPDX-License-Identifier: Apache-2.0 */
/* What state*.c share and nobody else includes: values, the inputs of an event,
 * accumulators, entries. */
#ifndef LF_FORMAT_STATE_PARTS_H
#define LF_FORMAT_STATE_PARTS_H

#include "base/bytes.h"
#include "base/varint.h"
#include "format/ddsketch.h"
#include "format/distinct.h"
#include "format/exact.h"
#include "format/hll.h"
#include "format/state.h"
#include "format/state_wide.h"

/* --- bytes that are read ---------------------------------------------------*/

struct lf_bytes_in {
    const uint8_t *at;
    const uint8_t *end;
};

static inline bool
lf_in_varint(struct lf_bytes_in *in, uint64_t *value)
{
    const uint8_t *at;

    if (in->at < in->end && *in->at < 128) {
        *value = *in->at++;
        return true;
    }
    at = lf_varint_get(in->at, in->end, value);
    if (at)
        in->at = at;
    return at != NULL;
}

bool lf_put_varint(struct lf_buffer *to, uint64_t value);

/* --- states in bytes -------------------------------------------------------*/

/* Before states are their sizes, 4 bits each, the lower ones of a byte first; 0:
 * it says nothing. LF_SIZE_MORE: that and a varint, which is before its bytes. */
#define LF_SIZE_MORE 15u

static inline size_t
lf_sizes_size(uint32_t states)
{
    return ((size_t)states + 1) / 2;
}

/* A number of at most 8 bytes, lowest first. */
static inline uint64_t
lf_word_load(const uint8_t *at, size_t size)
{
    if (size >= 4)
        return lf_load_u32(at) | (uint64_t)lf_load_u32(at + size - 4)
                                     << (8 * (size - 4));
    if (size == 0)
        return 0;
    return at[0] | (uint64_t)at[size / 2] << (8 * (size / 2)) |
           (uint64_t)at[size - 1] << (8 * (size - 1));
}

/* --- values ----------------------------------------------------------------*/

/* Texts are borrowed. */
struct lf_tile_value {
    union {
        int64_t integer;
        double real;
        const uint8_t *text;
    };
    uint32_t size; /* of a text */
};

int lf_value_compare(enum lf_tile_class class, const struct lf_tile_value *a,
                     const struct lf_tile_value *b);
bool lf_value_put(const struct lf_tile_input *input,
                  const struct lf_tile_value *value, struct lf_buffer *to);
bool lf_value_get(const struct lf_tile_input *input,
                  struct lf_tile_value *value, struct lf_bytes_in *in);

/* What a plan looks at in an event. */
struct lf_inputs {
    int64_t ts;
    bool *holds; /* a condition */
    bool *has;   /* an input; it is used by a state whose condition holds */
    struct lf_tile_value *values;
};

bool lf_inputs_init(struct lf_inputs *inputs, const struct lf_tile_plan *plan);
void lf_inputs_free(struct lf_inputs *inputs);
void lf_inputs_of_event(struct lf_inputs *inputs,
                        const struct lf_tile_plan *plan,
                        const struct lf_tile_event *event);
/* The body of an entry of one event, and back. */
bool lf_inputs_put(const struct lf_inputs *inputs,
                   const struct lf_tile_plan *plan, struct lf_buffer *to);
bool lf_inputs_get(struct lf_inputs *inputs, const struct lf_tile_plan *plan,
                   struct lf_bytes_in *in);
/* Keeps of the inputs what a state uses. */
void lf_inputs_trim(struct lf_inputs *inputs, const struct lf_tile_plan *plan);

/* --- accumulators ----------------------------------------------------------*/

/* One of the values of a state of several; of BY one of its keys. */
struct lf_item {
    int64_t ts;                 /* FIRST, LAST */
    struct lf_tile_value value; /* or the key */
    struct lf_tile_value most;  /* BY_MIN, BY_MAX */
    uint64_t count;             /* BY_COUNT, BY_SUM */
    struct lf_sum sum;          /* BY_SUM of integers */
    uint32_t place;             /* BY_SUM of doubles: in acc->reals */
};

/* States whose bytes are folded without a call: state_fold.h. */
enum lf_acc_op {
    LF_OP_COUNT = 0,
    LF_OP_SUM = 1,
    LF_OP_LEAST = 2,
    LF_OP_MOST = 3,
    LF_OP_REAL_LEAST = 4,
    LF_OP_REAL_MOST = 5,
    LF_OP_REAL_SUM = 6,
    LF_OP_OTHER = 7
};

struct lf_acc {
    enum lf_acc_op op;
    const struct lf_tile_state *state;
    const struct lf_tile_input *input; /* NULL: COUNT(*) */
    const struct lf_tile_input *by;
    bool failed;    /* no memory */
    uint64_t count; /* LF_STATE_COUNT; items; cap + 1: too many keys */
    struct lf_item *items;
    struct lf_item *spare; /* as many, and as many again to read into */
    struct lf_real_sum *reals;
    union {
        struct lf_sum sum;
        struct lf_squares squares;
        struct lf_real_sum real_sum;
        struct lf_real_squares real_squares;
        struct lf_distinct distinct;
        struct lf_hll hll;
        struct lf_dd dd;
    };
};

bool lf_acc_init(struct lf_acc *acc, const struct lf_tile_plan *plan,
                 uint32_t state);
void lf_acc_free(struct lf_acc *acc);
void lf_acc_clear(struct lf_acc *acc);

/* Adds an event, if its condition holds and it has the values. It comes after
 * those of equal ts, or before them. */
void lf_acc_add(struct lf_acc *acc, const struct lf_inputs *inputs,
                bool before);

/* Adds an encoded state of so many events, whose ts are told from base; no bytes:
 * it says nothing. False: no such state. */
bool lf_acc_add_bytes(struct lf_acc *acc, struct lf_bytes_in *in, int64_t base,
                      uint64_t events, bool before);

/* Takes an event back; false: it cannot have been in it, or nobody can tell. */
bool lf_acc_subtract(struct lf_acc *acc, const struct lf_inputs *inputs);

/* Appends nothing where it says nothing. */
bool lf_acc_encode(struct lf_acc *acc, int64_t base, uint64_t events,
                   struct lf_buffer *to);

/* The items of FIRST ... BOTTOM, MIN, MAX and BY. */
void lf_items_add(struct lf_acc *acc, const struct lf_inputs *inputs,
                  bool before);
bool lf_items_add_bytes(struct lf_acc *acc, struct lf_bytes_in *in,
                        int64_t base, bool before);
bool lf_items_subtract(struct lf_acc *acc, const struct lf_inputs *inputs);
bool lf_items_encode(const struct lf_acc *acc, int64_t base,
                     struct lf_buffer *to);
/* Whether what a STRING gave them is text. */
bool lf_items_are_text(const struct lf_acc *acc);

static inline bool
lf_state_has_items(enum lf_state_kind kind)
{
    return (kind >= LF_STATE_MIN && kind <= LF_STATE_BOTTOM) ||
           kind >= LF_STATE_BY_COUNT;
}

static inline bool
lf_state_is_by(enum lf_state_kind kind)
{
    return kind >= LF_STATE_BY_COUNT;
}

/* All states of a plan. */
struct lf_accs {
    const struct lf_tile_plan *plan;
    struct lf_acc *accs;
    uint64_t events;
    uint32_t states[2];     /* how many: all, those of the lifetime part */
    struct lf_beside *wide; /* NULL: bodies are full */
};

/* Bits of a body's parts. */
enum lf_part {
    LF_PART_MARKS = 1,
    LF_PART_COVERED = 2,
    LF_PART_BARRIER = 4,
    LF_PART_LIFETIME = 8,
    LF_PART_WIDE = 16, /* states lie beside the row */
    LF_PART_EDGES = 32
};

/* Takes the bytes of a state, whose place among the sizes is which; false:
 * there are not as many. beside: its size where they are the hash of a state
 * that lies beside the row, otherwise 0. */
static inline bool
lf_state_take(const uint8_t *sizes, uint32_t which, struct lf_bytes_in *in,
              const struct lf_accs *accs, struct lf_bytes_in *state,
              uint64_t *beside)
{
    uint64_t size = sizes[which / 2] >> (which % 2 * 4) & 15, more;

    *beside = 0;
    if (size == LF_SIZE_MORE) {
        if (!lf_in_varint(in, &more) || more > LF_ROW_SIZE_LIMIT)
            return false;
        size += more;
        if (accs->wide && size >= LF_BESIDE_FROM) {
            *beside = size;
            size = LF_BESIDE_HASH_SIZE;
        }
    }
    if (size > (uint64_t)(in->end - in->at))
        return false;
    state->at = in->at;
    in->at += size;
    state->end = in->at;
    return true;
}

bool lf_accs_init(struct lf_accs *accs, const struct lf_tile_plan *plan);
void lf_accs_free(struct lf_accs *accs);
void lf_accs_clear(struct lf_accs *accs);

/* --- entries ---------------------------------------------------------------*/

/* Tiles of several events and single ones. */
struct lf_entry {
    int64_t start;  /* of a single event: its ts */
    uint32_t level; /* of a single event: level_count */
    uint64_t count;
    const uint8_t *bytes; /* states, or inputs */
    uint32_t size;
};

#define LF_MARKS_MAX 64
#define LF_LEVELS_MAX \
    64 /* each hop divides the next: there are never as many */

/* Features of schema versions up to version, and above those of the mark
 * before, lack events up to wm. */
struct lf_mark {
    uint16_t version;
    int64_t wm;
};

/* A body, opened: what is before the entries. */
struct lf_body {
    const struct lf_tile_plan *plan;
    uint16_t base; /* features up to this version lack nothing */
    uint32_t mark_count;
    struct lf_mark marks[LF_MARKS_MAX];
    int64_t covered; /* below it events are missing; INT64_MIN: no such time */
    int64_t barrier; /* INT64_MIN: none */
    /* Where levels end at wm: level 0, or all but the last if some end later than
     * the rule has it, because of tiles of an older plan. */
    bool has_edges;
    int64_t edges[LF_LEVELS_MAX];
    uint64_t lifetime_count;
    const uint8_t *lifetime;
    uint32_t lifetime_size;
    int64_t last; /* start of the entry before */
    uint32_t last_level;
    bool is_damaged;
    struct lf_bytes_in in;
};

/* accs: to measure states with. */
bool lf_body_open(struct lf_body *body, const struct lf_accs *accs,
                  const uint8_t *bytes, size_t size, int64_t wm);
/* The next older entry; false: none, or body->is_damaged. */
bool lf_body_next(struct lf_body *body, const struct lf_accs *accs,
                  struct lf_entry *entry);
/* A time is told as its distance from wm, modulo 2^64. */
bool lf_time_get(struct lf_bytes_in *in, int64_t wm, int64_t *time);
bool lf_time_put(struct lf_buffer *to, int64_t wm, int64_t time);
bool lf_edges_get(struct lf_body *body, int64_t wm);
bool lf_edges_put(const struct lf_body *body, int64_t wm, struct lf_buffer *to);
/* The last microsecond that an entry can hold: it is below the start of the next
 * newer one. bounds: of so many levels as may end within a tile. */
int64_t lf_entry_last(const struct lf_tile_plan *plan,
                      const struct lf_entry *entry, const int64_t *bounds,
                      uint32_t count);
/* Until when features of a version lack events; INT64_MIN: they lack none. */
int64_t lf_body_mark(const struct lf_body *body, uint16_t since);

bool lf_body_put(const struct lf_body *body, int64_t wm, struct lf_buffer *to);
/* last: the entry before, or one at wm with LF_TILE_NONE for its level. */
bool lf_entry_put(const struct lf_tile_plan *plan, const struct lf_entry *entry,
                  const struct lf_entry *last, struct lf_buffer *to);

/* Adds the states of several events. lifetime: those alone are there. */
bool lf_accs_add_states(struct lf_accs *accs, const uint8_t *bytes,
                        uint32_t size, int64_t base, uint64_t events,
                        bool lifetime, bool before);
void lf_accs_add_inputs(struct lf_accs *accs, const struct lf_inputs *inputs,
                        bool before);
bool lf_accs_put(struct lf_accs *accs, int64_t base, bool lifetime,
                 struct lf_buffer *to);

/* --- wide states -----------------------------------------------------------*/

/* The bytes of a state of that size, in place of its hash; false: it cannot be
 * fetched. */
bool lf_beside_get(struct lf_beside *wide, uint64_t size,
                   struct lf_bytes_in *state);
/* The hash, in place of the bytes behind begin; false: no memory. */
bool lf_beside_put(struct lf_beside *wide, struct lf_buffer *to, size_t begin);
/* Notes what a body that was encoded refers to. */
enum lf_tile_status lf_beside_note(struct lf_beside *wide,
                                   const struct lf_tile_plan *plan,
                                   uint8_t *body, size_t size, int64_t wm);

#endif
