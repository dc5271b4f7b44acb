/* SPDX-License-Identifier: Apache-2.0 */
/* Values of the golden vectors: from words to C++ and compared. */
#ifndef TESTS_CPP_GOLDEN_VALUES_HPP
#define TESTS_CPP_GOLDEN_VALUES_HPP

#include <cmath>

#include "golden_form.hpp"

namespace golden
{

using bytes = std::vector<std::byte>;

struct column_type {
    std::string name;
    feature::type code;
    std::uint32_t width;
    bool is_list;
};

inline column_type
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

inline std::int64_t
parse_time(const std::string &word)
{
    if (word[0] == '@')
        return check::noon + check::second * std::stoll(word.substr(1));
    return std::stoll(word);
}

inline std::byte
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
               (a.empty() || !std::memcmp(a.data(), b.data(), a.size()));
    else
        return a == b;
}

/* Words of one column: plain values, vectors, or lists. */
template <class T, class Target>
inline void
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

} // namespace golden

#endif
