/* SPDX-License-Identifier: Apache-2.0 */
/* What a workload did to the files below one directory, in order. */
#ifndef TESTS_DISK_TAPE_H
#define TESTS_DISK_TAPE_H

#include "shim/shim.h"

enum tape_kind {
    TAPE_MAKE, /* a file or a directory gets a name */
    TAPE_WRITE,
    TAPE_SIZE,
    TAPE_SYNC,
    TAPE_FORGET, /* a sync that failed: what it was for may be lost for good */
    TAPE_RENAME,
    TAPE_UNLINK,
    TAPE_REMARK
};

#define TAPE_NAME_SIZE 64
#define TAPE_ROOT      0 /* the object that is the directory itself */

struct tape_event {
    enum tape_kind kind;
    uint32_t object; /* file or directory */
    uint32_t parent; /* where the name is, or comes from */
    uint32_t to;     /* where it goes */
    bool is_directory;
    bool is_durable; /* written through O_DSYNC */
    uint64_t offset; /* of a write; of a size: the size; of a remark: what */
    size_t size;
    size_t bytes; /* where they are in tape->bytes */
    char name[TAPE_NAME_SIZE];
    char to_name[TAPE_NAME_SIZE];
};

struct tape {
    struct tape_event *events;
    uint32_t count, room;
    uint8_t *bytes;
    size_t size, bytes_room;
    uint64_t *inodes; /* of each object */
    bool *directories;
    uint32_t objects, objects_room;
};

/* The shim, or the end of the program where it was not preloaded. */
struct shim *tape_shim(void);

/* Between the two everything below root is recorded. One tape at a time. */
void tape_begin(struct tape *tape, const char *root);
void tape_end(struct tape *tape);
void tape_free(struct tape *tape);

/* From here on syncs of files fail, so many of a hundred; 0: none. */
void tape_fail_syncs(uint32_t percent, uint64_t seed);

/* A remark of the workload: what it knows to be true from here on. */
void tape_remark(uint32_t what, uint32_t value);

#endif
