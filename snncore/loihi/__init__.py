"""Loihi, the chip, in integers."""
