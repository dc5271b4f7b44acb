#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# deps.sh [build]: installs what building and testing needs, or building alone,
# from Debian packages. Looks first: where everything is present it costs a few
# milliseconds, changes nothing and asks for no rights.
set -eu

# command, pkg-config module or module of Python, and the package that brings it
needs='gcc build-essential
g++ g++
make build-essential
pkg-config pkg-config
protoc-c protobuf-c-compiler
module:lmdb liblmdb-dev
module:libprotobuf-c libprotobuf-c-dev
module:libzstd libzstd-dev'
[ "${1:-}" = build ] || needs="$needs
clang++ clang
clang-format clang-format
cppcheck cppcheck
mold mold
sqlite3 sqlite3
module:rdkafka librdkafka-dev
valgrind valgrind
redis-server redis-server
abidiff abigail-tools
system-python python3
python:clang.cindex python3-clang
module:cmocka libcmocka-dev"

has() {
    case $1 in
    module:lmdb) # some systems ship LMDB without a .pc file
        pkg-config --exists lmdb 2>/dev/null ||
            echo '#include <lmdb.h>' | cc -E - >/dev/null 2>&1 ;;
    system-python) "${GEN_PYTHON:-/usr/bin/python3}" -c '' 2>/dev/null ;;
    python:*) # of Debian's Python, unless another one is named
        "${GEN_PYTHON:-/usr/bin/python3}" -c "import ${1#python:}" 2>/dev/null ;;
    module:*) pkg-config --exists "${1#module:}" 2>/dev/null ;;
    *) command -v "$1" >/dev/null 2>&1 ;;
    esac
}

missing=$(echo "$needs" | while read -r need package; do
    has "$need" || echo "$package"
done | sort -u | tr '\n' ' ')
missing=${missing% }
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    cat >&2 <<END
deps: something is missing, and there is no apt-get here to install it with.
Install these (Debian's names; yours may differ), then run make again:
    $missing
END
    exit 1
fi
as_root=
if [ "$(id -u)" -ne 0 ]; then
    as_root=sudo
    if ! command -v sudo >/dev/null 2>&1; then
        echo "deps: as root, run: apt-get install $missing" >&2
        exit 1
    fi
fi
echo "deps: installing $missing"

apt="$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq"
$apt update
# Word splitting is meant: $apt and $missing are lists.
$apt install -y --no-install-recommends $missing >/dev/null
echo "deps: done"
