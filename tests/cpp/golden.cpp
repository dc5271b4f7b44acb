/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The golden vectors (tests/golden/README.md) through libfeature.hpp.
 *
 * Owns its own reader of the form, in C++ types from word to column.
 * Keeps to the public wrapper: no call of the C API.
 * Never knows a step that the C runner does not.
 */
#include <cmath>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>

#include "check.hpp"

namespace
{

using bytes = std::vector<std::byte>;
using words = std::vector<std::string>;

struct line {
    int number;
    words each;
    std::string rest;
};

struct problem : std::runtime_error {
    problem(const line &at, const std::string &what)
        : std::runtime_error(std::to_string(at.number) + ": " + what)
    {
    }
};

using block = std::vector<line>;

struct test_case {
    std::string name;
    std::vector<block> steps;
};

line
make_line(int number, const std::string &text)
{
    std::size_t space = text.find(' ');
    line made{
        number, {}, space == std::string::npos ? "" : text.substr(space + 1)};
    std::istringstream split(text);
    std::string word;

    while (std::getline(split, word, ' '))
        made.each.push_back(word);
    return made;
}

std::vector<test_case>
load(const char *path)
{
    std::ifstream file(path);
    std::vector<test_case> cases;
    std::string text;
    block now;
    auto end = [&] {
        if (!now.empty() && now[0].each[0] == "case")
            cases.push_back({now[0].each.at(1), {}});
        else if (!now.empty())
            cases.at(cases.size() - 1).steps.push_back(now);
        now.clear();
    };

    for (int number = 1; std::getline(file, text); number++) {
        if (text.empty())
            end();
        else if (text[0] != '#')
            now.push_back(make_line(number, text));
    }
    end();
    return cases;
}

/* --- values: from words to C++ and compared ------------------------------- */

struct column_type {
    std::string name;
    feature::type code;
    std::uint32_t width;
    bool is_list;
};

column_type
parse_column(const line &at, const std::string &word)
{
    static const std::map<std::string, feature::type> types = {
        {"bool", feature::type::bool_},
        {"int32", feature::type::int32},
        {"int64", feature::type::int64},
        {"float32", feature::type::float32},
        {"float64", feature::type::float64},
        {"string", feature::type::string},
        {"bytes", feature::type::bytes},
        {"timestamp", feature::type::timestamp}};
    std::size_t colon = word.find(':'), bracket = word.find('[');
    column_type made{word.substr(0, colon), feature::type::bool_, 1, false};

    if (colon == std::string::npos)
        throw problem(at, word + " is not NAME:TYPE");
    made.code = types.at(word.substr(colon + 1, bracket - colon - 1));
    made.is_list = bracket != std::string::npos && word[bracket + 1] == ']';
    if (bracket != std::string::npos && !made.is_list)
        made.width =
            static_cast<std::uint32_t>(std::stoul(word.substr(bracket + 1)));
    return made;
}

std::int64_t
parse_time(const std::string &word)
{
    if (word[0] == '@')
        return check::noon + check::second * std::stoll(word.substr(1));
    return std::stoll(word);
}

std::byte
parse_hex(const std::string &word, std::size_t at)
{
    return static_cast<std::byte>(std::stoul(word.substr(at, 2), nullptr, 16));
}

template <class T>
T
parse(const std::string &word)
{
    if constexpr (std::is_same_v<T, bool>) {
        return word == "true";
    } else if constexpr (std::is_same_v<T, float>) {
        return std::strtof(word.c_str(), nullptr);
    } else if constexpr (std::is_same_v<T, double>) {
        return std::strtod(word.c_str(), nullptr);
    } else if constexpr (std::is_same_v<T, feature::time_point>) {
        return feature::to_time_point(parse_time(word));
    } else if constexpr (std::is_integral_v<T>) {
        return static_cast<T>(parse_time(word));
    } else if constexpr (std::is_same_v<T, bytes>) {
        bytes made;

        for (std::size_t i = 1; i < word.size(); i += 2)
            made.push_back(parse_hex(word, i));
        return made;
    } else {
        std::string made;

        for (std::size_t i = 1; i + 1 < word.size(); i++) {
            bool is_byte = word[i] == '%';

            made +=
                is_byte ? static_cast<char>(parse_hex(word, i + 1)) : word[i];
            i += is_byte ? 2 : 0;
        }
        return made;
    }
}

template <class T>
std::vector<T>
parse_all(const std::string &word)
{
    std::istringstream split(word.substr(1, word.size() - 2));
    std::vector<T> made;
    std::string each;

    while (std::getline(split, each, ','))
        made.push_back(parse<T>(each));
    return made;
}

/* Calls use(T()) with the C++ type of a column. */
template <class Use>
auto
with_type(feature::type code, Use use)
{
    switch (code) {
    case feature::type::bool_:
        return use(bool());
    case feature::type::int32:
        return use(std::int32_t());
    case feature::type::int64:
        return use(std::int64_t());
    case feature::type::float32:
        return use(float());
    case feature::type::float64:
        return use(double());
    case feature::type::bytes:
        return use(bytes());
    case feature::type::timestamp:
        return use(feature::time_point());
    case feature::type::string:
        break;
    }
    return use(std::string());
}

template <class T>
inline constexpr bool is_number =
    std::is_arithmetic_v<T> && !std::is_same_v<T, bool>;
template <class T>
inline constexpr bool is_text =
    std::is_same_v<T, std::string> || std::is_same_v<T, bytes>;

template <class A, class B>
bool
equal(const A &a, const B &b)
{
    if constexpr (std::is_floating_point_v<A>)
        return (std::isnan(a) && std::isnan(b)) ||
               (a == b && std::signbit(a) == std::signbit(b));
    else if constexpr (std::is_same_v<A, bytes>)
        return a.size() == b.size() &&
               !std::memcmp(a.data(), b.data(), a.size());
    else
        return a == b;
}

/* Words of one column: plain values, vectors, or lists. */
template <class T, class Target>
void
set_values(Target &target, feature::at column, const column_type &type,
           const words &values)
{
    if (type.is_list) {
        if constexpr (is_number<T> || std::is_same_v<T, std::string>) {
            std::vector<std::optional<std::vector<T>>> lists;

            for (const std::string &word : values)
                lists.push_back(word == "null"
                                    ? std::nullopt
                                    : std::optional(parse_all<T>(word)));
            target.set_list(column, lists);
        }
    } else if (type.width > 1) {
        if constexpr (is_number<T>) {
            std::vector<T> flat;
            std::vector<bool> valid;

            for (const std::string &word : values) {
                std::vector<T> row = word == "null" ? std::vector<T>(type.width)
                                                    : parse_all<T>(word);

                flat.insert(flat.end(), row.begin(), row.end());
                valid.push_back(word != "null");
            }
            target.set(column, flat, valid);
        }
    } else {
        std::vector<std::optional<T>> cells;

        for (const std::string &word : values)
            cells.push_back(word == "null" ? std::nullopt
                                           : std::optional(parse<T>(word)));
        target.set(column, cells);
    }
}

/* A request sets keys where a batch sets columns. */
struct key_target {
    feature::request &request;

