#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# feature load and feature get as people run them: files, options, complaints.
. "$(dirname "$0")/command.inc"
run 0 apply --create store trips.sql

# --- load -------------------------------------------------------------------------

run 0 load store stats good.csv
says out "3 rows read from good.csv" "applied"
grep -q 'applied  *3$' out || note "three rows are not applied"
empty err
run 0 get store 'stats(*)' --keys good.csv  --csv
is out 'driver_id,trips,rate,city,seen,stats__state,stats__event_timestamp,stats__age_seconds,defaulted
1,5,0.5,Oslo,2026-01-01T11:00:00Z,PRESENT,2026-01-01T12:00:00Z,0,
2,0,,,,NULL,2026-01-01T12:00:00Z,0,trips
3,2,-0.001,"a ""b"", c",2026-01-01T10:00:00Z,PRESENT,2026-01-01T12:00:00Z,0,'
check "a file is loaded and read back"

run 0 load store stats - <good.csv
says out "3 rows read from standard input"
sed 's/2026-01-01T12/2025-01-01T12/' good.csv >old.csv
run 0 load store stats old.csv --json
says out '"rows":3,"applied":0,"late":3,"future":0,"rejected":0'
sed 's/2026-01-01T12/2026-01-03T12/' good.csv >next.csv
run 0 load store stats next.csv --json
says out '"applied":0,"late":0,"future":3'
check "late and future rows are counted, not rejected"

run 1 load store stats missing.csv
says err "missing.csv: No such file"
run 1 load store nothing good.csv
says err "nothing"
run 1 load nowhere stats good.csv
says err "there is no store in nowhere"
run 1 load store stats .
printf 'driver_id,event_timestamp,trips,trips\n' >twice.csv
run 1 load store stats twice.csv
says err 'twice.csv:1:33: two columns are called "trips"'
: >none.csv
run 1 load store stats none.csv
says err "a header is needed"
check "what cannot be loaded is named"

cut -d, -f1,2,3 good.csv >part.csv
run 1 load store stats part.csv
says err "part.csv lacks rate, city, seen of stats" "--patch" "--upsert"
run 2 load store stats part.csv --patch --upsert
run 0 load store stats part.csv --patch
run 0 get store stats:rate,stats:trips driver_id=1
says out "0.5"
run 0 load store stats part.csv --upsert
run 0 get store stats:rate,stats:trips driver_id=1
says out "null"
check "a file that lacks features needs --patch or --upsert"

printf 'driver_id,trips\n61,2\n' >timeless.csv
run 1 load store stats timeless.csv --patch
says err "no column event_timestamp" "--timestamp" "--at-commit"
run 0 load store stats timeless.csv --patch --at-commit
run 0 get store stats:trips driver_id=61 --json
says out '"event_timestamp":"2026-01-01T12:00:00' '"trips":2'
printf 'event_timestamp,trips\n%s,2\n' $noon >keyless.csv
run 1 load store stats keyless.csv --patch
says err "join key driver_id" "--column driver_id=TITLE"
check "keys and times are asked for"

printf 'Driver,When (local),Trips made\n7,01.02.2020 12:00,9\n' >titles.csv
run 0 load store stats titles.csv --patch --column driver_id=Driver \
    --column "trips=Trips made" -t "When (local):%d.%m.%Y %H:%M" \
    --time-zone +01:00
run 0 get store 'stats(trips)' driver_id=7 --json --clock 2020-02-01T11:30:00Z
says out '"trips":9' '"event_timestamp":"2020-02-01T11:00:00Z","age_seconds":1800'
run 1 load store stats titles.csv --patch --column driver=Driver
says err 'stats has no column "driver"'
run 1 load store stats titles.csv --patch --column driver_id=driver
says err 'no column "driver"'
run 2 load store stats titles.csv --patch --column Driver
run 2 load store stats titles.csv --column trips=a --column trips=b
check "--column and --timestamp name titles"

