import argparse
import dataclasses
import json
import math

import numpy as np
import pandas as pd
import pytest
import scipy.stats
import torch
from safetensors.torch import load_file
from torch import nn

from snncore import ledger
from snncore.datafiles import DataError, read_photographs_20
from snncore.experiments import __main__ as command_line
from snncore.experiments import images
from snncore.few_spike import FSParams, coefficients, fs_neuron, fs_run, relu_code
from snncore.few_spike.convert import convert
from snncore.few_spike.evaluate import Traffic, statistics, stepwise
from snncore.few_spike.rate_code import later_half, rate_coded, simulate, synapses
from snncore.few_spike.schedule import answers
from snncore.networks.images import efficientnet_lite, efficientnet_lite_input
from snncore.peers import ask
from snncore.peers.ask_spikingjelly import SPIKINGJELLY, run_spikingjelly, spikingjelly
from snncore.record import Record, read_rows
from snncore.statistics import share
from snncore.tasks.images import Labeled
from snncore.trainings import job as training


def pair():
    ann = nn.Sequential(nn.Flatten(), nn.Linear(12, 30), nn.ReLU(), nn.Linear(30, 4)).eval()
    x = torch.randn(60, 3, 2, 2, generator=torch.Generator().manual_seed(1))
    return ann, convert(ann, x[:1], coefficients={"relu": relu_code(4.0, 3)}).network, x


@pytest.mark.parametrize("others", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_all_families_of_classifiers_are_counted(tmp_path, monkeypatch, others):
    named = ("alexnet", "vit_b_16", "swin_t", "mobilenet_v3_small")
    assert set(named) < set(images.FAMILIES)
    if not others:
        monkeypatch.setattr(images, "FAMILIES", named)
    images.families(Record("images", "book", tmp_path))
    table = pd.read_csv(tmp_path / "families.csv", keep_default_na=False).set_index("network")
    assert tuple(table.index) == images.FAMILIES
    first = 64 * 55**2 + 192 * 27**2 + (384 + 2 * 256) * 13**2 + 2 * 4096  # of AlexNet
    assert table.loc["alexnet"].tolist() == [7, f"{first:,}", "relu", "3 MaxPool2d"]
    patches = 14 * 14 + 1
    assert table.loc["vit_b_16"].tolist() == [12, f"{12 * patches * 3072:,}", "gelu", "25 LayerNorm, 12 MultiheadAttention"]
    assert table["analog"]["swin_t"].endswith("12 shifted_window_attention")
    assert table["activations"]["mobilenet_v3_small"] == "hardsigmoid, hardswish, relu"


def test_agreement_and_drop_are_counted_over_all_batches(tmp_path):
    ann, snn, x = pair()
    labels = ann(x).argmax(1).numpy().copy()
    labels[:20] = (labels[:20] + 1) % 4
    found = images.compare(ann, snn, iter(x.split(7)), labels, len(x), "test")
    a, s = ann(x).argmax(1).numpy(), snn(x).argmax(1).numpy()
    assert 0 < (a != s).sum() < 30
    images.all_claims(Record("images", "book", tmp_path), "img.lite0.", found)
    rows = {row["id"]: row["ours"] for row in read_rows(tmp_path)}
    assert rows["img.lite0.agreement"] == pytest.approx(100 * (a == s).mean())
    assert rows["img.lite0.ann"] == pytest.approx(100 * 40 / 60)
    assert found.drop == pytest.approx(100 * (40 / 60 - (s == labels).mean()))
    low, high = found.drop_interval
    assert low < found.drop < high
    swapped = found._replace(ann=found.snn, snn=found.ann)
    assert swapped.drop_interval == pytest.approx((-high, -low))
    assert found.statistics.layers[0].images == 60
    each = [float(fs_run(part, relu_code(4.0, 3))[0].sum()) / 30 for part in ann[:2](x)]
    t = scipy.stats.t.interval(0.95, 59, np.mean(each), scipy.stats.sem(each))
    assert found.spikes_interval == pytest.approx(t)


def test_answers_that_are_no_numbers_are_refused():
    ann, broken, x = pair()
    with torch.no_grad():
        broken.get_submodule("3").weight[0, 0] = torch.nan
    with pytest.raises(ValueError, match="test: the converted network gives 60 outputs that are not finite"):
        images.compare(ann, broken, iter([x]), np.zeros(60), 60, "test")


def test_spikes_of_the_raster_are_binary_digits_of_the_original_activations(tmp_path):
    table = images.raster(Record("images", "book", tmp_path))
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
    p, (percent, *low_high) = k / n, share(np.arange(n) < k)
    center, half = (p + z * z / 2 / n) / (1 + z * z / n), z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / 4 / n / n)
    assert percent == pytest.approx(100 * p)
    assert low_high == pytest.approx([100 * (center - half), 100 * (center + half)], rel=1e-6)