    template <class Values> void set(feature::at key, const Values &values)
    {
        request.set_key(key, values);
    }

    template <class Values>
    void set(feature::at, const Values &, const std::vector<bool> &)
    {
    }

    template <class Lists> void set_list(feature::at, const Lists &)
    {
    }
};

/* --- a step --------------------------------------------------------------- */

/* The lines of a block in order. */
class reader
{
  public:
    explicit reader(const block &lines) : lines_(lines)
    {
    }

    const line *take(const std::string &word)
    {
        if (next_ == lines_.size() || lines_[next_].each[0] != word)
            return nullptr;
        return &lines_[next_++];
    }

    const line &need(const std::string &word)
    {
        if (const line *found = take(word))
            return *found;
        throw problem(lines_[next_ < lines_.size() ? next_ : next_ - 1],
                      "no line " + word);
    }

    std::string text(const std::string &word)
    {
        std::string all;

        while (const line *found = take(word))
            all += found->rest + "\n";
        return all;
    }

    std::vector<line> rows()
    {
        std::vector<line> all;

        while (const line *found = take("row"))
            all.push_back(*found);
        return all;
    }

    void end() const
    {
        if (next_ < lines_.size())
            throw problem(lines_[next_], "this line says nothing");
    }

    const line &last() const
    {
        return lines_.back();
    }

