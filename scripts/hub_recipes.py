"""The recipes of from_hub.py: public datasets for post-training, each with its place on the Hugging Face hub and the
function of hub_rows.py that reads its rows. Everything here was checked against the sets' cards, or is not said;
docs/datasets.md says what they are good for and bad at.
"""
import dataclasses
import typing

from hub_rows import (from_aegis, from_alpaca, from_capybara, from_dolly, from_helpsteer2, from_helpsteer3, from_hh,
                      from_log, from_messages, from_oasst, from_openorca, from_orca_pairs, from_pair,
                      from_prompt_response, from_safe_answer, from_saferlhf, from_sharegpt, from_smoltalk2,
                      from_texts, from_toxic_chat, from_tulu, from_wildguard, from_wildjailbreak, from_xstest,
                      helpsteer2_pairs, labelled, oasst_trees)

KINDS = {"chat": "chat", "refusals": "refusals and safety", "preferences": "preferences (chosen and rejected answers)",
         "test": "tests: prompts for `sft eval --prompts`, never to be trained on"}


@dataclasses.dataclass(frozen=True)
class Recipe:
    name: str
    hub: str                         # owner/name
    kind: str                        # of KINDS
    rows: str                        # how many are published
    licence: str                     # as the card has it
    convert: typing.Callable
    columns: tuple                   # those it needs
    extra: tuple = ()                # those it takes where they are there
    config: typing.Optional[str] = None
    split: str = "train"
    splits: tuple = ()               # others that are worth it
    load: tuple = ()                 # more for datasets.load_dataset: (key, value), ...
    gather: typing.Optional[typing.Callable] = None
    leaves_out: str = ""             # besides rows without an answer
    note: str = ""
    gated: bool = False

    def becomes(self):
        return {"preferences": "prompt, chosen, rejected", "test": "prompt, label"}.get(self.kind, "messages")

    def described(self):
        """For --list --json."""
        return {"name": self.name, "hub": self.hub, "kind": self.kind, "rows": self.rows, "licence": self.licence,
                "gated": self.gated, "config": self.config, "split": self.split, "other_splits": list(self.splits),
                "columns": list(self.columns), "becomes": self.becomes(), "leaves_out": self.leaves_out,
                "note": self.note}


OASST = dict(kind="chat", licence="Apache-2.0", convert=from_oasst, gather=oasst_trees, splits=("validation",),
             columns=("message_id", "parent_id", "text", "role", "lang", "rank"), extra=("deleted",),
             leaves_out="trees that are not English, deleted messages; of each tree only the path of the best ranks",
             note="written and ranked by volunteers")
PARTS_NC = "ODC-BY 1.0; parts have licences of their own, some of them non-commercial"

