"""Checks of stories by logic: official answers that do not follow, and answers for which the end of a story is enough."""

import re
from collections.abc import Mapping, Sequence

import pandas as pd

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
