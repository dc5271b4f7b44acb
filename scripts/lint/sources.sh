# SPDX-License-Identifier: Apache-2.0
# Sourced: sources DIRECTORY... lists the C files below those that exist.
sources() {
    for directory; do
        [ ! -d "$directory" ] || find "$directory" -name '*.[ch]'
    done | sort
}
