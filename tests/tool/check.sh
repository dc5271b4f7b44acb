#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# `feature check`: each rule's line, and an exit code for pipelines.
. "$(dirname "$0")/command.inc"

cat >rules.sql <<'END'
CREATE ENTITY e (k INT64);
CREATE FEATURE VIEW u (a INT64) FOR e;
CREATE FEATURE VIEW v (a INT64) FOR e WITH (check = 'rows >= 2; max(a) < 10');
CREATE FEATURE VIEW w (a INT64) FOR e WITH (check = 'age <= 1 hour');
END
printf 'k,event_timestamp,a\n1,2026-01-01T11:00:00Z,9\n2,2026-01-01T11:00:00Z,3\n' >v.csv
run 0 apply store rules.sql --create
run 0 load store v v.csv
run 0 load store w v.csv
run 0 check store v
is out '{"view":"v","rule":"rows >= 2","figure":2,"holds":true}
{"view":"v","rule":"max(a) < 10","figure":9,"holds":true}'
run 0 check store --clock $noon
says out '{"view":"w","rule":"age <= 1 hour","figure":3600,"holds":true}'
run 0 check store u
empty out
check 'rules that hold exit with 0'

run 1 check store --clock 2026-01-01T12:00:00.000001Z
says out '"age <= 1 hour","figure":3600.000001,"holds":false}'
says out '"max(a) < 10","figure":9,"holds":true}'
run 1 check store w --quiet --clock 2026-01-01T13:00:00Z
empty out
check 'one that does not exits with 1'

run 2 check store x
says err 'there is no feature view "x"'
run 2 check nowhere
run 2 check
run 2 check store v w
check 'what cannot run exits with 2'

run 0 metrics store
says out '# TYPE feature_check_holds gauge' \
    'feature_check_holds{view="v",rule="rows >= 2"} 1' \
    'feature_check_holds{view="w",rule="age <= 1 hour"} 0' \
    'feature_check_figure{view="v",rule="rows >= 2"} 2'
grep -q 'max(a)' out && note 'metrics read rows'
check 'metrics have what needs no rows'
[ $failures -eq 0 ]
