"""What torch.fx cannot trace, operations that are the user's own, several inputs and outputs, fine-tuning, and steps by layer."""

import pickle

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from snncore.few_spike import ConversionError, coefficients, convert, fewest_spikes, fs_neuron, spike_train, statistics, stepwise
from snncore.few_spike.comparison import compare, cost, layer_errors
from snncore.few_spike.layer import fs_layers
from snncore.few_spike.trace import numbers, traced
from snncore.peers import architectures
from tests.few_spike.test_convert import Functional, images

pytestmark = [pytest.mark.usefixtures("quick_fits"), pytest.mark.filterwarnings("ignore:the converted network:UserWarning")]


class Decides(nn.Module):
    """A batch normalization, attention and joined parts, behind a decision by size that torch.fx cannot follow."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.attention = (
            nn.Conv2d(3, 8, 3),
            nn.BatchNorm2d(8),
            nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True),
        )

    def forward(self, x):
        x = F.relu_(self.norm(self.conv(x if x.shape[2] > 4 else -x)))
        q, k = (F.max_pool2d(x, 2) * 2).flatten(2).transpose(1, 2).unbind(2)[:2]
        return {"tokens": self.attention(x.flatten(2).mT), "parts": (torch.addcmul(q, k, q.new_full((9,), 0.5)), F.pad(k, (1, 2)))}


def agree(network, x, other):
    """The trace gives what the network gives, and steps give what one pass gives, also for another number of images."""
    graph = traced(network, x).graph
    snn, _ = convert(network, x, K=16)
    for batch in (x, other):
        expected, given = numbers(network(batch)), numbers(snn(batch))
        torch.testing.assert_close(numbers(graph(batch)), expected, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(numbers(stepwise(snn, batch)[0]), given, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(numbers(statistics(snn, batch)[0]), given, rtol=1e-5, atol=1e-5)
    return snn


def test_what_torch_fx_cannot_trace_torch_export_does():
    snn = agree(Decides().eval(), images(1), images(5, seed=1))
    assert set(snn(images())) == {"tokens", "parts"}
    assert torch.equal(numbers(pickle.loads(pickle.dumps(snn))(images())), numbers(snn(images())))
    assert stepwise(snn, images(1))[1][0].macs == 36 * 8 * 27
    assert snn.state_dict().keys() >= {"conv.weight", "norm.running_mean"}


@pytest.mark.parametrize("function", [
    lambda x: torch.stack(F.relu(x).unbind(1)[:2]).sum(0),
    lambda x: F.unfold(F.relu(x), 3) + torch.rsub(F.relu(x).flatten(1).mean(), 1),
    lambda x: F.fold(F.unfold(F.relu(x), 2), (8, 8), 2) + torch.addcmul(torch.ones(8), torch.full((8,), 0.3), F.relu(x), value=2),
    lambda x: F.normalize(F.relu(x)) + F.relu(x).norm(dim=1, keepdim=True) - torch.addcmul(x, F.relu(x), F.relu(x)),
    lambda x: (F.relu(x), [F.relu(x - 1), {"flat": x.flatten(1)}]),
])  # fmt: skip
def test_operations_agree_in_their_trace_and_step_by_step(function):
    agree(Functional(function).eval(), images(2), images(3, seed=1))


@pytest.mark.slow
@pytest.mark.parametrize("name", architectures.HUGGING_FACE)
def test_classifiers_of_hugging_face(name):
    network, x = architectures.model(pytest.importorskip("transformers"), name)
    assert agree(network.eval(), x, x.repeat(2, *[1] * (x.ndim - 1)))(x).logits.shape == (2, 2)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["vit_tiny_patch16_224", "mobilenetv3_small_050", "convnextv2_atto", "tf_efficientnet_lite0", "levit_128s"]
)
def test_classifiers_of_timm(name):
    network, x = architectures.model(pytest.importorskip("timm"), name)
    network.eval()
    snn = convert(network, x, K=16).network
    assert torch.allclose(stepwise(snn, x)[0], snn(x), rtol=1e-4, atol=1e-4 * float(snn(x).abs().max()))


class Own(nn.Module):
    """An activation, a normalization and a reordering that the package does not know."""

    def __init__(self):
        super().__init__()
        self.act, self.norm, self.shuffle = nn.Mish(), Norm(), Shuffle()

    def forward(self, x):
        return self.shuffle(self.norm(self.act(x)) + F.relu(x))


class Norm(nn.Module):
    def forward(self, x):
        return x / float(len(x.shape)) if len(x) == 0 else x / (1 + x.std(1, keepdim=True))


class Shuffle(nn.Module):
    def forward(self, x):
        return x[:, list(range(x.shape[1]))[::-1]] if len(x) else x


GIVEN = {"activations": {nn.Mish: F.mish}, "analog": (Norm,), "linear": (Shuffle,)}


def test_operations_of_the_user_are_what_the_user_says():
    x = images(32)
    snn, report = convert(Own(), x[:2], DataLoader(TensorDataset(x, x), 10), K=10, **GIVEN)
    kinds = [(row.operation, row.kind) for row in report.rows]
    assert kinds == [("mish", "spiking"), ("Norm", "analog"), ("relu", "spiking"), ("add", "linear"), ("Shuffle", "linear")]
    assert report.error < 0.05
    assert report.error == convert(Own(), x[:2], x, K=10, **GIVEN).report.error  # batches are one tensor
    torch.testing.assert_close(stepwise(snn, x)[0], snn(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("change", "words"), [
    ({"activations": {}}, r"act \(Mish\) is no activation .*activations=\{Mish: \.\.\.\}, as in"),
    ({"calibration": None}, "no mish neuron with K = 8: give calibration images"),
    ({"activations": {nn.Mish: F.silu}}, "act does not compute the function given for it"),
    ({"linear": (Norm, Shuffle), "analog": ()}, "norm is given as linear, but its output for a sum is not the sum .*give it as analog"),
    ({"linear": ()}, r"cannot be traced by torch\.fx.*test_trace\.py, line \d+\); nor by torch\.export: it keeps no module whole, as act"),
])  # fmt: skip
def test_what_the_user_says_is_checked(change, words):
    with pytest.raises(ConversionError, match=words):
        convert(Own(), images(), **{"calibration": images(), **GIVEN, **change})


def test_gradients_pass_straight_through_or_are_refused():
    """As with y + (spikes - y).detach(), which has the value of the spikes and the derivative of the activation y."""
    network, x = nn.Sequential(nn.Flatten(), nn.Linear(192, 8), nn.SiLU(), nn.Linear(8, 3)), images()
    snn = convert(network, x, coefficients={"silu": coefficients("silu.k4").params}, trainable=True).network
    snn(x).square().sum().backward()
    y = F.silu(network[:2](x))
    by_hand = network[3](y + (fs_neuron(network[:2](x), coefficients("silu.k4").params) - y).detach())
    by_hand.square().sum().backward()
    torch.testing.assert_close(*([p.grad for p in net.parameters()] for net in (snn, network)))
    fixed = convert(network, x, K=4).network
    assert torch.equal(fixed(x), by_hand)
    with pytest.raises(ConversionError, match="no gradient passes few-spike neurons: convert with trainable=True"):
        fixed(x).sum().backward()


def test_a_layer_may_have_steps_of_its_own():
    """Its neurons are those that it has if all layers take as many, and so are the others'."""
    network, x = nn.Sequential(nn.Flatten(), nn.Linear(192, 8), nn.SiLU(), nn.Linear(8, 8), nn.ReLU()).eval(), images()
    mixed, report = convert(network, x, calibration=x, K=4, steps={"_2": 6})
    assert [row.K for row in report.spiking] == [6, 4]
    first, second = (layer.params for layer in fs_layers(mixed).values())
    by_steps = {K: [layer.params for layer in fs_layers(convert(network, x, calibration=x, K=K).network).values()] for K in (4, 6)}
    assert np.array_equal(first.d, by_steps[6][0].d)
    assert np.array_equal(second.d, by_steps[4][1].d)
    with pytest.raises(ConversionError, match=r"steps has 'silu', but the layers that spike, without given coefficients, are _2, _4"):
        convert(network, x, K=4, steps={"silu": 6})
    with pytest.raises(ConversionError, match=r"steps has '_2', but the layers that spike, without given coefficients, are _4"):
        convert(network, x, K=4, steps={"_2": 6}, coefficients={"silu": coefficients("silu.k4").params})
    with pytest.raises(ConversionError, match="K is 99: give a whole number"):
        convert(network, x, K=4, steps={"_2": 99})


# --- Several inputs: traced both ways, calibrated, run step by step, counted, priced ----------------------------------------------------


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
    loader = DataLoader(TensorDataset(*x, torch.arange(20)), batch_size=8)  # labels behind the inputs
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
