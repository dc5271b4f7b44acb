/* SPDX-License-Identifier: Apache-2.0 */
/* Every Arrow type into every type of feature that takes it: what it becomes,
 * and what does not fit. */
#include "arrow_producer.h"

#define DEFINITIONS                                                     \
    "CREATE ENTITY e (k INT64);"                                        \
    "CREATE FEATURE VIEW t (b BOOL, i INT32, l INT64, f FLOAT32,"       \
    " g FLOAT64, s STRING, y BYTES, t TIMESTAMP, v FLOAT32[3],"         \
    " w INT64[2], li INT64[], lf FLOAT32[], ls STRING[], lg FLOAT64[])" \
    " FOR e;"

#define NINE VALUES(int64_t, 0, 1, 2, 3, 4, 5, 6, 7, 8)

static const struct column key = {"k", "l", 9, PIECES({0}, NINE)};

static int
begin(void **state)
{
    if (fixture_begin(state))
        return -1;
    define(*state, DEFINITIONS);
    return 0;
}

#define TYPES(name) cmocka_unit_test_setup_teardown(name, begin, fixture_end)

/* Imports a column as a feature of a fresh store's keys 0, 1, 2 ... */
static feature_status
patch_column(struct fixture *f, const char *feature,
             const struct column *column)
{
    struct producer producer = {
        .batches = {RECORD(column->length, &key, column)}};
    struct feature_arrow_options options = {.struct_size = sizeof options};
    char columns[64];

    snprintf(columns, sizeof columns, "k, %s = c", feature);
    options.columns = columns;
    return import(f, "t", FEATURE_PATCH, &producer, &options, NULL);
}

/* The cells of the first rows, separated by spaces. */
static void
cells_of(struct fixture *f, const char *feature, uint32_t rows,
         char text[ANSWER_SIZE])
{
    struct printer printer = {.text = text};
    struct feature_column column;
    struct reader reader;
    char features[64];

    snprintf(features, sizeof features, "t:%s", feature);
    reader = open_reader(f, features, 0, "0\n1\n2\n3\n4\n5\n6\n7\n8");
    must(feature_request_read(reader.request, &problem));
    must(feature_request_column(reader.request, 0, &column, &problem));
    text[0] = '\0';
    for (uint32_t row = 0; row < rows; row++) {
        print_to(&printer, "%s", row ? " " : "");
        print_cell(&printer, &column, row);
    }
    close_reader(&reader);
}

static void
becomes_at(struct fixture *f, const struct column *column, const char *feature,
           const char *expected, int line)
{
    static char text[ANSWER_SIZE];

    must_at(patch_column(f, feature, column), feature, __FILE__, line);
    cells_of(f, feature, (uint32_t)column->length, text);
    if (strcmp(text, expected) != 0) {
        print_error("%s into %s: %s\nexpected: %s\n", column->format, feature,
                    text, expected);
        _fail(__FILE__, line);
    }
}

#define becomes(f, column, feature, expected) \
    becomes_at((f), (column), (feature), (expected), __LINE__)

/* Refused for its type alone. */
static void
refuses_type_at(struct fixture *f, const struct column *column,
                const char *feature, feature_status status, const char *part,
                int line)
{
    must_fail_at(patch_column(f, feature, column), status, NULL, feature,
                 __FILE__, line);
    if (!strstr(problem.message, part) || problem.row != -1) {
        print_error("%s\nexpected: %s\n", problem.message, part);
        _fail(__FILE__, line);
    }
}

#define refuses_type(f, column, feature, part) \
    refuses_type_at((f), (column), (feature), FEATURE_INVALID, (part), __LINE__)
#define not_taken(f, column, feature, part)                                \
    refuses_type_at((f), (column), (feature), FEATURE_UNSUPPORTED, (part), \
                    __LINE__)

static void
refuses_row_at(struct fixture *f, const struct column *column,
               const char *feature, int64_t row, const char *part, int line)
{
    char begin[64];

    must_fail_at(patch_column(f, feature, column), FEATURE_INVALID, NULL,
                 feature, __FILE__, line);
    snprintf(begin, sizeof begin, "batch 0, row %d, column \"%s\": ", (int)row,
             feature);
    if (strncmp(problem.message, begin, strlen(begin)) != 0 ||
        !strstr(problem.message, part) || problem.row != row) {
        print_error("row %d: %s\nexpected: %s%s\n", (int)problem.row,
                    problem.message, begin, part);
        _fail(__FILE__, line);
    }
}

