"""Look of the figures: colors that color-blind readers can tell apart (Okabe and Ito), same bytes on each run."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

STYLE = Path(__file__).with_name("book.mplstyle")

COLORS = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "green": "#009E73",
    "pink": "#CC79A7",
    "sky": "#56B4E9",
    "red": "#D55E00",
    "black": "#000000",
    "gray": "#6B6B6B",
}

METHODS = {  # one color for each method, in all figures of the book
    "published": COLORS["black"],
    "artificial": COLORS["gray"],  # the network before conversion
    "few-spike": COLORS["blue"],
    "rate code": COLORS["orange"],
    "LIF": COLORS["sky"],
    "ALIF": COLORS["red"],
    "AHP": COLORS["blue"],
    "BRF": COLORS["pink"],
    "LSTM": COLORS["gray"],
    "silicon": COLORS["black"],
    "emulator": COLORS["green"],
    "GPU": COLORS["orange"],
    "BPTT": COLORS["gray"],
    "symmetric": COLORS["blue"],  # e-prop, by its learning signals
    "random": COLORS["red"],
    "adaptive": COLORS["green"],
    "leak": COLORS["orange"],  # random feedback, traces by the leak alone
    "learned": COLORS["pink"],  # learning signals of a second network
    "shuffled": COLORS["sky"],  # learning signals of another lesson
    "target": COLORS["gray"],
    "before": COLORS["orange"],
    "after": COLORS["blue"],
}


def style() -> None:
    """Use the book's look for all figures that follow, whatever a user's ``matplotlibrc`` says."""
    cycle = plt.cycler("color", [COLORS[name] for name in ("blue", "red", "green", "orange", "pink", "sky", "black")])
    plt.style.use(["default", STYLE, {"axes.prop_cycle": cycle}])


def by_first_spike(z: np.ndarray) -> np.ndarray:
    """The place of each neuron in the order of first spikes, silent ones last; ``z`` is of shape (time, neuron)."""
    z = np.asarray(z) > 0
    return np.where(z.any(0), z.argmax(0), len(z)).argsort(kind="stable").argsort()


def paths(ax: Axes, shown: np.ndarray, before: np.ndarray, after: np.ndarray) -> None:
    """Paths of an arm's tip in the plane, each of shape (time, 2): the one shown, and what the arm does before and after one update."""
    ax.plot(*np.asarray(shown).T, color=COLORS["gray"], lw=3.5, alpha=0.5, label="shown")
    ax.plot(*np.asarray(before).T, color=COLORS["orange"], lw=1, ls=":", label="before")
    ax.plot(*np.asarray(after).T, color=COLORS["blue"], lw=1.3, label="after one update")
