"""A core that truncates and wraps inside is compared bit for bit, where each narrower result is said."""

import json
from pathlib import Path

CORE = Path(__file__).parents[3] / "examples" / "cores" / "truncating"


def mismatches(qlif, tmp_path, text, *options):
    (tmp_path / "neuron.toml").write_text(text)
    arguments = ("--params", tmp_path / "neuron.toml", "--map", CORE / "core.toml", "--json")
    code, output, errors = qlif("cosim", *arguments, "--input", "ou:mean=6,sd=3", "--steps", 500, *options)
    found = json.loads(output)["mismatches"]
    assert code == int(found > 0), errors
    return found


def test_said_as_it_is_the_core_is_the_golden_model(qlif, tmp_path):
    # The further benches go to both ends of the current, where the results inside wrap.
    assert mismatches(qlif, tmp_path, (CORE / "neuron.toml").read_text(), "--thorough") == 0


def test_without_what_it_cuts_off_the_core_is_another(qlif, tmp_path):
    # With one of the two alone left exact, the truncated sum is still the same.
    lines = (CORE / "neuron.toml").read_text().splitlines()
    text = "\n".join(line for line in lines if not line.startswith(("quadratic", "drive")))
    assert mismatches(qlif, tmp_path, text) > 0
