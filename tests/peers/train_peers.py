#!/usr/bin/env python3
"""Compare `sft` with TRL and transformers, on a small random GPT-2 and real conversations.

usage: train_peers.py SFT ASSETS   (SFT: the program; needs torch, transformers, trl, datasets)
For each template: 10 steps with TRL's SFTTrainer and with `sft train` (losses, gradient norms, weights); then
our checkpoint in transformers: no warning, the same ids and masks, the same loss, the same greedy answers.
Exit 1 where a difference is over its bound.
"""
import json, logging, os, platform, shutil, subprocess, sys, tempfile, warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import datasets
import torch
import transformers
from torch.utils.data import SequentialSampler
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Config, GPT2LMHeadModel, PrinterCallback
from transformers import TrainerCallback
from trl import SFTConfig, SFTTrainer

STEPS, BATCH, LENGTH, RATE, DECAY = 10, 8, 512, 1e-4, 0.01
TRAINED, MASKED, ANSWERED, NEW_TOKENS = 96, 600, 24, 32
CONTROLS = {"im_sep": ["<|im_start|>", "<|im_sep|>", "<|im_end|>"], "chatml": ["<|im_start|>", "<|im_end|>"]}
BETWEEN, AFTER = {"im_sep": "<|im_sep|>", "chatml": "\n"}, {"im_sep": "", "chatml": "\n"}
failures = []


def check(what, difference, bound):
    verdict = "ok" if difference <= bound else "TOO FAR"
    print(f"  {what}: {difference:.2e} (bound {bound:.0e}) {verdict}", flush=True)
    if not difference <= bound:
        failures.append(what)


def sft(program, *args, stdin=None):
    run = subprocess.run([program, *args], input=stdin, capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"{program} {' '.join(args)}: exit {run.returncode}\n{run.stderr}")
    return run.stdout


# ---- what is trained, and on what ----

def make_base(assets, path):
    torch.manual_seed(0)
    GPT2LMHeadModel(GPT2Config(n_layer=4, n_head=4, n_embd=128, n_positions=LENGTH)).save_pretrained(path)
    shutil.copytree(os.path.join(assets, "gpt2-tokenizer"), path, dirs_exist_ok=True)


def conversations(assets):
    """Instructions and multi-turn chats, one of each in turn."""
    def read(name):
        with open(os.path.join(assets, "data", name), encoding="utf-8") as file:
            return json.load(file)

    def instruction(row):
        question = "\n\n".join(part for part in (row["instruction"], row.get("input")) if part)
        return [{"role": "user", "content": question}, {"role": "assistant", "content": row["output"]}]

    def chat(row):
        role = {"human": "user", "gpt": "assistant"}
        return [{"role": role[turn["from"]], "content": turn["value"]} for turn in row["conversations"]]

    sources = [[instruction(r) for r in read("safety-tuned-llamas/safety_only_data_Instructions.json")],
               [instruction(r) for r in read("llama-factory/alpaca_en_demo.json")],
               [chat(r) for r in read("fastchat/dummy_conversation.json")]]
    mixed = [messages for group in zip(*sources) for messages in group]
    return [m for m in mixed if m[1]["content"] and len(m[0]["content"]) < 1000]


def jinja(template):
    start, end = "<|im_start|>", "<|im_end|>"
    header = f"{{{{ '{start}' + m['role'] + '{BETWEEN[template]}' }}}}"
    body, after = f"{{{{ m['content'] + '{end}' }}}}", f"{{{{ '{AFTER[template]}' }}}}"
    text = (f"{{% for m in messages %}}{header}{{% if m['role'] == 'assistant' %}}{{% generation %}}{body}"
            f"{{% endgeneration %}}{{% else %}}{body}{{% endif %}}{after}{{% endfor %}}"
            f"{{% if add_generation_prompt %}}{{{{ '{start}assistant{BETWEEN[template]}' }}}}{{% endif %}}")
    return text.replace("\n", "\\n")


def peer_tokenizer(base, template):
    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.add_special_tokens({"additional_special_tokens": CONTROLS[template]})
    tokenizer.eos_token, tokenizer.pad_token = "<|im_end|>", "<|endoftext|>"
    tokenizer.chat_template = jinja(template)
    return tokenizer


# ---- ten steps ----

class Log(TrainerCallback):
    def __init__(self):
        self.losses = []

    def on_log(self, args, state, control, logs=None, **kwargs):
        if logs and "loss" in logs:
            self.losses.append(float(logs["loss"]))


