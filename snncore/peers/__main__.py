"""``python -m snncore.peers --help`` lists the commands."""

import snncore.peers
from snncore.commandline import main

if __name__ == "__main__":
    main(snncore.peers)
