"""Events, energy and time of a question on the relational network's chips, by hand."""

import numpy as np
import pandas as pd
import pytest

from snncore import ledger
from snncore.loihi import board_energy as energy
from snncore.loihi.energy import all_active, event_counts, step_times
from snncore.loihi.placement import place
from snncore.loihi.relational import CHIPS, TABLE, layout
from snncore.networks.relational import SIZES


@pytest.fixture(scope="module")
def published():
    plan = layout(SIZES["paper"], 180)
    return plan, place(plan.network, plan.units, CHIPS)


@pytest.fixture(scope="module")
def estimates(published):
    plan, placement = published
    spans = {n: energy.span(*(energy.events(placement, plan.used(n), rate) for rate in energy.RATES)) for n in (2, 20)}
    return {n: energy.estimate(plan, placement, n, spans[n], 0) for n in spans}


def test_ratios_are_those_of_the_list_of_claims():
    claims = ledger.package_claims()
    for ratio in energy.RATIOS:
        assert [energy.published_ratio(ratio, n) for n in TABLE] == [claims[f"relnet.{ratio}_ratio.{n}"].published for n in TABLE]


def test_rounded_ratios_agree_or_not():
    assert energy.product_fits(energy.RATIOS)
    assert not energy.product_fits(energy.RATIOS | {"edp": (12.10, 6.73, 3.41, 1.73, 1.70)})  # 4.36 times 0.38 is at most 1.68


def test_events_of_two_sentences_by_hand(published):
    plan, placement = published
    counts = energy.events(placement, plan.used(2), 0.02)
    encoders, relays = 3 * 200, (2 * 4 + 10) * 200
    forward = 3 * 1024 + 256 + 256 + 512 + 159 + 181
    spikes = 0.02 * (encoders * 110 + relays * 14 + forward * 37)
    assert counts["update_active"] == pytest.approx(spikes)
    updates = 143 * (2 * encoders + 10 * 20 + forward) + 14 * relays  # of relays only while the gate is open
    assert counts["update_active"] + counts["update_inactive"] == updates
    inside = 0.02 * 110 * (encoders * 200 + 200 * (2 * 4 + 10))  # recurrent synapses, and those to relays
    to_pairs = 0.02 * 14 * 200 * 256 * 9  # relays: two sentences and the question of each of three pairs
    after = 0.02 * 37 * (3 * 3 * 256 * 256 + 3 * 256 + 256 * 256 + 256 * 512 + 512 * 159 + 159 * 181)
    assert counts["synaptic_operation"] == pytest.approx(3 * 110 * 200 + inside + to_pairs + after)
    axons = 3 * 110 * 2 + 0.02 * 110 * (encoders * 2 + 200 * 18) + 0.02 * 14 * 200 * 4 * 9
    axons += 0.02 * 37 * (3 * 3 * 256 * 2 + 3 * 256 + 256 * 2 + 256 * 4 + 512 * 3 + 159)
    assert counts["spike_in_tile"] == pytest.approx(axons)
    active = all_active(counts)
    assert (active["update_active"], active["update_inactive"]) == (updates, 0)
    modules = energy.module_events(placement, plan.used(2), 0.02)
    assert modules["relays"] == pytest.approx({
        "update_active": 0.02 * 14 * relays, "update_inactive": (1 - 0.02) * 14 * relays,
        "synaptic_operation": 0.02 * 110 * 200 * 18, "spike_in_tile": 0.02 * 110 * 200 * 18,
    })  # fmt: skip
    assert modules["pairs, layer 1"]["synaptic_operation"] == pytest.approx(to_pairs)


def test_drawn_events_are_as_many_as_expected(published):
    (plan, placement), rate = published, 0.05
    expected = energy.events(placement, plan.used(2), rate)
    t = energy.random_events(plan, placement, 2, rate, np.random.default_rng(0))
    counts = event_counts(t)
    assert counts["update_active"] + counts["update_inactive"] == expected["update_active"] + expected["update_inactive"]
    assert counts["update_active"] == pytest.approx(expected["update_active"], rel=0.03)
    own = rate * 110 * 3 * 200  # spikes of encoders that reach their own auxiliary compartments
    assert counts["synaptic_operation"] == pytest.approx(expected["synaptic_operation"] + own, rel=0.04)
    words = 3 * 110 * 2  # messages of the words, which come from elsewhere
    assert counts["spike_in_tile"] == pytest.approx(expected["spike_in_tile"] - words, rel=0.04)
    still = energy.random_events(plan, placement, 2, 0.0, np.random.default_rng(0))
    relays = placement.cores["relay of question, block 3"]
    assert still.updates[:, relays].sum() == 14 * 200
    assert (still.updates[96:110, relays].sum(1) == 200).all()
    updates = 2 * 100 * 5.3  # an encoder lies on two cores, and a word reaches each of its neurons; a relay's 200 have one compartment each
    assert energy.question_time([still])[0] == pytest.approx(1e-6 * (143 * (465 + updates) + 110 * 100 * 3.5))
    always = energy.random_events(plan, placement, 2, 1.0, np.random.default_rng(0))
    spans = {"question": (0, 110), "relay of question, block 3": (96, 110), "pair 1, 2, layer 2": (106, 143), "sum": (106, 143)}
    for name, (first, last) in spans.items():
        assert np.flatnonzero(always.spikes[:, placement.cores[name][0]]).tolist() == list(range(first, last)), name
    # before the gate opens, the busiest core has half of the question's neurons, which send to both of their cores and to ten relays
    busiest = 200 * 5.3 + 100 * (8.4 - 5.3) + (200 * 100 + 100 + 100) * 3.5 + 100 * (2 + 10) * 2.1
    assert step_times(always)[1:96] == pytest.approx(np.full(95, (busiest + 465) / 1000))


