"""``python -m snncore.trainings --help`` lists the commands."""

import snncore.trainings
from snncore.commandline import main

if __name__ == "__main__":
    main(snncore.trainings)
