"""Training by gradients that are drawn anew: killed and resumed it is the same, and its rates are as the formula says."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from snncore.learning.descent import SETTLED, Descent, descend
from snncore.learning.resumable import TrainingDiverged
from snncore.seeds import torch_generator

RECIPE = Descent(updates=12, rate=0.1, every=4, clip=1.5)
IMPOSSIBLE = {"every": 0, "cycles": 0, "rate": -0.1, "knee": 0.0, "clip": 0.0, "end": 2, "updates": 10}


def task(network, kill_at=None, nan_at=None):
    def update(k, generator):
        if k == kill_at:
            raise KeyboardInterrupt
        x = torch.randn(8, 3, generator=generator) * (30 if k == 7 else 1)  # one gradient far longer than the others
        loss = (network(x) - x.sum(1, keepdim=True)).square().mean()
        loss.backward()
        return {"loss": math.nan if k == nan_at else float(loss.detach()), **({"tested": 5.0} if k == 6 else {})}

    return update


def fresh():
    network = nn.Linear(3, 1)
    network.weight.data.fill_(0.1), network.bias.data.fill_(0.0)
    return network


def test_it_is_adam(tmp_path):
    """Without clipping and with a constant rate, against a plain loop."""
    ours, plain = fresh(), fresh()
    descend(ours, task(ours), Descent(8, 0.05, every=8), 3, tmp_path / "state")
    optimizer = torch.optim.Adam(plain.parameters(), 0.05)
    for k in range(8):
        optimizer.zero_grad()
        task(plain)(k, torch_generator(3, f"update {k}"))
        optimizer.step()
    assert torch.equal(ours.weight, plain.weight)


@pytest.mark.parametrize("kill_at", [None, 12, 14])
def test_a_cycle_begins_anew_from_the_weights_of_the_one_before(tmp_path, kill_at):
    """Two cycles, killed where the second begins or within it or not at all, against two trainings of one cycle."""
    one, two = fresh(), fresh()
    first, state = Descent(12, 0.1, end=0.1, every=4, clip=1.5), tmp_path / "two.state"
    second, both = replace(first, rate=0.05, warmup=SETTLED), replace(first, updates=24, cycles=2)
    descend(one, task(one), first, 0, tmp_path / "first.state")
    later = task(one)
    descend(one, lambda k, _: later(k + 12, torch_generator(0, f"update {k + 12}")), second, 0, tmp_path / "second.state")
    if kill_at is not None:
        with pytest.raises(KeyboardInterrupt):
            descend(two, task(two, kill_at), both, 0, state)
        two = fresh()
    log = descend(two, task(two), both, 0, state)
    assert torch.equal(one.weight, two.weight)
    assert [row["update"] for row in log] == [4, 8, 12, 16, 20, 24]
    assert [row.get("tested") for row in log] == [None, 5.0, None, None, None, None]
    assert log[2]["loss"] < log[0]["loss"]
    assert [both.at(k) for k in (0, 11, 12, 23)] == [first.at(0), first.at(11), second.at(0), second.at(11)]


@pytest.mark.parametrize("clip", [1.5, math.inf])
def test_long_gradients_are_shortened(tmp_path, clip):
    """Update 7 has a gradient hundreds of times as long as others; Adam's mean of squares tells whether it was left so."""
    network = fresh()
    descend(network, task(network), Descent(12, 0.01, every=4, clip=clip), 0, tmp_path / "state")
    moments = torch.load(tmp_path / "state", weights_only=True)["optimizer"]["state"].values()
    largest = max(float(m["exp_avg_sq"].max()) for m in moments)  # of squares: clipped ones are all alike
    assert (largest > 100) == (clip == math.inf)


def test_rates():
    assert [Descent(100, 0.5, knee=50).at(k) for k in (0, 50, 99)] == [0.5, 0.25, 0.5 / (1 + 99 / 50)]
    cosine = Descent(100, 0.5, warmup=10, end=0.1)
    assert [cosine.at(0), cosine.at(50)] == pytest.approx([0.05, 0.5 * 0.55])
    assert cosine.at(99) == pytest.approx(0.05, rel=0.01)
    assert Descent(50, 0.1, warmup=0).at(0) == 0.1


def test_what_diverges_stops_and_states_of_other_trainings_are_refused(tmp_path):
    network, state = fresh(), tmp_path / "s.state"
    with pytest.raises(TrainingDiverged, match="update 6: the loss is nan"):
        descend(network, task(network, nan_at=5), RECIPE, 0, state)
    assert [row["update"] for row in torch.load(state, weights_only=True)["log"]] == [4]

    def exploding(k, generator):
        row = task(network)(k, generator)
        network.weight.grad.fill_(math.inf)
        return row

    with pytest.raises(TrainingDiverged, match=r"update 1: the loss is .* the length of its gradient inf; there is no good state before"):
        descend(network, exploding, RECIPE, 0, tmp_path / "new.state")
    assert network.weight.isfinite().all()
    with pytest.raises(ValueError, match=r"belongs to another recipe, seed or network \(seed is 0 there and 1 here\): remove it"):
        descend(fresh(), task(network), RECIPE, 1, state)
    with pytest.raises(ValueError, match=r"\(recipe.rate is 0.1 there and 0.2 here, constants.rate is not given there and 0.1 here\)"):
        descend(fresh(), task(network), replace(RECIPE, rate=0.2), 0, state, {"rate": 0.1})


@pytest.mark.parametrize(("name", "value"), IMPOSSIBLE.items())
def test_impossible_recipes_are_refused(name, value):
    with pytest.raises(ValueError, match=f"{name} is {value}"):
        replace(RECIPE, **{name: value})
