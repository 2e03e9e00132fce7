#!/bin/sh
# Make every golden value again (make golden): what transformers and tokenizers say, for the tests to hold us to.
# $PYTHON (python3) needs torch, transformers, tokenizers, peft, trl, gguf and xxhash, and Go templates go; $SFT_ASSETS: the data (../shared/assets).
#
# usage: sh scripts/golden.sh
set -eu
words=none
. "$(dirname "$0")/help.sh"
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
assets=${SFT_ASSETS:-../shared/assets}

for script in golden_config golden_tokenizer golden_tokenizer_kinds golden_bpe_train golden_masks golden_jinja golden_templates golden_rope golden_model golden_peft golden_gguf_tokenizer \
    golden_gguf golden_gguf_quantize golden_go_templates golden_generation golden_sampler golden_dpo; do
    echo "$script"
    "$python" "scripts/$script.py" "$assets"
done
