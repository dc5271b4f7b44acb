#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# deps-python.sh: makes the environment that checks the Python package, from the
# Python package index. deps-python.sh --where prints its directory.
#
# It lies under the user's cache, not under build/: it takes a minute to make,
# and `make clean` or a fresh clone need not pay that again. Its name has the
# sum of what it holds, so that another list makes another one. Looks first:
# where it is there, this costs a few milliseconds.
#
# LIBFEATURE_VENV names another directory, LIBFEATURE_PYTHON another python3.
set -eu
cd "$(dirname "$0")/.."
list=bindings/python/requirements.txt
python=${LIBFEATURE_PYTHON:-$(command -v python3 || echo python3)}
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}
sum=$({ echo "$python"; cat $list; } | sha256sum | cut -c 1-12)
where=${LIBFEATURE_VENV:-$cache/libfeature/python-$sum}

if [ "${1:-}" = --where ]; then
    echo "$where"
    exit 0
fi
[ ! -e "$where/complete" ] || [ ! -x "$where/bin/python" ] || exit 0

if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "deps: install python3 (3.9 or newer) with venv and pip" >&2
        exit 1
    fi
    as_root=
    [ "$(id -u)" -eq 0 ] || as_root=sudo
    echo "deps: installing python3-venv"
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y \
        --no-install-recommends python3 python3-venv >/dev/null
    exec "scripts/$(basename "$0")" # python3 may be another one now
fi
mkdir -p "$(dirname "$where")"
exec 9>"$where.lock"
flock 9 # somebody else may be making it
[ ! -e "$where/complete" ] || exit 0
echo "deps: making $where"
rm -rf "$where"
"$python" -m venv "$where"
"$where/bin/python" -m pip install -q --disable-pip-version-check \
    --no-input -r $list
: >"$where/complete"
