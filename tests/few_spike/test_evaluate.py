import math
import pickle

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models.swin_transformer import SwinTransformer, SwinTransformerBlock, SwinTransformerBlockV2

from snncore.few_spike import ConversionError, FSParams, coefficients, convert, evaluate, fs_run, spike_train, statistics, stepwise
from snncore.few_spike.layer import fs_layers
from snncore.few_spike.rate_code import rate_coded
from snncore.seeds import seeded_draws
from tests.few_spike.test_convert import Functional


class Everything(nn.Module):
    """Synapses as modules and functions, batch normalization, residual additions, joins, splits, gates, maxima, constants."""

    def __init__(self):
        super().__init__()
        self.conv1, self.norm, self.conv2 = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.Conv2d(8, 8, 3, padding=1, groups=4)
        self.weight, self.bias = nn.Parameter(torch.randn(8, 8, 1, 1)), nn.Parameter(torch.randn(8))
        self.gate, self.out = nn.Conv2d(8, 8, 1), nn.Linear(16, 5)
        self.norm.running_mean.normal_()
        self.norm.running_var.uniform_(0.5, 2)

    def forward(self, x):
        x = F.relu(self.norm(self.conv1(x)))
        x = F.silu(self.conv2(x) + x * 0.5 + 0.3)  # spikes of two layers, of different K
        a, b = x.chunk(2, 1)
        x = torch.cat([b, a], dim=1)
        x = F.silu(F.conv2d(x, self.weight, bias=self.bias, padding=1))
        x = x * torch.sigmoid(self.gate(F.adaptive_avg_pool2d(x, 1)))
        x = F.relu(F.max_pool2d(x, 2) - 0.1)
        return self.out(F.pad(torch.flatten(x.mean((2, 3)), 1), (4, 4)))


@pytest.fixture(scope="module")
def converted():
    with seeded_draws(3, "weights"):
        network, x = Everything().double().eval(), torch.randn(6, 3, 8, 8, dtype=torch.float64)
    given = {"silu": coefficients("silu.published").params, "sigmoid": coefficients("sigmoid.published").params}
    return convert(network, x[:1], calibration=x, coefficients=given, K=6), x


def test_the_report_names_what_each_layer_receives(converted):
    by = {row.node: row.why for row in converted[0].report.rows}
    received = {"conv1": "the image", "conv2": "spikes", "gate": "graded numbers"}
    assert {name: by[name] for name in received} == {name: f"receives {what}" for name, what in received.items()}


def test_three_evaluations_agree(converted):
    (network, _), x = converted
    assert {neurons.params.K for neurons in fs_layers(network).values()} == {6, 12, 16}  # steps of several lengths are added
    y = network(x)
    assert y.std() > 0.1
    assert torch.equal(statistics(network, x)[0], y)
    assert (stepwise(network, x)[0] - y).abs().max() < 1e-12 * y.abs().max()


@pytest.mark.parametrize("block", [SwinTransformerBlock, SwinTransformerBlockV2])
def test_attention_in_windows_waits_for_all_steps(block):
    sizes = {"patch_size": [2, 2], "embed_dim": 8, "depths": [2, 2], "num_heads": [2, 2], "window_size": [2, 2], "num_classes": 3}
    network, x = SwinTransformer(**sizes, block=block).double().eval(), torch.randn(5, 3, 14, 14, dtype=torch.float64)
    snn, report = convert(network, x[:1], K=8)
    assert sum(row.operation == "shifted_window_attention" for row in report.rows if row.kind == "analog") == 4
    assert (stepwise(snn, x)[0] - snn(x)).abs().max() < 1e-12 * snn(x).abs().max()


class Between(nn.Module):
    """An operation between two layers of neurons."""

    def __init__(self, operation):
        super().__init__()
        self.operation, self.first, self.last = operation, nn.Conv2d(3, 3, 1), nn.Conv2d(3, 2, 1)
        self.weight, self.norm = nn.Parameter(torch.rand(3, 3, 1, 1)), nn.BatchNorm2d(3, track_running_stats=False)
        self.up = nn.ConvTranspose2d(3, 3, 3, 2)
        self.register_buffer("mean", torch.rand(3))

    def forward(self, x):
        y = F.relu(self.first(x))
        y = self.operation(y) if isinstance(self.operation, nn.Module) else self.operation(self, y)
        return self.last(F.relu(y + 0.01 * math.pi))  # no mean of spikes lies on a threshold


