"""Lessons and their controls, ordinary learning beside them, and a training that can be killed."""

import json
import re
import subprocess
import sys

import pytest
import torch

from snncore import ledger
from snncore.datafiles import DataError
from snncore.experiments import one_shot
from snncore.learning.descent import Descent
from snncore.networks.checkpoints import about_checkpoint, accounts
from snncore.tasks import arm
from snncore.tasks.arm import Movements
from snncore.trainings import job as training
from tests.experiments import recorded


def some(n=4):
    return arm.draw(n, one_shot.STEPS, one_shot.DT, torch.Generator().manual_seed(5))


def test_errors_are_zero_for_the_movement_itself():
    m = some()
    assert float(one_shot.loss_of(m.omega, m).max()) < 1e-8
    assert float(one_shot.off(m.omega, m).max()) < 1e-10
    still = 0 * m.omega
    known = ((torch.tensor([0.5, 0.5]) - m.tip) ** 2).mean((0, 2))
    assert torch.allclose(one_shot.off(still, m), known, rtol=1e-4)
    assert torch.allclose(one_shot.loss_of(still, m), 75 * known + 0.05 * m.omega.square().mean((0, 2)), rtol=1e-4)


def test_curves_are_those_of_the_arm_alone():
    """Other checkpoints begin with the same words."""
    assert sorted(one_shot.curves()["seed"].unique()) == [0, 1, 2]
    assert len(one_shot.curves()) == 3 * one_shot.RECIPE.updates // one_shot.RECIPE.every


def test_held_out_movements_do_not_depend_on_how_many_are_asked_for():
    a, b = one_shot.held_out(one_shot.Config(movements=64))[0], one_shot.held_out(one_shot.Config(movements=128))
    assert torch.equal(a.tip, b[0].tip)
    assert [part.tip.shape[1] for part in one_shot.held_out(one_shot.Config(movements=100))] == [64, 36]
    assert len(b) == 2
    assert not torch.equal(b[0].tip, b[1].tip)


NEVER = torch.zeros(2)  # no error is as low


def test_ordinary_updates_are_those_of_each_movement_alone(monkeypatch):
    """All movements and rates at once, each with its own weights, against one movement after the other with plain autograd and Adam."""
    monkeypatch.setattr(one_shot, "SPAN", 1)
    net, m = one_shot.network(0), some(2)
    found = one_shot.follow(net, m, True, 3, NEVER, (2e-4, 2e-3))
    assert (found.rate, found.needed) == (2e-3, None)
    together, alone = found.errors.mean(1).tolist(), []
    for k in range(2):
        one = Movements(m.tip[:, k : k + 1], m.omega[:, k : k + 1])
        weights = net.learner.weights()
        w_in, w_rec = (w.detach().clone().requires_grad_() for w in weights[:2])
        optimizer, curve = torch.optim.Adam([w_in, w_rec], 2e-3), []
        for _ in range(4):
            found = net.trial(one_shot.CLOCK, one_shot.Weights(w_in, w_rec * net.learner.no_self, weights.w_out.detach()))
            omega = net.output(found)
            curve.append(float(one_shot.off(omega.detach(), one)))
            optimizer.zero_grad()
            one_shot.loss_of(omega, one).sum().backward()
            optimizer.step()
        alone.append(curve)
    assert together == pytest.approx([sum(column) / 2 for column in zip(*alone, strict=True)], rel=1e-3)
    assert together[-1] < together[0]


@pytest.mark.parametrize("credit", [False, True])
def test_half_of_the_movements_are_matched_at_the_rate_that_comes_first(credit, monkeypatch):
    monkeypatch.setattr(one_shot, "SPAN", 3)
    net, m, rates = one_shot.network(0), some(2), (5e-4, 2e-3)
    curves = {rate: one_shot.follow(net, m, credit, 6, NEVER, (rate,)).errors for rate in rates}
    means = {rate: torch.stack([curve[k : k + 3].mean(0) for k in range(7)]) for rate, curve in curves.items()}
    goal = torch.tensor([0.0, float(means[2e-3][4, 1])])  # one of two movements is half of them
    needed = {rate: next((k for k, mean in enumerate(ahead) if mean[1] <= goal[1]), 7) for rate, ahead in means.items()}
    found = one_shot.follow(net, m, credit, 6, goal, rates)
    assert 0 < found.needed == min(needed.values()) < max(needed.values())
    assert needed[found.rate] == found.needed
    assert torch.equal(found.errors, curves[found.rate])
    assert one_shot.follow(net, m, credit, 6, curves[2e-3].max(0).values, rates).needed == 0  # so that the claim can fail


