"""Slow currents as memory: what an AHP current remembers, and networks that need it to classify digits seen bit by bit.

``python -m snncore.experiments memory --train ahp --form rows --seed 0`` trains one network.
"""

import argparse
import math
from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils import parametrize

from snncore.datafiles import read_mnist
from snncore.experiments import loihi
from snncore.learning.classifier import Recipe, answers
from snncore.learning.deep_r import DeepR
from snncore.learning.losses import rate_cost
from snncore.loihi.emulator import Network
from snncore.loihi.quantize import in_force, on_grid, registers, step_size, to_chip
from snncore.networks.checkpoints import about_checkpoint, accounts, load_checkpoint
from snncore.networks.lstm import LSTMNetwork
from snncore.networks.recurrent import Activity, Population, RecurrentNetwork, Weights
from snncore.networks.recurrent import run as run_network
from snncore.neurons import JUMP, AHPParams, ALIFParams, LIFParams, ReadoutParams, ahp_rest, ahp_step
from snncore.record import Record
from snncore.seeds import numpy_generator, seeded_draws, torch_generator
from snncore.tasks.sequential_images import CUE, INPUTS, halved, rows, threshold_code
from snncore.trainings.job import Job, held_out, rounded, train_or_read_classifier
from snncore.unroll import unroll


@dataclass(frozen=True)
class Config:
    """Steps of the single neurons; seeds of each training (0: none, since MNIST is a download)."""

    steps: int = 4000
    delays: tuple[int, ...] = (0, 100, 200, 400, 800, 1600)
    seeds: int = 0
    seed: int = 0


PRESETS = {"smoke": Config(steps=1000, delays=(0, 100)), "book": Config(), "paper": Config(seeds=3)}


def config(preset: str, seed: int = 0) -> Config:
    """The configuration of a preset."""
    return replace(PRESETS[preset], seed=seed)


# --- One neuron ---------------------------------------------------------------------------------------------------------------------


def ahp(tau_m: float, tau_ahp: float) -> AHPParams:
    """An AHP neuron whose spikes each lower the potential by `JUMP` thresholds."""
    return AHPParams(tau_m, tau_ahp).with_jump(JUMP)


def alif(tau_m: float, tau_a: float) -> ALIFParams:
    """An ALIF neuron whose spikes raise the threshold by as much."""
    return ALIFParams(tau_m, tau_a, beta=JUMP)


def slow_current(c: Config) -> pd.DataFrame:
    """An AHP neuron whose input drifts slowly: input, its low-passed form, and the AHP current with its sign changed.

    All in units of the constant current that just reaches the threshold.
    """
    p = ahp(20.0, 700.0)
    g = numpy_generator(c.seed, "slowly drifting input")
    keep = math.exp(-1 / 1000)
    drift, noise = np.zeros(c.steps), g.standard_normal(c.steps)
    for t in range(1, c.steps):
        drift[t] = keep * drift[t - 1] + math.sqrt(1 - keep**2) * noise[t]
    current = 2.5 + drift
    low = np.zeros(c.steps)
    for t in range(1, c.steps):
        low[t] = p.rho * low[t - 1] + (1 - p.rho) * current[t]
    rheobase = (1 - p.alpha) * p.v_th

    def step(now: Tensor, state: Any) -> tuple[Tensor, Any]:
        z, state = ahp_step(now, state, p)
        return torch.stack([z, state.a]), state

    found, _ = unroll(step, torch.from_numpy(rheobase * current)[:, None, None], ahp_rest(torch.zeros(1, 1, dtype=torch.float64)))
    z, a = found[:, :, 0, 0].T.numpy()
    return pd.DataFrame({"time": np.arange(c.steps), "input": current, "low_passed": low, "ahp": -a / rheobase, "spike": z})


