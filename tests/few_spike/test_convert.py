import copy
import math
import warnings
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import fx, nn
from torch.nn.utils import parametrizations, prune, spectral_norm, weight_norm

from snncore.few_spike import ConversionError, coefficients, convert, fs_neuron, relu_code, spike_train, statistics, stepwise
from snncore.few_spike.layer import FSActivation, fs_layers
from snncore.few_spike.trace import traced

pytestmark = pytest.mark.usefixtures("quick_fits")
FINE = {"relu": relu_code(16.0, 16, nearest=True)}  # hardly rounds
CONV = partial(nn.Conv2d, kernel_size=3)


def images(n=4, seed=0, size=8):
    return torch.randn(n, 3, size, size, generator=torch.Generator().manual_seed(seed))


def small(*after):
    return nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), *after).eval()


class Forms(nn.Module):
    """The same activation as module, function, method and in place; one module called twice."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.silu = nn.SiLU()
        self.out = nn.Linear(6, 5)

    def forward(self, x):
        x = self.relu(self.conv(x))
        x = self.relu(x - 0.2)
        x = F.relu(x - 0.1, inplace=True)
        x = (x - 0.1).relu()
        x = torch.sigmoid(F.gelu(self.silu(x)).tanh())
        x += 1
        return self.out(x.mean((2, 3)))


class Functional(nn.Module):
    """A single call of a function."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x * 1)


@pytest.mark.parametrize(("name", "function"), [
    ("relu6", F.relu6), ("relu6", partial(F.relu6, inplace=True)), ("hardswish", F.hardswish), ("hardsigmoid", F.hardsigmoid),
    ("leaky_relu", lambda x: F.leaky_relu(x, 0.3)), ("leaky_relu", partial(F.leaky_relu_, negative_slope=0.2)),
    ("tanh", torch.tanh_), ("gelu", partial(F.gelu, approximate="tanh")),
    ("relu", lambda x: x.clamp(min=0)), ("relu", lambda x: x.clamp_(0)), ("relu", lambda x: torch.clamp_min(x, 0)),
    ("relu", lambda x: F.threshold(x, 0, 0)), ("relu", nn.Threshold(0, 0, inplace=True)),
    ("relu6", lambda x: x.clip(0, max=6)), ("relu6", nn.Hardtanh(0, 6, inplace=True)),
    ("relu6", partial(F.hardtanh, min_val=0.0, max_val=6.0, inplace=True)),
])  # fmt: skip
def test_every_function_is_found_with_its_constants(name, function):
    (found,) = traced(Functional(function), images()).places.values()
    assert found.name == name
    x = torch.linspace(-8, 8, 1001)
    assert torch.equal(found.function(x), function(x.clone()))


def test_the_network_itself_is_left_as_it_is():
    network, x = Forms().eval(), images()
    before, text = copy.deepcopy(network.state_dict()), str(network)
    network.train()
    snn, _ = convert(network, x, K=8)
    assert network.training
    assert str(network) == text
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())
    assert not any(isinstance(m, FSActivation) for m in network.modules())
    next(network.parameters()).data.add_(1)
    assert not torch.equal(next(network.parameters()), next(snn.parameters()))  # no shared memory either


def test_every_form_of_an_activation_is_found_and_computes_what_neurons_put_there_by_hand_compute():
    network, x = Forms().eval(), images()
    given = {name: coefficients(f"{name}.k12").params for name in ("silu", "gelu", "sigmoid", "tanh")} | {"relu": relu_code(4.0, 9)}
    snn, report = convert(network, x, coefficients=given)
    assert [row.operation for row in report.spiking] == ["relu"] * 4 + ["silu", "gelu", "tanh", "sigmoid"]
    assert ({row.neurons for row in report.spiking}, report.neurons) == ({6 * 8 * 8}, 8 * 6 * 8 * 8)
    y, n = network.conv(x), {name: lambda v, name=name: fs_neuron(v, given[name]) for name in given}
    y = n["relu"](n["relu"](n["relu"](n["relu"](y) - 0.2) - 0.1) - 0.1)
    y = network.out((n["sigmoid"](n["tanh"](n["gelu"](n["silu"](y)))) + 1).mean((2, 3)))
    assert torch.equal(snn(x), y)


