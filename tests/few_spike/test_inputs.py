"""Networks with several inputs: traced both ways, calibrated, run step by step, counted, priced."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from snncore.few_spike import ConversionError, convert, fewest_spikes, spike_train, statistics, stepwise
from snncore.few_spike.comparison import compare, cost, layer_errors

pytestmark = pytest.mark.usefixtures("quick_fits")


class Two(nn.Module):
    """Words, which a mask may leave out, and numbers beside them."""

    def __init__(self):
        super().__init__()
        self.words, self.beside, self.inner, self.out = nn.Embedding(11, 8), nn.Linear(3, 8), nn.Linear(8, 16), nn.Linear(16, 4)

    def forward(self, words, beside, mask=None):
        x = self.words(words)
        x = x if mask is None else x * mask[..., None]
        return self.out(F.gelu(self.inner(F.relu(self.beside(beside)) + x.mean(1))))


class Loops(Two):
    """As often as there are words: torch.fx cannot trace it."""

    def forward(self, words, beside, mask=None):
        for _ in range(words.shape[1]):
            beside = 0.9 * beside
        return super().forward(words, beside, mask)


def samples(n=20):
    g = torch.Generator().manual_seed(0)
    return torch.randint(11, (n, 5), generator=g), torch.randn(n, 3, generator=g), (torch.rand(n, 5, generator=g) > 0.3).float()


@pytest.mark.parametrize("kind", [Two, Loops])
@pytest.mark.parametrize("count", [2, 3])
def test_all_inputs_are_seen(kind, count):
    network, x = kind().eval(), samples()[:count]
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*x, torch.arange(20)), batch_size=8)  # labels behind the inputs
    given = tuple(a.clone() for a in x)
    snn, report = convert(network, tuple(a[:2] for a in x), loader, K=14)
    assert report.error < 0.03
    y = snn(*x)
    expected = network(*x)
    assert ((y - expected).norm() / expected.norm()).item() == pytest.approx(report.error, rel=1e-4)
    stepped, traffic = stepwise(snn, x)
    assert torch.allclose(stepped, y, atol=1e-5)
    assert [t.graded > 0 for t in traffic] == [True, True, False]  # numbers, a sum with words, spikes
    counted, sent = statistics(snn, x)
    assert torch.allclose(counted, y, atol=1e-5)
    assert int(spike_train(snn, x, sent.layers[-1].node).sum()) == sent.layers[-1].per_image.sum()
    assert all(map(torch.equal, x, given))
    if count == 3:  # the mask counts
        assert not torch.allclose(snn(x[0], x[1], torch.ones_like(x[2])), y, atol=1e-3)


def test_what_takes_images_takes_several_inputs():
    network, x = Two().eval(), samples()[:2]
    conversion = convert(network, x, x, K=12)
    labels = network(*x).argmax(1).numpy()
    answers = compare(network, conversion.network, [tuple(a[k : k + 8] for a in x) for k in (0, 8, 16)], labels, "two")
    assert (answers.ann == labels).all()
    assert np.mean(answers.snn == labels) > 0.8
    assert layer_errors(conversion, x)["error"].max() < 0.05
    assert int(cost(conversion.network, x)["multiply-accumulates"].iloc[0]) == 3 * 8 + 8 * 16 + 16 * 4
    chosen = fewest_spikes(network, x, lambda other: -float((other(*x) - network(*x)).abs().max()), drop=9.0, K=(4,), penalties=(0.0, 1e-2))
    assert list(chosen.table["K"]) == [4, 4]


WORDS, BESIDE, _ = samples()


@pytest.mark.parametrize(("example", "calibration", "words"), [
    (BESIDE, None, "example_input has 1 inputs, which .* does not take .*beside.*: give a tuple with a tensor for each"),
    ((WORDS, BESIDE[:3]), None, r"parts of shapes \(20, 5\), \(3, 3\): give each a row for each sample"),
    ((WORDS, BESIDE), WORDS, "calibration has 1 inputs, and example_input 2"),
    ((WORDS, BESIDE), [(WORDS,)], "calibration has 1 inputs, and example_input 2"),
    ((WORDS, BESIDE), (WORDS, BESIDE.double()), "calibration is of type torch.float64, and example_input of torch.float32"),
    ((WORDS, BESIDE.half()), None, "half|float16"),
    ((), None, "example_input is an empty tuple"),
    ((WORDS, None), None, "example_input is of type NoneType: give one tensor, or a tuple of tensors"),
])  # fmt: skip
def test_what_does_not_fit_is_refused(example, calibration, words, unchecked):
    with pytest.raises(ConversionError, match=words):
        convert(Two().eval(), example, calibration)