def off_equation(slow: pd.DataFrame) -> float:
    """How far the AHP current of that neuron is from the slide's equation, relative to what one spike adds."""
    p, a, z = ahp(20.0, 700.0), -slow["ahp"].to_numpy() * (1 - math.exp(-1 / 20)), slow["spike"].to_numpy()
    decay = math.exp(-1 / 700)
    jump = (1 - decay) * p.beta
    return float(np.abs(a[1:] - (decay * a[:-1] - jump * z[1:])).max() / jump)


def probe(params: Any, delay: int, strong: bool) -> float:
    """Spikes that answer a probe of 100 steps, ``delay`` steps after 300 steps of strong input, or of none."""
    gain = 1 - params.alpha
    current = torch.cat([torch.full((300,), 4.0 * strong), torch.zeros(delay), torch.full((100,), 3.0)]) * gain
    weights = Weights(torch.ones(1, 1), torch.zeros(1, 1), torch.zeros(0, 1))
    activity = run_network(current[:, None, None], weights, [Population(1, params)], ReadoutParams())
    return float(activity.z[-100:].sum())


def probes(c: Config) -> pd.DataFrame:
    """How many spikes less a neuron answers after strong input than after none, against the delay."""
    neurons: dict[str, Any] = {"LIF": LIFParams(reset_to_zero=True), "ALIF": alif(20.0, 700.0), "AHP": ahp(20.0, 700.0)}
    table = [
        {"neuron": name, "delay": delay, "fewer": probe(p, delay, False) - probe(p, delay, True)}
        for name, p in neurons.items()
        for delay in c.delays
    ]
    return pd.DataFrame(table)


# --- Networks -----------------------------------------------------------------------------------------------------------------------


class Form(NamedTuple):
    """How a digit reaches the network: inputs, steps in all, steps at the end over which its readouts are averaged, and the code."""

    inputs: int
    steps: int
    read: int
    encode: Callable[[np.ndarray], Tensor]


FORMS = {
    "rows": Form(28, 28, 1, rows),
    "grid14": Form(INPUTS, 14 * 14 + 14, 14, lambda images: threshold_code(halved(images), cue=14)),
    "full": Form(INPUTS, 28 * 28 + CUE, 1, threshold_code),
}
COMPARED = ("lif", "alif", "ahp", "lstm")
KINDS = (*COMPARED, "chip")  # chip: as ahp, with the chip's constants, 8-bit weights and few connections
NEURONS, SLOW = 240, 100  # as in the network that ran on Loihi, in which 100 neurons have an AHP current
FULL = 840  # its steps: time constants of shorter forms are shorter in proportion, but not below two steps
READ, CHIP_READ = 20.0, 60.0  # time constants of readouts [ms]; on the chip about as long as it is asked, since only the last step is read
CONNECTIVITY, RATE, RATE_COST = 0.2, 0.02, 0.03  # of the chip's network: share of connections, spikes per step, what other rates cost
EXACT = Recipe(6, weight_decay=0.0, bfloat16=False)
RECIPES = {  # rates, and RATE_COST, chosen by the accuracy on held-out images in short trainings
    "rows": replace(EXACT, epochs=10, peak_rate=0.05),
    "grid14": replace(EXACT, peak_rate=0.1),
}
SPIKING = replace(EXACT, epochs=24, batch=32, peak_rate=0.015, warmup=0.05)
FULL_RECIPES = {  # of the full length; an epoch takes an LSTM network far longer
    **dict.fromkeys(("lif", "alif", "ahp"), SPIKING), "chip": replace(SPIKING, epochs=72, cycles=3),
    "lstm": replace(EXACT, epochs=2, batch=64, peak_rate=0.03),
}  # fmt: skip
HELD_OUT = 5000  # the last training images


