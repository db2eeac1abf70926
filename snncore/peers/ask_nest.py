"""e-prop by the NEST simulator (extra ``oracles``), in a process of its own (`snncore.peers.ask`), as it is under the GPL.

A case has weights ``w_in`` (neuron, input), ``w_rec`` (neuron, neuron), ``w_out`` (readout, neuron) and ``w_feedback``
(neuron, readout); input spikes ``x`` (update, time, input) and ``target`` (update, time, readout); the number of ``adaptive`` neurons,
which come last; ``tau``, ``tau_a``, ``beta``, ``v_th``, ``refractory``, ``dampening``; ``scaled``: whether input counts 1 - alpha;
``classes``: whether readouts compete; ``window``: steps with errors at the end; ``rate`` of learning, by gradient descent or (classes)
Adam; ``c_reg``. The answer has the ``losses`` of all updates, the ``seconds`` of the simulation and the ``versions``.
"""

import importlib.metadata
import time
from typing import Any

import numpy as np


def simulate(case: dict[str, Any]) -> tuple[np.ndarray, float]:
    """Losses of all updates, each after one sample, and seconds of simulation."""
    import nest

    updates, steps, _ = case["x"].shape
    readouts, window, classes = case["target"].shape[2], case["window"], bool(case["classes"])
    nest.ResetKernel()
    nest.set(eprop_learning_window=float(window), eprop_update_interval=float(steps), eprop_reset_neurons_on_update=True, resolution=1.0)

    def created(model: str, count: int, **own: Any) -> Any:
        return nest.Create(model, int(count), {"C_m": 1.0, "E_L": 0.0, "I_e": 0.0, "V_m": 0.0, "tau_m": case["tau"], **own})

    spiking = {
        "regular_spike_arrival": not case["scaled"], "V_th": case["v_th"], "t_ref": float(case["refractory"]), "f_target": 10.0,
        "c_reg": case["c_reg"], "surrogate_gradient_function": "piecewise_linear", "surrogate_gradient_width": case["v_th"],
        "surrogate_gradient_height": case["dampening"] / case["v_th"], "flush_event_send_interval": float(steps),
    }  # fmt: skip
    generators, inputs = (nest.Create(model, case["x"].shape[2]) for model in ("spike_generator", "parrot_neuron"))
    neurons = created("eprop_iaf_bsshslm_2020", len(case["w_in"]) - case["adaptive"], **spiking)
    if case["adaptive"]:
        slow = {"adapt_tau": case["tau_a"], "adapt_beta": case["beta"], "adaptation": 0.0}
        neurons += created("eprop_iaf_adapt_bsshslm_2020", case["adaptive"], **spiking, **slow)
    loss = "cross_entropy" if classes else "mean_squared_error"
    out = created("eprop_readout_bsshslm_2020", readouts, loss=loss, regular_spike_arrival=False)
    targets = nest.Create("step_rate_generator", readouts)
    first = 4.0  # a step for the generators to begin, and one for each of three delays
    meter = nest.Create("multimeter", {"interval": 1.0, "record_from": ["readout_signal"], "start": first, "stop": first + updates * steps})

    adam = {"type": "adam", "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8}
    optimizer = {**(adam if classes else {"type": "gradient_descent"}), "batch_size": 1, "eta": case["rate"], "Wmin": -100.0, "Wmax": 100.0}
    nest.SetDefaults("eprop_synapse_bsshslm_2020", {"optimizer": optimizer, "average_gradient": classes})
    everyone = {"rule": "all_to_all", "allow_autapses": False}

    def learned(w: np.ndarray) -> dict[str, Any]:
        return {"synapse_model": "eprop_synapse_bsshslm_2020", "delay": 1.0, "tau_m_readout": case["tau"], "weight": w}

    nest.Connect(generators, inputs, "one_to_one", {"synapse_model": "static_synapse", "delay": 1.0})
    nest.Connect(inputs, neurons, everyone, learned(case["w_in"]))
    nest.Connect(neurons, neurons, everyone, learned(case["w_rec"]))
    nest.Connect(neurons, out, everyone, learned(case["w_out"]))
    feedback = {"synapse_model": "eprop_learning_signal_connection_bsshslm_2020", "delay": 1.0, "weight": case["w_feedback"]}
    nest.Connect(out, neurons, everyone, feedback)
    nest.Connect(targets, out, "one_to_one", {"synapse_model": "rate_connection_delayed", "delay": 1.0, "receptor_type": 2})
    if classes:
        nest.Connect(out, out, everyone, {"synapse_model": "rate_connection_delayed", "delay": 1.0, "receptor_type": 1, "weight": 1.0})
    nest.Connect(meter, out)

    generators.set([{"spike_times": np.flatnonzero(row) + 1.0} for row in case["x"].reshape(updates * steps, -1).T])
    times = np.arange(updates * steps) + first
    targets.set([{"amplitude_times": times, "amplitude_values": row} for row in case["target"].reshape(updates * steps, -1).T])
    start = time.perf_counter()
    nest.Simulate(float(updates * steps + first + 1))
    seconds = time.perf_counter() - start
    events = meter.get("events")
    of = [np.asarray(events["readout_signal"])[np.asarray(events["senders"]) == k] for k in sorted(set(events["senders"]))]
    y = np.stack(of, 1).reshape(updates, steps, readouts)[:, -window:]
    target = case["target"][:, -window:]
    if classes:
        return -np.log((y * target).sum(2)).mean(1), seconds
    return ((y - target) ** 2).sum((1, 2)) / 2, seconds


def answer(case: dict[str, Any]) -> dict[str, Any]:
    """Simulate a case."""
    losses, seconds = simulate(case)
    return {"losses": losses, "seconds": seconds, "versions": f"NEST {importlib.metadata.version('nest-simulator')}"}
