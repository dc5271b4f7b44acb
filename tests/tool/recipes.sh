#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The recipes of docs/windows.md, as they stand there: a ```sql block is applied, a
# ```csv block with a name is that file, and each command of a ```console block
# prints what stands below it. The clock stands still at noon.
recipes=$PWD/docs/windows.md
. "$(dirname "$0")/command.inc"

awk '/^## / { in_recipes = $0 == "## Recipes" } in_recipes' "$recipes" >text
# A directory for each recipe: its name, definitions, files, and commands with
# what they print, numbered.
awk '
/^### / {
    place = sprintf("recipe-%02d", ++recipes)
    system("mkdir " place)
    print substr($0, 5) >(place "/name")
    commands = 0
    next
}
/^```sql$/     { to = place "/definitions.sql"; next }
/^```csv /     { to = place "/" $2; next }
/^```console$/ { to = "console"; next }
/^```/         { to = ""; next }
to == "console" && /^\$ / {
    commands++
    print substr($0, 3) >sprintf("%s/command-%02d", place, commands)
    printf "" >sprintf("%s/prints-%02d", place, commands)
    next
}
to == "console" { print >sprintf("%s/prints-%02d", place, commands); next }
to { print >to }' text

feature() {
    verb=$1
    shift
    "$tool" "$verb" --clock $noon "$@"
}
# try PLACE: leaves what is wrong in notes.
try() {
    cd "$1" || exit 1
    feature apply --create store definitions.sql >out 2>&1 ||
        note "$(cat out)"
    for command in command-*; do
        (. "./$command") >out 2>err || note "$(cat "$command"): $(cat err)"
        # What a load prints has a time and a rate in it.
        case $(cat "$command") in feature\ load*) continue ;; esac
        diff "prints-${command#command-}" out >differences ||
            note "$(cat "$command"): $(cat differences)"
    done
    cd ..
}
count=0
for place in recipe-*; do
    try "$place"
    check "$(cat "$place/name")"
    count=$((count + 1))
done
[ "$count" -ge 4 ] || note "only $count recipes"
check "there are recipes"

# An event more makes a difference.
rm -rf recipe-01/store
sed -n '2s/^p1/p0/p' recipe-01/payments.csv >>recipe-01/payments.csv
try recipe-01 >/dev/null
case $notes in
*"[9000, 250]"*) notes= ;;
*) note "nothing was noticed" ;;
esac
check "an event that is not in the text is noticed"

[ "$failures" -eq 0 ]
