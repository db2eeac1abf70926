"""What fits on a core, and where cores lie: by hand, and by counting axon for axon."""

import re

import pytest

from snncore.loihi.placement import ONE_TO_ONE, Network, Population, Projection, Unit, place
from snncore.loihi.spec import LimitError


def population(name, neurons, synapses=40_000, **options):
    return Population(name, neurons, "a module", synapses, **options)


def cores(*populations, projections=(), **inputs):
    return Network(populations, projections, inputs).cores()


@pytest.mark.parametrize(
    ("found", "by_hand"),
    [
        (cores(population("a", 1024)), {"a": 1}),
        (cores(population("a", 1025)), {"a": 2}),
        (cores(population("a", 513, compartments=2)), {"a": 2}),  # two compartments each
        (cores(population("a", 100, neurons_per_core=16)), {"a": 7}),
        (cores(population("a", 256), projections=[Projection("x", "a")], x=600), {"a": 4}),  # 40,000 synapses: 66 neurons
        (cores(population("a", 200, synapses=60_000), projections=[Projection("x", "a"), Projection("a", "a")], x=180), {"a": 2}),  # 157
        (cores(population("a", 512), projections=10 * [Projection("x", "a", ONE_TO_ONE)], x=512), {"a": 2}),  # ten axons each: 409 neurons
        (cores(Population("a", 256, ""), projections=[Projection("x", "a")], x=1024), {"a": 2}),  # the memory holds 131,072: 128 neurons
        (cores(population("a", 257, 10**9), projections=[Projection("x", "a")], x=1024), {"a": 3}),  # and no more
    ],
)  # fmt: skip
def test_cores_by_hand(found, by_hand):
    assert found == by_hand


@pytest.mark.parametrize(("one_chip", "neurons"), [(False, 20), (True, 40)])
def test_axons_out_of_a_core_decide(one_chip, neurons):
    targets = [population(f"b{k}", 128, neurons_per_core=32) for k in range(25)]  # four cores each: 100 axons for each neuron
    source = population("a", 200, one_chip=one_chip)
    found = cores(source, *targets, projections=[Projection("a", t.name) for t in targets])
    assert found["a"] == 200 // neurons
    assert {found[t.name] for t in targets} == {4}


def test_a_target_that_grows_takes_more_axons():
    a, b = population("a", 1000), population("b", 900)  # 40 neurons of b on a core: 23 cores, so that 89 of a share their 2048 axons
    assert cores(a, b, projections=[Projection("a", "b")]) == {"a": 12, "b": 23}


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (lambda: cores(population("a", 2, synapses=100), projections=[Projection("x", "a")], x=130), "30 more than the 100 of a core"),
        (
            lambda: cores(population("a", 2), projections=[Projection("x", "a")], x=5000),
            "would need 5,000 axons into a core, 904 more than the 4,096 of a core",
        ),
        (lambda: cores(population("a", 2, compartments=1030)), "would need 1,030 compartments, 6 more than the 1,024"),
        (
            lambda: cores(population("a", 2), population("b", 600, neurons_per_core=1), projections=[Projection("a", "b")]),
            "a neuron of 'a' would need 600 axons, 89 more than the 511 it can have",
        ),
    ],
)
def test_a_neuron_that_is_too_much_for_a_core_is_refused(network, message):
    with pytest.raises(LimitError, match=message):
        network()


def test_wrong_names_are_refused():
    with pytest.raises(ValueError, match="two populations are named 'a'"):
        Network([population("a", 1), population("a", 2)], [], {})
    with pytest.raises(ValueError, match="a population and an input are both named 'a'"):
        Network([population("a", 1)], [], {"a": 1})


@pytest.mark.parametrize("bad", [0, -1, True, 2.5, 2.0, "2", None, float("nan")])
def test_sizes_and_limits_are_whole_numbers_above_0(unchecked, bad):
    for what in ("neurons", "synapses", "neurons_per_core", "compartments"):
        with pytest.raises(ValueError, match=f"{what} of population 'a': {re.escape(repr(bad))} is not a whole number above 0"):
            cores(Population(**{"name": "a", "neurons": 2, "module": "", what: bad}))
    with pytest.raises(ValueError, match=r"the size of input 'x': .* is not a whole number above 0"):
        cores(population("a", 2), x=bad)
    if bad is not None:
        with pytest.raises(ValueError, match=r"neurons of a projection from 'x' to 'a': .* is not a whole number above 0"):
            cores(population("a", 2), projections=[Projection("x", "a", neurons=bad)], x=5)
    with pytest.raises(ValueError, match=r"the number of chips: .* is not a whole number above 0"):
        place(three(), [Unit("abc")], bad)


