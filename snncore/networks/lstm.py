"""LSTM network, the yardstick of the recurrent spiking network: PyTorch's LSTM and a linear readout at each step.

Sources: S. Hochreiter and J. Schmidhuber, Long short-term memory, Neural Computation 9, 1735-1780 (1997); R. Jozefowicz, W. Zaremba,
I. Sutskever, An empirical exploration of recurrent network architectures, ICML 2015 (the bias of the forget gates).
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class LSTMNetwork(nn.Module):
    """So many inputs, LSTM units and readouts.

    Initial weights are as PyTorch draws them (see `snncore.seeds.seeded_weights`), but biases of forget gates are larger by 1, so that
    units remember from the first.
    """

    def __init__(self, inputs: int, units: int, outputs: int):
        super().__init__()
        self.lstm, self.readout = nn.LSTM(inputs, units), nn.Linear(units, outputs)
        bias, _ = (p for name, p in self.lstm.named_parameters() if name.startswith("bias"))
        with torch.no_grad():
            bias[units : 2 * units] += 1  # gates come in the order input, forget, cell, output

    def forward(self, x: Float[Tensor, "time batch input"]) -> Float[Tensor, "time batch readout"]:
        """Readouts y at each step, for inputs x, from a state of zeros."""
        return self.readout(self.lstm(x)[0])