LINEAR = (
    lambda m, y: torch.sub(input=1.0, other=y, alpha=2),
    lambda m, y: y.sub(0.5, alpha=2) + y.shape[1],
    lambda m, y: torch.add(y, m.weight[0], alpha=0.5),
    lambda m, y: (y * 1).add_(y, alpha=3),
    lambda m, y: torch.div(y, other=m.weight[0]),
    lambda m, y: F.conv2d(input=y, weight=m.weight.abs()),
    lambda m, y: torch.roll(y, 1, 2).swapaxes(2, 3).roll(1, 3),
    lambda m, y: (
        torch.einsum("ij,bjhw->bhwi", m.weight[:, :, 0, 0], torch.swapaxes(y, 2, 3)).matmul(m.weight[..., 0, 0]).permute(0, 3, 1, 2)
    ),
    lambda m, y: m.weight[0, :, 0, 0].diag() @ y[:, :, :3],
    lambda m, y: torch.bmm(y.flatten(2), m.weight.mean().expand(y.shape[0], 16, 16)).view_as(y),
    lambda m, y: F.batch_norm(y, m.mean, m.weight[0, :, 0, 0].detach(), m.weight[1, :, 0, 0], m.weight[2, :, 0, 0], m.training),
    lambda m, y: F.batch_norm(y, m.mean, running_var=m.mean + 1, bias=m.weight[2, :, 0, 0], eps=0.1),
    lambda m, y: F.conv_transpose2d(y, m.weight.expand(3, 3, 2, 2), m.weight[0, :, 0, 0], stride=2),
    lambda m, y: F.conv_transpose1d(y.flatten(2), bias=m.weight[0, :, 0, 0], weight=m.weight[..., 0]).unflatten(2, (4, 4)),
    lambda m, y: m.up(y, output_size=[10, 10]),
    lambda m, y: F.interpolate(y, scale_factor=2) + F.interpolate(y, size=8, mode="bicubic"),
    lambda m, y: F.interpolate(y, (7, 5), None, "bilinear", True),
    lambda m, y: F.pad(y, (1, 2, 0, 1), "reflect"),
    lambda m, y: F.pad(F.pad(y, (1, 1), mode="constant", value=0.0), (0, 0, 1, 0), mode="replicate"),
    lambda m, y: y.mT + y.flip(2) + torch.flip(y, (3,)),
    lambda m, y: y.repeat(1, 1, 2, 1).narrow(2, 1, 4) + y.repeat_interleave(2, 2)[:, :, 2:6],
    lambda m, y: y.detach() + 2 * y.data,
    lambda m, y: y.double() + y.to(torch.float64).to(y.device).type_as(m.weight),
    lambda m, y: y.reshape_as(y.mT) + y[:, :1].expand_as(other=y),
    lambda m, y: F.pixel_shuffle(F.pixel_unshuffle(y, 2), 2),
    lambda m, y: F.dropout2d(y, training=m.training) + F.dropout(y, 0.3, m.training),
    nn.Upsample(scale_factor=2),
    nn.Upsample(size=6, mode="bilinear"),
    nn.ReflectionPad2d(1),
    nn.CircularPad2d(1),
    nn.ConstantPad2d(1, 0.0),
    nn.Sequential(nn.PixelUnshuffle(2), nn.Dropout2d(), nn.PixelShuffle(2)),
    nn.ConvTranspose2d(3, 3, 3, 2, padding=1, output_padding=1),
)
NONLINEAR = (
    (lambda m, y: y * y, "multiplies two signals"),
    (lambda m, y: F.conv2d(y, m.weight * y.mean()), "multiplies two signals"),
    (lambda m, y: F.conv2d(y, m.weight, y.mean((0, 2, 3))), "multiplies two signals"),
    (lambda m, y: y @ y, "multiplies two signals; its work is not counted"),
    (lambda m, y: torch.einsum("bihw,bihv->biwv", y, y), "multiplies two signals; its work is not counted"),
    (lambda m, y: F.batch_norm(y, None, None, training=True), "divides by a statistic of its own input"),
    (lambda m, y: 1 / (y + 1), "divides by a signal"),
    (lambda m, y: torch.div(m.weight[0], other=y + 1), "divides by a signal"),
    (lambda m, y: torch.div(y, 0.5, rounding_mode="floor"), "rounds to whole numbers"),
    (lambda m, y: m.norm(y), "divides by a statistic of its own input"),
)


