#!/usr/bin/env python3
"""Turn datasets of the Hugging Face hub, or parquet files, into JSON Lines that sft reads.

usage: from_hub.py NAME_OR_FILE... [--split NAME] [--config NAME] [--columns a,b,c] [--limit N] [--out FILE|-]
                   [--recipe NAME|none] [--list [--json]]

    from_hub.py --list                                                          the sets that there are recipes for
    from_hub.py no_robots coconot --out chat.jsonl                              from the hub, as their recipes say
    from_hub.py org/name --columns messages --out chat.jsonl                    from the hub, as it is
    from_hub.py train-00000-of-00002.parquet train-00001-of-00002.parquet --out chat.jsonl
    from_hub.py some-dataset/data --split test --out test.jsonl                 a directory of parquet files
    from_hub.py oasst2.parquet --recipe oasst2 | sft inspect --base gpt2 -      without a file between

A name is a file or a directory if there is one, else a recipe's, else a dataset of the hub. Several are written one
after another. Parquet files need the package pyarrow alone, the hub needs datasets, which fetches rows as they are
written. Rows go through in batches, so that memory does not grow with the data (a recipe for trees holds a split). Of a
directory, parquet files are taken at any depth; where their names tell splits (train-00000-of-00002.parquet,
train/0000.parquet, test.parquet), those of --split.

A recipe knows config, split and columns of a public set, makes messages, or prompt, chosen and rejected, of its rows,
and leaves out and counts what is not for training (hub_recipes.py, docs/datasets.md). --split and --config say
otherwise; --recipe none takes rows as they are, --recipe NAME is for files. Without a recipe the split is train.

One row is one line of UTF-8. Lists, structs and maps stay what they are; what is null is left out, of the row too,
because parquet gives every message every key that any message has; so are NaN and infinity. Dates and times become
ISO 8601 text, decimals text. Columns of bytes (images, audio) are refused: choose others with --columns.
FILE is written as FILE.tmp and renamed once it is whole. Exit 1 says why on stderr.
"""
import argparse
import collections
import datetime
import itertools
import json
import math
import os
import pathlib
import re
import sys

sys.dont_write_bytecode = True
import hub_recipes

ROWS_AT_ONCE = 1000
STREAMED = {"buffer_size": 1 << 20, "pre_buffer": False}  # else pyarrow holds a whole row group, often the whole file
SPLITS = ("train", "test", "validation", "valid", "val", "dev", "eval")
FORMATS = [  # what sft knows a format by, in the order in which it looks (src/data/readers/reader_formats.h)
    ("messages", ["messages"]), ("sharegpt", ["conversations"]), ("oasst", ["prompt"]),
    ("prompt", ["prompt", "completion"]), ("hh", ["chosen"]), ("alpaca", ["instruction", "output"]),
    ("dolly", ["instruction", "response"]), ("question", ["question", "answer"]), ("question", ["question", "response"]),
    ("prompt", ["prompt", "response"]), ("text", ["text"]),
]


class Refused(Exception):
    """A message for the user."""


def needs(package):
    try:
        return __import__(package)
    except ImportError:
        raise Refused(f"this needs the Python package {package}: {sys.executable} -m pip install {package}") from None


def first_line(error):
    return (str(error).strip() or type(error).__name__).splitlines()[0]


# ---- batches of rows, from files and from the hub ----

def split_of(path, root):
    """The split that a file's name tells, or None."""
    sharded = re.fullmatch(r"(.+)-\d{5}-of-\d{5}", path.stem)
    if sharded:
        return sharded[1]
    if path.stem.isdigit() and path.parent != root:
        return path.parent.name
    return path.stem if path.stem in SPLITS else None


def parquet_files(path, split):
    if not path.is_dir():
        return [path]
    files = {file: split_of(file, path) for file in sorted(path.rglob("*.parquet"))}
    splits = sorted({name for name in files.values() if name})
    if not files:
        raise Refused(f"{path}: there is no .parquet file in it")
    if splits and split not in splits:
        raise Refused(f"{path}: no split {split!r}; there are {', '.join(splits)}")
    return [file for file, name in files.items() if name == split or not splits]


def file_batches(path, options, recipe):
    pyarrow = needs("pyarrow")
    import pyarrow.parquet
    for file in parquet_files(path, options.split or (recipe.split if recipe else "train")):
        try:
            with pyarrow.parquet.ParquetFile(file, **STREAMED) as parquet:
                columns = check_columns(file, parquet.schema_arrow, options.columns, recipe)
                for batch in parquet.iter_batches(ROWS_AT_ONCE, columns=columns):
                    yield batch.select(columns)
        except (pyarrow.ArrowException, OSError) as error:
            raise Refused(f"{file}: {first_line(error)}") from None


