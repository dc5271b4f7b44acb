#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# 55-corruption.sh ci|release: damaged stores, read through the public calls and
# verified. Two promises: wrong bytes are never served, and verify finds what
# does harm and does not crash.
set -u
B=${B:-build}
count=5000
[ "$1" = release ] || count=800
found=$count
[ "$1" = release ] || found=400
mkdir -p "$B/log"
reads=$B/log/trust-corrupt.log
verify=$B/log/trust-verify.log
status=0

# line NAME RESULT PROMISE WHAT FIGURES CONTROL
line() {
    printf 'trust\t%s\t%s\t%s\t%s\t%s\tcontrol: %s\n' "$@"
    [ "$2" = pass ] || status=1
}
# yes LOG PATTERN: whether a line of the log has it.
yes() {
    grep -q "$2" "$1" && echo found || echo 'NOT FOUND'
}
# The figures of `corrupt` in one line: prefix, then a line of the log.
figures='s/^.*: \([0-9]*\) crashes, \([0-9]*\) hangs, \([0-9]*\) wrong values; .* \([0-9]*\) reads refused .*, \([0-9]*\) rows, \([0-9]*\) missing, \([0-9]*\) stale in \([0-9]*\) stores, of which verify missed \([0-9]*\), seed \([0-9]*\).*/'

result=FAIL
"$B/tests/fuzz/corrupt" "$count" ${SEED:+"$SEED"} >"$reads" 2>&1 && result=pass
own=$(sed -n "/^\(not \)\{0,1\}ok $count damaged/{${figures}never_committed=\3 read_crashes=\1 hangs=\2 refused=\4 rows=\5 missing=\6 stale=\7 affected_stores=\8 missed_by_verify=\9/p;}" "$reads")
seed=$(sed -n 's/.*seed \([0-9]*\)$/\1/p' "$reads" | head -n 1)
theirs=$(sed -n "/^# by mdb_get/{${figures}mdb_get_crashes=\1 mdb_get_hangs=\2 mdb_get_wrong=\3 mdb_get_missing=\6 mdb_get_stale=\7/p;}" "$reads")
[ -n "$own" ] && [ -n "$theirs" ] || result=FAIL
bounds=$(yes "$reads" '^ok the fault "bounds" shows')
sums=$(yes "$reads" '^ok rows without checksums show')
line corruption "$result" 'Wrong bytes are reported, never served' \
    "$count damaged files, read by the default path; half of them by mdb_get" \
    "files=$count $own $theirs seed=$seed" \
    "page bounds off: $bounds; row checksums off: $sums"

result=FAIL
"$B/tests/fuzz/verify" "$found" ${SEED:+"$SEED"} >"$verify" 2>&1 && result=pass
own=$(sed -n 's/^.*ok [0-9]* damaged stores of [0-9]* pages: \([0-9]*\) crashes, \([0-9]*\) hangs of verify; \([0-9]*\) harmful (\([0-9]*\) by a signal), of which \([0-9]*\) missed (\([0-9.]*\) % found).* seed \([0-9]*\)$/crashes=\1 hangs=\2 harmful=\3 ended_by_signal=\4 missed=\5 found_percent=\6 seed=\7/p' "$verify")
[ -n "$own" ] || result=FAIL
pages=$(yes "$verify" '^ok a verification of pages alone misses some')
crash=$(yes "$verify" '^ok a crash of verify shows')
line verify "$result" 'feature verify finds structural damage and does not crash' \
    "$found damaged files, verified, then read, written with 12 commits and read again" \
    "files=$found $own" "pages alone: $pages to miss some; a crash: $crash"
exit $status
