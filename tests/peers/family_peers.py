#!/usr/bin/env python3
"""Compare `sft` with transformers on a tiny random model of every family (scripts/tiny_models.py).

usage: family_peers.py SFT ASSETS [MODEL...]   (LOGITS: the program of logits.c; needs torch, transformers, tokenizers)
For each: logits, of the config as this transformers spells it, as transformers 4 did and without all that is its
default, and of weights in shards; 10 training steps in fp32 and in bf16 against a torch loop (losses, gradient norms,
weights; in bf16 at most three times as far off as torch's autocast); our checkpoint and its export in transformers:
every key found and none left over, the same logits, loss and greedy tokens. At the end all differences as a table.
Exit 1 where one is over its bound.
"""
import json, os, shutil, subprocess, sys, tempfile

os.environ.setdefault("HF_HUB_OFFLINE", "1")
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scripts"))

import numpy
import tokenizers
import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

import tiny_models

STEPS, BATCH, LENGTH, RATE, DECAY, NEW_TOKENS = 10, 4, 96, 1e-3, 0.01, 16
EPSILON = 1e-5  # well above the rounding noise that is all the gradient a key's bias has where nothing turns
PROMPTS = ["Once", "What is", " the answer", "1 + 1 =", "Dear Sir", "a", "No, thank you.", "\n\n"]
CONTROLS = ["<|im_start|>", "<|im_sep|>", "<|im_end|>"]  # of im_sep, sft's own where the base has no template
AUTOCAST = torch.autocast("cpu", torch.bfloat16, cache_enabled=False)  # what others call training in bf16
failures, table = [], {}


class Failed(Exception):
    """The program's own complaint: the model at hand is given up."""


def tell(model, what, difference):
    table.setdefault(model, {})[what] = difference


def check(model, what, difference, bound):
    verdict = "ok" if difference <= bound else "TOO FAR"
    print(f"  {what}: {difference:.2e} (bound {bound:.0e}) {verdict}", flush=True)
    tell(model, what, difference)
    if not difference <= bound:
        failures.append(f"{model}: {what}")


def run(*command, stdin=None, text=True):
    done = subprocess.run(command, input=stdin if text or stdin is None else stdin.encode(), capture_output=True,
                          text=text)
    if done.returncode:
        stderr = done.stderr if text else done.stderr.decode()
        raise Failed(f"{' '.join(command)}: exit {done.returncode}: {stderr.strip()}")
    return done.stdout


# ---- models and data ----

def make_tokenizer(texts, directory):
    """Byte-level BPE of a few merges."""
    bpe = tokenizers.Tokenizer(tokenizers.models.BPE())
    bpe.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=320, special_tokens=["<|endoftext|>"], show_progress=False,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet())
    bpe.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe, bos_token="<|endoftext|>", eos_token="<|endoftext|>")
    tokenizer.save_pretrained(directory)
    return tokenizer


def read_rows(assets):
    with open(os.path.join(assets, "data/llama-factory/alpaca_en_demo.json"), encoding="utf-8") as file:
        rows = [row for row in json.load(file) if row["output"] and len(row["instruction"]) < 60]
    return [[{"role": "user", "content": row["instruction"]}, {"role": "assistant", "content": row["output"]}]
            for row in rows[: STEPS * BATCH]]


def old_spelling(config):
    """config.json as transformers 4 wrote it."""
    old = dict(config, transformers_version="4.45.0")
    old["torch_dtype"] = old.pop("dtype")
    rope, kind = old.pop("rope_parameters", None), old["model_type"]
    if kind == "gemma3_text":
        full, sliding = dict(rope["full_attention"]), rope["sliding_attention"]
        old["rope_theta"], old["rope_local_base_freq"] = full.pop("rope_theta"), sliding["rope_theta"]
        rope = full
    elif kind == "gpt_neox":
        rope = dict(rope)
        old["rotary_emb_base"], old["rotary_pct"] = rope.pop("rope_theta"), rope.pop("partial_rotary_factor")
    elif rope:
        rope = dict(rope)
        old["rope_theta"] = rope.pop("rope_theta")
    if rope:
        old["rope_scaling"] = None if rope["rope_type"] == "default" else rope
    if kind == "gemma3_text":
        layers = old.pop("layer_types")
        old.pop("_sliding_window_pattern", None)
        old["sliding_window_pattern"] = layers.index("full_attention") + 1
    elif kind in ("gemma2", "qwen2", "qwen3"):
        old.pop("layer_types")
    if kind == "gemma2":
        old["hidden_act"] = old["hidden_activation"]
    if kind == "llama" and old["head_dim"] * old["num_attention_heads"] == old["hidden_size"]:
        old.pop("head_dim")
    return old


