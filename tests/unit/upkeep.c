/* SPDX-License-Identifier: Apache-2.0 */
/* Upkeep beside followers, and upkeep that is killed. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "draw.h"
#include "feed.h"

#define DEFINITIONS                                                   \
    FEED_ON "CREATE ENTITY e (k INT64);"                              \
            "CREATE FEATURE VIEW aged (a INT64, b INT64) FOR e"       \
            " WITH (ttl = '20 days', max_skew = 'none');"             \
            "CREATE FEATURE VIEW kept (a INT64, b INT64) FOR e WITH " \
            "(ttl = '20 days', history = '40 days', max_skew = 'none');"

static void
expect_good(const char *path)
{
    struct feature_verify_report report = {.struct_size = sizeof report};
    char *findings = NULL;

    must(feature_store_verify(path, NULL, &report, &findings, &problem));
    if (report.findings)
        fail_msg("%s", findings);
    feature_free(findings);
}

/* Most rows are those of one key, whose history is packed then. */
static int is_skewed;

static void
write_some(struct fixture *f, int64_t now)
{
    static const char *const views[] = {"aged", "kept"};
    const char *view = views[draw_below(2)];
    int64_t time = now - (int64_t)draw_below(60) * DAY;
    char row[80];
    int key = is_skewed && draw_one_in(2) ? 0 : (int)draw_below(6);

    if (draw_one_in(is_skewed ? 30 : 4)) {
        snprintf(row, sizeof row, "%d %" PRId64, key, time);
        erase(f, view, "k, event_timestamp", row);
        return;
    }
    snprintf(row, sizeof row, "%d %" PRId64 " %d", key, time,
             (int)draw_below(100));
    if (draw_one_in(2))
        patch(f, view,
              draw_one_in(2) ? "k, event_timestamp, a"
                             : "k, event_timestamp, b",
              row);
    else
        upsert(f, view, "k, event_timestamp, a", row);
}

static struct feature_maintain_report
maintain(feature_store *store, uint64_t max_rows)
{
    struct feature_maintain_options options = {.struct_size = sizeof options,
                                               .flags = FEATURE_MAINTAIN_ALL,
                                               .max_rows = max_rows};
    struct feature_maintain_report report = {.struct_size = sizeof report};

    must(feature_store_maintain(store, &options, &report, &problem));
    return report;
}

static void
catch_up(struct fixture *f, feature_store *replica, uint64_t *seen)
{
    struct records records;

    read_records(f->store, *seen, &records);
    for (uint32_t i = 0; i < records.count; i++)
        *seen = follow(replica, &records.each[i]).sequence;
    free_records(&records);
    expect_same(f->store, replica);
}

static void
run_beside_follower(struct fixture *f, int calls,
                    struct feature_maintain_report *sum)
{
    feature_store *replica = open_beside(f, "replica");
    struct feature_maintain_report report;
    int pace = calls / 300;
    uint64_t seen = 0;
    int64_t now = NOON;

    define(f, DEFINITIONS);
    for (int i = 0; i < calls; i++) {
        write_some(f, now);
        if (draw_one_in(3 * (uint32_t)(pace * pace))) {
            report = maintain(f->store, draw_below(8));
            sum->rows_expired += report.rows_expired;
            sum->tombstones_removed += report.tombstones_removed;
            sum->versions_dropped += report.versions_dropped;
            sum->versions_packed += report.versions_packed;
        }
        if (draw_one_in(10 * (uint32_t)(pace * pace))) {
            close_store(f);
            now += (int64_t)draw_below(is_skewed ? 6 : 30) * DAY;
            f->options.fixed_now = now;
            open_store(f);
        }
        catch_up(f, replica, &seen);
    }
    assert_int_equal(maintain(replica, 0).commits, 0);
    close_store(f);
    expect_good(f->path);
    feature_store_close(replica);
}

static void
a_follower_stays_equal_through_upkeep(void **state)
{
    struct feature_maintain_report sum = {0};

    run_beside_follower(*state, 300, &sum);
    assert_in_range(sum.rows_expired, 10, 1000);
    assert_in_range(sum.tombstones_removed, 5, 1000);
    assert_in_range(sum.versions_dropped, 10, 1000);
}

/* Blocks come and go on one side alone. */
static void
a_follower_needs_no_blocks(void **state)
{
    struct feature_maintain_report sum = {0};

    is_skewed = 1;
    run_beside_follower(*state, 1500, &sum);
    is_skewed = 0;
    assert_in_range(sum.versions_packed, 2 * 64, 10000);
    assert_in_range(sum.versions_dropped, 64, 10000);
}

/* In a child, which is killed. */
static void
write_and_maintain(struct fixture *f, int64_t now)
{
    open_store(f);
    for (;;) {
        write_some(f, now);
        maintain(f->store, 3);
    }
}

static void
upkeep_that_is_killed_leaves_a_good_store(void **state)
{
    struct fixture *f = *state;

    uint64_t packed = 0;

    is_skewed = 1;
    define(f, DEFINITIONS);
    for (int i = 0; i < 12; i++) {
        pid_t child;

        f->options.fixed_now += 10 * DAY;
        f->options.flags |= FEATURE_OPEN_NO_UPKEEP;
        open_store(f);
        for (int j = 0; j < 300; j++)
            write_some(f, f->options.fixed_now);
        close_store(f);
        f->options.flags &= ~(uint32_t)FEATURE_OPEN_NO_UPKEEP;
        child = fork();
        assert_true(child >= 0);
        if (!child) {
            alarm(60);
            write_and_maintain(f, f->options.fixed_now);
        }
        usleep(2000 + draw_below(30000));
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        expect_good(f->path);
        open_store(f);
        packed += maintain(f->store, 0).versions_packed;
        close_store(f);
        expect_good(f->path);
    }
    is_skewed = 0;
    assert_in_range(packed, 1, UINT64_MAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_follower_stays_equal_through_upkeep),
        TEST(a_follower_needs_no_blocks),
        TEST(upkeep_that_is_killed_leaves_a_good_store),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
