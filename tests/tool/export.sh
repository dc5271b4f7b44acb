#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# feature export: changes of a view as lines, and what becomes of ranges.
. "$(dirname "$0")/command.inc"
cat >lake.sql <<'EOF'
STORE WITH (changes = '3 days');
CREATE ENTITY e (k INT64, s STRING);
CREATE FEATURE VIEW v (a INT32, ok BOOL, b FLOAT32[2], tags STRING[], raw BYTES,
    n INT64[]) FOR e WITH (changes = 'before_after');
CREATE FEATURE VIEW other (x INT64) FOR e;
EOF
cat >one.csv <<'EOF'
k,s,event_timestamp,a,ok,b,tags,raw,n
1,"a,""b",2026-01-01T10:00:00Z,5,true,"[1.5, -2]","[""p"",""q,""]",\x00ff,"[1, 2]"
2,é,2026-01-01T10:00:01Z,,,,,,
EOF
printf 'k,s,event_timestamp,a\n1,"a,""b",2026-01-01T11:00:00Z,\n' >two.csv
printf 'k,s,event_timestamp,a\n1,"a,""b",2026-01-01T09:00:00Z,9\n' >late.csv
run 0 apply --create a lake.sql
run 0 load a v one.csv
run 0 load a v two.csv --patch
run 0 load a v late.csv --patch

head='k,s,a,ok,b,tags,raw,n,_op,_seq,_ordinal,_commit_time,_event_timestamp,_late,_written'
run 0 export a v
is out "$head"'
1,"a,""b",5,true,"[1.5, -2]","[""p"", ""q,""]",\x00ff,"[1, 2]",UPSERT,2,0,2026-01-01T12:00:00.000001Z,2026-01-01T10:00:00Z,,
2,é,,,,,,,UPSERT,2,1,2026-01-01T12:00:00.000001Z,2026-01-01T10:00:01Z,,
1,"a,""b",,,,,,,PATCH,3,0,2026-01-01T12:00:00.000002Z,2026-01-01T11:00:00Z,false,"[""a""]"
1,"a,""b",9,,,,,,PATCH,4,0,2026-01-01T12:00:00.000003Z,2026-01-01T09:00:00Z,true,"[""a""]"'
empty err
check "every change is a line"

# What one store exports, another one loads: it then holds the same.
run 0 export a 'v(*)' --until 2
cp out all.csv
run 0 apply --create b lake.sql
run 0 load b v all.csv --timestamp _event_timestamp --force \
    --column a=a --column ok=ok
run 0 get b 'v(*)' 'k=1' 's=a,"b' --csv
says out '[1.5, -2]' '\x00ff' '2026-01-01T10:00:00Z'
check "feature load reads the values back"

run 0 export a v --since 2 --until 3
[ "$(wc -l <out)" -eq 2 ] || note "one commit is one line here"
says out ',PATCH,3,0,'
run 0 export a v --since 4
is out "$head"
run 0 export a 'v(tags)' --since 2 --until 3 --before
is out 'k,s,tags,_op,_seq,_ordinal,_commit_time,_event_timestamp,_late,_written,before.tags,before._event_timestamp
1,"a,""b",,PATCH,3,0,2026-01-01T12:00:00.000002Z,2026-01-01T11:00:00Z,false,[],"[""p"", ""q,""]",2026-01-01T10:00:00Z'
run 0 export a other
is out 'k,s,x,_op,_seq,_ordinal,_commit_time,_event_timestamp,_late,_written'
check "ranges, columns, rows before"

run 1 export a v --since 9
says err "the change feed ends at sequence 4"
run 1 export a v --until 9
says err "ends at sequence 4, before 9"
run 1 export a v --since 3 --until 2
says err "before since"
run 1 export a nothing
says err "nothing"
run 2 export a v --since x
says err '"x" is no number'
run 2 export a v --until 0
says err "begin with 1"
run 2 export a
says err "a STORE and a VIEW"
run 0 apply --create off trips.sql
run 1 export off stats
says err "keeps no change feed"
check "what cannot be had is named"

"$tool" export a v >/dev/full 2>err && note "a full disk is no failure"
[ -s err ] || note "and has no sentence"
check "a full output is an error"

cat >spend.sql <<'END'
STORE WITH (changes = '3 days');
CREATE ENTITY card (card_id INT64);
CREATE EVENT payment (card_id INT64, amount INT64);
CREATE FEATURE VIEW spend (n = COUNT(*)) FOR card FROM payment;
END
cat >payments.csv <<'END'
card_id,event_timestamp,amount
1,2026-01-01T09:00:00Z,10
,2026-01-01T10:00:00Z,20
END
run 0 apply --create windows spend.sql
run 0 load windows payment payments.csv
run 0 export windows payment
is out 'card_id,amount,_op,_seq,_ordinal,_commit_time,_event_timestamp,_late,_written
1,10,EVENT,2,0,2026-01-01T12:00:00.000001Z,2026-01-01T09:00:00Z,,
,20,EVENT,2,1,2026-01-01T12:00:00.000001Z,2026-01-01T10:00:00Z,,'
run 1 export windows spend
says err "ask for the changes of payment"
run 1 export windows payment --before
says err "has no row before"
check "events are lines, too"

[ "$failures" -eq 0 ]
