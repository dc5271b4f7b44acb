/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file libfeature.h
 *
 * libfeature: the embedded feature store. Define feature views in text, upsert
 * rows, and read batches of features for batches of entities from one
 * consistent view, in process, over one memory-mapped store.
 *
 * In five calls:
 *
 *     feature_store_open      opens a directory as a store
 *     feature_store_apply     declares entities, feature views and services
 *     feature_store_write     commits batches of rows, all or nothing
 *     feature_query_create    resolves feature names once
 *     feature_request_read    reads N keys x M features from one snapshot
 *
 * Conventions, everywhere:
 *
 * - A call that can fail returns a ::feature_status and takes a trailing
 *   `struct feature_error *`, which may be NULL. On failure every other out
 *   parameter is untouched and nothing has changed; the one exception is
 *   FEATURE_IO with reason `outcome-unknown`: see feature_store_write(); of a
 *   snapshot, a restore or a compaction it says that all is in place but may not
 *   outlive a loss of power.
 * - Ownership is written in braces, for every pointer. {owned f}: the receiver
 *   releases it with f. {borrowed x}: on a result, valid until x changes or is
 *   freed; on an argument, x goes on using it (of a store it keeps a reference,
 *   anything else has to outlive x). {copied}: const, and read during the call
 *   only. {inout}: the caller's memory or object, which the call uses and may
 *   change; a call that frees it ends it. {nullable}: NULL is allowed. Where
 *   @param says [out], the call leaves its answer.
 * - `@threads any`: any number of threads at once. `@threads one`: one thread
 *   at a time for each object, no matter which.
 * - Timestamps are int64 microseconds since 1970-01-01 UTC.
 * - Texts are UTF-8 and end in NUL. Values are little-endian machine values.
 * - Option and report structs begin with `struct_size`, which the caller sets
 *   to sizeof the struct; a zeroed rest means defaults. A larger struct than
 *   this library knows is accepted when its unknown tail is zero.
 * - The library never aborts, prints, exits, or installs a signal handler.
 * - A store must not be used in a child after fork(): calls then answer
 *   FEATURE_INVALID `forked`. Open it again in the child.
 *
 * Compiles as C99 and later and as C++11 and later.
 */
#ifndef LIBFEATURE_H
#define LIBFEATURE_H

#include <stddef.h>
#include <stdint.h>

#define FEATURE_VERSION_MAJOR 0
#define FEATURE_VERSION_MINOR 1
#define FEATURE_VERSION_PATCH 0

#if defined(__GNUC__)
#define FEATURE_API __attribute__((visibility("default")))
#else
#define FEATURE_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/**
 * What a call that can fail answers: a ::feature_status_code.
 *
 * A newer library may answer a code that this header does not name; treat it
 * as a failure.
 *
 * @since 0.1
 */
typedef int32_t feature_status;

/**
 * The twelve answers. Codes are never renumbered.
 *
 * @since 0.1
 */
enum feature_status_code {
    FEATURE_OK = 0,        /**< it is done */
    FEATURE_INVALID = 1,   /**< a wrong argument, text or value */
    FEATURE_NOT_FOUND = 2, /**< no such store, view, feature or service */
    FEATURE_CONFLICT = 3,  /**< contradicts what the store holds */
    FEATURE_BUSY = 4,      /**< somebody else writes; try again */
    FEATURE_GAP = 5,       /**< a change record is missing */
    FEATURE_NO_MEMORY = 6, /**< an allocation failed */
    FEATURE_FULL = 7,      /**< disk, map, reader table or an output is full */
    FEATURE_IO = 8,        /**< the operating system refused */
    FEATURE_CORRUPT = 9,   /**< stored bytes are damaged */
    FEATURE_VERSION = 10,  /**< a format or struct from another version */
    FEATURE_UNSUPPORTED = 11 /**< not built yet, or not safe here */
};

/**
 * What one view had to say about one requested row.
 *
 * @since 0.1
 */
enum feature_state {
    FEATURE_STATE_PRESENT = 1,         /**< a row within its max age */
    FEATURE_STATE_NULL = 2,            /**< a row; all asked features null */
    FEATURE_STATE_NOT_FOUND = 3,       /**< no row, or a deleted one */
    FEATURE_STATE_OUTSIDE_MAX_AGE = 4, /**< a row, all of it past the ttl */
    FEATURE_STATE_NO_HISTORY = 5,      /**< the as-of answer is not kept */
    FEATURE_STATE_NO_KEY = 6,          /**< a join key of the row was null */
    FEATURE_STATE_PARTIAL = 7          /**< a window that began too late */
};

/**
 * What became of one row of a written batch.
 *
 * @since 0.1
 */
enum feature_outcome {
    FEATURE_OUTCOME_NONE = 0,      /**< not written yet */
    FEATURE_OUTCOME_APPLIED = 1,   /**< written; an event: in a view or more */
    FEATURE_OUTCOME_LATE = 2,      /**< too old to change anything; counted */
    FEATURE_OUTCOME_DUPLICATE = 3, /**< seen before; nothing was done */
    FEATURE_OUTCOME_FUTURE = 4,    /**< ahead of the clock by over max_skew */
    FEATURE_OUTCOME_REJECTED = 5   /**< invalid; see feature_batch_problem() */
};

/**
 * What a batch does with its rows.
 *
 * @since 0.1
 */
enum feature_operation {
    FEATURE_UPSERT = 1, /**< writes all features; those left out become null */
    FEATURE_PATCH = 2,  /**< writes the batch's own features only */
    FEATURE_DELETE = 3, /**< removes rows; older writes stay out */
    FEATURE_EVENT = 4,  /**< adds events to all views FROM theirs */
    FEATURE_RETRACT = 5 /**< takes such events back */
};

/**
 * The types of features and join keys. A vector `T[n]` is type T of width n; a
 * list `T[]` is type T with the flag FEATURE_FIELD_LIST.
 *
 * @since 0.1
 */
enum feature_type {
    FEATURE_TYPE_BOOL = 1,     /**< one bit, LSB first, as in Arrow */
    FEATURE_TYPE_INT32 = 2,    /**< int32_t */
    FEATURE_TYPE_INT64 = 3,    /**< int64_t */
    FEATURE_TYPE_FLOAT32 = 4,  /**< IEEE 754 binary32 */
    FEATURE_TYPE_FLOAT64 = 5,  /**< IEEE 754 binary64 */
    FEATURE_TYPE_STRING = 6,   /**< UTF-8, any length up to the row limit */
    FEATURE_TYPE_BYTES = 7,    /**< any bytes */
    FEATURE_TYPE_TIMESTAMP = 8 /**< int64_t microseconds since 1970 UTC */
};

/**
 * What a ::feature_field stands for.
 *
 * @since 0.1
 */
enum feature_role {
    FEATURE_ROLE_JOIN_KEY = 1,        /**< part of an entity's key */
    FEATURE_ROLE_EVENT_TIMESTAMP = 2, /**< the column `event_timestamp` */
    FEATURE_ROLE_FEATURE = 3,         /**< a feature of a view */
    FEATURE_ROLE_VIEW = 4,            /**< a feature view of a query */
    FEATURE_ROLE_EVENT_COLUMN = 5     /**< a column of an event */
};

/**
 * Bits of feature_field.flags.
 *
 * @since 0.1
 */
enum feature_field_flag {
    FEATURE_FIELD_LIST = 1,    /**< a list `T[]` */
    FEATURE_FIELD_NOT_NULL = 2 /**< declared NOT NULL, or a join key */
};

/**
 * Bits of feature_options.flags.
 *
 * @since 0.1
 */
enum feature_open_flag {
    FEATURE_OPEN_CREATE = 1,       /**< create the store where there is none */
    FEATURE_OPEN_READ_ONLY = 2,    /**< this handle never writes */
    FEATURE_OPEN_IMMUTABLE = 4,    /**< read without locks what nobody writes,
                                        see feature_store_open() */
    FEATURE_OPEN_ALLOW_REMOTE = 8, /**< accept a network file system */
    FEATURE_OPEN_WARM = 16,        /**< ask for the file in the page cache */
    FEATURE_OPEN_NO_UPKEEP = 32    /**< writes leave all upkeep to
                                        feature_store_maintain() */
};

/**
 * How durable a commit is when the call returns.
 *
 * @since 0.1
 */
enum feature_sync {
    FEATURE_SYNC_FULL = 0,    /**< survives the loss of power */
    FEATURE_SYNC_LAST_TXN = 1 /**< power loss may undo the last commit */
};

/**
 * What a read serves for a cell without a current value.
 *
 * @since 0.1
 */
enum feature_fill {
    FEATURE_FILL_DEFAULTS = 0, /**< the feature's DEFAULT, else null */
    FEATURE_FILL_NULLS = 1,    /**< null */
    FEATURE_FILL_STALE = 2     /**< values past the ttl; else as DEFAULTS */
};

/**
 * Bits of feature_write_options.flags.
 *
 * @since 0.1
 */
enum feature_write_flag {
    FEATURE_WRITE_SKIP_INVALID = 1 /**< reject invalid rows one by one */
};

/**
 * Bits of feature_query_options.flags.
 *
 * @since 0.1
 */
enum feature_query_flag {
    FEATURE_QUERY_MATRIX = 1 /**< for feature_request_read_matrix() */
};

/**
 * Bits of feature_stats.flags.
 *
 * @since 0.1
 */
enum feature_stats_flag {
    FEATURE_STATS_DURABLE = 1,      /**< the file system survives a reboot */
    FEATURE_STATS_MAP_FALLBACK = 2, /**< the map is smaller than asked for */
    FEATURE_STATS_IMMUTABLE = 4     /**< open with FEATURE_OPEN_IMMUTABLE */
};

/**
 * Bits of feature_scan_options.flags.
 *
 * @since 0.1
 */
enum feature_scan_flag {
    FEATURE_SCAN_ONE_SNAPSHOT = 1 /**< all of it from one commit */
};

/**
 * Bits of the flags of feature_request_export_arrow(): what comes besides the
 * columns.
 *
 * @since 0.1
 */
enum feature_export_flag {
    FEATURE_EXPORT_STATES = 1,    /**< `<view>__state`, int32: feature_state */
    FEATURE_EXPORT_TIMESTAMPS = 2 /**< `<view>__event_timestamp`, null where no
                                       row answered */
};

/**
 * Bits of feature_verify_options.flags.
 *
 * @since 0.1
 */
enum feature_verify_flag {
    FEATURE_VERIFY_JSON = 1 /**< findings as lines of JSON */
};

/**
 * Bits of feature_verify_report.flags.
 *
 * @since 0.1
 */
enum feature_verified_flag {
    FEATURE_VERIFIED_HELD = 1 /**< a reader kept the snapshot meanwhile */
};

/**
 * Bits of feature_load_options.flags.
 *
 * @since 0.1
 */
enum feature_load_flag {
    FEATURE_LOAD_LAST_WINS = 1, /**< of several rows of one key the last one
                                     counts; else they are CONFLICT
                                     `duplicate-key` */
    FEATURE_LOAD_FORCE = 2,     /**< a gate that fails is recorded and passed */
    FEATURE_LOAD_SORTED = 4     /**< keys come in order: INVALID `order` names
                                     the row that does not */
};

/**
 * Bits of feature_load_report.flags.
 *
 * @since 0.1
 */
enum feature_loaded_flag {
    FEATURE_LOADED_DUPLICATE = 1, /**< a load of this id was committed before;
                                       the report is that one's */
    FEATURE_LOADED_FORCED = 2     /**< with a gate that failed */
};

/**
 * Bits of feature_rollback_options.flags.
 *
 * @since 0.1
 */
enum feature_rollback_flag {
    FEATURE_ROLLBACK_AS_IT_WAS = 1 /**< without what was written since the
                                        version was replaced: that is lost */
};

/**
 * What a sketch answers.
 *
 * @since 0.1
 */
enum feature_sketch_kind {
    FEATURE_SKETCH_DISTINCT = 1, /**< how many distinct values: HyperLogLog */
    FEATURE_SKETCH_QUANTILES = 2 /**< quantiles of numbers: DDSketch */
};

/**
 * The bytes that a sketch is made of, or made into.
 *
 * @since 0.1
 */
enum feature_sketch_format {
    FEATURE_SKETCH_NATIVE = 1,  /**< libfeature's own, of both kinds: equal sets
                                    of values give equal bytes */
    FEATURE_SKETCH_HYLL = 2,    /**< a string of Redis for PFCOUNT and PFMERGE;
                                    DISTINCT of precision 14 */
    FEATURE_SKETCH_DDSKETCH = 3 /**< the published protobuf message DDSketch,
                                     with cubic interpolation; QUANTILES */
};

/**
 * An open store. Shared by any number of threads.
 *
 * @since 0.1
 */
typedef struct feature_store feature_store;

/**
 * Rows to write into one view, column by column. For one thread at a time.
 *
 * @since 0.1
 */
typedef struct feature_batch feature_batch;

/**
 * A prepared read: names resolved to keys and columns. Immutable and shared.
 *
 * @since 0.1
 */
typedef struct feature_query feature_query;

/**
 * Keys in, columns out, memory reused from read to read. For one thread at a
 * time.
 *
 * @since 0.1
 */
typedef struct feature_request feature_request;

/**
 * A reader of the change feed of a store. For one thread at a time.
 *
 * @since 0.1
 */
typedef struct feature_changes feature_changes;

/**
 * A whole new version of a view, on its way beside the one that serves. For one
 * thread at a time.
 *
 * @since 0.1
 */
typedef struct feature_load feature_load;

/**
 * A sketch: what a set of values comes to, in a few bytes. For one thread at a
 * time. It belongs to no store.
 *
 * @since 0.1
 */
typedef struct feature_sketch feature_sketch;

/**
 * Why a call failed, and where. Lives in the caller's memory and needs no
 * release; it is written only on failure. Frozen at 256 bytes.
 *
 * @since 0.1
 */
struct feature_error {
    int32_t status;    /**< the ::feature_status that was returned */
    int32_t os_error;  /**< errno of the system call behind it, or 0 */
    uint32_t batch;    /**< index of the batch, from 0 */
    uint32_t line;     /**< line in the text, from 1; 0: none */
    uint32_t column;   /**< byte in the line, from 1; 0: none */
    uint32_t reserved; /**< 0 */
    int64_t row;       /**< index of the row, from 0; -1: none */
    char reason[24];   /**< one word from an append-only list, for programs */
    char message[200]; /**< one sentence, for people */
};

