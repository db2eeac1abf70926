"""Lessons on movements, and a training under way."""

import pytest
import torch

from snncore.datafiles import DataError
from snncore.learning.descent import Descent
from snncore.learning.ordinary import first_weights, single_steps
from snncore.networks.checkpoints import about_checkpoint
from snncore.networks.recurrent import Weights
from snncore.tasks import arm
from snncore.trainings import arm as training
from snncore.trainings import job


def some(n=4):
    return arm.draw(n, training.STEPS, training.DT, torch.Generator().manual_seed(5))


def test_errors_are_zero_for_the_movement_itself():
    m = some()
    assert float(training.loss_of(m.omega, m).max()) < 1e-8
    assert float(training.position_error(m.omega, m).max()) < 1e-10
    still = 0 * m.omega
    known = ((torch.tensor([0.5, 0.5]) - m.tip) ** 2).mean((0, 2))
    assert torch.allclose(training.position_error(still, m), known, rtol=1e-4)
    assert torch.allclose(training.loss_of(still, m), 75 * known + 0.05 * m.omega.square().mean((0, 2)), rtol=1e-4)


def test_held_out_movements_do_not_depend_on_how_many_are_asked_for():
    a, b = training.held_out(64)[0], training.held_out(128)
    assert torch.equal(a.tip, b[0].tip)
    assert [part.tip.shape[1] for part in training.held_out(100)] == [64, 36]
    assert len(b) == 2
    assert not torch.equal(b[0].tip, b[1].tip)


def test_the_best_single_step_is_neither_the_smallest_nor_the_largest():
    """A size beyond those that are tried would not be better for the recorded networks."""
    m = training.held_out(64)[0]
    for seed in range(training.SEEDS):
        net = training.trained(seed)
        weights = Weights(*(w.detach() for w in net.learner.weights()))
        for credit in (False, True):
            grads, _ = training.own_gradient(net, first_weights(weights, 64), m, credit)
            errors = []
            for own in single_steps(first_weights(weights, 1), grads):
                trial = net.trial(training.CLOCK.expand(-1, 64, -1), Weights(*own, weights.w_out.expand(64, -1, -1)))
                errors.append(float(training.position_error(net.output(trial), m).mean()))
            assert min(errors) < 0.9 * min(errors[0], errors[-1]), (seed, credit)


def test_networks_of_another_configuration_are_refused(monkeypatch):
    """All shapes are the same: only the account knows what the weights mean."""
    monkeypatch.setattr(training, "DT", 1.0)
    words = r"\(dt is 2.0 there and 1.0 here, n_refractory is 2 there and 5 here\): take that of its training, .* arm --seed 0"
    with pytest.raises(DataError, match=words):
        training.trained(0)


def test_a_training_under_way_is_not_continued_with_other_constants(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "RECIPE", Descent(updates=2, rate=5e-3, every=1))
    monkeypatch.setattr(job, "TRAINING", tmp_path)
    about = training.command(1)
    assert about["constants"] == about_checkpoint("one_shot_0")["constants"]
    monkeypatch.setattr(training, "ETA", 1.0)  # the account is of another training, and so is its state
    with pytest.raises(
        ValueError, match=r"one_shot_1.state belongs to another .* \(constants.eta is 0.003 there and 1.0 here\): remove it"
    ):
        training.command(1)
    (tmp_path / "one_shot_1.state").unlink()
    assert training.command(1)["constants"] == {**about["constants"], "eta": 1.0}
