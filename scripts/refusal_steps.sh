#!/bin/sh
# Steps that scripts/refusal_frontier.sh and scripts/refusals_smollm2.sh share. Sourced in the repository's root; $out is absolute, $base is absolute
# or empty. Every step is skipped where what it makes is there, and makes it under another name first: any of them may be interrupted. Trainings go on
# where they were; other steps, of half a minute, begin again.
# shellcheck disable=SC2154

prepare() { # builds sft, unless SFT names a build, and gets the base
    if [ -z "${SFT:-}" ]; then
        SFT=./sft
        . scripts/packages.sh
        # shellcheck disable=SC2086
        sh scripts/install.sh $BUILD_PACKAGES python3
        make -s -j"$(nproc 2>/dev/null || echo 2)" sft
    fi
    if [ -z "$base" ]; then
        base=$PWD/out/models/smollm2
        [ -e "$base" ] || sh scripts/get_model.sh smollm2
    fi
    [ -e "$base/config.json" ] || { echo "$base is no model: it has no config.json" >&2; exit 1; }
    mkdir -p "$out/points"
    check_origin
    answer_with_base
}

# What was made of another base, or before data or settings changed, is not gone on with.
check_origin() {
    cat "$base/config.json" data/*.jsonl data/*.csv configs/refusals-smollm2*.ini scripts/refusal_data.py scripts/refusal_*.sh \
        scripts/make_data/contrast.py scripts/make_data/parts.py | cksum >"$out/origin.tmp"
    cat "$base"/*.safetensors | wc -c >>"$out/origin.tmp"
    if [ -e "$out/origin" ] && ! cmp -s "$out/origin" "$out/origin.tmp"; then
        echo "$out was made of another base, or with data or settings that have changed since: remove it, or name another folder" >&2
        exit 1
    fi
    mv "$out/origin.tmp" "$out/origin"
}

answer_with_base() { # OUT/base-answers.jsonl: what the base says to ordinary requests
    [ ! -e "$out/base-answers.jsonl" ] || return 0
    echo "== the base's own answers to ordinary requests"
    python3 scripts/refusal_data.py requests "$out/requests.csv"
    rm -f "$out/answers.tmp"
    "$SFT" eval "$base" --prompts "$out/requests.csv" --precision auto --max-new-tokens 48 --answers "$out/answers.tmp" --json >/dev/null
    mv "$out/answers.tmp" "$out/base-answers.jsonl"
}

make_once() { # FILE COMMAND ARGUMENT...: what refusal_data.py COMMAND FILE ARGUMENT... writes
    made=$1 command=$2
    shift 2
    [ ! -e "$made" ] || return 0
    python3 scripts/refusal_data.py "$command" "$made.tmp" "$@"
    mv "$made.tmp" "$made"
}

train() { # NAME CONFIG SETTINGS...: OUT/points/NAME/run, and beside it the seconds that it took (of the last start, where it was interrupted)
    dir=$out/points/$1 config=$2
    if [ ! -e "$dir/seconds" ]; then
        echo "== training $1"
        shift 2
        mkdir -p "$dir"
        start=$(date +%s)
        "$SFT" train "$config" --set "train.output_dir=$dir/run" "$@"
        echo $(($(date +%s) - start)) >"$dir/seconds.tmp"
        mv "$dir/seconds.tmp" "$dir/seconds"
    fi
    rm -rf "$dir"/run/*/trainer # it is not trained further, and there are many
}

dpo() { # NAME FROM SETTINGS...: OUT/points/NAME/run, from OUT/points/FROM/run
    name=$1 from=$out/points/$2/run/last
    shift 2
    train "$name" configs/refusals-smollm2-dpo.ini --set "model.base=$from" "$@"
}

judge() { # NAME MODEL: OUT/points/NAME/{prompts,dev,general}.json, by one in four prompts of the development set
    awk 'NR == 1 || NR % 4 == 2' data/contrast-dev.csv >"$out/dev.csv"
    for file in data/prompts.csv "$out/dev.csv" data/general.csv; do
        judged=$out/points/$1/$(basename "$file" .csv)
        [ ! -e "$judged.json" ] || continue
        mkdir -p "$out/points/$1"
        rm -f "$judged-answers.jsonl"
        "$SFT" eval "$2" --prompts "$file" --judge refusal --precision auto --max-new-tokens 64 --json --examples 0 --answers "$judged-answers.jsonl" >"$judged.tmp"
        mv "$judged.tmp" "$judged.json"
    done
}

tabulate() { # NAME MEMBERS: what the table says of the point beside how it was judged; and the table and the plot
    printf '{%s}\n' "$2" >"$out/points/$1/point.tmp"
    mv "$out/points/$1/point.tmp" "$out/points/$1/point.json"
    python3 scripts/refusal_plot.py "$out"
}

recipe() { # OUT/points/recipe-sft/run, and from it, with other requests, OUT/points/recipe/run: the recommended model
    teach=$out/teach.jsonl refuse=$out/refuse.jsonl answer=$out/answer.jsonl ordinary=$out/ordinary.jsonl
    make_once "$teach" mix --answers "$out/base-answers.jsonl" --refusal-weight 0.5 --number 1500 --two-turns 0.25
    make_once "$refuse" pairs --better refusal --without "$teach" --number 2450 --two-turns 0.1
    make_once "$answer" pairs --better answer --without "$teach" --number 2750 --two-turns 0.1
    make_once "$ordinary" mix --answers "$out/base-answers.jsonl" --refusals 0 --look-alikes 0 --total 300
    train recipe-sft configs/refusals-smollm2.ini --set "model.base=$base" --set "data.train=\"$teach\""
    dpo recipe recipe-sft --set "data.train=\"$refuse\" \"$answer\" \"$ordinary\""
}
