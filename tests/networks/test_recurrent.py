"""The compiled loop against the plain one, and both against what is known without them."""

import dataclasses

import pytest
import torch

from snncore.networks.lstm import LSTMNetwork
from snncore.networks.recurrent import Population, RecurrentNetwork, Weights, run_network
from snncore.neurons import AHPParams, ALIFParams, BRFParams, LIFParams, ReadoutParams

MIXED = (
    Population(7, LIFParams(n_refractory=2, v_th=0.8)),
    Population(6, ALIFParams(beta=0.1, tau_a=50.0, n_refractory=1)),
    Population(5, AHPParams(tau_ahp=40.0, beta=3.0)),
    Population(3, LIFParams(reset_to_zero=True, dampening=0.5)),
    Population(2, ALIFParams(beta=0.1, tau_a=50.0, reset_to_zero=True)),
    Population(2, AHPParams(tau_ahp=40.0, beta=3.0, reset_to_zero=False)),
)
READOUT = ReadoutParams(tau_out=7.0)
N, IN, OUT, TIME, BATCH = 25, 9, 4, 50, 19  # more than one tile of the compiled loop, and a rest


def problem(dtype=torch.float64, per_sample=False, real=False):
    g = torch.Generator().manual_seed(0)
    x = torch.randn(TIME, BATCH, IN, generator=g) if real else (torch.rand(TIME, BATCH, IN, generator=g) < 0.2).float()
    sets = (BATCH,) if per_sample else ()
    w_in, w_rec = torch.randn(*sets, N, IN, generator=g) * 0.4, torch.randn(*sets, N, N, generator=g) * 0.2
    w_out = torch.randn(*sets, OUT, N, generator=g)
    return [a.to(dtype).requires_grad_() for a in (x, w_in, w_rec, w_out)]


def both_loops(loss, x, w, by, credit=True, leak=False):
    """Activity and gradients, of the compiled loop and of the plain one."""
    for compiled in (True, False):
        activity = run_network(x, Weights(*w), MIXED, READOUT, credit, potentials=True, compiled=compiled, leak=leak)
        yield activity, torch.autograd.grad(loss(activity), by, allow_unused=True)


def close(a, b, tolerance=1e-10):
    return (a - b).detach().abs().max() <= tolerance * max(1.0, float(b.detach().abs().max()))


@pytest.mark.parametrize(("credit", "leak", "per_sample", "real", "dtype", "tolerance"), [
    (True, False, False, False, torch.float64, 1e-10),
    (False, False, False, True, torch.float64, 1e-10),
    (True, False, True, True, torch.float64, 1e-10),
    (False, True, False, True, torch.float64, 1e-10),
    (True, False, False, False, torch.float32, 1e-4),
])  # fmt: skip
def test_the_compiled_loop_is_the_plain_loop(credit, leak, per_sample, real, dtype, tolerance):
    x, *w = problem(dtype, per_sample, real)
    g = torch.Generator().manual_seed(1)
    factors = [torch.randn(TIME, BATCH, k, generator=g, dtype=dtype) for k in (N, N, OUT)]
    ours, plain = both_loops(lambda a: sum((c * of).sum() for c, of in zip(factors, a, strict=True)), x, w, (x, *w), credit, leak)
    for z in plain[0].z.split([size for size, _ in MIXED], -1):  # each population is active, none saturates
        assert 0.01 < z.mean() < 0.5
    assert torch.equal(ours[0].z, plain[0].z)
    assert all(close(a, b, tolerance) for a, b in zip((*ours[0], *ours[1]), (*plain[0], *plain[1]), strict=True))
    assert all(gradient.abs().max() > 1e-3 for gradient in plain[1])


