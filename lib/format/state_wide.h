/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wide states: those of LF_BESIDE_FROM bytes or more do not lie in the row, but
 * beside it, under a hash of their bytes. The body of such a row is slim: in the
 * place of each stands the hash, and a bit among its parts says so. A body with
 * all bytes in place is full; it is how states travel. What lies in a row and
 * what beside it follows from the bytes alone. See docs/format.md.
 *
 * A state or a reading that was given a `struct lf_beside` writes and reads slim
 * bodies; without one it knows full bodies only.
 */
#ifndef LF_FORMAT_STATE_WIDE_H
#define LF_FORMAT_STATE_WIDE_H

#include "base/hash.h"
#include "format/tiles.h"

#ifndef LF_BESIDE_FROM
#define LF_BESIDE_FROM 512
#endif

#define LF_BESIDE_HASH_SIZE 16
#define LF_FULL_SIZE_LIMIT  (63u << 20) /* of a row in full: it has to travel */
#define LF_BESIDE_BUCKETS   64

/* What stands for a state in a slim body. */
struct lf_beside_ref {
    uint8_t hash[LF_BESIDE_HASH_SIZE];
    uint32_t size; /* of the state */
};

struct lf_beside_item {
    struct lf_beside_ref ref;
    uint32_t next; /* in its bucket: one more than the place; 0: none */
    bool is_marked;
    const uint8_t *bytes; /* or NULL */
};

/* References, each once, in the order they came. Zero is empty. */
struct lf_beside_set {
    uint32_t buckets[LF_BESIDE_BUCKETS];
    struct lf_buffer items; /* struct lf_beside_item */
};

/* Finds the bytes of a state that lies beside the key at hand; they stay until
 * the next key. LF_TILE_CORRUPT: there are none such. */
typedef enum lf_tile_status (*lf_beside_fetch)(void *context,
                                               const struct lf_beside_ref *ref,
                                               const uint8_t **bytes);

/* The wide states of one key. Zeroed, with a fetch. */
struct lf_beside {
    lf_beside_fetch fetch;
    void *context;
    bool is_used;              /* the key has, or had, a wide state */
    bool has_no_memory;        /* a fetch failed for want of it */
    uint64_t full_size;        /* of the body that was encoded last, in full */
    struct lf_beside_set refs; /* of that body */
    struct lf_beside_set made; /* since lf_beside_begin, with their bytes */
    struct lf_arena arena;     /* of these */
};

struct lf_state;
struct lf_reading;

void lf_state_use_beside(struct lf_state *state, struct lf_beside *wide);
void lf_reading_use_beside(struct lf_reading *reading, struct lf_beside *wide);

/* The next key. */
void lf_beside_begin(struct lf_beside *wide);
void lf_beside_free(struct lf_beside *wide);

/* Whether a body is slim and says that states lie beside it. */
static inline bool
lf_beside_is_slim(const uint8_t *body, size_t size)
{
    return size && body[0] < 128 && body[0] & 16;
}

/* NULL: it is not there. */
struct lf_beside_item *lf_beside_set_find(const struct lf_beside_set *set,
                                          const struct lf_beside_ref *ref);
/* One that may be there already; false: no memory. */
bool lf_beside_set_add(struct lf_beside_set *set,
                       const struct lf_beside_ref *ref, const uint8_t *bytes);
void lf_beside_set_clear(struct lf_beside_set *set);

static inline struct lf_beside_item *
lf_beside_set_items(const struct lf_beside_set *set, size_t *count)
{
    *count = set->items.size / sizeof(struct lf_beside_item);
    return (struct lf_beside_item *)(void *)set->items.data;
}

struct lf_beside_ref lf_beside_ref_of(const uint8_t *bytes, size_t size);

/* What a slim body refers to; *full_size: what it would be in full. */
enum lf_tile_status lf_beside_list(const struct lf_tile_plan *plan,
                                   const uint8_t *body, size_t size, int64_t wm,
                                   struct lf_beside_set *set,
                                   uint64_t *full_size);

/* Appends the slim form of a full body. Bytes that do not stay in it are then
 * among those that wide made. */
enum lf_tile_status lf_beside_deflate(const struct lf_tile_plan *plan,
                                      struct lf_beside *wide,
                                      const uint8_t *body, size_t size,
                                      int64_t wm, struct lf_buffer *to);

/* The reverse: wide fetches what the body refers to. At most LF_FULL_SIZE_LIMIT
 * bytes. */
enum lf_tile_status lf_beside_inflate(const struct lf_tile_plan *plan,
                                      struct lf_beside *wide,
                                      const uint8_t *body, size_t size,
                                      int64_t wm, struct lf_buffer *to);

#endif
