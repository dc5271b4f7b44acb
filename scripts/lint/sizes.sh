#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# No function over 60 lines, no file over 500; prints the median function of the
# library and the tool, which we like to see near 12. A function counts from
# the line of its name to its closing brace. The public header is a book.
set -eu
. "$(dirname "$0")/sources.sh"

sources lib tools examples bench tests | xargs awk '
/^[A-Za-z_].*\(/ && !inside { name = FNR; class = 0 }
# The body of a class or a namespace is no function.
/^(class|namespace)( |$)/ && !inside { class = 1 }
/^{/ && class { class = 0; next }
/^{/ { inside = 1; if (!name) name = FNR }
/^}/ && inside {
    lines = FNR - name + 1
    if (lines > 60) {
        printf "%s:%d: a function of %d lines; 60 at most\n", FILENAME, name,
            lines
        bad = 1
    }
    if (FILENAME ~ /^(lib|tools)\//)
        sizes[++count] = lines
    inside = name = 0
}
/;[ \t]*$/ && !inside { name = 0 }
FNR == 501 {
    printf "%s:501: a file of over 500 lines\n", FILENAME
    bad = 1
}
END {
    # A counting sort: awk has none of its own.
    for (i = 1; i <= count; i++)
        of[sizes[i]]++
    for (middle = 0; seen * 2 < count; middle++)
        seen += of[middle + 1]
    if (count)
        printf "median function of lib and tools: %d lines (of %d)\n", middle,
            count
    exit bad
}'
