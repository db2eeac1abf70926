"""When layers of few-spike neurons send: a pipeline of images through a network, simulated by events.

A layer emits its K spikes in K consecutive steps, and the next layer collects them in these same steps. With a single accumulator a
neuron cannot collect the next image before it has finished emitting this one; with two (double-buffered) it can as soon as it begins to
emit. So after the pipeline has filled, a new image is answered every

- max over neighboring layers of K(l - 1) + K(l) steps, which is 2K if all layers have the same K, with a single accumulator;
- max over layers of K(l) steps, which is K, with two.

The first answer comes after the sum of all K. Layer 0 is the input, which sends the image like a layer.

Source: C. Stöckl and W. Maass, Nature Machine Intelligence 3, 230-238 (2021), for the single accumulator (2K).
"""

import heapq
from collections.abc import Sequence
from typing import NamedTuple


class Emission(NamedTuple):
    """A layer sends one image in the steps start <= t < end; the next layer collects it meanwhile."""

    layer: int
    image: int
    start: int
    end: int


def pipeline(steps: Sequence[int], images: int, double_buffered: bool = False) -> list[Emission]:
    """All emissions of a network in order of time, each as early as it can be.

    Parameters
    ----------
    steps : sequence of int, length layer + 1
        K of the input and of each layer.
    images : int
        How many follow each other.
    double_buffered : bool
        Whether a neuron may collect one image while it emits the one before.

    Raises
    ------
    ValueError
        If there is no layer, or a K or the number of images is below 1.
    """
    if len(steps) < 2:
        raise ValueError(f"steps has {len(steps)} entries: give K of the input and of at least one layer")
    for layer, K in enumerate(steps):
        if K < 1:
            raise ValueError(f"steps[{layer}] is {K}: a layer needs at least one step to send")
    if images < 1:
        raise ValueError(f"images is {images}: give at least 1")
    started = [0] * len(steps)  # images that each layer has begun to send
    finished = [0] * len(steps)
    running: list[tuple[int, int]] = []  # (end, layer)
    done, now = [], 0

    def may_start(layer: int) -> bool:
        image = started[layer]
        idle = finished[layer] == image < images
        collected = layer == 0 or finished[layer - 1] > image
        behind = layer + 1  # where it is collected; after the last layer an answer is read at once
        accumulator_free = behind == len(steps) or (started if double_buffered else finished)[behind] >= image
        return idle and collected and accumulator_free

    while finished[-1] < images:
        while ready := [layer for layer in range(len(steps)) if may_start(layer)]:
            for layer in ready:  # one that begins to send may free the accumulator that another waits for: so look again
                done.append(Emission(layer, started[layer], now, now + steps[layer]))
                heapq.heappush(running, (now + steps[layer], layer))
                started[layer] += 1
        now = running[0][0]
        while running and running[0][0] == now:
            finished[heapq.heappop(running)[1]] += 1
    return done


def answers(emissions: list[Emission]) -> list[int]:
    """The step at which each image has been answered: the end of the last layer's emissions, in order of images."""
    last = max(e.layer for e in emissions)
    return [e.end for e in sorted(emissions, key=lambda e: e.image) if e.layer == last]
