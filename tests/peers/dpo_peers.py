#!/usr/bin/env python3
"""Compare `sft train` with objective = dpo with TRL's DPOTrainer, on small random models and pairs of real answers.

usage: dpo_peers.py SFT ASSETS [CASE...]   (SFT: the program; needs torch, transformers, trl, peft, datasets)
For each case 10 steps in fp32: losses, gradient norms, rewards, log-probabilities, and the weights, or the adapter.
Exit 1 where a difference is over its bound.
"""
import copy, json, os, sys, tempfile, warnings

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import datasets
import peft
import torch
import transformers
from torch.utils.data import SequentialSampler
from transformers import AutoModelForCausalLM, PrinterCallback, TrainerCallback
from trl import DPOConfig, DPOTrainer

import family_peers
import tiny_models
import train_peers
from train_peers import check, cpu_name, peer_tokenizer, sft

STEPS, BATCH, LENGTH, RATE, DECAY, TEMPLATE = family_peers.STEPS, family_peers.BATCH, 96, 1e-4, 0.01, "im_sep"
EPSILON = family_peers.EPSILON
MODELS = ["gpt2", "llama3"]  # the second is as SmolLM2 is, and small
MEANS = ["rewards/chosen", "rewards/rejected", "rewards/accuracies", "rewards/margins"]
LOGPS = ["logps/chosen", "logps/rejected"]
SMOOTHING = 0.2
LORA = "r = 8\nlora_alpha = 16\n"


class Case:
    """The keys of [dpo], and what TRL has for them."""

    def __init__(self, name, keys, lora=False, **trl):
        self.name, self.keys, self.lora, self.trl = name, keys, lora, trl


CASES = [
    Case("sigmoid", "", loss_type=["sigmoid"]),
    Case("beta", "beta = 0.5\n", loss_type=["sigmoid"], beta=0.5),
    Case("ipo", "loss_type = ipo\n", loss_type=["ipo"]),
    # TRL's own smoothing, "robust", takes the exchanged pairs' loss off; with these weights the sum of both is what
    # conservative DPO adds: (1 - e) l(d) + e l(-d)
    Case("label_smoothing", f"label_smoothing = {SMOOTHING}\n", loss_type=["sigmoid", "robust"],
         label_smoothing=SMOOTHING, loss_weights=[2 - 2 * SMOOTHING, -(1 - 2 * SMOOTHING)]),
    Case("sft_weight", "sft_weight = 0.5\n", loss_type=["sigmoid", "sft"], loss_weights=[1.0, 0.5]),
    Case("lora", "", lora=True, loss_type=["sigmoid"]),
    Case("lora, ipo", "loss_type = ipo\n", lora=True, loss_type=["ipo"]),
]


# ---- what is trained, and on what ----

def make_base(name, rows, path):
    """With the template's tokens, as a model that was trained on it has them."""
    texts = [m["content"] for row in rows for part in row.values() for m in part]
    family_peers.make_tokenizer(texts, path)
    tokenizer = peer_tokenizer(path, TEMPLATE)
    tokenizer.save_pretrained(path)
    tiny_models.make_model(name, len(tokenizer), LENGTH).save_pretrained(path)


def pairs(assets):
    """Each prompt with its own answer, and that of another; some prompts are of several turns. Answers are short: TRL
    sums their log-probabilities as floats."""
    rows = family_peers.read_rows(assets)
    answers = [[dict(row[1], content=" ".join(row[1]["content"].split()[: 4 + i % 9]))] for i, row in enumerate(rows)]
    found = []
    for i, row in enumerate(rows):
        before = row[:1] + answers[i - 1] if i % 3 == 0 else []
        found.append({"prompt": before + row[:1], "chosen": answers[i], "rejected": answers[i - 1]})
    return found


# ---- ten steps ----

class Log(TrainerCallback):
    def __init__(self):
        self.lines = []

    def on_log(self, args, state, control, logs=None, **kwargs):
        if logs and "loss" in logs:
            self.lines.append(dict(logs))


