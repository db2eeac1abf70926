"""Take a training into ``data/checkpoints``: ``python -m snncore.trainings keep --training one_shot_3``."""

from snncore.networks.checkpoints import keep as command

__all__ = ["command"]
