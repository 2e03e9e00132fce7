#!/bin/sh
# The sweep of docs/refusals.md: what SmolLM2-135M-Instruct learns to refuse from how many refusals, how many harmless look-alikes beside each, and at
# which learning rate; then DPO in both directions from the best of them; then the recommended recipe. Each point is trained, judged by
# data/prompts.csv (which nothing is trained on or chosen by), a quarter of data/contrast-dev.csv (held out; the best point is chosen by it) and
# data/general.csv (does it still answer?).
#     OUT/points.csv    a line a point, with 95% intervals        OUT/points.svg    the plot
# Ctrl-C stops it; the same command resumes where it stopped: a finished point is not run again. About 40 minutes on two cores.
#
# usage: sh scripts/refusal_frontier.sh [OUT]             (by default out/refusal-frontier)
#        BASE=DIR: the base, by default out/models/smollm2, which is fetched if it is not there
set -eu
. "$(dirname "$0")/help.sh"
[ $# -le 1 ] || { help >&2; exit 2; }
out=${1:-out/refusal-frontier}
base=${BASE:-}
case $out in /*) ;; *) out=$PWD/$out ;; esac
case $base in "" | /*) ;; *) base=$PWD/$base ;; esac
cd "$(dirname "$0")/.."
. scripts/refusal_steps.sh
prepare

point() { # NAME METHOD SHARE LOOK_ALIKES RATE: a point that is trained, or is the base, is judged and put into the table
    model=$out/points/$1/run
    [ "$1" != base ] || model=$base
    [ ! -e "$out/points/$1/point.json" ] || return 0
    judge "$1" "$model"
    tabulate "$1" "\"method\": \"$2\", \"refusals\": \"$3\", \"look_alikes\": \"$4\", \"learning_rate\": \"$5\", \"seconds\": $(cat "$out/points/$1/seconds" 2>/dev/null || echo 0)"
}

TOTAL=480 # conversations a point
RATES="3e-4 1e-4" SHARES="0.20 0.08 0.03 0.01" LOOK_ALIKES="1 0 2"
conversations() { # SHARE LOOK_ALIKES RATE
    name=$1-$2-$3 mix=$out/points/$1-$2-$3/mix.jsonl
    mkdir -p "$out/points/$name"
    make_once "$mix" mix --answers "$out/base-answers.jsonl" --refusals "$1" --look-alikes "$2" --total "$TOTAL"
    train "$name" configs/refusals-smollm2-sweep.ini --set "model.base=$base" --set "data.train=\"$mix\"" --set "train.learning_rate=$3"
    point "$name" sft "$1" "$2" "$3"
}

preferences() { # FROM REFUSE ANSWER: with so many preferences for the refusal, and for the answer
    name=dpo-$2-$3 dir=$out/points/dpo-$2-$3
    mkdir -p "$dir"
    make_once "$dir/refuse.jsonl" pairs --better refusal --number "$2"
    make_once "$dir/answer.jsonl" pairs --better answer --number "$3"
    dpo "$name" "$1" --set "data.train=\"$dir/refuse.jsonl\" \"$dir/answer.jsonl\""
    point "$name" dpo "" "" 2e-4
}

point base base "" "" ""
for rate in $RATES; do
    for share in $SHARES; do
        for n in $LOOK_ALIKES; do
            conversations "$share" "$n" "$rate"
        done
    done
done
best=$(python3 scripts/refusal_plot.py "$out" --best)
for mix in "300 600" "450 450" "600 300"; do
    # shellcheck disable=SC2086
    preferences "$best" $mix
done
recipe
point recipe-sft recipe-sft "" "" 2e-4
point recipe recipe "" "" 2e-4
echo "The table is $out/points.csv, the plot $out/points.svg; as a table to read: python3 scripts/refusal_plot.py $out --markdown"
