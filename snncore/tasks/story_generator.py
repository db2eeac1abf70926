"""Stories of the 20 kinds of bAbI, drawn at random: the grammar and the world of the official files, written anew.

In most kinds, persons move about, some of them with things. A story has two statements, then a question if what was drawn can be asked and
answered, and so on until it has five questions. The other kinds describe something at once and then ask about it. Where a person is at
first is true but unsaid. Words and kinds are those of ``data/story_grammar.toml``.

Source: the official files (see `snncore.tasks.stories`), whose sentences, words and shares of statements these follow.
"""

import tomllib
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import accumulate
from typing import Any

import numpy as np

from snncore.datafiles import package_file
from snncore.tasks.stories import SENTENCES, TASKS, Example

GRAMMAR = tomllib.loads(package_file("story_grammar.toml").read_text(encoding="utf-8"))
WORDS: dict[str, list[str]] = GRAMMAR["words"]
PLURALS: dict[str, str] = GRAMMAR["plurals"]
HAPPENING: dict[int, dict[str, Any]] = {int(task): kind for task, kind in GRAMMAR["happening"].items()}
SHAPES = [f"{color} {shape}".strip() for color in ("", *WORDS["paints"]) for shape in WORDS["shapes"]]
STEPS = {"north": (0, 1), "south": (0, -1), "east": (1, 0), "west": (-1, 0)}
SIDES = "above", "below", "to the left of", "to the right of"
OPPOSITE = {a: b for pair in (("north", "south"), ("east", "west"), SIDES[:2], SIDES[2:]) for a, b in (pair, pair[::-1])}


class Impossible(Exception):
    """There is nothing to draw from: draw something else."""


class Draw:
    """A generator of random numbers that draws from sequences."""

    def __init__(self, g: np.random.Generator):
        self.g = g

    def one(self, items: Sequence[Any] | dict[Any, float]) -> Any:
        """One of the items, all equally likely, or by the shares that a dict gives them; `Impossible` if there are none."""
        if not items:
            raise Impossible
        if isinstance(items, dict):
            ends = list(accumulate(items.values()))
            return list(items)[bisect_left(ends, self.g.random() * ends[-1])]
        return items[int(self.g.integers(len(items)))]

    def word(self, kind: str) -> str:
        """One of the words of the grammar that are of this kind."""
        return self.one(WORDS[kind])

    def some(self, items: Sequence[Any], count: int | None = None) -> list[Any]:
        """``count`` different items (default: all) in any order."""
        return [items[i] for i in self.g.permutation(len(items))[:count]]

    def flip(self, share: float = 0.5) -> bool:
        """True with the probability ``share``."""
        return bool(self.g.random() < share)

    def told(self, rests_on: dict[str, str | None]) -> tuple[str, ...]:
        """Statements in any order in which each comes after the one that it rests on, if any."""
        left, said = list(rests_on), list[str]()
        while left:
            said.append(self.one([s for s in left if rests_on[s] in (None, *said)]))
            left.remove(said[-1])
        return tuple(said)


Question = tuple[str, str]  # with its answer


