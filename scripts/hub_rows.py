"""How rows of public datasets become what sft reads; hub_recipes.py says which set is read how.

`gather` functions take the rows of a split that belong together (a tree's messages, two answers to one prompt) and give
rows. All others take a row and give one of

    {"messages": [{"role", "content"}, ...]}                     chat and refusals
    {"prompt": [...], "chosen": [...], "rejected": [...]}        preferences: lists of messages
    {"prompt": text, "label": "safe" or "unsafe"}                tests: for `sft eval --prompts`, nothing to train on

or, as a text, why the row is left out. A column that is null is not in a row.
"""
import collections
import re


# ---- what rows become ----

def blank(text):
    return not isinstance(text, str) or not text.strip()


def user(text):
    return {"role": "user", "content": text}


def assistant(text):
    return {"role": "assistant", "content": text}


def messages_of(row, turns):
    """A conversation, with what the row says of itself; or why not."""
    messages = [{"role": turn.get("role"), "content": turn.get("content") or ""} for turn in turns]
    answers = [turn["content"] for turn in messages if turn["role"] == "assistant"]
    if not answers or messages[-1]["role"] != "assistant":
        return "without an answer at the end"
    if any(blank(answer) for answer in answers):
        return "with an empty answer"
    return {"messages": messages, **{key: row[key] for key in ("category", "source") if key in row}}


def answered(row, prompt, answer, system=None):
    if blank(prompt):
        return "without a prompt"
    turns = [{"role": "system", "content": system}] if not blank(system) else []
    return messages_of(row, turns + [user(prompt), assistant(answer)])


def preferred(row, prompt, chosen, rejected):
    """prompt is a list of messages, the answers are texts."""
    if not prompt or all(blank(turn.get("content")) for turn in prompt):
        return "without a prompt"
    if blank(chosen) or blank(rejected):
        return "with an empty answer"
    if chosen == rejected:
        return "with two answers that are the same"
    prompt = [{"role": turn["role"], "content": turn.get("content") or ""} for turn in prompt]
    return {"prompt": prompt, "chosen": [assistant(chosen)], "rejected": [assistant(rejected)],
            **{key: row[key] for key in ("source",) if key in row}}


def asked(prompt, label, kind=None):
    if blank(prompt):
        return "without a prompt"
    return {"prompt": prompt, "label": label, **({"type": kind} if kind else {})}


# ---- chat ----

def from_messages(row):
    return messages_of(row, row.get("messages", []))


def from_tulu(row):
    if "hard_coded" in row.get("source", "").replace("-", "_"):
        return "that say who the model is (Tulu)"
    return from_messages(row)


def from_smoltalk2(row):
    kwargs = row.get("chat_template_kwargs", {})
    if kwargs.get("python_tools") or kwargs.get("xml_tools"):
        return "that define tools"
    system = kwargs.get("custom_instructions")
    turns = row.get("messages", [])
    if not blank(system) and turns and turns[0].get("role") != "system":
        turns = [{"role": "system", "content": system}] + turns
    return messages_of(row, turns)


def from_log(row):
    """WildChat and LMSYS-Chat: what people really asked."""
    if row.get("language") != "English":
        return "in other languages"
    if row.get("toxic") or any(turn.get("flagged") for turn in row.get("openai_moderation", [])):
        return "flagged as toxic"
    if row.get("redacted"):
        return "with redacted names"
    return messages_of(row, row.get("conversation", []))


def from_sharegpt(row):
    """Turns that say `weight: 0` of an answer stay what they are: not trained on."""
    roles = {"system": "system", "human": "user", "gpt": "assistant"}
    turns = row.get("conversations", [])
    unknown = [turn.get("from") for turn in turns if turn.get("from") not in roles]
    if unknown:
        return "with other speakers"
    made = messages_of(row, [{"role": roles[turn["from"]], "content": turn.get("value")} for turn in turns])
    if isinstance(made, dict):
        for turn, message in zip(turns, made["messages"]):
            if message["role"] == "assistant" and turn.get("weight") == 0:
                message["weight"] = 0
    return made


def from_dolly(row):
    prompt, context, answer = row.get("instruction", ""), row.get("context", ""), row.get("response", "")
    if not blank(context):  # of Wikipedia, with its footnotes
        context, answer = (re.sub(r"\[\d+\]", "", text) for text in (context, answer))
        prompt += "\n\n" + context
    return answered(row, prompt, answer)


def from_alpaca(row):
    prompt, given = row.get("instruction", ""), row.get("input")
    return answered(row, prompt if blank(given) else prompt + "\n\n" + given, row.get("output"))


def from_capybara(row):
    turns = [turn for pair in row.get("conversation", [])
             for turn in (user(pair.get("input") or ""), assistant(pair.get("output") or ""))]
    return messages_of(row, turns)


def from_openorca(row):
    return answered(row, row.get("question"), row.get("response"), row.get("system_prompt"))


def best_path(root, replies):
    """From the root, at each turn the reply of the best rank, as long as there is one."""
    path = [root]
    while replies.get(path[-1]["message_id"]):
        path.append(min(replies[path[-1]["message_id"]], key=lambda reply: reply.get("rank", 1 << 30)))
    while path and path[-1]["role"] != "assistant":
        path.pop()
    return path