  private:
    const block &lines_;
    std::size_t next_ = 1;
};

void
expect(const line &at, bool is_so, const std::string &what)
{
    if (!is_so)
        throw problem(at, what);
}

void
expect_error(const line &at, const feature::error &why)
{
    const feature_error &raw = why.details();
    const std::map<std::string, std::int64_t> members = {
        {"batch", raw.batch},
        {"row", raw.row},
        {"line", raw.line},
        {"column", raw.column}};

    expect(at, at.each[0] == "error", why.what());
    expect(at, at.each.at(1) == feature::name(why.code()), why.what());
    expect(at, at.each.at(2) == why.reason(), why.what());
    for (std::size_t i = 3; i < at.each.size(); i++) {
        std::size_t equals = at.each[i].find('=');

        expect(at,
               members.at(at.each[i].substr(0, equals)) ==
                   std::stoll(at.each[i].substr(equals + 1)),
               "another " + at.each[i]);
    }
}

class runner
{
  public:
    runner()
    {
        options_ = check::fresh();
    }

    void run(const block &step)
    {
        const std::string &verb = step[0].each[0];
        reader lines(step);

        try {
            if (verb == "apply")
                apply(lines);
            else if (verb == "plan")
                expect_text(lines, store().plan(lines.text("|")));
            else if (verb == "describe")
                describe(step[0], lines);
            else if (verb == "stats")
                stats(step[0]);
            else if (verb == "write")
                write(lines);
            else if (verb == "read" || verb == "matrix")
                read(lines, verb == "matrix");
            else if (verb == "clock")
                clock(step[0]);
            else
                throw problem(step[0], "there is no step " + verb);
        } catch (const feature::error &why) {
            expect_error(lines.last(), why);
            return;
        }
        lines.end();
    }

  private:
    feature::store &store()
    {
        if (!store_)
            store_ = feature::store::open(directory_.store(), options_);
        return store_;
    }

    void clock(const line &at)
    {
        store(); // there has to be one
        store_.close();
        options_ = feature::options();
        options_.fixed_now = parse_time(at.each.at(1));
    }

    void apply(reader &lines)
    {
        feature::apply_options how;

        if (const line *at = lines.take("expect"))
            how = feature::apply_options::at(std::stoull(at->each.at(1)));
        feature::commit made = store().apply(lines.text("|"), how);
        const line &ok = lines.need("ok");
        expect(ok, made.sequence == std::stoull(ok.each.at(1)), "sequence");
        expect(ok, made.time == parse_time(ok.each.at(2)), "time");
    }

    static void expect_text(reader &lines, const feature::text &got)
    {
        std::string expected = lines.text(">");

        expect(lines.need("ok"), got.view() == expected, got.str());
    }

    void describe(const line &at, reader &lines)
    {
        expect_text(lines, at.each.size() > 1 ? store().describe(at.each[1])
                                              : store().describe());
    }

