#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# 70-sanitizers.sh ci|release: no report of a sanitizer, without suppressions.
# ci: ThreadSanitizer over the tests whose threads meet. release: over all unit
# and api tests, and valgrind over the api tests. AddressSanitizer and
# UndefinedBehaviorSanitizer have the tests in C in `make test`, those in C++ here.
set -u
B=${B:-build}
MAKE=${MAKE:-make}
TMPDIR=$(mktemp -d "${TMPDIR:-/dev/shm}/trust-sanitizers.XXXXXX") || exit 1
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
trap 'exit 1' INT TERM
export CMOCKA_MESSAGE_OUTPUT=STDOUT
verdict=pass control=

expect_report() { # expect_report DEFECT COMMAND...: it has to end with 66
    defect=$1
    shift
    "$@" "$defect" >/dev/null 2>&1
    if [ $? -eq 66 ]; then
        found=found
    else
        found='NOT FOUND' verdict=FAIL
    fi
    rm -rf "$TMPDIR/defects"
    control="$control${control:+, }$defect: $found"
}

line() { # line NAME VERDICT WHAT FIGURES CONTROL
    printf 'trust\t%s\t%s\tno data race and no bad access that a tool can see\t%s\t%s\t%s\n' \
        "$@"
}

cases() { # of cmocka's totals
    cat "$@" | awk '/^\[  PASSED  \]/ { n += $4 } END { print n + 0 }'
}

# --- ThreadSanitizer -------------------------------------------------------------

threads='unit/engine_threads api/threads api/group api/group_events api/snapshot_busy'
# shellcheck disable=SC2086 # a command with its options
if [ "$1" = release ]; then
    what='ThreadSanitizer, all unit and api tests; LMDB is not instrumented'
    # One after the other: both build in the same place.
    $MAKE tsan-threads >"$TMPDIR/make" 2>&1 || verdict=FAIL
    $MAKE check-tsan >>"$TMPDIR/make" 2>&1
    grep -q '^FAIL' "$TMPDIR/make" && verdict=FAIL
    grep -q '^ok' "$TMPDIR/make" || verdict=FAIL
    logs=$B/tsan/log
else
    what="ThreadSanitizer: $threads; LMDB is not instrumented"
    $MAKE tsan-threads >"$TMPDIR/make" 2>&1 || verdict=FAIL
    logs=$TMPDIR/log
    mkdir "$logs"
    for test in $threads; do
        timeout 120 "$B/tsan/tests/$test" >"$logs/${test#*/}.log" 2>&1 ||
            verdict=FAIL
    done
fi
[ $verdict = pass ] || tail -n 20 "$TMPDIR/make" >&2
reports=$(cat "$logs"/*.log | grep -c 'WARNING: ThreadSanitizer')
[ "$reports" -eq 0 ] || verdict=FAIL
expect_report race "$B/tsan/tests/fault/defects"
line tsan $verdict "$what" \
    "cases=$(cases "$logs"/*.log) reports=$reports suppressions=0" "$control"
status=$verdict

# --- AddressSanitizer --------------------------------------------------------------

verdict=pass control=
mkdir "$TMPDIR/cpp"
$MAKE asan-cpp >"$TMPDIR/make" 2>&1 || {
    verdict=FAIL
    tail -n 20 "$TMPDIR/make" >&2
}
for test in "$B"/asan/tests/cpp/*; do
    case $test in *.*) continue ;; esac
    timeout 300 "$test" >"$TMPDIR/cpp/${test##*/}.log" 2>&1 || {
        verdict=FAIL
        tail -n 20 "$TMPDIR/cpp/${test##*/}.log" >&2
    }
done
ran=$(cat "$TMPDIR/cpp"/*.log | grep -c '^ok ')
[ "$ran" -gt 0 ] || verdict=FAIL
ASAN_OPTIONS=exitcode=66 expect_report overflow "$B/asan/tests/fault/defects"
line asan-cpp $verdict \
    'AddressSanitizer and UndefinedBehaviorSanitizer, tests of libfeature.hpp' \
    "cases=$ran suppressions=0" "$control"
[ $verdict = pass ] || status=FAIL

# --- valgrind ----------------------------------------------------------------------

[ "$1" = release ] || {
    [ "$status" = pass ]
    exit
}
verdict=pass control=
if ! command -v valgrind >/dev/null 2>&1; then
    line valgrind not-run 'valgrind is not installed: make deps' '' ''
    [ "$status" = pass ]
    exit
fi
# The map has to fit its address space. It has the allocations itself, so tests
# that let them fail are skipped: 30-memory.sh has those. Leaks are looked for there
# and by AddressSanitizer: a forked child gives up LMDB's memory on purpose.
export FEATURE_MAP_SIZE=1G
grind='valgrind -q --error-exitcode=66 --leak-check=no --fair-sched=yes'
mkdir "$TMPDIR/grind"
$MAKE api-tests >"$TMPDIR/make" 2>&1 || {
    verdict=FAIL
    tail -n 20 "$TMPDIR/make" >&2
}
# The longest first, so that both processors end at about the same time.
# shellcheck disable=SC2086 # a list of words
longest='snapshot snapshot_cut history_oracle snapshot_busy'
{
    printf '%s\n' $longest
    for source in tests/api/*.c; do
        test=${source#tests/api/} test=${test%.c}
        # One thread at a time is slow enough for a writer's deadline of 10 s.
        case " threads $longest " in *" $test "*) continue ;; esac
        grep -qw '^main' "$source" && echo "$test"
    done
} >"$TMPDIR/programs"
B=$B GRIND=$grind xargs -P2 -I{} sh -c '
    timeout 500 $GRIND --log-file="$TMPDIR/grind/{}.%p.report" \
        "$B/tests/api/{}" >"$TMPDIR/grind/{}.log" 2>&1 ||
        echo "{}: $?" >>"$TMPDIR/failed"' <"$TMPDIR/programs"
if [ -s "$TMPDIR/failed" ]; then
    verdict=FAIL
    cat "$TMPDIR/failed" >&2
fi
programs=$(wc -l <"$TMPDIR/programs")
[ "$programs" -gt "$(echo "$longest" | wc -w)" ] || verdict=FAIL
reports=$(cat "$TMPDIR/grind"/*.report | grep -c '^==[0-9]*== [A-Z].*')
[ "$reports" -eq 0 ] || verdict=FAIL
# shellcheck disable=SC2086
for defect in overflow uninitialised; do
    expect_report $defect $grind --log-file=/dev/null "$B/tests/fault/defects"
done
line valgrind $verdict 'valgrind, all api tests save threads and cases that fail allocations' \
    "programs=$programs cases=$(cases "$TMPDIR/grind"/*.log) reports=$reports suppressions=0" \
    "$control"
[ "$status$verdict" = passpass ]
