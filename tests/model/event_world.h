/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model of events and windows: all events that ever were, in a list, and
 * answers by looking through it.
 */
#ifndef MODEL_EVENT_WORLD_H
#define MODEL_EVENT_WORLD_H

#include "arena.h"
#include "dice.h"
#include "event_plant.h"
#include "libfeature.h"

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define NEVER  INT64_MIN /* of a time: there is none */

#define CLOCK_BEGIN  (INT64_C(1700000000) * SECOND)
#define CLOCK_DAYS   24 /* an episode is over before any tombstone goes */
#define EVENTS_MAX   2048
#define SLOTS        5 /* views at a time */
#define SPECS_MAX    14
#define CARDS        4
#define SHOPS        5
#define KEYS         (CARDS * SHOPS)
#define BARRIERS_MAX 64
#define IDS_MAX      1024
#define READ_ROWS    20
#define PATH_SIZE    256
#define DEDUPE_FOR   HOUR

/* --- what there is ----------------------------------------------------------*/

enum entity { BY_CARD, BY_SHOP, BY_PAIR, ENTITIES };

struct event_kind {
    const char *name;
    int64_t max_skew;
    bool has_ids;
};

enum { PAY, HIT, EVENT_KINDS };

extern const struct event_kind event_kinds[EVENT_KINDS];
extern const char *const shop_names[SHOPS];

/* A row of an event; below 0: null. */
struct happened {
    int kind, id, card, shop, ok;
    bool has_amount, has_price;
    int64_t amount;
    double price;
    int64_t ts;
    int64_t commit_time, retract_time; /* NEVER: it was not */
    int64_t order; /* of commits; of merged tiles it is before all others */
    int only_view; /* serial of the only view that has it; 0: all */
};

enum shape { SLIDING, TUMBLE, CUMULATE, LIFETIME };

struct span {
    enum shape shape;
    int64_t size, hop;
    const char *text;
};

/* A column of a windowed view; that of the keys follows that of its BY. */
struct spec {
    uint32_t name;
    uint32_t aggregate; /* of aggregates[] */
    uint32_t condition; /* of conditions[] */
    const struct span *span;
    bool has_default, is_keys, is_later;
    int64_t mark[KEYS]; /* wm when it was added; NEVER: no row */
};

struct barrier {
    uint32_t key;
    int64_t time, commit_time;
};

struct view {
    uint32_t serial; /* 0: there is none */
    enum entity entity;
    int kind;
    int64_t zone, slack;
    int64_t history;       /* 0: none */
    int64_t history_since; /* NEVER: since the view is there */
    int64_t known_since;   /* the cut of its load; NEVER: there was none */
    int64_t horizon;       /* kept events from it on; NEVER: all */
    int64_t purged;        /* rows left at a clock below it; NEVER: none */
    uint32_t born;         /* events before it are not in the view */
    uint32_t changes;      /* of its features */
    uint32_t count;
    struct spec specs[SPECS_MAX];
    uint32_t barrier_count;
    struct barrier barriers[BARRIERS_MAX];
    int64_t wm[KEYS];     /* NEVER: no row */
    bool is_buried[KEYS]; /* a tombstone, and nothing since */
    bool is_unsure[KEYS]; /* the row may have gone, or not */
    bool has_odd[KEYS];   /* something was taken back */
};

struct seen_id {
    int id;
    bool is_retract;
    int64_t commit_time;
};

struct event_counts {
    uint64_t rows, cells, unknown, partial, retracts, refused, follows;
    uint64_t applies, merges, copies, scans, joins, loads;
};

struct event_world {
    enum event_plant plant;
    bool is_loud; /* says what it does */
    char path[PATH_SIZE], other[PATH_SIZE], file[PATH_SIZE], base[PATH_SIZE];
    feature_store *stores[2];
    feature_store *follower;
    uint64_t followed;
    bool needs_copy; /* the feed does not begin with the store */
    int64_t now, commit_time;
    struct dice dice; /* of the operation under way */
    struct text complaint;
    struct arena scratch;
    uint32_t next_serial, next_name;
    struct view views[SLOTS];
    uint32_t count;
    struct happened events[EVENTS_MAX];
    bool is_halfway; /* upkeep goes on where it stopped */
    int64_t merges;  /* how often tiles were merged */
    uint32_t id_count;
    struct seen_id ids[IDS_MAX];
    struct event_counts counts;
};

enum event_operation {
    EVENT_WRITE,
    EVENT_RETRACT,
    EVENT_DELETE,
    EVENT_READ,
    EVENT_SCORE,
    EVENT_SCAN,
    EVENT_JOIN,
    EVENT_CLOCK,
    EVENT_MAINTAIN,
    EVENT_APPLY,
    EVENT_REOPEN,
    EVENT_FOLLOW,
    EVENT_COPY,
    EVENT_MERGE,
    EVENT_LOAD,
    EVENT_OPERATIONS
};

extern const char *const event_operation_names[EVENT_OPERATIONS];

