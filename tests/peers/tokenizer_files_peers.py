#!/usr/bin/env python3
"""Compare tokenizer files that contradict one another, in hundreds of ways, with transformers' AutoTokenizer.

usage: tokenizer_files_peers.py SFT ASSETS   (SFT: the program; needs transformers)
tokenizer.json against tokenizer_config.json (prefix space, class, pipeline, names, added tokens), special_tokens_map.json,
added_tokens.json, vocab.json and merges.txt alone. Each directory is encoded by both, as it is read and as a run writes it;
or it is refused with an error that names the two files. Exit 1 at the end if anything differs.
"""
import copy, json, os, shutil, subprocess, sys, tempfile

import transformers
from transformers import AutoTokenizer

SRC = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden", "tiny_tokenizer")
BASE = json.load(open(os.path.join(SRC, "tokenizer.json")))
BASE["added_tokens"] = []
TEXTS = ["Hello world", "ships, ships", " a", "\u00dcber 12 345", "a <x> b", "<x>a", "a <y>", "a  <e>b", "a<|endoftext|> b", "<a> <b><img>", "[PAD]x", "</s>", "the <|endoftext|>", "a[w] <z>", "The user asks", "1234"]
# split_special_tokens: true is what a plain call means there, and never what `sft tokenizer encode --special` means
SPECIAL_DIFFERS = "splitspecial"
T = lambda i, c, **f: {"id": i, "content": c, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False, **f}
EOT = T(400, "<|endoftext|>", special=True)
def D(*toks): return {str(t["id"]): {k: v for k, v in t.items() if k != "id"} for t in toks}
def tj(added=(EOT,), **kw):
    t = copy.deepcopy(BASE); t["added_tokens"] = list(added)
    for k, v in kw.items():
        if k == "prefix": t["pre_tokenizer"]["add_prefix_space"] = v
        else: t[k] = v
    return t
V = {}
def var(name, tokenizer=None, config=None, map=None, added=None, two=False, cfg_extra=None):
    V[name] = dict(tokenizer=tokenizer, config=config, map=map, added=added, two=two, cfg_extra=cfg_extra)
G, P, B = {"tokenizer_class": "GPT2Tokenizer"}, {"tokenizer_class": "PreTrainedTokenizerFast"}, {"tokenizer_class": "TokenizersBackend"}
for cn, c in ("gpt2", G), ("gpt2fast", {"tokenizer_class": "GPT2TokenizerFast"}), ("pre", P), ("backend", B), ("none", {}), ("codegen", {"tokenizer_class": "CodeGenTokenizer"}), ("bloom", {"tokenizer_class": "BloomTokenizerFast"}), ("llama", {"tokenizer_class": "LlamaTokenizerFast"}), ("unknown", {"tokenizer_class": "MyOwnTokenizer"}):
    for fp in (False, True):
        for cp in (None, False, True):
            var(f"prefix_{cn}_file{fp}_config{cp}", tj(prefix=fp), {**c, **({} if cp is None else {"add_prefix_space": cp}), "added_tokens_decoder": D(EOT)})
