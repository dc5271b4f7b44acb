/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other style: compiled with -fno-exceptions -fno-rtti, where results are
 * all there is.
 */
#include "check.hpp"

#ifdef LIBFEATURE_EXCEPTIONS
#error "this is about life without exceptions"
#endif

namespace
{

TEST(a_store_is_written_and_read_without_exceptions)
{
    check::directory d;
    auto store = feature::store::try_open(d.store(), check::fresh());

    EXPECT(store.has_value());
    EXPECT(store
               ->try_apply("CREATE ENTITY e (k STRING);"
                           "CREATE FEATURE VIEW v (a INT64 DEFAULT 5) FOR e;")
               .has_value());
    auto batch = store->try_batch("v", feature::operation::upsert, "k, a");
    EXPECT(batch.has_value());
    EXPECT(batch->try_set("k", {"x", "y"}).has_value());
    EXPECT(batch->try_set("a", {1, 2}).has_value());
    auto made = store->try_write(*batch);
    EXPECT(made && made->applied == 2);

    auto query = store->try_query("v(a)", feature::query_options::matrix);
    EXPECT(query.has_value());
    auto request = query->try_request();
    EXPECT(request.has_value());
    std::vector<float> matrix(3);
    EXPECT(request->try_set_key("k", {"y", "z", "x"}).has_value());
    EXPECT(request->try_read_matrix(matrix).has_value());
    EXPECT(matrix[0] == 2 && matrix[1] == 5 && matrix[2] == 1);
    EXPECT(request->try_read().has_value());
    auto column = request->try_column<std::int64_t>("a");
    EXPECT(column && (*column)[0] == 2 && column->is_defaulted(1));
}

TEST(a_failure_is_a_result)
{
    check::directory d;
    auto store = feature::store::try_open(d.store());

    EXPECT(!store && store.code() == feature::status::not_found);
    EXPECT(store.error().reason() == "no-store");
    EXPECT(store.error().what()[0] != '\0');
}

} // namespace

int
main()
{
    return check::run();
}
