#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# wheel.sh PYTHON LIBRARY: the wheel installs into a fresh environment without
# the network, brings its own library, and runs the example of the README, which
# prints what the README says. The same package without a library inside is for
# any platform.
set -eu
python=$1
library=$2
cd "$(dirname "$0")/.."
unset PYTHONPATH LIBFEATURE_PATH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

block() { # block LANGUAGE FILE: the first fenced block of that language
    awk -v open="^\`\`\`$1\$" '
        $0 ~ open && !seen { seen = inside = 1; next }
        /^```/ { inside = 0 }
        inside' "$2"
}
ok() {
    echo "ok: $*"
}

packaging/wheel.sh "$python" "$library" "$work/wheel" >/dev/null
wheel=$(ls "$work"/wheel/*.whl)
case $wheel in
*-py3-none-manylinux_*) ok "the wheel is $(basename "$wheel")" ;;
*) echo "not ok: the wheel is $wheel" ;;
esac

"$python" -m venv "$work/fresh"
"$work/fresh/bin/python" -m pip install -q --no-index --no-deps \
    --disable-pip-version-check "$wheel"
block python README.md >"$work/first.py"
block text README.md >"$work/expected.txt"
test -s "$work/first.py" && test -s "$work/expected.txt"
awk '/^```python$/ { inside = 1; next } inside' ../../README.md >"$work/front.md"
block python ../../README.md >"$work/front.py"
block text "$work/front.md" >"$work/front.txt"
test -s "$work/front.py" && test -s "$work/front.txt"
cd "$work"
"$work/fresh/bin/python" first.py >printed.txt
diff expected.txt printed.txt && ok "the README's example runs from the wheel"
rm -rf python.store

"$work/fresh/bin/python" front.py >printed.txt
diff front.txt printed.txt && ok "so does that of the front page"

loaded=$("$work/fresh/bin/python" -c 'import libfeature
print(*sorted({line.split()[-1] for line in open("/proc/self/maps")
               if "lmdb" in line or "libfeature" in line}))')
case $loaded in
*/usr/*lmdb*) echo "not ok: the system's library was loaded: $loaded" ;;
*"$work/fresh"*libfeature.so*) ok "library and lmdb come from the wheel" ;;
*) echo "not ok: loaded: $loaded" ;;
esac

cd "$OLDPWD"
mkdir "$work/pure"
name=$("$python" packaging/backend.py "$work/pure")
case $name in
*-py3-none-any.whl) ok "without a library: $name" ;;
*) echo "not ok: without a library: $name" ;;
esac
