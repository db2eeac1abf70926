"""The published layout, chip for chip, and the talk's table."""

import json

import numpy as np
import pandas as pd
import pytest

from snncore.datafiles import package_file
from snncore.experiments import energy, ledger, on_chips
from snncore.experiments.record import Record, read_rows
from snncore.loihi.placement import place
from snncore.networks.relational import SIZES
from snncore.tasks.stories import Example

CORES = {  # on each of the chips that hold some, in the layout of github.com/intel-nrc-ecosystem/models, nxsdk_modules_ncl/lsnn/apps/relnet
    2: {0: 6, 1: 20, 2: 8, 3: 8, 4: 8, 5: 4, 6: 6, 7: 6, 8: 4, 9: 6, 10: 4, 11: 18, 20: 2, 21: 24},
    10: {0: 22, 1: 74, 2: 116, 3: 11, 4: 11, 5: 74, 6: 11, 7: 11, 8: 4, 9: 6, 10: 4, 11: 126, 12: 114, 15: 90, 20: 2, 21: 24},
    20: {0: 42, 20: 128, 21: 24}
    | dict.fromkeys((1, 5, 8, 10), 74)
    | dict.fromkeys((2, 3, 4, 6, 7, 9), 116)
    | dict.fromkeys(range(11, 20), 126),
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("energy")


@pytest.fixture(scope="module")
def placed(folder):
    record = Record("energy", "smoke", folder)
    return energy.run(energy.config("smoke"), record), {row["id"]: row["ours"] for row in read_rows(record.folder)}


@pytest.mark.parametrize("n", CORES)
def test_every_core_lies_where_the_authors_put_it(placed, n):
    cores = placed[0].cores
    assert cores[cores["needs"] <= n].groupby("chip").size().to_dict() == CORES[n]


def test_the_claims_are_those_of_the_talk(placed):
    rows = placed[1]
    assert [rows[f"relnet.cores.{n}"] for n in energy.TABLE] == [124, 332, 700, 1552, 2320]
    assert [rows[f"relnet.chips.touched.{n}"] for n in energy.TABLE] == [14, 16, 16, 22, 22]
    assert rows["relnet.cores.formula"] == "10 n(n+1)/2 + 7 n + 80"
    assert rows["relnet.edp_product"] == "EDP ratio = energy ratio x latency ratio"


def test_relays_save_messages_by_closed_forms(placed):
    after = 210 * 256 * 2 + 195 * 256 + 15 * 256  # to a pair's next two cores, and to the sum, which shares a chip with 15 pairs in part
    before_relays = 20 * 200 * 21 * 4 + 200 * 210 * 4  # each sentence has 21 places in pairs, on four cores each
    by_relays = 20 * 200 * 4 + 200 * 10
    shared = 15 * 32  # 32 neurons of the sum lie on the chip of the last 15 pairs
    assert placed[1]["relnet.relay.messages"] == pytest.approx((by_relays + after - shared) / (before_relays + after - shared), abs=0.002)


def test_events_of_two_sentences_by_hand():
    layout = on_chips.layout(SIZES["paper"], 180)
    found = energy.events(place(layout.network, layout.units, 22), layout.used(2), 0.02)
    encoders, relays = 3 * 200, (2 * 4 + 10) * 200
    forward = 3 * 1024 + 256 + 256 + 512 + 159 + 181
    spikes = 0.02 * (encoders * 110 + relays * 14 + forward * 37)
    assert found["update_active"] == pytest.approx(spikes)
    updates = 143 * (2 * encoders + 10 * 20 + forward) + 14 * relays  # of relays only while the gate is open
    assert found["update_active"] + found["update_inactive"] == updates
    inside = 0.02 * 110 * (encoders * 200 + 200 * (2 * 4 + 10))  # recurrent synapses, and those to relays
    to_pairs = 0.02 * 14 * 200 * 256 * 9  # relays: two sentences and the question of each of three pairs
    after = 0.02 * 37 * (3 * 3 * 256 * 256 + 3 * 256 + 256 * 256 + 256 * 512 + 512 * 159 + 159 * 181)
    assert found["synaptic_operation"] == pytest.approx(3 * 110 * 200 + inside + to_pairs + after)
    axons = 3 * 110 * 2 + 0.02 * 110 * (encoders * 2 + 200 * 18) + 0.02 * 14 * 200 * 4 * 9
    axons += 0.02 * 37 * (3 * 3 * 256 * 2 + 3 * 256 + 256 * 2 + 256 * 4 + 512 * 3 + 159)
    assert found["spike_in_tile"] == pytest.approx(axons)
    active = energy.all_active(found)
    assert (active["update_active"], active["update_inactive"]) == (updates, 0)
    modules = energy.module_events(place(layout.network, layout.units, 22), layout.used(2), 0.02)
    assert modules["relays"] == pytest.approx({
        "update_active": 0.02 * 14 * relays, "update_inactive": (1 - 0.02) * 14 * relays,
        "synaptic_operation": 0.02 * 110 * 200 * 18, "spike_in_tile": 0.02 * 110 * 200 * 18,
    })  # fmt: skip
    assert modules["pairs, layer 1"]["synaptic_operation"] == pytest.approx(to_pairs)


def test_drawn_events_are_as_many_as_expected():
    layout, rate = on_chips.layout(SIZES["paper"], 180), 0.05
    placement = place(layout.network, layout.units, 22)
    expected = energy.events(placement, layout.used(2), rate)
    t = energy.drawn(layout, placement, 2, rate, np.random.default_rng(0))
    found = energy.event_counts(t)
    assert found["update_active"] + found["update_inactive"] == expected["update_active"] + expected["update_inactive"]
    assert found["update_active"] == pytest.approx(expected["update_active"], rel=0.03)
    own = rate * 110 * 3 * 200  # spikes of encoders that reach their own auxiliary compartments
    assert found["synaptic_operation"] == pytest.approx(expected["synaptic_operation"] + own, rel=0.04)
    words = 3 * 110 * 2  # messages of the words, which come from elsewhere
    assert found["spike_in_tile"] == pytest.approx(expected["spike_in_tile"] - words, rel=0.04)
    still = energy.drawn(layout, placement, 2, 0.0, np.random.default_rng(0))
    relays = placement.cores["relay of question, block 3"]
    assert still.updates[:, relays].sum() == 14 * 200
    assert (still.updates[96:110, relays].sum(1) == 200).all()
    updates = 2 * 100 * 5.3  # an encoder lies on two cores, and a word reaches each of its neurons; a relay's 200 have one compartment each
    assert energy.question_time([still])[0] == pytest.approx(1e-6 * (143 * (465 + updates) + 110 * 100 * 3.5))
    always = energy.drawn(layout, placement, 2, 1.0, np.random.default_rng(0))
    for name, first, last in (
        ("question", 0, 110),
        ("relay of question, block 3", 96, 110),
        ("pair 1, 2, layer 2", 106, 143),
        ("sum", 106, 143),
    ):
        assert np.flatnonzero(always.spikes[:, placement.cores[name][0]]).tolist() == list(range(first, last)), name
    # before the gate opens, the busiest core has half of the question's neurons, which send to both of their cores and to ten relays
    busiest = 200 * 5.3 + 100 * (8.4 - 5.3) + (200 * 100 + 100 + 100) * 3.5 + 100 * (2 + 10) * 2.1
    assert energy.step_times(always)[1:96] == pytest.approx(np.full(95, (busiest + 465) / 1000))


def test_barriers_of_many_chips_explain_a_part_of_the_time(tmp_path):
    record = Record("energy", "smoke", tmp_path)
    energy.waiting(record, 1.5)
    values = {name: entry["value"] for name, entry in json.loads((tmp_path / "values.json").read_text()).items()}
    assert values["barriers"] == pytest.approx(143 * 16.2e-3)
    assert values["time_left"] == pytest.approx(143 * (0.06367 - 0.0162) - 1.5, abs=1e-3)


def test_memory_of_the_emulator_by_closed_forms(placed, folder):
    """8 bytes for each weight, given and transposed, and for each potential; a byte for each neuron and step (10 words of 10 steps and one
    of 14, one until relays fire, and 9 layers to the readouts)."""
    table = pd.read_csv(folder / "throughput.csv", thousands=",").set_index(["size", "sentences"])
    for n in energy.TABLE:
        row = table.loc["paper", n]
        by_hand = 16 * row["weights that are kept"] + row["neurons"] * (10 * 10 + 14 + 1 + 9 + 8)
        assert row["all arrays [MB]"] == pytest.approx(by_hand / 1e6, rel=0.01)
    values = json.loads((folder / "values.json").read_text())
    assert values["untrained_answer"]["value"] <= values["untrained_further"]["value"] < values["untrained_first"]["value"] < 0.1


def test_short_stories_are_counted(tmp_path, monkeypatch):
    stories = [Example(("mary went to the garden",) * n, "where is mary", "garden") for n in (2, 6, 7, 20)]
    monkeypatch.setattr(energy, "read_stories", lambda task, part: stories[: 4 if task == 1 else 2])
    energy.short_stories(Record("energy", "smoke", tmp_path))
    (row,) = read_rows(tmp_path)
    assert row["ours"] == pytest.approx(100 * 40 / 42)
    assert row["n"] == 42


def test_parts_of_the_measured_run_add_up():
    """Power times time, as published: 7.478 mJ, half of it by the x86 processors; with as many cores as were measured, both ends are it."""
    for per_core in (True, False):
        parts = energy.parts(124, per_core)
        assert sum(parts) == pytest.approx(7.478, abs=0.002)
        assert parts.x86 / sum(parts) == pytest.approx(0.50, abs=0.005)
        assert parts.core_dynamic == pytest.approx(2.03, abs=0.005)
    assert energy.parts(248, True).core_dynamic == pytest.approx(2 * 2.028, abs=0.005)
    assert energy.parts(248, False) == energy.parts(124, False)
    twice = energy.parts(124, True, 2 * 9.105)  # the cores have as much to do, all others need their power for longer
    assert sum(twice) == pytest.approx(2 * 7.478 - 2.028, abs=0.005)


def test_a_question_that_takes_longer_needs_more(placed):
    """By hand, for 20 sentences: 0.73 / 0.38 of the measured time, for which 598.5 of 821.2 mW flow whatever the cores do."""
    table = placed[0].lengths.set_index("sentences")
    time = 9.105 * 0.73 / 0.38
    assert table.loc[20, "time"] == pytest.approx(time)
    for end in ("low", "high"):
        assert table.loc[20, f"longer_{end}"] - table.loc[20, end] == pytest.approx(0.5985 * (time - 9.105))
        assert table.loc[2, f"longer_{end}"] == pytest.approx(table.loc[2, end])


def test_many_additional_cores_are_more_than_twice_as_many(placed, folder):
    _, claims = ledger.read_claims(package_file("claims.toml"))
    assert ledger.status(claims["relnet.tricks"], placed[1]["relnet.tricks"]) == "agrees"
    assert ledger.status(claims["relnet.tricks"], energy.tricks(1.9)) == "differs"
    pairs = 210 * (4 * 256)  # the rest: relays, and encoders, whose AHP neurons have two compartments
    least = json.loads((folder / "values.json").read_text())["least_cores"]["value"]
    assert pairs / 1024 < least < 1.4 * pairs / 1024


def test_why_loihi_is_slower_says_no_more_than_two_runs_tell():
    assert energy.why_slower(6.65, 9.1, 2.4) == "longer steps, for whatever reason, not their number alone"
    assert energy.why_slower(6.65, 9.1, 7.0) == "the number of steps"
    assert energy.why_slower(9.2, 9.1, 2.4) == "it does not take longer"


def test_lengths_do_not_use_the_ratios_but_for_what_they_imply(placed, monkeypatch, tmp_path):
    table = placed[0].lengths
    cores = dict(zip(table["sentences"], table["cores"], strict=True))
    monkeypatch.setattr(energy, "published_ratio", lambda ratio, n: 1.0)
    other = energy.lengths(Record("energy", "smoke", tmp_path), cores)
    assert other[["low", "high"]].equals(table[["low", "high"]])
    assert (other["gpu_high"] == other["high"]).all()
    assert not table["gpu_high"].equals(table["high"])


def test_sensitivity(placed):
    table = placed[0].sensitivity.set_index(["sentences", "change"])["factor"]
    assert table[2, "without the x86 processors"] == pytest.approx(1 / (1 - 407.4 / 821.2), rel=1e-3)
    assert table[2, "cores at work: energy by chips, not by cores"] == 1
    watts = 123.3 / 6.65  # with 2 sentences, by the talk's ratios and the run on Loihi
    assert table[2, "with what the GPU needs when idle"] == pytest.approx((watts + 33.93) / watts, rel=1e-3)
    longest = 4.36 * (2.028 * 2320 / 124 + 7.478 - 2.028)  # of the GPU [mJ]
    assert table[20, "with what the GPU needs when idle"] == pytest.approx((longest + 33.93 * 6.65) / longest, rel=1e-3)
    assert (table >= 1).all()