printf 'driver_id,event_timestamp,trips\n8,2020-04-01 00:44:02,1\n' >naive.csv
run 1 load store stats naive.csv --patch
says err 'naive.csv:2:3: event_timestamp: "2020-04-01 00:44:02" has no time zone' \
    "--time-zone UTC"
run 0 load store stats naive.csv --patch --time-zone -05:00
run 0 get store 'stats(trips)' driver_id=8 --json
says out '"event_timestamp":"2020-04-01T05:44:02Z"'
run 2 load store stats naive.csv --patch --time-zone America/New_York
says err "named zone"
run 2 load store stats naive.csv --patch -t 'event_timestamp:%Y-%m-%d %H:%M:%S'
says err "--time-zone UTC"
run 2 load store stats naive.csv --patch -t event_timestamp:hours
says err "s, ms, us, ns, iso"
check "a time without a zone needs one"

printf 'driver_id,t,trips\n9,1585701842123,1\n10,1585701842124,1\n' >unit.csv
run 1 load store stats unit.csv --patch -t t
says err 'unit.csv:2:3: event_timestamp: "1585701842123" is not a time' \
    "read as ms it is 2020-04-01T00:44:02.123Z"
run 1 load store stats unit.csv --patch -t t:us
says err "in ms it is 2020-04-01T00:44:02.123Z" "--timestamp COLUMN:ms" "--force" \
    "nothing of unit.csv is in the store"
run 1 load store stats unit.csv --patch -t t:s
says err "in ms it is 2020-04-01"
run 0 load store stats unit.csv --patch -t t:ms
run 0 load store stats unit.csv --patch -t t:us --force --json
says out '"applied":0,"late":2'
check "a wrong unit stops the load, and --force goes on"

printf 'driver_id,event_timestamp,trips\n' >late.csv
for i in 1 2 3 4 5 6; do echo "2$i,$noon,$i"; done >>late.csv
echo "27,$noon,seven" >>late.csv
echo "28,$noon,8" >>late.csv
run 1 load store stats late.csv --patch --chunk 3
says err 'late.csv:8:25: trips: "seven" is not a whole number' \
    "lines 2-7 are in the store, nothing after"
empty out
run 0 get store 'stats(trips)' driver_id=26 --json
says out '"trips":6'
run 0 get store 'stats(trips)' driver_id=28 --json
says out '"state":"NOT_FOUND"'
check "the first bad row stops the load and says what is in"

