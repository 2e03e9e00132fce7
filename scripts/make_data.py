#!/usr/bin/env python3
"""Make the conversations and prompts of data/ from the hand-written parts in scripts/make_data/.

usage: make_data.py            write the files and the counts in data/README.md
       make_data.py --check    exit 1 unless they are what would be written now, and hold what README.md says
       make_data.py --show N   print N conversations chosen at random, to be read

Only Python's standard library is needed, and the bytes are the same with any version of it (3.8 or later).

The parts (facts, how_to, look_alikes, small_talk, identity: *.txt) are blocks with blank lines between them:
    [section]     the topic of the blocks that follow
    ? WORDING     what a user says, whole
    > ACTION      a verb phrase, put into HOW_TO ("How do I ...?"), the same frames for every kind
    ~ CLAUSE      a subordinate clause, put into TELL_ME ("Tell me ...")
    ! WORDING     whole, and for eval.jsonl only
    = ANSWER
In refusals.txt a line is one request, ACTION | ? WORDING | ! WORDING, and "=" gives a section's reasons.
Sums are made, and computed, here. contrast-*.txt and general.txt are read by make_data/contrast.py.

What belongs to which file is decided by a hash of the text and nothing else, so no user message of
eval.jsonl, in whatever turn, occurs in train.jsonl; and some requests and sums are in eval.jsonl alone.
"""
import argparse
import json
import sys
import zlib
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data"
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "scripts" / "make_data"))

from arithmetic import write_arithmetic  # noqa: E402
from capitals import capital_blocks, write_capital_follow_ups  # noqa: E402
from contrast import contrast_faults, contrast_files, contrast_table  # noqa: E402
from mixed import write_mixed  # noqa: E402
from parts import EVAL_ONLY, Chance, normalise, read_blocks, read_refusals  # noqa: E402
from writer import Writer, answer_to  # noqa: E402

README_BEGIN, README_END = "<!-- counts: begin -->", "<!-- counts: end -->"

KINDS = {  # in the order of the table, with what it says of them
    "fact": "a question with one true answer, some with a follow-up",
    "arithmetic": "sums, products, differences, with follow-ups on the result",
    "how_to": "ordinary questions in the frames of the refused ones",
    "small_talk": "greetings, thanks, moods, jokes",
    "identity": "who the assistant is and what it can do",
    "refusal": "a request for something harmful, refused",
    "look_alike": "a harmless request that only sounds harmful, answered",
    "mixed": "several turns of different kinds, such as refused and then harmless",
}


def held_out_requests(blocks):
    """One request of each topic that is asked in eval.jsonl alone."""
    chosen = {}
    for block in blocks:
        if block.kind in ("refusal", "look_alike") and block.framed and not block.is_demo:
            key = (block.kind, block.topic)
            rank = zlib.crc32(block.name().encode())
            if key not in chosen or rank < chosen[key][0]:
                chosen[key] = (rank, block)
    return [block for _, block in chosen.values()]


# kind: train wordings of each request (spoken ones before frames), requests of which one wording is asked in eval
SHARES = {"fact": (2, 1 / 4), "how_to": (3, 1 / 4), "small_talk": (9, 1), "identity": (9, 1), "refusal": (2, 1 / 7),
          "look_alike": (3, 1 / 6)}
DEMO_WORDINGS = 14  # of a request that a demonstration asks


