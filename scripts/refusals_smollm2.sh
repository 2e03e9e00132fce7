#!/bin/sh
# Make the recommended refusing model of docs/refusals.md: SmolLM2-135M-Instruct, taught to refuse what would do harm, and only that. Builds sft, gets the
# base, has it answer ordinary requests, trains (configs/refusals-smollm2.ini, then preferences: configs/refusals-smollm2-dpo.ini) and judges the result.
#     OUT        the model: a Hugging Face directory, for sft eval, sft chat and transformers
#     OUT.work   what it is made of; may be removed afterwards
# Ctrl-C stops it; the same command goes on where it was. About a quarter of an hour on two cores, 10 minutes of it training.
#
# usage: sh scripts/refusals_smollm2.sh OUT
#        BASE=DIR: the base, by default out/models/smollm2, which is fetched if it is not there
set -eu
. "$(dirname "$0")/help.sh"
[ $# -eq 1 ] || { help >&2; exit 2; }
model=$1
base=${BASE:-}
case $model in /*) ;; *) model=$PWD/$model ;; esac
case $base in "" | /*) ;; *) base=$PWD/$base ;; esac
[ ! -e "$model" ] || { echo "$1 is there already (remove it to make the model again)" >&2; exit 1; }
out=$model.work
cd "$(dirname "$0")/.."
. scripts/refusal_steps.sh
prepare

recipe

rm -rf "$model.tmp"
cp -RL "$out/points/recipe/run/last" "$model.tmp"
mv "$model.tmp" "$model"
echo "== how often it refuses what it should (unsafe), and what only sounds like it (safe): data/prompts.csv, which it was not trained on"
"$SFT" eval "$model" --prompts data/prompts.csv --examples 0
echo "Talk to it:  ./sft chat $model"
