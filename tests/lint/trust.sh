#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Shows that the runner of promises notices what must not pass: a broken promise, a
# control that nobody reported, a script that dies, hangs, is silent or lies.
set -eu
python=${GEN_PYTHON:-/usr/bin/python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
tab=$(printf '\t')

rig() { # rig NAME SHELL-TEXT: a script of the fake folder
    printf '%s\n' "$2" >"$work/rigs/$1.sh"
}
line() { # line NAME RESULT CONTROL: prints one promise
    echo "echo 'trust${tab}$1${tab}$2${tab}It holds.${tab}a try${tab}tries=3 \
lost=0${tab}control: $3'"
}
begin() {
    rm -rf "$work/rigs"
    mkdir -p "$work/rigs"
    rig 10-good "$(line good pass 'a bug: found')"
}
run() { # run TIER
    status=0
    RIGS=$work/rigs B=$work/build "$python" scripts/trust.py "$1" \
        >"$work/out" 2>&1 || status=$?
}
expect() { # expect STATUS CLOSING-LINE WHAT
    if [ "$status" -eq "$1" ] && grep -q "^$2\$" "$work/out"; then
        echo "ok $3"
    else
        echo "not ok $3: status $status"
        cat "$work/out"
        failures=1
    fi
}

begin
run ci
expect 0 '1 promises kept, 0 broken, 0 not run' 'a promise that is kept passes'
grep -q '"lost": 0' "$work/build/trust.json" || failures=1

rig 20-bad "$(line bad FAIL 'a bug: found'); exit 1"
rig 30-blind "$(line blind pass 'a bug: NOT FOUND (exit 0)')"
rig 40-alone "$(line alone pass '')"
rig 50-dead 'kill -SEGV $$'
rig 60-silent 'exit 0'
rig 70-short "echo 'trust${tab}short${tab}pass'"
rig 80-late "$(line late pass 'a bug: found'); exit 3"
run ci
expect 1 '2 promises kept, 7 broken, 0 not run' 'what must not pass does not'
for name in bad blind alone 50-dead 60-silent '?' 80-late; do
    if grep -q "^FAIL    $name" "$work/out"; then
        echo "ok $name is named"
    else
        echo "not ok $name is not named"
        failures=1
    fi
done

begin
rig 20-root "$(line root not-run 'none')"
run ci
expect 0 '1 promises kept, 0 broken, 1 not run' 'ci: what was not run is told'
run release
expect 1 '1 promises kept, 0 broken, 1 not run' 'release: it has to be run'

printf 'a\n%s\nlast-year\n%s\nz\n' '<!-- figures: written by `make trust-doc` -->' \
    '<!-- end of the figures -->' >"$work/page"
document() {
    status=0
    B=$work/build "$python" scripts/trust.py document "$work/page" \
        >"$work/out" 2>&1 || status=$?
}
document
expect 1 'trust: the last run did not pass; the page stays as it is' \
    'a page takes no figures of a run that failed'
rm "$work/rigs/20-root.sh"
run release
document
if [ "$status" -eq 0 ] && grep -q '| tries 3, lost 0 |' "$work/page" &&
    ! grep -q last-year "$work/page" && [ "$(tail -n 1 "$work/page")" = z ]; then
    echo 'ok figures take their place in the page'
else
    echo 'not ok figures do not take their place in the page'
    cat "$work/page"
    failures=1
fi

is_alive() { # a zombie is not
    grep -q '^State:[^Z]*$' "/proc/$1/status" 2>/dev/null
}

# A rig that outlives its runner would be somebody's next mystery.
rig 10-good "echo \"\$TMPDIR\" >$work/scratch; sleep 97 & echo \$! >$work/child; wait"
RIGS=$work/rigs B=$work/build "$python" scripts/trust.py ci >"$work/out" 2>&1 &
runner=$!
until [ -s "$work/child" ]; do sleep 0.05; done
kill -TERM $runner
wait $runner && status=0 || status=$?
if [ "$status" -eq 130 ] && ! is_alive "$(cat "$work/child")" &&
    [ ! -e "$(cat "$work/scratch")" ]; then
    echo 'ok who stops the runner stops its rigs'
else
    echo "not ok who stops the runner stops its rigs: status $status"
    failures=1
fi
exit $failures
