/* SPDX-License-Identifier: Apache-2.0 */
/* A file that appears whole, or not at all. */
#ifndef LF_STORE_OUTPUT_H
#define LF_STORE_OUTPUT_H

#include <limits.h>
#include <sys/types.h>

#include "base/sha256.h"
#include "libfeature.h"

#define LF_TEMPORARY_SIZE 24 /* of ".tmp-" and sixteen digits, with the NUL */

struct lf_output {
    int directory;
    int file;
    char name[NAME_MAX + 1];      /* that it gets in the end */
    char temporary[NAME_MAX + 1]; /* that it has until then */
    uint64_t size;
    uint64_t pushed;      /* bytes that the kernel was told to write already */
    struct lf_sha256 sum; /* over all of it */
};

/* The failure of a system call on a file that is not the store's own. */
feature_status lf_file_fail(struct feature_error *error, int code,
                            const char *doing, const char *path);

/* `outcome-unknown`: the file or directory is whole and has its name, but the
 * sync of the directory that the name is in failed. */
feature_status lf_file_fail_name(struct feature_error *error, int code,
                                 const char *path);

/* Splits a path: the directory opened, the last name copied. */
feature_status lf_path_open(const char *path, int *directory,
                            char name[NAME_MAX + 1],
                            struct feature_error *error);

/* ".tmp-" and a random number. */
feature_status lf_temporary_suffix(char suffix[LF_TEMPORARY_SIZE],
                                   struct feature_error *error);

feature_status lf_output_create(struct lf_output *output, const char *path,
                                mode_t mode, struct feature_error *error);
feature_status lf_output_write(struct lf_output *output, const void *bytes,
                               size_t size, struct feature_error *error);

/* Syncs, gives the name, syncs the directory. What had the name is replaced. */
feature_status lf_output_finish(struct lf_output *output,
                                struct feature_error *error);

/* Closes; what was not finished is removed. */
void lf_output_end(struct lf_output *output);

#endif
