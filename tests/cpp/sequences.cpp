/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libfeature.hpp: sequences that compute their elements.
 *
 * Owns elements that live no longer than the expression that made them, and
 * sequences that answer something else when they are asked again.
 * Keeps to C++17.
 * Never relies on what dead memory holds: AddressSanitizer watches too.
 */
#include <functional>

#include "fixture.hpp"

namespace
{

/* A sequence of so many elements that are made when they are asked for. */
template <class T> class computed
{
  public:
    computed(std::size_t size, std::function<T(std::size_t)> make)
        : size_(size), make_(std::move(make))
    {
    }

    std::size_t size() const
    {
        return size_;
    }

    T operator[](std::size_t i) const
    {
        return make_(i);
    }

  private:
    std::size_t size_;
    std::function<T(std::size_t)> make_;
};

/* A text too long to lie in the std::string itself. */
std::string
long_text(std::size_t i)
{
    return std::to_string(i) + std::string(40 + i, 'x');
}

/* --- elements by value ---------------------------------------------------- */

TEST(values_may_be_computed)
{
    fixture f;
    feature::batch batch =
        f.store.batch("v", operation::upsert, "k, a, s, b, t, y");

    batch.set("k", {0, 1, 2})
        .set("a", computed<std::optional<std::int64_t>>(
                      3,
                      [](std::size_t i) -> std::optional<std::int64_t> {
                          if (i == 1)
                              return std::nullopt;
                          return static_cast<std::int64_t>(10 * i);
                      }))
        .set("s", computed<std::string>(3, long_text))
        .set("b", computed<bool>(3, [](std::size_t i) { return i == 2; }))
        .set("t", computed<feature::time_point>(
                      3,
                      [](std::size_t i) {
                          return feature::to_time_point(
                              static_cast<std::int64_t>(i));
                      }))
        .set("y", computed<std::vector<std::byte>>(3, [](std::size_t i) {
                 return std::vector<std::byte>(50 + i, std::byte{'y'});
             }));
    EXPECT(f.store.write(batch).applied == 3);
    feature::query query = f.store.query("v(a, s, b, t, y)");
    feature::request request = query.request();
    request.set_key("k", {0, 1, 2}).read();
    auto a = request.column<std::int64_t>("a");
    auto s = request.column<std::string_view>("s");
    auto y = request.column<std::string_view>("y");

    EXPECT(a[0] == 0 && !a[1] && a[2] == 20);
    EXPECT(!*request.column<bool>("b")[1] && *request.column<bool>("b")[2]);
    EXPECT(request.column<std::int64_t>("t")[2] == 2);
    for (std::size_t i = 0; i < 3; i++) {
        EXPECT(s[i] == long_text(i));
        EXPECT(y[i] == std::string(50 + i, 'y'));
    }
}

TEST(keys_may_be_computed)
{
    fixture f("CREATE ENTITY e (k STRING);"
              "CREATE FEATURE VIEW v (a INT64) FOR e;");
    feature::batch batch = f.store.batch("v", operation::upsert, "k, a");

    batch.set("k", texts{long_text(0), long_text(1)}).set("a", {10, 20});
    f.store.write(batch);
    feature::query query = f.store.query("v(a)");
    feature::request request = query.request();
    request.set_key("k", computed<std::optional<std::string>>(2, long_text));
    request.read();
    EXPECT(request.column<std::int64_t>("a")[0] == 10);
    EXPECT(request.column<std::int64_t>("a")[1] == 20);
}

TEST(lists_may_be_computed)
{
    fixture f;
    feature::batch batch =
        f.store.batch("l", operation::upsert, "k, n, names, d");

    batch.set("k", {0, 1, 2})
        .set_list("n", computed<ints>(
                           3, [](std::size_t i) { return ints(20 * i, 7); }))
        .set_list("names",
                  computed<texts>(
                      3, [](std::size_t i) { return texts(i, long_text(i)); }))
        .set_list(
            "d",
            computed<std::optional<std::vector<double>>>(
                3, [](std::size_t i) -> std::optional<std::vector<double>> {
                    if (i == 0)
                        return std::nullopt;
                    return std::vector<double>(20, 0.5);
                }));
    EXPECT(f.store.write(batch).applied == 3);
    feature::query query = f.store.query("l(n, names, d)");
    feature::request request = query.request();
    request.set_key("k", {0, 1, 2}).read();
    auto n = request.column<feature::span<const std::int64_t>>("n");
    auto names = request.column<feature::string_list>("names");
    auto d = request.column<feature::span<const double>>("d");

    EXPECT(n[0]->empty() && n[2]->size() == 40 && (*n[1])[0] == 7);
    EXPECT(names[0]->empty() && names[2]->size() == 2);
    EXPECT((*names[1])[0] == long_text(1) && (*names[2])[1] == long_text(2));
    EXPECT(!d[0] && d[2]->size() == 20 && (*d[1])[0] == 0.5);
}

/* The strings of a list, as they were read, are a column to write. */
TEST(a_list_that_was_read_is_a_column)
{
    fixture f;
    feature::batch lists = f.store.batch("l", operation::upsert, "k, names");
    feature::batch batch = f.store.batch("v", operation::upsert, "k, s");
    const texts names{long_text(0), "", long_text(2)};

    lists.set("k", {1}).set_list("names", std::vector<texts>{names});
    f.store.write(lists);
    feature::query query = f.store.query("l(names)");
    feature::request request = query.request();
    request.set_key("k", {1}).read();
    auto column = request.column<feature::string_list>("names");
    batch.set("k", {1, 2, 3}).set("s", *column[0]);
    /* And lists of them are lists. */
    lists.set("k", {2}).set_list(
        "names", computed<feature::string_list>(
                     1, [&](std::size_t i) { return *column[i]; }));
    EXPECT(f.store.write(batch, lists).applied == 4);

    feature::query both = f.store.query("v(s), l(names)");
    feature::request other = both.request();
    other.set_key("k", {1, 2, 3}).read();
    for (std::size_t i = 0; i < 3; i++) {
        EXPECT(other.column<std::string_view>("s")[i] == names[i]);
        EXPECT((*other.column<feature::string_list>("names")[1])[i] ==
               names[i]);
    }
}

/* --- elements that change ------------------------------------------------- */

bool
is_called_changed(const feature::result<void> &done)
{
    return is_refused(done, status::invalid, "argument") &&
           std::string_view(done.error().what()).find("changed") !=
               std::string_view::npos;
}

TEST(texts_that_grow_are_refused)
{
    fixture f;
    feature::batch batch = f.store.batch("v", operation::upsert, "k, s");
    std::size_t asked = 0;

    EXPECT(is_called_changed(
        batch.try_set("s", computed<std::string>(3, [&](std::size_t) {
                          return std::string(1000 * ++asked, 'x');
                      }))));
    /* Shorter ones fit: they are what the second look saw. */
    asked = 0;
    batch.set("k", {1, 2, 3})
        .set("s", computed<std::string>(3, [&](std::size_t) {
                 return std::string(10 - ++asked, 'x');
             }));
    EXPECT(f.store.write(batch).applied == 3);
    feature::query query = f.store.query("v(s)");
    feature::request request = query.request();
    request.set_key("k", {1, 2, 3}).read();
    EXPECT(request.column<std::string_view>("s")[0] == "xxxxxx");
    EXPECT(request.column<std::string_view>("s")[2] == "xxxx");
}

TEST(lists_that_change_are_refused)
{
    fixture f;
    feature::batch batch = f.store.batch("l");
    int step = 0;
    std::size_t asked = 0;
    auto numbers = [&](std::size_t) {
        asked += static_cast<std::size_t>(step);
        return ints(asked, 7);
    };
    auto strings = [&](std::size_t) {
        asked += static_cast<std::size_t>(step);
        return texts(asked, "x");
    };

    for (int each : {1000, -1}) {
        step = each;
        asked = 10;
        EXPECT(is_called_changed(
            batch.try_set_list("n", computed<ints>(2, numbers))));
        asked = 10;
        EXPECT(is_called_changed(
            batch.try_set_list("names", computed<texts>(2, strings))));
    }
    /* As many strings, and longer ones. */
    asked = 0;
    EXPECT(is_called_changed(batch.try_set_list(
        "names", computed<texts>(2, [&](std::size_t) {
            return texts(3, std::string(1000 * ++asked, 'x'));
        }))));
}

/* A list of one element, which shows five. */
struct longer_than_it_says : texts {
    longer_than_it_says() : texts(5, "x")
    {
    }

