"""Spikes and accuracy of a converted CIFAR-10 network by the price on spikes: ``python -m snncore.tools prices --network resnet8``."""

from collections.abc import Sequence

import pandas as pd

from snncore.few_spike.comparison import compare
from snncore.networks.images import cifar_network
from snncore.tasks.images import Labeled, cifar10
from snncore.trainings.cifar import Network, conversion

PENALTIES = (2e-4, 4e-4, 5e-4, 6e-4, 7e-4, 8e-4, 1e-3)
BATCH = 100


def by_price(network: str, data: dict[str, Labeled], penalties: Sequence[float] = PENALTIES) -> pd.DataFrame:
    """Accuracy lost by conversion and spikes per neuron on the validation images, for each price."""
    (images, labels), ann, rows = data["validation"], cifar_network(network), []
    for penalty in penalties:
        few = conversion(network, data, penalty=penalty).network
        answers = compare(ann, few, images.split(BATCH), labels.numpy(), f"{network}, price {penalty:g}")
        rows.append({"price": penalty, "lost [pp]": answers.drop[0], "spikes per neuron": answers.spikes[0]})
    return pd.DataFrame(rows)


def command(network: Network) -> None:
    """Print what a CIFAR-10 network loses and sends on the validation images, by the price on spikes.

    The prices of the book (`snncore.trainings.cifar.PENALTY`) are chosen by this table and the spikes that a neuron may send
    (`snncore.trainings.cifar.SPIKE_BUDGET`).

    Parameters
    ----------
    network : str
        ResNet of that depth, or a small EfficientNet with SiLU.
    """
    print(by_price(network, cifar10()).to_string(index=False))
