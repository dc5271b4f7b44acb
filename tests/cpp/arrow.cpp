/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Arrow calls of libfeature.hpp: out of one view, into another.
 *
 * Owns a view that is read as a stream, and one to write it to.
 * Keeps an eye on who releases what.
 * Never needs an Arrow library: the store is producer and consumer.
 */
#include "arrow_abi.hpp"
#include "check.hpp"

namespace
{

using feature::operation;
using feature::status;

const char *const columns = "(a INT64, f FLOAT32, s STRING, vec FLOAT32[2], "
                            "names STRING[]) FOR e;";

struct fixture {
    check::directory directory{};
    feature::store store{};

    fixture() : store(feature::store::open(directory.store(), check::fresh()))
    {
        store.apply(std::string("CREATE ENTITY e (k INT64);"
                                "CREATE FEATURE VIEW v ") +
                    columns + "CREATE FEATURE VIEW w " + columns);
        feature::batch batch = store.batch("v");
        batch.set("k", {1, 2, 3})
            .set("event_timestamp", std::vector<std::int64_t>(3, check::noon))
            .set("a", std::vector<std::int64_t>{10, 20, 30},
                 {true, false, true})
            .set("f", std::vector<float>{0.5F, 1.5F, 2.5F})
            .set("s", {"x", "", "zz"})
            .set("vec", std::vector<float>{1, 2, 3, 4, 5, 6})
            .set_list("names", std::vector<std::vector<std::string>>{
                                   {"a", "b"}, {}, {"c"}});
        store.write(batch);
    }
};

TEST(a_view_streams_into_another)
{
    fixture f;
    ArrowArrayStream stream{};
    feature::commit kept;

    f.store.scan_arrow("v(*)", &stream);
    feature::commit made =
        f.store.write_arrow("w", operation::upsert, &stream, {}, &kept);
    EXPECT(stream.release == nullptr);
    EXPECT(made.applied == 3 && made.sequence == 3);
    EXPECT(kept.applied == 3 && kept.sequence == 3);

    feature::query query = f.store.query("w(*)");
    feature::request request = query.request();
    request.set_key("k", {3, 2, 1}).read();
    EXPECT(request.column<std::int64_t>("a")[0] == 30);
    EXPECT(!request.column<std::int64_t>("a")[1]);
    EXPECT(request.column<std::string_view>("s")[0] == "zz");
    EXPECT(request.column<feature::span<const float>>("vec").value(2)[1] == 2);
    EXPECT(request.column<feature::string_list>("names").value(2).size() == 2);
    EXPECT(request.timestamps("w")[0] == check::noon);
}

TEST(options_reach_the_library)
{
    fixture f;
    ArrowArrayStream stream{};
    feature::scan_options some(feature::scan_options::one_snapshot);
    feature::arrow_options patch;

    some.chunk_rows = 1;
    some.from = "2";
    patch.columns = "k, event_timestamp, f = a";
    patch.commit_rows = 1;
    f.store.scan_arrow("v(a)", &stream, some);
    feature::commit made =
        f.store.write_arrow("w", operation::patch, &stream, patch);
    EXPECT(made.applied == 2 && made.sequence == 4);
}

TEST(a_failure_releases_the_stream_and_tells_what_was_kept)
{
    fixture f;
    ArrowArrayStream stream{};
    feature::commit kept;

    kept.sequence = 99;
    f.store.scan_arrow("v(*)", &stream);
    auto done = f.store.try_write_arrow("nothing", operation::upsert, &stream,
                                        {}, &kept);
    EXPECT(!done && done.code() == status::not_found);
    EXPECT(stream.release == nullptr);
    EXPECT(kept.sequence == 0);
    EXPECT(f.store.try_scan_arrow("nothing(*)", &stream).code() ==
           status::not_found);
}

TEST(tiles_of_one_store_merge_into_another)
{
    const char *const definitions =
        "CREATE ENTITY card (card_id INT64);"
        "CREATE EVENT payment (card_id INT64, amount INT64);"
        "CREATE FEATURE VIEW spend (n = COUNT(*), spent = SUM(amount)) FOR "
        "card FROM payment;";
    fixture batch, live;
    ArrowArrayStream stream{};
    feature::source cut("payments", 0, 0, 2);

    for (auto *one : {&batch, &live}) {
        one->store.apply(definitions);
        feature::batch rows = one->store.batch(
            "payment", operation::event, "card_id, amount, event_timestamp");
        rows.set("card_id", std::vector<std::int64_t>{7, 8})
            .set("amount", std::vector<std::int64_t>{1, 2})
            .set("event_timestamp",
                 std::vector<std::int64_t>{check::noon - 9, check::noon - 8});
        one->store.write(rows);
    }
    batch.store.tiles_arrow("spend", &stream);
    feature::commit made = live.store.merge_tiles(
        "spend", &stream, feature::write_options().from(cut));
    EXPECT(stream.release == nullptr && made.applied == 2);
    feature::query query = live.store.query("spend(*)");
    feature::request request = query.request();
    request.set_key("card_id", {8, 7}).read();
    EXPECT(request.column<std::int64_t>("n")[0] == 2);
    EXPECT(request.column<std::int64_t>("spent")[0] == 4);
    batch.store.tiles_arrow("spend", &stream);
    made = live.store.merge_tiles("spend", &stream,
                                  feature::write_options().from(cut));
    EXPECT(made.applied == 0 && made.duplicate == 2);
    batch.store.tiles_arrow("spend", &stream);
    EXPECT(live.store.try_merge_tiles("v", &stream).code() == status::invalid);
    EXPECT(stream.release == nullptr);
    EXPECT(live.store.try_tiles_arrow("v", &stream).code() == status::invalid);
}

TEST(a_read_becomes_an_array_that_outlives_its_request)
{
    fixture f;
    ArrowSchema schema{};
    ArrowArray array{};

    {
        feature::query query = f.store.query("v(a, f)");
        feature::request request = query.request();

        EXPECT(request.try_export_arrow(&schema, &array).code() ==
               status::invalid);
        request.set_key("k", {1, 9}).read();
        request.export_arrow(&schema, &array,
                             feature::export_flag::states |
                                 feature::export_flag::timestamps);
    }
    f.store.close();
    EXPECT(array.length == 2 && array.n_children == 4);
    EXPECT(std::string_view(schema.format) == "+s");
    EXPECT(std::string_view(schema.children[0]->name) == "a");
    EXPECT(std::string_view(schema.children[2]->name) == "v__state");
    EXPECT(array.children[1]->null_count == 1);
    auto a = static_cast<const std::int64_t *>(array.children[0]->buffers[1]);
    EXPECT(a[0] == 10 && a[1] == 0);
    array.release(&array);
    schema.release(&schema);
    EXPECT(!array.release && !schema.release);
}

TEST(labels_are_joined_with_what_was_true_at_their_time)
{
    fixture f;
    ArrowArrayStream labels{}, joined{};
    ArrowArray batch{};
    feature::query query = f.store.query("v(f AS was)");

    f.store.scan_arrow("v(s)", &labels);
    query.join_arrow(&labels, &joined,
                     feature::join_options(feature::export_flag::states));
    EXPECT(labels.release == nullptr);
    EXPECT(joined.get_next(&joined, &batch) == 0);
    EXPECT(batch.length == 3 && batch.n_children == 5);
    auto was = static_cast<const float *>(batch.children[3]->buffers[1]);
    EXPECT(was[0] == 0.5F && was[2] == 2.5F);
    batch.release(&batch);
    joined.release(&joined);
}

TEST(a_join_that_cannot_be_releases_the_labels)
{
    fixture f;
    ArrowArrayStream labels{}, joined{};
    feature::query query = f.store.query("v(f AS was)");
    feature::join_options how;

    how.timestamp = "seen";
    f.store.scan_arrow("v(s)", &labels);
    auto done = query.try_join_arrow(&labels, &joined, how);
    EXPECT(!done && done.code() == status::not_found);
    EXPECT(labels.release == nullptr && joined.release == nullptr);
    f.store.scan_arrow("v(s)", &labels);
    EXPECT(feature::query().try_join_arrow(&labels, &joined).code() ==
           status::invalid);
    EXPECT(labels.release == nullptr);
}

TEST(a_stream_from_a_source_is_written_once)
{
    fixture f;
    ArrowArrayStream stream{};
    feature::source from("file", 0, 0, 3, "page 7");

    for (std::uint64_t expected : {3, 0}) {
        f.store.scan_arrow("v(*)", &stream);
        feature::commit made =
            f.store.write_arrow("w", operation::upsert, &stream,
                                feature::arrow_options().from(from));
        EXPECT(made.applied == expected && made.duplicate == 3 - expected);
    }
    EXPECT(f.store.offset("file").next() == 3);
    EXPECT(f.store.offset("file").position() == "page 7");
}

} // namespace

int
main()
{
    return check::run();
}
