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

from snncore.datafiles import DataError
from snncore.tasks.data_sets import read_babi, read_babi_test

TASKS = {
    1: "single supporting fact", 2: "two supporting facts", 3: "three supporting facts", 4: "two argument relations",
    5: "three argument relations", 6: "yes/no questions", 7: "counting", 8: "lists and sets", 9: "simple negation",
    10: "indefinite knowledge", 11: "basic coreference", 12: "conjunction", 13: "compound coreference", 14: "time reasoning",
    15: "basic deduction", 16: "basic induction", 17: "positional reasoning", 18: "size reasoning", 19: "path finding",
    20: "agent's motivations",
}  # fmt: skip
WORDS = """
a above afraid after afternoon afterwards and antoine apple are back bathroom bedroom before below bernhard bigger bill blue bored
box brian carrying cat cats chest chocolate chocolates cinema color container daniel did discarded do does down dropped east
either emily evening fit fits following football fred frog from garden gave gertrude get give go got grabbed gray green greg
hallway handed he how hungry in inside is jason jeff jessica john journeyed julie julius kitchen left lily lion longer many mary
mice milk morning mouse moved no north not objects of office or pajamas park passed picked pink put received rectangle red rhino
right sandra school she sheep south sphere square suitcase sumit swan than that the then there they thirsty this tired to took
travelled triangle up was went west what where white who why will winona wolf wolves yann yellow yesterday you
""".split()  # noqa: SIM905
ONLY_ANSWERS = """
Bill Fred Jeff Mary apple,football apple,football,milk apple,milk apple,milk,football e,e e,n e,s football,apple
football,apple,milk football,milk football,milk,apple maybe milk,apple milk,apple,football milk,football milk,football,apple n,e
n,n n,w none nothing one s,e s,s s,w three two w,n w,s w,w yes
""".split()  # noqa: SIM905
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
    """Zeros, and then the numbers of its words.

    Raises
    ------
    ValueError
        For an unknown word, or a sentence that is too long.
    """
    words = sentence.split()
    if unknown := [word for word in words if word not in _NUMBER]:
        raise ValueError(f"{unknown[0]!r} in {sentence!r} is no word of the vocabulary")
    if len(words) > LENGTH:
        raise ValueError(f"{sentence!r} has {len(words)} words: a sentence has at most {LENGTH}")
    return (*[0] * (LENGTH - len(words)), *(_NUMBER[word] for word in words))


def parse(text: str, name: str) -> list[Example]:
    """The questions of an official file.

    Parameters
    ----------
    text : str
        Lines of the form ``3 Where is Mary?<tab>bathroom<tab>2``, with the numbers of the supporting statements, and ``2 Mary went to the
        bathroom.``; number 1 begins a new story.
    name : str
        Of the file, for messages.

    Raises
    ------
    DataError
        For a line of another form, a number out of order, a question before any statement, a story without a question, an unknown word:
        names file and line.
    """
    found: list[Example] = []
    statements: dict[int, str] = {}
    last, asked = 0, False
    for line_number, line in enumerate(text.splitlines(), 1):
        match = re.fullmatch(r"([0-9]+) ([A-Za-z]+(?: [A-Za-z]+)*)(?:\.|\? ?\t([A-Za-z,]+)\t([0-9]+(?: [0-9]+)*))", line)
        try:
            if not match:
                raise ValueError("expected '3 A statement.' or '3 A question?<tab>answer<tab>1 2'")
            number, sentence, answer = int(match[1]), match[2].lower(), match[3]
            if number not in (1, last + 1):
                raise ValueError(f"the number should be {last + 1}, or 1 to begin a story")
            if number == 1 and statements and not asked:
                raise ValueError("a new story begins, but the one before has no question")
            statements, asked, last = ({} if number == 1 else statements), asked and number > 1, number
            numbers_of(sentence)
            if not answer:
                statements[number] = sentence
                continue
            numbers_of(answer)
            if missing := [n for n in match[4].split() if int(n) not in statements]:
                raise ValueError(f"no statement of the story has the number {missing[0]}")
        except ValueError as error:
            raise DataError(f"{name}, line {line_number}: {error} (line: {line!r})") from None
        found.append(Example(tuple(statements.values()), sentence, answer))
        asked = True
    if not asked:
        raise DataError(f"{name}: there is no question {'about its last story' if found else 'in it'}")
    return found


def read_stories(task: int, part: str, folder: str = "en-10k") -> list[Example]:
    """Questions of the official files: of a task (1 to 20) its ``part`` (train, valid, test).

    Raises
    ------
    DataError
        If the files are missing or damaged; if there is no such task or part.
    """
    for read in (read_babi_test, read_babi):  # what comes with a checkout, or the whole data set
        for name, text in read().items():
            if re.fullmatch(rf"{folder}/qa{task}_(.*_)?{part}\.txt", name):
                return parse(text, name)
    raise DataError(f"there is no file for task {task}, part {part!r} in {folder!r}: tasks are 1 to 20, folders en, en-10k, en-valid-10k")


class Encoded(NamedTuple):
    """Examples as numbers of words, 0 where there is none: sentences and stories are filled from the end.

    Attributes
    ----------
    statements : array, shape (example, sentence, word)
        The last statement comes last, absent ones come first.
    question : array, shape (example, word)
    answer : array, shape (example,)
    left_out : int
        Statements that were too early to be among the last ones that are kept.
    """

    statements: Int[np.ndarray, "example sentence word"]
    question: Int[np.ndarray, "example word"]
    answer: Int[np.ndarray, " example"]
    left_out: int


def encode(examples: Sequence[Example], sentences: int = SENTENCES) -> Encoded:
    """The last ``sentences`` statements of each example, its question and its answer, as numbers.

    Raises
    ------
    ValueError
        For an unknown word, a sentence that is too long, an example without statements or question, an answer of several words or none;
        for less than one sentence.
    """
    if sentences < 1:
        raise ValueError(f"sentences is {sentences}: keep at least 1")
    statements = np.zeros((len(examples), sentences, LENGTH), np.int64)
    for row, example in zip(statements, examples, strict=True):
        if not example.statements:
            raise ValueError(f"nothing was said before {example.question!r}")
        if not example.question.split():
            raise ValueError(f"nothing is asked after {example.statements[-1]!r}")
        if len(example.answer.split()) != 1:
            raise ValueError(f"the answer {example.answer!r} to {example.question!r} is not one word: lists have commas and no spaces")
        last = example.statements[-sentences:]
        row[-len(last) :] = [numbers_of(s) for s in last]
    questions = np.array([numbers_of(example.question) for example in examples], np.int64).reshape(-1, LENGTH)
    answers = np.array([numbers_of(example.answer)[-1] for example in examples], np.int64)
    return Encoded(statements, questions, answers, sum(max(0, len(e.statements) - sentences) for e in examples))


def arrays(examples: Sequence[Example]) -> tuple[Int[Tensor, "batch sentence word"], Int[Tensor, " batch"]]:
    """Numbers of words as a network gets them: question and statements of each story as rows of one array; and the answers."""
    e = encode(examples)
    return torch.from_numpy(np.concatenate([e.question[:, None], e.statements], 1)), torch.from_numpy(e.answer)


def words_of(numbers: Int[Tensor, " batch"]) -> list[str]:
    """The words of the vocabulary that have these numbers."""
    return [VOCABULARY[number - 1] for number in numbers.tolist()]
