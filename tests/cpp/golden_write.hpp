/* SPDX-License-Identifier: Apache-2.0 */
/* The step write: batches, their rows and what became of them. */
#ifndef TESTS_CPP_GOLDEN_WRITE_HPP
#define TESTS_CPP_GOLDEN_WRITE_HPP

#include "golden_values.hpp"

namespace golden
{

struct written {
    feature::batch batch{};
    std::vector<column_type> columns{};
    std::vector<line> rows{};
};

inline written
make_batch(const feature::store &store, const line &at, reader &lines)
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
    made.batch = is_all ? store.batch(at.each[1], what)
                        : store.batch(at.each[1], what, names);
    for (std::uint32_t i = 0; i < made.columns.size(); i++) {
        words values;

        expect(columns, made.batch.column(i).name() == made.columns[i].name,
               "another column");
        for (const line &row : made.rows)
            values.push_back(row.each.at(i + 1));
        with_type(made.columns[i].code, [&](auto type) {
            set_values<decltype(type)>(made.batch, i, made.columns[i], values);
        });
    }
    return made;
}

inline void
expect_outcomes(const written &of)
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

inline void
write(feature::store &store, reader &lines)
{
    feature::write_options how;
    std::vector<written> all;
    std::vector<feature_batch *> handles;

    if (lines.take("skip_invalid"))
        how = feature::write_options::skip_invalid;
    while (const line *at = lines.take("batch"))
        all.push_back(make_batch(store, *at, lines));
    for (const written &each : all)
        handles.push_back(each.batch.get());
    feature::commit made = store.write(how, handles);
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

} // namespace golden

#endif
