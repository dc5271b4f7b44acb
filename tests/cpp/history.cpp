/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libfeature.hpp: upkeep, history, content, changes as a stream.
 *
 * Owns a store with a feed and a view with history.
 * Keeps to a clock that stands still.
 * Never needs an Arrow library: buffers are looked at where they lie.
 */
#include "arrow_abi.hpp"
#include "fixture.hpp"

namespace
{

const char *const definitions =
    "STORE WITH (changes = '3 days');"
    "CREATE ENTITY e (k INT64, name STRING);"
    "CREATE FEATURE VIEW v (a INT64) FOR e WITH (history = '9 days');"
    "CREATE FEATURE VIEW w (a INT64) FOR e WITH (ttl = '1 hour');";

void
put(feature::store &store, const char *view, std::int64_t key, const char *name,
    std::int64_t time, std::int64_t a)
{
    feature::batch batch = store.batch(view);

    batch.set("k", ints{key})
        .set("name", texts{name})
        .set("event_timestamp", ints{time})
        .set("a", ints{a});
    store.write(batch);
}

/* The int64 cells of one column of all batches; ends the stream. */
ints
drain(ArrowArrayStream &stream, int column)
{
    ints all;
    ArrowArray batch{};

    EXPECT(stream.get_next(&stream, &batch) == 0);
    while (batch.release) {
        auto cells = static_cast<const std::int64_t *>(
            batch.children[column]->buffers[1]);

        all.insert(all.end(), cells, cells + batch.length);
        batch.release(&batch);
        EXPECT(stream.get_next(&stream, &batch) == 0);
    }
    stream.release(&stream);
    return all;
}

struct written : fixture {
    written() : fixture(definitions)
    {
        for (int i = 0; i < 3; i++)
            put(store, "v", 1, "x", check::noon + i, 10 + i);
        put(store, "v", 2, "y", check::noon, 20);
    }
};

TEST(versions_are_listed_key_by_key_the_newest_first)
{
    written f;
    ArrowArrayStream stream{};
    feature::query query = f.store.query("v(*)");
    feature::history_report report =
        query.history(&stream, {}, ints{2, 1}, texts{"y", "x"});

    EXPECT(report.sequence == f.store.stats().sequence);
    EXPECT(report.since > 0 && report.horizon == INT64_MIN);
    EXPECT(drain(stream, 7) == (ints{20, 12, 11, 10}));

    feature::history_options how;
    how.last = 1;
    how.chunk_rows = 1;
    query.history(&stream, how, ints{1}, std::vector<const char *>{"x"});
    EXPECT(drain(stream, 2) == ints{check::noon + 2});
}

TEST(a_null_key_has_no_versions_and_one_value_stands_for_all)
{
    written f;
    ArrowArrayStream stream{};
    feature::query query = f.store.query("v(*)");

    query.history(&stream, {},
                  std::vector<std::optional<std::int64_t>>{std::nullopt, 1},
                  texts{"x"});
    EXPECT(drain(stream, 7) == (ints{12, 11, 10}));
}

TEST(what_cannot_be_listed_is_refused)
{
    written f;
    ArrowArrayStream stream{};
    feature::query query = f.store.query("v(*)");
    auto one = query.try_history(&stream, {}, ints{1});
    auto kind = query.try_history(&stream, {}, texts{"1"}, texts{"x"});
    auto rows = query.try_history(&stream, {}, ints{1, 2, 3}, texts{"x", "y"});
    auto many = query.try_history(&stream, {}, ints{1}, texts{"x"}, ints{1});
    auto none =
        f.store.query("w(*)").try_history(&stream, {}, ints{1}, texts{"x"});

    EXPECT(one.code() == status::invalid && kind.code() == status::invalid);
    EXPECT(rows.code() == status::invalid && many.code() == status::not_found);
    EXPECT(!none && none.error().reason() == "history");
    EXPECT(stream.release == nullptr);
}

TEST(changes_of_a_view_are_a_stream)
{
    written f;
    ArrowArrayStream stream{};
    feature::changes_arrow_options how;
    ArrowSchema schema{};

    EXPECT(f.store.changes_arrow("v(*)", &stream) == 5);
    EXPECT(drain(stream, 2) == (ints{10, 11, 12, 20}));
    how.since = 3;
    how.until = 4;
    how.flags = feature::changes_arrow_options::before;
    EXPECT(f.store.changes_arrow("v(*)", &stream, how) == 4);
    EXPECT(stream.get_schema(&stream, &schema) == 0);
    EXPECT(schema.n_children > 10);
    schema.release(&schema);
    EXPECT(drain(stream, 2) == ints{12});
    EXPECT(f.store.try_changes_arrow("nothing(*)", &stream).code() ==
           status::not_found);
}

TEST(equal_stores_have_equal_content)
{
    written f, g;
    auto views = [](const feature::store &store) {
        std::string all = store.content().str();

        return all.substr(all.find('\n')); /* the first line has the uuid */
    };

    EXPECT(f.store.content().view().substr(0, 6) == "store\t");
    EXPECT(views(f.store) == views(g.store));
    put(g.store, "v", 2, "y", check::noon + 1, 21);
    EXPECT(views(f.store) != views(g.store));
    f.store.close();
    EXPECT(f.store.try_content().code() == status::invalid);
}

TEST(upkeep_removes_what_is_past_its_ttl)
{
    written f;
    feature::options later = check::fresh();
    feature::maintain_options how(feature::maintain_options::all);

    put(f.store, "w", 1, "x", check::noon, 1);
    EXPECT(f.store.maintain().rows_expired == 0);
    f.store.close();
    later.fixed_now = check::noon + 7200 * check::second;
    f.store = feature::store::open(f.directory.store(), later);
    how.max_rows = 100;
    feature::maintain_report done = f.store.maintain(how);
    EXPECT(done.rows_expired == 1 && done.passes_left == 0);
    EXPECT(done.sequence == f.store.stats().sequence && done.commits >= 1);
    how.flags = 1U << 31;
    EXPECT(f.store.try_maintain(how).code() == status::invalid);
}

} // namespace

int
main()
{
    return check::run();
}
