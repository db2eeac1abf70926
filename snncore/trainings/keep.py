"""Take a training into ``data/checkpoints``: ``python -m snncore.trainings keep --training one_shot_3``."""

from pathlib import Path

from snncore.datafiles import TRAINING
from snncore.networks import checkpoints


def command(training: str, name: str = "", file: str = "", weights: bool = True, half: bool = False) -> Path:
    """Take a training that is done from data/training into data/checkpoints, where chapters and `snncore.pretrained` find it.

    Parameters
    ----------
    training : str
        Its name in data/training, such as memory_ahp_rows_3.
    name : str
        By which it is kept, if that is another, as for the last stage of a CIFAR-10 network.
    file : str
        Of data/checkpoints, without ending; it may be new, and must be the beginning of the name.
    weights : bool
        Whether to keep the weights, or the account alone.
    half : bool
        Round the weights to half precision.
    """
    path = checkpoints.keep(TRAINING / f"{training}.json", name or training, file, weights, half)
    print(f"{name or training} is in {path.with_suffix('.json')}" + f", its weights in {path.name}" * weights)
    return path
