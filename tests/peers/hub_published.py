"""For test_from_hub.py: rows in the columns in which public datasets are published, and what the recipe of
scripts/hub_recipes.py must make of them: PUBLISHED[recipe] = rows, what becomes of them, why others are left out. The
texts are ours, none of these sets'.
"""


def user(text):
    return {"role": "user", "content": text}


def system(text):
    return {"role": "system", "content": text}


def assistant(text, **more):
    return {"role": "assistant", "content": text, **more}


def chat(question, answer, **more):
    return {"messages": [user(question), assistant(answer)], **more}


def pair(prompt, chosen, rejected, **more):
    return {"prompt": prompt, "chosen": [assistant(chosen)], "rejected": [assistant(rejected)], **more}


ASK, SAY = user("When does the ferry leave?"), assistant("At 6:10.")
EMPTY = {"with an empty answer": 1}
NO_END = {"without an answer at the end": 1}
TWO_TURNS = [system("Be brief."), ASK, SAY, user("And then?"), assistant("At 7:10.")]
MESSAGES = [{"messages": TWO_TURNS}, {"messages": [ASK, assistant(" ")]}, {"messages": [ASK, SAY, user("And?")]}]

# ---- chat ----

TREE = dict(user_id="u", created_date="2023-01-01", review_count=3, review_result=True, synthetic=False,
            model_name=None, tree_state="ready_for_export", emojis={"name": ["+1"], "count": [2]},
            detoxify={"toxicity": 0.1, "severe_toxicity": 0.0}, labels={"name": ["spam"], "value": [0.0], "count": [3]})


def node(name, parent, role, text, rank=None, lang="en", deleted=False):
    return {"message_id": name, "parent_id": parent, "text": text, "role": role, "lang": lang, "rank": rank,
            "deleted": deleted, "message_tree_id": "t", **TREE}


OASST_ROWS = [
    node("a", None, "prompter", "Why is it foggy?"),
    node("b", None, "prompter", "Warum ist es neblig?", lang="de"),
    node("a1", "a", "assistant", "Worse.", rank=1), node("a0", "a", "assistant", "Warm air, cold water.", rank=0),
    node("a2", "a", "assistant", "Gone.", rank=-1, deleted=True),
    node("a00", "a0", "prompter", "How long?", rank=0), node("a000", "a00", "assistant", "Until noon."),
    node("a0000", "a000", "prompter", "Thanks"), node("b1", "b", "assistant", "Darum.", lang="de"),
    node("c", None, "prompter", "Nobody answered this."),
]
OASST = (OASST_ROWS, [{"messages": [user("Why is it foggy?"), assistant("Warm air, cold water."), user("How long?"),
                                    assistant("Until noon.")]}], {"in other languages": 1, **NO_END})

KWARGS = dict(enable_thinking=False, python_tools=[], xml_tools=[])
FLAGS = {"categories": {"hate/threatening": False}, "category_scores": {"hate/threatening": 0.1}}


def logged(question, answer, language="English", flagged=False, redacted=False, **more):
    return {"conversation_id": "1", "model": "m", "turn": 1, "language": language, "redacted": redacted,
            "conversation": [{**user(question), **more}, {**assistant(answer), **more}],
            "openai_moderation": [{**FLAGS, "flagged": flagged}]}


def wild(question, answer, toxic=False, **more):
    turn = dict(country="NO", hashed_ip="x", toxic=toxic, turn_identifier=1)
    return {**logged(question, answer, **more, **turn), "toxic": toxic}


LOGS_LEFT_OUT = {"in other languages": 1, "flagged as toxic": 1, "with redacted names": 1}
SHAREGPT = [{"from": "system", "value": "Be brief.", "weight": None}, {"from": "human", "value": "Hi", "weight": 0.0},
            {"from": "gpt", "value": "Hello", "weight": 0.0}, {"from": "human", "value": "Bye", "weight": 0.0},
            {"from": "gpt", "value": "See you", "weight": 1.0}]
SHAREGPT_MADE = [system("Be brief."), user("Hi"), assistant("Hello", weight=0), user("Bye"), assistant("See you")]

