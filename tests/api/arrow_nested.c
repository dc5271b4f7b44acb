/* SPDX-License-Identifier: Apache-2.0 */
/* Dictionaries, vectors and lists from Arrow, and columns of nulls. */
#include "arrow_column.h"

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
    const struct piece valid = BITS(0x1b);
    uint8_t indexes[5 * 8];
    struct fixture *f = *state;

    for (unsigned i = 0; i < 8; i++) {
        size_t size = (size_t)1 << i / 2;

        memset(indexes, 0, sizeof indexes);
        indexes[size * 1] = 2;
        indexes[size * 3] = 1;
        indexes[size * 4] = 0;
        memset(indexes + size * 2, 0xff, size); /* under a null */
        c.format = formats[i];
        c.offset = 1;
        c.pieces[0] = valid;
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
    refuses_type(f, NUMBERS(double, "g", 1, 1), "v",
                 "cannot take Arrow's float64");
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

    becomes(f, &c, "li", "[0] null [] [4,5]");
    becomes(f, &c, "lg", "[0] null [] [4,5]");
    c.format = "+L";
    c.pieces[1] = (struct piece)VALUES(int64_t, 0, 1, 4, 4, 6);
    becomes(f, &c, "lf", "[0] null [] [4,5]");
    item.pieces[0] = (struct piece)BITS(0xf7); /* item 1 is null: row 1 */
    item.nulls = 1;
    becomes(f, &c, "li", "[0] null [] [4,5]");
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
        TYPES(dictionaries_of_strings_take_any_index),
        TYPES(vectors_come_from_lists_of_their_width),
        TYPES(lists_of_numbers_keep_their_lengths),
        TYPES(lists_of_strings_come_in_every_layout),
        TYPES(columns_of_nulls_become_anything),
        TYPES(schemas_that_make_no_sense_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
