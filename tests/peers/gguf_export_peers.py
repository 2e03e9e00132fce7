#!/usr/bin/env python3
"""Hold what `sft export --format gguf` writes to llama.cpp and to its converter.

usage: gguf_export_peers.py SFT ASSETS [DIR...]
(LOGITS: the program of logits.c; needs torch, transformers, gguf and llama-cpp-python, built from source)
For a tiny random model of every family (scripts/tiny_models.py), of each kind of tokenizer (golden_gguf_tokenizer.py) and for
the directories named, or in SFT_MODELS: the file loads in llama.cpp, which makes the same ids of hard texts, gives the same
logits in f32 and so the same greedy tokens until the best two are within 0.01, and stops where an answer ends; what is imported
from it is the model it was made of, to the bit. LLAMA_CPP, a checkout of llama.cpp: every tensor, in f32, f16, bf16 and q8_0,
and all metadata are what its convert_hf_to_gguf.py writes. Exit 1 where something differs.
"""
import contextlib, io, json, os, re, shutil, subprocess, sys, tempfile, unicodedata

os.environ.setdefault("HF_HUB_OFFLINE", "1")
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "scripts"))
LLAMA_CPP = os.environ.get("LLAMA_CPP")
if LLAMA_CPP:
    sys.path[:0] = [os.path.join(LLAMA_CPP, "gguf-py"), LLAMA_CPP]

try:
    import llama_cpp
except ImportError:
    print("SKIP: no llama_cpp (pip install --no-binary llama-cpp-python llama-cpp-python builds it): GGUF is not held to llama.cpp")
    sys.exit(0)
import gguf
import numpy
from safetensors.numpy import load_file

import golden_gguf, golden_gguf_tokenizer, tiny_models
from family_peers import make_tokenizer
from tokenizer_peers import sft_encode

LOGITS = os.environ.get("LOGITS", "build/release/peers/logits")
POSITIONS, NEW_TOKENS, TIE = 128, 24, 0.01
SIZES = dict(hidden_size=64, intermediate_size=96)  # rows of whole blocks
HEADS = dict(num_attention_heads=4, num_key_value_heads=2, head_dim=16)
# What of the tiny models llama.cpp's architectures cannot do; that it is refused, the program's own tests ask.
CHANGES = {
    "gpt2": dict(n_embd=64),
    "mistral": dict(sliding_window=100),
    "gemma3": dict(query_pre_attn_scalar=16),
    "gemma2": dict(query_pre_attn_scalar=16),
    "gpt_neox": dict(hidden_size=64, num_attention_heads=4, intermediate_size=96),
}
REFUSED = ["gpt2_untied", "opt"]
WINDOWLESS = ["qwen2_window"]  # whose context would be five positions
PROMPTS = ["Once upon a time", "What is 12 + 7?", "\n\n", " the dog's  bread"]
# Whether text and ids differ of llama.cpp's own accord: it puts a blank before any text, begun with one or not, and before what
# stands behind a token; it does no NFC; its tekken goes by ASCII's letters; and Gemma's "</s>", a word like others, ends a text.
TEXTS = golden_gguf_tokenizer.TEXTS
failures = []


def tell(what, differs):
    print(f"  {what}: {'DIFFERENT: ' + str(differs) if differs else 'equal'}", flush=True)
    if differs:
        failures.append(what)


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, **options)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit {done.returncode}: {done.stderr.decode()}")
    return done.stdout


def export(sft, model, path, dtype):
    run(sft, "export", model, "--format", "gguf", "--dtype", dtype, "--out", path)
    return path


# ---- llama.cpp ----

def load(path, n_ctx):
    return llama_cpp.Llama(path, n_ctx=n_ctx, n_batch=n_ctx, logits_all=True, verbose=False, flash_attn=False, n_threads=1,
                           type_k=llama_cpp.GGML_TYPE_F32, type_v=llama_cpp.GGML_TYPE_F32)


def known_of_llama_cpp(text, kind):
    """See above."""
    special = any(word in text for word in ("[w]", "the dog", "<think>", "</think>"))
    return ((kind == "llama" and (text[:1] in (" ", "\u2581") or not text or special))
            or (kind == "gemma" and "</s>" in text) or unicodedata.normalize("NFC", text) != text or (kind == "tekken" and not text.isascii()) or "\0" in text)


def compare_ids(llama, sft, model, kind=""):
    texts = [t for t in TEXTS if not known_of_llama_cpp(t, kind)]
    ours = sft_encode(sft, model, texts)
    theirs = [llama.tokenize(t.encode(), add_bos=False, special=False) if t else [] for t in texts]
    wrong = [(ascii(t), a, b) for t, a, b in zip(texts, ours, theirs) if a != b]
    tell(f"ids of {len(texts)} of {len(TEXTS)} texts", wrong and f"{len(wrong)}, the first {wrong[0]}")


