r"""Neurons of published e-prop codes in the convention of this package.

The same neuron is written in several ways. Ours is v(t) = alpha v(t-1) + I(t) - v_th z(t-1), with b(t) = rho b(t-1) + z(t-1) in
v_th + beta b(t). What others have, and what makes it ours:

========  ==========================================  =====================================  ============================================
name      where                                       its potential and adaptation           in our constants
========  ==========================================  =====================================  ============================================
light     LightLIF, LightALIF: patterns, recall       (1 - alpha) I(t);  (1 - rho) z(t-1)    v_th / (1 - alpha), beta (1-rho) / (1-alpha)
elig      EligALIF: accumulated evidence; NEST's      I(t);  z(t-1)                          the same
custom    CustomALIF: TIMIT, ATARI                    as elig, given the constants of light  as light
========  ==========================================  =====================================  ============================================

In all of them, ``n_ref`` steps of refractoriness count the step of the spike, ours do not. The pseudo-derivative of LightALIF is as wide as
the threshold in force, ours as wide as v_th. LSNN-official lets a neuron fire one step after its potential has crossed the threshold: no
constants make up for that.

Source: github.com/IGITUGraz/eligibility_propagation and LSNN-official; codes of G. Bellec et al., Nature Communications 11, 3625 (2020).
"""

import math

from snncore.neurons.alif import ALIFParams
from snncore.neurons.lif import LIFParams

SCALED = {"light": True, "elig": False, "custom": True}


def lif(convention: str, tau_m: float, thr: float, n_ref: int = 0, dampening: float = 0.3, dt: float = 1.0) -> LIFParams:
    """LIF neurons with the constants of a published code.

    Raises
    ------
    ValueError
        For a convention that is not in the table.
    """
    return LIFParams(tau_m, thr / _input(convention, tau_m, dt), n_refractory=max(0, n_ref - 1), dampening=dampening, dt=dt)


def alif(
    convention: str, tau_m: float, tau_a: float, thr: float, beta: float, n_ref: int = 0, dampening: float = 0.3, dt: float = 1.0
) -> ALIFParams:
    """ALIF neurons with the constants of a published code.

    Raises
    ------
    ValueError
        For a convention that is not in the table.
    """
    scale = _input(convention, tau_m, dt)
    jump = 1 - math.exp(-dt / tau_a) if SCALED[convention] else 1.0
    return ALIFParams(tau_m, tau_a, beta * jump / scale, thr / scale, max(0, n_ref - 1), dampening, dt)


def _input(convention: str, tau_m: float, dt: float) -> float:
    """What the input current is multiplied with."""
    if convention == "lsnn":
        raise ValueError("neurons of LSNN-official fire one step after they have crossed the threshold: no constants make up for that")
    if convention not in SCALED:
        raise ValueError(f"convention is {convention!r}: choose one of {', '.join(SCALED)}")
    return 1 - math.exp(-dt / tau_m) if SCALED[convention] else 1.0
