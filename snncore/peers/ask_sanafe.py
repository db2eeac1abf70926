"""Energy of a run by SANA-FE, in a Python of its own (`snncore.peers.ask`), as its license is another one.

A case has ``spikes`` (time, neuron), 0 or 1; ``core`` of each neuron, on one chip; synapses from ``pre`` to ``post`` (synapse,).
Each neuron is SANA-FE's LIF neuron, updated at each step, and fires one step after its own driver, an input that costs nothing: all other
weights are 0, which changes no count. The answer has the energy of ``synapse``, ``soma`` and ``network`` [pJ], the number of ``spikes`` of
neurons and drivers, and the ``versions``. A driver's synapse and its message are in it, one for each spike.

In a new virtual environment: ``pip install sanafe numpy``.
"""

import importlib.metadata
import os
import tempfile
from typing import Any

import numpy as np


def simulate(spikes: np.ndarray, core: np.ndarray, pre: np.ndarray, post: np.ndarray) -> dict[str, Any]:
    """Energies of the parts of the chip [pJ], and the number of spikes, for the arrays of a case."""
    import sanafe

    architecture, network = sanafe.load_loihi(), sanafe.Network()
    lif = {"threshold": 0.5, "leak_decay": 0.0, "reset": 0.0, "force_update": True}
    neurons = network.create_neuron_group("neurons", len(core), model_attributes=lif, soma_hw_name="loihi_lif")
    drivers = network.create_neuron_group("drivers", len(core))
    cores, of_core = architecture.cores(), dict.fromkeys(core.tolist(), 0)
    for k, c in enumerate(core.tolist()):
        neurons[k].map_to_core(cores[c])
        drivers[k].set_attributes(soma_hw_name=f"loihi_inputs[{of_core[c]}]", model_attributes={"spikes": spikes[:, k].tolist()})
        drivers[k].map_to_core(cores[c])
        of_core[c] += 1
    own = list(zip(range(len(core)), range(len(core)), strict=True))
    drivers.connect_neurons_sparse(neurons, {"weight": [1.0] * len(own)}, own)
    synapses = list(zip(pre.tolist(), post.tolist(), strict=True))
    neurons.connect_neurons_sparse(neurons, {"weight": [0.0] * len(synapses)}, synapses)
    chip = sanafe.SpikingChip(architecture)
    chip.load(network)
    run = chip.sim(len(spikes), timing_model="simple")
    return {name: 1e12 * float(run["energy"][name]) for name in ("synapse", "soma", "network")} | {"spikes": float(run["neurons_fired"])}


def answer(case: dict[str, np.ndarray]) -> dict[str, Any]:
    """Simulate a case."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # it writes files where it is
        return {"versions": f"SANA-FE {importlib.metadata.version('sanafe')}", **simulate(**case)}