@pytest.mark.parametrize(("operation", "why"), [*((f, None) for f in LINEAR), *NONLINEAR])
def test_what_is_not_linear_waits_for_all_steps(operation, why):
    network, x = Between(operation).double().eval(), torch.randn(5, 3, 4, 4, dtype=torch.float64)
    snn, report = convert(network, x[:2], calibration=x, K=6)
    assert {row.why for row in report.rows if row.kind == "analog"} == ({why} if why else set())
    y = snn(x)
    assert y.std() > 0.01
    assert torch.equal(statistics(snn, x)[0], y)
    assert (stepwise(snn, x)[0] - y).abs().max() < 1e-12 * y.abs().max()
    if why:
        with pytest.raises(ConversionError, match=f"{why}: rate coding is for linear layers"):
            rate_coded(network, x)


def test_the_compiled_neuron_the_table_of_pieces_and_batches_count_the_same(converted, monkeypatch):
    (network, _), x = converted
    (y, whole), parts = statistics(network, x), statistics(network, x[:2])[1] + statistics(network, x[2:])[1]
    monkeypatch.setattr(evaluate, "CODED", 0)
    by_lookup, by_table = statistics(network, x)
    assert torch.equal(y, by_lookup)
    for other in (by_table, parts):
        for a, b in zip(whole.layers, other.layers, strict=True):
            assert (a.counts == b.counts).all()
            assert (a.per_image == b.per_image).all()
    assert np.mean(parts.per_image) == pytest.approx(parts.spikes_per_neuron * parts.neurons)


def test_statistics_are_the_spikes_of_the_neurons(converted):
    (network, _), x = converted
    _, found = statistics(network, x)
    total = 0
    for layer in found.layers:
        z = spike_train(network, x, layer.node)
        assert np.allclose(layer.spikes_per_step, z.flatten(1).mean(1), rtol=1e-12)
        assert (layer.per_image == z.transpose(0, 1).flatten(1).sum(1).numpy()).all()
        assert layer.neurons * len(x) == z[0].numel()
        total += int(z.sum())
    assert found.spikes_per_neuron == pytest.approx(total / len(x) / found.neurons)


@pytest.mark.parametrize("coded", [0, 16])
@pytest.mark.parametrize("name", ["silu.published", "tanh.k8"])  # the second always fires
def test_what_is_no_number_is_refused(monkeypatch, name, coded):
    monkeypatch.setattr(evaluate, "CODED", coded)
    p, x = coefficients(name).params, torch.tensor([[1.0, torch.nan, -2.0], [0.5, 3.0, -1.0]])
    snn, _ = convert(nn.Sequential(nn.Tanh() if name == "tanh.k8" else nn.SiLU()), x[1:], coefficients={name.split(".")[0]: p})
    with pytest.raises(ValueError, match=r"few_spike\..* gets NaN"):
        statistics(snn, x)
    z, (layer,) = fs_run(x[1:], p)[0], statistics(snn, x[1:])[1].layers
    assert layer.per_image.tolist() == [z.sum()]


def test_synaptic_operations_are_counted_one_by_one():
    network = nn.Sequential(nn.Conv2d(2, 3, 1), nn.ReLU(), nn.Conv2d(3, 4, 3, 2, padding=1), nn.Flatten(), nn.Linear(36, 2))
    x = torch.randn(2, 2, 5, 5)
    snn, _ = convert(network, x, K=5, calibration=x)
    _, (first, second, last) = stepwise(snn, x)
    z, _ = fs_run(network[0](x), snn.get_submodule("few_spike._1").params)
    arrivals = synapses = nonzero = 0
    for row, column, dr, dc in np.ndindex(3, 3, 3, 3):  # the kernel at each output position of the strided convolution
        r, c = 2 * row + dr - 1, 2 * column + dc - 1
        if 0 <= r < 5 and 0 <= c < 5:
            arrivals += 4 * int(z[:, :, :, r, c].sum())
            synapses += 4 * 3 * 2
            nonzero += 4 * int(z[:, :, :, r, c].any(0).sum())
    assert (second.spikes, second.macs, second.nonzero, second.graded) == (arrivals, synapses, nonzero, 0)
    assert nonzero < min(arrivals, synapses)
    assert (first.spikes, first.nonzero, first.graded) == (0, 2 * 3 * 25 * 2, 2 * 3 * 25 * 2)  # the image
    assert (last.spikes, last.graded) == (0, 36 * 2 * 2)  # sums of weighted spikes
    assert arrivals > 0


