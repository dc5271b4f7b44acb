/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers, from text and back.
 *
 * Owns the decimal syntax of cells: sign, digits, point, exponent.
 * Keeps every result exact: the value is the nearest one, or it is refused.
 * Never allocates, asks the locale, or reads past the size it was given.
 *
 * Decimals of a 53-bit significand and a power of ten up to 22 need a single
 * correctly rounded operation (W. D. Clinger, How to read floating point
 * numbers accurately, PLDI 1990); any other goes to strtod as whole digits and
 * an exponent, which no locale reads differently. Digits past the 770th can
 * only break a tie, so that one nonzero digit stands for all of them.
 */
#include "number.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS_MAX    770
#define EXPONENT_MAX  100000     /* past it every value is zero or infinite */
#define EXPONENT_SANE 1000000000 /* more than the digits of any cell */
#define EXACT_MAX     ((uint64_t)1 << 53)

/* A decimal as written: significand x 10^exponent. The first 19 digits are in
 * significand; count tells whether there were more. */
struct decimal {
    uint64_t significand;
    int64_t exponent;
    size_t count; /* digits from the first that is not zero */
    bool is_negative;
    size_t first; /* where the digits begin in the text */
    size_t last;  /* and end: at the exponent or the end */
};

static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static inline unsigned
digit_of(char c)
{
    return (unsigned)(unsigned char)c - '0';
}

bool
number_is_word(const char *text, size_t size, const char *word)
{
    for (size_t i = 0; i < size; i++) {
        char c =
            text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] + 32) : text[i];

        if (!word[i] || c != word[i])
            return false;
    }
    return !word[size];
}

/* The digits of a whole number; stops at the first other byte. */
static enum number_result
whole_digits(const char *text, size_t size, size_t *at, uint64_t *value)
{
    size_t i = *at, first = i;
    uint64_t sum = 0;
    bool is_over = false;

    for (; i < size && digit_of(text[i]) <= 9; i++) {
        unsigned digit = digit_of(text[i]);

        if (i - first < 19)
            sum = sum * 10 + digit;
        else if (__builtin_mul_overflow(sum, (uint64_t)10, &sum) ||
                 __builtin_add_overflow(sum, (uint64_t)digit, &sum))
            is_over = true;
    }
    if (i == first)
        return NUMBER_SYNTAX;
    *at = i;
    *value = sum;
    return is_over ? NUMBER_RANGE : NUMBER_FINE;
}

enum number_result
number_int64(const char *text, size_t size, int64_t *value)
{
    enum number_result result;
    bool is_negative = size && text[0] == '-';
    size_t at = is_negative || (size && text[0] == '+');
    uint64_t sum;

    result = whole_digits(text, size, &at, &sum);
    if (result == NUMBER_SYNTAX)
        return result;
    if (at < size) {
        if (text[at++] != '.')
            return NUMBER_SYNTAX;
        for (; at < size; at++)
            if (text[at] != '0')
                return NUMBER_SYNTAX;
    }
    if (result || sum > (uint64_t)INT64_MAX + is_negative)
        return NUMBER_RANGE;
    *value = (int64_t)(is_negative ? 0 - sum : sum);
    return NUMBER_FINE;
}

enum number_result
number_int32(const char *text, size_t size, int32_t *value)
{
    enum number_result result;
    int64_t wide;

    result = number_int64(text, size, &wide);
    if (result)
        return result;
    if (wide < INT32_MIN || wide > INT32_MAX)
        return NUMBER_RANGE;
    *value = (int32_t)wide;
    return NUMBER_FINE;
}

/* Reads "e-12" at text[at]; false where it is no exponent. */
static bool
read_exponent(const char *text, size_t size, size_t at, int64_t *exponent)
{
    bool is_negative;
    int64_t sum = 0;

    at++;
    is_negative = at < size && text[at] == '-';
    if (at < size && (text[at] == '-' || text[at] == '+'))
        at++;
    if (at == size)
        return false;
    for (; at < size; at++) {
        if (digit_of(text[at]) > 9)
            return false;
        if (sum < EXPONENT_SANE)
            sum = sum * 10 + digit_of(text[at]);
    }
    *exponent += is_negative ? -sum : sum;
    return true;
}

static bool
read_decimal(const char *text, size_t size, struct decimal *d)
{
    size_t at, digits = 0, count = 0;
    uint64_t significand = 0;
    int64_t exponent = 0;
    bool is_past_point = false;

    d->is_negative = size && text[0] == '-';
    at = d->is_negative || (size && text[0] == '+');
    d->first = at;
    for (; at < size; at++) {
        unsigned digit = digit_of(text[at]);

        if (digit <= 9) {
            digits++;
            if (count < 19) {
                significand = significand * 10 + digit;
                exponent -= is_past_point;
                count += significand != 0;
            } else {
                exponent += !is_past_point;
                count++;
            }
        } else if (text[at] == '.' && !is_past_point) {
            is_past_point = true;
        } else {
            break;
        }
    }
    d->last = at;
    if (!digits)
        return false;
    if (at < size &&
        ((text[at] | 32) != 'e' || !read_exponent(text, size, at, &exponent)))
        return false;
    d->significand = significand;
    d->exponent = exponent;
    d->count = count;
    return true;
}

