/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The population stability index of two distributions: how far a feature has
 * moved from one version of its view to the next.
 *
 * PSI = sum over bins of (a - e) * ln(a / e), where e is the share of all rows
 * before that is in the bin and a that of the rows now. Bins are cut at the
 * deciles of the values before: ten, or fewer where one value is more than a
 * tenth of them; rows without a value are a bin of their own. A share below
 * 0.0001 counts as 0.0001. Source: N. Siddiqi, Credit Risk Scorecards, 2006.
 *
 * Values come as sketches of one error, and a cut lies at the edge of one of
 * their buckets: values nearer than that error to each other may share a bin.
 */
#ifndef LF_FORMAT_PSI_H
#define LF_FORMAT_PSI_H

#include "format/ddsketch.h"

#define LF_PSI_BINS  10
#define LF_PSI_FLOOR 0.0001

/* Values of a feature, and rows without one. */
struct lf_distribution {
    struct lf_dd values;
    uint64_t nulls;
};

/* Neither is of no rows. */
double lf_psi(const struct lf_distribution *before,
              const struct lf_distribution *now);

#endif
