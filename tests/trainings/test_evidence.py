"""Trainings on accumulated evidence that can be killed, their accounts, and the search before them."""

import dataclasses
import itertools
from functools import partial

import pandas as pd
import pytest
import torch

from snncore.learning.compare import GRID, Point
from snncore.learning.eprop import SIGNALS
from snncore.networks.checkpoints import about_checkpoint
from snncore.seeds import torch_generator
from snncore.tasks.evidence import Evidence
from snncore.trainings import evidence, evidence_grid, job
from snncore.trainings.evidence import TRAININGS, EvidenceLearner, train
from snncore.trainings.evidence_grid import Search, rows_after

SHORT = Evidence(cues=3, pause=5, cue=20, delay=20, recall=20)


@pytest.mark.parametrize("kind", ["random", "bptt", "chip"])
def test_a_network_that_has_learned_answers_new_trials(kind):
    learner = evidence.trained(kind)
    answers = partial(evidence.on_chip, learner) if kind == "chip" else learner.answer, EvidenceLearner(TRAININGS[kind], 0).answer
    learned, fresh = evidence.errors_on_new_trials(answers, 32, 1)
    assert learned < 0.25 < fresh < 0.75


def test_both_terms_of_the_gradient_in_integers_are_those_in_floats():
    """Without feedback the cost of rates is left; the rest is that of errors. The scale is that of tests/learning/test_eprop_chip.py."""
    how, grads = dataclasses.replace(TRAININGS["chip"], form=Evidence(cues=3, pause=50, cue=100, delay=100, recall=100), batch=8), []
    for update, feedback in itertools.product((evidence.in_integers, evidence.in_floats), (0.0, 0.3)):
        learner = EvidenceLearner(how, 0)
        evidence.put_on_grid(learner, torch_generator(0, "rounding"))
        learner.w_feedback.mul_(feedback)
        update(learner, how)(0, torch_generator(0, "trials"))
        grads.append(torch.cat([learner.network.w_in.grad, learner.network.w_rec.grad], 1).flatten())
    of_rates, of_errors = grads[::2], [grads[1] - grads[0], grads[3] - grads[2]]
    scale = 1024 * (127 / 128) / learner.network.populations[0].params.dampening * 0.6 / (1 - learner.network.readout.kappa) * how.batch
    for (ours, floats), least, size in ((of_rates, 0.98, 1.0), (of_errors, 0.85, 0.9)):  # errors are rounded to bytes
        assert torch.cosine_similarity(ours, floats, dim=0) > least
        assert ours @ floats / floats.square().sum() == pytest.approx(size * scale, rel=0.15)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["adaptive", "chip"])
def test_a_training_killed_and_resumed_is_the_same(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(job, "TRAINING", tmp_path)
    how = TRAININGS[kind]
    recipe = dataclasses.replace(how.recipe, updates=12, every=4)
    monkeypatch.setitem(TRAININGS, kind, dataclasses.replace(how, recipe=recipe, form=SHORT, batch=8, tested=32))
    whole = train(kind, 1)
    for path in tmp_path.iterdir():
        path.unlink()
    draw, drawn = evidence.evidence.draw, []

    def killing(form, batch, generator):
        drawn.append(batch)
        if len(drawn) == 11:
            raise KeyboardInterrupt
        return draw(form, batch, generator)

    monkeypatch.setattr(evidence.evidence, "draw", killing)
    with pytest.raises(KeyboardInterrupt):
        train(kind, 1)
    killed = len(drawn)
    resumed = train(kind, 1)
    assert len(drawn) - killed == 5  # updates 9 to 12, and a test
    for row in (*whole["log"], *resumed["log"]):
        row.pop("seconds")
    assert whole["log"] == resumed["log"]
    assert whole["test_error"] == resumed["test_error"]
    assert resumed.get("stopped") == whole.get("stopped")


def test_the_stopping_rule_of_the_published_code():
    learner = EvidenceLearner(TRAININGS["random"], 0)
    errors = [0.5] * 3 + [0.0] * 7 + [0.5, 0.0]
    for k, error in enumerate(errors):
        learner.watch(error, k)
        first = next((i + 1 for i in range(k + 1) if sum(([1.0] * 8 + errors[: i + 1])[-8:]) / 8 < 0.07), 0)
        assert int(learner.stopped) == first
    assert int(learner.stopped) == 10


def test_all_rules_begin_with_the_same_weights_but_for_the_size_of_readouts():
    learners = {kind: EvidenceLearner(how, 0) for kind, how in TRAININGS.items()}
    first = learners["twin"].network.weights()
    for kind, learner in learners.items():
        w_in, w_rec, w_out = learner.network.weights()
        assert torch.equal(w_in, first.w_in)
        assert torch.equal(w_rec, first.w_rec)
        assert torch.allclose(w_out, TRAININGS[kind].readout * first.w_out)
        assert {p.dampening for _, p in learner.network.populations} == {TRAININGS[kind].dampening}
    assert torch.equal(learners["random"].w_feedback, learners["leak"].w_feedback)


@pytest.mark.parametrize("kind", SIGNALS)
def test_a_training_has_the_point_that_the_search_chose(kind):
    """Chosen again from the rows of the search: the fewest updates in the last round, which the best of the first have reached."""
    about, how, columns = about_checkpoint(f"eprop_grid_{kind}_0"), TRAININGS[kind], list(Point._fields)
    first, last = (rows.set_index(columns)["updates"] for _, rows in pd.DataFrame(about["log"]).groupby("update"))
    chosen, needed = Point(**about["chosen"]), last.groupby(columns)
    assert set(first.index) == set(GRID)
    assert Point(how.recipe.rate, how.dampening, how.readout) == chosen
    assert {*needed.count()} == {2}
    assert needed.mean()[chosen] == needed.mean().min()
    assert first[needed.mean().index].max() <= first.drop(needed.mean().index).min()


def test_a_search_that_goes_on_is_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(evidence_grid, "GRID", [Point(0.01, 0.3, 1.0), Point(0.01, 0.3, 10.0), Point(0.03, 0.3, 1.0)])
    monkeypatch.setattr(evidence_grid, "at", lambda signal, point: dataclasses.replace(evidence.at(signal, point), form=SHORT, batch=8))
    search, rows = Search(first=2, updates=4, points=2, seeds=1), {}
    for begun in (0, 1, 4):
        log = list(rows.get(0, []))[:begun]
        for row in rows_after(log, "random", search, 0, tmp_path / "state"):
            log.append({name: x for name, x in row.items() if name != "seconds"})
        rows[begun] = log
    assert rows[0] == rows[1] == rows[4]
    assert [row["seed"] for row in rows[0]] == [100] * 3 + [101] * 2
    assert [row["update"] for row in rows[0]] == [2] * 3 + [4] * 2