void event_world_begin(struct event_world *world, uint64_t seed,
                       enum event_plant plant, bool is_loud);
void event_world_end(struct event_world *world);

/* Does one operation, drawn from a seed of its own and from what there is.
 * False: the sides differ, and the complaint says how. */
bool event_world_run(struct event_world *world, enum event_operation operation,
                     uint64_t seed);

/* --- what the parts share ---------------------------------------------------*/

bool differ(struct event_world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void say(struct event_world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool expect_good(struct event_world *world, const char *call,
                 feature_status status, const struct feature_error *error);
feature_store *any_store(struct event_world *world);
bool learn_commit_time(struct event_world *world);
struct view *any_view(struct event_world *world);
bool event_open(struct event_world *world, const char *path,
                feature_store **store);
void event_close(struct event_world *world);
bool same_content(struct event_world *world, feature_store *other,
                  const char *what);
bool expect_whole(struct event_world *world, const char *path);

/* event_define.c */
bool run_beginning(struct event_world *world);
bool run_event_apply(struct event_world *world);
bool define_other(struct event_world *world, const struct view *view,
                  feature_store *other);
const char *view_name(struct event_world *world, const struct view *view);

/* event_write.c */
bool run_event_write(struct event_world *world);
struct happened draw_happened(struct event_world *world, int kind);
feature_status make_event_batch(feature_store *store, int32_t operation,
                                const struct happened *rows, uint32_t count,
                                bool has_time, feature_batch **batch,
                                struct feature_error *error);
int64_t draw_ts(struct event_world *world);

/* A set of outcomes that are right. */
#define MAY(outcome) (1u << (outcome))

/* Whether an id was seen within dedupe_for; from now on it was. */
bool see_id(struct event_world *world, const struct happened *row,
            bool is_retract, int64_t time);
/* Whether it was; an event that is scored counts no second time then. */
bool was_seen(struct event_world *world, const struct happened *row,
              int64_t time);
void say_row(struct event_world *world, const struct happened *row,
             const char *verb, uint8_t outcome);

/* event_take.c */
bool run_event_retract(struct event_world *world);
bool run_event_delete(struct event_world *world);

/* event_read.c */
bool run_event_read(struct event_world *world, bool is_scored);

/* event_arrow.c */
bool run_event_scan(struct event_world *world);
bool run_event_join(struct event_world *world);

/* event_copy.c */
bool run_event_maintain(struct event_world *world);
bool run_event_follow(struct event_world *world);
bool run_event_copy(struct event_world *world);
bool run_event_merge(struct event_world *world);
void forget_follower(struct event_world *world); /* it needs a copy */

/* event_load.c */
bool run_event_load(struct event_world *world);

/* --- the rule ---------------------------------------------------------------*/

/* event_rule.c. The key of an event in a view; -1: one of its parts is null. */
int key_of(const struct view *view, const struct happened *event);
int64_t floor_to(int64_t x, int64_t hop, int64_t zone);
void bounds_of(const struct event_world *world, const struct view *view,
               const struct span *span, int64_t t, int64_t *from, int64_t *to);
bool is_in(const struct view *view, const struct happened *event,
           uint32_t index);

/* An event at ts has no place in the row of a key. */
bool is_late(const struct event_world *world, const struct view *view,
             uint32_t key, int64_t ts);
void take_event(struct view *view, uint32_t key, int64_t ts, bool is_late);

/* One row of a read of a view. */
struct asked {
    struct view *view;
    uint32_t key;
    int64_t t;
    int64_t known_by;             /* 0: all */
    const struct happened *extra; /* not stored; or NULL */
    bool as_of;
};

struct gathered {
    uint32_t count;
    const struct happened *events[EVENTS_MAX + 1]; /* by ts, then order */
};

/* All events that may count at t. */
void gather(const struct event_world *world, const struct asked *asked,
            struct gathered *all);
bool is_visible(const struct event_world *world, const struct asked *asked,
                const struct gathered *all);

/* Before the cut of a load; history that begins later knows what it can reach. */
bool knows_nothing(const struct asked *asked);

/* Whether the store has to know a feature; whether it may say PARTIAL. */
bool has_to_know(const struct event_world *world, const struct asked *asked,
                 int64_t from);
bool may_be_partial(const struct event_world *world, const struct asked *asked,
                    const struct spec *spec);

/* The same of all windows of a view, which tell whether a key is there. */
void view_knowledge(const struct event_world *world, const struct asked *asked,
                    bool *knows, bool *is_partial);

/* event_fold.c: of the events in a window as a text, and a star if DEFAULT says
 * so. */
#define AGGREGATES 18
#define CONDITIONS 7

struct aggregate {
    const char *text, *by;
    int32_t type;
    bool is_list;
};

extern const struct aggregate aggregates[AGGREGATES];
extern const char *const conditions[CONDITIONS];

void fold(const struct event_world *world, const struct spec *spec,
          const struct gathered *all, int64_t from, int64_t to,
          struct text *text);
void print_column(struct text *text, const struct feature_column *column,
                  uint32_t row);

#endif
