"""The command ``qlif``, also as ``python -m qlif``: its own modules come first, whatever lies around.

A ``random.py`` in the current directory, or in a directory that PYTHONPATH names, is not the standard library's.
"""

import os
import sys


def main() -> None:
    """Run the command; the console script's entry point."""
    # Worker processes are given the path as it is here.
    _put_last(os.environ.pop("PYTHONPATH", "").split(os.pathsep))
    from qlif.cosim.cli import main as run

    run()


def _put_last(folders: list[str]) -> None:
    """Take the current directory off the path of modules, and put folders behind what is installed."""
    here, last = os.path.realpath(os.curdir), [os.path.realpath(folder) for folder in folders if folder]
    found = {entry: os.path.realpath(entry) for entry in sys.path}
    sys.path[:] = [entry for entry in sys.path if entry and found[entry] not in (here, *last)]
    sys.path += [folder for folder in last if folder != here]


if __name__ == "__main__":
    main()
