"""The evaluation sets that come with a checkout, against the whole data sets that they are parts of."""

import numpy as np
import torch

from data import needs_data
from snncore import datafiles
from snncore.seeds import torch_generator
from snncore.tasks import data_sets, omniglot, spoken_words
from snncore.trainings import symbols


@needs_data
def test_digits_and_stories_are_those_of_the_whole_data_sets():
    for ours, whole in zip(data_sets.read_mnist_test(), data_sets.read_mnist()["test"], strict=True):
        assert np.array_equal(ours, whole)
    texts, whole = data_sets.read_babi("babi_test"), data_sets.read_babi()
    assert len(texts) == 21
    assert all(whole[name] == text for name, text in texts.items())


@needs_data
def test_networks_are_asked_about_the_symbols_and_words_of_the_whole_data_sets():
    ours, whole = symbols.held_out("omniglot"), omniglot.symbols(data_sets.read_omniglot(), True)
    assert torch.equal(ours.images, whole.images)
    assert all(map(torch.equal, ours.classes, whole.classes))
    words, whole_words = data_sets.read_words_evaluation(), data_sets.read_spoken_words()
    places = spoken_words.places(whole_words)[1]
    assert [words.words, words.speakers] == [[of[k] for k in places] for of in (whole_words.words, whole_words.speakers)]
    assert all(np.array_equal(wave, whole_words.waveforms[k]) for wave, k in zip(words.waveforms, places, strict=True))
    readers = data_sets.read_omniglot_evaluation, data_sets.read_omniglot
    runs = [omniglot.draw_runs(read(), 3, 20, torch_generator(0, "runs")) for read in readers]
    for ours, whole in zip(*runs, strict=True):
        assert ours.name == whole.name
        assert all(map(np.array_equal, (ours.examples, ours.queries), (whole.examples, whole.queries)))


@needs_data
def test_photographs_are_those_of_the_whole_data_set_nearly():
    ours = data_sets.read_photographs_700()
    (path,) = datafiles.find("photographs_700_jpeg").paths.values()
    z = datafiles.npz(path)
    assert (ours.names, ours.labels.tolist()) == (z["image_id"].tolist(), z["label"].tolist())
    for k in (0, 349, 350, 699):
        whole = data_sets.decode_image(z["jpeg"][z["offsets"][k] : z["offsets"][k + 1]].tobytes())
        error = np.square(ours.images[k].astype(float) - whole).mean()
        assert 10 * np.log10(255**2 / error) > 28  # [dB]
