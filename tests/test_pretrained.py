"""Trained networks by name against the functions that train and test them."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from snncore import pretrained
from snncore.datafiles import package_file
from snncore.seeds import numpy_generator
from snncore.tasks import omniglot, spoken_words
from snncore.tasks.arm import drawn
from snncore.tasks.data_sets import read_omniglot_evaluation, read_words_evaluation
from snncore.tasks.stories import arrays, words_of
from snncore.tasks.story_generator import generate
from snncore.trainings import arm, stories, symbols


def fingerprint(weights):
    return [(name, weights[name].double().sum().item()) for name in sorted(weights)]


def test_each_kept_checkpoint_has_one_name():
    pytest.importorskip("torchvision")  # for cifar/silu
    kept = [(key.split("/"), w) for path in package_file("checkpoints").glob("*.safetensors") for key, w in load_file(path).items()]
    files = [fingerprint({key: w for (of, key), w in kept if of == name}) for name in {of for (of, _), _ in kept}]
    wrappers = pretrained.Arm, pretrained.Classifier, pretrained.Reader
    loaded = [pretrained.load(name) for name in pretrained.list()]
    modules = [net.network if isinstance(net, wrappers) else net for net in loaded]
    assert sorted(map(fingerprint, (m.state_dict() for m in modules))) == sorted(files)
    assert not any(m.training for net, m in zip(loaded, modules, strict=True) if net is m)


def test_questions_in_plain_english_are_those_of_the_data_set():
    examples, reader = generate(15, 30, numpy_generator(0, "questions")), pretrained.load("relational/snn-drawn/15")
    answers = [reader.ask([s.capitalize() + ". " for s in e.statements], f"{e.question.capitalize()}?") for e in examples]
    assert answers == words_of(stories.trained("snn-drawn", 15)(arrays(examples)[0]).argmax(1))
    assert len({*answers}) > 2


@torch.no_grad()
def test_a_path_from_anywhere_is_a_lesson_on_its_movement():
    circle = drawn(arm.STEPS, arm.DT)["circle"]  # its points are at equal distances
    copied, one = pretrained.load("arm/1").learn(circle.tip[:, 0].numpy() - 3), arm.lesson(net := arm.trained(1), circle)
    errors = [float(arm.position_error(net.output(activity), circle)) for activity in (one.before, one.after)]
    assert torch.allclose(copied.path, circle.tip[:, 0], atol=1e-5)
    assert [copied.error_before, copied.error_after] == pytest.approx(errors, rel=1e-3)
    assert [float((tip - copied.path).square().mean()) for tip in (copied.before, copied.after)] == pytest.approx(errors, rel=1e-3)


def shown(waves):
    most = spoken_words.FIBERS * spoken_words.FASTEST * spoken_words.STRETCH
    return torch.stack([spoken_words.spikes(w) for w in waves])[:, None] / most


@pytest.mark.parametrize("name", ["symbols", "words"])
@torch.no_grad()
def test_labels_are_the_answers_of_an_episode(name):
    if name == "symbols":
        data, kind = read_omniglot_evaluation(), "omniglot"
        raw, labels, view = data.images, data.character, lambda a: omniglot.shrink(np.stack(a))
    else:
        data, kind = read_words_evaluation(), "words"
        raw, labels, view = data.waveforms, np.array(data.words), shown
    examples, queries = ([raw[np.flatnonzero(labels == c)[k]] for c in np.unique(labels)[:4]] for k in (1, 2))
    answers = symbols.trained(kind)(view(examples)[None], torch.arange(4)[None], view(queries)[None]).answers[0].argmax(-1)
    found = pretrained.load(name).classify(dict(zip("abcd", examples, strict=True)), queries)
    assert found == ["abcd"[k] for k in answers]
    assert len({*found}) > 2


@pytest.mark.parametrize(("name", "call", "words"), [
    ("relational/snn-drawn/16", None, "is no trained network: close to it are relational/snn-drawn/15, "),
    ("relational/snn/1", None, "was trained, but its weights are not kept: close to it are relational/snn/19, "),
    ("?", None, "there are arm, arm/1, .*, words, words-alone$"),
    ("relational/ann/15", lambda n: n.ask("Mice are afraid of wolves.", "What?"), "the story is one string: give a list"),
    ("relational/ann/15", lambda n: n.ask(["Mary left"] * 21, "where is mary"), "is 21 sentences: give a list of at most 20"),
    ("relational/ann/15", lambda n: n.ask(["Anna is a cat."], "What?"), "'anna' in 'anna is a cat' is no word of the vocabulary, snn"),
    ("arm", lambda n: n.learn([(1, 2, 3)]), r"the path is float64 of shape \(1, 3\), or has"),
    ("arm", lambda n: n.learn([(1, 2), (1, 2)]), "no length: give at least two points, not 2 at one place"),
    ("arm", lambda n: n.learn([(0, 0), (0, 1)]), "out of reach"),
    ("symbols", lambda n: n.classify({"a": 0}, [0]), "1 labels and 1 queries: give an example each of 2 to 20 labels"),
    ("symbols", lambda n: n.classify({"a": np.ones((105, 105)), "b": 0}, [0]), "the example of 'a': the image is float64 .* < 128"),
    ("symbols", lambda n: n.classify({"a": np.zeros((105, 105), bool), "b": 0}, [0]), "the example of 'a': there is no ink"),
    ("words", lambda n: n.classify({"a": np.zeros(9, np.int16), "b": 0}, [0]), "the example of 'a': the word is silent"),
    ("words", lambda n: n.classify({"a": np.zeros(0, np.int16), "b": 0}, [0]), "the example of 'a': the word is .*give one channel"),
])  # fmt: skip
def test_what_cannot_be_is_refused_in_words(name, call, words, unchecked):
    with pytest.raises(ValueError, match=words):
        call(pretrained.load(name)) if call else pretrained.load(name)
