#!/bin/sh
# What the tests run of the code: a line a file, the least covered first, and a total. Lines that any object or any run of them reached count once,
# so that a header, or a file that is compiled for several instruction sets, is one file.
#
# usage: sh scripts/coverage.sh DIR [--lines]      (make coverage fills DIR and calls this; --lines: also which lines were never run)
set -eu
options=--lines
. "$(dirname "$0")/help.sh"
cd "$(dirname "$0")/.."
[ $# -ge 1 ] || { help >&2; exit 2; }
dir=$1 lines=${2:-}

# gcov -t: "COUNT:NUMBER:TEXT" for each line of each source of an object; "-" is no code, "#####" and "=====" were never run.
find "$dir/src" "$dir/kernels" "$dir/f64" -name '*.gcno' | while read -r notes; do
    gcov -t "${notes%.gcno}.o" 2>/dev/null
done | awk -v lines="$lines" '
    {
        split($0, part, ":")
        count = part[1]; number = part[2] + 0
        gsub(/[ *]/, "", count)
    }
    number == 0 { if (part[3] == "Source") source = part[4]; next }
    source !~ /^(src|kernels)\// || count == "-" { next }
    {
        key = source SUBSEP number
        if (!(key in hit)) { total[source]++; hit[key] = 0; text[key] = $0 }
        if (count !~ /^[#=]/ && !hit[key]) { hit[key] = 1; run[source]++ }
    }
    END {
        for (source in total) {
            printf "%6.1f%% %5d of %5d  %s\n", 100 * run[source] / total[source], run[source], total[source], source | "sort -n"
            all += total[source]; done += run[source]
        }
        close("sort -n")
        printf "%6.1f%% %5d of %5d  in all\n", 100 * done / all, done, all
        if (lines) {
            for (key in hit)
                if (!hit[key]) { split(key, at, SUBSEP); line = text[key]; sub(/^[^:]*:[^:]*:/, "", line); printf "%s:%d:%s\n", at[1], at[2], line | "sort -t: -k1,1 -k2,2n" }
            close("sort -t: -k1,1 -k2,2n")
        }
    }'
