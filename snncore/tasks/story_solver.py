"""Answers questions on stories of all 20 kinds by logic, as a reader who takes every sentence literally.

It shares nothing with the generator of stories (`snncore.tasks.story_generator`), so that each is a test of the other.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

COUNTS = ("none", "one", "two", "three")
TIMES = ("yesterday", "this morning", "this afternoon", "this evening")
COMPASS = ("north", "south", "east", "west")
STEPS = {"above": (0, 1), "below": (0, -1), "to the right of": (1, 0), "to the left of": (-1, 0)}
OTHER_SIDES = "south", "north", "west", "east", "below", "above", "to the left of", "to the right of"
OPPOSITE = dict(zip((*COMPASS, *STEPS), OTHER_SIDES, strict=True))
KINDS = {"mice": "mouse", "wolves": "wolf", "cats": "cat", "sheep": "sheep"}
NEEDS = {"hungry": ("kitchen", "apple"), "thirsty": ("kitchen", "milk"), "bored": ("garden", "football"), "tired": ("bedroom", "pajamas")}

_COMPASS = "|".join(COMPASS)
_TIME = "|".join(TIMES)
_MOVED = r"(?:went back|went|journeyed|travelled|moved) to the (?P<place>\w+)"
_LATER = "(?:after that|following that|then|afterwards)"
_GAVE = "(?:gave|passed|handed)"
_SIDE = "|".join(STEPS)


class CannotTell(ValueError):
    """The sentences do not say; the message says what is missing."""


def _known(table: dict[str, Any], key: str, what: str) -> Any:
    if key not in table:
        raise CannotTell(what)
    return table[key]


def _meaning(table: dict[str, Any], word: str) -> Any:
    return _known(table, word, f"what {word!r} means here: known are {', '.join(table)}")


class Facts:
    """What a story has said so far."""

    def __init__(self) -> None:
        self.mentioned: list[str] = []  # who the last sentence was about
        self.place: dict[str, set[str]] = {}  # of persons: where they may be
        self.excluded: dict[str, str] = {}  # of persons: where they are not
        self.at: dict[tuple[str, str], str] = {}  # person and time: where
        self.carried: dict[str, list[str]] = defaultdict(list)
        self.acquired: dict[str, list[str]] = defaultdict(list)  # whatever a person has ever got, in this order
        self.path: dict[str, list[str]] = defaultdict(list)  # of objects: places, one after the other
        self.gifts: list[tuple[str, str, str]] = []  # giver, object, receiver
        self.relations: list[tuple[str, str, str]] = []  # what lies on which side of what
        self.bigger: dict[str, set[str]] = defaultdict(set)
        self.fears: dict[str, str] = {}
        self.kind: dict[str, str] = {}
        self.traits: dict[str, str] = {}  # colors, moods

    # --- statements

    def moved(self, who: str, place: str, before: str | None, after: str | None) -> None:
        if who not in ("he", "she", "they"):
            self.mentioned = who.split(" and ")
        for person in self.mentioned:
            if time := before or after:
                self.at[person, time] = place
            self.is_in(person, place)
            for thing in self.carried[person]:
                self._lies(thing, place)

    def is_in(self, person: str, *places: str) -> None:
        self.place[person] = set(places)
        self.excluded.pop(person, None)

    def is_not_in(self, person: str, place: str) -> None:
        self.place.pop(person, None)
        self.excluded[person] = place

    def has(self, person: str, thing: str) -> None:
        self.carried[person].append(thing)
        if thing not in self.acquired[person]:
            self.acquired[person].append(thing)

    def got(self, person: str, thing: str) -> None:
        self.has(person, thing)
        for place in self.place.get(person, ()):
            self._lies(thing, place)

    def dropped(self, person: str, thing: str) -> None:
        if thing not in self.carried[person]:
            raise CannotTell(f"that {person} has the {thing}")
        self.carried[person].remove(thing)

    def gave(self, person: str, thing: str, other: str) -> None:
        self.dropped(person, thing)
        self.has(other, thing)
        self.gifts.append((person, thing, other))

    def _lies(self, thing: str, place: str) -> None:
        if self.path[thing][-1:] != [place]:
            self.path[thing].append(place)

    # --- questions

    def carries(self, person: str) -> str:
        return ",".join(thing for thing in self.acquired[person] if thing in self.carried[person]) or "nothing"

    def how_many(self, person: str) -> str:
        if len(self.carried[person]) >= len(COUNTS):
            raise CannotTell(f"a word for the {len(self.carried[person])} things that {person} carries")
        return COUNTS[len(self.carried[person])]

    def where_is(self, person: str) -> str:
        places = self.place.get(person, set())
        return _found(places if len(places) == 1 else (), f"where {person} is")

    def where_was(self, person: str, place: str) -> str:
        return _before([self.at[person, time] for time in TIMES if (person, time) in self.at], place, f"where {person} was")

    def in_place(self, person: str, place: str) -> str:
        if self.excluded.get(person) == place:
            return "no"
        places = _known(self.place, person, f"where {person} is")
        return "no" if place not in places else "yes" if len(places) == 1 else "maybe"

    def beside(self, side: str, thing: str) -> str:
        return _found((other for other, at in self.neighbors(thing) if at == side), f"what is {side} of the {thing}")

    def gift(self, giver: str | None = None, thing: str | None = None, receiver: str | None = None) -> tuple[str, str, str]:
        wanted = giver, thing, receiver
        fitting = (g for g in reversed(self.gifts) if all(w in (None, part) for w, part in zip(wanted, g, strict=True)))
        return _found(fitting, "of such a gift")

    def on_side(self, one: str, side: str, other: str) -> str:
        way, (x, y) = _known(self.ways(other), one, f"how the {one} lies from the {other}"), STEPS[side]
        return "yes" if sum(STEPS[step][0] * x + STEPS[step][1] * y for step in way) > 0 else "no"

    def way(self, start: str, end: str) -> str:
        return ",".join(step[0] for step in _known(self.ways(start), end, f"how to go to the {end}"))

    def neighbors(self, thing: str) -> list[tuple[str, str]]:
        """What lies beside it, and on which side."""
        own = [(a, side) for a, side, b in self.relations if b == thing]
        return own + [(b, OPPOSITE[side]) for a, side, b in self.relations if a == thing]

    def ways(self, start: str) -> dict[str, list[str]]:
        """To everything that can be reached from there: a shortest way, step by step."""
        found, todo = {start: list[str]()}, [start]
        for here in todo:
            for other, side in self.neighbors(here):
                if other not in found:
                    found[other] = [*found[here], side]
                    todo.append(other)
        return found

    def is_larger(self, one: str, other: str) -> str:
        for answer, large, small in (("yes", one, other), ("no", other, one)):
            todo = [large]
            for here in todo:
                todo += self.bigger[here] - set(todo)
            if small in todo:
                return answer
        raise CannotTell(f"which of {one} and {other} is larger")

    def afraid_of(self, person: str) -> str:
        return _found((fear for kind, fear in self.fears.items() if kind == self.kind.get(person)), f"what {person} is afraid of")

    def color(self, person: str) -> str:
        alike = [other for other, kind in self.kind.items() if kind == self.kind.get(person)]
        return _found((self.traits[other] for other in reversed(alike) if other in self.traits), f"the color of {person}")

    def trait(self, person: str) -> str:
        return _known(self.traits, person, f"how {person} is")


def _found(candidates: Iterable[Any], what: str) -> Any:
    """The first candidate."""
    for candidate in candidates:
        return candidate
    raise CannotTell(what)


def _before(path: list[str], place: str, what: str) -> str:
    return _found((earlier for earlier, later in reversed(list(pairwise(path))) if later == place), what)


STATEMENTS: list[tuple[str, Callable[..., object]]] = [
    (rf"(?:(?P<before>{_TIME}) )?(?:{_LATER} )?(?P<who>\w+(?: and \w+)?) {_MOVED}(?: (?P<after>{_TIME}))?",
     lambda f, **g: f.moved(**g)),
    (r"(\w+) (?:picked up|got|grabbed|took) the (\w+)(?: there)?", Facts.got),
    (r"(\w+) (?:put down|dropped|discarded|left) the (\w+)(?: there)?", Facts.dropped),
    (rf"(\w+) {_GAVE} the (\w+) to (\w+)", Facts.gave),
    (r"(\w+) is in the (\w+)", Facts.is_in),
    (r"(\w+) is (?:not|no longer) in the (\w+)", Facts.is_not_in),
    (r"(\w+) is either in the (\w+) or the (\w+)", Facts.is_in),
    (rf"the (\w+) is ({_COMPASS}) of the (\w+)", lambda f, *g: f.relations.append(g)),
    (rf"the ([\w ]+) is ({_SIDE}) the ([\w ]+)", lambda f, *g: f.relations.append(g)),
    (r"the ([\w ]+) is bigger than the ([\w ]+)", lambda f, one, other: f.bigger[one].add(other)),
    (r"the ([\w ]+) fits inside the ([\w ]+)", lambda f, one, other: f.bigger[other].add(one)),
    (r"(\w+) are afraid of (\w+)", lambda f, one, other: f.fears.__setitem__(_meaning(KINDS, one), _meaning(KINDS, other))),
    (r"(\w+) is a (\w+)", lambda f, who, kind: f.kind.__setitem__(who, kind)),
    (r"(\w+) is (\w+)", lambda f, who, trait: f.traits.__setitem__(who, trait)),
]  # fmt: skip

QUESTIONS: list[tuple[str, Callable[..., str]]] = [
    (r"where is the (\w+)", lambda f, thing: _found(f.path[thing][-1:], f"where the {thing} is")),
    (r"where is (\w+)", Facts.where_is),
    (r"where was the (\w+) before the (\w+)", lambda f, thing, place: _before(f.path[thing], place, f"where the {thing} was")),
    (r"where was (\w+) before the (\w+)", Facts.where_was),
    (r"is (\w+) in the (\w+)", Facts.in_place),
    (rf"what is ({_COMPASS}) of the (\w+)", Facts.beside),
    (rf"what is the (\w+) ({_COMPASS}) of", lambda f, thing, side: f.beside(OPPOSITE[side], thing)),
    (r"what did (\w+) give to (\w+)", lambda f, giver, receiver: f.gift(giver, None, receiver)[1]),
    (rf"who {_GAVE} the (\w+)(?: to (\w+))?", lambda f, thing, receiver: f.gift(None, thing, receiver)[0].capitalize()),
    (r"who did (\w+) give the (\w+) to", lambda f, giver, thing: f.gift(giver, thing)[2].capitalize()),
    (r"who received the (\w+)", lambda f, thing: f.gift(None, thing)[2].capitalize()),
    (r"how many objects is (\w+) carrying", Facts.how_many),
    (r"what is (\w+) carrying", Facts.carries),
    (r"what is (\w+) afraid of", Facts.afraid_of),
    (r"what color is (\w+)", Facts.color),
    (rf"is the ([\w ]+) ({_SIDE}) the ([\w ]+)", Facts.on_side),
    (r"does the ([\w ]+) fit in the ([\w ]+)", lambda f, one, other: f.is_larger(other, one)),
    (r"is the ([\w ]+) bigger than the ([\w ]+)", Facts.is_larger),
    (r"how do you go from the (\w+) to the (\w+)", Facts.way),
    (r"where will (\w+) go", lambda f, who: _meaning(NEEDS, f.trait(who))[0]),
    (r"why did (\w+) (?:go to|get) the (\w+)", lambda f, who, _: f.trait(who)),
]


@cache
def _matched(sentence: str, question: bool) -> tuple[Callable[..., object], tuple[str | None, ...], dict[str, str | None]]:
    """What to do for a sentence, and its words, without names or with them; stories say the same things again and again."""
    for pattern, use in QUESTIONS if question else STATEMENTS:
        if match := re.fullmatch(pattern, sentence):
            named = match.groupdict()
            return use, () if named else match.groups(), named
    raise CannotTell(f"what {sentence!r} means")


def solve(statements: Sequence[str], question: str) -> str:
    """The answer that follows from the statements, all in lower case and without punctuation; else `CannotTell`."""
    facts = Facts()
    for statement in statements:
        use, words, named = _matched(statement, False)
        use(facts, *words, **named)
    use, words, _ = _matched(question, True)
    return str(use(facts, *words))