def terse_spelling(config):
    """Without what the family's defaults say."""
    default = json.loads(AutoConfig.for_model(config["model_type"]).to_json_string(use_diff=False))
    kept = ("model_type", "architectures")
    return {key: value for key, value in config.items() if key in kept or default.get(key, config) != value}


def respell(base, directory, spelling):
    shutil.copytree(base, directory)
    path = os.path.join(directory, "config.json")
    with open(path) as file:
        config = spelling(json.load(file))
    with open(path, "w") as file:
        json.dump(config, file)


# ---- logits ----

def our_logits(logits, directory, sequences, precision="fp32", *how):
    """how: as a forward pass of training, of a prompt or one that decodes, and how weights are kept (logits.c)."""
    lines = "".join(json.dumps(ids) + "\n" for ids in sequences)
    out = run(logits, directory, precision, *how, stdin=lines, text=False)
    flat = torch.from_numpy(numpy.frombuffer(out, dtype=numpy.float32).copy())
    rows = flat.view(sum(len(ids) for ids in sequences), -1)
    return list(rows.split([len(ids) for ids in sequences]))


def peer_logits(model, sequences):
    with torch.no_grad():
        return [model(torch.tensor([ids])).logits[0] for ids in sequences]


def farthest(ours, theirs):
    return max((a - b).abs().max().item() for a, b in zip(ours, theirs))


def load(directory):
    return AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32, attn_implementation="eager").eval()


def root_mean_square(ours, theirs):
    """Of the differences, relative to that of the logits."""
    ours, theirs = torch.cat(ours).double(), torch.cat(theirs).double()
    return ((ours - theirs).square().mean() / theirs.square().mean()).sqrt().item()


def compare_logits(name, programs, base, sequences, scratch):
    theirs, ours = peer_logits(load(base), sequences), our_logits(programs.logits, base, sequences)
    check(name, "logits", farthest(ours, theirs), 1e-4)
    for way in ("prompt", "decode"):
        passed = our_logits(programs.logits, base, sequences, "fp32", way)
        check(name, f"logits, {way}", farthest(passed, theirs), 1e-4)
    for what, spelling in (("of transformers 4", old_spelling), ("without defaults", terse_spelling)):
        directory = os.path.join(scratch, spelling.__name__)
        respell(base, directory, spelling)
        assert farthest(peer_logits(load(directory), sequences), theirs) == 0, f"{name}: {what}: not the same model"
        check(name, f"logits, config {what}", farthest(our_logits(programs.logits, directory, sequences), ours), 0)
    directory = os.path.join(scratch, "shards")
    shutil.copytree(base, directory, ignore=shutil.ignore_patterns("model*.safetensors"))
    load(base).save_pretrained(directory, max_shard_size="16KB")
    n_shards = sum(file.endswith(".safetensors") for file in os.listdir(directory))
    assert n_shards > 1, f"{name}: {n_shards} shard"
    check(name, "logits, in shards", farthest(our_logits(programs.logits, directory, sequences), ours), 0)
    if load(base).config.tie_word_embeddings:
        directory = os.path.join(scratch, "headless")
        shutil.copytree(base, directory, ignore=shutil.ignore_patterns("model.safetensors"))
        load(base).base_model.save_pretrained(directory)
        check(name, "logits, saved without a head", farthest(our_logits(programs.logits, directory, sequences), ours), 0)
    if programs.bf16:
        with AUTOCAST:
            autocast = root_mean_square(peer_logits(load(base), sequences), theirs)
        tell(name, "logits, autocast", autocast)
        ours = our_logits(programs.logits, base, sequences, "bf16")
        check(name, "logits, bf16", root_mean_square(ours, theirs), 1.5 * autocast)
        for way in ("prompt", "decode"):
            ours = our_logits(programs.logits, base, sequences, "bf16", way)
            check(name, f"logits, bf16, {way}", root_mean_square(ours, theirs), 1.5 * autocast)


