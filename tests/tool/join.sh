#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# `feature join`: labels come back byte by byte, in order, with features behind.
set -u
tool=${FEATURE_TOOL:-${B:-build}/feature}
case $tool in /*) ;; *) tool=$PWD/$tool ;; esac
work=$(mktemp -d "${TMPDIR:-/tmp}/feature-join.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

# same NAME: out is wanted
same() {
    if cmp -s wanted out; then
        echo "ok $1"
    else
        echo "not ok $1"
        diff wanted out
        failures=$((failures + 1))
    fi
}
# refused NAME CODE PART ARGUMENT...: it fails, says PART and prints no row
refused() {
    name=$1 code=$2 part=$3
    shift 3
    "$tool" join "$@" >out 2>err
    got=$?
    if [ $got -eq "$code" ] && grep -qF -- "$part" err; then
        echo "ok $name"
    else
        echo "not ok $name: $got, not $code"
        cat err
        failures=$((failures + 1))
    fi
}
must() {
    "$@" >out 2>err && return
    echo "not ok $*"
    cat err
    exit 1
}

cat >defs.sql <<'END'
CREATE ENTITY card (card_id STRING);
CREATE FEATURE VIEW spend (amount INT64 DEFAULT 0, shop STRING) FOR card;
CREATE FEATURE SERVICE training AS spend(*);
END
cat >spend.csv <<'END'
card_id,event_timestamp,amount,shop
a,2026-01-01T00:00:00Z,5,"Dent, Arthur & Co"
b,2026-01-02T00:00:00Z,7,
END
must "$tool" apply --create store defs.sql
must "$tool" load store spend spend.csv

cat >labels.csv <<'END'
"note ""x""",card_id,fraud,event_timestamp
"two
lines",b,1,2026-01-02T00:00:00Z
  spaced  ,a,0,2026-01-03T00:00:00+02:00
"7",nobody,,2026-01-01 00:00:00Z
007,"a",1,2026-01-01T00:00:00.000001Z
x,,1,2026-01-01T00:00:00Z
END
cat >wanted <<'END'
"note ""x""",card_id,fraud,event_timestamp,amount,shop,spend__state
"two
lines",b,1,2026-01-02T00:00:00Z,7,,PRESENT
  spaced  ,a,0,2026-01-03T00:00:00+02:00,5,"Dent, Arthur & Co",PRESENT
"7",nobody,,2026-01-01 00:00:00Z,0,,NOT_FOUND
007,"a",1,2026-01-01T00:00:00.000001Z,5,"Dent, Arthur & Co",PRESENT
x,,1,2026-01-01T00:00:00Z,0,,NO_KEY
END
must "$tool" join store training labels.csv --states
same "labels are carried through as they were written"
for chunk in 1 2 3; do
    must "$tool" join store training labels.csv --states --chunk $chunk
    same "chunks of $chunk make no difference"
done
must "$tool" join store training - --states <labels.csv
same "labels may come from a pipe"

cat >seconds.csv <<'END'
card_id,at
a,1767225600
b,1767398400
END
cat >wanted <<'END'
card_id,at,amount
a,1767225600,5
b,1767398400,7
END
must "$tool" join store 'spend(amount)' seconds.csv --as-of-column at:s
same "times may be in another column, in another form"

head -n 1 labels.csv >none.csv
echo 'card_id,event_timestamp' >none.csv
echo 'card_id,event_timestamp,amount' >wanted
must "$tool" join store 'spend(amount)' none.csv
same "no labels give a header"

printf 'card_id,event_timestamp\na,2026-01-01T00:00:00Z\na,soon\n' >bad.csv
refused "a bad time is named" 1 'bad.csv:3:3: event_timestamp: "soon"' \
    store training bad.csv
printf 'card_id,event_timestamp\na,\n' >bad.csv
refused "a label without a time is refused" 1 'bad.csv:2:' store training bad.csv
printf 'card,event_timestamp\na,2026-01-01T00:00:00Z\n' >bad.csv
refused "a missing key is named" 1 'no column for the key card_id' \
    store training bad.csv
printf 'card_id,when\na,2026-01-01T00:00:00Z\n' >bad.csv
refused "a missing time is named" 1 '--as-of-column' store training bad.csv
printf 'card_id,event_timestamp,shop\na,2026-01-01T00:00:00Z,x\n' >bad.csv
refused "a name that is taken is refused" 1 'column shop already' \
    store training bad.csv
refused "an unknown feature is named" 1 'nothing' store nothing bad.csv
refused "a file is needed" 2 'LABELS.csv' store training
must "$tool" join store 'spend(shop AS known)' bad.csv
printf 'card_id,event_timestamp,shop,known\na,2026-01-01T00:00:00Z,x,"Dent, Arthur & Co"\n' >wanted
same "AS gives it another name"

[ "$failures" -eq 0 ]
