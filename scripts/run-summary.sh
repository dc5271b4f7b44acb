#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# run-summary.sh DIRECTORY...: adds up what run-test.sh left there, prints the
# closing line, and fails if anything failed or nothing ran.
set -eu
for directory; do
    find "$directory" -type f -exec cat {} + 2>/dev/null || true
done | awk '
    { passed += $1; failed += $2; skipped += $3 }
    END {
        printf "%d passed, %d failed", passed, failed
        if (skipped)
            printf " (%d skipped)", skipped
        print ""
        exit failed || !passed
    }'
