/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of feature load share. */
#ifndef TOOL_LOAD_H
#define TOOL_LOAD_H

#include "cell.h"
#include "header.h"
#include "tool.h"

/* "name=value" from the command line. */
struct load_pair {
    const char *name;
    const char *value;
};

struct load_options {
    const char *command; /* argv[0], for complaints */
    const char *store;
    const char *view; /* or event */
    const char *file;
    struct load_pair *titles; /* --column */
    uint32_t title_count;
    struct load_pair *times; /* --time */
    uint32_t time_count;
    const char *timestamp; /* --timestamp */
    bool at_commit;
    bool retract; /* events, instead of adding them */
    bool has_zone;
    int32_t zone;
    int32_t operation; /* 0: not said */
    const char *rejects;
    uint64_t rate;  /* rows a second; 0: as fast as it goes */
    uint32_t chunk; /* rows of a commit; 0: not said */
    char delimiter;
    bool force;
    bool json;
    bool replace; /* all rows of the view, in one commit */
    struct feature_load_options version; /* how, then */
    char *gates;                         /* its check, of several --gate */
    const char *target; /* the view; `view` is whose rows the file has */
    const char *event;  /* of a view FROM it, or NULL */
    int64_t clock;
};

/* One column of the batch and the cell it comes from. */
struct load_column {
    struct feature_field field; /* its name is {borrowed schema} */
    uint32_t source;            /* index of the cell */
    struct moment_format moment;
};

/* Which cell goes where. */
struct load_mapping {
    feature_batch *schema; /* keeps the names alive */
    struct load_column *columns;
    uint32_t count;
    uint32_t cells; /* of a record */
    uint32_t time;  /* index of event_timestamp in columns, or HEADER_NONE */
    bool is_event;  /* not a view */
    int32_t operation;
    struct text names;   /* of the columns, as feature_batch_create() takes */
    struct text ignored; /* titles no column came from, as a CSV record */
};

/* Decides the mapping, or explains why there is none and returns the exit
 * code. */
int load_map(struct load_mapping *mapping, feature_store *store,
             const struct load_options *options, const struct header *header);

void load_mapping_free(struct load_mapping *mapping);

struct load_result {
    uint64_t rows; /* read, the rejected ones included */
    uint64_t applied;
    uint64_t late;
    uint64_t duplicate;
    uint64_t future;
    uint64_t rejected;
    uint64_t sequence;
    int64_t microseconds;
};

/* Streams the records after the header into the store, or into a load of a whole
 * version; explains a failure. Returns the exit code. */
int load_rows(struct load_result *result, feature_store *store,
              feature_load *version, const struct load_options *options,
              const struct load_mapping *mapping, struct csv_reader *reader,
              uint64_t file_size);

/* --replace: all rows of the view are those of the file. */
int replace_rows(feature_store *store, const struct load_options *options,
                 const struct load_mapping *mapping, struct csv_reader *reader,
                 uint64_t file_size);

#endif
