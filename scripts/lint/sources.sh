# SPDX-License-Identifier: Apache-2.0
# Sourced: sources DIRECTORY... lists the C and C++ files below those that exist.
# The headers of releases are as they were.
sources() {
    for directory; do
        [ ! -d "$directory" ] || find "$directory" \
            \( -name '*.[ch]' -o -name '*.[ch]pp' \) \
            ! -path 'tests/abi/*/include/*'
    done | sort
}
