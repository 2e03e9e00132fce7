#!/bin/sh
# Steps that scripts/refusal_frontier.sh and scripts/refusals_smollm2.sh share. Sourced in the
# repository's root; $out is absolute, $base is or is empty.
# shellcheck disable=SC2154

SFT=${SFT:-./sft} # for trials: another build

prepare() { # builds sft, gets the base, and has it answer ordinary requests
    . scripts/packages.sh
    # shellcheck disable=SC2086
    sh scripts/install.sh $BUILD_PACKAGES python3
    make -s -j"$(nproc 2>/dev/null || echo 2)" sft
    if [ -z "$base" ]; then
        base=$PWD/out/models/smollm2
        [ -e "$base" ] || sh scripts/get_model.sh smollm2
    fi
    mkdir -p "$out/points"
    answers "$base" base
}

answers() { # MODEL NAME: OUT/NAME-answers.jsonl, what it says to ordinary requests
    [ ! -e "$out/$2-answers.jsonl" ] || return 0
    echo "== the own answers of $1 to ordinary requests"
    python3 scripts/refusal_data.py requests "$out/requests.csv"
    "$SFT" eval "$1" --prompts "$out/requests.csv" --precision auto --max-new-tokens 48 --answers "$out/answers.tmp" --json >/dev/null
    mv "$out/answers.tmp" "$out/$2-answers.jsonl"
}

train() { # NAME CONFIG SETTINGS...: OUT/points/NAME/run, and the seconds that it took beside it
    dir=$out/points/$1 config=$2
    [ ! -e "$dir/seconds" ] || return 0
    echo "== training $1"
    shift 2
    start=$(date +%s)
    "$SFT" train "$config" --set "train.output_dir=$dir/run" "$@"
    rm -rf "$dir"/run/*/trainer # nothing goes on from it
    echo $(($(date +%s) - start)) >"$dir/seconds"
}

is_judged() { # NAME
    [ -e "$out/points/$1/general.json" ]
}

judge() { # MODEL NAME: OUT/points/NAME/{prompts,dev,general}.json
    ! is_judged "$2" || return 0
    mkdir -p "$out/points/$2"
    for file in prompts:prompts dev:contrast-dev general:general; do
        to=$out/points/$2/${file%:*}
        "$SFT" eval "$1" --prompts "data/${file#*:}.csv" --judge refusal --precision auto --max-new-tokens 64 --json --examples 0 --answers "$to-answers.jsonl" >"$to.tmp"
        mv "$to.tmp" "$to.json"
    done
}

describe() { # NAME MEMBERS: what the table says of the point
    printf '{%s}\n' "$2" >"$out/points/$1/point.json"
    python3 scripts/refusal_plot.py "$out"
}

dpo() { # NAME FROM SETTINGS...: OUT/points/NAME/run, from OUT/points/FROM/run
    name=$1 from=$out/points/$2/run
    shift 2
    train "$name" configs/refusals-smollm2-dpo.ini --set "model.base=$from" "$@"
}

recipe() { # OUT/points/recipe-sft/run, and from it OUT/points/recipe/run, the recommended model
    mkdir -p "$out/points/recipe-sft" "$out/points/recipe"
    [ -e "$out/teach.jsonl" ] || {
        python3 scripts/refusal_data.py mix "$out/teach.tmp" --answers "$out/base-answers.jsonl" --refusal-weight 0.5
        mv "$out/teach.tmp" "$out/teach.jsonl"
    }
    train recipe-sft configs/refusals-smollm2.ini --set "model.base=$base" --set "data.train=$out/teach.jsonl"
    dpo recipe recipe-sft
}