RECIPES = [
    Recipe(
        "no_robots", "HuggingFaceH4/no_robots", "chat", "9,500 train, 500 test", "CC BY-NC 4.0", from_messages,
        ("messages",), ("category",), splits=("test",), note="written by people, ten kinds of task"),
    Recipe("oasst1", "OpenAssistant/oasst1", rows="84,437 train, 4,401 validation (messages)", **OASST),
    Recipe("oasst2", "OpenAssistant/oasst2", rows="128,575 train, 6,599 validation (messages)", **OASST),
    Recipe(
        "dolly", "databricks/databricks-dolly-15k", "chat", "15,011", "CC BY-SA 3.0", from_dolly,
        ("instruction", "context", "response"), ("category",),
        leaves_out="Wikipedia's footnote marks ([12]) in contexts and their answers",
        note="written by Databricks' employees, who were told not to use models"),
    Recipe(
        "alpaca", "tatsu-lab/alpaca", "chat", "52,002", "CC BY-NC 4.0", from_alpaca,
        ("instruction", "input", "output"), note="made by text-davinci-003; alpaca-cleaned says what is wrong in it"),
    Recipe(
        "alpaca-cleaned", "yahma/alpaca-cleaned", "chat", "about 51,800", "CC BY 4.0 (Alpaca's own: CC BY-NC 4.0)",
        from_alpaca, ("instruction", "input", "output"),
        note="alpaca, mended"),
    Recipe(
        "ultrachat", "HuggingFaceH4/ultrachat_200k", "chat", "207,865 train_sft, 23,110 test_sft", "MIT",
        from_messages, ("messages",), split="train_sft", splits=("test_sft",),
        note="dialogues made by ChatGPT, filtered: of several turns, and long"),
    Recipe(
        "capybara", "LDJnr/Capybara", "chat", "10,000 to 100,000", "Apache-2.0", from_capybara, ("conversation",),
        ("source",), note="of several turns"),
    Recipe(
        "smol-smoltalk", "HuggingFaceTB/smol-smoltalk", "chat", "460,341 train, 24,229 test", "Apache-2.0",
        from_messages, ("messages",), ("source",), splits=("test",),
        note="cut for models below 1B: SmolLM2-135M-Instruct and -360M-Instruct were trained on it"),
    Recipe(
        "smoltalk", "HuggingFaceTB/smoltalk", "chat", "over 1,000,000", "no tag on its page; parts have their own",
        from_messages, ("messages",), ("source",), config="all"),
    Recipe(
        "smoltalk2", "HuggingFaceTB/smoltalk2", "chat", "33,997 in this split, 3.4 million in SFT",
        "Apache-2.0 for what is new in it; the rest as its sources", from_smoltalk2,
        ("messages", "chat_template_kwargs"), ("source",), config="SFT",
        split="smoltalk_smollm3_systemchats_30k_no_think",
        splits=("smoltalk_smollm3_everyday_conversations_no_think", "smoltalk_smollm3_smol_magpie_ultra_no_think",
                "OpenHermes_2.5_no_think", "tulu_3_sft_personas_instruction_following_no_think"),
        leaves_out="rows that define tools", note="a row's custom_instructions become its system prompt"),
    Recipe(
        "tulu-3", "allenai/tulu-3-sft-mixture", "chat", "939,343", PARTS_NC, from_tulu, ("messages", "source"),
        leaves_out="rows that teach the model that it is Tulu",
        note="CoCoNot, WildGuardMix, WildJailbreak, WildChat, No Robots and OASST are in it; many languages"),
    Recipe(
        "openhermes-2.5", "teknium/OpenHermes-2.5", "chat", "1,001,551", "no tag on its page", from_sharegpt,
        ("conversations",), ("source", "category"), note="mostly made by GPT-4, compiled from many sets"),
    Recipe(
        "slimorca", "Open-Orca/SlimOrca", "chat", "517,982", "MIT", from_sharegpt, ("conversations",),
        note="GPT-4's answers to FLAN's questions, with system prompts"),
    Recipe(
        "openorca", "Open-Orca/OpenOrca", "chat", "4.2 million", "MIT", from_openorca, ("question", "response"),
        ("system_prompt",), note="GPT-3.5's (3.2 million) and GPT-4's answers to FLAN's questions"),
    Recipe(
        "wildchat", "allenai/WildChat-1M", "chat", "838,000", "ODC-BY", from_log,
        ("conversation", "language", "toxic", "redacted"), ("openai_moderation",),
        leaves_out="other languages than English, what is flagged as toxic, what has redacted names",
        note="what people asked GPT-3.5 and GPT-4, and what those said, refusals too"),
    Recipe(
        "lmsys-chat", "lmsys/lmsys-chat-1m", "chat", "1,000,000", "its own; read it", from_log,
        ("conversation", "language", "redacted", "openai_moderation"), gated=True,
        leaves_out="other languages than English, flagged turns, redacted names",
        note="what people asked 25 models in 2023"),
    Recipe(
        "coconot", "allenai/coconot", "refusals", "11,477 train", "ODC-BY 1.0 (its card: AI2's ImpACT, low risk)",
        from_prompt_response, ("prompt", "response"), ("category",), config="original",
        note="not to be complied with: what is unsafe, but also incomplete, unsupported, indeterminate, humanizing"),
    Recipe(
        "beavertails", "PKU-Alignment/BeaverTails", "refusals", "27,200 30k_train, 301,000 330k_train", "CC BY-NC 4.0",
        from_safe_answer, ("prompt", "response", "is_safe"), split="30k_train",
        splits=("30k_test", "330k_train", "330k_test"), leaves_out="answers that people called unsafe",
        note="several answers to a prompt; a safe answer need not be a refusal, or a good one"),
    Recipe(
        "wildguardmix", "allenai/wildguardmix", "refusals", "86,759, of which 37,976 have an answer", "ODC-BY",
        from_wildguard, ("prompt", "response", "prompt_harm_label", "response_harm_label", "response_refusal_label"),
        config="wildguardtrain", gated=True,
        leaves_out="all but refusals of what is harmful and answers to what is not",
        note="harmful and harmless prompts, plain and adversarial; 87% of it made by models"),
    Recipe(
        "wildjailbreak", "allenai/wildjailbreak", "refusals", "261,559", "ODC-BY", from_wildjailbreak,
        ("vanilla", "adversarial", "completion", "data_type"), config="train", gated=True,
        load=(("delimiter", "\t"), ("keep_default_na", False)),
        note="harmful and harmless, plain and disguised: the harmless ones work against over-refusal"),
    Recipe(
        "aegis-2", "nvidia/Aegis-AI-Content-Safety-Dataset-2.0", "refusals", "33,400 in all splits", "CC BY 4.0",
        from_aegis, ("prompt", "response", "response_label"), splits=("validation", "test"),
        leaves_out="answers that are not labelled safe, prompts that are withheld (REDACTED)",
        note="made for classifiers; rows that are prompts alone are left out"),
    Recipe(
        "hh-rlhf", "Anthropic/hh-rlhf", "preferences", "42,537 train, 2,312 test (harmless-base)", "MIT", from_hh,
        ("chosen", "rejected"), splits=("test",), load=(("data_dir", "harmless-base"),),
        leaves_out="pairs whose prompts differ",
        note="its card warns of supervised training on it: that is likely to make a harmful model"),
    Recipe(
        "hh-rlhf-helpful", "Anthropic/hh-rlhf", "preferences", "not on its card (helpful-base)", "MIT", from_hh,
        ("chosen", "rejected"), splits=("test",), load=(("data_dir", "helpful-base"),),
        leaves_out="pairs whose prompts differ", note="as hh-rlhf, the helpful half"),
    Recipe(
        "pku-saferlhf", "PKU-Alignment/PKU-SafeRLHF", "preferences", "83,400", "CC BY-NC 4.0", from_saferlhf,
        ("prompt", "response_0", "response_1", "is_response_0_safe", "is_response_1_safe", "safer_response_id"),
        config="default", splits=("test",), leaves_out="pairs of which the safer answer is not safe",
        note="the safer answer is chosen; answers of Llamas of 7B and 8B that were trained on Alpaca"),
    Recipe(
        "coconot-pref", "allenai/coconot", "preferences", "927", "as coconot", from_texts,
        ("prompt", "chosen", "rejected"), config="pref", note="against over-refusal"),
    Recipe(
        "ultrafeedback", "HuggingFaceH4/ultrafeedback_binarized", "preferences", "61,135 train_prefs, 2,000 test_prefs",
        "MIT", from_pair, ("prompt", "chosen", "rejected"), split="train_prefs", splits=("test_prefs",),
        note="prompts of TruthfulQA are in it; ultrafeedback-cleaned is without"),
    Recipe(
        "ultrafeedback-cleaned", "argilla/ultrafeedback-binarized-preferences-cleaned", "preferences", "60,917", "MIT",
        from_pair, ("prompt", "chosen", "rejected"), ("source",), note="without TruthfulQA's prompts"),
    Recipe(
        "orca-dpo-pairs", "Intel/orca_dpo_pairs", "preferences", "12,859", "Apache-2.0", from_orca_pairs,
        ("system", "question", "chosen", "rejected"),
        note="the GPT's answer is always chosen, nobody compared; argilla's copy marks GSM8K's questions in it"),
    Recipe(
        "helpsteer2", "nvidia/HelpSteer2", "preferences", "20,324 train, 1,038 validation (answers, two a prompt)",
        "CC BY 4.0", from_helpsteer2, ("prompt", "response", "helpfulness"), splits=("validation",),
        gather=helpsteer2_pairs, leaves_out="pairs that people called equally helpful",
        note="rated by people; no answer is of a closed model"),
    Recipe(
        "helpsteer3", "nvidia/HelpSteer3", "preferences", "38,459 train", "CC BY 4.0", from_helpsteer3,
        ("domain", "language", "context", "response1", "response2", "overall_preference"), config="preference",
        splits=("validation",), leaves_out="other languages than English, ties", note="compared by people"),
    Recipe(
        "skywork", "Skywork/Skywork-Reward-Preference-80K-v0.2", "preferences", "77,000", "no tag on its page",
        from_pair, ("chosen", "rejected"), ("source",), note="compiled for reward models, decontaminated"),
    Recipe(
        "tulu-3-pref", "allenai/llama-3.1-tulu-3-8b-preference-mixture", "preferences", "271,409", PARTS_NC, from_pair,
        ("prompt", "chosen", "rejected"), ("source",), note="answers of many models, each under its licence"),
    Recipe(
        "xstest", "walledai/XSTest", "test", "250 safe, 200 unsafe", "CC BY 4.0", from_xstest, ("prompt", "label"),
        ("type",), split="test", gated=True,
        note="the usual test of over-refusal; without a gate at https://github.com/paul-rottger/xstest"),
    Recipe(
        "or-bench-hard", "bench-llm/or-bench", "test", "about 1,000", "CC BY 4.0", labelled("safe"),
        ("prompt", "category"), config="or-bench-hard-1k", note="harmless, but seems toxic"),
    Recipe(
        "or-bench-toxic", "bench-llm/or-bench", "test", "not on its card", "CC BY 4.0", labelled("unsafe"),
        ("prompt", "category"), config="or-bench-toxic", note="its counterpart: to be refused"),
    Recipe(
        "coconot-contrast", "allenai/coconot", "test", "379", "as coconot", labelled("safe"), ("prompt",),
        ("category",), config="contrast", split="test", note="checked by people: to be complied with"),
    Recipe(
        "do-not-answer", "LibrAI/do-not-answer", "test", "939", "Apache-2.0 by its tag, CC BY-NC-SA 4.0 by its text",
        labelled("unsafe", "question", "types_of_harm"), ("question",), ("types_of_harm",),
        note="its columns of models' answers are not taken"),
    Recipe(
        "toxic-chat", "lmsys/toxic-chat", "test", "about 10,000", "CC BY-NC 4.0", from_toxic_chat,
        ("user_input", "human_annotation", "toxicity", "jailbreaking"), config="toxicchat0124", split="test",
        splits=("train",), leaves_out="prompts that no person labelled",
        note="what people asked Vicuna; toxic is not quite the same as to be refused"),
]


def find(name, config=None):
    """By its own name, or by that on the hub: of several the one of the config, or the first."""
    own = [recipe for recipe in RECIPES if recipe.name == name]
    hub = [recipe for recipe in RECIPES if recipe.hub == name]
    return (own + [recipe for recipe in hub if recipe.config == config] + hub + [None])[0]


def listing():
    """What --list prints."""
    lines = []
    for kind, title in KINDS.items():
        lines += [title, ""]
        for recipe in (recipe for recipe in RECIPES if recipe.kind == kind):
            lines.append(f"  {recipe.name:22} {recipe.hub}{' (gated)' if recipe.gated else ''}")
            where = f"config {recipe.config}, " if recipe.config else ""
            also = f" (also {', '.join(recipe.splits)})" if recipe.splits else ""
            lines.append(f"      rows: {recipe.rows}; {where}split {recipe.split}{also}")
            lines.append(f"      licence: {recipe.licence}")
            lines += [f"      left out: {recipe.leaves_out}"] if recipe.leaves_out else []
            lines += [f"      {recipe.note}"] if recipe.note else []
        lines.append("")
    return "\n".join(lines[:-1])
