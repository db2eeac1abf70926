r"""Neurons of published e-prop codes in the convention of this package, for steps of 1 ms.

The same neuron is written in several ways. Ours is v(t) = alpha v(t-1) + I(t) - v_th z(t-1), with b(t) = rho b(t-1) + z(t-1) in
v_th + beta b(t). Others add to v and b:

- ``light`` (LightLIF, LightALIF: patterns, recall): (1 - alpha) I(t) and (1 - rho) z(t-1), so that our constants are v_th / (1 - alpha) and
  beta (1 - rho) / (1 - alpha);
- ``elig`` (EligALIF: accumulated evidence; NEST's): I(t) and z(t-1), as ours.

In both, ``n_ref`` steps of refractoriness count the step of the spike, ours do not. The pseudo-derivative of LightALIF is as wide as the
threshold in force, ours as wide as v_th. LSNN-official lets a neuron fire one step after its potential has crossed the threshold: no
constants make up for that.

Source: github.com/IGITUGraz/eligibility_propagation and LSNN-official; codes of G. Bellec et al., Nature Communications 11, 3625 (2020).
"""

import math

from snncore.neurons.alif import ALIFParams
from snncore.neurons.lif import LIFParams


def lif(convention: str, tau_m: float, thr: float, n_ref: int = 0, dampening: float = 0.3) -> LIFParams:
    """LIF neurons with the constants of a published code."""
    return LIFParams(tau_m, thr / _gain(convention, tau_m), n_refractory=max(0, n_ref - 1), dampening=dampening)


def alif(convention: str, tau_m: float, tau_a: float, thr: float, beta: float, n_ref: int = 0, dampening: float = 0.3) -> ALIFParams:
    """ALIF neurons with the constants of a published code."""
    gain = _gain(convention, tau_m)
    return ALIFParams(tau_m, tau_a, beta * _gain(convention, tau_a) / gain, thr / gain, max(0, n_ref - 1), dampening)


def _gain(convention: str, tau: float) -> float:
    """Factor of the current in the potential, or of a spike in the adaptation, whose time constant [ms] is tau."""
    if convention not in ("light", "elig"):
        raise ValueError(f"convention is {convention!r}: choose light or elig")
    return 1 - math.exp(-1 / tau) if convention == "light" else 1.0
