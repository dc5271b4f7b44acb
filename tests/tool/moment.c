/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times: every form, every calendar rule, and what is refused.
 *
 * Owns no state; each case names its text and its microseconds.
 * Keeps the C library's timegm as the judge of the calendar.
 * Never depends on the machine's clock or time zone.
 */
#include "moment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#define SECOND 1000000ll

static const char *
read_as(const char *format, const char *zone, const char *text, int64_t *value)
{
    struct moment_format read = {0};

    assert_null(moment_format_read(&read, format));
    if (zone) {
        assert_null(moment_zone_read(zone, &read.zone));
        read.has_zone = true;
    }
    return moment_read(&read, text, strlen(text), value);
}

static void
expect(const char *format, const char *zone, const char *text, int64_t wanted)
{
    int64_t value = -1;
    const char *why = read_as(format, zone, text, &value);

    if (why || value != wanted)
        fail_msg("%s as %s: %s, %lld, not %lld", text, format,
                 why ? why : "fine", (long long)value, (long long)wanted);
}

static void
refuse(const char *format, const char *zone, const char *text)
{
    int64_t value = 42;

    if (!read_as(format, zone, text, &value))
        fail_msg("%s as %s was read as %lld", text, format, (long long)value);
}

static void
iso_times_say_their_zone(void **state)
{
    (void)state;
    expect("iso", NULL, "1970-01-01T00:00:00Z", 0);
    expect("iso", NULL, "2020-04-01T00:44:02Z", 1585701842 * SECOND);
    expect("iso", NULL, "2020-04-01t00:44:02z", 1585701842 * SECOND);
    expect("iso", NULL, "2020-04-01 00:44:02 UTC", 1585701842 * SECOND);
    expect("iso", NULL, "2020-04-01T08:44:02+08:00", 1585701842 * SECOND);
    expect("iso", NULL, "2020-03-31T19:44:02-0500", 1585701842 * SECOND);
    expect("iso", NULL, "2020-04-01 08:44:02+08", 1585701842 * SECOND);
    expect("iso", NULL, "2020-04-01 06:14:02 +05:30", 1585701842 * SECOND);
    expect("iso", NULL, "1969-12-31T23:59:59.999999Z", -1);
    /* The zone of the text wins over the one that was asked for. */
    expect("iso", "+08:00", "2020-04-01T00:44:02Z", 1585701842 * SECOND);
}

static void
naive_times_need_a_zone(void **state)
{
    int64_t value;
    const char *why;

    (void)state;
    expect("iso", "UTC", "2020-04-01 00:44:02", 1585701842 * SECOND);
    expect("iso", "+08:00", "2020-04-01 08:44:02", 1585701842 * SECOND);
    expect("iso", "-05:00", "2020-03-31 19:44:02", 1585701842 * SECOND);
    expect("iso", "-05:00", "2020-03-31T19:44:02.5",
           1585701842 * SECOND + 500000);
    expect("iso", "UTC", "2020-04-01 00:44", 1585701840 * SECOND);
    expect("iso", "UTC", "2020-04-01", 1585699200 * SECOND);
    why = read_as("iso", NULL, "2020-04-01 00:44:02", &value);
    assert_non_null(why);
    assert_non_null(strstr(why, "--time-zone UTC"));
    refuse("iso", NULL, "2020-04-01");
}

static void
fractions_go_down_to_the_microsecond(void **state)
{
    (void)state;
    expect("iso", "UTC", "1970-01-01 00:00:00.1", 100000);
    expect("iso", "UTC", "1970-01-01 00:00:00,123456", 123456);
    expect("iso", "UTC", "1970-01-01 00:00:00.123456789", 123456);
    expect("iso", "UTC", "1970-01-01 00:00:00.000001", 1);
    refuse("iso", "UTC", "1970-01-01 00:00:00.");
}

