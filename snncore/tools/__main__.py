"""``python -m snncore.tools --help`` lists the commands."""

import snncore.tools
from snncore.commandline import main

if __name__ == "__main__":
    main(snncore.tools)
