# ruff: noqa: F401
"""Spiking networks by conversion, by training off-chip, and by learning on-chip.

>>> import snncore
>>> snncore.coefficients("silu.published").params.K
16
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # for editors and type checkers: at run time a name is imported when it is asked for
    from snncore.few_spike import coefficients, convert, fit, fs_neuron
    from snncore.learning.eprop import Learner
    from snncore.loihi.deploy import deploy, for_chip
    from snncore.networks.recurrent import RecurrentNetwork
    from snncore.neurons.layer import OverTime, SpikingLayer
    from snncore.pretrained import load

__version__ = "0.1.0"
_HOMES = {
    "snncore.few_spike": ("coefficients", "convert", "fit", "fs_neuron"),
    "snncore.learning.eprop": ("Learner",),
    "snncore.loihi.deploy": ("deploy", "for_chip"),
    "snncore.networks.recurrent": ("RecurrentNetwork",),
    "snncore.neurons.layer": ("OverTime", "SpikingLayer"),
    "snncore.pretrained": ("load",),
}
__all__ = sorted(name for names in _HOMES.values() for name in names)


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(module), name)
    raise AttributeError(f"module 'snncore' has no attribute {name!r}: it hands out {', '.join(__all__)}; import others from their modules")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
