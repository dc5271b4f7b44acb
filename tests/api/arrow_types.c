/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, times and texts of every Arrow type into every type of feature that
 * takes it: what they become, and what does not fit. */
#include "arrow_column.h"

static void
integers_of_every_width_become_integers_and_floats(void **state)
{
    static const char *const features[] = {"i", "l", "f", "g"};
    struct fixture *f = *state;

    for (int i = 0; i < 4; i++) {
        const char *at = features[i];

        becomes(f, NUMBERS(int8_t, "c", 3, -128, 0, 127), at, "-128 0 127");
        becomes(f, NUMBERS(uint8_t, "C", 2, 0, 255), at, "0 255");
        becomes(f, NUMBERS(int16_t, "s", 2, -32768, 32767), at, "-32768 32767");
        becomes(f, NUMBERS(uint16_t, "S", 2, 0, 65535), at, "0 65535");
        becomes(f, NUMBERS(int32_t, "i", 2, -16777216, 16777216), at,
                "-16777216 16777216");
        becomes(f, NUMBERS(uint32_t, "I", 2, 0, 16777216), at, "0 16777216");
        becomes(f, NUMBERS(int64_t, "l", 2, -16777216, 16777216), at,
                "-16777216 16777216");
        becomes(f, NUMBERS(uint64_t, "L", 2, 0, 16777216), at, "0 16777216");
        becomes(f, NUMBERS(float, "f", 3, -2, -0.0f, 16777216), at,
                i < 2 ? "-2 0 16777216" : "-2 -0 16777216");
        becomes(f, NUMBERS(double, "g", 3, -2, 0, 16777216), at,
                "-2 0 16777216");
    }
}

static void
integers_reach_the_ends_of_their_features(void **state)
{
    struct fixture *f = *state;

    becomes(f, NUMBERS(int64_t, "l", 2, INT32_MIN, INT32_MAX), "i",
            "-2147483648 2147483647");
    becomes(f, NUMBERS(double, "g", 2, INT32_MIN, INT32_MAX), "i",
            "-2147483648 2147483647");
    becomes(f, NUMBERS(int64_t, "l", 2, INT64_MIN, INT64_MAX), "l",
            "-9223372036854775808 9223372036854775807");
    becomes(f, NUMBERS(uint64_t, "L", 1, INT64_MAX), "l",
            "9223372036854775807");
    becomes(f, NUMBERS(double, "g", 2, -0x1p63, 0x1.fffffffffffffp62), "l",
            "-9223372036854775808 9223372036854774784");
    becomes(f,
            NUMBERS(uint64_t, "L", 2, UINT64_C(1) << 63, 0xfffff80000000000u),
            "g", "9.2233720368547758e+18 1.8446735277616529e+19");
    becomes(f, NUMBERS(int64_t, "l", 1, INT64_MIN), "f", "-9.22337204e+18");
}

static void
numbers_that_do_not_fit_name_their_row(void **state)
{
    struct fixture *f = *state;

    refuses_row(f, NUMBERS(uint32_t, "I", 2, 1, 0x80000000u), "i", 1, FIT);
    refuses_row(f, NUMBERS(int64_t, "l", 3, 1, 2, 2147483648), "i", 2, FIT);
    refuses_row(f, NUMBERS(int64_t, "l", 1, -2147483649), "i", 0, FIT);
    refuses_row(f, NUMBERS(uint64_t, "L", 2, 0, UINT64_C(1) << 63), "l", 1,
                FIT);
    refuses_row(f, NUMBERS(uint64_t, "L", 1, UINT64_MAX), "g", 0, FIT);
    refuses_row(f, NUMBERS(int64_t, "l", 1, INT64_MAX), "g", 0, FIT);
    refuses_row(f, NUMBERS(int64_t, "l", 1, (INT64_C(1) << 53) + 1), "g", 0,
                FIT);
    refuses_row(f, NUMBERS(int32_t, "i", 1, 16777217), "f", 0, FIT);
    refuses_row(f, NUMBERS(uint32_t, "I", 1, UINT32_MAX), "f", 0, FIT);
    refuses_row(f, NUMBERS(double, "g", 2, 1, 0.5), "l", 1, FIT);
    refuses_row(f, NUMBERS(double, "g", 1, 0x1p63), "l", 0, FIT);
    refuses_row(f, NUMBERS(double, "g", 1, 2147483648.0), "i", 0, FIT);
    refuses_row(f, NUMBERS(double, "g", 1, __builtin_nan("")), "l", 0, FIT);
    refuses_row(f, NUMBERS(float, "f", 1, __builtin_inff()), "i", 0, FIT);
    assert_int_equal(stats_of(f).rows, 0);
}