/**
 * One answered column in Arrow's memory layout.
 *
 * The buffers are {borrowed request}: the next read, or freeing the request,
 * ends them. TIMESTAMP values are int64 microseconds since 1970-01-01 UTC.
 * BOOL values are bits, as in validity. A STRING or BYTES value i is the bytes
 * from offsets[i] to offsets[i + 1]; a numeric list i is the elements between
 * them; a STRING[] list i is the strings between them, and string j is the
 * bytes from child_offsets[j] to child_offsets[j + 1]. Values under a null are
 * zero. Frozen at 56 bytes on 64-bit targets.
 *
 * @since 0.1
 */
struct feature_column {
    const void *values;           /**< {borrowed request} rows x width values */
    const int32_t *offsets;       /**< {borrowed request} {nullable} rows + 1 */
    const int32_t *child_offsets; /**< {borrowed request} {nullable} strings */
    const uint8_t *validity;      /**< {borrowed request} bit i: not null */
    const uint8_t *defaulted;     /**< {borrowed request} {nullable} bit i: the
                                       fill policy chose the value; NULL when
                                       it chose none */
    uint32_t rows;                /**< one per row of the request's keys */
    int32_t type;                 /**< ::feature_type */
    uint32_t width;               /**< n for T[n], else 1 */
    uint32_t null_count;          /**< rows whose validity bit is 0 */
};

/**
 * One key, column or view of a query, or one column of a batch. Frozen at 32
 * bytes on 64-bit targets.
 *
 * @since 0.1
 */
struct feature_field {
    const char *name;  /**< {borrowed query} or {borrowed batch} */
    int32_t type;      /**< ::feature_type; 0 for a view */
    uint32_t width;    /**< n for T[n], else 1; 0 for a view */
    int32_t role;      /**< ::feature_role */
    uint32_t view;     /**< index of the column's view in the query, else 0 */
    uint32_t flags;    /**< ::feature_field_flag bits */
    uint32_t reserved; /**< 0 */
};

/**
 * How to open a store. Zero means the default everywhere.
 *
 * @since 0.1
 */
struct feature_options {
    uint32_t struct_size; /**< sizeof(struct feature_options) */
    uint32_t flags;       /**< ::feature_open_flag bits */
    int32_t sync;         /**< ::feature_sync */
    uint32_t mode;        /**< of new files; 0: 0600, and 0700 for the
                                 directory */
    uint64_t map_size;    /**< bytes of address space; 0: 1 TiB, or less
                                 where that is refused */
    uint32_t max_readers; /**< reader slots, set by the first opener; 0: 1024 */
    uint32_t write_wait_ms; /**< longest wait for another writer; 0: 10000 */
    uint64_t max_row_size;  /**< bytes of an encoded row; 0: 1 MiB; up to 64
                                 MiB */
    int64_t fixed_now;      /**< a test's clock, in microseconds; 0: the
                                 system's */
};

/**
 * How to apply definitions.
 *
 * @since 0.1
 */
struct feature_apply_options {
    uint32_t struct_size; /**< sizeof(struct feature_apply_options) */
    uint32_t flags;       /**< 0 */
    uint64_t expect;      /**< catalog version the store must be at; 0: any */
};

/**
 * Where the rows of a write came from, committed together with them. Frozen.
 *
 * @since 0.1
 */
struct feature_source {
    const char *name;       /**< {copied} the source's name */
    const void *position;   /**< {copied} {nullable} bytes kept with it */
    uint64_t first_offset;  /**< of the first record in this write */
    uint64_t next_offset;   /**< where to go on after this write */
    uint32_t partition;     /**< of the source */
    uint32_t position_size; /**< bytes at position */
};

/**
 * How to write.
 *
 * @since 0.1
 */
struct feature_write_options {
    uint32_t struct_size;                 /**< sizeof this struct */
    uint32_t flags;                       /**< ::feature_write_flag bits */
    const struct feature_source *sources; /**< {copied} {nullable} where the
                                               rows come from, see
                                               feature_store_offset() */
    uint32_t source_count;                /**< how many, 1024 at most */
    uint32_t wait_ms;                     /**< longest wait for another writer;
                                               0: the store's write_wait_ms */
};

/**
 * How to prepare a read.
 *
 * @since 0.1
 */
struct feature_query_options {
    uint32_t struct_size; /**< sizeof(struct feature_query_options) */
    int32_t fill;         /**< ::feature_fill */
    uint32_t flags;       /**< ::feature_query_flag bits */
    uint32_t reserved;    /**< 0 */
    int64_t known_by;     /**< only versions committed at or before this time;
                               0: all. Where that is not kept, the state is
                               FEATURE_STATE_NO_HISTORY */
};

/**
 * How to write a stream of Arrow record batches.
 *
 * @since 0.1
 */
struct feature_arrow_options {
    uint32_t struct_size; /**< sizeof(struct feature_arrow_options) */
    uint32_t flags;       /**< ::feature_write_flag bits */
    const char *columns;  /**< {copied} {nullable} which columns of the stream
                               are written, see feature_store_write_arrow() */
    uint64_t commit_rows; /**< rows of one commit, fewer in the last; 0: the
                               whole stream is one commit */
    const struct feature_source *sources; /**< {copied} {nullable} where the
                                               rows come from; commit_rows is 0
                                               then */
    uint32_t source_count;                /**< how many, 1024 at most */
    uint32_t wait_ms;                     /**< longest wait for another writer;
                                               0: the store's write_wait_ms */
};

/**
 * How to scan a view.
 *
 * @since 0.1
 */
struct feature_scan_options {
    uint32_t struct_size; /**< sizeof(struct feature_scan_options) */
    uint32_t flags;       /**< ::feature_scan_flag bits */
    int32_t fill;         /**< ::feature_fill */
    uint32_t chunk_rows;  /**< rows of a record batch, at most; 0: 16384 */
    const char *from;     /**< {copied} {nullable} key literals, separated by
                               commas: the first key; fewer than the view has
                               stand for all keys that begin with them */
    const char *to;       /**< {copied} {nullable} the key before which the scan
                               ends */
    uint32_t max_age_ms;  /**< of the one snapshot; 0: 60000 */
    uint32_t reserved;    /**< 0 */
};

/**
 * Which versions feature_query_history() lists.
 *
 * @since 0.1
 */
struct feature_history_options {
    uint32_t struct_size; /**< sizeof(struct feature_history_options) */
    uint32_t flags;       /**< 0 */
    int64_t since;        /**< event timestamps from it on; 0: all. The first
                               microsecond of 1970 cannot be asked for, the
                               ones beside it can */
    int64_t until;        /**< event timestamps up to it; 0: all, likewise */
    uint32_t last;        /**< the newest of each key, so many; 0: all */
    uint32_t chunk_rows;  /**< rows of a record batch, at most; 0: 16384 */
    uint32_t max_age_ms;  /**< how long the stream may keep its snapshot; 0:
                               60000 */
    uint32_t reserved;    /**< 0 */
};

/**
 * How far back the history of a view goes.
 *
 * @since 0.1
 */
struct feature_history_report {
    uint32_t struct_size; /**< sizeof(struct feature_history_report) */
    uint32_t reserved;    /**< 0 */
    uint64_t sequence;    /**< the commit that the stream is of */
    int64_t since;        /**< commit time from which on history is kept;
                               INT64_MIN: nothing was written yet */
    int64_t horizon; /**< event timestamp before which versions were dropped
                               by age; INT64_MIN: none was */
};

/**
 * How to join labels.
 *
 * @since 0.1
 */
struct feature_join_options {
    uint32_t struct_size; /**< sizeof(struct feature_join_options) */
    uint32_t flags;       /**< ::feature_export_flag bits */
    const char
        *timestamp;      /**< {copied} {nullable} the column of the labels that
                                has their times; NULL: `event_timestamp` */
    uint32_t chunk_rows; /**< labels that are sorted and read together, at
                                most; 0: 1048576, fewer of wide answers */
    uint32_t reserved;   /**< 0 */
};

/**
 * What a commit did. The caller sets struct_size; a call that changed nothing
 * reports the newest commit there is, with all counts of its own.
 *
 * @since 0.1
 */
struct feature_commit {
    uint32_t struct_size; /**< sizeof(struct feature_commit) */
    uint32_t reserved;    /**< 0 */
    uint64_t sequence;    /**< dense number of the commit; 0: none yet */
    int64_t time;         /**< commit time, strictly increasing */
    uint64_t applied;     /**< rows that wrote at least one cell */
    uint64_t late;        /**< rows older than everything they meant to write */
    uint64_t duplicate;   /**< rows seen before */
    uint64_t future;      /**< rows ahead of the clock by more than max_skew */
    uint64_t rejected;    /**< invalid rows, with FEATURE_WRITE_SKIP_INVALID */
};

/**
 * The state of a store in numbers. The caller sets struct_size.
 *
 * @since 0.1
 */
struct feature_stats {
    uint32_t struct_size;     /**< sizeof(struct feature_stats) */
    uint32_t flags;           /**< ::feature_stats_flag bits */
    uint64_t sequence;        /**< newest commit */
    int64_t commit_time;      /**< of that commit */
    uint64_t catalog_version; /**< counts the applies that changed something */
    uint64_t rows;            /**< in all views, tombstones not counted */
    uint64_t tombstones;      /**< deleted rows that are still remembered */
    uint64_t applied;         /**< rows ever applied to the present views */
    uint64_t late;            /**< rows ever late for them */
    uint64_t file_size;       /**< bytes of data.mdb */
    uint64_t map_size;        /**< bytes of address space */
    uint64_t used_size;       /**< bytes of data.mdb that hold pages in use */
    uint64_t transaction;     /**< LMDB's id of the snapshot reported on */
    uint32_t entities;        /**< defined */
    uint32_t views;           /**< defined */
    uint32_t services;        /**< defined */
    uint32_t readers;         /**< reader slots taken now, by all processes */
    uint32_t max_readers;     /**< reader slots there are */
    uint32_t lmdb_version;    /**< of the running LMDB: 924 is 0.9.24 */
    uint64_t reads;           /**< read calls of this handle that succeeded */
    uint64_t read_rows;       /**< rows they answered */
    uint64_t fallback_reads;  /**< look-ups of this process that the fast path
                                   could not serve alone: 0 is usual */
    uint64_t reserved;        /**< 0 */
    uint64_t free_pages;      /**< pages of data.mdb that hold nothing */
    uint32_t page_size;       /**< bytes of a page */
    uint32_t active_readers;  /**< that hold a snapshot, in all processes */
    uint64_t oldest_reader_lag; /**< transactions since the oldest of their
                                     snapshots; 0: none is behind */
    int32_t oldest_reader_pid;  /**< the process that holds it; 0: none */
    uint32_t held_snapshots;    /**< by scans of this handle */
    uint64_t max_size;          /**< of STORE WITH; 0: no limit */
    uint64_t write_waits;    /**< writers of this process that had to wait for
                                     another one */
    uint64_t write_wait_us;  /**< microseconds they waited, all together */
    uint64_t write_timeouts; /**< those of them that gave up */
    uint64_t read_overflows; /**< values of windows that reads of this handle
                                  answered as null: a SUM over INT64 */
};

/**
 * Bits of feature_maintain_options.flags.
 *
 * @since 0.1
 */
enum feature_maintain_flag {
    FEATURE_MAINTAIN_ALL = 1 /**< look through all views, also those that were
                                  looked through a short time ago */
};

/**
 * How much upkeep to do.
 *
 * @since 0.1
 */
struct feature_maintain_options {
    uint32_t struct_size; /**< sizeof(struct feature_maintain_options) */
    uint32_t flags;       /**< ::feature_maintain_flag bits */
    uint64_t budget_us;   /**< microseconds of the store's clock after which no
                               further step begins; 0: until nothing is left */
    uint64_t max_rows;    /**< rows, and keys with history, to look at; 0: no
                               limit */
    uint32_t wait_ms;     /**< for other writers; 0: the store's */
    uint32_t reserved;    /**< 0 */
};

/**
 * What upkeep did, and what is left. The caller sets struct_size.
 *
 * @since 0.1
 */
struct feature_maintain_report {
    uint32_t struct_size;  /**< sizeof(struct feature_maintain_report) */
    uint32_t reserved;     /**< 0 */
    uint64_t rows_expired; /**< rows whose cells were all past their ttl */
    uint64_t tombstones_removed; /**< deletes that were old enough */
    uint64_t versions_dropped;   /**< of history, before its horizon */
    uint64_t segments_dropped;   /**< of the change feed */
    uint64_t rows_seen;          /**< rows, and keys with history, looked at */
    uint64_t commits;            /**< sequence numbers this took */
    uint64_t passes_left;        /**< passes over the rows or the history of a
                                      view that are due or not at their end */
    uint64_t sequence;           /**< of the newest commit there is */
    uint64_t versions_packed;    /**< of history, into blocks; not counted in
                                      commits */
};

/**
 * How many quality rules were judged. The caller sets struct_size.
 *
 * @since 0.1
 */
struct feature_check_report {
    uint32_t struct_size; /**< sizeof(struct feature_check_report) */
    uint32_t flags;       /**< no bits yet: 0 */
    uint64_t rules;       /**< of all views that were looked at */
    uint64_t failed;      /**< those that do not hold */
};

/**
 * How to verify a store.
 *
 * @since 0.1
 */
struct feature_verify_options {
    uint32_t struct_size; /**< sizeof(struct feature_verify_options) */
    uint32_t flags;       /**< ::feature_verify_flag bits */
    uint64_t max_lines;   /**< findings told one by one; 0: 100 */
};

/**
 * What a verification saw and found. The caller sets struct_size. The store is
 * good where findings is 0.
 *
 * @since 0.1
 */
struct feature_verify_report {
    uint32_t struct_size;      /**< sizeof(struct feature_verify_report) */
    uint32_t flags;            /**< ::feature_verified_flag bits */
    uint64_t findings;         /**< all of them; 0: the store is good */
    uint64_t file_findings;    /**< of the file's size and its meta pages */
    uint64_t page_findings;    /**< of pages, nodes and who uses them */
    uint64_t order_findings;   /**< of the order of keys */
    uint64_t count_findings;   /**< of what trees' records say */
    uint64_t row_findings;     /**< of rows and their keys */
    uint64_t view_findings;    /**< of what views' records say */
    uint64_t catalog_findings; /**< of definitions */
    uint64_t store_findings;   /**< of the store's record, and of trees that
                                    do not belong there */
    uint64_t transaction;      /**< LMDB's id of the snapshot */
    uint64_t sequence;         /**< its newest commit */
    uint64_t file_size;        /**< bytes of data.mdb */
    uint64_t page_size;        /**< bytes */
    uint64_t used_pages;       /**< that hold data of the snapshot */
    uint64_t free_pages;       /**< in the free list */
    uint64_t lost_pages;       /**< in neither: no damage, but lost space */
    uint64_t trees;            /**< named databases */
    uint64_t rows;             /**< in all views, tombstones not counted */
    uint64_t tombstones;       /**< deleted rows that are still remembered */
};

