#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Installs the peers that `make bench` compares with, from Debian packages.
# Looks first; a peer that is absent is skipped by the bench, so this is never
# needed to build or to test.
set -eu

# command or header, and the package that brings it
needs='redis-server redis-server
header:hiredis/hiredis.h libhiredis-dev
header:leveldb/c.h libleveldb-dev
header:rocksdb/c.h librocksdb-dev
header:sqlite3.h libsqlite3-dev
python3 python3'

has() {
    case $1 in
    header:*) echo "#include <${1#header:}>" | cc -E - >/dev/null 2>&1 ;;
    *) command -v "$1" >/dev/null 2>&1 ;;
    esac
}

missing=$(echo "$needs" | while read -r need package; do
    has "$need" || echo "$package"
done | sort -u | tr '\n' ' ')
missing=${missing% }
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "deps-bench: install these, or do without: $missing" >&2
    exit 1
fi
as_root=
if [ "$(id -u)" -ne 0 ]; then
    as_root=sudo
    if ! command -v sudo >/dev/null 2>&1; then
        echo "deps-bench: as root, run: apt-get install $missing" >&2
        exit 1
    fi
fi
echo "deps-bench: installing $missing"

# A server that the package starts would share the machine with the bench.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null
    $as_root chmod +x $policy
    trap '$as_root rm -f $policy' EXIT
fi
apt="$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq"
$apt update
# Word splitting is meant: $apt and $missing are lists.
$apt install -y --no-install-recommends $missing >/dev/null
echo "deps-bench: done"
