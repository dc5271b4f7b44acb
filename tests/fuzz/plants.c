/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults in the descent.
 *
 * Owns what stands in for lf_descend in these programs.
 * Keeps the library's own code in it wherever no fault is in.
 * Never touches the library: a release has no trace of this.
 */
#include "plants.h"

#include "planted.h"

enum plant plant;

const char *const plant_names[PLANTS] = {
    [PLANT_NONE] = "none", [PLANT_COMPARE] = "compare",
    [PLANT_LOST] = "lost", [PLANT_GHOST] = "ghost",
    [PLANT_SIZE] = "size", [PLANT_BOUNDS] = "bounds",
};

descend_function __real_lf_descend, __wrap_lf_descend;

static void
spoil(struct lf_job *jobs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (plant == PLANT_LOST && i % 16 == 15)
            jobs[i].value = NULL;
        if (plant == PLANT_GHOST && i && !jobs[i].value) {
            jobs[i].value = jobs[i - 1].value;
            jobs[i].size = jobs[i - 1].size;
        }
        if (plant == PLANT_SIZE && jobs[i].size > 2048)
            jobs[i].size--;
    }
}

feature_status
__wrap_lf_descend(struct lf_pages *pages, const struct lf_root *roots,
                  size_t first, size_t tree_count, struct lf_job *jobs,
                  size_t count, struct feature_error *error)
{
    descend_function *descend = __real_lf_descend;
    feature_status status;

    if (plant == PLANT_COMPARE)
        descend = descend_by_twelve_bytes;
    if (plant == PLANT_BOUNDS)
        descend = descend_unchecked;
    status = descend(pages, roots, first, tree_count, jobs, count, error);
    if (!status)
        spoil(jobs, count);
    return status;
}