def test_updates_that_are_not_enough_are_a_bound(tmp_path):
    record, c = one_shot.Record("one_shot", "book", tmp_path), one_shot.Config(ordinary=2, updates=1)
    curves, one_update = one_shot.ordinary(record, c, some(2))
    rows = {row["id"]: row for row in json.loads((tmp_path / "rows.json").read_text())}
    for id in ("oneshot.arm.k_to_match", "oneshot.arm.k_to_match.bptt"):
        assert (rows[id]["ours"], rows[id]["bound"], rows[id]["low"], rows[id]["high"]) == (1, ">", None, None)
        assert ledger.status(ledger.package_claims()[id], 1, ">") in ("agrees", "reported")
    assert len(curves) == 2 * (1 + one_shot.SPAN)
    assert len(one_update) == one_shot.SEEDS


@pytest.mark.parametrize("credit", [False, True])
def test_the_best_single_step_is_no_worse_than_the_smallest(credit, monkeypatch):
    net, m = one_shot.network(0), some(3)
    best = one_shot.best_single(net, m, credit)
    monkeypatch.setattr(one_shot, "SIZES", (0.0,))
    still = one_shot.best_single(net, m, credit)
    assert still == pytest.approx(float(one_shot.off(net.output(net.trial(one_shot.CLOCK)).detach().expand(-1, 3, -1), m).mean()), rel=1e-5)
    assert best < still


def test_the_best_single_step_is_neither_the_smallest_nor_the_largest():
    """Of the recorded networks: a size beyond those that are tried would not be better."""
    m = one_shot.joined(one_shot.held_out(one_shot.Config(movements=64)))
    for seed in range(one_shot.SEEDS):
        net = one_shot.trained(seed)
        weights = one_shot.Weights(*(w.detach() for w in net.learner.weights()))
        for credit in (False, True):
            grads, _ = one_shot.ordinary_gradient(net, one_shot.Own(*(w.expand(64, -1, -1) for w in weights[:2])), m, credit)
            errors = []
            for own in one_shot.single_steps(one_shot.Own(*weights[:2]), grads):
                found = net.trial(one_shot.CLOCK.expand(-1, 64, -1), one_shot.Weights(*own, weights.w_out.expand(64, -1, -1)))
                errors.append(float(one_shot.off(net.output(found), m).mean()))
            assert min(errors) < 0.9 * min(errors[0], errors[-1]), (seed, credit)
            assert one_shot.best_single(net, m, credit) == pytest.approx(min(errors))


def test_signals_of_bptt_are_derivatives_of_each_movements_loss():
    """Of the readout's spikes alone: in the last step, dE/dz is what the readout makes of the error there."""
    net, m = one_shot.network(0), some(2)
    seen = one_shot.signals(net, m)
    omega = net.output(seen.lesson.before).detach().expand(-1, 2, -1).clone().requires_grad_()
    (grad,) = torch.autograd.grad(one_shot.loss_of(omega, m).sum(), omega)
    assert torch.allclose(seen.ideal[-1], grad[-1] @ net.learner.w_out.detach(), rtol=1e-4, atol=1e-8)
    assert seen.ideal.shape == seen.lesson.learning_signal.shape


def test_drawn_paths_begin_at_the_start_and_can_be_followed():
    for name, m in one_shot.drawn().items():
        assert torch.allclose(m.tip[0, 0], torch.tensor([0.5, 0.5]), atol=1e-6), name
        assert torch.allclose(arm.move(m.omega, one_shot.DT), m.tip, atol=1e-5), name
        assert float((m.tip.amax(0) - m.tip.amin(0)).max()) > 0.3, name