def populations(kind: str, steps: int) -> list[Population]:
    """LIF neurons, or LIF neurons and slow ones; with the published time constants of 20 and 700 ms, scaled to the number of steps."""
    tau_m, slow = max(2.0, 20.0 * steps / FULL), 700.0 * steps / FULL
    plain = LIFParams(tau_m, reset_to_zero=True)
    if kind == "lif":
        return [Population(NEURONS, plain)]
    found: list[tuple[int, Any]] = [(NEURONS - SLOW, plain), (SLOW, alif(tau_m, slow) if kind == "alif" else ahp(tau_m, slow))]
    return [Population(size, in_force(registers(p)) if kind == "chip" else p) for size, p in found]


class OnGrid(nn.Module):
    """Weights as the chip has them; ``whole_range``: the largest one uses the whole range, since the common scale does not matter."""

    def __init__(self, whole_range: bool):
        super().__init__()
        self.whole_range = whole_range

    def forward(self, w: Float[Tensor, "post pre"]) -> Float[Tensor, "post pre"]:
        return on_grid(w, step_size(w)) if self.whole_range else on_grid(w)


class DigitClassifier(nn.Module):
    """A recurrent network that gives, for images, its mean readout while it is asked."""

    def __init__(self, network: nn.Module, form: Form, rewire: DeepR | None = None):
        super().__init__()
        self.network, self.form, self.rewire = network, form, rewire

    def answer(self, images: Tensor) -> tuple[Float[Tensor, "batch digit"], Tensor | None]:
        """The mean readout, and the spikes, if the network has any."""
        found = self.network(self.form.encode(images.numpy()).to(next(self.parameters()).dtype))
        y, z = (found.y, found.z) if isinstance(found, Activity) else (found, None)
        return y[-self.form.read :].mean(0), z

    def forward(self, images: Tensor) -> Float[Tensor, "batch digit"]:
        return self.answer(images)[0]


def sparse_loss(classifier: nn.Module, images: Tensor, labels: Tensor, done: float) -> Float[Tensor, ""]:
    """Cross-entropy, and what firing rates other than `RATE` cost."""
    assert isinstance(classifier, DigitClassifier)
    y, z = classifier.answer(images)
    assert z is not None
    return F.cross_entropy(y, labels) + RATE_COST * rate_cost(z, RATE, RATE)


def lstm_units(inputs: int, parameters: int) -> int:
    """The most units with which an LSTM network has no more than so many parameters."""

    def count(units: int) -> int:
        return 4 * units * (inputs + units + 2) + 10 * (units + 1)

    return max(units for units in range(1, 1000) if count(units) <= parameters)


def time_of_readouts(kind: str, steps: int) -> float:
    """Their time constant."""
    return max(2.0, (CHIP_READ if kind == "chip" else READ) * steps / FULL)


def constants(kind: str, form: str) -> dict[str, float]:
    """What makes a training what it is, beside its recipe: steps, and of spiking networks the neurons, and what rates cost."""
    steps = FORMS[form].steps
    found: dict[str, float] = {"steps": steps, "read": FORMS[form].read}
    if kind != "lstm":
        found["tau_out"] = time_of_readouts(kind, steps)
        for k, (size, p) in enumerate(populations(kind, steps), 1):
            found |= {f"{name}_{k}": value for name, value in ({"neurons": size} | asdict(p)).items()}
    return rounded(found | ({"connectivity": CONNECTIVITY, "rate": RATE, "rate_cost": RATE_COST} if kind == "chip" else {}))


