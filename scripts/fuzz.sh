#!/bin/sh
# Run the fuzz targets that were built with libFuzzer, and say of each how many inputs it was given, what they covered (edges, and the features that
# libFuzzer counts of them), and whether one broke it. Corpora grow in DIR/corpus, from those in tests/fuzz/corpus on; what broke a target is kept as
# DIR/TARGET-crash-HASH (it belongs into tests/fuzz/corpus/TARGET once it is mended). FUZZ_SECONDS: how long each runs (30).
#
# usage: sh scripts/fuzz.sh DIR [TARGET...]       (make fuzz builds them and calls this; DIR/fuzz holds the programs)
set -eu
. "$(dirname "$0")/help.sh"
cd "$(dirname "$0")/.."
[ $# -ge 1 ] || { help >&2; exit 2; }
dir=$1
shift
if [ $# -eq 0 ]; then
    for program in "$dir"/fuzz/fuzz_*; do
        set -- "$@" "${program##*/fuzz_}"
    done
fi
TMPDIR=${TMPDIR:-/tmp}
if [ -w /dev/shm ]; then TMPDIR=/dev/shm; fi # files that are written again and again: nothing waits for a disk there
export TMPDIR
seconds=${FUZZ_SECONDS:-30}
jobs=$(nproc 2>/dev/null || echo 2)

# One target, in a process of its own: the line about it on stdout; fails where the target did.
if [ -n "${FUZZ_ONE:-}" ]; then
    target=$1 log=$dir/$1.log code=0
    mkdir -p "$dir/corpus/$target"
    "$dir/fuzz/fuzz_$target" -max_total_time="$seconds" -print_final_stats=1 -timeout=20 -rss_limit_mb=2048 \
        -artifact_prefix="$dir/$target-" "$dir/corpus/$target" "tests/fuzz/corpus/$target" >"$log" 2>&1 || code=$?
    awk -v target="$target" -v code=$code '
        / cov: / { for (i = 1; i < NF; i++) { if ($i == "cov:") cov = $(i + 1); if ($i == "ft:") ft = $(i + 1); if ($i == "corp:") corp = $(i + 1) } }
        /stat::number_of_executed_units/ { runs = $2 }
        /^SUMMARY: / { what = $0; sub(/^SUMMARY: [^:]*: /, "", what) }
        /Test unit written to/ { file = $NF }
        END {
            sub(/\/.*/, "", corp)
            printf "%-12s %9d executions  %5d edges  %6d features  %5d inputs  %s\n", target, runs, cov, ft, corp,
                code == 0 ? "ok" : "FAILED: " what " (" file ")"
        }' "$log"
    exit "$code"
fi

echo "$# targets, $seconds seconds each, $jobs at a time"
code=0
printf '%s\n' "$@" | FUZZ_ONE=1 xargs -P "$jobs" -n 1 sh "$0" "$dir" || code=1
[ $code -eq 0 ] || echo "fuzz: targets failed; their logs are in $dir" >&2
exit $code
