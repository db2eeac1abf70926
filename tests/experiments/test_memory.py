import argparse
import dataclasses
import json
from copy import deepcopy

import numpy as np
import pytest
import torch

from snncore.datafiles import DataError, Split
from snncore.experiments import memory
from snncore.loihi.emulator import emulate
from snncore.networks.checkpoints import accounts
from snncore.networks.lstm import LSTMNetwork
from snncore.networks.recurrent import run
from snncore.record import Record, read_rows
from snncore.trainings import job as training
from tests.experiments import recorded


def test_a_spike_keeps_the_potential_down_by_the_jump():
    p = memory.ahp(5.0, 1000.0)
    v, a = 0.0, -(1 - p.rho) * p.beta
    for _ in range(60):  # the membrane follows long before the current fades
        v, a = p.alpha * v + a, p.rho * a
    assert v == pytest.approx(-memory.JUMP, rel=0.1)
    assert memory.alif(5.0, 1000.0).beta == memory.JUMP


def test_the_current_mirrors_the_input_while_the_neuron_fires():
    slow = memory.slow_current(memory.config("book"))
    steady = slow[slow["time"] > 1000]
    firing = steady[steady["spike"].rolling(200, center=True).sum() >= 3]
    net = firing["input"] - firing["ahp"]  # what is left of the input, in units of the smallest that fires
    assert len(firing) > 500
    assert net.between(0.4, 2.0).all()
    assert memory.slow_current(memory.config("book", 1))["input"].std() > 0


def test_only_slow_neurons_remember_after_the_membrane_has_forgotten():
    table = memory.probes(memory.config("book")).pivot(index="delay", columns="neuron", values="fewer")
    assert (table["LIF"] == 0).all()
    for name in ("AHP", "ALIF"):
        assert table[name].is_monotonic_decreasing
        assert table[name][0] >= 5
    tau = 700 / np.log(table["AHP"][0] / table["AHP"][800])  # what is left halves as the current does, up to whole spikes
    assert 0.5 < 800 / tau * 700 / 800 < 2


@pytest.mark.parametrize("form", memory.FORMS)
def test_the_lstm_network_has_at_most_as_many_parameters(form):
    sizes = {kind: sum(p.numel() for p in memory.digit_classifier(kind, form, 0).parameters()) for kind in memory.COMPARED}
    assert sizes["lif"] == sizes["alif"] == sizes["ahp"] >= sizes["lstm"] > 0.97 * sizes["lif"]
    inputs = memory.FORMS[form].inputs
    one_more = LSTMNetwork(inputs, memory.lstm_units(inputs, sizes["lif"]) + 1, 10, 28)
    assert sum(p.numel() for p in one_more.parameters()) > sizes["lif"]


@pytest.mark.parametrize("form", memory.FORMS)
def test_time_constants_scale_with_the_number_of_steps(form):
    steps = memory.FORMS[form].steps
    images = np.random.default_rng(0).integers(0, 256, (2, 28, 28), dtype=np.uint8)
    assert memory.FORMS[form].encode(images).shape == (steps, 2, memory.FORMS[form].inputs)
    (_, plain), (_, slow) = memory.populations("ahp", steps)
    assert slow.tau_ahp / steps == pytest.approx(700 / 840)
    assert plain.tau_m == max(2.0, steps / 42)
    assert [size for size, _ in memory.populations("alif", steps)] == [140, 100]
    assert [size for size, _ in memory.populations("lif", steps)] == [240]


@pytest.fixture
def small(tmp_path, monkeypatch):
    g = np.random.default_rng(0)
    labels = g.integers(0, 10, 5400)
    images = np.where(np.arange(28) == 2 * labels[:, None, None] + 4, 255, 0).astype(np.uint8).repeat(28, 1)  # a bright column
    data = {"train": Split(images, labels), "test": Split(images[:200], labels[:200])}
    monkeypatch.setattr(memory, "read_mnist", lambda: data)
    monkeypatch.setattr(training, "TRAINING", tmp_path / "training")
    monkeypatch.setitem(memory.RECIPES, "rows", dataclasses.replace(memory.RECIPES["rows"], epochs=4))
    return tmp_path / "training"


