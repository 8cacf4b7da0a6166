"""A home that can't be written, or none: caches go elsewhere."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
from qlif.model.support import caches
caches.settle()
import matplotlib, numba, amaranth._toolchain.yosys, os
from pathlib import Path
print(caches.folder(), os.environ["XDG_CACHE_HOME"], matplotlib.get_configdir(), numba.config.CACHE_DIR, sep="\\n")
"""


@pytest.mark.parametrize("home", ["/proc/nohome", "/dev/null"])
def test_everything_is_kept_among_the_temporary_files(home, tmp_path):
    unset = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "MPLCONFIGDIR", "NUMBA_CACHE_DIR", "YOWASP_CACHE_DIR")
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    environment |= {"HOME": home, "TMPDIR": str(tmp_path)}
    said = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True)
    assert said.stderr == ""
    for line in said.stdout.splitlines():
        assert line.startswith(f"{tmp_path}/qlif-cache-{os.getuid()}"), line


def test_what_can_be_written_stays_where_it_is(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    program = "from qlif.model.support import caches; caches.settle(); import os; print(*sorted(os.environ))"
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)}
    said = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert "XDG_CACHE_HOME" not in said.stdout and "MPLCONFIGDIR" not in said.stdout
