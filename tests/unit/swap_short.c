/* SPDX-License-Identifier: Apache-2.0 */
/* How much of the change feed a swap looks at while nobody else can write. */
#include "api/loads.h"
#include "store/load_catch.h"

#define VIEWS                          \
    "STORE WITH (changes = '3 days');" \
    "CREATE ENTITY e (k INT64);"       \
    "CREATE FEATURE VIEW v (a INT64) " \
    "FOR e;"                           \
    "CREATE FEATURE VIEW w (t STRING) FOR e;"
#define ROWS  128
#define BYTES 4000
#define FEED  (40u << 20) /* of the other view; one step looks at 16 MiB */

static uint32_t under_gate;

feature_status __real_lf_catch_gather(struct lf_catch *state,
                                      const struct lf_feed_view *feed,
                                      size_t most, bool *is_end,
                                      struct feature_error *error);
feature_status __wrap_lf_catch_gather(struct lf_catch *state,
                                      const struct lf_feed_view *feed,
                                      size_t most, bool *is_end,
                                      struct feature_error *error);

feature_status
__wrap_lf_catch_gather(struct lf_catch *state, const struct lf_feed_view *feed,
                       size_t most, bool *is_end, struct feature_error *error)
{
    under_gate += feed->commit != NULL;
    return __real_lf_catch_gather(state, feed, most, is_end, error);
}

static void
write_some(struct fixture *f, const char *view, const char *columns,
           const char *rows)
{
    feature_batch *batch = NULL;

    must(feature_batch_create(f->store, view, columns, FEATURE_UPSERT, &batch,
                              &problem));
    fill_batch(batch, rows);
    write_batch(f, batch);
    feature_batch_free(batch);
}

/* Letters that no compression makes much less of. */
static void
write_much_else(struct fixture *f)
{
    static char text[ROWS * (BYTES + 16)];
    uint64_t state = 1;

    for (size_t written = 0; written < FEED; written += ROWS * BYTES) {
        char *at = text;

        for (int row = 0; row < ROWS; row++) {
            at += sprintf(at, "%s%d ", row ? "\n" : "", row);
            for (int i = 0; i < BYTES; i++) {
                state = state * 6364136223846793005u + 1442695040888963407u;
                *at++ = (char)('a' + (state >> 33) % 26);
            }
        }
        *at = '\0';
        write_some(f, "w", "k, t", text);
    }
}

static void
a_long_feed_of_others_is_looked_at_before(void **state)
{
    struct fixture *f = *state;
    feature_load *load;

    define(f, VIEWS);
    load = begin_load(f, (struct feature_load_options){0});
    write_much_else(f);
    write_some(f, "v", "k, a", "1 7");
    under_gate = 0;
    commit_load(load);
    assert_int_equal(under_gate, 0); /* all was known before */
    expect_rows(f, "v(a)", "1", "present 7");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_long_feed_of_others_is_looked_at_before)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
