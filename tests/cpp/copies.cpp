/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libfeature.hpp: verification, snapshots, restores, compaction.
 *
 * Owns a store for each promise, and the damage in it.
 * Keeps to C++17.
 * Never waits: progress is looked at when a call is over.
 */
#include <fstream>
#include <iterator>

#include "fixture.hpp"

namespace
{

/* Rows 0 to 99, of which one says `needle`. */
void
fill(feature::store &store)
{
    feature::batch batch = store.batch("v", operation::upsert, "k, a, s");
    ints keys, values;
    texts words(100, "straw");

    for (int i = 0; i < 100; i++) {
        keys.push_back(i);
        values.push_back(i * 3);
    }
    words[42] = "needle";
    batch.set("k", keys).set("a", values).set("s", words);
    store.write(batch);
}

std::string
contents(const std::string &file)
{
    std::ifstream from(file, std::ios::binary);

    return {std::istreambuf_iterator<char>(from), {}};
}

void
overwrite(const std::string &file, const std::string &bytes)
{
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
}

TEST(damage_is_an_answer_and_no_failure)
{
    fixture f;
    std::string file = f.directory.store() + "/data.mdb";

    fill(f.store);
    f.store = {};
    feature::verification good = feature::store::verify(f.directory.store());
    EXPECT(good.is_good() && good.rows == 100 && good.lines.view().empty());

    std::string bytes = contents(file);
    std::size_t needle = bytes.find("needle");
    EXPECT(needle != std::string::npos);
    bytes.at(needle) ^= 1;
    overwrite(file, bytes);
    feature::verification bad = feature::store::verify(
        f.directory.store(), feature::verify_options::json);
    EXPECT(!bad.is_good() && bad.row_findings == 1);
    EXPECT(bad.lines.view().substr(0, 1) == "{");
    auto none = feature::store::try_verify(f.directory.store() + "-none");
    EXPECT(!none && none.error().reason() == "no-store");
}

TEST(a_restored_store_holds_what_the_snapshot_held)
{
    fixture f;
    std::string file = f.directory.store() + "-a.snapshot";
    std::string copy = f.directory.store() + "-copy";
    feature::snapshot_options how;
    feature::progress progress;

    fill(f.store);
    how.workers = 1;
    auto written = f.store.snapshot(file, how, &progress);
    EXPECT(written.rows == 100 && progress.rows() == 100);
    EXPECT(progress.total_rows() == 100 && progress.bytes() == written.bytes);
    auto checked = feature::store::restore(
        file, nullptr, feature::restore_options::verify_only);
    EXPECT(checked.rows == 100 && checked.size == 0);
    auto made = feature::store::restore(file, copy);
    EXPECT(made.sequence == written.sequence && made.size > 0);
    EXPECT(feature::store::verify(copy).is_good());

    feature::store opened = feature::store::open(copy);
    feature::query query = opened.query("v(a, s)");
    feature::request request = query.request();
    request.set_key("k", ints{42}).read();
    EXPECT(request.column<std::int64_t>("a")[0] == 126);
    EXPECT(request.column<std::string_view>("s")[0] == "needle");
    request = {};
    query = {};
    opened = {};
    EXPECT(feature::store::compact(copy).rows == 100);
    EXPECT(feature::store::verify(copy).is_good());
}

TEST(a_flipped_byte_is_refused)
{
    fixture f;
    std::string file = f.directory.store() + "-a.snapshot";

    fill(f.store);
    f.store.snapshot(file);
    std::string bytes = contents(file);
    for (std::size_t at :
         {std::size_t{0}, bytes.size() / 2, bytes.size() - 1}) {
        std::string bad = bytes;

        bad[at] ^= 4;
        overwrite(file, bad);
        auto made =
            feature::store::try_restore(file, f.directory.store() + "-copy");
        EXPECT(!made && made.code() == status::corrupt);
        EXPECT(!std::filesystem::exists(f.directory.store() + "-copy"));
    }
}

TEST(a_call_that_was_cancelled_leaves_nothing)
{
    fixture f;
    std::string file = f.directory.store() + "-a.snapshot";
    feature::progress progress;

    fill(f.store);
    progress.cancel();
    auto made = f.store.try_snapshot(file, {}, &progress);
    EXPECT(!made && made.code() == status::busy);
    EXPECT(!made && made.error().reason() == "cancelled");
    EXPECT(!std::filesystem::exists(file));
    f.store.snapshot(file);
    auto restored = feature::store::try_restore(
        file, f.directory.store() + "-copy", {}, &progress);
    EXPECT(!restored && restored.error().reason() == "cancelled");
    auto compacted =
        feature::store::try_compact(f.directory.store(), {}, &progress);
    EXPECT(!compacted && compacted.error().reason() == "in-use");
}

} // namespace

int
main()
{
    return check::run();
}
