"""e-prop against backpropagation through time, against itself computed otherwise, and against what must not come out."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from snncore.filters import low_pass
from snncore.learning.eprop import METHODS, SIGNALS, Learner, Signal, Stream, gradient, ideal_signal, observe, pseudo_derivatives
from snncore.networks.recurrent import Population, RecurrentNetwork, Weights, run_network
from snncore.neurons import AHPParams, ALIFParams, LIFParams, ReadoutParams
from snncore.spike import spike

LIF = LIFParams(v_th=0.8, n_refractory=2)
ALIF = ALIFParams(tau_m=12.0, tau_a=60.0, beta=0.3, v_th=0.9, n_refractory=1)
BOTH = (Population(6, LIF), Population(7, ALIF))
UNSTABLE = (Population(6, LIF), Population(7, replace(ALIF, beta=20)))
CASES = pytest.mark.parametrize("populations", [(Population(13, LIF),), (Population(13, ALIF),), BOTH], ids=["LIF", "ALIF", "both"])
READOUT = ReadoutParams(tau_out=9.0)
N, IN, OUT, TIME, BATCH = 13, 5, 2, 60, 3


def problem(populations=BOTH):
    g = torch.Generator().manual_seed(0)
    x = (torch.rand(TIME, BATCH, IN, generator=g) < 0.2).double()
    w_rec = torch.randn(N, N, generator=g).double() * 0.3 * (1 - torch.eye(N))
    weights = Weights(torch.randn(N, IN, generator=g).double() * 0.5, w_rec, torch.randn(OUT, N, generator=g).double())
    target = torch.randn(TIME, BATCH, OUT, generator=g).double()
    return x, weights, target, observe(x, weights, populations, READOUT)


def loss(target):
    def of(z, y):
        return (y - target).square().sum() + 20 * (z.mean((0, 1)) - 0.05).square().sum()

    return of


def near(a, b, tolerance=1e-10):
    return float((a - b).abs().max() / b.abs().max()) < tolerance


def bptt(x, weights, target, populations, credit=True):
    w_in, w_rec = (w.clone().requires_grad_() for w in weights[:2])
    z, _, y = run_network(x, Weights(w_in, w_rec, weights.w_out), populations, READOUT, credit, compiled=False)
    return torch.autograd.grad(loss(target)(z, y), (w_in, w_rec))


@CASES
@pytest.mark.parametrize("method", METHODS)
def test_traces_times_the_ideal_learning_signal_are_the_gradient_of_bptt(populations, method):
    x, weights, target, (trial, activity) = problem(populations)
    assert 0.02 < float(activity.z.mean()) < 0.4
    signal = ideal_signal(trial, READOUT, loss(target))
    ours = gradient(trial, Signal(torch.zeros_like(signal), 0.0, signal), method)
    off = 1 - torch.eye(N)
    for a, b in zip(ours, bptt(x, weights, target, populations), strict=True):
        b = b * off if b.shape[1] == N else b
        assert float(b.abs().max()) > 0.1
        assert near(a, b)
    truncated = bptt(x, weights, target, populations, credit=False)
    assert not near(truncated[0], ours[0], 0.05)  # what e-prop leaves out is not small here


def by_hand(x, weights, recurrent=False, reset=True, own=False):
    """Spikes as others get them, copies of those that the neuron itself gets, and readouts; ALIF spikes are detached in some places."""
    p, sent, ys = ALIF, [], []
    v = b = r = z = heard = torch.zeros(BATCH, N, dtype=torch.float64)
    y = torch.zeros(BATCH, OUT, dtype=torch.float64)
    for now in x:
        v = p.alpha * v + now @ weights.w_in.T + (heard.detach() if recurrent else heard) @ weights.w_rec.T
        v = v - p.v_th * (z.detach() if reset else z)
        z = spike((v - p.v_th - p.beta * b) / p.v_th, p.dampening) * (r == 0)
        r = torch.where(z.detach() > 0, p.n_refractory, (r - 1).clamp(min=0))
        b = p.rho * b + (z.detach() if own else z)
        heard = z.clone()
        y = READOUT.kappa * y + (1 - READOUT.kappa) * heard @ weights.w_out.T
        sent.append(heard)
        ys.append(y)
    return sent, torch.stack(ys)


def test_the_ideal_learning_signal_is_autograds_for_spikes_as_others_see_them():
    x, weights, target, (trial, _) = problem((Population(N, ALIF),))
    sent, y = by_hand(x, weights._replace(w_rec=weights.w_rec.clone().requires_grad_()))
    by_autograd = torch.stack(torch.autograd.grad(loss(target)(torch.stack(sent), y), sent))
    signal = ideal_signal(trial, READOUT, loss(target))
    assert near(signal, by_autograd)
    assert float(signal.abs().max()) > 0.1


@CASES
def test_both_methods_give_one_gradient(populations):
    _, _, target, (trial, activity) = problem(populations)
    g = torch.Generator().manual_seed(1)
    feedback = torch.randn(N, OUT, generator=g).double()
    direct = 0.1 * torch.randn(TIME, BATCH, N, generator=g).double()
    signal = Signal((activity.y - target) @ feedback.T, READOUT.kappa, direct)
    results = {method: gradient(trial, signal, method) for method in METHODS}
    for method in METHODS:
        for ours, known in zip(results[method], results["online"], strict=True):
            assert near(ours, known), method
            assert float(known.abs().max()) > 0.1


@pytest.mark.parametrize("lengths", [(1,) * 60, (7, 20, 33), (60,)])
def test_a_stream_is_the_trial_in_pieces(lengths):
    x, weights, target, (trial, activity) = problem()
    g = torch.Generator().manual_seed(1)
    feedback, direct = torch.randn(N, OUT, generator=g).double(), 0.1 * torch.randn(TIME, BATCH, N, generator=g).double()
    known = gradient(trial, Signal((activity.y - target) @ feedback.T, READOUT.kappa, direct), "online")
    stream, total, start = Stream(weights, BOTH, READOUT, x[0]), [0.0, 0.0], 0
    for n in lengths:
        part = slice(start, start + n)
        own = stream.run(x[part])
        assert torch.equal(own.z, activity.z[part])
        more = stream.learn(Signal((own.y - target[part]) @ feedback.T, READOUT.kappa, direct[part]))
        total = [a + b for a, b in zip(total, more, strict=True)]
        start += n
    assert all(near(a, b) for a, b in zip(total, known, strict=True))
    with pytest.raises(ValueError, match="no chunk to learn from: run one first"):
        stream.learn(Signal(trial.z, READOUT.kappa))


def test_weights_that_change_at_each_step():
    """Online learning with an update per step, by a plain loop over the published equations, of LIF and ALIF neurons."""
    lif, alif, rate = LIFParams(v_th=0.8), ALIFParams(tau_m=12.0, tau_a=60.0, beta=0.3, v_th=0.9), 0.02
    populations = (Population(6, lif), Population(7, alif))
    x, start, target, _ = problem(populations)
    feedback = torch.randn(N, OUT, generator=torch.Generator().manual_seed(1)).double()
    own = Weights(*(w.clone() for w in start))
    stream = Stream(own, populations, READOUT, x[0])
    for t in range(TIME):
        found = stream.run(x[t : t + 1])
        grads = stream.learn(Signal((found.y - target[t]) @ feedback.T, READOUT.kappa))
        for w, grad in zip(own[:2], grads, strict=True):
            w -= rate * grad

    def each(of_lif, of_alif):  # a constant of each neuron
        return np.repeat([of_lif, of_alif], (6, 7))

    w_in, w_rec, w_out = (w.numpy().copy() for w in start)
    v_th, height = each(lif.v_th, alif.v_th), each(lif.dampening / lif.v_th, alif.dampening / alif.v_th)
    alpha, beta = np.exp(-1 / each(lif.tau_m, alif.tau_m)), each(0.0, alif.beta)
    rho, kappa = np.exp(-1 / alif.tau_a), np.exp(-1 / READOUT.tau_out)
    v, z, a = np.zeros((3, BATCH, N))
    y, (eps_v, eps_a, e_bar) = np.zeros((BATCH, OUT)), np.zeros((3, BATCH, N, IN + N))
    for t in range(TIME):
        eps_v = alpha[:, None] * eps_v + np.concatenate([x[t].numpy(), z], 1)[:, None]
        v = alpha * v - v_th * z + x[t].numpy() @ w_in.T + z @ w_rec.T
        over = (v - v_th - beta * a) / v_th
        z = (over > 0).astype(float)
        psi = (height * np.maximum(0, 1 - abs(over)))[:, :, None]
        e = psi * (eps_v - beta[:, None] * eps_a)
        a, eps_a = rho * a + z, rho * eps_a + e
        e_bar = kappa * e_bar + (1 - kappa) * e
        y = kappa * y + (1 - kappa) * z @ w_out.T
        step = np.einsum("bj,bji->ji", (y - target[t].numpy()) @ feedback.numpy().T, e_bar)
        w_in, w_rec = w_in - rate * step[:, :IN], w_rec - rate * step[:, IN:] * (1 - np.eye(N))
    for ours, known in zip(own, (w_in, w_rec), strict=False):
        assert near(ours, torch.from_numpy(known))
    assert not near(own.w_rec, start.w_rec, 0.1)


def test_a_stream_refuses_what_would_go_wrong_silently():
    x, weights, _, (trial, _) = problem()
    stream, single = Stream(weights, BOTH, READOUT, x[0]), Weights(*(w.float() for w in weights))
    z, kappa = stream.run(x[:5]).z, READOUT.kappa
    computed = weights._replace(w_rec=weights.w_rec.clone().requires_grad_() * 1)
    with pytest.raises(ValueError, match="learn from the last chunk before the next one"):
        stream.run(x[5:9])
    with pytest.raises(ValueError, match=r"signal.filtered has shape \(60, 3, 13\)"):
        stream.learn(Signal(trial.z, kappa))
    stream.learn(Signal(z, kappa))
    for refused, error, words in (
        (lambda: stream.run(x[:5, :, 1:]), ValueError, r"this stream has 3 samples and \d+ inputs"),
        (lambda: stream.run(x[:5].float()), TypeError, r"x is torch\.float32 on cpu, but this stream torch\.float64"),
        (lambda: stream.run(x[:5] * float("nan")), ValueError, "x has numbers that are not finite, which traces would keep"),
        (lambda: Stream(weights, (Population(N, AHPParams()),), READOUT, x[0]), TypeError, "not for AHPParams"),
        (lambda: Stream(weights, BOTH, READOUT, x[0, :, 1:]), ValueError, "they are of another network"),
        (lambda: Stream(single, BOTH, READOUT, x[0]), TypeError, r"w_in is torch\.float32 on cpu, but like torch\.float64"),
        (lambda: Stream(computed, BOTH, READOUT, x[0]), ValueError, r"give w_rec\.detach\(\)\.clone\(\)"),
    ):
        with pytest.raises(error, match=words):
            refused()


def test_spikes_must_be_detached_in_the_recurrence_and_the_reset_and_nowhere_else():
    x, weights, target, (trial, activity) = problem((Population(N, ALIF),))
    known = gradient(trial, Signal(2 * (activity.y - target) @ weights.w_out, READOUT.kappa), "online")[0]
    own = weights._replace(w_in=weights.w_in.clone().requires_grad_())
    both, *others = (True, True, False), (True, False, False), (False, True, False), (True, True, True)
    found = {at: torch.autograd.grad((by_hand(x, own, *at)[1] - target).square().sum(), own.w_in)[0] for at in (both, *others)}
    assert near(found[both], known)
    assert not any(near(found[at], known, 0.01) for at in others)


@pytest.mark.parametrize("p", [LIF, ALIF], ids=["LIF", "ALIF"])
def test_pseudo_derivatives_come_from_spikes_and_potentials(p):
    """Against the neuron's own: the gradient of its spikes with respect to an input that reaches the potential in this step only."""
    x, weights, _, _ = problem()
    nothing = torch.zeros(N, N, dtype=torch.float64)
    found = run_network(x, Weights(weights.w_in, nothing, weights.w_out), (Population(N, p),), READOUT, potentials=True)
    current = (x @ weights.w_in.T).requires_grad_()
    z = run_network(current, Weights(torch.eye(N).double(), nothing, weights.w_out), (Population(N, p),), READOUT).z
    for t in (3, 17, TIME - 1):
        (own,) = torch.autograd.grad(z[t].sum(), current, retain_graph=True)
        assert torch.allclose(own[t], pseudo_derivatives(found.z, found.v, p)[t], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("method", METHODS)
def test_a_trial_keeps_the_weights_that_it_was_run_with(method):
    _, weights, _, (trial, _) = problem()
    signal = Signal(torch.ones_like(trial.z), READOUT.kappa)
    before = gradient(trial, signal, method)
    for w in weights:
        w.mul_(1.5)
    assert all(map(torch.equal, before, gradient(trial, signal, method)))


def test_trials_signals_and_neurons_that_do_not_fit_are_refused():
    x, weights, _, (trial, _) = problem()
    ones, kappa = torch.ones_like(trial.z), READOUT.kappa
    good, each, single = Signal(ones, kappa), Weights(*(w.expand(BATCH, -1, -1) for w in weights)), Weights(*(w.float() for w in weights))
    for refused, error, words in (
        (lambda: gradient(trial, good, "exact"), ValueError, "method is 'exact': choose one of fused"),
        (lambda: gradient(trial, Signal(ones[1:], kappa)), ValueError, r"signal.filtered has shape \(59, 3, 13\)"),
        (lambda: gradient(trial, Signal(ones, kappa, ones.float())), TypeError, "signal.direct is torch.float32"),
        (lambda: gradient(trial, Signal(ones * float("nan"), kappa)), ValueError, "signal.filtered has numbers that"),
        (lambda: gradient(trial, Signal(ones, 1.0)), ValueError, "signal.kappa is 1.0"),
        (lambda: gradient(trial._replace(z=0.5 * trial.z), good), ValueError, "z has numbers other than 0 and 1"),
        (lambda: gradient(trial._replace(x=trial.x.to("meta")), good), TypeError, "x is torch.float64 on meta, but the spikes"),
        (lambda: gradient(trial._replace(populations=BOTH[:1]), good), ValueError, "they are of another network"),
        (lambda: gradient(trial._replace(weights=single), good), TypeError, r"w_in is torch\.float32 on cpu, but"),
        (lambda: gradient(trial._replace(weights=each), good), ValueError, r"w_in has shape \(3, 13, 5\): e-prop learns weights that all"),
        (lambda: observe(x, weights, (Population(N, AHPParams()),), READOUT), TypeError, "not for AHPParams: learn with"),
        (lambda: observe(x, weights, (Population(N, LIFParams(reset_to_zero=True)),), READOUT), ValueError, "reset_to_zero=False"),
        (lambda: observe(x, weights, (Population(N, ALIFParams(reset_to_zero=True)),), READOUT), ValueError, "reset_to_zero=False"),
        (lambda: observe(x, weights, UNSTABLE, READOUT), ValueError, r"beta is 20: above \(1 \+ rho\)"),
        (lambda: run_network(x, weights, UNSTABLE, READOUT, credit=False), ValueError, r"beta is 20: above \(1 \+ rho\)"),
        (lambda: run_network(x, weights, BOTH, READOUT, w_feedback=weights.w_out), ValueError, r"w_feedback has shape \(2, 13\)"),
    ):
        with pytest.raises(error, match=words):
            refused()


def learner(signal):
    g = torch.Generator().manual_seed(1)
    return Learner(RecurrentNetwork(IN, BOTH, OUT, READOUT, g, (3.0, 1.0)).double(), signal, g, 0.7).double()


@pytest.mark.parametrize("signal", SIGNALS)
def test_a_learner_gets_the_gradient_of_its_learning_signals(signal):
    """Compiled and plain, against `gradient`, with errors at the readouts that are written down here."""
    x, _, target, _ = problem()
    ours = learner(signal)
    network = ours.network
    parameters = network.w_in, network.w_rec, network.w_out
    how = {"credit": signal == "bptt", "leak": signal == "leak", "w_feedback": ours.w_feedback}
    plain = run_network(x, network.weights(), BOTH, READOUT, compiled=False, **how)
    compiled, plain = (torch.autograd.grad((activity.y - target).square().sum(), parameters) for activity in (ours(x), plain))
    trial, activity = observe(x, Weights(*(w.detach() for w in network.weights())), BOTH, READOUT)
    errors, none = 2 * (activity.y - target), torch.zeros_like(trial.z)
    if signal == "bptt":
        ideal = ideal_signal(trial, READOUT, lambda z, y: (y - target).square().sum())
        known = Signal(none, READOUT.kappa, ideal)
    else:
        if signal == "leak":  # the traces of neurons that do not adapt, at the same spikes and pseudo-derivatives
            trial = trial._replace(populations=(BOTH[0], Population(7, replace(ALIF, beta=0.0))))
        feedback = trial.weights.w_out.T if signal == "symmetric" else ours.w_feedback.detach()
        known = Signal(errors @ feedback.T, READOUT.kappa)
    w_out = torch.einsum("tbk,tbj->kj", errors, low_pass(activity.z, READOUT.kappa, 1 - READOUT.kappa))
    for a, b, c in zip(compiled, plain, (*gradient(trial, known, "online"), w_out), strict=True):
        assert float(c.abs().max()) > 0.01
        assert near(a, c)
        assert near(b, c)


def test_feedback_that_adapts_becomes_like_the_readout_weights():
    """Both get the same changes and forget: their difference shrinks as the forgetting alone says."""
    x, _, target, _ = problem()
    ours = learner("adaptive")
    optimizer = torch.optim.SGD(ours.parameters(), 0.05)
    first, before = ours.network.w_out.detach().clone(), (ours.w_feedback - ours.network.w_out.T).detach()
    for _ in range(30):
        optimizer.zero_grad()
        (ours(x).y - target).square().mean().backward()
        ours.adapt(0.02)
        optimizer.step()
    after = (ours.w_feedback - ours.network.w_out.T).detach()
    assert torch.allclose(after, before * 0.98**30, rtol=1e-9)
    assert not torch.allclose(ours.network.w_out, first * 0.98**30, rtol=1e-3)  # they have learned, too
