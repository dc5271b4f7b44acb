/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TARGET [COUNT] [SEED] [FIRST]: the corpus of the target through it, then
 * mutations FIRST to FIRST + COUNT of the corpus; each is made of the seed and
 * its number alone. A crash is counted, and costs its trial:
 *
 *     build/tests/fuzz/targets/row 1 20261121 4711
 *
 * tries one again. With --give NUMBER a mutation is written to standard output.
 *
 * Owns the corpus, the dictionary, and the kinds of mutation.
 * Keeps an input where its memory ends: a read beyond is a crash.
 * Never needs more than a C compiler; libFuzzer has the other driver.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../rig.h"
#include "../targets/target.h"
#include "base/bytes.h"

#define SEED      20261121
#define FILES_MAX 2000
#define WORDS_MAX 300
#define SIZE_MAX_ ((size_t)1 << 18) /* of an input */
#define GUARD     4096

struct piece {
    uint8_t *bytes;
    size_t size;
};

static struct {
    struct piece files[FILES_MAX], words[WORDS_MAX];
    uint32_t file_count, word_count;
    uint64_t seed;
    uint8_t *memory; /* SIZE_MAX_ bytes, then a page that nobody may touch */
    uint32_t end;    /* of the numbers */
} at;

/* Of the sanitizer, where there is one. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

/* --- the corpus ------------------------------------------------------------------ */

static struct piece
read_piece(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct piece made = {malloc(SIZE_MAX_), 0};

    if (!file || !made.bytes)
        rig_give_up(path, "cannot be read");
    made.size = fread(made.bytes, 1, SIZE_MAX_, file);
    fclose(file);
    made.bytes = realloc(made.bytes, made.size + 1);
    return made;
}

