/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature load: from a reader into a store, chunk by chunk.
 *
 * Owns two slots: one is filled by a second thread while the other is written
 * (0.35 s in place of 0.57 s for 712,240 rows on two idle cores, tmpfs).
 * Keeps chunks in the order of the file, each of them one commit.
 * Never holds the writer gate between chunks, so that others get their turn.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "load.h"
#include "progress.h"
#include "slot.h"

#define CHUNK_ROWS 32768
#define SLOT_BYTES (128u << 20) /* that a slot's columns may take */
#define SLOT_COUNT 2

/* Another process that waits for the writer gate looks every 4 ms at the latest.
 * Of one that writes single rows beside a load, a pause that long between
 * chunks brought the slowest write from 180-400 ms down to 24-50 ms, while the
 * load took 0.42 s in place of 0.35 s (712,240 rows, tmpfs). */
#define TURN_NS 4000000

struct ingest {
    feature_store *store;
    feature_load *version; /* NULL: rows go into the one that serves */
    const struct load_options *options;
    const struct load_mapping *mapping;
    struct load_result *result;
    struct slot_filler filler;
    struct slot slots[SLOT_COUNT];
    bool is_full[SLOT_COUNT];
    bool is_stopped; /* the filler has to end */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct progress progress;
    int64_t begun;
    uint64_t stored_line; /* last line that is in the store */
    int rejects;          /* file of the rejects, or -1 */
};

/* Waits until slot i is full, or empty, or the load was stopped; false then. */
static bool
await(struct ingest *ingest, int i, bool is_full)
{
    bool is_ready;

    pthread_mutex_lock(&ingest->mutex);
    while (ingest->is_full[i] != is_full && !ingest->is_stopped)
        pthread_cond_wait(&ingest->changed, &ingest->mutex);
    is_ready = ingest->is_full[i] == is_full && !ingest->is_stopped;
    pthread_mutex_unlock(&ingest->mutex);
    return is_ready;
}

static void
hand_over(struct ingest *ingest, int i, bool is_full)
{
    pthread_mutex_lock(&ingest->mutex);
    ingest->is_full[i] = is_full;
    pthread_cond_broadcast(&ingest->changed);
    pthread_mutex_unlock(&ingest->mutex);
}

static void *
fill_slots(void *context)
{
    struct ingest *ingest = context;

    for (int i = 0; await(ingest, i, false); i = (i + 1) % SLOT_COUNT) {
        enum slot_end end;

        slot_fill(&ingest->slots[i], &ingest->filler);
        end = ingest->slots[i].end;
        hand_over(ingest, i, true);
        if (end != SLOT_MORE)
            break;
    }
    return NULL;
}

/* Says which lines are in the store: a chunk is in it as a whole or not. */
static void
report_stored(const struct ingest *ingest)
{
    struct text text = {0};

    if (ingest->version)
        return; /* replace.c says what serves */
    if (ingest->stored_line)
        text_add_count(&text, ingest->stored_line);
    if (!ingest->stored_line)
        tool_refuse("nothing of %s is in the store",
                    tool_file_name(ingest->options->file));
    else
        tool_refuse("lines 2-%s are in the store, nothing after",
                    text_end(&text) ? text.data : "?");
    text_free(&text);
}

/* The library counts rows of a batch; people count lines of a file. */
static const char *
skip_row(const char *message)
{
    static const char *const words[] = {"batch ", "row "};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t size = strlen(words[i]);

        if (!strncmp(message, words[i], size)) {
            message += size + strspn(message + size, "0123456789");
            message += strspn(message, ",: ");
        }
    }
    return message;
}

static int
fail_write(const struct ingest *ingest, const struct slot *slot,
           const struct feature_error *error)
{
    if (error->row >= 0 && error->row < (int64_t)slot->rows)
        fprintf(stderr, "%s:%" PRIu64 ": %s\n",
                tool_file_name(ingest->options->file), slot->lines[error->row],
                skip_row(error->message));
    else
        tool_fail(error);
    if (strcmp(error->reason, "outcome-unknown") != 0)
        report_stored(ingest);
    else
        tool_refuse("whether lines %" PRIu64 "-%" PRIu64
                    " are in the store is not known; nothing after is",
                    slot->lines[0], slot->last_line);
    return TOOL_REFUSED;
}

