"""The published layout, chip for chip, and the talk's table."""

import numpy as np
import pytest
import torch

from snncore.experiments import energy, relational
from snncore.experiments.record import Record, read_rows
from snncore.loihi import board, emulator
from snncore.loihi.compartment import Compartment, compartment_rest, compartment_step
from snncore.loihi.emulator import Group
from snncore.loihi.placement import place
from snncore.loihi.quantize import integers, registers, step_size
from snncore.loihi.spec import LimitError
from snncore.networks.relational import SIZES
from snncore.tasks.stories import VOCABULARY, Example
from snncore.tasks.stories import encode as encode_words
from snncore.tasks.story_generator import generate

CORES = {  # on each of the chips that hold some, in the layout of github.com/intel-nrc-ecosystem/models, nxsdk_modules_ncl/lsnn/apps/relnet
    2: {0: 6, 1: 20, 2: 8, 3: 8, 4: 8, 5: 4, 6: 6, 7: 6, 8: 4, 9: 6, 10: 4, 11: 18, 20: 2, 21: 24},
    10: {0: 22, 1: 74, 2: 116, 3: 11, 4: 11, 5: 74, 6: 11, 7: 11, 8: 4, 9: 6, 10: 4, 11: 126, 12: 114, 15: 90, 20: 2, 21: 24},
    20: {0: 42, 20: 128, 21: 24}
    | dict.fromkeys((1, 5, 8, 10), 74)
    | dict.fromkeys((2, 3, 4, 6, 7, 9), 116)
    | dict.fromkeys(range(11, 20), 126),
}  # fmt: skip


@pytest.fixture(scope="module")
def placed(tmp_path_factory):
    record = Record("energy", "smoke", tmp_path_factory.mktemp("energy"))
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
    layout = energy.layout(SIZES["paper"], 180)
    found = energy.events(place(layout.network, layout.units, 22), layout.used(2), 0.02)
    encoders, relays = 3 * 200, (2 * 4 + 10) * 200
    forward = 3 * 1024 + 256 + 256 + 512 + 159 + 181
    spikes = 0.02 * (encoders * 110 + relays * 14 + forward * 37)
    assert found["update_active"] == pytest.approx(spikes)
    assert found["update_active"] + found["update_inactive"] == 143 * (2 * encoders + relays + 10 * 20 + forward)
    inside = 0.02 * 110 * (encoders * 200 + 200 * (2 * 4 + 10))  # recurrent synapses, and those to relays
    to_pairs = 0.02 * 14 * 200 * 256 * 9  # relays: two sentences and the question of each of three pairs
    after = 0.02 * 37 * (3 * 3 * 256 * 256 + 3 * 256 + 256 * 256 + 256 * 512 + 512 * 159 + 159 * 181)
    assert found["synaptic_operation"] == pytest.approx(3 * 110 * 200 + inside + to_pairs + after)
    axons = 3 * 110 * 2 + 0.02 * 110 * (encoders * 2 + 200 * 18) + 0.02 * 14 * 200 * 4 * 9
    axons += 0.02 * 37 * (3 * 3 * 256 * 2 + 3 * 256 + 256 * 2 + 256 * 4 + 512 * 3 + 159)
    assert found["spike_in_tile"] == pytest.approx(axons)
    active = energy.all_active(found)
    assert (active["update_active"], active["update_inactive"]) == (143 * (2 * encoders + relays + 200 + forward), 0)


def test_drawn_events_are_as_many_as_expected():
    layout, rate = energy.layout(SIZES["paper"], 180), 0.05
    placement = place(layout.network, layout.units, 22)
    expected = energy.events(placement, layout.used(2), rate)
    t = energy.drawn(layout, placement, 2, rate, np.random.default_rng(0))
    found = energy.priced_traffic(t)
    assert found["update_active"] + found["update_inactive"] == expected["update_active"] + expected["update_inactive"]
    assert found["update_active"] == pytest.approx(expected["update_active"], rel=0.03)
    own = rate * 110 * 3 * 200  # spikes of encoders that reach their own auxiliary compartments
    assert found["synaptic_operation"] == pytest.approx(expected["synaptic_operation"] + own, rel=0.04)
    words = 3 * 110 * 2  # messages of the words, which come from elsewhere
    assert found["spike_in_tile"] == pytest.approx(expected["spike_in_tile"] - words, rel=0.04)
    still = energy.drawn(layout, placement, 2, 0.0, np.random.default_rng(0))
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


