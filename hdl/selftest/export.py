"""A self-test around a population, as one Verilog text."""

from collections.abc import Collection
from dataclasses import replace

from qlif.hdl.interface import Kind, SelfTested
from qlif.hdl.ports import SELF_TEST_PORTS, SHARED_PORTS, STALL_RATE_BITS
from qlif.hdl.selftest.block import SelfTest
from qlif.hdl.verilog import GENERATED, Export, commented, port_line
from qlif.hdl.verilog_text import verilog_text
from qlif.model.selftest.plan import SIGNATURE_BITS, TIMESTEP_BITS, SelfTestPlan

SELF_TEST_MODULE = "qlif_self_test"
BOARD_MODULE = "qlif_self_test_board"


def export_self_test(
    population: Export,
    plan: SelfTestPlan,
    observed: bool = False,
    handed_through: Collection[str] = (),
    shared: bool = False,
) -> Export:
    """Return a self-test and the population in it as Verilog, with its interface.

    Parameters
    ----------
    population : Export
        Any Verilog with the ports of an exported population.
    plan : SelfTestPlan
        Which stimulus it gets.
    observed : bool
        Whether the population's output streams can be looked at from outside: for simulation.
    handed_through : collection of str
        Inputs of the population that aren't in the port contract, and come from outside.
    shared : bool
        Whether the population's streams are ports too, for others to use while no run is in progress.
    """
    inner = population.interface
    block = SelfTest(plan, inner, observed, handed_through, shared)
    ports = SHARED_PORTS if shared else SELF_TEST_PORTS
    lent = [port for port in inner.ports if port.name in block.lent]
    handed = [port for port in inner.ports if port.name in block.handed]
    watched = [replace(port, direction="output") for port in inner.ports if port.name in block.watched]
    signals = [
        *(getattr(block, port.name) for port in ports),
        *block.handed.values(),
        *block.watched.values(),
        *block.lent.values(),
    ]
    body = verilog_text(block, SELF_TEST_MODULE, signals)
    header = [
        f"{SELF_TEST_MODULE}: self-test around {inner.module} (below), stimulus seed {plan.seed}",
        "",
        f"{GENERATED} One clock (clk), one synchronous reset (rst, active high).",
        "Each run of as many timesteps ends with the same signature, which the golden model knows.",
        "",
        *map(port_line, ports),
    ]
    interface = replace(
        inner,
        module=SELF_TEST_MODULE,
        kind=Kind.SELF_TEST,
        streams=(),
        signals=(*ports, *handed, *watched, *lent),
        tested=SelfTested(inner.module, inner.ports, plan.seed),
    )
    return Export(f"{commented(header)}\n{body}\n{population.verilog}", interface)


def with_expected(export: Export, timesteps: int, signature: int) -> Export:
    """Return an exported self-test whose interface tells the golden model's signature after a run."""
    interface = export.interface
    assert interface.tested is not None
    tested = replace(interface.tested, expected=(timesteps, signature))
    return Export(export.verilog, replace(interface, tested=tested))


def board_top(timesteps: int, signature: int) -> str:
    """Return a Verilog module with few pins around the self-test: it runs once and says whether it passed.

    Its parameter ``STALLS`` says in how many of 256 clocks each stream pauses.

    Parameters
    ----------
    timesteps : int
        How long it runs.
    signature : int
        What the golden model has after that.
    """
    return f"""\
// {BOARD_MODULE}: {SELF_TEST_MODULE} for {timesteps} timesteps, for a board: a button and two lamps.
// {GENERATED}
module {BOARD_MODULE} #(parameter [{STALL_RATE_BITS - 1}:0] STALLS = 0)
  (input clk, input rst, input start, output reg done, output reg passed);
  wire finished;
  wire [{2 * SIGNATURE_BITS - 1}:0] signature;
  wire [{TIMESTEP_BITS - 1}:0] timestep;
  {SELF_TEST_MODULE} self_test(
    .clk(clk), .rst(rst), .start(start), .timesteps({TIMESTEP_BITS}'d{timesteps}), .stalls(STALLS),
    .done(finished), .timestep(timestep), .signature(signature)
  );
  // Both in the same clock: whoever waits for `done` may look at `passed`.
  always @(posedge clk)
    if (rst) {{done, passed}} <= 2'b00;
    else {{done, passed}} <= {{finished, finished && signature == {2 * SIGNATURE_BITS}'h{signature:032x}}};
endmodule
"""
