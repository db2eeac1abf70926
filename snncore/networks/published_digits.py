r"""Six published spiking networks for sequential MNIST, with their trained weights: exact anchors for what other neurons can do.

Time goes in steps, one for each of 784 pixels x. A neuron gets the current I(t), of the pixel and of spikes, with z(t) its own spike.

*Adaptive LIF, reset late* (Yin et al. 2021): the threshold in force, which a spike has already raised, is taken off one step later,

.. math::

    b(t) &= \rho\, b(t-1) + (1 - \rho)\, z(t-1), \qquad \theta(t) = 0.01 + 1.8\, b(t), \\
    v(t) &= \alpha\, v(t-1) + (1 - \alpha)\, I(t) - \theta(t)\, z(t-1), \qquad z(t) = \Theta(v(t) - \theta(t))

*Adaptive LIF, reset at once* (Higuchi et al. 2024): the threshold is taken off in the step of the spike, and decays with the membrane.

*Balanced resonate-and-fire* (Higuchi et al. 2024): the equations of `snncore.neurons.brf`, with trained frequencies and :math:`|b_0|`, in
rad/s and 1/s, steps of 10 ms, and currents that enter times dt. *Resonate-and-fire* has b = -\|b_0\| and no q: nothing resets it.

Source: B. Yin, F. Corradi, S. Bohté, Nature Machine Intelligence 3, 905-913 (2021), github.com/byin-cwi/Efficient-spiking-networks;
S. Higuchi, S. Kairat, S. Bohté, S. Otte, Balanced resonate-and-fire neurons, ICML 2024, github.com/AdaptiveAILab/brf-neurons.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Shaped, UInt8

from snncore.datafiles import arrays
from snncore.kernels import published_digits as kernel
from snncore.kernels.published_digits import Layer
from snncore.kernels.threads import in_parts
from snncore.shapes import described

NAMES = ("brf2024_smnist", "rf2024_smnist", "alif2024_smnist", "yin2021_smnist", "brf2024_psmnist", "alif2024_psmnist")


class Published(NamedTuple):
    """A network: its layers, its readouts, and how it sees an image."""

    layers: tuple[Layer, ...]
    w_out: Float[np.ndarray, "pre readout"]
    kappa: Float[np.ndarray, " readout"]  #: decay of a readout per step
    mean: bool  #: the answer is the largest readout on average over the steps, or at the last one
    window: int  #: pixels that it sees in a step
    order: Shaped[np.ndarray, " step"]  #: of the pixels

    @property
    def neurons(self) -> int:
        """In all layers."""
        return sum(len(layer.a) for layer in self.layers)


def _file(name: str) -> dict[str, np.ndarray]:
    found = arrays("smnist_published", name)
    return {key: a.astype(np.float64) if a.dtype == np.float32 else a for key, a in found.items()}


def network(name: str) -> Published:
    """The network of one of `NAMES`, with the weights that its authors published; `ValueError` for another name."""
    if name not in NAMES:
        raise ValueError(f"{name!r} is none of the published networks: {', '.join(NAMES)}")
    p = _file(name)
    return _yin(p) if name.startswith("yin") else _higuchi(p, name)


def _decay(tau: np.ndarray) -> np.ndarray:
    return np.exp(-1 / np.abs(tau))


def _by_pre(w: np.ndarray) -> np.ndarray:
    """Weights (pre, post), with the 32 bits that they were published with: half as much to read."""
    return np.ascontiguousarray(w.T, np.float32)


def _yin(p: dict[str, np.ndarray]) -> Published:
    layers = []
    for k, w_in, w_rec in (("r1", "i2h", "h2h"), ("r2", "h2d", "d2d"), ("d1", "dense1", ""), ("o", "d2o", "")):
        bias = p[f"{w_in}.bias"] + (p[f"{w_rec}.bias"] if w_rec else 0)
        own = p[f"{w_rec}.weight"] if w_rec else np.empty((len(bias), 0))
        decays = _decay(p[f"tau_m_{k}"]), _decay(p[f"tau_adp_{k}"])
        layers.append(Layer(kernel.LATE, _by_pre(p[f"{w_in}.weight"]), _by_pre(own), bias, *decays))
    return Published(tuple(layers), np.eye(10), np.ones(10), False, 8, np.arange(784))


def _higuchi(p: dict[str, np.ndarray], name: str) -> Published:
    w = _by_pre(p["hidden.linear.weight"])
    if name.startswith("alif"):
        kind, constants = kernel.AT_ONCE, (_decay(p["hidden.tau_mem"]), _decay(p["hidden.tau_adp"]))
    else:
        omega, b = np.abs(p["hidden.omega"]), -np.abs(p["hidden.b_offset"])
        edge = (-1 + np.sqrt(1 - np.square(kernel.DT * omega))) / kernel.DT
        kind, constants = (kernel.BALANCED, (omega, edge + b)) if name.startswith("brf") else (kernel.RESONATOR, (omega, b))
    layer, kappa = Layer(kind, w[:1], w[1:], np.zeros(len(constants[0])), *constants), _decay(p["out.tau_mem"])
    w_out = np.ascontiguousarray((p["out.linear.weight"] * (1 - kappa)[:, None]).T)
    return Published((layer,), w_out, kappa, "_ps" in name, 1, p.get("permutation", np.arange(784)))


class Answers(NamedTuple):
    """What a network did with images."""

    readouts: Float[np.ndarray, "image digit"]
    sent: Float[np.ndarray, "image layer"]  #: spikes of each layer
    spikes: Shaped[np.ndarray, "*step_image_neuron"]  #: all of them, empty unless asked for


def answer(
    net: Published,
    images: UInt8[np.ndarray, "image height width"],
    start: Float[np.ndarray, "image neuron"] | None = None,
    spikes: bool = False,
) -> Answers:
    """Show images to a network, which begins at rest or, as Yin's does, with random membranes and spikes in [0, 1)."""
    if images.dtype != np.uint8:
        raise ValueError(f"images are {described(images)}: give uint8, 0 (black) to 255")
    begin = np.zeros((len(images), net.neurons)) if start is None else np.ascontiguousarray(start, np.float64)
    flat = images.reshape(len(images), -1)
    if begin.shape != (len(images), net.neurons) or flat.shape[1] != len(net.order):
        raise ValueError(f"images have {flat.shape[1]} pixels and start the shape {begin.shape}: the network sees 784 pixels, "
                         f"and start is (image, neuron), {(len(images), net.neurons)}")  # fmt: skip
    result = Answers(np.empty((len(images), 10)), np.zeros((len(images), len(net.layers))),
                     np.empty((784, len(images), net.neurons), np.bool_) if spikes else np.empty((0, 0, 0), np.bool_))  # fmt: skip
    pixels = np.ascontiguousarray(flat[:, net.order] / 255.0)
    arguments = pixels, net.window, net.layers, net.w_out, net.kappa, net.mean, begin, *result
    in_parts(lambda _, first, last: kernel.run(*arguments, first, last), len(images), torch.get_num_threads())
    return result


class Golden(NamedTuple):
    """A run of the authors' own code in double precision: places of the images in the test set, start, spikes, readouts."""

    images: Shaped[np.ndarray, " image"]
    start: Float[np.ndarray, "image neuron"] | None
    spikes: Shaped[np.ndarray, "step image neuron"]
    readouts: Float[np.ndarray, "image digit"]


def golden(name: str, random_start: bool = False) -> Golden:
    """The authors' run of a network of `NAMES` on the first eight test images; Yin's also from a random start."""
    z, key = _file("golden"), name + ("_random" if random_start else "")
    spikes = np.unpackbits(z[f"{key}_spikes"], axis=-1, count=network(name).neurons).astype(bool)
    return Golden(z["image"], z[f"{key}_start"] if random_start else None, spikes, z[f"{key}_output"])
