"""``python book/_tools ACTION``: Python finds what lies here, whatever PYTHONSAFEPATH says."""

from tools import command

if __name__ == "__main__":
    command()
