"""Refuse impossible constants, by name."""

import math


def positive(params: object, *names: str, or_zero: bool = False) -> None:
    """Raise a ValueError that names the first attribute that is not a positive finite number (or zero), a TypeError for a tensor."""
    for name in names:
        value = getattr(params, name)
        if hasattr(value, "requires_grad"):
            raise TypeError(f"{name} is a tensor, whose gradient would be lost: give a number, and let a SpikingLayer learn time constants")
        if not (math.isfinite(value) and (value > 0 or (or_zero and value == 0))):
            raise ValueError(f"{name} is {value}: it must be a {'finite number, zero or more' if or_zero else 'positive finite number'}")