def our_logits(model, ids):
    out = run(LOGITS, model, "fp32", input=(json.dumps(ids) + "\n").encode())
    return numpy.frombuffer(out, dtype=numpy.float32).reshape(len(ids), -1)


def compare_greedy(llama, model, n_new):
    """llama.cpp goes on; what we make of the same ids."""
    worst, wrong = 0, []
    for prompt in PROMPTS:
        ids = llama.tokenize(prompt.encode(), add_bos=False, special=False)
        llama.reset()
        start = len(ids)
        llama.eval(ids)
        for _ in range(n_new):
            ids.append(int(numpy.argmax(llama.scores[len(ids) - 1])))
            llama.eval(ids[-1:])
        theirs, ours = llama.scores[: len(ids)], our_logits(model, ids)
        worst = max(worst, float(numpy.abs(theirs - ours).max() / numpy.abs(ours).max()))
        for at in range(start - 1, len(ids) - 1):
            best = numpy.sort(ours[at])[-2:]
            if best[1] - best[0] < TIE:
                break
            if int(numpy.argmax(ours[at])) != ids[at + 1]:
                wrong.append((prompt, at))
                break
    tell(f"greedy tokens (logits {worst:.1e} apart of the largest)", wrong or (worst > 0.02 and f"logits {worst:.1e} apart"))


def compare_end(llama, sft, model):
    """Where the template ends a turn it stops."""
    with open(os.path.join(model, "tokenizer_config.json")) as f:
        config = json.load(f)
    eos = config.get("eos_token")
    eos = eos["content"] if isinstance(eos, dict) else eos
    vocab = llama._model.vocab
    ids = llama.tokenize(eos.encode(), add_bos=False, special=True) if eos else []
    tell(f"{eos} ends a text", bool(eos) and not (len(ids) == 1 and llama_cpp.llama_vocab_is_eog(vocab, ids[0])))
    template = llama.metadata.get("tokenizer.chat_template", "")
    tell("no generation markers", "generation -%}" in template or "generation %}" in template)


def compare_chat(llama, sft, model, question):
    """A question is answered the same, and the answer ends where ours does."""
    ours = json.loads(run(sft, "generate", "--model", model, "--json", "--precision", "fp32", "--temperature", "0", "--max-new-tokens", "60",
                          input=json.dumps({"messages": [{"role": "user", "content": question}]}).encode()))
    theirs = llama.create_chat_completion([{"role": "user", "content": question}], temperature=0, max_tokens=60)["choices"][0]
    text = theirs["message"]["content"]
    tell(f"a chat ({text!r}, {theirs['finish_reason']})", text.strip() != ours["messages"][-1]["content"].strip() or theirs["finish_reason"] != "stop")


def compare_import(sft, model, path, tmp):
    """What is read of it again is what it was made of. (A Mistral comes back as the Llama that llama.cpp takes it for.)"""
    back = os.path.join(tmp, "back")
    shutil.rmtree(back, ignore_errors=True)
    run(sft, "import", path, "--out", back)
    a, b = (load_file(os.path.join(d, "model.safetensors")) for d in (model, back))
    # A norm of Gemma's is 1 + w in the file: what that rounds away of w is lost.
    equal = lambda x, y: numpy.array_equal(x, y) or (x.ndim == 1 and numpy.abs(x - y).max() <= 2e-7 * (1 + numpy.abs(x).max()))
    key = lambda n: n.removeprefix("model.").removeprefix("transformer.")
    a, b = ({key(n): v.astype(numpy.float32) for n, v in d.items()} for d in (a, b))
    a.pop("lm_head.weight", None) if "lm_head.weight" not in b else None
    wrong = sorted(n for n in set(a) | set(b) if n not in a or n not in b or not equal(a[n], b[n]))
    tell("weights imported again", wrong[:5])
    ids = list(range(3, 60))
    off = numpy.abs(our_logits(model, ids) - our_logits(path, ids)).max() / numpy.abs(our_logits(model, ids)).max()
    tell(f"logits of our own reading ({off:.1e})", not off < 1e-5 and off)


# ---- its converter ----

