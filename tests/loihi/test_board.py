"""Many populations on a board, by plain steps, against one network on one core, compiled; every event counted one by one."""

from collections import defaultdict

import numpy as np
import pytest

from snncore.loihi import board, emulator
from snncore.loihi.board import Program
from snncore.loihi.compartment import AHPCompartments, Compartment
from snncore.loihi.emulator import Group
from snncore.loihi.placement import ONE_TO_ONE, BoardNetwork, BoardPopulation, Placement, Projection
from snncore.loihi.spec import CORES

LIF, AHP = Compartment(204, 127), AHPCompartments(204, 508, weight_exp=2)
SLOW = Compartment(300, 90, decay_u=1500, bias_mant=-3, bias_exp=5, refractory=3)
SLOW_AHP = AHPCompartments(100, 60, decay_u=2000, weight_exp=-3, decay_aux=40, aux_weight=-200, aux_exp=-5, refractory=2)
NO_JUMP = AHPCompartments(204, 508, aux_weight=0)
GROUPS = {"a": [Group(6, LIF), Group(2, AHP), Group(1, NO_JUMP), Group(2, SLOW_AHP)], "b": [Group(4, LIF), Group(3, SLOW)]}
IN, STEPS = 5, 300
X = (np.random.default_rng(1).random((STEPS, IN)) < 0.3).astype(np.uint8)


def network():
    """Every population to every one; ``b`` has a second projection to ``a``, and one to itself that is one to one."""
    projections = [Projection(pre, post) for pre in ("x", "a", "b") for post in ("a", "b")]
    projections += [Projection("b", "a"), Projection("b", "b", ONE_TO_ONE)]
    populations = [BoardPopulation("a", 11, "", neurons_per_core=3, compartments=2), BoardPopulation("b", 7, "", neurons_per_core=3)]
    return BoardNetwork(populations, projections, {"x": IN})


def program(net):
    g, weights = np.random.default_rng(0), []
    for p in net.projections:
        shape = (net.sizes[p.post], net.sizes[p.pre]) if p.kind != ONE_TO_ONE else (net.sizes[p.post],)
        weights.append(g.integers(-40 if p.pre == "x" else -90, 91, shape) * (g.random(shape) < 0.7))
    return Program(GROUPS, weights)


def test_many_populations_are_one_network():
    net = network()
    loaded, x = program(net), {"x": X}
    activity = board.run_board(net, loaded, x)
    w = defaultdict(int)
    for p, a in zip(net.projections, loaded.weights, strict=True):
        w[p.pre, p.post] = w[p.pre, p.post] + (np.diag(a) if a.ndim == 1 else a)
    w_in, w_rec = (np.vstack([np.hstack([w[pre, post] for pre in pres]) for post in "ab"]) for pres in ("x", "ab"))
    one = emulator.emulate(emulator.ChipNetwork(w_in, w_rec, [*GROUPS["a"], *GROUPS["b"]]), X[:, None], input_lag=0, trace=True)
    z = np.concatenate([activity.z["a"], activity.z["b"]], 1)
    assert all(0.01 < part.mean() < 0.6 for part in (z[:, :11], z[:, 11:]))
    assert (z == one.z_trace[:, 0]).all()
    assert (np.concatenate([activity.v["a"], activity.v["b"]]) == one.v[0]).all()


