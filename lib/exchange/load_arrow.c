/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature_load_append_arrow().
 *
 * Owns nothing yet.
 * Keeps the stream released.
 * Never appends.
 */
#include "exchange/import.h"

feature_status
feature_load_append_arrow(feature_load *load, struct ArrowArrayStream *stream,
                          const struct feature_arrow_options *options,
                          struct feature_error *error)
{
    (void)load;
    (void)options;
    lf_stream_release(stream);
    return lf_fail(error, FEATURE_UNSUPPORTED, "not-yet", "not built yet");
}
