import numpy as np
import pytest

from snncore.loihi import energy as priced
from snncore.loihi.board import Traffic
from snncore.loihi.emulator import Events
from snncore.loihi.energy import cost, energy, event_counts, measured, prices, step_times

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
    t = Traffic(np.array([100, 50]), spikes, sent, synaptic, np.zeros(2, int), 0, 0, 0)
    first, second = 98 * 5.3 + 2 * 8.4 + 3 * 2.1, 49 * 5.3 + 8.4 + 400 * 3.5
    assert step_times(t) == pytest.approx(np.array([first + 465, second + 465]) / 1000)
    assert step_times(t, active=True) == pytest.approx(np.array([100 * 8.4 + 3 * 2.1 + 465, 50 * 8.4 + 400 * 3.5 + 465]) / 1000)


def test_every_price_has_a_source():
    assert all("IEEE Micro" in price.source and "Table 2" in price.source for price in prices().values())
    assert prices()["barrier"].energy_pj is None  # not given, which is not 0


def test_what_has_no_price_is_refused():
    assert energy({"synaptic_operation": 1e6, "update_active": 2e6}) == pytest.approx(23.6 + 2 * 81)
    with pytest.raises(ValueError, match="has no price for the energy of event 'barrier': it has those of synaptic_operation, update_"):
        energy({"barrier": 1})
    with pytest.raises(ValueError, match="no price for the energy of event 'hop'"):
        energy({"hop": 0})
    with pytest.raises(ValueError, match="there cannot be -1 events 'update_active'"):
        energy({"update_active": -1})
    with pytest.raises(ValueError, match="there cannot be nan events"):
        energy({"update_active": float("nan")})
    with pytest.raises(ValueError, match="there are no counts of events"):
        energy({})
    with pytest.raises(ValueError, match="set 'sanafe' has no price for the time of event 'barrier': it has those of synaptic_operation"):
        cost(EVENTS, steps=10, relays=4, name="sanafe")


def test_messages_between_chips_are_counted_and_have_no_price():
    one = np.ones((1, 1), int)
    counts = event_counts(Traffic(np.array([10]), one, 2 * one, 3 * one, np.zeros(1, int), 4, 5, 6))
    assert counts.pop("between_chips") == 6
    assert energy(counts) == pytest.approx(1e-6 * (81 + 9 * 52 + 3 * 23.6 + 2 * 1.7 + 4 * 3 + 5 * 4))
    with pytest.raises(ValueError, match="no price for the energy of event 'between_chips'"):
        energy(counts | {"between_chips": 0})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"source": None}, "there is no source"),
        ({"source": " "}, "there is no source"),
        ({"time_ns": None}, "there is no time_ns"),
        ({"time_ns": -3.5}, "time_ns is -3.5: give a number above 0"),
        ({"energy_pj": -1}, "energy_pj is -1"),
        ({"energy_pj": 0}, "energy_pj is 0"),
        ({"energy_pj": float("nan")}, "energy_pj is nan"),
        ({"energy_pj": "much"}, "energy_pj is 'much'"),
        ({}, "there are two prices"),
    ],
)
def test_bad_rows_of_prices_are_refused(tmp_path, monkeypatch, change, words):
    good = {"set": "a", "event": "hop", "time_ns": 1.0, "energy_pj": 2.0, "source": "who"}
    shown = {str: lambda text: f'"{text}"'}
    rows = [{key: value for key, value in row.items() if value is not None} for row in (good, good | change)]
    rows[1] |= {"event": "spike"} if change else {}
    lines = ["\n".join(["[[cost]]", *(f"{key} = {shown.get(type(value), repr)(value)}" for key, value in row.items())]) for row in rows]
    (tmp_path / "costs.toml").write_text("\n".join(lines))
    monkeypatch.setattr(priced, "package_file", lambda name: tmp_path / "costs.toml")
    with pytest.raises(ValueError, match=f"set 'a', event '{rows[1]['event']}': {words}"):
        prices("a")
    (tmp_path / "costs.toml").write_text(lines[0])
    assert prices("a")["hop"][:2] == (2.0, 1.0)


def test_a_price_without_event_or_set_is_refused(tmp_path, monkeypatch):
    (tmp_path / "costs.toml").write_text('[[cost]]\nevent = "hop"\ntime_ns = 1\nsource = "who"')
    monkeypatch.setattr(priced, "package_file", lambda name: tmp_path / "costs.toml")
    with pytest.raises(ValueError, match="set None, event 'hop': there is no set"):
        prices("a")


def test_an_unknown_set_of_prices_is_refused():
    with pytest.raises(ValueError, match=r"named 'davies2019': there are davies2018"):
        prices("davies2019")


def test_measured_runs_have_sources():
    assert measured("sequential MNIST")["time_ms"] / 840 == pytest.approx(0.01665)
    with pytest.raises(ValueError, match="no measured run with a source is named 'another': there are relational network, 2 sentences, "):
        measured("another")
