#!/usr/bin/env python3
"""Compare adapters with PEFT's on tiny random models (scripts/tiny_models.py).

usage: peft_peers.py SFT ASSETS [MODEL...]   (ADAPTER: the program of adapter.c; needs torch, transformers, peft)
For each model: adapters of configs drawn at random, saved by PEFT, give the logits that PEFT computes, side by side and
merged; what we write of them, and adapters of our own, PEFT loads without a key that is missing or left over, with the
same logits, and merges into the same. Exit 1 where one differs. SFT and ASSETS are not used.
"""
import json, os, random, shutil, subprocess, sys, tempfile, warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scripts"))
warnings.filterwarnings("ignore")

import numpy
import torch
import transformers
from peft import LoraConfig, PeftConfig, get_peft_model, load_peft_weights, set_peft_model_state_dict
from transformers import AutoModelForCausalLM

import tiny_models

transformers.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()

NAMES = ["gpt2", "gpt2_untied", "llama", "llama3", "gemma3", "qwen2", "gpt_neox", "opt"]
VOCAB, POSITIONS, GROWN, RANDOM_CONFIGS, BOUND = 96, 48, 99, 12, 1e-5
ADAPTER = os.path.abspath(os.environ.get("ADAPTER", "build/release/peers/adapter"))
PROMPTS = [[(7 * i + 3) % VOCAB for i in range(20)] + [5, 2, 3, 4], [1, 95, 4], [2, 3] * 15]
NEW_PROMPTS = [[1, 2, 96, 97, 98], [98, 96, 3, 4, 5]]
failures = []


def load_base(directory, vocab):
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float64, attn_implementation="eager")
    if vocab != VOCAB:
        model.resize_token_embeddings(vocab, mean_resizing=False)
    return model


def logits_of(model, prompts):
    with torch.no_grad():
        return numpy.stack([model(torch.tensor([prompt])).logits[0, -1].numpy() for prompt in prompts])


def run(base, prompts, vocab, *arguments):
    """Logits side by side and merged; None after a complaint, which is printed."""
    lines = "".join(json.dumps(prompt) + "\n" for prompt in prompts)
    done = subprocess.run([ADAPTER, base, *arguments], input=lines.encode(), capture_output=True)
    if done.returncode:
        print("  ", done.stderr.decode().strip())
        return None
    logits = numpy.frombuffer(done.stdout, dtype=numpy.float32).reshape(len(prompts), 2, vocab)
    return logits[:, 0], logits[:, 1]


def differs(what, ours, theirs):
    worst = numpy.abs(ours - theirs).max() / numpy.abs(theirs).max()
    if not worst <= BOUND:
        print(f"  {what}: off by {worst:.1e} (bound {BOUND:.0e}) TOO FAR")
    return not worst <= BOUND


def fail(model, what):
    failures.append(f"{model}: {what}")


def load_ours(base, directory, vocab):
    """By PEFT, every key found and none left over."""
    model = get_peft_model(load_base(base, vocab), PeftConfig.from_pretrained(directory))
    result = set_peft_model_state_dict(model, load_peft_weights(directory, device="cpu"))
    ours = ("lora_", "modules_to_save", "trainable_tokens_delta")
    tied = "lm_head.token_adapter" if model.config.tie_word_embeddings else "nothing"  # the embedding's own
    missing = [key for key in result.missing_keys if any(part in key for part in ours) and tied not in key]
    if missing or result.unexpected_keys:
        print(f"  missing {missing}, unexpected {result.unexpected_keys}")
        return None
    return model.to(torch.float64).eval()


# ---- adapters that PEFT made ----

def modules(model, kind):
    names = {name.split(".")[-1] for name, module in model.named_modules()
             if kind in type(module).__name__ and module is not model.get_output_embeddings()}
    return sorted(names)


def draw_targets(rng, model, linear):
    paths = [name for name, _ in model.named_modules() if name.split(".")[-1] in linear and name != "lm_head"]
    return rng.choice([
        "all-linear",
        rng.sample(linear, rng.randint(1, len(linear))),
        rng.sample(paths, rng.randint(1, len(paths))),
        rng.sample(paths, 1) + rng.sample(linear, 1) + ["nonsense"],
        rf".*\.[01]\..*({'|'.join(rng.sample(linear, rng.randint(1, len(linear))))})",
    ])


