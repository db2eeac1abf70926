from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from snncore.few_spike import ConversionError, FSParams, convert, rate_code, stepwise
from snncore.few_spike.rate_code import RateNeurons, rate_coded, rate_step, simulate
from snncore.seeds import seeded_draws, torch_generator


class Residual(nn.Module):
    """Batch normalization, shared signals, a shortcut, a join, averages in the middle, constants."""

    def __init__(self):
        super().__init__()
        self.conv1, self.norm, self.conv2 = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.Conv2d(8, 8, 3, 2, padding=1, groups=2)
        self.short, self.conv3, self.out = nn.Conv2d(8, 8, 1, 2), nn.Conv2d(8, 6, 3), nn.Linear(6, 5)
        self.norm.running_mean.normal_()
        self.norm.running_var.uniform_(0.5, 2)

    def forward(self, x):
        x = F.relu(self.norm(self.conv1(x)))
        y = F.relu(self.conv2(x) + self.short(x) + 0.1)
        a, b = y.chunk(2, 1)
        x = F.relu(self.conv3(F.avg_pool2d(torch.cat([b, a], dim=1), 2, 1)))
        return self.out(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))


@pytest.fixture(scope="module")
def residual():
    with seeded_draws(3, "weights"):
        network = Residual().double().eval()
    return network, torch.randn(5, 3, 8, 8, dtype=torch.float64, generator=torch_generator(3, "images"))


@given(st.lists(st.integers(-100, 200), min_size=1, max_size=20), st.integers(1, 60), st.integers(1, 3))
def test_a_neuron_sends_a_constant_current_rounded_to_the_nearest(currents, steps, theta):
    x = torch.tensor(currents, dtype=torch.float64) / 64
    v, count = torch.full_like(x, theta / 2), torch.zeros_like(x)
    for _ in range(steps):
        count += rate_step(x, v, torch.tensor(float(theta)))
    assert torch.equal(count, ((x * steps + theta / 2) / theta).floor().clamp(0, steps))
    assert torch.equal(v, theta / 2 + steps * x - theta * count)


def test_all_outputs_approach_the_original_like_one_over_time(residual, monkeypatch):
    monkeypatch.setattr("snncore.few_spike.rate_code.PERCENTILE", 100)
    network, x = residual
    expected = network(x).detach()
    coded = rate_coded(network, x)
    assert torch.allclose(coded(x), expected, rtol=1e-12, atol=1e-12)  # no input lies above its threshold
    error = (simulate(coded, x, 1024).outputs - expected).abs().amax((1, 2)) / expected.std()
    steps = torch.arange(1, 1025)
    assert error[0] > 0.1
    assert (error * steps).max() < 3


def test_one_step_is_a_few_spike_network_of_one_step(residual):
    """Threshold theta from v = theta / 2 is a few-spike neuron that fires at x >= theta / 2: so outputs and all counts must agree."""
    network, x = residual
    coded, theta = rate_coded(network, x), 0.6
    for module in coded.modules():
        if isinstance(module, RateNeurons):
            module.theta.fill_(theta)
    with torch.inference_mode():
        run = simulate(coded, x, 1)
    few, report = convert(network, x, coefficients={"relu": FSParams((theta / 2,), (0,), (theta,), strict=False)})
    y, traffic = stepwise(few, x)
    assert torch.allclose(run.outputs[0], y, rtol=1e-12, atol=1e-12)
    assert run.accumulates[0] == sum(t.spikes for t in traffic) > 0
    assert run.graded[0] == sum(t.graded for t in traffic) > 0
    assert run.neurons == report.neurons


def test_only_averages_before_further_neurons_are_weighed_in_every_step(residual):
    network, x = residual
    run = simulate(rate_coded(network, x), x, 3)
    image, middle, readout = 8 * 3 * (8 * 3 - 2) ** 2, 6 * 8 * 9, 6 * 5  # borders of 8 x 8: 22 = 8 * 3 - 2 synapses a line
    assert run.graded.tolist() == [len(x) * (image + middle + readout), len(x) * middle, len(x) * middle]