def train_trl(base, tokenizer, rows, scratch):
    """Losses, gradient norms as logged, gradient norms summed in float64, and the trained model."""
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, resid_pdrop=0.0, embd_pdrop=0.0,
                                                 attn_pdrop=0.0)
    old = model.get_input_embeddings().weight.shape[0]
    model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    with torch.no_grad():
        embeddings = model.get_input_embeddings().weight
        embeddings[old:] = embeddings[:old].double().mean(0).float()
    config = SFTConfig(
        output_dir=scratch, max_steps=STEPS, per_device_train_batch_size=BATCH, learning_rate=RATE,
        lr_scheduler_type="linear", weight_decay=DECAY, max_length=LENGTH, assistant_only_loss=True,
        gradient_checkpointing=False, bf16=False, use_cpu=True, logging_steps=1, save_strategy="no",
        report_to=[], disable_tqdm=True, dataloader_pin_memory=False)
    log, logged, exact = Log(), [], []
    data = datasets.Dataset.from_list([{"messages": messages} for messages in rows])
    trainer = SFTTrainer(model=model, args=config, processing_class=tokenizer, callbacks=[log], train_dataset=data)
    trainer.remove_callback(PrinterCallback)
    trainer._get_train_sampler = lambda *_: SequentialSampler(trainer.train_dataset)
    clip = trainer._clip_grad_norm

    def measured_clip(model):
        exact.append(sum(p.grad.double().square().sum() for p in model.parameters()).sqrt().item())
        logged.append(float(clip(model)))
        return logged[-1]

    trainer._clip_grad_norm = measured_clip
    trainer.train()
    return log.losses, logged, exact, model.eval()


def train_sft(program, base, template, data, out):
    config = out + ".ini"
    with open(config, "w") as file:
        file.write(f"""[model]\nbase = {base}
[data]\ntrain = {data}\nmax_length = {LENGTH}\ntemplate = {template}\nshuffle = false
[train]\noutput_dir = {out}\nmax_steps = {STEPS}\nbatch_size = {BATCH}\nprecision = fp32
learning_rate = {RATE}\nweight_decay = {DECAY}\n""")
    sft(program, "train", config)
    with open(os.path.join(out, "metrics.jsonl")) as file:
        steps = [json.loads(line) for line in file]
    checkpoint = os.path.join(out, f"checkpoint-{STEPS}")
    return [s["loss"] for s in steps], [s["grad_norm"] for s in steps], checkpoint


def relative(ours, theirs):
    assert len(ours) == len(theirs) == STEPS, (len(ours), len(theirs))
    return max(abs(a / b - 1) for a, b in zip(ours, theirs))


def compare_weights(ours, theirs):
    named = dict(theirs.named_parameters())
    return max((p - named[name]).abs().max().item() for name, p in ours.named_parameters())


# ---- our checkpoint in transformers ----

class Collect(logging.Handler):
    def __init__(self):
        super().__init__(logging.WARNING)
        self.messages = []

    def emit(self, record):
        self.messages.append(record.getMessage())


def load_checkpoint(path):
    """What AutoModel and AutoTokenizer make of it, and every complaint that they had."""
    collect, root = Collect(), logging.getLogger("transformers")
    root.addHandler(collect)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        tokenizer = AutoTokenizer.from_pretrained(path)
        model, info = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32, output_loading_info=True)
    root.removeHandler(collect)
    complaints = collect.messages + [str(w.message) for w in caught]
    complaints += [f"{what}: {names}" for what, names in info.items() if names]
    for complaint in complaints:
        print("   ", complaint)
    check("transformers' complaints about our checkpoint", len(complaints), 0)
    return tokenizer, model.eval()


def write_rows(path, rows):
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(json.dumps({"messages": messages}) + "\n" for messages in rows)


def prompt_ids(tokenizer, messages):
    """What is before the first answer."""
    return tokenizer.apply_chat_template(messages[:1], add_generation_prompt=True, return_dict=True)["input_ids"]


def compare_masks(program, checkpoint, tokenizers, rows, scratch):
    """inspect's ids and weights, apply_chat_template's, and the prompts; counted where they differ."""
    data, different, prompts = os.path.join(scratch, "masks.jsonl"), 0, 0
    write_rows(data, rows)
    lines = sft(program, "inspect", "--base", checkpoint, data, "--json", "--set", "data.max_length=1000000",
                "--set", "data.overlong=truncate").splitlines()
    assert len(lines) == len(rows)
    for line, messages in zip(map(json.loads, lines), rows):
        for tokenizer in tokenizers:
            theirs = tokenizer.apply_chat_template(messages, return_dict=True, return_assistant_tokens_mask=True)
            ids, mask = theirs["input_ids"][:LENGTH], theirs["assistant_masks"][:LENGTH]
            different += ids != line["tokens"] or mask != line["weights"]
            prompt = prompt_ids(tokenizer, messages)
            prompts += prompt[:LENGTH] != line["tokens"][: len(prompt)]
    check(f"conversations of {len(rows)} whose ids or masks differ", different, 0)
    check(f"prompts of {len(rows)} that differ", prompts, 0)


