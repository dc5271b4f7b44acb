/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature_query_join_arrow().
 *
 * Owns the stream that a join is, and how many labels are read at once.
 * Keeps one row for each label, in their order, and memory bounded whatever the
 * record batches are like: by rows, and by the bytes of their answers.
 * Never copies a value of a label, and never goes on after a failure.
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "exchange/answer_out.h"
#include "exchange/labels.h"

#define ROWS_MOST    (1u << 20) /* labels sorted together */
#define ANSWER_BYTES (128u << 20)
#define TEXT_BYTES   32 /* a guess, until some were seen */

struct join {
    feature_query *query;
    feature_request *request;
    uint32_t flags;
    uint32_t most;  /* rows of one read, by what was asked for */
    uint32_t limit; /* the same, by what the answers were like too */
    struct lf_labels labels;
    struct lf_held_schema *features;
    struct lf_held_array *answer; /* of the labels that were taken */
    uint32_t piece;               /* of them, the next to be given out */
    size_t row;                   /* its first row in the answer */
    feature_status failed;
    struct feature_error error;
    char problem[sizeof((struct feature_error *)0)->reason +
                 sizeof((struct feature_error *)0)->message + 2];
};

/* --- reading ------------------------------------------------------------------ */

static size_t
bytes_of(const struct lf_out_answer *answer)
{
    size_t size = 0;

    for (uint32_t i = 0; i < answer->request->query->selection->column_count;
         i++)
        size += answer->request->answers[i].values.size;
    return size;
}

/* Rows whose answers have about as many bytes as they may. */
static uint32_t
fitting(uint32_t most, size_t bytes_per_row)
{
    size_t rows = ANSWER_BYTES / (bytes_per_row + 1);

    return rows >= most ? most : rows ? (uint32_t)rows : 1;
}

static feature_status
take_answer(struct join *join, struct feature_error *error)
{
    struct lf_out_answer answer = {.request = join->request};
    struct ArrowArray array;
    feature_status status = lf_out_answer(&answer, join->flags, error);

    if (!status && !lf_array_export(answer.fields, answer.columns, answer.count,
                                    join->request->rows, &array))
        status = lf_fail_memory(error);
    if (!status) {
        join->answer = lf_array_hold(&array);
        if (!join->answer)
            status = lf_fail_memory(error);
        if (join->request->rows)
            join->limit =
                fitting(join->most, bytes_of(&answer) / join->request->rows);
    }
    lf_arena_free(&answer.arena);
    return status;
}

/* Texts that are too many for one column are asked for again, by fewer rows. */
static feature_status
read_labels(struct join *join, struct feature_error *error)
{
    feature_status status;

    for (;;) {
        uint32_t rows;

        LF_TRY(lf_labels_take(&join->labels, join->limit, error));
        if (!lf_labels_pieces(&join->labels))
            return FEATURE_OK;
        rows = join->labels.intake.rows;
        lf_labels_set(&join->labels, join->request);
        status = feature_request_read(join->request, error);
        if (status != FEATURE_FULL || rows < 2)
            break;
        LF_TRY(lf_labels_untake(&join->labels, error));
        join->limit = rows / 2;
    }
    if (!status)
        return take_answer(join, error);
    lf_labels_place(&join->labels, error);
    return status;
}

/* --- giving out --------------------------------------------------------------- */

static feature_status
give_piece(struct join *join, struct ArrowArray *out,
           struct feature_error *error)
{
    const struct lf_label_piece *piece =
        lf_labels_piece(&join->labels, join->piece);
    const struct lf_array_part parts[2] = {
        {.held = piece->from, .first = piece->first},
        {.held = join->answer, .first = join->row}};

    if (!lf_array_combine(parts, 2, piece->count, out))
        return lf_fail_memory(error);
    join->row += piece->count;
    join->piece++;
    return FEATURE_OK;
}

static feature_status
next_batch(struct join *join, struct ArrowArray *out,
           struct feature_error *error)
{
    if (!join->answer || join->piece == lf_labels_pieces(&join->labels)) {
        lf_array_let_go(join->answer);
        join->answer = NULL;
        join->piece = 0;
        join->row = 0;
        LF_TRY(read_labels(join, error));
    }
    if (join->answer)
        return give_piece(join, out, error);
    memset(out, 0, sizeof *out); /* released: the end */
    return FEATURE_OK;
}

/* A producer's errno is passed on. */
static int
finish(struct join *join, feature_status status)
{
    join->failed = status;
    if (!status)
        return 0;
    snprintf(join->problem, sizeof join->problem, "%s: %s", join->error.reason,
             join->error.message);
    if (status == FEATURE_IO && join->error.os_error > 0)
        return join->error.os_error;
    return lf_stream_errno(status);
}

static int
get_next(struct ArrowArrayStream *self, struct ArrowArray *out)
{
    struct join *join = self->private_data;

    if (join->failed)
        return finish(join, join->failed);
    return finish(join, next_batch(join, out, &join->error));
}