@pytest.mark.parametrize("kind", ["ahp", "lstm", "chip"])
def test_a_training_learns_writes_its_log_and_is_not_repeated(small, kind):
    about = memory.train_digits(kind, "rows", 1)
    assert about["test_accuracy"] > 0.5  # twelve steps in all
    assert json.loads((small / f"memory_{kind}_rows_1.json").read_text()) == about
    assert about["command"].endswith(f"memory --train {kind} --form rows --seed 1")
    (small / f"memory_{kind}_rows_1.state").unlink()
    assert memory.train_digits(kind, "rows", 1) == about
    assert not (small / f"memory_{kind}_rows_1.state").exists()


def test_claims_are_means_over_seeds_and_gains_in_spreads(tmp_path, monkeypatch):
    accuracy = {"lif": 0.90, "alif": 0.94, "ahp": 0.95, "lstm": 0.97}
    monkeypatch.setattr(memory, "train_digits", lambda kind, form, seed: {"test_accuracy": accuracy[kind] + 0.01 * seed, "parameters": 1})
    memory.gains(Record("memory", "book", tmp_path), 3, 0)
    rows = {row["id"]: row for row in read_rows(tmp_path)}
    assert rows["mem.rows.ahp_over_lif"]["ours"] == pytest.approx(5)  # 5 points, standard deviation 1 point
    assert rows["mem.grid14.lstm"]["ours"] == pytest.approx(98)
    assert (rows["mem.rows.lif"]["low"], rows["mem.rows.lif"]["high"]) == (pytest.approx(90), pytest.approx(92))


def test_the_full_length_network_is_asked_in_floats_and_on_the_chip(small, tmp_path, monkeypatch):
    networks = {kind: memory.digit_classifier(kind, "full", 0) for kind in ("chip", "lstm")}
    network, lstm = networks.values()
    monkeypatch.setattr(memory, "recorded", networks.get)
    memory.full_length(Record("memory", "book", tmp_path))
    rows = {row["id"].removeprefix("mem.smnist."): row["ours"] for row in read_rows(tmp_path)}
    test = memory.read_mnist()["test"]
    x, labels = network.form.encode(test.images), torch.from_numpy(test.labels)
    with torch.no_grad():
        found = network.network(x.float())
        by_lstm = lstm.network(x.float())[-1].argmax(1)
    chip = emulate(memory.on_chip(network), x.numpy(), input_lag=0, trace=True)
    chosen, chosen_on_chip = found.y[-1].argmax(1), torch.from_numpy(chip.v[:, 240:].argmax(1))
    right, right_on_chip, same = (100 * int(x.sum()) / 200 for x in (chosen == labels, chosen_on_chip == labels, chosen == chosen_on_chip))
    assert (rows["ahp"], rows["agreement"]) == (pytest.approx(right), pytest.approx(same))
    assert rows["lstm"] == pytest.approx(100 * int((by_lstm == labels).sum()) / 200)
    assert rows["gap"] == pytest.approx(rows["lstm"] - right)
    assert rows["emulator_gap"] == pytest.approx(right - right_on_chip)
    double = deepcopy(network.network).double()
    with torch.no_grad():
        in_double = run(x.double(), double.weights(), double.populations, double.readout, compiled=False).y[-1].argmax(1)
    assert rows["agreement.double"] == pytest.approx(100 * int((chosen == in_double).sum()) / 200)
    assert rows["spikes"] == pytest.approx(chip.z_trace[..., :240].sum() / 200)


def test_recorded_trainings_used_the_recipe_that_the_command_uses():
    found = accounts("memory_")
    assert "memory_chip_full_0" in found
    for name, about in found.items():
        _, kind, form, seed = name.split("_")
        words = f"memory --train {kind} --form {form} --seed {seed}"
        recorded.is_of(about, f"snncore.experiments {words}", memory.recipe(kind, form), memory.constants(kind, form))
    curves = memory.curves()
    assert len(curves) == sum(len(about["log"]) for about in found.values())
    assert curves["accuracy"].between(10, 100).all()