def test_without_relays_the_network_does_not_fit():
    # 210 pairs on 4 cores are 840 axons, so that two neurons fill a core, and there are 100 cores, between which they project, too
    with pytest.raises(LimitError, match="a neuron of 'question' would need 940 axons, 429 more than the 511 it can have"):
        energy.layout(SIZES["paper"], 180, relays=False).network.cores()


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
    assert table[20, "with what the GPU needs when idle"] == pytest.approx(68.5 / (68.5 - 33.93))
    assert (table >= 1).all()


def step_by_step(net, example):
    """The same network in the chip's integers, copy after copy: spikes of each layer in the order of the story, and readouts."""
    lif, window = registers(net.statement.params), net.statement.timing.window
    until = net.statement.timing.steps(11).tolist()

    def encode(encoder, numbers):
        x = np.zeros((sum(until), 1, encoder.inputs), np.uint8)
        for t, number in enumerate(np.repeat(numbers, until)):
            x[t, 0, number - 1] = number > 0
        parts, w = encoder.network.populations, encoder.network.weights()
        one = emulator.Network(integers(w.w_in), integers(w.w_rec), [Group(p.size, registers(p.params)) for p in parts])
        return emulator.emulate(one, x, input_lag=0, trace=True).z_trace[-window:, 0].astype(int)

    def fire(currents, p=lif):
        state, z = compartment_rest(currents[:1]), []
        for current in currents:
            state = compartment_step(current[None], state, p)[1]
            z.append(state.z[0])
        return np.array(z), state.v[0]

    encoded = encode_words([example])
    count = len(example.statements)
    s = [encode(net.statement, encoded.statements[0, k - count]) for k in range(count)]
    q = encode(net.question, encoded.question[0])
    w_first, w_second, w_question, w_sum = (integers(w.detach()) for w in (net.w_first, net.w_second, net.w_question, net.w_sum))
    layers, total = {}, 0
    for i in range(count):
        for j in range(i, count):
            place = integers((net.place_first[i - count] + net.place_second[j - count]).detach())
            z, _ = fire(s[i] @ w_first.T + s[j] @ w_second.T + q @ w_question.T + place)
            layers[i, j, 1] = z
            for k, w in enumerate(net.w_pairs, 2):
                layers[i, j, k] = z = fire(z @ integers(w.detach()).T)[0]
            total = total + w_sum * z
    layers["sum"] = z = fire(total)[0]
    layers["answer 1"] = z = fire(z @ integers(net.w_answer[0].detach()).T)[0]
    return s, q, layers, fire(z @ integers(net.w_out.detach(), step_size(net.w_out)).T, Compartment(0, 2**17 - 1))[1]


@pytest.mark.parametrize("n", [2, 6, 12])
def test_on_chips_each_spike_is_that_of_the_network_step_by_step(n):
    net = relational.story_classifier("snn", SIZES["small"], n).network
    with torch.no_grad():
        for k, w in enumerate((net.place_first, net.place_second)):
            w.copy_(0.1 * torch.randn(w.shape, generator=torch.Generator().manual_seed(k)))
        net.w_sum.mul_(4)
    found = energy.layout(SIZES["small"], len(VOCABULARY))
    (example,) = generate(6, 1, np.random.default_rng(n), n)
    loaded, x = energy.program(net, found, n), energy.shown(net, example)
    done = board.run(found.network, loaded, x)
    s, q, layers, readouts = step_by_step(net, example)
    window, end = net.statement.timing.window, int(net.statement.timing.steps(11).sum())

    def late(name, delay):
        return done.z[name][end - window + delay : end + delay]

    assert (late("question", 0) == q).all()
    for k in range(n):
        assert (late(f"sentence {n - k}", 0) == s[k]).all()
    for name, (i, j, k) in found.pairs.items():
        if name in done.z:
            z = layers[n - 1 - j, n - 1 - i, k]
            assert (late(name, k + 1) == z).all()
            assert done.z[name].sum() == z.sum()  # no spike at other times
    assert (late("sum", 5) == layers["sum"]).all()
    assert (late("answer 1", 6) == layers["answer 1"]).all()
    assert layers["answer 1"].any()
    assert (done.v["answer 2"] == readouts).all()
    shorter = board.run(found.network, loaded, {name: spikes[:-1] for name, spikes in x.items()})
    assert (shorter.v["answer 2"] == readouts).all() == (not layers["answer 1"][-1].any())  # not a step too many
    for name, z in done.z.items():
        if name.startswith("mask"):
            assert (z.sum(0) == [0] * n + [window] * (20 - n)).all()  # absent sentences