class World:
    """Persons and things, where they are, and what the story has told of it; ``kind`` is one of the grammar's."""

    def __init__(self, draw: Draw, kind: dict[str, Any]):
        self.draw, self.kind, self.persons, self.places = draw, kind, WORDS[kind["persons"]], WORDS[kind["places"]]
        self.at = {person: draw.one(self.places) for person in self.persons}
        self.lies = {thing: draw.one(self.places) for thing in WORDS["things"]}  # where a thing is that nobody has
        self.may_be_at: dict[str, tuple[str, ...]] = {}  # one or two places, as the story has told
        self.not_at: dict[str, str] = {}  # instead: where they are not
        self.has: dict[str, list[str]] = {person: [] for person in self.persons}
        self.ever_had: dict[str, list[str]] = {person: [] for person in self.persons}
        self.path: dict[str, list[str]] = {thing: [] for thing in WORDS["things"]}  # told places of things
        self.gifts: list[dict[str, str]] = []  # giver, thing, receiver

    # --- statements, which may be impossible

    def _tell(self, person: str, *places: str) -> None:
        """The person is at the first of the places; the story tells that it is at one of them."""
        self.at[person], self.may_be_at[person] = places[0], places
        self.not_at.pop(person, None)
        for thing in self.has[person]:
            self._put(thing, places[0])

    def _is_told(self, person: str) -> bool:
        return len(self.may_be_at.get(person, ())) == 1

    def _put(self, thing: str, place: str) -> None:
        if self.path[thing][-1:] != [place]:
            self.path[thing].append(place)

    def move(self) -> str:
        return self.go([self.draw.one(self.persons)])

    def move_together(self) -> str:
        return self.go(self.draw.some(self.persons, 2))

    def go(self, who: list[str], name: str | None = None) -> str:
        place = self.draw.one([p for p in self.places if p != self.at[who[0]]])
        for person in who:
            self._tell(person, place)
        return f"{name or ' and '.join(who)} {self.draw.word('moved')} the {place}"

    def _take(self, person: str, thing: str) -> None:
        self.has[person].append(thing)
        self.ever_had[person] += [thing] * (thing not in self.ever_had[person])

    def get(self) -> str:
        person, thing = self.draw.one([(p, t) for p in self.persons for t in WORDS["things"] if self.lies[t] == self.at[p]])
        self.lies[thing] = ""
        self._take(person, thing)
        if self._is_told(person):
            self._put(thing, self.at[person])
        return f"{person} {self.draw.word('got')} the {thing}" + " there" * self.draw.flip(self.kind.get("there", 1.0))

    def drop(self) -> str:
        person, thing = self.draw.one([(person, thing) for person, things in self.has.items() for thing in things])
        self.has[person].remove(thing)
        self.lies[thing] = self.at[person]
        return f"{person} {self.draw.word('dropped')} the {thing}" + " there" * self.draw.flip(0.2)

    def give(self) -> str:
        near = [(one, other) for one in self.persons for other in self.persons if one != other and self.at[one] == self.at[other]]
        person, thing, receiver = self.draw.one([(person, thing, other) for person, other in near for thing in self.has[person]])
        self.has[person].remove(thing)
        self._take(receiver, thing)
        self.gifts.append({"giver": person, "thing": thing, "receiver": receiver})
        return f"{person} {self.draw.word('gave')} the {thing} to {receiver}"

    def be(self) -> str:
        person, place = self.draw.one(self.persons), self.draw.one(self.places)
        self._tell(person, place)
        return f"{person} is in the {place}"

    def be_not(self) -> str:
        person = self.draw.one(self.persons)
        place = self.at[person] if self._is_told(person) else self.draw.one(self.places)
        self.may_be_at.pop(person, None)
        self.not_at[person] = place
        self.at[person] = self.draw.one([p for p in self.places if p != place])
        return f"{person} is {self.draw.word('isnt')} in the {place}"

    def be_either(self) -> str:
        person, both = self.draw.one(self.persons), self.draw.some(self.places, 2)
        self._tell(person, *both)
        return f"{person} is either in the {both[0]} or the {both[1]}"

    def next_two(self) -> list[str]:
        """Two statements: some persons went somewhere and on, or whatever is possible, by its shares."""
        if count := self.kind.get("followed"):
            who = self.draw.some(self.persons, count)
            pronoun = "they" if count > 1 else "he" if who[0] in ("john", "daniel") else "she"
            return [self.go(who), self.go(who, f"{self.draw.word('later')} {pronoun}")]
        said: list[str] = []
        while len(said) < 2:
            with suppress(Impossible):
                said.append(getattr(self, self.draw.one(self.kind["statements"]))())
        return said

    # --- questions, which may be impossible

    def where(self) -> Question:
        person = self.draw.one(sorted(filter(self._is_told, self.persons)))
        return f"where is {person}", self.at[person]

    def where_thing(self) -> Question:
        thing = self.draw.word("things")
        if not self.path[thing]:
            raise Impossible
        return f"where is the {thing}", self.path[thing][-1]

    def where_thing_was(self) -> Question:
        thing = self.draw.word("things")
        if not self.lies[thing] and self.draw.flip(0.9):  # the files ask mostly about things that nobody has, at their last place
            raise Impossible
        path = self.path[thing][-2:] if self.draw.flip(0.8) else self.path[thing]
        return where_before(self.draw, f"the {thing}", path)

    def gift(self) -> Question:
        gift = self.draw.one(self.gifts)
        question = self.draw.one({question: share for question, (_, share) in GRAMMAR["gifts"].items()})
        asked, wanted = question.format(**gift), GRAMMAR["gifts"][question][0]
        answer = next(other[wanted] for other in reversed(self.gifts) if question.format(**other) == asked)
        return asked, answer if wanted == "thing" else answer.capitalize()

    def in_place(self) -> Question:
        person = self.draw.one([p for p in self.persons if p in self.may_be_at or p in self.not_at])
        if place := self.not_at.get(person):
            return f"is {person} in the {place}", "no"
        possible = self.may_be_at[person]
        if self.draw.flip():
            return f"is {person} in the {self.draw.one([p for p in self.places if p not in possible])}", "no"
        return f"is {person} in the {self.draw.one(possible)}", "yes" if len(possible) == 1 else "maybe"

    def _once_owner(self) -> str:
        return self.draw.one([person for person in self.persons if self.ever_had[person]])

    def count(self) -> Question:
        person = self._once_owner()
        return f"how many objects is {person} carrying", WORDS["counts"][len(self.has[person])]

    def carries(self) -> Question:
        person = self._once_owner()
        carried = [thing for thing in self.ever_had[person] if thing in self.has[person]]
        return f"what is {person} carrying", ",".join(carried) or "nothing"


