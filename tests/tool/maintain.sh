#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# `feature maintain`: what is due goes, within a budget, and the report says so.
set -u
tool=${FEATURE_TOOL:-${B:-build}/feature}
case $tool in /*) ;; *) tool=$PWD/$tool ;; esac
work=$(mktemp -d "${TMPDIR:-/tmp}/feature-maintain.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

# check NAME CODE PART ARGUMENT...: the exit code, and a part of what it prints
check() {
    name=$1 code=$2 part=$3
    shift 3
    "$tool" "$@" >out 2>&1
    got=$?
    if [ $got -eq "$code" ] && grep -qF -- "$part" out; then
        echo "ok $name"
    else
        echo "not ok $name: exit $got"
        cat out
        failures=$((failures + 1))
    fi
}

cat >a.sql <<'END'
CREATE ENTITY e (k INT64);
CREATE FEATURE VIEW v (a INT64) FOR e WITH (ttl = '1 hour', max_skew = 'none');
END
printf 'k,event_timestamp,a\n1,2026-01-01T00:00:00Z,1\n' >a.csv
printf '2,2026-01-01T02:00:00Z,2\n' >>a.csv
"$tool" apply store a.sql --create --clock 2026-01-01T00:00:00Z >out 2>&1 &&
    "$tool" load store v a.csv --clock 2026-01-01T00:00:00Z >out 2>&1 || {
    cat out
    exit 1
}
now=2026-01-01T02:30:00Z
in_memory=$(df -P -t tmpfs . 2>/dev/null | wc -l) # of which doctor warns
check 'doctor tells what waits' $((in_memory > 0)) '1 passes over rows' doctor store
check 'one row expires' 0 '"rows_expired":1,' \
    maintain store --all --json --budget 10s --clock $now
check 'and no other' 0 'rows expired        0' maintain store --clock $now
check 'the store is good' 0 good verify store
check 'a budget needs a unit' 2 'no time' maintain store --budget 10
check 'a budget is a number' 2 'no time' maintain store --budget x
check 'a budget is not zero' 2 'no time' maintain store --budget 0s
check 'a store is needed' 2 'one STORE' maintain
check 'a store has to be there' 1 nowhere maintain nowhere
[ $failures -eq 0 ]
