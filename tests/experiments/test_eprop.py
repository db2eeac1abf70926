"""The published losses, one gradient, and trainings that can be killed."""

import dataclasses
import json
import math
from functools import partial

import numpy as np
import pytest
import torch

from snncore import ledger
from snncore.datafiles import DataError, package_file
from snncore.experiments import eprop
from snncore.learning.descent import Descent
from snncore.learning.eprop import METHODS, Signal, gradient, observe
from snncore.networks.checkpoints import accounts, load_checkpoint
from snncore.networks.recurrent import Population, Weights
from snncore.neurons import ReadoutParams
from snncore.peers import ask
from snncore.peers.ask import has_oracle
from snncore.record import Record, read_rows
from snncore.tasks.evidence import Evidence
from snncore.tasks.store_recall import StoreRecall
from snncore.trainings import job as training
from tests.experiments import recorded

REGRESSION = (101.964363, 103.466736, 103.340607, 103.680244, 104.412781)  # NEST, test_eprop_bsshslm_2020_plasticity.py, from TensorFlow
CLASSIFICATION = (0.741153, 0.740388, 0.665785, 0.663644, 0.729429)


def test_losses_of_the_published_code():
    assert eprop.published_losses("regression") == pytest.approx(REGRESSION, rel=2e-7)
    assert eprop.published_losses("classification") == pytest.approx(CLASSIFICATION, rel=1e-6)  # printed with six digits
    exact = (0.741152524948, 0.740388214588, 0.665785133838, 0.663644134998, 0.729429066181)
    assert eprop.published_losses("classification") == pytest.approx(exact, rel=2e-7)


def test_losses_of_nest(tmp_path):
    """A recorded run of the NEST simulator, in double precision as ours."""
    with np.load(package_file("peers/nest.npz")) as nest:
        for kind in eprop.CASES:
            assert eprop.published_losses(kind) == pytest.approx(list(nest[kind]), rel=1e-10)
    record = Record("eprop", "book", tmp_path)
    eprop.beside_nest(record, {kind: eprop.published_losses(kind) for kind in eprop.CASES})
    assert {row["id"]: row["ours"] for row in read_rows(tmp_path)}["eprop.nest"] < 1e-10


def test_losses_of_nest_here_and_now():
    if not has_oracle("nest", "NEST"):
        pytest.skip("needs the NEST simulator: .venv/bin/pip install -e '.[oracles]'")
    for kind in eprop.CASES:
        assert eprop.published_losses(kind) == pytest.approx(list(eprop.by_nest(kind)[0]), rel=1e-10)


def test_without_nest_a_run_says_so(capsys, monkeypatch):
    monkeypatch.setattr(ask.importlib.util, "find_spec", lambda name: None)
    assert not has_oracle("nest", "NEST")
    assert "NEST is left out: it is not installed (pip install 'snncore[oracles]')" in capsys.readouterr().out


def test_gradients_of_braintrace(tmp_path):
    """A recorded run of braintrace, in double precision as ours: a gradient at each step, and every ten steps."""
    for kind, (case, found) in eprop.recorded_braintrace()[0].items():
        assert eprop.off_braintrace(case, found) < 1e-10
        x, target, *weights = (torch.from_numpy(case[name]).double() for name in ("x", "target", *Weights._fields))
        readout, neurons = ReadoutParams(float(case["tau_out"])), [Population(len(weights[0]), eprop.PEER_NEURONS[kind])]
        trial, activity = observe(x, Weights(*weights), neurons, readout)
        assert 0.02 < float(activity.z.mean()) < 0.4
        error = activity.y - target
        assert found["losses"] == pytest.approx(float(error.square().mean()), rel=1e-10)
        signal = Signal(2 / target.numel() * error @ weights[2], readout.kappa)
        for method in METHODS:
            for ours, theirs in zip(gradient(trial, signal, method, chunk=7), (found["w_in"], found["w_rec"]), strict=True):
                assert np.abs(theirs).max() > 1e-3
                assert np.abs(theirs - ours.numpy()).max() < 1e-10 * np.abs(theirs).max()
    record = Record("eprop", "book", tmp_path)
    eprop.beside_braintrace(record)
    assert {row["id"]: row["ours"] for row in read_rows(tmp_path)}["eprop.braintrace"] < 1e-10


def test_windows_of_braintrace_divide_the_trial():
    with pytest.raises(ValueError, match="a window has 22 steps, which does not divide the 90 of the trial"):
        eprop.by_braintrace(eprop.braintrace_case("LIF", 4, 90, 1, 0), [1, 22], 0, "no python")


def test_one_gradient(tmp_path):
    record = Record("eprop", "book", tmp_path)
    eprop.one_gradient(record, eprop.config("smoke"))
    rows = {row["id"]: row["ours"] for row in read_rows(tmp_path)}
    assert 0 < rows["eprop.identity"] < 1e-10
    assert 0 < rows["eprop.truncated"] < 1e-10
    assert (rows["eprop.ideal"], rows["eprop.update"]) == (True, True)


