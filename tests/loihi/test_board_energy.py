"""The published layout, chip for chip, and the talk's table."""

import argparse
import json
from unittest import mock

import numpy as np
import pandas as pd
import pytest

from snncore import ledger
from snncore.experiments import energy, on_chips
from snncore.loihi.placement import place
from snncore.networks.relational import SIZES
from snncore.record import Record, read_rows
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
    """A run without a measured GPU, even if one is kept in ``data/peers``."""
    record = Record("energy", "book", folder)
    with mock.patch.object(energy, "kept_gpu", return_value=None):
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
    assert rows["relnet.edp_product"] is True


def test_ratios_are_those_of_the_list_of_claims(tmp_path, monkeypatch):
    claims = ledger.package_claims()
    for ratio in energy.RATIOS:
        assert [energy.published_ratio(ratio, n) for n in energy.TABLE] == [
            claims[f"relnet.{ratio}_ratio.{n}"].published for n in energy.TABLE
        ]
    monkeypatch.setitem(energy.RATIOS, "edp", (12.10, 6.73, 3.41, 1.73, 1.70))
    record = Record("energy", "book", tmp_path)
    energy.product(record)
    assert [row["ours"] for row in read_rows(tmp_path)] == [False]  # one that does not fit the other two


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
    record = Record("energy", "book", tmp_path)
    energy.waiting(record, (0.5, 1.5))
    values = {name: entry["value"] for name, entry in json.loads((tmp_path / "values.json").read_text()).items()}
    assert values["remainder"] == f"{9.105 - 1.5:.2f} to {9.105 - 0.5:.2f} ms"
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
    energy.short_stories(Record("energy", "book", tmp_path))
    (row,) = read_rows(tmp_path)
    assert row["ours"] == pytest.approx(100 * 40 / 42)
    assert row["n"] == 42


TWO = energy.Account(124, 14, (0.2, 0.4), (0.5, 1.8), (0, 0))


def test_the_run_with_two_sentences_is_itself():
    """Power times time, as published: 7.478 mJ, half of it by the x86 processors."""
    for end in energy.terms(TWO, TWO):
        assert end.energy == pytest.approx(7.478, abs=0.002)
        assert end.x86 / end.energy == pytest.approx(0.50, abs=0.005)
        assert end.core_dynamic == pytest.approx(2.03, abs=0.005)
        assert end.of_ratios() == pytest.approx({"energy": 7.478, "latency": 9.105, "edp": 68.09}, rel=1e-3)


def test_ends_by_hand():
    """Lower: the measured run, and what more events need. Upper: lines through (1 core, 1 chip) and (124 cores, 14 chips)."""
    low, high = energy.terms(energy.Account(247, 27, (1.2, 1.5), (0.6, 2.1), (0, 0)), TWO)
    assert low == pytest.approx((2.02768 + 1.0, 181.6 + 9.5, 407.4, 9.105 + 0.1), rel=1e-5)
    static = 181.6 + (181.6 - 1.006) + 9.5 + (9.5 - 0.149)  # 123 cores and 13 chips more, as far as it is between the two runs
    step = 9.105 / 143 + (9.105 / 143 - 13.986 / 840)
    assert high == pytest.approx((2.02768 * 247 / 124, static, 407.4 + (407.4 - 23.195), 143 * step + 0.3), rel=1e-5)
    assert high.energy == pytest.approx(high.core_dynamic + (high.static_power + high.x86_power) * high.time / 1000)
    assert energy.terms(energy.Account(124, 14, (1.2, 9.0), (0.6, 2.1), (0, 0)), TWO)[1].core_dynamic == pytest.approx(2.02768 + 8.6)


@pytest.mark.parametrize(("cores", "chips"), [(-4, 14), (124, 0), (123, 14), (124, 13)])
def test_less_than_was_measured_is_refused(cores, chips):
    with pytest.raises(ValueError, match=f"{cores} cores on {chips} chips are fewer than were measured, 124 on 14"):
        energy.terms(TWO._replace(cores=cores, chips=chips), TWO)