def where_before(draw: Draw, who: str, path: list[str]) -> Question:
    """Where someone or something was before one of the places of its path (the last time, if it was there twice)."""
    place = draw.one(path[1:])
    last = max(i for i, p in enumerate(path) if p == place)
    return f"where was {who} before the {place}", path[last - 1]


def happening(draw: Draw, kind: dict[str, Any], length: int | None) -> Iterator[Example]:
    """A story with five questions, or with one after ``length`` statements."""
    world, asked = World(draw, kind), 0
    said: list[str] = []
    while asked < 5 if length is None else len(said) < length:
        said += world.next_two()
        if length in (None, len(said)):
            with suppress(Impossible):
                yield Example(tuple(said), *getattr(world, kind["question"])())
                asked += 1


def time_of_day(draw: Draw) -> Iterator[Example]:
    """Task 14: where persons went at which time, in any order."""
    went: dict[tuple[str, str], str] = {}
    said: list[str] = []
    times, asked = GRAMMAR["times"], 0
    while len(said) < 14 and asked < 5:
        person, time = draw.word("with_julie"), draw.one(times)
        if (person, time) in went:
            continue
        place = went[person, time] = draw.one([p for p in WORDS["town"] if p not in [went.get((person, t)) for t in times]])
        sentence = f"{person} {draw.word('moved')} the {place}"
        said.append(f"{time} {sentence}" if draw.flip() else f"{sentence} {time}")
        if len(said) % 2:
            continue
        paths = {person: [went[person, t] for t in times if (person, t) in went] for person in WORDS["with_julie"]}
        if able := [person for person, path in paths.items() if len(path) > 1]:
            person = draw.one(able)
            yield Example(tuple(said), *where_before(draw, person, paths[person]))
            asked += 1


def relation(draw: Draw, one: str, side: str, other: str) -> tuple[str, str, str]:
    """A relation, said from either end."""
    return (one, side, other) if draw.flip() else (other, OPPOSITE[side], one)


def on_a_line(draw: Draw) -> Iterator[Example]:
    """Task 4: three places on a line."""
    places, side = draw.some(WORDS["house"], 3), draw.one(list(STEPS))
    pairs = draw.some([(places[0], side, places[1]), (places[1], side, places[2])])
    a, side, b = relation(draw, *draw.one(pairs))
    question = (f"what is {side} of the {b}", a) if draw.flip() else (f"what is the {a} {side} of", b)
    yield Example(tuple("the {} is {} of the {}".format(*relation(draw, *pair)) for pair in pairs), *question)


def fears(draw: Draw) -> Iterator[Example]:
    """Task 15: which animals are afraid of which, and who is what."""
    fear = {animal: draw.one([other for other in PLURALS if other != animal]) for animal in PLURALS}
    kind = {person: draw.one(list(PLURALS)) for person in WORDS["afraid"]}
    told = {animal: f"{PLURALS[animal]} are afraid of {PLURALS[other]}" for animal, other in fear.items()}
    said = draw.told(dict.fromkeys(told.values()) | {f"{person} is a {animal}": told[animal] for person, animal in kind.items()})
    for person in (draw.one(list(kind)) for _ in range(4)):
        yield Example(said, f"what is {person} afraid of", fear[kind[person]])


def colors(draw: Draw) -> Iterator[Example]:
    """Task 16: the color of an animal, from others of its kind."""
    names = draw.some(WORDS["colored"])
    kind = {name: draw.word("animals") for name in names}
    color = {name: draw.word("colors") for name in names[1:]}
    alike = [name for name in names[1:] if kind[name] == kind[names[0]]]
    if len({color[name] for name in alike}) == 1:  # otherwise one cannot tell
        told = {name: f"{name} is a {animal}" for name, animal in kind.items()}
        said = draw.told(dict.fromkeys(told.values()) | {f"{name} is {c}": told[name] for name, c in color.items()})
        yield Example(said, f"what color is {names[0]}", color[alike[0]])


def positions(draw: Draw) -> Iterator[Example]:
    """Task 17: how two shapes lie that both lie beside a third one."""
    first, middle, last = names = draw.some(SHAPES, 3)
    side, other = draw.one(SIDES), draw.one(SIDES)
    if other == OPPOSITE[side] or sum(name in SHAPES[:4] for name in names) > 1:  # both at one place; two shapes without color
        return
    said = tuple("the {} is {} the {}".format(*r) for r in (relation(draw, first, side, middle), relation(draw, middle, other, last)))
    true = {(first, side, last), (first, other, last)}
    true |= {(b, OPPOSITE[s], a) for a, s, b in true}
    for _ in range(8):
        a, s, b = draw.one(sorted(true))
        yes = draw.flip()
        yield Example(said, f"is the {a} {s if yes else OPPOSITE[s]} the {b}", "yes" if yes else "no")