/* The usual case: a frame of float64 into FLOAT32 features. */
static void
float64_is_rounded_to_float32_but_never_to_infinity(void **state)
{
    struct fixture *f = *state;

    becomes(f, NUMBERS(double, "g", 3, 0.1, 1e-46, -0x1.fffffep127), "f",
            "0.100000001 0 -3.40282347e+38");
    becomes(f, NUMBERS(double, "g", 1, 0x1.fffffefp127), "f", "3.40282347e+38");
    becomes(f, NUMBERS(double, "g", 2, __builtin_inf(), -__builtin_inf()), "f",
            "inf -inf");
    becomes(f, NUMBERS(double, "g", 1, __builtin_nan("")), "f", "nan");
    becomes(f, NUMBERS(float, "f", 2, 0.1f, __builtin_nanf("")), "g",
            "0.10000000149011612 nan");
    refuses_row(f, NUMBERS(double, "g", 2, 1, 0x1.ffffffp127), "f", 1, FIT);
    refuses_row(f, NUMBERS(double, "g", 1, -1e300), "f", 0, FIT);
}

static void
times_of_every_unit_become_microseconds(void **state)
{
    struct fixture *f = *state;

    becomes(f, NUMBERS(int32_t, "tdD", 2, 1, -1), "t",
            "86400000000 -86400000000");
    becomes(f, NUMBERS(int64_t, "tdm", 2, 86400000, -86400000), "t",
            "86400000000 -86400000000");
    becomes(f, NUMBERS(int64_t, "tss:", 2, 1, -1), "t", "1000000 -1000000");
    becomes(f, NUMBERS(int64_t, "tsm:Europe/Paris", 2, 1, -1), "t",
            "1000 -1000");
    becomes(f, NUMBERS(int64_t, "tsu:UTC", 2, 7, INT64_MAX), "t",
            "7 9223372036854775807");
    becomes(f, NUMBERS(int64_t, "tsn:+05:30", 2, 7000, -7000), "t", "7 -7");
    becomes(f, NUMBERS(int64_t, "l", 2, 7, -7), "t", "7 -7");
    refuses_type(f, NUMBERS(int32_t, "i", 1, 7), "t",
                 "column \"t\" is TIMESTAMP and cannot take Arrow's int32");
    refuses_type(f, NUMBERS(int64_t, "tsu:", 1, 7), "l",
                 "column \"l\" is INT64 and cannot take Arrow's timestamp[us]");
}

static void
nanoseconds_are_cut_towards_the_past_and_large_times_refused(void **state)
{
    struct fixture *f = *state;

    becomes(f, NUMBERS(int64_t, "tsn:", 5, 1999, 999, -1, -1000, -1001), "t",
            "1 0 -1 -1 -2");
    becomes(f, NUMBERS(int64_t, "tsn:", 2, INT64_MAX, INT64_MIN), "t",
            "9223372036854775 -9223372036854776");
    becomes(f, NUMBERS(int64_t, "tss:", 1, 9223372036854), "t",
            "9223372036854000000");
    refuses_row(f, NUMBERS(int64_t, "tss:", 2, 0, 9223372036855), "t", 1, FIT);
    refuses_row(f, NUMBERS(int64_t, "tsm:", 1, INT64_MIN), "t", 0, FIT);
    refuses_row(f, NUMBERS(int32_t, "tdD", 1, INT32_MAX), "t", 0, FIT);
}

static void
booleans_are_bits_at_any_offset(void **state)
{
    struct column c = {"c", "b", 4, PIECES({0}, BITS(0xb0, 0x02)), .offset = 6};
    struct fixture *f = *state;

    becomes(f, &c, "b", "false true false true");
    refuses_type(f, &c, "i", "INT32 and cannot take Arrow's bool");
    refuses_type(f, NUMBERS(int8_t, "c", 1, 1), "b",
                 "cannot take Arrow's int8");
}

static void
texts_of_every_layout_become_strings_and_bytes(void **state)
{
    const struct piece at32 = VALUES(int32_t, 0, 3, 3, 5, 9),
                       at64 = VALUES(int64_t, 0, 3, 3, 5, 9),
                       bytes = TEXT("abc\xc3\xa9zzzz");
    static const char *const formats[] = {"u", "z", "U", "Z"};
    struct fixture *f = *state;

    for (int i = 0; i < 4; i++) {
        struct column c = {"c", formats[i], 3,
                           PIECES({0}, i < 2 ? at32 : at64, bytes)};

        becomes(f, &c, "s", "abc '' \xc3\xa9");
        becomes(f, &c, "y", "x616263 '' xc3a9");
        c.offset = 1;
        becomes(f, &c, "s", "'' \xc3\xa9 zzzz");
        refuses_type(f, &c, "l", "INT64 and cannot take Arrow's");
    }
}

