#!/bin/sh
# What training keeps of its speed beside one busy process: pairs of runs, quiet and beside a busy loop, in turn; medians and their ratio.
#   sh scripts/bench_contention.sh [--pairs N] [--base DIR] [--data FILE] [--steps N] [--precision P] PROGRAM...
# More programs than one (an older build, a wrapper that sets variables) take turns in every pair. The base is checkpoints/base unless said;
# for GPT-2 124M give a directory with its config.json and tokenizer. Nothing else should run: this measures what other work does.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
pairs=5 base=$top/checkpoints/base data=$top/data/train.jsonl steps=100 precision=auto
while [ $# -gt 0 ]; do
    case $1 in
    --pairs) pairs=$2 ;;
    --base) base=$2 ;;
    --data) data=$2 ;;
    --steps) steps=$2 ;;
    --precision) precision=$2 ;;
    *) break ;;
    esac
    shift 2
done
[ $# -gt 0 ] || set -- "$top/sft"
tmp=$(mktemp -d) busy=
trap 'if [ -n "$busy" ]; then kill "$busy"; fi; rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM

# measure PROGRAM FILE: appends tokens a second.
measure() {
    "$1" bench --base "$base" --data "$data" --steps "$steps" --precision "$precision" --json |
        sed 's/.*"tokens_per_second":\([0-9.]*\).*/\1/' >>"$2"
}

median() {
    sort -n "$1" | awk '{ x[NR] = $1 } END { print NR % 2 ? x[(NR + 1) / 2] : (x[NR / 2] + x[NR / 2 + 1]) / 2 }'
}

pair=0
while [ $pair -lt "$pairs" ]; do
    n=0
    for program; do
        n=$((n + 1))
        measure "$program" "$tmp/quiet.$n"
    done
    sh -c 'while :; do :; done' &
    busy=$!
    n=0
    for program; do
        n=$((n + 1))
        measure "$program" "$tmp/busy.$n"
    done
    kill $busy
    wait $busy 2>/dev/null || true
    busy=
    pair=$((pair + 1))
done
n=0
for program; do
    n=$((n + 1))
    quiet=$(median "$tmp/quiet.$n") beside=$(median "$tmp/busy.$n")
    awk "BEGIN { printf \"%s: %.0f tokens/s quiet, %.0f beside a busy process: %.2f\n\", \"$program\", $quiet, $beside, $beside / $quiet }"
done
