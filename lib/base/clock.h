/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks. Nothing below the store layer reads one. */
#ifndef LF_BASE_CLOCK_H
#define LF_BASE_CLOCK_H

#include <stdint.h>

/* Microseconds since 1970-01-01 UTC. */
int64_t lf_clock_now(void);

/* Milliseconds that never go back, for deadlines. */
int64_t lf_clock_steady_ms(void);
int64_t lf_clock_steady_us(void);

#endif