def test_share_of_a_paths_own_variance():
    m = some(3)
    mean = ((m.tip - m.tip.mean(0)) ** 2).mean((0, 2))
    assert torch.allclose(one_shot.explained(mean, m), torch.zeros(3), atol=1e-5)
    assert torch.allclose(one_shot.explained(0 * mean, m), torch.ones(3))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("DT", 1.0, "(dt is 2.0 there and 1.0 here, n_refractory is 2 there and 5 here): take"),
        ("ETA", 1.0, "(eta is 0.003 there and 1.0 here): take that of its training, 'python -m snncore.experiments one_shot --train"),
        ("STEPS", 50, "(steps is 250 there and 50 here)"),
        ("CODE", arm.Code(sigma=0.2), "(code_sigma is 0.125 there and 0.2 here)"),
        ("POSITION", 1.0, "(position is 150.0 there and 1.0 here)"),
    ],
)
def test_networks_of_another_configuration_are_refused(monkeypatch, name, value, words):
    """All shapes are the same: only the account knows what the weights mean."""
    monkeypatch.setattr(one_shot, name, value)
    with pytest.raises(DataError, match=re.escape(words)):
        one_shot.trained(0)


def test_a_training_under_way_is_not_continued_with_other_constants(tmp_path, monkeypatch):
    monkeypatch.setattr(one_shot, "RECIPE", Descent(updates=2, rate=5e-3, every=1))
    monkeypatch.setattr(training, "TRAINING", tmp_path)
    about = one_shot.train_arm(1)
    assert about["constants"] == about_checkpoint("one_shot_0")["constants"]
    monkeypatch.setattr(one_shot, "ETA", 1.0)  # the account is of another training, and so is its state
    with pytest.raises(ValueError, match=r"one_shot_1.state belongs to another .* \(eta is 0.003 there and 1.0 here\): remove it"):
        one_shot.train_arm(1)
    (tmp_path / "one_shot_1.state").unlink()
    assert one_shot.train_arm(1)["constants"] == {**about["constants"], "eta": 1.0}


def test_correlation():
    a = torch.randn(100, generator=torch.Generator().manual_seed(0))
    assert one_shot.correlation(a, 3 * a + 1) == pytest.approx(1)
    assert one_shot.correlation(a, -a) == pytest.approx(-1)


DIES = """
import os, sys, torch
from pathlib import Path
from snncore.trainings import job as training
from snncore.experiments import one_shot
from snncore.learning.descent import Descent
from snncore.tasks import arm

torch.set_num_threads({threads})
training.TRAINING = Path(sys.argv[1])
one_shot.RECIPE = Descent(**{recipe})
draw, drawn = arm.draw, []

def deadly(*args):
    drawn.append(args)
    return draw(*args) if len(drawn) < 4 else os._exit(9)  # nothing is tidied up

arm.draw = deadly
one_shot.train_arm(1)
"""


@pytest.mark.slow
def test_a_training_killed_and_resumed_is_the_same(tmp_path, monkeypatch):
    recipe = {"updates": 6, "rate": 5e-3, "warmup": 2, "end": 0.03, "clip": 1.5, "every": 2}
    monkeypatch.setattr(one_shot, "RECIPE", Descent(**recipe))
    draw, drawn, found, counts = arm.draw, [], [], []
    monkeypatch.setattr(arm, "draw", lambda *args: drawn.append(args) or draw(*args))
    for name in ("whole", "killed"):
        folder = tmp_path / name
        folder.mkdir()
        if name == "killed":
            script = DIES.format(recipe=recipe, threads=torch.get_num_threads())
            process = subprocess.run([sys.executable, "-c", script, folder], check=False)
            assert process.returncode == 9
            assert [path.name for path in folder.iterdir()] == ["one_shot_1.state"]
        monkeypatch.setattr(training, "TRAINING", folder)
        drawn.clear()
        found.append(one_shot.train_arm(1))
        counts.append(len(drawn))
        for row in found[-1]["log"]:
            row.pop("seconds")
    whole, resumed = found
    assert counts[1] == counts[0] - 2  # the two updates that were saved are not done again
    assert whole["log"] == resumed["log"]
    assert whole["test_after"] == resumed["test_after"]
    assert resumed["command"] == "python -m snncore.experiments one_shot --train --seed 1"


def test_recorded_trainings_used_the_recipe_that_the_command_uses():
    found = {name: about for name, about in accounts("one_shot_").items() if name.removeprefix("one_shot_").isdecimal()}
    assert len(found) == one_shot.SEEDS
    for name, about in found.items():
        seed = int(name.removeprefix("one_shot_"))
        recorded.is_of(
            about, f"snncore.experiments one_shot --train --seed {seed}", one_shot.RECIPE, one_shot.constants(one_shot.network(seed))
        )
