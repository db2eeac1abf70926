"""Spiking networks by conversion, by training off-chip, and by learning on-chip."""

__version__ = "0.1.0"
