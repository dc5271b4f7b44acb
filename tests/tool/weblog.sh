#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# examples/weblog: its table against a count by hand of the same lines. Views are
# equal; visitors are within 5 % (three standard errors of 1.6 %), and equal up to
# 64; percentiles are within 1 % of the value of that rank. A line that the count by
# hand does not see has to make a difference.
set -u
weblog=${B:-build}/examples/weblog/weblog
case $weblog in /*) ;; *) weblog=$PWD/$weblog ;; esac
work=$(mktemp -d "${TMPDIR:-/tmp}/feature-weblog.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

# check NAME STATUS
check() {
    if [ "$2" -eq 0 ]; then
        echo "ok $1"
    else
        echo "not ok $1"
        failures=$((failures + 1))
    fi
}

# A minute is over for us when a line is the grace ahead of its end.
cat >count.awk <<'END'
function sorted(list, n,    gap, i, j, kept) {
    for (gap = int(n / 2); gap > 0; gap = int(gap / 2))
        for (i = gap + 1; i <= n; i++) {
            kept = list[i]
            for (j = i; j > gap && list[j - gap] > kept; j -= gap)
                list[j] = list[j - gap]
            list[j] = kept
        }
}
function rank(list, n, q) {
    return list[int(q * (n - 1)) + 1]
}
function minute(end,    m, page, i, key, part, list, n, hour) {
    m = end - 60
    for (key in earliest) {
        split(key, part, SUBSEP)
        if (earliest[key] < end)
            hour[part[1]]++
    }
    for (page in pages) {
        n = views[m, page]
        if (!n)
            continue
        for (i = 1; i <= n; i++)
            list[i] = load[m, page, i]
        sorted(list, n)
        printf "%02d:%02d %s %d %d %s %s %d\n", m / 3600, m % 3600 / 60, page,
            n, visitors[m, page], rank(list, n, 0.95), rank(list, n, 0.99),
            hour[page]
    }
}
{
    split(substr($1, 12), clock, "[:Z]")
    at = clock[1] * 3600 + clock[2] * 60 + clock[3]
    m = int(at / 60) * 60
    if (!due)
        due = m + 60
    for (; at >= due + grace; due += 60)
        minute(due)
    if (m < due - 60)
        behind++
    newest = at > newest ? at : newest
    pages[$2]
    load[m, $2, ++views[m, $2]] = $4 + 0
    if (!((m, $2, $3) in seen)) {
        seen[m, $2, $3]
        visitors[m, $2]++
    }
    if (!(($2, $3) in earliest) || at < earliest[$2, $3])
        earliest[$2, $3] = at
}
END {
    for (; due - 60 <= newest; due += 60)
        minute(due)
    print NR " views, " behind + 0 " behind their minute, 0 too late, " \
        "0 bad lines"
}
END
# compare.awk WANTED GOT: the lines that are not near enough.
cat >compare.awk <<'END'
function near(got, wanted, share,    d) {
    d = got - wanted
    return (d < 0 ? -d : d) <= share * wanted + 1e-9
}
function distinct(got, wanted) {
    return wanted <= 64 ? got == wanted : near(got, wanted, 0.05)
}
FNR == NR { wanted[$1, $2] = $0; count++; next }
/^minute/ { next }
{
    if (!(($1, $2) in wanted)) {
        print "not wanted: " $0
        next
    }
    split(wanted[$1, $2], w)
    count--
    if (/ views, /) {
        if ($0 != wanted[$1, $2])
            print "not " wanted[$1, $2] ": " $0
    } else if ($3 != w[3] || !distinct($4, w[4]) || !near($5, w[5], 0.0101) ||
               !near($6, w[6], 0.0101) || !distinct($7, w[7]))
        print "not " wanted[$1, $2] ": " $0
}
END { if (count) print count " lines are missing" }
END

# try NAME GRACE RATE MINUTES SEED
try() {
    "$weblog" generate --rate "$3" --minutes "$4" --seed "$5" >log || exit 1
    rm -rf store
    "$weblog" report --grace "$2" store <log >got 2>err || cat err
    awk -v grace="$2" -f count.awk log | sort >wanted
    awk -f compare.awk wanted got >differences
    sed 's/^/# /' differences
    [ ! -s differences ] && [ "$(wc -l <got)" -gt "$4" ]
    check "$1" $?
}
try "rare pages: distinct counts are exact" 10 4 3 7
try "frequent pages" 10 200 3 1
try "without any grace more lines are behind their minute" 0 50 4 2
grep -q ' [1-9][0-9]* behind their minute' wanted
check "and there are such lines" $?

sed 50d log | awk -v grace=0 -f count.awk | sort >wanted
awk -f compare.awk wanted got >differences
[ -s differences ]
check "a line more makes a difference" $?

head -n 20 log | sed '3s/.*/nonsense/' | "$weblog" report other >got 2>err
grep -q '^19 views, .* 1 bad lines$' got
check "a line that is none is counted and left out" $?

[ "$failures" -eq 0 ]
