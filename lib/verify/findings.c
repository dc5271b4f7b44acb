/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a verification found, in words.
 *
 * Owns the two forms of a finding, a line of text and a line of JSON.
 * Keeps the count of all findings, and the words of the first ones.
 * Never prints a byte of the file as it is.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "verify/verify.h"

#define KEY_SHOWN     64 /* bytes of a key */
#define SENTENCE_SIZE 400

static const char *const words[LF_FINDING_KINDS] = {
    [LF_FOUND_FILE] = "file",       [LF_FOUND_PAGE] = "page",
    [LF_FOUND_ORDER] = "order",     [LF_FOUND_COUNT] = "count",
    [LF_FOUND_ROW] = "row",         [LF_FOUND_VIEW] = "view",
    [LF_FOUND_CATALOG] = "catalog", [LF_FOUND_STORE] = "store"};

uint64_t
lf_found_count(const struct lf_verify *verify)
{
    uint64_t count = 0;

    for (int i = 0; i < LF_FINDING_KINDS; i++)
        count += verify->found[i];
    return count;
}

static void
add_key(struct lf_text *text, const struct lf_place *place)
{
    size_t shown = place->key_size < KEY_SHOWN ? place->key_size : KEY_SHOWN;

    for (size_t i = 0; i < shown; i++)
        lf_text_add(text, "%02x", place->key[i]);
    if (shown < place->key_size)
        lf_text_add(text, "...");
}

static void
add_line(struct lf_text *text, enum lf_finding kind,
         const struct lf_place *place, const char *sentence)
{
    lf_text_add(text, "%s: ", words[kind]);
    if (place->tree)
        lf_text_add(text, "%s: ", place->tree);
    if (place->view)
        lf_text_add(text, "%s: ", place->view);
    if (place->page != LF_NO_PAGE)
        lf_text_add(text, "page %" PRIu64 ": ", place->page);
    if (place->key_size) {
        lf_text_add(text, "key ");
        add_key(text, place);
        lf_text_add(text, ": ");
    }
    lf_text_add(text, "%s\n", sentence);
}

static void
add_json_text(struct lf_text *text, const char *name, const char *value)
{
    lf_text_add(text, ",\"%s\":\"", name);
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            lf_text_add(text, "\\");
        lf_text_add(text, (unsigned char)*value < ' ' ? "?" : "%c", *value);
    }
    lf_text_add(text, "\"");
}

static void
add_json(struct lf_text *text, enum lf_finding kind,
         const struct lf_place *place, const char *sentence)
{
    lf_text_add(text, "{\"kind\":\"%s\"", words[kind]);
    if (place->tree)
        add_json_text(text, "tree", place->tree);
    if (place->view)
        add_json_text(text, "view", place->view);
    if (place->page != LF_NO_PAGE)
        lf_text_add(text, ",\"page\":%" PRIu64, place->page);
    if (place->key_size) {
        lf_text_add(text, ",\"key\":\"");
        add_key(text, place);
        lf_text_add(text, "\"");
    }
    add_json_text(text, "message", sentence);
    lf_text_add(text, "}\n");
}

void
lf_found(struct lf_verify *verify, enum lf_finding kind,
         const struct lf_place *place, const char *format, ...)
{
    static const struct lf_place nowhere = {.page = LF_NO_PAGE};
    char sentence[SENTENCE_SIZE];
    va_list arguments;

    if (verify->finder.is_busy)
        return;
    if (lf_found_count(verify) < verify->limit) {
        va_start(arguments, format);
        vsnprintf(sentence, sizeof sentence, format, arguments);
        va_end(arguments);
        (verify->is_json ? add_json : add_line)(
            &verify->text, kind, place ? place : &nowhere, sentence);
    }
    verify->found[kind]++;
}

void
lf_found_end(struct lf_verify *verify)
{
    uint64_t count = lf_found_count(verify);

    if (count <= verify->limit)
        return;
    if (verify->is_json)
        lf_text_add(&verify->text,
                    "{\"kind\":\"more\",\"count\":%" PRIu64 "}\n",
                    count - verify->limit);
    else
        lf_text_add(&verify->text, "and %" PRIu64 " more\n",
                    count - verify->limit);
}
