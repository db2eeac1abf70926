r"""Networks in the Neuromorphic Intermediate Representation (NIR), in which simulators and chips exchange them; needs ``snncore[nir]``.

A `snncore.networks.recurrent.RecurrentNetwork` is a graph of these ways, where z are spikes, which come back one step later:

.. code-block:: text

    Input → Linear → LIF            w_in
    LIF → Linear → LIF              w_rec
    LIF → Linear → LI → LIF         AHP currents; the matrix is diagonal, with -beta
    LIF → Linear → LI → Output      w_out, readouts

By Euler steps of `DT`, as snnTorch and SpikingJelly assume, it has the same spikes: :math:`\tau = \mathrm{d}t / (1 - \alpha)` is such
that a step keeps :math:`\alpha`. NIR has neurons that are reset to a value, and nothing for a reset by subtraction, refractory steps, or
thresholds that adapt. ``nir.write`` and ``nir.read`` know the files.

Source: J. E. Pedersen et al., Neuromorphic intermediate representation, Nature Communications 15, 8122 (2024).

>>> from snncore.neurons import AHPParams
>>> g = torch.Generator().manual_seed(0)
>>> network = RecurrentNetwork(3, [Population(5, AHPParams())], 2, ReadoutParams(), g)
>>> graph = to_nir(network)
>>> sorted(graph.nodes)
['ahp', 'input', 'neurons', 'output', 'readout', 'w_ahp', 'w_in', 'w_out', 'w_rec']
>>> x = (torch.rand(100, 1, 3, generator=g) < 0.3).float()
>>> torch.equal(from_nir(graph)(x).z, network(x).z)
True
"""

import itertools
import math
from collections import Counter
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from snncore.networks.recurrent import Population, RecurrentNetwork
from snncore.neurons import AHPParams, LIFParams, ReadoutParams

DT = 1e-4  # of a step [s]
WAYS = {
    ("Input", "Linear", "LIF"): "w_in",
    ("LIF", "Linear", "LIF"): "w_rec",
    ("LIF", "Linear", "LI", "LIF"): "w_ahp",
    ("LIF", "Linear", "LI", "Output"): "w_out",
}


def to_nir(network: RecurrentNetwork) -> Any:
    """The ``nir.NIRGraph`` of a network of LIF neurons with reset to zero and AHP neurons.

    Raises `ValueError` for what NIR cannot express, and for a network without readouts; `ModuleNotFoundError` without the package nir.
    """
    import nir

    for k, (_, p) in enumerate(network.populations):
        if not (isinstance(p, AHPParams | LIFParams) and p.reset_to_zero and not getattr(p, "n_refractory", 0)):
            raise ValueError(f"population {k} has {p}: NIR has LIFParams and AHPParams with reset_to_zero=True and n_refractory=0")
    w_in, w_rec, w_out = (w.detach().cpu().numpy() for w in network.weights())
    if not len(w_out):
        raise ValueError("the network has no readouts, to which the output of the graph belongs: give it outputs")
    rows = [(p.alpha, p.v_th, *((p.rho, p.beta) if isinstance(p, AHPParams) else (p.alpha, 0.0))) for _, p in network.populations]
    alpha, v_th, rho, beta = np.repeat(np.array(rows).T, [size for size, _ in network.populations], 1)
    zero, one = 0 * alpha, np.ones(len(w_out))
    nodes = {
        "input": nir.Input(np.array(w_in.shape[1:])), "w_in": nir.Linear(w_in), "w_rec": nir.Linear(w_rec), "w_out": nir.Linear(w_out),
        "neurons": nir.LIF(DT / (1 - alpha), 1 / (1 - alpha), zero, v_th, zero),
        "readout": nir.LI(DT / (1 - network.readout.kappa) * one, one, 0 * one), "output": nir.Output(np.array(w_out.shape[:1])),
    }  # fmt: skip
    ways = [("input", "w_in", "neurons"), ("neurons", "w_rec", "neurons"), ("neurons", "w_out", "readout", "output")]
    if beta.any():
        nodes |= {"w_ahp": nir.Linear(np.diag(-beta)), "ahp": nir.LI(DT / (1 - rho), zero + 1, zero)}
        ways.append(("neurons", "w_ahp", "ahp", "neurons"))
    return nir.NIRGraph(nodes, [edge for way in ways for edge in itertools.pairwise(way)])


