"""The golden step in VHDL, simulated by GHDL, is the golden step."""

import shutil
import subprocess

import numpy as np
import pytest

from qlif.cosim.golden.vhdl import PACKAGE, vhdl_text
from qlif.model.golden import step as datapath
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS, preset
from qlif.model.quantisation import quantise

pytestmark = pytest.mark.skipif(shutil.which("ghdl") is None, reason="GHDL isn't installed")

UPDATES = 300


def bits(word, width):
    return f"{int(word) & ((1 << width) - 1):0{width}b}"


def bench_of(words):
    """Return a testbench that reads updates as bits and writes what follows from each."""
    names = [*words.kept_formats, "current", *(["random"] if words.arithmetic.rounding.stochastic else [])]
    place, given = 0, []
    total = sum(words.formats[name].width for name in names)
    for name in names:
        format = words.formats[name]
        kind = "signed" if format.signed else "unsigned"
        given.append(f"{name} => {kind}(word({total - place - 1} downto {total - place - format.width}))")
        place += format.width
    outputs = " & ".join(f"to_string(std_logic_vector(after_it.{name}))" for name in words.kept_formats)
    return f"""
library ieee; use ieee.std_logic_1164.all; use ieee.numeric_std.all; use std.textio.all; use work.{PACKAGE}.all;
entity tb is end entity;
architecture a of tb is begin
  process
    file given : text open read_mode is "given.txt";
    file made : text open write_mode is "made.txt";
    variable from_file, to_file : line;
    variable word : std_logic_vector({total - 1} downto 0);
    variable after_it : after_t;
  begin
    while not endfile(given) loop
      readline(given, from_file);
      read(from_file, word);
      after_it := step({", ".join(given)});
      write(to_file, to_string(after_it.spike) & {outputs});
      writeline(made, to_file);
    end loop;
    wait;
  end process;
end architecture;
"""


def simulated(words, text, given, directory):
    (directory / "step.vhd").write_text(text)
    (directory / "tb.vhd").write_text(bench_of(words))
    (directory / "given.txt").write_text("".join(f"{line}\n" for line in given))
    for command in (
        ["-a", "--std=08", "step.vhd", "tb.vhd"],
        ["-e", "--std=08", "tb"],
        ["-r", "--std=08", "tb"],
    ):
        done = subprocess.run(["ghdl", *command], cwd=directory, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    return (directory / "made.txt").read_text().split()


def updates(words):
    """Yield random updates from any state: what is given, and what the golden step makes of it."""
    random = np.random.default_rng(1)
    formats = words.formats
    names = [*words.kept_formats, "current", *(["random"] if words.arithmetic.rounding.stochastic else [])]
    for number in range(UPDATES):
        given = {
            name: int(random.integers(formats[name].min_word, formats[name].max_word, endpoint=True))
            for name in names
        }
        if number % 2:
            given["refractory"] = 0
        state = datapath.State(
            given["potential"], given["refractory"], given.get("trace", 0), given.get("phase", 0)
        )
        after, spike = datapath.step(
            words, words.values, state, given["current"], given.get("random", 0), datapath.where_integer
        )
        kept = "".join(bits(getattr(after, name), formats[name].width) for name in words.kept_formats)
        yield "".join(bits(given[name], formats[name].width) for name in names), f"{int(spike)}{kept}"


@pytest.mark.parametrize("name", PRESETS)
def test_the_function_is_the_golden_step(name, tmp_path):
    words = quantise(Parameters(n=1), preset(name))
    given, expected = zip(*updates(words), strict=True)
    assert simulated(words, vhdl_text(words, name), given, tmp_path) == list(expected)


def test_the_function_with_phases_is_the_golden_step(tmp_path):
    words = quantise(Parameters(n=1), preset("square-16").replace(phase_bits=2))
    given, expected = zip(*updates(words), strict=True)
    assert simulated(words, vhdl_text(words, "square-16"), given, tmp_path) == list(expected)


def test_a_wrong_function_is_seen(tmp_path):
    words = quantise(Parameters(n=1, spike_trace=False), preset("square-16"))
    given, expected = zip(*updates(words), strict=True)
    text = vhdl_text(words, "square-16").replace(
        "result.potential := signed(low_bits(", "result.potential := not signed(low_bits("
    )
    assert simulated(words, text, given, tmp_path) != list(expected)