def test_interval_of_a_difference_covers_it_as_often_as_it_says():
    """All pairs of counts that may come up, each with its probability: no simulation."""
    n = 200
    for first, second in ((0.02, 0.01), (0.05, 0.05), (0.3, 0.1), (0.01, 0.01)):
        covered = 0.0
        b = np.arange(n + 1)
        for k, p in zip(b, scipy.stats.binom.pmf(b, n, first), strict=True):
            for m, q in enumerate(scipy.stats.binom.pmf(np.arange(n - k + 1), n - k, second / (1 - first))):
                if p * q > 1e-8:
                    low, high = images.tango(int(k), m, n)
                    covered += p * q * (low <= first - second <= high)
        assert 0.94 < covered < 0.98


def test_interval_of_a_difference_is_known_at_the_ends():
    z = 1.959964
    assert images.tango(0, 0, 700) == pytest.approx((-(z**2) / (700 + z**2), z**2 / (700 + z**2)), rel=1e-5)
    low, high = images.tango(20, 0, 20)
    assert high == 1
    assert low == pytest.approx(share(np.ones(20, bool))[1] / 50 - 1, abs=0.03)  # all discordant: nearly a single share
    for b, c, n in ((3, 1, 30), (0, 4, 30), (30, 0, 30), (1, 0, 1)):
        assert images.tango(c, b, n) == pytest.approx(tuple(-end for end in reversed(images.tango(b, c, n))))


def test_spikes_per_neuron_of_the_logs_are_what_the_ledger_has(tmp_path):
    images.counts(Record("images", "book", tmp_path))
    values = json.loads((tmp_path / "values.json").read_text())
    _, claims = ledger.read_claims(images.package_file("claims.toml"))
    for name in ("b7", "resnet50"):
        per_neuron, total = claims[f"img.{name}.spikes_per_neuron"], claims[f"img.{name}.spikes"]
        assert values[f"log_{name}_per_neuron"]["text"] == f"{per_neuron.value:.4f}"
        assert round(values[f"log_{name}_per_neuron"]["value"], 2) == per_neuron.published
        assert values[f"log_{name}_per_neuron"]["value"] * claims[f"img.{name}.neurons"].published == pytest.approx(1e6 * total.value)


def test_work_adds_up(tmp_path):
    record = Record("images", "book", tmp_path)
    table = images.work(record, (Traffic("a", 1000, 1000, 0, 1000), Traffic("b", 3000, 900, 1500, 0)), 80)
    integers = 0.2 + 0.1  # a product of 8 bits, and an addition to a sum of 32
    assert table["energy"].tolist() == pytest.approx(
        [4000 * 4.6, 4000 * integers, 1900 * integers, 1000 * 4.6 + 1580 * 0.9, 1000 * integers + 1580 * 0.1]
    )
    values = json.loads((tmp_path / "values.json").read_text())
    assert values["graded_share"]["text"] == "25 %"


