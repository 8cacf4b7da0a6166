"""Tools in WebAssembly compile themselves on their first run, which takes a processor a minute.

Several that start at once would each do it: so the first run is a short one, and whoever comes next waits for it.
"""

from collections.abc import Sequence

from filelock import FileLock

from qlif.model.support import caches, process

_LONGEST_SECONDS = 3600.0


def prepare(name: str, command: Sequence[str]) -> None:
    """Run a command if it hasn't been run on this machine; without a place for what is kept, don't.

    Parameters
    ----------
    name : str
        The tool and its version, as the name of a file.
    command : sequence of str
        A short run of it. If that fails, so will the run that is to come, and it says why.
    """
    place = caches.folder()
    if place is None or (done := place / f"{name}.prepared").exists():
        return
    with FileLock(done.with_suffix(".lock")):
        if done.exists():
            return
        try:
            ended = process.run(command, what=name, seconds=_LONGEST_SECONDS)
        except process.TimedOut:
            return
        if ended.code == 0:
            done.touch()
