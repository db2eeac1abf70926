import pandas as pd
import pytest

from snncore import ledger
from snncore.datafiles import package_file
from snncore.tasks.stories import TASKS, Example, arrays, read_stories
from snncore.tasks.story_checks import TALK, exceptions, follows_from_end, in_the_talk
from snncore.tasks.story_solver import solve


@pytest.mark.parametrize(("task", "statements", "question", "enough"), [
    (5, ["mary got the milk there", "mary gave the milk to fred"], "who gave the milk to fred", True),
    (5, ["mary got the milk there", "mary gave the milk to fred", "fred passed the milk to bill"], "who gave the milk to fred", False),
    (13, ["mary and john went to the office", "then they moved to the garden"], "where is john", True),
    (13, ["john and mary went to the office", "bill went to the park", "fred went to the park"], "where is john", False),
])  # fmt: skip
def test_what_follows_from_the_end_of_a_story(task, statements, question, enough):
    assert follows_from_end(task, Example(tuple(statements), question, solve(statements, question))) == enough


def test_answers_that_do_not_follow_are_listed():
    told = ("mary went to the garden", "mary got the milk there")
    examples = [Example(told, f"where is {who}", place) for who, place in (("mary", "garden"), ("mary", "office"), ("john", "garden"))]
    table = exceptions({1: examples, 2: examples[:1]})
    assert table[["task", "number", "by logic"]].to_numpy().tolist() == [[1, 2, "garden"], [1, 3, "the story does not tell where john is"]]


@pytest.mark.slow
def test_the_list_of_questions_with_another_answer_is_that_of_the_files_and_its_reasons_are_in_the_stories():
    table = pd.read_csv(package_file("story_exceptions.csv"))
    others = exceptions({task: read_stories(task, "test") for task in TASKS})
    pd.testing.assert_frame_equal(table[others.columns.tolist()], others, check_dtype=False)
    for row in table.to_dict("records"):
        example = read_stories(row["task"], "test")[row["number"] - 1]
        said = row["the story says"].split(", ")
        assert set(said) <= set(example.statements)
        assert len(said) == (2 if row["task"] == 5 else 1)


ASKED = [(name, answer, story.example(question)) for story in TALK for question, (name, answer) in story.asked.items()]


def test_the_answers_of_the_talk_follow_from_its_stories():
    claims = ledger.package_claims()
    assert len({name for name, *_ in ASKED}) == len(ASKED) == 9
    for name, answer, example in ASKED:
        assert in_the_talk(example.answer) == answer == claims[f"rel.example.{name}"].published
    assert len(arrays([example for *_, example in ASKED])[1]) == 9  # in words of the vocabulary
