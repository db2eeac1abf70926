"""From a recurrent network to the chip: what it cannot hold, registers, weights, cores; a run; what the run costs.

>>> from snncore.networks.recurrent import Population
>>> from snncore.neurons import LIFParams
>>> g = torch.Generator().manual_seed(0)
>>> populations = [Population(50, LIFParams(reset_to_zero=True)), Population(50, AHPParams())]
>>> network = for_chip(RecurrentNetwork(24, populations, 4, ReadoutParams(60.0), g))  # train it now, as any other
>>> on_chip = deploy(network)
>>> run = on_chip.run(torch.rand(100, 8, 24, generator=g) < 0.1)  # time, batch, input
>>> run.z.shape, run.answers.shape
((100, 8, 104), (8,))
>>> cost = on_chip.cost(run)
>>> cost.cores, cost.chips
(1, 1)
>>> 0 < cost.energy_uj[0] < cost.energy_uj[1] < 10  # of a sample, between two readings of the prices
True

All neurons, with the readouts as the last ones, are spread evenly over cores, each counted with two compartments if some have an AHP
current. Their spikes are those of `snncore.loihi.emulator` and of `snncore.loihi.board`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor
from torch.nn.utils import parametrize

from snncore.loihi.board import BoardRun, Program, core_events
from snncore.loihi.emulator import ChipNetwork, emulate
from snncore.loihi.energy import all_active, energy, event_counts, step_times
from snncore.loihi.placement import BoardNetwork, BoardPopulation, Placement, Projection, Unit, place
from snncore.loihi.quantize import UNIT, OnGrid, decay_register, in_force, registers, time_constant, to_chip
from snncore.loihi.spec import CONFIGURATIONS, WEIGHT, LimitError
from snncore.networks.recurrent import Population, RecurrentNetwork
from snncore.neurons import AHPParams, ReadoutParams
from snncore.shapes import check_finite, described


def _thresholds(network: RecurrentNetwork) -> Float[Tensor, "neuron 1"]:
    return torch.cat([network.w_in.new_full((size, 1), p.v_th) for size, p in network.populations])


def _placed(network: RecurrentNetwork) -> Placement:
    """The network on the cores of a chip; it has room for all whose neurons a core can reach. `LimitError` for others."""
    n, inputs = network.w_in.shape
    compartments = 1 + any(isinstance(p, AHPParams) for _, p in network.populations)
    neurons = BoardPopulation("neurons", n + len(network.w_out), "network", compartments=compartments, one_chip=True)
    projections = [Projection("inputs", "neurons"), Projection("neurons", "neurons", neurons=n)]
    return place(BoardNetwork([neurons], projections, {"inputs": inputs}), [Unit(["neurons"])], 1)


def check(network: RecurrentNetwork) -> list[str]:
    """Which limits of the chip a network breaks, each with what to do; none if the chip can hold it. Ask before training.

    >>> from snncore.neurons import LIFParams
    >>> g = torch.Generator().manual_seed(0)
    >>> for limit in check(RecurrentNetwork(10, [Population(20, LIFParams(n_refractory=2))], 0, ReadoutParams(), g)):
    ...     print(limit)
    population 0: LIFParams(tau_m=20.0, v_th=1.0, reset_to_zero=False, n_refractory=2, dampening=0.3, dt=1.0) is not on the chip: it needs \
