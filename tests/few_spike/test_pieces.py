import importlib

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st

from snncore.few_spike import FSParams, coefficients, fs_neuron, fs_run, pieces, relu_code

number = st.floats(-8, 8, width=32)
neurons = st.sampled_from((1, 2, 4, 8)).flatmap(lambda K: st.tuples(*[st.lists(number, min_size=K, max_size=K)] * 3))


@given(neurons, st.booleans())
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


def test_probabilities_add_up_and_a_binary_code_spikes_half_the_time():
    s = pieces(relu_code(1.0, 6))
    cdf = scipy.stats.uniform(0, 1).cdf
    assert np.isclose(s.probability(cdf).sum(), 1)
    assert np.allclose(s.spikes_per_step(cdf), 0.5, atol=1e-6)


def test_more_pieces_than_memory_is_for_and_other_types_are_refused(monkeypatch):
    monkeypatch.setattr(importlib.import_module("snncore.few_spike.pieces"), "MOST_PIECES", 2**14)  # the file of this name
    for K, dtype, words in ((40, torch.float64, "a neuron of 40 steps has more than 16,384 pieces"), (2, torch.float16, r"torch\.float16")):
        with pytest.raises(ValueError, match=words):
            pieces(relu_code(25.0, K), dtype)
