"""What Windows doesn't have is needed by no import."""

import subprocess
import sys

PROGRAM = """
import importlib.abc, inspect, os, pkgutil, signal, sys

# These have looked at the system before, as they would on Windows with other outcomes.
import asyncio, filelock, multiprocessing, numba, psutil, subprocess, tempfile
from importlib import import_module

ABSENT = {"fcntl", "resource", "termios", "pwd", "grp", "pty", "tty", "posix", "crypt", "syslog"}
FEATURES = {
    os: ("sched_getaffinity", "sched_setaffinity", "killpg", "setsid", "setpgid", "getpgid", "getuid", "geteuid",
         "fork", "uname", "getloadavg", "sysconf", "mkfifo", "statvfs"),
    signal: ("SIGHUP", "SIGKILL", "SIGCHLD", "SIGPIPE", "SIGALRM", "SIGUSR1", "SIGXFSZ", "setitimer",
             "pthread_sigmask"),
}


class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in ABSENT:
            asker = next(
                frame.filename for frame in inspect.stack()[1:] if not frame.filename.startswith("<frozen")
            )
            if "/qlif/" in asker:
                raise ModuleNotFoundError(name)
        return None


class Importer:
    def __init__(self, found):
        self.found = found


for name in ABSENT:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Absent())
for module, names in FEATURES.items():
    for name in names:
        if hasattr(module, name):
            delattr(module, name)

import qlif
failed = []
for found in pkgutil.walk_packages(qlif.__path__, "qlif."):
    if found.name.rpartition(".")[2] == "__main__":
        continue
    try:
        import_module(found.name)
    except Exception as error:
        failed.append(f"{found.name}: {type(error).__name__}: {error}")
print(len([name for name in sys.modules if name.startswith("qlif.")]))
print("\\n".join(failed))
"""


def test_every_module_can_be_imported_without_what_windows_lacks():
    answer = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    count, _, failed = answer.stdout.partition("\n")
    assert failed.strip() == "", answer.stderr
    assert int(count) > 200
