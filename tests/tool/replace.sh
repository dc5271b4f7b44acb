#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# feature load --replace, feature loads, feature rollback: a file is all of a view,
# in one commit, once, and there is a way back.
. "$(dirname "$0")/command.inc"

cat >v.sql <<'END'
CREATE ENTITY e (k INT64);
CREATE FEATURE VIEW v (a INT64) FOR e WITH (max_skew = 'none');
STORE WITH (changes = '90 days');
END
cat >one.csv <<'END'
k,event_timestamp,a
1,2026-01-01T00:00:00Z,1
2,2026-01-01T00:00:00Z,1
3,2026-01-01T00:00:00Z,1
END
cat >two.csv <<'END'
k,event_timestamp,a
3,2025-06-01T00:00:00Z,2
4,2025-06-01T00:00:00Z,2
END
run 0 apply s v.sql --create
run 0 load s v one.csv

values() { # of keys 1 to 4
    printf 'k\n1\n2\n3\n4\n' >keys.csv
    run 0 get s v:a --keys keys.csv --csv
    cut -d , -f 2 out | tail -n +2 | paste -s -d ' ' - >row
}

run 0 load s v two.csv --replace --id night-1 --fingerprint x
says out '2 rows of v from two.csv' 'caught up' 'swap'
values
is row '  2 2'
check 'a file is all of a view'

run 0 load s v two.csv --replace --id night-1 --fingerprint x
is out 'night-1 was loaded before: nothing changed'
run 1 load s v two.csv --replace --id night-1 --fingerprint y
says err 'night-1' 'v is as it was'
check 'an id is loaded once'

run 0 loads s v
says out '"id":"night-1"' '"state":"committed"' '"rows":2'
run 0 loads s
says out '"id":"night-1"'
run 1 loads s w
check 'the list of loads'

run 1 load s v two.csv --replace --gate 'rows >= 1' --gate 'max(a) < 2'
says err 'v does not hold max(a) < 2' 'v is as it was'
run 1 load s v two.csv --replace --gate 'nulls(aa) = 0'
says err 'no feature aa'
run 2 load s v two.csv --gate 'rows >= 1'
run 0 apply g v.sql --create
run 0 load g v two.csv --replace --gate 'rows >= 2; max(a) < 3'
check 'gates of one load'

printf 'k,event_timestamp,a\n4,2026-01-01T01:00:00Z,7\n' >more.csv
run 0 load s v more.csv
run 0 rollback s v
says out 'v went back to the version before' 'caught up'
values
is row '1 1 1 7'
run 0 rollback s v --json
says out '"caught_up":' '"duplicate":false'
values
is row '  2 7'
check 'a rollback, and one that undoes it, keep what was written since'

run 0 rollback s v --to-version 1
says out 'v went back to version 1'
values
is row '1 1 1 7'
run 0 rollback s v --to night-1
says out 'v went back to the version of load night-1'
values
is row '  2 7'
run 1 rollback s v --to other
says err 'has no load other on record; kept:' 'v is as it was'
run 1 rollback s v --to-version 99 --json
says err 'version 99 is not kept; kept of v:'
for wrong in 0 x 1x -1 '' 4294967296; do
    run 2 rollback s v --to-version "$wrong"
done
run 2 rollback s v --to a --to-version 1
check 'a rollback to a version by its number, or by the id of its load'

printf 'k,event_timestamp,a\n1,2026-01-01T00:00:00Z,1\n1,2026-01-01T00:00:00Z,2\n' \
    >twice.csv
run 1 load s v twice.csv --replace
says err 'v is as it was'
values
is row '  2 7'
run 0 load s v twice.csv --replace --last-wins --json
says out '"view":"v"' '"rows":1'
values
is row '2   '
check 'a key that is there twice'

printf 'k,event_timestamp,a\n1,2026-01-01T00:00:00Z,x\n' >bad.csv
run 1 load s v bad.csv --replace
says err 'bad.csv:2' 'v is as it was'
values
is row '2   '
check 'a bad cell leaves the view'

run 2 load s v two.csv --id x
says err '--replace'
run 2 load s v two.csv --replace --patch
says err '--patch'
run 2 load s v two.csv --replace --rejects r.csv
run 2 load s v two.csv --replace --cut 0
says err '--cut'
run 2 loads s v --id x
says err '--discard'
run 2 loads s --discard
run 2 loads
run 2 rollback s
run 1 rollback s w
run 1 loads s v --discard --id nothing
check 'bad command lines'

cat >w.sql <<'END'
CREATE EVENT paid (k INT64, sum INT64);
CREATE FEATURE VIEW w (n = COUNT(*) OVER '1 day', sum = SUM(sum) OVER '1 day')
    FOR e FROM paid;
END
cat >events.csv <<'END'
k,event_timestamp,sum
1,2026-01-01T10:00:00Z,5
2,2026-01-01T11:00:00Z,6
1,2026-01-01T09:00:00Z,7
END
run 0 apply s w.sql
run 0 load s paid more.csv --column sum=a
run 0 load s w events.csv --replace --event paid
run 0 get s 'w(n, sum)' k=1 --csv
says out '2,12'
run 0 get s 'w(n, sum)' k=4 --csv
says out '0,'
run 1 load s v events.csv --replace --event paid
says err 'v is as it was'
check 'events are the content of a windowed view'

cat >kept.sql <<'END'
CREATE FEATURE VIEW x (n = COUNT(*) OVER '1 day', most = MAX(sum) OVER '1 day')
    FOR e FROM paid WITH (history = '36500 days');
END
run 0 apply s kept.sql
run 0 load s paid more.csv --column sum=a
run 0 load s x events.csv --replace --event paid
run 0 get s 'x(n, most)' k=1 --as-of 2026-01-01T09:30:00Z --csv
says out '1,7'
run 0 get s 'x(n, most)' k=1 --as-of 2026-01-01T10:30:00Z --csv
says out '2,7'
run 0 get s 'x(n, most)' k=4 --as-of 2026-01-01T10:30:00Z --csv
says out '0,'
run 0 history s x k=1 --csv
says out ',2,7' ',1,7'
run 0 verify s
check 'events of a view that keeps them are kept'
[ $failures -eq 0 ]
