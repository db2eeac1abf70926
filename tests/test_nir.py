"""NIR graphs against a plain reader of them, spike by spike."""

import numpy as np
import pytest
import torch

import snncore.nir
from snncore.networks.recurrent import Population, RecurrentNetwork
from snncore.neurons import AHPParams, ALIFParams, LIFParams, ReadoutParams

nir = pytest.importorskip("nir")
LIF, AHP = LIFParams(15.0, 0.7, reset_to_zero=True), AHPParams(20.0, 200.0, 2.0)


def network(*params, outputs=3):
    g = torch.Generator().manual_seed(0)
    return RecurrentNetwork(8, [Population(20, p) for p in params], outputs, ReadoutParams(30.0), g, (1.5, 1.0)).double()


def simulated(graph, x):
    """Spikes and output of a graph by Euler steps of 0.1 ms; what goes to a LIF node from one comes a step later."""
    state = {name: np.zeros(node.tau.shape) for name, node in graph.nodes.items() if hasattr(node, "tau")}
    out = {name: np.zeros(next(iter(node.output_type.values()))) for name, node in graph.nodes.items()}
    order = sorted(graph.nodes, key=["input", "w_in", "w_rec", "w_ahp", "ahp", "neurons", "w_out", "readout", "output"].index)
    spikes, outputs = [], []
    for x_now in x:
        for name in order:
            node = graph.nodes[name]
            into = x_now if name == "input" else sum(out[pre] for pre, post in graph.edges if post == name)
            if name in state:
                into = state[name] + 1e-4 / node.tau * (node.v_leak - state[name] + node.r * into)
                fires = into > getattr(node, "v_threshold", np.inf)
                state[name] = np.where(fires, getattr(node, "v_reset", 0), into)
                into = fires.astype(float) if isinstance(node, nir.LIF) else into
            out[name] = node.weight @ into if isinstance(node, nir.Linear) else into
        spikes.append(out["neurons"])
        outputs.append(out["output"])
    return np.array(spikes), np.array(outputs)


@pytest.mark.parametrize(
    "params", [(LIF, LIFParams(8.0, reset_to_zero=True)), (AHP, LIF, AHPParams(beta=0.5, v_th=2.0))], ids=["lif", "lif and ahp"]
)
def test_a_plain_reader_of_the_file_finds_all_spikes(params, tmp_path):
    net, g = network(*params), torch.Generator().manual_seed(1)
    x = (torch.rand(5000, 1, 8, generator=g) < 0.3).double()
    activity = net.requires_grad_(False)(x)
    nir.write(tmp_path / "net.nir", snncore.nir.to_nir(net))
    graph = nir.read(tmp_path / "net.nir")
    z, y = simulated(graph, x[:, 0].numpy())
    assert activity.z.sum() > 18_000
    assert (z == activity.z[:, 0].numpy()).all()
    assert np.allclose(y, activity.y[:, 0].numpy(), atol=1e-12)
    back = snncore.nir.from_nir(graph)
    assert [(size, type(p)) for size, p in back.populations] == [(20, type(p)) for p in params]
    assert torch.equal(back(x).z, activity.z)
    assert torch.allclose(back(x).y, activity.y, atol=1e-12)


@pytest.mark.slow
@torch.no_grad()
def test_spikingjelly_finds_all_spikes():
    """Which has no LI nodes: what it reads ends at the spikes."""
    exchange = pytest.importorskip("spikingjelly.activation_based.nir_exchange")
    net, g = network(LIF), torch.Generator().manual_seed(1)
    x = (torch.rand(6000, 1, 8, generator=g) < 0.45).double()
    graph, z = snncore.nir.to_nir(net), net(x).z
    nodes = {name: graph.nodes[name] for name in ("input", "w_in", "w_rec", "neurons")} | {"output": nir.Output(np.array([20]))}
    edges = [edge for edge in graph.edges if {*edge} <= {*nodes}]
    theirs, state, found = exchange.import_from_nir(nir.NIRGraph(nodes, [*edges, ("neurons", "output")]), dtype=torch.float64), None, []
    for x_now in x:
        out, state = theirs(x_now, state)
        found.append(out)
    assert z.sum() > 18_000
    assert torch.equal(torch.stack(found), z)


@pytest.mark.parametrize(("net", "words"), [
    (network(LIF, LIFParams()),
     r"population 1 has LIFParams\(.*: NIR has LIFParams and AHPParams with reset_to_zero=True and n_refractory=0"),
    (network(LIF, AHPParams(reset_to_zero=False)), r"population 1 has AHPParams\("),
    (network(LIFParams(reset_to_zero=True, n_refractory=1)), "n_refractory=0"),
    (network(ALIFParams()), "population 0 has ALIFParams"),
    (network(LIF, outputs=0), "the network has no readouts"),
])  # fmt: skip
def test_what_nir_has_not_is_refused(net, words):
    with pytest.raises(ValueError, match=words):
        snncore.nir.to_nir(net)


def node(name, **fields):
    def change(g):
        for field, value in fields.items():
            setattr(g.nodes[name], field, value + 0 * getattr(g.nodes[name], field))

    return change


def more(name, kind, *edges):
    def change(g):
        g.nodes[name] = kind
        g.edges += edges

    return change


@pytest.mark.parametrize(("change", "words"), [
    (node("neurons", v_reset=0.1), "v_reset of neurons is not 0"),
    (node("ahp", v_leak=0.1), "v_leak of ahp is not 0"),
    (node("readout", tau=0, r=0), "tau of readout has 0 s: .* more than the step, 0.0001 s"),
    (lambda g: g.nodes["readout"].tau.__setitem__(0, 1.0), "tau of readout has 2 values"),
    (lambda g: g.nodes["w_rec"].weight.__setitem__((3, 3), 1.0), "w_rec connects neuron 3 to itself"),
    (lambda g: g.nodes["w_ahp"].weight.__setitem__((3, 4), 1.0), "w_ahp is not diagonal, or above 0"),
    (lambda g: g.nodes["w_ahp"].weight.__setitem__((3, 3), 1.0), "w_ahp is not diagonal, or above 0"),
    (more("d", "a delay", ("neurons", "d"), ("d", "neurons")), r"the graph has neurons \(LIF\) → d \(str\) → neurons \(LIF\): a Recurr"),
    (more("d", "alone"), r"the graph has d \(str\): a RecurrentNetwork has one LIF node, and at most once each Input → Linear → LIF; LIF"),
    (lambda g: g.nodes.__setitem__("two", g.nodes["neurons"]), r"two \(LIF\), several LIF nodes, neurons, two: a RecurrentNetwork has one"),
    (lambda g: g.edges.append(("ahp", "output")), "LIF.* → w_ahp .Linear. → ahp .LI. → output .Output."),
    (lambda g: g.edges.remove(("input", "w_in")), r"input \(Input\), w_in \(Linear\), no w_in"),
])  # fmt: skip
def test_graphs_of_other_networks_are_refused(change, words):
    graph = snncore.nir.to_nir(network(AHP))
    change(graph)
    with pytest.raises(ValueError, match=words):
        snncore.nir.from_nir(graph)
