"""Capitals: facts from a table, with follow-ups."""
from parts import TELL_ME, Block, split_of

CAPITALS = dict(pair.split("=") for pair in (
    "France=Paris,Italy=Rome,Spain=Madrid,Germany=Berlin,England=London,Japan=Tokyo,China=Beijing,"
    "India=New Delhi,Russia=Moscow,Egypt=Cairo,Greece=Athens,Poland=Warsaw,Austria=Vienna,Portugal=Lisbon,"
    "Norway=Oslo,Sweden=Stockholm,Denmark=Copenhagen,Ireland=Dublin,Canada=Ottawa,Cuba=Havana,Turkey=Ankara,"
    "Hungary=Budapest,Finland=Helsinki,Peru=Lima").split(","))


def capital_blocks():
    for country, city in CAPITALS.items():
        block = Block("fact", "capitals")
        block.spoken = [f"What is the capital of {country}?", f"Which city is the capital of {country}?",
                        f"What's the capital city of {country}?"]
        block.framed = [frame.format(f"what the capital of {country} is") for frame in TELL_ME]
        block.answer = f"{city} is the capital of {country}."
        yield block


def write_capital_follow_ups(writer):
    """'And of Italy?' after a question for another capital."""
    chance = writer.chance
    frames = ["And of {}?", "What about {}?", "And {}?", "How about {}?", "And what is the capital of {}?"]
    left = {"train": 24, "eval": 4}
    while any(left.values()):
        first, second = chance.shuffled(CAPITALS)[:2]
        start, then = f"What is the capital of {first}?", chance.pick(frames).format(second)
        split = split_of(start)
        if split_of(then) == split and left[split]:
            left[split] -= writer.add(split, "fact", "capitals", [
                (start, f"{CAPITALS[first]} is the capital of {first}."),
                (then, f"{CAPITALS[second]} is the capital of {second}.")])
