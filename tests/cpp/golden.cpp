/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The golden vectors (tests/golden/README.md) through libfeature.hpp.
 *
 * Owns its own reader of the form, in C++ types from word to column.
 * Keeps to the public wrapper: no call of the C API.
 * Never knows a step that the C runner does not.
 */
#include "golden_read.hpp"
#include "golden_write.hpp"

using namespace golden;

namespace
{

class runner
{
  public:
    runner()
    {
        options_ = check::fresh();
    }

    void run(const block &step)
    {
        const std::string &verb = step[0].each[0];
        reader lines(step);

        try {
            if (verb == "apply")
                apply(lines);
            else if (verb == "plan")
                expect_text(lines, store().plan(lines.text("|")));
            else if (verb == "describe")
                describe(step[0], lines);
            else if (verb == "stats")
                stats(step[0]);
            else if (verb == "write")
                write(store(), lines);
            else if (verb == "read" || verb == "matrix")
                read(store(), lines, verb == "matrix");
            else if (verb == "clock")
                clock(step[0]);
            else
                throw problem(step[0], "there is no step " + verb);
        } catch (const feature::error &why) {
            expect_error(lines.last(), why);
            return;
        }
        lines.end();
    }

  private:
    feature::store &store()
    {
        if (!store_)
            store_ = feature::store::open(directory_.store(), options_);
        return store_;
    }

    void clock(const line &at)
    {
        store(); // there has to be one
        store_.close();
        options_ = feature::options();
        options_.fixed_now = parse_time(at.each.at(1));
    }

    void apply(reader &lines)
    {
        feature::apply_options how;

        if (const line *at = lines.take("expect"))
            how = feature::apply_options::at(std::stoull(at->each.at(1)));
        feature::commit made = store().apply(lines.text("|"), how);
        const line &ok = lines.need("ok");
        expect(ok, made.sequence == std::stoull(ok.each.at(1)), "sequence");
        expect(ok, made.time == parse_time(ok.each.at(2)), "time");
    }

    static void expect_text(reader &lines, const feature::text &got)
    {
        std::string expected = lines.text(">");

        expect(lines.need("ok"), got.view() == expected, got.str());
    }

    void describe(const line &at, reader &lines)
    {
        expect_text(lines, at.each.size() > 1 ? store().describe(at.each[1])
                                              : store().describe());
    }

    void stats(const line &at)
    {
        feature::stats got = store().stats();
        const std::map<std::string, std::uint64_t> members = {
            {"sequence", got.sequence},
            {"catalog_version", got.catalog_version},
            {"rows", got.rows},
            {"tombstones", got.tombstones},
            {"applied", got.applied},
            {"late", got.late},
            {"entities", got.entities},
            {"views", got.views},
            {"services", got.services}};

        for (std::size_t i = 1; i < at.each.size(); i++) {
            std::size_t equals = at.each[i].find('=');

            expect(at,
                   members.at(at.each[i].substr(0, equals)) ==
                       std::stoull(at.each[i].substr(equals + 1)),
                   at.each[i]);
        }
    }

    check::directory directory_{};
    feature::options options_{};
    feature::store store_{};
};

bool
run_case(const char *path, const test_case &each)
{
    try {
        runner made;

        for (const block &step : each.steps)
            made.run(step);
    } catch (const std::exception &why) {
        std::printf("%s:%s\nnot ok %s\n", path, why.what(), each.name.c_str());
        return false;
    }
    std::printf("ok %s\n", each.name.c_str());
    return true;
}

} // namespace

int
main(int argc, char **argv)
{
    int ran = 0, passed = 0;

    for (int i = 1; i < argc; i++)
        for (const test_case &each : load(argv[i])) {
            ran++;
            passed += run_case(argv[i], each);
        }
    return ran && ran == passed ? 0 : 1;
}
