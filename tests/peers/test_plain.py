"""What is timed beside our loops gives the same, and what gives something else is not timed."""

import numpy as np
import pytest
import torch

from snncore.few_spike import coefficients, fs_run, relu_code
from snncore.few_spike.neuron import fs_sum
from snncore.peers import plain
from snncore.timing import refuse_unequal, side_by_side
from snncore.tools.memory import memory_of_learning


@pytest.mark.parametrize("p", [coefficients("silu.published").params, relu_code(4.0, 6)], ids=["fires above", "fires at"])
def test_the_fast_plain_neuron_is_the_definition_bit_for_bit(p):
    """On the grid of the code, too, where it matters whether a neuron fires at its threshold."""
    x = torch.cat([torch.randn(2 * plain.BLOCK + 5, generator=torch.Generator().manual_seed(0)), torch.arange(-3.0, 6.0, 2**-4)])
    y = plain.plain_neuron(x, p)
    assert torch.equal(y, fs_sum(x, p))
    z, _ = fs_run(x[-1000:], p)
    assert torch.allclose(y[-1000:], torch.tensor(p.d) @ z, atol=1e-5)
    images = x[:96].view(2, 3, 4, 4).to(memory_format=torch.channels_last)
    assert torch.equal(plain.plain_neuron(images, p), fs_sum(images, p))


def test_what_differs_is_not_timed():
    a = torch.tensor([1.0, 1e6])
    refuse_unequal("these", [a], [a + torch.tensor([1e-4, 0.0])], atol=1e-9)
    with pytest.raises(ValueError, match="these: the results differ: do not trust their times"):
        refuse_unequal("these", [a], [a + torch.tensor([1e-2, 0.0])], atol=1e-9)
    with pytest.raises(ValueError, match="shorter"):
        refuse_unequal("these", [a, a], [a])


def test_gradients_that_differ_are_not_timed(monkeypatch):
    assert set(plain.gradients_of_eprop(4, 20, 2, 0)) == {"fused", "recursion", "bptt"}
    gradient = plain.gradient
    monkeypatch.setattr(plain, "gradient", lambda *args: tuple(g * 1.001 for g in gradient(*args)))
    with pytest.raises(ValueError, match="e-prop: the results differ"):
        plain.gradients_of_eprop(4, 20, 2, 0)


def test_the_shortest_time_of_each_counts():
    now = [0.0]

    def lasting(*times):
        left = list(times)
        return lambda: now.__setitem__(0, now[0] + left.pop(0))

    times = side_by_side({"a": lasting(1.0, 5.0, 3.0), "b": lasting(9.0, 8.0, 7.0)}, 2, lambda: now[0])
    assert times == {"a": 3.0, "b": 7.0}  # the first round only warms up


@pytest.mark.slow
def test_memory_is_that_of_the_process_that_learns():
    """Whatever this process has had: a whole trial takes more the longer it is, a stream does not."""
    large = np.ones(60_000_000)  # half a gigabyte
    assert large.sum() > 0
    (whole, longer), (stream,) = memory_of_learning((1000, 3000), True), memory_of_learning((1000,), False)
    assert longer > 1.5 * whole > 1.5 * stream > 1
