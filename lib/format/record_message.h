/* SPDX-License-Identifier: Apache-2.0 */
/* Between definitions and protobuf messages: the halves of format/record.c. */
#ifndef LF_FORMAT_RECORD_MESSAGE_H
#define LF_FORMAT_RECORD_MESSAGE_H

#include "format/catalog.pb-c.h"
#include "model/catalog.h"

/* Fill a message that points into the definition and the arena. False: no
 * memory. */
void lf_message_of_store(const struct lf_catalog *catalog,
                         Lf__StoreRecord *message);
bool lf_message_of_entity(const struct lf_entity *entity,
                          struct lf_arena *arena, Lf__EntityRecord *message);
bool lf_message_of_view(const struct lf_view *view, struct lf_arena *arena,
                        Lf__ViewRecord *message);
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
const char *lf_message_to_view(const Lf__ViewRecord *message,
                               struct lf_catalog *catalog);
const char *lf_message_to_service(const Lf__ServiceRecord *message,
                                  struct lf_catalog *catalog);

#endif
