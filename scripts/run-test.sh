#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# run-test.sh NAME COMMAND...: runs one test program, prints one line, and
# leaves "passed failed skipped" in $B/results/NAME for run-summary.sh.
#
# Cases are counted from cmocka's totals, or from lines that begin with "ok"
# and "not ok"; a program that prints neither is one case. Exit 77 is a skip.
# Always exits 0: a failure must not keep the other programs from running.
set -u
name=$1
shift
key=$(echo "$name" | tr / -)
out=${RESULTS:-$B/results}
log=$B/log/$key.log
mkdir -p "$out" "$B/log"

# tmpfs where there is one: tests measure promises, not disks.
base=${TMPDIR:-/tmp}
[ -d /dev/shm ] && [ -w /dev/shm ] && base=/dev/shm
TMPDIR=$(mktemp -d "$base/libfeature-test.XXXXXX") || exit 1
export TMPDIR
trap 'chmod -R u+rwx "$TMPDIR" 2>/dev/null; rm -rf "$TMPDIR"' EXIT
trap 'exit 1' INT TERM

export CMOCKA_MESSAGE_OUTPUT=STDOUT
export ASAN_OPTIONS="detect_leaks=1:${ASAN_OPTIONS:-}"
export UBSAN_OPTIONS="print_stacktrace=1:${UBSAN_OPTIONS:-}"
begin=$(date +%s)
timeout "${TEST_TIMEOUT:-150}" "$@" >"$log" 2>&1 </dev/null
status=$?
seconds=$(($(date +%s) - begin))

totals=$(awk -v status="$status" '
    /^\[  PASSED  \] [0-9]+ test/ { passed += $4; seen = 1 }
    /^\[  FAILED  \] [0-9]+ test/ { failed += $4; seen = 1 }
    /^\[  SKIPPED \] [0-9]+ test/ { skipped += $4; seen = 1 }
    /^ok[ :]/                     { passed++; seen = 1 }
    /^not ok[ :]/                 { failed++; seen = 1 }
    END {
        if (status == 77)
            skipped++
        else if (status && !failed)
            failed++
        else if (!status && !seen)
            passed++
        print passed + 0, failed + 0, skipped + 0
    }' "$log")
echo "$totals" >"$out/$key"

set -- $totals
verdict=ok
[ "$1" -gt 0 ] || verdict=skip
[ "$2" -eq 0 ] || verdict=FAIL
printf '%-4s  %-40s %5d cases %4d s\n' "$verdict" "$name" $(($1 + $2)) "$seconds"
if [ "$2" -gt 0 ]; then
    [ "$status" -ne 124 ] || echo "    stopped after ${TEST_TIMEOUT:-150} s"
    grep -v '^\[ *\(RUN\|OK\) *\]\|^ok[ :]' "$log" | tail -n 40 | sed 's/^/    /'
    echo "    (all of it: $log)"
elif [ "$3" -gt 0 ]; then
    grep -E '^(skipped|\[  SKIPPED \]) ' "$log" | sort -u | tail -n 3 | sed 's/^/    /'
fi
exit 0
