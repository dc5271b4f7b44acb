/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that run out of memory: what a case of the rig allocations.c is.
 *
 * Each case calls one public function through its main path, in a process of its
 * own, on a store of its own.
 */
#ifndef TESTS_FAULT_MEMORY_H
#define TESTS_FAULT_MEMORY_H

#include <stdint.h>

#include "api/arrow_abi.h"
#include "libfeature.h"

#define MEMORY_PATH 512
#define MEMORY_ROWS 300

/* All that calls answer into; filled with one byte before a call. */
struct memory_out {
    feature_store *store;
    feature_batch *batch;
    feature_query *query;
    feature_request *request;
    feature_changes *changes;
    feature_sketch *sketch;
    struct feature_sketch_data data;
    double value;
    struct feature_change_record record;
    uint64_t number;
    uint32_t count;
    char *text;
    struct feature_commit commit;
    struct feature_stats stats;
    struct feature_verify_report verified;
    struct feature_snapshot_report copied;
    struct feature_field field;
    struct feature_column columns[8];
    struct ArrowSchema schema;
    struct ArrowArray array;
    struct ArrowArrayStream stream;
    float matrix[512];
};

/* What a case works with. Handles are NULL until a case makes them. */
struct memory_scene {
    char path[MEMORY_PATH];     /* of the store */
    char file[MEMORY_PATH];     /* of a snapshot that a case makes */
    char snapshot[MEMORY_PATH]; /* of one that is there */
    char copy[MEMORY_PATH];     /* of a store that a case makes */
    feature_store *store;
    feature_store *beside; /* another handle */
    feature_batch *batch;
    feature_query *query;
    feature_request *request;
    feature_changes *changes;
    feature_sketch *sketch, *other;
    char *text;
    uint32_t rows; /* of a batch; 0: MEMORY_ROWS */
    struct memory_out out;
    struct memory_out before; /* what out was before the call */
    struct feature_error error;
};

/* What stays after a failure, by the header's word. */
enum memory_leftover {
    LEAVES_NOTHING,
    LEAVES_LOCKS, /* lock.mdb and open.lock, as each open and close */
    LEAVES_STORE, /* a new store that is whole, its first commit made */
    LEAVES_STEPS /* whole, with the commits of steps before the one that failed */
};

struct memory_case {
    const char *function; /* as in lib/libfeature.map */
    const char *variant;  /* or NULL */
    void (*prepare)(struct memory_scene *);
    feature_status (*call)(struct memory_scene *);
    void (*undo)(struct memory_scene *); /* gives back what a call answered */
    enum memory_leftover may_leave;      /* when it fails */
};

#define MEMORY_TEXT 300

/* Where memory_broken() leaves its text for the parent; NULL: stderr. */
extern char *memory_text;

/* Ends the process, whose parent reports the text. */
void memory_broken(const char *format, ...)
    __attribute__((format(printf, 1, 2), noreturn));

/* A call of a preparation has to succeed. */
void memory_must(struct memory_scene *scene, feature_status status,
                 const char *call);

#define MUST(scene, call) memory_must((scene), (call), #call)

/* Preparations, each with those before it. */
void memory_nothing(struct memory_scene *scene);
void memory_open(struct memory_scene *scene);
void memory_batch(struct memory_scene *scene); /* set, and not written */
void memory_query(struct memory_scene *scene);
void memory_request(struct memory_scene *scene); /* with keys */
void memory_answer(struct memory_scene *scene);

/* Makes the store that every case begins with, and a snapshot of it. */
void memory_make(struct memory_scene *scene);

/* Columns of scene->rows rows, in the order of the batch's. */
feature_status memory_set(struct memory_scene *scene, feature_batch *batch,
                          uint32_t column);

/* A stream of two record batches of MEMORY_ROWS rows, in static memory: k, p,
 * event_timestamp, a. */
void memory_produce(struct ArrowArrayStream *stream);

/* Reads scene->out.stream to its end and releases it; an answer of ENOMEM
 * becomes the status that it stands for. */
feature_status memory_drain(struct memory_scene *scene, int64_t rows);

/* Frees every handle, the store's last. */
void memory_close(struct memory_scene *scene);

extern const struct memory_case memory_store_cases[];
extern const struct memory_case memory_row_cases[];
extern const struct memory_case memory_read_cases[];
extern const struct memory_case memory_block_cases[];
extern const struct memory_case memory_feed_cases[];
extern const struct memory_case memory_sketch_cases[];
extern const struct memory_case memory_window_cases[];
extern const struct memory_case memory_event_cases[];
extern const struct memory_case memory_tile_cases[];
extern const struct memory_case memory_wide_cases[];
extern const struct memory_case memory_load_cases[];

#endif
