#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# deps-feast.sh: makes the environment of Feast, which `make bench-bindings`
# compares with, from the Python package index. deps-feast.sh --where prints its
# directory. It has an environment of its own, as its wishes for versions are
# not those of the tests; nothing but the bench needs it.
#
# LIBFEATURE_FEAST_VENV names another directory, LIBFEATURE_PYTHON another
# python3, of at least 3.10.
set -eu
packages='feast[redis]==0.67.0'
python=${LIBFEATURE_PYTHON:-$(command -v python3 || echo python3)}
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}
sum=$(echo "$python $packages" | sha256sum | cut -c 1-12)
where=${LIBFEATURE_FEAST_VENV:-$cache/libfeature/feast-$sum}

if [ "${1:-}" = --where ]; then
    echo "$where"
    exit 0
fi
[ ! -e "$where/complete" ] || [ ! -x "$where/bin/python" ] || exit 0
mkdir -p "$(dirname "$where")"
exec 9>"$where.lock"
flock 9 # somebody else may be making it
[ ! -e "$where/complete" ] || exit 0
echo "deps-bench: making $where"
rm -rf "$where"
"$python" -m venv "$where"
"$where/bin/python" -m pip install -q --disable-pip-version-check \
    --no-input $packages
: >"$where/complete"
