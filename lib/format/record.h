/* SPDX-License-Identifier: Apache-2.0 */
/* Catalog records: one definition to bytes and back (format/catalog.proto). */
#ifndef LF_FORMAT_RECORD_H
#define LF_FORMAT_RECORD_H

#include "model/catalog.h"

/* Records are kept under these keys: kind byte, then the id, big-endian. */
enum lf_record_kind {
    LF_RECORD_STORE = 'c', /* id 0: version, next_id, STORE options */
    LF_RECORD_ENTITY = 'e',
    LF_RECORD_VIEW = 'v',
    LF_RECORD_SERVICE = 's',
    LF_RECORD_EVENT = 'w'
};

#define LF_RECORD_KEY_SIZE 5

struct lf_record {
    uint8_t key[LF_RECORD_KEY_SIZE];
    const uint8_t *bytes; /* crc32c u32 over the key and the message, message */
    size_t size;
};

/* All records of a catalog, in key order, in arena. */
feature_status lf_records_encode(const struct lf_catalog *catalog,
                                 struct lf_arena *arena,
                                 struct lf_record **records, size_t *count,
                                 struct feature_error *error);

/* The catalog of a set of records, in any order. Any bytes are safe: what is
 * damaged, or does not fit together, is FEATURE_CORRUPT. */
feature_status lf_records_decode(const struct lf_record *records, size_t count,
                                 struct lf_catalog **catalog,
                                 struct feature_error *error);

/* How many schema versions the record of a view has; CORRUPT unless it is one. */
feature_status lf_record_schema_count(const struct lf_record *record,
                                      uint32_t *count,
                                      struct feature_error *error);

#endif
