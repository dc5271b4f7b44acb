/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads through libfeature.hpp, for the bindings bench: see bindings_keys.h.
 *
 * The same as bindings_c.c, as a C++ program writes it.
 */
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <libfeature.hpp>

#include "bindings_keys.h"

namespace
{

using clock_type = std::chrono::steady_clock;

/* The keys of one call, in every form that is measured. */
struct key_set {
    std::vector<std::int64_t> numbers{};
    std::vector<std::string> strings{};
    std::string bytes{};
    std::vector<std::int32_t> offsets{0};

    void add(std::int64_t number)
    {
        char text[32];
        int size = bench_key_text(text, sizeof text, number);

        numbers.push_back(number);
        strings.emplace_back(text, static_cast<std::size_t>(size));
        bytes += strings.back();
        offsets.push_back(static_cast<std::int32_t>(bytes.size()));
    }
};

class bench
{
  public:
    bench(const feature::store &store, const char *features)
        : query_(store.query(features, feature::query_options::matrix)),
          matrices_(query_.request()), columns_(query_.request()),
          matrix_(query_.matrix_width() * std::size_t(KEYS_MAX)),
          raw_(query_.column_count()),
          is_text_(query_.key(0).type() == feature::type::string)
    {
    }

    bool is_text() const
    {
        return is_text_;
    }
    double sum() const
    {
        return sum_;
    }

    void read_matrix(const key_set &keys)
    {
        if (is_text_)
            set_texts(matrices_, keys);
        else
            matrices_.set_key(0, keys.numbers);
        matrices_.read_matrix(matrix_);
        sum_ += double(matrix_[0]);
    }

    void read_matrix_from_strings(const key_set &keys)
    {
        matrices_.set_key(0, keys.strings);
        matrices_.read_matrix(matrix_);
        sum_ += double(matrix_[0]);
    }

    void read_columns(const key_set &keys)
    {
        if (is_text_)
            set_texts(columns_, keys);
        else
            columns_.set_key(0, keys.numbers);
        columns_.read();
        columns_.columns(raw_);
        for (const feature_column &each : raw_) {
            auto values = feature::column_view<float>(each).values();

            sum_ += double(values[0] + values[values.size() - 1]);
        }
    }

  private:
    static void set_texts(feature::request &request, const key_set &keys)
    {
        request.set_key(0,
                        feature::packed_texts{keys.bytes.data(), keys.offsets});
    }

    feature::query query_;
    feature::request matrices_;
    feature::request columns_;
    std::vector<float> matrix_;
    std::vector<feature_column> raw_;
    bool is_text_;
    double sum_ = 0;
};

struct method {
    const char *name;
    void (bench::*run)(const key_set &keys);
};

const std::array<method, 3> methods{
    {{"matrix", &bench::read_matrix},
     {"columns", &bench::read_columns},
     {"matrix_from_strings", &bench::read_matrix_from_strings}}};

std::vector<key_set>
make_keys(std::uint32_t keys, std::int64_t first, std::int64_t last)
{
    std::vector<key_set> calls(CALLS);
    std::uint64_t i = 0;

    for (key_set &each : calls)
        for (std::uint32_t k = 0; k < keys; k++)
            each.add(bench_key(i++, first, last));
    return calls;
}

double
time_calls(bench &under, const method &how, const std::vector<key_set> &keys,
           std::uint32_t calls)
{
    clock_type::time_point begin = clock_type::now();

    for (std::uint32_t call = 0; call < calls; call++)
        (under.*how.run)(keys[call % CALLS]);
    return std::chrono::duration<double, std::nano>(clock_type::now() - begin)
               .count() /
           calls;
}

void
run(bench &under, std::int64_t first, std::int64_t last, int rounds)
{
    std::array<std::vector<key_set>, SIZES> keys{};
    std::array<std::array<std::vector<double>, SIZES>, 3> times{};
    std::size_t count = under.is_text() ? 3 : 2;

    for (std::size_t s = 0; s < SIZES; s++)
        keys[s] = make_keys(bench_sizes[s], first, last);
    for (int round = -1; round < rounds; round++) /* the first warms up */
        for (std::size_t s = 0; s < SIZES; s++)
            for (std::size_t m = 0; m < count; m++) {
                double took =
                    time_calls(under, methods[m], keys[s], bench_calls[s]);

                if (round >= 0)
                    times[m][s].push_back(took);
            }
    for (std::size_t m = 0; m < count; m++)
        for (std::size_t s = 0; s < SIZES; s++) {
            std::vector<double> &each = times[m][s];

            std::sort(each.begin(), each.end());
            std::printf("{\"language\":\"c++\",\"key\":\"%s\",\"keys\":%u,"
                        "\"what\":\"%s\",\"ns\":%.1f}\n",
                        under.is_text() ? "string" : "int64", bench_sizes[s],
                        methods[m].name, each[each.size() / 2]);
        }
}

} // namespace

int
main(int argc, char **argv)
{
    int rounds = argc > 5 ? std::atoi(argv[5]) : ROUNDS;

    if (argc < 5 || rounds < 1) {
        std::fprintf(
            stderr, "usage: bindings_cpp STORE FEATURES FIRST LAST [ROUNDS]\n");
        return 2;
    }
    try {
        feature::store store =
            feature::store::open(argv[1], feature::options::read_only);
        bench under(store, argv[2]);

        run(under, std::atoll(argv[3]), std::atoll(argv[4]), rounds);
        return under.sum() < 0; /* looked at, so that nothing is left out */
    } catch (const feature::error &why) {
        std::fprintf(stderr, "bindings_cpp: %s\n", why.what());
        return 1;
    }
}
