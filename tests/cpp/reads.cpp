/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libfeature.hpp: requests, their answers, spans; a loop that allocates nothing.
 *
 * Owns a promise of the wrapper in each test.
 * Keeps to C++17, and takes std::span where there is one.
 * Never reads the clock: time is what the options say.
 */
#include <cmath>

#if __cplusplus > 201703L
#include <span>
#endif

#include "fixture.hpp"

namespace
{

extern "C" std::uint64_t allocation_count(void);
extern "C" int allocation_fail(std::int64_t after);

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

TEST(one_key_for_all_rows_counts_as_all_of_them)
{
    fixture f("CREATE ENTITY e (a INT64, b STRING);"
              "CREATE FEATURE VIEW v (n INT64 DEFAULT 1) FOR e;");
    feature::query query =
        f.store.query("v(n)", feature::query_options::matrix);
    feature::request request = query.request();
    std::vector<float> matrix(2);

    request.set_key("a", {1, 2, 3}).set_key("b", {"x"});
    EXPECT(request.rows() == 3);
    EXPECT(is_refused(request.try_read_matrix(matrix), status::invalid,
                      "argument"));
    matrix.resize(3);
    request.read_matrix(matrix);
    EXPECT(matrix[2] == 1 && request.row_count() == 3);
    request.set_key("b", std::vector<std::string>());
    EXPECT(request.rows() == 0);
}

/* As-of times make rows too: one key and a thousand of them are a thousand. */
TEST(as_of_times_count_as_rows)
{
    fixture f;
    write_two(f);
    feature::query query =
        f.store.query("v(a, f)", feature::query_options::matrix);
    feature::request request = query.request();
    const std::vector<float> untouched(2000, -1);
    std::vector<float> memory = untouched;
    feature::span<float> one_row(memory.data(), 2);

    request.set_key("k", {1}).set_as_of(ints(1000, check::noon));
    EXPECT(request.rows() == 1000);
    EXPECT(is_refused(request.try_read_matrix(one_row), status::invalid,
                      "argument"));
    EXPECT(is_refused(request.try_read_matrix({memory.data(), 1999}),
                      status::invalid, "argument"));
    EXPECT(memory == untouched);
    request.read_matrix(memory);
    EXPECT(request.row_count() == 1000 && memory[1998] == 10);
    /* What is refused changes nothing. */
    EXPECT(request.try_set_as_of(ints{feature::no_timestamp}).code() ==
           status::invalid);
    EXPECT(request.rows() == 1000);
    /* A key without rows: none; one for all: as many as keys. */
    request.set_key("k", ints());
    request.read_matrix({});
    EXPECT(request.rows() == 0 && request.row_count() == 0);
    request.set_key("k", {1, 2}).set_as_of(feature::to_time_point(check::noon));
    EXPECT(request.rows() == 2);
    request.set_key("k", {1}).set_as_of(ints(3, check::noon)).set_as_of(ints());
    request.read_matrix(one_row);
    EXPECT(request.rows() == 1 && memory[0] == 10);
    request.set_as_of(ints(3, check::noon)).clear();
    EXPECT(request.rows() == 0);
    request.set_key("k", {2});
    request.read_matrix(one_row);
    EXPECT(request.rows() == 1 && memory[0] == 20);
}

TEST(a_stride_that_wraps_is_too_wide)
{
    fixture f;
    write_two(f);
    feature::query query =
        f.store.query("v(a, f)", feature::query_options::matrix);
    feature::request request = query.request();
    constexpr std::size_t half = ~std::size_t(0) / 2 + 1;
    const std::vector<float> untouched(6, -1);
    std::vector<float> matrix = untouched;

    request.set_key("k", {1, 2, 1});
    for (std::size_t stride : {half, half + 1, ~std::size_t(0) - 1})
        EXPECT(is_refused(request.try_read_matrix(matrix, stride),
                          status::invalid, "argument"));
    EXPECT(matrix == untouched);
    /* Of one row only the width counts. */
    request.set_key("k", {1});
    request.read_matrix(matrix, half);
    EXPECT(matrix[0] == 10 && matrix[2] == -1);
    /* Without a matrix the library says so, whatever the stride. */
    feature::query columns = f.store.query("v(a)");
    feature::request other = columns.request();
    other.set_key("k", {1, 2});
    EXPECT(other.try_read_matrix(matrix, 1).code() == status::invalid);
}

/* Either a key is set and counts in rows(), or it is not set. */
TEST(a_key_without_memory_is_not_set)
{
    fixture f;
    feature::query query =
        f.store.query("v(a, f)", feature::query_options::matrix);

    bool is_set = false;

    for (std::int64_t n = 0; n < 100 && !is_set; n++) {
        feature::request request = query.request();
        std::uint64_t before = allocation_count();

        if (!allocation_fail(n))
            return; /* AddressSanitizer's malloc never fails */
        feature::result<void> done = request.try_set_key("k", {1, 2, 3});
        allocation_fail(-1);
        is_set = done.has_value();
        if (is_set) {
            EXPECT(n > 0 && request.rows() == 3);
            EXPECT(allocation_count() - before <=
                   static_cast<std::uint64_t>(n));
            request.read();
        } else {
            EXPECT(done.code() == status::no_memory && request.rows() == 0);
            EXPECT(request.try_read().code() == status::invalid);
        }
    }
    EXPECT(is_set);
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

TEST(an_event_counts_without_being_stored)
{
    fixture f;
    const std::int64_t at = check::noon, hour = 3600 * check::second;

    f.store.apply("CREATE EVENT pay (k INT64, x INT64);"
                  "CREATE FEATURE VIEW w (n = COUNT(*) OVER '1 hour') FOR e "
                  "FROM pay;");
    feature::batch batch =
        f.store.batch("pay", operation::event, "k, event_timestamp, x");
    feature::query query = f.store.query("w(n)");
    feature::request request = query.request();

    batch.set("k", {1, 9})
        .set("event_timestamp", ints{at, at})
        .set("x", {5, 6});
    EXPECT(batch.rows() == 2);
    request.set_key("k", {1, 2}).set_events(batch).read();
    EXPECT(request.column<std::int64_t>("n")[0] == 1);
    EXPECT(request.column<std::int64_t>("n")[1] == 0);
    EXPECT(request.window("n", 0) == std::make_pair(at - hour, at + 1));
    EXPECT(request.window("n", 1).second == at + 1);
    EXPECT(request.try_window("n", 2).error().reason() == "argument");
    request.set_key("k", {1});
    EXPECT(request.rows() == 2);
    batch.clear();
    request.set_events(batch).read();
    EXPECT(request.rows() == 1 && request.column<std::int64_t>("n")[0] == 0);
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
