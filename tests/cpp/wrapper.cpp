/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libfeature.hpp, call by call.
 *
 * Owns a promise of the wrapper in each test; what the library answers is the
 * business of the golden vectors and of tests/api.
 * Keeps to C++17, and takes std::span where there is one.
 * Never reads the clock: time is what the options say.
 */
#include <array>
#include <cmath>
#include <deque>

#if __cplusplus > 201703L
#include <span>
#endif

#include "check.hpp"

extern "C" std::uint64_t allocation_count(void);

namespace
{

using feature::operation;
using feature::status;
using ints = std::vector<std::int64_t>;
using texts = std::vector<std::string>;

/* A store in a fresh directory, with one of everything. */
struct fixture {
    check::directory directory{};
    feature::store store{};

    explicit fixture(const char *definitions =
                         "CREATE ENTITY e (k INT64);"
                         "CREATE FEATURE VIEW v (a INT64, f FLOAT32 DEFAULT 7, "
                         "s STRING, b BOOL, t TIMESTAMP, y BYTES) FOR e;"
                         "CREATE FEATURE VIEW l (vec FLOAT32[3], n INT64[], "
                         "names STRING[], d FLOAT64[]) FOR e;")
        : store(feature::store::open(directory.store(), check::fresh()))
    {
        store.apply(definitions);
    }
};

template <class Call>
std::optional<feature::error>
thrown_by(Call call)
{
    try {
        call();
    } catch (const feature::error &why) {
        return why;
    }
    return std::nullopt;
}

bool
is_refused(const feature::result<void> &done, status code,
           std::string_view reason)
{
    return !done && done.error().code() == code &&
           done.error().reason() == reason;
}

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

/* --- reading -------------------------------------------------------------- */

void
write_two(fixture &f)
{
    feature::batch batch =
        f.store.batch("v", operation::upsert, "k, event_timestamp, a, f");

    batch.set("k", {1, 2})
        .set("event_timestamp", ints{check::noon, check::noon - check::second})
        .set("a", {10, 20})
        .set("f", std::vector<float>{0.5F, 1.5F});
    f.store.write(batch);
}

TEST(a_matrix_is_checked_against_its_rows)
{
    fixture f;
    write_two(f);
    feature::query query =
        f.store.query("v(a, f)", feature::query_options::matrix);
    feature::request request = query.request();
    std::vector<float> matrix(6, -1);

    EXPECT(query.matrix_width() == 2);
    request.set_key("k", {1, 3, 2});
    request.read_matrix(matrix);
    EXPECT((matrix == std::vector<float>{10, 0.5F, 0, 7, 20, 1.5F}) ||
           (std::isnan(matrix[2]) && matrix[3] == 7 && matrix[5] == 1.5F));
    EXPECT(request.states(0)[1] == feature::state::not_found);
    matrix.resize(5);
    EXPECT(is_refused(request.try_read_matrix(matrix), status::invalid,
                      "argument"));
    /* A wider stride: the last row needs no more than its width. */
    matrix.assign(8, -1);
    request.read_matrix(matrix, 3);
    EXPECT(matrix[0] == 10 && matrix[2] == -1 && matrix[7] == 1.5F);
    matrix.resize(7);
    EXPECT(is_refused(request.try_read_matrix(matrix, 3), status::invalid,
                      "argument"));
    /* No rows: no memory. */
    request.set_key("k", ints());
    request.read_matrix({});
    EXPECT(request.row_count() == 0);
    /* A key for all rows counts as they do. */
    request.clear();
    EXPECT(request.rows() == 0 && !request.try_read_matrix({}));
}

TEST(a_column_is_read_as_what_it_is)
{
    fixture f;
    write_two(f);
    feature::query query = f.store.query("v(a, f, t), l(vec)");
    feature::request request = query.request();

    request.set_key(0, {1}).read();
    EXPECT(request.try_column<std::int64_t>("a").has_value());
    EXPECT(!request.try_column<std::int32_t>("a"));
    EXPECT(!request.try_column<double>("f"));
    EXPECT(!request.try_column<feature::time_point>("a"));
    EXPECT(!request.try_column<feature::span<const float>>("f"));
    EXPECT(!request.try_column<float>("vec"));
    EXPECT(!request.try_column<std::string_view>("a"));
    EXPECT(!request.try_column<feature::string_list>("a"));
    EXPECT(!request.try_column<bool>("a"));
    EXPECT(request.try_column<float>("nothing").code() == status::not_found);
    auto why = thrown_by([&] { request.column<float>("a"); });
    EXPECT(why && why->code() == status::invalid && why->details().row == -1);
    feature_column raw[4];
    request.columns(raw);
    EXPECT(raw[1].type == FEATURE_TYPE_FLOAT32);
    EXPECT(request.raw_column(3).width == 3);
    EXPECT(request.try_columns({raw, 3}).code() == status::invalid);
}

TEST(states_and_timestamps_by_view)
{
    fixture f;
    write_two(f);
    feature::query query = f.store.query("v(a) AS x (k AS other), v(f)");
    feature::request request = query.request();
    int present = 0;

    request.set_key("other", {1, 2})
        .set_key("k",
                 std::vector<std::optional<std::int64_t>>{9, std::nullopt});
    request.read();
    EXPECT(query.view_count() == 2 &&
           query.view("x").role() == feature::role::view);
    for (feature::state each : request.states("x"))
        present += each == feature::state::present;
    EXPECT(present == 2);
    EXPECT(request.states("v")[0] == feature::state::not_found);
    EXPECT(request.states("v")[1] == feature::state::no_key);
    EXPECT(request.timestamps("x")[1] == check::noon - check::second);
    EXPECT(request.timestamps("v")[0] == feature::no_timestamp);
    EXPECT(request.states("nothing").empty());
    EXPECT(request.timestamps(7).empty() && request.states(7).empty());
    EXPECT(request.commit() == 2 && request.now() == check::noon);
}

TEST(as_of_a_time)
{
    fixture f;
    write_two(f);
    feature::query query = f.store.query("v(a)");
    feature::request request = query.request();

    request.set_key("k", {1, 2})
        .set_as_of(feature::to_time_point(check::noon - check::second));
    request.read();
    EXPECT(request.states(0)[0] == feature::state::no_history);
    EXPECT(request.column<std::int64_t>(0)[1] == 20);
    request.set_as_of(ints{check::noon, 0}).read();
    EXPECT(request.states(0)[0] == feature::state::present);
    EXPECT(request.states(0)[1] == feature::state::no_history);
    request.set_as_of(ints()).read();
    EXPECT(request.states(0)[1] == feature::state::present);
}

TEST(time_points_are_rounded_down)
{
    using namespace std::chrono;
    using nano = time_point<system_clock, nanoseconds>;

    EXPECT(feature::to_timestamp(nano(nanoseconds(1999))) == 1);
    EXPECT(feature::to_timestamp(nano(nanoseconds(-1))) == -1);
    EXPECT(feature::to_timestamp(time_point<system_clock, hours>(hours(1))) ==
           3600 * check::second);
    EXPECT(feature::to_timestamp(feature::to_time_point(check::noon)) ==
           check::noon);
}

TEST(queries_describe_themselves)
{
    fixture f;
    feature::query query = f.store.query("l(vec, n), v(a AS x)");

    EXPECT(query.key_count() == 1 && query.column_count() == 3);
    EXPECT(query.key(0).name() == "k");
    EXPECT(query.key("k").type() == feature::type::int64);
    EXPECT(query.key(0).is_not_null());
    EXPECT(query.column("vec").width() == 3 && !query.column("vec").is_list());
    EXPECT(query.column("n").is_list() && query.column("n").width() == 1);
    EXPECT(query.column(2).name() == "x" && query.column(2).view() == 1);
    EXPECT(query.index_of("x") == 2);
    EXPECT(query.try_index_of("a").code() == status::not_found);
    EXPECT(query.try_column(3).code() == status::not_found);
    EXPECT(query.fingerprint() ==
           f.store.query("l(vec, n), v(a AS x)").fingerprint());
    EXPECT(query.matrix_width() == 0);
    feature::batch batch = f.store.batch("v");
    EXPECT(batch.column("s").type() == feature::type::string);
    EXPECT(batch.index_of("event_timestamp") == 1);
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

/* Once a request has answered a size, reads up to it allocate nothing, texts as
 * keys included. */
TEST(the_hot_loop_allocates_nothing)
{
    fixture f("CREATE ENTITY e (k STRING);"
              "CREATE FEATURE VIEW v (a INT64, f FLOAT32 DEFAULT 7) FOR e;");
    feature::query query =
        f.store.query("v(a, f)", feature::query_options::matrix);
    feature::request request = query.request();
    texts keys(100, "a key that is longer than a short string");
    std::vector<std::string_view> views(keys.begin(), keys.end());
    std::vector<float> matrix(keys.size() * query.matrix_width());
    std::uint64_t before = 0;
    double sum = 0;

    for (int i = 0; i < 20; i++) {
        if (i == 10)
            before = allocation_count();
        request.set_key("k", views);
        request.read_matrix(matrix);
        request.set_key(0, keys);
        request.read();
        auto column = request.column<float>("f");
        for (std::optional<float> each : column)
            sum += static_cast<double>(each.value_or(0));
        for (feature::state each : request.states("v"))
            sum += each == feature::state::not_found;
    }
    EXPECT(allocation_count() == before);
    EXPECT(sum == 20 * 100 * 8);
}

/* --- spans ---------------------------------------------------------------- */

TEST(spans_of_anything_that_lies_side_by_side)
{
    std::vector<float> vector{1, 2, 3};
    feature::span<float> span(vector);
    feature::span<const float> constant(span);
    float array[] = {4, 5};

    EXPECT(span.size() == 3 && constant[2] == 3);
    EXPECT(span.subspan(1, 2)[0] == 2);
    EXPECT(feature::span<const float>(array).size() == 2);
    EXPECT(feature::span<float>().empty());
    span[0] = 9;
    EXPECT(vector[0] == 9 && *constant.begin() == 9);
    static_assert(!std::is_constructible_v<feature::span<float>,
                                           const std::vector<float> &>);
    static_assert(!std::is_constructible_v<feature::span<const float>,
                                           std::vector<double> &>);
#if __cplusplus > 201703L
    std::span<const float> standard(constant);
    feature::span<const float> back(standard);

    EXPECT(standard.size() == 3 && back.data() == vector.data());
    static_assert(std::ranges::contiguous_range<feature::span<float>>);
    static_assert(std::ranges::borrowed_range<feature::span<float>>);
    static_assert(std::ranges::forward_range<feature::codes<feature::state>>);
    static_assert(std::ranges::forward_range<feature::column_view<float>>);
    fixture f;
    feature::query query = f.store.query("v(a)");
    feature::request request = query.request();
    const ints keys{1, 2};
    EXPECT(request.try_set_key(0, std::span(keys)).has_value());
    EXPECT(request.try_set_as_of(std::span(keys)).has_value());
#endif
}

} // namespace

int
main()
{
    return check::run();
}
