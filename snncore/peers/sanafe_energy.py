"""Energy by SANA-FE and by our counts, for the same spikes on the same cores.

SANA-FE has another license, so another Python has it (`ask_sanafe`); its answers are kept (`snncore.peers.recorded`).
"""

import hashlib
from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import UInt8

from snncore.loihi.board import BoardRun, Program, core_events, load, run_board
from snncore.loihi.compartment import Compartment
from snncore.loihi.deploy import deploy
from snncore.loihi.emulator import Group
from snncore.loihi.energy import energy, event_counts, prices
from snncore.loihi.placement import DENSE, BoardNetwork, Placement, place
from snncore.loihi.quantize import UNIT
from snncore.loihi.relational import CHIPS, input_spikes, layout, program
from snncore.loihi.spec import CORES, FULL_DECAY, within
from snncore.networks.recurrent import RecurrentNetwork
from snncore.networks.relational import SIZES
from snncore.peers.ask import ask
from snncore.peers.recorded import recorded
from snncore.seeds import numpy_generator
from snncore.tasks.sequential_images import threshold_code
from snncore.tasks.stories import VOCABULARY
from snncore.tasks.story_generator import generate
from snncore.trainings import digits
from snncore.trainings.stories import trained

SCRIPT = "ask_sanafe.py"


class Case(NamedTuple):
    """A run as SANA-FE can have it: on one chip, with neurons of one compartment, no inputs, and no spikes at its last step."""

    placement: Placement
    program: Program
    activity: BoardRun

    def arrays(self) -> dict[str, np.ndarray]:
        """The case of `snncore.peers.ask_sanafe`."""
        names, network = list(self.program.groups), self.placement.network
        first = dict(zip(names, np.cumsum([0, *(network.sizes[name] for name in names[:-1])]), strict=True))
        post, pre = [], []
        for p, w in load(network, self.program):
            to, of = np.nonzero(w if p.kind == DENSE else np.diag(w))
            post.append(to + first[p.post])
            pre.append(of + first[p.pre])
        return {
            "spikes": np.concatenate([self.activity.z[name] for name in names], 1),
            "core": np.concatenate([self.placement.core_of_neurons(name) for name in names]),
            "pre": np.concatenate(pre), "post": np.concatenate(post),
        }  # fmt: skip

    def digest(self) -> str:
        """Hash of the arrays, which other spikes or synapses change."""
        return hashlib.sha256(b"".join(np.ascontiguousarray(a, np.int32).tobytes() for a in self.arrays().values())).hexdigest()

    def parts(self) -> dict[str, float]:
        """Energy of synapses, neurons and network [pJ], at SANA-FE's prices."""
        events_of = event_counts(core_events(self.placement, self.program, {}, self.activity))
        del events_of["between_chips"]  # has no price, and does not happen on one chip
        of_part = {"synapse": ["synaptic_operation"], "soma": ["update_active", "update_inactive"]}
        of_part["network"] = [name for name in events_of if not any(name in others for others in of_part.values())]
        return {
            part: 1e6 * energy({name: events_of[name] for name in its}, "sanafe", [name for name in events_of if name not in its])
            for part, its in of_part.items()
        }


def plain(placement: Placement, loaded: Program, activity: BoardRun) -> Case:
    """A run without its inputs, auxiliary compartments and last spikes."""
    network = placement.network
    inner = [(p, w) for p, w in load(network, loaded) if p.pre in loaded.groups]
    groups = {name: [Group(network.sizes[name], Compartment(FULL_DECAY, UNIT))] for name in loaded.groups}
    populations = [p for p in network.populations if p.name in loaded.groups]
    spikes = {name: np.concatenate([z[:-1], 0 * z[-1:]]) for name, z in activity.z.items()}
    where = Placement(BoardNetwork(populations, [p for p, _ in inner], {}), {name: placement.cores[name] for name in loaded.groups})
    return Case(where, Program(groups, [w for _, w in inner]), BoardRun(spikes, activity.v))


@cache
def story(sentences: int) -> Case:
    """Our trained relational network with a story. The cores that it uses are put on one chip, and have to be no more than that has."""
    net, plan = trained("snn-lengths", 1).network, layout(SIZES["small"], len(VOCABULARY))
    (example,) = generate(1, 1, numpy_generator(0, f"a story of {sentences} sentences for SANA-FE"), sentences)
    loaded = program(net, plan, sentences)
    activity = run_board(plan.network, loaded, input_spikes(net, example))
    owned = {name: len(cores) for name, cores in place(plan.network, plan.units, CHIPS).cores.items() if name in loaded.groups}
    within("the number of cores", sum(owned.values()), 1, CORES)
    ends = dict(zip(owned, np.cumsum(list(owned.values())).tolist(), strict=True))
    one_chip = Placement(plan.network, {name: tuple(range(ends[name] - count, ends[name])) for name, count in owned.items()})
    return plain(one_chip, loaded, activity)


def seven() -> UInt8[np.ndarray, "1 28 28"]:
    """A digit drawn here, so that no data are needed, of as many pixels as handwritten ones have."""
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, 5:8, 6:22] = 255
    for k in range(16):
        image[0, 8 + k, 18 - k // 2 : 21 - k // 2] = 255
    return image


@cache
def digit() -> Case:
    """Our trained network for digits, pixel by pixel, on one core."""
    network = digits.trained("chip").network
    assert isinstance(network, RecurrentNetwork)
    on_chip = deploy(network)
    return plain(on_chip.placement, on_chip.program, BoardRun({"neurons": on_chip.run(threshold_code(seven())).z[:, 0]}, {}))


CASES: dict[str, Callable[[], Case]] = {"2 sentences": partial(story, 2), "6 sentences": partial(story, 6), "a digit": digit}


def compare_with_sanafe() -> tuple[pd.DataFrame, str]:
    """SANA-FE's recorded energies beside ours at its prices [pJ], by ``run`` and ``part``; its version.

    Those of drivers, a synapse and a message for each spike, are taken off. Raises `ValueError` if they were recorded for other spikes
    than those of our networks.
    """
    price, kept, rows = prices("sanafe"), recorded("sanafe"), []
    drivers = {"synapse": "synaptic_operation", "network": "spike_in_tile"}
    for name, case in CASES.items():
        theirs = kept[name]
        if str(theirs["digest"]) != case().digest():
            again = "ask it again, python -m snncore.peers recorded --peer sanafe --python PYTHON --keep data/peers/sanafe.npz"
            raise ValueError(f"SANA-FE was asked about other spikes than those that our networks have now: {again}")
        driven = float(theirs["spikes"]) / 2
        extra = {part: driven * (price[event].energy_pj or 0) for part, event in drivers.items()}
        rows += [(name, part, float(theirs[part]) - extra.get(part, 0.0), ours) for part, ours in case().parts().items()]
    return pd.DataFrame(rows, columns=["run", "part", "SANA-FE", "ours"]), str(theirs["versions"])


def answers(_peer: str, python: str) -> dict[str, dict[str, Any]]:
    """What SANA-FE says of the spikes of our networks; of the cases, a digest is enough. `ValueError` if it has other spikes."""
    found: dict[str, dict[str, Any]] = {}
    for name, case in CASES.items():
        arrays = case().arrays()
        found[name] = ask(python, SCRIPT, arrays) | {"digest": case().digest()}
        driven = int(arrays["spikes"].sum())
        if int(found[name]["spikes"]) != 2 * driven:
            raise ValueError(f"SANA-FE has {found[name]['spikes']} spikes of neurons and their drivers, we have {driven} of neurons")
    return found