def convolutional():
    layers = nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 6, 3, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    ann = nn.Sequential(*layers, nn.Linear(6, 4)).double().eval()
    x = torch.randn(160, 3, 8, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    with torch.no_grad():
        ann[-1].bias -= ann(x).mean(0)  # so that it gives various answers
        first, second = ann(x).topk(2).values.T
    return ann, x[(first - second).argsort()[-40:]]  # of which it is sure


def test_rate_coding_is_judged_where_it_comes_close_to_the_original(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "has_oracle", lambda *_: False)
    ann, x = convolutional()
    labels = ann(x).argmax(1)  # so the original is right about all
    few, record = convert(ann, x[:1], x, K=6).network, Record("images", "book", tmp_path)
    curves = images.against_rate_coding(record, "resnet20", ann, few, x, Labeled(x, labels), "tests", steps=40)
    found = images.first_close(curves)
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
    kept = pd.read_csv(tmp_path / "rate_coding.csv")
    assert list(kept) == images.CURVES == list(images.kept_curves())
    assert kept["about"].unique().tolist() == ["the first 40 tests; without SpikingJelly"]
    assert kept[kept["code"] == "rate"]["accuracy"].to_numpy() == pytest.approx(100 * right.numpy())
    images.rate_table(record, kept)
    table = pd.read_csv(tmp_path / "rate_close.csv").set_index("code")
    assert table["steps"].to_dict() == {"few spikes": 6, "rate code, ours": needed + 1}
    assert table["× few spikes"].to_dict() == {"few spikes": 1, "rate code, ours": round(energy, 2)}


def test_rate_coding_that_is_never_close_enters_no_claim(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "has_oracle", lambda *_: False)
    ann, x = convolutional()
    record = Record("images", "book", tmp_path)
    test = Labeled(x, ann(x).argmax(1))
    curves = images.against_rate_coding(record, "a", ann, convert(ann, x[:1], x, K=8).network, x, test, "tests", steps=1)
    assert not images.first_close(curves)["enough"]["rate"]
    assert read_rows(tmp_path) == []
    images.rate_table(record, curves)
    assert pd.read_csv(tmp_path / "rate_close.csv")["steps"].tolist() == ["8", "never within 1"]


class Shortcut(nn.Module):
    """A convolution and a block of two with a shortcut, as in a ResNet."""

    def __init__(self):
        super().__init__()
        self.first, self.a, self.b = (nn.Conv2d(channels, 6, 3, padding=1) for channels in (3, 6, 6))
        self.last = nn.Linear(6, 4)

    def forward(self, x):
        x = self.first(x).relu()
        return self.last((self.b(self.a(x).relu()) + x).relu().mean((2, 3)))


def test_a_shortcut_costs_throughput(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "has_oracle", lambda *_: False)
    ann = Shortcut().double().eval()
    x = torch.randn(20, 3, 6, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    few, record = convert(ann, x[:1], x, K=6).network, Record("images", "book", tmp_path)
    images.against_rate_coding(record, "resnet20", ann, few, x, Labeled(x, ann(x).argmax(1)), "tests", steps=40)
    rows = {row["id"]: row for row in read_rows(tmp_path)}
    assert rows["img.throughput"]["ours"] == rows["img.rate.resnet20.steps"]["ours"] / (3 * 6)
    assert "a new image every 18 steps" in rows["img.throughput"]["dataset"]


def test_curves_that_nobody_has_recorded_are_shown_as_such(tmp_path, monkeypatch):
    record = Record("images", "book", tmp_path)
    images.rate_table(record, pd.DataFrame(columns=images.CURVES))
    images.at_equal_pace(record, pd.DataFrame(columns=images.CURVES), 27)
    assert pd.read_csv(tmp_path / "rate_close.csv")["code"].tolist() == ["not run"]
    values = json.loads((tmp_path / "values.json").read_text())
    places = ("curves_difference", "pace_rate", "pace_few_spikes", "pace_original")
    assert {key: entry["text"] for key, entry in values.items()} == {"curves_about": "not run", **dict.fromkeys(places, "(not run)")}
    monkeypatch.setattr(images, "package_file", lambda name: tmp_path / name)
    (tmp_path / "rate_coding.csv").write_text("code,steps\nrate,1\n")
    with pytest.raises(ValueError, match=r"rate_coding\.csv has the columns code, steps: copy it anew"):
        images.kept_curves()


def test_curves_say_whether_spikingjelly_sends_the_same(tmp_path):
    rows = [
        ("few_spikes", 6, 90.0, 1.0),
        *((code, t, 80.0 + 5 * t, n) for code in ("rate", "spikingjelly_robust") for t, n in ((1, 0.5), (2, 1.1))),
    ]
    curves = pd.DataFrame(rows, columns=["code", "steps", "accuracy", "spikes"])
    curves = curves.assign(additions=2e6, energy=3.0, original=90.0, about="tests", **{"multiply-accumulates": 0.0})[images.CURVES]
    curves.loc[4, "spikes"] = 1.2
    images.rate_table(Record("images", "book", tmp_path), curves)
    assert json.loads((tmp_path / "values.json").read_text())["curves_difference"]["text"] == "9 %"
    assert pd.read_csv(tmp_path / "rate_close.csv")["steps"].tolist() == [6, 2, 2]


def test_a_missing_peer_is_left_out_with_a_word(monkeypatch, capsys):
    monkeypatch.setattr(ask.importlib.util, "find_spec", lambda name: None)
    assert not ask.has_oracle("spikingjelly", "SpikingJelly")
    assert "SpikingJelly is left out: it is not installed (pip install 'snncore[oracles]')" in capsys.readouterr().out


def test_our_rate_code_does_in_every_step_what_spikingjelly_does():
    pytest.importorskip("spikingjelly", reason="needs SpikingJelly: .venv/bin/pip install -e '.[oracles]'")
    ann, x = convolutional()
    coded = rate_coded(ann, x)
    layers = synapses(coded, x)
    ours = simulate(coded, x, 30, layers)
    theirs = run_spikingjelly(spikingjelly(ann, x, **SPIKINGJELLY["spikingjelly_robust"]), x, 30, layers)
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


def test_at_equal_pace_the_rate_code_has_the_steps_of_few_spikes(tmp_path):
    rows = [("few_spikes", 6, 90.0, 91.0), *(("rate", t, 10.0 * t, 91.0) for t in range(1, 9))]
    curves = pd.DataFrame(rows, columns=["code", "steps", "accuracy", "original"])
    images.at_equal_pace(Record("images", "book", tmp_path), curves, 7)
    values = json.loads((tmp_path / "values.json").read_text())
    assert {key: entry["text"] for key, entry in values.items()} == {
        "pace_rate": "70.0 %",
        "pace_few_spikes": "90.0 %",
        "pace_original": "91.0 %",
    }


def test_curves_of_a_peer_are_those_of_the_same_images(tmp_path):
    pytest.importorskip("spikingjelly", reason="needs SpikingJelly: .venv/bin/pip install -e '.[oracles]'")
    ann, x = convolutional()
    ann, x, record = ann.float(), x.float(), Record("images", "book", tmp_path)
    few = convert(ann, x[:1], x, K=6).network
    curves = images.against_rate_coding(record, "resnet20", ann, few, x, Labeled(x, ann(x).argmax(1)), "tests", steps=60)
    assert set(curves["code"]) == set(images.CODES)
    assert curves["about"][0].startswith("the first 40 tests; SpikingJelly 2.")
    images.rate_table(record, curves)
    assert json.loads((tmp_path / "values.json").read_text())["curves_difference"]["value"] < 1  # single precision


@pytest.fixture(scope="module")
def scheduled(tmp_path_factory):
    """What the simulation of schedules has given, and the folder that holds the rest of it."""
    folder = tmp_path_factory.mktemp("schedules")
    return images.schedules(Record("images", "book", folder))[0], folder


def test_schedules_and_extension_give_their_claims(scheduled, tmp_path):
    small, folder = scheduled
    images.complement(Record("images", "book", tmp_path), images.PRESETS["book"])
    rows = {row["id"]: row["ours"] for row in (*read_rows(folder), *read_rows(tmp_path))}
    assert rows["img.schedule.period"] == 2 * 16
    assert rows["img.schedule.latency"] is True
    assert rows["img.complement.spikes"] == pytest.approx(2.134 - 0.884 + 0.116)
    values = json.loads((folder / "values.json").read_text()) | json.loads((tmp_path / "values.json").read_text())
    layers, K = 1 + 2 * 3 * 3, images.CIFAR_K["resnet20"]  # ReLUs: the first, and two in each of three times three blocks
    periods = {"resnet20_one": 3 * K, "resnet20_two": 2 * K, "resnet20_one_memory": 2 * K, "resnet20_two_memory": K}
    expected = {"resnet20_layers": layers, "resnet20_first": K * (layers + 1), "offset_step": 14, **periods}
    assert {key: values[key]["value"] for key in expected} == expected
    assert [answers(small[name])[-1] - answers(small[name])[-2] for name in ("one", "two", "shortcut")] == [8, 4, 12]


def test_rhythms_are_those_of_the_longest_shortcut(scheduled):
    table = pd.read_csv(scheduled[1] / "rhythms.csv", keep_default_na=False).set_index("network")
    chain = ["2K", "K"]
    assert table.loc["a chain"].tolist() == [218, *chain, *chain, ""]
    held = 4 * 16 * 32**2 + 3 * 32 * 16**2 + 2 * 64 * 8**2  # inputs of the blocks, each past one layer
    neurons = 7 * 16 * 32**2 + 6 * 32 * 16**2 + 6 * 64 * 8**2
    assert table.loc["ResNet-20 (CIFAR-10)"].tolist() == [19, "3K", "2K", *chain, f"{held / neurons:.2f}"]
    assert table.loc["ResNet50"].tolist()[:-1] == [49, "4K", "3K", *chain]  # past two layers in each block
    passed = 13 * 4 - 2  # the longest stage has 13 blocks of four layers, the first without the one that expands, up to the next expansion
    assert table.loc["EfficientNet-B7"].tolist()[:-1] == [218, f"{passed + 2}K", f"{passed + 1}K", *chain]


def test_a_graph_is_the_same_before_and_after_its_conversion():
    senders, neurons = images.layers_of(images.CIFAR["resnet20"], 32)
    by_hand = [[], [0]]
    for _ in range(9):
        before = len(by_hand) - 1
        by_hand += [[before], [before, before + 1]]
    assert senders == by_hand
    assert neurons[:3] == [3 * 32**2, 16 * 32**2, 16 * 32**2]
    few = convert(images.CIFAR["resnet20"](), torch.zeros(1, 3, 32, 32), K=4).network
    assert images.senders_of(few, [node for node in few.graph.nodes if images._neurons(few, node)]) == by_hand


def test_gates_and_activations_meet_behind_their_product():
    from torchvision.ops import Conv2dNormActivation, SqueezeExcitation

    def block():
        conv = Conv2dNormActivation(3, 8, activation_layer=nn.SiLU)
        return nn.Sequential(conv, SqueezeExcitation(8, 2, activation=nn.SiLU), nn.Conv2d(8, 4, 1), nn.SiLU())

    senders, _ = images.layers_of(block, 16)
    assert senders == [[], [0], [1], [2], [1, 3]]  # the image; activations, the two layers of their gates; what receives the product


def test_a_graph_whose_images_come_in_uneven_steps_is_refused():
    with pytest.raises(ValueError, match="images are answered after 1, 2 steps in turn"):
        images.rhythm([1] * 4, True, [[], [0], [0], [1]])


def silu_network():
    ann = nn.Sequential(nn.Linear(5, 30), nn.SiLU(), nn.Linear(30, 10), nn.Sigmoid(), nn.Linear(10, 4), nn.SiLU()).double().eval()
    return ann, torch.randn(200, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_silence_says_the_same_with_the_spikes_that_are_counted():
    ann, x = silu_network()
    given = {a: coefficients(f"{a}.published").params for a in ("silu", "sigmoid")}
    images.same_by_silence(ann, x, given["silu"], images.offset_step())
    ann, x, step = ann.float(), x.float(), images.offset_step()
    few = convert(ann, x[:1], coefficients=given).network
    silent = images.by_silence(few, given["silu"], step)
    layers = [module for module in silent.modules() if isinstance(module, images.BySilence)]
    assert len(layers) == 2
    sent = []
    for layer in layers:
        layer.register_forward_pre_hook(lambda module, inputs: sent.append(module.spikes(inputs[0])))
    assert torch.allclose(silent(x), few(x), atol=1e-5)
    found = statistics(few, x)[1]
    sigmoids = next(layer for layer in found.layers if layer.params == given["sigmoid"])
    by_hand = sum(float(z.sum()) for z in sent) / 200 + sigmoids.spikes
    assert all(set(z.unique().tolist()) <= {0.0, 1.0} for z in sent)
    assert images.spikes_by_silence(found, given["silu"], step) == pytest.approx(by_hand / 44)
    assert images.spikes_by_silence(found, given["silu"], step) < found.spikes_per_neuron - 0.3


def test_a_step_that_means_something_else_is_no_silence(monkeypatch):
    ann, x = silu_network()
    params, right = coefficients("silu.published").params, images.by_silence
    monkeypatch.setattr(images, "by_silence", lambda few, params, step: right(convert(ann, x).network, params, step))
    with pytest.raises(ValueError, match="changes what the network computes"):
        images.same_by_silence(ann, x, params, images.offset_step())


def test_the_error_grows_from_layer_to_layer_and_the_control_begins_small():
    table = images.b7_errors(images.PRESETS["smoke"])
    assert set(table["set"]) == {"published", "ours", "control"}
    assert table.groupby("set")["layer"].max().tolist() == [218] * 3
    first = table[table["layer"] == 1].set_index("set")["error"]
    assert first["control"] < first["ours"] < first["published"]
    assert (table[table["layer"] == 218].set_index("set")["error"] > 2 * first).all()


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
    assert not images.command(argparse.Namespace(train=None, prices=None, model=None, images=None, results=None, batch=None, seed=0))


def test_a_stage_goes_on_with_the_weights_of_the_one_before(tmp_path, monkeypatch):
    """A second stage that learns nothing, from a teacher, has the parameters of the first; its account holds the first one's."""
    x = torch.randn(64, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    data = dict.fromkeys(("train", "validation", "test"), Labeled(x, torch.arange(64) % 10))
    monkeypatch.setattr(images, "cifar10", lambda: data)
    monkeypatch.setattr(images, "find", lambda name: argparse.Namespace(form="official"))
    monkeypatch.setattr(training, "TRAINING", tmp_path)
    first = images.CifarRecipe(2, batch=32, bfloat16=False, hole=2)
    still = dataclasses.replace(first, epochs=1, peak_rate=0.0, vector_rate=0.0, teacher="silu")
    monkeypatch.setitem(images.RECIPES, "resnet8", (first, still))
    about = images.train_cifar("resnet8", 5)
    before, after = (load_file(tmp_path / f"cifar_resnet8_5_{stage}.safetensors") for stage in (1, 2))
    assert all(torch.equal(before[name], after[name]) for name, _ in images.CIFAR["resnet8"]().named_parameters())
    assert about["before"] == json.loads((tmp_path / "cifar_resnet8_5_1.json").read_text())
    assert (about["recipe"], about["before"]["recipe"]) == (dataclasses.asdict(still), dataclasses.asdict(first))
    assert "answers of silu as trained at commit" in about["data"]
    with monkeypatch.context() as nothing_to_train:
        nothing_to_train.setattr(training, "train", None)
        assert images.train_cifar("resnet8", 5) == about
    other = tmp_path / "cifar_resnet8_5_1.json"  # as from another run of the first stage: the second has to follow it
    other.write_text(other.read_text().replace('"test_accuracy"', '"seen": 1, "test_accuracy"'))
    (tmp_path / "cifar_resnet8_5_2.state").unlink()
    about = images.train_cifar("resnet8", 5)
    assert about["before"]["seen"] == 1
    monkeypatch.setattr(images, "find", lambda name: argparse.Namespace(form="compact"))
    for path in tmp_path.glob("*.state"):
        path.unlink()
    assert "JPEG copies" in images.train_cifar("resnet8", 5)["before"]["data"]
    (tmp_path / "cifar_resnet8_5_1.safetensors").write_bytes(b"")
    (tmp_path / "cifar_resnet8_5_2.json").unlink()
    with pytest.raises(DataError, match=r"cifar_resnet8_5_1\.safetensors cannot be read: .*Remove cifar_resnet8_5_1\.json beside it"):
        images.train_cifar("resnet8", 5)


@pytest.mark.slow
def test_smoke_runs_enter_no_measured_number(tmp_path):
    record = Record("images", "book", tmp_path)
    images.run(images.config("smoke"), record)
    _, claims = ledger.read_claims(images.package_file("claims.toml"))
    rows = {row["id"] for row in read_rows(tmp_path)}
    assert rows <= set(claims)
    assert not any(word in id for id in rows for word in ("lite", "cifar", "speed", "difference"))
    values = json.loads((tmp_path / "values.json").read_text())
    assert float(values["evaluations_difference"]["text"]) < 1e-6
    assert values["evaluations_pieces"]["text"] == "the same bits"


def test_no_noise_and_many_bits_disturb_nothing():
    c = dataclasses.replace(images.PRESETS["smoke"], photographs=1, noise=(0.0,), bits=(20,))
    found = images.disturbances(c).set_index(["disturbance", "network"])["error"]
    ann, x = efficientnet_lite(0), efficientnet_lite_input(read_photographs_20().images[:1])
    with torch.inference_mode():
        expected = ann(x)
        undisturbed = (convert(ann, x, K=images.LITE_K[0]).network(x) - expected).square().mean().sqrt() / expected.std()
    assert found["noise", "few spikes"] == pytest.approx(float(undisturbed), rel=1e-4)
    assert found["bits", "original"] < 1e-3


def test_noise_is_drawn_anew_for_each_comparison():
    """A neuron that subtracts nothing fires in each of two steps by chance: its sums are as likely as those of two coins."""
    p, n = FSParams((1.0, 1.0), (0.0, 0.0), (1.0, 2.0)), 100_000
    y = images.Noisy(p, 0.5, torch.Generator().manual_seed(0))(torch.full((n,), 1.3))
    heads = scipy.stats.norm.cdf(0.6)
    expected = [(1 - heads) ** 2, heads * (1 - heads), heads * (1 - heads), heads**2]
    assert torch.bincount(y.long(), minlength=4).div(n).tolist() == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("bits", [2, 5])
def test_weights_of_few_bits(bits):
    network = nn.Sequential(nn.Conv2d(3, 8, 5), nn.ReLU(), nn.Linear(100, 6))
    coarse = images.rounded(network, bits)
    for i in (0, 2):
        before, after = network[i].weight.detach().flatten(1), coarse[i].weight.detach().flatten(1)
        step = before.abs().amax(1, keepdim=True) / (2 ** (bits - 1) - 1)
        assert max(len(row.unique()) for row in (after / step).round(decimals=3)) <= 2**bits - 1
        assert ((after - before).abs() <= step / 2 + 1e-6).all()
        assert torch.equal(coarse[i].bias, network[i].bias)


def test_prices_are_shown_by_what_validation_images_lose_and_send(monkeypatch, capsys):
    x = torch.randn(140, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    parts = {"train": x[:96], "validation": x[96:]}
    data = {part: Labeled(images, torch.zeros(len(images), dtype=torch.long)) for part, images in parts.items()}
    monkeypatch.setattr(images, "cifar10", lambda: data)
    monkeypatch.setattr(images, "TRIED", (0.0, 1e-2))
    monkeypatch.setattr("sys.argv", ["experiments", "images", "--prices", "resnet8"])
    assert command_line.main() == 0
    shown = capsys.readouterr().out.splitlines()
    table = images.prices("resnet8")
    assert shown == table.to_string(index=False).splitlines()
    assert table["spikes per neuron"][0] > table["spikes per neuron"][1]
    few = images.cifar_conversion("resnet8", data, penalty=0.0).network
    expected, found = (network(parts["validation"]).argmax(1) == 0 for network in (images.cifar_network("resnet8"), few))
    assert table["lost [pp]"][0] == pytest.approx(100 * float(expected.double().mean() - found.double().mean()))


@pytest.mark.parametrize("name", images.CIFAR)
def test_checkpoints_come_from_the_commands_that_are_in_the_code(name):
    found = images.stages(name)
    assert [about["recipe"] for about in found] == [dataclasses.asdict(recipe) for recipe in images.RECIPES[name]]
    for about in found:
        assert about["command"] == f"python -m snncore.experiments images --train {name} --seed 0"
        assert [row["epoch"] for row in about["log"]] == list(range(1, about["recipe"]["epochs"] + 1))
        assert about["log"][-1]["held_out"] == pytest.approx(about["test_accuracy"], abs=0.03)  # of 2,000 images
        if teacher := about["recipe"]["teacher"]:
            assert any(f"{teacher} as trained at commit {its['commit']}" in about["data"] for its in images.stages(teacher))
