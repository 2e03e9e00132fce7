#!/usr/bin/env python3
"""Compare `sft train` with [lora] with PEFT over transformers, on tiny random models (scripts/tiny_models.py).

usage: lora_peers.py SFT ASSETS [MODEL...]   (LOGITS: the program of logits.c; needs torch, transformers, peft)
For each case, 10 steps in fp32 from the same adapter: one that PEFT made, with random values everywhere, and the one
that sft begins with. Losses, gradient norms, and what was trained; of each checkpoint of ours, in PEFT: every key found
and none left over, the same tensors trained as PEFT chooses, and the logits of the model that sft makes of both.
Exit 1 where one is over its bound.
"""
import copy, json, os, shutil, sys, tempfile, warnings

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import peft
import torch
import transformers
from transformers import AutoTokenizer

import family_peers as peers
import tiny_models
from family_peers import BATCH, CONTROLS, LENGTH, RATE, STEPS, Failed, check, run

EPSILON = 1e-4  # above the noise in gradients of a B that is nothing yet, which AdamW would make whole steps of
DECAY = 5.0  # times the learning rate that is 0.5% a step
BOUNDS = dict(losses=1e-5, norms=1e-3, tensors=2e-4)
INT8 = dict(losses=1e-2, norms=0.15, all=0.2)  # of weights that are rounded to 8 bits, beside PEFT's in float


class Model:
    """How transformers calls a model's parts."""

    def __init__(self, names, pattern, paths, embedding, head, norm):
        self.names, self.pattern, self.paths = names, pattern, paths
        self.embedding, self.head, self.norm = embedding, head, norm


def decoder(names="q_proj down_proj", **parts):
    return Model(names, r"model\.layers\.[02]\.(self_attn\.[qk]_proj|mlp\..*_proj)",
                 "model.layers.1.self_attn.v_proj model.layers.0.mlp.up_proj", "embed_tokens",
                 **{**dict(head=None, norm="post_attention_layernorm"), **parts})


MODELS = {
    "gpt2": Model("c_attn c_proj", r"transformer\.h\.0\.(attn|mlp)\.c_.*", "transformer.h.1.attn.c_attn", "wte",
                  None, "ln_2"),
    "gpt2_untied": Model("c_fc", r".*\.(c_attn|mlp\.c_proj)", "transformer.h.0.mlp.c_proj", "wte", "lm_head", "ln_f"),
    "llama": decoder(head="lm_head"),
    "llama3": decoder(),
    "gemma3": decoder(norm="pre_feedforward_layernorm"),
    "qwen2": decoder(names="k_proj v_proj o_proj"),
    "gpt_neox": Model("query_key_value dense", r".*\.(dense|dense_h_to_4h)",
                      "gpt_neox.layers.1.attention.dense", "embed_in",
                      "lm_head", "final_layer_norm"),
    "opt": Model("q_proj fc2", r".*\.layers\.0\.(fc1|self_attn\..*_proj)", "model.decoder.layers.1.self_attn.out_proj",
                 "embed_tokens", None, "final_layer_norm"),
}


class Case:
    """`keys`: of [lora]; `config`: what they are to PEFT; what else differs from a run with both files in float."""

    def __init__(self, name, keys, config, new_tokens=False, **others):
        self.name, self.keys, self.config, self.new_tokens = name, keys, config, new_tokens
        self.decay, self.dtype, self.bounds = others.get("decay", 0.0), others.get("dtype", torch.float32), BOUNDS
        self.weights, self.save_embeddings = others.get("weights", "auto"), others.get("save_embeddings", False)
        if self.weights == "int8":
            self.bounds = INT8


def cases_of(model):
    linear, small = dict(target_modules="all-linear"), dict(target_modules=model.names.split(), r=4)
    few = f"target_modules = {model.names}\nr = 4\n"
    yield Case("all-linear", "", linear)
    yield Case("names", f"{few}lora_alpha = 7\n", dict(small, lora_alpha=7))
    yield Case("pattern", f"target_modules = {model.pattern}\n", dict(target_modules=model.pattern))
    yield Case("paths", f"target_modules = {model.paths}\n", dict(target_modules=model.paths.split()))
    yield Case("rslora", f"{few}use_rslora = true\n", dict(small, use_rslora=True))
    saved = [("a norm", model.norm), ("embedding", model.embedding)] + ([("head", model.head)] if model.head else [])
    for what, name in saved:
        tied = ["lm_head"] if what == "embedding" and not model.head else []
        yield Case(f"saved: {what}", f"{few}modules_to_save = {name}\n",
                   dict(small, modules_to_save=[name, *tied], ensure_weight_tying=bool(tied)))
    ends = [model.embedding, model.head or "lm_head"]
    yield Case("saved: both ends, new tokens", f"{few}modules_to_save = {' '.join(ends)}\n",
               dict(small, modules_to_save=ends, ensure_weight_tying=not model.head), new_tokens=True)
    yield Case("new tokens", "", linear, new_tokens=True)
    yield Case("new tokens, embeddings stored", "", linear, new_tokens=True, save_embeddings="auto")
    yield Case("decay", "", linear, new_tokens=True, decay=DECAY)
    yield Case("bf16 base", "", linear, new_tokens=True, dtype=torch.bfloat16)
    yield Case("int8 base", "", linear, new_tokens=True, weights="int8")


