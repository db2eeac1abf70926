"""What the account of a recorded training has to say."""

from snncore.trainings.job import to_json


def is_of(about, words, recipe, constants):
    """Command, recipe and constants are those of the code, and the training came to its end."""
    assert about["command"] == f"python -m {words}"
    assert about["recipe"] == to_json(recipe)
    assert about.get("constants", {}) == constants
    last = about["log"][-1]
    assert (last["update"] == recipe.updates) if "update" in last else (len(about["log"]) == last["epoch"] == recipe.epochs)
