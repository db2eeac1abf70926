"""Memory that e-prop takes over long trials, learned chunk by chunk or as a whole, each in a process of its own."""

import math
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import torch

from snncore import provenance
from snncore.learning.eprop import Signal, Stream, gradient, observe
from snncore.networks.recurrent import Population, RecurrentNetwork, Weights
from snncore.neurons import ALIFParams, ReadoutParams
from snncore.seeds import torch_generator


def learn(steps: int, whole: bool) -> None:
    """Give 100 ALIF neurons a gradient over many steps, as a stream of chunks of 50, or as one whole trial."""
    populations, batch, chunk = [Population(100, ALIFParams(tau_a=2000.0))], 8, 50
    g = torch_generator(0, "stream")
    network = RecurrentNetwork(10, populations, 1, ReadoutParams(), g, (3.0, 1.0))
    weights = Weights(*(w.detach() for w in network.weights()))
    if whole:
        x = (torch.rand(steps, batch, 10, generator=g) < 0.02).float()
        trial, activity = observe(x, weights, populations, network.readout)
        gradient(trial, Signal((activity.y - 1) @ weights.w_out, network.readout.kappa))
    else:
        stream = Stream(weights, populations, network.readout, torch.zeros(batch, 10))
        for _ in range(steps // chunk):
            activity = stream.run((torch.rand(chunk, batch, 10, generator=g) < 0.02).float())
            stream.learn(Signal((activity.y - 1) @ weights.w_out, network.readout.kappa))


def _raised(lengths: Sequence[int], whole: bool) -> list[float]:
    start, raised = provenance.peak_memory_mb() or math.nan, []
    for steps in lengths:
        learn(steps, whole)
        raised.append((provenance.peak_memory_mb() or math.nan) - start)
    return raised


def memory_of_learning(lengths: Sequence[int], whole: bool) -> list[float]:
    """By how much `learn` raises a process's memory [MiB], for numbers of steps that grow."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(_raised, lengths, whole).result()
