"""``python book/_tools ACTION``: Python finds what lies here, whatever PYTHONSAFEPATH says."""

import os
import sys

if __name__ == "__main__":
    try:
        from tools import command

        command()
    except KeyboardInterrupt:
        print("\nstopped; complete chapters are kept: run the same command to go on", file=sys.stderr, flush=True)
        sys.stdout.flush()
        os._exit(130)  # kernels end by themselves when this process is gone; waiting for their threads would not end
