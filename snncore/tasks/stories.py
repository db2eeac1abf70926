"""Questions about short stories in simple English, of 20 kinds (bAbI): reader of the official files, vocabulary, numbers for networks.

Sentences are in lower case and without punctuation. A list of things, such as "apple,milk", is one word: answers are a single word each.

Source: J. Weston, A. Bordes, S. Chopra, A. M. Rush, B. van Merriënboer, A. Joulin, T. Mikolov, Towards AI-complete question answering:
a set of prerequisite toy tasks, arXiv 1502.05698 (2015); the files are those of version 1.2.
"""

import functools
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from snncore.datafiles import DataError, package_file
from snncore.tasks.data_sets import read_babi

TASKS = {
    1: "single supporting fact", 2: "two supporting facts", 3: "three supporting facts", 4: "two argument relations",
    5: "three argument relations", 6: "yes/no questions", 7: "counting", 8: "lists and sets", 9: "simple negation",
    10: "indefinite knowledge", 11: "basic coreference", 12: "conjunction", 13: "compound coreference", 14: "time reasoning",
    15: "basic deduction", 16: "basic induction", 17: "positional reasoning", 18: "size reasoning", 19: "path finding",
    20: "agent's motivations",
}  # fmt: skip
# of sentences and questions, which may be answers, too; and of answers only
WORDS, ONLY_ANSWERS = map(str.split, package_file("story_words.txt").read_text(encoding="utf-8").split("\n\n"))
VOCABULARY = (*WORDS, *ONLY_ANSWERS)  # of all tasks; their numbers start at 1, since 0 means that there is no word
SENTENCES, LENGTH = 20, 11  # the last statements that a network is shown, and the words of the longest sentence

_NUMBER = {word: number for number, word in enumerate(VOCABULARY, 1)}


class Example(NamedTuple):
    """A question, what has been said before it, and the answer."""

    statements: tuple[str, ...]
    question: str
    answer: str


@functools.cache
def numbers_of(sentence: str) -> tuple[int, ...]:
    """Numbers of the words of a sentence, filled with zeros from the front; ValueError for an unknown word, or a sentence too long."""
    words = sentence.split()
    if unknown := [word for word in words if word not in _NUMBER]:
        raise ValueError(f"{unknown[0]!r} in {sentence!r} is no word of the vocabulary, snncore.tasks.stories.WORDS")
    if len(words) > LENGTH:
        raise ValueError(f"{sentence!r} has {len(words)} words: a sentence has at most {LENGTH}")
    return (*[0] * (LENGTH - len(words)), *(_NUMBER[word] for word in words))


def parse(text: str, name: str) -> list[Example]:
    """Questions of an official file: ``1 Mary went to the bathroom.``, then ``2 Where is Mary?<tab>bathroom<tab>1``; 1 begins a story.

    Raises `DataError` for a line of another form: names file and line.
    """
    examples: list[Example] = []
    statements: list[str] = []
    for line_number, line in enumerate(text.splitlines(), 1):
        match = re.fullmatch(r"([0-9]+) ([A-Za-z ]+)(?:\.|\? ?\t([A-Za-z,]+)\t[0-9 ]+)", line)
        if not match:
            raise DataError(f"{name}, line {line_number}: expected '3 A statement.' or '3 A question?<tab>answer<tab>1 2' (line: {line!r})")
        number, sentence, answer = match[1], match[2].lower(), match[3]
        if number == "1":
            statements = []
        if answer:
            examples.append(Example(tuple(statements), sentence, answer))
        else:
            statements.append(sentence)
    return examples


def read_stories(task: int, part: str, folder: str = "en-10k") -> list[Example]:
    """Questions of the official files: of a task (1 to 20) its ``part`` (train, valid, test).

    Raises `DataError` if the files are missing or damaged; if there is no such task or part.
    """
    known = task in TASKS and part in ("train", "valid", "test")
    for source in ("babi_test", "babi") if known else ():  # what comes with a checkout, or the whole data set
        for name, text in read_babi(source).items():
            if re.fullmatch(rf"{folder}/qa{task}_(.*_)?{part}\.txt", name):
                return parse(text, name)
    there_are = "tasks are 1 to 20, parts train, valid, test, folders en, en-10k, en-valid-10k"
    raise DataError(f"there is no file for task {task}, part {part!r} in {folder!r}: {there_are}")


def arrays(examples: Sequence[Example]) -> tuple[Int[Tensor, "batch sentence word"], Int[Tensor, " batch"]]:
    """Stories as a network gets them, as numbers of words with 0 for none; and the answers.

    The first row of a story is its question, the last rows are its statements, at most `SENTENCES` of them.

    Raises `ValueError` for an unknown word, a sentence that is too long, an example without statements or question, an answer of several
    words or none.
    """
    stories = np.zeros((len(examples), 1 + SENTENCES, LENGTH), np.int64)
    for rows, (statements, question, answer) in zip(stories, examples, strict=True):
        if not statements:
            raise ValueError(f"nothing was said before {question!r}")
        if not all(map(str.split, statements)):
            raise ValueError(f"a statement before {question!r} is empty: leave it out")
        if not question.split():
            raise ValueError(f"nothing is asked after {statements[-1]!r}")
        if len(answer.split()) != 1:
            raise ValueError(f"the answer {answer!r} to {question!r} is not one word: lists have commas and no spaces")
        rows[0] = numbers_of(question)
        rows[-len(statements[-SENTENCES:]) :] = [numbers_of(s) for s in statements[-SENTENCES:]]
    return torch.from_numpy(stories), torch.tensor([numbers_of(e.answer)[-1] for e in examples], dtype=torch.int64)


def words_of(numbers: Int[Tensor, " batch"]) -> list[str]:
    """Words of the vocabulary, by their numbers; 0 is none, an empty one."""
    return [VOCABULARY[number - 1] if number else "" for number in numbers.tolist()]