reset_to_zero=True and n_refractory=0
    readouts: there are none, whose potentials would be the answers: give the network outputs
    """
    if not isinstance(network, RecurrentNetwork):
        raise TypeError(f"the network is a {type(network).__name__}: give a RecurrentNetwork, such as learner.network of a Learner")
    broken = []

    def attempt(what: str, do: Callable[..., object], *given: object) -> None:
        try:
            do(*given)
        except ValueError as error:
            broken.append(f"{what}: {error}")

    for k, (_, p) in enumerate(network.populations):
        attempt(f"population {k}", registers, p)
    if (kinds := len({repr(p) for _, p in network.populations})) > CONFIGURATIONS:
        broken.append(f"populations: neurons have {kinds} kinds of constants, a core {CONFIGURATIONS}: let more neurons share theirs")
    attempt("readouts", decay_register, "tau_out", network.readout.kappa)
    if not len(network.w_out):
        broken.append("readouts: there are none, whose potentials would be the answers: give the network outputs")
    for name, w in network.weights()._asdict().items():
        attempt("weights", check_finite, name, w)
        beyond = 0 if name == "w_out" else int(((w / _thresholds(network) * UNIT).round().abs() > WEIGHT).sum())
        if beyond:
            largest = f"{WEIGHT / UNIT:.2f} thresholds"
            broken.append(f"weights: {beyond:,} of {w.numel():,} of {name} are larger than {largest}: clip them, by clamp_")
    attempt("cores", _placed, network)
    return broken


def for_chip(network: RecurrentNetwork) -> RecurrentNetwork:
    """Let a network train as what the chip will make of it; changed in place, and returned. Give its parameters to an optimizer after it.

    Neurons and readouts get the constants that registers have, in steps of 1 ms and with thresholds of 1 (weights are divided by the old
    ones); weights stay on the grid of 8 bits (`snncore.loihi.quantize.on_grid`). Raises `LimitError` for what `check` lists;
    `ValueError` if the network has parametrizations, or a neuron or readout keeps nothing from one step to the next.
    """
    if parametrize.is_parametrized(network):
        raise ValueError("the network has parametrizations already: call for_chip once, before others")
    _refuse(check(network))
    populations = tuple(Population(size, replace(in_force(registers(p)), dampening=p.dampening)) for size, p in network.populations)
    readout = ReadoutParams(time_constant("tau_out", decay_register("tau_out", network.readout.kappa)))
    with torch.no_grad():
        network.w_in.div_(_thresholds(network))
        network.w_rec.div_(_thresholds(network))
    network.populations, network.readout = populations, readout
    for name in ("w_in", "w_rec", "w_out"):
        parametrize.register_parametrization(network, name, OnGrid(whole_range=name == "w_out"))
    return network


def _refuse(broken: list[str]) -> None:
    if broken:
        raise LimitError("the chip cannot hold the network: " + "; ".join(broken))


class ChipRun(NamedTuple):
    """A run: input spikes x, spikes z of all neurons, the readouts last, potentials v of the readouts; which is highest at the end.

    Input spikes reach neurons in their own step, all others one step later: v at a step is what a float network has for y a step before.
    """

    x: UInt8[np.ndarray, "time batch input"]
    z: UInt8[np.ndarray, "time batch neuron"]
    v: Int[np.ndarray, "time batch readout"]
    answers: Int[np.ndarray, " batch"]


class ChipCost(NamedTuple):
    """Mean cost of a sample, least and largest: if updates of compartments are active only where one fires, or all are.

    Not in it: static power, the processors, and where input spikes come from.
    """

    energy_uj: tuple[float, float]
    time_ms: tuple[float, float]
    cores: int
    chips: int


@dataclass(frozen=True)
class OnChip:
    """A network on the chip; made by `deploy`."""

    chip: ChipNetwork  #: registers and weights
    placement: Placement  #: on which cores it lies
    outputs: int

    @property
    def program(self) -> Program:
        """What is loaded for `snncore.loihi.board.run_board`."""
        return Program({"neurons": self.chip.groups}, [self.chip.w_in, self.chip.w_rec])

    def run(self, x: Any) -> ChipRun:
        """Run from rest on input spikes: an array or tensor of any type, (time, batch, input), of zeros and ones.

        Raises `ValueError` for other numbers or shapes.
        """
        spikes = torch.as_tensor(x)
        if spikes.ndim != 3 or not spikes.numel():
            raise ValueError(f"x is {described(spikes)}: give spikes of shape (time, batch, input), each at least 1")
        for where in ((spikes != 0) & (spikes != 1)).nonzero().tolist()[:1]:
            raise ValueError(f"x{where} is {spikes[tuple(where)]:g}: the chip receives spikes, 0 or 1; encode numbers as spikes")
        z_in = (spikes == 1).byte().cpu().numpy()
        e = emulate(self.chip, z_in, input_lag=0, trace=True, threads=torch.get_num_threads())
        return ChipRun(z_in, e.z_trace, e.v_trace[..., -self.outputs :].copy(), e.v[:, -self.outputs :].argmax(1))

    def cost(self, run: ChipRun) -> ChipCost:
        """Energy and time by the prices "davies2018" (`snncore.loihi.energy`), each event counted where it happens."""
        samples = []
        for k in range(run.x.shape[1]):
            e = core_events(self.placement, self.program, {"inputs": run.x[:, k]}, BoardRun({"neurons": run.z[:, k]}, {}))
            counts = event_counts(e)
            del counts["between_chips"]  # there are none
            times = step_times(e).sum(), step_times(e, active=True).sum()
            samples.append((energy(counts), energy(all_active(counts)), *times))
        least, most, soonest, latest = np.mean(samples, 0).tolist()
        cores, chips = self.placement.used(["neurons"])
        return ChipCost((least, most), (soonest / 1000, latest / 1000), cores, len(chips))


def deploy(network: RecurrentNetwork) -> OnChip:
    """Lay a network on the chip; `LimitError`, which says all that `check` lists, if it cannot hold it."""
    _refuse(check(network))
    return OnChip(to_chip(*network.weights(), network.populations, network.readout, one_core=False), _placed(network), len(network.w_out))