static bool
write_all(int file, const char *bytes, size_t size)
{
    while (size) {
        ssize_t wrote = write(file, bytes, size);

        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return false;
        bytes += wrote;
        size -= (size_t)wrote;
    }
    return true;
}

/* Writes what the slot and the library rejected, in order of lines. */
static int
write_rejects(struct ingest *ingest, struct slot *slot)
{
    const uint8_t *outcomes = NULL;
    struct feature_error error;
    struct text text = {0};
    bool is_fine = true;

    if (slot->rows)
        outcomes = feature_batch_outcomes(slot->batch);
    for (uint32_t row = 0; outcomes && row < slot->rows; row++) {
        if (outcomes[row] != FEATURE_OUTCOME_REJECTED)
            continue;
        feature_batch_problem(slot->batch, row, &error);
        is_fine &= slot_reject_row(slot, row, skip_row(error.message));
    }
    slot_print_rejects(slot, &text);
    ingest->result->rejected += slot->reject_count;
    if (text.failed || !is_fine)
        tool_no_memory(), is_fine = false;
    else if (!write_all(ingest->rejects, text.data, text.size))
        tool_refuse("%s: %s", ingest->options->rejects, strerror(errno)),
            is_fine = false;
    text_free(&text);
    return is_fine ? TOOL_DONE : TOOL_REFUSED;
}

static int
append_slot(struct ingest *ingest, struct slot *slot)
{
    struct feature_error error;

    if (slot->rows && feature_load_append(ingest->version, slot->batch, &error))
        return fail_write(ingest, slot, &error);
    ingest->result->rows += slot->read;
    return TOOL_DONE;
}

static int
write_slot(struct ingest *ingest, struct slot *slot)
{
    struct feature_write_options options = {
        .struct_size = sizeof options,
        .flags = ingest->rejects >= 0 ? FEATURE_WRITE_SKIP_INVALID : 0};
    struct feature_commit commit = {.struct_size = sizeof commit};
    struct load_result *result = ingest->result;
    struct feature_error error;

    if (slot->rows) {
        if (feature_store_write(ingest->store, &slot->batch, 1, &options,
                                &commit, &error))
            return fail_write(ingest, slot, &error);
        result->sequence = commit.sequence;
    }
    result->rows += slot->read;
    result->applied += commit.applied;
    result->late += commit.late;
    result->duplicate += commit.duplicate;
    result->future += commit.future;
    if (slot->read)
        ingest->stored_line = slot->last_line;
    return ingest->rejects >= 0 ? write_rejects(ingest, slot) : TOOL_DONE;
}

/* Leaves the gate to others for a moment, or as long as --rate asks for. */
static void
pause_between(const struct ingest *ingest)
{
    int64_t wait = 0;
    struct timespec pause = {.tv_nsec = TURN_NS};

    if (ingest->options->rate)
        wait = ingest->begun - tool_steady_clock() +
               (int64_t)((double)ingest->result->rows * 1e6 /
                         (double)ingest->options->rate);
    if (wait > TURN_NS / 1000) {
        pause.tv_sec = wait / 1000000;
        pause.tv_nsec = wait % 1000000 * 1000;
    }
    nanosleep(&pause, NULL);
}

static int
write_slots(struct ingest *ingest)
{
    int code = TOOL_DONE;

    for (int i = 0; await(ingest, i, true); i = (i + 1) % SLOT_COUNT) {
        struct slot *slot = &ingest->slots[i];

        if (slot->end == SLOT_STOP) {
            progress_end(&ingest->progress);
            fprintf(stderr, "%s\n", slot->stop);
            report_stored(ingest);
            return TOOL_REFUSED;
        }
        code = ingest->version ? append_slot(ingest, slot)
                               : write_slot(ingest, slot);
        if (code || slot->end != SLOT_MORE)
            break;
        progress_show(&ingest->progress, ingest->result->rows, slot->consumed);
        hand_over(ingest, i, false);
        if (!ingest->version) /* the library itself keeps a load at its rate */
            pause_between(ingest);
    }
    return code;
}

