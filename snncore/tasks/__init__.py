"""Tasks: what a network is shown and what it should answer."""
