from contextlib import nullcontext

import numpy as np
import pytest
import torch

from snncore.loihi.compartment import AHPCompartments, Compartment
from snncore.loihi.emulator import emulate
from snncore.loihi.quantize import in_force, integers, on_grid, registers, step_size, to_chip
from snncore.loihi.spec import LimitError
from snncore.networks.recurrent import Population, Weights, run_network
from snncore.neurons import AHPParams, ALIFParams, LIFParams, ReadoutParams

LIF = LIFParams(reset_to_zero=True)


def test_registers_are_the_nearest_ones():
    assert registers(LIF) == Compartment(decay_v=200, vth_mant=127)
    p = registers(AHPParams(tau_ahp=700.0, beta=8.3))
    assert (p.decay_v, p.vth_mant, p.weight_exp, p.decay_aux) == (200, 508, 2, 6)
    assert abs(p.aux_jump + 8.3 * (1 - np.exp(-1 / 700)) * 508 * 64) < 2
    for v_th in (0.4, 3.0):
        p, c = AHPParams(v_th=v_th, beta=8.3 * v_th), registers(AHPParams(v_th=v_th, beta=8.3 * v_th))
        assert c.aux_jump / c.threshold == pytest.approx(-(1 - p.rho) * 8.3, rel=0.005)


@pytest.mark.parametrize("c", [Compartment(204, 127), AHPCompartments(204, 508, weight_exp=2), AHPCompartments(50, 508, weight_exp=2)])
def test_what_is_in_force_has_these_registers(c):
    p = in_force(c)
    assert abs(p.alpha - (1 - c.decay_v / 4096)) < 1e-15
    again = registers(p)
    assert again.decay_v == c.decay_v
    if isinstance(c, AHPCompartments):
        assert abs(p.rho - (1 - c.decay_aux / 4096)) < 1e-15
        assert (again.decay_aux, again.aux_jump) == (c.decay_aux, c.aux_jump)
        assert abs((1 - p.rho) * p.beta - 384 / (508 * 64)) < 1e-12


def test_gradients_go_straight_through_the_grid():
    w = torch.linspace(-3, 3, 40, dtype=torch.float64).reshape(4, 10).requires_grad_()
    q = on_grid(w)
    assert (q * 127 - (q * 127).round()).abs().max() < 1e-12
    assert (q - w).abs()[w.abs() < 2].max() <= 0.5 / 127 + 1e-12
    assert q.max() == 255 / 127
    (q * torch.arange(10)).sum().backward()
    assert torch.equal(w.grad, torch.arange(10).double().expand(4, 10))
    assert (integers(w) == (q.detach() * 127).round().long().numpy()).all()


def spiking_network(on_chip_grid=True):
    g = torch.Generator().manual_seed(0)
    populations = [Population(14, in_force(registers(LIF))), Population(10, in_force(registers(AHPParams())))]
    w_in, w_rec, w_out = (s * torch.randn(n, m, generator=g).double() for n, m, s in ((24, 8, 0.25), (24, 24, 0.1), (3, 24, 1.0)))
    weights = Weights(on_grid(w_in), on_grid(w_rec), on_grid(w_out, step_size(w_out))) if on_chip_grid else Weights(w_in, w_rec, w_out)
    x = (torch.rand(300, 6, 8, generator=g) < 0.2).to(torch.uint8)
    return populations, weights, x


def agreement(populations, weights, x):
    float_ = run_network(x.double(), weights, populations, ReadoutParams())
    chip = emulate(to_chip(*weights, populations, ReadoutParams()), x.numpy(), input_lag=0, trace=True)
    z = torch.from_numpy(chip.z_trace[..., :24])
    assert 0.01 < float_.z.mean() < 0.4
    return float((z == float_.z).double().mean()), float_, chip


def test_the_float_network_with_the_chips_constants_fires_as_the_chip_does():
    """Only the chip's rounding of states is left; most spikes agree, and readouts are proportional. The naive mapping is worse."""
    same, float_, chip = agreement(*spiking_network())
    assert same > 0.97
    y, v = float_.y[-1].flatten(), torch.from_numpy(chip.v[:, 24:]).double().flatten()
    assert torch.corrcoef(torch.stack([y, v]))[0, 1] > 0.95
    _, weights, x = spiking_network(on_chip_grid=False)
    assert agreement([Population(14, LIF), Population(10, AHPParams())], weights, x)[0] < same  # with time constants as asked for


@pytest.mark.parametrize(("neuron", "words"), [
    (AHPParams(reset_to_zero=False), "needs reset_to_zero=True$"),
    (LIFParams(), "needs reset_to_zero=True and n_refractory=0"),
    (LIFParams(reset_to_zero=True, n_refractory=2), "needs reset_to_zero=True and n_refractory=0"),
    (ALIFParams(), "whose thresholds stay as they are"),
    (LIFParams(1e6, reset_to_zero=True), r"tau_m is too long for the chip, where at least a part of 0\.00024 decays"),
    (AHPParams(tau_ahp=1e6, beta=1e5), "tau_ahp is too long"),
    (AHPParams(tau_ahp=1e6), "less than the smallest weight: raise beta, or lower tau_ahp"),
    *((Compartment(204, 127, **more), "float neurons have neither") for more in ({"decay_u": 1000}, {"bias_mant": 1}, {"refractory": 2})),
])  # fmt: skip
def test_neurons_that_the_chip_has_not_or_floats_are_refused(neuron, words):
    with pytest.raises(ValueError, match=words):
        (in_force if isinstance(neuron, Compartment) else registers)(neuron)


def test_weights_of_other_shapes_are_refused_and_not_repeated(unchecked):
    """One row would fit all neurons by numpy's rules."""
    populations, weights, _ = spiking_network()
    for name, bad in (("w_in", weights.w_in[0]), ("w_in", weights.w_in[:1]), ("w_rec", weights.w_rec[:1]), ("w_out", weights.w_out[:, :3])):
        with pytest.raises(ValueError, match="but the populations have 24 neurons"):
            to_chip(*weights._replace(**{name: bad}), populations, ReadoutParams())


@pytest.mark.parametrize(("name", "place", "value", "words"), [
    ("w_in", (3, 5), 50.0, r"from 5 to neuron 3, is 6,350: the chip has -255 to 255, so it is beyond by 6,095"),
    ("w_rec", (7, 2), -3.0, r"from 2 to neuron 7, is -381: .* so it is beyond by 126"),
    ("w_in", (3, 5), 255.6 / 127, r"beyond by 1$"), ("w_in", (3, 5), 255.4 / 127, None),
])  # fmt: skip
def test_a_weight_that_does_not_fit_is_not_clipped_in_silence(name, place, value, words):
    populations, weights, _ = spiking_network()
    getattr(weights, name)[place] = value
    with pytest.raises(LimitError, match=words) if words else nullcontext():
        to_chip(*weights, populations, ReadoutParams())
