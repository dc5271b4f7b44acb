/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libfeature.hpp: source offsets, the change feed, followers, known_by.
 *
 * Owns a leader and a follower for each promise that needs them.
 * Keeps to C++17.
 * Never waits for a clock: who waits is woken by a commit, or asked for nothing.
 */
#include <atomic>
#include <thread>

#include "fixture.hpp"

namespace
{

using namespace std::chrono_literals;

const char *const trips =
    "STORE WITH (changes = '3 days'); CREATE ENTITY trip (trip_id INT64);"
    "CREATE FEATURE VIEW trips (n INT64 DEFAULT 7) FOR trip"
    " WITH (history = '90 days');";

/* A leader with a feed, and a store beside it. */
struct pair : fixture {
    feature::store replica{};

    pair() : fixture(trips), replica(beside("replica"))
    {
    }

    feature::store beside(const std::string &name)
    {
        return feature::store::open(directory.store() + "-" + name,
                                    check::fresh());
    }
};

feature::result<feature::commit>
try_write(feature::store &store, std::int64_t key, std::int64_t time,
          std::int64_t n, const feature::write_options &how = {})
{
    feature::batch batch = store.batch("trips");

    batch.set("trip_id", ints{key})
        .set("event_timestamp", ints{time})
        .set("n", ints{n});
    return store.try_write(how, batch);
}

void
write(feature::store &store, std::int64_t key, std::int64_t time,
      std::int64_t n)
{
    try_write(store, key, time, n).value();
}

/* n of a trip, 0 where it is null. */
std::int64_t
read(const feature::store &store, std::int64_t key,
     const feature::query_options &how = {},
     std::int64_t as_of = check::noon + 9)
{
    feature::query query = store.query("trips(n)", how);
    feature::request request = query.request();

    request.set_key("trip_id", ints{key}).set_as_of(ints{as_of}).read();
    return request.column<std::int64_t>("n")[0].value_or(0);
}

int
follow_all(feature::store &leader, feature::store &replica)
{
    feature::changes feed = leader.changes(
        feature::changes_options::after(replica.stats().sequence));
    int count = 0;

    for (const feature::change_record &record : feed) {
        feature::commit made = replica.follow(record);

        EXPECT(made.sequence == record.sequence());
        EXPECT(made.time == record.time());
        count++;
    }
    return count;
}

template <class Value>
bool
fails(const feature::result<Value> &done, status code, std::string_view reason)
{
    return !done && done.code() == code && done.error().reason() == reason;
}

TEST(a_source_is_written_once_and_its_offset_comes_back)
{
    fixture f(trips);
    std::string position("a\0b", 3);
    feature::source first("orders", 3, 0, 10, position);
    feature::source again("orders", 3, 0, 10), across("orders", 3, 5, 15);
    feature::source both[] = {feature::source("orders", 3, 10, 20),
                              feature::source("orders", 4, 0, 1)};

    EXPECT(fails(f.store.try_offset("orders", 3), status::not_found, "name"));
    auto made = try_write(f.store, 1, check::noon, 1,
                          feature::write_options().from(first));
    EXPECT(made && made->applied == 1 && made->sequence == 2);
    made = try_write(f.store, 1, check::noon, 2,
                     feature::write_options().from(again));
    EXPECT(made && made->duplicate == 1 && made->sequence == 2);
    EXPECT(fails(try_write(f.store, 1, check::noon, 2,
                           feature::write_options().from(across)),
                 status::conflict, "overlap"));
    feature::source_offset stored = f.store.offset("orders", 3);
    EXPECT(stored.next() == 10 && stored.position() == position);
    made = try_write(f.store, 1, check::noon, 3,
                     feature::write_options().from(both));
    EXPECT(made && made->applied == 1);
    EXPECT(f.store.offset("orders", 3).next() == 20);
    EXPECT(f.store.offset("orders", 4).next() == 1);
    EXPECT(f.store.offset("orders", 4).position().empty());
    EXPECT(read(f.store, 1) == 3);
}

TEST(a_follower_holds_what_its_leader_holds)
{
    pair f;

    for (int i = 1; i < 20; i++)
        write(f.store, i % 5, check::noon + i % 3, i);
    EXPECT(follow_all(f.store, f.replica) == 20);
    write(f.store, 4, check::noon + 5, 99);
    EXPECT(follow_all(f.store, f.replica) == 1);
    EXPECT(follow_all(f.store, f.replica) == 0);
    for (int key = 0; key < 6; key++)
        for (std::int64_t at = check::noon - 1; at < check::noon + 6; at++)
            EXPECT(read(f.store, key, {}, at) == read(f.replica, key, {}, at));
    EXPECT(read(f.replica, 4) == 99);
    EXPECT(f.store.stats().rows == f.replica.stats().rows);
    EXPECT(f.store.stats().commit_time == f.replica.stats().commit_time);
    EXPECT(f.store.describe().view() == f.replica.describe().view());
}

TEST(a_follower_refuses_writes_until_it_is_promoted)
{
    pair f;

    write(f.store, 1, check::noon, 1);
    follow_all(f.store, f.replica);
    EXPECT(fails(try_write(f.replica, 1, check::noon, 2), status::conflict,
                 "follower"));
    EXPECT(f.store.promote() == 1); /* who follows nobody */
    EXPECT(f.replica.promote() == 2);
    write(f.replica, 1, check::noon, 2);
    write(f.store, 1, check::noon, 3);
    feature::changes feed = f.store.changes(
        feature::changes_options::after(f.store.stats().sequence - 1));
    EXPECT(fails(f.replica.try_follow(feed.next()), status::conflict, "epoch"));
    EXPECT(read(f.replica, 1) == 2);
}

TEST(a_missing_record_is_a_gap_and_a_damaged_one_corrupt)
{
    pair f;

    write(f.store, 1, check::noon, 1);
    write(f.store, 2, check::noon, 2);
    feature::changes feed = f.store.changes();
    f.replica.follow(feed.next());
    feed.next();
    feature::change_record last = feed.next();
    EXPECT(fails(f.replica.try_follow(last), status::gap, "gap"));
    std::vector<std::uint8_t> bytes(last.bytes().begin(), last.bytes().end());
    bytes[bytes.size() / 2] ^= 1;
    EXPECT(f.replica.try_follow(bytes).code() == status::corrupt);
    EXPECT(f.replica.try_follow(feature::change_record()).code() ==
           status::invalid);
    EXPECT(!feed.next() && f.replica.stats().sequence == 1);
}

TEST(a_feed_begins_where_it_was_turned_on)
{
    fixture f;

    EXPECT(fails(f.store.try_changes(), status::not_found, "no-feed"));
    f.store.apply("STORE WITH (changes = '3 days');");
    EXPECT(fails(f.store.try_changes(), status::gap, "feed-truncated"));
    EXPECT(f.store.try_changes(feature::changes_options::after(1)));
    EXPECT(fails(f.store.try_changes(feature::changes_options::after(9)),
                 status::conflict, "epoch"));
}

TEST(a_record_is_json_while_its_feed_is_there)
{
    fixture f(trips);

    write(f.store, 5, check::noon, 42);
    feature::changes feed = f.store.changes();
    feed.next();
    feature::change_record record = feed.next();
    feature::text line = feed.json(record);
    EXPECT(line.view().find("\"key\":{\"trip_id\":5}") != std::string::npos);
    EXPECT(line.view().find("\"after\":{\"n\":42}") != std::string::npos);
    EXPECT(fails(feed.try_json(feature::span<const std::uint8_t>(
                     reinterpret_cast<const std::uint8_t *>("x"), 1)),
                 status::corrupt, "structure"));
}

TEST(a_consumer_resumes_where_it_acknowledged)
{
    fixture f(trips);
    auto resumed =
        feature::changes_options(feature::changes_options::resume).as("mail");

    write(f.store, 1, check::noon, 1);
    write(f.store, 2, check::noon, 2);
    EXPECT(fails(f.store.try_changes(resumed), status::not_found, "name"));
    {
        feature::changes feed =
            f.store.changes(feature::changes_options().as("mail", 1h));

        EXPECT(
            is_refused(feed.try_acknowledge(1), status::invalid, "argument"));
        feed.next();
        feed.next();
        feed.acknowledge(2);
    }
    feature::changes feed = f.store.changes(resumed);
    EXPECT(feed.next().sequence() == 3);
    EXPECT(!feed.next());
    feature::changes unnamed = f.store.changes();
    EXPECT(is_refused(unnamed.try_acknowledge(0), status::invalid, "argument"));
    EXPECT(fails(f.store.try_changes(feature::changes_options().as("a b")),
                 status::invalid, "argument"));
}

TEST(who_waits_is_woken_by_a_commit)
{
    fixture f(trips);
    feature::changes feed = f.store.changes(feature::changes_options::after(1));
    std::int64_t seen = 0;

    feed.wait(-1ms);
    feed.wait(0ms);
    EXPECT(!feed.next());
    std::thread reader([&] {
        while (seen < 5) {
            if (!feed.try_wait(std::chrono::hours(24 * 365)))
                return;
            while (auto record = feed.try_next()) {
                if (!*record)
                    break;
                seen++;
            }
        }
    });
    for (int i = 0; i < 5; i++)
        write(f.store, i, check::noon, i);
    reader.join();
    EXPECT(seen == 5);
}

TEST(what_was_closed_says_so)
{
    pair f;
    feature::changes feed = f.store.changes(), none;
    feature::changes moved = std::move(feed);

    EXPECT(moved.next().sequence() == 1);
    EXPECT(is_refused(none.try_wait(0ms), status::invalid, "argument"));
    EXPECT(fails(none.try_next(), status::invalid, "argument"));
    f.store.close();
    EXPECT(fails(moved.try_next(), status::invalid, "closed"));
    EXPECT(is_refused(moved.try_wait(1ms), status::invalid, "closed"));
    EXPECT(fails(f.store.try_promote(), status::invalid, "argument"));
    EXPECT(fails(f.store.try_changes(), status::invalid, "argument"));
    EXPECT(fails(f.store.try_offset("a"), status::invalid, "argument"));
}

/* Each thread's partition counts each of its records once. */
TEST(threads_write_from_partitions_and_the_follower_keeps_up)
{
    pair f;
    std::vector<std::thread> writers;
    std::atomic<int> applied{0};

    for (std::uint32_t partition = 0; partition < 4; partition++)
        writers.emplace_back([&, partition] {
            for (std::uint64_t i = 0; i < 20; i++)
                for (int twice = 0; twice < 2; twice++) {
                    feature::source from("topic", partition, i, i + 1);
                    auto made =
                        try_write(f.store, partition,
                                  check::noon + static_cast<std::int64_t>(i), 1,
                                  feature::write_options().from(from));

                    applied += made ? static_cast<int>(made->applied) : 99;
                }
        });
    while (f.replica.stats().sequence < 81)
        follow_all(f.store, f.replica);
    for (std::thread &writer : writers)
        writer.join();
    EXPECT(applied == 80 && follow_all(f.store, f.replica) == 0);
    for (std::uint32_t partition = 0; partition < 4; partition++)
        EXPECT(f.replica.offset("topic", partition).next() == 20);
}

TEST(known_by_leaves_out_what_came_later)
{
    fixture f(trips);
    feature::query_options early;

    write(f.store, 1, check::noon - 10, 1);
    feature::time_point then =
        feature::to_time_point(f.store.stats().commit_time);
    write(f.store, 1, check::noon - 5, 2);
    EXPECT(read(f.store, 1) == 2);
    EXPECT(read(f.store, 1, {}, check::noon - 6) == 1);
    EXPECT(read(f.store, 1, early.known_at(then)) == 1);
    EXPECT(read(f.store, 1, early.known_at(0)) == 2);
}

} // namespace

int
main()
{
    return check::run();
}