/**
 * Bits of feature_restore_options.flags.
 *
 * @since 0.1
 */
enum feature_restore_flag {
    FEATURE_RESTORE_VERIFY_ONLY = 1, /**< check the file, write nothing */
    FEATURE_RESTORE_ALLOW_REMOTE = 2 /**< accept a network file system */
};

/**
 * How to take a snapshot.
 *
 * @since 0.1
 */
struct feature_snapshot_options {
    uint32_t struct_size; /**< sizeof(struct feature_snapshot_options) */
    uint32_t flags;       /**< 0 */
    int32_t level;        /**< of zstd, 1 to 19; 0: 1 */
    uint32_t workers;     /**< threads that compress, up to 16; 1: the calling
                               one; 0: 2 */
    uint32_t mode;        /**< of the file; 0: 0600 */
    uint32_t reserved;    /**< 0 */
};

/**
 * How to restore a snapshot.
 *
 * @since 0.1
 */
struct feature_restore_options {
    uint32_t struct_size; /**< sizeof(struct feature_restore_options) */
    uint32_t flags;       /**< ::feature_restore_flag bits */
    uint32_t mode;        /**< of the store's files; 0: 0600 */
    uint32_t reserved;    /**< 0 */
    uint64_t map_size;    /**< bytes of address space; 0: as for an open */
};

/**
 * How far a long call is. The call writes it while it runs; another thread may
 * read it, and set cancel, all with atomic accesses of these sizes. Frozen at
 * 32 bytes.
 *
 * @since 0.1
 */
struct feature_progress {
    uint64_t rows;       /**< done so far, tombstones too */
    uint64_t total_rows; /**< in all; 0: not known yet */
    uint64_t bytes;      /**< of keys and rows, done so far */
    uint32_t cancel;     /**< the caller's: not 0 ends the call, `cancelled` */
    uint32_t reserved;   /**< 0 */
};

/**
 * What a snapshot holds, or what was made of one.
 *
 * @since 0.1
 */
struct feature_snapshot_report {
    uint32_t struct_size;     /**< sizeof(struct feature_snapshot_report) */
    uint32_t views;           /**< defined in it */
    uint64_t sequence;        /**< of the commit that it is of; 0: none */
    int64_t time;             /**< of that commit */
    uint64_t catalog_version; /**< of its definitions */
    uint64_t rows;            /**< of all views, tombstones too */
    uint64_t bytes;           /**< of keys and rows, not compressed */
    uint64_t size;            /**< of the file that was made, in bytes */
    uint64_t source_size;     /**< of the file that was read */
    uint64_t lag;             /**< commits made while a snapshot was taken */
};

/**
 * Bits of feature_changes_options.flags.
 *
 * @since 0.1
 */
enum feature_changes_flag {
    FEATURE_CHANGES_RESUME = 1 /**< begin where the consumer acknowledged */
};

/**
 * How to read the change feed.
 *
 * @since 0.1
 */
struct feature_changes_options {
    uint32_t struct_size; /**< sizeof(struct feature_changes_options) */
    uint32_t flags;       /**< ::feature_changes_flag bits */
    uint64_t since;       /**< the records after this sequence; 0: from the
                               store's first commit on */
    const char *consumer; /**< {copied} {nullable} registers a claim on what is
                               not acknowledged: 1 to 64 of A-Z a-z 0-9 _ - . */
    uint64_t claim_ms;    /**< until the claim expires, from now and from each
                               acknowledgement; 0: 7 days */
};

/**
 * One record of the change feed: all of one commit. Frozen at 32 bytes on
 * 64-bit targets.
 *
 * @since 0.1
 */
struct feature_change_record {
    const void *bytes; /**< {borrowed changes} {nullable} for
                             feature_store_follow(); NULL: no record now */
    uint64_t size;     /**< of them */
    uint64_t sequence; /**< of the commit */
    int64_t time;      /**< of the commit */
};

/**
 * Bits of feature_changes_arrow_options.flags.
 *
 * @since 0.1
 */
enum feature_changes_arrow_flag {
    FEATURE_CHANGES_BEFORE = 1 /**< columns of the row before the change too */
};

/**
 * Which changes of a view to read as Arrow data.
 *
 * @since 0.1
 */
struct feature_changes_arrow_options {
    uint32_t struct_size; /**< sizeof(struct feature_changes_arrow_options) */
    uint32_t flags;       /**< ::feature_changes_arrow_flag bits */
    uint64_t since;       /**< the commits after this sequence; 0: from the
                               store's first one on */
    uint64_t until;       /**< the last one; 0: the newest when the call is
                               made */
    uint32_t chunk_rows;  /**< rows of a record batch, at most; 0: 16384 */
    uint32_t reserved;    /**< 0 */
};

/**
 * Which sketch to make.
 *
 * @since 0.1
 */
struct feature_sketch_options {
    uint32_t struct_size; /**< sizeof(struct feature_sketch_options) */
    int32_t kind;         /**< ::feature_sketch_kind */
    uint32_t precision;   /**< of DISTINCT, 4 to 18: 2^precision registers;
                                  0: 12 */
    uint32_t reserved;    /**< 0 */
    double max_error;     /**< of QUANTILES, relative, 0.0001 to 0.5; 0: 0.01
                              */
};

/**
 * A sketch as bytes. Frozen at 16 bytes on 64-bit targets.
 *
 * @since 0.1
 */
struct feature_sketch_data {
    const void *bytes; /**< {borrowed sketch} the bytes */
    uint64_t size;     /**< how many */
};

/**
 * How to load a view.
 *
 * @since 0.1
 */
struct feature_load_options {
    uint32_t struct_size; /**< sizeof(struct feature_load_options) */
    uint32_t flags;       /**< ::feature_load_flag bits */
    const char *id;       /**< {copied} {nullable} names the load, so that the
                               same one is committed once: 1 to 128 of A-Z a-z
                               0-9 _ . : / = -; NULL: it has no name */
    const char *fingerprint; /**< {copied} {nullable} of what is loaded, 255
                                  bytes at most: another one under a known id is
                                  CONFLICT `load-id` */
    uint64_t cut; /**< commit up to which the rows know what was written; 0: the
                        newest one when the load begins */
    int64_t time; /**< event timestamp of rows without one; 0: the commit time
                        of the cut, or the clock in a store without a commit */
    const struct feature_source *sources; /**< {copied} {nullable} up to where
                                               the rows know the sources: stored
                                               with the swap; without cut, the
                                               cut is the newest commit that is
                                               not past any of them */
    uint32_t source_count;                /**< how many, 1024 at most */
    uint32_t wait_ms; /**< longest wait for another writer, each time; 0:
                                   the store's write_wait_ms */
    uint64_t rows_per_second;  /**< 0: no limit */
    uint64_t bytes_per_second; /**< of encoded rows; 0: no limit */
    uint64_t memory;           /**< bytes to sort in; 0: 64 MiB */
    const char *directory; /**< {copied} {nullable} of the files that sorting
                                    takes; NULL: the store's */
    const char *check;     /**< {copied} {nullable} quality rules of this load,
                                besides those of the view, as `check` of a
                                definition has them: rows >= 1000; nulls(a) = 0 */
};

/**
 * What a load or a rollback did. The caller sets struct_size.
 *
 * @since 0.1
 */
struct feature_load_report {
    uint32_t struct_size; /**< sizeof(struct feature_load_report) */
    uint32_t flags;       /**< ::feature_loaded_flag bits */
    uint64_t number;      /**< of the load in this store */
    uint64_t rows;        /**< that were loaded */
    uint64_t bytes;       /**< of them, encoded, with their keys */
    uint64_t sequence;    /**< of the commit that swapped the versions; 0: not
                                committed */
    int64_t time;         /**< of that commit */
    uint64_t cut; /**< commit up to which the rows knew what was written */
    uint64_t caught_up; /**< changes since then, taken from the change feed */
    uint64_t swap_us; /**< microseconds of the swap: nobody else could write */
    uint64_t gates;   /**< rules that were asked */
    uint64_t gates_failed; /**< and said no */
};

/**
 * How to roll back.
 *
 * @since 0.1
 */
struct feature_rollback_options {
    uint32_t struct_size; /**< sizeof(struct feature_rollback_options) */
    uint32_t flags;       /**< ::feature_rollback_flag bits */
    uint32_t wait_ms; /**< longest wait for another writer, each time; 0: the
                            store's write_wait_ms */
    uint32_t version; /**< to go back to, as feature_store_loads() gives it; 0:
                            the one that was replaced last, or that of id */
    const char *id;   /**< {copied} {nullable} the load whose version to go back
                            to; NULL: version says it */
};

/* Of the Arrow C data and stream interfaces; this header does not define them,
 * so that it meets no other library's copy. */
struct ArrowArray;
struct ArrowArrayStream;
struct ArrowSchema;

/**
 * Returns the version of the library: major x 10000 + minor x 100 + patch.
 *
 * @since 0.1
 * @threads any
 */
FEATURE_API uint32_t
feature_version(void);

/**
 * Names a status: "OK", "INVALID", and so on; "UNKNOWN" for any other number.
 *
 * @param status  any number
 * @return {borrowed library} a constant
 * @since 0.1
 * @threads any
 */
FEATURE_API const char *
feature_status_name(feature_status status);

/**
 * Frees a text that the library returned as {owned feature_free}.
 *
 * @param memory  {inout} {nullable} the text
 * @since 0.1
 * @threads any
 */
FEATURE_API void
feature_free(void *memory);

/**
 * Opens the store in the directory @p path.
 *
 * The same store opened twice in a process shares one environment, whatever
 * the paths; any number of processes may have it open. With
 * FEATURE_OPEN_CREATE a missing store is created, its directory too, but not
 * that directory's parent.
 *
 * FEATURE_OPEN_IMMUTABLE is for stores in images and on read-only mounts. It
 * implies FEATURE_OPEN_READ_ONLY, makes and locks no file, and is a promise of
 * the caller: while the store is open so, in any process, nobody writes to it
 * or replaces bytes of its file. A broken promise is found out where it can be,
 * by the number of the newest transaction, at the begin of each read: it answers
 * FEATURE_UNSUPPORTED `immutable-changed`. A read that runs beside the writer
 * may meet pages of two commits.
 *
 * @param path        {copied} a directory
 * @param options     {copied} {nullable} defaults when NULL
 * @param[out] store  {owned feature_store_close}
 * @param[out] error  {inout} {nullable}
 * @return FEATURE_INVALID      a wrong option
 * @return FEATURE_NOT_FOUND    `no-store`, without FEATURE_OPEN_CREATE
 * @return FEATURE_CONFLICT     `in-use`: open in another way in this process,
 *                              or not immutable in another one
 * @return FEATURE_BUSY         another process is opening or closing it
 * @return FEATURE_IO           no permission, or another system error
 * @return FEATURE_FULL         no space for the store's files
 * @return FEATURE_CORRUPT      the file is damaged or cut short
 * @return FEATURE_VERSION      not a store, or of a version this cannot serve; or
 *                              a library of this process is too old
 * @return FEATURE_UNSUPPORTED  an environment in which promises do not hold
 * @return FEATURE_NO_MEMORY
 * @since 0.1
 * @threads any
 */
FEATURE_API feature_status
feature_store_open(const char *path, const struct feature_options *options,
                   feature_store **store, struct feature_error *error);

/**
 * Closes a store.
 *
 * Batches, queries and requests made from it may be freed later; until then
 * their calls answer FEATURE_INVALID `closed`. Must not run beside another call
 * on the same handle. In a forked child it only frees memory.
 *
 * @param store  {inout} {nullable} the store
 * @since 0.1
 * @threads one
 */
FEATURE_API void
feature_store_close(feature_store *store);

/**
 * Makes the store hold @p definitions: adds and changes, never removes by
 * omission. Atomic, durable, and without effect when repeated.
 *
 * Statements are a set: their order does not matter. What a text leaves out
 * stays; only DROP removes.
 *
 * @param store        {inout} the store
 * @param definitions  {copied} statements of the definition language
 * @param options      {copied} {nullable} defaults when NULL
 * @param[out] commit  {inout} {nullable} the commit; where nothing changed, the
 *                     newest one there is
 * @param[out] error   {inout} {nullable} line and column say where in the text
 * @return FEATURE_INVALID      bad text
 * @return FEATURE_NOT_FOUND    a name that nothing defines
 * @return FEATURE_CONFLICT     a change the store refuses, `in-use`, or another
 *                              catalog version than expected
 * @return FEATURE_BUSY         `writer-gate`
 * @return FEATURE_UNSUPPORTED  a part of the language that is not built yet
 * @return FEATURE_FULL, FEATURE_IO, FEATURE_CORRUPT, FEATURE_NO_MEMORY
 * @since 0.1
 * @threads any
 */
FEATURE_API feature_status
feature_store_apply(feature_store *store, const char *definitions,
                    const struct feature_apply_options *options,
                    struct feature_commit *commit, struct feature_error *error);

/**
 * Lists what feature_store_apply() would do, and does nothing.
 *
 * One line a change; a line that begins with `kept` names something the store
 * holds and the text leaves out. An empty text means no change and nothing
 * kept.
 *
 * @param store         {inout} the store
 * @param definitions   {copied} statements of the definition language
 * @param[out] changes  {owned feature_free} lines, each ending in a newline
 * @param[out] error    {inout} {nullable} as from feature_store_apply()
 * @return as feature_store_apply(), without writing
 * @since 0.1
 * @threads any
 */
FEATURE_API feature_status
feature_store_plan(feature_store *store, const char *definitions,
                   char **changes, struct feature_error *error);

