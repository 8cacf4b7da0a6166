"""A core that truncates and wraps inside is compared bit for bit, where each narrower result is said."""

import json
from pathlib import Path

import pytest

from qlif.cosim.configuration import Settings
from qlif.cosim.mapping.read import read_map
from qlif.model.rounding import Rounding

CORE = Path(__file__).parents[3] / "examples" / "cores" / "truncating"


def mismatches(qlif, tmp_path, text, *options):
    (tmp_path / "neuron.toml").write_text(text)
    arguments = ("--params", tmp_path / "neuron.toml", "--map", CORE / "core.toml", "--json")
    code, output, errors = qlif("cosim", *arguments, "--input", "ou:mean=6,sd=3", "--steps", 500, *options)
    found = json.loads(output)["mismatches"]
    assert code == int(found > 0), errors
    return found


@pytest.mark.slow
def test_said_as_it_is_the_core_is_the_golden_model(qlif, tmp_path):
    # The further benches go to both ends of the current, where the results inside wrap.
    assert mismatches(qlif, tmp_path, (CORE / "neuron.toml").read_text(), "--thorough") == 0


@pytest.mark.slow
def test_without_what_it_cuts_off_the_core_is_another(qlif, tmp_path):
    # With one of the two alone left exact, the truncated sum is still the same.
    lines = (CORE / "neuron.toml").read_text().splitlines()
    text = "\n".join(line for line in lines if not line.startswith(("quadratic", "drive")))
    assert mismatches(qlif, tmp_path, text) > 0


@pytest.mark.slow
def test_a_core_in_the_style_of_published_work_is_the_golden_model(qlif, tmp_path):
    folder = CORE.with_name("published")
    core_map, text = read_map(folder / "core.toml"), (folder / "neuron.toml").read_text()
    configuration = Settings.read(None, folder / "neuron.toml").population(1)
    arithmetic = configuration.arithmetic
    assert str(arithmetic.potential) == "SQ(5,15)" and arithmetic.rounding == Rounding.TRN
    assert core_map.reset is None and {"spike", "trace"} <= set(core_map.absent(configuration.words))
    (tmp_path / "neuron.toml").write_text(text)
    files = ("--params", tmp_path / "neuron.toml", "--map", folder / "core.toml", "--json")
    arguments = (*files, "--input", "ou:mean=30,sd=5", "--steps", 300)
    code, output, errors = qlif("cosim", *arguments)
    facts = json.loads(output)
    assert code == 0 and facts["mismatches"] == 0 and facts["updates"] == 300, errors
    assert {"spike", "trace"} <= set(facts["not_compared"]) and facts["spikes_golden"] > 0
    # Rounded to nearest inside it would be another neuron.
    (tmp_path / "neuron.toml").write_text(text.replace('product = "SQ(5,15) TRN', 'product = "SQ(5,15) RND'))
    code, output, errors = qlif("cosim", *arguments)
    assert code == 1 and json.loads(output)["mismatches"] > 0, errors
