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
    answers
}

answers() { # OUT/base-answers.jsonl, what the base itself says to ordinary requests
    [ ! -e "$out/base-answers.jsonl" ] || return 0
    echo "== the base's own answers to ordinary requests"
    python3 scripts/refusal_data.py requests "$out/requests.csv"
    "$SFT" eval "$base" --prompts "$out/requests.csv" --precision auto --max-new-tokens 48 --answers "$out/answers.tmp" --json >/dev/null
    mv "$out/answers.tmp" "$out/base-answers.jsonl"
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

judge() { # MODEL NAME: OUT/points/NAME/{prompts,dev,general}.json, by one in four of the development set
    ! is_judged "$2" || return 0
    mkdir -p "$out/points/$2"
    awk 'NR == 1 || NR % 4 == 2' data/contrast-dev.csv >"$out/dev.csv"
    for file in data/prompts.csv "$out/dev.csv" data/general.csv; do
        to=$out/points/$2/$(basename "$file" .csv)
        "$SFT" eval "$1" --prompts "$file" --judge refusal --precision auto --max-new-tokens 64 --json --examples 0 --answers "$to-answers.jsonl" >"$to.tmp"
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

make_once() { # FILE COMMAND ARGUMENT...: refusal_data.py COMMAND FILE ARGUMENT..., unless FILE is there
    made=$1 command=$2
    shift 2
    [ ! -e "$made" ] || return 0
    python3 scripts/refusal_data.py "$command" "$made.tmp" "$@"
    mv "$made.tmp" "$made"
}

recipe_data() { # what is taught first, and preferences of other requests
    teach=$out/teach.jsonl
    make_once "$teach" mix --answers "$out/base-answers.jsonl" --refusal-weight 0.5 --number 2800
    make_once "$out/refuse.jsonl" pairs --better refusal --without "$teach" --number 2800
    make_once "$out/answer.jsonl" pairs --better answer --without "$teach" --number 1700
}

recipe() { # OUT/points/recipe-sft/run, and from it OUT/points/recipe/run, the recommended model
    mkdir -p "$out/points/recipe-sft" "$out/points/recipe"
    recipe_data
    train recipe-sft configs/refusals-smollm2.ini --set "model.base=$base" --set "data.train=$teach"
    dpo recipe recipe-sft --set "data.train=$out/refuse.jsonl $out/answer.jsonl"
}
