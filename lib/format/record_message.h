/* SPDX-License-Identifier: Apache-2.0 */
/* Between definitions and protobuf messages: the halves of format/record.c. */
#ifndef LF_FORMAT_RECORD_MESSAGE_H
#define LF_FORMAT_RECORD_MESSAGE_H

#include "format/catalog.pb-c.h"
#include "model/catalog.h"

/* Returns early with what is wrong. */
#define LF_CHECK(condition, problem) \
    do {                             \
        if (!(condition))            \
            return problem;          \
    } while (0)

#define LF_CHECK_CALL(call)            \
    do {                               \
        const char *problem_ = (call); \
        if (problem_)                  \
            return problem_;           \
    } while (0)

/* Fill a message that points into the definition and the arena. False: no
 * memory. */
void lf_message_of_store(const struct lf_catalog *catalog,
                         Lf__StoreRecord *message);
bool lf_message_of_entity(const struct lf_entity *entity,
                          struct lf_arena *arena, Lf__EntityRecord *message);
bool lf_message_of_event(const struct lf_event *event, struct lf_arena *arena,
                         Lf__EventRecord *message);
bool lf_message_of_aggregate(const struct lf_aggregate *aggregate,
                             struct lf_arena *arena, Lf__Aggregate **message);
bool lf_message_of_view(const struct lf_view *view, uint32_t keys,
                        struct lf_arena *arena, Lf__ViewRecord *message);
bool lf_message_of_service(const struct lf_service *service,
                           struct lf_arena *arena, Lf__ServiceRecord *message);

/* Append the definition that a message holds, copied and checked, to the
 * catalog, whose arrays have room. The answer is NULL, or what is wrong with
 * the message; LF_MESSAGE_NO_MEMORY is one of the answers. */
extern const char LF_MESSAGE_NO_MEMORY[];
const char *lf_message_to_store(const Lf__StoreRecord *message,
                                struct lf_catalog *catalog);
const char *lf_message_to_entity(const Lf__EntityRecord *message,
                                 struct lf_catalog *catalog);
const char *lf_message_to_event(const Lf__EventRecord *message,
                                struct lf_catalog *catalog);
const char *lf_message_to_view(const Lf__ViewRecord *message,
                               struct lf_catalog *catalog);
const char *lf_message_to_service(const Lf__ServiceRecord *message,
                                  struct lf_catalog *catalog);

/* Parts of the same, between the files that share the work. A name that may
 * stand anywhere, and one that may stand beside event_timestamp. */
const char *lf_message_name(struct lf_catalog *catalog, const char *name,
                            const char **copy);
const char *lf_message_column(struct lf_catalog *catalog, const char *name,
                              const char **copy);

/* What a view is FROM, before its features are taken. */
const char *lf_message_to_origin(const Lf__ViewRecord *message,
                                 struct lf_catalog *catalog,
                                 const struct lf_entity *entity,
                                 struct lf_view *view);

/* A feature's aggregate, which has to fit the view and the feature's type. */
const char *lf_message_to_aggregate(const Lf__Feature *message,
                                    struct lf_catalog *catalog,
                                    const struct lf_view *view,
                                    struct lf_feature *feature);

/* The quality rules of a view, whose features are there. */
bool lf_message_of_rules(const struct lf_view *view, struct lf_arena *arena,
                         Lf__ViewRecord *message);
const char *lf_message_to_rules(const Lf__ViewRecord *message,
                                struct lf_catalog *catalog,
                                const struct lf_entity *entity,
                                struct lf_view *view);

/* Whether the features of a view FROM an event, those of old schemas too, fit
 * together. */
const char *lf_message_check_windows(const struct lf_view *view,
                                     struct lf_arena *scratch);

/* Text and bytes lent to a message; messages in a row with pointers to each. */
char *lf_message_borrow(const char *text);
uint8_t *lf_message_borrow_bytes(const uint8_t *bytes);
void *lf_message_array(struct lf_arena *arena, size_t count, size_t size,
                       void (*init)(void *), void *pointers);

#endif