def test_second_derivatives_are_refused_by_the_compiled_loop_also_for_linear_losses():
    x, *w = problem()
    ours, plain = (run_network(x, Weights(*w), MIXED, READOUT, compiled=compiled).y.sum() for compiled in (True, False))
    with pytest.raises(RuntimeError, match="no second derivatives: call with compiled=False"):
        torch.autograd.grad(ours, x, create_graph=True)
    torch.autograd.grad(torch.autograd.grad(plain, x, create_graph=True)[0].square().sum(), w)


LOSSES = {
    "z": lambda a: a.z.square().mean(),
    "y": lambda a: a.y.square().mean(),
    "rate": lambda a: a.z.sum((0, 1)).square().sum() / 1e6,
    "potential": lambda a: a.v.mean(),
    "potentials of a step": lambda a: a.v.sum(1).square().mean(),
    "potentials of a sample": lambda a: a.v.sum(0).square().mean(),
}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_losses_of_one_output_alone(loss):
    """Gradients that are missing, and those that only repeat numbers along an axis, as of a mean rate."""
    x, *w = problem()
    (_, ours), (_, plain) = both_loops(loss, x, w, w)
    for a, b in zip(ours, plain, strict=True):
        assert close(torch.zeros(1) if a is None else a, torch.zeros(1) if b is None else b)
    assert ours[1].abs().max() > 0


def test_weights_that_are_no_numbers_are_seen_in_gradients():
    x, *w = problem()
    w[0].data[2, 1] = float("nan")
    assert all(gradient[2].isnan().any() for _, (gradient,) in both_loops(lambda a: a.y.sum(), x, w, w[:1]))


@pytest.mark.parametrize("threads", [2, 5])
def test_the_number_of_threads_does_not_matter(threads):
    x, *w = problem()
    results = []
    for n in (1, threads):
        torch.set_num_threads(n)
        activity = run_network(x, Weights(*w), MIXED, READOUT)
        results.append((activity.z, activity.y, *torch.autograd.grad(activity.y.square().sum(), (x, *w))))
    assert all(close(a, b, 1e-12) for a, b in zip(*results, strict=True))


def test_gradients_between_spikes_are_true_derivatives():
    """As long as no spike changes, potentials and readouts are linear in inputs and weights: finite differences know the gradient."""
    x, *w = problem(real=True)
    x, firing = x[:12, :2].detach().requires_grad_(), [Population(n, dataclasses.replace(p, dampening=0.0)) for n, p in MIXED]

    def activity(x, *w):
        return run_network(x, Weights(*w), firing, READOUT, potentials=True)

    assert activity(x, *w).z[:-1].sum() > 5
    assert torch.autograd.gradcheck(lambda *given: activity(*given)[1:], (x, *w), fast_mode=True)


def test_a_network_has_no_self_connections_and_comes_from_its_generator():
    def network(seed):
        return RecurrentNetwork(IN, MIXED, OUT, ReadoutParams(), torch.Generator().manual_seed(seed))

    a, b, c = network(0), network(0), network(1)
    x, *_ = problem(torch.float32)
    y = a(x).y
    assert y.shape == (TIME, BATCH, OUT)
    assert torch.equal(y, b(x).y)
    assert not torch.equal(y, c(x).y)
    assert a.weights().w_rec.diagonal().abs().max() == 0
    y.square().sum().backward()
    assert a.w_rec.grad.diagonal().abs().max() == 0
    assert a.w_rec.grad.abs().max() > 0
    assert set(a.state_dict()) == {"w_in", "w_rec", "w_out"}


