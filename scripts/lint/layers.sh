#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Who may include whom (CONTRIBUTING.md has the table):
# - a folder of lib/ includes its own layer or lower ones;
# - programs see the public header and their own folder, nothing of lib/;
# - one folder of lib/ alone includes each third-party header, and no program
#   that we ship does;
# - base/clock.c alone asks what time it is.
set -eu
. "$(dirname "$0")/sources.sh"

sources lib tools examples bench tests include | xargs awk '
function complain(text) {
    printf "%s:%d: %s\n", FILENAME, FNR, text
    bad = 1
}
BEGIN {
    count = split("base model format engine store exchange verify", names, " ")
    for (i = 1; i <= count; i++)
        rank[names[i]] = i
    third["lmdb.h"] = third["zstd.h"] = third["zdict.h"] = 1
}
FNR == 1 {
    split(FILENAME, path, "/")
    module = path[1] == "lib" ? path[2] : ""
    if (module && !(module in rank))
        complain("the folder " module " has no layer")
}
module && FILENAME != "lib/base/clock.c" &&
/(^|[^a-z_])(clock_gettime|gettimeofday|time) ?\(/ && !/^ \*|^\/\*/ {
    complain("only lib/base/clock.c reads a clock")
}
!/^[ \t]*#[ \t]*include/ { next }
{
    name = $0
    sub(/^[^<"]*[<"]/, "", name)
    sub(/[>"].*/, "", name)
    quoted = $0 ~ /"/
    split(name, part, "/")
    folder = name ~ /\// ? part[1] : ""
}
name in third || name ~ /protobuf-c/ || name ~ /pb-c\.h$/ {
    kind = name ~ /protobuf-c|pb-c/ ? "protobuf-c" : name
    if (path[1] ~ /^(tools|examples|include)$/)
        complain(name " stays inside lib/")
    else if (module && kind in owner && owner[kind] != module)
        complain(kind " belongs to lib/" owner[kind] " alone")
    else if (module)
        owner[kind] = module
}
name ~ /^(sys\/)?time\.h$/ && module ~ /^(base|model|format)$/ &&
FILENAME != "lib/base/clock.c" {
    complain("lib/" module " knows no time of day: no " name)
}
name == "cmocka.h" && path[1] != "tests" { complain("cmocka is for tests") }
!quoted || name == "libfeature.h" { next }
module && !(folder in rank) { complain("write \"folder/" name "\"") ; next }
module && rank[folder] > rank[module] {
    complain("lib/" module " must not include lib/" folder)
}
# These measure parts of the library that no caller sees.
!module && (folder in rank) && path[2] != "unit" && path[2] != "fuzz" &&
FILENAME != "bench/micro.c" && FILENAME != "bench/tiles.c" {
    complain("only lib/ and its unit tests see " name)
}
END { exit bad }'