def digit_classifier(kind: str, form: str, seed: int) -> DigitClassifier:
    """A network with fresh weights; the LSTM network has as many parameters as the spiking ones, or a few less."""
    f = FORMS[form]
    with seeded_draws(seed, f"{kind} on {form}"):
        readout = ReadoutParams(time_of_readouts(kind, f.steps))
        spiking = RecurrentNetwork(
            f.inputs, populations("lif" if kind == "lstm" else kind, f.steps), 10, readout,
            torch_generator(seed, f"weights of {kind} on {form}"), (4.0, 1.0),
        )  # fmt: skip
        if kind == "chip":
            names = ("w_in", "w_rec", "w_out")
            rewire = DeepR(spiking, names, CONNECTIVITY, torch_generator(seed, f"connections of {kind} on {form}"))
            for name in names:
                parametrize.register_parametrization(spiking, name, OnGrid(whole_range=name == "w_out"))
            return DigitClassifier(spiking, f, rewire)
        if kind != "lstm":
            return DigitClassifier(spiking, f)
        units = lstm_units(f.inputs, sum(p.numel() for p in spiking.parameters()))
        return DigitClassifier(LSTMNetwork(f.inputs, units, 10, f.steps), f)


def on_chip(classifier: DigitClassifier) -> Network:
    """The network as it lies on the chip; its answer is the output neuron with the largest potential at the end."""
    network = classifier.network
    assert isinstance(network, RecurrentNetwork)
    return to_chip(*network.weights(), network.populations, network.readout)


def recipe(kind: str, form: str) -> Recipe:
    """How a kind of network is trained for a form: in the short forms all alike."""
    return FULL_RECIPES[kind] if form == "full" else RECIPES[form]


def train_digits(kind: str, form: str, seed: int = 0) -> dict[str, Any]:
    """Train one network, as `train_or_read_classifier` does."""

    def prepare() -> Job:
        parts = {part: (torch.from_numpy(np.array(images)), torch.from_numpy(labels)) for part, (images, labels) in read_mnist().items()}
        network = digit_classifier(kind, form, seed)
        options = {"loss": sparse_loss, "after_step": network.rewire} if kind == "chip" else {}
        return Job(network, parts | held_out(*parts["train"], HELD_OUT), options, "MNIST")

    name, words = f"memory_{kind}_{form}_{seed}", f"snncore.experiments memory --train {kind} --form {form}"
    return train_or_read_classifier(name, words, recipe(kind, form), seed, prepare, constants(kind, form))


def recorded(kind: str) -> DigitClassifier:
    """The network of the full length with its recorded weights."""
    return load_checkpoint(f"memory_{kind}_full_0", digit_classifier(kind, "full", 0), constants(kind, "full"))


def gains(record: Record, seeds: int, seed: int) -> pd.DataFrame:
    """Train all kinds on both forms, with so many seeds: accuracy of each, and what slow currents gain."""
    found = [
        {"form": form, "kind": kind, "seed": s, "accuracy": 100 * about["test_accuracy"], "parameters": about["parameters"]}
        for form in ("rows", "grid14")
        for kind in COMPARED
        for s in range(seed, seed + seeds)
        for about in [train_digits(kind, form, s)]
    ]
    table = pd.DataFrame(found)
    for form, rows_ in table.groupby("form"):
        by = rows_.groupby("kind")["accuracy"]
        spread = max(by.std()[["ahp", "lif"]])
        gain = by.mean()["ahp"] - by.mean()["lif"]
        record.claim(f"mem.{form}.ahp_over_lif", gain / spread, dataset="MNIST test", n=10_000, seeds=seeds)
        for kind in COMPARED:
            low, high = by.min()[kind], by.max()[kind]
            record.claim(f"mem.{form}.{kind}", by.mean()[kind], low=low, high=high, dataset="MNIST test", n=10_000, seeds=seeds)
    return table


