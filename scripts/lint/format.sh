#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# clang-format has nothing to change.
set -eu
. "$(dirname "$0")/sources.sh"
# The first place in each file will do: `make format` sees to the rest.
sources include lib tools examples bench tests |
    xargs clang-format --dry-run -Werror 2>&1 |
    awk -F: '/^[^ ].*:[0-9]+:[0-9]+: error/ && !seen[$1]++ {
                 print $1 ":" $2 ": make format changes this"
                 bad = 1
             }
             END { exit bad }'