TWO = energy.Estimate(124, 14, (0.2, 0.4), (0.5, 1.8), (0, 0))


def test_the_run_with_two_sentences_is_itself():
    """Power times time, as published: 7.478 mJ, half of it by the x86 processors."""
    for end in energy.terms(TWO, TWO):
        assert end.energy == pytest.approx(7.478, abs=0.002)
        assert end.x86 / end.energy == pytest.approx(0.50, abs=0.005)
        assert end.core_dynamic == pytest.approx(2.03, abs=0.005)
        assert end.totals() == pytest.approx({"energy": 7.478, "latency": 9.105, "edp": 68.09}, rel=1e-3)


def test_ends_by_hand():
    """Lower: the measured run, and what more events need. Upper: lines through (1 core, 1 chip) and (124 cores, 14 chips)."""
    low, high = energy.terms(energy.Estimate(247, 27, (1.2, 1.5), (0.6, 2.1), (0, 0)), TWO)
    assert low == pytest.approx((2.02768 + 1.0, 181.6 + 9.5, 407.4, 9.105 + 0.1), rel=1e-5)
    static = 181.6 + (181.6 - 1.006) + 9.5 + (9.5 - 0.149)  # 123 cores and 13 chips more, as far as it is between the two runs
    step = 9.105 / 143 + (9.105 / 143 - 13.986 / 840)
    assert high == pytest.approx((2.02768 * 247 / 124, static, 407.4 + (407.4 - 23.195), 143 * step + 0.3), rel=1e-5)
    assert high.energy == pytest.approx(high.core_dynamic + (high.static_power + high.x86_power) * high.time / 1000)
    assert energy.terms(energy.Estimate(124, 14, (1.2, 9.0), (0.6, 2.1), (0, 0)), TWO)[1].core_dynamic == pytest.approx(2.02768 + 8.6)


@pytest.mark.parametrize("n", [2, 20])
def test_ends_hold_what_events_need(published, estimates, n):
    (plan, placement), e = published, estimates[n]
    low, high = energy.terms(e, estimates[2])
    assert e.energy[0] < low.core_dynamic <= high.core_dynamic
    assert e.energy[1] < high.core_dynamic
    assert (e.cores, e.chips) == {2: (124, 14), 20: (2320, 22)}[n]
    few, many = (energy.events(placement, plan.used(n), rate) for rate in (0.01, 0.1))
    least = few["update_active"] * 81 + few["update_inactive"] * 52 + few["synaptic_operation"] * 23.6 + few["spike_in_tile"] * 1.7
    most = many["update_active"] * 142.1 + many["update_inactive"] * 72.8 + many["synaptic_operation"] * 35.5
    most += many["spike_in_tile"] * 111
    assert e.energy == pytest.approx((1e-9 * least + 22 * 5.94e-3, 1e-9 * most + 22 * 5.94e-3))  # all chips are reset, whatever is used


def test_a_measured_gpu_moves_the_ratio_by_what_it_needs_at_rest_and_by_its_best_batch():
    two, more = (energy.Terms(2.0, 100.0, 300.0, 10.0),) * 2, (energy.Terms(2.0, 100.0, 300.0, 10.0), energy.Terms(6.0, 300.0, 300.0, 20.0))
    kept = pd.DataFrame({"sentences": [2, 2, 20, 20], "batch": [1, 8, 1, 8]})
    kept = kept.assign(**{"energy [mJ]": 300 / kept["batch"], "without rest [mJ]": 120 / kept["batch"]})
    moved = energy.sensitivity({2: two, 20: more}, (2, 20), kept).set_index(["sentences", "change"])
    assert moved.loc[(2, "count the idle GPU"), "high"] == pytest.approx(300 / 120)
    assert moved.loc[(20, "GPU: best batch"), "low"] == pytest.approx(1 / 8)


def test_sensitivity(estimates):
    ends = {n: energy.terms(e, estimates[2]) for n, e in estimates.items()}
    table = energy.sensitivity(ends, (2, 20)).set_index(["sentences", "change"])
    low, high = ends[20]
    assumed = [name for name in table.loc[20].index if name in energy.ASSUMED.values()]
    assert len(assumed) == 4
    assert (table.loc[[(2, name) for name in assumed], ["low", "high"]] == 1).to_numpy().all()  # with 2 sentences, all that was measured
    assert table.loc[(2, "leave out the x86 processors"), "high"] == pytest.approx(1 / (1 - 407.4 / 821.1), rel=1e-3)
    watts = 123.3 / 6.65  # with 2 sentences, by the talk's ratios and the run on Loihi
    assert table.loc[(2, "count the idle GPU"), "high"] == pytest.approx((watts + 33.93) / watts, rel=1e-3)
    core, static, x86, time = ((a + b) / 2 for a, b in zip(low, high, strict=True))
    start = core + (static + x86) * time / 1000
    by_hand = [start / (core + (power + x86) * time / 1000) for power in (high.static_power, low.static_power)]
    assert table.loc[(20, "power at rest")].tolist() == pytest.approx(by_hand)
    by_hand = [start / (start - core + of) for of in (high.core_dynamic, low.core_dynamic)]
    assert table.loc[(20, "energy of the cores")].tolist() == pytest.approx(by_hand)
