/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fixture: a store in a fresh directory.
 *
 * Owns the store's handle and its directory, from setup to teardown.
 * Keeps tests apart: nothing of one is there when the next begins.
 * Never reads the clock: time is what the options say.
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>

int
fixture_begin(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    if (!f)
        return -1;
    *state = f;
    test_directory(f->directory);
    if (snprintf(f->path, sizeof f->path, "%s/store", f->directory) >=
        (int)sizeof f->path)
        return -1;
    f->options.struct_size = sizeof f->options;
    f->options.flags = FEATURE_OPEN_CREATE;
    f->options.fixed_now = NOON;
    open_store(f);
    return 0;
}

int
fixture_end(void **state)
{
    struct fixture *f = *state;

    if (!f)
        return 0;
    close_store(f);
    remove_directory(f->directory);
    free(f);
    return 0;
}

void
open_store(struct fixture *f)
{
    if (!f->store)
        must(feature_store_open(f->path, &f->options, &f->store, &problem));
}

void
close_store(struct fixture *f)
{
    feature_store_close(f->store);
    f->store = NULL;
}

void
define(struct fixture *f, const char *definitions)
{
    must(feature_store_apply(f->store, definitions, NULL, NULL, &problem));
}
