"""Programs by others timed beside ours. Each is refused with a ValueError if it does not give the same."""

import sys
from collections.abc import Callable
from functools import partial
from importlib import metadata
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor, fx, nn

from snncore.few_spike.rate_code import CODES, first_close
from snncore.networks.recurrent import Weights
from snncore.peers import ask_spikingjelly, emulators, eprop_braintrace, eprop_nest
from snncore.peers.ask import ask
from snncore.statistics import cosine
from snncore.timing import machine, side_by_side


class Longer(NamedTuple):
    """Time of another program over ours, and what was compared, in words."""

    ratio: float
    where: str


def nest(each: float) -> Longer:
    """NEST's e-prop beside ours, whose gradient takes ``each`` seconds per sample."""
    ours, theirs = eprop_nest.our_losses("classification"), ask(sys.executable, eprop_nest.SCRIPT, eprop_nest.CASES["classification"]())
    if not np.allclose(theirs["losses"], ours, rtol=1e-10, atol=0):
        raise ValueError(f"losses of {theirs['versions']} differ from ours, {theirs['losses']} and {ours}: do not trust its time")
    where = f"{theirs['versions']}, 1 thread and sample; ours {machine()}, 32 samples of random inputs, without updates"
    return Longer(float(theirs["seconds"]) / eprop_nest.UPDATES / each, where)


def braintrace(python: str, steps: int = 2250, batch: int = 32) -> tuple[Longer, Longer]:
    """Gradients of LIF neurons by braintrace beside ours: the better of two windows of steps, and at each step, as it learns online.

    They are compared in double precision, and as they are timed, in single precision, where one spike may change others, by their angle.
    """
    windows, case = [1, steps // 45, steps // 10], eprop_braintrace.make_case("LIF", 100, steps, batch, 0)
    single = {key: a.astype(np.float32) if key in ("x", "target", *Weights._fields) else a for key, a in case.items()}
    exact, timed = (eprop_braintrace.by_braintrace(c, windows, n, python) for c, n in ((case, 0), (single, 3)))
    off, ours = eprop_braintrace.difference(exact), eprop_braintrace.our_gradients(single)
    alike = float(np.min([cosine(ours, row) for row in eprop_braintrace.gradients_by_window(timed)]))
    if not (off <= 1e-9 and alike >= 0.99):
        different = f"differ from ours by {off:.1e}; in single precision, the cosine of their angle is {alike:.3f}"
        raise ValueError(f"gradients of {timed['versions']} {different}: do not trust its time")
    each_step, *others = timed["seconds"] / side_by_side({"fused": lambda: eprop_braintrace.our_gradients(single)}, 5)["fused"]
    where = f"{timed['versions']}; {len(case['w_in'])} LIF neurons, {steps:,} steps, {batch} samples, {machine()}"
    best = int(np.argmin(others))
    return Longer(float(others[best]), f"{where}; windows of {windows[1 + best]} steps"), Longer(float(each_step), where)


def emulator(peer: str, python: str, neurons: int, inputs: int, steps: int) -> Longer:
    """Another emulator of Loihi beside ours, on a random recurrent network."""
    case = emulators.random_case(neurons, inputs, steps, True)
    theirs = emulators.answer(peer, python, case)
    if (differ := emulators.different(peer, theirs)).any():
        raise ValueError(f"{differ.sum()} of {differ.size} potentials differ from those of {theirs['versions']}: do not trust its time")
    ours = side_by_side({"ours": partial(emulators.emulated, case, emulators.PEERS[peer][0])}, 3)["ours"]
    return Longer(float(theirs["seconds"]) / ours, str(theirs["versions"]))


@torch.inference_mode()
def spikingjelly(ann: nn.Module, few: fx.GraphModule, calibration: Tensor, images: Tensor, curves: pd.DataFrame) -> Longer | None:
    """SpikingJelly's versions of a network beside ours in few spikes, for one batch of images; None if none comes close to the original.

    ``curves`` (`snncore.few_spike.rate_code.recorded_curves`) say with how many steps each does.
    """
    close, images = first_close(curves), images.contiguous(memory_format=torch.channels_last)
    few.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # as the others
    candidates: dict[str, Callable[[], object]] = {"few_spikes": partial(few, images)}
    for code, options in ask_spikingjelly.SPIKINGJELLY.items():
        peer = ask_spikingjelly.spikingjelly(ann, calibration, **options)
        candidates[code] = partial(ask_spikingjelly.run_spikingjelly, peer, images, int(close["steps"][code]))
    seconds = side_by_side(candidates, 3)
    ratios = {code: seconds[code] / seconds["few_spikes"] for code in ask_spikingjelly.SPIKINGJELLY if close["enough"][code]}
    if not ratios:
        return None
    best = min(ratios, key=lambda code: ratios[code])
    sides = [f"{CODES[code]}: {close['steps'][code]} steps, {close['accuracy'][code]:.2f} % right" for code in ("few_spikes", best)]
    about = f"time of the first {len(images)} images with SpikingJelly {metadata.version('spikingjelly')}; steps of {curves['about'][0]}"
    return Longer(ratios[best], "; ".join([about, *sides, machine()]))