def test_random_feedback_stays_and_symmetric_has_none():
    learner = eprop.pattern_learner("random", 0, 0.3)
    learner.adapt(0.1)
    assert learner.w_feedback is not None
    assert not learner.w_feedback.requires_grad
    assert eprop.pattern_learner("symmetric", 0, 0.3).w_feedback is None
    assert torch.equal(learner.network.w_in, eprop.pattern_learner("bptt", 0, 0.03).network.w_in)  # all begin with the same weights


def test_a_bit_is_remembered(monkeypatch):
    monkeypatch.setattr(eprop, "STORE_RECALL", StoreRecall(slots=3, slot=50))
    first = [eprop.recall_learner(signal, 0).network.weights() for signal in ("random", "symmetric", "bptt")]
    assert all(torch.equal(a, b) for others in first[1:] for a, b in zip(first[0], others, strict=True))
    rows = eprop.recall_curve("symmetric", 0, 80)
    assert np.mean([row["wrong"] for row in rows[:2]]) > 35
    assert np.mean([row["wrong"] for row in rows[-10:]]) < 15
    assert rows[:5] == eprop.recall_curve("symmetric", 0, 5)


def test_a_pattern_is_learned():
    rows = eprop.pattern_curve("symmetric", 0, 40, 0.3)
    assert rows[-1]["left"] < 0.5 * rows[0]["left"]
    assert [row["update"] for row in rows if "cosine" in row] == [0, 10, 20, 30]
    table = eprop.pd.DataFrame({"seed": [0, 0, 1, 1], "update": [0, 1, 0, 1], "left": [1.0, 0.05, 1.0, 0.5]})
    assert eprop.updates_needed(table[table["seed"] == 0]) == 1
    assert eprop.updates_needed(table) is None


@pytest.mark.parametrize(
    ("needed", "updates", "pattern", "slower"),
    [
        (((40.0, 60.0), (20.0, 30.0)), 300, (2.0, None), True),
        (((20.0, 30.0), (40.0, 60.0)), 300, (0.5, None), False),
        (((40.0, 60.0), (20.0, 30.0)), 6, (2.0, None), True),
        (((40.0, math.nan), (20.0, 30.0)), 300, (169.5 / 25, ">"), True),
        (((40.0, 60.0), (20.0, math.nan)), 300, (50 / 159.5, "<"), False),
        (((1.0, math.nan), (280.0, 290.0)), 300, (150 / 285, ">"), None),  # perhaps 300 updates, perhaps 1,000
        (((290.0, 290.0), (1.0, math.nan)), 300, (290 / 150, "<"), None),
        (((40.0, math.nan), (20.0, math.nan)), 300, None, None),
        (((4.0, math.nan), (2.0, 3.0)), 6, None, None),  # as few updates as a smoke run has
    ],
)
def test_what_is_not_learned_gives_an_end_of_the_ratio(tmp_path, needed, updates, pattern, slower):
    eprop.slower_on_patterns(Record("eprop", "book", tmp_path), *map(list, needed), updates)
    rows = {row["id"]: row for row in read_rows(tmp_path)}
    found = rows.get("eprop.pattern")
    assert (found and (found["ours"], found.get("bound"))) == pattern
    assert rows.get("eprop.slower", {}).get("ours") == slower
    if pattern and not pattern[1]:
        assert (found["low"], found["high"]) == (pattern[0], pattern[0])


def test_aims_are_those_of_the_list_of_claims():
    claims = ledger.package_claims()
    for signal in eprop.SIGNALS:
        for end, key in (("", "test_error"), (".at350", "early_error")):
            assert claims[f"eprop.evidence.{signal}{end}"].target == eprop.BOUNDS[key]
    assert claims["eprop.onchip"].target == eprop.CHIP_LOSS


def test_a_network_that_has_learned_shows_what_the_signals_know(tmp_path):
    record, c = Record("eprop", "book", tmp_path), eprop.config("smoke")
    eprop.about_trainings(record, c)
    eprop.signals_in_time(record, c)
    assert {row["id"]: row["ours"] for row in read_rows(tmp_path)} == {"eprop.approximation": True, "eprop.future": True}


@pytest.fixture
def short(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "TRAINING", tmp_path)
    monkeypatch.setattr(eprop, "FORM", Evidence(cues=3, pause=5, cue=20, delay=20, recall=20))
    for name in ("RECIPE", "CHIP"):
        monkeypatch.setattr(eprop, name, Descent(12, rate=8e-3, knee=60, every=4))
    for name, value in (("BATCH", 8), ("EARLY", 6), ("TESTED", 32)):
        monkeypatch.setattr(eprop, name, value)
    return tmp_path


