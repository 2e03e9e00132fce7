#!/bin/sh
# Compare live with what others use: tokenizers, transformers, PEFT and TRL (make test-peers).
# $PYTHON (python3): a Python that has them; $SFT_ASSETS: the data (../shared/assets); $SFT: the program (./sft). What we
# write in GGUF is held to llama.cpp where there is llama-cpp-python, and to its converter where LLAMA_CPP names a checkout.
set -u
cd "$(dirname "$0")/../.."
python=${PYTHON:-python3}
assets=${SFT_ASSETS:-../shared/assets}
sft=${SFT:-./sft}
export HF_HUB_OFFLINE=1 TOKENIZERS_PARALLELISM=false

if ! "$python" -c 'import torch, transformers, trl, datasets, tokenizers, peft' 2>/dev/null; then
    echo "$python lacks what this compares with: pip install torch transformers trl datasets tokenizers," >&2
    echo "or name another with PYTHON=" >&2
    exit 2
fi
if ! [ -d "$assets" ]; then
    echo "$assets: not there; name the data's directory with SFT_ASSETS=" >&2
    exit 2
fi

failed=0
for peer in tokenizer_peers tokenizer_kinds_peers added_tokens_peers tokenizer_files_peers template_peers bpe_train_peers \
    train_peers dpo_peers config_peers family_peers peft_peers lora_peers gguf_peers gguf_export_peers test_from_hub hub_peers openai_peers card_peers; do
    echo "== $peer"
    "$python" "tests/peers/$peer.py" "$sft" "$assets" || failed=1
done
exit $failed
