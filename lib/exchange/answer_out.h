/* SPDX-License-Identifier: Apache-2.0 */
/* The answer of a request as columns to export. */
#ifndef LF_EXCHANGE_ANSWER_OUT_H
#define LF_EXCHANGE_ANSWER_OUT_H

#include "exchange/out.h"
#include "store/request.h"

/* Fields and columns of a request's answer. */
struct lf_out_answer {
    const feature_request *request;
    struct lf_arena arena; /* of all below */
    struct lf_out_field *fields;
    struct lf_out_column *columns; /* borrow from the request */
    uint32_t count;
};

/* INVALID where flags are more than feature_export_flag has. */
feature_status lf_out_check_flags(uint32_t flags, struct feature_error *error);

/* Fills in all but the request, which may be one that was not read yet: then
 * the fields are what its answers will have. INVALID where two columns would
 * have one name. The caller frees the arena, after a failure too. */
feature_status lf_out_answer(struct lf_out_answer *answer, uint32_t flags,
                             struct feature_error *error);

#endif