def _ways(graph: Any) -> dict[str, list[str]]:
    """The names of the nodes on each of `WAYS`; `ValueError` if a graph is not made of these, each at most once, around one LIF node."""
    kind, found = {name: type(node).__name__ for name, node in graph.nodes.items()}, []
    waiting = [[name] for name in kind if kind[name] in ("Input", "LIF")]
    while waiting:
        way = waiting.pop()
        following = [post for pre, post in graph.edges if pre == way[-1]]
        if (len(way) > 1 and kind[way[-1]] in ("LIF", "Output")) or len(way) > 4 or not following:
            found.append(way)
        else:
            waiting += [[*way, post] for post in following]

    def shown(way: list[str]) -> str:
        return " → ".join(f"{name} ({kind[name]})" for name in way)

    roles = [WAYS.get(tuple(kind[name] for name in way)) for way in found]
    wrong = [shown(way) for way, role in zip(found, roles, strict=True) if roles.count(role) > 1 or not role]
    between = Counter(name for way in found for name in way[1:-1])  # a node on two ways would add them up
    wrong += [shown([name]) for name in kind if between[name] > 1 or not any(name in way for way in found)]
    if len(lif := [name for name in kind if kind[name] == "LIF"]) > 1:
        wrong.append(f"several LIF nodes, {', '.join(lif)}")
    wrong += [f"no {role}" for role in ("w_in", "w_out") if role not in roles]
    if wrong:
        ways = "; ".join(" → ".join(way) for way in WAYS)
        raise ValueError(f"the graph has {', '.join(wrong)}: a RecurrentNetwork has one LIF node, and at most once each {ways}")
    return {role: way for role, way in zip(roles, found, strict=True) if role}


def _kept(name: str, node: Any) -> Float[np.ndarray, " neuron"]:
    """What neurons keep in a step; `ValueError` if that is nothing, or if they have another rest or reset than 0."""
    for field in ("v_leak", "v_reset"):
        if np.any(getattr(node, field, 0)):
            raise ValueError(f"{field} of {name} is not 0: add it to the inputs and thresholds, or export the network without it")
    if not (node.tau > DT).all():
        raise ValueError(f"tau of {name} has {node.tau.min():g} s: a neuron that keeps something has more than the step, {DT:g} s")
    return 1 - DT / node.tau.astype(np.float64)


def from_nir(graph: Any) -> RecurrentNetwork:
    """The network of a graph that has the ways above, with any names; its time constants are in steps of 1 ms.

    Neurons side by side with the same constants are a population. Resistances become part of the weights. Raises `ValueError` for a graph
    that has other nodes or ways, a rest or reset other than 0, a neuron that is connected to itself, or readouts of several time constants.
    """
    ways = _ways(graph)
    node = {role: [graph.nodes[name] for name in way[1:]] for role, way in ways.items()}
    neurons, readout = node["w_in"][-1], node["w_out"][1]
    alpha, kappa = _kept(ways["w_in"][-1], neurons), _kept(ways["w_out"][2], readout)
    if len({*kappa}) > 1:
        raise ValueError(f"tau of {ways['w_out'][2]} has {len({*kappa})} values: readouts of a RecurrentNetwork have one time constant")
    gain, n = neurons.r * (1 - alpha), len(alpha)
    w_in, w_out = gain[:, None] * node["w_in"][0].weight, readout.r[:, None] * node["w_out"][0].weight
    w_rec = gain[:, None] * node["w_rec"][0].weight if "w_rec" in node else np.zeros((n, n))
    if own := np.flatnonzero(w_rec.diagonal()).tolist():
        raise ValueError(f"{ways['w_rec'][1]} connects neuron {own[0]} to itself, which no neuron of a RecurrentNetwork is")
    rho, beta = np.zeros(n), np.zeros(n)
    if "w_ahp" in node:
        matrix, current = node["w_ahp"][:2]
        matrix, rho = matrix.weight, _kept(ways["w_ahp"][2], current)
        beta = -gain * current.r * matrix.diagonal()
        if np.count_nonzero(matrix) > np.count_nonzero(beta) or (beta < 0).any():
            raise ValueError(
                f"{ways['w_ahp'][1]} is not diagonal, or above 0: spikes of a neuron itself make its AHP current, which is negative"
            )
    populations = []
    for (keep, v_th, slow, strength), same in itertools.groupby(
        zip(alpha.tolist(), neurons.v_threshold.tolist(), rho.tolist(), beta.tolist(), strict=True)
    ):
        tau_m = -1 / math.log(keep)
        params = AHPParams(tau_m, -1 / math.log(slow), strength, v_th) if strength else LIFParams(tau_m, v_th, reset_to_zero=True)
        populations.append(Population(len([*same]), params))
    network = RecurrentNetwork(w_in.shape[1], populations, len(w_out), ReadoutParams(-1 / math.log(kappa[0])), torch.Generator())
    kind = torch.from_numpy(node["w_in"][0].weight).dtype
    with torch.no_grad():
        for own_w, w in zip((network.to(kind).w_in, network.w_rec, network.w_out), (w_in, w_rec, w_out), strict=True):
            own_w.copy_(torch.from_numpy(w))
    return network