/**
 * Does upkeep that is due: removes rows whose cells are all past their ttl,
 * tombstones that are older than the ttl, 30 days and the history of their view,
 * versions that history need not keep, and segments of the change feed. Old
 * versions that stay are packed into blocks, which takes no sequence number and
 * changes no answer.
 *
 * Each write call does a small part of this; a store that is seldom written
 * to, or falls behind, needs this call. It goes in steps of one commit each, beside
 * other readers and writers, and any number of processes may call it. A step that
 * was made stays made: the next call goes on from there. What it removes takes
 * sequence numbers and goes to the change feed as EXPIRE and TRIM, so followers
 * stay equal; a follower itself only drops segments of its feed.
 *
 * An online read answers the same before and after, but for a row outside its max
 * age, whose state becomes FEATURE_STATE_NOT_FOUND.
 *
 * @param store        {inout} the store
 * @param options      {copied} {nullable} all that is due when NULL
 * @param[out] report  {inout} {nullable} untouched by a failure, though the
 *                     steps before it stay made
 * @param[out] error   {inout} {nullable}
 * @return FEATURE_INVALID   the store is open read-only, or a wrong option
 * @return FEATURE_BUSY      `writer-gate`
 * @return FEATURE_FULL, FEATURE_IO, FEATURE_CORRUPT, FEATURE_NO_MEMORY
 * @since 0.1
 * @threads any
 */
FEATURE_API feature_status
feature_store_maintain(feature_store *store,
                       const struct feature_maintain_options *options,
                       struct feature_maintain_report *report,
                       struct feature_error *error);

/**
 * Prints definitions in canonical form: applied back, they change nothing.
 *
 * @param store             {inout} the store
 * @param name              {copied} {nullable} one entity, view or service; all
 *                          when NULL
 * @param[out] definitions  {owned feature_free} the text
 * @param[out] error        {inout} {nullable}
 * @return FEATURE_NOT_FOUND  nothing of that name
 * @return FEATURE_INVALID    `closed` or `forked`
 * @return FEATURE_NO_MEMORY, FEATURE_IO, FEATURE_CORRUPT
 * @since 0.1
 * @threads any
 */
FEATURE_API feature_status
feature_store_describe(feature_store *store, const char *name,
                       char **definitions, struct feature_error *error);

/**
 * Writes batches in one atomic, durable commit.
 *
 * The result equals writing the rows one by one, in the order of the batches
 * and of the rows in them. A cell is written if the row's event timestamp is
 * at or after the cell's. Late and future rows are not errors: they are
 * counted, and feature_batch_outcomes() tells them apart. An invalid row fails
 * the call and nothing is written, unless FEATURE_WRITE_SKIP_INVALID is set.
 *
 * Where the system fails while the commit is being made, the call opens the file
 * again, finds out what became of the commit and makes sure of it: FEATURE_OK, or
 * FEATURE_IO with nothing changed. The one failure that can leave a change behind
 * is FEATURE_IO with reason `outcome-unknown`: that could not be found out,
 * because the system goes on failing or others have made 64 commits since. The
 * next call tries to open the file again; read, and write once more.
 *
 * @param store        {inout} the store the batches were made from
 * @param batches      {copied} count batches, each at most once
 * @param count        number of batches
 * @param options      {copied} {nullable} defaults when NULL
 * @param[out] commit  {inout} {nullable} what was done
 * @param[out] error   {inout} {nullable} batch, row and column of an invalid
 *                     row
 * @return FEATURE_INVALID      an invalid row or batch
 * @return FEATURE_CONFLICT     `schema-changed`: a column was dropped since
 * @return FEATURE_BUSY         `writer-gate`: not in time
 * @return FEATURE_FULL         disk or map
 * @return FEATURE_IO, FEATURE_CORRUPT, FEATURE_VERSION, FEATURE_NO_MEMORY
 * @since 0.1
 * @threads any
 */
FEATURE_API feature_status
feature_store_write(feature_store *store, feature_batch *const *batches,
                    size_t count, const struct feature_write_options *options,
                    struct feature_commit *commit, struct feature_error *error);

/**
 * Writes a stream of Arrow record batches into one view.
 *
 * Columns are found by name: every join key, `event_timestamp` or not (then
 * every row takes the time of its commit), and features. Without
 * options->columns every column of the stream has to be one of the view; with
 * it, only those it names are written, in the form `column`, `column =
 * name_in_the_stream` or `column = 'any name'`, separated by commas.
 *
 * A number becomes the feature's where its value stays the same; a float64 is
 * rounded to FLOAT32, unless it would become infinite. Dates and timestamps
 * become microseconds UTC; nanoseconds are cut, towards the past. A value that
 * does not fit makes its row invalid, as a null in a list does, a list of
 * another length than its vector, or a row that is null itself.
 *
 * The whole stream is read, and kept in memory, before the write transaction
 * begins, or, with options->commit_rows, each commit's part of it, wherever
 * record batches end: a producer may read this very store. A failure then leaves
 * the commits before it, which @p commit reports even so.
 *
 * @param store        {inout} the store
 * @param view         {copied} a feature view; an event for EVENT and RETRACT
 * @param operation    ::feature_operation
 * @param stream       {inout} Arrow C stream; it is moved: released by the call
 *                     whatever the answer
 * @param options      {copied} {nullable} defaults when NULL
 * @param[out] commit  {inout} {nullable} the last commit, with the counts of
 *                     all; on failure what was kept, sequence 0: nothing
 * @param[out] error   {inout} {nullable} index of the record batch in the
 *                     stream, row in it, the producer's message where it
 *                     failed; column: byte in options->columns, or index of an
 *                     invalid row's column among those written
 * @return FEATURE_INVALID      a type that cannot become the feature's, an
 *                              invalid row; `arrow`: a stream that breaks
 *                              Arrow's rules
 * @return FEATURE_NOT_FOUND    no such view or column
 * @return FEATURE_CONFLICT     `schema-changed`
 * @return FEATURE_BUSY         `writer-gate`: not in time
 * @return FEATURE_UNSUPPORTED  `arrow-type`: one that is not taken
 * @return FEATURE_IO           `stream`: the producer failed; or the system
 * @return FEATURE_FULL, FEATURE_CORRUPT, FEATURE_VERSION, FEATURE_NO_MEMORY
 * @since 0.1
 * @threads any
 */
FEATURE_API feature_status
feature_store_write_arrow(feature_store *store, const char *view,
                          int32_t operation, struct ArrowArrayStream *stream,
                          const struct feature_arrow_options *options,
                          struct feature_commit *commit,
                          struct feature_error *error);

/**
 * Makes an Arrow stream of all rows of one view, in key order: join keys,
 * `event_timestamp`, then the features asked for.
 *
 * A batch at a time is in memory, in buffers of its own. By default every batch
 * is of the newest commit when it is made and goes on after the last key; with
 * FEATURE_SCAN_ONE_SNAPSHOT all of them are of one commit, whose pages stay in
 * use meanwhile: after options->max_age_ms the stream fails with `scan-age`.
 * The stream may outlive @p store: it then fails with `closed`, and batches
 * that it gave stay good.
 *
 * @param store        {borrowed stream} may be closed first
 * @param features     {copied} one view and its features, as in
 *                     feature_query_create(): `driver_stats(*)`
 * @param options      {copied} {nullable} defaults when NULL
 * @param[out] stream  {inout} released memory, which becomes an Arrow C stream
 * @param[out] error   {inout} {nullable}
 * @return FEATURE_INVALID      bad text, or more than one view
 * @return FEATURE_NOT_FOUND    no such view or feature
 * @return FEATURE_BUSY         too many scans hold a snapshot
 * @return FEATURE_IO, FEATURE_CORRUPT, FEATURE_NO_MEMORY
 * @since 0.1
 * @threads any
 */
FEATURE_API feature_status
feature_store_scan_arrow(feature_store *store, const char *features,
                         const struct feature_scan_options *options,
                         struct ArrowArrayStream *stream,
                         struct feature_error *error);

/**
 * Makes an Arrow stream of the states of a view FROM an event, in key order:
 * join keys, `event_timestamp` (of the newest event) and `_tiles`, bytes for
 * feature_store_merge_tiles() of another store; deleted keys too.
 *
 * Whoever builds states of a part of the events, such as those of all days up
 * to yesterday, writes them into a store of his own, of the same definitions,
 * and sends what this gives: as it is, as a Parquet file, or in any form that
 * keeps the three kinds of columns. All batches are of one commit, as with
 * FEATURE_SCAN_ONE_SNAPSHOT. The schema's metadata `libfeature.fingerprint` is
 * that of the definition; every state repeats that of its own.
 *
 * @param store        {borrowed stream} may be closed first
 * @param view         {copied} a feature view FROM an event
 * @param options      {copied} {nullable} defaults when NULL; fill is not used
 * @param[out] stream  {inout} released memory, which becomes an Arrow C stream
 * @param[out] error   {inout} {nullable}
 * @return FEATURE_INVALID      a view of rows
 * @return FEATURE_NOT_FOUND    no such view
 * @return FEATURE_BUSY         too many scans hold a snapshot
 * @return FEATURE_IO, FEATURE_CORRUPT, FEATURE_NO_MEMORY
 * @since 0.1
 * @threads any
 */
FEATURE_API feature_status
feature_store_tiles_arrow(feature_store *store, const char *view,
                          const struct feature_scan_options *options,
                          struct ArrowArrayStream *stream,
                          struct feature_error *error);

/**
 * Merges states that feature_store_tiles_arrow() of another store gave into a
 * view, in one commit: each key's row becomes what it would be, to the byte,
 * had the events behind the states been written here before all others.
 *
 * Each event has to be counted by one side alone: the seam is a position in the
 * source, never an event time. options->sources says where the states end. It is
 * committed with them, so that the same artefact brought again changes nothing
 * and counts its rows as duplicate. Where the store has rows of the stream
 * already, the artefact needs a source of another name: at or below the stored
 * offset it would be taken for a replay.
 *
 * Columns are found by name: join keys, `event_timestamp`, `_tiles`; others are
 * not looked at. Rows may be in any order. Of several rows of one key, the first
 * is the earliest. The whole stream is read, and kept in memory, before the
 * write transaction begins.
 *
 * @param store        {inout} the store
 * @param view         {copied} a feature view FROM an event, of the definition
 *                     that the states were made by, or one that grew out of it;
 *                     without history
 * @param stream       {inout} Arrow C stream; it is moved: released by the call
 *                     whatever the answer
 * @param options      {copied} {nullable} defaults when NULL; flags is 0
 * @param[out] commit  {inout} {nullable} the commit; applied counts states
 * @param[out] error   {inout} {nullable} index of the record batch in the
 *                     stream and row in it
 * @return FEATURE_INVALID      `tiles`: a damaged state; `future`: one ahead of
 *                              the clock; a null; `key-size`; `row-size`: a
 *                              merged row over max_row_size; `arrow`: a stream
 *                              that breaks Arrow's rules
 * @return FEATURE_NOT_FOUND    no such view or column
 * @return FEATURE_CONFLICT     `definition`: states of another one; `overlap`:
 *                              of the sources; `deleted`: a delete since the
 *                              cut, and events after it that it forbids;
 *                              `schema-changed`, `follower`
 * @return FEATURE_UNSUPPORTED  `history`: the view keeps events
 * @return FEATURE_BUSY         `writer-gate`: not in time
 * @return FEATURE_IO           `stream`: the producer failed; or the system
 * @return FEATURE_FULL, FEATURE_CORRUPT, FEATURE_VERSION, FEATURE_NO_MEMORY
 * @since 0.1
 * @threads any
 */
FEATURE_API feature_status
feature_store_merge_tiles(feature_store *store, const char *view,
                          struct ArrowArrayStream *stream,
                          const struct feature_write_options *options,
                          struct feature_commit *commit,
                          struct feature_error *error);

/**
 * Makes an Arrow stream of the changes of one view, from the change feed, in the
 * order of commits: join keys, the features asked for as they were written,
 * `_op`, `_seq`, `_ordinal`, `_commit_time`, `_event_timestamp`, `_late` and
 * `_written`, and with FEATURE_CHANGES_BEFORE the row before each change.
 *
 * Of an event (`payment(*)`) they are EVENT and RETRACT, and its columns take the
 * place of join keys and features; FEATURE_CHANGES_BEFORE is not for events.
 *
 * Columns are those of the newest definitions when the call is made: values of
 * older ones are widened, features that were added later are null. docs/export.md
 * tells what each column holds. A batch at a time is in memory, and the largest
 * record of the feed. No snapshot is held between two batches: where retention
 * is faster than the reader, the stream fails with `feed-truncated`. The stream
 * may outlive @p store: it then fails with `closed`.
 *
 * @param store        {borrowed stream} may be closed first
 * @param features     {copied} one view and its features, as in
 *                     feature_query_create(): `driver_stats(*)`; or an event and
 *                     its columns
 * @param options      {copied} {nullable} defaults when NULL
 * @param[out] until   {inout} {nullable} the sequence that the stream ends with
 * @param[out] stream  {inout} released memory, which becomes an Arrow C stream
 * @param[out] error   {inout} {nullable}
 * @return FEATURE_INVALID    bad text, more than one view, or until before since;
 *                            `event`: a view FROM an event, which has to be
 *                            asked for itself
 * @return FEATURE_NOT_FOUND  no such view, event or feature; `no-feed`: the store
 *                            keeps none
 * @return FEATURE_GAP        `feed-truncated`: a record after since is there no
 *                            more
 * @return FEATURE_CONFLICT   `epoch`: the feed ends before since or until
 * @return FEATURE_IO, FEATURE_CORRUPT, FEATURE_NO_MEMORY
 * @since 0.1
 * @threads any
 */
FEATURE_API feature_status
feature_store_changes_arrow(feature_store *store, const char *features,
                            const struct feature_changes_arrow_options *options,
                            uint64_t *until, struct ArrowArrayStream *stream,
                            struct feature_error *error);

/**
 * Makes every earlier commit durable; needed only with FEATURE_SYNC_LAST_TXN.
 *
 * @param store       {inout} the store
 * @param[out] error  {inout} {nullable}
 * @return FEATURE_INVALID  read-only, `closed` or `forked`
 * @return FEATURE_IO, FEATURE_FULL
 * @since 0.1
 * @threads any
 */
FEATURE_API feature_status
feature_store_sync(feature_store *store, struct feature_error *error);

/**
 * Reports the state of the store in numbers.
 *
 * @param store       {inout} the store
 * @param[out] stats  {inout} struct_size set; the rest is written
 * @param[out] error  {inout} {nullable}
 * @return FEATURE_INVALID, FEATURE_IO, FEATURE_CORRUPT, FEATURE_NO_MEMORY
 * @return FEATURE_VERSION  `struct-size`
 * @since 0.1
 * @threads any
 */
FEATURE_API feature_status
feature_store_stats(feature_store *store, struct feature_stats *stats,
                    struct feature_error *error);

/**
 * Reports the same, and each view, as OpenMetrics text.
 *
 * @param store       {inout} the store
 * @param[out] text   {owned feature_free} ends in `# EOF`
 * @param[out] error  {inout} {nullable}
 * @return FEATURE_INVALID, FEATURE_IO, FEATURE_CORRUPT, FEATURE_NO_MEMORY
 * @since 0.1
 * @threads any
 */
