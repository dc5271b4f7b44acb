#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# docs/time.md: each block of commands does what stands below it.
set -u
tool=${FEATURE_TOOL:-${B:-build}/feature}
case $tool in /*) ;; *) tool=$PWD/$tool ;; esac
page=$PWD/docs/time.md
work=$(mktemp -d "${TMPDIR:-/tmp}/feature-time.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
mkdir bin blocks store
ln -s "$tool" bin/feature
PATH=$PWD/bin:$PATH

# blocks/N.sh, and blocks/N.text where the commands print something.
awk '
    /^```sh$/ { to = sprintf("blocks/%02d.sh", ++count); next }
    /^```text$/ { to = sprintf("blocks/%02d.text", count); next }
    /^```/ { to = ""; next }
    to != "" { print > to }' "$page"
failures=0
cd store || exit 1
for block in ../blocks/*.sh; do
    wanted=${block%.sh}.text
    if ! sh -e "$block" >out 2>err; then
        echo "not ok ${block##*/} fails"
        cat "$block" out err
        failures=$((failures + 1))
    elif [ -e "$wanted" ] && ! sed 's/ *$//' out |
        tail -n "$(wc -l <"$wanted")" | diff "$wanted" - >differ; then
        echo "not ok ${block##*/} prints something else"
        cat differ
        failures=$((failures + 1))
    else
        echo "ok block ${block##*/}"
    fi
done
exit $((failures > 0))
