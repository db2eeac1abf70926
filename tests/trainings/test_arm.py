"""Lessons on movements, and a training under way."""

import pytest
import torch

from snncore.datafiles import DataError
from snncore.learning.descent import Descent
from snncore.learning.ordinary import first_weights, single_steps
from snncore.networks.checkpoints import about_checkpoint
from snncore.networks.recurrent import Weights
from snncore.tasks import arm
from snncore.tasks.arm import Movements
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


def test_errors_are_those_of_one_movement_at_a_time_and_of_another_ones_signals():
    net, (m,) = training.trained(0), training.held_out(3)
    found = training.errors(net, [m])
    with torch.no_grad():
        one = training.lesson(net, m)
        for k in range(3):
            alone = Movements(m.tip[:, [k]], m.omega[:, [k]])
            own = training.lesson(net, alone)
            swapped = net.trial(training.CLOCK, net.updated(training.CLOCK, own.before, one.learning_signal[:, [k - 1]]))
            known = [float(training.position_error(net.output(trial), alone)) for trial in (own.before, own.after, swapped)]
            assert [float(each[k]) for each in found] == pytest.approx(known, rel=1e-3)


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


@pytest.mark.parametrize(("signals", "credit"), [("own", False), ("ideal", True)])
def test_own_errors_give_the_update_of_eprop_and_ideal_signals_that_of_bptt(signals, credit):
    """A step against autograd's gradient, without flow through the recurrent weights or with it."""
    net, m = training.network(0, signals), some()
    w = net.learner.weights()
    with torch.no_grad():
        one = training.lesson(net, m)
    grads, _ = training.own_gradient(net, first_weights(w, 4), m, credit)
    step = net.eta * net.log_size.exp()
    assert torch.allclose((w.w_in - one.weights.w_in) / step, grads.w_in, rtol=1e-3, atol=1e-4 * float(grads.w_in.abs().max()))
    assert torch.allclose(w.w_rec - one.weights.w_rec, step * grads.w_rec * net.learner.no_self, rtol=1e-3, atol=1e-4)
    assert float(grads.w_rec.abs().max()) > 1
    assert torch.equal(net.learner.w_rec, training.network(0).learner.w_rec)  # as with a generator


@pytest.mark.parametrize("signals", ["own", "random", "ideal"])
def test_the_outer_loop_sees_how_the_step_follows_from_the_first_weights(signals):
    """A slope of the loss after the update along its own gradient is as finite differences say (of outputs, which do not jump)."""
    net, m = training.network(0, signals).double(), arm.Movements(*(part.double() for part in some()))

    def update():
        return net.teach(m).weights.w_rec.mul(torch.linspace(0, 1, 128**2).view(128, 128)).sum()

    total = update()
    (slope,) = torch.autograd.grad(total, net.learner.w_out)
    direction = slope / slope.norm()
    with torch.no_grad():
        ends = []
        for h in (1e-6, -1e-6):
            net.learner.w_out.add_(h * direction)
            ends.append(float(update()))
            net.learner.w_out.sub_(h * direction)
    assert (ends[0] - ends[1]) / 2e-6 == pytest.approx(float(slope.norm()), rel=1e-4)


def test_networks_of_another_configuration_are_refused(monkeypatch):
    """All shapes are the same: only the account knows what the weights mean."""
    with pytest.raises(DataError, match=r"one_shot.safetensors has no weights of one_shot_own_9. If they were never kept, train it"):
        training.trained(9, "own")
    with pytest.raises(ValueError, match="a batch has a single movement"):
        training.errors(training.network(0), training.held_out(1))
    monkeypatch.setattr(training, "DT", 1.0)
    words = r"\(dt is 2.0 there and 1.0 here, n_refractory is 2 there and 5 here\): take that of its training, .* arm --seed 0"
    with pytest.raises(DataError, match=words):
        training.trained(0)


def test_a_training_under_way_is_not_continued_with_other_constants(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "RECIPE", Descent(updates=2, rate=5e-3, every=1))
    monkeypatch.setattr(job, "TRAINING", tmp_path)
    about = training.command(seed=1)
    assert about["constants"] == about_checkpoint("one_shot_0")["constants"]
    monkeypatch.setattr(training, "ETA", 1.0)  # the account is of another training, and so is its state
    with pytest.raises(
        ValueError, match=r"one_shot_1.state belongs to another .* \(constants.eta is 0.003 there and 1.0 here\): remove it"
    ):
        training.command(seed=1)
    (tmp_path / "one_shot_1.state").unlink()
    assert training.command(seed=1)["constants"] == {**about["constants"], "eta": 1.0}
