/* SPDX-License-Identifier: Apache-2.0 */
/* The steps read and matrix. */
#ifndef TESTS_CPP_GOLDEN_READ_HPP
#define TESTS_CPP_GOLDEN_READ_HPP

#include "golden_values.hpp"

namespace golden
{

inline feature::query
make_query(const feature::store &store, reader &lines, bool is_matrix)
{
    static const std::map<std::string, feature::fill> fills = {
        {"defaults", feature::fill::defaults},
        {"nulls", feature::fill::nulls},
        {"stale", feature::fill::stale}};
    const line &features = lines.need("features");
    const line *fill = lines.take("fill");
    const line *known_by = lines.take("known_by");
    feature::query_options how(fill ? fills.at(fill->each.at(1))
                                    : feature::fill::defaults,
                               is_matrix ? feature::query_options::matrix : 0U);

    if (known_by)
        how.known_at(parse_time(known_by->each.at(1)));
    return store.query(features.rest, how);
}

inline void
set_keys(reader &lines, const feature::query &query, feature::request &request)
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
                set_values<value>(target, type.name, type,
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
void
expect_cells(const feature::request &request, std::uint32_t index,
             const column_type &type, const std::vector<line> &rows,
             std::size_t word, Expected parse_cell)
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
void
expect_column(const feature::request &request, std::uint32_t index,
              const column_type &type, const std::vector<line> &rows,
              std::size_t word)
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
            expect_cells<feature::string_list>(request, index, type, rows, word,
                                               compare);
    } else {
        using seen = std::conditional_t<is_text<T>, std::string_view, T>;

        expect_cells<seen>(request, index, type, rows, word,
                           [](const std::string &text, seen value) {
                               return equal(parse<T>(text), value);
                           });
    }
}

inline void
expect_states(const feature::request &request, const line &row, std::size_t i,
              std::size_t views)
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

inline void
expect_matrix(const feature::query &query, const std::vector<float> &matrix,
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

inline void
expect_shape(const feature::query &query, const line &views,
             const line &columns, const std::vector<column_type> &types)
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

inline void
read(const feature::store &store, reader &lines, bool is_matrix)
{
    feature::query query = make_query(store, lines, is_matrix);
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
            expect_column<decltype(type)>(request, i, types[i], rows, word + i);
        });
    if (is_matrix)
        expect_matrix(query, matrix, rows, word);
    expect(ok, request.commit() == std::stoull(ok.each.at(1)), "commit");
    expect(ok, request.now() == parse_time(ok.each.at(2)), "now");
}

} // namespace golden

#endif