for cn, c in ("gpt2", G), ("pre", P), ("none", {}):
    full = {**c, "bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}
    digits = {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}]}
    var(f"digits_{cn}", tj(pre_tokenizer=digits), full)
    var(f"noregex_{cn}", tj(pre_tokenizer={"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}), full)
    t = tj(); t["model"]["ignore_merges"] = True; var(f"ignoremerges_{cn}", t, full)
    t = tj(); t["model"]["unk_token"] = "<|endoftext|>"; var(f"unk_{cn}", t, full)
    var(f"lower_{cn}", tj(), {**full, "do_lower_case": True})
    var(f"clean_{cn}", tj(), {**full, "clean_up_tokenization_spaces": True})
    var(f"splitspecial_{cn}", tj(), {**full, "split_special_tokens": True})
    var(f"pad_missing_{cn}", tj(), {**full, "pad_token": "[PAD]"})
    var(f"eos_missing_{cn}", tj(), {**full, "eos_token": "</s>"})
    var(f"eos_other_{cn}", tj([EOT, T(401, "<e>", special=True)]), {**full, "eos_token": "<e>"})
    var(f"names_null_{cn}", tj(), {**c, "bos_token": None, "eos_token": None, "unk_token": None})
    var(f"no_names_{cn}", tj(), {**c})
    var(f"no_names_no_eot_{cn}", tj([]), {**c})
    var(f"decoder_more_{cn}", tj(), {**full, "added_tokens_decoder": D(EOT, T(401, "<x>"))})
    var(f"decoder_fewer_{cn}", tj([EOT, T(401, "<x>")]), {**full, "added_tokens_decoder": D(EOT)})
    var(f"decoder_fewer_last_special_{cn}", tj([EOT, T(401, "<x>", special=True)]), {**full, "added_tokens_decoder": D(EOT)})
    var(f"decoder_empty_{cn}", tj([EOT, T(401, "<x>")]), {**full, "added_tokens_decoder": {}})
    for flag in "lstrip", "rstrip", "single_word", "normalized", "special":
        var(f"decoder_flag_{flag}_{cn}", tj([EOT, T(401, "<x>")]), {**full, "added_tokens_decoder": D(EOT, T(401, "<x>", **{flag: True}))})
        var(f"decoder_flag_not_{flag}_{cn}", tj([EOT, T(401, "<x>", **{flag: True})]), {**full, "added_tokens_decoder": D(EOT, T(401, "<x>"))})
    var(f"decoder_other_id_{cn}", tj([EOT, T(401, "<x>")]), {**full, "added_tokens_decoder": D(EOT, T(405, "<x>"))})
    var(f"decoder_swapped_{cn}", tj([EOT, T(401, "<x>"), T(402, "<y>")]), {**full, "added_tokens_decoder": D(EOT, T(402, "<x>"), T(401, "<y>"))})
    var(f"decoder_renamed_{cn}", tj([EOT, T(401, "<x>")]), {**full, "added_tokens_decoder": D(EOT, T(401, "<y>"))})
    var(f"added_json_more_{cn}", tj(), full, added={"<x>": 401})
    var(f"added_json_other_{cn}", tj([EOT, T(401, "<x>")]), full, added={"<x>": 402})
    var(f"added_json_special_{cn}", tj([EOT, T(401, "<x>")]), {**full, "additional_special_tokens": ["<x>"]}, added={"<x>": 401})
    var(f"added_json_ignored_{cn}", tj([EOT, T(401, "<x>")]), {**full, "added_tokens_decoder": D(EOT, T(401, "<x>"))}, added={"<z>": 402})
    var(f"map_eos_{cn}", tj([EOT, T(401, "<e>", special=True)]), full, map={"eos_token": "<e>"})
    var(f"map_eos_dict_{cn}", tj([EOT, T(401, "<e>", special=True)]), full, map={"eos_token": {"content": "<e>", "lstrip": True, "rstrip": False, "single_word": False, "normalized": False}})
    var(f"map_eos_decoder_{cn}", tj([EOT, T(401, "<e>", special=True)]), {**full, "added_tokens_decoder": D(EOT, T(401, "<e>", special=True))}, map={"eos_token": "<e>"})
    var(f"map_pad_new_{cn}", tj(), full, map={"pad_token": "[PAD]"})
    var(f"map_additional_{cn}", tj(), full, map={"additional_special_tokens": ["<a>", "<b>"]})
    var(f"extra_list_{cn}", tj(), {**full, "extra_special_tokens": ["<a>", "<b>"]})
    var(f"extra_dict_{cn}", tj(), {**full, "extra_special_tokens": {"image_token": "<img>"}})
    var(f"both_extra_{cn}", tj(), {**full, "additional_special_tokens": ["<a>"], "extra_special_tokens": ["<b>"]})
    var(f"image_token_{cn}", tj(), {**full, "image_token": "<img>"})
    var(f"eos_dict_{cn}", tj(), {**full, "eos_token": {"__type": "AddedToken", "content": "<|endoftext|>", "lstrip": True, "rstrip": False, "single_word": False, "normalized": True}})
    var(f"eos_dict_notype_{cn}", tj(), {**full, "eos_token": {"content": "<|endoftext|>", "lstrip": False, "rstrip": False, "single_word": False, "normalized": True}})
    var(f"addbos_file_{cn}", tj(), {**full, "add_bos_token": True})
    bos = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<|endoftext|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}], "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}], "special_tokens": {"<|endoftext|>": {"id": "<|endoftext|>", "ids": [400], "tokens": ["<|endoftext|>"]}}}
    var(f"postbos_{cn}", tj(post_processor=bos), full)
    var(f"postbos_no_{cn}", tj(post_processor=bos), {**full, "add_bos_token": False})
    var(f"postnull_{cn}", tj(post_processor=None), {**full, "add_bos_token": True})
    var(f"nofile_{cn}", None, {**full, "add_prefix_space": True}, two=True)
    var(f"nofile_bos_{cn}", None, {**full, "add_bos_token": True}, two=True)
    var(f"nofile_added_{cn}", None, full, two=True, added={"<x>": 401, "<|endoftext|>": 400})
    var(f"nofile_decoder_{cn}", None, {**full, "added_tokens_decoder": D(EOT, T(401, "<x>", normalized=True))}, two=True, added={"<z>": 401})
    var(f"nofile_nonames_{cn}", None, c, two=True)
var("no_config", tj(), None)
var("no_config_prefix", tj(prefix=True), None)
var("class_in_config_json", tj(prefix=True), {}, cfg_extra={"tokenizer_class": "PreTrainedTokenizerFast"})
var("class_in_config_json2", tj(prefix=True), None, cfg_extra={"tokenizer_class": "PreTrainedTokenizerFast"})


def make(folder, v):
    os.makedirs(folder)
    write = lambda name, value: json.dump(value, open(os.path.join(folder, name), "w"))
    write("config.json", {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "n_layer": 1, "n_head": 1, "n_embd": 8, "n_positions": 64, "vocab_size": 450, **(v["cfg_extra"] or {})})
    for name, value in (("tokenizer.json", v["tokenizer"]), ("tokenizer_config.json", v["config"]), ("special_tokens_map.json", v["map"]), ("added_tokens.json", v["added"])):
        if value is not None:
            write(name, value)
    if v["two"]:
        for name in "vocab.json", "merges.txt":
            shutil.copy(os.path.join(SRC, "two_files", name), folder)


def ask(folder):
    tok = AutoTokenizer.from_pretrained(folder)
    encode = lambda split: [tok(t, add_special_tokens=False, split_special_tokens=split)["input_ids"] for t in TEXTS]
    plain = [tok(t, add_special_tokens=False)["input_ids"] for t in TEXTS]
    return {"plain": plain, "split": encode(True), "start": tok("a")["input_ids"][:-1], "bos": tok.bos_token_id, "unk": tok.unk_token_id}


def sft_encode(sft, folder, flags):
    lines = "".join(json.dumps(t) + "\n" for t in TEXTS)
    done = subprocess.run([sft, "tokenizer", "encode", "--model", folder, "--json-lines", *flags], input=lines.encode(), capture_output=True)
    return [json.loads(line) for line in done.stdout.splitlines()] if done.returncode == 0 else done.stderr.decode()


def written(sft, tmp, folder):
    chat = os.path.join(tmp, "chat.jsonl")
    with open(chat, "w") as f:
        f.write(json.dumps({"messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "ships"}]}))
    with open(os.path.join(tmp, "config.ini"), "w") as f:
        f.write(f"[model]\nbase = {folder}/config.json\n[data]\ntrain = {chat}\ntemplate = im_sep\n[train]\noutput_dir = {folder}.run\nmax_steps = 1\nprecision = fp32\n")
    subprocess.run([sft, "train", os.path.join(tmp, "config.ini")], check=True, capture_output=True)
    return ask(os.path.join(folder + ".run", "last"))


def compare(sft, tmp, name, v):
    """What differs, or None."""
    folder = os.path.join(tmp, name)
    make(folder, v)
    got = sft_encode(sft, folder, [])
    if isinstance(got, str):
        names_both = "tokenizer.json" in got and "tokenizer_config.json" in got
        return None if names_both else f"refused: {got}"
    try:
        want = ask(folder)
    except Exception as e:
        return None if "notype" in name else f"read, though transformers fails: {e}"
    if got != want["split"] or (SPECIAL_DIFFERS not in name and sft_encode(sft, folder, ["--special"]) != want["plain"]):
        return "other ids"
    again = written(sft, tmp, folder)
    keys = ["split", "start", "bos", "unk"] + ([] if SPECIAL_DIFFERS in name else ["plain"])
    bad = [key for key in keys if again[key] != want[key]]
    return f"what is written differs: {bad}" if bad else None


def main(sft):
    transformers.logging.set_verbosity_error()
    failed = 0
    with tempfile.TemporaryDirectory() as tmp:
        for name, v in V.items():
            wrong = compare(sft, tmp, name, v)
            if wrong:
                print(f"{name}: {wrong}")
                failed += 1
    print(f"tokenizer files: {len(V)} directories, {failed} differ (transformers {transformers.__version__})")
    sys.exit(failed > 0)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(os.path.abspath(sys.argv[1]))
