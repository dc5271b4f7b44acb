/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Source offsets.
 *
 * Owns the tree `offsets`: for each partition of a source, where to go on.
 * Keeps it in the transaction of the rows that came from there, so that a
 * record of a source counts once, however often it is brought.
 * Never moves an offset back.
 */
#include "store/offsets.h"

#include <string.h>

#include "base/alloc.h"

static feature_status
check_source(const struct feature_source *source, uint32_t index,
             struct feature_error *error)
{
    if (!source->name || !*source->name ||
        strnlen(source->name, LF_SOURCE_NAME_MAX + 1) > LF_SOURCE_NAME_MAX)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "source %u needs a name of 1 to %d bytes", index,
                       LF_SOURCE_NAME_MAX);
    if (source->first_offset > source->next_offset)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "source %u begins at offset %llu and ends before, at "
                       "%llu",
                       index, (unsigned long long)source->first_offset,
                       (unsigned long long)source->next_offset);
    if (source->position_size > LF_POSITION_MAX ||
        (source->position_size && !source->position))
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the position of source %u has 0 to %u bytes", index,
                       LF_POSITION_MAX);
    return FEATURE_OK;
}

feature_status
lf_sources_check(const struct feature_source *sources, uint32_t count,
                 struct feature_error *error)
{
    if (count && !sources)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "source_count is %u without sources", count);
    if (count > 1024)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "%u sources are more than 1024", count);
    for (uint32_t i = 0; i < count; i++) {
        LF_TRY(check_source(&sources[i], i, error));
        for (uint32_t j = 0; j < i; j++)
            if (sources[j].partition == sources[i].partition &&
                !strcmp(sources[j].name, sources[i].name))
                return lf_fail(error, FEATURE_INVALID, "argument",
                               "source %u is source %u again", i, j);
    }
    return FEATURE_OK;
}

static feature_status
fail_damaged(const char *name, struct feature_error *error)
{
    char quoted[LF_QUOTE_SIZE];

    return lf_fail(error, FEATURE_CORRUPT, "checksum",
                   "the stored offset of source \"%s\" is damaged",
                   lf_quote(quoted, name, strlen(name)));
}

static feature_status
find(struct lf_tree *tree, const struct feature_source *source, bool *found,
     struct lf_offset *offset, struct feature_error *error)
{
    uint8_t key[LF_OFFSET_KEY_SIZE];
    size_t key_size = lf_offset_key(source->name, source->partition, key);
    const uint8_t *value;
    size_t size;

    *found = false;
    if (!tree)
        return FEATURE_OK;
    LF_TRY(lf_tree_get(tree, key, key_size, found, &value, &size, error));
    if (*found && !lf_offset_decode(offset, key, key_size, value, size))
        return fail_damaged(source->name, error);
    return FEATURE_OK;
}

static feature_status
fail_overlap(const struct feature_source *source, uint64_t stored,
             struct feature_error *error)
{
    char quoted[LF_QUOTE_SIZE];

    return lf_fail(error, FEATURE_CONFLICT, "overlap",
                   "source \"%s\" partition %u is stored up to offset %llu; "
                   "this write has %llu to %llu",
                   lf_quote(quoted, source->name, strlen(source->name)),
                   source->partition, (unsigned long long)stored,
                   (unsigned long long)source->first_offset,
                   (unsigned long long)source->next_offset);
}

feature_status
lf_sources_replayed(struct lf_commit *commit,
                    const struct feature_source *sources, uint32_t count,
                    bool *is_replay, struct feature_error *error)
{
    const struct feature_source *seen = NULL;
    uint64_t stored = 0;
    uint32_t replayed = 0;
    struct lf_tree *tree;

    *is_replay = false;
    if (!count)
        return FEATURE_OK;
    LF_TRY(
        lf_writer_tree(commit->writer, LF_OFFSETS_TREE, false, &tree, error));
    for (uint32_t i = 0; i < count; i++) {
        struct lf_offset offset = {0};
        bool found;

        LF_TRY(find(tree, &sources[i], &found, &offset, error));
        if (!found)
            continue;
        if (sources[i].next_offset <= offset.next_offset) {
            seen = &sources[i];
            stored = offset.next_offset;
            replayed++;
        } else if (sources[i].first_offset < offset.next_offset) {
            return fail_overlap(&sources[i], offset.next_offset, error);
        }
    }
    /* Which rows are those of the one that was seen, nobody can tell. */
    if (replayed && replayed < count)
        return fail_overlap(seen, stored, error);
    *is_replay = replayed;
    return FEATURE_OK;
}

