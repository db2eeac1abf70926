r"""Spoken words as spikes of an artificial cochlea.

.. math:: r_b(t) = r^\text{high} \max\Bigl(0, 1 + \frac{1}{c} \log_{10} \frac{p_b(t)}{\max_{b',t'} p_{b'}(t')}\Bigr)

where :math:`p_b(t)` is the mean power of the output of gammatone filter b in a stretch of 20 ms, and c = 4 powers of ten. Bands are as wide
as those of human hearing, and evenly spaced on that scale. A band has some fibers, which fire at its rate as perfect integrators do.

Source: B. Glasberg, B. Moore, Derivation of auditory filter shapes from notched-noise data, Hearing Research 47 (1990); the filters are
those of SciPy.
"""

import math

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.signal import gammatone, lfilter
from torch import Tensor
from tqdm import tqdm

from snncore.datafiles import DataError
from snncore.shapes import described
from snncore.tasks.data_sets import Words
from snncore.tasks.episodes import Examples

RATE = 16_000  # [Hz]
BANDS, LOWEST, HIGHEST = 32, 100.0, 6000.0  # filters, and the first and last center [Hz]
STRETCH = 0.02  # [s]
STRETCHES = 50  # of a word
FIBERS, FASTEST, RANGE = 8, 200.0, 4.0  # of a band; their highest rate [Hz]; powers of ten from silence to that
SILENCE = 50.0  # largest amplitude around the mean (of 32,767) below which there is no word

HELD_OUT = ("eight", "five", "happy", "nine", "one", "seven", "six", "three", "two", "zero")  # words that no training hears


def centers() -> Float[np.ndarray, " band"]:
    """Centers of the filters [Hz], evenly spaced on the scale of equivalent rectangular bandwidths."""
    first, last = (21.4 * math.log10(1 + 0.00437 * f) for f in (LOWEST, HIGHEST))
    places = np.linspace(first, last, BANDS)
    return (10 ** (places / 21.4) - 1) / 0.00437


def spikes(waveform: Int[np.ndarray, " sample"]) -> Float[Tensor, "band stretch"]:
    """Spikes of each band's fibers in each stretch of a word of at most a second; a shorter one is followed by silence.

    Raises `DataError` if the word is no row of 1 to `RATE` 16-bit integers, or is silent, whatever its offset.
    """
    if waveform.ndim != 1 or waveform.dtype != np.int16 or not 0 < len(waveform) <= RATE:
        raise DataError(
            f"the word is {described(waveform)}: give one channel of 16-bit integers (int16), {RATE} per second, at most a second; "
            "floats from -1 to 1 times 32,767, rounded"
        )
    if (loudest := float(np.abs(waveform - waveform.mean()).max())) < SILENCE:
        raise DataError(f"the word is silent: its largest amplitude is {loudest:.0f}, less than {SILENCE:.0f} of 32,767; record it louder")
    wave = np.zeros(RATE)
    wave[: len(waveform)] = waveform
    heard = np.stack([lfilter(*gammatone(f, "iir", fs=RATE), wave) for f in centers()])
    power = torch.from_numpy(heard).square().unflatten(1, (STRETCHES, -1)).mean(-1)
    level = (1 + (power / power.max()).clamp(min=1e-30).log10() / RANGE).clamp(min=0)
    total = (FIBERS * FASTEST * STRETCH * level).cumsum(1)
    return torch.cat([torch.zeros(BANDS, 1, dtype=total.dtype), total], 1).floor().diff().float()


def image(waveform: Int[np.ndarray, " sample"]) -> Float[Tensor, "1 band stretch"]:
    """Spike counts of `spikes`, relative to the highest that there can be: what a network is shown of a word."""
    return spikes(waveform)[None] / (FIBERS * FASTEST * STRETCH)


def places(words: Words) -> tuple[Int[np.ndarray, " known"], Int[np.ndarray, " held_out"]]:
    """Places of words to learn from, and of the held-out words by held-out speakers: those who say held-out words in at least a third of
    all cases. What they say of the other words, and others of the held-out words, is used for nothing.

    Raises `DataError` if a held-out word is missing, as in the official test set, which has but ten of the words.
    """
    if missing := sorted(set(HELD_OUT) - set(words.words)):
        raise DataError(f"no one says {', '.join(missing)}: these words need the compact form of Speech Commands (see data/datasets.toml)")
    held = np.array([word in HELD_OUT for word in words.words])
    speakers = np.array(words.speakers)
    out = {s for s in speakers if held[speakers == s].mean() >= 1 / 3}
    theirs = np.array([s in out for s in speakers])
    return np.flatnonzero(~held & ~theirs), np.flatnonzero(held & theirs)


def heard(words: Words, places: Int[np.ndarray, " place"]) -> Examples:
    """Words at some places, as the artificial cochlea hears them."""
    found = [image(words.waveforms[k]) for k in tqdm(places, disable=None, leave=False, desc="filter bank")]
    names = [words.words[k] for k in places]
    classes = [torch.tensor([k for k, name in enumerate(names) if name == word]) for word in sorted(set(names))]
    return Examples(torch.stack(found), classes)


def varied(images: Float[Tensor, "example 1 band stretch"], generator: torch.Generator) -> Float[Tensor, "example 1 band stretch"]:
    """Words moved by up to 5 stretches in time, and by up to a band in frequency."""
    moved, late, high = [], 5, 1
    for image in torch.nn.functional.pad(images, (late, late, high, high)):
        up, on = (int(torch.randint(2 * most + 1, (), generator=generator)) for most in (high, late))
        moved.append(image[:, up : up + images.shape[2], on : on + images.shape[3]])
    return torch.stack(moved)
