"""Stories of the 20 kinds of bAbI, drawn at random: the grammar and the world of the official files, written anew.

In most kinds, persons move about, some of them with things. A story has two statements, then a question if what was drawn can be asked and
answered, and so on until it has five questions. The other kinds describe something at once and then ask about it. Where a person is at
first is true but unsaid.

Source: the official files (see `snncore.tasks.stories`), whose sentences, words and shares of statements these follow.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from snncore.tasks.stories import SENTENCES, Example

PLACES = ("hallway", "bathroom", "bedroom", "kitchen", "office", "garden")
TOWN = ("school", "cinema", "park", "bedroom", "kitchen", "office")
FOUR, WITH_JEFF, WITH_JULIE = ("mary", "john", "daniel", "sandra"), ("fred", "bill", "jeff", "mary"), ("fred", "bill", "mary", "julie")
THINGS = ("football", "milk", "apple")
MOVED = ("went back to", "went to", "journeyed to", "travelled to", "moved to")
GOT, DROPPED = ("picked up", "got", "grabbed", "took"), ("put down", "dropped", "discarded", "left")
GAVE = ("gave", "passed", "handed")
GIFT_QUESTIONS = {  # what they ask for, and their shares; they mean the last gift that fits
    "what did {giver} give to {receiver}": ("thing", 0.33),
    "who gave the {thing}": ("giver", 0.18),
    "who did {giver} give the {thing} to": ("receiver", 0.17),
    "who gave the {thing} to {receiver}": ("giver", 0.17),
    "who received the {thing}": ("receiver", 0.15),
}
LATER = ("after that", "following that", "then", "afterwards")
TIMES, SHARES_OF_TIMES = ("yesterday", "this morning", "this afternoon", "this evening"), (0.34, 0.3, 0.22, 0.14)
COUNTS = ("none", "one", "two", "three")
OPPOSITE = {"north": "south", "south": "north", "east": "west", "west": "east"}
OPPOSITE |= {"above": "below", "below": "above", "to the left of": "to the right of", "to the right of": "to the left of"}
STEPS = {"north": (0, 1), "south": (0, -1), "east": (1, 0), "west": (-1, 0)}
PLURALS = {"mouse": "mice", "sheep": "sheep", "wolf": "wolves", "cat": "cats"}
SHAPES = [
    f"{color} {shape}".strip() for color in ("", "red", "blue", "pink", "yellow") for shape in ("square", "rectangle", "triangle", "sphere")
]
MOODS = {"hungry": ("kitchen", "apple"), "thirsty": ("kitchen", "milk"), "bored": ("garden", "football"), "tired": ("bedroom", "pajamas")}


class Impossible(Exception):
    """There is nothing to draw from: draw something else."""


class Draw:
    """A generator of random numbers that draws from sequences."""

    def __init__(self, g: np.random.Generator):
        self.g = g

    def one(self, items: Sequence[Any], shares: Sequence[float] | None = None) -> Any:
        """One of the items, by their shares or all equally likely; `Impossible` if there are none."""
        if not items:
            raise Impossible
        if shares is None:
            return items[int(self.g.integers(len(items)))]
        return items[int(np.searchsorted(np.cumsum(shares), self.g.random() * sum(shares)))]

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
    """Persons and things, where they are, and what the story has told of it."""

    def __init__(self, draw: Draw, persons: Sequence[str], places: Sequence[str]):
        self.draw, self.persons, self.places = draw, persons, places
        self.at = {person: draw.one(places) for person in persons}
        self.lies = {thing: draw.one(places) for thing in THINGS}  # where a thing is that nobody has
        self.may_be_at: dict[str, tuple[str, ...]] = {}  # one or two places, as the story has told
        self.not_at: dict[str, str] = {}  # instead: where they are not
        self.has: dict[str, list[str]] = {person: [] for person in persons}
        self.ever_had: dict[str, list[str]] = {person: [] for person in persons}
        self.path: dict[str, list[str]] = {thing: [] for thing in THINGS}  # told places of things
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

    def go(self, who: list[str], name: str | None = None) -> str:
        place = self.draw.one([p for p in self.places if p != self.at[who[0]]])
        for person in who:
            self._tell(person, place)
        return f"{name or ' and '.join(who)} {self.draw.one(MOVED)} the {place}"

    def _take(self, person: str, thing: str) -> None:
        self.has[person].append(thing)
        self.ever_had[person] += [thing] * (thing not in self.ever_had[person])

    def get(self, there: float = 1.0) -> str:
        person, thing = self.draw.one([(p, t) for p in self.persons for t in THINGS if self.lies[t] == self.at[p]])
        self.lies[thing] = ""
        self._take(person, thing)
        if self._is_told(person):
            self._put(thing, self.at[person])
        return f"{person} {self.draw.one(GOT)} the {thing}" + " there" * self.draw.flip(there)

    def drop(self) -> str:
        person, thing = self.draw.one([(person, thing) for person, things in self.has.items() for thing in things])
        self.has[person].remove(thing)
        self.lies[thing] = self.at[person]
        return f"{person} {self.draw.one(DROPPED)} the {thing}" + " there" * self.draw.flip(0.2)

    def give(self) -> str:
        near = [(one, other) for one in self.persons for other in self.persons if one != other and self.at[one] == self.at[other]]
        person, thing, receiver = self.draw.one([(person, thing, other) for person, other in near for thing in self.has[person]])
        self.has[person].remove(thing)
        self._take(receiver, thing)
        self.gifts.append({"giver": person, "thing": thing, "receiver": receiver})
        return f"{person} {self.draw.one(GAVE)} the {thing} to {receiver}"

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
        return f"{person} is {self.draw.one(('not', 'no longer'))} in the {place}"

    def be_either(self) -> str:
        person, both = self.draw.one(self.persons), self.draw.some(self.places, 2)
        self._tell(person, *both)
        return f"{person} is either in the {both[0]} or the {both[1]}"

    # --- questions, which may be impossible

    def where(self) -> Question:
        person = self.draw.one(sorted(filter(self._is_told, self.persons)))
        return f"where is {person}", self.at[person]

    def where_thing(self) -> Question:
        thing = self.draw.one(THINGS)
        if not self.path[thing]:
            raise Impossible
        return f"where is the {thing}", self.path[thing][-1]

    def where_thing_was(self) -> Question:
        thing = self.draw.one(THINGS)
        if not self.lies[thing] and self.draw.flip(0.9):  # the files ask mostly about things that nobody has, at their last place
            raise Impossible
        path = self.path[thing][-2:] if self.draw.flip(0.8) else self.path[thing]
        return where_before(self.draw, f"the {thing}", path)

    def gift(self) -> Question:
        gift = self.draw.one(self.gifts)
        question, (wanted, _) = self.draw.one(list(GIFT_QUESTIONS.items()), [share for _, share in GIFT_QUESTIONS.values()])
        asked = question.format(**gift)
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
        return f"how many objects is {person} carrying", COUNTS[len(self.has[person])]

    def carries(self) -> Question:
        person = self._once_owner()
        carried = [thing for thing in self.ever_had[person] if thing in self.has[person]]
        return f"what is {person} carrying", ",".join(carried) or "nothing"


def where_before(draw: Draw, who: str, path: list[str]) -> Question:
    """Where someone or something was before one of the places of its path (the last time, if it was there twice)."""
    place = draw.one(path[1:])
    last = max(i for i, p in enumerate(path) if p == place)
    return f"where was {who} before the {place}", path[last - 1]


Statements = Callable[[World], list[str]]  # the next two


def drawn(*shares: tuple[Callable[[World], str], float]) -> Statements:
    """Makers of two statements, drawn by their shares; what is impossible is drawn anew."""
    makers, weights = zip(*shares, strict=True)

    def two(world: World) -> list[str]:
        sentences: list[str] = []
        while len(sentences) < 2:
            with suppress(Impossible):
                sentences.append(world.draw.one(makers, weights)(world))
        return sentences

    return two


def followed(count: int) -> Statements:
    """Where ``count`` persons went, and where they went next."""

    def two(world: World) -> list[str]:
        who = world.draw.some(world.persons, count)
        pronoun = "they" if count > 1 else "he" if who[0] in ("john", "daniel") else "she"
        return [world.go(who), world.go(who, f"{world.draw.one(LATER)} {pronoun}")]

    return two


class Kind(NamedTuple):
    """Stories in which something happens."""

    persons: Sequence[str]
    places: Sequence[str]
    statements: Statements
    question: Callable[[World], Question]


WITH_THINGS = drawn((World.move, 0.55), (World.get, 0.3), (World.drop, 0.15))
HAPPENING = {
    1: Kind(FOUR, PLACES, drawn((World.move, 1)), World.where),
    2: Kind(FOUR, PLACES, WITH_THINGS, World.where_thing),
    3: Kind(FOUR, PLACES, drawn((World.move, 0.55), (lambda w: w.get(0.2), 0.3), (World.drop, 0.15)), World.where_thing_was),
    5: Kind(WITH_JEFF, PLACES, drawn((World.move, 0.45), (World.get, 0.23), (World.drop, 0.12), (World.give, 0.2)), World.gift),
    6: Kind(FOUR, PLACES, WITH_THINGS, World.in_place),
    7: Kind(FOUR, PLACES, drawn((World.move, 0.4), (World.get, 0.2), (World.drop, 0.1), (World.give, 0.3)), World.count),
    8: Kind(FOUR, PLACES, WITH_THINGS, World.carries),
    9: Kind(FOUR, PLACES, drawn((World.move, 0.5), (World.be, 0.25), (World.be_not, 0.25)), World.in_place),
    10: Kind(WITH_JULIE, TOWN, drawn((World.move, 0.5), (World.be, 0.25), (World.be_either, 0.25)), World.in_place),
    11: Kind(FOUR, PLACES, followed(1), World.where),
    12: Kind(FOUR, PLACES, drawn((lambda w: w.go(w.draw.some(w.persons, 2)), 1)), World.where),
    13: Kind(FOUR, PLACES, followed(2), World.where),
}


def happening(kind: Kind, draw: Draw, length: int | None = None) -> Iterator[Example]:
    """A story with five questions, or with one after ``length`` statements."""
    world, asked = World(draw, kind.persons, kind.places), 0
    said: list[str] = []
    while asked < 5 if length is None else len(said) < length:
        said += kind.statements(world)
        if length in (None, len(said)):
            with suppress(Impossible):
                yield Example(tuple(said), *kind.question(world))
                asked += 1


def time_of_day(draw: Draw) -> Iterator[Example]:
    """Task 14: where persons went at which time, in any order."""
    went: dict[tuple[str, str], str] = {}
    said: list[str] = []
    asked = 0
    while len(said) < 14 and asked < 5:
        person, time = draw.one(WITH_JULIE), draw.one(TIMES, SHARES_OF_TIMES)
        if (person, time) in went:
            continue
        place = went[person, time] = draw.one([p for p in TOWN if p not in [went.get((person, t)) for t in TIMES]])
        sentence = f"{person} {draw.one(MOVED)} the {place}"
        said.append(f"{time} {sentence}" if draw.flip() else f"{sentence} {time}")
        if len(said) % 2:
            continue
        paths = {person: [went[person, t] for t in TIMES if (person, t) in went] for person in WITH_JULIE}
        if able := [person for person, path in paths.items() if len(path) > 1]:
            person = draw.one(able)
            yield Example(tuple(said), *where_before(draw, person, paths[person]))
            asked += 1


def relation(draw: Draw, one: str, side: str, other: str) -> tuple[str, str, str]:
    """A relation, said from either end."""
    return (one, side, other) if draw.flip() else (other, OPPOSITE[side], one)


def on_a_line(draw: Draw) -> Iterator[Example]:
    """Task 4: three places on a line."""
    places, side = draw.some(PLACES, 3), draw.one(list(STEPS))
    pairs = draw.some([(places[0], side, places[1]), (places[1], side, places[2])])
    a, side, b = relation(draw, *draw.one(pairs))
    question = (f"what is {side} of the {b}", a) if draw.flip() else (f"what is the {a} {side} of", b)
    yield Example(tuple("the {} is {} of the {}".format(*relation(draw, *pair)) for pair in pairs), *question)


def fears(draw: Draw) -> Iterator[Example]:
    """Task 15: which animals are afraid of which, and who is what."""
    fear = {animal: draw.one([other for other in PLURALS if other != animal]) for animal in PLURALS}
    kind = {person: draw.one(list(PLURALS)) for person in ("gertrude", "winona", "jessica", "emily")}
    told = {animal: f"{PLURALS[animal]} are afraid of {PLURALS[other]}" for animal, other in fear.items()}
    said = draw.told(dict.fromkeys(told.values()) | {f"{person} is a {animal}": told[animal] for person, animal in kind.items()})
    for person in (draw.one(list(kind)) for _ in range(4)):
        yield Example(said, f"what is {person} afraid of", fear[kind[person]])


def colors(draw: Draw) -> Iterator[Example]:
    """Task 16: the color of an animal, from others of its kind."""
    names = draw.some(("lily", "bernhard", "greg", "julius", "brian"))
    kind = {name: draw.one(("swan", "lion", "frog", "rhino")) for name in names}
    color = {name: draw.one(("green", "gray", "white", "yellow")) for name in names[1:]}
    alike = [name for name in names[1:] if kind[name] == kind[names[0]]]
    if len({color[name] for name in alike}) == 1:  # otherwise one cannot tell
        told = {name: f"{name} is a {animal}" for name, animal in kind.items()}
        said = draw.told(dict.fromkeys(told.values()) | {f"{name} is {c}": told[name] for name, c in color.items()})
        yield Example(said, f"what color is {names[0]}", color[alike[0]])


def positions(draw: Draw) -> Iterator[Example]:
    """Task 17: how two shapes lie that both lie beside a third one."""
    first, middle, last = names = draw.some(SHAPES, 3)
    side, other = draw.one(list(OPPOSITE)[4:]), draw.one(list(OPPOSITE)[4:])
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
    order = ["chocolate", "box of chocolates", *draw.some(("box", "chest", "container", "suitcase"))]
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
    names, cells, said = draw.some(PLACES), [(0, 0)], []
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
    mood = {person: draw.one(list(MOODS)) for person in ("jason", "antoine", "sumit", "yann")}
    next_ = dict.fromkeys(mood, 0)
    said: list[str] = []
    taken: set[str] = set()
    while next_:
        person = draw.one(sorted(next_))
        (place, thing), step = MOODS[mood[person]], next_.pop(person)
        if step == 2 and thing in taken:
            continue
        statement, question, answer = [
            (f"{person} is {mood[person]}", f"where will {person} go", place),
            (f"{person} {draw.one(MOVED)} the {place}", f"why did {person} go to the {place}", mood[person]),
            (f"{person} {draw.one(GOT)} the {thing} there", f"why did {person} get the {thing}", mood[person]),
        ][step]
        said.append(statement)
        yield Example(tuple(said), question, answer)
        if step == 2:
            taken.add(thing)
        else:
            next_[person] = step + 1


MAKERS: dict[int, Callable[..., Iterator[Example]]] = {task: partial(happening, kind) for task, kind in HAPPENING.items()}
MAKERS |= {4: on_a_line, 14: time_of_day, 15: fears, 16: colors, 17: positions, 18: sizes, 19: ways, 20: motives}


def generate(task: int, count: int, g: np.random.Generator, length: int | None = None) -> list[Example]:
    """Draw ``count`` questions of a task, 1 to 20; those of a story come one after the other.

    With a length, each story has so many statements and one question at its end.

    Raises `ValueError` if there is no such task, or its stories cannot have this length.
    """
    if task not in MAKERS:
        raise ValueError(f"there is no task {task}: they are 1 to 20")
    shortest = 4 if task == 3 else 2
    if length is not None and (task not in HAPPENING or length % 2 or length < shortest):
        number = f"an even number from {shortest} on" if task in HAPPENING else "fixed"
        raise ValueError(f"a story of task {task} cannot have {length} statements: their number is {number}")
    draw, examples = Draw(g), list[Example]()
    while len(examples) < count:
        examples += MAKERS[task](draw) if length is None else MAKERS[task](draw, length)
    return examples[:count]


EVEN_LENGTHS = range(2, SENTENCES + 1, 2)


def stories_of_lengths(task: int, count: int, g: np.random.Generator) -> list[Example]:
    """Questions of a task, after each of `EVEN_LENGTHS` statements by turns."""
    drawn = [generate(task, -(-count // len(EVEN_LENGTHS)), g, length) for length in EVEN_LENGTHS]
    return [example for turn in zip(*drawn, strict=True) for example in turn][:count]