    void stats(const line &at)
    {
        feature::stats got = store().stats();
        const std::map<std::string, std::uint64_t> members = {
            {"sequence", got.sequence},
            {"catalog_version", got.catalog_version},
            {"rows", got.rows},
            {"tombstones", got.tombstones},
            {"applied", got.applied},
            {"late", got.late},
            {"entities", got.entities},
            {"views", got.views},
            {"services", got.services}};

        for (std::size_t i = 1; i < at.each.size(); i++) {
            std::size_t equals = at.each[i].find('=');

            expect(at,
                   members.at(at.each[i].substr(0, equals)) ==
                       std::stoull(at.each[i].substr(equals + 1)),
                   at.each[i]);
        }
    }

    /* --- write ------------------------------------------------------------ */

    struct written {
        feature::batch batch{};
        std::vector<column_type> columns{};
        std::vector<line> rows{};
    };

    written make_batch(const line &at, reader &lines)
    {
        static const std::map<std::string, feature::operation> operations = {
            {"upsert", feature::operation::upsert},
            {"patch", feature::operation::patch},
            {"delete", feature::operation::delete_}};
        const line &columns = lines.need("columns");
        bool is_all = columns.each.at(1) == "*";
        std::string names;
        written made;

        for (std::size_t i = is_all ? 2 : 1; i < columns.each.size(); i++) {
            made.columns.push_back(parse_column(columns, columns.each[i]));
            names += (names.empty() ? "" : ", ") + made.columns.back().name;
        }
        made.rows = lines.rows();
        feature::operation what = operations.at(at.each.at(2));
        made.batch = is_all ? store().batch(at.each[1], what)
                            : store().batch(at.each[1], what, names);
        for (std::uint32_t i = 0; i < made.columns.size(); i++) {
            words values;

            expect(columns, made.batch.column(i).name() == made.columns[i].name,
                   "another column");
            for (const line &row : made.rows)
                values.push_back(row.each.at(i + 1));
            with_type(made.columns[i].code, [&](auto type) {
                set_values<decltype(type)>(made.batch, i, made.columns[i],
                                           values);
            });
        }
        return made;
    }

    static void expect_outcomes(const written &of)
    {
        static const char *const names[] = {"none",      "applied", "late",
                                            "duplicate", "future",  "rejected"};
        std::size_t equals = of.columns.size() + 1;

        expect(of.rows.empty() ? line{} : of.rows[0],
               of.batch.outcomes().size() == of.rows.size(), "outcomes");
        for (std::uint32_t i = 0; i < of.rows.size(); i++) {
            const words &each = of.rows[i].each;
            auto got = static_cast<std::size_t>(of.batch.outcomes()[i]);
            std::optional<feature::error> why = of.batch.problem(i);

            expect(of.rows[i],
                   each.at(equals) == "=" && each.at(equals + 1) == names[got],
                   names[got]);
            expect(of.rows[i], why.has_value() == (each.size() > equals + 2),
                   "a problem, or none");
            if (why)
                expect(of.rows[i],
                       each[equals + 2] == feature::name(why->code()) &&
                           each.at(equals + 3) == why->reason(),
                       why->what());
        }
    }

    void write(reader &lines)
    {
        feature::write_options how;
        std::vector<written> all;
        std::vector<feature_batch *> handles;

        if (lines.take("skip_invalid"))
            how = feature::write_options::skip_invalid;
        while (const line *at = lines.take("batch"))
            all.push_back(make_batch(*at, lines));
        for (const written &each : all)
            handles.push_back(each.batch.get());
        feature::commit made = store().write(how, handles);
        const line &ok = lines.need("ok");
        const std::uint64_t got[] = {made.applied, made.late, made.duplicate,
                                     made.future, made.rejected};
        expect(ok, made.sequence == std::stoull(ok.each.at(1)), "sequence");
        expect(ok, made.time == parse_time(ok.each.at(2)), "time");
        for (std::size_t i = 0; i < 5; i++)
            expect(ok, got[i] == std::stoull(ok.each.at(i + 3)), "counts");
        for (const written &each : all)
            expect_outcomes(each);
    }

    /* --- read ------------------------------------------------------------- */

