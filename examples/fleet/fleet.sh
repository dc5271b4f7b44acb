#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# fleet.sh [COMMITS]: one writer and three followers, each a process of its own.
#
# The first follower tails the feed from the beginning. The second is killed by
# kill -9 while it does, and goes on from where it was. The third begins with a
# snapshot. When the writer is done all four stores hold the same.
#
# On several machines the pipe is one of ssh:
#     ssh leader feature changes ./leader --since N --follow | feature follow ./replica
set -eu
commits=${1:-200}
feature=${FEATURE_TOOL:-feature}
fleet=$(mktemp -d "${TMPDIR:-/tmp}/feature-fleet.XXXXXX")
tails=
end() {
    for each in $tails; do kill "$each" 2>/dev/null || :; done
    wait 2>/dev/null || :
    rm -rf "$fleet"
}
trap end EXIT
trap 'exit 1' INT TERM
cd "$fleet"

# tail_feed NAME: follows the leader from where NAME is. A pipe with a name, so that
# both of its processes are known and can be ended. The follower is $follower.
tail_feed() {
    rm -f "$1.pipe"
    mkfifo "$1.pipe"
    "$feature" changes leader --since "$("$feature" follow "$1" --print-since)" \
        --follow >"$1.pipe" 2>>changes.log &
    tails="$tails $!"
    "$feature" follow "$1" <"$1.pipe" 2>>"$1.log" &
    follower=$!
    tails="$tails $follower"
}
sequence() {
    "$feature" follow "$1" --print-since
}
write() { # write FROM TO: a commit for each number
    for number in $(seq "$1" "$2"); do
        printf 'driver_id,event_timestamp,trips\n%d,2026-01-01T00:00:00Z,%d\n' \
            $((number % 50)) "$number" | "$feature" load leader stats - >/dev/null
    done
}
wait_for() { # wait_for NAME SEQUENCE: for a minute at most
    tries=0
    until [ "$(sequence "$1")" -ge "$2" ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] || { echo "$1 does not follow" >&2 && exit 1; }
        sleep 0.1
    done
}

echo "STORE WITH (changes = '3 days');
CREATE ENTITY driver (driver_id INT64);
CREATE FEATURE VIEW stats (trips INT64) FOR driver;" >definitions.sql
"$feature" apply --create leader definitions.sql >/dev/null

tail_feed first
tail_feed second
write 1 $((commits / 4))
wait_for second 2
kill -9 "$follower"
wait "$follower" 2>/dev/null || :
at=$(sequence second)
echo "second was killed at commit $at"

write $((commits / 4 + 1)) $((commits / 2)) &
writer=$!
"$feature" snapshot leader leader.snapshot >/dev/null
"$feature" restore leader.snapshot third >/dev/null
echo "third begins with a snapshot of commit $(sequence third)"
wait "$writer"
tail_feed second
tail_feed third
write $((commits / 2 + 1)) "$commits"

last=$(sequence leader)
for store in first second third; do
    wait_for $store "$last"
    "$feature" compare leader $store
done