def test_ends_hold_what_events_need(placed):
    result, rows = placed
    layout = on_chips.layout(SIZES["paper"], 180)
    placement = place(layout.network, layout.units, 22)
    for n in (2, 20):
        ends = energy.span(*(energy.events(placement, layout.used(n), rate) for rate in energy.RATES))
        a = energy.account(layout, placement, n, ends, 0)
        low, high = result.lengths[n]
        assert a.energy[0] < low.core_dynamic <= high.core_dynamic
        assert a.energy[1] < high.core_dynamic
        assert (a.cores, a.chips) == (rows[f"relnet.cores.{n}"], rows[f"relnet.chips.touched.{n}"])
        few, many = (energy.events(placement, layout.used(n), rate) for rate in (0.01, 0.1))
        least = few["update_active"] * 81 + few["update_inactive"] * 52 + few["synaptic_operation"] * 23.6 + few["spike_in_tile"] * 1.7
        most = many["update_active"] * 142.1 + many["update_inactive"] * 72.8 + many["synaptic_operation"] * 35.5
        most += many["spike_in_tile"] * 111
        assert a.energy == pytest.approx((1e-9 * least + 22 * 5.94e-3, 1e-9 * most + 22 * 5.94e-3))  # all chips are reset, whatever is used
        if n == 2:
            assert rows["relnet.measured.core_dynamic"] == pytest.approx(sum(a.energy) / 2)
            assert rows["relnet.measured.time"] == pytest.approx(sum(a.time) / 2)


def test_energies_of_kinds_and_of_modules_are_all_that_there_is(placed, folder):
    table = pd.read_csv(folder / "where.csv").set_index("where")
    layout = on_chips.layout(SIZES["paper"], 180)
    few = energy.events(place(layout.network, layout.units, 22), layout.used(20), 0.01)
    prices = {"update_active": 81, "update_inactive": 52, "synaptic_operation": 23.6, "spike_in_tile": 1.7}
    whole = 1e-6 * sum(few[name] * price for name, price in prices.items())
    lows = [float(text.split(" to ")[0].replace(",", "")) for text in table["20 sentences [µJ]"]]
    assert sum(lows[:3]) == pytest.approx(whole, abs=0.2)
    assert sum(lows[3:]) == pytest.approx(whole, abs=0.5)


def test_many_additional_cores_are_more_than_twice_as_many(placed, folder):
    assert placed[1]["relnet.tricks"] is True
    assert energy.many(201, 100)
    assert not energy.many(200, 100)
    pairs = 210 * (4 * 256)  # the rest: relays, and encoders, whose AHP neurons have two compartments
    least = json.loads((folder / "values.json").read_text())["least_cores"]["value"]
    assert pairs / 1024 < least < 1.4 * pairs / 1024


def test_why_loihi_is_slower_says_no_more_than_two_runs_tell():
    assert energy.why_slower(6.65, 9.1, 2.4) == "longer steps, for whatever reason, not their number alone"
    assert energy.why_slower(6.65, 9.1, 7.0) == "the number of steps"
    assert energy.why_slower(9.2, 9.1, 2.4) == "it does not take longer"