@pytest.mark.parametrize(("layers", "factor"), [  # a ReLU code halves its error with each step, a fit comes closer less regularly
    (lambda: (CONV(3, 8), nn.BatchNorm2d(8), nn.ReLU6(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(72, 4)), 30),
    (lambda: (CONV(3, 8), nn.LeakyReLU(0.2), CONV(8, 8), nn.Hardswish(), nn.Flatten(), nn.Linear(128, 4)), 3),
    (lambda: (CONV(3, 8), nn.Hardsigmoid(), CONV(8, 8), nn.GELU("tanh"), nn.Flatten(), nn.Linear(128, 4)), 3),
])  # fmt: skip
def test_with_calibration_more_steps_come_closer_to_the_original(layers, factor):
    network, x = nn.Sequential(*layers()).eval(), images(64)
    expected = network(x).detach()

    def error(K):
        snn, report = convert(network, x[:1], calibration=x, K=K)
        assert all(row.K == K and row.low < row.high for row in report.spiking)
        return float((snn(x).detach() - expected).square().mean().sqrt() / expected.std())

    assert 1 > error(3) > factor * error(9) > 0


def test_calibration_looks_at_each_call_by_itself():
    shared = nn.ReLU()
    network = nn.Sequential(nn.Conv2d(3, 4, 1), shared, nn.Conv2d(4, 4, 1), shared).eval()
    network[2].weight.data.abs_().mul_(100)
    _, report = convert(network, images(), calibration=images(8), K=8)
    first, second = report.spiking
    assert first.high < second.high / 5


@pytest.mark.parametrize("K", [1, 7])
def test_hardsigmoid_has_a_code_in_closed_form(K):
    snn, report = convert(nn.Sequential(nn.Hardsigmoid()), torch.zeros(1, 3), K=K)
    assert [row.K for row in report.spiking] == [K]
    x = torch.linspace(-5, 5, 1001, dtype=torch.float64)[None]
    steps = 2 ** (K - 1)
    assert (snn(x) - (F.hardsigmoid(x) * steps + 0.5).floor() / steps).abs().max() < 1.01 / steps  # one step on its borders
    assert (snn(x) - F.hardsigmoid(x)).abs().max() < 0.51 / steps


def copied(x):
    before = x.clone()
    z = F.relu_(x.movedim(1, -1)).unflatten(0, (2, -1)).flatten(0, 1)
    return z + before.movedim(1, -1)


@pytest.mark.parametrize("function", [
    lambda x: F.relu_(x) + x,  # which was overwritten
    lambda x: F.relu(torch.einsum("bchw->bchw", x)) + x,  # a product of nothing is a view
    lambda x: F.relu(torch.einsum("bchw->bhwc", x)) + x.movedim(1, -1),
    copied,
])  # fmt: skip
def test_what_is_overwritten_is_used_overwritten_and_nothing_else(function):
    x = 2 * images().double()
    assert (convert(Functional(function), x, coefficients=FINE).network(x) - function(x.clone())).abs().max() < 1e-3


class Shared(nn.Module):
    """Inputs of activations that must stay: the image, one read twice, one of which there is a view; and two that nobody else reads."""

    def forward(self, x):
        y = F.relu(x) * 2
        z = F.sigmoid(y) + y
        flat = (z - 1).flatten(1)
        return F.relu(flat) + F.relu(z[:, :2] + 1).sum() + F.relu(x - 1).flatten(1)


def test_neurons_write_over_their_input_only_where_nothing_else_reads_it():
    x = 3 * torch.randn(4, 3, 40, 40, generator=torch.Generator().manual_seed(0))  # enough numbers for the compiled neuron
    given = {"relu": relu_code(16.0, 12), "sigmoid": coefficients("sigmoid.k12").params}
    snn, _ = convert(Shared(), x, coefficients=given)
    before = x.clone()
    n = {name: partial(fs_neuron, p=p) for name, p in given.items()}
    y = n["relu"](x) * 2
    z = n["sigmoid"](y) + y
    expected = n["relu"]((z - 1).flatten(1)) + n["relu"](z[:, :2] + 1).sum() + n["relu"](x - 1).flatten(1)
    for _ in range(2):
        assert torch.equal(snn(x), expected)
        assert torch.equal(x, before)
    assert [m.inplace for m in snn.modules() if isinstance(m, FSActivation)] == [False, False, False, True, True]


def turned_alias(x):
    turned = torch.einsum("bchw->bhwc", x)
    return F.relu_(x).sum() + turned.sum()


reserved = Functional(F.relu)
reserved.few_spike = nn.Parameter(torch.ones(8))


@pytest.mark.parametrize(("network", "x", "words"), [
    (lambda x: F.relu(x).view(len(x), -1), images(), r"nor by torch\.export: .* Write x\.shape\[0\] in place of len\(x\)$"),
    (lambda x: torch.stack([F.relu(a) for a in x]), images(), r"Name sizes and parts one by one, such as x\.shape\[1\]"),
    (reserved, images(), r"has an attribute few_spike, where layers of neurons would come: rename it"),
    (lambda x: F.relu(x) if x.sum() > 0 else x, images(),
     r"cannot be traced.*test_convert\.py, line \d+\); nor .*decide outside of it, and convert the part behind the"),
    (lambda x: F.relu(x.reshape(7, -1) if fx._symbolic_trace.is_fx_tracing() else x), images(),
     r"Functional does not run as torch\.fx has traced it: shape '\[7, -1\]' is invalid[^\n]*decide outside"),
    (lambda x: F.relu(torch.add(x, 1, out=torch.empty_like(x))), images(), r"add \(add\) writes into its argument out: call"),
    (lambda x: F.relu(x.double().relu()), images(), r"double \(double\) changes the type or the place of numbers: convert a"),
    (lambda x: F.relu(torch.fft.fft(x).abs()), images(),
     r"fft_fft .* is not known to be linear or analog: say which.*test_convert\.py, line \d+\)$"),
    (lambda x: x.clamp(0, 1), images(), r"clamp \(clamp\) has .* only with min=0, max=None or min=0, max=6: write"),
    (nn.Sequential(nn.Hardtanh()), images(), r"_0 \(Hardtanh\) has few-spike neurons only with min_val=0, max_val=6"),
    (nn.Sequential(nn.ELU()), images(), r"_0 \(ELU\) is no activation that has few-spike neurons"),
    (small(), images()[0], r"output of shape \(4, 8, 8\) of example_input of shape \(3, 8, 8\).*for a single image give image\[None\]"),
    (lambda x: x.flatten(1) + F.relu(x, inplace=True).flatten(1), images(),
     r"overwrites its input, and add uses.*\(flatten\).*inplace=False"),
    (turned_alias, images(), r"overwrites its input, and sum_2 uses.*\(einsum\).*inplace=False"),
    (lambda x: F.relu(x + torch.randn(3, 8, 8)), images(), r"does not give what the network gives"),
    (lambda x: (F.relu(x), x[0]), images(), r"makes an output of shape \(3, 8, 8\)"),
    (lambda x: str(F.relu(x)), images(), r"returns str, in which there is no tensor"),
    (nn.Sequential(nn.Linear(5, 2), nn.ReLU()), images(), r"does not take example_input of shape \(4, 3, 8, 8\)"),
    (small(), images(0), r"example_input of shape \(0, 3, 8, 8\) holds no number"),
    (small(), images() * math.inf, r"output for example_input is not finite"),
    (nn.Sequential(nn.Conv2d(3, 4, 1)), images(), r"no activation that could spike"),
    (convert(small(), images()).network, images(), r"few_spike\._1 is a layer of few-spike neurons: .* is converted already; give the"),
    (nn.Sequential(nn.DataParallel(small())), images(), "0 is wrapped in DataParallel: give its .module"),
    (torch.jit.script(nn.ReLU()), images(), "the network is compiled by torch.jit, which keeps no code to trace: give the module"),
    (torch.compile(small()), images(), "the network is compiled by torch.compile: give the original, convert it, and compile"),
    (small().half(), images().half(), r"torch\.float16.*float32"),
    (F.relu, images().int(), r"the output of relu is of type torch\.int32"),
    (lambda x: F.leaky_relu(x, 0.3), images(), r"neurons are for a slope of 0\.01, not 0\.3: give calibration images"),
    (small(), images().numpy(), "example_input is of type ndarray: give one tensor"),
    (Forms, images(), "network is the class Forms: give a module, such as"),
])  # fmt: skip
def test_what_cannot_be_converted_is_refused_with_the_way_out(network, x, words, unchecked):
    given = network if isinstance(network, nn.Module | type | int) else Functional(network)
    with pytest.raises(ConversionError, match=words):
        convert(given, x)


@pytest.mark.parametrize(("options", "words"), [
    ({"K": 0}, r"K is 0: give a whole number \(int\), 1 to 62"), ({"K": 63}, "K is 63"),
    ({"K": 5, "coefficients": {"relu": relu_code(4.0, 5)}}, "no silu neuron with K = 5: choose K among 4, 8, 12, 16"),
    ({"spike_penalty": -1.0}, "spike_penalty is -1"), ({"spike_penalty": "1"}, "spike_penalty is '1': give a finite number"),
    ({"coefficients": {"elu": relu_code(1.0, 2)}}, "has 'elu', but the network's activations are gelu, relu"),
    ({"coefficients": coefficients("silu.published")}, r"of type CoefficientSet: give FSParams by the name of the activation, such as"),
    ({"steps": [("relu", 4)]}, "steps is of type list: give K by the name of a layer in the report"),
    ({"activations": [nn.Mish]}, "activations is of type list: give functions by class or function"),
    ({"activations": {nn.GELU: F.gelu}}, r"torch\S*\.GELU is given, but occurs nowhere; .* are gelu, relu, .*silu"),
    ({"activations": {nn.SiLU: F.silu, "mish": F.mish}}, "'mish' is given, but"), ({"linear": [nn.Mish]}, r"\.Mish is given"),
    ({"analog": nn.Mish}, "analog is of type type: give classes of modules or functions"),
    ({"calibration": [images(), images()[..., :6]]}, "calibration has batches of images of several sizes"),
    ({"coefficients": {"relu": coefficients("relu.published")}}, r"coefficients\['relu'\] is of type CoefficientSet: give FSParams"),
    *(({"calibration": none}, "calibration holds no image") for none in ([], images(0))),
    ({"calibration": 5}, "calibration is of type int: give one tensor, or a tuple"),
    ({"calibration": [images().numpy()]}, "a batch of calibration is of type ndarray: give one tensor"),
    ({"calibration": images().half()}, "calibration is of type torch.float16, and example_input of torch.float32"),
    ({"calibration": images()[:, :1]}, r"does not take calibration of shape \(4, 1, 8, 8\).* 3 channels"),
    ({"calibration": images() * math.nan}, "the input of relu is not finite"),
    ({"calibration": images(1), "spike_penalty": 1e-3}, "calibration holds 1 image: spike_penalty compares errors"),
    ({"spike_penalty": 1e-3}, "there is no calibration: spike_penalty compares errors"),
])  # fmt: skip
def test_bad_options_are_refused(options, words, unchecked):
    with pytest.raises(ConversionError, match=words):
        convert(Forms().eval(), images(), **options)


class Masked(nn.Module):
    def forward(self, x, mask=None, *rest, features=False, **others):
        if mask is not None:
            x = x * mask
        x = F.relu(x)
        return x if features or rest else x.mean((2, 3))


class Handed(nn.Module):
    def forward(self, x):
        return x


def test_what_users_call_linear_may_hand_on_its_own_input():
    """A shortcut reads the same numbers, so neurons must not write over them."""

    class Shortcut(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.handed, self.relu = nn.Linear(4, 8), Handed(), nn.ReLU()

        def forward(self, x):
            y = self.first(x)
            return self.relu(self.handed(y)) + y

    network, x = Shortcut().eval(), torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.allclose(convert(network, x, x, K=14, linear=(Handed,)).network(x), network(x), atol=1e-3)


def test_optional_arguments_have_their_defaults_also_where_forward_asks_for_them():
    x = images()
    snn, report = convert(Masked(), x, K=8)
    assert [node.name for node in snn.graph.nodes if node.op == "placeholder"] == ["x"]
    assert [row.operation for row in report.rows] == ["relu", "mean"]
    assert torch.allclose(snn(x), F.relu(x).mean((2, 3)), atol=0.1)


def test_parameters_are_a_part_of_the_state_of_a_network(tmp_path):
    network, x = Forms().eval(), images()
    snn, other = convert(network, x, x, K=8).network, convert(network, x, K=4).network
    assert not torch.allclose(other(x), snn(x), rtol=0.01)
    save_file(snn.state_dict(), tmp_path / "snn.safetensors")
    other.load_state_dict(load_file(tmp_path / "snn.safetensors"))
    assert [m.params for m in fs_layers(other).values()] == [m.params for m in fs_layers(snn).values()]
    assert torch.equal(other(x), snn(x))


@pytest.mark.parametrize("act", [F.relu, F.silu])
def test_a_trace_by_torch_jit_computes_the_same(act):
    network, x = Functional(lambda x: act(x + 1.0)), images()
    snn = convert(network, x, K=8).network
    assert torch.equal(torch.jit.trace(snn, x)(images(seed=1)), snn(images(seed=1)))


@pytest.mark.parametrize("calibrated", [False, True])
def test_with_the_most_steps_nothing_is_rounded(calibrated):
    network, x = small(nn.Conv2d(4, 2, 1)).double(), images(8).double()
    snn, _ = convert(network, x[:1], x if calibrated else None, K=62)
    assert torch.allclose(snn(x), network(x), rtol=0, atol=1e-14)


def test_the_report_says_what_the_neurons_change_and_a_large_error_is_warned_of():
    network, x = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU6(), nn.Conv2d(4, 4, 1), nn.ReLU()), images(8)
    for p in network[2].parameters():
        p.data.mul_(1e-3)  # a signal far smaller than the published range
    with pytest.warns(UserWarning, match=r"differs by .* of its norm for example_input\..* of _3 \(relu, K = 8, .*give calibration images"):
        unseen = convert(network, x, K=8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        calibrated = convert(network, x[:1], x, K=8)
    for (snn, report), why, seen in (
        (unseen, "published range 0 to 25, no images seen", "example_input"),
        (calibrated, "parameters for this layer's inputs", "8 calibration images"),
    ):
        assert [row.why for row in report.spiking] == ["its whole range", why]
        y = network(x).detach().double()
        assert report.error == pytest.approx(float((snn(x) - y).square().sum() / y.square().sum()) ** 0.5, rel=1e-4)
        assert f"Relative error of the output for {seen}: {report.error:.2g}" in str(report)
    assert unseen.report.error > 0.9
    assert unseen.report.worst.error == pytest.approx(1, abs=1e-3)
    assert calibrated.report.error < 0.1
    text, stats = str(calibrated.report), str(statistics(calibrated.network, x)[1])
    assert "2 layers of few-spike neurons, 512 neurons per image" in text
    assert "spikes per neuron and image, 512 neurons, 8 images" in stats
    assert len(text + stats) < 1000
    assert convert(nn.Sequential(nn.SiLU()), x, K=8).report.spiking[0].why == "usual range -8 to 12, no images seen"
    assert convert(nn.Sequential(nn.ReLU()), torch.zeros(1, 2)).report.error == 0
    with torch.device("meta"):
        assert math.isnan(convert(nn.Sequential(nn.ReLU()), torch.empty(1, 2)).report.error)


@pytest.mark.parametrize("run", [lambda snn, x: snn(x), stepwise, statistics, partial(spike_train, node="_1")])
def test_a_converted_network_refuses_half_precision(run):
    network, x = small(nn.Conv2d(4, 2, 1)), images()
    snn = convert(network, x).network
    run(snn, x)
    with torch.autocast("cpu", torch.bfloat16):
        with pytest.raises(ConversionError, match=r"the output of _1 is of type torch\.bfloat16.*outside of torch\.autocast"):
            convert(network, x)
        with pytest.raises(ConversionError, match=r"input of few-spike neurons is of type torch\.bfloat16: .* outside of torch\.autocast"):
            run(snn, x)
    with pytest.raises(ValueError, match=r"input of few-spike neurons is of type torch\.float16"):
        run(snn.half(), x.half())


@pytest.mark.filterwarnings("ignore::FutureWarning")  # the older forms are deprecated, and still in many networks
@pytest.mark.parametrize("parametrized", [
    weight_norm, spectral_norm, parametrizations.weight_norm, parametrizations.spectral_norm, parametrizations.orthogonal,
    partial(prune.l1_unstructured, name="weight", amount=0.3),
    lambda m: parametrizations.weight_norm(parametrizations.weight_norm(m, "bias", None)),
])  # fmt: skip
def test_weights_that_are_computed_are_fixed(parametrized):
    layers = nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 5, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(20, 3)
    network = nn.Sequential(*(parametrized(m) if isinstance(m, nn.Conv2d | nn.Linear) else m for m in layers)).eval()
    network, x = network.double(), images().double()
    before = network(x)  # now hooks have left weights with a history, which cannot be copied
    snn, report = convert(network, x, x, K=14)
    assert {row.operation for row in report.rows} == {"Conv2d", "relu", "Flatten", "Linear"}
    y = snn(x)
    assert before.std() > 0.01
    assert (y - before).abs().max() < 1e-3 * before.std()
    assert torch.equal(network(x), before)  # it still has its own
    assert torch.equal(statistics(snn, x)[0], y)
    by_steps, traffic = stepwise(snn, x)
    assert torch.allclose(by_steps, y, rtol=0, atol=1e-10)
    assert [t.macs for t in traffic] == [4 * 6 * 6 * 4 * 27, 4 * 2 * 2 * 5 * 36, 4 * 20 * 3]
