r"""e-prop: the gradient of a recurrent network of spiking neurons from what a synapse can know, times a learning signal per neuron.

.. math::

    \frac{\mathrm{d}E}{\mathrm{d}W_{ji}} = \sum_t L_j(t)\, e_{ji}(t), \qquad
    e_{ji}(t) = \psi_j(t)\,\bigl(\epsilon^v_i(t) - \beta\, \epsilon^a_{ji}(t)\bigr)

with eligibility vectors that go forward in time, x_i being an input, or a spike of the step before,

.. math::

    \epsilon^v_i(t) = \alpha\, \epsilon^v_i(t-1) + x_i(t), \qquad
    \epsilon^a_{ji}(t+1) = \rho\, \epsilon^a_{ji}(t) + e_{ji}(t)

(:math:`\beta = 0` for LIF neurons). With the total derivative :math:`L_j(t) = \mathrm{d}E/\mathrm{d}z_j(t)` this *is* the gradient of
backpropagation through time (`ideal_signal`). It needs the future, so online learning broadcasts the errors at the readouts instead,
:math:`L_j(t) = \sum_k B_{jk}\, \partial E/\partial y_k(t)`, and filters the trace as the readouts filter spikes,
:math:`\bar e(t) = \kappa\, \bar e(t-1) + (1-\kappa)\, e(t)`.

`gradient` computes the sum in two ways. They are one number: the trace runs forward through the local states of neuron j, its transpose
backward through the same states,

.. math::

    l_j(t) &= \kappa\, l_j(t+1) + (1-\kappa)\, L_j(t), \\
    q_j(t) &= \psi_j(t)\,\bigl(l_j(t) + \mu_j(t+1)\bigr), \qquad \mu_j(t) = \rho\, \mu_j(t+1) - \beta\, q_j(t), \\
    \delta_j(t) &= q_j(t) + \alpha\, \delta_j(t+1), \qquad \frac{\mathrm{d}E}{\mathrm{d}W_{ji}} = \sum_t \delta_j(t)\, x_i(t)

so that no synapse needs a trace of its own.

Source: G. Bellec et al., Nature Communications 11, 3625 (2020).
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn

from snncore.filters import low_pass
from snncore.networks.recurrent import Activity, Population, RecurrentNetwork, Weights, run_network, stepwise
from snncore.neurons import ALIFParams, LIFParams, ReadoutParams, check_trace
from snncore.shapes import check_alike, check_finite
from snncore.spike import pseudo_derivative
from snncore.unroll import unroll


class Trial(NamedTuple):
    """Activity of a network as its synapses see it, and the weights with which it ran."""

    x: Float[Tensor, "time batch input"]  #: inputs
    z: Float[Tensor, "time batch neuron"]  #: spikes
    psi: Float[Tensor, "time batch neuron"]  #: pseudo-derivatives
    weights: Weights  #: shared by all samples
    populations: Sequence[Population]  #: LIF or ALIF neurons, reset by subtraction


class Signal(NamedTuple):
    """Learning signals."""

    filtered: Float[Tensor, "time batch neuron"]  #: multiplies the filtered trace
    kappa: float  #: decay of that filter per step, as of the readouts
    direct: Float[Tensor, "time batch neuron"] | None = None  #: multiplies the trace itself, as do costs of spikes


def delayed(z: Float[Tensor, "time *shape"]) -> Float[Tensor, "time *shape"]:
    """Spikes one step later, as they reach synapses."""
    return torch.cat([torch.zeros_like(z[:1]), z[:-1]])


def _psi(x: Tensor, p: Any) -> Tensor:
    """Pseudo-derivative of a neuron whose potential is above its threshold by x."""
    return pseudo_derivative(x / p.v_th, p.dampening) / p.v_th


def pseudo_derivatives(
    z: Float[Tensor, "time batch neuron"], v: Float[Tensor, "time batch neuron"], p: LIFParams | ALIFParams
) -> Float[Tensor, "time batch neuron"]:
    r""":math:`\psi = (\gamma / v_\text{th}) \max(0, 1 - |v - v_\text{th} - \beta b| / v_\text{th})` from spikes and potentials alone.

    Zero in the ``n_refractory`` steps after a spike.
    """
    x, before = v - p.v_th, delayed(z)
    if isinstance(p, ALIFParams):
        x = x - p.beta * low_pass(before, p.rho)
    psi = _psi(x, p)
    for _ in range(p.n_refractory):
        psi = psi * (1 - before)
        before = delayed(before)
    return psi


def _known(populations: Sequence[Population]) -> list[LIFParams | ALIFParams]:
    """Constants of the populations; neurons for which the published recursion does not hold are refused."""
    for _, p in populations:
        if not isinstance(p, (LIFParams, ALIFParams)):
            raise TypeError(
                f"traces are known for LIF and ALIF neurons, not for {type(p).__name__}: learn with run_network(..., credit=False) instead"
            )
        if p.reset_to_zero:
            raise ValueError(
                "traces are known for neurons reset by subtraction: set reset_to_zero=False, or learn with run_network(..., credit=False)"
            )
        if isinstance(p, ALIFParams):
            check_trace(p)
    return [p for _, p in populations]


def _shared(weights: Weights) -> Weights:
    """Weights that all samples share: a gradient is the sum over the batch."""
    for name, w in zip(Weights._fields, weights, strict=True):
        if w.ndim != 2:
            raise ValueError(f"{name} has shape {tuple(w.shape)}: e-prop learns weights that all samples share, (post, pre)")
    return weights


def _of_one_network(weights: Weights, populations: Sequence[Population], inputs: int, n: int, what: str, like: Tensor) -> None:
    """Refuse weights and populations of other sizes, weights that are not finite, or of another type or device than ``like``."""
    sizes = [size for size, _ in populations]
    if weights.w_in.shape != (n, inputs) or weights.w_rec.shape != (n, n) or sum(sizes) != n:
        shapes = f"w_in, w_rec have shapes {tuple(weights.w_in.shape)}, {tuple(weights.w_rec.shape)}, populations {sizes} neurons"
        raise ValueError(f"{shapes}, but there are {n} neurons and {inputs} inputs: they are of another network")
    for name, w in zip(("w_in", "w_rec"), weights[:2], strict=True):
        check_alike(name, w, what, like)
        check_finite(name, w)


@torch.no_grad()
def observe(
    x: Float[Tensor, "time batch input"], weights: Weights, populations: Sequence[Population], readout: ReadoutParams
) -> tuple[Trial, Activity]:
    """Run a network; keep what its synapses see, and a copy of its weights.

    Raises `TypeError` for neurons other than LIF and ALIF; `ValueError` if neurons are reset to zero, a trace could grow without bound, or
    weights differ from sample to sample.
    """
    params, weights = _known(populations), Weights(*(w.detach().clone() for w in _shared(weights)))
    activity = run_network(x, weights, populations, readout, potentials=True)
    sizes = [size for size, _ in populations]
    psi = torch.cat(list(map(pseudo_derivatives, activity.z.split(sizes, -1), activity.v.split(sizes, -1), params)), -1)
    return Trial(x, activity.z, psi, weights, populations), activity


@torch.enable_grad()
def ideal_signal(
    trial: Trial, readout: ReadoutParams, loss: Callable[[Tensor, Tensor], Float[Tensor, ""]]
) -> Float[Tensor, "time batch neuron"]:
    r"""The total derivative :math:`\mathrm{d}E/\mathrm{d}z_j(t)` of a loss of spikes and readouts.

    .. math::

        L_j(t) = \frac{\partial E}{\partial z_j(t)} + \sum_k W^\text{out}_{kj} (1-\kappa) \sum_{t' \ge t} \kappa^{t'-t}
        \frac{\partial E}{\partial y_k(t')} + \sum_i W^\text{rec}_{ij}\, \frac{\mathrm{d}E}{\mathrm{d}I_i(t+1)}

    It leaves out the effect of a spike on its own neuron's threshold, which is in the trace.
    """
    x, z, _, weights, populations = trial
    current = (x @ weights.w_in.mT).detach().requires_grad_()
    identity = torch.eye(z.shape[-1], dtype=z.dtype, device=z.device)
    activity = run_network(current, Weights(identity, *weights[1:]), populations, readout)
    (delta,) = torch.autograd.grad(loss(activity.z, activity.y), current)
    spikes = z.detach().requires_grad_()
    y = low_pass(spikes @ weights.w_out.mT, readout.kappa, 1 - readout.kappa)
    (signal,) = torch.autograd.grad(loss(spikes, y), spikes)
    return signal + torch.cat([delta[1:] @ weights.w_rec, torch.zeros_like(delta[:1])])


# --- Learning signals that networks are trained with ---------------------------------------------------------------------------------

Signals = Literal["random", "symmetric", "adaptive", "leak", "bptt"]
SIGNALS = get_args(Signals)


class Learner(nn.Module):
    r"""A recurrent network with learning signals :math:`L_j(t) = \sum_k B_{jk}\, \partial E/\partial y_k(t)` from errors at its readouts.

    The signal is one of `SIGNALS`; others are refused (`ValueError`). ``random``: B is fixed. ``symmetric``: B is the transposed readout
    weights. ``adaptive``: B is random at first and changes as the readout weights do. ``leak``: B is fixed, and traces follow the leak of
    the potential alone (:math:`\beta = 0` in them), as in J. Murray's RFLO, eLife 8, e43299 (2019). ``bptt``: the whole gradient in place
    of learning signals. The generator draws B with standard deviation ``scale``.

    >>> from snncore.neurons import LIFParams
    >>> generator = torch.Generator().manual_seed(0)
    >>> network = RecurrentNetwork(10, [Population(50, LIFParams())], 2, ReadoutParams(), generator)
    >>> learner = Learner(network, "symmetric", generator, 1.0)
    >>> learner(torch.ones(20, 4, 10)).y.square().mean().backward()  # fills .grad by e-prop
    >>> network.w_rec.grad.shape
    torch.Size([50, 50])
    """

    def __init__(self, network: RecurrentNetwork, signal: str, generator: torch.Generator, scale: float):
        super().__init__()
        if signal not in SIGNALS:
            raise ValueError(f"signal is {signal!r}: choose one of {', '.join(SIGNALS)}")
        self.network, self.signal = network, signal
        feedback = scale * torch.randn(network.w_out.shape[::-1], generator=generator)
        self.w_feedback = nn.Parameter(feedback, requires_grad=False) if signal in ("random", "adaptive", "leak") else None

    def forward(self, x: Float[Tensor, "time batch input"]) -> Activity:
        """Activity of the network; its backward pass is the gradient by the learning signals."""
        own, credit, leak = self.network, self.signal == "bptt", self.signal == "leak"
        return run_network(x, own.weights(), own.populations, own.readout, credit, w_feedback=self.w_feedback, leak=leak)

    def adapt(self, forget: float) -> None:
        """After a backward pass (else `ValueError`), give adaptive feedback the gradient of the readout weights; both lose ``forget``."""
        if self.signal != "adaptive" or self.w_feedback is None:
            return
        if self.network.w_out.grad is None:
            raise ValueError("the readout weights have no gradient: feedback adapts after a backward pass")
        self.w_feedback.grad = self.network.w_out.grad.T.clone()
        with torch.no_grad():
            for w in (self.w_feedback, self.network.w_out):
                w.mul_(1 - forget)


# --- The same sum in two ways ---------------------------------------------------------------------------------------------------------


class _Part(NamedTuple):
    """Constants, pseudo-derivatives and learning signals of one population; spikes and inputs ``pre`` that all neurons get."""

    alpha: float
    rho: float
    beta: float
    kappa: float
    pre: Float[Tensor, "time batch pre"]
    psi: Float[Tensor, "time batch neuron"]
    filtered: Float[Tensor, "time batch neuron"]
    direct: Float[Tensor, "time batch neuron"]


def _trace_back(p: _Part, mu: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Backward from mu at the end: q(t), and the factors of the traces before the first step, of adaptation and filtered."""
    q, arriving = torch.empty_like(p.psi), torch.zeros_like(mu)
    for t in range(len(p.psi) - 1, -1, -1):
        arriving = p.kappa * arriving + (1 - p.kappa) * p.filtered[t]
        q[t] = p.psi[t] * (arriving + p.direct[t] + mu)
        mu = p.rho * mu - p.beta * q[t]
    return q, mu, p.kappa / (1 - p.kappa) * arriving


def _online(p: _Part) -> Tensor:
    """The published recursion: a trace per synapse, forward in time."""
    batch, n, inputs = *p.psi[0].shape, p.pre.shape[-1]
    epsilon_v, (epsilon_a, e_bar) = torch.zeros_like(p.pre[0]), p.psi.new_zeros(2, batch, n, inputs)
    total, direct_too = p.psi.new_zeros(n, inputs), bool(p.direct.any())
    for pre, psi, filtered, direct in zip(p.pre, p.psi, p.filtered, p.direct, strict=True):
        epsilon_v = p.alpha * epsilon_v + pre
        if p.beta:
            e = torch.sub(epsilon_v[:, None], epsilon_a, alpha=p.beta).mul_(psi[:, :, None])
            epsilon_a.mul_(p.rho).add_(e)
        else:
            e = psi[:, :, None] * epsilon_v[:, None]
        e_bar.mul_(p.kappa).add_(e, alpha=1 - p.kappa)
        total += torch.einsum("bj,bji->ji", filtered, e_bar)
        if direct_too:
            total += torch.einsum("bj,bji->ji", direct, e)
    return total


def _parts(pre: Tensor, psi: Tensor, signal: Signal, populations: Sequence[Population]) -> list[_Part]:
    """Split by population."""
    direct = torch.zeros_like(psi) if signal.direct is None else signal.direct
    sizes, parts = [size for size, _ in populations], []
    for p, *own in zip(_known(populations), *(a.split(sizes, -1) for a in (psi, signal.filtered, direct)), strict=True):
        rho, beta = (p.rho, p.beta) if isinstance(p, ALIFParams) else (0.0, 0.0)
        parts.append(_Part(p.alpha, rho, beta, signal.kappa, pre, *own))
    return parts


def no_self(w: Float[Tensor, "*batch neuron neuron"]) -> Float[Tensor, "*batch neuron neuron"]:
    """Recurrent weights without the diagonal: no neuron is connected to itself."""
    return w * (1 - torch.eye(w.shape[-1], dtype=w.dtype, device=w.device))


class Carry(NamedTuple):
    """State of the traces between two steps."""

    epsilon_v: Float[Tensor, "batch pre"]  #: eligibility vector of potentials
    epsilon_a: Float[Tensor, "batch neuron pre"]  #: eligibility vector of adaptation
    e_bar: Float[Tensor, "batch neuron pre"]  #: filtered trace


def _chunk(p: _Part, carry: Carry) -> tuple[Carry, Tensor]:
    """Traces after one chunk, and what its steps add to the gradient.

    All are sums of the presynaptic traces with coefficients by `_trace_back`, as in gated linear attention.
    """
    none, one = torch.zeros_like(p.psi[0]), torch.ones_like(p.psi[0])
    epsilon_v = low_pass(torch.cat([p.pre[:1] + p.alpha * carry.epsilon_v, p.pre[1:]]), p.alpha)

    def total(q: Tensor, mu: Tensor, later: Tensor) -> Tensor:
        old = mu[:, :, None] * carry.epsilon_a + later[:, :, None] * carry.e_bar
        return torch.einsum("tbj,tbi->bji", q, epsilon_v) + old

    gradient = total(*_trace_back(p, none)).sum(0)
    silent = p._replace(filtered=torch.zeros_like(p.psi), direct=torch.zeros_like(p.psi))
    last = silent._replace(filtered=torch.cat([silent.filtered[1:], one[None]]))
    return Carry(epsilon_v[-1], total(*_trace_back(silent, one)), total(*_trace_back(last, none))), gradient


METHODS = ("fused", "online")


def _fused(trial: Trial, signal: Signal) -> tuple[Tensor, Tensor]:
    """Backpropagation through the network whose spikes carry no gradient to other neurons."""
    x, _, _, weights, populations = trial
    w_in, w_rec = (w.detach().requires_grad_() for w in weights[:2])
    with torch.enable_grad():
        z = run_network(x, Weights(w_in, w_rec, weights.w_out), populations, ReadoutParams(), credit=False).z
        arriving = low_pass(signal.filtered.flip(0), signal.kappa, 1 - signal.kappa).flip(0)
        if signal.direct is not None:
            arriving += signal.direct
        grad_in, grad_rec = torch.autograd.grad(z, (w_in, w_rec), arriving)
        return grad_in, grad_rec


def _check(signal: Signal, z: Tensor, others: dict[str, Tensor]) -> None:
    """Refuse what would give a number without meaning."""
    tensors = others | {"signal.filtered": signal.filtered} | ({} if signal.direct is None else {"signal.direct": signal.direct})
    for name, a in tensors.items():
        if a.shape[:2] != z.shape[:2] or (name != "x" and a.shape != z.shape):
            raise ValueError(f"{name} has shape {tuple(a.shape)}, but the spikes {tuple(z.shape)}: (time, batch, neuron)")
        check_alike(name, a, "the spikes", z)
        check_finite(name, a)
    if not ((z == 0) | (z == 1)).all():
        raise ValueError("z has numbers other than 0 and 1: give spikes, not rates or potentials")
    if not 0 <= signal.kappa < 1:
        raise ValueError(f"signal.kappa is {signal.kappa}: a decay per step is at least 0 and below 1")


@torch.no_grad()
def gradient(trial: Trial, signal: Signal, method: str = "fused") -> tuple[Float[Tensor, "neuron input"], Float[Tensor, "neuron neuron"]]:
    r"""Learning signals times eligibility traces, :math:`\sum_t L_j(t)\, e_{ji}(t)`, summed over the batch, for both kinds of weights.

    No neuron is connected to itself, so the diagonal of the second gradient is 0. The methods are

    - ``online``: the published recursion, forward with two traces per synapse, in memory (batch, neuron, pre);
    - ``fused``: backward through each neuron alone, adding to the gradient at each step, in memory (time, batch, neuron); the network runs
      again, in compiled loops where it can.

    Raises `ValueError` if shapes do not fit, spikes are not 0 or 1, numbers are not finite, or weights differ from sample to sample;
    `TypeError` if types or devices differ. `Stream` has the same sum for a trial without end.

    >>> from snncore.neurons import LIFParams
    >>> network = RecurrentNetwork(10, [Population(50, LIFParams())], 2, ReadoutParams(), torch.Generator().manual_seed(0))
    >>> trial, activity = observe(torch.ones(20, 4, 10), network.weights(), network.populations, network.readout)
    >>> signal = Signal(activity.y @ network.w_out.detach(), network.readout.kappa)
    >>> online, fused = (gradient(trial, signal, method)[0] for method in ("online", "fused"))
    >>> torch.allclose(online, fused, rtol=1e-4, atol=1e-4)
    True
    """
    x, z, psi, weights, populations = trial
    _check(signal, z, {"x": x, "psi": psi})
    _shared(weights)
    _known(populations)
    _of_one_network(weights, populations, x.shape[-1], z.shape[-1], "the spikes", z)
    if method not in METHODS:
        raise ValueError(f"method is {method!r}: choose one of {', '.join(METHODS)}")
    if method == "fused":
        grad_in, grad_rec = _fused(trial, signal)
    else:
        pre = torch.cat([x, delayed(z)], -1)
        grad_in, grad_rec = torch.cat([_online(p) for p in _parts(pre, psi, signal, populations)]).split([x.shape[-1], z.shape[-1]], -1)
    return grad_in, no_self(grad_rec)


class Stream:
    """A network that learns while it runs, without end: by chunks of steps, in memory that does not grow with time.

    ``run`` a chunk of inputs, then ``learn`` from the learning signals for these steps, which may be zero. The weights are leaves, which
    may be changed in place between two chunks; as `RecurrentNetwork.weights` computes ``w_rec``, give detached copies. ``like`` is an input
    of one step. Raises `TypeError` and `ValueError` as `observe`.
    """

    def __init__(self, weights: Weights, populations: Sequence[Population], readout: ReadoutParams, like: Float[Tensor, "batch input"]):
        for name, w in weights._asdict().items():
            if w.grad_fn is not None:
                raise ValueError(f"{name} is computed from other tensors, whose changes would not reach it: give {name}.detach().clone()")
        self.weights, self.populations, self._params = _shared(weights), populations, _known(populations)
        n, inputs = len(weights.w_rec), like.shape[1]
        _of_one_network(weights, populations, inputs, n, "like", like)
        self._step, self._state = stepwise(weights, populations, readout, like, potentials=True)
        pre = inputs + n
        self._carries = [Carry(like.new_zeros(len(like), pre), *like.new_zeros(2, len(like), size, pre)) for size, _ in populations]
        self._seen: tuple[Tensor, Tensor, Tensor] | None = None

    @torch.no_grad()
    def run(self, x: Float[Tensor, "time batch input"]) -> Activity:
        """Go on with these inputs.

        Raises `ValueError` or `TypeError` if nothing has been learned from the last chunk, or for inputs of another shape, type or device,
        or that are not finite.
        """
        if self._seen is not None:
            raise ValueError("learn from the last chunk before the next one is run, with signals of zero if there is nothing to learn")
        z_before, inputs = self._state[0], self.weights.w_in.shape[1]
        if x.shape[1:] != (len(z_before), inputs):
            raise ValueError(
                f"x has shape {tuple(x.shape)}: this stream has {len(z_before)} samples and {inputs} inputs, (time, batch, input)"
            )
        check_alike("x", x, "this stream", z_before)
        if not x.isfinite().all():
            raise ValueError("x has numbers that are not finite, which traces would keep for good: look for the reason upstream")

        def step(current: Tensor, state: tuple) -> tuple:
            activity, after = self._step(current, state)
            psi = []
            for now, before, p in zip(after[1], state[1], self._params, strict=True):
                over = now.v - p.v_th - (p.beta * before.b if isinstance(p, ALIFParams) else 0.0)
                psi.append(_psi(over, p) * (before.r == 0))
            return (activity, torch.cat(psi, -1)), after

        (activity, psi), self._state = unroll(step, x @ self.weights.w_in.mT, self._state)
        self._seen = torch.cat([x, torch.cat([z_before[None], activity.z[:-1]])], -1), psi, activity.z
        return activity

    @torch.no_grad()
    def learn(self, signal: Signal) -> tuple[Float[Tensor, "neuron input"], Float[Tensor, "neuron neuron"]]:
        """Gradient that the last chunk adds; `ValueError` or `TypeError` without a chunk, and for signals that `gradient` refuses."""
        if self._seen is None:
            raise ValueError("there is no chunk to learn from: run one first")
        pre, psi, z = self._seen
        _check(signal, z, {})
        self._seen = None
        chunks = [_chunk(p, carry) for p, carry in zip(_parts(pre, psi, signal, self.populations), self._carries, strict=True)]
        self._carries = [carry for carry, _ in chunks]
        inputs = self.weights.w_in.shape[1]
        grad_in, grad_rec = torch.cat([grad for _, grad in chunks]).split([inputs, pre.shape[-1] - inputs], -1)
        return grad_in, no_self(grad_rec)