FEATURE_API feature_status
feature_store_metrics(feature_store *store, char **text,
                      struct feature_error *error);

/**
 * Tells what each view holds, in a few numbers: two stores with equal lines hold
 * the same, and telling takes no longer with more rows.
 *
 * The first line is `store`, its uuid, epoch, commit sequence and commit time;
 * then each view has one: `view`, name, rows, tombstones, content hash, entries
 * of history, history hash, and the sequence of the last commit that touched it.
 * Fields are separated by tabs, all lines are of one commit. The hashes do not
 * depend on the order of writes; followers and restored stores have those of
 * their leader or original. Stores whose views were created in another order
 * have others.
 *
 * @param store       {inout} the store
 * @param[out] text   {owned feature_free} lines, each ending in a newline
 * @param[out] error  {inout} {nullable}
 * @return FEATURE_INVALID, FEATURE_IO, FEATURE_CORRUPT, FEATURE_NO_MEMORY
 * @since 0.1
 * @threads any
 */
FEATURE_API feature_status
feature_store_content(feature_store *store, char **text,
                      struct feature_error *error);

/**
 * Judges the quality rules of feature views: `WITH (check = '...')`.
 *
 * Of what the views hold now, in one snapshot; docs/quality.md says what each
 * figure means. Reads all rows of a view where a rule needs more of it than the
 * number of rows and the newest event timestamp. A rule that does not hold is no
 * error: the call succeeds and counts it.
 *
 * @param store        {inout} the store
 * @param view         {copied} {nullable} name of a feature view; NULL: of all
 * @param[out] report  {inout} struct_size set; the rest is written
 * @param[out] text    {owned feature_free} {nullable} one JSON object a rule and
 *                     line: view, rule, figure (null where there is none, and
 *                     why) and holds
 * @param[out] error   {inout} {nullable}
 * @return FEATURE_NOT_FOUND  `name`: there is no such feature view
 * @return FEATURE_INVALID, FEATURE_IO, FEATURE_CORRUPT, FEATURE_NO_MEMORY,
 *         FEATURE_VERSION
 * @since 0.1
 * @threads any
 */
FEATURE_API feature_status
feature_store_check(feature_store *store, const char *view,
                    struct feature_check_report *report, char **text,
                    struct feature_error *error);

/**
 * Checks the store in the directory @p path for damage.
 *
 * Reads every page of one snapshot of data.mdb with plain file reads, then every
 * row, the views' records and the definitions: docs/reliability.md has the list.
 * Damage is no error: the call succeeds, counts it in the report and goes on
 * behind it. No bytes of a file make it crash, hang or take memory out of
 * proportion to it.
 *
 * Nothing is written to data.mdb, and writers go on. Where the store can be
 * opened a reader holds the snapshot (FEATURE_VERIFIED_HELD), so that its pages
 * stay as they are; the files lock.mdb and open.lock are made where they are
 * missing. Where it cannot, the newest snapshot is read as it lies there; if
 * damage is found and somebody wrote meanwhile, the answer is FEATURE_BUSY.
 *
 * @param path           {copied} the directory of the store
 * @param options        {copied} {nullable} defaults when NULL
 * @param[out] report    {inout} struct_size set; the rest is written
 * @param[out] findings  {owned feature_free} {nullable} one line a finding, and
 *                       how many more there are; empty for a good store
 * @param[out] error     {inout} {nullable}
 * @return FEATURE_INVALID    a wrong argument
 * @return FEATURE_NOT_FOUND  `no-store`
 * @return FEATURE_BUSY       another process is opening or closing it, or wrote
 *                            to it while it could not be held
 * @return FEATURE_VERSION    written by a newer libfeature or LMDB, or
 *                            `struct-size`
 * @return FEATURE_IO, FEATURE_NO_MEMORY
 * @since 0.1
 * @threads any
 */
FEATURE_API feature_status
feature_store_verify(const char *path,
                     const struct feature_verify_options *options,
                     struct feature_verify_report *report, char **findings,
                     struct feature_error *error);

/**
 * Begins to load a view: a whole new version of it is built beside the one that
 * serves, and takes its place with feature_load_commit(), in one commit.
 *
 * Readers and writers go on with the version that serves, and see nothing of the
 * new one. What is written to the view after the cut is written over the loaded
 * rows before the swap; it is taken from the change feed, see docs/loads.md.
 *
 * One load of a view at a time. Its version and its record are in the store from
 * the begin on; should the process end, they stay as `interrupted` until
 * feature_store_discard_load(), feature_store_maintain() or a load of the same id
 * removes them.
 *
 * A load whose id was committed before begins well: it takes rows and forgets
 * them, and its commit answers the old report, with FEATURE_LOADED_DUPLICATE;
 * feature_load_status() says so at once.
 *
 * @param store        {borrowed load} the store
 * @param view         {copied} name of a feature view
 * @param options      {copied} {nullable} defaults when NULL
 * @param[out] load    {owned feature_load_free} the load
 * @param[out] error   {inout} {nullable}
 * @return FEATURE_INVALID      an id, a fingerprint or a cut that cannot be; a
 *                              mistake in check, with line and column; a store
 *                              that is read-only or `closed`
 * @return FEATURE_NOT_FOUND    there is no such view, or feature of it in check
 * @return FEATURE_CONFLICT     `load-id`: the id was committed with another
 *                              fingerprint; `follower`; `no-feed`: without it, the
 *                              time or the sources of the cut are not known
 * @return FEATURE_GAP          `feed-truncated`: the feed begins after the cut
 * @return FEATURE_BUSY         `load`: another load of the view is under way;
 *                              `writer-gate`
 * @return FEATURE_FULL, FEATURE_IO, FEATURE_CORRUPT, FEATURE_NO_MEMORY
 * @since 0.1
 * @threads any
 */
FEATURE_API feature_status
feature_load_begin(feature_store *store, const char *view,
                   const struct feature_load_options *options,
                   feature_load **load, struct feature_error *error);

/**
 * Appends the rows of a batch: UPSERT, made for the view. The batch can be
 * cleared, filled and appended again.
 *
 * For a view FROM an event the batch is one of the event, EVENT: its rows come in
 * any order, and feature_load_commit() folds those of each key into its state. A
 * load takes events or states, not both. See docs/loads.md.
 *
 * Each row is a whole row: a feature that the batch lacks is null. Its time is
 * its event_timestamp, or that of the load. Rows in the order of their keys go
 * straight into the new version, others are sorted, in bounded memory.
 *
 * A row that is refused on its own account (INVALID, save `order`) leaves the load
 * as it was before the call; after any other failure it is over, and every
 * further call but feature_load_abort() says so again.
 *
 * @param load        {inout} the load
 * @param batch       {inout} rows; they stay in it
 * @param[out] error  {inout} {nullable}
 * @return FEATURE_INVALID   a batch for another view or operation; a row that
 *                           the view does not take, `row-size`, `future`: ahead of
 *                           the clock by more than max_skew; `order`
 * @return FEATURE_CONFLICT  `duplicate-key`: two rows of one key;
 *                           `schema-changed`: the view was changed or dropped
 *                           since the load began
 * @return FEATURE_BUSY, FEATURE_FULL, FEATURE_IO, FEATURE_CORRUPT,
 *         FEATURE_NO_MEMORY
 * @since 0.1
 * @threads one
 */
FEATURE_API feature_status
feature_load_append(feature_load *load, feature_batch *batch,
                    struct feature_error *error);

/**
 * Appends the rows of a stream of Arrow record batches, whose columns are taken as
 * feature_store_write_arrow() takes them. For a view FROM an event they are rows of
 * the event, or, with a column `_tiles`, states as feature_store_tiles_arrow()
 * gives them, unless the view keeps history.
 *
 * What came before a failure of the stream is appended; the caller aborts the load
 * or goes on with what is missing.
 *
 * @param load        {inout} the load
 * @param stream      {inout} an Arrow C stream, consumed and released, also after
 *                    a failure
 * @param options     {copied} {nullable} columns alone; the rest is 0
 * @param[out] error  {inout} {nullable} batch is that of the stream, row is in it
 * @return FEATURE_INVALID      as feature_load_append(); `arrow`: a stream that
 *                              breaks Arrow's rules
 * @return FEATURE_UNSUPPORTED  `arrow-type`: a type that no column takes;
 *                              `history`: states, and the view keeps events
 * @return FEATURE_CONFLICT     as feature_load_append()
 * @return FEATURE_IO           `stream`: the producer failed
 * @return FEATURE_BUSY, FEATURE_FULL, FEATURE_CORRUPT, FEATURE_NO_MEMORY
 * @since 0.1
 * @threads one
 */
FEATURE_API feature_status
feature_load_append_arrow(feature_load *load, struct ArrowArrayStream *stream,
                          const struct feature_arrow_options *options,
                          struct feature_error *error);

/**
 * Says how far a load is, without a look at the store: rows and bytes so far, or
 * the report of the load that was committed under its id before.
 *
 * @param load         {inout} the load
 * @param[out] report  {inout} struct_size set
 * @param[out] error   {inout} {nullable}
 * @return FEATURE_INVALID
 * @since 0.1
 * @threads one
 */
FEATURE_API feature_status
feature_load_status(feature_load *load, struct feature_load_report *report,
                    struct feature_error *error);

/**
 * Ends a load: builds what is left, asks the gates, catches up with what was
 * written since the cut, and swaps the new version in with one commit. From then
 * on every new snapshot has it, in all processes.
 *
 * The version before is kept, as many of them as the view's keep_versions say: see
 * feature_store_rollback(). After a failure the old version serves on, and the load
 * is over; FEATURE_IO `outcome-unknown` is as for feature_store_write().
 *
 * @param load         {inout} the load
 * @param[out] report  {inout} {nullable} struct_size set
 * @param[out] error   {inout} {nullable}
 * @return FEATURE_CONFLICT  `gate`: names the rule that failed, its figure and its
 *                           bound; `duplicate-key`; `schema-changed`; `no-feed`:
 *                           the view was written to since the cut, and there is
 *                           no change feed to take it from; `load-cut`: the view
 *                           was loaded or rolled back since the cut
 * @return FEATURE_GAP       `feed-truncated`: the feed begins after the cut
 * @return FEATURE_INVALID, FEATURE_BUSY, FEATURE_FULL, FEATURE_IO,
 *         FEATURE_CORRUPT, FEATURE_NO_MEMORY
 * @since 0.1
 * @threads one
 */
FEATURE_API feature_status
feature_load_commit(feature_load *load, struct feature_load_report *report,
                    struct feature_error *error);

/**
 * Gives a load up and removes what it has built. One that is over is no change.
 *
 * @param load        {inout} the load
 * @param[out] error  {inout} {nullable}
 * @return FEATURE_INVALID, FEATURE_BUSY, FEATURE_FULL, FEATURE_IO,
 *         FEATURE_CORRUPT, FEATURE_NO_MEMORY: what was built is left to
 *         feature_store_discard_load()
 * @since 0.1
 * @threads one
 */
FEATURE_API feature_status
feature_load_abort(feature_load *load, struct feature_error *error);

/**
 * Frees a load, and gives it up where it was not committed.
 *
 * @param load  {inout} {nullable} the load
 * @since 0.1
 * @threads one
 */
FEATURE_API void
feature_load_free(feature_load *load);

/**
 * Lists the loads of a store as lines of JSON, the newest first: `number`, `view`,
 * `id`, `state` (`building`, `interrupted`, `committed`, `failed` or `aborted`),
 * versions, cut, times, rows, gates; docs/loads.md has the fields. The 64 newest of
 * a view are there.
 *
 * @param store       {inout} the store
 * @param view        {copied} {nullable} of which; NULL: of all
 * @param[out] text   {owned feature_free} lines of JSON; empty: there are none
 * @param[out] error  {inout} {nullable}
 * @return FEATURE_INVALID, FEATURE_NOT_FOUND, FEATURE_FULL, FEATURE_IO,
 *         FEATURE_CORRUPT, FEATURE_NO_MEMORY
 * @since 0.1
 * @threads any
 */
FEATURE_API feature_status
feature_store_loads(feature_store *store, const char *view, char **text,
                    struct feature_error *error);

/**
 * Removes what an interrupted load has left.
 *
 * @param store       {inout} the store
 * @param view        {copied} name of a feature view
 * @param id          {copied} {nullable} the load's; NULL: all of the view
 * @param[out] error  {inout} {nullable}
 * @return FEATURE_NOT_FOUND  there is no such view, or no such load of it
 * @return FEATURE_BUSY       `load`: it is under way; `writer-gate`
 * @return FEATURE_INVALID, FEATURE_CONFLICT, FEATURE_FULL, FEATURE_IO,
 *         FEATURE_CORRUPT, FEATURE_NO_MEMORY
 * @since 0.1
 * @threads any
 */
FEATURE_API feature_status
feature_store_discard_load(feature_store *store, const char *view,
                           const char *id, struct feature_error *error);

/**
 * Goes back to a version of a view that is kept: one commit, after it was caught
 * up with what was written to the view since it was replaced, from the change
 * feed. Loads and rollbacks in between are passed over.
 *
 * Without a version or an id it is the one that the last swap replaced. The
 * version that served is kept in its place, so that a second rollback undoes the
 * first. Definitions stay as they are now.
 *
 * @param store        {inout} the store
 * @param view         {copied} name of a feature view
 * @param options      {copied} {nullable} defaults when NULL
 * @param[out] report  {inout} {nullable} struct_size set
 * @param[out] error   {inout} {nullable}
 * @return FEATURE_NOT_FOUND  there is no such view; `no-version`: none is kept,
 *                            or not the one that was asked for: the message has
 *                            those that are
 * @return FEATURE_CONFLICT   `no-feed`: the view was written to, loaded or rolled
 *                            back since, and there is no change feed to take
 *                            writes from; `schema-changed`: the view was dropped
 *                            meanwhile; `follower`
 * @return FEATURE_GAP        `feed-truncated`: the feed begins later
 * @return FEATURE_BUSY       `load`: a load of the view is under way;
 *                            `writer-gate`
 * @return FEATURE_INVALID, FEATURE_FULL, FEATURE_IO, FEATURE_CORRUPT,
 *         FEATURE_NO_MEMORY
 * @since 0.1
 * @threads any
 */
FEATURE_API feature_status
feature_store_rollback(feature_store *store, const char *view,
                       const struct feature_rollback_options *options,
                       struct feature_load_report *report,
                       struct feature_error *error);

