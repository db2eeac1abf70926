import numpy as np
import pytest

from snncore.loihi import energy as priced
from snncore.loihi.board import Traffic
from snncore.loihi.emulator import Events
from snncore.loihi.energy import HOPS, all_active, cost, energy, event_counts, measured, prices, step_times

EVENTS = Events(np.array([5, 7]), np.array([[1, 2], [3, 4]]), np.array([100, 300]), np.zeros(2, int), np.zeros(2, int), 1000)


def test_the_cost_is_events_times_prices():
    energy, time = cost(EVENTS, steps=10, relays=4)
    common = 200 * 23.6 + 5 * 1.7 + 6 * (23.6 + 1.7)  # the network's events, and 6 input spikes that are relayed
    assert energy == pytest.approx((1e-6 * (common + 11 * 81 + (995 + 34) * 52), 1e-6 * (common + (1000 + 40) * 81)))
    assert time == pytest.approx(
        (1e-6 * (200 * 3.5 + 5 * 2.1 + 1130 + 5 * 8.4 + 995 * 5.3), 1e-6 * (200 * 3.5 + 5 * 2.1 + 1130 + 1000 * 8.4))
    )


def test_a_step_takes_as_long_as_the_busiest_core():
    spikes, sent, synaptic = np.array([[2, 0], [0, 1]]), np.array([[3, 0], [0, 0]]), np.array([[0, 0], [10, 400]])
    t = Traffic(np.array([[100, 50], [100, 50]]), spikes, sent, synaptic, np.zeros(2, int), 0, 0, 0)
    first, second = 98 * 5.3 + 2 * 8.4 + 3 * 2.1, 49 * 5.3 + 8.4 + 400 * 3.5
    assert step_times(t) == pytest.approx(np.array([first + 465, second + 465]) / 1000)
    assert step_times(t, active=True) == pytest.approx(np.array([100 * 8.4 + 3 * 2.1 + 465, 50 * 8.4 + 400 * 3.5 + 465]) / 1000)


def test_every_price_has_a_source():
    assert all("IEEE Micro" in price.source and "Table 2" in price.source for price in prices().values())
    assert prices()["barrier"].energy_pj is None  # not given, which is not 0


ALL = {
    "synaptic_operation": 1e6,
    "update_active": 2e6,
    "update_inactive": 3e6,
    "spike_in_tile": 4e6,
    "hop_east_west": 0,
    "hop_north_south": 5,
}


def test_counts_are_complete_or_say_what_is_left_out():
    assert energy(ALL) == pytest.approx(23.6 + 2 * 81 + 3 * 52 + 4 * 1.7 + 5e-6 * 4)
    some = {"synaptic_operation": 1e6, "update_active": 2e6}
    others = [event for event in ALL if event not in some]
    assert energy(some, without=others) == pytest.approx(23.6 + 2 * 81)
    assert energy(some, "sanafe", others) == pytest.approx(35.5 + 2 * 142.1)
    with pytest.raises(ValueError, match="there is no count of event 'update_inactive': give 0 if it did not happen, or name it"):
        energy(some)
    with pytest.raises(ValueError, match="event 'hop_east_west' is counted, and named as one that is left out"):
        energy(ALL, without=HOPS)
    with pytest.raises(ValueError, match="no price for the energy of event 'barrier'"):
        energy(ALL, without=["barrier"])


@pytest.mark.parametrize("n", [-1, float("nan"), float("inf"), None, "5", True])
def test_impossible_counts_are_refused(unchecked, n):
    with pytest.raises(ValueError, match=f"there cannot be {n} events 'update_active'"):
        energy(ALL | {"update_active": n})


def test_what_has_no_price_is_refused():
    with pytest.raises(ValueError, match="has no price for the energy of event 'barrier': it has those of synaptic_operation, update_"):
        energy(ALL | {"barrier": 1})
    with pytest.raises(ValueError, match="no price for the energy of event 'hop'"):
        energy(ALL | {"hop": 0})
    with pytest.raises(ValueError, match="there are no counts of events"):
        energy({})
    with pytest.raises(ValueError, match="set 'sanafe' has no price for the time of event 'synaptic_operation': it has those of none"):
        cost(EVENTS, steps=10, relays=4, name="sanafe")
    with pytest.raises(ValueError, match="there is no count of event 'update_active'"):
        all_active({"update_inactive": 1.0})
    for steps, relays in ((0, 4), (10, -1)):
        with pytest.raises(ValueError, match=f"there cannot be {steps} steps and {relays} relays"):
            cost(EVENTS, steps, relays)


def test_messages_between_chips_are_counted_and_have_no_price():
    one = np.ones((1, 1), int)
    counts = event_counts(Traffic(10 * one, one, 2 * one, 3 * one, np.zeros(1, int), 4, 5, 6))
    assert counts.pop("between_chips") == 6
    assert energy(counts) == pytest.approx(1e-6 * (81 + 9 * 52 + 3 * 23.6 + 2 * 1.7 + 4 * 3 + 5 * 4))
    with pytest.raises(ValueError, match="no price for the energy of event 'between_chips'"):
        energy(counts | {"between_chips": 0})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"spikes": -1}, "there cannot be -1 spikes"),
        ({"synaptic_operations": -5}, "there cannot be -5 synaptic operations"),
        ({"between_tiles_x": -2}, "there cannot be -2 between tiles x"),
        ({"updates": 0}, "there cannot be more spikes than updates of compartments on a core in a step"),
    ],
)
def test_impossible_traffic_is_refused(change, words):
    one = np.ones((1, 1), int)
    t = Traffic(one, one, one, one, np.ones(1, int), 0, 0, 0)
    t = t._replace(**{name: value if name == "between_tiles_x" else value * one for name, value in change.items()})
    for account in (event_counts, step_times):
        with pytest.raises(ValueError, match=words):
            account(t)


