from typing import NamedTuple

import torch

from snncore.unroll import unroll


class Pair(NamedTuple):
    total: torch.Tensor
    last: torch.Tensor


def test_unroll_is_a_cumulative_sum_and_keeps_named_outputs():
    x = torch.randn(7, 3, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    outputs, end = unroll(lambda a, s: (Pair(s + a, a), s + a), x, torch.zeros(3, 2, dtype=torch.float64))
    assert torch.allclose(outputs.total, x.cumsum(0))
    assert torch.equal(outputs.last, x)
    assert torch.equal(end, outputs.total[-1])
