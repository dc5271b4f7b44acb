/* SPDX-License-Identifier: Apache-2.0 */
/*
 * corrupt [COUNT] [SEED] [FIRST]: damaged stores through the public calls. A read
 * answers what was committed for its key at some time, or nothing, or an error;
 * it never crashes, hangs, or answers anything else. Where rows were missing or
 * old, feature_store_verify() has to find the damage. The same with
 * FEATURE_READ_PATH=mdb_get is printed beside it, because LMDB promises none of
 * that. Then the fault "bounds", rows without checksums and a value that nobody
 * wrote have to show.
 *
 * Owns the store: two views, of short rows and of rows that span pages, and two
 * generations of values.
 * Keeps a value a function of its key and generation.
 * Never reads what the same process wrote: each trial opens the file anew.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "damage.h"
#include "libfeature.h"
#include "plants.h"

#define SEED    20260803
#define PEOPLE  3000
#define PLACES  80
#define WIDTH   600 /* floats, so that a row spans pages */
#define BATCH   100
#define BATCHES 12
#define SINGLES 20
#define CONTROL 150
#define PERCENT 99.5

#define DEFINITIONS                                                       \
    "CREATE ENTITY person (id INT64); CREATE ENTITY place (name STRING);" \
    "CREATE FEATURE VIEW p (a INT64, b FLOAT64, s STRING) FOR person;"    \
    "CREATE FEATURE VIEW q (n INT64, v FLOAT32[600]) FOR place;"

struct counts {
    _Atomic(uint64_t) closed, refused, rows, missing, stale, wrong, other;
    _Atomic(uint64_t) affected, unfound; /* stores, by missing or stale rows */
};

struct rig {
    char store[RIG_PATH_SIZE];
    struct image image, older;
    uint64_t seed;
    uint32_t first; /* trial */
    bool forges;    /* the third generation is none that was written */
    struct counts *counts;
};

static void
must(feature_status status, const struct feature_error *error, const char *what)
{
    if (status)
        rig_give_up(what, error->message);
}

/* Keys that fall all over the tree. */
static int64_t
person_key(uint32_t person)
{
    return (int64_t)mix(person, 77);
}

static void
place_key(uint32_t place, char text[64])
{
    snprintf(text, 64, "a place far away from all the others, number %u",
             place);
}

static int64_t
value_of(uint32_t row, uint32_t generation)
{
    return (int64_t)row * 16 + generation;
}

static feature_store *
open_store(const char *path, uint32_t flags, struct feature_error *error)
{
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = flags};
    feature_store *store;

    return feature_store_open(path, &options, &store, error) ? NULL : store;
}

static void
write_people(feature_store *store, uint32_t from, uint32_t step,
             uint32_t generation)
{
    static int64_t keys[PEOPLE], a[PEOPLE];
    static double b[PEOPLE];
    static char text[PEOPLE * 24];
    static int32_t ends[PEOPLE + 1];
    struct feature_error error;
    feature_batch *batch;
    uint32_t rows = 0;

    for (uint32_t i = from; i < PEOPLE; i += step, rows++) {
        keys[rows] = person_key(i);
        a[rows] = value_of(i, generation);
        b[rows] = (double)a[rows] / 2;
        ends[rows + 1] = ends[rows] + snprintf(text + ends[rows], 24, "%lld",
                                               (long long)a[rows]);
    }
    must(feature_batch_create(store, "p", "id, a, b, s", FEATURE_UPSERT, &batch,
                              &error),
         &error, "feature_batch_create");
    must(feature_batch_set(batch, 0, FEATURE_TYPE_INT64, keys, NULL, NULL, rows,
                           &error) ||
             feature_batch_set(batch, 1, FEATURE_TYPE_INT64, a, NULL, NULL,
                               rows, &error) ||
             feature_batch_set(batch, 2, FEATURE_TYPE_FLOAT64, b, NULL, NULL,
                               rows, &error) ||
             feature_batch_set(batch, 3, FEATURE_TYPE_STRING, text, ends, NULL,
                               rows, &error) ||
             feature_store_write(store, &batch, 1, NULL, NULL, &error),
         &error, "a write of people");
    feature_batch_free(batch);
}

