"""Reader, generator and solver of stories: each is a test of the others."""

import functools
import re
from collections import Counter

import numpy as np
import pytest

from data import needs_data
from snncore.datafiles import DataError
from snncore.tasks import stories
from snncore.tasks.data_sets import read_babi
from snncore.tasks.stories import TASKS, VOCABULARY, Example, arrays, parse, read_stories
from snncore.tasks.story_generator import PLURALS, WORDS, generate
from snncore.tasks.story_solver import CannotTell, solve

STORY = """1 Mary got the milk there.
2 John moved to the bedroom.
3 Where is John? \tbedroom\t2
4 Mary travelled to the hallway.
5 Where is the milk? \thallway\t1 4
1 The bedroom is west of the kitchen.
2 What is the bedroom west of?\tkitchen\t1
"""


@functools.cache
def generated(task, count=1000, **given):
    return generate(task, count, np.random.default_rng(task), **given)


def test_a_question_comes_with_what_was_said_before_it():
    first, second, third = parse(STORY, "file")
    assert first == Example(("mary got the milk there", "john moved to the bedroom"), "where is john", "bedroom")
    assert second.statements == (*first.statements, "mary travelled to the hallway")
    assert third == Example(("the bedroom is west of the kitchen",), "what is the bedroom west of", "kitchen")
    assert [solve(e.statements, e.question) for e in (first, second, third)] == ["bedroom", "hallway", "kitchen"]


@pytest.mark.parametrize(("old", "new"), [("bedroom.", "bedroom"), ("2 John", "John"), ("\tbedroom\t2", "\tbedroom")])
def test_a_line_of_another_form_is_refused(old, new):
    with pytest.raises(DataError, match=r"qa1.txt, line [23]: expected '3 A statement.' or .*\(line: '.*(John|bedroom)"):
        parse(STORY.replace(old, new, 1), "qa1.txt")


@pytest.mark.parametrize("task", TASKS)
def test_the_solver_answers_all_generated_questions(task):
    examples = generated(task)
    assert all(solve(e.statements, e.question) == e.answer for e in examples)
    shares = [n / 1000 for n in Counter(e.answer for e in examples).values()]
    assert len(shares) >= 2
    assert max(shares) < 0.75  # guessing is not enough
    assert len({e.statements for e in examples}) > 100
    assert generate(task, 20, np.random.default_rng(task)) == examples[:20]  # from the same seed
    assert generate(task, 20, np.random.default_rng(100)) != examples[:20]


@pytest.mark.parametrize("task", [t for t in TASKS if t not in (7, 8)])  # these two take it that nobody has what nobody got
def test_an_answer_needs_what_was_said(task):
    def answer(statements, question):
        try:
            return solve(statements, question)
        except CannotTell:
            return None

    examples = generated(task, 40)
    assert {answer((), e.question) for e in examples} == {None}
    needed = 0
    for e in examples:
        needed += any(answer(e.statements[:i] + e.statements[i + 1 :], e.question) != e.answer for i in range(len(e.statements)))
    assert needed > 10


RESTS_ON = {15: (r"\w+ is a (\w+)", lambda kind: f"{PLURALS[kind]} are afraid of "), 16: (r"(\w+) is (?!a )\w+", "{} is a ".format)}


def in_order(example: Example, task: int) -> bool:
    """Whether kinds come after their fears (task 15), colors after kinds (task 16)."""
    pattern, first = RESTS_ON[task]
    matches = [(k, match[1]) for k, s in enumerate(example.statements) if (match := re.fullmatch(pattern, s))]
    return all(any(s.startswith(first(word)) for s in example.statements[:k]) for k, word in matches)


@pytest.mark.parametrize("task", RESTS_ON)
def test_statements_come_after_those_that_they_rest_on(task):
    examples = generate(task, 400, np.random.default_rng(0))
    assert all(in_order(e, task) for e in examples)
    assert not any(in_order(e._replace(statements=e.statements[::-1]), task) for e in examples)


@pytest.mark.parametrize(("task", "length"), [(1, 2), (1, 20), (3, 8), (5, 2), (8, 40), (10, 6), (13, 2)])
def test_stories_have_the_length_that_is_asked_for(task, length):
    examples = generated(task, 10, length=length)
    assert {len(e.statements) for e in examples} == {length}
    assert all(solve(e.statements, e.question) == e.answer for e in examples)


@pytest.mark.parametrize(("statements", "question", "answer"), [
    ("mary moved to the office|john is either in the park or the school", "is john in the school", "maybe"),
    ("mary got the milk|mary got the apple|mary dropped the milk|mary took the milk there", "what is mary carrying", "milk,apple"),
    ("mary got the milk there|mary handed the milk to fred|fred passed the milk to mary", "who gave the milk", "Fred"),
    ("this evening bill went to the park|bill moved to the school yesterday", "where was bill before the park", "school"),
    ("the red square is above the sphere|the sphere is to the left of the square", "is the square below the red square", "yes"),
    ("the garden is north of the office|the office is east of the kitchen", "how do you go from the garden to the kitchen", "s,w"),
    ("the chest is bigger than the box|the chocolate fits inside the box", "does the chest fit in the chocolate", "no"),
])  # fmt: skip
def test_the_solver_on_stories_by_hand(statements, question, answer):
    assert solve(statements.split("|"), question) == answer


