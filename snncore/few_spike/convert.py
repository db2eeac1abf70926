"""Put few-spike neurons in the place of a network's activation functions."""

import copy
from collections.abc import Callable

from torch import nn

from snncore.few_spike.neuron import FSParams, fs_neuron
from snncore.shapes import FloatTensor


class FSActivation(nn.Module):
    """A layer of few-spike neurons, one per element, all with the same parameters.

    It hands on the decoded numbers: what the spikes, sent one by one, add up to at the next layer, since that is linear in them.
    """

    def __init__(self, params: FSParams):
        super().__init__()
        self.params = params

    def forward(self, x: FloatTensor) -> FloatTensor:
        return fs_neuron(x, self.params)

    def extra_repr(self) -> str:
        return f"K={self.params.K}"


def replace_activation(network: nn.Module, kind: type[nn.Module], make: Callable[[nn.Module], FSParams]) -> nn.Module:
    """A copy of ``network`` in which each module of the class ``kind`` is a layer of few-spike neurons, with the parameters that ``make``
    gives for it. The network itself is left as it is.

    Raises
    ------
    ValueError
        If the network has no such module.
    """
    network = copy.deepcopy(network)
    places = [(parent, name, child) for parent in network.modules() for name, child in parent._modules.items() if type(child) is kind]
    if not places:
        raise ValueError(f"the network has no module of the class {kind.__name__}: nothing would spike")
    for parent, name, child in places:
        setattr(parent, name, FSActivation(make(child)))
    return network