def full_length(record: Record) -> None:
    """Networks of the full length, with their recorded weights, about all test images: LSTM; the spiking one in floats and on the chip."""
    test = read_mnist()["test"]
    images, n = torch.from_numpy(np.array(test.images)), len(test.labels)
    network = recorded("chip")
    chosen = answers(network, images).argmax(1).numpy()
    emulated = loihi.replay(on_chip(network), test.images, input_lag=0)
    by_lstm = answers(recorded("lstm"), images).argmax(1).numpy()
    right, right_on_chip, right_lstm = (100 * float((found == test.labels).mean()) for found in (chosen, emulated.answers, by_lstm))
    where: dict[str, Any] = {"dataset": "MNIST test", "n": n, "seeds": 1}
    record.claim("mem.smnist.ahp", right, **where)
    record.claim("mem.smnist.lstm", right_lstm, **where)
    record.claim("mem.smnist.gap", right_lstm - right, **where)
    record.claim("mem.smnist.emulator_gap", right - right_on_chip, **where)
    record.claim("mem.smnist.agreement", 100 * float((chosen == emulated.answers).mean()), **where)
    in_double = answers(deepcopy(network).double(), images).argmax(1).numpy()
    record.claim("mem.smnist.agreement.double", 100 * float((chosen == in_double).mean()), **where)
    record.claim("mem.smnist.spikes", float(emulated.events.spikes[:, :NEURONS].sum(1).mean()), **where)


def curves() -> pd.DataFrame:
    """Accuracy on held-out images [%] after each epoch of the recorded trainings."""
    rows = [
        dict(zip(("kind", "form", "seed"), name.split("_")[1:], strict=True)) | {"epoch": row["epoch"], "accuracy": 100 * row["held_out"]}
        for name, about in accounts("memory_").items()
        for row in about["log"]
    ]
    return pd.DataFrame(rows)


class Result(NamedTuple):
    """What the chapter draws."""

    slow: pd.DataFrame
    probes: pd.DataFrame
    curves: pd.DataFrame


def run(c: Config, record: Record) -> Result:
    """One neuron's memory; with seeds, also the trainings."""
    slow, probed = slow_current(c), probes(c)
    settled = slow["time"] > c.steps // 5
    record.value("correlation_input", float(slow[settled]["ahp"].corr(slow[settled]["input"])), "{:.2f}")
    record.value("correlation_low", float(slow[settled]["ahp"].corr(slow[settled]["low_passed"])), "{:.2f}")
    record.value("spikes", int(slow[settled]["spike"].sum()))
    record.value("steps", c.steps, "{:,}")
    off = off_equation(slow)
    record.verdict("mem.ahp.equation", off < 1e-9, dataset="each step of one neuron, in double precision", n=c.steps)
    record.value("off_equation", off, "{:.0e}")
    record.value("jump", JUMP)
    record.value("connectivity", 100 * CONNECTIVITY, "{:.0f} %")
    record.value("rate", 100 * RATE, "{:.0f} %")
    record.value("readout", READ, "{:.0f} ms")
    record.value("chip_readout", CHIP_READ, "{:.0f} ms")
    longest = probed[probed["delay"] == max(c.delays)].set_index("neuron")["fewer"]
    record.value("longest_delay", max(c.delays), "{:,}")
    for name in ("LIF", "ALIF", "AHP"):
        record.value(f"fewer_{name}", float(longest[name]), "{:.0f}")
    if c.seeds:
        gains(record, c.seeds, c.seed)
        full_length(record)
    for kind in ("chip", "lstm"):
        about = about_checkpoint(f"memory_{kind}_full_0")
        record.value(f"{kind}_epochs", about["recipe"]["epochs"])
        record.value(f"{kind}_minutes", about["seconds"] / 60, "{:.0f}")
        record.value(f"{kind}_machine", about["machine"])
        record.value(f"{kind}_cycles", about["recipe"]["cycles"])
    return Result(slow, probed, curves())


def options(parser: argparse.ArgumentParser) -> None:
    """The words of the command that trains."""
    parser.add_argument("--train", choices=KINDS, help="train one network on MNIST")
    parser.add_argument("--form", choices=FORMS, default="rows", help="how digits are shown to it")


def command(given: argparse.Namespace) -> bool:
    """Train, if that is asked for."""
    if given.train is None:
        return False
    about = train_digits(given.train, given.form, given.seed)
    print(f"accuracy on the test images: {100 * about['test_accuracy']:.2f} %")
    return True
