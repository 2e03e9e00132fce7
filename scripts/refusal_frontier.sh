#!/bin/sh
# The sweep of docs/refusals.md: what SmolLM2-135M-Instruct learns to refuse from how many refusals, how many harmless look-alikes beside each, and at
# which learning rate; then DPO in both directions from the best of them. Each point is trained, judged by data/prompts.csv (which nothing is
# trained on or chosen by), data/contrast-dev.csv (held out; the best point is chosen by it) and data/general.csv (does it still answer?).
#     OUT/points.csv    a line a point, with 95% intervals        OUT/points.svg    the plot
# Ctrl-C stops it; the same command goes on where it was: a finished point is not run again. About an hour and a half on two cores.
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

TOTAL=480 # conversations a point
RATES="3e-4 1e-4" SHARES="0.20 0.08 0.03 0.01" LOOK_ALIKES="1 0 2"
sft_point() { # $name, of $share, $n and $rate
    point=$out/points/$name
    mkdir -p "$point"
    python3 scripts/refusal_data.py mix "$point/mix.jsonl" --answers "$out/base-answers.jsonl" --refusals "$share" --look-alikes "$n" --total "$TOTAL"
    train "$name" configs/refusals-smollm2-sweep.ini --set "model.base=$base" --set "data.train=$point/mix.jsonl" --set "train.learning_rate=$rate"
    judge "$point/run" "$name"
    describe "$name" "\"method\": \"sft\", \"refusals\": \"$share\", \"look_alikes\": \"$n\", \"learning_rate\": \"$rate\", \"seconds\": $(cat "$point/seconds")"
}

judge "$base" base
describe base '"method": "base", "refusals": "", "look_alikes": "", "learning_rate": "", "seconds": 0'
for rate in $RATES; do
    for share in $SHARES; do
        for n in $LOOK_ALIKES; do
            name=$share-$n-$rate
            is_judged "$name" || sft_point
        done
    done
done

# Then 900 preferences in both directions, from the point that the development set likes best: in three mixes; and the recommended recipe, which has
# many more of both.
best=$(python3 scripts/refusal_plot.py "$out" --best)
dpo_point() { # $name, of so many preferences for a refusal, and for an answer
    point=$out/points/$name
    mkdir -p "$point"
    make_once "$point/refuse.jsonl" pairs --better refusal --number "$1"
    make_once "$point/answer.jsonl" pairs --better answer --number "$2"
    dpo "$name" "$best" --set "data.train=$point/refuse.jsonl $point/answer.jsonl"
    judge "$point/run" "$name"
    describe "$name" "\"method\": \"dpo\", \"from\": \"$best\", \"learning_rate\": \"\", \"seconds\": $(cat "$point/seconds")"
}
for mix in "300 600" "450 450" "600 300"; do
    name=dpo-${mix% *}-${mix#* }
    # shellcheck disable=SC2086
    is_judged "$name" || dpo_point $mix
done
recipe
for name in recipe-sft recipe; do
    judge "$out/points/$name/run" "$name"
    describe "$name" "\"method\": \"$name\", \"learning_rate\": \"\", \"seconds\": $(cat "$out/points/$name/seconds")"
done
