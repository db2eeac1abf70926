"""When layers of few-spike neurons send: a pipeline of images through a network.

A layer emits its K spikes in K consecutive steps, and the layers that receive from it collect them in these same steps. With a single
accumulator a neuron cannot collect the next image before it has finished emitting this one; with two (double-buffered) it can as soon as
it begins to emit. In a **chain**, where each layer receives from the one before, the first answer comes after the sum of all K, and
further ones every

- max over neighboring layers of K(l - 1) + K(l) steps, which is 2K if all layers have the same K, with a single accumulator;
- max over layers of K(l) steps, which is K, with two.

Layer 0 is the input, which sends the image like a layer.

Behind a **shortcut** a neuron collects from senders that emit one after another. Its accumulator is occupied from the first of them on, so
the earlier sender must wait longer before its next image: past one layer, 3K steps in place of 2K with a single accumulator, and 2K in
place of K with two. A memory that holds the shortcut's spikes until the last sender emits (`with_memories`) makes it a chain again.

Source: C. Stöckl and W. Maass, Nature Machine Intelligence 3, 230-238 (2021), for the single accumulator (2K).
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from snncore.shapes import check_whole

Senders = Sequence[Sequence[int]]  # for each layer those that it receives from, which come before it; none for the input
IMAGES = 12  # that follow each other where a rhythm is looked for
RHYTHMS = {"one": (False, False), "two": (True, False), "one_memory": (False, True), "two_memory": (True, True)}  # accumulators; memories


class Emission(NamedTuple):
    """A layer sends one image in the steps start <= t < end."""

    layer: int
    image: int
    start: int
    end: int


def chain(layers: int) -> list[list[int]]:
    """Senders of layers (input included) of which each receives from the one before."""
    return [[layer - 1] if layer else [] for layer in range(layers)]


def pipeline(steps: Sequence[int], images: int, double_buffered: bool = False, senders: Senders | None = None) -> list[Emission]:
    """All emissions of a network for some images in a row, in order of time, each as early as it can be.

    ``steps`` are K of the input and of each layer, ``senders`` those of the same (default: a `chain`). If double-buffered, a neuron may
    collect one image while it emits the one before.

    Raises `ValueError` if there is no layer, or a K or the number of images is below 1; if ``senders`` has another length, gives the input
    a sender, or a layer none, or one that does not come before it.
    """
    if len(steps) < 2:
        raise ValueError(f"steps has {len(steps)} entries: give K of the input and of at least one layer")
    for layer, K in enumerate(steps):
        check_whole(f"steps[{layer}]", K)
    check_whole("images", images)
    senders = chain(len(steps)) if senders is None else senders
    if len(senders) != len(steps):
        raise ValueError(f"senders has {len(senders)} entries and steps {len(steps)}: give one of each for the input and each layer")
    for layer, those in enumerate(senders):
        if bool(those) != bool(layer) or not all(0 <= sender < layer for sender in those):
            raise ValueError(f"senders[{layer}] is {list(those)}: the input has none, and each layer one or more that come before it")
    receivers: list[list[int]] = [[] for _ in steps]
    for layer, those in enumerate(senders):
        for sender in those:
            receivers[sender].append(layer)
    last = [layer for layer, those in enumerate(receivers) if not those]  # an answer is read as soon as all of these have sent it
    sent: dict[tuple[int, int], Emission] = {}
    for image in range(images):
        for layer, K in enumerate(steps):
            reasons = [0, *(sent[sender, image].end for sender in senders[layer])]  # the image has been collected,
            if image:
                reasons.append(sent[layer, image - 1].end)  # the one before has been sent,
                before = [sent[receiver, image - 1] for receiver in receivers[layer]]  # and there is an accumulator that is free,
                reasons += [e.start if double_buffered else e.end for e in before] or [sent[other, image - 1].end for other in last]
            sent[layer, image] = Emission(layer, image, max(reasons), max(reasons) + K)
    return sorted(sent.values(), key=lambda e: (e.start, e.layer))


def answers(emissions: list[Emission]) -> list[int]:
    """The step at which each image has been answered: the end of its last emission, in order of images."""
    ends = {e.image: e.end for e in sorted(emissions, key=lambda e: e.end)}  # the last one of an image stays
    return [ends[image] for image in sorted(ends)]


class Held(NamedTuple):
    """A network with memories in its shortcuts, as `pipeline` takes it; ``origin`` is the layer whose spikes each layer or memory sends."""

    steps: list[int]
    senders: list[list[int]]
    origin: list[int]


def with_memories(steps: Sequence[int], senders: Senders) -> Held:
    """Put memories into the shortcuts of a network, so that a layer's senders all send in the same steps if all K are equal.

    A memory takes in a layer's spikes and sends them when it has them all; a shortcut has one for each layer that it passes. Shortcuts from
    the same layer share them. The answer, too, may collect from several layers.
    """
    held, depth = Held([], [], []), list[int]()
    place: dict[tuple[int, int], int] = {}  # of a layer (0) and of the memories of its spikes, one after another (1, 2, ...)

    def put(layer: int, held_for: int, inputs: list[int]) -> None:
        place[layer, held_for] = len(held.steps)
        held.steps.append(steps[layer])
        held.senders.append(inputs)
        held.origin.append(layer)

    def hold(layer: int, until: int) -> int:
        """The layer or memory that sends a layer's spikes to layers at a depth."""
        for wait in range(1, until - depth[layer]):
            if (layer, wait) not in place:
                put(layer, wait, [place[layer, wait - 1]])
        return place[layer, until - depth[layer] - 1]

    for layer, those in enumerate(senders):
        depth.append(max((depth[sender] + 1 for sender in those), default=0))
        put(layer, 0, [hold(sender, depth[layer]) for sender in those])
    for layer in sorted(set(range(len(senders))).difference(*senders)):  # where the answer is read
        hold(layer, max(depth) + 1)
    return held


def rhythm(steps: Sequence[int], double_buffered: bool = False, senders: Senders | None = None) -> tuple[int, int]:
    """Steps until the first image is answered, and from each further one to the next; parameters as of `pipeline`.

    Raises `ValueError` if further images are not answered in equal steps.
    """
    times = answers(pipeline(steps, IMAGES, double_buffered, senders))
    gaps = {later - before for before, later in pairwise(times[IMAGES // 2 :])}  # the pipeline has filled
    if len(gaps) > 1:
        raise ValueError(f"images are answered after {', '.join(map(str, sorted(gaps)))} steps in turn: this graph has no simple rhythm")
    return times[0], gaps.pop()


def rhythms(steps: Sequence[int], senders: Senders) -> dict[str, int]:
    """Steps between images for each of `RHYTHMS`."""
    held = with_memories(steps, senders)
    forms = {False: (steps, senders), True: (held.steps, held.senders)}
    return {name: rhythm(forms[memory][0], two, forms[memory][1])[1] for name, (two, memory) in RHYTHMS.items()}
