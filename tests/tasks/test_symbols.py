"""Episodes, symbols and words: what is asked belongs to what was shown, images keep their ink, and tones fire at their place."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from snncore.datafiles import DataError
from snncore.tasks import episodes, omniglot, printed, spoken_words
from snncore.tasks.data_sets import Omniglot, Words


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_queries_are_other_examples_of_the_classes_that_were_shown():
    of = torch.randint(12, (400,), generator=generator())
    classes = [(of == k).nonzero().flatten() for k in range(12)]
    e = episodes.draw(classes, 30, 5, 3, generator(1))
    assert e.support.shape == (30, 5)
    assert e.query.shape == e.label.shape == (30, 15)
    assert torch.equal(of[e.query], of[e.support].gather(1, e.label))
    assert all(len(set(of[row].tolist())) == 5 for row in e.support)
    for support, query in zip(e.support.tolist(), e.query.tolist(), strict=True):
        assert len({*support, *query}) == 20  # no example twice
    with pytest.raises(ValueError, match="13 ways need as many classes: there are 12"):
        episodes.draw(classes, 1, 13, 1, generator())
    with pytest.raises(ValueError, match=r"class 0 has . examples: an episode needs 4; .* leave out such classes, 1 in all"):
        episodes.draw([classes[0][:2], *classes[1:]], 1, 2, 3, generator())


def synthetic_omniglot():
    """A stand-in: four symbols of random ink in two alphabets, by three drawers."""
    ink = np.random.default_rng(0).random((12, 105, 105)) < 0.1
    character = np.repeat(np.arange(4), 3)
    return Omniglot(ink, character, np.tile([1, 2, 3], 4), character // 2, character >= 2, ["A", "B"])


def test_symbols_are_those_of_their_part_and_keep_their_ink():
    data = synthetic_omniglot()
    s = omniglot.symbols(data, True)
    assert [c.tolist() for c in s.classes] == [[0, 1, 2], [3, 4, 5]]
    ink = torch.from_numpy(data.images[6:]).double()
    place = torch.arange(105).double()
    for axis in (1, 2):  # shares of ink, and where it is, stay what they were, to a pixel's part
        known = (ink.sum(3 - axis) @ (place + 0.5)) / ink.sum((1, 2)) / 105
        shrunk = s.images[:, 0].double().sum(3 - axis) @ (torch.arange(28).double() + 0.5) / s.images.sum((1, 2, 3)) / 28
        assert torch.allclose(known, shrunk, atol=0.01)
    assert torch.allclose(s.images.mean((1, 2, 3)).double(), ink.mean((1, 2)), rtol=0.05)
    with pytest.raises(DataError, match="images of 100 x 105 pixels: those of Omniglot have 105 x 105; scale them to that"):
        omniglot.shrink(data.images[:, :100])


def test_symbols_go_with_their_alphabet_and_vary_as_by_other_hands():
    data = synthetic_omniglot()
    assert omniglot.by_alphabet(data, True) == [[0, 1]]
    assert omniglot.by_alphabet(data._replace(is_eval=data.character < 0), False) == [[0, 1], [2, 3]]
    image = torch.zeros(300, 1, 28, 28)
    image[:, 0, 10:18, 12:16] = 1  # in the middle
    image = (image + image.flip(-2) + image.flip(-1) + image.flip(-1, -2)) / 4
    seen = omniglot.varied(image, generator())
    assert torch.equal(seen, omniglot.varied(image, generator()))
    assert float(seen.std(0).max()) > 0.1
    assert torch.allclose(seen.sum((1, 2, 3)).mean(), image[0].sum(), rtol=0.05)
    place = torch.arange(28.0) - 13.5
    for axis in (2, 3):  # moved by 2.5 pixels, stretched and sheared, both ways alike
        center = (seen.sum((1, 5 - axis)) @ place) / seen.sum((1, 2, 3))
        assert 1.5 < float(center.abs().max()) < 2.5 * 1.2 / 0.85
        assert abs(float(center.mean())) < 0.4


def test_the_distance_in_official_runs_is_that_of_all_pixels():
    """As with all distances between all pixels; moved images stay as near as they were."""
    runs = omniglot.official_runs()
    assert [(run.name, len(run.queries)) for run in runs] == [(f"run{k:02d}", 20) for k in range(1, 21)]
    some, other = (run._replace(queries=run.queries[:6], label=run.label[:6]) for run in runs[:2])
    ink = [[np.argwhere(x) - np.argwhere(x).mean(0) for x in images] for images in (some.queries, some.examples)]
    between = np.array([[max(d.min(0).mean(), d.min(1).mean()) for d in (cdist(a, b) for b in ink[1])] for a in ink[0]])
    assert 80 > omniglot.hausdorff_errors(some) == pytest.approx(100 * (between.argmin(1) != some.label.numpy()).mean())  # chance: 95
    shifted = other._replace(queries=np.roll(other.queries, (3, -2), (1, 2)))  # no ink is at the edge
    assert omniglot.hausdorff_errors(shifted) == omniglot.hausdorff_errors(other)
    assert omniglot.hausdorff_errors(other._replace(queries=other.examples[:6], label=torch.arange(6))) == 0


@pytest.mark.slow
def test_the_distance_errs_in_all_official_runs_as_its_authors_say():
    assert np.mean([omniglot.hausdorff_errors(run) for run in omniglot.official_runs()]) == pytest.approx(38.75)  # 38.8 %


def test_runs_are_drawn_like_the_official_ones():
    """From one alphabet of those that are held out, the same symbols by two drawers: every image is found among the originals."""
    data = synthetic_omniglot()
    for k, run in enumerate(omniglot.draw_runs(data, 6, 2, generator())):
        assert (run.name, run.label.tolist()) == (f"B {k + 1}", [0, 1])
        drawn = []
        for images in (run.examples, run.queries):
            same = [(data.images == image).all((1, 2)).nonzero()[0].item() for image in images]
            assert data.is_eval[same].all()
            assert len(set(data.drawer[same])) == 1
            drawn.append((data.character[same].tolist(), data.drawer[same][0]))
        assert drawn[0][0] == drawn[1][0]
        assert len(set(drawn[0][0])) == 2
        assert drawn[0][1] != drawn[1][1]
    with pytest.raises(ValueError, match="B has 2 symbols, 3 drawers: a run needs 3 and 2"):
        omniglot.draw_runs(data, 1, 3, generator())


def test_printed_letters_differ_and_lie_in_the_middle():
    p = printed.letters()
    assert len(p.symbols.classes) == len(printed.LETTERS) == 96
    assert p.symbols.images.shape == (96 * 5, 1, 28, 28)
    assert len(p.symbols.images.flatten(1).unique(dim=0)) == 96 * 5
    rows = p.symbols.images[:, 0].amax(2) > 0
    first, last = rows.int().argmax(1), 27 - rows.flip(1).int().argmax(1)
    assert float((first + last - 27).abs().max()) <= 2
    assert float(p.symbols.images.flatten(1).sum(1).min()) > 5


def synthetic_word(frequency, amplitude=8000.0):
    """A stand-in: a tone."""
    return np.round(amplitude * np.sin(2 * np.pi * frequency * np.arange(16000) / 16000)).astype(np.int16)


def test_a_tone_is_strongest_in_the_band_of_its_frequency():
    for band in (3, 15, 27):
        counts = spoken_words.spikes(synthetic_word(spoken_words.centers()[band]))
        assert (counts.shape, int(counts[:, 10:].sum(1).argmax())) == ((32, 50), band)
        assert float(counts.max()) <= 8 * 200 * 0.02  # eight fibers of at most 200 Hz


def test_bands_are_spaced_like_bandwidths():
    """Each step to the next is the same part of the equivalent rectangular bandwidth, 24.7 (4.37 f/kHz + 1) Hz."""
    f = spoken_words.centers()
    assert (f[0], f[-1]) == pytest.approx((100, 6000))
    middle = (f[1:] + f[:-1]) / 2
    steps = np.diff(f) / (24.7 * (4.37 * middle / 1000 + 1))
    assert steps.max() / steps.min() < 1.02


def test_rates_fall_with_the_logarithm_of_power_and_not_with_loudness():
    f = spoken_words.centers()[15]
    wave = np.concatenate([synthetic_word(f)[:8000], synthetic_word(f, 800.0)[8000:]])  # a hundredth of the power: 2 of 4 powers of ten
    counts = spoken_words.spikes(wave)[15]
    assert float(counts[35:48].mean() / counts[10:23].mean()) == pytest.approx(0.5, abs=0.02)
    quiet = spoken_words.spikes((wave // 4).astype(np.int16))[15]
    assert float((quiet - counts).abs().max()) <= 1


@pytest.mark.parametrize("offset", [0, 1000, -32_700])
def test_silence_is_refused_whatever_its_offset(offset):
    with pytest.raises(DataError, match=r"is silent: its largest amplitude is 20, .*record it louder"):
        spoken_words.spikes((synthetic_word(400, 20.0) + offset).astype(np.int16))
    assert spoken_words.spikes((synthetic_word(400, 60.0) + offset).astype(np.int16)).sum() > 0


def test_held_out_words_come_from_held_out_speakers():
    said = [(word, "ann") for word in (*spoken_words.HELD_OUT, "yes")]
    said += [(word, "bob") for word in ("yes", "no", "one", "no")] + [("no", "cy")]
    words = Words([synthetic_word(200.0 + 50 * k) for k in range(len(said))], *map(list, zip(*said, strict=True)))
    known, held_out = (spoken_words.heard(words, at) for at in spoken_words.places(words))
    assert [len(c) for c in known.classes] == [2 + 1, 1]  # no by bob and cy, yes by bob; what ann says of yes is left out
    assert [len(c) for c in held_out.classes] == [1] * 10  # by ann; bob's one is left out
    place, own = sorted(spoken_words.HELD_OUT).index("one"), spoken_words.spikes(words.waveforms[spoken_words.HELD_OUT.index("one")])
    assert torch.equal(held_out.images[held_out.classes[place][0], 0] * 32, own)


def test_varied_words_are_moved_and_nothing_else():
    image = torch.zeros(40, 1, 32, 50)
    image[:, 0, 16, 25] = 1
    moved = spoken_words.varied(image, generator())
    assert (moved.sum((1, 2, 3)) == 1).all()
    places = moved[:, 0].nonzero()[:, 1:] - torch.tensor([16, 25])
    assert places.abs().amax(0).tolist() == [1, 5]


def test_a_lesson_is_the_same_again_and_asks_for_other_typefaces():
    p = printed.letters()
    images, (letters, episode) = p.symbols.images, printed.lesson(p, 5, generator(0))
    assert all(map(torch.equal, episode, printed.lesson(p, 5, generator(0))[1]))
    assert letters != printed.lesson(p, 5, generator(1))[0]
    assert episode.label[0].tolist() == [k for k in range(5) for _ in range(4)]
    for k, letter in enumerate(letters):
        own, seen, asked = p.symbols.classes[printed.LETTERS.index(letter)], episode.support[0, k], episode.query[0, 4 * k : 4 * k + 4]
        assert sorted([seen.item(), *asked.tolist()]) == own.tolist()
        assert p.typefaces[int(seen - own[0])] == "DejaVuSans"
        assert not any(torch.equal(images[seen], images[place]) for place in asked)