def prepare_converter():
    """What it cannot do with tiny models: the name of a tokenizer it has from a hash of what published ones make, Gemma 2's
    tokenizer is SentencePiece's alone, and a key of GPT-NeoX's transformers 5 turns into another."""
    from conversion.base import ModelBase, TextModel
    from conversion.gemma import Gemma2Model
    load = ModelBase.load_hparams
    ModelBase.load_hparams = staticmethod(lambda *a, **b: {"rotary_pct": 0.25, **load(*a, **b)})
    Gemma2Model.set_vocab = TextModel._set_vocab_gpt2
    return TextModel


def convert(model, path, outtype, pre, prepared=[]):
    """convert_hf_to_gguf.py in this process."""
    import convert_hf_to_gguf
    prepared += [] if prepared else [prepare_converter()]
    if pre:
        prepared[0].get_vocab_base_pre = lambda self, tokenizer: pre
    argv, sys.argv = sys.argv, ["convert", model, "--outfile", path, "--outtype", outtype]
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            convert_hf_to_gguf.main()
    finally:
        sys.argv = argv


def contents(path):
    reader = gguf.GGUFReader(path)
    fields = {k: f.contents() for k, f in reader.fields.items() if not k.startswith("GGUF.")}
    return fields, {t.name: (t.tensor_type.name, tuple(map(int, t.shape)), t.data) for t in reader.tensors}


# What we say where its converter is silent, and llama.cpp takes the same for granted; what names the model.
SAID = (".vocab_size", ".head_count_kv", ".key_length", ".value_length", ".dimension_count", ".freq_base", ".freq_base_swa",
        "general.file_type", "add_eos_token", "add_bos_token", "add_space_prefix", "tokenizer.ggml.pre", ".original_context_length", "eot_token_id",
        ".sliding_window_pattern", ".sliding_window")
NAMES = ("general.name", "general.basename", "general.finetune", "general.license", "general.tags", "general.languages",
         "general.quantized_by", "general.version", "general.organization")


def compare_metadata(ours, theirs, known):
    wrong = []
    for key in sorted(set(ours) | set(theirs)):
        if key in NAMES or key.startswith("general.base_model") or key in known:
            continue
        if key not in theirs and key.endswith(SAID):
            continue
        a, b = ours.get(key), theirs.get(key)
        if key == "tokenizer.chat_template":  # it leaves the marks of training in
            b = re.sub(r"\{%- (end)?generation -%\}\n", "", b)
        if isinstance(a, float) and isinstance(b, float) and abs(a - b) <= 1e-6 * abs(b):
            continue
        if a != b:
            wrong.append((key, str(a)[:60], str(b)[:60]))
    tell("metadata of the converter", wrong)


def compare_converter(sft, model, tmp, dtypes, known=()):
    for dtype in dtypes:
        ours = export(sft, model, os.path.join(tmp, f"ours-{dtype}.gguf"), dtype)
        theirs = os.path.join(tmp, f"theirs-{dtype}.gguf")
        fields, tensors = contents(ours)
        convert(model, theirs, dtype, fields.get("tokenizer.ggml.pre"))
        their_fields, their_tensors = contents(theirs)
        if dtype == dtypes[0]:
            compare_metadata(fields, their_fields, known)
        wrong = []
        for name in sorted(set(tensors) | set(their_tensors)):
            a, b = tensors.get(name), their_tensors.get(name)
            if a is None or b is None or a[:2] != b[:2]:
                wrong.append((name, a and a[:2], b and b[:2]))
            elif name == "rope_freqs.weight":  # it computes them in float
                wrong += [name] if numpy.abs(a[2] - b[2]).max() > 1e-5 * numpy.abs(b[2]).max() else []
            elif not numpy.array_equal(a[2].view(numpy.uint8), b[2].view(numpy.uint8)):
                wrong.append((name, "values"))
        tell(f"{len(tensors)} tensors of the converter in {dtype}", wrong[:4])
        for path in ours, theirs:
            os.remove(path)


# ---- models ----

def compare(sft, model, tmp, n_ctx, kind="", n_new=NEW_TOKENS, small=True, converter=True, known=(), question=None):
    path = export(sft, model, os.path.join(tmp, "model.gguf"), "f32")
    llama = load(path, n_ctx)
    kind = "gemma" if llama.metadata["general.architecture"].startswith("gemma") else kind
    compare_ids(llama, sft, model, kind)
    compare_greedy(llama, model, n_new)
    compare_end(llama, sft, model)
    if question and llama.metadata.get("tokenizer.chat_template"):
        compare_chat(llama, sft, model, question)
    llama.close()
    if small:
        compare_import(sft, model, path, tmp)
    os.remove(path)
    if LLAMA_CPP and converter:
        compare_converter(sft, model, tmp, ("f32", "f16", "bf16", "q8_0"), known)


