#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# symbols.sh HEADER MAP LIBRARY: the header's functions, the version script and
# what the library exports are the same set, with a version each.
set -eu
header=$1
map=$2
library=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# name:line, from declarations that begin with FEATURE_API
awk '/^FEATURE_API/ { declaration = 1 }
     declaration && match($0, /feature_[a-z0-9_]+\(/) {
         print substr($0, RSTART, RLENGTH - 1), FNR
         declaration = 0
     }' "$header" | sort >"$work/header"
awk '/^ *feature_[a-z0-9_]+;/ { sub(/;/, ""); print $1, FNR }' "$map" |
    sort >"$work/map"
nm -D --defined-only "$library" |
    awk '$2 != "A" { sub(/@@.*/, "", $3); print $3 }' | sort >"$work/library"

status=0
# missing A B FILE TEXT: names of A that B lacks, at their line in FILE
missing() {
    join -v 1 "$work/$1" "$work/$2" | while read -r name line; do
        echo "$3${line:+:$line}: $name $4"
    done >"$work/report"
    [ ! -s "$work/report" ] || { cat "$work/report"; status=1; }
}
missing header map "$header" "is not in $map"
missing map header "$map" "is not in $header"
missing map library "$map" "is not exported by $library"
missing library map "$library" "is not in $map"
[ -s "$work/header" ] || { echo "$header:1: no function found"; status=1; }
uniq -d "$work/map" | grep . && status=1
exit $status
