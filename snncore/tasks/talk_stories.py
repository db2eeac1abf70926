"""The talk's stories, in words of the official files, with its questions and answers, from ``data/talk_stories.toml``."""

import re
import tomllib
from typing import NamedTuple

from snncore.datafiles import package_file
from snncore.tasks.stories import Example
from snncore.tasks.story_solver import solve


class TalkStory(NamedTuple):
    """An example of the talk: its task, its statements, its questions with a name and the talk's answer, and what we changed in it."""

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
