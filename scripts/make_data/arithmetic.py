"""Sums with follow-ups; every answer is computed."""
from parts import EVAL_ONLY, normalise, one_in, split_of

WORD = {"+": "plus", "-": "minus", "*": "times", "/": "divided by"}
CHANGE_NAME = {"+": "addition", "-": "subtraction", "*": "multiplication", "/": "division"}
VERB = {"+": "add them", "-": "subtract them", "*": "multiply them", "/": "divide them"}
ASK = [
    "What is {a}{op}{b}?", "What is {a}{op}{b}?", "What's {a}{op}{b}?", "{a}{op}{b}", "{a}{op}{b}?",
    "How much is {a}{op}{b}?", "Calculate {a}{op}{b}.", "Can you tell me what {a}{op}{b} is?", "Compute {a}{op}{b}.",
    "What is {a} {word} {b}?", "How much is {a} {word} {b}?", "What do you get for {a}{op}{b}?",
    "Please work out {a}{op}{b}.", "Do you know {a}{op}{b}?", "What does {a} {word} {b} make?", "Tell me {a}{op}{b}.",
    "{a} {word} {b}", "I need {a}{op}{b}.",
]
CHANGE = [
    "What if it was {new} instead of {old}?", "What if it was {new} instead of {old}?",
    "What if it were {new} instead of {old}?", "And what if it was {new} instead of {old}?",
    "What if I use {new} instead of {old}?", "And with {new} instead of {old}?", "Now with {new} instead of {old}.",
    "What if it was {new} and not {old}?", "What if it was {new_word} instead of {old_word}?",
    "Use {new} instead of {old}.", "What if you {verb} instead?", "And if I {verb}?",
    "What if it was {name} instead?", "And {new_word} instead of {old_word}?", "What about {new} instead of {old}?",
]
CHAIN = ["And {word} {n}?", "Now {word} {n}.", "{word} {n}?", "And then {word} {n}?", "{op}{n}?",
         "Then {word} {n}.", "Now take that {word} {n}.", "Ok, {word} {n}"]
NEXT = ["What about {sum}?", "And {sum}?", "And what is {sum}?", "How about {sum}?", "OK, and {sum}?"]
SURE = ["Are you sure?", "Is that right?", "Really?", "Are you sure about that?", "Is that true?",
        "Can you check that?", "Is this correct?", "You are sure?"]
MAX_RESULT = 400  # of a follow-up
TOO_BIG = "That is too big for me. Please use a calculator."


def value(a, op, b):
    return {"+": a + b, "-": a - b, "*": a * b}[op] if op != "/" else a // b


def has_value(a, op, b):
    return op != "/" or (b != 0 and a % b == 0)


def is_held_out_sum(a, op, b):
    return one_in(11, f"{a}{op}{b} is held out") and (a, b) != (2, 2)


class Sum:
    """The calculation that a follow-up is about."""

    def __init__(self, a, op, b):
        self.a, self.op, self.b = a, op, b
        self.result = value(a, op, b)
        self.text = f"{a}{op}{b}"
        self.held_out = is_held_out_sum(a, op, b)

    def answer(self):
        return f"{self.text} = {self.result}."


def asked(template, total, chance):
    text = template.format(a=total.a, op=total.op if chance.random() < 0.8 else f" {total.op} ", b=total.b,
                           word=WORD[total.op])
    return text[0].upper() + text[1:]


def random_sum(chance):
    """Small numbers more often than large ones: a small model learns its tables by heart."""
    while True:
        limit = 1 + chance.pick([5, 5, 5, 5, 5, 10, 10, 10, 10, 20])
        a, b = int(chance.random() * limit), int(chance.random() * limit)
        sign = chance.pick("+++++-----*****/")
        if sign == "*" and min(a, b) > 10:
            continue
        if sign == "-" and a < b and chance.random() < 0.7:
            a, b = b, a
        if has_value(a, sign, b):
            return Sum(a, sign, b)