def test_without_seeds_no_data_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "read_mnist", lambda: pytest.fail("data were read"))
    memory.run(memory.config("smoke"), Record("memory", "book", tmp_path))
    (row,) = read_rows(tmp_path)
    assert (row["id"], row["ours"]) == ("mem.ahp.equation", True)


def test_the_command_trains(monkeypatch, capsys):
    monkeypatch.setattr(memory, "train_digits", lambda *given: {"test_accuracy": 0.5, "given": given})
    assert not memory.command(argparse.Namespace(train=None))
    assert memory.command(argparse.Namespace(train="ahp", form="rows", seed=2))
    assert "50.00 %" in capsys.readouterr().out


def test_readouts_are_means_over_the_steps_in_which_it_is_asked():
    n = memory.digit_classifier("ahp", "grid14", 0)
    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 28, 28), dtype=np.uint8))
    y = n.network(n.form.encode(images.numpy()).float()).y
    assert y.shape == (210, 3, 10)
    assert torch.allclose(n(images), y[196:].mean(0))


def test_the_chips_network_is_sparse_and_answers_there_as_in_floats():
    n = memory.digit_classifier("chip", "full", 0)
    weights = n.network.weights()
    assert [int((w != 0).sum()) / w.numel() for w in weights] == pytest.approx([0.2, 0.2, 0.2], abs=0.01)
    assert all(torch.equal(w, n.network.weights()[i]) for i, w in enumerate(weights))
    images = torch.zeros(20, 28, 28, dtype=torch.uint8)
    for i, image in enumerate(images):  # strokes, as in digits
        image[4:24, 4 + i // 2 : 7 + i // 2] = 255
        image[4 + i % 10 : 8 + i % 10, 6:22] = 200
    x = n.form.encode(images.numpy())
    with torch.no_grad():
        float_ = n.network(x.float())
    chip = emulate(memory.on_chip(n), x.numpy(), input_lag=0, trace=True)
    assert 0.005 < float_.z.mean() < 0.2
    assert (chip.z_trace[..., :240] == float_.z.numpy()).mean() > 0.97
    chosen = chip.v[:, 240:].argmax(1)
    assert (chosen == n(images).argmax(1).numpy()).mean() >= 0.7  # untrained readouts lie close together
    y, v = float_.y[-1].flatten().double(), torch.from_numpy(chip.v[:, 240:]).double().flatten()
    assert torch.corrcoef(torch.stack([y, v]))[0, 1] > 0.9


def test_firing_rates_cost_what_they_are_said_to():
    n = memory.digit_classifier("chip", "grid14", 0)
    images, labels = torch.randint(0, 256, (4, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)), torch.arange(4)
    y, z = n.answer(images)
    rates = z.sum((0, 1)) / (210 * 4)
    expected = torch.nn.functional.cross_entropy(y, labels) + memory.RATE_COST * ((rates - memory.RATE) ** 2).sum()
    assert float(memory.sparse_loss(n, images, labels, 0.5).detach()) == pytest.approx(float(expected.detach()), rel=1e-5)


def test_a_current_that_is_off_the_equation_is_found():
    slow = memory.slow_current(memory.config("smoke"))
    assert memory.off_equation(slow) < 1e-12
    assert slow["spike"].sum() > 5
    slow.loc[500, "ahp"] *= 1.001
    assert memory.off_equation(slow) > 1e-4


def test_weights_of_other_constants_are_refused(monkeypatch):
    """Equal shapes, but readouts that forget sooner: the account knows."""
    monkeypatch.setattr(memory, "CHIP_READ", 5.0)
    with pytest.raises(DataError, match=r"another configuration \(tau_out is 60\.0 there and 5\.0 here"):
        memory.recorded("chip")
