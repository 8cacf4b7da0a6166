"""A file of Verilator's runtime is compiled once for all kinds of builds in which it is the same."""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from qlif.cosim.simulator import find, object_cache
from qlif.model.support import caches

PROGRAM = Path(object_cache.__file__)


@pytest.fixture
def compiled(tmp_path):
    """Compile a file behind the cache; return the object's bytes, and how many are kept."""
    compiler = next(filter(None, map(shutil.which, find.COMPILERS)), None)
    if compiler is None:
        pytest.skip("no C++ compiler")
    cache, target = tmp_path / "a cache", tmp_path / "out.o"

    def run(
        *options, name="verilated_x.cpp", text="int answer() {\n#ifdef USED\nreturn 1;\n#endif\nreturn 2; }"
    ):
        (tmp_path / name).write_text(text)
        target.unlink(missing_ok=True)
        command = [compiler, *options, "-MMD", "-c", "-o", str(target), str(tmp_path / name)]
        ended = subprocess.run(
            [sys.executable, "-I", "-S", str(PROGRAM), str(cache), *command], capture_output=True, text=True
        )
        assert (ended.returncode == 0) == target.exists(), ended.stderr
        return target.read_bytes() if target.exists() else ended.stderr, len([*cache.glob("*")])

    return run


def test_a_macro_that_the_text_does_not_look_at_changes_nothing(compiled, tmp_path):
    _, count = compiled("-DVM_TRACE=0")
    assert count == 1
    (kept,) = (tmp_path / "a cache").iterdir()
    kept.write_bytes(b"kept")
    assert compiled("-DVM_TRACE=1", "-I/nowhere") == (b"kept", 1)


@pytest.mark.parametrize(
    ("options", "more"),
    [(("-DUSED",), {}), (("-O2",), {}), ((), {"text": "int answer() { return 3; }"})],
    ids=["macro", "option", "text"],
)
def test_what_decides_the_object_is_compiled_anew(compiled, tmp_path, options, more):
    compiled()
    (kept,) = (tmp_path / "a cache").iterdir()
    kept.write_bytes(b"kept")
    content, count = compiled(*options, **more)
    assert content != b"kept" and count == 2


def test_other_files_and_those_with_errors_are_not_kept(compiled):
    assert compiled(name="design.cpp")[1] == 0
    said, count = compiled(text="int answer( {")
    assert "error" in said and count == 0
    said, count = compiled(text="#error not like this\n")
    assert "not like this" in said and count == 0


@pytest.mark.skipif(caches.folder() is None, reason="nothing can be kept here")
def test_makefiles_are_told_of_it():
    told = find.find("verilator").environment["OBJCACHE"].replace("$$", "$")
    assert shlex.split(told) == [
        sys.executable, "-I", "-S", str(PROGRAM), str(caches.folder() / "objects"),
    ]  # fmt: skip