static void
write_places(feature_store *store, uint32_t from, uint32_t step,
             uint32_t generation)
{
    static int64_t n[PLACES];
    static float v[PLACES * WIDTH];
    static char text[PLACES * 64];
    static int32_t ends[PLACES + 1];
    struct feature_error error;
    feature_batch *batch;
    uint32_t rows = 0;

    for (uint32_t i = from; i < PLACES; i += step, rows++) {
        place_key(i, text + ends[rows]);
        ends[rows + 1] = ends[rows] + (int32_t)strlen(text + ends[rows]);
        n[rows] = value_of(i, generation);
        for (uint32_t j = 0; j < WIDTH; j++)
            v[rows * WIDTH + j] = (float)(n[rows] + j);
    }
    must(feature_batch_create(store, "q", "name, n, v", FEATURE_UPSERT, &batch,
                              &error),
         &error, "feature_batch_create");
    must(feature_batch_set(batch, 0, FEATURE_TYPE_STRING, text, ends, NULL,
                           rows, &error) ||
             feature_batch_set(batch, 1, FEATURE_TYPE_INT64, n, NULL, NULL,
                               rows, &error) ||
             feature_batch_set(batch, 2, FEATURE_TYPE_FLOAT32, v, NULL, NULL,
                               rows, &error) ||
             feature_store_write(store, &batch, 1, NULL, NULL, &error),
         &error, "a write of places");
    feature_batch_free(batch);
}

static void
write_generation(feature_store *store, uint32_t step, uint32_t generation)
{
    write_people(store, step - 1, step, generation);
    write_places(store, step - 1, step, generation);
}

static void
make_store(struct rig *rig)
{
    struct feature_error error;
    feature_store *store;

    rig_directory(rig->store);
    store = open_store(rig->store, FEATURE_OPEN_CREATE, &error);
    if (!store)
        rig_give_up("feature_store_open", error.message);
    must(feature_store_apply(store, DEFINITIONS, NULL, NULL, &error), &error,
         "feature_store_apply");
    write_generation(store, 1, 1);
    rig->older = image_read(rig->store);
    write_generation(store, 3, 2);
    if (rig->forges)
        write_generation(store, 60, 3);
    feature_store_close(store);
    rig->image = image_read(rig->store);
}

/* Whether a number is this row's, of a generation that was written. */
static void
judge(struct rig *rig, uint32_t row, int64_t number, bool rest)
{
    struct counts *counts = rig->counts;
    uint32_t newest = row % 3 == 2 ? 2 : 1;

    atomic_fetch_add(&counts->rows, 1);
    if (rest && number == value_of(row, newest))
        return;
    if (rest && newest == 2 && number == value_of(row, 1))
        atomic_fetch_add(&counts->stale, 1);
    else
        atomic_fetch_add(&counts->wrong, 1);
}

static bool
is_there(const struct feature_column *column, uint32_t row)
{
    return column->validity[row / 8] >> row % 8 & 1;
}

static void
judge_person(struct rig *rig, const struct feature_column *columns, uint32_t at,
             uint32_t person)
{
    int64_t a = ((const int64_t *)columns[0].values)[at];
    const int32_t *ends = columns[2].offsets + at;
    char text[24];
    int size = snprintf(text, sizeof text, "%lld", (long long)a);

    judge(rig, person, a,
          ((const double *)columns[1].values)[at] == (double)a / 2 &&
              ends[1] - ends[0] == size &&
              !memcmp((const char *)columns[2].values + ends[0], text,
                      (size_t)size));
}

static void
judge_place(struct rig *rig, const struct feature_column *columns, uint32_t at,
            uint32_t place)
{
    int64_t n = ((const int64_t *)columns[3].values)[at];
    const float *v = (const float *)columns[4].values + (size_t)at * WIDTH;
    bool rest = true;

    for (uint32_t j = 0; j < WIDTH; j++)
        rest &= v[j] == (float)(n + j);
    judge(rig, place, n, rest);
}

