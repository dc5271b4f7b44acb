/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The feed of rows to peers.
 *
 * Owns nothing but its place in the data set.
 * Keeps every peer on the same bytes, in the same order.
 * Never runs while something is timed.
 */
#include "peers.h"

#include <stdlib.h>

#define ANY_VIEW 1 /* peers have no views; the checksum names one */

struct feed
feed_begin(const struct dataset *data)
{
    return (struct feed){.data = data,
                         .order = dataset_order(data),
                         .row_size = rows_size(&data->shape)};
}

bool
feed_next(struct feed *feed)
{
    if (feed->at == feed->data->rows)
        return false;
    feed->id = feed->order[feed->at++];
    feed->key_size = dataset_encode_id(feed->data, feed->id, feed->key);
    rows_encode(&feed->data->shape, 0, ANY_VIEW, feed->id, FIRST_TIME,
                feed->key, feed->key_size, feed->row);
    return true;
}

void
feed_end(struct feed *feed)
{
    free(feed->order);
}
