#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Form: gofmt, a comment on everything exported, and a core that stays small:
# objects and calls, under 400 lines of code; conversions lie in other files.
set -eu
status=0
judge() { # judge NAME WHAT-IS-WRONG
    if [ -z "$2" ]; then
        echo "ok $1"
    else
        printf 'not ok %s\n%s\n' "$1" "$2"
        status=1
    fi
}
judge gofmt "$("$(dirname "$GO")/gofmt" -l bindings/go examples/go-serve)"
judge 'everything exported has a comment' "$(find bindings/go examples/go-serve \
    -name '*.go' ! -name '*_test.go' | xargs awk '
    /^(func (\([a-z]+ \*?[A-Z][A-Za-z]*\) )?[A-Z]|type [A-Z])/ && last !~ /^\/\// {
        print FILENAME ": " $0
    }
    { last = $0 }')"
core=$(cd bindings/go && cat batch.go guard.go query.go request.go store.go |
    grep -cvE '^[[:space:]]*(//|$)')
judge "the core has $core lines" "$([ "$core" -lt 400 ] || echo 'under 400 are wanted')"
exit $status
