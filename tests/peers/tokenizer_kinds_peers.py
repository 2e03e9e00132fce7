#!/usr/bin/env python3
"""Compare a small tokenizer of each kind that the families have with Hugging Face tokenizers, on all of ASSETS' texts.

usage: tokenizer_kinds_peers.py SFT ASSETS   (SFT: the program; needs tokenizers and transformers)
The kinds are those of scripts/golden_tokenizer_kinds.py. Each encodes the assets and odd texts; then a run writes it, and
transformers' AutoTokenizer reads that back. Exit 1 at the end if anything differs.
"""
import json, os, subprocess, sys, tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts"))
import golden_tokenizer_kinds as kinds
from tokenizer_peers import asset_texts, odd_texts, sft_encode
from transformers import AutoTokenizer

CHARACTERS = 200000  # of each asset


def make(folder, tok):
    os.makedirs(folder)
    tok.save(os.path.join(folder, "tokenizer.json"))
    names = {"eos_token": "</s>" if tok.token_to_id("</s>") is not None else "<mask>"}
    for name, value in (("tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", **names}),
                        ("config.json", {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "n_layer": 1, "n_head": 1, "n_embd": 8, "n_positions": 64, "vocab_size": tok.get_vocab_size()})):
        with open(os.path.join(folder, name), "w") as f:
            json.dump(value, f)


def train(sft, tmp, folder):
    """A run of one step; what it wrote."""
    with open(os.path.join(tmp, "chat.jsonl"), "w") as f:
        f.write(json.dumps({"messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "the bread"}]}))
    with open(os.path.join(tmp, "config.ini"), "w") as f:
        f.write(f"[model]\nbase = {folder}/config.json\n[data]\ntrain = {tmp}/chat.jsonl\ntemplate = im_sep\n[train]\noutput_dir = {folder}.run\nmax_steps = 1\nprecision = fp32\n")
    subprocess.run([sft, "train", os.path.join(tmp, "config.ini")], check=True, capture_output=True)
    return os.path.join(folder + ".run", "last")


def differ(sft, folder, texts, encode):
    """The first text whose ids differ, or None."""
    for text, ids in zip(texts, sft_encode(sft, folder, texts)):
        if ids != encode(text):
            return ascii(text[:120])


def main(sft, assets):
    vocabularies = {"bytes": kinds.learn(True), "characters": kinds.learn(False)}
    texts = [t[:CHARACTERS] for _, t in asset_texts(assets)] + [t for _, t in odd_texts(3000)] + kinds.TEXTS + [t.decode() for t in kinds.stitched()]
    wrong = 0
    with tempfile.TemporaryDirectory() as tmp:
        for kind in kinds.KINDS:
            _, tok = kinds.build(kind, vocabularies)
            folder = os.path.join(tmp, kind[0])
            make(folder, tok)
            of_text = kinds.with_special_as_text(tok)
            found = differ(sft, folder, texts, lambda t: of_text.encode(t, add_special_tokens=False).ids)
            again = train(sft, tmp, folder)
            of_auto = kinds.with_special_as_text(AutoTokenizer.from_pretrained(again).backend_tokenizer)
            written = differ(sft, again, texts[-2300:], lambda t: of_auto.encode(t, add_special_tokens=False).ids)
            same = differ(sft, folder, texts[-2300:], lambda t: of_auto.encode(t, add_special_tokens=False).ids)
            print(f"{kind[0]}:", "all equal" if not (found or written or same) else f"DIFFERENT: {found}; written: {written} {same}")
            wrong += bool(found or written or same)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
