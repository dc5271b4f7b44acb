#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# deps-go.sh: a Go of 1.24 or newer, and the modules that the Go bindings are
# tested with. Looks first: where they are there, this takes a blink and changes
# nothing.
#
# Debian 12 packages Go 1.19. That one fetches the newer toolchain, which the Go
# project publishes as a module, and compares it with the public checksum
# database, as it does with every module. It stays in the module cache, where a
# Go that switches toolchains by itself would put it too.
set -eu
cd "$(dirname "$0")/.."

install_go() { # Debian's
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "deps: install Go 1.24 or newer (https://go.dev/dl)" >&2
        exit 1
    fi
    as_root=
    [ "$(id -u)" -eq 0 ] || as_root=sudo
    echo "deps: installing golang-go"
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y \
        --no-install-recommends golang-go >/dev/null
}

# What a Go since 1.21 does by itself: the proxy's archives keep neither the bit
# that makes a file a program nor the name go.mod.
unpack() { # unpack DIRECTORY
    chmod -R u+w "$1"
    chmod a+x "$1"/bin/* "$1"/pkg/tool/*/*
    find "$1" -name _go.mod | while read -r file; do
        cp "$file" "${file%_go.mod}go.mod"
    done
}

fetch_toolchain() {
    toolchain=$(scripts/go.sh --toolchain)
    echo "deps: fetching $toolchain, by $(go version)"
    directory=$(cd / && GOFLAGS= GO111MODULE=on GOTOOLCHAIN=local \
        go mod download -json "$toolchain" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
    if [ ! -d "$directory" ]; then
        echo "deps: the Go module proxy has no $toolchain for us" >&2
        exit 1
    fi
    unpack "$directory"
}

if ! go=$(scripts/go.sh); then
    command -v go >/dev/null 2>&1 || install_go
    go=$(scripts/go.sh) || { fetch_toolchain && go=$(scripts/go.sh); }
fi

export GOTOOLCHAIN=local
for module in bindings/go/arrowfeature; do
    (cd "$module" && GOFLAGS=-mod=readonly GOPROXY=off "$go" list -deps -test ./... \
        >/dev/null 2>&1) && continue
    echo "deps: fetching the modules of $module, by $("$go" version)"
    (cd "$module" && GOFLAGS=-mod=readonly "$go" mod download)
done
