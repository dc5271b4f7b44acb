/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of the command line.
 *
 * Owns the way from KEY=VALUE to the columns of a query's keys.
 * Keeps a value for one key, given once.
 * Never guesses a key from its place.
 */
#include "keys.h"

#include <stdlib.h>
#include <string.h>

#include "header.h"
#include "tool.h"

int
keys_begin(struct keys *keys, const feature_query *query, const char *features)
{
    struct feature_field field;

    keys->features = features;
    keys->count = feature_query_key_count(query);
    keys->columns = calloc(keys->count + 1u, sizeof *keys->columns);
    keys->rows = calloc(keys->count + 1u, sizeof *keys->rows);
    if (!keys->columns || !keys->rows)
        return tool_no_memory();
    for (uint32_t i = 0; i < keys->count; i++) {
        feature_query_key(query, i, &field, NULL);
        if (!cell_init(&keys->columns[i], &field, 1))
            return tool_no_memory();
        keys->columns[i].is_required = false;
        keys->columns[i].source = HEADER_NONE;
    }
    return TOOL_DONE;
}

static int
refuse_key(const struct keys *keys, const char *name)
{
    struct text names = {0};

    for (uint32_t i = 0; i < keys->count; i++)
        text_add(&names, "%s%s", i ? ", " : "", keys->columns[i].name);
    tool_refuse("\"%s\" is no key of %s; its keys are %s", name, keys->features,
                text_end(&names) ? names.data : "others");
    text_free(&names);
    return TOOL_REFUSED;
}

int
keys_take_pair(struct keys *keys, const char *command, const char *pair)
{
    const char *equals = strchr(pair, '=');
    const char *name, *value, *why;
    uint32_t i = 0;

    if (!equals)
        return tool_misuse(command, "\"%s\" is not KEY=VALUE", pair);
    name = strndupa(pair, (size_t)(equals - pair));
    value = equals + 1;
    while (i < keys->count && strcmp(keys->columns[i].name, name) != 0)
        i++;
    if (i == keys->count)
        return refuse_key(keys, name);
    if (keys->rows[i])
        return tool_misuse(command, "the key %s is given twice", name);
    why = cell_add(&keys->columns[i], 0, value, strlen(value), true);
    if (why)
        return tool_refuse("%s: \"%s\" %s", name, value, why);
    keys->rows[i] = 1;
    return TOOL_DONE;
}

int
keys_check(const struct keys *keys, const char *or_else)
{
    for (uint32_t i = 0; i < keys->count; i++)
        if (!keys->rows[i])
            return tool_refuse("the key %s has no value: add %s=VALUE%s",
                               keys->columns[i].name, keys->columns[i].name,
                               or_else);
    return TOOL_DONE;
}

void
keys_free(struct keys *keys)
{
    for (uint32_t i = 0; keys->columns && i < keys->count; i++)
        cell_free(&keys->columns[i]);
    free(keys->columns);
    free(keys->rows);
}
