/* SPDX-License-Identifier: Apache-2.0 */
/* Loads on disks that are full: the old version serves, and a load works as soon
 * as there is room. */
#include <unistd.h>

#include "environment.h"

#define PARTS 12
#define BYTES 3000
#define STEP  32768

static uint64_t
rows_of(feature_store *store)
{
    struct feature_stats stats = {.struct_size = sizeof stats};

    WORKS(feature_store_stats(store, &stats, &place_error));
    return stats.rows;
}

/* Appends all parts, the last one first where they are not to be in order. */
static feature_status
append_parts(feature_store *store, feature_load *load, int backwards)
{
    feature_batch *batch = NULL;
    feature_status status = feature_batch_create(
        store, "v", "k, a, s", FEATURE_UPSERT, &batch, &place_error);

    for (int i = 0; i < PARTS && !status; i++) {
        int part = backwards ? PARTS - 1 - i : i;

        status = place_fill(batch, part * PLACE_ROWS, PLACE_ROWS, BYTES);
        if (!status)
            status = feature_load_append(load, batch, &place_error);
    }
    feature_batch_free(batch);
    return status;
}

/* Loads PARTS * PLACE_ROWS rows; the run files are in directory, if there is one. */
static feature_status
load(feature_store *store, const char *directory)
{
    struct feature_load_options options = {.struct_size = sizeof options,
                                           .memory = 64 * 1024,
                                           .directory = directory};
    feature_load *made = NULL;
    feature_status status =
        feature_load_begin(store, "v", &options, &made, &place_error);

    if (!status)
        status = append_parts(store, made, directory != NULL);
    if (!status)
        status = feature_load_commit(made, NULL, &place_error);
    feature_load_free(made);
    return status;
}

/* With every room from none to enough. */
static void
load_until_it_fits(struct place *place, feature_store *store,
                   const char *directory)
{
    feature_status status = FEATURE_FULL;
    int refused = 0;

    for (off_t size = place_fill_disk(place); size >= 0 && status;
         size -= STEP) {
        place_cut(place_path(place, "disk/filler"), size);
        status = load(store, directory);
        if (!status)
            break;
        NAMED(status, FEATURE_FULL, "disk-full");
        refused++;
        WORKS(place_read(store));
        if (rows_of(store) != 10)
            place_broken("a load that failed left %d rows",
                         (int)rows_of(store));
    }
    WORKS(status);
    if (refused < 4)
        place_broken("only %d loads found no room", refused);
    WORKS(place_read(store));
    if (rows_of(store) != PARTS * PLACE_ROWS)
        place_broken("%d rows were loaded", (int)rows_of(store));
}

static void
full_load(struct place *place)
{
    const char *path = place_small(place, "size=8m,mode=0700");
    feature_store *store = place_make(path);

    load_until_it_fits(place, store, NULL);
    feature_store_close(store);
    place_sound(path);
}

static void
full_runs(struct place *place)
{
    feature_store *store = place_make(place->store);

    (void)place_small(place, "size=8m,mode=0700");
    load_until_it_fits(place, store, place_path(place, "disk"));
    feature_store_close(store);
    place_sound(place->store);
}

const struct place_case place_load_cases[] = {
    {"tmpfs full at a load", full_load, 1},
    {"tmpfs full at the run files of a load", full_runs, 1},
    {0}};
