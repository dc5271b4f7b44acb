/* SPDX-License-Identifier: Apache-2.0 */
/* The form of the golden vectors (tests/golden/README.md): cases, blocks,
 * lines, words. */
#ifndef TESTS_CPP_GOLDEN_FORM_HPP
#define TESTS_CPP_GOLDEN_FORM_HPP

#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>

#include "check.hpp"

namespace golden
{

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

inline line
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

inline std::vector<test_case>
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

inline void
expect(const line &at, bool is_so, const std::string &what)
{
    if (!is_so)
        throw problem(at, what);
}

inline void
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

} // namespace golden

#endif
