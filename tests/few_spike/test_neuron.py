import math

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st

from snncore.few_spike import FSParams, coefficients, from_shifted, fs_decode, fs_neuron, fs_run, neuron, pieces, relu6_code, relu_code
from tests.reading import plain

MODEL = plain("few-spike")
number = st.floats(-8, 8)


def arrays_of(numbers):
    """T, h and d."""
    return st.sampled_from((1, 2, 4, 9)).flatmap(lambda K: st.tuples(*[st.lists(numbers, min_size=K, max_size=K)] * 3))


neurons = arrays_of(number)


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


@given(arrays_of(st.floats(-8, 8, width=32)), st.booleans())
def test_pieces_cover_all_numbers_and_hold_the_neuron(arrays, strict):
    p = FSParams(*map(tuple, arrays), strict=strict)
    s = pieces(p)
    assert torch.equal(torch.nextafter(s.last[:-1], torch.tensor(float("inf"))), s.first[1:])  # no gap, no overlap
    assert -s.first[0] == s.last[-1] == torch.finfo(torch.float32).max
    for border in (s.first, s.last):  # both ends of each piece spike as the piece says, so by monotony does all between
        assert torch.equal(fs_run(border, p)[0], s.spikes)
        assert torch.equal(fs_neuron(border, p), s.y)
    assert (s.spikes[:, 1:] != s.spikes[:, :-1]).any(0).all()  # neighbors differ: none could be joined


def test_pieces_of_the_published_neurons():
    counts = {"silu": 106, "sigmoid": 52, "relu": 1024}
    assert {name: len(pieces(coefficients(f"{name}.published").params)) for name in counts} == counts
    assert len(pieces(coefficients("silu.published").params, torch.float64)) == 106


def test_spike_statistics_are_those_of_sampled_inputs():
    p = coefficients("silu.published").params
    law = scipy.stats.norm(-0.0632, 1.5633)
    x = torch.from_numpy(law.ppf((np.arange(200_000) + 0.5) / 200_000)).float()
    sampled = fs_run(x, p)[0].mean(1).numpy()
    assert np.allclose(pieces(p).spikes_per_step(law.cdf), sampled, atol=2e-5)


def test_more_pieces_than_memory_is_for_and_other_types_are_refused(monkeypatch):
    monkeypatch.setattr(neuron, "MOST_PIECES", 2**14)
    for K, dtype, words in ((40, torch.float64, "a neuron of 40 steps has more than 16,384 pieces"), (2, torch.float16, r"torch\.float16")):
        with pytest.raises(ValueError, match=words):
            pieces(relu_code(25.0, K), dtype)
