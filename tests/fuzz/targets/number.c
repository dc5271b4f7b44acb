/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers and truth values of the tool, and those of the definition language.
 *
 * Property: a decimal is what strtod makes of it, in both parsers; what is
 * printed reads back as the same value; an integer is the same in all sizes.
 */
#include "target.h"

#include <locale.h>
#include <math.h>

#include "model/number.h"
#include "number.h"

static bool
same64(double a, double b)
{
    return isnan(a) ? isnan(b) : !memcmp(&a, &b, sizeof a);
}

static bool
same32(float a, float b)
{
    return isnan(a) ? isnan(b) : !memcmp(&a, &b, sizeof a);
}

/* digits, point, exponent, and nothing that only some parsers know. */
static bool
is_decimal(const char *text)
{
    return *text && text[strspn(text, "+-.eE0123456789")] == 0;
}

static void
try_float64(const char *text, size_t size)
{
    char printed[NUMBER_SIZE], shortest[LF_NUMBER_SIZE];
    double value, again, slow;
    char *end;

    if (number_float64(text, size, &value))
        return;
    if (is_decimal(text)) {
        slow = strtod(text, &end);
        expect(!*end && same64(slow, value), "as strtod");
        if (size <= LF_NUMBER_MAX &&
            lf_number_parse_float64(text, size, &again))
            expect(same64(again, value), "as in a definition");
    }
    size = number_print_float64(printed, value);
    expect(size < NUMBER_SIZE && strlen(printed) == size, "the size printed");
    expect(!number_float64(printed, size, &again) && same64(again, value),
           "a float64 reads back");
    if (isfinite(value)) {
        lf_number_print_float64(shortest, value);
        expect(lf_number_parse_float64(shortest, strlen(shortest), &again) &&
                   same64(again, value),
               "a float64 of a definition reads back");
    }
}

static void
try_float32(const char *text, size_t size)
{
    char printed[NUMBER_SIZE], shortest[LF_NUMBER_SIZE];
    float value, again;
    char *end;

    if (number_float32(text, size, &value))
        return;
    if (is_decimal(text))
        expect(same32(strtof(text, &end), value) && !*end, "as strtof");
    size = number_print_float32(printed, value);
    expect(size < NUMBER_SIZE && strlen(printed) == size, "the size printed");
    expect(!number_float32(printed, size, &again) && same32(again, value),
           "a float32 reads back");
    if (isfinite(value)) {
        lf_number_print_float32(shortest, value);
        expect(lf_number_parse_float32(shortest, strlen(shortest), &again) &&
                   same32(again, value),
               "a float32 of a definition reads back");
    }
}

static void
try_whole(const char *text, size_t size)
{
    int64_t value = 0, other = 0;
    int32_t small = 0;
    enum number_result wide = number_int64(text, size, &value);
    enum number_result narrow = number_int32(text, size, &small);
    bool truth;

    expect((wide == NUMBER_SYNTAX) == (narrow == NUMBER_SYNTAX),
           "one syntax for all sizes");
    if (!narrow)
        expect(!wide && value == small, "one value in all sizes");
    if (!wide && narrow)
        expect(value > INT32_MAX || value < INT32_MIN, "out of range");
    if (lf_number_is_whole(text, size) && !wide)
        expect(lf_number_parse_int64(text, size, &other) && other == value,
               "as in a definition");
    number_bool(text, size, &truth);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *text = text_copy(bytes, size);
    /* Without the NUL, to the byte. */
    uint8_t *exact = exact_copy(bytes, size);
    double value;

    number_float64((char *)exact, size, &value);
    if (strlen(text) == size) {
        try_whole(text, size);
        try_float64(text, size);
        try_float32(text, size);
    }
    free(exact);
    free(text);
    return 0;
}
