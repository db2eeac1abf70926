"""Fused twins of hot loops: arrays and floats in and out, each tested equal to the plain form."""
