"""Layers of other programs timed beside ours: here ours in other clothes, since the programs themselves are not installed."""

import pytest
import torch

from snncore.neurons import lif_step
from snncore.neurons.lif import LIFState
from snncore.neurons.model import at_rest
from snncore.peers import layers
from snncore.unroll import unroll


class Loop(layers.Ours):
    """The plain loop, as another program."""

    def forward(self, current, state=None):
        flat, p = current.flatten(2), self.constants()
        return unroll(lambda now, before: lif_step(now, before, p), flat, at_rest(LIFState)(flat[0]))[0].view_as(current)


def test_a_layer_and_a_network_of_the_same_outputs_are_timed_and_no_others(monkeypatch):
    monkeypatch.setattr(layers, "PEERS", {"numpy": Loop})
    found = [layers.fastest(whole, steps=4, samples=2, repetitions=1) for whole in (False, True)]
    assert all(longer.ratio > 0 for longer in found)
    assert ["1,152 neurons, 4 steps" in found[0].where, "1,152 and 400 neurons" in found[1].where] == [True, True]
    monkeypatch.setattr(layers, "PEERS", {"numpy": lambda shape: torch.nn.ReLU()})
    with pytest.raises(ValueError, match=r"numpy .*: the results differ: do not trust their times"):
        layers.fastest(False, steps=4, samples=2)
    assert torch.get_default_dtype() == torch.float32
