/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests in C++, as many as a program has:
 *
 *     TEST(a_promise_that_is_kept)
 *     {
 *         directory d;
 *
 *         EXPECT(feature::store::try_open(d.path()).code() ==
 *                feature::status::not_found);
 *     }
 *     int main() { return check::run(); }
 *
 * Prints `ok NAME` or `not ok NAME` for scripts/run-test.sh. Works without
 * exceptions: a failed expectation is noted and the test goes on.
 */
#ifndef TESTS_CPP_CHECK_HPP
#define TESTS_CPP_CHECK_HPP

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <libfeature.hpp>

namespace check
{

struct test {
    const char *name;
    void (*run)();
};

inline std::vector<test> &
tests()
{
    static std::vector<test> all;

    return all;
}

inline int &
failures()
{
    static int count = 0;

    return count;
}

struct registration {
    registration(const char *name, void (*run)())
    {
        tests().push_back({name, run});
    }
};

inline void
fail(const char *file, int line, const char *what)
{
    std::printf("%s:%d: %s\n", file, line, what);
    failures()++;
}

inline void
run_one(const test &each)
{
#ifdef LIBFEATURE_EXCEPTIONS
    try {
        each.run();
    } catch (const feature::error &why) {
        std::printf("%s: ", std::string(why.reason()).c_str());
        fail(each.name, 0, why.what());
    } catch (const std::exception &why) {
        fail(each.name, 0, why.what());
    }
#else
    each.run();
#endif
}

/* Runs all tests of the program; the exit status of main(). */
inline int
run()
{
    int failed = 0;

    for (const test &each : tests()) {
        int before = failures();

        run_one(each);
        std::printf("%s %s\n", failures() > before ? "not ok" : "ok",
                    each.name);
        failed += failures() > before;
    }
    return failed ? 1 : 0;
}

/* A fresh directory, and the path of a store in it. */
class directory
{
  public:
    directory()
    {
        const char *base = std::getenv("TMPDIR");
        std::string made = std::string(base ? base : "/tmp") + "/cpp.XXXXXX";

        if (!mkdtemp(made.data()))
            std::abort();
        path_ = made;
        store_ = made + "/store";
    }

    directory(const directory &) = delete;
    directory &operator=(const directory &) = delete;

    ~directory()
    {
        std::error_code ignored;

        std::filesystem::remove_all(path_, ignored);
    }

    const std::string &store() const
    {
        return store_;
    }

  private:
    std::string path_{};
    std::string store_{};
};

/* 2026-01-01T12:00:00Z, and options with a clock that stands still there. */
inline constexpr std::int64_t second = 1000000;
inline constexpr std::int64_t noon = 1767268800 * second;

inline feature::options
fresh()
{
    feature::options made(feature::options::create);

    made.fixed_now = noon;
    return made;
}

} // namespace check

#define TEST(name)                                           \
    static void name();                                      \
    static const check::registration name##_is(#name, name); \
    static void name()

#define EXPECT(condition)                                \
    do {                                                 \
        if (!(condition))                                \
            check::fail(__FILE__, __LINE__, #condition); \
    } while (0)

#endif
