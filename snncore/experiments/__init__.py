"""One experiment per chapter: ``Config`` with the presets smoke, book and paper, and ``run(config) -> Result``."""

PRESETS = ("smoke", "book", "paper")
