import tomllib

import numpy as np
import pytest

from snncore.datafiles import package_file
from snncore.loihi.board import CoreEvents
from snncore.loihi.emulator import Events
from snncore.loihi.energy import HOPS, cost, energy, event_counts, measured, step_times

SOME = {"synaptic_operation": 1e6, "update_active": 2e6}
ALL = SOME | {"update_inactive": 3e6, "spike_in_tile": 4e6, "hop_east_west": 0, "hop_north_south": 5}


def test_the_cost_is_events_times_prices():
    events = Events(np.array([5, 7]), np.array([[1, 2], [3, 4]]), np.array([100, 300]), np.zeros(2, int), np.zeros(2, int), 1000)
    energy, time = cost(events, steps=10, relays=4)
    common = 200 * 23.6 + 5 * 1.7 + 6 * (23.6 + 1.7)  # the network's events, and 6 input spikes that are relayed
    assert energy == pytest.approx((1e-6 * (common + 11 * 81 + (995 + 34) * 52), 1e-6 * (common + (1000 + 40) * 81)))
    common = 200 * 3.5 + 5 * 2.1 + 1130
    assert time == pytest.approx((1e-6 * (common + 5 * 8.4 + 995 * 5.3), 1e-6 * (common + 1000 * 8.4)))


def test_a_step_takes_as_long_as_the_busiest_core():
    spikes, sent, synaptic = np.array([[2, 0], [0, 1]]), np.array([[3, 0], [0, 0]]), np.array([[0, 0], [10, 400]])
    e = CoreEvents(np.array([[100, 50], [100, 50]]), spikes, sent, synaptic, 0, 0, 0)
    first, second = 98 * 5.3 + 2 * 8.4 + 3 * 2.1, 49 * 5.3 + 8.4 + 400 * 3.5
    assert step_times(e) == pytest.approx(np.array([first + 465, second + 465]) / 1000)
    assert step_times(e, active=True) == pytest.approx(np.array([100 * 8.4 + 3 * 2.1 + 465, 50 * 8.4 + 400 * 3.5 + 465]) / 1000)


def test_events_between_chips_are_counted_and_have_no_price():
    one = np.ones((1, 1), int)
    counts = event_counts(CoreEvents(10 * one, one, 2 * one, 3 * one, 4, 5, 6))
    assert counts.pop("between_chips") == 6
    assert energy(counts) == pytest.approx(1e-6 * (81 + 9 * 52 + 3 * 23.6 + 2 * 1.7 + 4 * 3 + 5 * 4))
    with pytest.raises(ValueError, match="no price for the energy of event 'between_chips': it has those of synaptic_operation, update_"):
        energy(counts | {"between_chips": 0})


def test_the_energy_is_that_of_all_events_that_are_not_left_out():
    others = [event for event in ALL if event not in SOME]
    assert energy(ALL) == pytest.approx(23.6 + 2 * 81 + 3 * 52 + 4 * 1.7 + 5e-6 * 4)
    assert energy(SOME, without=others) == pytest.approx(23.6 + 2 * 81)
    assert energy(SOME, "sanafe", others) == pytest.approx(35.5 + 2 * 142.1)


@pytest.mark.parametrize(("counts", "without", "words"), [
    (SOME, (), "there is no count of event 'update_inactive': give 0 if it did not happen, or name it"),
    (ALL, HOPS, "event 'hop_east_west' is counted, and named as one that is left out"),
    (ALL, ["barrier"], "no price for the energy of event 'barrier'"),
    (ALL | {"hop": 0}, (), "no price for the energy of event 'hop'"),
    (ALL | {"update_active": float("nan")}, (), "there cannot be nan events 'update_active'"),
])  # fmt: skip
def test_events_that_have_no_energy_are_refused(counts, without, words):
    with pytest.raises(ValueError, match=words):
        energy(counts, without=without)


def test_each_row_of_the_file_has_its_own_name_a_source_and_numbers_above_0():
    content = tomllib.loads(package_file("loihi_costs.toml").read_text(encoding="utf-8"))
    assert {row["name"] for row in content.pop("set")} == {row["set"] for row in content["cost"]}
    for kind, names in content.items():
        fields = {"cost": ("set", "event"), "measured": ("run",)}[kind]
        assert len({tuple(row.pop(field) for field in fields) for row in names}) == len(names)
        for row in names:
            assert row.pop("source").strip()
            assert row
            assert all(0 < value < float("inf") for value in row.values())
            assert kind == "measured" or set(row) <= {"energy_pj", "time_ns"}


def test_energies_of_measured_runs_are_their_power_times_time():
    """As the notebooks of the two runs print power [mW] and energy [mJ]."""
    for run, energy_mj, power in (("relational network, 2 sentences", 7.478, 821.2), ("sequential MNIST", 0.3627, 25.93)):
        m = measured(run)
        parts = [m[f"{part}_{kind}_mw"] for part in ("core", "x86") for kind in ("dynamic", "static")]
        assert sum(parts) == pytest.approx(power, abs=0.06)
        assert sum(parts) * m["time_ms"] / 1000 == pytest.approx(energy_mj, rel=1e-3)