def test_a_slow_loop_counts_the_same_spikes_and_operations():
    network = nn.Sequential(nn.Conv2d(2, 3, 1), nn.ReLU(), nn.Conv2d(3, 4, 3, 2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(36, 2))
    x, steps = torch.randn(2, 2, 5, 5, generator=torch_generator(1, "images"), dtype=torch.float64), 7
    coded = rate_coded(network.double(), x)
    run = simulate(coded, x, steps)
    theta1, theta2 = (m.theta.numpy() for m in coded.modules() if isinstance(m, RateNeurons))
    (w1, b1), (w2, b2), (w3, b3) = ([p.detach().numpy() for p in network[i].parameters()] for i in (0, 2, 5))
    v1, v2 = np.zeros((2, 3, 5, 5)) + theta1 / 2, np.zeros((2, 4, 3, 3)) + theta2 / 2
    readouts = []
    for t in range(steps):
        v1 += np.einsum("oi,bihw->bohw", w1[:, :, 0, 0], x.numpy()) + b1[:, None, None]
        z1 = v1 >= theta1
        v1 -= theta1 * z1
        v2 += b2[:, None, None]
        arrivals = 0
        for b, i, h, w in np.argwhere(z1):
            for row, column in np.ndindex(3, 3):
                dh, dw = h - 2 * row + 1, w - 2 * column + 1
                if 0 <= dh < 3 and 0 <= dw < 3:
                    v2[b, :, row, column] += theta1[i, 0, 0] * w2[:, i, dh, dw]
                    arrivals += 4
        z2 = v2 >= theta2
        v2 -= theta2 * z2
        arrivals += 2 * z2.sum()
        readouts.append((theta2 * z2).reshape(2, -1) @ w3.T + b3)
        assert np.allclose(run.outputs[t], np.mean(readouts[(t + 1) // 2 :], axis=0), rtol=1e-12)
        assert (run.spikes[t], run.accumulates[t]) == (z1.sum() + z2.sum(), arrivals)
    assert run.spikes.min() > 0
    assert run.neurons == 3 * 25 + 4 * 9


def test_thresholds_are_percentiles_of_each_channel_and_silent_ones_have_the_layers_largest(monkeypatch):
    monkeypatch.setattr("snncore.few_spike.rate_code.PERCENTILE", 90)
    network = nn.Sequential(nn.Conv2d(1, 3, 1), nn.ReLU(), nn.Conv2d(3, 1, 1))
    network[0].weight.data, network[0].bias.data = torch.tensor([1.0, 2.0, 0.0]).view(3, 1, 1, 1), torch.zeros(3)
    x = torch.arange(101.0).view(1, 1, 101, 1) - 50  # half of the activations are 0
    assert rate_coded(network, x).get_submodule("rate_code._1").theta.flatten().tolist() == [40, 80, 100]


def test_convolutions_may_have_three_dimensions(monkeypatch):
    monkeypatch.setattr("snncore.few_spike.rate_code.PERCENTILE", 100)
    layers = nn.Conv3d(3, 4, 3, padding=1), nn.BatchNorm3d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 27, 2)
    network, x = nn.Sequential(*layers).double().eval(), torch.rand(5, 3, 3, 3, 3, dtype=torch.float64)
    coded = rate_coded(network, x)
    assert torch.allclose(coded(x), network(x), rtol=1e-12, atol=1e-12)
    assert (simulate(coded, x, 1000).outputs[-1] - network(x)).abs().max() < 0.01


def test_relu6_saturates_at_its_threshold(monkeypatch):
    monkeypatch.setattr("snncore.few_spike.rate_code.PERCENTILE", 100)
    network = nn.Sequential(nn.Linear(1, 1), nn.ReLU6(), nn.Linear(1, 1))
    for layer in (network[0], network[2]):
        layer.weight.data.fill_(1)
        layer.bias.data.zero_()
    x = torch.tensor([[-3.0], [3.0], [6.0], [50.0]])
    assert simulate(rate_coded(network, x), x, 8).outputs[-1].flatten().tolist() == [0, 3, 6, 6]


@pytest.mark.parametrize(("layer", "words"), [
    (nn.SiLU(), "_1 is silu: rate coding here is for ReLU"), (nn.MaxPool2d(2), r"_1 \(MaxPool2d\) takes the largest.*take averages"),
])  # fmt: skip
def test_what_rate_coding_cannot_do_is_refused_by_name(layer, words):
    network, x = nn.Sequential(nn.Conv2d(1, 2, 1), layer, nn.ReLU(), nn.Conv2d(2, 2, 1)), torch.ones(1, 1, 4, 4)
    with pytest.raises(ConversionError, match=words):
        rate_coded(network, x)


def convolutional():
    layers = nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 6, 3, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    ann = nn.Sequential(*layers, nn.Linear(6, 4)).double().eval()
    x = torch.randn(160, 3, 8, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    with torch.no_grad():
        ann[-1].bias -= ann(x).mean(0)  # so that it gives various answers
        first, second = ann(x).topk(2).values.T
    return ann, x[(first - second).argsort()[-40:]]  # of which it is sure


def test_rate_coding_is_judged_where_it_comes_close_to_the_original():
    ann, x = convolutional()
    labels = ann(x).argmax(1)  # so the original is right about all
    few = convert(ann, x[:1], x, K=6).network
    curves = rate_code.curves_of(few, {"rate": partial(simulate, rate_coded(ann, x), steps=40)}, x, labels, 100.0, "tests")
    close = rate_code.first_close(curves)
    run = simulate(rate_coded(ann, x), x, 40)
    right = (run.outputs.argmax(-1) == labels).double().mean(1)
    needed = next(t for t in range(40) if right[t] >= 0.995)
    assert 0 < needed < 39
    assert close["enough"]["rate"]
    assert close["steps"].to_dict() == {"few_spikes": 6, "rate": needed + 1}
    assert close["additions"]["rate"] == pytest.approx(float(run.accumulates[: needed + 1].sum()) / 40)
    _, traffic = stepwise(few, x)
    additions, graded = (sum(getattr(t, key) for t in traffic) / 40 for key in ("spikes", "graded"))
    assert close["additions"]["few_spikes"] == pytest.approx(additions)
    assert close["energy"]["few_spikes"] == pytest.approx((4.6 * graded + 0.9 * additions) / 1e6)
    assert list(curves) == rate_code.COLUMNS
    assert curves[curves["code"] == "rate"]["accuracy"].to_numpy() == pytest.approx(100 * right.numpy())
    table = rate_code.close_table(curves).set_index("code")
    assert table["steps"].to_dict() == {"few spikes": 6, "rate code, ours": needed + 1}
    ratio = close["energy"]["rate"] / close["energy"]["few_spikes"]
    assert table["× few spikes"].to_dict() == {"few spikes": "1.00", "rate code, ours": f"{ratio:.2f}"}


def test_curves_say_whether_spikingjelly_sends_the_same_and_which_code_is_never_close():
    codes = {"rate": (1.1, 5), "spikingjelly": (1.0, 1), "spikingjelly_robust": (1.2, 5)}
    rows = [(code, t, 80.0 + gain * t, n * t / 2) for code, (n, gain) in codes.items() for t in (1, 2)]
    curves = pd.DataFrame([("few_spikes", 6, 90.0, 1.0), *rows], columns=["code", "steps", "accuracy", "spikes"])
    curves = curves.assign(additions=2e6, energy=3.0, original=90.2, about="tests", **{"multiply-accumulates": 0.0})[rate_code.COLUMNS]
    assert rate_code.difference_of_spikes(curves) == pytest.approx(100 * (1.2 / 1.1 - 1))
    assert rate_code.difference_of_spikes(curves[:3]) is None
    assert rate_code.first_close(curves)["enough"].tolist() == [True, True, False, True]
    assert rate_code.close_table(curves)["steps"].tolist() == [6, 2, "never within 2", 2]