def tiny_config(name):
    changes = dict(CHANGES.get(name, {}))
    spec = tiny_models.MODELS[name]["config"]
    if "hidden_size" in spec and "hidden_size" not in changes:
        changes |= SIZES
    if "head_dim" in spec:
        changes |= HEADS
    elif spec.get("num_key_value_heads") == 1:
        changes |= dict(num_attention_heads=4, num_key_value_heads=2)
    return changes


def make_tiny(name, directory, texts, **changes):
    import torch
    tok = make_tokenizer(texts, directory)
    torch.manual_seed(0)
    config = tiny_models.make_config(name, len(tok), POSITIONS, **changes)
    model = tiny_models.from_config(config)
    scale = 0.0 if "gemma" in tiny_models.MODELS[name]["model_type"] else 1.0
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            parameter.normal_(scale if parameter.dim() == 1 and key.endswith("weight") else 0.0, 0.2)
    model.save_pretrained(directory)
    if name == "gpt2":  # a key of old that its converter cannot do without
        path = os.path.join(directory, "config.json")
        with open(path) as f:
            spelt = json.load(f) | {"n_ctx": POSITIONS}
        with open(path, "w") as f:
            json.dump(spelt, f)


def train(sft, tmp):
    """A GPT-2 that has learnt twelve conversations by heart, in a format that is ours (im_sep)."""
    base, tests = os.path.join(tmp, "base"), os.path.join(HERE, "..")
    shutil.copytree(os.path.join(tests, "golden/tiny_tokenizer/two_files"), base)
    with open(os.path.join(base, "config.json"), "w") as f:
        json.dump(dict(model_type="gpt2", architectures=["GPT2LMHeadModel"], n_layer=2, n_head=2, n_embd=64, n_positions=POSITIONS, n_ctx=POSITIONS,
                       vocab_size=401, bos_token_id=400, eos_token_id=400, attn_pdrop=0.0, embd_pdrop=0.0, resid_pdrop=0.0), f)
    config = os.path.join(tmp, "config.ini")
    with open(config, "w") as f:
        f.write(f"[model]\nbase = base/config.json\n[data]\ntrain = {os.path.abspath(tests)}/cli/data/chat.jsonl\n[train]\noutput_dir = run\n"
                "max_steps = 300\nbatch_size = 12\nlearning_rate = 1e-2\nprecision = fp32\n")
    run(sft, "train", config)
    return os.path.realpath(os.path.join(tmp, "run", "last"))


def main(sft, assets, *models):
    if not LLAMA_CPP:
        print("SKIP: LLAMA_CPP names no checkout of llama.cpp: nothing is held to its converter", flush=True)
    texts = [t for t in golden_gguf_tokenizer.STRINGS if t] + ["the bread of the dog"] * 9
    with tempfile.TemporaryDirectory() as tmp:
        print("trained", flush=True)
        compare(sft, train(sft, tmp), tmp, POSITIONS, question="Name a tree.")
        for name in tiny_models.MODELS:
            directory = os.path.join(tmp, name)
            if name in WINDOWLESS:
                continue
            print(name, flush=True)
            make_tiny(name, directory, texts, **({} if name in REFUSED else tiny_config(name)))
            if name in REFUSED:
                done = subprocess.run([sft, "export", directory, "--out", os.path.join(tmp, "no.gguf")], capture_output=True)
                tell("refused", done.returncode != 1 or b"not written as GGUF: llama.cpp" not in done.stderr)
                continue
            known = ["tokenizer.ggml.padding_token_id"]  # which it has from config.json's null or not
            if name == "mistral":
                known.append("llama.context_length")
            compare(sft, directory, tmp, 100 if name == "mistral" else POSITIONS, known=known)
        for name, (architecture, add) in golden_gguf_tokenizer.KINDS.items():
            print(f"tokenizer {name}", flush=True)
            file, directory = os.path.join(tmp, f"kind-{name}.gguf"), os.path.join(tmp, f"kind-{name}")
            golden_gguf.write_model(file, architecture, golden_gguf.make_model(architecture, vocab_size=480), add)
            run(sft, "import", file, "--out", directory)
            compare(sft, directory, tmp, 64, name, converter=False)
        for model in [*models, *os.environ.get("SFT_MODELS", "").split()]:
            print(model, flush=True)
            has_sentencepiece_only = not os.path.exists(os.path.join(model, "merges.txt")) and "gemma" in model
            compare(sft, model, tmp, 256, n_new=40, small=False, converter=not has_sentencepiece_only,
                    question="What is the capital of France?")
    for failure in failures:
        print("DIFFERENT:", failure)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
