/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bad environments: what a case of the rig environment.c is.
 *
 * Each case runs in a process of its own, with its own mounts where it may have
 * some; they end with it. What a call answers is looked at at once: named() wants
 * that error, works() none.
 */
#ifndef TESTS_FAULT_ENVIRONMENT_H
#define TESTS_FAULT_ENVIRONMENT_H

#include <stdint.h>
#include <sys/types.h>

#include "libfeature.h"

#define PLACE_PATH 256
#define PLACE_TEXT 400
#define PLACE_ROWS 64 /* of a batch */

/* What a case leaves its parent. */
struct place_report {
    uint64_t named;  /* errors with their reason */
    uint64_t worked; /* calls that had to */
    int is_done;
    int is_skipped;
    char text[PLACE_TEXT];
};

struct place {
    char directory[PLACE_PATH]; /* empty, of this case alone */
    char store[PLACE_PATH];     /* "store" in it; nothing is there */
    int rounds;                 /* of what is repeated */
};

struct place_case {
    const char *name;
    void (*run)(struct place *);
    int needs_mounts;
};

extern struct place_report *place_report;
extern struct feature_error place_error; /* for every call */

/* Both end the process. */
void place_broken(const char *format, ...)
    __attribute__((format(printf, 1, 2), noreturn));
void place_skip(const char *why) __attribute__((noreturn));

void place_named(feature_status status, feature_status expected,
                 const char *reason, const char *call);
void place_works(feature_status status, const char *call);

/* Some error, with a reason, or none. */
void place_either(feature_status status, const char *call);

#define NAMED(call, status, reason) \
    place_named((call), (status), (reason), #call)
#define WORKS(call)  place_works((call), #call)
#define EITHER(call) place_either((call), #call)

/* The path of a name in the case's directory; its memory goes with the process. */
const char *place_path(const struct place *place, const char *name);

void place_cut(const char *path, off_t size);

feature_status place_open(const char *path, uint32_t flags,
                          feature_store **store);

/* Makes a store of ten rows and leaves it open. */
feature_store *place_make(const char *path);

/* The same, closed. */
void place_leave(const char *path);

/* Sets the columns k, a and s of a batch: rows from a key on, of so many bytes.
 * Its values stay until the next call. */
feature_status place_fill(feature_batch *batch, int64_t from, uint32_t rows,
                          int32_t bytes);

/* Rows [from, to) of so many bytes each. */
feature_status place_write(feature_store *store, int64_t from, int64_t to,
                           int32_t bytes);

/* Reads the ten rows and looks at them. */
feature_status place_read(feature_store *store);

/* Opens with the flags; where that works, reads, and writes if it may. */
feature_status place_use(const char *path, uint32_t flags);

void place_sound(const char *path);

/* Runs in a child and waits for it; the child's failure is the case's. */
void place_child(void (*run)(struct place *), struct place *place);

/* Takes all the room of disk/ for disk/filler: its size. */
off_t place_fill_disk(const struct place *place);

/* A small file system at disk/; the path of a store in it. */
const char *place_small(struct place *place, const char *size);

/* Mounts, or skips the case. */
void place_mount(const char *source, const char *target, const char *type,
                 unsigned long flags, const char *options);

extern const struct place_case place_disk_cases[];
extern const struct place_case place_load_cases[];
extern const struct place_case place_process_cases[];
extern const struct place_case place_file_cases[];

#endif
