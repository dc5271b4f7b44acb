/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bounds of a scan, from text to key bytes.
 *
 * Owns what a key looks like in the text of a scan: literals of the definition
 * language, one for each join key, or fewer.
 * Keeps the order of keys: what begins with a bound's bytes is not below it.
 * Never looks a key up.
 */
#include "format/key.h"
#include "model/literal.h"
#include "store/scan.h"

static feature_status
add_part(struct lf_lexer *lexer, struct lf_arena *arena,
         const struct lf_selection_key *key, struct lf_buffer *bytes)
{
    const struct lf_lexer start = *lexer;
    struct lf_literal value;
    uint8_t *to;

    LF_TRY(lf_literal_parse(
        lexer, (struct lf_type){.code = key->code, .width = 1}, arena, &value));
    if (!value.is_set)
        return lf_lexer_fail(&start, "the join key %s is never null",
                             key->name);
    to = lf_buffer_extend(bytes,
                          key->code == FEATURE_TYPE_INT64
                              ? LF_KEY_INT64_SIZE
                              : lf_key_bytes_size(value.bytes, value.size));
    if (!to)
        return lf_fail_memory(lexer->error);
    if (key->code == FEATURE_TYPE_INT64)
        lf_key_put_int64(to, lf_load_i64(value.bytes));
    else
        lf_key_put_bytes(to, value.bytes, value.size);
    return FEATURE_OK;
}

static feature_status
add_parts(const struct lf_selection *selection, const char *text,
          struct lf_arena *arena, struct lf_buffer *bytes,
          struct feature_error *error)
{
    const struct lf_selection_view *view = &selection->views[0];
    struct lf_lexer lexer;
    bool more = true;

    LF_TRY(lf_lexer_begin(&lexer, text, error));
    for (uint32_t i = 0; more; i++) {
        if (i == view->key_count)
            return lf_lexer_fail(&lexer, "%s has %u join key%s, not more",
                                 view->name, i, i == 1 ? "" : "s");
        LF_TRY(add_part(&lexer, arena, &selection->keys[view->keys[i]], bytes));
        LF_TRY(lf_lexer_skip_mark(&lexer, ',', &more));
    }
    if (lexer.token.kind != LF_TOKEN_END)
        return lf_lexer_expected(&lexer, "\",\" or the end of the text");
    return FEATURE_OK;
}

feature_status
lf_scan_bound(const struct lf_selection *selection, const char *option,
              const char *text, struct lf_buffer *bytes,
              struct feature_error *error)
{
    struct lf_arena arena = {0};
    feature_status status = add_parts(selection, text, &arena, bytes, error);

    lf_arena_free(&arena);
    if (status)
        lf_error_prefix(error, "%s: ", option);
    return status;
}