@pytest.mark.parametrize(
    ("projection", "message"),
    [
        (Projection("x", "a"), "from 'x' to 'a', but no population of one of these names"),
        (Projection("a", "b"), "from 'a' to 'b', but no population"),
        (Projection("a", "inputs"), "no population"),
        (Projection("inputs", "a", "one-to-one"), "from 'inputs' to 'a' is 'one-to-one': it should be 'dense' or 'one to one'"),
        (Projection("inputs", "a", ONE_TO_ONE), "is one to one, which all of 5 and 7 neurons cannot be"),
        (Projection("inputs", "a", neurons=6), "starts at 6 neurons of 5"),
    ],
)
def test_impossible_projections_are_refused(projection, message):
    with pytest.raises(ValueError, match=message):
        Network([population("a", 7)], [projection], {"inputs": 5})


def three(**options):
    """60, 30 and 100 cores."""
    return Network([population(name, n, neurons_per_core=1, **options) for name, n in (("a", 60), ("b", 30), ("c", 100))], [], {})


def test_units_stay_together_unless_they_may_be_split():
    a, b, c = Unit("a"), Unit("b"), Unit("c")
    assert place(three(), [a, b, c], 2).chips == {"a": (0,) * 60, "b": (0,) * 30, "c": (1,) * 100}
    assert place(three(), [a, b, Unit("c", split=True)], 2).chips["c"] == (0,) * 38 + (1,) * 62
    assert place(three(), [a, Unit("b", new_chip=True), c], 3).chips == {"a": (0,) * 60, "b": (1,) * 30, "c": (2,) * 100}
    assert place(three(), [Unit("ab"), c], 2).used("ac") == (160, {0, 1})


def test_what_does_not_fit_on_chips_is_refused():
    with pytest.raises(LimitError, match="the unit of 'b' needs 130 cores, 2 more than the 128 of a chip"):
        place(three(), [Unit("a"), Unit("bc")], 3)
    with pytest.raises(LimitError, match="the network needs 2 chips, 1 more than there are"):
        place(three(), [Unit("a"), Unit("b"), Unit("c")], 1)
    with pytest.raises(ValueError, match="population 'c' is in 0 units"):
        place(three(), [Unit("a"), Unit("b")], 1)
    with pytest.raises(ValueError, match="population 'b' is in 2 units"):
        place(three(), [Unit("ab"), Unit("bc")], 2)


def test_axons_that_must_stay_on_a_chip_do():
    network = Network([population("a", 3, one_chip=True), population("b", 3)], [Projection("a", "b")], {})
    assert place(network, [Unit("ab")], 1).chips == {"a": (0,), "b": (0,)}
    with pytest.raises(LimitError, match="axons of 'a' leave its chip"):
        place(network, [Unit("a"), Unit("b", new_chip=True)], 2)


def test_messages_between_chips_axon_for_axon():
    a, b = population("a", 70, neurons_per_core=1), population("b", 131, neurons_per_core=2)  # 70 and 66 cores
    projections = [Projection("a", "b"), Projection("a", "b", neurons=35), Projection("b", "a"), Projection("x", "a")]
    network = Network([a, b, population("c", 70)], projections, {"x": 7})
    placement = place(network, [Unit("ab", split=True), Unit("c")], 2)
    of = {name: [chips[k * len(chips) // size] for k in range(size)] for name, chips, size in (("a", placement.chips["a"], 70),)}
    of["b"] = [placement.chips["b"][k // 2] for k in range(131)]
    assert set(of["b"]) == {0, 1}
    count = sum(chip != there for chip in of["a"] for there in placement.chips["b"])
    count += sum(chip != there for chip in of["a"][::2] for there in placement.chips["b"])
    count += sum(chip != there for chip in of["b"] for there in placement.chips["a"])
    assert placement.messages(projections) == count > 0
    single = [Projection("a", "c", ONE_TO_ONE)]
    assert placement.messages(single) == sum(chip != placement.chips["c"][0] for chip in of["a"]) > 0
