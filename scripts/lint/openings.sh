#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Every C file begins with its licence, and every module of the library says
# what it owns, what it keeps true and what it never does.
set -eu
. "$(dirname "$0")/sources.sh"

sources include lib tools examples bench tests | xargs awk '
function complain(line, text) {
    printf "%s:%d: %s\n", file, line, text
    bad = 1
}
function finish() {
    if (file !~ /^lib\/.*\.c$/)
        return
    if (!owns || !keeps || !never)
        complain(2, "open with what the module owns, keeps and never does")
}
FNR == 1 {
    if (file)
        finish()
    file = FILENAME
    owns = keeps = never = ended = 0
    if ($0 != "/* SPDX-License-Identifier: Apache-2.0 */")
        complain(1, "begin with /* SPDX-License-Identifier: Apache-2.0 */")
    next
}
ended { next }
/^ \* Owns /  { owns = 1 }
/^ \* Keeps / { keeps = 1 }
/^ \* Never / { never = 1 }
/\*\/|^[^ \/]/ { ended = 1 }
END { finish(); exit bad }'
