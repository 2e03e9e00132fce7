#!/bin/sh
# Compare the speed of generating text with what others use on this CPU: transformers, and llama.cpp's programs and server.
#
# usage: sh scripts/bench_generate.sh DIR [GGUF]
#   DIR    a model, a Hugging Face directory
#   GGUF   the same model for llama.cpp, made by its converter: GGUF-f32.gguf, GGUF-bf16.gguf, GGUF-q8_0.gguf
#
# What is absent is passed over, and said. One thing runs at a time; leave the machine alone meanwhile.
#   PYTHON_VENV          a virtual environment with scripts/peers/requirements.txt, for transformers
#   LLAMA_CPP            the directory of llama-bench, llama-batched-bench and llama-server
#   OMP_NUM_THREADS      threads of every program (one a core)
#   SECONDS_EACH (20)    of each number of a server's clients
#   ONLY                 one of decode, transformers, llama, servers
set -eu

fail() { # MESSAGE
    echo "bench_generate.sh: $1" >&2
    exit 2
}

wanted() { # PART
    [ "${ONLY:-$1}" = "$1" ]
}

decode() {
    for kinds in "fp32 f32" "bf16 bf16" "bf16 int8"; do
        build/release/bench/bench_decode "$model" $kinds 64
    done
}

transformers() {
    [ -n "${PYTHON_VENV:-}" ] || { echo "transformers: passed over, PYTHON_VENV is not set" && return; }
    for precision in fp32 bf16; do
        "$PYTHON_VENV/bin/python" scripts/peers/generate.py "$model" $precision
    done
}

llama() {
    for type in f32 bf16 q8_0; do
        [ -f "$gguf-$type.gguf" ] || { echo "llama.cpp: passed over, there is no $gguf-$type.gguf" && continue; }
        "$LLAMA_CPP/llama-bench" -m "$gguf-$type.gguf" -p 500 -n 64 -t "$OMP_NUM_THREADS" -r 3 2>/dev/null |
            sed -n '/pp500\|tg64/p'
        "$LLAMA_CPP/llama-batched-bench" -m "$gguf-$type.gguf" -c 4096 -npp 32 -ntg 64 -npl 1,16,32 \
            -t "$OMP_NUM_THREADS" -tb "$OMP_NUM_THREADS" 2>/dev/null | sed -n '/^|.*T_TG/p; /^| *[0-9]/p'
    done
}

# NAME PORT PROCESS: its answers to 1, 8 and 50 clients.
load() {
    tries=0
    until curl -sf "http://127.0.0.1:$2/health" >/dev/null; do
        tries=$((tries + 1))
        [ $tries -lt 100 ] || fail "$1 does not answer"
        sleep 0.2
    done
    for clients in 1 8 50; do
        echo "$1, $clients clients: $(build/release/bench/bench_server "127.0.0.1:$2" --clients $clients \
            --seconds "${SECONDS_EACH:-20}" --max-tokens 64 --prompt-words 50)"
    done
    kill "$3"
    wait "$3" || :
}

servers() {
    ./sft serve "$model" --port 18080 --precision bf16 2>build/serve.log &
    load "sft serve, bf16" 18080 $!
    [ -f "$gguf-bf16.gguf" ] || { echo "llama-server: passed over, there is no $gguf-bf16.gguf" && return; }
    "$LLAMA_CPP/llama-server" -m "$gguf-bf16.gguf" --port 18081 -t "$OMP_NUM_THREADS" -c 32768 -np 32 \
        >build/llama-server.log 2>&1 &
    load "llama-server, bf16" 18081 $!
}

[ $# -ge 1 ] && [ -f "$1/config.json" ] || fail "usage: sh scripts/bench_generate.sh DIR [GGUF]"
model=$(cd "$1" && pwd)
gguf=${2:-none}
case $gguf in /*) ;; *) gguf=$PWD/$gguf ;; esac
cd "$(dirname "$0")/.."
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-$(nproc)}"
LLAMA_CPP=${LLAMA_CPP:-}
make -s sft build/release/bench/bench_decode build/release/bench/bench_server
sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1
for part in decode transformers llama servers; do
    if wanted $part; then $part; fi
done