def draw_config(rng, model):
    linear = modules(model, "Linear") + modules(model, "Conv1D")
    config = dict(r=rng.randint(1, 4), lora_alpha=rng.choice([1, 4, 7]), use_rslora=rng.random() < 0.3,
                  target_modules=draw_targets(rng, model, linear))
    if isinstance(config["target_modules"], list) and rng.random() < 0.3:
        config.update(layers_to_transform=rng.choice([0, 1, [0, 1]]))
    if rng.random() < 0.3:
        config.update(exclude_modules=rng.choice([[rng.choice(linear)], rf".*\.0\..*{rng.choice(linear)}"]))
    if rng.random() < 0.4:
        ranks = {rng.choice(linear): 2, rf"0\..*\.{rng.choice(linear)}": 3}
        config.update(rank_pattern=dict(sorted(ranks.items())))  # PEFT sorts them where it writes them
    if rng.random() < 0.4:
        config.update(alpha_pattern={rng.choice(linear): 2})
    embedding = next(name for name, module in model.named_modules() if module is model.get_input_embeddings())
    tied, ends = model.config.tie_word_embeddings, rng.random()
    if ends < 0.1 and tied:
        config.update(modules_to_save=[embedding.split(".")[-1], "lm_head"], ensure_weight_tying=True)
    elif ends < 0.2:
        config.update(modules_to_save=rng.sample([embedding, "lm_head", modules(model, "Norm")[0]], 2))
    elif ends < 0.4:
        config.update(trainable_token_indices=rng.sample(range(VOCAB), 3))
    elif ends < 0.5:
        config.update(trainable_token_indices={embedding.split(".")[-1]: [4, 2], "lm_head": rng.choice([[4, 2], [7]])})
    elif ends < 0.6:
        config.update(modules_to_save=[rng.choice(modules(model, "Norm"))])
    return config


def randomize(model):
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * 0.2)


def check_theirs(name, base, directory, rng, index):
    vocab = GROWN if rng.random() < 0.25 else VOCAB
    model = load_base(base, vocab)
    config = draw_config(rng, model)
    prompts = PROMPTS + (NEW_PROMPTS if vocab == GROWN else [])
    try:
        model = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **config))
    except ValueError as error:  # nothing is left that could be a target
        print(f"  not PEFT's either: {config}: {str(error)[:60]}")
        return
    randomize(model)
    model.save_pretrained(directory)
    theirs = logits_of(model.eval(), prompts)
    again = f"{directory}-again"
    os.makedirs(again)
    ours = run(base, prompts, vocab, "load", directory, again)
    what = f"config {index}: vocabulary {vocab}, {config}"
    if ours is None:
        return fail(name, what)
    if differs("side by side", ours[0], theirs) or differs("merged", ours[1], theirs):
        return fail(name, what)
    reread = load_ours(base, again, vocab)
    if reread is None or differs("written again", logits_of(reread, prompts), theirs):
        fail(name, f"written again: {what}")


# ---- adapters that we made ----

def our_wishes(model):
    linear = modules(model, "Linear") + modules(model, "Conv1D")
    embedding = next(name for name, module in model.named_modules() if module is model.get_input_embeddings())
    embedding = embedding.split(".")[-1]
    norm = modules(model, "Norm")[0]
    return [("all-linear", "", ""), (" ".join(linear[:2]), "", "3 5"), ("all-linear", "", "2 96 97 98"),
            (linear[0], f"{embedding} {norm}", ""), ("all-linear", "lm_head", ""),
            ("all-linear", f"{embedding} lm_head", "")]


def check_ours(name, base, directory, wish):
    targets, saved, rows = wish
    vocab = GROWN if "98" in rows else VOCAB
    prompts = PROMPTS + (NEW_PROMPTS if vocab == GROWN else [])
    os.makedirs(directory)
    ours = run(base, prompts, vocab, "make", directory, targets, saved, rows)
    if ours is None or differs("merged", ours[1], ours[0]):
        return fail(name, f"our own: {wish}")
    model = load_ours(base, directory, vocab)
    if model is None or differs("in PEFT", ours[0], logits_of(model, prompts)):
        return fail(name, f"our own in PEFT: {wish}")
    if differs("merged by PEFT", ours[1], logits_of(model.merge_and_unload(), prompts)):
        fail(name, f"our own merged by PEFT: {wish}")


def main():
    scratch = tempfile.mkdtemp(prefix="sft-peft-peers-")
    for name in sys.argv[3:] or NAMES:
        rng = random.Random(name)
        torch.manual_seed(0)
        base = f"{scratch}/{name}"
        model = tiny_models.make_model(name, VOCAB, POSITIONS)
        model.save_pretrained(base)
        before = len(failures)
        for index in range(RANDOM_CONFIGS):
            check_theirs(name, base, f"{scratch}/{name}-{index}", rng, index)
        for index, wish in enumerate(our_wishes(load_base(base, VOCAB))):
            check_ours(name, base, f"{scratch}/{name}-ours-{index}", wish)
        print(f"{name}: {'ok' if len(failures) == before else 'FAILED'}", flush=True)
    shutil.rmtree(scratch)
    for failure in failures:
        print("failed:", failure)
    sys.exit(1 if failures else 0)


main()
