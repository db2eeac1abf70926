"""Trials of evidence accumulation and patterns against what their description says."""

from math import comb

import pytest
import torch

from snncore.tasks import evidence, pattern
from snncore.tasks.evidence import GROUP, Evidence


def draw(batch=400, **form):
    return evidence.draw(Evidence(**form), batch, torch.Generator().manual_seed(0))


def test_the_answer_is_the_side_of_the_majority_as_the_spikes_show_it():
    """Count the spikes of both groups of cue inputs, each cue alone: the side that fires is the cue's."""
    trials, form = draw(), Evidence()
    assert form.steps == 2250
    shown = []
    for k in range(form.cues):
        part = trials.x[150 * k + 50 : 150 * (k + 1)]
        left, right = part[:, :, :GROUP].sum((0, 2)), part[:, :, GROUP : 2 * GROUP].sum((0, 2))
        assert ((left == 0) != (right == 0)).all()
        shown.append(right > 0)
    assert torch.equal(torch.stack(shown, 1).long(), trials.cues)
    assert torch.equal((torch.stack(shown).sum(0) > 3).long(), trials.answer)


def test_rates_and_silence():
    x = draw().x
    assert abs(float(x[50:150, :, : 2 * GROUP].mean()) - 0.02) < 0.001  # one of two sides at .04
    assert abs(float(x[-150:, :, 2 * GROUP : 3 * GROUP].mean()) - 0.04) < 0.001
    assert abs(float(x[:, :, 3 * GROUP :].mean()) - 0.01) < 0.0002
    for silent in (x[:50, :, : 3 * GROUP], x[1050:2100, :, : 3 * GROUP], x[:2100, :, 2 * GROUP : 3 * GROUP]):
        assert silent.sum() == 0


def test_sides_are_fair_and_cues_mostly_agree():
    trials = draw(4000, cue=1, pause=0, delay=0, recall=1)
    assert abs(float(trials.answer.float().mean()) - 0.5) < 0.03
    agree = (trials.cues == trials.answer[:, None]).float().mean()
    # the majority of 7, .7 each: E[max(k, 7 - k)] / 7
    expected = sum(max(k, 7 - k) * comb(7, k) * 0.7**k * 0.3 ** (7 - k) for k in range(8)) / 7
    assert abs(float(agree) - expected) < 0.01


def test_a_pattern_is_a_sum_of_four_sines():
    """Its spectrum has the four frequencies and nothing else (but the constant that puts its start at 0)."""
    x, target = pattern.draw(50, 0.05, torch.Generator().manual_seed(0))
    assert x.shape == (1000, 1, 50)
    assert abs(float(x.mean()) - 0.05) < 0.005
    assert (target.shape, float(target[0])) == ((1000, 1, 1), 0)
    assert float(target.abs().max()) == pytest.approx(1)
    spectrum = torch.fft.rfft(target[:-1, 0, 0].double()).abs()  # the last point is the first one again
    assert set(spectrum.topk(5).indices.tolist()) == {0, 1, 2, 3, 5}
    assert spectrum[6:].max() < 1e-3 * spectrum.max()
