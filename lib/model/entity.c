/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entities: the join keys that rows are found by.
 *
 * Owns the creation of entities.
 * Keeps the join keys of an entity for good: stored keys are made of them.
 * Never judges a key's type: the grammar did.
 */
#include "model/evolve.h"

#include <string.h>

#include "base/error.h"

static feature_status
check_entity(const struct lf_change *change,
             const struct lf_statement *statement,
             const struct lf_entity *entity)
{
    if (entity->key_count != statement->count)
        return lf_change_conflict(change, statement->name.at,
                                  "%s has %u join keys in the store and %u in "
                                  "this text; entities never change",
                                  entity->name, entity->key_count,
                                  statement->count);
    for (uint32_t i = 0; i < entity->key_count; i++) {
        const struct lf_join_key *old = &entity->keys[i];
        const struct lf_key_clause *key = &statement->keys[i];

        if (strcmp(old->name, key->name.text) != 0 || old->code != key->code)
            return lf_change_conflict(
                change, key->name.at,
                "%s has the join key %s %s in the store and %s %s in this "
                "text; entities never change",
                entity->name, old->name, lf_type_code_name(old->code),
                key->name.text, lf_type_code_name(key->code));
    }
    return FEATURE_OK;
}

static void
report_entity(struct lf_change *change, const struct lf_entity *entity)
{
    change->count++;
    lf_text_add(&change->lines, "create entity %s (", entity->name);
    for (uint32_t i = 0; i < entity->key_count; i++)
        lf_text_add(&change->lines, "%s%s %s", i ? ", " : "",
                    entity->keys[i].name,
                    lf_type_code_name(entity->keys[i].code));
    lf_text_add(&change->lines, ")\n");
}

/* The array of entities has room. */
feature_status
lf_evolve_entity(struct lf_change *change, const struct lf_statement *statement)
{
    struct lf_catalog *after = change->after;
    struct lf_entity *made = &after->entities[after->entity_count];
    const char *name = statement->name.text;
    const struct lf_entity *old = lf_catalog_entity(after, name);

    if (old)
        return check_entity(change, statement, old);
    if (after->entity_count == LF_ENTITIES_MAX)
        return lf_change_conflict(change, statement->name.at,
                                  "a store has at most %d entities",
                                  LF_ENTITIES_MAX);
    LF_TRY(lf_change_take_id(change, &made->id));
    made->name = lf_arena_copy(&after->arena, name, strlen(name));
    made->keys =
        lf_arena_array(&after->arena, statement->count, sizeof *made->keys);
    if (!made->name || !made->keys)
        return lf_fail_memory(change->error);
    made->key_count = statement->count;
    for (uint32_t i = 0; i < statement->count; i++) {
        name = statement->keys[i].name.text;
        made->keys[i].name = lf_arena_copy(&after->arena, name, strlen(name));
        made->keys[i].code = statement->keys[i].code;
        if (!made->keys[i].name)
            return lf_fail_memory(change->error);
    }
    after->entity_count++;
    report_entity(change, made);
    return FEATURE_OK;
}