def peer_loss(model, tokenizer, rows):
    total, count = 0.0, 0
    for messages in rows:
        out = tokenizer.apply_chat_template(messages, return_dict=True, return_assistant_tokens_mask=True)
        ids, mask = torch.tensor(out["input_ids"][:LENGTH]), torch.tensor(out["assistant_masks"][1:LENGTH])
        with torch.no_grad():
            logits = model(ids[None]).logits[0, :-1]
        nll = torch.nn.functional.cross_entropy(logits[mask > 0], ids[1:][mask > 0], reduction="none")
        total += nll.double().sum().item()
        count += int(mask.sum())
    return total / count, count


def compare_answers(program, checkpoint, model, tokenizer, rows):
    """Greedy answers; where ours departs, the two best logits must be within 1e-3."""
    stdin = "".join(json.dumps({"messages": messages[:1]}) + "\n" for messages in rows)
    lines = sft(program, "generate", "--model", checkpoint, "--json", "--max-new-tokens", str(NEW_TOKENS),
                stdin=stdin).splitlines()
    assert len(lines) == len(rows)
    wrong, ties, tokens = 0, 0, 0
    for line, messages in zip(map(json.loads, lines), rows):
        prompt = prompt_ids(tokenizer, messages)
        with torch.no_grad():
            logits = model(torch.tensor([prompt + line["tokens"]])).logits[0, len(prompt) - 1 : -1]
        for ours, row in zip(line["tokens"], logits):
            tokens += 1
            if ours != row.argmax():
                near = row.max() - row[ours] < 1e-3
                ties, wrong = ties + int(near), wrong + int(not near)
                break
        ended = line["tokens"][-1] == tokenizer.eos_token_id
        wrong += ended != (line["finish_reason"] == "stop")
        wrong += not ended and len(line["tokens"]) != NEW_TOKENS
    check(f"wrong tokens of {tokens} in {len(rows)} greedy answers ({ties} near ties)", wrong, 0)


def compare_template(program, base, template, rows, scratch):
    print(f"template {template}", flush=True)
    data, out = os.path.join(scratch, f"{template}.jsonl"), os.path.join(scratch, template)
    trained = rows[:TRAINED]
    write_rows(data, trained)
    losses, norms, checkpoint = train_sft(program, base, template, data, out)
    tokenizer = peer_tokenizer(base, template)
    peer_losses, logged, exact, peer = train_trl(base, tokenizer, trained, os.path.join(scratch, "trl"))
    check("losses, relative", relative(losses, peer_losses), 1e-5)
    check("gradient norms from TRL's gradients in float64, relative", relative(norms, exact), 1e-5)
    check("gradient norms as TRL logs them, relative", relative(norms, logged), 1e-3)
    exported, model = load_checkpoint(checkpoint)
    check("weights after 10 steps", compare_weights(model, peer), 2e-4)
    compare_masks(program, checkpoint, [tokenizer, exported], rows[:MASKED], scratch)
    told = json.loads(sft(program, "eval", "--model", checkpoint, data, "--json",
                          "--set", f"data.max_length={LENGTH}"))
    loss, count = peer_loss(model, exported, trained)
    check("target tokens", abs(told["num_target_tokens"] - count), 0)
    check("eval loss, relative", abs(told["loss"] / loss - 1), 1e-6)
    compare_answers(program, checkpoint, model, exported, rows[:ANSWERED])


def cpu_name():
    with open("/proc/cpuinfo") as file:
        names = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.processor()


def main(program, assets):
    transformers.utils.logging.disable_progress_bar()
    datasets.disable_progress_bars()
    print(f"{cpu_name()}; torch {torch.__version__}, transformers {transformers.__version__}")
    rows = conversations(assets)
    with tempfile.TemporaryDirectory() as scratch:
        base = os.path.join(scratch, "base")
        make_base(assets, base)
        for template in CONTROLS:
            compare_template(os.path.abspath(program), base, template, rows, scratch)
    if failures:
        sys.exit("too far: " + "; ".join(failures))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