CHAT = {
    "no_robots": ([{"prompt": "p", "prompt_id": "1", "category": "Chat", **row} for row in MESSAGES],
                  [{"messages": TWO_TURNS, "category": "Chat"}], {**EMPTY, **NO_END}),
    "oasst1": OASST,
    "oasst2": OASST,
    "dolly": ([{"instruction": "Who runs it?", "context": "The city[3] runs it.[12]", "response": "The city.[3]",
                "category": "closed_qa"},
               {"instruction": "Print a[0]", "context": "", "response": "print(a[0])", "category": "open_qa"},
               {"instruction": "Say", "context": "", "response": "", "category": "open_qa"}],
              [chat("Who runs it?\n\nThe city runs it.", "The city.", category="closed_qa"),
               chat("Print a[0]", "print(a[0])", category="open_qa")], EMPTY),
    "alpaca": ([{"instruction": "Add", "input": "2, 3", "output": "5", "text": "t"},
                {"instruction": "Wave", "input": "", "output": "Hello", "text": "t"},
                {"instruction": "Draw", "input": "", "output": "", "text": "t"}],
               [chat("Add\n\n2, 3", "5"), chat("Wave", "Hello")], EMPTY),
    "alpaca-cleaned": ([{"instruction": "Add", "input": "2, 3", "output": "5"}], [chat("Add\n\n2, 3", "5")], {}),
    "ultrachat": ([{"prompt": "p", "prompt_id": "1", **MESSAGES[0]}], [{"messages": TWO_TURNS}], {}),
    "capybara": ([{"source": "s", "conversation": [{"input": "Hi", "output": "Hello"},
                                                  {"input": "Bye", "output": "!"}]},
                  {"source": "s", "conversation": [{"input": "Hi", "output": ""}]}],
                 [{"messages": [user("Hi"), assistant("Hello"), user("Bye"), assistant("!")], "source": "s"}], EMPTY),
    "smol-smoltalk": ([{"source": "magpie", **MESSAGES[0]}], [{"messages": TWO_TURNS, "source": "magpie"}], {}),
    "smoltalk": ([{"source": "magpie", **MESSAGES[0]}], [{"messages": TWO_TURNS, "source": "magpie"}], {}),
    "smoltalk2": ([{"messages": [ASK, SAY], "source": "s", "chat_template_kwargs": kwargs}
                   for kwargs in ({**KWARGS, "custom_instructions": "Brief."}, {**KWARGS, "custom_instructions": ""},
                                  {**KWARGS, "custom_instructions": "", "xml_tools": ["{}"]})],
                  [{"messages": [system("Brief."), ASK, SAY], "source": "s"}, {"messages": [ASK, SAY], "source": "s"}],
                  {"that define tools": 1}),
    "tulu-3": ([{"id": "1", "source": "ai2-adapt-dev/coconot_converted", **MESSAGES[0]},
                {"id": "2", "source": "ai2-adapt-dev/tulu_hard_coded_repeated_10", **MESSAGES[0]}],
               [{"messages": TWO_TURNS, "source": "ai2-adapt-dev/coconot_converted"}],
               {"that say who the model is (Tulu)": 1}),
    "openhermes-2.5": ([{"conversations": SHAREGPT, "source": "s", "category": "c", "title": None, "language": None},
                        {"conversations": [{"from": "narrator", "value": "x", "weight": None}], "source": "s",
                         "category": "c"}],
                       [{"messages": SHAREGPT_MADE, "category": "c", "source": "s"}], {"with other speakers": 1}),
    "slimorca": ([{"conversations": SHAREGPT}], [{"messages": SHAREGPT_MADE}], {}),
    "openorca": ([{"id": "niv.1", "system_prompt": "Be brief.", "question": "Hi", "response": "Hello"},
                  {"id": "niv.2", "system_prompt": "", "question": "Hi", "response": "Hello"}],
                 [{"messages": [system("Be brief."), user("Hi"), assistant("Hello")]}, chat("Hi", "Hello")], {}),
    "wildchat": ([wild("Hi", "Hello"), wild("Hei", "Hallo", language="Norwegian"), wild("Hi", "!", toxic=True),
                  wild("I am NAME_1", "Hello", redacted=True), wild("Hi", "")],
                 [chat("Hi", "Hello")], {**LOGS_LEFT_OUT, **EMPTY}),
    "lmsys-chat": ([logged("Hi", "Hello"), logged("Hei", "Hallo", language="Norwegian"),
                    logged("Hi", "!", flagged=True), logged("I am NAME_1", "Hello", redacted=True)],
                   [chat("Hi", "Hello")], LOGS_LEFT_OUT),
}

# ---- refusals ----

HARMS = {"animal_abuse": False, "violence,aiding_and_abetting,incitement": True}


def guarded(prompt, response, harm, refusal, response_harm="unharmful"):
    return {"prompt": prompt, "adversarial": False, "response": response, "prompt_harm_label": harm,
            "response_refusal_label": refusal, "response_harm_label": response_harm, "subcategory": "s"}


def jailbreak(vanilla, adversarial, completion, kind):
    return {"vanilla": vanilla, "adversarial": adversarial, "completion": completion, "data_type": kind}


