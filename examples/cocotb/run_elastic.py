"""Builds ../cores/elastic with cocotb's runner and plays `test_elastic.py`, or the test module that is named."""

import sys
from pathlib import Path

from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner
from test_elastic import WORDS

HERE = Path(__file__).parent
CORE = HERE.parent / "cores" / "elastic" / "core.v"
GENERICS = {
    "TH_WORD": "threshold",
    "RES_WORD": "reset",
    "LO_WORD": "lower_bound",
    "BIAS": "bias",
    "T_REF": "refractory",
}


def main(module: str = "test_elastic", core: str = str(CORE), simulator: str = "icarus") -> None:
    """Build and test; exit with 1 if the test fails."""
    runner = get_runner(simulator)
    generics = {name: WORDS.constants[word].word for name, word in GENERICS.items()}
    build = Path("sim_build").resolve()
    runner.build(sources=[core], hdl_toplevel="qlif_unit", parameters=generics, build_dir=build, always=True)
    results = runner.test(hdl_toplevel="qlif_unit", test_module=module, build_dir=build, test_dir=build)
    tests, failed = get_results(results)
    print(f"{tests} tests, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
