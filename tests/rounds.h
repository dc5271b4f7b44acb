/* SPDX-License-Identifier: Apache-2.0 */
/* How often a test draws anew: with sanitizers, which take several times as long, a
 * third of it. */
#ifndef TESTS_ROUNDS_H
#define TESTS_ROUNDS_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ROUNDS(count) (((count) + 2) / 3)
#else
#define ROUNDS(count) (count)
#endif

#endif