/* People and places of a batch: rows of both views side by side. */
struct asked {
    uint32_t count;
    uint32_t people[BATCH], places[BATCH];
};

static void
judge_answer(struct rig *rig, const struct asked *asked,
             feature_request *request)
{
    struct feature_column columns[5];
    struct feature_error error;

    must(feature_request_columns(request, columns, 5, &error), &error,
         "feature_request_columns");
    for (uint32_t i = 0; i < asked->count; i++) {
        if (is_there(&columns[0], i))
            judge_person(rig, columns, i, asked->people[i]);
        else
            atomic_fetch_add(&rig->counts->missing, 1);
        if (is_there(&columns[3], i))
            judge_place(rig, columns, i, asked->places[i]);
        else
            atomic_fetch_add(&rig->counts->missing, 1);
    }
}

static void
ask(struct rig *rig, feature_request *request, struct dice *dice,
    uint32_t count)
{
    int32_t ends[BATCH + 1] = {0};
    struct asked asked = {.count = count};
    struct feature_error error;
    feature_status status;
    int64_t ids[BATCH];
    char names[BATCH * 64];

    for (uint32_t i = 0; i < count; i++) {
        asked.people[i] = dice_below(dice, PEOPLE);
        asked.places[i] = dice_below(dice, PLACES);
        ids[i] = person_key(asked.people[i]);
        place_key(asked.places[i], names + ends[i]);
        ends[i + 1] = ends[i] + (int32_t)strlen(names + ends[i]);
    }
    must(feature_request_set_key(request, 0, FEATURE_TYPE_INT64, ids, NULL,
                                 NULL, count, &error) ||
             feature_request_set_key(request, 1, FEATURE_TYPE_STRING, names,
                                     ends, NULL, count, &error),
         &error, "feature_request_set_key");
    status = feature_request_read(request, &error);
    if (!status)
        judge_answer(rig, &asked, request);
    else if (status == FEATURE_CORRUPT)
        atomic_fetch_add(&rig->counts->refused, 1);
    else
        atomic_fetch_add(&rig->counts->other, 1);
}

static void
read_store(struct rig *rig, feature_store *store, struct dice *dice)
{
    feature_request *request = NULL;
    feature_query *query = NULL;
    struct feature_error error;

    if (feature_query_create(store, "p(a, b, s), q(n, v)", NULL, &query,
                             &error)) {
        atomic_fetch_add(&rig->counts->closed, 1);
        return;
    }
    must(feature_request_create(query, &request, &error), &error,
         "feature_request_create");
    for (uint32_t i = 0; i < BATCHES; i++)
        ask(rig, request, dice, BATCH / (1 + i % 4));
    for (uint32_t i = 0; i < SINGLES; i++)
        ask(rig, request, dice, 1);
    feature_request_free(request);
    feature_query_free(query);
}

static void
put_file(const struct rig *rig, const struct image *image)
{
    char path[RIG_PATH_SIZE + 16];
    int file;

    snprintf(path, sizeof path, "%s/data.mdb", rig->store);
    file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0 ||
        pwrite(file, image->bytes, image->size, 0) != (ssize_t)image->size)
        rig_give_up(path, "cannot be written");
    close(file);
}

/* A write that was lost: a page as it was a commit ago. */
static void
put_stale_page(const struct rig *rig, struct image *image, struct dice *dice)
{
    uint32_t pages = (uint32_t)(rig->older.size / image->page_size);
    size_t at = (2 + dice_below(dice, pages - 2)) * (size_t)image->page_size;

    memcpy(image->bytes + at, rig->older.bytes + at, image->page_size);
}

static void
damage(const struct rig *rig, struct image *image, struct dice *dice)
{
    if (rig->forges)
        return;
    if (dice_chance(dice, 15))
        put_stale_page(rig, image, dice);
    else
        image_damage(image, dice);
}

/* Rows that are missing or old are lies that a read cannot know of. */
static void
find(struct rig *rig)
{
    struct feature_verify_report report = {.struct_size = sizeof report};

    atomic_fetch_add(&rig->counts->affected, 1);
    if (!feature_store_verify(rig->store, NULL, &report, NULL, NULL) &&
        !report.findings)
        atomic_fetch_add(&rig->counts->unfound, 1);
}

