/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times, their formats and zones, of the tool; durations, sizes and times of the
 * definition language.
 *
 * Property: what is read and printed reads back as the same; a text that both
 * languages take means the same in both.
 */
#include "target.h"

#include "model/quantity.h"
#include "moment.h"

/* "2024-01-31T12:00:00Z", as everybody writes it. */
static bool
is_canonical(const char *text)
{
    static const char form[] = "dddd-dd-ddTdd:dd:ddZ";

    if (strlen(text) != sizeof form - 1 || !strncmp(text, "0000", 4))
        return false;
    for (size_t i = 0; form[i]; i++)
        if (form[i] == 'd' ? text[i] < '0' || text[i] > '9'
                           : text[i] != form[i])
            return false;
    return true;
}

static void
try_language(const char *text)
{
    char printed[LF_QUANTITY_SIZE];
    struct moment_format iso = {.kind = MOMENT_ISO};
    int64_t value, again;
    uint64_t size, size_again;

    if (!lf_duration_parse(text, &value)) {
        expect(value > 0, "a duration is positive");
        lf_duration_print(printed, value);
        expect(!lf_duration_parse(printed, &again) && again == value,
               "a duration reads back");
    }
    if (!lf_size_parse(text, &size)) {
        expect(size > 0 && size <= INT64_MAX, "a size is in range");
        lf_size_print(printed, size);
        expect(!lf_size_parse(printed, &size_again) && size_again == size,
               "a size reads back");
    }
    if (is_canonical(text))
        expect(!lf_timestamp_parse(text, &value) ==
                   !moment_read(&iso, text, strlen(text), &again),
               "both languages take it, or none");
    if (lf_timestamp_parse(text, &value))
        return;
    if (lf_timestamp_print(printed, value))
        expect(!lf_timestamp_parse(printed, &again) && again == value,
               "a timestamp reads back");
    if (!moment_read(&iso, text, strlen(text), &again))
        expect(again == value, "one meaning in both languages");
}

static void
try_moment(const struct moment_format *format, const char *text, size_t size)
{
    struct moment_format iso = {.kind = MOMENT_ISO};
    char printed[MOMENT_SIZE];
    int64_t value, again;
    const char *why = moment_read(format, text, size, &value);

    if (why) {
        expect(why[0], "a refusal says why");
        return;
    }
    size = moment_print(printed, value);
    expect(size < MOMENT_SIZE && strlen(printed) == size, "the size printed");
    /* Years of another size than four digits are printed for the eye. */
    if (printed[4] == '-' && printed[0] != '-')
        expect(!moment_read(&iso, printed, size, &again) && again == value,
               "a moment reads back");
}

/* "format\ntext": the first line names how times are written. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const uint8_t *line = size ? memchr(bytes, '\n', size) : NULL;
    size_t first = line ? (size_t)(line - bytes) : 0;
    char *word = text_copy(bytes, first);
    uint8_t *exact =
        exact_copy(line ? line + 1 : bytes, line ? size - first - 1 : size);
    char *text = text_copy(exact, line ? size - first - 1 : size);
    struct moment_format format = {0};
    enum moment_kind kind;
    bool has_zone;

    size = line ? size - first - 1 : size;
    if (!moment_zone_read(word, &format.zone))
        format.has_zone = true;
    else if (moment_format_read(&format, word))
        format = (struct moment_format){0};
    try_moment(&format, (char *)exact, size);
    moment_is_iso((char *)exact, size, &has_zone);
    moment_likely_unit((char *)exact, size, &kind);
    try_language(text);
    free(text);
    free(exact);
    free(word);
    return 0;
}
