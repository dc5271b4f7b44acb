/* SPDX-License-Identifier: Apache-2.0 */
/* The store's directory: finding it, judging it, and the files in it. */
#ifndef LF_ENGINE_DIRECTORY_H
#define LF_ENGINE_DIRECTORY_H

#include <sys/stat.h>

#include "engine/environment.h"

#define LF_PATH_SIZE 4096

struct lf_directory {
    const char *path; /* as given, for messages */
    int handle;
    bool is_new;     /* made by this open */
    bool is_remote;  /* and was asked for */
    bool is_durable; /* the file system outlives a reboot */
    const struct lf_environment_options *options;
};

/* Opens the directory (with CREATE: makes it) and refuses one in which the
 * promises would not hold. */
feature_status lf_directory_open(const char *path,
                                 const struct lf_environment_options *options,
                                 struct lf_directory *directory,
                                 struct feature_error *error);

/* Looks at data.mdb and judges all files. exists is false also for a data.mdb
 * of no bytes. */
feature_status lf_directory_look(const struct lf_directory *directory,
                                 bool *exists, struct stat *data,
                                 struct feature_error *error);

/* A path under which LMDB finds the file, or the directory when name is "".
 * The descriptor pins it: renaming the directory meanwhile changes nothing. */
feature_status lf_directory_path(const struct lf_directory *directory,
                                 const char *name, char path[LF_PATH_SIZE],
                                 struct feature_error *error);

/* The failure to write a file of the store: says so where the mount or the
 * permissions are the reason. */
feature_status lf_directory_refused(const struct lf_directory *directory,
                                    int code, const char *name,
                                    struct feature_error *error);

/* The mode of the store's files. */
mode_t lf_directory_mode(const struct lf_directory *directory);

#endif
