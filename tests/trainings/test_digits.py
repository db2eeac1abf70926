"""Networks for digits seen bit by bit: sizes, constants, what they answer, and their trainings."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from snncore.loihi.deploy import deploy
from snncore.loihi.emulator import emulate
from snncore.networks.lstm import LSTMNetwork
from snncore.tasks.data_sets import Split, read_mnist_test
from snncore.trainings import digits, job


@pytest.mark.parametrize("form", digits.FORMS)
def test_the_lstm_network_has_at_most_as_many_parameters_and_time_constants_scale_with_steps(form):
    kinds = (*digits.COMPARED, *digits.OTHER_RESETS, "ahp-learned")
    sizes = {kind: sum(p.numel() for p in digits.network(kind, form, 0).parameters()) for kind in kinds}
    assert sizes.pop("ahp-learned") == sizes["ahp"] + 240 + 100  # tau_m of all, tau_ahp of the slow ones
    assert len({sizes[kind] for kind in sizes if kind != "lstm"}) == 1
    assert sizes["lif"] >= sizes["lstm"] > 0.97 * sizes["lif"]
    inputs = digits.FORMS[form].inputs
    one_more = LSTMNetwork(inputs, digits.lstm_units(inputs, sizes["lif"]) + 1, 10, 28)
    assert sum(p.numel() for p in one_more.parameters()) > sizes["lif"]
    steps = digits.FORMS[form].steps
    images = np.random.default_rng(0).integers(0, 256, (2, 28, 28), dtype=np.uint8)
    assert digits.FORMS[form].encode(images).shape == (steps, 2, digits.FORMS[form].inputs)
    (_, plain), (_, slow) = digits.populations("ahp", steps)
    assert slow.tau_ahp / steps == pytest.approx(700 / 840)
    assert plain.tau_m == max(2.0, steps / 42)


def test_kinds_differ_in_the_reset_of_the_neurons_after_which_they_are_named():
    resets = {kind: [p.reset_to_zero for _, p in digits.populations(kind, 840)] for kind in ("lif", "alif", "ahp", *digits.OTHER_RESETS)}
    slow = {"alif-zero": [True, True], "alif": [True, False], "ahp": [True, True], "ahp-subtract": [True, False]}
    assert resets == {"lif": [True], "lif-subtract": [False]} | slow


def test_readouts_are_means_over_the_steps_in_which_it_is_asked():
    n = digits.network("ahp", "grid14", 0)
    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 28, 28), dtype=np.uint8))
    y = n.network(n.form.encode(images.numpy()).float()).y
    assert y.shape == (210, 3, 10)
    assert torch.allclose(n(images), y[196:].mean(0))


@pytest.mark.parametrize("is_trained", [False, True])
def test_the_chips_network_spikes_there_as_in_floats(is_trained):
    n = digits.trained("chip") if is_trained else digits.network("chip", "full", 0)
    images = torch.zeros(20, 28, 28, dtype=torch.uint8)
    for i, image in enumerate(images):  # strokes, as in digits
        image[4:24, 4 + i // 2 : 7 + i // 2] = 255
        image[4 + i % 10 : 8 + i % 10, 6:22] = 200
    x = n.form.encode(images.numpy())
    with torch.no_grad():
        float_ = n.network(x.float())
    chip = emulate(deploy(n.network).chip, x.numpy(), input_lag=0, trace=True)
    z, on_chip = float_.z.numpy(), chip.z_trace[..., :240]
    assert 0.005 < z.mean() < 0.2
    early = 150 if is_trained else 200  # later, more spikes are shifted, and those of a trained network shift others
    assert (z != on_chip)[:early].sum() < 0.02 * z[:early].sum() > 50
    assert np.corrcoef(z.mean((0, 1)), on_chip.mean((0, 1)))[0, 1] > 0.99  # rates of neurons
    if not is_trained:
        assert (z == on_chip).mean() > 0.97


@pytest.mark.parametrize("is_trained", [False, True])
def test_the_chips_network_answers_there_as_in_floats(is_trained):
    n = digits.trained("chip") if is_trained else digits.network("chip", "full", 0)
    images = np.array(read_mnist_test().images[:30])
    with torch.no_grad():
        y = n(torch.from_numpy(images)).numpy()
    v = emulate(deploy(n.network).chip, n.form.encode(images).numpy(), input_lag=0).v[:, 240:]
    assert np.corrcoef(y.ravel(), v.ravel())[0, 1] > 0.9
    if is_trained:
        assert (v.argmax(1) == y.argmax(1)).mean() >= 0.8


def test_firing_rates_cost_what_they_are_said_to():
    n = digits.network("chip", "grid14", 0)
    images, labels = torch.randint(0, 256, (4, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)), torch.arange(4)
    y, z = n.answer(images)
    rates = z.sum((0, 1)) / (210 * 4)
    expected = torch.nn.functional.cross_entropy(y, labels) + digits.RATE_COST * ((rates - digits.RATE) ** 2).sum()
    assert float(digits.sparse_loss(n, images, labels, 0.5).detach()) == pytest.approx(float(expected.detach()), rel=1e-5)


def test_only_the_lstm_network_of_the_full_length_learns_from_images_that_move(monkeypatch):
    images = np.zeros((5001, 28, 28), np.uint8)
    images[:, 10, 20] = 7
    split = Split(images, np.zeros(5001, int))
    monkeypatch.setattr(digits, "classified", lambda prepare: prepare)
    monkeypatch.setattr(digits, "train_or_read", lambda *args, **about: {"job": args[4]()})
    monkeypatch.setattr(digits, "read_mnist", lambda: dict.fromkeys(("train", "test"), split))
    kinds = [(kind, form) for kind in ("ahp", "chip", "lstm") for form in ("rows", "full")]
    jobs = {kind: digits.account(*kind)["job"] for kind in kinds}
    assert [kind for kind, job in jobs.items() if "augment" in job.options or "moved" in job.about] == [("lstm", "full")]
    seen = jobs["lstm", "full"].options["augment"](torch.from_numpy(images[:500]), torch.Generator().manual_seed(0))
    assert seen.dtype == torch.uint8
    assert {(int(y), int(x)) for _, y, x in seen.nonzero()} == {(y, x) for y in range(8, 13) for x in range(18, 23)}
    assert len(seen.nonzero()) == 500


@pytest.mark.parametrize("kind", ["ahp", "lstm", "chip"])
def test_a_training_learns_writes_its_log_and_is_not_repeated(kind, tmp_path, monkeypatch):
    labels = np.random.default_rng(0).integers(0, 10, 5400)
    images = np.where(np.arange(28) == 2 * labels[:, None, None] + 4, 255, 0).astype(np.uint8).repeat(28, 1)  # a bright column
    data = {"train": Split(images, labels), "test": Split(images[:200], labels[:200])}
    monkeypatch.setattr(job, "TRAINING", tmp_path)
    monkeypatch.setattr(digits, "read_mnist", lambda: data)
    monkeypatch.setitem(digits.RECIPES, "rows", dataclasses.replace(digits.RECIPES["rows"], epochs=4))
    about = digits.account(kind, "rows", 1)
    assert about["test_accuracy"] > 0.5  # twelve steps in all
    assert json.loads((tmp_path / f"memory_{kind}_rows_1.json").read_text()) == about
    assert about["command"].endswith(f"digits --neurons {kind} --form rows --seed 1")
    (tmp_path / f"memory_{kind}_rows_1.state").unlink()
    monkeypatch.setattr(digits, "read_mnist", lambda: pytest.fail("data were read"))
    assert digits.account(kind, "rows", 1) == about
    assert not (tmp_path / f"memory_{kind}_rows_1.state").exists()