def test_signals_in_integers_are_those_in_floats():
    g = torch.Generator().manual_seed(0)
    off, w = 2 * torch.rand(5, 8, 2, generator=g) - 1, torch.randn(30, 2, generator=g)
    exact = (127 * off @ w.T).clamp(-127, 127)
    most = 0.5 * w.abs().sum(1) + 0.5 / 32 * (127 * off.abs() + 0.5).sum(2, keepdim=True) + 0.5  # errors, weights, sum, each rounded
    assert ((torch.from_numpy(eprop.byte_signal(off, w)) - exact).abs() <= most + 1e-4).all()
    assert (most < 8).all()
    assert exact.abs().max() > 100


@pytest.mark.parametrize("kind", ["adaptive", "chip"])
def test_a_training_killed_and_resumed_is_the_same(short, monkeypatch, kind):
    learn = eprop.train_chip if kind == "chip" else partial(eprop.train_evidence, kind)
    whole = learn(1)
    for path in short.iterdir():
        path.unlink()
    draw, drawn = eprop.evidence.draw, []

    def killing(form, batch, generator):
        drawn.append(batch)
        if len(drawn) == 11:
            raise KeyboardInterrupt
        return draw(form, batch, generator)

    monkeypatch.setattr(eprop.evidence, "draw", killing)
    with pytest.raises(KeyboardInterrupt):
        learn(1)
    killed = len(drawn)
    resumed = learn(1)
    assert len(drawn) - killed == 5  # updates 9 to 12, and a test
    for row in (*whole["log"], *resumed["log"]):
        row.pop("seconds")
    assert whole["log"] == resumed["log"]
    assert whole["test_error"] == resumed["test_error"]
    account = json.loads((short / f"eprop_{kind}_1.json").read_text())
    assert account["command"] == f"python -m snncore.experiments eprop --train {kind} --seed 1"
    assert account.get("early_error") == next((row["tested"] for row in account["log"] if "tested" in row), None)
    assert account["recipe"]["clip"] is None
    count = len(drawn)
    assert learn(1)["seconds"] >= 0
    assert len(drawn) == count  # it is done: only read


def test_recorded_trainings_used_the_recipe_that_the_command_uses():
    found = accounts("eprop_")
    assert {"eprop_random_0", "eprop_chip_0"} < set(found)
    for name, about in found.items():
        _, kind, seed = name.split("_")
        recorded.is_of(about, f"snncore.experiments eprop --train {kind} --seed {seed}", eprop.recipe(kind), eprop.constants(kind))


def test_the_stopping_rule_of_the_published_code():
    learner = eprop.EvidenceLearner("random", 0)
    errors = [0.5] * 3 + [0.0] * 7 + [0.5, 0.0]
    for k, error in enumerate(errors):
        learner.watch(error, k)
        first = next((i + 1 for i in range(k + 1) if sum(([1.0] * 8 + errors[: i + 1])[-8:]) / 8 < 0.07), 0)
        assert int(learner.stopped) == first
    assert int(learner.stopped) == 10


def test_readouts_begin_larger_where_they_make_the_learning_signals():
    for small in eprop.SMALL:
        signal = small.removesuffix("-small")
        large, others = (eprop.EvidenceLearner(kind, 0).network.weights() for kind in (signal, small))
        assert torch.equal(large.w_in, others.w_in)
        assert torch.equal(large.w_rec, others.w_rec)
        assert torch.equal(large.w_out, 10 * others.w_out)
        ratio = float(large.w_out.detach().std() / eprop.EvidenceLearner("random", 0).w_feedback.std())
        assert ratio == pytest.approx(1, abs=0.2)  # as strong as random feedback


def test_all_signals_make_a_learner():
    for signal in eprop.SIGNALS:
        learner = eprop.EvidenceLearner(signal, 0)
        dampening = {p.dampening for _, p in learner.network.populations}
        assert dampening == {eprop.BPTT_DAMPENING if signal == "bptt" else 0.3}
    assert dataclasses.asdict(eprop.config("book", 3))["seed"] == 3


def test_weights_of_other_constants_are_refused(monkeypatch):
    """Equal shapes, but trials with a shorter delay, or other neurons: the account knows."""
    learner = eprop.EvidenceLearner("random", 0)
    load_checkpoint("eprop_random_0", learner, eprop.constants("random"))
    monkeypatch.setattr(eprop, "FORM", Evidence(delay=500))
    with pytest.raises(DataError, match="another configuration \\(delay is 1050 there and 500 here"):
        load_checkpoint("eprop_random_0", learner, eprop.constants("random"))


def test_constants_say_what_tells_the_trainings_apart():
    bptt, small, adaptive = (eprop.constants(kind) for kind in ("bptt", "bptt-small", "adaptive"))
    assert {name for name in bptt if bptt[name] != small[name]} == {"readout"}
    assert {name for name in bptt if bptt[name] != adaptive[name]} == {"readout", "dampening", "forget"}
    p = eprop.EvidenceLearner("bptt", 0).network.populations[1].params
    assert {name: bptt[name] for name in dataclasses.asdict(p)} == pytest.approx(dataclasses.asdict(p), rel=1e-5)
