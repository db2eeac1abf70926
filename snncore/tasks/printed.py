"""Printed letters of Unicode's IPA extensions, each in several typefaces: symbols that come with every installation.

They are drawn as large as a symbol of Omniglot and treated as such, with typefaces in the place of drawers. No training has seen them, but
many have the shape of a Latin or Greek letter, some of them turned, and Omniglot has these by hand.
"""

from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from snncore.datafiles import find
from snncore.tasks.episodes import Episodes, Examples
from snncore.tasks.omniglot import OFFICIAL, shrink

LETTERS = "".join(map(chr, range(0x250, 0x2B0)))
EM = 75  # pixels: of them, letters are about half as high, as symbols of Omniglot are


class Printed(NamedTuple):
    """Symbols, one class for each of ``LETTERS``, and the names of the typefaces, in the order of a class's examples."""

    symbols: Examples
    typefaces: list[str]


def letters() -> Printed:
    """All letters in all typefaces, each in the middle of its image."""
    paths = sorted(find("typefaces").paths.values())
    fonts = [ImageFont.truetype(str(path), EM) for path in paths]
    ink = np.stack([_drawn(letter, font) for letter in LETTERS for font in fonts])
    classes = list(torch.arange(len(ink)).view(len(LETTERS), len(fonts)))
    return Printed(Examples(shrink(ink), classes), [path.stem for path in paths])


def lesson(printed: Printed, ways: int, generator: torch.Generator) -> tuple[list[str], Episodes]:
    """Draw some letters, and the one episode in which each is seen in DejaVuSans and asked for in all other typefaces."""
    classes = printed.symbols.classes
    chosen = torch.randperm(len(classes), generator=generator)[:ways].tolist()
    first = printed.typefaces.index("DejaVuSans")
    others = [k for k in range(len(printed.typefaces)) if k != first]
    support = torch.stack([classes[k][first] for k in chosen])[None]
    query = torch.stack([classes[k][others] for k in chosen]).flatten()[None]
    label = torch.arange(ways).repeat_interleave(len(others))[None]
    return [LETTERS[k] for k in chosen], Episodes(support, query, label)


def _drawn(letter: str, font: ImageFont.FreeTypeFont) -> np.ndarray:
    """Where a letter has ink, in an image of Omniglot's size."""
    image = Image.new("L", (OFFICIAL, OFFICIAL), 0)
    left, top, right, bottom = font.getbbox(letter)
    ImageDraw.Draw(image).text(((OFFICIAL - left - right) / 2, (OFFICIAL - top - bottom) / 2), letter, fill=255, font=font)
    return np.asarray(image) >= 128
