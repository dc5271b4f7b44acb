#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# kill -9 of a consumer of Kafka at every point of its way, and at random: the rows of
# its records are there once, in order. Needs librdkafka, whose mock cluster the rig
# runs in a process of its own.
set -u
. "$(dirname "$0")/promise.inc"
kill=$B/tests/kafka/kill
rounds=40
[ "$1" = release ] && rounds=600
sentence='Every record of a topic is applied exactly once.'

if [ ! -x "$kill" ]; then
    what='librdkafka is not installed'
    figures='kills=0'
    result=not-run
    controls=none
    promise kafka-exactly-once "$sentence" || true
    exit 0
fi
attempt "kill -9 of examples/kafka-ingest at every commit, then $rounds times" \
    "$kill" $rounds 1
control 'offsets in a commit behind that of their rows' \
    "$kill" 0 1 rows-then-offsets
control 'offsets in a commit before that of their rows' \
    "$kill" 0 1 offsets-then-rows
control 'a start one record too late' "$kill" 0 1 late
promise kafka-exactly-once "$sentence"
exit $failed
