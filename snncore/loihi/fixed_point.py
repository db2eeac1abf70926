r"""Loihi's arithmetic: 24-bit states, 12-bit decays.

.. math:: D_k(x) = \operatorname{sign}(x) \lfloor |x|\, (4096 - k) / 4096 \rfloor

Source: M. Davies et al., Loihi: a neuromorphic manycore processor with on-chip learning, IEEE Micro 38(1), 82-99 (2018).
"""

import warnings

import numpy as np
from jaxtyping import Int

from snncore.loihi.spec import FULL_DECAY, STATE

Integers = Int[np.ndarray, "*shape"]


class OverflowWarning(RuntimeWarning):
    """A state left the 24 bits that the chip has for it."""


def decay(x: Integers, k: int) -> Integers:
    """A state after one step with decay register k, rounded toward zero: k = 0 keeps all, k = 4096 nothing."""
    return np.sign(x) * ((np.abs(x) * (FULL_DECAY - k)) >> 12)


def _warn(x: Integers, kept: Integers, how: str) -> Integers:
    if (over := int((x != kept).sum())) > 0:
        warnings.warn(f"{over} of {x.size} states {how}, by up to {int(np.abs(x).max()) - STATE:,}", OverflowWarning, stacklevel=3)
    return kept


def wrap(x: Integers) -> Integers:
    """24 bits of a current, in two's complement: it wraps around on overflow (and warns)."""
    return _warn(x, ((x + STATE + 1) & (2 * STATE + 1)) - STATE - 1, "wrapped around")


def clip(x: Integers) -> Integers:
    """24 bits of a potential: it stops at the largest value on overflow (and warns)."""
    return _warn(x, np.clip(x, -STATE, STATE), "were clipped")
