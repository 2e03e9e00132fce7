#!/bin/sh
# What a token costs as work grows: conversation length, batch, model size, threads. Prints Markdown tables (SPEED.md).
# The model is GPT-2 124M's shape with random weights, the conversations are made here, half of each trained on.
set -eu

usage() {
    echo "usage: sh scripts/bench_growth.sh [--precision P] [--steps N]   (P: auto, fp32 or bf16; N: 5)"
}

precision=auto
steps=5
while [ $# -gt 0 ]; do
    case $1 in
    --precision) precision=$2 && shift ;;
    --steps) steps=$2 && shift ;;
    --help) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
    esac
    shift
done
cd "$(dirname "$0")/.."
[ -x ./sft ] || {
    echo "build ./sft first: make" >&2
    exit 1
}
work=build/growth
cores=$(nproc) # heeds OMP_NUM_THREADS, which changes below
mkdir -p $work

# model NAME LAYERS WIDTH HEADS: a config.json with the small base's tokenizer beside it and GPT-2's number of tokens.
model() {
    mkdir -p "$work/$1"
    cp checkpoints/base/tokenizer.json checkpoints/base/tokenizer_config.json "$work/$1/"
    cat >"$work/$1/config.json" <<END
{"model_type": "gpt2", "n_layer": $2, "n_embd": $3, "n_head": $4, "n_positions": 1024, "vocab_size": 50257,
 "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5, "bos_token_id": 0, "eos_token_id": 0}
END
}

# conversations LENGTH: 64 of that many tokens each, half of them the assistant's.
conversations() {
    awk -v n="$1" 'BEGIN {
        half = int((n - 8) / 2)
        for (i = 0; i < half; i++) text = text " the"
        for (i = 0; i < 64; i++)
            printf "{\"messages\":[{\"role\":\"user\",\"content\":\"%s\"},{\"role\":\"assistant\",\"content\":\"%s\"}]}\n", text, text
    }' >"$work/length-$1.jsonl"
}

# bench MODEL LENGTH BATCH: one line of JSON.
bench() {
    ./sft bench --base "$work/$1/config.json" --data "$work/length-$2.jsonl" --json --precision "$precision" --steps "$steps" \
        --set train.batch_size="$3" --set data.max_length=1024 --set train.learning_rate=1e-6 2>"$work/log" || {
        cat "$work/log" >&2
        exit 1
    }
}

field() { # NAME of the JSON on stdin
    sed -n "s/.*\"$1\":\"\{0,1\}\([^,\"}]*\).*/\1/p"
}

row() { # LABEL MODEL LENGTH BATCH
    line=$(bench "$2" "$3" "$4")
    echo "$1 $(echo "$line" | field tokens_per_second) $(echo "$line" | field flops_per_token) $(echo "$line" | field mfu)" |
        awk '{ printf "| %s | %.0f | %.3f | %.1f%% |\n", $1, $2, $3 / 1e9, 100 * $4 }'
}

head_of() { # WHAT
    printf '\n| %s | tokens/s | GFLOP a token | MFU |\n|---|---|---|---|\n' "$1"
}

model 10M 16 128 4
model 30M 6 384 6
model 124M 12 768 12
model 355M 24 1024 16
for length in 64 128 256 512 1024; do
    conversations $length
done

sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1
first=$(bench 10M 128 1)
echo "precision $(echo "$first" | field precision), $(echo "$first" | field isa), $(echo "$first" | field threads) threads"
head_of 'conversation length, batch 8'
for length in 64 128 256 512 1024; do
    row $length 124M $length 8
done
head_of 'batch, length 128'
for batch in 1 4 8 32; do
    row $batch 124M 128 $batch
done
head_of 'parameters, length 128, batch 8'
for size in 10M 30M 124M 355M; do
    row $size $size 128 8
done
head_of 'threads, 124M, length 128, batch 8'
threads=1
while [ $threads -le "$cores" ]; do
    OMP_NUM_THREADS=$threads
    export OMP_NUM_THREADS
    row $threads 124M 128 8
    threads=$((threads * 2))
done
