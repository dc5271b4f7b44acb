/* SPDX-License-Identifier: Apache-2.0 */
/* What the cases of bad environments share. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "environment.h"

#define DEFINITIONS              \
    "CREATE ENTITY e (k INT64);" \
    "CREATE FEATURE VIEW v (a INT64, s STRING) FOR e;"

#define BYTES_MAX 4096

struct place_report *place_report;
struct feature_error place_error;

void
place_broken(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(place_report->text, PLACE_TEXT, format, arguments);
    va_end(arguments);
    _exit(1);
}

void
place_skip(const char *why)
{
    place_report->is_skipped = 1;
    place_broken("%s", why);
}

void
place_named(feature_status status, feature_status expected, const char *reason,
            const char *call)
{
    if (status != expected || strcmp(place_error.reason, reason))
        place_broken("%.100s: %s `%.24s`, not %s `%s`: %.120s", call,
                     feature_status_name(status),
                     status ? place_error.reason : "",
                     feature_status_name(expected), reason,
                     status ? place_error.message : "");
    __atomic_fetch_add(&place_report->named, 1, __ATOMIC_RELAXED);
    place_error = (struct feature_error){0};
}

void
place_works(feature_status status, const char *call)
{
    if (status)
        place_broken("%.100s: %s `%.24s`: %.200s", call,
                     feature_status_name(status), place_error.reason,
                     place_error.message);
    __atomic_fetch_add(&place_report->worked, 1, __ATOMIC_RELAXED);
}

void
place_either(feature_status status, const char *call)
{
    if (!status) {
        __atomic_fetch_add(&place_report->worked, 1, __ATOMIC_RELAXED);
        return;
    }
    if (!*place_error.reason || !*place_error.message)
        place_broken("%.100s: %s without a reason", call,
                     feature_status_name(status));
    __atomic_fetch_add(&place_report->named, 1, __ATOMIC_RELAXED);
    place_error = (struct feature_error){0};
}

const char *
place_path(const struct place *place, const char *name)
{
    char *path;

    if (asprintf(&path, "%s/%s", place->directory, name) < 0)
        place_broken("no memory for a path");
    return path;
}

feature_status
place_open(const char *path, uint32_t flags, feature_store **store)
{
    struct feature_options options = {
        .struct_size = sizeof options, .flags = flags, .write_wait_ms = 2000};

    return feature_store_open(path, &options, store, &place_error);
}

feature_store *
place_make(const char *path)
{
    feature_store *store = NULL;

    WORKS(place_open(path, FEATURE_OPEN_CREATE, &store));
    WORKS(feature_store_apply(store, DEFINITIONS, NULL, NULL, &place_error));
    WORKS(place_write(store, 0, 10, 20));
    return store;
}

void
place_leave(const char *path)
{
    feature_store_close(place_make(path));
}

void
place_cut(const char *path, off_t size)
{
    if (truncate(path, size))
        place_broken("cannot cut %.200s: %s", path, strerror(errno));
}

feature_status
place_fill(feature_batch *batch, int64_t from, uint32_t rows, int32_t bytes)
{
    static char text[PLACE_ROWS * BYTES_MAX];
    static int64_t keys[PLACE_ROWS];
    static int32_t offsets[PLACE_ROWS + 1];
    feature_status status;

    memset(text, 'x', sizeof text);
    for (uint32_t i = 0; i < rows; i++)
        keys[i] = from + i;
    for (int32_t i = 0; i <= (int32_t)rows; i++)
        offsets[i] = i * bytes;
    status = feature_batch_set(batch, 0, FEATURE_TYPE_INT64, keys, NULL, NULL,
                               rows, &place_error);
    if (!status)
        status = feature_batch_set(batch, 1, FEATURE_TYPE_INT64, keys, NULL,
                                   NULL, rows, &place_error);
    if (!status)
        status = feature_batch_set(batch, 2, FEATURE_TYPE_STRING, text, offsets,
                                   NULL, rows, &place_error);
    return status;
}

feature_status
place_write(feature_store *store, int64_t from, int64_t to, int32_t bytes)
{
    feature_batch *batch = NULL;
    feature_status status = feature_batch_create(
        store, "v", "k, a, s", FEATURE_UPSERT, &batch, &place_error);

    for (int64_t rows; !status && from < to; from += rows) {
        rows = to - from < PLACE_ROWS ? to - from : PLACE_ROWS;
        status = place_fill(batch, from, (uint32_t)rows, bytes);
        if (!status)
            status =
                feature_store_write(store, &batch, 1, NULL, NULL, &place_error);
    }
    feature_batch_free(batch);
    return status;
}

static void
look(const feature_request *request)
{
    const uint8_t *states = feature_request_states(request, 0);
    struct feature_column column;

    WORKS(feature_request_column(request, 0, &column, &place_error));
    for (int64_t i = 0; i < 10; i++)
        if (states[i] != FEATURE_STATE_PRESENT ||
            ((const int64_t *)column.values)[i] != i)
            place_broken("row %d is not what was written", (int)i);
}

feature_status
place_read(feature_store *store)
{
    static const int64_t keys[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    feature_query *query = NULL;
    feature_request *request = NULL;
    feature_status status =
        feature_query_create(store, "v(a, s)", NULL, &query, &place_error);

    if (!status)
        status = feature_request_create(query, &request, &place_error);
    if (!status)
        status = feature_request_set_key(request, 0, FEATURE_TYPE_INT64, keys,
                                         NULL, NULL, 10, &place_error);
    if (!status)
        status = feature_request_read(request, &place_error);
    if (!status)
        look(request);
    feature_request_free(request);
    feature_query_free(query);
    return status;
}

feature_status
place_use(const char *path, uint32_t flags)
{
    feature_store *store = NULL;
    feature_status status = place_open(path, flags, &store);

    if (!status)
        status = place_read(store);
    if (!status && !(flags & (FEATURE_OPEN_READ_ONLY | FEATURE_OPEN_IMMUTABLE)))
        status = place_write(store, 5, 8, 30);
    feature_store_close(store);
    return status;
}

void
place_sound(const char *path)
{
    struct feature_verify_report report = {.struct_size = sizeof report};
    char *lines = NULL;

    WORKS(feature_store_verify(path, NULL, &report, &lines, &place_error));
    if (report.findings)
        place_broken("%d findings: %.300s", (int)report.findings, lines);
    feature_free(lines);
}

void
place_child(void (*run)(struct place *), struct place *place)
{
    int ended;
    pid_t child = fork();

    if (child < 0)
        place_broken("no child");
    if (!child) {
        run(place);
        _exit(0);
    }
    if (waitpid(child, &ended, 0) != child)
        place_broken("no child to wait for");
    if (WIFSIGNALED(ended))
        place_broken("signal %d in a child", WTERMSIG(ended));
    if (WEXITSTATUS(ended))
        _exit(1); /* it has said why */
}

void
place_mount(const char *source, const char *target, const char *type,
            unsigned long flags, const char *options)
{
    char why[200];

    if (!mount(source, target, type, flags, options))
        return;
    snprintf(why, sizeof why, "cannot mount %s: %s", type ? type : "a bind",
             strerror(errno));
    place_skip(why);
}