static void
views_become_strings_and_bytes(void **state)
{
    static const char views[] = "\3\0\0\0abc\0\0\0\0\0\0\0\0\0"
                                "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                "\14\0\0\0twelve bytes"
                                "\15\0\0\0here\1\0\0\0\2\0\0\0"
                                "\16\0\0\0more\0\0\0\0\0\0\0\0";
    struct column c = {"c", "vu", 5,
                       PIECES({0}, {views, 80}, TEXT("more than that"),
                              TEXT("..here are 13"), VALUES(int64_t, 14, 15)),
                       .blocks = 2};
    struct fixture *f = *state;

    c.pieces[3] = (struct piece)TEXT("..here13bytes..");
    becomes(f, &c, "y",
            "x616263 '' x7477656c7665206279746573 x6865726531336279746573"
            "2e2e"
            " x6d6f7265207468616e2074686174");
    c.format = "vz";
    c.offset = 3;
    c.length = 1;
    becomes(f, &c, "s", "here13bytes..");
}

static void
nulls_are_found_whether_or_not_they_are_counted(void **state)
{
    struct column c = {"c", "i", 4,
                       PIECES(BITS(0xf6), VALUES(int32_t, 0, 1, 2, 3, 4)),
                       .nulls = HIDDEN};
    struct fixture *f = *state;

    becomes(f, &c, "i", "null 1 2 null");
    c.nulls = 2;
    becomes(f, &c, "l", "null 1 2 null");
    c.offset = 1;
    becomes(f, &c, "f", "1 2 null 4");
    c.nulls = 0;
    becomes(f, &c, "g", "1 2 3 4");
    c.nulls = HIDDEN;
    c.pieces[0] = (struct piece){0};
    becomes(f, &c, "g", "1 2 3 4");
    c.pieces[1] = (struct piece)VALUES(int32_t, 0, 16777217, 2, 3, 4);
    refuses_row(f, &c, "f", 0, FIT);
    c.pieces[0] = (struct piece)BITS(0xfd); /* what is null need not fit */
    becomes(f, &c, "f", "null 2 3 4");
}

static void
types_that_are_not_taken_are_named(void **state)
{
    static const struct {
        const char *format, *part;
    } cases[] = {
        {"e", "float16"},
        {"d:10,2", "decimal"},
        {"d:38,9,256", "decimal"},
        {"w:16", "fixed-size binary"},
        {"tts", "time of day"},
        {"tDn", "duration"},
        {"tin", "interval"},
        {"+vl", "list-view"},
        {"+vL", "large list-view"},
        {"+s", "struct"},
        {"+m", "map"},
        {"+ud:0,1", "dense union"},
        {"+us:0", "sparse union"},
        {"+r", "run-end encoded"},
        {"q", "unknown Arrow format \"q\""},
        {"", "unknown Arrow format \"\""},
        {"tsx:", "unknown"},
        {"li", "unknown"},
    };
    struct column item = {"item", "l", 1, PIECES({0}, VALUES(int64_t, 1))};
    struct column list = {"item", "+l", 1, .children = {&item}};
    struct column c = {"c", "l", 1, PIECES({0}, VALUES(int64_t, 1))};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        c.format = cases[i].format;
        not_taken(f, &c, "l", cases[i].part);
    }
    c = (struct column){"c", "+l", 1, .children = {&list}};
    not_taken(f, &c, "li", "list of list is not taken");
    item.format = "+s";
    c.children[0] = &item;
    not_taken(f, &c, "li", "list of struct");
    /* A column that is not asked for may be anything. */
    must_import(
        f, "t", FEATURE_PATCH,
        &(struct producer){
            .batches = {RECORD(1, &key, &item, NUMBERS(int8_t, "c", 1, 4))}},
        "k, l = c");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TYPES(integers_of_every_width_become_integers_and_floats),
        TYPES(integers_reach_the_ends_of_their_features),
        TYPES(numbers_that_do_not_fit_name_their_row),
        TYPES(float64_is_rounded_to_float32_but_never_to_infinity),
        TYPES(times_of_every_unit_become_microseconds),
        TYPES(nanoseconds_are_cut_towards_the_past_and_large_times_refused),
        TYPES(booleans_are_bits_at_any_offset),
        TYPES(texts_of_every_layout_become_strings_and_bytes),
        TYPES(views_become_strings_and_bytes),
        TYPES(nulls_are_found_whether_or_not_they_are_counted),
        TYPES(types_that_are_not_taken_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