def aegis(prompt, response, label):
    return {"id": "1", "prompt": prompt, "response": response, "prompt_label": "unsafe", "response_label": label,
            "violated_categories": "Violence"}


REFUSALS = {
    "coconot": ([{"id": "1", "category": "Requests with safety concerns", "subcategory": "s", "prompt": "Rig it",
                  "response": "I can't help with that."},
                 {"id": "2", "category": "c", "subcategory": "s", "prompt": "Why?", "response": ""}],
                [chat("Rig it", "I can't help with that.", category="Requests with safety concerns")], EMPTY),
    "beavertails": ([{"prompt": "Rig it", "response": "No.", "category": HARMS, "is_safe": True},
                     {"prompt": "Rig it", "response": "So.", "category": HARMS, "is_safe": False}],
                    [chat("Rig it", "No.")], {"with an unsafe answer": 1}),
    "wildguardmix": ([guarded("Rig it", "No.", "harmful", "refusal"),
                      guarded("Rig a sail", "So.", "unharmful", "compliance"),
                      guarded("Rig a sail", "No.", "unharmful", "refusal"),
                      guarded("Rig it", "So.", "harmful", "compliance", "harmful"),
                      guarded("Rig", None, "harmful", None, None)],
                     [chat("Rig it", "No."), chat("Rig a sail", "So.")],
                     {"that answer what is harmful, or refuse what is not": 2, "without an answer": 1}),
    "wildjailbreak": ([jailbreak("Rig it", "", "No.", "vanilla_harmful"),
                       jailbreak("Rig it", "In a play, rig it", "No.", "adversarial_harmful")],
                      [chat("Rig it", "No.", category="vanilla_harmful"),
                       chat("In a play, rig it", "No.", category="adversarial_harmful")], {}),
    "aegis-2": ([aegis("Rig it", "No.", "safe"), aegis("Rig it", "So.", "unsafe"), aegis("REDACTED", "No.", "safe"),
                 aegis("Rig it", None, None)], [chat("Rig it", "No.")],
                {"without an answer that is labelled safe": 2, "whose prompt is withheld": 1}),
}

# ---- preferences ----

HH = "\n\nHuman: Hi\n\nAssistant: Hello\n\nHuman: Where to?\n\nAssistant: "
SAME = {"with two answers that are the same": 1}
DIFFER = {"whose answers have different prompts": 1}


def lists(chosen, rejected, prompt="Where to?", **more):
    return {"prompt": prompt, "chosen": [user("Where to?"), assistant(chosen)],
            "rejected": [user("Where to?"), assistant(rejected)], **more}


MADE = pair([user("Where to?")], "To pier 2.", "Away.")
SYSTEM_MADE = pair([system("Be brief."), user("Where to?")], "To pier 2.", "Away.")
MULTI_TURN = "Hi\n<extra_id_1>Assistant\nHello\n<extra_id_1>User\nWhere to?"


def saferlhf(safer, first_safe=True, second_safe=False):
    return {"prompt": "Rig it", "response_0": "No.", "response_1": "So.", "is_response_0_safe": first_safe,
            "is_response_1_safe": second_safe, "safer_response_id": safer, "better_response_id": 1}


def rated(prompt, response, helpfulness):
    return {"prompt": prompt, "response": response, "helpfulness": helpfulness, "correctness": 4, "coherence": 4,
            "complexity": 1, "verbosity": 1}


def compared(preference, language="english", domain="general"):
    return {"domain": domain, "language": language, "context": [ASK], "response1": "At 6:10.", "response2": "Later.",
            "overall_preference": preference, "individual_preference": [{"score": preference, "reasoning": "r"}]}


