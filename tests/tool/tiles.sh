#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# feature tiles: states to a file and into another store, and files that are none.
. "$(dirname "$0")/command.inc"
cat >defs.sql <<'END'
CREATE ENTITY card (card_id INT64, bank STRING, raw BYTES);
CREATE EVENT payment (card_id INT64, bank STRING, raw BYTES, amount INT64);
CREATE FEATURE VIEW spend (n = COUNT(*), total = SUM(amount) OVER '1 day',
    last = LAST(amount, 3)) FOR card FROM payment;
CREATE FEATURE VIEW plain (x INT64) FOR card;
END
cat >early.csv <<'END'
card_id,bank,raw,amount,event_timestamp
1,nord,\x00ff,10,2026-01-01T09:00:00Z
1,nord,\x00ff,20,2026-01-01T09:30:00Z
2,"",\x,5,2026-01-01T10:00:00Z
END
cat >late.csv <<'END'
card_id,bank,raw,amount,event_timestamp
1,nord,\x00ff,7,2026-01-01T11:00:00Z
END
at='--as-of 2026-01-01T12:00:00Z --csv'
for store in batch serve whole; do run 0 apply --create $store defs.sql; done
run 0 load batch payment early.csv
run 0 load serve payment late.csv
run 0 load whole payment early.csv
run 0 load whole payment late.csv

run 0 tiles export batch spend spend.tiles
is out "wrote 2 rows of tiles"
[ -e spend.tiles.tmp ] && note "the name of before is still there"
run 0 tiles export batch spend -
cmp -s out spend.tiles || note "standard output gets other bytes"
run 0 tiles merge serve spend spend.tiles --clock $noon --source payments/batch --next 3
says out "applied 2, late 0, duplicate 0: commit"
for key in 'card_id=1 bank=nord raw=\x00ff' 'card_id=2 bank= raw=\x'; do
    # shellcheck disable=SC2086 # words
    run 0 get whole 'spend(*)' $key $at && cp out wanted
    # shellcheck disable=SC2086
    run 0 get serve 'spend(*)' $key $at
    is out "$(cat wanted)"
    says out PRESENT
done
check "what one store has computed, another one has"

run 0 tiles merge serve spend - --source payments/batch --next 3 --json <spend.tiles
says out '"applied":0,"late":0,"duplicate":2'
run 0 tiles export whole spend whole.tiles
run 0 tiles export serve spend serve.tiles
cmp -s whole.tiles serve.tiles || note "the tiles differ"
check "again it changes nothing, and the states are those of one store"

# Files that are none, or not whole: a reason, and nothing has changed.
size=$(wc -c <spend.tiles)
refused() {
    run 1 tiles merge serve spend bad.tiles
    says err "$1"
    run 0 tiles export serve spend now.tiles
    cmp -s now.tiles serve.tiles || note "it changed the store"
}
cp good.csv bad.tiles && refused "this is no file of tiles"
: >bad.tiles && refused "this is no file of tiles"
head -c 20 spend.tiles >bad.tiles && refused "cut off"
head -c $((size - 12)) spend.tiles >bad.tiles && refused "cut off"
head -c $((size - 20)) spend.tiles >bad.tiles && refused "cut off"
head -c $((size - 1)) spend.tiles >bad.tiles && refused "the end of the file"
(cat spend.tiles && printf x) >bad.tiles && refused "the end of the file"
cp spend.tiles bad.tiles
printf '\003' | dd of=bad.tiles bs=1 seek=$((size - 8)) conv=notrunc 2>/dev/null
refused "the end of the file"
cp spend.tiles bad.tiles
printf '\377' | dd of=bad.tiles bs=1 seek=$((size - 30)) conv=notrunc 2>/dev/null
refused "damaged"
check "bytes that are no tiles are refused"

run 1 tiles export batch plain out.tiles
says err plain
run 1 tiles export batch spend nowhere/out.tiles
says err "No such file"
run 1 tiles merge serve spend missing.tiles
says err "No such file"
run 2 tiles export batch spend
says err "export or merge"
run 2 tiles import batch spend spend.tiles
says err "export or merge"
run 2 tiles export batch spend x.tiles --json
says err "of merge"
run 2 tiles merge serve spend spend.tiles --source a
says err "--next go together"
run 2 tiles merge serve spend spend.tiles --source a --next x
says err '"x" is no number'
run 0 tiles --help
says out "feature tiles merge"
check "what is wrong is named"

[ "$failures" -eq 0 ]