    feature::query make_query(reader &lines, bool is_matrix)
    {
        static const std::map<std::string, feature::fill> fills = {
            {"defaults", feature::fill::defaults},
            {"nulls", feature::fill::nulls},
            {"stale", feature::fill::stale}};
        const line &features = lines.need("features");
        const line *fill = lines.take("fill");

        return store().query(
            features.rest,
            {fill ? fills.at(fill->each.at(1)) : feature::fill::defaults,
             is_matrix ? feature::query_options::matrix : 0U});
    }

    static void set_keys(reader &lines, const feature::query &query,
                         feature::request &request)
    {
        std::uint32_t keys = 0;
        std::vector<std::int64_t> times;
        key_target target{request};

        while (const line *at = lines.take("key")) {
            column_type type = parse_column(*at, at->each.at(1));

            expect(*at, query.key(keys++).name() == type.name, "another key");
            with_type(type.code, [&](auto tag) {
                using value = decltype(tag);
                if constexpr (is_number<value> || is_text<value>)
                    set_values<value>(
                        target, type.name, type,
                        words(at->each.begin() + 2, at->each.end()));
            });
        }
        if (const line *at = lines.take("as_of")) {
            for (std::size_t i = 1; i < at->each.size(); i++)
                times.push_back(parse_time(at->each[i]));
            request.set_as_of(times);
        }
    }

    template <class T, class Expected>
    static void expect_cells(const feature::request &request,
                             std::uint32_t index, const column_type &type,
                             const std::vector<line> &rows, std::size_t word,
                             Expected parse_cell)
    {
        feature::column_view<T> got = request.column<T>(index);
        std::size_t nulls = 0;

        for (std::size_t i = 0; i < rows.size(); i++) {
            std::string text = rows[i].each.at(word);
            bool is_defaulted = text.back() == '*';
            std::optional<T> cell = got[i];

            if (is_defaulted)
                text.pop_back();
            expect(rows[i], got.is_defaulted(i) == is_defaulted,
                   type.name + " is defaulted, or not");
            expect(rows[i], cell.has_value() == (text != "null"),
                   type.name + " is null, or not");
            if (cell)
                expect(rows[i], parse_cell(text, *cell), type.name);
            nulls += !cell;
        }
        expect(rows.empty() ? line{} : rows[0],
               got.size() == rows.size() && got.null_count() == nulls &&
                   got.width() == type.width,
               type.name + ": size, nulls or width");
    }

    template <class T>
    static void expect_column(const feature::request &request,
                              std::uint32_t index, const column_type &type,
                              const std::vector<line> &rows, std::size_t word)
    {
        auto compare = [](const std::string &text, auto row) {
            if constexpr (is_number<T> || std::is_same_v<T, std::string>) {
                std::vector<T> all = parse_all<T>(text);
                bool is_equal = all.size() == row.size();

                for (std::size_t i = 0; is_equal && i < all.size(); i++)
                    is_equal = equal(all[i], row[i]);
                return is_equal;
            } else {
                return false;
            }
        };

        if (type.is_list || type.width > 1) {
            if constexpr (is_number<T>)
                expect_cells<feature::span<const T>>(request, index, type, rows,
                                                     word, compare);
            else
                expect_cells<feature::string_list>(request, index, type, rows,
                                                   word, compare);
        } else {
            using seen = std::conditional_t<is_text<T>, std::string_view, T>;

            expect_cells<seen>(request, index, type, rows, word,
                               [](const std::string &text, seen value) {
                                   return equal(parse<T>(text), value);
                               });
        }
    }

