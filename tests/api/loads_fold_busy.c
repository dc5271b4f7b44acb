/* SPDX-License-Identifier: Apache-2.0 */
/* A load of a million events of one key: they are not held in memory, nor is what
 * the view keeps of them. */
#include <malloc.h>

#include "wide.h"

static feature_load *
begin_spend(struct fixture *f, uint32_t flags, uint64_t memory)
{
    struct feature_load_options options = {
        .struct_size = sizeof options, .flags = flags, .memory = memory};
    feature_load *load = NULL;

    must(feature_load_begin(f->store, "spend", &options, &load, &problem));
    return load;
}

static struct feature_load_report
commit_spend(feature_load *load)
{
    struct feature_load_report report = {.struct_size = sizeof report};

    must(feature_load_commit(load, &report, &problem));
    feature_load_free(load);
    return report;
}

#define BUSY 1000000u

/* A tenth of them come at the same times as others. */
static void
append_busy(struct fixture *f, feature_load *load)
{
    static struct payment list[10000];
    feature_batch *batch;

    must(feature_batch_create(f->store, "payment",
                              "card_id, u, price, event_timestamp",
                              FEATURE_EVENT, &batch, &problem));
    for (uint32_t i = 0; i < BUSY; i += 10000) {
        for (uint32_t j = 0; j < 10000; j++)
            list[j] = (struct payment){
                .card = 1,
                .u = j % 1000,
                .price = 1,
                .ts = NOON - (int64_t)draw_below(3 * (uint64_t)DAY)};
        feature_batch_clear(batch);
        set_payments(batch, list, 10000);
        must(feature_load_append(load, batch, &problem));
    }
    feature_batch_free(batch);
}

/* malloc() never gives back what is below its top: what it got is the most there
 * ever was. A sanitizer's tells nothing, and the rest of the test is the same. */
static void
a_busy_key_takes_no_more_memory(void **state)
{
    static const char *const options[] = {"", ", history = '30 days'"};
    struct held held[2];
    size_t before;

    (void)state;
    (void)mallopt(M_MMAP_THRESHOLD, 32 << 20);
    (void)mallopt(M_TRIM_THRESHOLD, INT32_MAX);
    for (int i = 0; i < 2; i++) {
        char text[2000];
        struct fixture *f;
        feature_load *load;

        snprintf(text, sizeof text,
                 WIDE_EVENT "CREATE FEATURE VIEW spend (" WIDE_FEATURES
                            ") FOR card FROM payment WITH (slack = '10 "
                            "minutes'%s);",
                 options[i]);
        f = begin_store(text);
        load = begin_spend(f, 0, 1 << 20);
        before = mallinfo2().arena;
        append_busy(f, load);
        assert_int_equal(commit_spend(load).rows, 1);
        printf("heap: %zu KiB\n", (mallinfo2().arena - before) >> 10);
        assert_true(mallinfo2().arena - before < 24u << 20);
        held[i] = held_of(f, "spend");
        assert_int_equal(held[i].history, i ? BUSY : 0);
        end_store(f);
        draw_again(NULL);
    }
    expect_equal_rows(held[0], held[1]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        DRAWN(a_busy_key_takes_no_more_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