cat >mixed.csv <<END
driver_id,event_timestamp,trips
31,$noon,1
32,$noon
33,$noon,"2
3"
34,$noon,x"y
35,$noon,99999999999999999999
,$noon,6
37,yesterday,7
38,$noon,8,9
39,$noon,9
END
run 0 load store stats mixed.csv --patch --rejects rejects.csv --chunk 2 --json
says out '"rows":9,"applied":2,"late":0,"future":0,"rejected":7'
is rejects.csv 'line,reason,record
3,"2 cells, where the header has 3","32,2026-01-01T12:00:00Z"
4,"trips: ""2\x0a3"" is not a whole number","33,2026-01-01T12:00:00Z,""2
3"""
6,a quote within a cell that has none at its beginning,"34,2026-01-01T12:00:00Z,x""y"
7,"trips: ""99999999999999999999"" is out of range for INT64","35,2026-01-01T12:00:00Z,99999999999999999999"
8,"driver_id is empty, and a value is needed",",2026-01-01T12:00:00Z,6"
9,"event_timestamp: ""yesterday"" is not a time","37,yesterday,7"
10,"4 cells, where the header has 3","38,2026-01-01T12:00:00Z,8,9"'
run 1 load store stats mixed.csv --patch --rejects /no/such/folder
cp mixed.csv same.csv
run 1 load store stats same.csv --patch --rejects ./same.csv
says err "is the file that is loaded"
cmp -s mixed.csv same.csv || note "rejects were written over the file"
check "--rejects keeps bad rows and goes on"

printf 'driver_id,event_timestamp,city\n41,%s,a\n42,%s,b\377\n43,%s,c\n' \
    $noon $noon $noon >bytes.csv
run 1 load store stats bytes.csv --patch
says err "bytes.csv:3:26: a byte that is not UTF-8"
printf 'driver_id,event_timestamp,city\n41,%s,"a\n' $noon >open.csv
run 1 load store stats open.csv --patch --rejects rejects.csv
says err "open.csv:2:25: a quote opens here and never closes"
check "bytes that are no CSV are named by line and column"

{
    echo "driver_id,event_timestamp,city"
    awk 'BEGIN { for (i = 0; i < 500; i++) k = k "k"; print k }' |
        sed "s/^/1,$noon,/"
} >long.csv
cat >keyed.sql <<'END'
CREATE ENTITY text_key (city STRING);
CREATE FEATURE VIEW keyed (driver_id INT64 NOT NULL) FOR text_key;
END
run 0 apply store keyed.sql
run 1 load store keyed long.csv
says err "long.csv:2: "
grep -q 'row 0' err && note "rows are counted in place of lines"
run 0 load store keyed long.csv --rejects rejects.csv --json
says out '"rows":1,"applied":0,"late":0,"future":0,"rejected":1'
says rejects.csv "480"
printf 'city,driver_id,event_timestamp\na,,%s\n' $noon >null.csv
run 1 load store keyed null.csv
says err "null.csv:2:3: driver_id is empty, and a value is needed"
printf 'city,driver_id,event_timestamp\na,1,\n' >null.csv
run 1 load store keyed null.csv
says err "null.csv:2:5: event_timestamp is empty, and a value is needed"
mkfifo slow.csv
{ cat long.csv; exec sleep 60; } >slow.csv &
timeout 20 "$tool" load --clock $noon store keyed slow.csv --chunk 1 >out 2>err
[ $? -eq 1 ] || note "a failed load waits for what else may come"
kill $! 2>/dev/null
check "rows that the library refuses are named by line, too"

printf 'driver_id;event_timestamp;trips\n51;%s;1\n' $noon >semicolon.csv
run 0 load store stats semicolon.csv --patch --delimiter ';'
run 2 load store stats semicolon.csv --patch --delimiter ';;'
run 2 load store stats semicolon.csv --patch --delimiter '"'
printf 'driver_id\tevent_timestamp\ttrips\r\n52\t%s\t1\r\n' $noon >tabs.csv
run 0 load store stats tabs.csv --patch --delimiter tab
run 0 get store 'stats(trips)' driver_id=52 --json
says out '"trips":1'
check "other delimiters"

run 2 load store stats good.csv --chunk 0
run 2 load store stats good.csv --rate -1
run 2 load store stats good.csv --rate 1e3
run 0 load store stats late.csv --patch --rate 50 --chunk 5 --rejects r.csv --json
awk -v s="$(sed 's/.*"seconds":\([0-9.]*\).*/\1/' out)" 'BEGIN { exit s < 0.1 }' ||
    note "five rows at 50 a second, and more rows, took less than 0.1 s"
check "--rate and --chunk are positive numbers"

run 0 load store stats good.csv --time seen=iso
run 1 load store stats good.csv --time trips=iso
says err 'stats has no TIMESTAMP feature "trips"'
sed 's/2026-01-01T11:00:00[^,]*$/1767265200/' good.csv >seen.csv
run 0 load store stats seen.csv --time seen=s
run 0 get store stats:seen driver_id=1 --json
says out '"seen":"2026-01-01T11:00:00Z"'
check "--time says how a TIMESTAMP feature is written"

# --- get ----------------------------------------------------------------------------

run 0 load store stats good.csv
run 0 get store driver_v1 driver_id=1 --clock 2026-01-01T12:00:05Z
is out 'driver_id  trips  rate  stats    age
---------  -----  ----  -------  ---
        1      5   0.5  PRESENT  5s'
run 0 get store driver_v1 driver_id=99
is out 'driver_id  trips  rate  stats      age
---------  -----  ----  ---------  ---
       99     0*  null  NOT_FOUND  
* filled in: the store has no current value'
check "get prints a table"

run 0 get store driver_v1 driver_id=1 --clock 2026-01-01T15:00:00Z --json
says out '{"keys":{"driver_id":1},"features":{"trips":0,"rate":null},"views":{"stats":{"state":"OUTSIDE_MAX_AGE","event_timestamp":"2026-01-01T12:00:00Z","age_seconds":10800}},"defaulted":["trips"'
run 0 get store driver_v1 driver_id=1 --clock 2026-01-01T15:00:00Z --json --fill nulls
says out '"trips":null,"rate":null'
run 0 get store driver_v1 driver_id=1 --clock 2026-01-01T15:00:00Z --json --fill stale
says out '"trips":5,"rate":0.5' '"state":"OUTSIDE_MAX_AGE"'
run 2 get store driver_v1 driver_id=1 --fill zeros
check "--fill says what stands for a missing value"

run 0 get store driver_v1 driver_id=1 --as-of 2026-01-01T12:30:00Z --json
says out '"trips":5' '"age_seconds":1800'
run 0 get store driver_v1 driver_id=1 --as-of 2026-01-01T11:00:00Z --json
says out '"state":"NO_HISTORY","event_timestamp":null,"age_seconds":null'
run 2 get store driver_v1 driver_id=1 --as-of yesterday
run 2 get store driver_v1 driver_id=1 --as-of "2026-01-01 12:00:00"
says err "end it in Z"
check "--as-of reads as of a time"

run 1 get store driver_v1
says err "the key driver_id has no value"
run 1 get store driver_v1 driver=1
says err '"driver" is no key' "driver_id"
run 2 get store driver_v1 driver_id
run 2 get store driver_v1 driver_id=1 driver_id=2
run 1 get store driver_v1 driver_id=one
says err 'driver_id: "one" is not a whole number'
run 1 get store nothing driver_id=1
run 1 get store 'stats(' driver_id=1
run 2 get store driver_v1 driver_id=1 --json --csv
check "keys are checked"

printf 'driver_id\n1\n\n99\n' >keys.csv
run 0 get store stats:trips --keys keys.csv --json
[ "$(wc -l <out)" -eq 3 ] || note "not three rows"
says out '"keys":{"driver_id":null}' '"state":"NO_KEY"' '"state":"NOT_FOUND"'
printf 'driver_id\n' >keys.csv
run 0 get store stats:trips --keys - --json <keys.csv
empty out
printf 'driver_id\nx\n' >keys.csv
run 1 get store stats:trips --keys keys.csv
says err 'keys.csv:2:1: driver_id: "x" is not a whole number'
printf 'driver\n1\n' >keys.csv
run 1 get store stats:trips --keys keys.csv
says err "keys.csv has no column for the key driver_id"
check "--keys reads a file"

cat >all.sql <<'END'
CREATE ENTITY place (city STRING, code BYTES);
CREATE FEATURE VIEW all_types (
    b BOOL, i INT32, l INT64, f FLOAT32, d FLOAT64, s STRING, y BYTES,
    t TIMESTAMP, v FLOAT32[3], w INT64[2], li INT64[], lf FLOAT64[],
    ls STRING[]
) FOR place;
END
cat >all.csv <<'END'
city,code,event_timestamp,b,i,l,f,d,s,y,t,v,w,li,lf,ls
a,\x00ff,2026-01-01T12:00:00Z,t,1,2.0,0.1,0.1,hi,\x00,1970-01-01T00:00:00Z,"[1,2.5,3]","[1,2]","[1,2,3]","[nan, 1]","[""x"", ""\u00e9\n""]"
a,b,2026-01-01T12:00:00Z,,,,,,"",,,,,,,
a,c,2026-01-01T12:00:00Z,no,-5, 7 ,inf,-1e-320,"null","y",1969-12-31T23:59:59.5Z,"[4,5,6]","[3,4]",[],[],[]
END
run 0 apply store all.sql
run 0 load store all_types all.csv
cut -d, -f2 all.csv >codes.csv
run 0 get store 'all_types(*)' city=a --keys codes.csv --csv
cut -d, -f-33 out | sed 's/,PRESENT.*//; s/,NULL.*//' >got.csv
is got.csv 'city,code,b,i,l,f,d,s,y,t,v,w,li,lf,ls,all_types__state,all_types__event_timestamp,all_types__age_seconds,defaulted
a,\x00ff,true,1,2,0.1,0.1,hi,\x00,1970-01-01T00:00:00Z,"[1, 2.5, 3]","[1, 2]","[1, 2, 3]","[NaN, 1]","[""x"", ""é\n""]"
a,\x62,,,,,,"",,,,,,,
a,\x63,false,-5,7,Infinity,-1e-320,null,\x79,1969-12-31T23:59:59.5Z,"[4, 5, 6]","[3, 4]",[],[],[]'
cp out first.csv
run 0 load store all_types first.csv -t all_types__event_timestamp
run 0 get store 'all_types(*)' city=a --keys codes.csv --csv
cmp -s out first.csv || note "what get printed, load read otherwise"
run 0 get store 'all_types(s, f, y, v)' city=a --keys codes.csv
says out ' \x63    "null"  Infinity  \x79  [4, 5, 6]' \
    ' \x62    ""          null  null  null'
run 0 get store 'all_types(f, y, ls)' city=a code='\x00ff' --json
says out '{"city":"a","code":"\\x00ff"}' '"f":0.1,"y":"\\x00","ls":["x","é\n"]'
check "every type is printed as it is read"

cat >events.sql <<'END'
CREATE ENTITY card (card_id INT64);
CREATE EVENT payment (payment_id STRING, card_id INT64, amount FLOAT64)
    WITH (dedupe = payment_id, dedupe_for = '1 day');
CREATE FEATURE VIEW spend (spent = SUM(amount) OVER '1 hour') FOR card FROM payment;
END
cat >events.csv <<'END'
payment_id,card_id,amount,event_timestamp
a,7,2.5,2026-01-01T12:00:00Z
b,8,1,2026-01-01T12:00:01Z
a,7,2.5,2026-01-01T12:00:00Z
c,7,nan,2026-01-01T12:00:00Z
END
run 0 apply store events.sql
run 1 load store payment events.csv --clock 2026-01-01T12:00:05Z
says err 'NaN'
run 0 load store payment events.csv --rejects bad.csv --clock 2026-01-01T12:00:05Z
says out 'applied' 'duplicate'
says bad.csv 'c,7,nan'
run 0 load store payment events.csv --rejects bad.csv --json --clock 2026-01-01T12:00:06Z
says out '"applied":0,"late":0,"future":0,"rejected":1,"duplicate":3'
cut -d, -f2- events.csv | head -2 >short.csv
run 1 load store payment short.csv --clock 2026-01-01T12:00:07Z
says err 'lacks payment_id of payment: say --upsert'
run 0 load store payment short.csv --upsert --clock 2026-01-01T12:00:07Z
run 1 load store payment short.csv --patch
run 1 load store spend events.csv
says err 'write EVENTs to payment'
run 1 load store all_types all.csv --retract
sed -n '1p;3p' events.csv >back.csv
run 0 load store payment back.csv --retract --json --clock 2026-01-01T12:00:08Z
says out '"applied":1,'
check "events are loaded, and taken back"

[ "$failures" -eq 0 ]
