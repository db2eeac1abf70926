"""The two forms of the low-pass filter against each other, and against a closed form."""

import torch

from snncore.filters import low_pass, low_pass_product


def test_loop_and_matrix_product_agree_and_approach_a_constant_exponentially():
    x = (torch.rand(60, 1, 4, generator=torch.Generator().manual_seed(0)) < 0.3).double()
    assert torch.allclose(low_pass_product(x, 0.9), low_pass(x, 0.9), rtol=1e-12)
    assert torch.allclose(low_pass_product(x, 0.9) / 10, low_pass(x, 0.9, 0.1), rtol=1e-12)
    steps = torch.arange(1, 101, dtype=torch.float64)
    assert torch.allclose(low_pass(torch.ones(100).double(), 0.95, 0.05), 1 - 0.95**steps, rtol=1e-12)
