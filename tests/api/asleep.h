/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that wait for somebody. */
#ifndef TESTS_API_ASLEEP_H
#define TESTS_API_ASLEEP_H

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

/* Until a thread waits for somebody, or has ended; id: as the system has it. */
static inline void
wait_until_asleep(atomic_int *id)
{
    char path[64], state = '?';
    FILE *file;

    while (state != 'S') {
        snprintf(path, sizeof path, "/proc/self/task/%d/stat", atomic_load(id));
        sched_yield();
        file = fopen(path, "r");
        if (!file && atomic_load(id))
            return;
        if (file && fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
            state = '?';
        if (file)
            fclose(file);
    }
}

#endif
