"""Compiles a file of Verilator's runtime unless the same text was compiled before; a program of its own.

``python -I -S object_cache.py FOLDER COMPILER...`` stands before the compiler in Verilator's makefiles. Kinds of
builds (with waves, with coverage, ...) differ in macros that most files of the runtime don't look at. So an object
file is kept by what decides it: the compiler, its options without macros and paths, and the preprocessed text. Other
files are just compiled.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from contextlib import suppress

_RUNTIME = "verilated"
"""With what the names of the runtime's files begin."""


def main() -> None:
    """Compile, or copy what was compiled."""
    folder, command = sys.argv[1], sys.argv[2:]
    name = os.path.basename(command[-1])  # noqa: PTH119 (importing pathlib takes longer than all the rest)
    if not (name.startswith(_RUNTIME) and name.endswith(".cpp") and "-c" in command and "-o" in command):
        os.execvp(command[0], command)
    place = command.index("-o")
    target = command[place + 1]
    options = [each for each in command[:place] + command[place + 2 :] if each not in ("-c", "-MMD", "-MP")]
    text = subprocess.run([*options, "-E"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    version = subprocess.run([command[0], "--version"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if text.returncode or version.returncode:
        os.execvp(command[0], command)  # which says why
    deciding = [each for each in options[:-1] if not each.startswith(("-D", "-I"))]
    digest = hashlib.sha256(repr(deciding).encode() + version.stdout + text.stdout)
    kept = os.path.join(folder, f"{name}-{digest.hexdigest()[:24]}.o")  # noqa: PTH118
    with suppress(OSError):
        shutil.copyfile(kept, target)
        return
    code = subprocess.run(command).returncode
    if code == 0:
        with suppress(OSError):  # a folder that can't be written, or a full disk
            os.makedirs(folder, exist_ok=True)  # noqa: PTH103
            shutil.copyfile(target, f"{kept}.{os.getpid()}")
            os.replace(f"{kept}.{os.getpid()}", kept)  # noqa: PTH105
    sys.exit(min(code, 1))


if __name__ == "__main__":
    main()