static int
by_name(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static void
read_corpus(const char *directory)
{
    static char *names[FILES_MAX];
    DIR *listed = opendir(directory);
    struct dirent *entry;
    char path[RIG_PATH_SIZE * 2];

    if (!listed)
        rig_give_up(directory, strerror(errno));
    while ((entry = readdir(listed)))
        if (entry->d_name[0] != '.' && at.file_count < FILES_MAX)
            names[at.file_count++] = strdup(entry->d_name);
    closedir(listed);
    qsort(names, at.file_count, sizeof *names, by_name);
    for (uint32_t i = 0; i < at.file_count; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        at.files[i] = read_piece(path);
        free(names[i]);
    }
    if (!at.file_count)
        rig_give_up(directory, "is empty");
}

/* One line of libFuzzer's dictionaries: "a\x00\"b". */
static void
read_word(const char *line)
{
    struct piece *word = &at.words[at.word_count];
    const char *from = strchr(line, '"');
    unsigned byte;

    if (line[0] == '#' || !from || at.word_count == WORDS_MAX)
        return;
    word->bytes = malloc(strlen(from) + 1);
    while (*++from && *from != '"') {
        if (from[0] == '\\' && sscanf(from, "\\x%2x", &byte) == 1)
            from += 3;
        else
            byte = (uint8_t)(*from == '\\' ? *++from : *from);
        word->bytes[word->size++] = (uint8_t)byte;
    }
    at.word_count += word->size > 0;
}

static void
read_dictionary(const char *path)
{
    char line[500];
    FILE *file = fopen(path, "r");

    while (file && fgets(line, sizeof line, file))
        read_word(line);
    if (file)
        fclose(file);
}

/* --- mutations ------------------------------------------------------------------- */

static const uint64_t edges[] = {
    0,          1,          2,           0x7f,      0x80,       0xff,
    0x100,      0x7fff,     0x8000,      0xffff,    0x10000,    0x7fffffff,
    0x80000000, 0xffffffff, 0x100000000, INT64_MAX, 1ull << 63, UINT64_MAX};

/* Opens a gap at a place, or as much of it as there is room for. */
static size_t
open_gap(struct piece *input, size_t place, size_t size)
{
    if (size > SIZE_MAX_ - input->size)
        size = SIZE_MAX_ - input->size;
    memmove(input->bytes + place + size, input->bytes + place,
            input->size - place);
    input->size += size;
    return size;
}

static void
remove_some(struct piece *input, size_t place, size_t size)
{
    if (size > input->size - place)
        size = input->size - place;
    memmove(input->bytes + place, input->bytes + place + size,
            input->size - place - size);
    input->size -= size;
}

/* A number as a length would be, or one more or less than what is there. */
static void
put_number(struct piece *input, size_t place, struct dice *dice)
{
    size_t width = (size_t)1 << dice_below(dice, 4);
    uint64_t value = edges[dice_below(dice, sizeof edges / sizeof *edges)];
    uint8_t bytes[8];

    if (width > input->size - place)
        return;
    if (dice_chance(dice, 50)) {
        memset(bytes, 0, sizeof bytes);
        memcpy(bytes, input->bytes + place, width);
        value = lf_load_u64(bytes) + dice_below(dice, 9) - 4;
    }
    lf_store_u64(bytes, value);
    memcpy(input->bytes + place, bytes, width);
}

static void
put_piece(struct piece *input, size_t place, const struct piece *piece,
          struct dice *dice)
{
    size_t from = 0, size = piece->size;

    if (!size)
        return;
    if (size > 20) {
        from = dice_below(dice, (uint32_t)size);
        size = 1 + dice_below(dice, (uint32_t)(size - from));
    }
    if (dice_chance(dice, 50))
        size = open_gap(input, place, size);
    else if (size > input->size - place)
        size = input->size - place;
    memcpy(input->bytes + place, piece->bytes + from, size);
}

static void
mutate_once(struct piece *input, struct dice *dice)
{
    size_t place = dice_below(dice, (uint32_t)input->size + 1);
    uint32_t some = 1 + dice_below(dice, dice_chance(dice, 80) ? 4 : 64);

    switch (dice_below(dice, 9)) {
    case 0:
        if (place < input->size)
            input->bytes[place] ^= (uint8_t)(1u << dice_below(dice, 8));
        break;
    case 1:
        if (place < input->size)
            input->bytes[place] = (uint8_t)dice_draw(dice);
        break;
    case 2:
        remove_some(input, place, some);
        break;
    case 3:
        some = (uint32_t)open_gap(input, place, some);
        memset(input->bytes + place, (int)(dice_draw(dice) & 0xff), some);
        break;
    case 4:
        input->size = place;
        break;
    case 5:
    case 6:
        put_number(input, place, dice);
        break;
    case 7:
        put_piece(input, place, &at.files[dice_below(dice, at.file_count)],
                  dice);
        break;
    default:
        if (at.word_count)
            put_piece(input, place, &at.words[dice_below(dice, at.word_count)],
                      dice);
        break;
    }
}

static void
make_input(uint32_t number, struct piece *input)
{
    struct dice dice = {mix(at.seed, number)};
    const struct piece *from = &at.files[dice_below(&dice, at.file_count)];

    input->size = from->size;
    memcpy(input->bytes, from->bytes, from->size);
    for (uint32_t n = 1 + dice_below(&dice, 4); n; n--)
        mutate_once(input, &dice);
}

/* --- trials ---------------------------------------------------------------------- */

static void
run_input(const uint8_t *bytes, size_t size)
{
    uint8_t *exact = at.memory + SIZE_MAX_ - size;

    memmove(exact, bytes, size);
    LLVMFuzzerTestOneInput(exact, size);
}

/* A leak of any trial of this child shows at its end. */
static void
end_trial(uint32_t number)
{
    if (number + 1 == at.end && __lsan_do_recoverable_leak_check &&
        __lsan_do_recoverable_leak_check())
        abort();
}

static void
run_file(void *context, uint32_t number)
{
    (void)context;
    run_input(at.files[number].bytes, at.files[number].size);
    end_trial(number);
}

static void
run_mutation(void *context, uint32_t number)
{
    struct piece input = {context, 0};

    make_input(number, &input);
    run_input(input.bytes, input.size);
    end_trial(number);
}

static void
make_memory(void)
{
    at.memory = mmap(NULL, SIZE_MAX_ + GUARD, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at.memory == MAP_FAILED ||
        mprotect(at.memory, SIZE_MAX_, PROT_READ | PROT_WRITE))
        rig_give_up("mmap", "no memory");
}

/* tests/fuzz/corpus/NAME and NAME.dict, for a program of that name. */
static const char *
read_all(const char *program)
{
    const char *name = strrchr(program, '/');
    char path[RIG_PATH_SIZE];

    name = name ? name + 1 : program;
    snprintf(path, sizeof path, "tests/fuzz/corpus/%s", name);
    read_corpus(path);
    snprintf(path, sizeof path, "tests/fuzz/driver/%s.dict", name);
    read_dictionary(path);
    make_memory();
    return name;
}

int
main(int argc, char **argv)
{
    const char *name = read_all(argv[0]);
    bool gives = argc > 2 && !strcmp(argv[1], "--give");
    uint32_t count = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 500;
    uint32_t first = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;
    uint32_t crashed, hung, more;
    uint8_t *made = malloc(SIZE_MAX_);
    char directory[RIG_PATH_SIZE];

    at.seed = argc > 2 && !gives ? strtoull(argv[2], NULL, 10) : SEED;
    if (gives) {
        struct piece input = {made, 0};

        make_input((uint32_t)strtoul(argv[2], NULL, 10), &input);
        return fwrite(made, 1, input.size, stdout) != input.size;
    }
    rig_directory(directory);
    setenv("FUZZ_DIRECTORY", directory, 1);
    at.end = at.file_count;
    crashed = rig_run(0, at.end, run_file, NULL, &hung);
    at.end = first + count;
    crashed += rig_run(first, at.end, run_mutation, made, &more);
    hung += more;
    rig_remove(directory);
    printf(
        "%sok %s: %u files, %u mutations, %u crashes, %u hangs, seed %" PRIu64
        "\n",
        crashed + hung ? "not " : "", name, at.file_count, count, crashed, hung,
        at.seed);
    free(made);
    return crashed + hung > 0;
}
