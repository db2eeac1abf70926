import argparse
import dataclasses
import json
import math

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from snncore.datafiles import read_photographs_20
from snncore.experiments import __main__ as command_line
from snncore.experiments import images, ledger, speed
from snncore.experiments.record import Record, read_rows
from snncore.few_spike import coefficients, fs_neuron, relu_code
from snncore.few_spike.convert import convert
from snncore.few_spike.evaluate import Traffic, stepwise
from snncore.few_spike.rate_code import later_half, rate_coded, simulate, synapses
from snncore.networks.checkpoints import about_checkpoint
from snncore.networks.images import efficientnet_lite, efficientnet_lite_input
from snncore.tasks.images import Labeled


def pair(bias=0.0):
    with torch.random.fork_rng():
        torch.random.default_generator.manual_seed(0)
        ann = nn.Sequential(nn.Flatten(), nn.Linear(12, 30), nn.ReLU(), nn.Linear(30, 4)).eval()
    with torch.no_grad():
        ann[1].bias.add_(bias)
    x = torch.randn(60, 3, 2, 2, generator=torch.Generator().manual_seed(1))
    return ann, convert(ann, x[:1], coefficients={"relu": relu_code(4.0, 3)}).network, x


def test_all_families_of_classifiers_are_counted(tmp_path):
    images.families(Record("images", "smoke", tmp_path))
    table = pd.read_csv(tmp_path / "families.csv", keep_default_na=False).set_index("network")
    assert tuple(table.index) == images.FAMILIES
    first = 64 * 55**2 + 192 * 27**2 + (384 + 2 * 256) * 13**2 + 2 * 4096  # of AlexNet
    assert table.loc["alexnet"].tolist() == [7, f"{first:,}", "relu", "3 MaxPool2d"]
    patches = 14 * 14 + 1
    assert table.loc["vit_b_16"].tolist() == [12, f"{12 * patches * 3072:,}", "gelu", "25 LayerNorm, 12 MultiheadAttention"]
    assert table["analog"]["swin_t"].endswith("12 shifted_window_attention")
    assert table["activations"]["mobilenet_v3_small"] == "hardsigmoid, hardswish, relu"


def test_agreement_and_drop_are_counted_over_all_batches():
    ann, snn, x = pair()
    labels = ann(x).argmax(1).numpy().copy()
    labels[:20] = (labels[:20] + 1) % 4
    found = images.compare(ann, snn, iter(x.split(7)), labels, len(x), "test")
    a, s = ann(x).argmax(1).numpy(), snn(x).argmax(1).numpy()
    assert 0 < (a != s).sum() < 30
    assert found.agreement == pytest.approx(100 * (a == s).mean())
    assert found.drop == pytest.approx(100 * (40 / 60 - (s == labels).mean()))
    assert found.statistics.layers[0].images == 60


def test_answers_that_are_no_numbers_are_refused():
    ann, _, x = pair()
    _, broken, _ = pair()
    with torch.no_grad():
        broken.get_submodule("3").weight[0, 0] = torch.nan
    with pytest.raises(ValueError, match="test: the converted network gives 60 outputs that are not finite"):
        images.compare(ann, broken, iter([x]), np.zeros(60), 60, "test")


def test_spikes_of_the_raster_are_binary_digits_of_the_original_activations(tmp_path):
    table = images.raster(Record("images", "smoke", tmp_path))
    ann, photograph = efficientnet_lite(0), efficientnet_lite_input(read_photographs_20().images[:1])
    with torch.inference_mode():
        y = ann._bn0(ann._conv_stem(photograph)).clamp(0, 6)[0, :, 56, 56].sort().values
    K = images.LITE_K[0]
    assert (table["number"] - y.numpy()).abs().max() <= 6 / 2 ** (K - 1) / 2 * 1.001
    digits = table.filter(like="step").to_numpy() @ (6 / 2.0 ** np.array([0, *range(1, K)]))
    assert digits == pytest.approx(table["number"])
    assert 0 < digits.max() <= 6


def test_wilson_interval_is_its_formula():
    k, n, z = 690, 700, 1.959964
    p, low_high = k / n, images.wilson(690, 700)
    center, half = (p + z * z / 2 / n) / (1 + z * z / n), z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / 4 / n / n)
    assert low_high == pytest.approx((center - half, center + half), rel=1e-6)


