"""Score the recorded network on a folder of Omniglot's official 20-way runs: ``python -m snncore.tools runs --folder DIR``."""

from pathlib import Path

from snncore.learning.lessons import wrong_in_runs
from snncore.tasks import omniglot
from snncore.trainings.symbols import trained


def command(folder: Path, seed: int = 0) -> None:
    """Print the wrong answers in each of Omniglot's official 20-way runs, and their mean.

    Parameters
    ----------
    folder : path
        Holds run01, run02, …, each with class_labels.txt and its images.
    seed : int
        Of the readouts that stand for the symbols.
    """
    runs = omniglot.read_runs(folder)
    wrong = wrong_in_runs(trained("omniglot"), runs, seed)
    for run, percent in zip(runs, wrong.tolist(), strict=True):
        print(f"{run.name} {percent:.1f}")
    print(f"wrong answers, mean of {len(runs)} runs: {float(wrong.mean()):.1f} %")
