"""Published networks for sequential MNIST: every spike of their authors' code, and other spikes by other neurons."""

import numpy as np
import pytest

from snncore.kernels import published_digits as kernel
from snncore.networks.published_digits import NAMES, answer, golden, network
from snncore.tasks.data_sets import read_mnist_test


@pytest.mark.parametrize(("name", "random_start"), [*((name, False) for name in NAMES), ("yin2021_smnist", True)])
def test_every_spike_is_that_of_the_authors_code(name, random_start):
    """Their code ran in double precision; more than a hundred thousand spikes each. Counts by layer are those of the spikes."""
    theirs, net = golden(name, random_start), network(name)
    ours = answer(net, read_mnist_test().images[theirs.images], theirs.start, spikes=True)
    assert theirs.spikes.sum() > 100_000
    assert np.array_equal(ours.spikes, theirs.spikes)
    assert ours.readouts == pytest.approx(theirs.readouts, abs=1e-12)
    ends = np.cumsum([len(layer.a) for layer in net.layers])
    assert ours.sent == pytest.approx(np.stack([part.sum((0, 2)) for part in np.split(ours.spikes, ends[:-1], axis=2)], 1))


@pytest.mark.parametrize(
    ("name", "kind"), [("yin2021_smnist", kernel.AT_ONCE), ("alif2024_smnist", kernel.LATE), ("brf2024_smnist", kernel.RESONATOR)]
)
def test_another_reset_gives_other_spikes_in_every_image(name, kind):
    theirs, net = golden(name), network(name)
    other = net._replace(layers=tuple(layer._replace(kind=kind) for layer in net.layers))
    ours = answer(other, read_mnist_test().images[theirs.images], theirs.start, spikes=True)
    assert (ours.spikes != theirs.spikes).any((0, 2)).all()


def test_images_are_answered_one_by_one():
    """Each as if it were alone, and the order of a permuted task is that of the pixels."""
    images, net = read_mnist_test().images[:3], network("brf2024_psmnist")
    together = answer(net, images).readouts
    assert np.array_equal(np.concatenate([answer(net, image[None]).readouts for image in images]), together)
    shown = images.reshape(3, -1)[:, net.order].reshape(images.shape)
    assert np.array_equal(answer(net._replace(order=np.arange(784)), shown).readouts, together)


def test_names_and_sizes_that_do_not_fit_are_refused(unchecked):
    with pytest.raises(ValueError, match="'brf' is none of the published networks: brf2024_smnist"):
        network("brf")
    with pytest.raises(ValueError, match="784 pixels"):
        answer(network("rf2024_smnist"), np.zeros((2, 28, 28), np.uint8), np.zeros((2, 4)))
    with pytest.raises(ValueError, match=r"images are float64 .* give uint8"):
        answer(network("rf2024_smnist"), np.zeros((2, 28, 28)))
    for side in (20, 32):
        with pytest.raises(ValueError, match=f"images have {side**2} pixels .* sees 784 pixels"):
            answer(network("rf2024_smnist"), np.zeros((2, side, side), np.uint8))