static void
days_and_times_that_do_not_exist_are_refused(void **state)
{
    static const char *const texts[] = {"2020-13-01",
                                        "2020-00-01",
                                        "2020-04-31",
                                        "2020-01-00",
                                        "2020-01-32",
                                        "2019-02-29",
                                        "1900-02-29",
                                        "2020-04-01 24:00:00",
                                        "2020-04-01 23:60:00",
                                        "2020-04-01 23:59:60",
                                        "2020-04-01T00:00:00+24:00",
                                        "2020-04-01T00:00:00+08:60"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        refuse("iso", "UTC", texts[i]);
    expect("iso", "UTC", "2020-02-29", 1582934400 * SECOND);
    expect("iso", "UTC", "2000-02-29", 951782400 * SECOND);
}

static void
what_is_no_iso_time_is_refused(void **state)
{
    static const char *const texts[] = {"",
                                        "now",
                                        "-0001-01-01",
                                        "-2020-04-01 00:00:00",
                                        "20-04-01",
                                        "2020-4-1",
                                        "2020/04/01",
                                        "12020-04-01",
                                        "2020-04-01 ",
                                        "2020-04-01T",
                                        "2020-04-01 1:02:03",
                                        "2020-04-01 00:44:02x",
                                        "2020-04-01 00:44:02  Z",
                                        "2020-04-01 00:44:02 EST",
                                        "2020-04-01 00-44-02",
                                        "2020-04-0100:44:02",
                                        "1585701842",
                                        "2020-04-01 00:44:02+8",
                                        "2020-04-01Z"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        refuse("iso", "UTC", texts[i]);
}

static void
units_count_from_1970(void **state)
{
    (void)state;
    expect("s", NULL, "1585701842", 1585701842 * SECOND);
    expect("ms", NULL, "1585701842123", 1585701842 * SECOND + 123000);
    expect("us", NULL, "1585701842123456", 1585701842 * SECOND + 123456);
    expect("ns", NULL, "1585701842123456789", 1585701842 * SECOND + 123456);
    expect("s", NULL, "1585701842.0", 1585701842 * SECOND);
    expect("s", NULL, "1585701842.25", 1585701842 * SECOND + 250000);
    expect("s", NULL, "1585701842.1234567", 1585701842 * SECOND + 123456);
    expect("ms", NULL, "5.25", 5250);
    expect("us", NULL, "5.9", 5);
    expect("s", NULL, "-1.5", -1500000);
    expect("s", NULL, "-0.0000001", -1);
    expect("ns", NULL, "-1", -1);
    expect("ns", NULL, "-1000", -1);
    expect("us", NULL, "9223372036854775807", INT64_MAX);
}

static void
numbers_past_the_range_are_refused(void **state)
{
    int64_t value;

    (void)state;
    assert_string_equal(read_as("s", NULL, "9223372036855", &value),
                        "is out of the range of times");
    refuse("s", NULL, "1585701842123456789");
    refuse("us", NULL, "9223372036854775808");
    refuse("s", NULL, "9223372036854.9999999");
    refuse("s", NULL, "12:00");
    refuse("s", NULL, "1.5.5");
    refuse("s", NULL, ".5");
    refuse("ns", NULL, "1.5");
    refuse("s", NULL, "");
    refuse("ms", NULL, "1e12");
}

static void
patterns_read_what_they_say(void **state)
{
    (void)state;
    expect("%d/%m/%Y %H:%M", "UTC", "01/04/2020 00:44", 1585701840 * SECOND);
    expect("%m/%d/%Y %H:%M:%S", "+08:00", "4/1/2020 8:44:02",
           1585701842 * SECOND);
    expect("%Y%m%d%H%M%S", "UTC", "20200401004402", 1585701842 * SECOND);
    expect("%Y-%m-%dT%H:%M:%S.%f%z", NULL, "2020-04-01T08:44:02.5+0800",
           1585701842 * SECOND + 500000);
    expect("%z %d.%m.%Y", NULL, "+08 01.04.2020", 1585670400 * SECOND);
    expect("100%% %Y-%m-%d", "UTC", "100% 2020-04-01", 1585699200 * SECOND);
    refuse("%d/%m/%Y", "UTC", "2020-04-01");
    refuse("%d/%m/%Y", "UTC", "01/04/2020 ");
    refuse("%d/%m/%Y", "UTC", "31/02/2020");
    refuse("%d/%m/%Y", NULL, "01/04/2020");
    refuse("%Y-%m-%d", "UTC", "-001-04-01");
}

static void
formats_are_checked_before_use(void **state)
{
    struct moment_format format = {0};

    (void)state;
    assert_non_null(moment_format_read(&format, "seconds"));
    assert_non_null(moment_format_read(&format, ""));
    assert_non_null(moment_format_read(&format, "%Y-%m-%d %I"));
    assert_non_null(moment_format_read(&format, "%Y-%m"));
    assert_non_null(moment_format_read(&format, "%Y-%m-%d%"));
    assert_null(moment_format_read(&format, "%Y-%m-%d"));
    assert_false(moment_has_offset(&format));
    assert_null(moment_format_read(&format, "%Y-%m-%d %z"));
    assert_true(moment_has_offset(&format));
    assert_null(moment_format_read(&format, "%Y-%m-%d %%z"));
    assert_false(moment_has_offset(&format));
}

static void
zones_are_fixed_offsets(void **state)
{
    int32_t zone = 1;
    const char *why;

    (void)state;
    assert_null(moment_zone_read("UTC", &zone));
    assert_int_equal(zone, 0);
    assert_null(moment_zone_read("+08:00", &zone));
    assert_int_equal(zone, 8 * 3600);
    assert_null(moment_zone_read("-05:30", &zone));
    assert_int_equal(zone, -(5 * 60 + 30) * 60);
    why = moment_zone_read("America/New_York", &zone);
    assert_non_null(why);
    assert_non_null(strstr(why, "named zone"));
    assert_non_null(moment_zone_read("8", &zone));
    assert_non_null(moment_zone_read("", &zone));
    assert_non_null(moment_zone_read("+08:00x", &zone));
}

static void
every_day_of_four_centuries_agrees_with_timegm(void **state)
{
    struct moment_format format = {.has_zone = true};
    struct tm tm = {0};
    char text[64];
    char printed[MOMENT_SIZE];

    (void)state;
    for (int day = -200 * 365; day < 200 * 365; day++) {
        time_t seconds = (time_t)day * 86400 + (day & 0xfff) * 21;
        int64_t value;

        assert_non_null(gmtime_r(&seconds, &tm));
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
        assert_null(moment_read(&format, text, strlen(text), &value));
        assert_true(value == seconds * SECOND);
        moment_print(printed, value);
        strcat(text, "Z");
        assert_string_equal(printed, text);
    }
}

static void
printing_keeps_microseconds_and_extremes(void **state)
{
    char text[MOMENT_SIZE];

    (void)state;
    moment_print(text, 1585701842 * SECOND + 500000);
    assert_string_equal(text, "2020-04-01T00:44:02.5Z");
    moment_print(text, -1);
    assert_string_equal(text, "1969-12-31T23:59:59.999999Z");
    moment_print(text, 1);
    assert_string_equal(text, "1970-01-01T00:00:00.000001Z");
    moment_print(text, INT64_MAX);
    assert_string_equal(text, "294247-01-10T04:00:54.775807Z");
    moment_print(text, INT64_MIN);
    assert_string_equal(text, "-290308-12-21T19:59:05.224192Z");
}

static void
a_likely_unit_is_found(void **state)
{
    enum moment_kind kind;

    (void)state;
    assert_true(moment_likely_unit("1585701842", 10, &kind));
    assert_int_equal(kind, MOMENT_SECONDS);
    assert_true(moment_likely_unit("1585701842123", 13, &kind));
    assert_int_equal(kind, MOMENT_MILLISECONDS);
    assert_true(moment_likely_unit("1585701842123456", 16, &kind));
    assert_int_equal(kind, MOMENT_MICROSECONDS);
    assert_true(moment_likely_unit("1585701842123456789", 19, &kind));
    assert_int_equal(kind, MOMENT_NANOSECONDS);
    assert_false(moment_likely_unit("17", 2, &kind));
    assert_false(moment_likely_unit("2020-04-01", 10, &kind));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(iso_times_say_their_zone),
        cmocka_unit_test(naive_times_need_a_zone),
        cmocka_unit_test(fractions_go_down_to_the_microsecond),
        cmocka_unit_test(days_and_times_that_do_not_exist_are_refused),
        cmocka_unit_test(what_is_no_iso_time_is_refused),
        cmocka_unit_test(units_count_from_1970),
        cmocka_unit_test(numbers_past_the_range_are_refused),
        cmocka_unit_test(patterns_read_what_they_say),
        cmocka_unit_test(formats_are_checked_before_use),
        cmocka_unit_test(zones_are_fixed_offsets),
        cmocka_unit_test(every_day_of_four_centuries_agrees_with_timegm),
        cmocka_unit_test(printing_keeps_microseconds_and_extremes),
        cmocka_unit_test(a_likely_unit_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
