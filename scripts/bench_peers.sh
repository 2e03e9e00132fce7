#!/bin/sh
# Compare the speed of sft with what others use on this CPU: TRL's SFTTrainer and plain PyTorch loops, on the same model, conversations, cores and
# precision. Prints one Markdown table; what each program said is kept in build/peers/NAME.log.
#
# usage: sh scripts/bench_peers.sh [options]
#   --steps N          optimizer steps of each program, the first two not counted (12); 498 are an epoch of the public conversations
#   --quick            a small model (4 layers, 256 wide) and 6 steps: a few minutes, to see that all of it works
#   --only NAME,...    only these programs; * stands for anything: sft-P trl-P trl-group-P torch-P torch-compile-P sft-lora-P trl-lora-P, P being fp32 or bf16
#   --base DIR         the model, a Hugging Face directory (GPT-2's shape of 124M parameters with random weights)
#   --data FILE        the conversations, JSON Lines of messages
#   --help
#
# Needs python3 (3.10 or later, with venv), and for torch.compile g++ and Python's headers (python3-dev). The first run makes build/peers-venv and
# installs scripts/peers/requirements.txt there, about 1.5 GB. The full comparison takes half an hour or more on two cores and up to 15 GB of memory, one program
# at a time; leave the machine alone meanwhile.
#   PYTHON (python3)                makes that environment
#   PYTHON_VENV                     a virtual environment that has these packages, instead of one made here
#   SFT_ASSETS (../shared/assets)   public conversations and GPT-2's tokenizer; where absent, data/train.jsonl and the tokenizer in checkpoints/base
#   SFT (./sft, built first)        the program
#   OMP_NUM_THREADS                 threads of every program (one a core)
set -eu

usage() {
    sed -n '2,/^set -eu/{/^#/s/^# \{0,1\}//p;}' "$script"
}

fail() { # MESSAGE
    echo "bench_peers.sh: $1" >&2
    exit 2
}

install() { # PIP'S ARGUMENTS
    "$python" -m pip install --quiet "$@" >&2 || fail "pip failed; PYTHON_VENV= names an environment that has $requirements"
}

absolute() { # PATH
    case $1 in
    /*) echo "$1" ;;
    *) echo "$PWD/$1" ;;
    esac
}

script=$(absolute "$0")
steps='' quick='' only='*' base='' data=''
while [ $# -gt 0 ]; do
    case $1 in
    --help | -h) usage && exit 0 ;;
    --quick) quick=1 && shift && continue ;;
    --steps | --only | --base | --data) [ $# -ge 2 ] || fail "$1 needs a value" ;;
    *) fail "unknown option $1 (--help lists them)" ;;
    esac
    case $1 in
    --steps) steps=$2 ;;
    --only) only=$2 ;;
    --base) base=$(absolute "$2") ;;
    --data) data=$(absolute "$2") ;;
    esac
    shift 2
done
if [ -n "$quick" ]; then
    shape="4 4 256"
    steps=${steps:-6}
else
    shape="12 12 768"
    steps=${steps:-12}
fi
cd "$(dirname "$script")/.."
out=build/peers
requirements=scripts/peers/requirements.txt
assets=${SFT_ASSETS:-../shared/assets}
mkdir -p "$out"

# Before anything is installed: what would be refused afterwards.
"${PYTHON:-python3}" scripts/peers/compare.py --check --sft sft --base . --data . --out . --steps "$steps" --only "$only"

if [ -n "${PYTHON_VENV:-}" ]; then
    python=$PYTHON_VENV/bin/python
else
    venv=build/peers-venv
    python=$venv/bin/python
    if ! cmp -s $requirements "$venv/requirements.txt"; then
        echo "== installing PyTorch, transformers and TRL in $venv" >&2
        "${PYTHON:-python3}" -m venv "$venv"
        install --no-deps --index-url https://download.pytorch.org/whl/cpu "$(grep '^torch==' $requirements)"
        install --requirement $requirements
        cp $requirements "$venv/requirements.txt"
    fi
fi
"$python" -c 'import torch, trl' || fail "$python lacks what $requirements lists"

if [ -z "${SFT:-}" ]; then
    make -s -j"$(nproc 2>/dev/null || echo 2)" sft >&2
    SFT=./sft
fi

tokenizer=$assets/gpt2-tokenizer
[ -d "$tokenizer" ] || tokenizer=checkpoints/base
if [ -z "$base" ]; then
    base=$out/$(basename "$tokenizer")-$(echo "$shape" | tr ' ' x)
    if [ ! -f "$base/config.json" ]; then
        rm -rf "$base.new"
        # shellcheck disable=SC2086
        "$python" scripts/peers/make_base.py "$tokenizer" "$base.new" $shape >&2
        mv "$base.new" "$base"
    fi
fi
if [ -z "$data" ] && [ -d "$assets/data" ]; then
    data=$out/chat.jsonl
    "$python" scripts/peers/make_chat.py "$assets" "$data" >&2
elif [ -z "$data" ]; then
    data=data/train.jsonl
fi

exec "$python" scripts/peers/compare.py --sft "$SFT" --base "$base" --data "$data" --out "$out" --steps "$steps" --only "$only"
