"""What suits a kind of learning signals in accumulating evidence: ``python -m snncore.trainings evidence-grid --signals random``."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from snncore.learning.compare import GRID, OTHER, Point, ranked
from snncore.learning.descent import descend
from snncore.learning.eprop import Signals
from snncore.learning.resumable import TrainingDiverged, identity, logged
from snncore.trainings.evidence import RECIPE, EvidenceLearner, Training, at, in_floats
from snncore.trainings.job import Done, Setting, train_or_read


@dataclass(frozen=True)
class Search:
    """Each point of the grid is trained for ``first`` updates; the best ``points`` with other ``seeds`` for all ``updates``."""

    first: int = 100
    updates: int = RECIPE.updates
    points: int = 4
    seeds: int = 2


class _Learned(Exception):
    """Ends a training whose task counts as learned."""


def updates_needed(signal: str, point: Point, seed: int, limit: int, state: Path) -> dict[str, Any]:
    """Updates until the task counts as learned (``limit`` if it does not), and the mean error of the last batches."""
    how = at(signal, point)
    learner = EvidenceLearner(how, seed)
    learn = in_floats(learner, how)

    def update(k: int, g: torch.Generator) -> dict[str, float]:
        if learner.stopped or k == limit:
            raise _Learned
        return learn(k, g)

    with suppress(_Learned, TrainingDiverged):
        descend(learner, update, how.recipe, seed, state, constants=point._asdict())
    state.unlink(missing_ok=True)
    error = round(float(learner.recent.mean()), 4)
    return {**point._asdict(), "seed": seed, "updates": int(learner.stopped) or limit, "error": error, "update": limit}


def rows_after(log: list[dict[str, Any]], signal: str, search: Search, seed: int, state: Path) -> Iterator[dict[str, Any]]:
    """The rows of a search that its log has not yet; each is entered there before the next one is asked for."""
    for point in GRID[len(log) :]:
        yield updates_needed(signal, point, OTHER * (seed + 1), search.first, state)
    best = ranked(pd.DataFrame(log[: len(GRID)]))[: search.points]
    second = [(point, OTHER * (seed + 1) + k) for point in best for k in range(1, 1 + search.seeds)]
    for point, other in second[len(log) - len(GRID) :]:
        yield updates_needed(signal, point, other, search.updates, state)


def command(signals: Signals, seed: int = 0) -> dict[str, Any]:
    """Search the grid for the point with which evidence is learned soonest (half an hour).

    Parameters
    ----------
    signals : str
        Learning signals, as for the command evidence.
    seed : int
        Of first weights and trials; no training of the command evidence has them.
    """
    search, words, constants = Search(), f"evidence-grid --signals {signals}", {"grid": [list(p) for p in GRID]}

    def do(setting: Setting) -> Done:
        learner = EvidenceLearner(at(signals, GRID[0]), seed)
        who = identity(search, seed, learner, {"signals": signals, **setting.constants})
        log = logged(setting.state, who, lambda log: rows_after(log, signals, search, seed, setting.state.with_suffix(".one.state")), {})
        last = pd.DataFrame(log[len(GRID) :])
        return Done(learner, f"evidence accumulation, {Training.batch} new trials per update", log, {"chosen": ranked(last)[0]._asdict()})

    about = train_or_read(f"eprop_grid_{signals}_{seed}", words, search, seed, do, constants, about={"kind": signals})
    print(f"chosen: {about['chosen']}")
    return about