# ---- training ----

def grow(model, n_tokens):
    """New rows are the mean of the old ones."""
    old = model.get_input_embeddings().weight.shape[0]
    model.resize_token_embeddings(n_tokens, mean_resizing=False)
    with torch.no_grad():
        for weight in (model.get_input_embeddings().weight, model.get_output_embeddings().weight):
            weight[old:] = weight[:old].double().mean(0).float()


def nll_sum(model, rows):
    """Each conversation by itself, so that nothing is padded."""
    total = 0
    for row in rows:
        ids, weights = torch.tensor(row["tokens"]), torch.tensor(row["weights"])[1:]
        logits = model(ids[None]).logits[0, :-1]
        total = total + (weights * torch.nn.functional.cross_entropy(logits, ids[1:], reduction="none")).sum()
    return total


def weight_sum(rows):
    return sum(sum(row["weights"]) for row in rows)


def train_peer(base, rows, n_tokens):
    model = load(base)
    grow(model, n_tokens)
    decays = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() == 1]
    groups = [{"params": decays, "weight_decay": DECAY}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=RATE, eps=EPSILON)
    schedule = transformers.get_scheduler("linear", optimizer, num_warmup_steps=0, num_training_steps=STEPS)
    losses, norms = [], []
    for step in range(STEPS):
        batch = rows[step * BATCH : (step + 1) * BATCH]
        optimizer.zero_grad()
        loss = nll_sum(model, batch) / weight_sum(batch)
        loss.backward()
        losses.append(loss.item())
        norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0).item())
        optimizer.step()
        schedule.step()
    return losses, norms, model


def train_sft(program, base, data, out, precision):
    config = out + ".ini"
    with open(config, "w") as file:
        file.write(f"""[model]\nbase = {base}
[data]\ntrain = {data}\nmax_length = {LENGTH}\ntemplate = im_sep\nshuffle = false
[train]\noutput_dir = {out}\nmax_steps = {STEPS}\nbatch_size = {BATCH}\nprecision = {precision}
learning_rate = {RATE}\nweight_decay = {DECAY}\nadam_epsilon = {EPSILON}\n""")
    lines = run(program, "inspect", config, "--json").splitlines()
    run(program, "train", config)
    with open(os.path.join(out, "metrics.jsonl")) as file:
        steps = [json.loads(line) for line in file]
    return ([json.loads(line) for line in lines], [step["loss"] for step in steps],
            [step["grad_norm"] for step in steps], os.path.join(out, f"checkpoint-{STEPS}"))


def relative(ours, theirs):
    assert len(ours) == len(theirs) == STEPS, (len(ours), len(theirs))
    return max(abs(a / b - 1) for a, b in zip(ours, theirs))


def weight_distance(ours, theirs):
    named = dict(theirs.named_parameters())
    return max((p - named[key]).abs().max().item() for key, p in ours.named_parameters())


def compare_training(name, programs, base, data, scratch):
    """Returns our checkpoint, in fp32, and the rows."""
    rows, losses, norms, checkpoint = train_sft(programs.sft, base, data, os.path.join(scratch, "fp32"), "fp32")
    n_tokens = len(AutoTokenizer.from_pretrained(checkpoint))
    peer_losses, peer_norms, peer = train_peer(base, rows, n_tokens)
    check(name, "losses", relative(losses, peer_losses), 1e-5)
    check(name, "gradient norms", relative(norms, peer_norms), 1e-3)
    check(name, "weights", weight_distance(load(checkpoint), peer), 2e-4)
    if programs.bf16:
        _, losses, norms, bf16 = train_sft(programs.sft, base, data, os.path.join(scratch, "bf16"), "bf16")
        with AUTOCAST:
            cast_losses, cast_norms, cast = train_peer(base, rows, n_tokens)
        for what, ours, theirs, least in (
                ("losses", relative(losses, peer_losses), relative(cast_losses, peer_losses), 1e-3),
                ("gradient norms", relative(norms, peer_norms), relative(cast_norms, peer_norms), 6e-3),
                ("weights", weight_distance(load(bf16), peer), weight_distance(cast, peer), 2e-3)):
            tell(name, f"{what}, autocast", theirs)
            check(name, f"{what}, bf16", ours, max(least, 3 * theirs))
    return checkpoint, rows