/**
 * Writes all that the store holds at one commit to a file.
 *
 * The file is portable between machines and versions; see docs/format.md.
 * Others go on reading and writing meanwhile; pages that they free stay in use
 * until the call ends. All rows are checked: a damaged store gives no snapshot.
 * The file gets its name when it is complete and durable, and replaces a file
 * of that name then; until then it is `<file>.tmp-<number>` beside it.
 *
 * @param store             {inout} the store
 * @param file              {copied} path of the snapshot
 * @param options           {copied} {nullable} defaults when NULL
 * @param[out] progress     {inout} {nullable} zeroed; written during the call
 * @param[out] report       {inout} {nullable} struct_size set
 * @param[out] error        {inout} {nullable}
 * @return FEATURE_INVALID    a wrong option, `closed` or `forked`
 * @return FEATURE_NOT_FOUND  `no-file`: no such directory
 * @return FEATURE_BUSY       `cancelled`
 * @return FEATURE_CORRUPT    the store is damaged
 * @return FEATURE_IO, FEATURE_FULL, FEATURE_NO_MEMORY, FEATURE_VERSION
 * @since 0.1
 * @threads any
 */
FEATURE_API feature_status
feature_store_snapshot(feature_store *store, const char *file,
                       const struct feature_snapshot_options *options,
                       struct feature_progress *progress,
                       struct feature_snapshot_report *report,
                       struct feature_error *error);

/**
 * Makes a store of a snapshot.
 *
 * Every byte of the file is checked, and every row, count and content hash. The
 * store is built beside @p path and gets the name when it is complete, durable
 * and verified as by feature_store_verify(). It goes on with the snapshot's commit sequence. With
 * FEATURE_RESTORE_VERIFY_ONLY nothing is written and @p path is NULL.
 *
 * @param file              {copied} a snapshot
 * @param path              {copied} {nullable} of the new store; nothing may be
 *                          there
 * @param options           {copied} {nullable} defaults when NULL
 * @param[out] progress     {inout} {nullable} zeroed; written during the call
 * @param[out] report       {inout} {nullable} struct_size set
 * @param[out] error        {inout} {nullable} the message says at which byte
 * @return FEATURE_INVALID    a wrong option or path
 * @return FEATURE_NOT_FOUND  `no-file`
 * @return FEATURE_CONFLICT   `in-use`: something is at @p path
 * @return FEATURE_BUSY       `cancelled`
 * @return FEATURE_CORRUPT    not a whole and undamaged snapshot, or the disk
 *                            spoiled the new store
 * @return FEATURE_VERSION    `format`, `feature-bits`: of a newer libfeature
 * @return FEATURE_IO, FEATURE_FULL, FEATURE_NO_MEMORY
 * @return FEATURE_UNSUPPORTED as feature_store_open()
 * @since 0.1
 * @threads any
 */
FEATURE_API feature_status
feature_store_restore(const char *file, const char *path,
                      const struct feature_restore_options *options,
                      struct feature_progress *progress,
                      struct feature_snapshot_report *report,
                      struct feature_error *error);

/**
 * Rewrites a store's file without its free pages.
 *
 * Nobody may have the store open, this process included; whoever opens it
 * meanwhile waits, or gets BUSY. The new file is built inside the store's
 * directory, checked and verified as by a snapshot and a restore, and put in
 * place by one rename: after a cut at any moment the store is the old one or the
 * new one.
 *
 * @param path              {copied} the store's directory
 * @param options           {copied} {nullable} as for feature_store_open(); of
 *                          the flags FEATURE_OPEN_ALLOW_REMOTE alone
 * @param[out] progress     {inout} {nullable} zeroed; written during the call
 * @param[out] report       {inout} {nullable} struct_size set
 * @param[out] error        {inout} {nullable}
 * @return FEATURE_BUSY       `in-use`: somebody has it open; `cancelled`
 * @return FEATURE_CORRUPT    the store is damaged; it stays as it is
 * @return FEATURE_INVALID, FEATURE_IO, FEATURE_FULL, FEATURE_NO_MEMORY and what
 *         feature_store_open() returns
 * @since 0.1
 * @threads any
 */
FEATURE_API feature_status
feature_store_compact(const char *path, const struct feature_options *options,
                      struct feature_progress *progress,
                      struct feature_snapshot_report *report,
                      struct feature_error *error);

/**
 * Tells where to go on with a source.
 *
 * A write that names sources stores their offsets in the commit of its rows. A
 * source whose next_offset is at or below the stored one was written before:
 * where that is so for all sources of a write, the write does nothing, takes no
 * sequence, and its rows are DUPLICATE. Where it is so for some, or a source
 * begins below the stored offset and ends above, the write fails as CONFLICT
 * `overlap`. A source that begins above the stored offset is accepted; its jump
 * is counted.
 *
 * @param store                {inout} the store
 * @param name                 {copied} the source
 * @param partition            of the source
 * @param[out] next_offset     {inout} the stored one
 * @param[out] position        {owned feature_free} {nullable} its bytes, and a
 *                             zero
 * @param[out] position_size   {inout} {nullable} how many; given with
 *                             @p position
 * @param[out] error           {inout} {nullable}
 * @return FEATURE_NOT_FOUND  `name`: nothing was written from it
 * @return FEATURE_INVALID, FEATURE_IO, FEATURE_CORRUPT, FEATURE_NO_MEMORY
 * @since 0.1
 * @threads any
 */
FEATURE_API feature_status
feature_store_offset(feature_store *store, const char *name, uint32_t partition,
                     uint64_t *next_offset, char **position,
                     uint32_t *position_size, struct feature_error *error);

/**
 * Makes a store do what another one did: applies one record of its change feed.
 *
 * Records come in order of sequence, from feature_changes_next() of the leader.
 * One that was applied before is no change. After each, the store holds what
 * the leader held after that commit: rows, definitions, source offsets, commit
 * time, content hashes.
 *
 * A new store without any commit becomes the follower of the store that its
 * first record is of; one that was restored from a snapshot, of the store that
 * was copied. From then on other writes are refused, CONFLICT `follower`, until
 * feature_store_promote().
 *
 * @param store        {inout} the store
 * @param record       {copied} the bytes of a feature_change_record
 * @param size         how many
 * @param[out] commit  {inout} {nullable} struct_size set; the record's commit,
 *                     or for one applied before, the newest there is
 * @param[out] error   {inout} {nullable}
 * @return FEATURE_GAP        `gap`: records between are missing; `load`: a view
 *                            was loaded or rolled back as a whole, which no record
 *                            can tell: take a new snapshot
 * @return FEATURE_CONFLICT   `epoch`: of another store or of an epoch that has
 *                            ended, or the histories of the two differ
 * @return FEATURE_CORRUPT    the record is damaged
 * @return FEATURE_UNSUPPORTED  it holds a change of a later libfeature
 * @return FEATURE_INVALID, FEATURE_BUSY, FEATURE_FULL, FEATURE_IO,
 *         FEATURE_NO_MEMORY
 * @since 0.1
 * @threads any
 */
FEATURE_API feature_status
feature_store_follow(feature_store *store, const void *record, size_t size,
                     struct feature_commit *commit,
                     struct feature_error *error);

/**
 * Makes a follower a leader, and opens a new epoch: from here on records of the
 * old leader are refused, by this store and by those that follow it.
 *
 * @param store        {inout} the store
 * @param[out] epoch   {inout} {nullable} the new one; of a store that follows
 *                     nobody the present one, and nothing changes
 * @param[out] error   {inout} {nullable}
 * @return FEATURE_INVALID, FEATURE_BUSY, FEATURE_FULL, FEATURE_IO,
 *         FEATURE_CORRUPT, FEATURE_NO_MEMORY
 * @since 0.1
 * @threads any
 */
FEATURE_API feature_status
feature_store_promote(feature_store *store, uint64_t *epoch,
                      struct feature_error *error);

/**
 * Opens the change feed of a store, which STORE WITH (changes = ...) turns on.
 *
 * @param store         {borrowed changes} may be closed first: see `closed`
 * @param options       {copied} {nullable} defaults when NULL
 * @param[out] changes  {owned feature_changes_free}
 * @param[out] error    {inout} {nullable}
 * @return FEATURE_NOT_FOUND  `no-feed`: it is off; `name`: nothing to resume
 * @return FEATURE_GAP        `feed-truncated`: a record after since is there no
 *                            more, or never was
 * @return FEATURE_CONFLICT   `epoch`: since is ahead of the store
 * @return FEATURE_INVALID, FEATURE_BUSY, FEATURE_FULL, FEATURE_IO,
 *         FEATURE_CORRUPT, FEATURE_NO_MEMORY
 * @since 0.1
 * @threads any
 */
FEATURE_API feature_status
feature_changes_open(feature_store *store,
                     const struct feature_changes_options *options,
                     feature_changes **changes, struct feature_error *error);

/**
 * Reads the next record. At the end of the feed its bytes are NULL, which is no
 * failure: later there may be more.
 *
 * @param changes      {inout} the reader
 * @param[out] record  {inout} valid until the next call
 * @param[out] error   {inout} {nullable}
 * @return FEATURE_GAP        `feed-truncated`: retention was faster
 * @return FEATURE_NOT_FOUND  `no-feed`: it was turned off
 * @return FEATURE_INVALID, FEATURE_IO, FEATURE_CORRUPT, FEATURE_NO_MEMORY
 * @since 0.1
 * @threads one
 */
FEATURE_API feature_status
feature_changes_next(feature_changes *changes,
                     struct feature_change_record *record,
                     struct feature_error *error);

/**
 * Waits until there is a next record, or the time is over.
 *
 * @param changes     {inout} the reader
 * @param timeout_ms  the longest wait
 * @param[out] error  {inout} {nullable}
 * @return FEATURE_OK also where there is none yet
 * @return what feature_changes_next() returns
 * @since 0.1
 * @threads one
 */
FEATURE_API feature_status
feature_changes_wait(feature_changes *changes, uint32_t timeout_ms,
                     struct feature_error *error);

/**
 * Tells the store that the consumer needs no record up to @p sequence any more,
 * and renews his claim. Takes no sequence number.
 *
 * @param changes     {inout} a reader with a consumer
 * @param sequence    at most that of the last record read; one below an earlier
 *                    acknowledgement only renews the claim
 * @param[out] error  {inout} {nullable}
 * @return FEATURE_INVALID, FEATURE_BUSY, FEATURE_FULL, FEATURE_IO,
 *         FEATURE_CORRUPT, FEATURE_NO_MEMORY
 * @since 0.1
 * @threads one
 */
FEATURE_API feature_status
feature_changes_acknowledge(feature_changes *changes, uint64_t sequence,
                            struct feature_error *error);

/**
 * Writes a record as one line of JSON, with the names of the store's present
 * definitions; docs/format.md has its shape.
 *
 * @param changes     {inout} the reader
 * @param record      {copied} the bytes of a record
 * @param size        how many
 * @param[out] text   {owned feature_free} without a newline
 * @param[out] error  {inout} {nullable}
 * @return FEATURE_INVALID, FEATURE_IO, FEATURE_CORRUPT, FEATURE_NO_MEMORY
 * @since 0.1
 * @threads one
 */
FEATURE_API feature_status
feature_changes_json(feature_changes *changes, const void *record, size_t size,
                     char **text, struct feature_error *error);

/**
 * Frees a reader of the change feed. Its consumer's claim stays.
 *
 * @param changes  {inout} {nullable} the reader
 * @since 0.1
 * @threads one
 */
FEATURE_API void
feature_changes_free(feature_changes *changes);

/**
 * Makes an empty batch for one view, or for one event.
 *
 * @p columns names the columns in the order of feature_batch_set(), separated
 * by commas. Of a view: every join key, `event_timestamp` or not (then every
 * row takes the time of its commit), and features. NULL stands for the join
 * keys, `event_timestamp` and, save for a DELETE, every feature in order of
 * definition.
 *
 * Of an event, for EVENT and RETRACT: any of its columns (the others are null)
 * and `event_timestamp` or not. NULL stands for all of its columns, then
 * `event_timestamp`. A view FROM an event takes DELETE alone.
 *
 * @param store       {borrowed batch} may be closed first: see `closed`
 * @param view        {copied} a feature view; an event for EVENT and RETRACT
 * @param columns     {copied} {nullable} column names
 * @param operation   ::feature_operation
 * @param[out] batch  {owned feature_batch_free}
 * @param[out] error  {inout} {nullable} column: byte in @p columns, from 1
 * @return FEATURE_INVALID      a key missing, a column twice, a PATCH without
 *                              features, a DELETE with some, a NOT NULL feature
 *                              without DEFAULT left out of an UPSERT, an
 *                              operation that the view or the event has not
 * @return FEATURE_NOT_FOUND    no such view, event or column
 * @return FEATURE_IO, FEATURE_CORRUPT, FEATURE_NO_MEMORY
 * @since 0.1
 * @threads any
 */
FEATURE_API feature_status
feature_batch_create(feature_store *store, const char *view,
                     const char *columns, int32_t operation,
                     feature_batch **batch, struct feature_error *error);

/**
 * Sets one column of a batch.
 *
 * Values are in Arrow's layout: BOOL is bit-packed, STRING and BYTES take
 * @p rows + 1 offsets (which need not begin at 0), a vector T[n] has rows x n
 * values. The type may be one that widens to the column's: INT32 into INT64 or
 * FLOAT64, FLOAT32 into FLOAT64, INT64 into TIMESTAMP. Whether the values can
 * be stored is checked by feature_store_write().
 *
 * @param batch       {inout} the batch
 * @param column      index into the batch's columns
 * @param type        ::feature_type of the values
 * @param values      {copied} {nullable} the values; NULL when there are none
 * @param offsets     {copied} {nullable} for STRING and BYTES
 * @param validity    {copied} {nullable} bit i: row i is not null; NULL: none
 *                    is null
 * @param rows        rows of the batch; every column must have the same number
 * @param[out] error  {inout} {nullable}
 * @return FEATURE_INVALID    a wrong type, or offsets that decrease
 * @return FEATURE_NO_MEMORY
 * @since 0.1
 * @threads one
 */
FEATURE_API feature_status
feature_batch_set(feature_batch *batch, uint32_t column, int32_t type,
                  const void *values, const int32_t *offsets,
                  const uint8_t *validity, uint32_t rows,
                  struct feature_error *error);