static feature_status
put(struct lf_commit *commit, struct lf_tree *tree,
    const struct feature_source *source, struct lf_buffer *bytes,
    struct feature_error *error)
{
    uint8_t key[LF_OFFSET_KEY_SIZE];
    size_t key_size = lf_offset_key(source->name, source->partition, key);
    struct lf_offset offset = {0};
    bool found;

    LF_TRY(find(tree, source, &found, &offset, error));
    offset.jumps += found && source->first_offset > offset.next_offset;
    offset.next_offset = source->next_offset;
    offset.sequence = commit->meta.sequence;
    offset.position.bytes = source->position;
    offset.position.size = source->position_size;
    if (!lf_offset_encode(&offset, key, key_size, bytes))
        return lf_fail_memory(error);
    return lf_tree_put(tree, key, key_size, bytes->data, bytes->size, false,
                       error);
}

feature_status
lf_sources_put(struct lf_commit *commit, const struct feature_source *sources,
               uint32_t count, struct feature_error *error)
{
    struct lf_buffer bytes = {0};
    feature_status status = FEATURE_OK;
    struct lf_tree *tree;

    if (!count)
        return FEATURE_OK;
    LF_TRY(lf_writer_tree(commit->writer, LF_OFFSETS_TREE, true, &tree, error));
    for (uint32_t i = 0; i < count && !status; i++)
        status = put(commit, tree, &sources[i], &bytes, error);
    lf_buffer_free(&bytes);
    return status;
}

feature_status
lf_source_stored(struct lf_commit *commit, const struct feature_source *source,
                 uint64_t *next_offset, struct feature_error *error)
{
    struct lf_offset offset = {0};
    struct lf_tree *tree;
    bool found;

    LF_TRY(
        lf_writer_tree(commit->writer, LF_OFFSETS_TREE, false, &tree, error));
    LF_TRY(find(tree, source, &found, &offset, error));
    *next_offset = offset.next_offset;
    return FEATURE_OK;
}

struct answer {
    uint64_t next_offset;
    char *position;
    uint32_t size;
};

static feature_status
read_offset(struct lf_reader *reader, const char *name, uint32_t partition,
            struct answer *answer, struct feature_error *error)
{
    uint8_t key[LF_OFFSET_KEY_SIZE];
    size_t key_size = lf_offset_key(name, partition, key), size;
    char quoted[LF_QUOTE_SIZE];
    struct lf_offset offset;
    const uint8_t *value;
    bool found;

    LF_TRY(lf_reader_get(reader, LF_OFFSETS_TREE, key, key_size, &found, &value,
                         &size, error));
    if (!found)
        return lf_fail(error, FEATURE_NOT_FOUND, "name",
                       "nothing was written from source \"%s\" partition %u",
                       lf_quote(quoted, name, strlen(name)), partition);
    if (!lf_offset_decode(&offset, key, key_size, value, size))
        return fail_damaged(name, error);
    answer->next_offset = offset.next_offset;
    answer->size = (uint32_t)offset.position.size;
    answer->position =
        lf_copy_text((const char *)offset.position.bytes, answer->size);
    return answer->position ? FEATURE_OK : lf_fail_memory(error);
}

feature_status
feature_store_offset(feature_store *store, const char *name, uint32_t partition,
                     uint64_t *next_offset, char **position,
                     uint32_t *position_size, struct feature_error *error)
{
    struct answer answer = {0};
    struct lf_reader *reader;
    feature_status status;

    if (!store || !name || !*name || !next_offset ||
        !position != !position_size ||
        strnlen(name, LF_SOURCE_NAME_MAX + 1) > LF_SOURCE_NAME_MAX)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "store, the name of a source and next_offset are "
                       "needed, and position with position_size");
    LF_TRY(lf_store_enter(store, error));
    status = lf_reader_begin(store->environment, &reader, error);
    if (!status) {
        status = read_offset(reader, name, partition, &answer, error);
        lf_reader_end(reader);
    }
    lf_store_leave(store);
    if (status)
        return status;
    *next_offset = answer.next_offset;
    if (!position) {
        lf_free(answer.position);
        return FEATURE_OK;
    }
    *position = answer.position;
    *position_size = answer.size;
    return FEATURE_OK;
}