def sizes(draw: Draw) -> Iterator[Example]:
    """Task 18: which of two boxes is larger, by way of a third one."""
    order = ["chocolate", "box of chocolates", *draw.some(WORDS["boxes"])]
    said: list[str] = []
    direct: set[tuple[str, str]] = set()
    chains: list[tuple[str, str]] = []
    while not chains:
        for _ in range(5):
            small, large = (order[k] for k in sorted(draw.some(range(6), 2)))
            direct.add((large, small))
            said.append(f"the {large} is bigger than the {small}" if draw.flip() else f"the {small} fits inside the {large}")
        chains = sorted({(a, d) for a, b in direct for c, d in direct if b == c})
    for large, small in (draw.one(chains) for _ in range(5)):
        yes = draw.flip()
        one, other = (large, small) if yes else (small, large)
        question = f"does the {other} fit in the {one}" if draw.flip() else f"is the {one} bigger than the {other}"
        yield Example(tuple(said), question, "yes" if yes else "no")


def ways(draw: Draw) -> Iterator[Example]:
    """Task 19: the way between two places that are two steps apart."""
    names, cells, said = draw.some(WORDS["house"]), [(0, 0)], []
    edges: dict[tuple[int, int], str] = {}
    while len(cells) < 6:
        start, side = draw.one(range(len(cells))), draw.one(list(STEPS))
        cell = (cells[start][0] + STEPS[side][0], cells[start][1] + STEPS[side][1])
        if cell not in cells:
            edges[start, len(cells)], edges[len(cells), start] = side, OPPOSITE[side]
            said.append("the {} is {} of the {}".format(*relation(draw, names[len(cells)], side, names[start])))
            cells.append(cell)
    a, b, c = draw.one([(a, b, c) for a, b in edges for b_, c in edges if b == b_ and a != c])
    answer = f"{edges[a, b][0]},{edges[b, c][0]}"
    yield Example(tuple(draw.some(said)), f"how do you go from the {names[a]} to the {names[c]}", answer)


def motives(draw: Draw) -> Iterator[Example]:
    """Task 20: where moods lead."""
    mood = {person: draw.one(list(GRAMMAR["moods"])) for person in WORDS["moody"]}
    next_ = dict.fromkeys(mood, 0)
    said: list[str] = []
    taken: set[str] = set()
    while next_:
        person = draw.one(sorted(next_))
        (place, thing), step = GRAMMAR["moods"][mood[person]], next_.pop(person)
        if step == 2 and thing in taken:
            continue
        statement, question, answer = [
            (f"{person} is {mood[person]}", f"where will {person} go", place),
            (f"{person} {draw.word('moved')} the {place}", f"why did {person} go to the {place}", mood[person]),
            (f"{person} {draw.word('got')} the {thing} there", f"why did {person} get the {thing}", mood[person]),
        ][step]
        said.append(statement)
        yield Example(tuple(said), question, answer)
        if step == 2:
            taken.add(thing)
        else:
            next_[person] = step + 1


DESCRIBING = {4: on_a_line, 14: time_of_day, 15: fears, 16: colors, 17: positions, 18: sizes, 19: ways, 20: motives}


def generate(task: int, count: int, g: np.random.Generator, length: int | None = None) -> list[Example]:
    """Draw ``count`` questions of a task, 1 to 20; those of a story come one after the other.

    With a length, each story has so many statements and one question at its end.

    Raises `ValueError` if there is no such task, or its stories cannot have this length.
    """
    if task not in TASKS:
        raise ValueError(f"there is no task {task}: they are 1 to 20")
    shortest = 4 if task == 3 else 2
    if length is not None and (task not in HAPPENING or length % 2 or length < shortest):
        number = f"an even number from {shortest} on" if task in HAPPENING else "fixed"
        raise ValueError(f"a story of task {task} cannot have {length} statements: their number is {number}")
    draw, examples = Draw(g), list[Example]()
    while len(examples) < count:
        examples += DESCRIBING[task](draw) if task in DESCRIBING else happening(draw, HAPPENING[task], length)
    return examples[:count]


EVEN_LENGTHS = range(2, SENTENCES + 1, 2)


def stories_of_lengths(task: int, count: int, g: np.random.Generator) -> list[Example]:
    """Questions of a task, after each of `EVEN_LENGTHS` statements by turns."""
    drawn = [generate(task, -(-count // len(EVEN_LENGTHS)), g, length) for length in EVEN_LENGTHS]
    return [example for turn in zip(*drawn, strict=True) for example in turn][:count]
