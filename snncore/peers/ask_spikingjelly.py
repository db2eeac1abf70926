"""SpikingJelly, of the extra ``oracles``: its rate-coded versions of a network, and what they answer step by step."""

from collections.abc import Callable
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from snncore.few_spike.layer import Images
from snncore.few_spike.rate_code import RateRun, Synapses
from snncore.few_spike.trace import put_neurons, traced
from snncore.peers.ask import has_oracle

SPIKINGJELLY: dict[str, dict] = {  # options of its RateCodingRecipe: as it comes, and the best that was found
    "spikingjelly": {},
    "spikingjelly_robust": {"mode": "99.9%", "channel_wise": True, "half_threshold": True},
}


def spikingjelly(network: nn.Module, calibration: Float[Tensor, "sample *image"], **options: object) -> nn.Module:
    """SpikingJelly's rate-coded version of a network. It knows nn.ReLU alone, so that is what all activations become before."""
    from spikingjelly.activation_based.ann2snn import Converter, RateCodingRecipe

    graph, _, places = traced(network, calibration[:1])
    for node in places:
        put_neurons(graph, node, f"relu_{node.name}", nn.ReLU())
    graph.recompile()
    return Converter(RateCodingRecipe([calibration], **options)).convert(graph).eval().to(memory_format=torch.channels_last)


@torch.inference_mode()
def run_spikingjelly(network: nn.Module, images: Images, steps: int, layers: Synapses | None = None) -> RateRun:
    """Run it step by step; its output is the mean over all steps.

    Spikes and what they reach are counted if ``layers`` of our rate-coded version of the same network are given.
    """
    from spikingjelly.activation_based import functional, neuron

    functional.reset_net(network)
    sent: list[Tensor] = []
    spikes, accumulates, graded = torch.zeros(3, steps, dtype=torch.float64)
    nodes = [module for module in network.modules() if isinstance(module, neuron.BaseNode)] if layers else []
    handles = [node.register_forward_hook(lambda _, __, z: sent.append(z.movedim(1, -1).sum(0).double())) for node in nodes]
    images, total, outputs = images.contiguous(memory_format=torch.channels_last), torch.zeros(()), []
    for t in range(steps):
        total = total + network(images)
        outputs.append(total / (t + 1))
        if layers:
            spikes[t] = sum(z.sum() for z in sent)
            accumulates[t] = sum((z * reached).sum() for z, reached in zip(sent, layers.reached.values(), strict=True))
            graded[t] = len(images) * (layers.each_step + (layers.once if t == 0 else 0))
            neurons = sum(z.numel() for z in sent)
            sent.clear()
    for handle in handles:
        handle.remove()
    return RateRun(torch.stack(outputs), spikes, accumulates, graded, neurons if layers else 0)


def spikingjelly_runs(
    network: nn.Module, calibration: Float[Tensor, "sample *image"], steps: int, layers: Synapses | None = None
) -> dict[str, Callable[[Images], RateRun]]:
    """Functions that run SpikingJelly's versions of a network on images, by name; none, and a word about it, if it is not installed."""
    if not has_oracle("spikingjelly", "SpikingJelly"):
        return {}
    peers = {name: spikingjelly(network, calibration, **options) for name, options in SPIKINGJELLY.items()}
    return {name: partial(run_spikingjelly, peer, steps=steps, layers=layers) for name, peer in peers.items()}
