"""What fits on a core, and where cores lie: by hand, and by counting axon for axon."""

import pytest

from snncore.loihi.placement import ONE_TO_ONE, BoardNetwork, BoardPopulation, Projection, Unit, place
from snncore.loihi.spec import LimitError


def population(name, neurons, synapses=40_000, **options):
    return BoardPopulation(name, neurons, "a module", synapses, **options)


def cores(*populations, projections=(), **inputs):
    return BoardNetwork(populations, projections, inputs).cores()


@pytest.mark.parametrize(("a", "projections", "x", "by_hand"), [
    (population("a", 1024), [], 1, 1),
    (population("a", 1025), [], 1, 2),
    (population("a", 513, compartments=2), [], 1, 2),  # two compartments each
    (population("a", 100, neurons_per_core=16), [], 1, 7),
    (population("a", 256), [Projection("x", "a")], 600, 4),  # 40,000 synapses: 66 neurons
    (population("a", 200, 60_000), [Projection("x", "a"), Projection("a", "a")], 180, 2),  # 157
    (BoardPopulation("a", 818, ""), [*10 * [Projection("x", "a", ONE_TO_ONE)], Projection("x", "a", neurons=100)], 818, 3),  # 399: ten each
    (BoardPopulation("a", 256, ""), [Projection("x", "a")], 1024, 2),  # the memory holds 131,072: 128 neurons
    (population("a", 257, 10**9), [Projection("x", "a")], 1024, 3),  # and no more
])  # fmt: skip
def test_cores_by_hand(a, projections, x, by_hand):
    assert cores(a, projections=projections, x=x) == {"a": by_hand}


@pytest.mark.parametrize(("one_chip", "neurons"), [(False, 20), (True, 40)])
def test_axons_out_of_a_core_decide(one_chip, neurons):
    targets = [population(f"b{k}", 128, neurons_per_core=32) for k in range(25)]  # four cores each: 100 axons for each neuron
    needed = cores(population("a", 200, one_chip=one_chip), *targets, projections=[Projection("a", t.name) for t in targets])
    assert needed["a"] == 200 // neurons
    assert {needed[t.name] for t in targets} == {4}


def test_a_target_that_grows_takes_more_axons():
    a, b = population("a", 1000), population("b", 900)  # 40 neurons of b on a core: 23 cores, so that 89 of a share their 2048 axons
    assert cores(a, b, projections=[Projection("a", "b")]) == {"a": 12, "b": 23}


A = population("a", 7)


def board(*populations, projections=()):
    return BoardNetwork(populations, projections, {"inputs": 5})


def three(**options):
    """60, 30 and 100 cores."""
    return BoardNetwork([population(name, n, neurons_per_core=1, **options) for name, n in (("a", 60), ("b", 30), ("c", 100))], [], {})


def test_units_stay_together_unless_they_may_be_split():
    a, b, c = Unit("a"), Unit("b"), Unit("c")
    assert place(three(), [a, b, c], 2).chips == {"a": (0,) * 60, "b": (0,) * 30, "c": (1,) * 100}
    assert place(three(), [a, b, Unit(""), Unit("c", split=True)], 2).chips["c"] == (0,) * 38 + (1,) * 62
    assert place(three(), [a, Unit("b", new_chip=True), c], 3).chips == {"a": (0,) * 60, "b": (1,) * 30, "c": (2,) * 100}
    assert place(three(), [Unit("ab"), c], 2).used("ac") == (160, {0, 1})


@pytest.mark.parametrize(("make", "words"), [
    (lambda: cores(population("a", 2, synapses=100), projections=[Projection("x", "a")], x=5000),
     "synapses that one neuron of 'a' needs is 5,000: a core has 0 to 100, so it is beyond by 4,900"),
    (lambda: cores(population("a", 2), projections=[Projection("x", "a")], x=5000),
     r"axons into a core that one neuron of 'a' needs is 5,000: .* beyond by 904"),
    (lambda: cores(population("a", 2, compartments=1030)), r"compartments that one neuron of 'a' needs is 1,030: .* beyond by 6"),
    (lambda: cores(population("a", 2), population("b", 600, neurons_per_core=1), projections=[Projection("a", "b")]),
     "axons of a neuron of 'a' is 600: the chip has 0 to 511, so it is beyond by 89"),
    (lambda: board(A, A), "two populations are named 'a'"),
    (lambda: board(A, population("inputs", 1)), "a population and an input are both named 'inputs'"),
    (lambda: board(population("b", 2, synapses=-1)), "synapses of population 'b' is -1: give a whole number"),
    (lambda: board(A, projections=[Projection("x", "a")]), "from 'x' to 'a', but no population of one of these names"),
    (lambda: board(A, projections=[Projection("inputs", "a", "one-to-one")]), "is 'one-to-one': it should be 'dense' or 'one to one'"),
    (lambda: board(A, projections=[Projection("inputs", "a", ONE_TO_ONE)]), "is one to one, which all of 5 and 7 neurons cannot be"),
    (lambda: board(A, projections=[Projection("inputs", "a", neurons=6)]), "from 'inputs' to 'a' is 6: give .* 1 to 5"),
    (lambda: place(three(), [Unit("a"), Unit("bc")], 3), "the unit of 'b' is 130: a chip has 1 to 128, so it is beyond by 2"),
    (lambda: place(three(), [Unit("a"), Unit("b"), Unit("c")], 1), r"chips that the network needs is 2: .* beyond by 1"),
    (lambda: place(three(), [Unit("a"), Unit("b")], 1), "population 'c' is in 0 units"),
    (lambda: place(three(), [Unit("abc")], 0), "the number of chips is 0: give a whole number"),
])  # fmt: skip
def test_what_cannot_be_placed_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_axons_that_must_stay_on_a_chip_do():
    network = BoardNetwork([population("a", 3, one_chip=True), population("b", 3)], [Projection("a", "b")], {})
    assert place(network, [Unit("ab")], 1).chips == {"a": (0,), "b": (0,)}
    with pytest.raises(LimitError, match="axons of 'a' leave its chip"):
        place(network, [Unit("a"), Unit("b", new_chip=True)], 2)


def test_messages_between_chips_axon_for_axon():
    a, b = population("a", 70, neurons_per_core=1), population("b", 131, neurons_per_core=2)  # 70 and 66 cores
    projections = [Projection("a", "b"), Projection("a", "b", neurons=35), Projection("b", "a"), Projection("x", "a")]
    network = BoardNetwork([a, b, population("c", 70)], projections, {"x": 7})
    placement = place(network, [Unit("ab", split=True), Unit("c")], 2)
    of_a, of_b = placement.chips["a"], [placement.chips["b"][k // 2] for k in range(131)]
    assert set(of_b) == {0, 1}
    count = sum(chip != there for chip in of_a for there in placement.chips["b"])
    count += sum(chip != there for chip in of_a[::2] for there in placement.chips["b"])
    count += sum(chip != there for chip in of_b for there in placement.chips["a"])
    assert placement.message_table(projections).sum() == count > 0
    from_first = sum((chip == 0) * placement.chips["b"].count(1) for chip in (*of_a, *of_a[::2]))
    assert placement.message_table(projections)[0, 1] == from_first + of_b.count(0) * placement.chips["a"].count(1) > 0
    single = [Projection("a", "c", ONE_TO_ONE)]
    assert placement.message_table(single).sum() == sum(chip != placement.chips["c"][0] for chip in of_a) > 0
