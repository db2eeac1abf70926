import dataclasses
from functools import cache
from typing import get_args

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from snncore.learning.classifier import accuracy
from snncore.seeds import numpy_generator
from snncore.tasks.stories import TASKS, arrays, words_of
from snncore.tasks.story_checks import TALK, in_the_talk
from snncore.tasks.story_generator import generate
from snncore.trainings import job as common
from snncore.trainings import stories


def drawn():
    """Stand-in for the official files: a hundred questions in each part."""
    return cache(lambda task, _: tuple(generate(task, 100, np.random.default_rng(part)) for part in (5, 4)))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ann-drawn", "snn-drawn"])
def test_a_training_is_tested_with_its_weights_and_not_repeated(tmp_path, monkeypatch, kind, capsys):
    monkeypatch.setattr(common, "TRAINING", tmp_path)
    usual = stories.KINDS[kind]
    monkeypatch.setitem(stories.KINDS, kind, usual._replace(recipe=dataclasses.replace(usual.recipe, epochs=1)))
    about = stories.command(15, kind, seed=1)
    assert f"{100 * about['test_accuracy']:.1f} %" in capsys.readouterr().out
    assert about["command"] == f"python -m snncore.trainings stories --task 15 --kind {kind} --seed 1"
    assert [about[field] for field in ("family", "kind", "task", "size", "seed")] == ["stories", kind, 15, "book", 1]
    assert len(about["log"]) == 1
    name = f"relational_{kind}_15_1"
    net = stories.network(kind, 15)
    net.load_state_dict(load_file(tmp_path / f"{name}.safetensors"))
    test = arrays(generate(15, 1000, numpy_generator(1, "1000 stories")))
    assert about["test_accuracy"] == round(accuracy(net, *test), 4) > 0.2  # by chance of four
    (tmp_path / f"{name}.state").unlink()
    assert stories.command(15, kind, seed=1) == about
    assert not (tmp_path / f"{name}.state").exists()


def test_rates_may_be_high_until_the_limit_falls():
    recipe = dataclasses.replace(stories.SPARSE, begin=0.2, end=0.6, high=0.02)
    assert [recipe.ceiling(done) for done in (0.0, 0.19, 0.2)] == [1.0, 1.0, stories.START]
    assert recipe.ceiling(0.4) == pytest.approx((stories.START * 0.02) ** 0.5)
    assert [recipe.ceiling(done) for done in (0.6, 1.0)] == pytest.approx([0.02, 0.02])
    assert stories.SNN.ceiling(0.99) == 1.0  # no limit


def test_loss_of_a_spiking_network():
    recipe = dataclasses.replace(stories.SPARSE, rate_factor=20.0, low=0.05, begin=0.2, end=0.6, high=0.0005, voltage_factor=0.5)
    network = stories.network("snn", 6)
    x, y = arrays(generate(6, 6, np.random.default_rng(0)))
    answer = network.answer(x)
    (low, high), ceiling = recipe.band, (stories.START * 0.0005) ** 0.5  # halfway down
    expected = -torch.log_softmax(answer.logits, 1)[range(6), y].mean().item()
    for z, v in ((layer.z.numpy(force=True), layer.v.numpy(force=True)) for layer in answer.layers.values()):
        rates = z.mean((0, 1))
        expected += 20 * sum(max(0, 0.05 - r) ** 2 for r in rates) + 20 * len(rates) * max(0, rates.mean() - ceiling) ** 2
        assert rates.mean() > 1.1 * ceiling
        expected += 0.5 * ((v - np.clip(v, low, high)) ** 2).mean((0, 1)).sum()
    assert stories.sparse_loss(network, x, y, 0.4, recipe).item() == pytest.approx(expected, rel=1e-5)


def test_the_command_knows_all_kinds_and_tasks():
    assert (set(get_args(stories.KindName)), get_args(stories.Task)) == (set(stories.KINDS), (*TASKS, stories.JOINT))


def test_one_network_for_all_tasks_learns_from_the_stories_of_each(monkeypatch):
    files = drawn()
    monkeypatch.setattr(stories, "files_of", files)
    monkeypatch.setattr(stories, "HELD_OUT", 10)
    job = stories.job("ann", "joint", 0)
    counts = {name: len(answers) for name, (_, answers) in job.data.items()}
    assert counts == {"train": 1800, "validation": 200, "test": 2000} | {f"test {task}": 100 for task in TASKS}
    inputs, answers = arrays(files(4, 0)[0])
    assert torch.equal(job.data["train"][0][270:360], inputs[:90])
    assert torch.equal(job.data["validation"][1][30:40], answers[90:])
    assert torch.equal(job.data["test 4"][0], arrays(files(4, 0)[1])[0])


def test_networks_that_draw_their_stories():
    job = stories.job("snn-drawn", 15, 3)
    train, test = (generate(15, n, numpy_generator(3, f"{n} stories")) for n in (10_000, 1000))
    assert torch.equal(job.data["test"][0], arrays(test)[0])
    assert torch.equal(torch.cat([job.data[part][1] for part in ("train", "validation")]), arrays(train)[1])
    with pytest.raises(ValueError, match="networks of kind snn-drawn learn a single task"):
        stories.job("snn-drawn", "joint", 3)


def test_most_questions_of_the_talk_are_answered_as_in_the_talk():
    for kind in ("ann-drawn", "snn-drawn"):
        right = []
        for story in TALK:
            net = stories.trained(kind if story.task in stories.TRAINED[kind] else "snn", story.task)
            for question, (_, answer) in story.asked.items():
                (word,) = words_of(net(arrays([story.example(question)])[0]).argmax(1))
                right.append(in_the_talk(word) == answer)
        assert sum(right) >= 7
        assert len(right) == 9