def test_ends_do_not_use_the_ratios_but_for_what_they_imply(placed, folder, monkeypatch, tmp_path):
    accounts = {n: energy.Account(124 * n // 2, 14 + n // 4, (0.2 * n, 0.4 * n), (0.5, 1.8), (n, n)) for n in (2, 20)}
    ends = [energy.lengths(Record("energy", "book", tmp_path), accounts)]
    written = (tmp_path / "implied.csv").read_text()
    monkeypatch.setattr(energy, "published_ratio", lambda ratio, n: 1.0)
    ends.append(energy.lengths(Record("energy", "book", tmp_path), accounts))
    assert ends[0] == ends[1]
    ours, implied = (pd.read_csv(tmp_path / f"{name}.csv") for name in ("lengths", "implied"))
    assert (ours.to_numpy() == implied.to_numpy()).all()
    assert (tmp_path / "implied.csv").read_text() != written


def test_without_a_gpu_no_ratio_is_entered(placed, folder):
    assert not [name for name in placed[1] if "_ratio." in name]
    assert json.loads((folder / "values.json").read_text())["gpu_card"]["text"] == "none was measured"


def test_ratios_of_a_measured_gpu_by_hand(tmp_path):
    two, more = (energy.Terms(2.0, 100.0, 300.0, 10.0),) * 2, (energy.Terms(2.0, 100.0, 300.0, 10.0), energy.Terms(6.0, 300.0, 300.0, 20.0))
    kept = pd.DataFrame([
        {"sentences": n, "batch": batch, "time [ms]": 5.0, "energy [mJ]": 300.0 / batch, "without rest [mJ]": 120.0 / batch,
         "device": "Fake 1000", "clocks": "1500 MHz", "date": "2026-11-27"}
        for n in (2, 20) for batch in (1, 8)
    ])  # fmt: skip
    record = Record("energy", "book", tmp_path)
    energy.beside_gpu(record, {2: two, 20: more}, kept)
    rows = {row["id"]: (row["ours"], row["low"], row["high"]) for row in read_rows(tmp_path)}
    assert rows["relnet.energy_ratio.2"] == pytest.approx((20.0, 20.0, 20.0))  # 2 mJ, and 0.4 W for 10 ms
    assert rows["relnet.latency_ratio.2"] == pytest.approx((0.5, 0.5, 0.5))
    assert rows["relnet.edp_ratio.2"] == pytest.approx((10.0, 10.0, 10.0))
    assert rows["relnet.energy_ratio.20"] == pytest.approx((120 / 11.5, 120 / 18, 20.0))  # in the middle: 4 mJ, and 0.5 W for 15 ms
    assert rows["relnet.latency_ratio.20"] == pytest.approx((5 / 15, 5 / 20, 0.5))
    assert rows["relnet.edp_ratio.20"] == pytest.approx((600 / (11.5 * 15), 600 / (18 * 20), 10.0))
    values = json.loads((tmp_path / "values.json").read_text())
    assert values["gpu_card"]["text"] == "Fake 1000, 1500 MHz, 2026-11-27"

    moved = energy.sensitivity(record, {2: two, 20: more}, kept).set_index(["sentences", "change"])
    assert moved.loc[(2, "with what the GPU needs at rest"), "high"] == pytest.approx(300 / 120)
    assert moved.loc[(20, "GPU: best batch"), "low"] == pytest.approx(1 / 8)
    assert json.loads((tmp_path / "values.json").read_text())["moves_most_20"]["text"] == "GPU: best batch"


def test_a_kept_gpu_enters_the_chapter(monkeypatch, tmp_path):
    """The run asks for it with the lengths of the talk's table, and hands it on."""
    monkeypatch.setattr(energy, "kept_gpu", lambda given: ("kept", given))
    got = []
    for name in ("priced", "emulated", "lengths", "beside_ratios"):
        monkeypatch.setattr(energy, name, lambda *given: None)
    for name in ("beside_gpu", "sensitivity"):
        monkeypatch.setattr(energy, name, lambda record, ends, kept: got.append(kept))
    energy.placed(Record("energy", "book", tmp_path), energy.config("smoke"))
    assert got == [("kept", (2, 6, 10, 16, 20))] * 2


def test_sensitivity(placed, folder):
    table = placed[0].sensitivity.set_index(["sentences", "change"])
    low, high = placed[0].lengths[20]
    assumed = [name for name in table.loc[20].index if ": as measured, or" in name or "by events, or" in name]
    assert len(assumed) == 4
    assert (table.loc[[(2, name) for name in assumed], ["low", "high"]] == 1).to_numpy().all()  # with 2 sentences, all that was measured
    assert table.loc[(2, "without the x86 processors"), "high"] == pytest.approx(1 / (1 - 407.4 / 821.1), rel=1e-3)
    watts = 123.3 / 6.65  # with 2 sentences, by the talk's ratios and the run on Loihi
    assert table.loc[(2, "with what the GPU needs at rest"), "high"] == pytest.approx((watts + 33.93) / watts, rel=1e-3)
    core, static, x86, time = ((a + b) / 2 for a, b in zip(low, high, strict=True))
    start = core + (static + x86) * time / 1000
    by_hand = [start / (core + (power + x86) * time / 1000) for power in (high.static_power, low.static_power)]
    assert table.loc[(20, "power at rest: as measured, or by cores")].tolist() == pytest.approx(by_hand)
    by_hand = [start / (start - core + of) for of in (high.core_dynamic, low.core_dynamic)]
    assert table.loc[(20, "cores at work: by events, or by their number")].tolist() == pytest.approx(by_hand)
    values = json.loads((folder / "values.json").read_text())
    for n in (2, 20):
        farthest = np.maximum(table.loc[n]["high"], 1 / table.loc[n]["low"])
        assert values[f"moves_most_{n}"]["value"] == farthest.idxmax()
        assert values[f"moves_most_{n}_factor"]["value"] == farthest.max()


def test_a_python_that_is_not_there_is_named(tmp_path):
    parser = argparse.ArgumentParser()
    energy.options(parser)
    with pytest.raises(ValueError, match=r"nowhere/python cannot be run .*the Python of an environment for ask_sanafe\.py"):
        energy.command(parser.parse_args(["--sanafe", str(tmp_path / "nowhere/python"), "--keep", str(tmp_path / "kept.npz")]))