    static void expect_states(const feature::request &request, const line &row,
                              std::size_t i, std::size_t views)
    {
        static const char *const names[] = {
            "",           "present", "null",   "not_found", "outside_max_age",
            "no_history", "no_key",  "partial"};

        expect(row, row.each.at(2 * views + 1) == "=", "= after the views");
        for (std::size_t view = 0; view < views; view++) {
            auto state = static_cast<std::size_t>(request.states(view)[i]);
            const std::string &time = row.each[2 * view + 2];

            expect(row, row.each[2 * view + 1] == names[state], names[state]);
            expect(row,
                   request.timestamps(view)[i] ==
                       (time == "-" ? feature::no_timestamp : parse_time(time)),
                   "another time");
        }
    }

    static void expect_matrix(const feature::query &query,
                              const std::vector<float> &matrix,
                              const std::vector<line> &rows, std::size_t word)
    {
        std::size_t width = query.matrix_width(), at = 0;

        for (const line &row : rows) {
            expect(row, row.each.size() == word + width, "the width");
            for (std::size_t i = 0; i < width; i++, at++)
                expect(row, equal(parse<float>(row.each[word + i]), matrix[at]),
                       "float " + std::to_string(i));
        }
    }

    static void expect_shape(const feature::query &query, const line &views,
                             const line &columns,
                             const std::vector<column_type> &types)
    {
        expect(views, query.view_count() == views.each.size() - 1, "views");
        for (std::uint32_t i = 0; i < query.view_count(); i++)
            expect(views, query.view(i).name() == views.each[i + 1], "a view");
        expect(columns, query.column_count() == types.size(), "columns");
        for (std::uint32_t i = 0; i < query.column_count(); i++) {
            feature::field got = query.column(i);

            expect(columns,
                   got.name() == types[i].name && got.type() == types[i].code &&
                       got.width() == types[i].width &&
                       got.is_list() == types[i].is_list,
                   "column " + std::string(got.name()));
        }
    }

    void read(reader &lines, bool is_matrix)
    {
        feature::query query = make_query(lines, is_matrix);
        feature::request request = query.request();
        std::vector<column_type> types;
        std::vector<float> matrix;

        set_keys(lines, query, request);
        const line *views = lines.take("views");
        const line *columns = lines.take("columns");
        std::vector<line> rows = lines.rows();
        matrix.resize(rows.size() * query.matrix_width());
        if (is_matrix)
            request.read_matrix(matrix);
        else
            request.read();
        const line &ok = lines.need("ok");
        expect(ok, views && columns, "views and columns are missing");
        for (std::size_t i = 1; i < columns->each.size(); i++)
            types.push_back(parse_column(*columns, columns->each[i]));
        expect_shape(query, *views, *columns, types);
        expect(ok, request.row_count() == rows.size(), "the number of rows");
        std::size_t word = 2 * views->each.size();
        for (std::size_t i = 0; i < rows.size(); i++)
            expect_states(request, rows[i], i, views->each.size() - 1);
        for (std::uint32_t i = 0; !is_matrix && i < types.size(); i++)
            with_type(types[i].code, [&](auto type) {
                expect_column<decltype(type)>(request, i, types[i], rows,
                                              word + i);
            });
        if (is_matrix)
            expect_matrix(query, matrix, rows, word);
        expect(ok, request.commit() == std::stoull(ok.each.at(1)), "commit");
        expect(ok, request.now() == parse_time(ok.each.at(2)), "now");
    }

    check::directory directory_{};
    feature::options options_{};
    feature::store store_{};
};

bool
run_case(const char *path, const test_case &each)
{
    try {
        runner made;

        for (const block &step : each.steps)
            made.run(step);
    } catch (const std::exception &why) {
        std::printf("%s:%s\nnot ok %s\n", path, why.what(), each.name.c_str());
        return false;
    }
    std::printf("ok %s\n", each.name.c_str());
    return true;
}

} // namespace

int
main(int argc, char **argv)
{
    int ran = 0, passed = 0;

    for (int i = 1; i < argc; i++)
        for (const test_case &each : load(argv[i])) {
            ran++;
            passed += run_case(argv[i], each);
        }
    return ran && ran == passed ? 0 : 1;
}