@pytest.mark.parametrize(("operation", "synapses"), [  # of one image of 3 x 4 x 4; borders cut some off
    (lambda m, y: F.conv2d(y, m.weight, m.weight[0, :, 0, 0]), 9 * 16),
    (lambda m, y: F.linear(bias=m.weight[0, 0, 0].expand(2), weight=m.weight[0, 0].expand(2, 4), input=y), 2 * 48),
    (lambda m, y: F.conv_transpose2d(y, m.weight.expand(3, 3, 3, 3), m.mean, 2, 1), 9 * 10**2),
    (nn.ConvTranspose2d(3, 3, 3, 2, padding=1), 9 * 10**2),
    (lambda m, y: m.up(y, output_size=[8, 8]), 9 * 11**2),
])  # fmt: skip
def test_every_form_of_a_layer_has_its_synapses(operation, synapses):
    network, x = Between(operation), torch.randn(5, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    network.first.bias.data.fill_(10)  # all neurons fire
    network.up = nn.ConvTranspose2d(3, 3, 3, 2, padding=1)
    snn, _ = convert(network, x, coefficients={"relu": FSParams((0.0,), (0.0,), (1.0,))})
    _, (_, layer, _) = stepwise(snn, x)
    assert (layer.macs, layer.nonzero, layer.spikes, layer.graded) == (5 * synapses, 5 * synapses, 5 * synapses, 0)


@pytest.mark.parametrize(("mode", "carries"), [("nearest", "spikes"), ("bilinear", "graded numbers")])
def test_interpolation_passes_spikes_on_or_mixes_them(mode, carries):
    class Function(nn.Module):
        def forward(self, x):
            return F.interpolate(x, scale_factor=2, mode=mode)

    for between in (Function(), nn.Upsample(scale_factor=2, mode=mode)):
        report = convert(nn.Sequential(nn.ReLU(), between, nn.Conv2d(3, 2, 1)), torch.ones(1, 3, 4, 4)).report
        assert report.rows[-1].why == f"receives {carries}"


class Matrices(nn.Module):
    """Constant matrices on each side of a signal, and one within attention."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = (nn.Parameter(torch.randn(n, n + 1)) for n in (3, 4, 5))
        self.attention = nn.MultiheadAttention(6, 2, batch_first=True)

    def forward(self, x):  # (batch, 5, 3)
        y = F.relu(x @ self.a).mT  # (batch, 4, 5)
        y = F.relu(torch.einsum("ij,bik->bjk", self.b, y))  # (batch, 5, 5)
        y = F.relu(torch.matmul(self.c.T, y).mT)  # (batch, 5, 6)
        return self.attention(y, y, y, need_weights=False)[0] + y @ y.mT @ y


def test_products_with_constant_matrices_are_synapses_and_what_is_not_counted_is_named():
    network, x = Matrices().double().eval(), torch.randn(2, 5, 3, dtype=torch.float64)
    snn, report = convert(network, x, x, K=5)
    y, (first, second, third) = stepwise(snn, x)
    assert torch.allclose(y, snn(x), rtol=1e-12)
    assert (first.macs, first.nonzero, first.spikes, first.graded) == (2 * 5 * 3 * 4, 2 * 5 * 3 * 4, 0, 2 * 5 * 3 * 4)  # the image
    sent = [spike_train(snn, x, row.node) for row in report.spiking]
    assert (second.macs, third.macs) == (2 * 4 * 5 * 5, 2 * 5 * 6 * 5)
    assert (second.spikes, third.spikes) == (5 * int(sent[0].sum()), 6 * int(sent[1].sum()))  # each spike reaches a row of the matrix
    assert (second.nonzero, third.nonzero) == (5 * int(sent[0].any(0).sum()), 6 * int(sent[1].any(0).sum()))
    assert second.spikes > second.nonzero > 0 == second.graded
    left_out = [row.operation for row in report.rows if row.why == "multiplies two signals; its work is not counted"]
    assert left_out == ["MultiheadAttention", "matmul", "matmul"]


def test_what_cannot_be_evaluated_is_refused(converted, unchecked):
    x = torch.ones(2, 3, 4, 4)
    snn, _ = convert(Functional(lambda x: F.relu(x.permute(1, 0, 2, 3)).permute(1, 0, 2, 3)), x)
    with pytest.raises(ValueError, match=r"few_spike.relu gets numbers of shape \(3, 2, 4, 4\) for 2 images"):
        statistics(snn, x)
    with pytest.raises(ValueError, match="there is no image"):
        statistics(snn, x[:0])
    for evaluated in (statistics, stepwise):
        with pytest.raises(TypeError, match="the network is a Linear: give the converted one"):
            evaluated(nn.Linear(2, 2), x)
    with pytest.raises(ValueError, match="no layer of few-spike neurons is named 'conv1': there are relu"):
        spike_train(snn, x, "conv1")
    with pytest.raises(ValueError, match="pickling has lost what layers receive: convert the original again"):
        stepwise(pickle.loads(pickle.dumps(converted[0].network)), converted[1])
