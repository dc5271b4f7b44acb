/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scoring service in C++, without the network: will these flights leave late?
 *
 * Workers take batches of departures from a queue that never ends, read the
 * inputs of a logistic regression for all of them at once, and score them. Each
 * worker has a request and a matrix of its own; the store and the query are
 * shared. Then: what a row costs, and what came out.
 *
 *     c++ -std=c++17 -O2 score.cpp -o score \
 *         $(pkg-config --cflags --libs libfeature) -pthread
 *     ./score build/demo/store examples/data/departures.csv
 */
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <libfeature.hpp>

namespace
{

using clock_type = std::chrono::steady_clock;

/* The time of the question: 2013-07-01T21:00:00Z. */
constexpr std::int64_t as_of = 1372712400 * std::int64_t(1000000);

constexpr std::size_t batch_rows = 100;
constexpr std::size_t batches_per_worker = 200;
constexpr unsigned workers = 2;

/* --- the model ------------------------------------------------------------ */

struct input {
    const char *column;
    float mean, weight;
};

/* A logistic regression over departure_v1, fitted by examples/data/fit.py. */
constexpr float bias = -0.419F;
constexpr std::array<input, 12> inputs{{
    {"seats", 141.00F, -0.00053F},
    {"year_built", 2001.44F, 0.01160F},
    {"flights_7d", 3.93F, -0.01980F},
    {"mean_delay_7d", 20.86F, 0.00095F},
    {"last_delay", 21.46F, 0.00175F},
    {"origin__departures_3h", 43.06F, 0.02110F},
    {"origin__mean_delay_3h", 18.66F, 0.02197F},
    {"origin__temp_c", 26.51F, 0.04102F},
    {"origin__wind_ms", 4.78F, 0.11981F},
    {"origin__visibility_km", 15.00F, -0.05044F},
    {"destination__arrivals_24h", 21.89F, 0.00109F},
    {"destination__mean_arrival_delay_24h", 26.18F, 0.00782F},
}};

/* A null is NaN in the matrix, and counts as the mean. */
float
score(feature::span<const float> row)
{
    float sum = bias;

    for (std::size_t i = 0; i < inputs.size(); i++)
        if (!std::isnan(row[i]))
            sum += (row[i] - inputs[i].mean) * inputs[i].weight;
    return 1 / (1 + std::exp(-sum));
}

/* A service is a contract; a model makes sure that it is the right one. */
void
check_inputs(const feature::query &query)
{
    for (std::uint32_t i = 0; i < inputs.size(); i++)
        if (query.column(i).name() != inputs[i].column)
            throw std::runtime_error("input " + std::to_string(i) + " is " +
                                     std::string(query.column(i).name()));
    if (query.matrix_width() != inputs.size())
        throw std::runtime_error("the model has other inputs");
}

/* --- the flights ---------------------------------------------------------- */

/* A null key is a std::nullopt: some tail numbers are unknown. */
using key = std::optional<std::string>;

struct flights {
    std::vector<key> tailnum{}, origin{}, destination{};
    std::vector<std::string> number{}, delay{};
};

std::vector<std::string>
split(const std::string &line)
{
    std::vector<std::string> fields(1);

    for (char c : line)
        if (c == ',')
            fields.emplace_back();
        else if (c != '\r')
            fields.back() += c;
    return fields;
}

key
as_key(const std::string &text)
{
    return text.empty() ? key() : key(text);
}

flights
load(const char *path)
{
    std::ifstream file(path);
    std::string line;
    flights all;

    std::getline(file, line); /* the header */
    while (std::getline(file, line)) {
        std::vector<std::string> fields = split(line);

        all.tailnum.push_back(as_key(fields.at(0)));
        all.origin.push_back(as_key(fields.at(1)));
        all.destination.push_back(as_key(fields.at(2)));
        all.number.push_back(fields.at(3));
        all.delay.push_back(fields.at(5));
    }
    if (all.number.empty())
        throw std::runtime_error(std::string("no flights in ") + path);
    return all;
}

/* --- a worker ------------------------------------------------------------- */

class scorer
{
  public:
    explicit scorer(const feature::query &query)
        : request_(query.request()), width_(query.matrix_width())
    {
        request_.set_as_of(feature::to_time_point(as_of));
    }

    /* One score a flight; allocates nothing once it has seen the size. */
    const std::vector<float> &score_all(const flights &batch)
    {
        std::size_t rows = batch.number.size();

        matrix_.resize(rows * width_);
        scores_.resize(rows);
        request_.set_key("tailnum", batch.tailnum)
            .set_key("origin_faa", batch.origin)
            .set_key("destination_faa", batch.destination)
            .read_matrix(matrix_);
        for (std::size_t i = 0; i < rows; i++)
            scores_[i] = score({&matrix_[i * width_], width_});
        return scores_;
    }

