#!/usr/bin/env python3
"""Write tests/golden/templates.json: what the families' own chat templates, as TRL has them, make of conversations.

usage: golden_templates.py [ASSETS]    (run in the repository's root; needs transformers, jinja2 and TRL; two seconds)
Of each template there is its name, its format's word and which of the word's rows it is (src/text/template_table.c), and
for each conversation, by its number, the rendered text with and without a generation prompt; null where it is refused.
The templates themselves are not kept.
"""
import importlib
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
golden_jinja = importlib.import_module("golden_jinja")

import trl
from transformers.utils import chat_template_utils

FAMILIES = [("qwen2_5", "qwen2", 0), ("qwen3", "qwen3", 0), ("qwen3_training", "qwen3", 1), ("qwen3_instruct_2507", "qwen3", 2),
            ("llama3", "llama3", 0), ("gemma3", "gemma", 0)]
THOUGHT = "<think>\n\nhm\n</think>\n\nyes"
CONVERSATIONS = [
    ["user: Hi", "assistant: Yo"],
    ["system: Be kind.", "user: Hi", "assistant: Yo", "user: And?", "assistant: That."],
    ["system:  \n", "user: \n Hi \t", "assistant: \n\n \u00a0Yo\u3000 \n", "user: ", "assistant: "],
    ["user: Hi", f"assistant: {THOUGHT}", "user: Sure?", f"assistant: {THOUGHT}"],
    ["user: Hi", "assistant: <think>a", "user: </think>", "assistant: b</think>c</think>\nd"],
    ["user: Hi", "assistant: x", "tool: 1", "tool: 2", f"assistant: {THOUGHT}"],
    ["user: <tool_response>\n1\n</tool_response>", "assistant: a", f"assistant: {THOUGHT}", "assistant: b"],
    ["user: a", "user: b", "assistant: c"],
    ["assistant: c", "user: d"],
    ["user: a", "system: b", "assistant: c"],
    ["user: na\u00efve \U0001f642 {{ x }} '\\n'", "assistant: \"<|im_end|>\""],
]


def messages(lines):
    return [dict(zip(("role", "content"), line.split(": ", 1))) for line in lines]


def render(jinja, conversation, prompts):
    made = golden_jinja.case(jinja, {"messages": messages(conversation), "tools": None, "bos_token": "<s>", "eos_token": "</s>",
                                     "add_generation_prompt": prompts})
    return made.get("text")


def main():
    folder = os.path.join(os.path.dirname(trl.__file__), "chat_templates")
    chat_template_utils.datetime = golden_jinja.Clock
    made = {"versions": f"trl {trl.__version__}", "conversations": [messages(c) for c in CONVERSATIONS], "templates": []}
    for file, word, row in FAMILIES:
        with open(os.path.join(folder, file + ".jinja"), encoding="utf-8") as template:
            jinja = template.read()
        texts = [[render(jinja, c, False), render(jinja, c, True)] for c in CONVERSATIONS]
        made["templates"].append({"name": file, "word": word, "row": row, "texts": texts})
    with open("tests/golden/templates.json", "w", encoding="utf-8") as out:
        json.dump(made, out, ensure_ascii=False, indent=0)
        out.write("\n")


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    main()