    std::size_t size() const
    {
        return 1;
    }
};

/* A sequence that has a row more each time it is counted. */
class growing
{
  public:
    std::size_t size() const
    {
        return size_ += 1000;
    }

    std::string operator[](std::size_t) const
    {
        return "x";
    }

  private:
    mutable std::size_t size_ = 0;
};

TEST(sizes_that_are_wrong_are_survived)
{
    fixture f;
    feature::batch batch = f.store.batch("l", operation::upsert, "k, names");
    feature::batch grown = f.store.batch("v", operation::upsert, "k, s");

    EXPECT(is_called_changed(
        batch.try_set_list("names", std::vector<longer_than_it_says>(1000))));
    grown.set("k", ints(1000, 1)).set("s", growing());
    EXPECT(f.store.try_write(grown).has_value());
}

/* One more than can be counted, and nothing behind it. */
TEST(rows_that_cannot_be_counted_are_refused)
{
    fixture f;
    feature::batch batch = f.store.batch("v", operation::upsert, "k, s");
    feature::batch lists = f.store.batch("l", operation::upsert, "k, n");
    std::vector<std::int32_t> offsets{0, 1};
    ints elements{1};
    feature::span<const std::int32_t> endless(offsets.data(),
                                              (std::size_t{1} << 32) + 2);
    feature::packed_texts packed{"x", endless};

    EXPECT(is_refused(batch.try_set("s", packed), status::invalid, "argument"));
    EXPECT(is_refused(
        lists.try_set_list("n", feature::span<const std::int64_t>(elements),
                           endless),
        status::invalid, "argument"));
}

} // namespace

int
main()
{
    return check::run();
}
