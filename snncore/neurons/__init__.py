# ruff: noqa: F401
"""Spiking neurons: each file is a model, with its equation, constants, state and step."""

from snncore.neurons.ahp import JUMP, AHPParams, ahp_step
from snncore.neurons.alif import ALIFParams, alif_step, check_trace
from snncore.neurons.brf import BRFParams, brf_step
from snncore.neurons.lif import LIFParams, lif_step
from snncore.neurons.model import rest
from snncore.neurons.readout import ReadoutParams, readout_step
