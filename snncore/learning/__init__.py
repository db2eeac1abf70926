"""Learning: losses, training by gradient descent, and local learning rules."""
