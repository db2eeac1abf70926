"""The plain models of `book/reading.md`, as a reader of that page copies them."""

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np

PAGE = Path(__file__).parents[1] / "book" / "reading.md"
CODE = dict(re.findall(r"\(read-([\w-]+)\)=\n.*?```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL))


def plain(section: str) -> SimpleNamespace:
    """What the code of a section defines."""
    names: dict = {}
    exec(compile(CODE[section], f"{PAGE.name}, {section}", "exec"), names)
    return SimpleNamespace(**names)


def registers(groups) -> SimpleNamespace:
    """Registers of the neurons of groups, as the chip's section has them; one without an AHP current has one that is always 0."""
    default = {"decay_aux": 4096, "aux_weight": 0, "aux_exp": 0}
    names = ("decay_u", "decay_v", "vth_mant", "weight_exp", "bias_mant", "bias_exp", "refractory", *default)
    rows = [[getattr(p, name, default.get(name)) for name in names] for size, p in groups for _ in range(size)]
    return SimpleNamespace(**dict(zip(names, np.array(rows).T, strict=True)))


def weights(net, array) -> SimpleNamespace:
    """Weights of a relational network, as its section has them, each made an array."""
    one = ("w_first", "w_second", "w_question", "place_first", "place_second", "w_sum", "w_out")
    parts = {name: array(getattr(net, name)) for name in one}
    return SimpleNamespace(**parts, **{name: [array(w) for w in getattr(net, name)] for name in ("w_pairs", "w_answer")})
