"""LSTM network, the yardstick of the recurrent spiking network: PyTorch's LSTM and a linear readout at each step.

Sources: S. Hochreiter and J. Schmidhuber, Long short-term memory, Neural Computation 9, 1735-1780 (1997); C. Tallec and Y. Ollivier, Can
recurrent neural networks warp time?, ICLR 2018, arXiv 1804.11188 (the biases of the gates).
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class LSTMNetwork(nn.Module):
    r"""So many inputs, LSTM units and readouts, for sequences of about so many steps.

    Initial weights are as PyTorch draws them (see `snncore.seeds.seeded_draws`). Biases of the gates let the units remember for times
    between 1 and ``steps``, as the time constants of neurons do: :math:`b_\text{forget} = \log u`, :math:`b_\text{input} = -\log u`,
    u drawn evenly from 1 to ``steps`` - 1; those of the other gates are 0.
    """

    def __init__(self, inputs: int, units: int, outputs: int, steps: int):
        super().__init__()
        self.lstm, self.readout = nn.LSTM(inputs, units), nn.Linear(units, outputs)
        longest = torch.log(torch.empty(units).uniform_(1, steps - 1))
        bias, other = (p for name, p in self.lstm.named_parameters() if name.startswith("bias"))
        with torch.no_grad():
            other.zero_()
            bias.copy_(torch.cat([-longest, longest, torch.zeros(2 * units)]))  # gates: input, forget, cell, output

    def forward(self, x: Float[Tensor, "time batch input"]) -> Float[Tensor, "time batch readout"]:
        """Readouts y at each step, for inputs x, from a state of zeros."""
        return self.readout(self.lstm(x)[0])
