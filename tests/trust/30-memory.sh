#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# 30-memory.sh ci|release: out of memory is FEATURE_NO_MEMORY, in every call.
# Both tiers try every allocation of every call: it takes seconds.
set -u
B=${B:-build}
rig=$B/tests/fault/allocations
TMPDIR=$(mktemp -d "${TMPDIR:-/dev/shm}/trust-memory.XXXXXX") || exit 1
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
trap 'exit 1' INT TERM

promise='out of memory is FEATURE_NO_MEMORY, and nothing has changed'
what='each allocation of each public call failed, once and from there for good'
figures=$(timeout 240 "$rig")
case $? in
0) verdict=pass ;;
77)
    printf 'trust\tmemory\tnot-run\t%s\ta sanitizer has the allocations\t\t\n' \
        "$promise"
    exit 0
    ;;
*) verdict=FAIL ;;
esac

# Faults beside one call: each has to be found.
control=
for plant in unchecked leak status answer change; do
    found=found
    if "$rig" --only feature_store_describe --plant $plant >/dev/null 2>&1; then
        found='NOT FOUND' verdict=FAIL
    fi
    control="$control${control:+, }$plant: $found"
done
found=found
sed 's/feature_store_plan;/&\n        feature_store_new;/' lib/libfeature.map >"$TMPDIR/map"
if "$rig" --only none --map "$TMPDIR/map" >/dev/null 2>&1; then
    found='NOT FOUND' verdict=FAIL
fi
control="$control, a call without a case: $found"
printf 'trust\tmemory\t%s\t%s\t%s\t%s\t%s\n' "$verdict" "$promise" "$what" \
    "$figures" "$control"
[ $verdict = pass ]