/* Writes "<digits>e<exponent>", the same value as the decimal's. */
static void
print_decimal(const struct decimal *d, const char *text,
              char buffer[DIGITS_MAX + 32])
{
    int64_t exponent = d->exponent;
    size_t used = 0;
    bool is_sticky = false;

    /* The exponent was counted for 19 digits at most. */
    if (d->count > 19)
        exponent -= (int64_t)d->count - 19;
    for (size_t at = d->first; at < d->last; at++) {
        if (text[at] == '.' || (!used && text[at] == '0'))
            continue;
        if (used < DIGITS_MAX)
            buffer[used++] = text[at];
        else
            is_sticky |= text[at] != '0';
    }
    if (d->count > used)
        exponent += (int64_t)(d->count - used);
    if (is_sticky) {
        buffer[used++] = '1';
        exponent--;
    }
    if (exponent > EXPONENT_MAX)
        exponent = EXPONENT_MAX;
    if (exponent < -EXPONENT_MAX)
        exponent = -EXPONENT_MAX;
    snprintf(buffer + used, 32, "e%d", (int)exponent);
}

/* Clinger's fast path, for most cells there are. */
static bool
convert_exactly(const struct decimal *d, double *value)
{
    double result;

    /* More than 19 digits make a larger significand, too. */
    if (d->significand > EXACT_MAX || d->exponent < -22 || d->exponent > 22)
        return false;
    result = (double)d->significand;
    if (d->exponent < 0)
        result /= powers[-d->exponent];
    else
        result *= powers[d->exponent];
    *value = d->is_negative ? -result : result;
    return true;
}

static double
convert_slowly(const struct decimal *d, const char *text)
{
    char buffer[DIGITS_MAX + 32];
    double result;

    if (!d->significand)
        return d->is_negative ? -0.0 : 0.0;
    print_decimal(d, text, buffer);
    result = strtod(buffer, NULL);
    return d->is_negative ? -result : result;
}

/* nan, inf, infinity */
static bool
read_special(const char *text, size_t size, double *value)
{
    size_t at = size && (text[0] == '-' || text[0] == '+');

    if (number_is_word(text + at, size - at, "nan"))
        *value = (double)NAN;
    else if (number_is_word(text + at, size - at, "inf") ||
             number_is_word(text + at, size - at, "infinity"))
        *value = text[0] == '-' ? -(double)INFINITY : (double)INFINITY;
    else
        return false;
    return true;
}

enum number_result
number_float64(const char *text, size_t size, double *value)
{
    struct decimal d;
    double result;

    if (!read_decimal(text, size, &d))
        return read_special(text, size, value) ? NUMBER_FINE : NUMBER_SYNTAX;
    if (!convert_exactly(&d, &result))
        result = convert_slowly(&d, text);
    if (isinf(result))
        return NUMBER_RANGE;
    *value = result;
    return NUMBER_FINE;
}

/* A double halfway between two floats may hide on which side the decimal was;
 * below FLT_MIN halves lie elsewhere. */
static bool
may_round_twice(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return (bits & 0x1fffffff) == 0x10000000 ||
           (value != 0 && fabs(value) < (double)FLT_MIN);
}

enum number_result
number_float32(const char *text, size_t size, float *value)
{
    char buffer[DIGITS_MAX + 32];
    struct decimal d;
    double wide;
    float result;

    if (!read_decimal(text, size, &d)) {
        if (!read_special(text, size, &wide))
            return NUMBER_SYNTAX;
        *value = (float)wide;
        return NUMBER_FINE;
    }
    if (!convert_exactly(&d, &wide))
        wide = convert_slowly(&d, text);
    if (fabs(wide) > 2 * (double)FLT_MAX)
        return NUMBER_RANGE;
    if (may_round_twice(wide)) {
        print_decimal(&d, text, buffer);
        result = strtof(buffer, NULL);
        result = d.is_negative ? -result : result;
    } else {
        result = (float)wide;
    }
    if (isinf(result))
        return NUMBER_RANGE;
    *value = result;
    return NUMBER_FINE;
}

enum number_result
number_bool(const char *text, size_t size, bool *value)
{
    static const char *const yes[] = {"1", "true", "t", "yes"};
    static const char *const no[] = {"0", "false", "f", "no"};

    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        if (number_is_word(text, size, yes[i])) {
            *value = true;
            return NUMBER_FINE;
        }
        if (number_is_word(text, size, no[i])) {
            *value = false;
            return NUMBER_FINE;
        }
    }
    return NUMBER_SYNTAX;
}

static size_t
print_special(char buffer[NUMBER_SIZE], double value)
{
    return (size_t)snprintf(buffer, NUMBER_SIZE, "%s",
                            isnan(value) ? "NaN"
                            : value < 0  ? "-Infinity"
                                         : "Infinity");
}

size_t
number_print_float64(char buffer[NUMBER_SIZE], double value)
{
    size_t size = 0;

    if (!isfinite(value))
        return print_special(buffer, value);
    for (int digits = fabs(value) < DBL_MIN ? 1 : 15; digits <= 17; digits++) {
        size = (size_t)snprintf(buffer, NUMBER_SIZE, "%.*g", digits, value);
        if (strtod(buffer, NULL) == value)
            break;
    }
    return size;
}

size_t
number_print_float32(char buffer[NUMBER_SIZE], float value)
{
    size_t size = 0;

    if (!isfinite(value))
        return print_special(buffer, (double)value);
    for (int digits = fabsf(value) < FLT_MIN ? 1 : 6; digits <= 9; digits++) {
        size = (size_t)snprintf(buffer, NUMBER_SIZE, "%.*g", digits,
                                (double)value);
        if (strtof(buffer, NULL) == value)
            break;
    }
    return size;
}
