"""Trainings whose weights are in ``data/checkpoints``: a file a family. ``python -m snncore.trainings --help`` lists them."""