def train_trl(case, model, tokenizer, rows, scratch):
    """Its lines, with gradient norms summed in float64; the model is trained in place."""
    config = DPOConfig(
        output_dir=scratch, max_steps=STEPS, per_device_train_batch_size=BATCH, learning_rate=RATE,
        lr_scheduler_type="linear", weight_decay=DECAY, adam_epsilon=EPSILON, max_length=LENGTH, gradient_checkpointing=False, bf16=False,
        use_cpu=True, logging_steps=1, save_strategy="no", report_to=[], disable_tqdm=True,
        dataloader_pin_memory=False, **case.trl)
    log = Log()
    reference = None if case.lora else copy.deepcopy(model)
    trainer = DPOTrainer(model=model, ref_model=reference, args=config, processing_class=tokenizer, callbacks=[log],
                         train_dataset=datasets.Dataset.from_list(rows))
    trainer.remove_callback(PrinterCallback)
    trainer._get_train_sampler = lambda *_: SequentialSampler(trainer.train_dataset)
    clip, exact = trainer._clip_grad_norm, []

    def measured_clip(model):
        grads = [p.grad for p in model.parameters() if p.grad is not None]
        exact.append(sum(g.double().square().sum() for g in grads).sqrt().item())
        return clip(model)

    trainer._clip_grad_norm = measured_clip
    trainer.train()
    return [dict(line, grad_norm=norm) for line, norm in zip(log.lines, exact)], trainer.model.eval()


def train_sft(program, case, base, data, out, **train):
    keys = dict(dict(output_dir=out, max_steps=STEPS, batch_size=BATCH, precision="fp32", learning_rate=RATE,
                     weight_decay=DECAY, adam_epsilon=EPSILON, objective="dpo"), **train)
    with open(out + ".ini", "w") as file:
        file.write(f"[model]\nbase = {base}\n[data]\ntrain = {data}\nmax_length = {LENGTH}\ntemplate = {TEMPLATE}\n"
                   "shuffle = false\n[train]\n")
        file.writelines(f"{key} = {value}\n" for key, value in keys.items())
        file.write(f"[dpo]\n{case.keys}" + (f"[lora]\n{LORA}" if case.lora else ""))
    sft(program, "train", out + ".ini")
    with open(os.path.join(out, "metrics.jsonl")) as file:
        return [json.loads(line) for line in file], os.path.realpath(os.path.join(out, "last"))


# ---- both ----

def column(lines, key):
    return torch.tensor([line[key] for line in lines], dtype=torch.float64)


def relative(ours, theirs, key):
    return (column(ours, key) / column(theirs, key) - 1).abs().max().item()


def compare_lines(ours, theirs):
    assert len(ours) == len(theirs) == STEPS, (len(ours), len(theirs))
    check("losses, relative", relative(ours, theirs, "loss"), 1e-5)
    check("gradient norms, relative", relative(ours, theirs, "grad_norm"), 1e-3)
    for key in MEANS:
        check(key, (column(ours, key) - column(theirs, key)).abs().max().item(), 1e-4)
    for key in LOGPS:
        check(f"{key}, relative", relative(ours, theirs, key), 1e-5)
    check("mean_token_accuracy", (column(ours, "mean_token_accuracy") -
                                  column(theirs, "mean_token_accuracy")).abs().max().item(), 1e-6)


def trained_of(model):
    return {name: p for name, p in model.named_parameters() if p.requires_grad and ".ref." not in name}


def compare_weights(ours, theirs):
    ours, theirs = trained_of(ours), trained_of(theirs)
    assert ours.keys() == theirs.keys(), sorted(ours.keys() ^ theirs.keys())
    check("weights after 10 steps", max((ours[name] - p).abs().max().item() for name, p in theirs.items()), 2e-4)


def load(path, adapter=None):
    model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
    return peft.PeftModel.from_pretrained(model, adapter, is_trainable=True) if adapter else model


def compare_case(program, case, base, data, rows, scratch):
    tokenizer, out = peer_tokenizer(base, TEMPLATE), os.path.join(scratch, "run")
    first = None
    if case.lora:  # the adapter that sft begins with
        _, first = train_sft(program, case, base, data, os.path.join(scratch, "first"), max_steps=1, learning_rate=0.0)
    lines, checkpoint = train_sft(program, case, base, data, out)
    peer_lines, peer = train_trl(case, load(base, first), tokenizer, rows, os.path.join(scratch, "trl"))
    compare_lines(lines, peer_lines)
    compare_weights(load(base, checkpoint) if case.lora else load(checkpoint), peer)


def main(program, assets, names):
    warnings.simplefilter("ignore")
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(1)
    datasets.disable_progress_bars()
    print(f"{cpu_name()}; torch {torch.__version__}, transformers {transformers.__version__}")
    rows = pairs(assets)
    for name in MODELS:
        for case in CASES:
            if names and case.name not in names:
                continue
            print(f"{name}, {case.name}", flush=True)
            with tempfile.TemporaryDirectory() as scratch:
                base, data = os.path.join(scratch, "base"), os.path.join(scratch, "pairs.jsonl")
                make_base(name, rows, base)
                with open(data, "w", encoding="utf-8") as file:
                    file.writelines(json.dumps(row) + "\n" for row in rows)
                compare_case(os.path.abspath(program), case, base, data, rows, scratch)
    if train_peers.failures:
        sys.exit("too far: " + "; ".join(train_peers.failures))


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
