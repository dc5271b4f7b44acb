#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# go.sh: prints the go command to use, one of 1.24 or newer: $GO, the one on the
# path, where tarballs and Debian put theirs, and what deps-go.sh fetched. Fails
# where there is none. go.sh --toolchain prints the name of what is fetched.
set -u
wanted=1.24
case $(uname -m) in
x86_64) machine=amd64 ;;
aarch64) machine=arm64 ;;
*) machine=$(uname -m) ;;
esac
# Go's own form of a toolchain in the module proxy.
toolchain=golang.org/toolchain@v0.0.1-go1.24.11.linux-$machine
if [ "${1:-}" = --toolchain ]; then
    echo "$toolchain"
    exit 0
fi
path=${GOPATH:-${HOME:-/root}/go}
fetched=${GOMODCACHE:-${path%%:*}/pkg/mod}/$toolchain

for go in "${GO:-}" "$(command -v go)" /usr/local/go/bin/go \
    /usr/lib/go-*/bin/go "$fetched/bin/go"; do
    [ -x "$go" ] || continue
    version=$(cd / && GOTOOLCHAIN=local "$go" env GOVERSION 2>/dev/null) || continue
    version=${version#go}
    first=$(printf '%s\n' "$wanted" "${version%% *}" | sort -V | head -n 1)
    if [ "$first" = "$wanted" ]; then
        echo "$go"
        exit 0
    fi
done
exit 1
