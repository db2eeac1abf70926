"""The code of `book/reading.md` beside the package; its chip, few-spike neuron and relational network also serve in tests of these."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from snncore.few_spike import convert, fs_neuron, relu_code
from snncore.few_spike.choose import fitted
from snncore.few_spike.operations import Activation
from snncore.learning.eprop import Learner, Signal, gradient, observe
from snncore.learning.one_shot import OneShot
from snncore.networks.recurrent import Population, RecurrentNetwork, Weights, run_network
from snncore.neurons import AHPParams, ALIFParams, LIFParams, ReadoutParams
from tests.reading import CODE, plain

N, IN, OUT, STEPS = 20, 8, 3, 200
READOUT = ReadoutParams(20.0)


def short(*shape, scale=1.0, seed=0):
    """Weights of few binary digits, whose sums are exact."""
    return (64 * scale * torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)).round() / 64


def spikes(*shape, seed=0):
    return (torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < 0.3).double()


WEIGHTS = Weights(short(N, IN, scale=0.5), short(N, N, scale=0.2, seed=1).fill_diagonal_(0), short(OUT, N, seed=2))
ARRAYS = [w.numpy() for w in WEIGHTS]


def near(a, b):
    return float(np.abs(np.asarray(a) - np.asarray(b)).max()) < 1e-12 * float(np.abs(np.asarray(b)).max())


def test_each_model_has_at_most_sixty_short_lines():
    assert [*CODE] == ["few-spike", "neurons", "eprop-autograd", "eprop", "one-shot", "relational", "chip"]
    for section, code in CODE.items():
        assert len(code.splitlines()) <= 60, section
        assert max(map(len, code.splitlines())) <= 84, section


def test_a_converted_network_is_that_of_the_package():
    model, K, x = plain("few-spike"), 6, short(40, IN, scale=3.0, seed=3)
    net = nn.Sequential(nn.Linear(IN, N), nn.ReLU(), nn.Linear(N, N), nn.ReLU(), nn.Linear(N, OUT)).double()
    for k, w in enumerate(net.parameters()):
        w.data = short(*w.shape, scale=0.3, seed=k)
    relu = Activation("relu", nn.functional.relu)
    inputs = net[0](x).detach().sort(0).values[:, 0].numpy()
    for own, known in zip(model.calibrated(inputs, K), (getattr(fitted(relu, inputs, K, 0.0, 0), name) for name in "Thd"), strict=True):
        assert own == pytest.approx(known, rel=2.0 ** (K - 23))
    code = model.relu_code(16.0, K)
    known = relu_code(16.0, K, nearest=True)
    assert [tuple(a) for a in code] == [known.T, known.h, known.d]
    layers = [(of.weight.detach().numpy(), of.bias.detach().numpy()) for of in net[::2]]
    snn = convert(net, x, coefficients={"relu": known}).network
    assert np.array_equal(model.converted(x.numpy(), layers, [code, code]), snn(x).detach())
    assert fs_neuron(net[0](x).detach(), known).unique().numel() > 20


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize(
    ("name", "kind", "options"),
    [("lif", LIFParams, {}), ("lif", LIFParams, {"n_refractory": 3}), ("alif", ALIFParams, {"beta": 0.3}), ("ahp", AHPParams, {})],
)
def test_networks_of_neurons_that_remember(name, kind, options, compiled):
    model, x = plain("neurons"), spikes(STEPS, 1, IN)
    z, y = model.network(partial(getattr(model, name), **options), x[:, 0].numpy(), *ARRAYS)
    activity = run_network(x, WEIGHTS, [Population(N, kind(**options))], READOUT, compiled=compiled)
    assert 0.05 < z.mean() < 0.5
    assert np.array_equal(z, activity.z[:, 0])
    assert np.array_equal(y, activity.y[:, 0])


@pytest.mark.parametrize("neuron", [LIFParams(v_th=0.8), ALIFParams(12.0, 60.0, 0.3, 0.9)], ids=["LIF", "ALIF"])
def test_e_prop_by_three_lines_and_by_recursion(neuron):
    x, target, w_feedback = spikes(60, 1, IN), short(60, 1, OUT, seed=4), short(N, OUT, seed=5)
    p = SimpleNamespace(rho=0.0, beta=0.0, alpha=neuron.alpha, kappa=READOUT.kappa, v_th=neuron.v_th, dampening=neuron.dampening)
    if isinstance(neuron, ALIFParams):
        p.rho, p.beta = neuron.rho, neuron.beta
    trial, activity = observe(x, WEIGHTS, [Population(N, neuron)], READOUT)
    known = gradient(trial, Signal((activity.y - target) @ w_feedback.T, READOUT.kappa), "online")
    recursion = plain("eprop").eprop(x[:, 0].numpy(), target[:, 0].numpy(), *ARRAYS, w_feedback.numpy(), p)
    weights = [w.clone().requires_grad_() for w in WEIGHTS]
    y = plain("eprop-autograd").network(x, *weights, w_feedback, p)
    (0.5 * (y - target).square().sum()).backward()
    network = RecurrentNetwork(IN, [Population(N, neuron)], OUT, READOUT, torch.Generator()).double()
    learner = Learner(network, "random", torch.Generator(), 1.0)
    network.load_state_dict(WEIGHTS._asdict())
    learner.w_feedback.data = w_feedback
    (0.5 * (learner(x).y - target).square().sum()).backward()
    assert torch.equal(y, activity.y)
    assert near(weights[2].grad, network.w_out.grad)
    weights[1].grad.fill_diagonal_(0)
    for of_recursion, w, of_package, own in zip(recursion, weights, known, (network.w_in, network.w_rec), strict=False):
        assert of_package.abs().max() > 1
        assert all(near(a, of_package) for a in (of_recursion, w.grad, own.grad))


def test_one_update_by_learned_signals():
    g = torch.Generator().manual_seed(0)
    network = OneShot(IN, 4, OUT, N, 15, 2.0, 0.02, g).double().requires_grad_(False)
    x, shown, lif = spikes(150, 1, IN), spikes(150, 1, 4, seed=1), network.lif
    p = SimpleNamespace(
        **{name: getattr(lif, name) for name in ("alpha", "v_th", "dampening", "n_refractory")}, kappa=network.learner.readout.kappa
    )
    learner, lsg = ([w.numpy() for w in of.weights()] for of in (network.learner, network.lsg))
    known = network(x, shown)
    y = plain("one-shot").lesson(x[:, 0].numpy(), shown[:, 0].numpy(), learner, lsg, network.eta, p)
    assert near(y, network.output(known.after)[:, 0])
    assert not near(y, network.output(known.before)[:, 0])
    assert 0.02 < known.after.z.mean() < 0.4
