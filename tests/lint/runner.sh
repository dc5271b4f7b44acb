#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Shows that the runner notices failures: a test that fails, dies, hangs or
# prints nothing is counted as what it is, and the closing line fails with it.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

counts() { # counts "PASSED FAILED SKIPPED" WHAT SHELL-TEXT
    rm -rf "$work/results"
    RESULTS=$work/results B=$work TEST_TIMEOUT=1 \
        scripts/run-test.sh x sh -c "$3" >"$work/out"
    if [ "$(cat "$work/results/x")" = "$1" ]; then
        echo "ok $2"
    else
        echo "not ok $2: $(cat "$work/results/x")"
        failures=1
    fi
}
closes() { # closes STATUS "LINE" WHAT
    status=0
    line=$(scripts/run-summary.sh "$work/results") || status=$?
    if [ "$status $line" = "$1 $2" ]; then
        echo "ok $3"
    else
        echo "not ok $3: $status $line"
        failures=1
    fi
}
counts '1 0 0' 'a silent success is one case' true
counts '0 1 0' 'a silent failure is one case' false
counts '0 1 0' 'a test that dies has failed' 'kill -SEGV $$'
counts '0 1 0' 'a test that hangs has failed' 'sleep 9'
counts '0 0 1' 'exit 77 is a skip' 'exit 77'
counts '3 0 0' "cmocka's totals count" 'echo "[  PASSED  ] 3 test(s)."'
counts '2 1 0' "cmocka's failures count" \
    'echo "[  PASSED  ] 2 test(s)."; echo "[  FAILED  ] 1 test(s), listed"; exit 1'
closes 1 '2 passed, 1 failed' 'the closing line fails with a failure'
counts '3 1 0' 'a leak after the totals has failed' \
    'echo "[  PASSED  ] 3 test(s)."; exit 1'
counts '1 1 0' 'lines of a check count' 'echo "ok one"; echo "not ok two"; exit 1'
counts '1 0 0' 'one success' true
closes 0 '1 passed, 0 failed' 'the closing line succeeds without'
rm -f "$work/results/x"
closes 1 '0 passed, 0 failed' 'nothing at all is no success'
exit $failures