#define refuses_row(f, column, feature, row, part) \
    refuses_row_at((f), (column), (feature), (row), (part), __LINE__)

#define FIT "does not fit"

/* A column of one format, of values that are not null. */
#define NUMBERS(type, code, rows, ...)                          \
    &(const struct column)                                      \
    {                                                           \
        "c", code, rows, PIECES({0}, VALUES(type, __VA_ARGS__)) \
    }

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
    static const struct piece at32 = VALUES(int32_t, 0, 3, 3, 5, 9),
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
dictionaries_of_strings_take_any_index(void **state)
{
    struct column values = {
        "",
        "u",
        3,
        PIECES(BITS(0x0b), VALUES(int32_t, 0, 1, 3, 3, 6), TEXT("-bbccc")),
        .offset = 1,
        .nulls = HIDDEN};
    struct column c = {"c", "", 4, .nulls = 1, .dictionary = &values};
    static const char *const formats[] = {"c", "C", "s", "S",
                                          "i", "I", "l", "L"};
    struct fixture *f = *state;

    for (unsigned i = 0; i < 8; i++) {
        size_t size = (size_t)1 << i / 2;
        uint8_t indexes[5 * 8] = {0};

        indexes[size * 1] = 2;
        indexes[size * 3] = 1;
        indexes[size * 4] = 0;
        memset(indexes + size * 2, 0xff, size); /* under a null */
        c.format = formats[i];
        c.offset = 1;
        c.pieces[0] = (struct piece)BITS(0x1b);
        c.pieces[1] = (struct piece){indexes, 5 * size};
        becomes(f, &c, "s", "ccc null null bb");
    }
    c.nulls = 0; /* then nobody looks at the bits */
    refuses_row(f, &c, "s", 1, "out of range");
    values.format = "l";
    not_taken(f, &c, "s", "dictionary of int64 is not taken");
}

static void
vectors_come_from_lists_of_their_width(void **state)
{
    struct column three = {
        "item", "g", 9,
        PIECES({0}, VALUES(double, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10))};
    struct column fixed = {"c", "+w:3", 2, .children = {&three}};
    struct column listed = {"c", "+l", 2,
                            PIECES({0}, VALUES(int32_t, 0, 3, 6, 8)),
                            .children = {&three}};
    struct fixture *f = *state;

    becomes(f, &fixed, "v", "[0,1,2] [3,4,5]");
    fixed.offset = 1;
    three.offset = 1;
    three.length = 10;
    becomes(f, &fixed, "v", "[4,5,6] [7,8,9]");
    becomes(f, &fixed, "lf", "[4,5,6] [7,8,9]");
    becomes(f, &listed, "v", "[1,2,3] [4,5,6]");
    listed.offset = 1;
    refuses_row(f, &listed, "v", 1, "another length than the vector");
    refuses_type(
        f, &fixed, "w",
        "INT64[2] and cannot take Arrow's fixed-size list of 3 float64");
    refuses_type(f, &fixed, "ls", "STRING[] and cannot take");
    refuses_type(f, &fixed, "f", "FLOAT32 and cannot take");
    refuses_type(f, &three, "v", "cannot take Arrow's float64");
    listed.offset = 0;
    three.pieces[1] = (struct piece)VALUES(double, 0, 1, 2, 3, 4, 1e39, 6);
    three.length = 6;
    refuses_row(f, &listed, "v", 1, FIT);
    refuses_row(f, &listed, "lf", 1, FIT);
}

static void
lists_of_numbers_keep_their_lengths(void **state)
{
    struct column item = {"item", "s", 7,
                          PIECES({0}, VALUES(int16_t, 9, 0, -1, 2, 3, 4, 5, 6)),
                          .offset = 1};
    struct column c = {"c",
                       "+l",
                       4,
                       PIECES(BITS(0x0d), VALUES(int32_t, 0, 1, 4, 4, 6)),
                       .nulls = HIDDEN,
                       .children = {&item}};
    struct fixture *f = *state;

    becomes(f, &c, "li", "[0] null [] [3,4]");
    becomes(f, &c, "lg", "[0] null [] [3,4]");
    c.format = "+L";
    c.pieces[1] = (struct piece)VALUES(int64_t, 0, 1, 4, 4, 6);
    becomes(f, &c, "lf", "[0] null [] [3,4]");
    item.pieces[0] = (struct piece)BITS(0xf7); /* item 1 is null: row 1 */
    item.nulls = 1;
    becomes(f, &c, "li", "[0] null [] [3,4]");
    item.pieces[0] = (struct piece)BITS(0xdf); /* item 4: row 3 */
    refuses_row(f, &c, "li", 3, "a null within a list");
}

