"""Store and recall: bits come one after another; the one that came with a store command has to be told at the recall command.

Source: the task of that name in the tutorials of G. Bellec et al., github.com/IGITUGraz/eligibility_propagation, commit 3ea9830, with other
numbers of symbols, inputs and commands.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

GROUP = 10  # inputs that mean one thing: bit 0, bit 1, store, recall
INPUTS = 4 * GROUP


@dataclass(frozen=True)
class StoreRecall:
    """A trial: slots with a bit each, then the slot of the recall. A step is 1 ms.

    Raises `ValueError` if there is no slot for a bit, a slot has no step, or the rate is not above 0, or above 1.
    """

    slots: int = 6  #: with that of the recall
    slot: int = 100  #: [steps]
    rate: float = 0.05  #: spikes per step of inputs that mean something now

    def __post_init__(self):
        if self.slots < 2 or self.slot < 1 or not 0 < self.rate <= 1:
            raise ValueError(f"{self}: there are at least two slots, of at least one step; the rate is above 0 and at most 1")

    @property
    def steps(self) -> int:
        """Of a whole trial."""
        return self.slots * self.slot


class Trials(NamedTuple):
    """Input spikes, the slot (from 0) of the store command, and the bit that came with it."""

    x: Float[Tensor, "time batch input"]
    stored: Int[Tensor, " batch"]
    answer: Int[Tensor, " batch"]


def draw(form: StoreRecall, batch: int, generator: torch.Generator) -> Trials:
    """New trials: bits are 0 or 1, and the store command is in one of the slots before the last one, each equally likely."""
    bits = torch.randint(2, (batch, form.slots - 1), generator=generator)
    stored = torch.randint(form.slots - 1, (batch,), generator=generator)
    tells = torch.zeros(form.slots, batch, 4)
    tells[:-1, :, :2] = torch.nn.functional.one_hot(bits.T, 2).float()
    tells[stored, torch.arange(batch), 2] = 1
    tells[-1, :, 3] = 1
    p = form.rate * tells.repeat_interleave(form.slot, 0).repeat_interleave(GROUP, 2)
    return Trials((torch.rand(p.shape, generator=generator, dtype=torch.float32) < p).float(), stored, bits[torch.arange(batch), stored])
