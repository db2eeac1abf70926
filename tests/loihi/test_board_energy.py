"""Events, energy and time of a question on the relational network's chips, by hand."""

import numpy as np
import pandas as pd
import pytest

from snncore.loihi import board_energy as energy
from snncore.loihi.board import run_board
from snncore.loihi.energy import all_active, event_counts, step_times
from snncore.loihi.relational import asked, untrained

TWO = energy.Estimate(124, 14, (0.2, 0.4), (0.5, 1.8))  # with two sentences


@pytest.fixture(scope="module")
def counts(published):
    """Events of a question on stories of 2 and 6 sentences, of a network with fresh weights."""
    (net, plan), happened = untrained("paper", 0), {}
    for n in (2, 6):
        loaded, x = asked(net, plan, n, 0)
        happened[n] = energy.question_events(published[1], loaded, x, run_board(plan.network, loaded, x))
    return happened


@pytest.fixture(scope="module")
def estimates(published, counts):
    return {n: energy.estimate(*published, n, energy.needs(e)) for n, e in counts.items()}


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


def test_relays_are_updated_while_the_gate_is_open(published, counts):
    """For the 14 steps of the last word, a step after it, since spikes take one; all else always."""
    _, placement = published
    relays = placement.cores["relay of question, block 3"]
    assert np.flatnonzero(counts[2].updates[:, relays].sum(1)).tolist() == list(range(101, 115))
    assert counts[2].updates[:, relays].sum() == 14 * 200
    assert (counts[2].updates[:, placement.cores["question"]].sum(1) == 200 + 100).all()  # half of its neurons have two compartments


def test_the_run_with_two_sentences_is_itself():
    """Power times time, as published: 7.478 mJ, half of it by the x86 processors."""
    for end in energy.terms(TWO, TWO):
        assert end.energy == pytest.approx(7.478, abs=0.002)
        assert end.x86 / end.energy == pytest.approx(0.50, abs=0.005)
        assert end.core_dynamic == pytest.approx(2.03, abs=0.005)
        assert end.totals() == pytest.approx({"energy": 7.478, "latency": 9.105, "edp": 68.09}, rel=1e-3)
    for cores, chips in ((123, 14), (124, 13)):
        with pytest.raises(ValueError, match=f"{cores} cores on {chips} chips are fewer than were measured, 124 on 14"):
            energy.terms(TWO._replace(cores=cores, chips=chips), TWO)


def test_ends_by_hand():
    """Lower: the measured run, and what more events need. Upper: lines through (1 core, 1 chip) and (124 cores, 14 chips)."""
    low, high = energy.terms(energy.Estimate(247, 27, (1.2, 1.5), (0.6, 2.1)), TWO)
    assert low == pytest.approx((2.02768 + 1.0, 181.6 + 9.5, 407.4, 9.105 + 0.1), rel=1e-5)
    static = 181.6 + (181.6 - 1.006) + 9.5 + (9.5 - 0.149)  # 123 cores and 13 chips more, as far as it is between the two runs
    step = 9.105 / 143 + (9.105 / 143 - 13.986 / 840)
    assert high == pytest.approx((2.02768 * 247 / 124, static, 407.4 + (407.4 - 23.195), 143 * step + 0.3), rel=1e-5)
    assert high.energy == pytest.approx(high.core_dynamic + (high.static_power + high.x86_power) * high.time / 1000)
    assert energy.terms(energy.Estimate(124, 14, (1.2, 9.0), (0.6, 2.1)), TWO)[1].core_dynamic == pytest.approx(2.02768 + 8.6)


@pytest.mark.parametrize("n", [2, 6])
def test_ends_hold_what_events_need(counts, estimates, n):
    e, c = estimates[n], event_counts(counts[n])
    low, high = energy.terms(e, estimates[2])
    assert e.energy[0] < low.core_dynamic <= high.core_dynamic
    assert e.energy[1] < high.core_dynamic
    assert (e.cores, e.chips) == {2: (124, 14), 6: (332, 16)}[n]
    least = c["update_active"] * 81 + c["update_inactive"] * 52 + c["synaptic_operation"] * 23.6 + c["spike_in_tile"] * 1.7
    least += c["hop_east_west"] * 3 + c["hop_north_south"] * 4
    most = c["update_active"] * 142.1 + c["update_inactive"] * 72.8 + c["synaptic_operation"] * 35.5 + c["spike_in_tile"] * 111
    most = max(most + c["hop_east_west"] * 3 + c["hop_north_south"] * 4.2, least + c["update_inactive"] * (81 - 52))
    assert e.energy == pytest.approx((1e-9 * least + 22 * 5.94e-3, 1e-9 * most + 22 * 5.94e-3))  # all chips are reset, whatever is used
    # in the first step no word is shown yet; the busiest core has 100 neurons of an encoder, of two compartments each
    assert step_times(counts[n])[0] == pytest.approx((465 + 200 * 5.3) / 1000)
    assert e.time == pytest.approx([step_times(counts[n], active).sum() / 1000 for active in (False, True)])


def test_a_measured_gpu_moves_the_ratio_by_what_it_needs_at_rest_and_by_its_best_batch():
    two, more = (energy.Terms(2.0, 100.0, 300.0, 10.0),) * 2, (energy.Terms(2.0, 100.0, 300.0, 10.0), energy.Terms(6.0, 300.0, 300.0, 20.0))
    kept = pd.DataFrame({"sentences": [2, 2, 20, 20], "batch": [1, 8, 1, 8]})
    kept = kept.assign(**{"energy [mJ]": 300 / kept["batch"], "without rest [mJ]": 120 / kept["batch"]})
    moved = energy.sensitivity({2: two, 20: more}, (2, 20), 18.0, kept).set_index(["sentences", "change"])
    assert moved.loc[(2, "count the idle GPU"), "high"] == pytest.approx(300 / 120)
    assert moved.loc[(20, "GPU: best batch"), "low"] == pytest.approx(1 / 8)


def test_sensitivity(estimates):
    ends = {n: energy.terms(e, estimates[2]) for n, e in estimates.items()}
    watts = 123.3 / 6.65  # with 2 sentences, by the talk's ratios and the run on Loihi
    table = energy.sensitivity(ends, (2, 6), watts).set_index(["sentences", "change"])
    low, high = ends[6]
    assumed = [name for name in table.loc[6].index if name in energy.ASSUMED.values()]
    assert len(assumed) == 4
    assert (table.loc[[(2, name) for name in assumed], ["low", "high"]] == 1).to_numpy().all()  # with 2 sentences, all that was measured
    assert table.loc[(2, "leave out the x86 processors"), "high"] == pytest.approx(1 / (1 - 407.4 / 821.1), rel=1e-3)
    assert [table.loc[(n, "count the idle GPU"), "high"] for n in (2, 6)] == pytest.approx([(watts + 33.93) / watts] * 2, rel=1e-3)
    core, static, x86, time = ((a + b) / 2 for a, b in zip(low, high, strict=True))
    start = core + (static + x86) * time / 1000
    by_hand = [start / (core + (power + x86) * time / 1000) for power in (high.static_power, low.static_power)]
    assert table.loc[(6, "power at rest")].tolist() == pytest.approx(by_hand)
    by_hand = [start / (start - core + of) for of in (high.core_dynamic, low.core_dynamic)]
    assert table.loc[(6, "energy of the cores")].tolist() == pytest.approx(by_hand)
