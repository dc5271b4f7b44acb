/* SPDX-License-Identifier: Apache-2.0 */
/* The store that the target of parcels has, and the one its seeds are from. */
#ifndef TESTS_FUZZ_PARCEL_H
#define TESTS_FUZZ_PARCEL_H

#define PARCEL_FIRST                                                          \
    "CREATE ENTITY card (card_id INT64);"                                     \
    "CREATE EVENT payment (card_id INT64, amount INT64, price FLOAT64, shop " \
    "STRING);"                                                                \
    "CREATE FEATURE VIEW spend (n = COUNT(*) OVER '1 hour', total = "         \
    "SUM(amount), worth = SUM(price) OVER '1 day', last = LAST(shop, 3) OVER" \
    " '10 minutes' EXACT, most = MAX(price), by = SUM(amount) BY shop LIMIT " \
    "5 OVER '1 day') FOR card FROM payment;"

#define PARCEL_THEN                                                           \
    "CREATE FEATURE VIEW spend (n = COUNT(*) OVER '1 hour', total = "         \
    "SUM(amount), worth = SUM(price) OVER '1 day', last = LAST(shop, 3) OVER" \
    " '10 minutes' EXACT, most = MAX(price), by = SUM(amount) BY shop LIMIT " \
    "5 OVER '1 day', cards = APPROX_COUNT_DISTINCT(shop) OVER '1 day', half " \
    "= APPROX_PERCENTILE(price, 0.5) OVER '1 day') FOR card FROM payment;"

#define PARCEL_NOW INT64_C(1767268800000000)
#define PARCEL_KEY 7

#endif
