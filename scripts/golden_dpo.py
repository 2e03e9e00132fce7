#!/usr/bin/env python3
"""Write tests/golden/dpo.json: what TRL's DPOTrainer makes of pairs of token ids, with models of tests/golden/model.

usage: golden_dpo.py ASSETS        (run in the repository's root, after golden_model.py; ASSETS is not read)

10 steps of each model and case, in float64 but for the log-probabilities, which TRL has in float32: losses, gradient
norms, rewards and log-probabilities, and of each of the final weights its norm and its dot product with sin(1),
sin(2), ... Prompts are long enough to be worth sharing; some pairs have the same, and some answers begin alike.
"""
import copy
import datetime
import json
import math
import random
import sys
import tempfile

import datasets
import torch
import transformers
import trl
from torch.utils.data import SequentialSampler
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast, PrinterCallback, TrainerCallback
from trl import DPOConfig, DPOTrainer

OUT, BASES, TOKENIZER = "tests/golden/dpo.json", "tests/golden/model", "tests/golden/tiny_tokenizer/tokenizer.json"
MODELS = ["gpt2", "llama3"]
VOCAB, POSITIONS, STEPS, BATCH = 96, 48, 10, 3
LEARNING_RATE, WEIGHT_DECAY, MAX_GRAD_NORM, EPSILON = 1e-3, 0.01, 1.0, 1e-3
SMOOTHING, SFT_WEIGHT = 0.2, 0.5
# (the keys of [dpo], what TRL has for them)
CASES = {
    "sigmoid": (dict(loss_type="sigmoid", beta=0.1), dict(loss_type=["sigmoid"])),
    "ipo": (dict(loss_type="ipo", beta=0.2), dict(loss_type=["ipo"])),
    # TRL's own smoothing, "robust", takes the exchanged pairs' loss off; with these weights the sum of both is what
    # conservative DPO adds: (1 - e) l(d) + e l(-d)
    "label_smoothing": (dict(loss_type="sigmoid", beta=0.5, label_smoothing=SMOOTHING),
                        dict(loss_type=["sigmoid", "robust"], label_smoothing=SMOOTHING,
                             loss_weights=[2 - 2 * SMOOTHING, -(1 - 2 * SMOOTHING)])),
    "sft_weight": (dict(loss_type="sigmoid", beta=0.1, sft_weight=SFT_WEIGHT),
                   dict(loss_type=["sigmoid", "sft"], loss_weights=[1.0, SFT_WEIGHT])),
}
KEYS = ["loss", "grad_norm", "rewards/chosen", "rewards/rejected", "rewards/accuracies", "rewards/margins",
        "logps/chosen", "logps/rejected"]


def make_pairs():
    rng = random.Random(0)

    def tokens(low, high):
        return [rng.randrange(VOCAB) for _ in range(rng.randint(low, high))]

    pairs = []
    for i in range(BATCH * 4):
        pair = {"prompt_ids": tokens(21, 30), "chosen_ids": tokens(2, 12), "rejected_ids": tokens(2, 12)}
        if i % 5 == 1:  # the same prompt as the pair before it
            pair["prompt_ids"] = pairs[-1]["prompt_ids"]
        if i % 4 == 2:  # answers that begin alike
            pair["rejected_ids"] = pair["chosen_ids"][:2] + pair["rejected_ids"]
        assert all(len(pair["prompt_ids"] + pair[key]) <= POSITIONS for key in ("chosen_ids", "rejected_ids"))
        pairs.append(pair)
    return pairs


class Log(TrainerCallback):
    def __init__(self):
        self.lines = []

    def on_log(self, args, state, control, logs=None, **kwargs):
        if logs and "loss" in logs:
            self.lines.append({key: logs[key] for key in KEYS})


class Trainer(DPOTrainer):
    """Of pairs that are tokens already, in their order."""

    def _prepare_dataset(self, dataset, *args, **kwargs):
        return dataset

    def _get_train_sampler(self, *args):
        return SequentialSampler(self.train_dataset)


def tell(tensor):
    flat = tensor.detach().flatten()
    return [flat.norm().item(), sum(x * math.sin(i + 1) for i, x in enumerate(flat.tolist()))]


def train(name, pairs, keys, options, scratch):
    model = AutoModelForCausalLM.from_pretrained(f"{BASES}/{name}", dtype=torch.float64, attn_implementation="eager")
    config = DPOConfig(
        output_dir=scratch, max_steps=STEPS, per_device_train_batch_size=BATCH, learning_rate=LEARNING_RATE,
        lr_scheduler_type="linear", weight_decay=WEIGHT_DECAY, adam_epsilon=EPSILON, max_grad_norm=MAX_GRAD_NORM,
        max_length=POSITIONS, beta=keys["beta"], gradient_checkpointing=False, bf16=False, use_cpu=True,
        logging_steps=1, save_strategy="no", report_to=[], disable_tqdm=True, dataloader_pin_memory=False, **options)
    log, tokenizer = Log(), PreTrainedTokenizerFast(tokenizer_file=TOKENIZER, eos_token="<|endoftext|>",
                                                    pad_token="<|endoftext|>")
    tokenizer.pad_token_id = 0  # the tokenizer's own is none of the model's; what is padded is masked
    trainer = Trainer(model=model, ref_model=copy.deepcopy(model), args=config, processing_class=tokenizer,
                      callbacks=[log], train_dataset=datasets.Dataset.from_list(pairs))
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    assert len(log.lines) == STEPS
    weights = {key: tell(parameter) for key, parameter in trainer.model.named_parameters()}
    return {**keys, "steps": log.lines, "weights": weights}


def rounded(content):
    """Nine digits of each number: more than any test can tell apart."""
    if isinstance(content, dict):
        return {key: rounded(value) for key, value in content.items()}
    if isinstance(content, list):
        return [rounded(value) for value in content]
    return float(f"{content:.9g}") if isinstance(content, float) else content


def main():
    torch.set_num_threads(1)
    datasets.disable_progress_bars()
    transformers.utils.logging.disable_progress_bar()
    pairs = make_pairs()
    golden = {
        "made_by": "scripts/golden_dpo.py ASSETS", "date": datetime.date.today().isoformat(),
        "versions": f"torch {torch.__version__}, transformers {transformers.__version__}, trl {trl.__version__}",
        "learning_rate": LEARNING_RATE, "weight_decay": WEIGHT_DECAY, "adam_epsilon": EPSILON,
        "max_grad_norm": MAX_GRAD_NORM, "batch_size": BATCH,
        "pairs": [{key.removesuffix("_ids"): ids for key, ids in pair.items()} for pair in pairs], "models": {}}
    for name in MODELS:
        with tempfile.TemporaryDirectory() as scratch:
            golden["models"][name] = {case: train(name, pairs, *of, scratch) for case, of in CASES.items()}
    with open(OUT, "w") as out:
        out.write(json.dumps(rounded(golden)).replace("}, ", "},\n").replace("], \"", "],\n\"") + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    main()
