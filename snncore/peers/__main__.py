"""``python -m snncore.peers --help`` lists the commands."""

from snncore.commandline import main

if __name__ == "__main__":
    main(__package__)
