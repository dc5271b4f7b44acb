/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libfeature.hpp: loads of whole versions, and the way back.
 *
 * Owns a store with a change feed for each promise.
 * Keeps to C++17.
 * Never leaves a load to the end of the process: each goes with its scope.
 */
#include "fixture.hpp"

namespace
{

constexpr const char *definitions =
    "CREATE ENTITY e (k INT64); CREATE FEATURE VIEW v (a INT64) FOR e "
    "WITH (max_skew = 'none'); STORE WITH (changes = '90 days');";

feature::batch
rows_of(feature::store &store, const ints &keys, std::int64_t value)
{
    feature::batch batch = store.batch("v", operation::upsert, "k, a");

    batch.set("k", keys).set("a", ints(keys.size(), value));
    return batch;
}

void
put(feature::store &store, const ints &keys, std::int64_t value)
{
    feature::batch batch = rows_of(store, keys, value);

    store.write(batch);
}

ints
values(const feature::store &store)
{
    feature::query query = store.query("v:a");
    feature::request request = query.request();
    ints found;

    request.set_key("k", ints{0, 1, 2, 3}).read();
    auto column = request.column<std::int64_t>("a");

    for (std::size_t i = 0; i < 4; i++)
        found.push_back(column.value_or(i, -1));
    return found;
}

TEST(a_load_replaces_and_a_rollback_goes_back)
{
    fixture f(definitions);

    put(f.store, {0, 1}, 1);
    feature::load load = f.store.load("v", "night-1");
    load.append(rows_of(f.store, {1, 2}, 2));
    put(f.store, {3}, 3);
    EXPECT(load.status().rows == 2);
    feature::load_report report = load.commit();
    EXPECT(report.rows == 2 && report.caught_up == 1);
    EXPECT((values(f.store) == ints{-1, 2, 2, 3}));
    EXPECT(f.store.load("v", "night-1").status().is_duplicate());
    EXPECT(f.store.loads("v").view().find("night-1") != std::string_view::npos);
    EXPECT(f.store.rollback("v").sequence > report.sequence);
    EXPECT((values(f.store) == ints{1, 1, -1, 3}));
    feature::rollback_options how;
    how.id = "night-1";
    f.store.rollback("v", how);
    EXPECT((values(f.store) == ints{-1, 2, 2, 3}));
    EXPECT(f.store.try_rollback("v", how).code() == status::not_found);
    how.id = nullptr;
    how.version = 1;
    f.store.rollback("v", how);
    EXPECT((values(f.store) == ints{1, 1, -1, 3}));
}

TEST(a_load_that_is_not_committed_leaves_nothing)
{
    fixture f(definitions);

    put(f.store, {0}, 1);
    {
        feature::load load = f.store.load("v");
        load.append(rows_of(f.store, {1}, 2));
        EXPECT(f.store.try_load("v").code() == status::busy);
    }
    EXPECT((values(f.store) == ints{1, -1, -1, -1}));
    feature::load load = f.store.load("v");
    load.abort();
    EXPECT((values(f.store) == ints{1, -1, -1, -1}));
    feature::batch twice = rows_of(f.store, {2, 2}, 1);
    EXPECT(is_refused(f.store.load("v").try_append(twice), status::conflict,
                      "duplicate-key"));
    EXPECT(is_refused(f.store.try_discard_load("v", "x"), status::not_found,
                      "load"));
    EXPECT(f.store.try_rollback("v").code() == status::not_found);
}

} // namespace

int
main()
{
    return check::run();
}
