import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from snncore.few_spike import FSParams, coefficients, from_shifted, fs_decode, fs_neuron, fs_run, relu6_code, relu_code
from tests.reading import plain

MODEL = plain("few-spike")
number = st.floats(-8, 8)
neurons = st.sampled_from((1, 2, 4, 9)).flatmap(lambda K: st.tuples(*[st.lists(number, min_size=K, max_size=K)] * 3))


@given(neurons, st.lists(number, min_size=1, max_size=20), st.booleans())
def test_neuron_is_the_published_equation(arrays, x, strict):
    p = FSParams(*map(tuple, arrays), strict=strict)
    inputs = torch.tensor(x, dtype=torch.float64)
    spikes = MODEL.few_spike(np.array(x), *arrays, strict=strict)
    assert np.array_equal(fs_run(inputs, p)[0], spikes)
    assert np.array_equal(fs_neuron(inputs, p), MODEL.decode(spikes, p.d))


def shifted(x, T, h, d):
    """The other convention: the spike of step t - 1 is taken off with h(t), at the start of step t."""
    v, y, z = x, 0.0, 0
    for threshold, reset, output in zip(T, h, d, strict=True):
        v -= reset * z
        z = 1 if v > threshold else 0
        y += output * z
    return y


@given(neurons, st.lists(number, min_size=1, max_size=20))
def test_shifted_import_is_the_shifted_neuron(arrays, x):
    y = fs_neuron(torch.tensor(x, dtype=torch.float64), from_shifted(*arrays))
    assert np.allclose(y, [shifted(a, *arrays) for a in x], rtol=1e-12, atol=1e-12)


def test_reading_shifted_arrays_as_they_stand_is_wrong():
    p = coefficients("silu.published").params
    x = torch.linspace(-8, 12, 1001, dtype=torch.float64)
    assert (fs_neuron(x, p) - fs_neuron(x, from_shifted(p.T, p.h, p.d))).abs().max() > 1


def test_sending_spikes_one_by_one_through_a_linear_layer_is_sending_the_number():
    p = coefficients("silu.published").params
    x = torch.randn(4, 20, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    layer = torch.nn.Linear(20, 7, dtype=torch.float64)
    z, _ = fs_run(x, p)
    stepwise = sum(p.d[t] * (z[t] @ layer.weight.T) for t in range(p.K)) + layer.bias
    assert torch.allclose(stepwise, layer(fs_neuron(x, p)), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("K", [1, 4, 10])
@pytest.mark.parametrize("nearest", [False, True])
def test_relu_code_rounds_to_its_grid_down_or_to_the_nearest(K, nearest):
    x, grid = torch.linspace(-3, 30, 5001, dtype=torch.float64), 25.0 * 2.0**-K
    expected = (x / grid + nearest / 2).floor().clamp(0, 2**K - 1) * grid
    assert torch.equal(fs_neuron(x, relu_code(25.0, K, nearest=nearest)), expected)


def test_a_strict_code_loses_one_step_on_its_own_grid_and_spikes_are_binary_digits():
    K, grid = 6, 2.0**-6
    x = torch.arange(1, 2**K, dtype=torch.float64) * grid
    assert torch.equal(fs_neuron(x, relu_code(1.0, K)), x)
    assert torch.equal(fs_neuron(x, relu_code(1.0, K, strict=True)), x - grid)
    z, _ = fs_run(torch.tensor([11 / 16]), relu_code(1.0, 4))
    assert z[:, 0].tolist() == [1, 0, 1, 1]


@pytest.mark.parametrize(("make", "arguments", "words"), [
    (FSParams, ((), (), ()), r"T is empty.*K >= 1"), (FSParams, ((1.0, 2.0), (1.0,), (1.0, 2.0)), r"2, 1, 2 entries"),
    (FSParams, ((1.0, 2.0), (1.0, 1.0), (1.0, math.inf)), r"d\[1\] is inf"), (relu_code, (-1.0, 4), "alpha is -1"),
    (relu6_code, (0,), "K is 0: give a whole number"), (relu_code, (8.0, 4.0), r"K is 4\.0: give a whole number"),
])  # fmt: skip
def test_bad_parameters_are_refused(make, arguments, words, unchecked):
    with pytest.raises(ValueError, match=words):
        make(*arguments)


def test_nan_has_no_spikes():
    x, p = torch.tensor([1.0, float("nan")]), relu_code(1.0, 2)
    assert torch.equal(fs_neuron(x, p).isnan(), x.isnan())
    with pytest.raises(ValueError, match="x holds 1 NaN of 2 numbers"):
        fs_run(x, p)


@pytest.mark.parametrize("K", [1, 2, 6])
def test_a_code_that_saturates_says_so_by_one_spike(K):
    p, grid = relu6_code(K), 6 * 2.0 ** (1 - K)
    x = torch.linspace(-3, 1000, 30_001, dtype=torch.float64)
    z, _ = fs_run(x, p)
    assert torch.equal(fs_decode(z, p), (x / grid + 0.5).floor().clamp(0, 2 ** (K - 1)) * grid)
    assert (z[:, x >= 6].sum(0) == 1).all()
