#!/bin/sh
# Steps that scripts/refusal_frontier.sh and scripts/refusals_smollm2.sh share. Sourced in the
# repository's root; $out is absolute, $base is or is empty.
# shellcheck disable=SC2154

prepare() { # builds sft, gets the base, and has it answer the requests that are trained on
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

answers() { # MODEL NAME: OUT/NAME-answers.jsonl, what it says to the requests that are trained on
    [ ! -e "$out/$2-answers.jsonl" ] || return 0
    echo "== the own answers of $1 to the requests of data/contrast.jsonl and data/general.jsonl"
    python3 scripts/refusal_data.py requests "$out/requests.csv"
    ./sft eval "$1" --prompts "$out/requests.csv" --precision auto --max-new-tokens 48 --answers "$out/answers.tmp" --json >/dev/null
    mv "$out/answers.tmp" "$out/$2-answers.jsonl"
}

train() { # NAME CONFIG SETTINGS...: OUT/points/NAME/run, and the seconds that it took beside it
    dir=$out/points/$1
    name=$1 config=$2
    shift 2
    [ ! -e "$dir/seconds" ] || return 0
    echo "== training $name"
    start=$(date +%s)
    ./sft train "$config" --set "train.output_dir=$dir/run" "$@"
    rm -rf "$dir"/run/*/trainer # nothing goes on from it
    echo $(($(date +%s) - start)) >"$dir/seconds"
}

is_judged() { # NAME
    [ -e "$out/points/$1/general.json" ]
}

judge() { # MODEL NAME: OUT/points/NAME/{prompts,dev,general}.json
    ! is_judged "$2" || return 0
    mkdir -p "$out/points/$2"
    for name in prompts:prompts dev:contrast-dev general:general; do
        to=$out/points/$2/${name%:*}
        ./sft eval "$1" --prompts "data/${name#*:}.csv" --judge refusal --precision auto --json --examples 0 --answers "$to-answers.jsonl" >"$to.tmp"
        mv "$to.tmp" "$to.json"
    done
}

describe() { # NAME MEMBERS: what the table says of the point
    printf '{%s}\n' "$2" >"$out/points/$1/point.json"
    python3 scripts/refusal_plot.py "$out"
}
