"""Trainings on accumulated evidence that can be killed, and their accounts."""

import dataclasses

import pytest
import torch

from snncore import ledger
from snncore.learning.eprop import SIGNALS
from snncore.seeds import torch_generator
from snncore.tasks.evidence import Evidence
from snncore.trainings import evidence, job
from snncore.trainings.evidence import TRAININGS, EvidenceLearner, train


def test_aims_are_those_of_the_list_of_claims():
    claims = ledger.package_claims()
    for signal in SIGNALS:
        for end, key in (("", "test_error"), (".at350", "early_error")):
            assert claims[f"eprop.evidence.{signal}{end}"].target == evidence.AIMS[key]
    assert claims["eprop.onchip"].target == evidence.CHIP_AIM


@pytest.mark.parametrize("kind", ["random", "bptt"])
def test_a_network_that_has_learned_answers_new_trials(kind):
    learner = evidence.trained(kind)
    assert evidence.error_on_new_trials(learner.answer, 32, 1) < 0.25
    assert 0.25 < evidence.error_on_new_trials(EvidenceLearner(TRAININGS[kind], 0).answer, 32, 1) < 0.75


def test_the_cost_of_rates_in_integers_is_that_in_floats():
    """Without feedback nothing else is left: nearly the same gradient, with the scale of tests/learning/test_eprop_chip.py."""
    how, grads = dataclasses.replace(TRAININGS["chip"], form=Evidence(cues=3, pause=50, cue=100, delay=100, recall=100), batch=8), []
    for update in (evidence.in_integers, evidence.in_floats):
        learner = EvidenceLearner(how, 0)
        evidence.put_on_grid(learner, torch_generator(0, "rounding"))
        learner.w_feedback.zero_()
        update(learner, how)(0, torch_generator(0, "trials"))
        grads.append(torch.cat([learner.network.w_in.grad, learner.network.w_rec.grad], 1).flatten())
    scale = 1024 * (127 / 128) / learner.network.populations[0].params.dampening * 0.6 / (1 - learner.network.readout.kappa) * how.batch
    assert torch.cosine_similarity(*grads, dim=0) > 0.98
    assert grads[0] @ grads[1] / grads[1].square().sum() == pytest.approx(scale, rel=0.15)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["adaptive", "chip"])
def test_a_training_killed_and_resumed_is_the_same(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(job, "TRAINING", tmp_path)
    how = TRAININGS[kind]
    recipe = dataclasses.replace(how.recipe, updates=12, every=4)
    form = Evidence(cues=3, pause=5, cue=20, delay=20, recall=20)
    short = dataclasses.replace(how, recipe=recipe, form=form, batch=8, early=how.early and 6, tested=32)
    whole = train(kind, 1, short)
    for path in tmp_path.iterdir():
        path.unlink()
    draw, drawn = evidence.evidence.draw, []

    def killing(form, batch, generator):
        drawn.append(batch)
        if len(drawn) == 11:
            raise KeyboardInterrupt
        return draw(form, batch, generator)

    monkeypatch.setattr(evidence.evidence, "draw", killing)
    with pytest.raises(KeyboardInterrupt):
        train(kind, 1, short)
    killed = len(drawn)
    resumed = train(kind, 1, short)
    assert len(drawn) - killed == 5  # updates 9 to 12, and a test
    for row in (*whole["log"], *resumed["log"]):
        row.pop("seconds")
    assert whole["log"] == resumed["log"]
    assert whole["test_error"] == resumed["test_error"]
    assert resumed.get("early_error") == next((row["tested"] for row in resumed["log"] if "tested" in row), None)


def test_the_stopping_rule_of_the_published_code():
    learner = EvidenceLearner(TRAININGS["random"], 0)
    errors = [0.5] * 3 + [0.0] * 7 + [0.5, 0.0]
    for k, error in enumerate(errors):
        learner.watch(error, k)
        first = next((i + 1 for i in range(k + 1) if sum(([1.0] * 8 + errors[: i + 1])[-8:]) / 8 < 0.07), 0)
        assert int(learner.stopped) == first
    assert int(learner.stopped) == 10


@pytest.mark.parametrize("signal", ["symmetric", "bptt"])
def test_readouts_begin_larger_where_they_make_the_learning_signals(signal):
    large, others = (EvidenceLearner(TRAININGS[kind], 0).network.weights() for kind in (signal, f"{signal}-small"))
    assert torch.equal(large.w_in, others.w_in)
    assert torch.equal(large.w_rec, others.w_rec)
    assert torch.equal(large.w_out, 10 * others.w_out)
    ratio = float(large.w_out.detach().std() / EvidenceLearner(TRAININGS["random"], 0).w_feedback.std())
    assert ratio == pytest.approx(1, abs=0.2)  # as strong as random feedback
