"""``python -m snncore.trainings --help`` lists the commands."""

from snncore.commandline import main

if __name__ == "__main__":
    main(__package__)