def oasst_trees(rows):
    """Messages, a row each, become a conversation a tree. All of the split is held, as a tree's rows may lie apart."""
    roots, replies = [], collections.defaultdict(list)
    for row in rows:
        if not row.get("deleted"):
            roots.append(row) if "parent_id" not in row else replies[row["parent_id"]].append(row)
    for root in roots:
        yield {"lang": root.get("lang"), "path": best_path(root, replies)}


def from_oasst(row):
    if row["lang"] != "en":
        return "in other languages"
    roles = {"prompter": "user", "assistant": "assistant"}
    return messages_of(row, [{"role": roles.get(turn["role"]), "content": turn["text"]} for turn in row["path"]])


# ---- refusals and safety ----

def from_safe_answer(row):
    """BeaverTails."""
    return answered(row, row.get("prompt"), row.get("response")) if row.get("is_safe") else "with an unsafe answer"


def from_prompt_response(row):
    return answered(row, row.get("prompt"), row.get("response"))


def from_wildguard(row):
    if blank(row.get("response")):
        return "without an answer"
    labels = row.get("prompt_harm_label"), row.get("response_refusal_label")
    if row.get("response_harm_label") != "unharmful" or labels not in (("harmful", "refusal"),
                                                                       ("unharmful", "compliance")):
        return "that answer what is harmful, or refuse what is not"
    return from_prompt_response(row)


def from_wildjailbreak(row):
    prompt = row.get("vanilla") if blank(row.get("adversarial")) else row["adversarial"]
    return answered({**row, "category": row.get("data_type")}, prompt, row.get("completion"))


def from_aegis(row):
    if row.get("prompt") == "REDACTED":
        return "whose prompt is withheld"
    if row.get("response_label") != "safe":
        return "without an answer that is labelled safe"
    return from_prompt_response(row)


# ---- preferences ----

def from_pair(row):
    """Two conversations that differ in the last answer, or two answers to `prompt`."""
    chosen, rejected = row.get("chosen", []), row.get("rejected", [])
    if not chosen or not rejected or chosen[-1].get("role") != "assistant" or rejected[-1].get("role") != "assistant":
        return "without an answer at the end"
    if len(chosen) == len(rejected) == 1:
        prompt = [user(row.get("prompt", ""))]
    elif chosen[:-1] != rejected[:-1]:
        return "whose answers have different prompts"
    else:
        prompt = chosen[:-1]
    return preferred(row, prompt, chosen[-1].get("content"), rejected[-1].get("content"))


def from_texts(row):
    """CoCoNot: texts."""
    return preferred(row, [user(row.get("prompt", ""))], row.get("chosen"), row.get("rejected"))


def transcript(text):
    roles = {"Human": "user", "Assistant": "assistant"}
    parts = re.split(r"\n\n(Human|Assistant):[ ]?", text)
    return [{"role": roles[who], "content": said} for who, said in zip(parts[1::2], parts[2::2])]


def from_hh(row):
    return from_pair({key: transcript(row.get(key, "")) for key in ("chosen", "rejected")})


def from_saferlhf(row):
    safe = row.get("is_response_0_safe"), row.get("is_response_1_safe")
    better = row.get("safer_response_id")
    if better not in (0, 1) or not safe[better]:
        return "without a safe answer"
    chosen, rejected = row.get(f"response_{better}"), row.get(f"response_{1 - better}")
    return preferred(row, [user(row.get("prompt", ""))], chosen, rejected)


def from_orca_pairs(row):
    system = [] if blank(row.get("system")) else [{"role": "system", "content": row["system"]}]
    return preferred(row, system + [user(row.get("question", ""))], row.get("chosen"), row.get("rejected"))


def helpsteer2_pairs(rows):
    """Two answers to a prompt, one after the other, become a row."""
    before = {}
    for row in rows:
        if before and before.get("prompt") == row.get("prompt"):
            yield {"prompt": row.get("prompt", ""), "answers": [before, row]}
            before = {}
        else:
            before = row


def from_helpsteer2(row):
    worse, better = sorted(row["answers"], key=lambda answer: answer.get("helpfulness", 0))
    if worse.get("helpfulness") == better.get("helpfulness"):
        return "whose answers are equally helpful"
    parts = re.split(r"\n?<extra_id_1>(User|Assistant)\n", row["prompt"])
    prompt = [user(parts[0])] + [{"role": who.lower(), "content": said} for who, said in zip(parts[1::2], parts[2::2])]
    return preferred(row, prompt, better.get("response"), worse.get("response"))


def from_helpsteer3(row):
    if row.get("language") != "english" and row.get("domain", "").lower() != "code":  # there: a programming language
        return "in other languages"
    score = row.get("overall_preference", 0)
    if score == 0:
        return "whose answers are about the same"
    better, worse = (1, 2) if score < 0 else (2, 1)
    return preferred(row, row.get("context", []), row.get(f"response{better}"), row.get(f"response{worse}"))


# ---- tests ----

def labelled(label, column="prompt", kind="category"):
    return lambda row: asked(row.get(column), label, row.get(kind))


def from_xstest(row):
    return asked(row.get("prompt"), row["label"], row.get("type")) if row.get("label") in ("safe", "unsafe") \
        else "without a label"


def from_toxic_chat(row):
    if not row.get("human_annotation"):
        return "that no person labelled"
    kind = "jailbreaking" if row.get("jailbreaking") else None
    return asked(row.get("user_input"), "unsafe" if row.get("toxicity") else "safe", kind)