def hub_batches(name, options, recipe):
    datasets = needs("datasets")
    config, split, more = options.config, options.split or "train", {}
    if recipe:
        name = recipe.hub if name == recipe.name else name
        config, split, more = config or recipe.config, options.split or recipe.split, dict(recipe.load)
    try:
        splits = datasets.load_dataset(name, config, streaming=True, **more)
        if split not in splits:
            raise Refused(f"{name}: no split {split!r}; there are {', '.join(splits)}")
        for table in splits[split].with_format("arrow").iter(ROWS_AT_ONCE):
            for batch in table.select(check_columns(name, table.schema, options.columns, recipe)).to_batches():
                yield batch
    except Refused:
        raise
    except ConnectionError as error:
        raise Refused(f"{name}: no such file, and the hub was not reached (is there a network?): "
                      f"{first_line(error)}") from None
    except FileNotFoundError as error:
        if recipe and recipe.gated:
            raise Refused(f"{name} is gated: accept its terms at https://huggingface.co/datasets/{name}, then "
                          f"`hf auth login`: {first_line(error)}") from None
        raise Refused(f"{name}: no such file, and no such dataset: {first_line(error)}") from None
    except Exception as error:  # datasets, the http client and each file format have their own
        raise Refused(f"{name}: {first_line(error)}") from None


# ---- sources: batches, and the recipe for them ----

class Source:
    """What one NAME_OR_FILE of the command line leads to."""

    def __init__(self, name, options):
        path = pathlib.Path(name)
        self.name, self.recipe, self.left_out = name, recipe_of(name, path.exists(), options), collections.Counter()
        if path.exists():
            if options.config:
                raise Refused(f"{name} is there as a file: --config is for datasets of the hub")
            self.batches = file_batches(path, options, self.recipe)
            return
        if path.suffix == ".parquet" or not re.fullmatch(r"[\w-][\w.-]*(/[\w.-]+)?", name):
            raise Refused(f"{name}: no such file")
        self.batches = hub_batches(name, options, self.recipe)

    def rows(self):
        rows = (row for batch in self.batches for row in rows_of(batch))
        if not self.recipe:
            yield from rows
            return
        try:
            for row in self.recipe.gather(rows) if self.recipe.gather else rows:
                made = self.recipe.convert(row)
                if isinstance(made, str):
                    self.left_out[made] += 1
                else:
                    yield made
        except (AttributeError, KeyError, TypeError) as error:
            raise Refused(f"{self.name}: a column holds something else than the recipe {self.recipe.name} expects "
                          f"({first_line(error)}); --recipe none takes rows as they are") from None

    def told(self):
        """Of a recipe: what was taken, under which licence, and what was left out."""
        recipe, counts = self.recipe, self.left_out.most_common()
        reasons = ": " + ", ".join(f"{count} {reason}" for reason, count in counts) if counts else ""
        what = "tests, never to be trained on; " if recipe.kind == "test" else ""
        total = sum(self.left_out.values())
        licence = f"licence of {recipe.hub}: {recipe.licence}"
        return f"{self.name}: {what}{licence}; left out {total} {'row' if total == 1 else 'rows'}{reasons}"


def recipe_of(name, is_file, options):
    if options.recipe == "none":
        return None
    if options.recipe:
        recipe = hub_recipes.find(options.recipe)
        if not recipe:
            raise Refused(f"no recipe {options.recipe!r}; --list shows those there are")
    else:  # a file is taken as it is, and so is a set of which certain columns are asked for
        recipe = None if is_file or options.columns else hub_recipes.find(name, options.config)
    if recipe and options.columns:
        raise Refused(f"--columns is for rows as they are, and the recipe {recipe.name} makes others of them")
    return recipe


def sources_of(options):
    sources = [Source(name, options) for name in options.names]
    made = [source for source in sources if source.recipe]
    for source in made:
        if source.recipe.becomes() != made[0].recipe.becomes():
            raise Refused(f"{made[0].name} becomes {made[0].recipe.becomes()} and {source.name} "
                          f"{source.recipe.becomes()}: write them to files of their own")
    return sources


# ---- columns ----

def holds_bytes(kind):
    import pyarrow.types as types
    tests = (types.is_binary, types.is_large_binary, types.is_fixed_size_binary, types.is_binary_view)
    inner = [kind.field(i).type for i in range(kind.num_fields)]
    return any(test(kind) for test in tests) or any(holds_bytes(child) for child in inner)