def test_copies_share_weights():
    net, found = relational.story_classifier("snn", SIZES["small"], 0).network, energy.layout(SIZES["small"], len(VOCABULARY))
    loaded = energy.program(net, found, 6)
    of = {name: {id(w) for (pre, post), arrays in loaded.weights.items() for w in arrays if name(pre, post)} for name in (
        lambda pre, post: pre == post and pre.startswith("sentence"),
        lambda pre, post: post.endswith("layer 2"),
        lambda pre, post: post == "sum",
    )}  # fmt: skip
    assert [len(ids) for ids in of.values()] == [1, 1, 1]


def test_what_cannot_be_put_on_chips_is_refused():
    found = energy.layout(SIZES["small"], len(VOCABULARY))
    artificial, net = (relational.story_classifier(kind, SIZES["small"], 0).network for kind in ("ann", "snn"))
    with pytest.raises(ValueError, match="only a network of spiking neurons"):
        energy.program(artificial, found, 2)
    with pytest.raises(ValueError, match="the layout has no relays"):
        energy.program(net, energy.layout(SIZES["small"], len(VOCABULARY), relays=False), 2)
    with pytest.raises(ValueError, match="the story has 21 sentences, but the network has places for 20"):
        energy.shown(net, Example(("mary went to the garden",) * 21, "where is mary", "garden"))
    with torch.no_grad():
        net.w_pairs[0][0, 0] = 3.0
    with pytest.raises(LimitError, match="the largest weight is 381"):
        energy.program(net, found, 2)


def test_sanafe_finds_the_same_energy_for_the_same_spikes(tmp_path):
    record = Record("energy", "smoke", tmp_path)
    energy.beside_sanafe(record)
    for n, theirs in energy.by_sanafe()[0].items():
        c = energy.case(n)
        assert c.parts() | {"network": 0} == pytest.approx(theirs | {"network": 0})
        arrays, once = c.arrays(), 0.0
        spikes = arrays["spikes"].sum(0)
        for i, core in sorted({(i, arrays["core"][j]) for i, j in zip(arrays["pre"], arrays["post"], strict=True)}):
            tile, there = (int(k) // 4 for k in (arrays["core"][i], core))
            once += spikes[i] * (111 + 3.0 * abs(tile // 4 - there // 4) + 4.2 * abs(tile % 4 - there % 4))
        assert once == pytest.approx(theirs["network"])  # where a neuron has one axon to a core, whatever its projections
    (row,) = read_rows(tmp_path)
    assert 0 < row["ours"] < 10


def test_sanafe_must_have_been_asked_about_these_spikes(tmp_path, monkeypatch):
    case = energy.case(2)
    changed = {name: z.copy() for name, z in case.run.z.items()}
    changed["question"][0, 0] ^= 1
    monkeypatch.setattr(energy, "case", lambda n: case._replace(run=case.run._replace(z=changed)))
    with pytest.raises(ValueError, match="about other spikes than those that our network has now: ask it again"):
        energy.by_sanafe()

    answer = {"spikes": np.array(1.0), "versions": np.array("SANA-FE 0")} | dict.fromkeys(("synapse", "soma", "network"), np.array(0.0))
    monkeypatch.setattr(energy, "ask", lambda python, script, arrays: answer)
    with pytest.raises(ValueError, match=r"SANA-FE has 1\.0 spikes of neurons and their drivers"):
        energy.keep_sanafe("python", tmp_path / "sanafe.npz")
    assert not (tmp_path / "sanafe.npz").exists()
