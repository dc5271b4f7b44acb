#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# `feature history`: versions newest first, as a table, JSON lines and CSV.
set -u
tool=${FEATURE_TOOL:-${B:-build}/feature}
case $tool in /*) ;; *) tool=$PWD/$tool ;; esac
work=$(mktemp -d "${TMPDIR:-/tmp}/feature-history.XXXXXX") || exit 1
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
# refused NAME CODE PART ARGUMENT...: it fails, says PART and prints nothing
refused() {
    name=$1 code=$2 part=$3
    shift 3
    "$tool" history "$@" >out 2>err
    got=$?
    if [ $got -eq "$code" ] && grep -qF -- "$part" err && [ ! -s out ]; then
        echo "ok $name"
    else
        echo "not ok $name: $got, not $code"
        cat out err
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
CREATE ENTITY card (card_id STRING, shard INT64);
CREATE FEATURE VIEW spend (amount INT64 DEFAULT 0, shop STRING, near STRING[],
    place FLOAT32[2], scores FLOAT64[]) FOR card WITH (history = '30 days');
CREATE FEATURE VIEW plain (amount INT64) FOR card;
END
cat >first.csv <<'END'
card_id,shard,event_timestamp,amount,shop,near,place,scores
a b,1,2026-01-01T00:00:00Z,5,"Dent, Arthur","[""x"",""y""]","[1,2.5]","[0.5]"
END
cat >second.csv <<'END'
card_id,shard,event_timestamp,amount,shop
a b,1,2026-01-03T00:00:00Z,,null
END
cat >third.csv <<'END'
card_id,shard,event_timestamp,shop
a b,1,2026-01-02T00:00:00Z,late
END
must "$tool" apply --clock 2026-01-04T00:00:00Z --create store defs.sql
must "$tool" load --clock 2026-01-05T00:00:00Z store spend first.csv
must "$tool" load --clock 2026-01-06T00:00:00Z --patch store spend second.csv
must "$tool" load --clock 2026-01-07T00:00:00Z --patch store spend third.csv

must "$tool" history store 'spend(amount, shop, near)' 'card_id=a b' shard=1
sed 's/ *$//' out >bare && mv bare out
cat >wanted <<'END'
card_id  shard  event_timestamp       commit  commit_time           operation  amount  shop          near
-------  -----  --------------------  ------  --------------------  ---------  ------  ------------  ----------
a b      1      2026-01-03T00:00:00Z  3       2026-01-06T00:00:00Z  patch      null    "null"
a b      1      2026-01-02T00:00:00Z  4       2026-01-07T00:00:00Z  patch              late
a b      1      2026-01-01T00:00:00Z  2       2026-01-05T00:00:00Z  upsert     5       Dent, Arthur  ["x", "y"]
history is kept since 2026-01-05T00:00:00Z
END
same "a table tells what was not written from null"

must "$tool" history store spend 'card_id=a b' shard=1 --json
cat >wanted <<'END'
{"keys":{"card_id":"a b","shard":1},"event_timestamp":"2026-01-03T00:00:00Z","sequence":3,"commit_time":"2026-01-06T00:00:00Z","operation":"patch","features":{"amount":null,"shop":"null"}}
{"keys":{"card_id":"a b","shard":1},"event_timestamp":"2026-01-02T00:00:00Z","sequence":4,"commit_time":"2026-01-07T00:00:00Z","operation":"patch","features":{"shop":"late"}}
{"keys":{"card_id":"a b","shard":1},"event_timestamp":"2026-01-01T00:00:00Z","sequence":2,"commit_time":"2026-01-05T00:00:00Z","operation":"upsert","features":{"amount":5,"shop":"Dent, Arthur","near":["x","y"],"place":[1,2.5],"scores":[0.5]}}
END
same "JSON has what each version wrote"

must "$tool" history store 'spend(shop, amount AS paid)' 'card_id=a b' shard=1 --csv
cat >wanted <<'END'
card_id,shard,event_timestamp,_sequence,_commit_time,_operation,shop,paid,_written
a b,1,2026-01-03T00:00:00Z,3,2026-01-06T00:00:00Z,patch,null,,shop paid
a b,1,2026-01-02T00:00:00Z,4,2026-01-07T00:00:00Z,patch,late,,shop
a b,1,2026-01-01T00:00:00Z,2,2026-01-05T00:00:00Z,upsert,"Dent, Arthur",5,shop paid
END
same "CSV names what was written"

must "$tool" history store spend:amount 'card_id=a b' shard=1 --csv --last 1
cat >wanted <<'END'
card_id,shard,event_timestamp,_sequence,_commit_time,_operation,amount,_written
a b,1,2026-01-03T00:00:00Z,3,2026-01-06T00:00:00Z,patch,,amount
END
same "--last"
must "$tool" history store 'spend:amount' 'card_id=a b' shard=1 --csv \
    --since 2026-01-01T00:00:00.000001Z --until 2026-01-02T00:00:00Z
cat >wanted <<'END'
card_id,shard,event_timestamp,_sequence,_commit_time,_operation,amount,_written
a b,1,2026-01-02T00:00:00Z,4,2026-01-07T00:00:00Z,patch,,
END
same "--since and --until"
must "$tool" history store 'spend:amount' 'card_id=a b' shard=1 --csv \
    --known-by 2026-01-06T00:00:00Z
cat >wanted <<'END'
card_id,shard,event_timestamp,_sequence,_commit_time,_operation,amount,_written
a b,1,2026-01-03T00:00:00Z,3,2026-01-06T00:00:00Z,patch,,amount
a b,1,2026-01-01T00:00:00Z,2,2026-01-05T00:00:00Z,upsert,5,amount
END
same "--known-by"

refused "a view without history is refused" 1 "plain keeps no history" \
    store plain 'card_id=a b' shard=1
refused "every key is needed" 1 "the key shard has no value" \
    store spend 'card_id=a b'
refused "an unknown key is refused" 1 "is no key of spend" store spend x=1
refused "--last is a number" 2 "is no number of versions" \
    store spend 'card_id=a b' shard=1 --last 0

# Of windows: a line for each time of an event.
cat >windows.sql <<'END'
CREATE ENTITY card (card_id INT64);
CREATE EVENT payment (card_id INT64, amount INT64);
CREATE FEATURE VIEW spent (n = COUNT(*) OVER '1 hour', total = SUM(amount))
    FOR card FROM payment WITH (history = '30 days');
END
cat >payments.csv <<'END'
card_id,event_timestamp,amount
1,2026-01-01T09:00:00Z,10
1,2026-01-01T11:30:00Z,20
1,2026-01-01T11:31:00Z,5
END
noon=2026-01-01T12:00:00Z
must "$tool" apply --clock $noon --create windows windows.sql
must "$tool" load --clock $noon windows payment payments.csv
must "$tool" history windows spent card_id=1 --csv
cat >wanted <<'END'
card_id,event_timestamp,_sequence,_commit_time,_operation,n,total,_written
1,2026-01-01T11:31:00Z,2,2026-01-01T12:00:00.000001Z,event,2,35,n total
1,2026-01-01T11:30:00Z,2,2026-01-01T12:00:00.000001Z,event,1,30,n total
1,2026-01-01T09:00:00Z,2,2026-01-01T12:00:00.000001Z,event,1,10,n total
END
same "windows, as they came to be"
exit $((failures > 0))
