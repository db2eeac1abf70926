"""Emulators of Loihi by others, in a Python of their own (`snncore.peers.ask`), since they need older packages.

A case is a network of LIF neurons: weights ``w_in`` (neuron, input) and ``w_rec`` (neuron, neuron), all even; input
spikes ``x`` (time, input); registers ``decay_u``, ``decay_v``, ``vth_mant``, ``refractory`` and ``bias``. The answer has the potentials
``v`` (time, neuron) after the reset, the ``seconds`` of the shortest of three runs, without building the network, and the ``versions``.

In a new virtual environment: ``pip install "numpy<2" "brian2<2.8" brian2-loihi "nengo<4" nengo-loihi "setuptools<81"``. Lava needs Python
3.10: ``pip install lava-nc``.
"""

import importlib.metadata
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

Run, Read = Callable[[], object], Callable[[], np.ndarray]


def brian2_loihi(case: dict[str, Any]) -> tuple[Run, Read]:
    """brian2-loihi."""
    import brian2
    import brian2_loihi as loihi

    if case["bias"]:
        raise ValueError("brian2-loihi has no bias")
    brian2.prefs.codegen.target = "numpy"  # here twice as fast as Cython
    times, inputs = np.nonzero(case["x"])
    constants = {"threshold_v_mant": case["vth_mant"], "decay_v": case["decay_v"], "decay_I": case["decay_u"]}
    neurons = loihi.LoihiNeuronGroup(len(case["w_in"]), refractory=case["refractory"], **constants)
    monitor = loihi.LoihiStateMonitor(neurons, "v")
    network = loihi.LoihiNetwork(neurons, monitor)
    source = loihi.LoihiSpikeGeneratorGroup(case["x"].shape[1], inputs, times)
    network.add(source)
    for group, w in ((source, case["w_in"]), (neurons, case["w_rec"])):
        post, pre = np.nonzero(w)
        synapses = loihi.LoihiSynapses(group, neurons, sign_mode=loihi.synapse_sign_mode.MIXED)
        synapses.connect(i=pre, j=post)
        synapses.w = w[post, pre]
        network.add(synapses)
    return lambda: network.run(len(case["x"])), lambda: np.array(monitor.v).T


def nengo_loihi(case: dict[str, Any]) -> tuple[Run, Read]:
    """nengo-loihi's emulator, given registers instead of what its builder would choose. Its inputs arrive one step later."""
    from nengo_loihi.block import Axon, LoihiBlock, Synapse
    from nengo_loihi.builder import Model
    from nengo_loihi.emulator import EmulatorInterface
    from nengo_loihi.inputs import SpikeInput
    from nengo_loihi.probe import LoihiProbe

    model, source, block = Model(dt=0.001), SpikeInput(case["x"].shape[1]), LoihiBlock(len(case["w_in"]))
    for t, row in enumerate(case["x"]):
        source.add_spikes(t + 1, np.flatnonzero(row))
    registers = block.compartment
    registers.configure_relu()
    chosen = {"decay_u": case["decay_u"] - 1, "decay_v": case["decay_v"], "vth": case["vth_mant"] << 6, "bias": case["bias"]}
    for name, value in chosen.items():  # the chip adds 1 to decay_u
        setattr(registers, name, np.full(block.n_neurons, value, np.int32))
    registers.refract_delay[:] = case["refractory"]
    registers.vmin, registers.vmax, registers.scale_u, registers.scale_v = 1 - 2**23, 2**23 - 1, False, False
    for sender, w in ((source, case["w_in"]), (block, case["w_rec"])):
        synapse, axon = Synapse(w.shape[1]), Axon(w.shape[1])
        synapse.set_weights(w.T.astype(np.float32))
        synapse.format(weight_exp=0, weight_bits=7)
        synapse.weights = [(row * 64).astype(np.int32) for row in synapse.weights]
        axon.target = synapse
        block.add_synapse(synapse)
        sender.add_axon(axon)
    model.add_input(source)
    model.add_block(block)
    probe = LoihiProbe(target=[block], key="voltage", slice=[slice(None)])
    model.add_probe(probe)
    emulator = EmulatorInterface(model)
    return lambda: emulator.run_steps(len(case["x"])), lambda: np.array(emulator.collect_probe_output(probe)).reshape(len(case["x"]), -1)


def lava(case: dict[str, Any]) -> tuple[Run, Read]:
    """Lava's fixed-point LIF process, without recurrent weights, bias or refractory time. Its inputs arrive one step later."""
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi1SimCfg
    from lava.proc.dense.process import Dense
    from lava.proc.io.source import RingBuffer
    from lava.proc.lif.process import LIF
    from lava.proc.monitor.process import Monitor

    if case["w_rec"].any() or case["bias"] or case["refractory"] > 1:
        raise ValueError("here Lava gets neither recurrent weights, nor a bias, nor a refractory time")
    source, dense = RingBuffer(data=case["x"].T.astype(int)), Dense(weights=case["w_in"])
    neurons = LIF(shape=(len(case["w_in"]),), vth=case["vth_mant"], du=case["decay_u"] - 1, dv=case["decay_v"], bias_mant=0)
    source.s_out.connect(dense.s_in)
    dense.a_out.connect(neurons.a_in)
    monitor, steps = Monitor(), len(case["x"])
    monitor.probe(neurons.v, steps)

    def read() -> np.ndarray:
        v = monitor.get_data()[neurons.name]["v"]
        neurons.stop()
        return v

    return lambda: neurons.run(condition=RunSteps(num_steps=steps), run_cfg=Loihi1SimCfg(select_tag="fixed_pt")), read


PEERS: dict[str, tuple[Callable[[dict[str, Any]], tuple[Run, Read]], tuple[str, ...]]] = {  # and the packages whose versions matter
    "brian2_loihi": (brian2_loihi, ("brian2-loihi", "brian2", "numpy")),
    "nengo_loihi": (nengo_loihi, ("nengo-loihi", "nengo", "numpy")),
    "lava": (lava, ("lava-nc", "numpy")),
}


def answer(case: dict[str, Any], peer: str) -> dict[str, Any]:
    """Run a case three times."""
    warnings.filterwarnings("ignore")
    build, packages = PEERS[peer]
    seconds = float("inf")
    for _ in range(3):
        run, read = build(case)
        start = time.perf_counter()
        run()
        seconds = min(seconds, time.perf_counter() - start)
        v = read().astype(np.int32)
    versions = ", ".join(f"{package} {importlib.metadata.version(package)}" for package in packages)
    return {"v": v, "seconds": seconds, "versions": versions}
