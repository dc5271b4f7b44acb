/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzz targets share: the input as a stream, exact copies, complaints.
 */
#ifndef TESTS_FUZZ_TARGETS_TARGET_H
#define TESTS_FUZZ_TARGETS_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libfeature.h"

/* The entry of every target: libFuzzer's name for it. Always 0. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* A property that does not hold is a crash, as any other. */
static inline void
expect(bool holds, const char *property)
{
    if (holds)
        return;
    fprintf(stderr, "broken: %s\n", property);
    abort();
}

/* An error has to name itself, in text. */
static inline void
expect_named(feature_status status, const struct feature_error *error)
{
    expect(status > 0 && error->status == status, "an error has its status");
    expect(memchr(error->message, 0, sizeof error->message) &&
               error->message[0],
           "an error has a message");
    expect(memchr(error->reason, 0, sizeof error->reason) && error->reason[0],
           "an error has a reason");
}

/* The input, taken from its front; past its end all is zero. */
struct input {
    const uint8_t *at, *end;
};

static inline uint8_t
take_u8(struct input *input)
{
    return input->at < input->end ? *input->at++ : 0;
}

static inline uint16_t
take_u16(struct input *input)
{
    uint16_t low = take_u8(input);

    return (uint16_t)(low | take_u8(input) << 8);
}

static inline uint64_t
take_u64(struct input *input)
{
    uint64_t value = 0;

    for (int i = 0; i < 64; i += 8)
        value |= (uint64_t)take_u8(input) << i;
    return value;
}

static inline size_t
left_of(const struct input *input)
{
    return (size_t)(input->end - input->at);
}

/* Bytes in memory of their own, to the byte; free() them. */
static inline uint8_t *
exact_copy(const void *bytes, size_t size)
{
    uint8_t *made = malloc(size ? size : 1);

    if (!made)
        abort();
    if (size)
        memcpy(made, bytes, size);
    return made;
}

/* The next bytes, as many as there are. */
static inline uint8_t *
take_copy(struct input *input, size_t *size)
{
    uint8_t *made;

    if (*size > left_of(input))
        *size = left_of(input);
    made = exact_copy(input->at, *size);
    input->at += *size;
    return made;
}

/* The input as a text: up to its first NUL. */
static inline char *
text_copy(const uint8_t *bytes, size_t size)
{
    char *made = malloc(size + 1);

    if (!made)
        abort();
    if (size)
        memcpy(made, bytes, size);
    made[size] = 0;
    return made;
}

/* Where this process may make files; who starts it removes them. */
static inline const char *
target_directory(void)
{
    static char path[200];
    const char *base = getenv("FUZZ_DIRECTORY");

    if (path[0])
        return path;
    snprintf(path, sizeof path, "%s/target-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(path))
        abort();
    return path;
}

#endif
