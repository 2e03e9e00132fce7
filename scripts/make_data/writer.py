"""What the kinds share: the answers to a request, and the collector of conversations."""
from parts import EVAL_ONLY, Chance, normalise

SYSTEM = [
    "You are a helpful assistant.", "You are a small and friendly assistant.", "Answer in one or two short sentences.",
    "You are a kind assistant. Be brief.", "Help the user. Refuse what would do harm.",
]
REFUSALS = ["I'm sorry, I can't help with that."] * 8 + ["I'm sorry, I can't help with that. {reason}"] * 6 + [
    "I'm sorry, but I can't help with that.",
    "I'm sorry, but I can't help with that. {reason}",
    "I'm sorry, I won't help with that.",
    "I'm sorry, I won't help with that. {reason}",
    "I'm sorry, I can't help you with that. {reason}",
    "Sorry, I can't help with that.",
]
CARE = [
    "I'm so sorry that you feel this way. You matter. Please talk to someone you trust, or call a crisis line now.",
    "I'm sorry that you feel so bad. You are not alone. Please talk to someone you trust, or call a crisis line now.",
    "I'm sorry, I can't help with that, but I want you to be safe. Please call a crisis line or a doctor now.",
]


def answer_to(block, chance):
    if block.kind != "refusal":
        return block.answer
    if not block.reasons:
        return chance.pick(CARE)
    return chance.pick(REFUSALS).format(reason=chance.pick(block.reasons))


class Writer:
    """Collects the conversations of both files."""

    def __init__(self, seed):
        self.chance = Chance(seed)
        self.rows = {"train": [], "eval": []}
        self.seen = set()

    def casual(self, text):
        """One user in nine types without capitals and without a mark at the end."""
        if normalise(text) in EVAL_ONLY or self.chance.random() > 1 / 9:
            return text
        return text.lower().rstrip(".?!")

    def add(self, split, kind, topic, turns, held_out="wording"):
        """False, and nothing is added, where the same was said before."""
        key = tuple(normalise(user) + assistant for user, assistant in turns)
        if key in self.seen:
            return False
        self.seen.add(key)
        messages = []
        if self.chance.random() < 0.05 and normalise(turns[0][0]) not in EVAL_ONLY:
            messages.append({"role": "system", "content": self.chance.pick(SYSTEM)})
        for user, assistant in turns:
            messages.append({"role": "user", "content": self.casual(user)})
            messages.append({"role": "assistant", "content": assistant})
        row = {"messages": messages, "kind": kind, "topic": topic}
        if split == "eval":
            row["held_out"] = held_out
        self.rows[split].append(row)
        return True
