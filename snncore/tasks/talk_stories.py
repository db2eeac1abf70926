"""The talk's stories, in words of the official files, with its questions and answers."""

import re
from typing import NamedTuple

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


TALK = (
    TalkStory(
        5, ("mary got the football there", "mary gave the football to fred", "fred gave the football to bill", "bill took the milk there",
            "bill gave the milk to jeff"),
        {"who gave the football to fred": ("5.1", "Mary"), "who did fred give the football to": ("5.2", "Bill")},
        "a football for the cake; Bill gave, for *was given by*; two more statements, since one has what one gives",
    ),
    TalkStory(
        7, ("daniel picked up the football", "daniel dropped the football", "daniel got the milk", "daniel took the apple"),
        {"how many objects is daniel carrying": ("7", "two")}, "*carrying* for *holding*",
    ),
    TalkStory(
        13, ("daniel and sandra journeyed to the office", "then they went to the garden", "sandra and john travelled to the kitchen",
             "after that they moved to the hallway"),
        {"where is daniel": ("13", "garden")}, "",
    ),
    TalkStory(
        15, ("sheep are afraid of wolves", "cats are afraid of mice", "mice are afraid of cats", "gertrude is a sheep",
             "wolves are afraid of cats", "jessica is a mouse", "winona is a wolf", "emily is a cat"),
        {"what is gertrude afraid of": ("15", "wolves")}, "mice for dogs; four more statements, to make it eight",
    ),
    TalkStory(
        19, ("the kitchen is north of the hallway", "the bathroom is west of the bedroom", "the garden is east of the hallway",
             "the office is south of the bedroom", "the bathroom is north of the kitchen"),
        {"how do you go from the garden to the kitchen": ("19.1", "west, north"),
         "how do you go from the office to the bathroom": ("19.2", "north, west")},
        "a garden for the den; one more statement, to make it five",
    ),
    TalkStory(
        20, ("jason is hungry", "jason went to the kitchen", "jason grabbed the apple there", "antoine is hungry"),
        {"where will antoine go": ("20.1", "kitchen"), "why did jason go to the kitchen": ("20.2", "hungry")},
        "Jason and Antoine for John and Daniel; *will go*, *went* for *goes*",
    ),
)  # fmt: skip


def in_the_talk(answer: str) -> str:
    """Write an answer of the official files in the talk's words."""
    if re.fullmatch("[nsew],[nsew]", answer):
        return ", ".join({"n": "north", "s": "south", "e": "east", "w": "west"}[letter] for letter in answer.split(","))
    return "wolves" if answer == "wolf" else answer