def write(path, monkeypatch, kind, *rows):
    """A file with these rows, in place of the package's."""
    shown = {str: lambda text: f'"{text}"'}
    given = [[f"{key} = {shown.get(type(value), repr)(value)}" for key, value in row.items() if value is not None] for row in rows]
    path.write_text("\n".join(line for lines in given for line in [f"[[{kind}]]", *lines]))
    monkeypatch.setattr(priced, "package_file", lambda name: path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"source": None}, "there is no source"),
        ({"source": " "}, "there is no source"),
        ({"time_ns": None, "energy_pj": None}, "there is no number"),
        ({"time_ns": -3.5}, "time_ns is -3.5: give a number above 0"),
        ({"energy_pj": -1}, "energy_pj is -1"),
        ({"energy_pj": 0}, "energy_pj is 0"),
        ({"energy_pj": float("nan")}, "energy_pj is nan"),
        ({"energy_pj": "much"}, "energy_pj is 'much'"),
        ({"energy_pJ": 3.5}, "there is no field energy_pJ: there are energy_pj, time_ns"),
        ({}, "there are two rows"),
    ],
)
def test_bad_rows_of_prices_are_refused(tmp_path, monkeypatch, change, words):
    good = {"set": "a", "event": "hop", "time_ns": 1.0, "energy_pj": 2.0, "source": "who"}
    other = good | change | ({"event": "spike"} if change else {})
    write(tmp_path / "costs.toml", monkeypatch, "cost", good, other)
    with pytest.raises(ValueError, match=f"set 'a', event '{other['event']}': {words}"):
        prices("a")
    write(tmp_path / "costs.toml", monkeypatch, "cost", good)
    assert prices("a")["hop"] == (2.0, 1.0, "who")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"source": " "}, "run 'b': there is no source"),
        ({"source": None}, "run 'b': there is no source"),
        ({"run": None}, "run None: there is no run"),
        ({"time_ms": None}, "run 'b': there is no number"),
        ({"time_ms": -3.0}, "run 'b': time_ms is -3.0: give a number above 0"),
        ({"time_ms": float("nan")}, "run 'b': time_ms is nan"),
        ({"time_ms": "long"}, "run 'b': time_ms is 'long'"),
        ({"run": "a"}, "run 'a': there are two rows"),
    ],
)
def test_bad_rows_of_measured_runs_are_refused(tmp_path, monkeypatch, change, words):
    good = {"run": "a", "time_ms": 3.0, "source": "who"}
    write(tmp_path / "costs.toml", monkeypatch, "measured", good, good | {"run": "b"} | change)
    with pytest.raises(ValueError, match=words):
        measured("a")
    write(tmp_path / "costs.toml", monkeypatch, "measured", good)
    assert measured("a") == {"time_ms": 3.0}


def test_a_price_without_event_or_set_is_refused(tmp_path, monkeypatch):
    write(tmp_path / "costs.toml", monkeypatch, "cost", {"event": "hop", "time_ns": 1, "source": "who"})
    with pytest.raises(ValueError, match="set None, event 'hop': there is no set"):
        prices("a")
    write(tmp_path / "costs.toml", monkeypatch, "measured", {"run": "a", "time_ms": 1, "source": "who"})
    with pytest.raises(ValueError, match=r"has no rows \[\[cost\]\]"):
        prices("a")


def test_an_unknown_set_of_prices_is_refused():
    with pytest.raises(ValueError, match=r"named 'davies2019': there are davies2018"):
        prices("davies2019")


def test_measured_runs_have_sources():
    assert measured("sequential MNIST")["time_ms"] / 840 == pytest.approx(0.01665)
    with pytest.raises(ValueError, match="no measured run is named 'another': there are relational network, 2 sentences, "):
        measured("another")


def test_constants_are_those_that_were_published():
    """Table 2 of Davies 2018; energies of SANA-FE's loihi.yaml; power and time that the notebooks of the two runs print."""
    assert {event: price[:2] for event, price in prices().items()} == {
        "synaptic_operation": (23.6, 3.5), "update_inactive": (52.0, 5.3), "update_active": (81.0, 8.4), "spike_in_tile": (1.7, 2.1),
        "hop_east_west": (3.0, 4.1), "hop_north_south": (4.0, 6.5), "barrier": (None, 113.0), "barrier_of_chip": (None, 465.0),
    }  # fmt: skip
    assert [price.energy_pj for price in prices("sanafe").values()] == [35.5, 72.8, 142.1, 111.0, 3.0, 4.2]
    watts = {"relational network, 2 sentences": (7.478, 821.2), "sequential MNIST": (0.3627, 25.93)}
    for run, (total, power) in watts.items():
        m = measured(run)
        parts = [m[f"{part}_{kind}_mw"] for part in ("core", "x86") for kind in ("dynamic", "static")]
        assert sum(parts) == pytest.approx(power, abs=0.06)
        assert sum(parts) * m["time_ms"] / 1000 == pytest.approx(total, rel=1e-3)
    assert measured("reset of a chip") == {"energy_uj": 5.94}