# ---- bases ----

def make_base(name, messages, has_controls, dtype, directory):
    tokenizer = peers.make_tokenizer([m["content"] for row in messages for m in row], directory)
    if has_controls:
        tokenizer.add_special_tokens({"additional_special_tokens": CONTROLS})
        tokenizer.save_pretrained(directory)
    tiny_models.make_model(name, len(tokenizer), LENGTH).to(dtype).save_pretrained(directory)


def load_base(base, n_tokens):
    model = peers.load(base)
    if n_tokens > model.get_input_embeddings().weight.shape[0]:
        peers.grow(model, n_tokens)
    return model


# ---- PEFT ----

def lora_config(case, model, base, n_tokens):
    """With the rows of new tokens, as a user of PEFT names them."""
    config = dict(dict(r=16, lora_alpha=32, task_type="CAUSAL_LM"), **copy.deepcopy(case.config))  # PEFT changes lists
    old = peers.load(base).get_input_embeddings().weight.shape[0]
    if n_tokens > old and model.embedding not in config.get("modules_to_save", []):
        rows = list(range(old, n_tokens))
        config["trainable_token_indices"] = {model.embedding: rows, model.head: rows} if model.head else rows
    return peft.LoraConfig(**config)


def make_adapter(case, model, base, n_tokens, directory):
    """With values that no adapter begins with: every gradient is another than nothing."""
    torch.manual_seed(1)
    adapted = peft.get_peft_model(load_base(base, n_tokens), lora_config(case, model, base, n_tokens))
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if parameter.requires_grad and "lora_A" not in name:
                parameter.add_(0.05 * torch.randn_like(parameter))
    adapted.save_pretrained(directory, save_embedding_layers=case.save_embeddings)
    path = os.path.join(directory, "adapter_config.json")
    with open(path) as file:
        config = json.load(file)
    # PEFT drops a tied head and no longer ties it to "wte"
    config["modules_to_save"] = case.config.get("modules_to_save")
    with open(path, "w") as file:
        json.dump(config, file)


def load_adapter(base, directory, n_tokens, report=None):
    """report: what of our file to find fault with."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = peft.PeftModel.from_pretrained(load_base(base, n_tokens), directory, is_trainable=True)
    complaints = [str(w.message) for w in caught if "key" in str(w.message)]
    if report:
        for complaint in complaints:
            print("   ", complaint)
        check(*report, len(complaints), 0)
    elif complaints:
        raise Failed(f"{directory}: {complaints}")
    return model.eval()


def trained_of(model):
    return {name: p for name, p in model.named_parameters() if p.requires_grad}


def train_peer(model, rows, decay):
    trained = trained_of(model).values()
    groups = [{"params": [p for p in trained if p.dim() > 1], "weight_decay": decay},
              {"params": [p for p in trained if p.dim() == 1], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=RATE, eps=EPSILON)
    schedule = transformers.get_scheduler("linear", optimizer, num_warmup_steps=0, num_training_steps=STEPS)
    losses, norms = [], []
    for step in range(STEPS):
        batch = rows[step * BATCH : (step + 1) * BATCH]
        optimizer.zero_grad()
        loss = peers.nll_sum(model, batch) / peers.weight_sum(batch)
        loss.backward()
        losses.append(loss.item())
        norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0).item())
        optimizer.step()
        schedule.step()
    return losses, norms


# ---- sft ----

def write_config(path, base, data, out, model_keys="", lora=None, **train):
    keys = dict(dict(output_dir=out, max_steps=STEPS, batch_size=BATCH, precision="fp32", learning_rate=RATE,
                     adam_epsilon=EPSILON), **train)
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"[model]\nbase = {base}\n{model_keys}[data]\ntrain = {data}\nmax_length = {LENGTH}\n"
                   "template = im_sep\nshuffle = false\n[train]\n")
        file.writelines(f"{key} = {value}\n" for key, value in keys.items())
        if lora is not None:
            file.write(f"[lora]\n{lora}")


def train_sft(sft, out, base, data, **config):
    """Returns the last checkpoint and the metrics."""
    write_config(out + ".ini", base, data, out, **config)
    run(sft, "train", out + ".ini")
    with open(os.path.join(out, "metrics.jsonl")) as file:
        return os.path.realpath(os.path.join(out, "last")), [json.loads(line) for line in file]


def read_data(sft, base, data, out):
    write_config(out, base, data, out + "-run")
    return [json.loads(line) for line in run(sft, "inspect", out, "--json").splitlines()]


# ---- both ----

def compare_tensors(ours, theirs):
    """The farthest that any is off, relative to the largest number of the tensor."""
    ours, theirs = trained_of(ours), trained_of(theirs)
    assert ours.keys() == theirs.keys(), sorted(ours.keys() ^ theirs.keys())
    return max(((ours[name] - p).abs().max() / p.abs().max()).item() for name, p in theirs.items())


def compare_changes(ours, theirs, first):
    """Of all that was trained together: how far it is from theirs, relative to the way that theirs has gone."""
    ours, theirs, first = (torch.cat([p.flatten() for p in trained_of(model).values()])
                           for model in (ours, theirs, first))
    return ((ours - theirs).norm() / (theirs - first).norm()).item()


def compare_logits(name, what, programs, case, job, checkpoint, rows):
    """What sft makes of both, as a model of its own, beside PEFT's."""
    merged, _ = train_sft(programs.sft, checkpoint + "-merged", job.base, job.data,
                          model_keys=f"adapter = {checkpoint}\n", max_steps=1, learning_rate=0.0)
    sequences = [row["tokens"] for row in rows[:8]]
    theirs = peers.peer_logits(load_adapter(job.base, checkpoint, job.n_tokens), sequences)
    check(name, f"{what}: logits", peers.farthest(peers.our_logits(programs.logits, merged, sequences), theirs), 1e-4)


