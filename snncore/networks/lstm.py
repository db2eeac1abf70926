"""LSTM network, the yardstick of the recurrent spiking network: PyTorch's LSTM and a linear readout at each step.

Source: S. Hochreiter and J. Schmidhuber, Long short-term memory, Neural Computation 9, 1735-1780 (1997).
"""

from jaxtyping import Float
from torch import Tensor, nn


class LSTMNetwork(nn.Module):
    """So many inputs, LSTM units and readouts; initial weights as PyTorch draws them (see `snncore.seeds.seeded_weights`)."""

    def __init__(self, inputs: int, units: int, outputs: int):
        super().__init__()
        self.lstm, self.readout = nn.LSTM(inputs, units), nn.Linear(units, outputs)

    def forward(self, x: Float[Tensor, "time batch input"]) -> Float[Tensor, "time batch readout"]:
        """Readouts y at each step, for inputs x, from a state of zeros."""
        return self.readout(self.lstm(x)[0])
