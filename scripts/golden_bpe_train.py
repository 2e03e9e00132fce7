#!/usr/bin/env python3
"""Make tests/golden/bpe_train/: a text, messages, and what Hugging Face's BpeTrainer learns from them.

usage: golden_bpe_train.py [ASSETS]   (not needed: all texts here are our own)
Made with tokenizers 0.23.3. CASE.merges.txt and CASE.vocab.json for each of CASES.
"""
import json, os, shutil, sys

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "golden", "bpe_train")
END = "<|endoftext|>"

PROSE = """The miller's daughter carries flour to the baker, and the baker's daughter carries bread to the miller.
She'd rather carry water, she says; they'll carry it together, they've carried it before, and it isn't heavy.
In the evening   they count:  one sack, two sacks, three sacks, 12 loaves, 144 rolls, 1728 crumbs (roughly).
    if (sacks > 3) {\n        return sacks - 1;  /* one is lent */\n    }\n\n\n\t\ttabs\tand trailing blanks   \n
Zwölf Brötchen, süße Äpfel, größere Körbe. Où est l'élève? Žluťoučký kůň. Ёлка, ель, ёжик. 粉をひく水車、水車小屋の粉。 밀가루 밀가루.
A smile \U0001f642\U0001f642, a wave \U0001f44b\U0001f3fd, a family \U0001f469\u200d\U0001f467; non\u00a0breaking, thin\u2009space, e\u0301 and \u00e9.\r
carriage\r\nreturns\r\n\r\nare kept <|endoftext|> and that is plain text here, as <|im_start|> is
"""
# Words that occur equally often, and runs that overlap themselves.
TIES = " ".join(a + b + c for a in "pqrs" for b in "aeio" for c in "ntk") + "\n" + "aaaa aaaaa aaa ababab abababa xyxyxyx xx xxxx\nzz " * 3 + "\n\n"
TEXT = PROSE + TIES + PROSE.upper() + TIES[::-1] + "the last line has no end: the the the"
CONVERSATIONS = [
    [("system", "You count sacks.\nBriefly."), ("user", "How many sacks?\n"), ("assistant", "  Three sacks, and the miller's.")],
    [("user", "And rolls? \n\n And crumbs?"), ("assistant", "144 rolls, 1728 crumbs\u2026 \U0001f642")],
    [("user", ""), ("assistant", "The user has said nothing; they'll say more, they'd better.")],
]
CASES = {  # vocab_size, min_frequency, special tokens
    "text_300": (300, 0, [END]),
    "text_400_from_2": (400, 2, [END]),
    "text_2000_from_5": (2000, 5, [END]),
    "text_all": (5000, 0, [END]),
    "text_special": (450, 0, [END, "<|im_start|>", "the", "a", END]),
    "messages_400": (400, 0, [END]),
}


def train(source, vocab_size, min_frequency, special):
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(vocab_size=vocab_size, min_frequency=min_frequency, special_tokens=special,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tok.train([source], trainer) if isinstance(source, str) else tok.train_from_iterator(source, trainer)
    return tok


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    os.makedirs(FOLDER)
    text = os.path.join(FOLDER, "text.txt")
    with open(text, "w", encoding="utf-8", newline="") as f:
        f.write(TEXT)
    with open(os.path.join(FOLDER, "messages.jsonl"), "w", encoding="utf-8") as f:
        for conversation in CONVERSATIONS:
            f.write(json.dumps({"messages": [{"role": r, "content": c} for r, c in conversation]}) + "\n")
    messages = [c for conversation in CONVERSATIONS for _, c in conversation]
    for name, (vocab_size, min_frequency, special) in CASES.items():
        train(messages if name.startswith("messages") else text, vocab_size, min_frequency, special).model.save(FOLDER, name)
        for file in ("merges.txt", "vocab.json"):
            os.rename(os.path.join(FOLDER, f"{name}-{file}"), os.path.join(FOLDER, f"{name}.{file}"))


if __name__ == "__main__":
    if len(sys.argv) > 2 or sys.argv[1:] == ["--help"]:
        sys.exit(__doc__)
    main()