/**
 * Sets one list column of a batch: numeric elements, or strings.
 *
 * List i is the elements from offsets[i] to offsets[i + 1]. Element j of a
 * STRING[] is the bytes from child_offsets[j] to child_offsets[j + 1]. Elements
 * are never null.
 *
 * @param batch          {inout} the batch
 * @param column         index into the batch's columns
 * @param type           ::feature_type of the elements
 * @param values         {copied} {nullable} the elements, or their bytes
 * @param offsets        {copied} {nullable} rows + 1; NULL when rows is 0
 * @param child_offsets  {copied} {nullable} for STRING elements
 * @param validity       {copied} {nullable} bit i: list i is not null
 * @param rows           rows of the batch
 * @param[out] error     {inout} {nullable}
 * @return FEATURE_INVALID    not a list, a wrong type, or offsets that decrease
 * @return FEATURE_NO_MEMORY
 * @since 0.1
 * @threads one
 */
FEATURE_API feature_status
feature_batch_set_list(feature_batch *batch, uint32_t column, int32_t type,
                       const void *values, const int32_t *offsets,
                       const int32_t *child_offsets, const uint8_t *validity,
                       uint32_t rows, struct feature_error *error);

/**
 * Describes one column of a batch.
 *
 * @param batch       {copied} the batch
 * @param column      index into the batch's columns
 * @param[out] field  {inout} its name is {borrowed batch}
 * @param[out] error  {inout} {nullable}
 * @return FEATURE_NOT_FOUND  no such column: the index past the last one
 *                            ends a loop
 * @return FEATURE_INVALID    a missing argument
 * @since 0.1
 * @threads one
 */
FEATURE_API feature_status
feature_batch_column(const feature_batch *batch, uint32_t column,
                     struct feature_field *field, struct feature_error *error);

/**
 * Tells what became of each row in the last write that succeeded.
 *
 * @param batch  {copied} the batch
 * @return {borrowed batch} {nullable} one ::feature_outcome per row; NULL
 *         before a write, and after the batch was set again or cleared
 * @since 0.1
 * @threads one
 */
FEATURE_API const uint8_t *
feature_batch_outcomes(const feature_batch *batch);

/**
 * Tells why a row was REJECTED in the last write.
 *
 * @param batch       {copied} the batch
 * @param row         index of the row
 * @param[out] error  {inout} {nullable} filled with the row's problem
 * @return the status the row alone would have failed with; FEATURE_OK where the
 *         row was not rejected
 * @since 0.1
 * @threads one
 */
FEATURE_API feature_status
feature_batch_problem(const feature_batch *batch, uint32_t row,
                      struct feature_error *error);

/**
 * Empties a batch and keeps its memory for the next rows.
 *
 * @param batch  {inout} {nullable} the batch
 * @since 0.1
 * @threads one
 */
FEATURE_API void
feature_batch_clear(feature_batch *batch);

/**
 * Frees a batch.
 *
 * @param batch  {inout} {nullable} the batch
 * @since 0.1
 * @threads one
 */
FEATURE_API void
feature_batch_free(feature_batch *batch);

/**
 * Resolves @p features once, so that reads look up no names.
 *
 * @p features is a list, separated by commas, of feature references
 * (`view:feature`), of views (`view(a, b AS c) AS alias (key AS other)`, with
 * `*` for all features) and of feature services by name. Keys are the union of
 * the join keys' names after renaming; columns are named by feature, or
 * `alias__feature` where there is an alias.
 *
 * Costs one catalog lookup per feature and reads no row. Keys and columns are
 * fixed here, wildcards too; any number of requests may share the query. When
 * the catalog has changed, the next read plans the decoding again, or answers
 * FEATURE_CONFLICT `schema-changed`.
 *
 * @param store       {borrowed query} may be closed first: see `closed`
 * @param features    {copied} what to read
 * @param options     {copied} {nullable} defaults when NULL
 * @param[out] query  {owned feature_query_free}
 * @param[out] error  {inout} {nullable}
 * @return FEATURE_INVALID      bad syntax, a STRING under MATRIX, `closed`
 * @return FEATURE_NOT_FOUND    no such view, feature or feature service
 * @return FEATURE_CONFLICT     a key of two types, or two columns of one name
 * @return FEATURE_IO, FEATURE_CORRUPT, FEATURE_NO_MEMORY
 * @since 0.1
 * @threads any
 */
FEATURE_API feature_status
feature_query_create(feature_store *store, const char *features,
                     const struct feature_query_options *options,
                     feature_query **query, struct feature_error *error);

/**
 * Counts the join keys a request has to set.
 *
 * @param query  {copied} the query
 * @since 0.1
 * @threads any
 */
FEATURE_API uint32_t
feature_query_key_count(const feature_query *query);

/**
 * Counts the columns a request answers.
 *
 * @param query  {copied} the query
 * @since 0.1
 * @threads any
 */
FEATURE_API uint32_t
feature_query_column_count(const feature_query *query);

/**
 * Counts the views, that is the lookups per row: one view in two roles counts
 * twice.
 *
 * @param query  {copied} the query
 * @since 0.1
 * @threads any
 */
FEATURE_API uint32_t
feature_query_view_count(const feature_query *query);

/**
 * Tells how many floats a row of the dense matrix has.
 *
 * @param query  {copied} the query
 * @return 0 where the query was not made with FEATURE_QUERY_MATRIX
 * @since 0.1
 * @threads any
 */
FEATURE_API uint32_t
feature_query_matrix_width(const feature_query *query);

/**
 * Describes one join key of a query.
 *
 * @param query       {copied} the query
 * @param index       below feature_query_key_count()
 * @param[out] field  {inout} its name is {borrowed query}
 * @param[out] error  {inout} {nullable}
 * @return FEATURE_NOT_FOUND  the index is too large
 * @return FEATURE_INVALID    a missing argument
 * @since 0.1
 * @threads any
 */
FEATURE_API feature_status
feature_query_key(const feature_query *query, uint32_t index,
                  struct feature_field *field, struct feature_error *error);

/**
 * Describes one column of a query.
 *
 * @param query       {copied} the query
 * @param index       below feature_query_column_count()
 * @param[out] field  {inout} its name is {borrowed query}
 * @param[out] error  {inout} {nullable}
 * @return FEATURE_NOT_FOUND  the index is too large
 * @return FEATURE_INVALID    a missing argument
 * @since 0.1
 * @threads any
 */
FEATURE_API feature_status
feature_query_column(const feature_query *query, uint32_t index,
                     struct feature_field *field, struct feature_error *error);

/**
 * Names one view of a query: its alias, or its own name.
 *
 * @param query       {copied} the query
 * @param index       below feature_query_view_count()
 * @param[out] field  {inout} its name is {borrowed query}
 * @param[out] error  {inout} {nullable}
 * @return FEATURE_NOT_FOUND  the index is too large
 * @return FEATURE_INVALID    a missing argument
 * @since 0.1
 * @threads any
 */
FEATURE_API feature_status
feature_query_view(const feature_query *query, uint32_t index,
                   struct feature_field *field, struct feature_error *error);

/**
 * Returns a number that stands for the keys and columns: their names, types
 * and order. Store it beside a model; equal numbers mean the same inputs.
 *
 * @param query  {copied} the query
 * @since 0.1
 * @threads any
 */
FEATURE_API uint64_t
feature_query_fingerprint(const feature_query *query);

/**
 * Joins labels with features as of each label's own time: makes an Arrow stream
 * with one row for each row of @p labels, in their order, all columns of the
 * labels first and the features behind them.
 *
 * The labels have a column for each join key of the query, by its name, and one
 * of times: a timestamp of any unit and zone, or int64 microseconds. A time is
 * needed in every row, and has to be whole in microseconds; a null key reads as
 * FEATURE_STATE_NO_KEY. Every other column is carried along, of whatever type.
 * Values of labels are not copied: record batches of the answer are the
 * producer's own, or slices of them, and hold on to them.
 *
 * Labels are asked for when batches are: up to options->chunk_rows at a time are
 * sorted by key and time, and answered from one snapshot, as
 * feature_request_read() would with feature_request_set_as_of(). Memory is
 * bounded by that number and by the largest record batch, not by how many labels
 * there are. The stream may outlive @p query and the store, whose closing it
 * reports as `closed`; it may be released before its end.
 *
 * A failure of the stream is for good: an errno value, the producer's own where
 * it was its, and a text that begins with the reason word and names record
 * batch, row and column of the labels.
 *
 * @param query        {borrowed stream} may be freed first
 * @param labels       {inout} Arrow C stream; it is moved: released by the call
 *                     or with @p stream, whatever the answer
 * @param options      {copied} {nullable} defaults when NULL
 * @param[out] stream  {inout} released memory, which becomes an Arrow C stream
 * @param[out] error   {inout} {nullable}
 * @return FEATURE_INVALID      a key or time of a type that cannot be one, an
 *                              ambiguous name; `arrow`: a stream that breaks
 *                              Arrow's rules
 * @return FEATURE_NOT_FOUND    the labels lack a key or the time
 * @return FEATURE_CONFLICT     `name`: a feature and a column of the labels have
 *                              one name
 * @return FEATURE_UNSUPPORTED  `arrow-type`: one that a key or time cannot have
 * @return FEATURE_IO           `stream`: the producer failed
 * @return FEATURE_NO_MEMORY
 * @since 0.1
 * @threads any
 */
FEATURE_API feature_status
feature_query_join_arrow(const feature_query *query,
                         struct ArrowArrayStream *labels,
                         const struct feature_join_options *options,
                         struct ArrowArrayStream *stream,
                         struct feature_error *error);

/**
 * Lists versions of rows: makes an Arrow stream of what was written to the given
 * keys of one view, late writes too, key by key in the order of @p keys, of each
 * the newest event timestamp first, of equal ones the latest write.
 *
 * Columns: the join keys, `event_timestamp`, `_sequence` (int64, of the commit),
 * `_commit_time`, `_operation` (int32, ::feature_operation), `_written` (binary,
 * bit i, lowest first: the write had the query's column i), then the features. A
 * value is as written: neither ttl nor fill nor DEFAULT has a say. A null whose
 * bit is set was written, and so is every null of a DELETE; one whose bit is not
 * set is a feature that a PATCH did not name, or that did not exist yet.
 *
 * The row that was there before history began comes as its key's last version:
 * its `_sequence` is null, its `_commit_time` that of the beginning, its
 * `_operation` 0, or DELETE, and its bits are those of all that was ever written.
 * Versions that retention dropped are gone: see feature_history_report.horizon.
 * With feature_query_options.known_by only versions committed by then are listed.
 *
 * Of a view FROM an event it lists how the features developed: a row for each
 * time at which an event of the key is kept, late ones too, with the features as
 * a read as of one microsecond after that time answers them. `event_timestamp` is
 * that time; the commit and the operation (EVENT, RETRACT, DELETE) are those of
 * the newest commit at it. A bit of `_written` says that the value is known: of a
 * null whose bit is not set nobody knows it any more (NO_HISTORY, PARTIAL).
 *
 * A null key, and one that was never written, has no versions; a key that is
 * given twice has its versions twice. All batches are of one commit, whose pages
 * stay in use until the end or the release: after options->max_age_ms the stream
 * fails with `scan-age`. A batch at a time is in memory, in buffers of its own.
 * The stream may outlive @p query and the store, whose closing it reports as
 * `closed`.
 *
 * @param query         {borrowed stream} of one view; may be freed first
 * @param keys          {copied} one for each key of the query: its type, rows and
 *                      values, offsets for STRING and BYTES, validity or NULL; one
 *                      row stands for all
 * @param key_count     feature_query_key_count()
 * @param options       {copied} {nullable} defaults when NULL
 * @param[out] report   {inout} {nullable} how far back history goes
 * @param[out] stream   {inout} released memory, which becomes an Arrow C stream
 * @param[out] error    {inout} {nullable}
 * @return FEATURE_INVALID    more than one view, keys of a wrong type or of unequal
 *                            rows; `closed`
 * @return FEATURE_NOT_FOUND  `history`: the view keeps none
 * @return FEATURE_CONFLICT   `schema-changed`
 * @return FEATURE_BUSY       `scan-limit`: too many streams hold a snapshot
 * @return FEATURE_IO, FEATURE_CORRUPT, FEATURE_NO_MEMORY
 * @since 0.1
 * @threads any
 */
FEATURE_API feature_status
feature_query_history(const feature_query *query,
                      const struct feature_column *keys, uint32_t key_count,
                      const struct feature_history_options *options,
                      struct feature_history_report *report,
                      struct ArrowArrayStream *stream,
                      struct feature_error *error);

/**
 * Frees a query. Free its requests first.
 *
 * @param query  {inout} {nullable} the query
 * @since 0.1
 * @threads one
 */
FEATURE_API void
feature_query_free(feature_query *query);

/**
 * Makes a request: the keys of one read and the memory of its answer.
 *
 * Once a read of some size has been answered, reads up to that size allocate
 * nothing, save for the indexes of a view that many keys are looked up in: two
 * at most from one commit to the next.
 *
 * @param query         {borrowed request} has to outlive the request
 * @param[out] request  {owned feature_request_free}
 * @param[out] error    {inout} {nullable}
 * @return FEATURE_INVALID    a missing argument, `closed`
 * @return FEATURE_NO_MEMORY
 * @since 0.1
 * @threads any
 */
FEATURE_API feature_status
feature_request_create(const feature_query *query, feature_request **request,
                       struct feature_error *error);

/**
 * Sets one join key of a request, for all its rows.
 *
 * A key column has one row, which stands for every row, or as many as the
 * request; if any has none, the answer has no rows. Keys stay until they are
 * set again or cleared. INT32 widens to INT64.
 *
 * @param request     {inout} the request
 * @param key         below feature_query_key_count()
 * @param type        ::feature_type of the values
 * @param values      {copied} {nullable} the values; NULL when there are none
 * @param offsets     {copied} {nullable} rows + 1, for STRING and BYTES
 * @param validity    {copied} {nullable} bit i: key i is not null
 * @param rows        number of keys
 * @param[out] error  {inout} {nullable}
 * @return FEATURE_INVALID    a wrong type, offsets that decrease, text that is
 *                            not UTF-8
 * @return FEATURE_NO_MEMORY
 * @since 0.1
 * @threads one
 */
FEATURE_API feature_status
feature_request_set_key(feature_request *request, uint32_t key, int32_t type,
                        const void *values, const int32_t *offsets,
                        const uint8_t *validity, uint32_t rows,
                        struct feature_error *error);

