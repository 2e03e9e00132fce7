#!/usr/bin/env python3
"""Test scripts/from_hub.py on small parquet files made here, and let `sft inspect` read what it writes.

usage: test_from_hub.py SFT ASSETS   (SFT: the program; needs pyarrow and datasets; no network)
"""
import contextlib, datetime, decimal, gzip, io, json, os, re, shutil, subprocess, sys, tempfile, unittest, unittest.mock

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import datasets
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "scripts"))
sys.dont_write_bytecode = True  # no scripts/__pycache__
import from_hub, hub_recipes
from hub_published import PUBLISHED

CALL = pa.struct([("id", pa.string()), ("function", pa.struct([("name", pa.string()), ("arguments", pa.string())]))])
MESSAGE = pa.struct([("role", pa.string()), ("content", pa.string()), ("weight", pa.float64()),
                     ("tool_calls", pa.list_(CALL))])
CHAT = pa.schema([("messages", pa.list_(MESSAGE)), ("source", pa.string()), ("score", pa.float64()),
                  ("turns", pa.int32()), ("good", pa.bool_()), ("made", pa.timestamp("ms", tz="UTC"))])
NOON = datetime.datetime(2024, 2, 29, 12, tzinfo=datetime.timezone.utc)
CALLS = [{"id": "1", "function": {"name": "add", "arguments": '{"a": 2, "b": 2}'}}]
ROWS = [
    {"messages": [{"role": "user", "content": "naïve 日本語 🙂\u2028\n\"x\"\\"},
                  {"role": "assistant", "content": "", "weight": 0.0}, {"role": "assistant", "content": "ja"}],
     "source": "é", "score": 0.5, "turns": 3, "good": True, "made": NOON},
    {"messages": [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": "", "tool_calls": CALLS},
                  {"role": "tool", "content": "4"}, {"role": "assistant", "content": "4", "weight": 1.0}],
     "score": float("nan"), "good": False},
]
EXPECTED = [{**ROWS[0], "made": "2024-02-29T12:00:00+00:00"}, {"messages": ROWS[1]["messages"], "good": False}]
CONFIG = {"model_type": "gpt2", "n_layer": 2, "n_head": 2, "n_embd": 32, "n_positions": 1024, "vocab_size": 401,
          "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5, "bos_token_id": 400, "eos_token_id": 400}


def lines_of(path):
    with open(path, "rb") as file:
        data = file.read()
    assert data.endswith(b"\n") and b"\\u" not in data, data
    return [json.loads(line) for line in data.decode("utf-8").split("\n")[:-1]]


class FromHub(unittest.TestCase):
    program, assets = "./sft", "../shared/assets/data"

    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.dir)
        self.out = self.path("out.jsonl")

    def path(self, *names):
        path = os.path.join(self.dir, *names)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def parquet(self, name, rows, schema=None):
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), self.path(*name.split("/")))
        return self.path(*name.split("/"))

    def run_main(self, *args):
        """Exit code and stderr."""
        stderr = io.StringIO()
        with unittest.mock.patch.object(sys, "argv", ["from_hub.py", *args, "--out", self.out]):
            with contextlib.redirect_stderr(stderr):
                code = from_hub.main()
        self.assertFalse(os.path.exists(self.out + ".tmp"))
        return code, stderr.getvalue()

    def converted(self, *args):
        code, said = self.run_main(*args)
        self.assertEqual(code, 0, said)
        return lines_of(self.out)

    def refused(self, message, *args):
        code, said = self.run_main(*args)
        self.assertEqual(code, 1, said)
        self.assertIn(message, said)
        self.assertEqual(said.count("\n"), 1, said)
        self.assertFalse(os.path.exists(self.out))

    def base(self):
        config = self.path("base", "config.json")
        if not os.path.exists(config):
            os.rmdir(os.path.dirname(config))
            shutil.copytree(os.path.join(ROOT, "tests/golden/tiny_tokenizer/two_files"), os.path.dirname(config))
            with open(config, "w") as file:
                json.dump(CONFIG, file)
        return config

    def inspect(self, *args):
        return self.sft("inspect", "--base", self.base(), self.out, *args)

    def sft(self, *args):
        return subprocess.run([self.program, *args], capture_output=True, text=True)

    # ---- values ----

    def test_conversations(self):
        code, said = self.run_main(self.parquet("chat.parquet", ROWS, CHAT))
        self.assertEqual(code, 0)
        self.assertEqual(lines_of(self.out), EXPECTED)
        self.assertEqual(said, f"{self.out}: 2 rows, columns messages, source, score, turns, good, made; "
                               "sft will read them as messages\n")

    def test_sft_reads_them(self):
        self.converted(self.parquet("chat.parquet", ROWS, CHAT))
        run = self.inspect("--json")
        self.assertEqual(run.returncode, 0, run.stderr)
        rows = [json.loads(line) for line in run.stdout.splitlines()]
        self.assertEqual([row["source"] for row in rows], [f"{self.out}:1", f"{self.out}:2"])
        for row in rows:
            self.assertNotIn("dropped", row)
        self.assertEqual(sum(rows[0]["weights"]), len("ja") + 1)  # bytes, and the end: not those of weight 0

    def test_odd_types(self):
        as_json = pa.ExtensionArray.from_storage(pa.json_(), pa.array(['{"a":null}', '"text"']))
        table = pa.table({
            "day": pa.array([NOON.date()]), "cost": pa.array([decimal.Decimal("1.50")]),
            "map": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int8())), "kind": pa.array(["k"]).dictionary_encode(),
            "json": pa.ListArray.from_arrays([0, 2], as_json), "nested": pa.array([{"at": [NOON.time(), None]}]),
            "none": pa.nulls(1), "infinite": pa.array([float("-inf")])})
        pq.write_table(table, self.path("odd.parquet"))
        self.assertEqual(self.converted(self.path("odd.parquet")), [
            {"day": "2024-02-29", "cost": "1.50", "map": {"a": 1}, "kind": "k", "json": [{"a": None}, "text"],
             "nested": {"at": ["12:00:00", None]}}])

    def test_bytes_are_refused(self):
        file = self.parquet("a.parquet", [{"text": "t", "image": {"bytes": b"x", "path": "p"}}])
        self.refused(f"{file}: column 'image' holds bytes, which are no text; choose others with --columns of text, "
                     "image\n", file)
        self.assertEqual(self.converted(file, "--columns", "text"), [{"text": "t"}])

    # ---- files, columns, splits ----

    def test_columns_and_limit(self):
        file = self.parquet("a.parquet", [{"a": i, "b": str(i), "c": None} for i in range(2500)])
        self.assertEqual(self.converted(file, file, "--columns", "b,a", "--limit", "2502")[2498:],
                         [{"b": str(i), "a": i} for i in (2498, 2499, 0, 1)])
        with open(self.out) as out:
            self.assertEqual(out.readline(), '{"b": "0", "a": 0}\n')
        self.assertEqual(len(self.converted(file, "--limit", "1000")), 1000)

    def test_formats(self):
        for row, verdict in [({"prompt": "p", "completion": "c"}, "sft will read them as prompt"),
                             ({"instruction": "i", "response": "r"}, "sft will read them as dolly"),
                             ({"prompt": {"text": "t", "replies": []}}, "sft will read them as oasst"),
                             ({"instruction": "i", "output": "o"}, "sft will read them as alpaca"),
                             ({"prompt": "p", "chosen": "c", "rejected": "r"}, "sft will read them as hh"),
                             ({"text": "t"}, "sft will read them as text: documents, trained on whole"),
                             ({"x": 1}, "sft will NOT know this format: a row needs the keys of one of: messages; "
                              "conversations; prompt, completion; chosen; ")]:
            self.assertIn(verdict, self.run_main(self.parquet("a.parquet", [row]))[1])
        empty = self.parquet("empty.parquet", [], pa.schema([("text", pa.string())]))
        self.assertEqual(self.run_main(empty), (0, f"{self.out}: 0 rows\n"))

    def test_a_directory_has_splits(self):
        for split, names in {"train": ["d/data/train-00000-of-00002.parquet", "d/data/train-00001-of-00002.parquet"],
                             "test": ["d/test.parquet"], "extra": ["d/default/extra/0000.parquet"]}.items():
            for name in names:
                self.parquet(name, [{"text": name}])
        text = lambda *args: [row["text"] for row in self.converted(self.path("d"), *args)]
        self.assertEqual(text(), ["d/data/train-00000-of-00002.parquet", "d/data/train-00001-of-00002.parquet"])
        self.assertEqual(text("--split", "test"), ["d/test.parquet"])
        self.assertEqual(text("--split", "extra"), ["d/default/extra/0000.parquet"])
        os.unlink(self.out)
        self.refused(f"{self.path('d')}: no split 'dev'; there are extra, test, train\n",
                     self.path("d"), "--split", "dev")

    def test_a_directory_without_splits_is_taken_whole(self):
        files = [self.parquet(f"d/{name}.parquet", [{"text": name}]) for name in "ab"]
        self.assertEqual(self.converted(os.path.dirname(files[0])), [{"text": "a"}, {"text": "b"}])

    def test_what_cannot_be_read(self):
        with open(self.path("no.parquet"), "w") as file:
            file.write("not parquet at all")
        file = self.parquet("a.parquet", [{"a": 1, "b": 2}])
        self.refused("no.parquet: Parquet magic bytes not found", self.path("no.parquet"))
        self.refused("missing.parquet: no such file", "missing.parquet")
        self.refused("./missing: no such file", "./missing")
        self.refused(f"{file}: no column 'c'; there are a, b", file, "--columns", "a,c")
        self.refused("there is no .parquet file in it", os.path.dirname(self.path("empty-dir", "x")))
        with open(self.out, "w") as out:  # what stood there stays, where a later file is damaged
            out.write("old")
        self.assertEqual(self.run_main(file, self.path("no.parquet"))[0], 1)
        with open(self.out) as out:
            self.assertEqual(out.read(), "old")

    def test_pyarrow_is_missing(self):
        file = self.parquet("a.parquet", ROWS, CHAT)
        with unittest.mock.patch.dict(sys.modules, {"pyarrow": None}):
            self.refused("this needs the Python package pyarrow: ", file)

    def test_standard_output(self):
        run = subprocess.run([sys.executable, from_hub.__file__, self.parquet("chat.parquet", ROWS, CHAT)],
                             capture_output=True, env={**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0"})
        self.assertEqual([json.loads(line) for line in run.stdout.decode("utf-8").split("\n")[:-1]], EXPECTED)
        self.assertTrue(run.stderr.startswith(b"-: 2 rows, columns messages, "), run.stderr)

    # ---- the hub, as `datasets` gives it ----

    @contextlib.contextmanager
    def hub(self, builder, files):
        """Names of the hub lead to these files."""
        load = datasets.load_dataset
        asked = lambda name, config, streaming: load(builder, config, data_files=files, streaming=streaming)
        with unittest.mock.patch.object(datasets, "load_dataset", asked):
            yield

    def test_a_dataset_of_the_hub(self):
        file = self.parquet("chat.parquet", ROWS, CHAT)
        with self.hub("parquet", {"train": file, "test": file}):
            self.assertEqual(self.converted("org/name"), EXPECTED)
            self.assertEqual(self.converted("org/name", "--columns", "good", "--limit", "1"), [{"good": True}])
            os.unlink(self.out)
            self.refused("org/name: no split 'dev'; there are train, test\n", "org/name", "--split", "dev")
            self.refused("org/name: no column 'x'; there are messages, source", "org/name", "--columns", "x")

    def test_rows_of_json_on_the_hub(self):
        answer = {"role": "assistant", "content": "b", "name": "n"}
        rows = [{"messages": [{"role": "user", "content": "é"}, answer]}] * 1500
        with open(self.path("a.json"), "w") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
        with self.hub("json", {"train": self.path("a.json")}):
            self.assertEqual(self.converted("name"), rows)

    # ---- recipes ----

    def test_every_recipe(self):
        """On rows in the columns in which the set is published."""
        self.assertEqual(list(PUBLISHED), [recipe.name for recipe in hub_recipes.RECIPES])
        for recipe in hub_recipes.RECIPES:
            with self.subTest(recipe.name):
                rows, made, left_out = PUBLISHED[recipe.name]
                code, said = self.run_main(self.parquet("set.parquet", rows), "--recipe", recipe.name)
                self.assertEqual(code, 0, said)
                self.assertEqual(lines_of(self.out), made)
                first, last = said.splitlines()
                total = sum(left_out.values())
                self.assertIn(f"licence of {recipe.hub}: {recipe.licence}; left out {total} row{'s' * (total != 1)}",
                              first)
                for reason, count in left_out.items():
                    self.assertIn(f"{count} {reason}", first)
                self.read_by_sft(recipe, made, last)

    def read_by_sft(self, recipe, made, last):
        run = self.inspect()
        if recipe.kind == "test":  # it cannot be trained on
            self.assertEqual(run.returncode, 1, run.stdout)
            self.assertTrue(last.endswith("; prompts for sft eval --prompts"), last)
            with open(self.path("run.ini"), "w") as file:
                file.write(f"[model]\nbase = {self.base()}\n[data]\ntrain = {self.chat()}\neval = {self.chat()}\n"
                           f"template = im_sep\n[eval]\nprompts = {self.out}\n[train]\noutput_dir = {self.dir}/run\n")
            run = self.sft("train", self.path("run.ini"), "--dry-run")
            self.assertEqual(run.returncode, 0, run.stderr)
            labels = [row["label"] for row in made]
            self.assertIn(f"{labels.count('unsafe')} unsafe, {labels.count('safe')} safe", run.stdout)
            return
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertNotIn("warning", run.stderr)
        turns = [turn for row in made for turn in row.get("messages", row.get("chosen"))]
        self.assertEqual(re.findall(r"\[\[(.*?)<\|im_end\|>\]\]", run.stdout, re.S),
                         [turn["content"] for turn in turns if turn["role"] == "assistant" and turn.get("weight") != 0])
        self.assertEqual(len(re.findall(f"^{re.escape(self.out)}:[0-9]+  ", run.stdout, re.M)), len(made))

    def chat(self):
        with open(self.path("chat.jsonl"), "w") as file:
            file.write(json.dumps({"messages": ROWS[0]["messages"]}) + "\n")
        return self.path("chat.jsonl")

    # Rows of real sets (ASSETS): a recipe and sft's own reader of the format make the same of them.

    def inspected(self, file):
        run = self.sft("inspect", "--base", self.base(), file, "--json")
        self.assertEqual(run.returncode, 0, run.stderr)
        return [json.loads(line) for line in run.stdout.splitlines()]

    def as_recipe(self, name, rows):
        code, said = self.run_main(self.parquet("real.parquet", rows), "--recipe", name)
        self.assertEqual(code, 0, said)
        return self.inspected(self.out), said

    def same_tokens(self, ours, theirs):
        self.assertEqual(len(ours), len(theirs))
        for a, b in zip(ours, theirs):
            self.assertTrue(a["tokens"] == b["tokens"], f"{a['source']} has other tokens than {b['source']}")

    def test_alpaca_as_the_reader(self):
        file = os.path.join(self.assets, "llama-factory", "alpaca_en_demo.json")
        with open(file, encoding="utf-8") as rows:
            ours, said = self.as_recipe("alpaca", json.load(rows))
        self.assertIn("left out 0 rows", said)
        theirs = self.inspected(file)
        self.same_tokens(ours, theirs)
        self.assertTrue([row["weights"] for row in ours] == [row["weights"] for row in theirs])

    def test_hh_as_the_reader(self):
        """The reader trains on all of the answers in `chosen`, the recipe on the last: that which people compared."""
        with gzip.open(os.path.join(self.assets, "hh-rlhf", "test.jsonl.gz"), "rt", encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        kept = [row for row in rows if isinstance(hub_recipes.find("hh-rlhf").convert(row), dict)]
        with open(self.path("kept.jsonl"), "w", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in kept)
        ours, said = self.as_recipe("hh-rlhf", rows)
        self.assertIn("left out 9 rows: 5 whose answers have different prompts, 4 with an empty answer\n", said)
        self.same_tokens(ours, self.inspected(self.path("kept.jsonl")))
        for row in ours:
            weights = "".join("x" if weight else "." for weight in row["weights"])
            self.assertTrue(re.fullmatch(r"\.+x+\.?", weights) or row["truncated"], row["source"])

    def test_oasst_as_the_reader(self):
        """The reader keeps a last question that nobody answered, the recipe does not. The answers are the same."""
        def flat(message, parent, depth):
            columns = ("message_id", "text", "role", "lang", "deleted", "rank")
            yield depth, {**{key: message.get(key) for key in columns}, "parent_id": parent}
            for reply in message.get("replies", []):
                yield from flat(reply, message["message_id"], depth + 1)

        file = os.path.join(self.assets, "open-assistant", "en_100_tree.jsonl")
        with open(file, encoding="utf-8") as lines:
            rows = [row for line in lines for row in flat(json.loads(line)["prompt"], None, 0)]
        rows = [row for _, row in sorted(rows, key=lambda pair: pair[0])]  # a tree's rows lie apart
        ours, _ = self.as_recipe("oasst1", rows)
        self.assertEqual(len(ours), 100)
        for a, b in zip(ours, self.inspected(file)):
            trained = [[token for token, weight in zip(row["tokens"], row["weights"]) if weight] for row in (a, b)]
            self.assertTrue(trained[0] == trained[1], f"{a['source']} has other answers than {b['source']}")

    def test_a_recipe_of_the_hub(self):
        rows, made, _ = PUBLISHED["coconot-pref"]
        asked = []
        load = datasets.load_dataset
        file = self.parquet("set.parquet", rows)

        def asks(name, config, streaming, **more):
            asked.append((name, config, more))
            return load("parquet", data_files={"train": file, "test": file}, streaming=streaming)

        with unittest.mock.patch.object(datasets, "load_dataset", asks):
            self.assertEqual(self.converted("coconot-pref"), made)
            self.assertEqual(self.converted("allenai/coconot", "--config", "pref", "--split", "test"), made)
            self.assertEqual(self.converted("mine/copy", "--recipe", "coconot-pref"), made)
            self.assertEqual(self.converted("allenai/coconot", "--recipe", "none"), rows)
            self.assertEqual(self.converted("allenai/coconot", "--columns", "id"), [{"id": "1"}])
            self.refused_over("allenai/coconot: no column 'response', which the recipe coconot needs (--recipe none "
                              "takes rows as they are); there are id, ", "allenai/coconot")
            self.refused_over("allenai/wildjailbreak: no column 'vanilla', which", "wildjailbreak")
        self.assertEqual(asked, [("allenai/coconot", "pref", {}), ("allenai/coconot", "pref", {}),
                                 ("mine/copy", "pref", {}), ("allenai/coconot", None, {}),
                                 ("allenai/coconot", None, {}), ("allenai/coconot", "original", {}),
                                 ("allenai/wildjailbreak", "train", {"delimiter": "\t", "keep_default_na": False})])

    def test_a_table_of_the_hub(self):
        """WildJailbreak is published with tabs, and its empty cells are texts."""
        rows, made, _ = PUBLISHED["wildjailbreak"]
        with open(self.path("train.tsv"), "w") as file:
            file.writelines("\t".join(line) + "\n" for line in [list(rows[0]), *(list(row.values()) for row in rows)])
        real = datasets.load_dataset

        def load(name, config, streaming, **more):
            return real("csv", data_files={"train": self.path("train.tsv")}, streaming=streaming, **more)

        with unittest.mock.patch.object(datasets, "load_dataset", load):
            self.assertEqual(self.converted("wildjailbreak"), made)

    def refused_over(self, message, *args):
        os.unlink(self.out)
        self.refused(message, *args)
        with open(self.out, "w"):
            pass

    def test_several_recipes(self):
        for name in ("oasst2", "aegis-2", "skywork"):
            self.parquet(name + ".parquet", PUBLISHED[name][0])
        names = ("oasst2", "aegis-2", "skywork")

        def load(name, *_, **__):
            file = self.path({recipe.hub: recipe.name for recipe in hub_recipes.RECIPES}[name] + ".parquet")
            return real("parquet", data_files={"train": file}, streaming=True)

        real = datasets.load_dataset
        with unittest.mock.patch.object(datasets, "load_dataset", load):
            self.assertEqual(self.converted(*names[:2]), PUBLISHED["oasst2"][1] + PUBLISHED["aegis-2"][1])
            code, said = self.run_main(*names[:2], "--limit", "1")
            self.assertEqual((code, len(said.splitlines())), (0, 3))
            self.refused_over("oasst2 becomes messages and skywork prompt, chosen, rejected: write them to files of "
                              "their own", "oasst2", "skywork")

    def test_recipes_that_are_not_there(self):
        file = self.parquet("a.parquet", [{"a": 1}])
        self.refused("no recipe 'no-such'; --list shows those there are", file, "--recipe", "no-such")
        self.refused("--columns is for rows as they are, and the recipe no_robots makes others of them", file,
                     "--recipe", "no_robots", "--columns", "a")
        self.refused(f"{file}: no column 'messages', which the recipe no_robots needs", file, "--recipe", "no_robots")

    def test_columns_of_other_types(self):
        for name, row in (("no_robots", {"messages": ["text"]}), ("wildchat", {**PUBLISHED["wildchat"][0][0],
                                                                               "conversation": "text"})):
            file = self.parquet("a.parquet", [row])
            self.refused(f"{file}: a column holds something else than the recipe {name} expects (", file,
                         "--recipe", name)

    def test_a_gated_set(self):
        def gated(*_, **__):
            raise datasets.exceptions.DatasetNotFoundError("Dataset 'x' is a gated dataset on the Hub.")

        with unittest.mock.patch.object(datasets, "load_dataset", gated):
            self.refused("walledai/XSTest is gated: accept its terms at "
                         "https://huggingface.co/datasets/walledai/XSTest, then `hf auth login`: Dataset 'x' is a ",
                         "xstest")
            self.refused("openai/no-such: no such file, and no such dataset: ", "openai/no-such")

    def listed(self, *args):
        run = subprocess.run([sys.executable, from_hub.__file__, "--list", *args], capture_output=True, text=True)
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        return run.stdout

    def test_the_list(self):
        recipes = json.loads(self.listed("--json"))
        self.assertEqual([recipe["name"] for recipe in recipes], list(PUBLISHED))
        text = self.listed()
        for recipe in recipes:
            self.assertIn(f"  {recipe['name']:22} {recipe['hub']}{' (gated)' if recipe['gated'] else ''}\n", text)
            self.assertIn(f"      licence: {recipe['licence']}\n", text)
            self.assertIn(recipe["kind"], ("chat", "refusals", "preferences", "test"))
            self.assertEqual(set(recipe["columns"]) - set(PUBLISHED[recipe["name"]][0][0]), set())

    def test_docs_name_every_recipe(self):
        with open(os.path.join(ROOT, "docs", "datasets.md"), encoding="utf-8") as file:
            text = file.read()
        for recipe in hub_recipes.RECIPES:
            self.assertIn(f"`{recipe.name}`", text)
            self.assertIn(recipe.hub, text)

    def test_no_network(self):
        self.refused("no-such/dataset: no such file, and the hub was not reached (is there a network?): ",
                     "no-such/dataset")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    FromHub.program, FromHub.assets = os.path.abspath(sys.argv[1]), os.path.join(os.path.abspath(sys.argv[2]), "data")
    unittest.main(argv=sys.argv[:1])