/* Rows of a chunk: what was asked for, as far as memory goes, and few enough
 * to keep a rate smooth. */
static uint32_t
chunk_rows(const struct load_options *options,
           const struct load_mapping *mapping)
{
    uint64_t chunk = options->chunk ? options->chunk : CHUNK_ROWS;
    size_t row = sizeof(uint64_t) + sizeof(size_t);

    for (uint32_t i = 0; i < mapping->count; i++)
        row += cell_row_size(&mapping->columns[i].field);
    if (options->rate && !options->chunk && chunk > options->rate / 4)
        chunk = options->rate / 4;
    if (chunk > SLOT_BYTES / row)
        chunk = SLOT_BYTES / row;
    return chunk ? (uint32_t)chunk : 1;
}

static int
run(struct ingest *ingest)
{
    pthread_t thread;
    int code = pthread_create(&thread, NULL, fill_slots, ingest);

    if (code)
        return tool_refuse("no second thread: %s", strerror(code));
    code = write_slots(ingest);
    pthread_mutex_lock(&ingest->mutex);
    ingest->is_stopped = true;
    pthread_cond_broadcast(&ingest->changed);
    pthread_mutex_unlock(&ingest->mutex);
    /* It may wait for standard input, and nobody for what comes. */
    if (code)
        pthread_cancel(thread);
    pthread_join(thread, NULL);
    return code;
}

/* Writing rejects over the file they come from would destroy it. */
static bool
is_input(const struct ingest *ingest, const char *path)
{
    struct stat input, rejects;
    int file = ingest->filler.reader->fd;

    return !fstat(file, &input) && !stat(path, &rejects) &&
           S_ISREG(input.st_mode) && input.st_dev == rejects.st_dev &&
           input.st_ino == rejects.st_ino;
}

static int
open_rejects(struct ingest *ingest)
{
    static const char header[] = "line,reason,record\n";
    const char *path = ingest->options->rejects;

    ingest->rejects = -1;
    if (!path)
        return TOOL_DONE;
    if (is_input(ingest, path))
        return tool_refuse("--rejects: %s is the file that is loaded", path);
    ingest->rejects =
        open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (ingest->rejects < 0 ||
        !write_all(ingest->rejects, header, sizeof header - 1))
        return tool_refuse("%s: %s", path, strerror(errno));
    return TOOL_DONE;
}

int
load_rows(struct load_result *result, feature_store *store,
          feature_load *version, const struct load_options *options,
          const struct load_mapping *mapping, struct csv_reader *reader,
          uint64_t file_size)
{
    struct ingest ingest = {
        .store = store,
        .version = version,
        .options = options,
        .mapping = mapping,
        .result = result,
        .filler = {options, mapping, reader, chunk_rows(options, mapping), {0}},
        .mutex = PTHREAD_MUTEX_INITIALIZER,
        .changed = PTHREAD_COND_INITIALIZER,
        .begun = tool_steady_clock()};
    struct feature_error error;
    int code = open_rejects(&ingest);

    for (int i = 0; !code && i < SLOT_COUNT; i++)
        if (slot_init(&ingest.slots[i], store, options, mapping,
                      ingest.filler.chunk, &error))
            code = tool_fail(&error);
    progress_begin(&ingest.progress, file_size);
    if (!code)
        code = run(&ingest);
    progress_end(&ingest.progress);
    result->microseconds = tool_steady_clock() - ingest.begun;
    for (int i = 0; i < SLOT_COUNT; i++)
        slot_free(&ingest.slots[i]);
    if (ingest.rejects >= 0 && close(ingest.rejects) && !code)
        code = tool_refuse("%s: %s", options->rejects, strerror(errno));
    return code;
}
