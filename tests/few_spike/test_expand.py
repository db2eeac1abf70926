"""What is analog in other conversions spikes with ``everything``: it computes the same, step by step, too, and every pair is counted."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from snncore.few_spike import ConversionError, FSParams, convert, cost, statistics, stepwise
from snncore.few_spike.evaluate import Steps, _race
from snncore.few_spike.layer import fs_layers
from snncore.few_spike.trace import traced
from snncore.networks.images import VisionTransformer
from tests.few_spike.test_convert import Functional

pytestmark = [pytest.mark.usefixtures("quick_fits"), pytest.mark.filterwarnings("ignore:the converted network:UserWarning")]


def tokens(images=3, seed=0):
    return torch.randn(images, 5, 4, generator=torch.Generator().manual_seed(seed))


MASK = torch.ones(5, 5, dtype=torch.bool).tril(1)


def gated(x):
    return torch.sigmoid(x) * x


@pytest.mark.parametrize("where", [{"device": "meta"}, {"dtype": torch.float64}])
def test_a_causal_mask_is_where_the_network_is(where):
    causal = Functional(lambda x: F.scaled_dot_product_attention(F.relu(x), x, x, is_causal=True))
    x = tokens(4).to(**where)
    assert traced(causal, x, everything=True).graph(x).sum().dtype == x.dtype


@pytest.mark.parametrize("function", [
    lambda x: torch.softmax(3 * F.relu(x), -1), lambda x: F.relu(x).softmax(dim=1), lambda x: F.layer_norm(F.relu(x), (5, 4)),
    lambda x: F.layer_norm(F.relu(x), (4,), torch.arange(4.0), torch.ones(4), 0.1),
    lambda x: F.scaled_dot_product_attention(F.relu(x), x, x), lambda x: F.scaled_dot_product_attention(F.relu(x), x, -x, scale=2.0),
    lambda x: F.relu(x) @ x.mT, lambda x: torch.einsum("bij,bkj->bik", F.relu(x), x), lambda x: F.relu(x) + x * x,
    lambda x: torch.softmax(F.relu(x) @ x.mT / 2, -1) @ x,
    lambda x: F.layer_norm(F.relu(x), (4,)) * torch.sigmoid(x),
    lambda x: F.scaled_dot_product_attention(F.layer_norm(F.relu(x), (4,)), F.layer_norm(x, (4,)), x) * torch.sigmoid(x),
    lambda x: F.scaled_dot_product_attention(torch.ones(5, 4), F.relu(x), x),
    lambda x: F.group_norm(F.relu(x) + x, 5),
    lambda x: F.group_norm(F.relu(x.mT), 2, torch.arange(4.0), torch.ones(4), 0.1),
    lambda x: F.group_norm(F.relu(x[..., None]), 1, torch.arange(5.0)),
    lambda x: F.scaled_dot_product_attention(F.relu(x), x, x, is_causal=True),
    lambda x: F.scaled_dot_product_attention(F.relu(x), x, x, MASK),
    lambda x: F.scaled_dot_product_attention(F.relu(x), x, x, torch.zeros(5, 5).masked_fill(~MASK, -torch.inf) + 0.3),
    gated,
])  # fmt: skip
def test_what_is_analog_in_other_conversions_spikes(function):
    x = tokens(40)
    graph, rows, _ = traced(Functional(function), x, everything=True)
    torch.testing.assert_close(graph(x), function(x), rtol=1e-5, atol=1e-6)
    assert "analog" in {row.kind for row in traced(Functional(function), x).rows}
    assert "analog" not in {row.kind for row in rows}
    assert "receives graded numbers" not in {row.why for row in rows}
    snn, report = convert(Functional(function), x, calibration=x, K=12, everything=True)
    assert report.error < 0.1  # by quick fits
    expected = snn(x[:4])
    torch.testing.assert_close(stepwise(snn, x[:4])[0], expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(statistics(snn, x[:4])[0], expected, rtol=1e-4, atol=1e-5)


def test_modules_are_written_as_functions_are():
    layers = nn.Linear(4, 6), nn.LayerNorm(6), nn.ReLU(), nn.LayerNorm(6, bias=False), nn.GroupNorm(5, 5), nn.Softmax(dim=-1)
    network, x = nn.Sequential(*layers), tokens()
    graph, rows, _ = traced(network, x, everything=True)
    torch.testing.assert_close(graph(x), network(x), rtol=1e-5, atol=1e-6)
    spiking = [row.operation for row in rows if row.kind == "spiking"]
    assert spiking == ["identity", "rsqrt", "relu", "identity", "rsqrt", "identity", "rsqrt", "identity", "exp", "reciprocal"]


def test_the_largest_code_wins_the_race():
    d = torch.tensor([-8.0, 8.0, 4.0, 2.0, 1.0])  # the first step always fires
    numbers = torch.randint(-8, 8, (50, 7), generator=torch.Generator().manual_seed(0))
    steps, rest = [torch.full(numbers.shape, -8.0)], numbers + 8
    for weight in (8, 4, 2, 1):
        steps.append(float(weight) * (rest >= weight))
        rest = rest - weight * (rest >= weight)
    won = _race(Steps(torch.zeros(50, 7), steps), 1)
    assert torch.equal(sum(won.steps), numbers.amax(1, True).float())
    assert all(set(step.flatten().tolist()) <= {0.0, float(w)} for step, w in zip(won.steps, d, strict=True))


def test_pairs_of_spikes_are_counted_one_by_one():
    x, p = tokens(1), {"identity": FSParams([0.5, 0.25], [0.5, 0], [0.5, 0.25], strict=False)}
    snn, _ = convert(Functional(lambda x: x @ (x + 0.1).mT), x, coefficients=p, K=2, everything=True)
    sent = [(x[0] >= 0.5).int() + ((x[0] - 0.5 * (x[0] >= 0.5)) >= 0.25).int() for x in (x, x + 0.1)]
    (traffic,) = stepwise(snn, x)[1]
    pairs = sum(int(a * b) for i in range(5) for j in range(5) for a, b in zip(sent[0][i], sent[1][j], strict=True))
    both = sum(int(a > 0 and b > 0) for i in range(5) for j in range(5) for a, b in zip(sent[0][i], sent[1][j], strict=True))
    assert (traffic.macs, traffic.nonzero, traffic.spikes, traffic.graded) == (5 * 5 * 4, both, pairs, 0)
    assert cost(snn, x)["multiply-accumulates"].tolist() == [100, 100, both, 0, 0]


def test_a_transformer_of_spikes_comes_closer_with_more_steps():
    network, x = VisionTransformer(8, 4, 8, 2, 1).eval(), torch.rand(40, 1, 8, 8)
    reports = [convert(network, x, calibration=x, K=K, everything=True).report for K in (4, 6, 8)]
    first, second, third = (report.error for report in reports)
    assert first > 2 * second > 4 * third
    assert {row.kind for row in reports[0].rows} == {"spiking", "linear", "product", "race"}
    with torch.no_grad():
        few = convert(network.double(), x.double(), calibration=x.double(), K=6, everything=True).network
        torch.testing.assert_close(stepwise(few, x[:2].double())[0], few(x[:2].double()), rtol=1e-9, atol=1e-9)
    assert "product     9 x of spikes\n  race        1 x of spikes" in str(reports[0])


def test_gradients_pass_everything_as_they_pass_the_original():
    x = tokens(40)
    network = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), nn.Softmax(-1))
    snn = convert(network, x, calibration=x, K=16, everything=True, trainable=True).network
    weights = torch.arange(4.0)
    expected, given = (torch.autograd.grad((net(x) * weights).sum(), net.get_parameter("0.weight"))[0] for net in (network, snn))
    torch.testing.assert_close(given, expected, rtol=0.05, atol=0.05 * float(expected.abs().max()))


def test_what_cannot_be_written_stays_analog_and_missing_neurons_are_named():
    rows = traced(Functional(lambda x: F.scaled_dot_product_attention(F.relu(x), x, x, x @ x.mT)), tokens(), everything=True).rows
    assert [row.operation for row in rows if row.kind == "analog"] == ["scaled_dot_product_attention"]
    masked = torch.zeros(5, 5).masked_fill(~MASK.tril(), -torch.inf)
    for function, operation in (
        (lambda x: torch.softmax(F.relu(x) @ x.mT + masked, -1), "softmax"),
        (lambda x: F.softmax(F.relu(x), -1, dtype=torch.float64), "softmax"),
        (lambda x: F.layer_norm(F.relu(x), x.shape[-1:]), "layer_norm"),
        (lambda x: torch.einsum("bni,ij,bmj->bnm", F.relu(x), torch.ones(4, 4), x), "einsum"),
    ):
        assert operation in {row.operation for row in traced(Functional(function), tokens(), everything=True).rows if row.kind == "analog"}
    with pytest.raises(ConversionError, match="no identity neuron with K = 4: give calibration images"):
        convert(Functional(gated), tokens(), K=4, everything=True)
    with pytest.raises(ConversionError, match="need K = 2 steps or more"):
        convert(Functional(gated), tokens(), calibration=tokens(), K=1, everything=True)


def test_neurons_of_the_identity_send_what_they_get():
    x = tokens(100)
    snn = convert(Functional(gated), x, calibration=x, K=14, everything=True).network
    (identity,) = (layer for node, layer in fs_layers(snn).items() if str(node.target).endswith("identity"))
    torch.testing.assert_close(identity(x), x, rtol=0, atol=float(x.max() - x.min()) / 2**13)
