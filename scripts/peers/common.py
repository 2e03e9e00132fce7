"""What the peers' programs share: tokenizer, template and model as sft has them, and the record of their steps."""
import json
import os
import time

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

BATCH_SIZE, MAX_LENGTH, LEARNING_RATE, WEIGHT_DECAY = 8, 512, 1e-4, 0.01  # compare.py gives sft the same

CONTROL_TOKENS = ["<|im_start|>", "<|im_sep|>", "<|im_end|>"]
IM_SEP = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '<|im_sep|>' }}"
    "{% if m['role'] == 'assistant' %}{% generation %}{{ m['content'] + '<|im_end|>' }}{% endgeneration %}"
    "{% else %}{{ m['content'] + '<|im_end|>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant<|im_sep|>' }}{% endif %}"
)


def use_all_cores():
    """OMP_NUM_THREADS is what compare.py gives every program."""
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    torch.manual_seed(0)


def load_tokenizer(base):
    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.pad_token = tokenizer.eos_token
    tokenizer.add_special_tokens({"additional_special_tokens": CONTROL_TOKENS})
    tokenizer.eos_token = CONTROL_TOKENS[-1]
    tokenizer.chat_template = IM_SEP
    return tokenizer


def load_model(base, tokenizer):
    """In fp32, without dropout, which sft has not, and with the rows that the control tokens need."""
    config = AutoConfig.from_pretrained(base)
    for name in ("resid_pdrop", "embd_pdrop", "attn_pdrop"):
        setattr(config, name, 0.0)
    model = AutoModelForCausalLM.from_pretrained(base, config=config, dtype=torch.float32)
    rows = model.get_input_embeddings().weight.shape[0]
    if len(tokenizer) > rows:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
        with torch.no_grad():
            embeddings = model.get_input_embeddings().weight
            embeddings[rows:] = embeddings[:rows].mean(0)
    return model


def read_conversations(path):
    with open(path, encoding="utf-8") as file:
        return [{"messages": json.loads(line)["messages"]} for line in file]


class StepRecord:
    """When each step ended and how many real tokens it held; compare.py makes the speeds of it."""

    def __init__(self):
        self.ends, self.tokens = [], []

    def end_step(self, tokens):
        self.ends.append(time.time())
        self.tokens.append(tokens)

    def write(self, path, **more):
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"ends": self.ends, "tokens": self.tokens, **more}, file)
