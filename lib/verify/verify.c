/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature_store_verify().
 *
 * Owns the order of the checks, and the reader that keeps the snapshot while
 * they run.
 * Keeps every check to the file itself: what the library or LMDB has mapped is
 * not looked at.
 * Never fails on account of damage.
 */
#include "verify/verify.h"

#include "base/alloc.h"
#include "base/error.h"
#include "format/libraries.h"
#include "store/store.h"

#define MAX_LINES  100
#define WAIT_MS    10000
#define HOLD_TRIES 1000

/* A snapshot that nobody overwrites, or nothing. */
struct hold {
    struct lf_environment *environment;
    struct lf_reader *reader; /* parked */
};

static void
let_go(struct hold *hold)
{
    lf_reader_drop(hold->reader);
    lf_environment_close(hold->environment);
    *hold = (struct hold){0};
}

/* The snapshot's meta page is read from the file; by then two more commits may
 * have written over it. */
static feature_status
hold_once(struct lf_verify *verify, struct hold *hold,
          struct feature_error *error)
{
    feature_status status;

    if (lf_reader_begin(hold->environment, &hold->reader, NULL)) {
        hold->reader = NULL;
        return lf_verify_metas(verify, 0, error);
    }
    status =
        lf_verify_metas(verify, lf_reader_transaction(hold->reader), error);
    lf_reader_park(hold->reader);
    if (!status && verify->meta)
        return FEATURE_OK;
    lf_reader_drop(hold->reader);
    hold->reader = NULL;
    return status;
}

/* Chooses a snapshot, held where the store can be opened. A store that cannot
 * is damaged, or lies where the promises of the library do not hold; a damaged
 * meta page can also ask for more memory than there is. */
static feature_status
take_snapshot(struct lf_verify *verify, const char *path, struct hold *hold,
              struct feature_error *error)
{
    const struct lf_environment_options options = {
        .flags = FEATURE_OPEN_READ_ONLY, .wait_ms = WAIT_MS};
    feature_status status;
    bool created;

    status = lf_environment_open(path, &options, &hold->environment, &created,
                                 error);
    if (status == FEATURE_BUSY)
        return status;
    if (status) {
        hold->environment = NULL;
        return lf_verify_metas(verify, 0, error);
    }
    for (int i = 0; i < HOLD_TRIES; i++) {
        status = hold_once(verify, hold, error);
        if (status != LF_AGAIN)
            return status;
    }
    return lf_fail(error, FEATURE_BUSY, "writer-gate",
                   "commits follow each other too fast to take a snapshot");
}

/* A file that was made and never written to: two meta pages and no tree. */
static bool
is_new(const struct lf_verify *verify)
{
    return verify->meta && !verify->meta->transaction &&
           lf_load_u64(verify->meta->bytes + LF_META_LAST_PAGE) == 1;
}

static feature_status
check(struct lf_verify *verify, const char *path,
      struct feature_verify_report *report, struct feature_error *error)
{
    lf_verify_judge_metas(verify);
    if (is_new(verify) && !lf_found_count(verify))
        return lf_fail(error, FEATURE_NOT_FOUND, "no-store",
                       "there is no store in %s", path);
    if (!verify->meta)
        return FEATURE_OK;
    LF_TRY(lf_verify_prepare(verify, error));
    LF_TRY(lf_verify_free_list(verify, error));
    LF_TRY(lf_verify_records(verify, error));
    LF_TRY(lf_verify_rows(verify, error));
    report->lost_pages = lf_verify_claims_end(verify);
    return FEATURE_OK;
}

static feature_status
run(struct lf_verify *verify, const char *path,
    struct feature_verify_report *report, struct feature_error *error)
{
    struct hold hold = {0};
    feature_status status;
    uint64_t file_size = verify->file_size;

    status = take_snapshot(verify, path, &hold, error);
    if (!status)
        status = check(verify, path, report, error);
    if (hold.reader)
        report->flags |= FEATURE_VERIFIED_HELD;
    else if (!status && lf_found_count(verify) &&
             !lf_verify_is_unchanged(verify))
        status = lf_fail(error, FEATURE_BUSY, "writer-gate",
                         "the store was written to while it was verified, and "
                         "its snapshot could not be held");
    let_go(&hold);
    report->file_size = verify->file_size ? verify->file_size : file_size;
    return status;
}

static void
fill(struct feature_verify_report *report, const struct lf_verify *verify)
{
    const uint64_t *found = verify->found;

    report->findings = lf_found_count(verify);
    report->file_findings = found[LF_FOUND_FILE];
    report->page_findings = found[LF_FOUND_PAGE];
    report->order_findings = found[LF_FOUND_ORDER];
    report->count_findings = found[LF_FOUND_COUNT];
    report->row_findings = found[LF_FOUND_ROW];
    report->view_findings = found[LF_FOUND_VIEW];
    report->catalog_findings = found[LF_FOUND_CATALOG];
    report->store_findings = found[LF_FOUND_STORE];
    report->transaction = verify->transaction;
    report->sequence = verify->has_store ? verify->store.sequence : 0;
    report->page_size = verify->page_size;
    report->used_pages = verify->used_count + (verify->used ? 2 : 0);
    report->free_pages = verify->unused_count + verify->unused_beyond;
    report->trees = verify->trees.size / sizeof(struct lf_verify_name);
    report->rows = verify->rows;
    report->tombstones = verify->tombstones;
}

static feature_status
verify_store(struct lf_verify *verify, const char *path,
             struct feature_verify_report *report, char **text,
             struct feature_error *error)
{
    LF_TRY(lf_libraries_check(error));
    LF_TRY(lf_verify_open(verify, path, error));
    LF_TRY(run(verify, path, report, error));
    lf_found_end(verify);
    fill(report, verify);
    *text = lf_text_take(&verify->text);
    return *text ? FEATURE_OK : lf_fail_memory(error);
}

feature_status
feature_store_verify(const char *path,
                     const struct feature_verify_options *options,
                     struct feature_verify_report *report, char **findings,
                     struct feature_error *error)
{
    struct feature_verify_report ours = {0};
    struct feature_verify_options asked;
    struct lf_verify *verify;
    feature_status status;
    char *text = NULL;

    if (!path || !*path || !report)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "path and report are needed");
    LF_TRY(lf_options_read(&asked, sizeof asked, options,
                           "feature_verify_options", error));
    LF_TRY(lf_report_check(report, "feature_verify_report", error));
    if (asked.flags & ~(uint32_t)FEATURE_VERIFY_JSON)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "unknown bits 0x%x in the options' flags",
                       asked.flags & ~(uint32_t)FEATURE_VERIFY_JSON);
    verify = lf_alloc(sizeof *verify);
    if (!verify)
        return lf_fail_memory(error);
    verify->file = -1;
    verify->is_json = asked.flags & FEATURE_VERIFY_JSON;
    verify->limit = asked.max_lines ? asked.max_lines : MAX_LINES;
    status = verify_store(verify, path, &ours, &text, error);
    lf_verify_close(verify);
    lf_free(verify);
    if (!status)
        lf_report_write(report, &ours, sizeof ours);
    if (!status && findings)
        *findings = text;
    else
        lf_free(text);
    return status;
}