/**
 * Asks for the answer as of a time, per row.
 *
 * Each row answers with the newest values whose event timestamp is at or
 * before its time; ttl counts from there. Where that is not kept, the state is
 * FEATURE_STATE_NO_HISTORY and the value null. A view keeps history from the
 * moment on at which its option `history` is set; of other views only current
 * values can answer. Features of windows count the events before the time; what
 * a view FROM an event stores answers most times without history
 * (docs/windows.md).
 *
 * @param request     {inout} the request
 * @param timestamps  {copied} {nullable} the times
 * @param rows        one for all rows, or one per row; 0 goes back to the
 *                    newest values
 * @param[out] error  {inout} {nullable}
 * @return FEATURE_INVALID    INT64_MIN, or a missing argument
 * @return FEATURE_NO_MEMORY
 * @since 0.1
 * @threads one
 */
FEATURE_API feature_status
feature_request_set_as_of(feature_request *request, const int64_t *timestamps,
                          uint32_t rows, struct feature_error *error);

/**
 * Counts events that are not stored: each row is answered as if its event had
 * been written just before.
 *
 * Row i of the batch belongs to row i of the request; a batch of one row belongs
 * to all. In each view FROM the event, a row's event counts where its columns
 * hold the join key that the request asks the row for; where they hold another
 * key or a null, it does not. The keys of the request are never changed.
 *
 * An event is visible from one microsecond after its own timestamp on: the
 * views FROM it are read at the later one of that and the row's time, which is
 * that of feature_request_set_as_of(), or else the clock. Without a column
 * event_timestamp each event is at the clock. Of events of equal timestamps it
 * is the latest. Nothing is written, and no event is too far ahead of the clock.
 * One whose id was seen less than `dedupe_for` ago is stored already, and
 * does not count again.
 *
 * @param request     {inout} the request
 * @param batch       {inout} {nullable} rows for FEATURE_EVENT, of the same
 *                    store, which are copied; NULL or a batch without rows goes
 *                    back to none
 * @param[out] error  {inout} {nullable}
 * @return FEATURE_INVALID    a batch for another operation or of another store,
 *                            a row that could not be written, `closed`
 * @return FEATURE_CONFLICT   `schema-changed`: the event was dropped
 * @return FEATURE_NO_MEMORY
 * @since 0.1
 * @threads one
 */
FEATURE_API feature_status
feature_request_set_events(feature_request *request, feature_batch *batch,
                           struct feature_error *error);

/**
 * Reads all keys from one snapshot into columns.
 *
 * Without feature_request_set_as_of() the newest row answers, whatever its
 * event timestamp. After a failure the request holds no answer.
 *
 * @param request     {inout} the request
 * @param[out] error  {inout} {nullable}
 * @return FEATURE_INVALID   a key not set, unequal rows, `closed`, `forked`
 * @return FEATURE_CONFLICT  `schema-changed`: a feature was dropped, or a value
 *                           no longer fits its column
 * @return FEATURE_CORRUPT   a stored row is damaged; names view and row
 * @return FEATURE_FULL      a column of more than 2^31 - 1 bytes; the reader
 *                           table
 * @return FEATURE_IO, FEATURE_VERSION, FEATURE_NO_MEMORY
 * @since 0.1
 * @threads one
 */
FEATURE_API feature_status
feature_request_read(feature_request *request, struct feature_error *error);

/**
 * Reads all keys from one snapshot into a dense row-major float32 matrix.
 *
 * Numbers and booleans are cast, vectors are flattened, a TIMESTAMP is its age
 * in seconds, a null is NaN. States, timestamps, commit and clock are answered
 * as by feature_request_read(); columns are not. On failure the matrix is
 * untouched and the request holds no answer.
 *
 * @param request     {inout} of a query made with FEATURE_QUERY_MATRIX
 * @param matrix      {inout} rows x stride floats, rows being those of the keys
 *                    and as-of times that were set; its size cannot be checked
 * @param stride      floats from row to row, at least
 *                    feature_query_matrix_width()
 * @param[out] error  {inout} {nullable}
 * @return as feature_request_read()
 * @since 0.1
 * @threads one
 */
FEATURE_API feature_status
feature_request_read_matrix(feature_request *request, float *matrix,
                            size_t stride, struct feature_error *error);

/**
 * Gives one column of the last feature_request_read().
 *
 * @param request      {copied} the request
 * @param index        below feature_query_column_count()
 * @param[out] column  {inout} buffers are {borrowed request}
 * @param[out] error   {inout} {nullable}
 * @return FEATURE_NOT_FOUND  the index is too large
 * @return FEATURE_INVALID    nothing was read yet
 * @since 0.1
 * @threads one
 */
FEATURE_API feature_status
feature_request_column(const feature_request *request, uint32_t index,
                       struct feature_column *column,
                       struct feature_error *error);

/**
 * Gives all columns of the last feature_request_read() at once.
 *
 * @param request       {copied} the request
 * @param[out] columns  {inout} buffers are {borrowed request}
 * @param count         exactly feature_query_column_count()
 * @param[out] error    {inout} {nullable}
 * @return FEATURE_INVALID  another count, or nothing was read yet
 * @since 0.1
 * @threads one
 */
FEATURE_API feature_status
feature_request_columns(const feature_request *request,
                        struct feature_column *columns, uint32_t count,
                        struct feature_error *error);

/**
 * Counts the rows of the last read.
 *
 * @param request  {copied} the request
 * @return 0 before the first read
 * @since 0.1
 * @threads one
 */
FEATURE_API uint32_t
feature_request_row_count(const feature_request *request);

/**
 * Tells what each row of the last read met in one view.
 *
 * @param request  {copied} the request
 * @param view     below feature_query_view_count()
 * @return {borrowed request} {nullable} one ::feature_state per row; NULL
 *         before the first read or for a wrong view
 * @since 0.1
 * @threads one
 */
FEATURE_API const uint8_t *
feature_request_states(const feature_request *request, uint32_t view);

/**
 * Gives the event timestamp of each row of the last read in one view.
 *
 * @param request  {copied} the request
 * @param view     below feature_query_view_count()
 * @return {borrowed request} {nullable} one timestamp per row, INT64_MIN where
 *         no row answered; NULL before the first read or for a wrong view
 * @since 0.1
 * @threads one
 */
FEATURE_API const int64_t *
feature_request_timestamps(const feature_request *request, uint32_t view);

/**
 * Tells which commit the last read saw.
 *
 * @param request  {copied} the request
 * @return its sequence; 0 before the first commit or read
 * @since 0.1
 * @threads one
 */
FEATURE_API uint64_t
feature_request_commit(const feature_request *request);

/**
 * Tells which clock the last read used: with the commit, an answer can be
 * reproduced.
 *
 * @param request  {copied} the request
 * @return microseconds since 1970 UTC; 0 before the first read
 * @since 0.1
 * @threads one
 */
FEATURE_API int64_t
feature_request_now(const feature_request *request);

/**
 * Tells of which span of time a feature of the last read was computed: of the
 * events with from <= timestamp < to.
 *
 * A window is not longer than written by more than its hop less a microsecond;
 * these are its true ends. Of a feature over all time, from is INT64_MIN.
 *
 * @param request    {copied} the request
 * @param column     below feature_query_column_count(), of a view FROM an event
 * @param row        of the answer
 * @param[out] from  {inout} microseconds since 1970 UTC
 * @param[out] to    {inout} the first microsecond that is not in it
 * @param[out] error {inout} {nullable}
 * @return FEATURE_INVALID    no read yet, a column of rows, no such row
 * @return FEATURE_NOT_FOUND  no such column
 * @since 0.1
 * @threads one
 */
FEATURE_API feature_status
feature_request_window(const feature_request *request, uint32_t column,
                       uint32_t row, int64_t *from, int64_t *to,
                       struct feature_error *error);

/**
 * Copies the answer of the last feature_request_read() into one Arrow struct
 * array with a child per column.
 *
 * The array owns its memory and outlives the request; whoever releases it may
 * do so on any thread.
 *
 * @param request      {copied} the request
 * @param flags        ::feature_export_flag bits
 * @param[out] schema  {inout} released memory, which becomes an Arrow C schema
 * @param[out] array   {inout} the same for an Arrow C array
 * @param[out] error   {inout} {nullable}
 * @return FEATURE_INVALID    no columns were read, or an unknown flag
 * @return FEATURE_NO_MEMORY
 * @since 0.1
 * @threads one
 */
FEATURE_API feature_status
feature_request_export_arrow(const feature_request *request, uint32_t flags,
                             struct ArrowSchema *schema,
                             struct ArrowArray *array,
                             struct feature_error *error);

/**
 * Forgets keys, as-of times and the answer, and keeps the memory.
 *
 * @param request  {inout} {nullable} the request
 * @since 0.1
 * @threads one
 */
FEATURE_API void
feature_request_clear(feature_request *request);

/**
 * Frees a request.
 *
 * @param request  {inout} {nullable} the request
 * @since 0.1
 * @threads one
 */
FEATURE_API void
feature_request_free(feature_request *request);

/**
 * Makes an empty sketch.
 *
 * A sketch of DISTINCT is exact up to 64 values (fewer below precision 10);
 * beyond, its relative standard error is about 1.04 / sqrt(2^precision): 1.6 %
 * at 12. One of QUANTILES answers within max_error of the value of the rank that
 * was asked for; magnitudes count as at least 1e-9 and at most 1e12.
 *
 * @param options      {copied} kind is needed
 * @param[out] sketch  {owned feature_sketch_free}
 * @param[out] error   {inout} {nullable}
 * @return FEATURE_INVALID  no such kind, or a parameter out of range
 * @return FEATURE_VERSION, FEATURE_NO_MEMORY
 * @since 0.1
 * @threads any
 */
FEATURE_API feature_status
feature_sketch_create(const struct feature_sketch_options *options,
                      feature_sketch **sketch, struct feature_error *error);

/**
 * Makes a sketch of bytes, which may come from anywhere: all of them are
 * checked.
 *
 * @param format       ::feature_sketch_format
 * @param bytes        {copied} {nullable} the bytes; NULL is refused
 * @param size         how many
 * @param[out] sketch  {owned feature_sketch_free}
 * @param[out] error   {inout} {nullable}
 * @return FEATURE_INVALID      a missing argument or no such format
 * @return FEATURE_CORRUPT      bytes that no sketch has
 * @return FEATURE_VERSION      of a later version of NATIVE
 * @return FEATURE_UNSUPPORTED  a DDSketch message of another interpolation, with
 *                              an offset, or of another range of errors
 * @return FEATURE_NO_MEMORY
 * @since 0.1
 * @threads any
 */
FEATURE_API feature_status
feature_sketch_from_bytes(int32_t format, const void *bytes, size_t size,
                          feature_sketch **sketch, struct feature_error *error);

/**
 * Adds values, in the layout of feature_batch_set(); nulls count nothing.
 *
 * For DISTINCT a value is its bytes: INT32, INT64 and TIMESTAMP are 8 bytes
 * little-endian, FLOAT32 and FLOAT64 those of the double (-0.0 is 0.0), BOOL one
 * byte, STRING and BYTES as they are. Redis counts the same bytes as the same
 * element.
 *
 * @param sketch      {inout} the sketch
 * @param type        ::feature_type of the values; for QUANTILES a number
 * @param values      {copied} {nullable} the values; NULL when there are none
 * @param offsets     {copied} {nullable} for STRING and BYTES
 * @param validity    {copied} {nullable} bit i: value i is not null; NULL: none
 *                    is null
 * @param rows        how many
 * @param[out] error  {inout} {nullable} row: of the value that is refused
 * @return FEATURE_INVALID    a wrong type, offsets that decrease, a NaN or an
 *                            infinity
 * @return FEATURE_NO_MEMORY
 * @since 0.1
 * @threads one
 */
FEATURE_API feature_status
feature_sketch_add(feature_sketch *sketch, int32_t type, const void *values,
                   const int32_t *offsets, const uint8_t *validity,
                   uint32_t rows, struct feature_error *error);

/**
 * Unites a sketch with another one, in any order and any grouping with the same
 * result as if all values had been added to one. What both have seen counts once
 * for DISTINCT, twice for QUANTILES.
 *
 * @param sketch      {inout} the sketch
 * @param other       {copied} of the same kind and max_error, and of no smaller
 *                    precision; may be the sketch itself
 * @param[out] error  {inout} {nullable}
 * @return FEATURE_CONFLICT   of another kind, max_error or a smaller precision
 * @return FEATURE_FULL       QUANTILES of over 2^63 values
 * @return FEATURE_INVALID    a missing argument
 * @return FEATURE_NO_MEMORY
 * @since 0.1
 * @threads one
 */
FEATURE_API feature_status
feature_sketch_merge(feature_sketch *sketch, const feature_sketch *other,
                     struct feature_error *error);

/**
 * Tells how many distinct values a sketch of DISTINCT has seen, about, or how
 * many values one of QUANTILES has, exactly.
 *
 * @param sketch      {copied} the sketch
 * @param[out] count  {inout} the number
 * @param[out] error  {inout} {nullable}
 * @return FEATURE_INVALID  a missing argument
 * @since 0.1
 * @threads one
 */
FEATURE_API feature_status
feature_sketch_estimate(const feature_sketch *sketch, uint64_t *count,
                        struct feature_error *error);

/**
 * Tells the value below which a part of all values lies: that of rank
 * floor(quantile x (count - 1)), within max_error.
 *
 * @param sketch      {copied} a sketch of QUANTILES
 * @param quantile    0 to 1: 0.5 is the median
 * @param[out] value  {inout} the value
 * @param[out] error  {inout} {nullable}
 * @return FEATURE_INVALID    another kind of sketch, or no number from 0 to 1
 * @return FEATURE_NOT_FOUND  the sketch is empty
 * @since 0.1
 * @threads one
 */
FEATURE_API feature_status
feature_sketch_quantile(const feature_sketch *sketch, double quantile,
                        double *value, struct feature_error *error);

/**
 * Writes a sketch as bytes.
 *
 * @param sketch      {inout} the sketch, which keeps the bytes
 * @param format      ::feature_sketch_format
 * @param[out] data   {inout} its bytes are {borrowed sketch}; the next call of
 *                    this function ends them too
 * @param[out] error  {inout} {nullable}
 * @return FEATURE_INVALID    a missing argument, no such format, or one that is
 *                            not for this sketch
 * @return FEATURE_NO_MEMORY
 * @since 0.1
 * @threads one
 */
FEATURE_API feature_status
feature_sketch_bytes(feature_sketch *sketch, int32_t format,
                     struct feature_sketch_data *data,
                     struct feature_error *error);

/**
 * Frees a sketch.
 *
 * @param sketch  {inout} {nullable} the sketch
 * @since 0.1
 * @threads one
 */
FEATURE_API void
feature_sketch_free(feature_sketch *sketch);

#ifdef __cplusplus
}
#endif

#endif
