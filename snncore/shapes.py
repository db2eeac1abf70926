"""Axis names used in signatures, in this order: time, batch, neuron.

``FloatTensor`` and ``Spikes`` are tensors of any shape: a few-spike neuron acts on each element alone.
"""

from jaxtyping import Float
from torch import Tensor

FloatTensor = Float[Tensor, "*shape"]
Spikes = Float[Tensor, "*shape"]  # 0 or 1, in the type of the membrane potential
SpikeTrain = Float[Tensor, "time *shape"]
