"""The talk's stories; checks by logic: official answers that do not follow, and answers for which the end of a story is enough."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from snncore.datafiles import package_file
from snncore.tasks.stories import Example
from snncore.tasks.story_solver import CannotTell, solve


def follows_from_end(task: int, example: Example) -> bool:
    """Tell whether the end of a story is enough for its answer: the last gift (task 5), or the last two statements (other tasks)."""
    statements = example.statements[-2:]
    if task == 5:
        *_, gift = (match for s in example.statements if (match := re.fullmatch(r"(\w+) (?:gave|passed|handed) (the \w+) to \w+", s)))
        statements = (f"{gift[1]} got {gift[2]}", gift[0])
    try:
        return solve(statements, example.question) == example.answer
    except CannotTell:
        return False


def exceptions(tests: Mapping[int, Sequence[Example]]) -> pd.DataFrame:
    """List the questions, by task, for which another answer follows by logic than the one that they have.

    ``data/story_exceptions.csv`` has those of the official test files, and what their stories say.
    """
    others = []
    for task, examples in tests.items():
        for number, example in enumerate(examples, 1):
            try:
                follows = solve(example.statements, example.question)
            except CannotTell as reason:
                follows = f"the story does not tell {reason}"
            if follows != example.answer:
                others.append((task, number, example.question, example.answer, follows))
    return pd.DataFrame(others, columns=["task", "number", "question", "file", "by logic"])


class TalkStory(NamedTuple):
    """An example of the talk, in words of the official files: its questions with a name and the talk's answer; what we changed in it."""

    task: int
    statements: tuple[str, ...]
    asked: dict[str, tuple[str, str]]
    changed: str

    def example(self, question: str) -> Example:
        """One of its questions, with the answer that follows by logic."""
        return Example(self.statements, question, solve(self.statements, question))


TALK = tuple(
    TalkStory(story["task"], tuple(story["statements"]), {q: tuple(a) for q, a in story["asked"].items()}, story.get("changed", ""))
    for story in tomllib.loads(package_file("talk_stories.toml").read_text(encoding="utf-8"))["story"]
)


def in_the_talk(answer: str) -> str:
    """Write an answer of the official files in the talk's words."""
    if re.fullmatch("[nsew],[nsew]", answer):
        return ", ".join({"n": "north", "s": "south", "e": "east", "w": "west"}[letter] for letter in answer.split(","))
    return "wolves" if answer == "wolf" else answer
