/* SPDX-License-Identifier: Apache-2.0 */
/* A store in a fresh directory, with one of everything, and what tests ask of
 * errors. */
#ifndef TESTS_CPP_FIXTURE_HPP
#define TESTS_CPP_FIXTURE_HPP

#include "check.hpp"

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

inline bool
is_refused(const feature::result<void> &done, status code,
           std::string_view reason)
{
    return !done && done.error().code() == code &&
           done.error().reason() == reason;
}

#endif
