/* SPDX-License-Identifier: Apache-2.0 */
/* What a disk may hold after the power went in the middle of a tape. */
#ifndef TESTS_DISK_IMAGE_H
#define TESTS_DISK_IMAGE_H

#include "disk/dice.h"
#include "disk/tape.h"

/* What the disk promises, and what a control takes from it. */
struct image_rules {
    uint32_t atom;            /* bytes that are written whole, or not: 512 */
    bool ignores_syncs;       /* of files, O_DSYNC among them */
    bool ignores_directories; /* syncs of directories, from event `from` on */
    uint32_t from;
    bool keeps_all; /* no cut at all */
};

struct image_file {
    uint8_t *bytes;
    size_t size, room;
    bool keeps_growth; /* of writes that were not synced */
};

/* A name that leads to an object. */
struct image_name {
    uint32_t parent, object;
    char name[TAPE_NAME_SIZE];
};

struct image {
    const struct tape *tape;
    struct image_file *files; /* by object */
    bool *durable;            /* by event: a completed sync covers it */
    bool *synced;             /* by object, while that is found out */
    struct image_name *names;
    uint32_t count, room;
};

void image_begin(struct image *image, const struct tape *tape);
void image_end(struct image *image);

/* Cuts the power while event `cut` is being done: those before have ended. */
void image_cut(struct image *image, uint32_t cut,
               const struct image_rules *rules, struct dice *dice);

/* Whether the whole tape makes the files that are below the directory: nothing
 * was done behind the shim's back. lock.mdb is mapped, and left out. */
bool image_is_complete(struct image *image, const char *directory);

/* Writes the files into a directory. */
void image_write(const struct image *image, const char *directory);

#endif
