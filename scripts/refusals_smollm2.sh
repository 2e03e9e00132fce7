#!/bin/sh
# Make the recommended refusing model of docs/refusals.md: SmolLM2-135M-Instruct, taught to refuse what would do harm, and only that. Builds sft, gets the
# base, has it answer ordinary requests, trains (configs/refusals-smollm2.ini, then preferences: configs/refusals-smollm2-dpo.ini) and judges the result.
#     OUT        the model: a Hugging Face directory, for sft eval, sft chat and transformers
#     OUT.work   intermediate files; safe to delete afterwards
# Ctrl-C stops it; the same command resumes where it stopped. About 11 minutes on two cores, 10 of them training.
#
# usage: sh scripts/refusals_smollm2.sh OUT
#        BASE=DIR: the base, by default out/models/smollm2, which is fetched if it is not there
set -eu
. "$(dirname "$0")/help.sh"
[ $# -eq 1 ] || { help >&2; exit 2; }
case $1 in -* | "") help >&2; exit 2 ;; esac
model=${1%/}
base=${BASE:-}
case $model in /*) ;; *) model=$PWD/$model ;; esac
case $base in "" | /*) ;; *) base=$PWD/$base ;; esac
[ ! -e "$model" ] || { echo "$1 is there already: to make the model again, remove it and $1.work" >&2; exit 1; }
out=$model.work
cd "$(dirname "$0")/.."
. scripts/refusal_steps.sh
prepare

recipe

echo "== how often it refuses what it should (unsafe), and what only sounds like it (safe): data/prompts.csv, which it was not trained on"
"$SFT" eval "$out/points/recipe/run" --prompts data/prompts.csv --precision auto --examples 0
echo "Training took $(cat "$out/points/recipe-sft/seconds") and $(cat "$out/points/recipe/seconds") seconds."
rm -rf "$model.tmp"
cp -RL "$out/points/recipe/run/last" "$model.tmp"
mv "$model.tmp" "$model"
echo "Talk to it:  ./sft chat '$model'"