def compare_run(name, programs, case, job, what, adapter, **config):
    """Ten steps of each, from the adapter in a directory, or for sft from what the config begins with."""
    out = os.path.join(job.scratch, "run")
    shutil.rmtree(out, ignore_errors=True)
    checkpoint, steps = train_sft(programs.sft, out, job.base, job.data, weight_decay=case.decay, **config)
    theirs = load_adapter(job.base, adapter, job.n_tokens)
    losses, norms = train_peer(theirs, job.rows, case.decay)
    check(name, f"{what}: losses", peers.relative([step["loss"] for step in steps], losses), case.bounds["losses"])
    check(name, f"{what}: gradient norms", peers.relative([step["grad_norm"] for step in steps], norms),
          case.bounds["norms"])
    ours = load_adapter(job.base, checkpoint, job.n_tokens, (name, f"{what}: keys missing or unexpected"))
    if "tensors" in case.bounds:
        check(name, f"{what}: tensors", compare_tensors(ours, theirs), case.bounds["tensors"])
    else:
        first = load_adapter(job.base, adapter, job.n_tokens)
        check(name, f"{what}: changes", compare_changes(ours, theirs, first), case.bounds["all"])
    compare_logits(name, what, programs, case, job, checkpoint, job.rows)
    shutil.rmtree(checkpoint + "-merged")


class Job:
    def __init__(self, name, sft, case, messages, scratch):
        self.base, self.data, self.scratch = os.path.join(scratch, "base"), os.path.join(scratch, "data.jsonl"), scratch
        with open(self.data, "w", encoding="utf-8") as file:
            file.writelines(json.dumps({"messages": row}) + "\n" for row in messages)
        make_base(name, messages, not case.new_tokens, case.dtype, self.base)
        self.rows = read_data(sft, self.base, self.data, os.path.join(scratch, "data.ini"))
        self.n_tokens = len(AutoTokenizer.from_pretrained(self.base)) + (len(CONTROLS) if case.new_tokens else 0)


def compare_case(name, programs, case, messages, scratch):
    label, model, job = f"{name}, {case.name}", MODELS[name], Job(name, programs.sft, case, messages, scratch)
    made, begun = os.path.join(scratch, "made"), os.path.join(scratch, "begun")
    weights = f"weights = {case.weights}\n"
    make_adapter(case, model, job.base, job.n_tokens, made)
    compare_run(label, programs, case, job, "PEFT's", made, model_keys=f"adapter = {made}\n{weights}", lora="")
    first, _ = train_sft(programs.sft, begun, job.base, job.data, model_keys=weights, lora=case.keys, max_steps=1,
                         learning_rate=0.0)
    chosen = trained_of(load_adapter(job.base, first, job.n_tokens))
    wanted = trained_of(peft.get_peft_model(load_base(job.base, job.n_tokens),
                                            lora_config(case, model, job.base, job.n_tokens)))
    check(label, "sft's: other tensors than PEFT chooses", len(chosen.keys() ^ wanted.keys()), 0)
    compare_run(label, programs, case, job, "sft's", first, model_keys=weights, lora=case.keys)


def main(sft, assets, names):
    warnings.simplefilter("ignore")
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, transformers {transformers.__version__}, peft {peft.__version__}")
    programs, messages = peers.Programs(sft), peers.read_rows(assets)
    for name in names or MODELS:
        for case in cases_of(MODELS[name]):
            print(f"{name}, {case.name}", flush=True)
            with tempfile.TemporaryDirectory() as scratch:
                try:
                    compare_case(name, programs, case, messages, scratch)
                except Failed as failed:
                    print("  ", failed)
                    peers.failures.append(f"{name}, {case.name}: {failed}")
    if peers.failures:
        sys.exit("too far: " + "; ".join(peers.failures))


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
