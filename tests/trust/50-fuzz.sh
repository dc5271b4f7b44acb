#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# 50-fuzz.sh ci|release: every target of tests/fuzz/targets with its corpus and
# a number of mutations; in the release tier a part of them under AddressSanitizer
# and UndefinedBehaviorSanitizer, too (in the ci tier `make test` has done that).
# Then each parser with a bound off by one has to be found.
set -u
tier=$1
B=${B:-build}
MAKE=${MAKE:-make}
seed=${SEED:-20261121}
name=fuzz
promise='No input through the API or a file format crashes the host'
log=$B/log/trust-$name.log
mkdir -p "$B/log"
: >"$log"

# mutations TARGET: those that read or write files take longer.
mutations() {
    case $tier-$1 in
        ci-image | ci-snapshot | ci-csv) echo 4000 ;;
        ci-arrow) echo 10000 ;;
        ci-*) echo 20000 ;;
        *-image | *-snapshot | *-csv) echo 80000 ;;
        *-arrow) echo 500000 ;;
        *) echo 1500000 ;;
    esac
}

# run DIRECTORY PART: adds to targets, tried, files and crashes.
run() {
    part=$2
    for program in "$1"/tests/fuzz/targets/*; do
        [ -f "$program" ] && [ -x "$program" ] || continue
        target=$(basename "$program")
        count=$(($(mutations "$target") / part))
        "$program" "$count" "$seed" >"$B/log/fuzz-$target.out" 2>>"$log" ||
            failed=1
        cat "$B/log/fuzz-$target.out" >>"$log"
        # name: F files, M mutations, C crashes, H hangs, seed S
        found=$(sed -n 's/^\(not \)\{0,1\}ok [a-z]*: \([0-9]*\) files, \([0-9]*\) mutations, \([0-9]*\) crashes, \([0-9]*\) hangs.*/\2 \3 \4 \5/p' \
            "$B/log/fuzz-$target.out")
        rm -f "$B/log/fuzz-$target.out"
        [ -n "$found" ] || { failed=1; continue; }
        # shellcheck disable=SC2086
        set -- "$1" $found
        targets=$((targets + 1))
        files=$((files + $2))
        tried=$((tried + $2 + $3))
        crashes=$((crashes + $4))
        hangs=$((hangs + $5))
    done
}

failed=0 targets=0 files=0 tried=0 crashes=0 hangs=0
run "$B" 1
corpus=$files executed=$tried
if [ "$tier" = release ]; then
    # shellcheck disable=SC2086 # a command with its options
    $MAKE asan-fuzz >>"$log" 2>&1 || failed=1
    run "$B/asan" 20
fi

planted=0 missed=
for program in "$B"/tests/fuzz/planted/*; do
    [ -f "$program" ] && [ -x "$program" ] || continue
    planted=$((planted + 1))
    if "$program" 8000 "$seed" >>"$log" 2>/dev/null; then
        missed="$missed $(basename "$program")"
    fi
done
sources=$(ls tests/fuzz/targets/*.c | wc -l)
control="a bound off by one in each of $planted parsers: found"
if [ -n "$missed" ] || [ "$planted" -ne "$sources" ]; then
    control="a bound off by one: NOT FOUND in$missed ($planted planted)"
    failed=1
fi
wanted=$sources
[ "$tier" != release ] || wanted=$((2 * sources))
[ "$targets" -ge "$wanted" ] && [ $((crashes + hangs)) -eq 0 ] || failed=1
result=pass
[ "$failed" -eq 0 ] || result=FAIL
printf 'trust\t%s\t%s\t%s\t%s\t%s\tcontrol: %s\n' "$name" "$result" "$promise" \
    "the corpus and mutations of it, $sources targets" \
    "targets=$sources executions=$tried sanitized=$((tried - executed)) crashes=$crashes hangs=$hangs corpus_files=$corpus seed=$seed" \
    "$control"
[ "$failed" -eq 0 ]