def check_columns(source, schema, wanted, recipe):
    """The columns to take: the recipe's, or `wanted`, or all."""
    needed = recipe.columns if recipe else wanted or []
    missing = [name for name in needed if name not in schema.names]
    if missing:
        why = f", which the recipe {recipe.name} needs (--recipe none takes rows as they are)" if recipe else ""
        raise Refused(f"{source}: no column {missing[0]!r}{why}; there are {', '.join(schema.names)}")
    if recipe:
        wanted = [*needed, *(name for name in recipe.extra if name in schema.names)]
    for name in wanted or schema.names:
        if holds_bytes(schema.field(name).type):
            raise Refused(f"{source}: column {name!r} holds bytes, which are no text; choose others with --columns "
                          f"of {', '.join(schema.names)}")
    return wanted or schema.names


# ---- values ----

def to_json(value, kind):
    """A value of pyarrow's type `kind`, as json.dumps takes it."""
    import pyarrow.types as types
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, str):
        return json.loads(value) if getattr(kind, "extension_name", "") == "arrow.json" else value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (datetime.date, datetime.time)):  # datetime is a date
        return value.isoformat()
    if types.is_map(kind):
        return {str(key): to_json(item, kind.item_type) for key, item in value}
    if isinstance(value, dict):
        items = ((field.name, to_json(value[field.name], field.type)) for field in kind)
        return {name: item for name, item in items if item is not None}
    if isinstance(value, list):
        return [to_json(item, kind.value_type) for item in value]
    return str(value)


def rows_of(batch):
    kinds = dict(zip(batch.schema.names, batch.schema.types))
    for row in batch.to_pylist():
        items = ((name, to_json(value, kinds[name])) for name, value in row.items())
        yield {name: value for name, value in items if value is not None}


# ---- the output ----

def format_of(row):
    """What sft takes the row for, or None."""
    for name, keys in FORMATS:
        if all(key in row for key in keys) and (name != "oasst" or isinstance(row["prompt"], dict)):
            return name
    return None


def verdict(first):
    name = format_of(first)
    if name == "text":
        return "sft will read them as text: documents, trained on whole"
    if name:
        return f"sft will read them as {name}"
    if "prompt" in first and "label" in first:
        return "prompts for sft eval --prompts"
    known = "; ".join(", ".join(keys) for name, keys in FORMATS if name != "oasst")
    return f"sft will NOT know this format: a row needs the keys of one of: {known}"


def write_rows(rows, out):
    """The number of rows, all their keys in order, and the first row."""
    count, keys, first = 0, {}, {}
    for row in rows:
        out.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")
        keys.update(dict.fromkeys(row))
        first = row if count == 0 else first
        count += 1
    out.flush()
    return count, list(keys), first


def convert(sources, options):
    rows = itertools.islice((row for source in sources for row in source.rows()), options.limit)
    if options.out == "-":
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")
        return write_rows(rows, sys.stdout)
    temporary = options.out + ".tmp"
    try:
        with open(temporary, "w", encoding="utf-8", newline="\n") as out:
            written = write_rows(rows, out)
        os.replace(temporary, options.out)
    except BaseException:
        pathlib.Path(temporary).unlink(missing_ok=True)
        raise
    return written


def row_count(text):
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"expected a number of rows, found {text!r}")
    return int(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     usage=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", metavar="NAME_OR_FILE")
    parser.add_argument("--split", help="default: the recipe's, or train")
    parser.add_argument("--config", help="of a dataset of the hub that has several")
    parser.add_argument("--columns", type=lambda names: names.split(","), help="only these, in this order")
    parser.add_argument("--limit", type=row_count, metavar="N", help="rows at most")
    parser.add_argument("--out", default="-", metavar="FILE", help="default: -, standard output")
    parser.add_argument("--recipe", metavar="NAME", help="for files, too; none: rows as they are")
    parser.add_argument("--list", action="store_true", help="the recipes")
    parser.add_argument("--json", action="store_true", help="with --list: as JSON")
    options = parser.parse_args()
    if options.list:
        recipes = [recipe.described() for recipe in hub_recipes.RECIPES]
        print(json.dumps(recipes, indent=1) if options.json else hub_recipes.listing())
        return 0
    if not options.names:
        parser.error("name a dataset or a file (--list: those that there are recipes for)")
    try:
        sources = sources_of(options)
        count, keys, first = convert(sources, options)
    except BrokenPipeError:  # whoever read has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (Refused, OSError) as error:
        print(f"from_hub: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    for source in sources:
        if source.recipe:
            print(source.told(), file=sys.stderr)
    columns = f", columns {', '.join(keys)}; {verdict(first)}" if count else ""
    print(f"{options.out}: {count} rows{columns}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
