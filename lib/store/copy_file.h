/* SPDX-License-Identifier: Apache-2.0 */
/* A snapshot file, read from front to back. */
#ifndef LF_STORE_COPY_FILE_H
#define LF_STORE_COPY_FILE_H

#include "format/frame.h"
#include "store/copy.h"
#include "store/output.h"

/* What may come next, besides sections that nobody knows. */
enum lf_stage {
    LF_STAGE_MANIFEST = 0,
    LF_STAGE_CATALOG,
    LF_STAGE_ROWS,
    LF_STAGE_IDS,
    LF_STAGE_LOADS
};

struct lf_intake {
    int file;
    uint64_t size; /* of the file, as it was opened */
    uint64_t at;   /* where the frame at hand begins */
    uint64_t next; /* where it ends */
    struct lf_unpacker *unpacker;
    struct lf_frame frame;
    uint8_t *stored; /* LF_FRAME_MAX of room, twice */
    uint8_t *block;
    struct lf_buffer rest; /* of a record that goes on in the next block */
    enum lf_stage stage;
    bool is_end;
    uint64_t frames;
    uint64_t bytes;
    struct lf_sha256 sum;
};

feature_status lf_intake_open(struct lf_intake *intake, const char *file,
                              struct feature_error *error);
void lf_intake_close(struct lf_intake *intake); /* after a failed open too */

/* All of the file. Messages say at which byte the frame begins that is wrong. */
feature_status lf_copy_file(struct lf_copy *copy, struct lf_intake *intake,
                            struct feature_error *error);

#endif