def change_sign(total, new, chance):
    """What if it was another sign?"""
    changed = Sum(total.a, new, total.b)
    text = chance.pick(CHANGE).format(new=new, old=total.op, new_word=WORD[new], old_word=WORD[total.op],
                                      verb=VERB[new], name=CHANGE_NAME[new])
    same = changed.result == total.result
    return text, f"{changed.text} = {changed.result}, same as {total.text}!" if same else changed.answer(), changed


def follow_up(total, chance):
    """(what the user asks, the answer, the sum that the next follow-up is about)"""
    dice = chance.random()
    if dice < 0.5:
        return change_sign(total, chance.pick([op for op in "+-*" if op != total.op]), chance)
    if dice < 0.7:
        op = chance.pick("++-*")
        n = 1 + int(chance.random() * 10)
        chained = Sum(total.result, op, n if op != "*" else 1 + n % 3)
        text = chance.pick(CHAIN).format(op=op, word=WORD[op], n=chained.b)
        return text[0].upper() + text[1:], chained.answer(), chained
    if dice < 0.88:
        other = random_sum(chance)
        return chance.pick(NEXT).format(sum=asked("{a}{op}{b}", other, chance)), other.answer(), other
    if dice < 0.95:
        return chance.pick(SURE), f"Yes, {total.answer()}", total
    wrong = total.result + 1 + int(chance.random() * 3)
    return f"Is it not {wrong}?", f"No, {total.answer()}", total


def follow_up_of(split, total, chance):
    """One whose text, and whose sum, belong to the split."""
    while True:
        text, answer, after = follow_up(total, chance)
        if split == split_of(text) and abs(after.result) <= MAX_RESULT and not (split == "train" and after.held_out):
            return text, answer, after


def sum_turns(split, total, n_follow_ups, chance):
    """A question and its follow-ups, or None where the wording drawn belongs to the other file."""
    text = asked(chance.pick(ASK), total, chance)
    if split != ("eval" if total.held_out else split_of(text)):
        return None
    turns = [(text, total.answer())]
    for _ in range(n_follow_ups):
        user, answer, total = follow_up_of(split, total, chance)
        turns.append((user, answer))
    return turns


def add_sums(writer, split, count, next_total, follow_ups):
    """`count` conversations; a total whose wording belongs to the other file is drawn again."""
    done = 0
    while done < count:
        total = next_total(done)
        turns = sum_turns(split, total, writer.chance.pick(follow_ups), writer.chance)
        held_out = "request" if total.held_out else "wording"
        done += bool(turns) and writer.add(split, "arithmetic", total.op, turns, held_out)


def add_demo_paraphrases(writer, count):
    """2+2, and then another sign, in all wordings but the demonstration's own."""
    chance, done = writer.chance, 0
    while done < count:
        turns = sum_turns("train", Sum(2, chance.pick("+++*"), 2), 0, chance)
        if turns:
            old = "*" if "*" in turns[0][1] else "+"
            text, answer, _ = change_sign(Sum(2, old, 2), "+" if old == "*" else "*", chance)
            done += split_of(text) == "train" and writer.add("train", "arithmetic", old, [*turns, (text, answer)])


def write_arithmetic(writer, n_train, n_eval, n_demo):
    chance = writer.chance
    EVAL_ONLY.update(normalise(text) for text in ("What is 2+2?", "What if it was * instead of +?"))
    writer.add("eval", "arithmetic", "+", [("What is 2+2?", "2+2 = 4."),
                                           ("What if it was * instead of +?", "2*2 = 4, same as 2+2!")])
    add_demo_paraphrases(writer, n_demo)
    table = [Sum(a, op, b) for op in "+-*" for a in range(11) for b in range(11) if op != "-" or a >= b]
    table = [total for total in chance.shuffled(table) if not total.held_out]
    add_sums(writer, "train", n_train, lambda i: table[i] if i < len(table) else random_sum(chance),
             [0, 0, 1, 1, 2, 3])
    add_sums(writer, "eval", n_eval, lambda i: random_sum(chance), [0, 0, 1, 2])
    for _ in range(12):
        a, b = 100 + int(chance.random() * 9000), 100 + int(chance.random() * 900)
        text = chance.pick(ASK).format(a=a, op="*", b=b, word=WORD["*"])
        writer.add(split_of(text), "arithmetic", "too_big", [(text, TOO_BIG)])
