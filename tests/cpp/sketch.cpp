/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libfeature.hpp: sketches.
 *
 * Owns sketches of both kinds, and their bytes.
 * Keeps to C++17.
 * Never opens a store: a sketch needs none.
 */
#include "fixture.hpp"

namespace
{

TEST(parts_of_a_sketch_make_the_whole)
{
    for (feature::sketch_kind kind :
         {feature::sketch_kind::distinct, feature::sketch_kind::quantiles}) {
        feature::sketch whole = feature::sketch::create(kind);
        feature::sketch left = feature::sketch::create(kind);
        feature::sketch right = feature::sketch::create(kind);
        ints first, second;

        for (std::int64_t i = 0; i < 1000; i++)
            (i % 3 ? first : second).push_back(i);
        whole.add(first).add(second);
        left.add(first).merge(right.add(second));
        feature::span<const std::uint8_t> a = whole.bytes(), b = left.bytes();
        EXPECT(std::equal(a.begin(), a.end(), b.begin(), b.end()));
        EXPECT(feature::sketch::from_bytes(b).estimate() == whole.estimate());
    }
}

TEST(quantiles_and_refusals)
{
    feature::sketch sketch =
        feature::sketch::create(feature::sketch_kind::quantiles);

    EXPECT(sketch.try_quantile(0.5).code() == feature::status::not_found);
    sketch.add(std::vector<double>{1, 2, 3});
    EXPECT(sketch.quantile(0.5) > 1.98 && sketch.quantile(0.5) < 2.02);
    EXPECT(sketch.estimate() == 3);
    EXPECT(sketch.try_add(std::vector<std::string>{"a"}).code() ==
           feature::status::invalid);
    EXPECT(sketch.try_bytes(feature::sketch_format::hyll).code() ==
           feature::status::invalid);
    EXPECT(
        feature::sketch::try_create(feature::sketch_kind::distinct, 3).code() ==
        feature::status::invalid);
    EXPECT(feature::sketch::try_from_bytes({}).code() ==
           feature::status::invalid);
}

} // namespace

int
main()
{
    return check::run();
}