def test_events_are_counted_one_by_one():
    net = network()
    placement = Placement(net, {"a": (0, 5, 41, 42), "b": (9, CORES + 3, CORES + 4)})
    loaded, x = program(net), {"x": X}
    activity = board.run_board(net, loaded, x)
    t = board.core_events(placement, loaded, x, activity)
    core = {"a": [0] * 3 + [5] * 3 + [41] * 3 + [42] * 2, "b": [9] * 3 + [CORES + 3] * 3 + [CORES + 4]}
    tile = {0: (0, 0), 3: (0, 0), 4: (0, 1), 5: (0, 1), 9: (0, 2), 41: (2, 2), 42: (2, 2)}  # column and row: four cores, then four tiles
    synaptic, sent, spikes = (np.zeros((STEPS, 2 * CORES), int) for _ in range(3))
    messages = rows = columns = chips = 0
    for p, w in board.load(net, loaded):
        w = np.diag(w) if w.ndim == 1 else w
        for time in range(STEPS if p.pre == "x" else STEPS - 1):
            arrives = time if p.pre == "x" else time + 1
            for i in np.flatnonzero((x if p.pre == "x" else activity.z)[p.pre][time]):
                to = [core[p.post][j] for j in np.flatnonzero(w[:, i])]
                for k in to:
                    synaptic[arrives, k] += 1
                for k in set(to) if p.pre != "x" else ():
                    messages += 1
                    source = core[p.pre][i]
                    sent[time, source] += 1
                    if source // CORES != k // CORES:
                        chips += 1
                    else:
                        columns_apart, rows_apart = (abs(a - b) for a, b in zip(tile[source % CORES], tile[k % CORES], strict=True))
                        rows, columns = rows + columns_apart, columns + rows_apart
    for i in (6, 7, 9, 10):  # synapses of auxiliary compartments
        synaptic[1:, core["a"][i]] += activity.z["a"][:-1, i]
    for name in "ab":
        for i, k in enumerate(core[name]):
            spikes[:, k] += activity.z[name][:, i]
    assert all(map(np.array_equal, (t.synaptic_operations, t.sent, t.spikes), (synaptic, sent, spikes)))
    assert (t.sent.sum(), t.between_tiles_x, t.between_tiles_y, t.between_chips) == (messages, rows, columns, chips)
    assert min(messages, rows, columns, chips) > 0
    assert (t.updates.sum(1) == 11 + 5 + 7).all()
    assert (t.updates[:, [0, 5, 41, 42, 9]] == [3, 3, 6, 4, 3]).all()
    with pytest.raises(ValueError, match="some spikes have 299 steps, others 300: give those of one run"):
        board.core_events(placement, loaded, {"x": X[1:]}, activity)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.uint64])
def test_weights_may_be_of_any_integers(dtype):
    net = network()
    loaded = Program(GROUPS, [abs(w) for w in program(net).weights])
    small = Program(GROUPS, [w.astype(dtype) for w in loaded.weights])
    activity, expected = (board.run_board(net, of, {"x": X}) for of in (small, loaded))
    assert all((activity.z[name] == expected.z[name]).all() for name in GROUPS)


@pytest.mark.parametrize(("change", "groups", "spikes", "words"), [
    (lambda w: w.pop(), {}, {}, "there are 7 arrays of weights for 8 projections that run: give one of each"),
    (lambda w: w.append(w[0]), {}, {}, "there are 9 arrays of weights for 8"),
    (lambda w: w.__setitem__(3, w[3].T), {}, {}, r"weights from 'a' to 'b' are int64 of shape \(11, 7\): integers of shape \(7, 11\) are"),
    (lambda w: w.__setitem__(3, w[3] * 1.0), {}, {}, "are float64 of shape"),
    (lambda w: w.__setitem__(3, np.full((7, 11), -(2**15), np.int16)), {}, {}, "is 32,768: the chip has 0 to 255"),
    (len, {"b": [Group(6, LIF)]}, {}, "groups of 'b' have 6 neurons, but it has 7"),
    (len, {"x": [Group(IN, LIF)]}, {}, "groups of 'x', which is no population"),
    (len, {"b": [Group(7, AHP)]}, {}, "neurons of 'b' have one compartment"),
    (len, {}, {"y": X}, "spikes of 'y', which no population that runs has as input"),
    (len, {}, {"x": 3 * X}, "spikes of 'x' are uint8 up to 3"),
    (len, {}, {"x": X[:, :4]}, r"spikes of 'x' are \(300, 4\): 300 steps of 5 inputs are expected"),
])  # fmt: skip
def test_wrong_weights_groups_and_inputs_are_refused(change, groups, spikes, words):
    net = network()
    loaded = program(net)
    change(loaded.weights)
    with pytest.raises(ValueError, match=words):
        board.run_board(net, loaded._replace(groups=GROUPS | groups), {"x": X} | spikes)
