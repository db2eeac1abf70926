"""Tasks: inputs and targets, no networks."""