def test_work_adds_up(tmp_path):
    record = Record("images", "smoke", tmp_path)
    table = images.work(record, (Traffic("a", 1000, 1000, 0, 1000), Traffic("b", 3000, 900, 1500, 0)), 80)
    integers = 0.2 + 0.1  # a product of 8 bits, and an addition to a sum of 32
    assert table["energy"].tolist() == pytest.approx(
        [4000 * 4.6, 4000 * integers, 1900 * integers, 1000 * 4.6 + 1580 * 0.9, 1000 * integers + 1580 * 0.1]
    )
    values = json.loads((tmp_path / "values.json").read_text())
    assert values["graded_share"]["text"] == "25 %"


def convolutional():
    with torch.random.fork_rng():
        torch.random.default_generator.manual_seed(0)
        layers = nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 6, 3, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        ann = nn.Sequential(*layers, nn.Linear(6, 4)).double().eval()
    x = torch.randn(160, 3, 8, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    with torch.no_grad():
        ann[-1].bias -= ann(x).mean(0)  # so that it gives various answers
        first, second = ann(x).topk(2).values.T
    return ann, x[(first - second).argsort()[-40:]]  # of which it is sure


def test_rate_coding_is_judged_where_it_comes_close_to_the_original(tmp_path, monkeypatch):
    monkeypatch.setattr(images.speed, "has_spikingjelly", lambda: False)
    ann, x = convolutional()
    labels = ann(x).argmax(1)  # so the original is right about all
    few, record = convert(ann, x[:1], x, K=6).network, Record("images", "smoke", tmp_path)
    found = images.against_rate_coding(record, "resnet20", ann, few, x, Labeled(x, labels), "tests", steps=40)
    run = simulate(rate_coded(ann, x), x, 40)
    right = (run.outputs.argmax(-1) == labels).double().mean(1)
    needed = next(t for t in range(40) if right[t] >= 0.995)
    assert 0 < needed < 39
    assert found["enough"]["rate"]
    assert found["steps"].to_dict() == {"few_spikes": 6, "rate": needed + 1}
    assert found["additions"]["rate"] == pytest.approx(float(run.accumulates[: needed + 1].sum()) / 40)
    _, traffic = stepwise(few, x)
    additions, graded = (sum(getattr(t, key) for t in traffic) / 40 for key in ("spikes", "graded"))
    assert found["additions"]["few_spikes"] == pytest.approx(additions)
    assert found["energy"]["few_spikes"] == pytest.approx((4.6 * graded + 0.9 * additions) / 1e6)
    rows = {row["id"]: row["ours"] for row in read_rows(tmp_path)}  # without the peer, none about it
    energy = found["energy"]["rate"] / found["energy"]["few_spikes"]
    assert rows == {
        "img.rate.resnet20.steps": needed + 1,
        "img.rate.resnet20.energy": pytest.approx(energy),
        "img.throughput": (needed + 1) / (2 * 6),
    }


def test_rate_coding_that_is_never_close_enters_no_claim(tmp_path, monkeypatch):
    monkeypatch.setattr(images.speed, "has_spikingjelly", lambda: False)
    ann, x = convolutional()
    record = Record("images", "smoke", tmp_path)
    test = Labeled(x, ann(x).argmax(1))
    found = images.against_rate_coding(record, "a", ann, convert(ann, x[:1], x, K=8).network, x, test, "tests", steps=1)
    assert not found["enough"]["rate"]
    assert read_rows(tmp_path) == []


def test_a_missing_peer_is_left_out_with_a_word(monkeypatch, capsys):
    monkeypatch.setattr(speed.importlib.util, "find_spec", lambda name: None)
    assert not speed.has_spikingjelly()
    assert "SpikingJelly is left out: it is not installed (pip install 'snncore[oracles]')" in capsys.readouterr().out


def test_our_rate_code_does_in_every_step_what_spikingjelly_does():
    pytest.importorskip("spikingjelly")
    ann, x = convolutional()
    coded = rate_coded(ann, x)
    layers = synapses(coded, x)
    ours = simulate(coded, x, 30, layers)
    theirs = speed.run_spikingjelly(speed.spikingjelly(ann, x, **speed.SPIKINGJELLY["spikingjelly_robust"]), x, 30, layers)
    readouts = torch.diff(theirs.outputs * torch.arange(1, 31).view(-1, 1, 1), dim=0, prepend=torch.zeros(1, *theirs.outputs.shape[1:]))
    assert torch.allclose(ours.outputs, later_half(readouts), rtol=1e-9, atol=1e-9)
    assert ours.spikes.min() > 0
    for name in ("spikes", "accumulates", "graded"):
        assert torch.equal(getattr(ours, name), getattr(theirs, name))
    assert ours.neurons == theirs.neurons


def test_the_error_of_a_neuron_is_what_inputs_drawn_at_random_give():
    x = -0.0632 + 1.5633 * torch.randn(400_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for name in ("silu.k8", "silu.published"):
        drawn = (fs_neuron(x, coefficients(name).params) - torch.nn.functional.silu(x)).square().mean()
        assert images.b7_error(name) == pytest.approx(float(drawn), rel=0.03)


def test_schedules_and_extension_give_their_claims(tmp_path):
    record = Record("images", "book", tmp_path)
    images.schedules(record)
    images.complement(record, images.PRESETS["book"])
    rows = {row["id"]: row["ours"] for row in read_rows(tmp_path)}
    assert rows["img.schedule.period"] == 2 * 16
    assert rows["img.schedule.latency"] == "K x (number of layers + 1) steps"
    assert rows["img.complement.spikes"] == pytest.approx(2.134 - 0.884 + 0.116)
    values = json.loads((tmp_path / "values.json").read_text())
    layers, K = 1 + 2 * 3 * 3, images.CIFAR_K["resnet20"]  # ReLUs: the first, and two in each of three times three blocks
    expected = {"resnet20_layers": layers, "resnet20_latency": K * (layers + 1), "resnet20_period": 2 * K}
    assert {key: values[key]["value"] for key in expected} == expected


def test_the_error_grows_from_layer_to_layer_and_the_control_begins_small():
    table = images.b7_errors(images.PRESETS["smoke"])
    assert set(table["set"]) == {"published", "ours", "control"}
    assert table.groupby("set")["layer"].max().tolist() == [218] * 3
    first = table[table["layer"] == 1].set_index("set")["error"]
    assert first["control"] < first["ours"] < first["published"]


def test_a_training_is_asked_for_by_name(monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(images, "train_cifar", lambda *given: asked.append(given) or {"test_accuracy": 0.5})
    monkeypatch.setattr("sys.argv", ["experiments", "images", "--train", "resnet8", "--seed", "3"])
    assert command_line.main() == 0
    assert "50.00 %" in capsys.readouterr().out
    assert asked == [("resnet8", 3)]
    monkeypatch.setattr("sys.argv", ["experiments", "images", "--train", "resnet18"])
    with pytest.raises(SystemExit):
        command_line.main()
    assert "invalid choice: 'resnet18'" in capsys.readouterr().err
    assert not images.command(argparse.Namespace(train=None, model=None, images=None, results=None, batch=None))


def test_speed_refuses_to_time_what_is_not_equal(tmp_path, monkeypatch):
    monkeypatch.setattr(speed, "fs_neuron", lambda x, p: x)
    with pytest.raises(ValueError, match="do not trust its time"):
        speed.activation(Record("speed", "smoke", tmp_path), speed.PRESETS["smoke"])


def test_smoke_runs_enter_no_measured_number(tmp_path):
    record = Record("images", "smoke", tmp_path)
    images.run(images.config("smoke"), record)
    _, claims = ledger.read_claims(images.package_file("claims.toml"))
    rows = {row["id"] for row in read_rows(tmp_path)}
    assert rows <= set(claims)
    assert not any(word in id for id in rows for word in ("lite", "cifar", "speed", "difference"))


@pytest.mark.parametrize("name", images.CIFAR)
def test_checkpoints_come_from_the_commands_that_are_in_the_code(name):
    about = about_checkpoint(f"cifar_{name}")
    assert about["recipe"] == dataclasses.asdict(images.RECIPES[name])
    assert about["command"] == f"python -m snncore.experiments images --train {name} --seed 0"
    assert [row["epoch"] for row in about["log"]] == list(range(1, about["recipe"]["epochs"] + 1))
    assert about["log"][-1]["held_out"] == pytest.approx(about["test_accuracy"], abs=0.03)  # of 2,000 images
