/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Definitions: declare, plan, apply, describe, evolve.
 *
 *     cc define.c -o define $(pkg-config --cflags --libs libfeature)
 *     ./define my.store
 */
#include <stdio.h>

#include <libfeature.h>

/* Definitions are text: keep it in a file under version control. */
static const char first[] =
    "CREATE ENTITY driver (driver_id INT64);\n"
    "CREATE FEATURE VIEW driver_stats (\n"
    "    conv_rate FLOAT32 DEFAULT 0,\n"
    "    trips     INT32 DEFAULT 0\n"
    ") FOR driver WITH (ttl = '2 hours');\n"
    "CREATE FEATURE SERVICE dispatch_v1 AS driver_stats(conv_rate, trips);\n";

/* The model has moved on: one feature is wider, one is new. conv_rate is left
 * out, and stays: only DROP removes. */
static const char second[] = "CREATE FEATURE VIEW driver_stats (\n"
                             "    trips  INT64 DEFAULT 0,\n"
                             "    rating FLOAT32\n"
                             ") FOR driver WITH (ttl = '2 hours');\n";

/* Stored trips are numbers; the library will not guess what they are as text.
 */
static const char refused[] =
    "CREATE FEATURE VIEW driver_stats (trips STRING) FOR driver\n"
    "    WITH (ttl = '2 hours');\n";

static void
print_error(const char *what, const struct feature_error *error)
{
    fprintf(stderr, "%s: %s: %s (%s)\n", what,
            feature_status_name(error->status), error->message, error->reason);
}

/* Shows what a text would do, then does it. */
static feature_status
plan_and_apply(feature_store *store, const char *text,
               struct feature_error *error)
{
    struct feature_commit commit = {.struct_size = sizeof commit};
    char *changes = NULL;
    feature_status status;

    status = feature_store_plan(store, text, &changes, error);
    if (status)
        return status;
    printf("plan:\n%s", changes);
    feature_free(changes);

    status = feature_store_apply(store, text, NULL, &commit, error);
    if (status)
        return status;
    printf("the newest commit is %llu\n\n",
           (unsigned long long)commit.sequence);
    return FEATURE_OK;
}

int
main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "define.store";
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = FEATURE_OPEN_CREATE};
    struct feature_error error;
    feature_store *store = NULL;
    char *text = NULL;

    /* Without FEATURE_OPEN_CREATE a missing store is an error, never a new and
     * empty one. */
    if (feature_store_open(path, &options, &store, &error)) {
        print_error(path, &error);
        return 1;
    }
    if (plan_and_apply(store, first, &error))
        goto failed;
    if (plan_and_apply(store, second, &error))
        goto failed;

    /* Again: nothing to do, and so nothing is done. Apply the text whenever a
     * program starts. */
    if (plan_and_apply(store, second, &error))
        goto failed;

    /* What cannot be done is refused, with the place in the text. */
    if (feature_store_apply(store, refused, NULL, NULL, &error))
        printf("refused (line:column first):\n%s\n\n", error.message);

    if (feature_store_describe(store, NULL, &text, &error))
        goto failed;
    printf("the store holds:\n%s", text);
    feature_free(text);
    feature_store_close(store);
    return 0;

failed:
    print_error(path, &error);
    feature_store_close(store);
    return 1;
}