static int
get_schema(struct ArrowArrayStream *self, struct ArrowSchema *out)
{
    struct join *join = self->private_data;
    struct lf_held_schema *const parts[2] = {join->labels.schema,
                                             join->features};

    return lf_schema_combine(parts, out) ? 0
                                         : lf_stream_errno(FEATURE_NO_MEMORY);
}

static const char *
get_last_error(struct ArrowArrayStream *self)
{
    const struct join *join = self->private_data;

    return join->failed ? join->problem : NULL;
}

static void
free_join(struct join *join)
{
    if (!join)
        return;
    lf_array_let_go(join->answer);
    lf_labels_close(&join->labels);
    lf_schema_let_go(join->features);
    feature_request_free(join->request);
    feature_query_free(join->query);
    lf_free(join);
}

static void
release(struct ArrowArrayStream *self)
{
    free_join(self->private_data);
    self->private_data = NULL;
    self->release = NULL;
}

/* --- making ------------------------------------------------------------------- */

static feature_status
check_names(const struct join *join, const struct lf_out_answer *answer,
            struct feature_error *error)
{
    const struct ArrowSchema *labels = &join->labels.schema->schema;

    for (int64_t i = 0; i < labels->n_children; i++)
        for (uint32_t j = 0; j < answer->count; j++)
            if (labels->children[i]->name &&
                !strcmp(labels->children[i]->name, answer->fields[j].name))
                return lf_fail(error, FEATURE_CONFLICT, "name",
                               "the labels have a column %s already: give the "
                               "feature another name by AS",
                               answer->fields[j].name);
    return FEATURE_OK;
}

static size_t
width_of(const struct lf_out_answer *answer)
{
    size_t size = 0;

    for (uint32_t i = 0; i < answer->count; i++)
        size += lf_type_is_variable(answer->fields[i].type)
                    ? TEXT_BYTES
                    : lf_type_fixed_size(answer->fields[i].type);
    return size;
}

static feature_status
make_schema(struct join *join, struct feature_error *error)
{
    struct lf_out_answer answer = {.request = join->request};
    struct ArrowSchema schema;
    feature_status status = lf_out_answer(&answer, join->flags, error);

    if (!status)
        status = check_names(join, &answer, error);
    if (!status && !lf_schema_export(answer.fields, answer.count,
                                     join->query->fingerprint, &schema))
        status = lf_fail_memory(error);
    if (!status) {
        join->features = lf_schema_hold(&schema);
        if (!join->features)
            status = lf_fail_memory(error);
        join->most = join->limit = fitting(join->most, width_of(&answer));
    }
    lf_arena_free(&answer.arena);
    return status;
}

static feature_status
make_join(struct join *join, const feature_query *query,
          struct ArrowArrayStream *labels,
          const struct feature_join_options *options,
          struct feature_error *error)
{
    const char *time =
        options->timestamp ? options->timestamp : LF_EVENT_TIMESTAMP;

    join->query = lf_query_hold(query);
    join->flags = options->flags;
    join->most = options->chunk_rows && options->chunk_rows < ROWS_MOST
                     ? options->chunk_rows
                     : ROWS_MOST;
    LF_TRY(feature_request_create(query, &join->request, error));
    LF_TRY(lf_labels_open(&join->labels, labels, query, time, error));
    return make_schema(join, error);
}

static feature_status
start(const feature_query *query, struct ArrowArrayStream *labels,
      const struct feature_join_options *options, struct join **join,
      struct feature_error *error)
{
    struct feature_join_options asked;
    feature_status status;

    if (!query)
        return lf_fail(error, FEATURE_INVALID, "argument", "query is needed");
    LF_TRY(lf_options_read(&asked, sizeof asked, options,
                           "feature_join_options", error));
    LF_TRY(lf_out_check_flags(asked.flags, error));
    if (asked.reserved)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "reserved is %u in the join options, it has to be 0",
                       asked.reserved);
    LF_TRY(lf_store_enter(query->store, error));
    lf_store_leave(query->store);
    *join = lf_alloc(sizeof **join);
    if (!*join)
        return lf_fail_memory(error);
    status = make_join(*join, query, labels, &asked, error);
    if (status)
        free_join(*join);
    return status;
}

feature_status
feature_query_join_arrow(const feature_query *query,
                         struct ArrowArrayStream *labels,
                         const struct feature_join_options *options,
                         struct ArrowArrayStream *stream,
                         struct feature_error *error)
{
    struct join *join = NULL;
    feature_status status;

    if (!labels || !labels->release)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "labels are needed, a stream that is not released yet");
    if (!stream)
        status =
            lf_fail(error, FEATURE_INVALID, "argument", "stream is needed");
    else
        status = start(query, labels, options, &join, error);
    lf_stream_release(labels); /* where it was not moved yet */
    if (status)
        return status;
    *stream = (struct ArrowArrayStream){.get_schema = get_schema,
                                        .get_next = get_next,
                                        .get_last_error = get_last_error,
                                        .release = release,
                                        .private_data = join};
    return FEATURE_OK;
}
