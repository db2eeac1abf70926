"""One experiment per chapter: ``Config`` with the presets smoke, book and paper, and ``run(config, record) -> Result``,
which enters its claims, values and tables into the record and returns what the chapter's figures show."""