COMPARED = pair([ASK], "At 6:10.", "Later.")
PREFERENCES = {
    "hh-rlhf": ([{"chosen": HH + "To pier 2.", "rejected": HH + "Away."},
                 {"chosen": HH + "So.", "rejected": HH + "So."}, {"chosen": HH + "So.", "rejected": HH + ""},
                 {"chosen": HH + "So.", "rejected": "\n\nHuman: What?\n\nAssistant: No"}],
                [pair([user("Hi"), assistant("Hello"), user("Where to?")], "To pier 2.", "Away.")],
                {**SAME, **EMPTY, **DIFFER}),
    "hh-rlhf-helpful": ([{"chosen": HH + "To pier 2.", "rejected": HH + "Away."}],
                        [pair([user("Hi"), assistant("Hello"), user("Where to?")], "To pier 2.", "Away.")], {}),
    "pku-saferlhf": ([saferlhf(0), saferlhf(1, first_safe=False, second_safe=True), saferlhf(0, first_safe=False)],
                     [pair([user("Rig it")], "No.", "So."), pair([user("Rig it")], "So.", "No.")],
                     {"without a safe answer": 1}),
    "coconot-pref": ([{"id": "1", "category": "c", "subcategory": "s", "prompt": "Where to?", "chosen": "To pier 2.",
                       "chosen_model": "m", "rejected": "Away.", "rejected_model": "n"}], [MADE], {}),
    "ultrafeedback": ([lists("To pier 2.", "Away.", prompt_id="1", score_chosen=8.0, score_rejected=5.5,
                             messages=[ASK, SAY]), lists("a", "a", prompt_id="1", score_chosen=1.0, score_rejected=1.0,
                                                         messages=[ASK, SAY])], [MADE], SAME),
    "ultrafeedback-cleaned": ([lists("To pier 2.", "Away.", source="flan", **{"chosen-rating": 4.5})],
                              [{**MADE, "source": "flan"}], {}),
    "orca-dpo-pairs": ([{"system": "Be brief.", "question": "Where to?", "chosen": "To pier 2.", "rejected": "Away."},
                        {"system": "", "question": "Where to?", "chosen": "To pier 2.", "rejected": "Away."}],
                       [SYSTEM_MADE, MADE], {}),
    "helpsteer2": ([rated("Where to?", "Away.", 1), rated("Where to?", "To pier 2.", 4), rated("x", "a", 3),
                    rated("y", "a", 3), rated("y", "b", 3), rated(MULTI_TURN, "To pier 2.", 4),
                    rated(MULTI_TURN, "Away.", 0)],
                   [MADE, pair([user("Hi"), assistant("Hello"), user("Where to?")], "To pier 2.", "Away.")],
                   {"whose answers are equally helpful": 1}),
    "helpsteer3": ([compared(-2), compared(1), compared(0), compared(3, "korean", "multilingual"),
                    compared(-3, "python", "code")],
                   [COMPARED, pair([ASK], "Later.", "At 6:10."), COMPARED],
                   {"whose answers are about the same": 1, "in other languages": 1}),
    "skywork": ([{key: value for key, value in lists("To pier 2.", "Away.", source="s").items() if key != "prompt"}],
                [{**MADE, "source": "s"}], {}),
    "tulu-3-pref": ([lists("To pier 2.", "Away.", source="s", id="1"),
                     {"prompt": "Where to?", "chosen": [assistant("To pier 2.")], "rejected": [assistant("Away.")],
                      "source": "s", "id": "2"}], [{**MADE, "source": "s"}] * 2, {}),
}

# ---- tests ----


def talked(prompt, by_people, toxicity, jailbreaking):
    return {"conv_id": "1", "user_input": prompt, "model_output": "Hello", "human_annotation": by_people,
            "toxicity": toxicity, "jailbreaking": jailbreaking, "openai_moderation": "[]"}


TESTS = {
    "xstest": ([{"prompt": "How do I kill the lights?", "focus": "f", "type": "homonyms", "note": "n", "label": "safe"},
                {"prompt": "Rig it", "focus": "f", "type": "contrast_homonyms", "note": "n", "label": "unsafe"}],
               [{"prompt": "How do I kill the lights?", "label": "safe", "type": "homonyms"},
                {"prompt": "Rig it", "label": "unsafe", "type": "contrast_homonyms"}], {}),
    "or-bench-hard": ([{"prompt": "How do I kill the lights?", "category": "violence"}],
                      [{"prompt": "How do I kill the lights?", "label": "safe", "type": "violence"}], {}),
    "or-bench-toxic": ([{"prompt": "Rig it", "category": "violence"}],
                       [{"prompt": "Rig it", "label": "unsafe", "type": "violence"}], {}),
    "coconot-contrast": ([{"id": "1", "category": "c", "subcategory": "s", "prompt": "Kill the lights",
                           "response": ""}],
                         [{"prompt": "Kill the lights", "label": "safe", "type": "c"}], {}),
    "do-not-answer": ([{"id": 1, "risk_area": "r", "types_of_harm": "t", "specific_harms": "h", "question": "Rig it",
                        "GPT4_response": "No.", "GPT4_harmful": 0, "GPT4_action": 1}],
                      [{"prompt": "Rig it", "label": "unsafe", "type": "t"}], {}),
    "toxic-chat": ([talked("Rig it", True, 1, 1), talked("Hi", True, 0, 0), talked("Ho", False, 0, 0)],
                   [{"prompt": "Rig it", "label": "unsafe", "type": "jailbreaking"}, {"prompt": "Hi", "label": "safe"}],
                   {"that no person labelled": 1}),
}

PUBLISHED = {**CHAT, **REFUSALS, **PREFERENCES, **TESTS}
