#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Everything `make test` runs, one step after the other; each step counts its
# cases. $MAKE is the make to call, with its options; $B the build directory.
set -u
begin=$(date +%s)
results="$B/results $B/mdb_get $B/asan/results $B/install $B/cpp $B/abi $B/python \
         $B/notebook $B/go/results $B/lint"
rm -rf $results # word splitting is meant: a list

step() { # step TITLE RESULTS TARGET
    echo
    echo "== $1"
    if ! $MAKE "$3" && ! cat "$2"/* 2>/dev/null | awk '$2 { f = 1 } END { exit !f }'
    then # it did not get as far as counting: that is one failure
        mkdir -p "$2"
        echo 0 1 0 >"$2/make-$3"
    fi
}
step 'plain' "$B/results" check-plain
step 'plain, by mdb_get' "$B/mdb_get" check-mdb-get
step 'under AddressSanitizer and UndefinedBehaviorSanitizer' \
    "$B/asan/results" check-asan
step 'headers, installation, README' "$B/install" check-install
# Two steps that keep one processor busy each.
step 'C++: compilers, standards, the scoring example' "$B/cpp" check-cpp \
    >"$B/log/cpp.log" 2>&1 &
step 'generated files, ABI' "$B/abi" check-abi
wait
cat "$B/log/cpp.log"
# Three that leave a processor idle now and then.
step 'Go' "$B/go/results" check-go >"$B/log/go.log" 2>&1 &
step 'lint' "$B/lint" lint >"$B/log/lint.log" 2>&1 &
step 'Python' "$B/python" check-python
step 'the notebook' "$B/notebook" check-notebook
wait
cat "$B/log/go.log" "$B/log/lint.log"

echo
echo "In all, in $(($(date +%s) - begin)) s (a case is a cmocka test, a line of a" \
    "check, or a script):"
scripts/run-summary.sh $results