static void
run_trial(void *context, uint32_t number)
{
    struct rig *rig = context;
    struct dice dice = {.state = mix(rig->seed, number)};
    struct image image = rig->image;
    struct feature_error error;
    feature_store *store;
    uint64_t lies;

    image.bytes = malloc(image.size);
    if (!image.bytes)
        rig_give_up("a trial", "no memory");
    memcpy(image.bytes, rig->image.bytes, image.size);
    damage(rig, &image, &dice);
    lies = rig->counts->missing + rig->counts->stale;
    put_file(rig, &image);
    free(image.bytes);
    store = open_store(rig->store, 0, &error);
    if (store)
        read_store(rig, store, &dice);
    else
        atomic_fetch_add(&rig->counts->closed, 1);
    feature_store_close(store);
    if (lies != rig->counts->missing + rig->counts->stale)
        find(rig);
}

static void
print(const char *begin, uint32_t count, const struct rig *rig,
      uint32_t crashed, uint32_t hung)
{
    const struct counts *counts = rig->counts;

    printf(
        "%s%u damaged stores of %zu pages: %u crashes, %u hangs, %llu wrong "
        "values; %llu closed, %llu reads refused (%llu otherwise), "
        "%llu rows, %llu missing, %llu stale in %llu stores, of which verify "
        "missed %llu, seed %llu\n",
        begin, count, rig->image.size / rig->image.page_size, crashed, hung,
        (unsigned long long)counts->wrong, (unsigned long long)counts->closed,
        (unsigned long long)counts->refused, (unsigned long long)counts->other,
        (unsigned long long)counts->rows, (unsigned long long)counts->missing,
        (unsigned long long)counts->stale, (unsigned long long)counts->affected,
        (unsigned long long)counts->unfound, (unsigned long long)rig->seed);
}

/* One run over all stores; returns how many things went wrong. */
static uint64_t
run(struct rig *rig, const char *name, uint32_t count)
{
    uint32_t hung, crashed;
    uint64_t bad;

    memset((void *)rig->counts, 0, sizeof *rig->counts);
    make_store(rig);
    crashed = rig_run(rig->first, rig->first + count, run_trial, rig, &hung);
    bad = crashed + hung + rig->counts->wrong;
    if (100 * (double)rig->counts->unfound >
        (100 - PERCENT) * (double)rig->counts->affected)
        bad += rig->counts->unfound;
    if (!name)
        print(bad ? "not ok " : "ok ", count, rig, crashed, hung);
    else if (!*name)
        print("# by mdb_get: ", count, rig, crashed, hung);
    else
        printf("%sok %s: %u crashes, %llu wrong values in %u stores\n",
               bad ? "" : "not ", name, crashed,
               (unsigned long long)rig->counts->wrong, count);
    free(rig->image.bytes);
    free(rig->older.bytes);
    rig_remove(rig->store);
    return bad;
}

int
main(int argc, char **argv)
{
    uint32_t count = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 500;
    struct rig rig = {.seed = argc > 2 ? strtoull(argv[2], NULL, 10) : SEED};
    bool failed;

    rig.first = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;
    rig.counts = rig_share(sizeof *rig.counts);
    unsetenv("FEATURE_READ_PATH");
    failed = run(&rig, NULL, count) > 0;
    setenv("FEATURE_READ_PATH", "mdb_get", 1);
    run(&rig, "", count / 2);
    unsetenv("FEATURE_READ_PATH");
    plant = PLANT_BOUNDS;
    failed |= !run(&rig, "the fault \"bounds\" shows", CONTROL);
    plant = PLANT_NONE;
    plant_checksum = true;
    run(&rig, "rows without checksums show", 3 * CONTROL);
    failed |= !rig.counts->wrong;
    plant_checksum = false;
    rig.forges = true;
    failed |= !run(&rig, "a value that nobody wrote shows", 1);
    return failed;
}
