#!/bin/sh
# Make checkpoints/base again: prepare the text, train its tokenizer, pretrain, export in bfloat16. Takes an hour or more on two cores; an
# interrupted run goes on where it was.
#
# usage: sh scripts/make_base.sh        needs python3 (its standard library only) and SFT_ASSETS (default ../shared/assets)
set -eu
words=none
. "$(dirname "$0")/help.sh"
cd "$(dirname "$0")/.."
assets=${SFT_ASSETS:-../shared/assets}
out=out/pretrain

make -s sft
if [ ! -f "$out/heldout.jsonl" ]; then
    python3 scripts/base_text.py "$assets" "$out"
fi
if [ ! -f "$out/base/tokenizer.json" ]; then
    ./sft tokenizer train "$out/books.jsonl" "$out/wikipedia.jsonl" "$out/dialogue.jsonl" --vocab-size 4096 --out "$out/base"
fi
cat >"$out/base/config.json" <<'JSON'
{
  "architectures": ["GPT2LMHeadModel"],
  "model_type": "gpt2",
  "activation_function": "gelu_new",
  "n_layer": 4,
  "n_head": 4,
  "n_embd": 256,
  "n_positions": 512,
  "vocab_size": 4096,
  "resid_pdrop": 0.0,
  "embd_pdrop": 0.0,
  "attn_pdrop": 0.0,
  "bos_token_id": 0,
  "eos_token_id": 0,
  "layer_norm_epsilon": 1e-05,
  "initializer_range": 0.02
}
JSON
./sft train configs/pretrain.ini
rm -rf "$out/export"
./sft export --model "$out/run/last" --dtype bf16 --out "$out/export"
echo "made $out/export; checkpoints/base is a copy of it, with its README.md"