def test_learned_time_constants_belong_to_single_neurons():
    """With them a network is the one whose populations are single neurons, of numbers, in the compiled loop."""
    x = problem()[0].detach()
    weights = torch.Generator().manual_seed(0), (3.0, 1.0)
    net = RecurrentNetwork(IN, MIXED, OUT, READOUT, *weights, ["tau_m", "tau_ahp"]).double()
    for layer in net.layers:
        for log in layer.log_tau.values():
            log.data += 0.3 * torch.randn(log.shape, generator=torch.Generator().manual_seed(1))
    _, p = net.populations[7]
    assert (p.tau_m, p.tau_a, p.beta) == (net.layers[1].log_tau["tau_m"][0].exp(), 50.0, 0.1)
    assert [size for size, _ in net.populations] == [1] * N
    ours, other = net(x), run_network(x, net.weights(), net.populations, READOUT, compiled=True)
    assert torch.equal(ours.z, other.z)
    assert 0.02 < other.z.detach().mean() < 0.5
    ours.y.square().sum().backward()
    assert all(log.grad.abs().max() > 0 for layer in net.layers for log in layer.log_tau.values())
    beside = [Population(4, BRFParams()), Population(2, LIFParams())]
    assert [size for size, _ in RecurrentNetwork(IN, beside, OUT, READOUT, weights[0], learn=["tau_m"]).populations] == [4, 1, 1]
    with pytest.raises(ValueError, match="learn has 'tau_x', which no population has"):
        RecurrentNetwork(IN, MIXED, OUT, READOUT, weights[0], learn=["tau_x"])


@pytest.mark.parametrize(("changed", "error", "words"), [
    ({"populations": MIXED[:3]}, ValueError, r"shapes \(25, 9\), \(25, 25\), \(4, 25\), but the populations have 18 neurons and x 9"),
    ({"w_in": lambda w: w[None]}, ValueError, r"one set per sample, \(batch, post, pre\)"),
    ({"w_rec": lambda w: w.expand(BATCH - 1, -1, -1)}, ValueError, r"one set per sample, \(batch, post, pre\)"),
    ({"x": lambda x: x[:, 0]}, ValueError, r"x has shape \(50, 9\)"),
    ({"x": lambda x: x[:0]}, ValueError, "with at least one time step"),
    ({"x": lambda x: x / 0 * x}, ValueError, "x has numbers that are not finite"),
    ({"w_rec": lambda w: w.float()}, TypeError, r"w_rec is torch\.float32 on cpu, but x torch\.float64 on cpu"),
    ({"w_in": lambda w: w.to("meta")}, TypeError, r"w_in is torch\.float64 on meta, but x torch\.float64 on cpu"),
])  # fmt: skip
def test_what_does_not_fit_is_refused(changed, error, words, unchecked):
    given = dict(zip(("x", *Weights._fields), problem(), strict=True))
    x, *w = (changed[name](a) if name in changed else a for name, a in given.items())
    with pytest.raises(error, match=words):
        run_network(x, Weights(*w), changed.get("populations", MIXED), READOUT)


def test_all_parts_have_one_time_step_and_sizes_are_whole(unchecked):
    for size, dt, words in ((3, 0.5, r"time steps of 0\.5, 1\.0 ms: give all the same dt"), (3.0, 1.0, r"population is 3\.0: give a")):
        with pytest.raises(ValueError, match=words):
            RecurrentNetwork(2, [Population(size, LIFParams(dt=dt))], 1, ReadoutParams(), torch.Generator())


def test_the_lstm_network_follows_the_textbook_and_remembers_for_all_times():
    network = LSTMNetwork(IN, 8, OUT, 100).double()
    x = torch.randn(6, 2, IN, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    w_x, w_h, bias_x, bias_h = network.lstm.parameters()
    h = c = torch.zeros(2, 8, dtype=torch.float64)
    for t in range(6):
        i, f, g, o = (x[t] @ w_x.T + h @ w_h.T + bias_x + bias_h).chunk(4, 1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        assert torch.allclose(network(x)[t], h @ network.readout.weight.T + network.readout.bias)
    write, forget, *others = (bias_x + bias_h).detach().chunk(4)
    tau = -1 / forget.sigmoid().log()  # of a unit's memory while nothing comes in
    assert 1 < float(tau.min()) < 30 < 70 < float(tau.max()) < 100
    assert torch.allclose(write.sigmoid() + forget.sigmoid(), torch.ones(8, dtype=torch.float64))
    assert not any(b.any() for b in others)