@pytest.mark.parametrize(("statements", "question", "missing"), [
    ("mary moved to the office", "where is john", "where john is"),
    ("mary dropped the milk", "what is mary carrying", "that mary has the milk"),
    ("mary flew to the office", "where is mary", "what 'mary flew to the office' means"),
    ("|".join(f"mary got the {a}" for a in ("milk", "apple", "football", "box")),
     "how many objects is mary carrying", "a word for the 4 things"),
    ("dogs are afraid of wolves", "what is gertrude afraid of", "what 'dogs' means here: known are mice, "),
    ("jason is happy", "where will jason go", "what 'happy' means here: known are hungry, "),
])  # fmt: skip
def test_the_solver_says_what_it_cannot_tell(statements, question, missing):
    with pytest.raises(CannotTell, match=missing):
        solve(statements.split("|"), question)


def test_numbers_of_words_are_those_of_the_vocabulary():
    examples = [*generated(2, 50), *generated(19, 5)]

    def sentence(numbers):
        return " ".join(VOCABULARY[n - 1] for n in numbers if n)

    assert max(len(e.statements) for e in examples) > 20
    for e, (question, *statements), answer in zip(examples, *arrays(examples), strict=True):
        assert tuple(s for s in map(sentence, statements) if s) == e.statements[-20:]
        assert not any(n.any() for n in statements[: max(0, 20 - len(e.statements))])
        assert (sentence(question), VOCABULARY[answer - 1]) == (e.question, e.answer)
    assert [a.shape for a in arrays([])] == [(0, 21, 11), (0,)]


@pytest.mark.parametrize(("example", "message"), [
    (Example(("mary flew",), "where is mary", "office"), "'flew' in 'mary flew' is no word of the vocabulary"),
    (Example((), "where is mary", "office"), "nothing was said before 'where is mary'"),
    (Example((" ", "mary moved"), "where is mary", "office"), "a statement before 'where is mary' is empty"),
    (Example(("mary moved",), " ", "office"), "nothing is asked after 'mary moved'"),
    (Example(("mary moved",), "where is mary", "office garden"), "the answer 'office garden' to 'where is mary' is not one word"),
    (Example(("is " * 12,), "where is mary", "office"), "has 12 words: a sentence has at most 11"),
])  # fmt: skip
def test_what_has_no_numbers_is_refused(example, message):
    with pytest.raises(ValueError, match=message):
        arrays([example])


CLASSES = {
    kind: {word for group in groups.split() for word in WORDS[group]} | set(others.split()) for kind, groups, others in (
        ("P", "four with_jeff with_julie afraid colored moody", ""), ("L", "house town", ""), ("O", "things", "pajamas"),
        ("A", "animals", "mouse mice sheep wolf wolves cat cats"), ("C", "", "green gray white hungry thirsty bored tired"),
        ("S", "shapes", ""), ("B", "boxes", "chocolate"), ("K", "", "red blue pink yellow"), ("N", "", "north south east west"),
    )
}  # fmt: skip


def forms(examples):
    """Sentences with classes for words."""

    def form(sentence):
        sentence = re.sub("box of chocolates", "chest", sentence)
        return " ".join(next((name for name, words in CLASSES.items() if word in words), word) for word in sentence.split())

    return {form(s) for s in {s for e in examples for s in (*e.statements, e.question)}}


@needs_data
@pytest.mark.parametrize("task", TASKS)
def test_generated_sentences_are_those_of_the_official_files(task):
    official = read_stories(task, "test")
    examples = generated(task)
    ours, theirs = forms(examples), forms([*official, *read_stories(task, "test", "en")])
    assert (sorted(ours - theirs), sorted(theirs - ours)) == ([], [])
    mean, official_mean = (np.mean([len(e.statements) for e in some]) for some in (examples, official))
    assert mean == pytest.approx(official_mean, rel=0.3)
    assert sorted({e.answer for e in examples[:100]} - {e.answer for e in official}) == []
    assert task not in RESTS_ON or all(in_order(e, task) for e in official)


@pytest.mark.parametrize(("task", "part"), [(21, "test"), (0, "train"), (1, "tets")])
def test_a_file_that_there_is_not_is_not_looked_for(task, part, monkeypatch):
    monkeypatch.setattr(stories, "read_babi", lambda name: pytest.fail(f"{name} was asked for"))
    with pytest.raises(DataError, match="tasks are 1 to 20, parts train, valid, test"):
        stories.read_stories(task, part)


@needs_data
def test_the_vocabulary_is_that_of_the_official_files():
    assert len(VOCABULARY) == len(set(VOCABULARY)) == 180
    said, answers = set(), set()
    for name, text in read_babi().items():
        if name.startswith("en-10k/"):
            for e in parse(text, name):
                said |= set(" ".join((*e.statements, e.question)).split())
                answers.add(e.answer)
    assert sorted((said | answers) ^ set(VOCABULARY)) == []
