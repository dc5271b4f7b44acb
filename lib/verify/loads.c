/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of loads.
 *
 * Owns what is said of one that is damaged.
 * Keeps to the records: the versions that loads build have records of their own.
 * Never takes a load that has ended badly for damage.
 */
#include <string.h>

#include "base/error.h"
#include "format/load.h"
#include "verify/verify.h"

static feature_status
visit(struct lf_verify *verify, void *context, const struct lf_entry *entry,
      struct feature_error *error)
{
    const struct lf_place *place = &entry->place;
    struct lf_arena arena = {0};
    struct lf_load_record record;
    struct feature_error problem;
    const uint8_t *bytes;
    feature_status status;

    (void)context;
    LF_TRY(lf_verify_value(verify, entry, &bytes, error));
    if (!bytes)
        return FEATURE_OK;
    status = lf_load_decode(&record, &arena, place->key, place->key_size, bytes,
                            entry->size, &problem);
    lf_arena_free(&arena);
    if (status == FEATURE_NO_MEMORY)
        return lf_fail_memory(error);
    if (status)
        lf_found(verify, LF_FOUND_STORE, place, "%s", problem.message);
    else if (verify->catalog &&
             !lf_catalog_view_by_id(verify->catalog, record.view))
        lf_found(verify, LF_FOUND_STORE, place,
                 "a load of feature view %u, which the catalog has not",
                 record.view);
    return FEATURE_OK;
}

feature_status
lf_verify_loads_tree(struct lf_verify *verify,
                     const struct lf_verify_name *tree, bool *is_taken,
                     struct feature_error *error)
{
    *is_taken = !strcmp(tree->name, LF_LOADS_TREE);
    return *is_taken ? lf_verify_tree(verify, tree->name, NULL, tree->record,
                                      visit, NULL, error)
                     : FEATURE_OK;
}
