#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# libfuzzer.sh BUILD TARGET SECONDS: fuzzes, beginning with the corpus of the
# repository. New inputs go to BUILD/corpus/TARGET, crashes to BUILD/crashes.
set -eu
build=$1
target=$2
new=$build/corpus/$target
mkdir -p "$new" "$build/crashes"
base=${TMPDIR:-/tmp}
[ -d /dev/shm ] && [ -w /dev/shm ] && base=/dev/shm
FUZZ_DIRECTORY=$(mktemp -d "$base/libfeature-fuzz.XXXXXX")
export FUZZ_DIRECTORY
trap 'rm -rf "$FUZZ_DIRECTORY"' EXIT
dictionary=tests/fuzz/driver/$target.dict
set -- -max_total_time="$3" -timeout=10 -print_final_stats=1 \
    -rss_limit_mb=1024 -artifact_prefix="$build/crashes/$target-" \
    ${MAX_LEN:+-max_len="$MAX_LEN"} "$new" "tests/fuzz/corpus/$target"
[ ! -f "$dictionary" ] || set -- -dict="$dictionary" "$@"
"$build/tests/fuzz/libfuzzer/$target" "$@"