    const feature::request &request() const
    {
        return request_;
    }

  private:
    feature::request request_;
    std::size_t width_;
    std::vector<float> matrix_{};
    std::vector<float> scores_{};
};

/* The next batch of a queue without end: the flights again and again. */
flights
take_batch(const flights &all, std::size_t first)
{
    flights batch;

    for (std::size_t i = 0; i < batch_rows; i++) {
        std::size_t at = (first + i) % all.number.size();

        batch.tailnum.push_back(all.tailnum[at]);
        batch.origin.push_back(all.origin[at]);
        batch.destination.push_back(all.destination[at]);
        batch.number.push_back(all.number[at]);
    }
    return batch;
}

/* Scores batch after batch and notes nanoseconds per row. */
void
work(const feature::query &query, const flights &all,
     std::atomic<std::size_t> &queue, std::vector<double> &times)
{
    scorer mine(query);

    for (std::size_t i = 0; i < batches_per_worker; i++) {
        flights batch = take_batch(all, batch_rows * queue++);
        clock_type::time_point begin = clock_type::now();
        mine.score_all(batch);
        std::chrono::duration<double, std::nano> took =
            clock_type::now() - begin;

        times.push_back(took.count() / double(batch_rows));
    }
}

void
measure(const feature::query &query, const flights &all)
{
    std::vector<std::vector<double>> times(workers);
    std::vector<std::thread> threads;
    std::atomic<std::size_t> queue{0};
    std::vector<double> merged;

    for (std::vector<double> &mine : times)
        threads.emplace_back([&] { work(query, all, queue, mine); });
    for (std::thread &each : threads)
        each.join();
    for (const std::vector<double> &mine : times)
        merged.insert(merged.end(), mine.begin(), mine.end());
    std::sort(merged.begin(), merged.end());
    auto percentile = [&](double share) {
        return merged[static_cast<std::size_t>(double(merged.size() - 1) *
                                               share)];
    };
    std::printf("%zu batches of %zu rows by %u workers, nanoseconds per row "
                "(keys, read, score):\n\n"
                "    p50 %.0f   p90 %.0f   p99 %.0f   worst %.0f\n\n",
                merged.size(), batch_rows, workers, percentile(0.5),
                percentile(0.9), percentile(0.99), percentile(1));
}

/* --- what came out -------------------------------------------------------- */

const char *
name(feature::state state)
{
    switch (state) {
    case feature::state::present:
        return "present";
    case feature::state::null:
        return "null";
    case feature::state::not_found:
        return "not found";
    case feature::state::outside_max_age:
        return "too old";
    case feature::state::no_history:
        return "no history";
    case feature::state::no_key:
        return "no key";
    case feature::state::partial:
        break;
    }
    return "partial";
}

void
print_scores(const feature::query &query, const flights &all)
{
    scorer mine(query);
    const std::vector<float> &scores = mine.score_all(all);
    auto activity = mine.request().states("aircraft_activity");

    std::printf("flight   tail    route     activity    score       left\n");
    for (std::size_t i = 0; i < scores.size(); i += 6)
        std::printf("%-8s %-7s %s-%s   %-10s   %.2f   %8s\n",
                    all.number[i].c_str(), all.tailnum[i].value_or("?").c_str(),
                    all.origin[i].value_or("?").c_str(),
                    all.destination[i].value_or("?").c_str(), name(activity[i]),
                    double(scores[i]),
                    all.delay[i].empty() ? "cancelled"
                                         : (all.delay[i] + " min").c_str());
}

void
serve(const char *path, const char *departures)
{
    flights all = load(departures);
    feature::store store =
        feature::store::open(path, feature::options::read_only);
    feature::query query =
        store.query("departure_v1", feature::query_options::matrix);

    check_inputs(query);
    std::printf("departure_v1: %u views, %u inputs, fingerprint %016llx\n",
                query.view_count(), query.matrix_width(),
                static_cast<unsigned long long>(query.fingerprint()));
    measure(query, all);
    print_scores(query, all);
}

} // namespace

int
main(int argc, char **argv)
{
    if (argc != 3) {
        std::fprintf(stderr, "usage: score STORE DEPARTURES.csv\n");
        return 2;
    }
    try {
        serve(argv[1], argv[2]);
    } catch (const feature::error &why) {
        std::fprintf(stderr, "score: %s: %s\n",
                     std::string(feature::name(why.code())).c_str(),
                     why.what());
        return 1;
    } catch (const std::exception &why) {
        std::fprintf(stderr, "score: %s\n", why.what());
        return 1;
    }
    return 0;
}