# ---- our checkpoint in transformers ----

def load_whole(name, what, directory):
    """Every key must be there, and none left over."""
    model, info = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32, attn_implementation="eager",
                                                       output_loading_info=True)
    complaints = [f"{what}: {sorted(keys)}" for what, keys in info.items() if keys]
    for complaint in complaints:
        print("   ", complaint)
    check(name, f"{what}: keys missing or unexpected", len(complaints), 0)
    return model.eval()


def compare_checkpoint(name, programs, checkpoint, data, rows):
    exported, sequences = checkpoint + "-bf16", [row["tokens"] for row in rows[:8]]
    run(programs.sft, "export", "--model", checkpoint, "--out", exported, "--dtype", "bf16")
    for what, directory in (("export", exported), ("checkpoint", checkpoint)):
        model = load_whole(name, what, directory)
        ours = our_logits(programs.logits, directory, sequences)
        check(name, f"{what}: logits", farthest(ours, peer_logits(model, sequences)), 1e-4)
    told = json.loads(run(programs.sft, "eval", "--model", checkpoint, data, "--json", "--set",
                          f"data.max_length={LENGTH}"))
    with torch.no_grad():
        loss = (nll_sum(model, rows) / weight_sum(rows)).item()
    check(name, "checkpoint: loss", abs(told["loss"] / loss - 1), 1e-6)
    tokenizer, different = AutoTokenizer.from_pretrained(checkpoint), 0
    lines = run(programs.sft, "generate", "--model", checkpoint, "--raw", "--json", "--max-new-tokens", str(NEW_TOKENS),
                stdin="".join(json.dumps({"prompt": prompt}) + "\n" for prompt in PROMPTS)).splitlines()
    for line, prompt in zip(map(json.loads, lines), PROMPTS, strict=True):
        ids = tokenizer(prompt, return_tensors="pt").input_ids
        answer = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=NEW_TOKENS,
                                pad_token_id=0)[0, ids.shape[1]:].tolist()
        different += answer != line["tokens"]
    check(name, f"checkpoint: greedy answers of {len(PROMPTS)} that differ", different, 0)


# ---- all ----

class Programs:
    def __init__(self, sft):
        self.sft = os.path.abspath(sft)
        self.logits = os.path.abspath(os.environ.get("LOGITS", "build/release/peers/logits"))
        with open("/proc/cpuinfo") as file:
            flags = file.read()
        self.bf16 = "avx512_bf16" in flags or "amx_bf16" in flags
        if not self.bf16:
            print("SKIP: bf16: this CPU has no instructions for it")


def compare_model(name, programs, messages, scratch):
    base, data = os.path.join(scratch, "base"), os.path.join(scratch, "data.jsonl")
    tokenizer = make_tokenizer([m["content"] for row in messages for m in row], base)
    with open(data, "w", encoding="utf-8") as file:
        file.writelines(json.dumps({"messages": row}) + "\n" for row in messages)
    tiny_models.make_model(name, len(tokenizer), LENGTH).save_pretrained(base)
    sequences = [tokenizer(row[1]["content"]).input_ids[:LENGTH] for row in messages[:8]]
    compare_logits(name, programs, base, sequences, scratch)
    checkpoint, rows = compare_training(name, programs, base, data, scratch)
    compare_checkpoint(name, programs, checkpoint, data, rows)


def print_table():
    columns = list(dict.fromkeys(what for row in table.values() for what in row))
    print("\n| model | " + " | ".join(columns) + " |\n|" + "---|" * (len(columns) + 1))
    for name, row in table.items():
        cells = [f"{row[what]:.1e}" if row.get(what) else "0" if what in row else "" for what in columns]
        print(f"| {name} | " + " | ".join(cells) + " |")


def main(sft, assets, names):
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, transformers {transformers.__version__}")
    programs, messages = Programs(sft), read_rows(assets)
    for name in names or tiny_models.MODELS:
        print(name, flush=True)
        with tempfile.TemporaryDirectory() as scratch:
            try:
                compare_model(name, programs, messages, scratch)
            except Failed as failed:
                print("  ", failed)
                failures.append(f"{name}: {failed}")
    print_table()
    if failures:
        sys.exit("too far: " + "; ".join(failures))


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