static void
lists_of_strings_come_in_every_layout(void **state)
{
    static const char views[] = "\2\0\0\0aa\0\0\0\0\0\0\0\0\0\0"
                                "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                "\3\0\0\0ccc\0\0\0\0\0\0\0\0\0";
    const struct piece text = TEXT("aaccc");
    struct column item = {"item", "u", 3,
                          PIECES({0}, VALUES(int32_t, 0, 2, 2, 5), text)};
    struct column words = item;
    struct column c = {"c", "+l", 3, PIECES({0}, VALUES(int32_t, 0, 2, 2, 3)),
                       .children = {&item}};
    struct fixture *f = *state;

    becomes(f, &c, "ls", "[aa,''] [] [ccc]");
    item = (struct column){"item", "U", 3,
                           PIECES({0}, VALUES(int64_t, 0, 2, 2, 5), text)};
    becomes(f, &c, "ls", "[aa,''] [] [ccc]");
    item = (struct column){"item", "vu", 3, PIECES({0}, {views, 48}, {0})};
    c.format = "+L";
    c.pieces[1] = (struct piece)VALUES(int64_t, 0, 2, 2, 3);
    becomes(f, &c, "ls", "[aa,''] [] [ccc]");
    item = (struct column){"item", "C", 3, PIECES({0}, BITS(0, 1, 2)),
                           .dictionary = &words};
    becomes(f, &c, "ls", "[aa,''] [] [ccc]");
    words.pieces[0] = (struct piece)BITS(0x03);
    words.nulls = 1;
    refuses_row(f, &c, "ls", 2, "a null within a list");
    item.pieces[1] = (struct piece)BITS(0, 1, 3);
    refuses_row(f, &c, "ls", 2, "out of range");
}

static void
columns_of_nulls_become_anything(void **state)
{
    static const char *const features[] = {"b", "i", "g",  "s", "y",
                                           "t", "v", "li", "ls"};
    struct column item = {"item", "n", 2, .nulls = 2};
    struct column c = {"c", "n", 2, .nulls = 2};
    struct fixture *f = *state;

    for (unsigned i = 0; i < 9; i++)
        becomes(f, &c, features[i], "null null");
    c.more_buffers = 1; /* as some producers have it */
    becomes(f, &c, "s", "null null");
    c = (struct column){"c", "+l", 2, PIECES({0}, VALUES(int32_t, 0, 0, 0)),
                        .children = {&item}};
    becomes(f, &c, "li", "[] []");
    becomes(f, &c, "ls", "[] []");
    c.pieces[1] = (struct piece)VALUES(int32_t, 0, 0, 1);
    refuses_row(f, &c, "lf", 1, "a null within a list");
    refuses_row(f, &c, "ls", 1, "a null within a list");
    c = (struct column){"c", "+w:2", 1, .children = {&item}};
    refuses_row(f, &c, "w", 0, "a null within a vector");
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

static void
schemas_that_make_no_sense_are_refused(void **state)
{
    struct column item = {"item", "l", 1, PIECES({0}, VALUES(int64_t, 1))};
    struct column c = {"c", "+w:", 1, .children = {&item}};
    struct fixture *f = *state;

    refuses_type(f, &c, "w", "a fixed-size list has no size");
    c.format = "+w:-2";
    refuses_type(f, &c, "w", "no size");
    c.format = "+w:99999999999999999999";
    refuses_type(f, &c, "w", "no size");
    c.format = "l";
    refuses_type(f, &c, "l", "its type has children");
    c = (struct column){"c", "+l", 1, .children = {&item, &item}};
    refuses_type(f, &c, "li", "not one type of elements");
    c.children[0] = NULL;
    refuses_type(f, &c, "li", "not one type of elements");
    c = (struct column){"c", "f", 1, .dictionary = &item};
    refuses_type(f, &c, "s", "indexes of a dictionary are not integers");
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
        TYPES(dictionaries_of_strings_take_any_index),
        TYPES(vectors_come_from_lists_of_their_width),
        TYPES(lists_of_numbers_keep_their_lengths),
        TYPES(lists_of_strings_come_in_every_layout),
        TYPES(columns_of_nulls_become_anything),
        TYPES(nulls_are_found_whether_or_not_they_are_counted),
        TYPES(types_that_are_not_taken_are_named),
        TYPES(schemas_that_make_no_sense_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