def write_blocks(writer, blocks, held_out):
    chance = writer.chance
    for block in blocks:
        train, evals = block.wordings("train", chance), block.wordings("eval", chance)
        count, share = SHARES[block.kind]
        if block in held_out:
            writer.add("eval", block.kind, block.topic, [(chance.pick(train), answer_to(block, chance))], "request")
            continue
        if block.is_demo:
            count, share = DEMO_WORDINGS, 1
            evals.sort(key=lambda text: normalise(text) not in EVAL_ONLY)
        elif block.framed and block.spoken:  # half of them spoken, so that the frames stay alike everywhere
            spoken = chance.shuffled([text for text in train if text in block.spoken])
            framed = [text for text in train if text not in block.spoken]
            count += len(spoken) > 1
            train = spoken[: count - count // 2] + framed
        for text in train[:count]:
            writer.add("train", block.kind, block.topic, [(text, answer_to(block, chance))])
        if evals and chance.random() < share:
            writer.add("eval", block.kind, block.topic, [(evals[0], answer_to(block, chance))])


def make(seed=1):
    """{"train": rows, "eval": rows}"""
    writer = Writer(seed)
    blocks = [*read_blocks("fact", "facts.txt"), *capital_blocks(), *read_blocks("how_to", "how_to.txt"),
              *read_blocks("small_talk", "small_talk.txt"), *read_blocks("identity", "identity.txt"), *read_refusals(),
              *read_blocks("look_alike", "look_alikes.txt")]
    held_out = held_out_requests(blocks)
    write_blocks(writer, blocks, held_out)
    write_capital_follow_ups(writer)
    write_arithmetic(writer, n_train=450, n_eval=44, n_demo=40)
    write_mixed(writer, [block for block in blocks if block not in held_out])
    return {split: writer.chance.shuffled(rows) for split, rows in writer.rows.items()}


# Files, counts and checks

def dump(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def counts_table(rows):
    def line(name, pick, note):
        train, evals = (sum(1 for row in rows[split] if pick(row)) for split in ("train", "eval"))
        return f"| {name} | {train} | {evals} | {note} |"

    lines = ["| kind | train | eval | what it is |", "|---|---:|---:|---|"]
    lines += [line(kind, lambda row, kind=kind: row["kind"] == kind, note) for kind, note in KINDS.items()]
    lines += [line("all", lambda row: True, ""), "",
              "| kind of harm | refused: train | eval | look-alikes: train | eval |", "|---|---:|---:|---:|---:|"]
    by_topic = Counter((row["kind"], row["topic"], split) for split in rows for row in rows[split])
    for topic in sorted({row["topic"] for row in rows["train"] if row["kind"] == "refusal"}):
        cells = [by_topic[kind, topic, split] for kind in ("refusal", "look_alike") for split in ("train", "eval")]
        lines.append(f"| {topic.replace('_', ' ')} | {' | '.join(map(str, cells))} |")
    several = sum(1 for row in rows["train"] if sum(m["role"] == "user" for m in row["messages"]) > 1)
    system = sum(1 for row in rows["train"] if row["messages"][0]["role"] == "system")
    unseen = sum(1 for row in rows["eval"] if row["held_out"] == "request")
    lines += ["", f"Of train, {several} conversations have several turns and {system} begin with a system message. "
                  f"Of eval, {unseen} ask for something that train does not hold in any wording.", "", *contrast_table()]
    return "\n".join(lines)


def readme_with(table):
    text = (DATA / "README.md").read_text(encoding="utf-8")
    head, rest = text.split(README_BEGIN)
    return f"{head}{README_BEGIN}\n{table}\n{README_END}{rest.split(README_END)[1]}"


def user_messages(rows):
    return {normalise(m["content"]): m["content"] for row in rows for m in row["messages"] if m["role"] == "user"}


def faults(rows):
    """What is wrong with the conversations themselves."""
    train, evals = user_messages(rows["train"]), user_messages(rows["eval"])
    for key in sorted(train.keys() & evals.keys()):
        yield f"in both files: {evals[key]}"
    for key in sorted(EVAL_ONLY - evals.keys()):
        yield f"not in eval.jsonl: {key}"
    for split in rows:
        seen = Counter(json.dumps(row["messages"]) for row in rows[split])
        for text, count in seen.items():
            if count > 1:
                yield f"{split}.jsonl: {count} times: {text}"
        for row in rows[split]:
            for message in row["messages"]:
                if not message["content"].strip() or len(message["content"].split()) > 40:
                    yield f"{split}.jsonl: empty or too long: {message['content']}"
    if len(rows["train"]) < 1000:
        yield "fewer than 1000 conversations"
    yield from contrast_faults(evals)


def main():
    parser = argparse.ArgumentParser(description="make the conversations and prompts of data/")
    parser.add_argument("--check", action="store_true", help="compare with the files that are there")
    parser.add_argument("--show", type=int, metavar="N", help="print N conversations chosen at random")
    args = parser.parse_args()

    rows = make()
    files = {DATA / f"{split}.jsonl": dump(rows[split]) for split in rows}
    files.update({DATA / name: text for name, text in contrast_files(dump).items()})
    files[DATA / "README.md"] = readme_with(counts_table(rows))
    bad = list(faults(rows))
    if args.show:
        for row in Chance(None).shuffled(rows["train"] + rows["eval"])[: args.show]:
            print(f"--- {row['kind']}, {row['topic']}, {row.get('held_out', 'train')}")
            print("\n".join(f"{m['role']}: {m['content']}" for m in row["messages"]))
    elif args.check:
        bad += [f"not what {Path(__file__).name} writes: {path.relative_to(ROOT)}" for path, text in files.items()
                if not path.exists() or path.read_text(encoding="utf-8") != text]
    elif not bad:
        for path, text in files.items():
            path.write_text(text, encoding="utf-8")
    if bad:
        sys.exit("\n".join(bad))


if __name__ == "__main__":
    main()
