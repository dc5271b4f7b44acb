#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# deps-spark.sh: a Java runtime from Debian, and PySpark from the Python package
# index in an environment of its own, for `make check-spark`; nothing else needs
# them. deps-spark.sh --where prints its directory. Looks first.
#
# LIBFEATURE_SPARK_VENV names another directory, LIBFEATURE_PYTHON another python3.
set -eu
packages='pyspark==3.5.1 pyarrow==17.* pandas==2.2.* numpy<2'
python=${LIBFEATURE_PYTHON:-$(command -v python3 || echo python3)}
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}
sum=$(echo "$python $packages" | sha256sum | cut -c 1-12)
where=${LIBFEATURE_SPARK_VENV:-$cache/libfeature/spark-$sum}

if [ "${1:-}" = --where ]; then
    echo "$where"
    exit 0
fi
if ! command -v java >/dev/null 2>&1; then
    as_root=
    [ "$(id -u)" -eq 0 ] || as_root=sudo
    echo "deps-spark: installing openjdk-17-jre-headless"
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y \
        --no-install-recommends openjdk-17-jre-headless >/dev/null
fi
[ ! -e "$where/complete" ] || [ ! -x "$where/bin/python" ] || exit 0
mkdir -p "$(dirname "$where")"
exec 9>"$where.lock"
flock 9 # somebody else may be making it
[ ! -e "$where/complete" ] || exit 0
echo "deps-spark: making $where"
rm -rf "$where"
"$python" -m venv "$where"
set -f # a version is no pattern of file names
"$where/bin/python" -m pip install -q --disable-pip-version-check \
    --no-input $packages
: >"$where/complete"
