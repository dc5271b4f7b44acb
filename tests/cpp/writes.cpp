/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libfeature.hpp: errors, owners, batches, the store.
 *
 * Owns a promise of the wrapper in each test; what the library answers is the
 * business of the golden vectors and of tests/api.
 * Keeps to C++17.
 * Never reads the clock: time is what the options say.
 */
#include <algorithm>
#include <array>
#include <deque>

#include "fixture.hpp"

namespace
{

/* --- errors --------------------------------------------------------------- */

TEST(a_failure_throws_or_is_returned)
{
    check::directory d;
    auto returned = feature::store::try_open(d.store());
    auto thrown = thrown_by([&] { feature::store::open(d.store()); });

    EXPECT(!returned && returned.code() == status::not_found);
    EXPECT(returned.error().reason() == "no-store");
    EXPECT(thrown && thrown->code() == status::not_found);
    EXPECT(thrown && std::string(thrown->what()) == returned.error().what());
    EXPECT(thrown_by([&] { std::move(returned).value(); }).has_value());
}

TEST(an_error_knows_its_place)
{
    fixture f;
    auto why = thrown_by([&] { f.store.apply("\nCREATE x"); });

    EXPECT(why && why->code() == status::invalid);
    EXPECT(why && why->details().line == 2 && why->details().column == 8);
    EXPECT(why && feature::name(why->code()) == "INVALID");
    EXPECT(feature::version() / 10000 == FEATURE_VERSION_MAJOR);
}

TEST(an_error_is_a_std_exception)
{
    fixture f;
    bool is_caught = false;

    try {
        f.store.query("nothing(a)");
    } catch (const std::exception &why) {
        is_caught = std::string_view(why.what()).find("nothing") !=
                    std::string_view::npos;
    }
    EXPECT(is_caught);
}

/* --- owners --------------------------------------------------------------- */

static_assert(!std::is_copy_constructible_v<feature::store>);
static_assert(!std::is_copy_constructible_v<feature::batch>);
static_assert(!std::is_copy_constructible_v<feature::query>);
static_assert(!std::is_copy_constructible_v<feature::request>);
static_assert(std::is_nothrow_move_constructible_v<feature::store>);
static_assert(std::is_nothrow_move_constructible_v<feature::batch>);
static_assert(std::is_nothrow_move_constructible_v<feature::query>);
static_assert(std::is_nothrow_move_constructible_v<feature::request>);
static_assert(std::is_nothrow_move_assignable_v<feature::request>);
static_assert(std::is_nothrow_copy_constructible_v<feature::error>);

TEST(what_was_moved_from_holds_nothing_and_says_so)
{
    fixture f;
    feature::store moved = std::move(f.store);
    feature::query query = moved.query("v(a)");
    feature::query kept = std::move(query);
    feature::request request = kept.request();
    feature::request other;

    EXPECT(!f.store && moved && !query && kept);
    EXPECT(f.store.try_stats().code() == status::invalid);
    EXPECT(query.key_count() == 0 && query.matrix_width() == 0);
    EXPECT(query.try_request().code() == status::invalid);
    request.set_key(0, {1});
    other = std::move(request);
    EXPECT(other.rows() == 1 && request.rows() == 0);
    EXPECT(request.try_read().code() == status::invalid);
    EXPECT(request.states(0).empty() && request.row_count() == 0);
    other.read();
    EXPECT(other.row_count() == 1);
    EXPECT(feature::batch().try_set(0, ints{1}).code() == status::invalid);
    EXPECT(feature::batch().outcomes().empty());
    EXPECT(!feature::batch().problem(0));
}

TEST(children_outlive_their_store_and_say_closed)
{
    fixture f;
    feature::batch batch = f.store.batch("v", operation::upsert, "k, a");
    feature::query query = f.store.query("v(a)");
    feature::request request = query.request();

    request.set_key("k", {1});
    f.store.close();
    auto done = request.try_read();
    EXPECT(is_refused(done, status::invalid, "closed"));
    EXPECT(!f.store);
}

/* --- writing -------------------------------------------------------------- */

TEST(columns_take_whatever_holds_values)
{
    fixture f;
    feature::batch batch =
        f.store.batch("v", operation::upsert, "k, a, f, s, b, t, y");
    const std::int64_t keys[] = {1, 2, 3};
    std::array<float, 3> floats{0.5F, 1.5F, 2.5F};
    std::deque<bool> flags{true, false, true};
    std::vector<feature::time_point> times(3, feature::to_time_point(5));
    std::vector<std::vector<std::byte>> octets{{}, {std::byte{1}}, {}};

    batch.set("k", keys)
        .set("a", {10, 20, 30}) // int widens
        .set("f", floats)
        .set("s", {"x", "", "z"})
        .set("b", flags)
        .set("t", times)
        .set("y", octets);
    EXPECT(f.store.write(batch).applied == 3);

    feature::query query = f.store.query("v(*)");
    feature::request request = query.request();
    request.set_key("k", ints{3, 2, 1}).read();
    auto a = request.column<std::int64_t>("a");
    auto s = request.column<std::string_view>("s");
    auto b = request.column<bool>("b");
    auto t = request.column<feature::time_point>("t");
    auto y = request.column<std::string_view>("y");

    EXPECT(a.size() == 3 && a[0] == 30 && a[1] == 20 && a.values()[2] == 10);
    EXPECT(request.column<float>("f")[0] == 2.5F);
    EXPECT(s[0] == "z" && s[1] == "" && s[2] == "x");
    EXPECT(b[0] == true && b[1] == false);
    EXPECT(t[0] == times[0] && request.column<std::int64_t>("t")[0] == 5);
    EXPECT(y[1] == std::string_view("\1") && y[0]->empty());
}

TEST(nulls_are_optionals_or_flags_or_bits)
{
    fixture f;
    feature::batch batch = f.store.batch("v", operation::upsert, "k, a, s, b");
    std::vector<std::optional<std::string>> names{"x", std::nullopt, "z", ""};
    std::vector<std::optional<bool>> truths{true, false, std::nullopt, true};
    const std::uint8_t bits = 0x5;

    batch.set(0, {1, 2, 3, 4})
        .set(1, ints{1, 2, 3, 4}, {true, true, false, true})
        .set(2, names)
        .set(3, truths, feature::validity::bits(&bits));
    EXPECT(f.store.write(batch).applied == 4);

    feature::query query = f.store.query("v(a, s, b, f)");
    feature::request request = query.request();
    request.set_key(0, {1, 2, 3, 4}).read();
    auto a = request.column<std::int64_t>(0);
    auto s = request.column<std::string_view>(1);
    auto b = request.column<bool>(2);
    auto defaulted = request.column<float>(3);

    EXPECT(a[1] == 2 && !a[2] && a.is_null(2) && a.null_count() == 1);
    EXPECT(a.value(2) == 0 && a.value_or(2, 9) == 9 && a.value_or(1, 9) == 2);
    EXPECT(s[0] == "x" && !s[1] && s[3] == "");
    /* The optional and the bits both have to say yes. */
    EXPECT(b[0] == true && !b[1] && !b[2] && !b[3]);
    EXPECT(defaulted[0] == 7.0F && defaulted.is_defaulted(0));
    EXPECT(!a.is_defaulted(0));
}

TEST(vectors_and_lists)
{
    fixture f;
    feature::batch batch = f.store.batch("l");
    std::vector<float> flat{1, 2, 3, 4, 5, 6};
    std::vector<std::vector<std::int64_t>> lists{{7, 8}, {}};
    std::vector<std::optional<texts>> names{texts{"a", "", "bc"}, std::nullopt};
    const std::vector<double> elements{0.5, 1.5, 2.5};
    const std::vector<std::int32_t> offsets{0, 1, 3};

    batch.set("k", {1, 2})
        .set("event_timestamp", {check::noon, check::noon})
        .set("vec", flat, {true, false})
        .set_list("n", lists)
        .set_list("names", names)
        .set_list("d", feature::span<const double>(elements), offsets);
    EXPECT(f.store.write(batch).applied == 2);

    feature::query query = f.store.query("l(*)");
    feature::request request = query.request();
    request.set_key(0, {1, 2}).read();
    auto vec = request.column<feature::span<const float>>("vec");
    auto n = request.column<feature::span<const std::int64_t>>("n");
    auto strings = request.column<feature::string_list>("names");
    auto d = request.column<feature::span<const double>>("d");

    EXPECT(vec.width() == 3 && vec[0]->size() == 3 && (*vec[0])[2] == 3);
    EXPECT(!vec[1] && vec.value(1)[0] == 0);
    EXPECT(n[0]->size() == 2 && (*n[0])[1] == 8 && n[1]->empty());
    EXPECT(strings[0]->size() == 3 && (*strings[0])[2] == "bc");
    EXPECT((*strings[0])[1].empty() && !strings[1]);
    EXPECT(d[1]->size() == 2 && (*d[1])[1] == 2.5);
    std::string joined;
    for (std::string_view each : *strings[0])
        joined += std::string(each) + "|";
    EXPECT(joined == "a||bc|");
    float sum = 0;
    for (float each : *vec[0])
        sum += each;
    EXPECT(sum == 6);
}

TEST(lists_follow_one_another)
{
    fixture f;
    feature::batch batch = f.store.batch("l", operation::patch, "k, n, names");
    std::vector<std::vector<std::int64_t>> numbers{{1}, {2, 3}, {}, {4, 5, 6}};
    std::vector<texts> names{{}, {"a"}, {"bb", "c"}, {"", "d"}};

    batch.set("k", {1, 2, 3, 4})
        .set_list("n", numbers)
        .set_list("names", names);
    EXPECT(f.store.write(batch).applied == 4);
    feature::query query = f.store.query("l(n, names)");
    feature::request request = query.request();
    request.set_key(0, {1, 2, 3, 4}).read();
    auto n = request.column<feature::span<const std::int64_t>>("n");
    auto strings = request.column<feature::string_list>("names");

    for (std::size_t i = 0; i < 4; i++) {
        EXPECT(std::equal(numbers[i].begin(), numbers[i].end(),
                          n.value(i).begin(), n.value(i).end()));
        EXPECT(std::equal(names[i].begin(), names[i].end(),
                          strings.value(i).begin(), strings.value(i).end()));
    }
}

TEST(packed_texts_go_as_they_are)
{
    fixture f("CREATE ENTITY e (k STRING);"
              "CREATE FEATURE VIEW v (y BYTES) FOR e;");
    feature::batch batch = f.store.batch("v", operation::upsert, "k, y");
    const std::vector<std::int32_t> offsets{1, 3, 4};
    const feature::packed_texts packed{"?abc", offsets};

    batch.set("k", packed).set("y", packed, {true, false});
    EXPECT(f.store.write(batch).applied == 2);
    feature::query query = f.store.query("v(y)");
    feature::request request = query.request();
    EXPECT(request.try_set_key("k", packed).has_value());
    request.read();
    EXPECT(request.column<std::string_view>(0)[0] == "ab");
    EXPECT(request.states("v")[1] == feature::state::null);
    /* No offsets, no rows. */
    EXPECT(request.try_set_key("k", feature::packed_texts()).has_value());
    request.read();
    EXPECT(request.row_count() == 0);
}

TEST(wrong_shapes_are_refused_before_they_reach_the_library)
{
    fixture f;
    feature::batch batch = f.store.batch("l");
    const std::vector<double> elements{0.5};
    const std::vector<std::int32_t> offsets{0, 2};

    EXPECT(is_refused(batch.try_set("vec", std::vector<float>(4)),
                      status::invalid, "argument"));
    EXPECT(is_refused(batch.try_set("k", {1, 2}, {true}), status::invalid,
                      "argument"));
    EXPECT(
        is_refused(batch.try_set("nothing", {1}), status::not_found, "name"));
    EXPECT(is_refused(batch.try_set(99, {1}), status::not_found, "name"));
    EXPECT(is_refused(
        batch.try_set_list("d", feature::span<const double>(elements), offsets),
        status::invalid, "argument"));
    EXPECT(is_refused(batch.try_set_list("n", std::vector<ints>(2), {true}),
                      status::invalid, "argument"));
    /* And these by the library. */
    EXPECT(is_refused(batch.try_set("k", {"a"}), status::invalid, "argument"));
    EXPECT(is_refused(batch.try_set("n", {1}), status::invalid, "argument"));
    EXPECT(is_refused(batch.try_set_list("k", std::vector<ints>(1)),
                      status::invalid, "argument"));
    auto why = thrown_by([&] { batch.set("nothing", {1}); });
    EXPECT(why && std::string_view(why->what()) == "there is no \"nothing\"");
}

TEST(several_batches_are_one_commit)
{
    fixture f("CREATE ENTITY e (k INT64);"
              "CREATE FEATURE VIEW v (a INT64) FOR e;"
              "CREATE FEATURE VIEW w (a INT64) FOR e;");
    feature::batch v = f.store.batch("v"), w = f.store.batch("w");
    feature_batch *handles[] = {v.get(), w.get()};
    ints now{check::noon, check::noon - 1};

    v.set("k", {1, 1}).set("event_timestamp", now).set("a", {1, 2});
    w.set("k", {1, 2}).set("event_timestamp", now).set("a", {1, 2});
    feature::commit made = f.store.write(v, w);
    EXPECT(made.sequence == 2 && made.applied == 3 && made.late == 1);
    EXPECT(v.outcomes().size() == 2);
    EXPECT(v.outcomes()[0] == feature::outcome::applied);
    EXPECT(v.outcomes()[1] == feature::outcome::late);
    made = f.store.write({}, handles);
    EXPECT(made.sequence == 3 && made.late == 1);
    v.clear();
    EXPECT(v.outcomes().empty());
}

TEST(skip_invalid_tells_of_each_row)
{
    fixture f;
    feature::batch batch = f.store.batch("v", operation::upsert, "k, a");

    batch.set("k", ints{1, 2}, {true, false}).set("a", {1, 2});
    EXPECT(f.store.try_write(batch).code() == status::invalid);
    feature::commit made =
        f.store.write(feature::write_options::skip_invalid, batch);
    EXPECT(made.applied == 1 && made.rejected == 1);
    EXPECT(!batch.problem(0));
    std::optional<feature::error> why = batch.problem(1);
    EXPECT(why && why->code() == status::invalid && why->details().row == 1);
}

TEST(patch_and_delete)
{
    fixture f;
    feature::batch patch = f.store.batch("v", operation::patch, "k, a");
    feature::batch gone = f.store.batch("v", operation::delete_, "k");

    patch.set("k", {1, 2}).set("a", {5, 6});
    gone.set("k", {1});
    f.store.write(patch, gone);
    feature::query query = f.store.query("v(a)");
    feature::request request = query.request();
    request.set_key("k", {1, 2}).read();
    EXPECT(request.states("v")[0] == feature::state::not_found);
    EXPECT(request.column<std::int64_t>("a")[1] == 6);
}

/* --- store ---------------------------------------------------------------- */

TEST(texts_and_numbers_of_a_store)
{
    fixture f("CREATE ENTITY e (k INT64);");
    feature::commit made;

    EXPECT(f.store.describe("e").view() == "CREATE ENTITY e (k INT64);\n");
    EXPECT(f.store.describe().str() == f.store.describe("e").str());
    EXPECT(f.store.plan("CREATE ENTITY e (k INT64);").view().empty());
    EXPECT(std::string_view(f.store.metrics()).find("# EOF") !=
           std::string_view::npos);
    EXPECT(f.store.stats().entities == 1);
    EXPECT(f.store.stats().catalog_version == 1);
    made = f.store.apply(std::string("CREATE FEATURE VIEW v (a INT64) FOR e"),
                         feature::apply_options::at(1));
    EXPECT(made.sequence == 2);
    EXPECT(
        f.store.try_apply("DROP FEATURE VIEW v;", feature::apply_options::at(1))
            .code() == status::conflict);
    f.store.sync();
    EXPECT(feature::text().view().empty());
}

TEST(a_read_only_store_does_not_write)
{
    fixture f;

    f.store.close();
    f.store =
        feature::store::open(f.directory.store(), feature::options::read_only);
    EXPECT(f.store.try_apply("CREATE ENTITY z (k INT64)").code() ==
           status::invalid);
    EXPECT(f.store.stats().views == 2);
}

} // namespace

int
main()
{
    return check::run();
}
