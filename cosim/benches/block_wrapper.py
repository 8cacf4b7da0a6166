"""A wrapper that moves many samples each time Python wakes up."""

from qlif.cosim.benches.monitors import RISES_WITHIN, Rule
from qlif.hdl.interface import Interface
from qlif.hdl.ports import Stream

BLOCK_MODULE = "qlif_blocks"

ROWS = 512
"""Rows of currents in a block."""
PLACES = ROWS + 128
"""Places for what comes out meanwhile: what was under way before comes out too."""
PATIENCE = 1000
"""A block ends after this many clocks without a transfer."""
HELD_BACK = 500
"""While rules are probed, ready is held back from a stream so many clocks, if valid doesn't come."""
WATCHED = tuple(
    (name, rule)
    for name in ("updates", "events")
    for rule in (Rule.STABLE, Rule.KEPT, Rule.UNPROMPTED, Rule.KNOWN)
)
"""The streams and rules that `broken` has a clock of, the first lowest."""


def block_wrapper(interface: Interface) -> str:
    """Return Verilog for simulation: it makes the clock itself, and only while a block is under way.

    Each time that `go` changes, `rows` rows of `currents` are sent as fast as they are taken, and whatever
    comes out meanwhile is kept. `finished` changes when all are sent, when there is no place left, or when
    nothing has moved for a long time: for the last block that is how what is still under way comes out.
    No clock passes between blocks, so that the population runs at full speed across them.

    With `probe`, outputs stall at random, and ready only ever answers to valid. `broken` has, for each of
    :data:`WATCHED`, the clock in which it was broken first; 0 if it wasn't.

    Parameters
    ----------
    interface : Interface
        The population's, without run-time parameters.
    """
    current, update, event = interface.currents.width, interface.updates.width, interface.events.width
    wires = "\n".join(
        f"  wire [{port.width - 1}:0] {port.name};"
        for stream in (interface.updates, interface.events)
        for port in (stream.valid, *stream.payload)
    )
    connections = ", ".join(f".{port.name}({port.name})" for port in interface.ports)
    widths = {"updates": update, "events": event}
    held = "\n".join(f"  reg [{width - 1}:0] held_{name};" for name, width in widths.items())
    watched = "\n".join(_watched(stream) for stream in (interface.updates, interface.events))
    return f"""\
module {BLOCK_MODULE}(
  input rst, input go, input probe, input [31:0] rows, input [{ROWS * current - 1}:0] currents,
  output reg finished, output reg [31:0] sent, output reg [63:0] clocks, output reg [63:0] last_clock,
  output reg [31:0] update_count, output reg [{PLACES * update - 1}:0] updates,
  output reg [31:0] event_count, output reg [{PLACES * event - 1}:0] events,
  output reg [{32 * len(WATCHED) - 1}:0] broken
);
  reg clk, currents_valid;
  reg [{current - 1}:0] currents_data;
  wire currents_ready;
{wires}
  reg updates_ready, events_ready, updates_waits, events_waits, updates_shown, events_shown;
{held}
  reg [15:0] random;
  integer idle;
  {interface.module} population(.clk(clk), .rst(rst), {connections});
  initial begin
    clk = 0; finished = 0; currents_valid = 0; currents_data = 0; sent = 0; clocks = 0; last_clock = 0;
    update_count = 0; updates = 0; event_count = 0; events = 0;
    broken = 0; random = 1; updates_ready = 1; events_ready = 1;
    updates_waits = 0; events_waits = 0; updates_shown = 0; events_shown = 0;
    forever begin
      @(go);
      sent = 0; update_count = 0; event_count = 0; idle = 0;
      while ((sent != rows || rows == 0) && update_count != {PLACES} && event_count != {PLACES}
             && idle != {PATIENCE}) begin
        currents_valid = sent != rows;
        currents_data = currents[sent * {current} +: {current}];
        updates_ready = !probe;
        events_ready = !probe;
        if (probe) begin
          // Ready is low while valid is looked at, so that valid can't have waited for it.
          #1;
          if (updates_valid) updates_shown = 1;
          if (events_valid) events_shown = 1;
          updates_ready = updates_valid ? random[0] : idle >= {HELD_BACK};
          events_ready = events_valid ? random[7] : idle >= {HELD_BACK};
          random = {{random[14:0], random[15] ^ random[13] ^ random[12] ^ random[10]}};
        end
        // What is seen now is what the next rising edge acts on.
        #1;
        clocks = clocks + 1;
        idle = idle + 1;
        if (currents_valid && currents_ready) begin
          sent = sent + 1;
          idle = 0;
        end
{watched}
{_kept("update", interface.updates)}
{_kept("event", interface.events)}
        clk = 1; #1; clk = 0;
        if (rst) clocks = 0;
      end
      finished = !finished;
    end
  end
endmodule
"""


def _watched(stream: Stream) -> str:
    """Return Verilog that watches a stream in a clock, before its transfer is counted."""
    name, payload = stream.name, _side_by_side(stream)

    def note(rule: Rule, condition: str) -> str:
        at = f"broken[{32 * WATCHED.index((name, rule))} +: 32]"
        return f"        if ({condition} && {at} == 0) {at} = clocks[31:0];"

    lines = [
        note(Rule.KNOWN, f"!rst && ({name}_valid === 1'bx || ({name}_valid && ^{{{payload}}} === 1'bx))"),
        note(Rule.KEPT, f"!rst && {name}_waits && !{name}_valid"),
        note(Rule.STABLE, f"!rst && {name}_waits && {name}_valid && held_{name} != {{{payload}}}"),
        note(
            Rule.UNPROMPTED,
            f"!rst && probe && !{name}_shown && {name}_valid && idle <= {HELD_BACK + RISES_WITHIN}",
        ),
        f"        {name}_waits = !rst && {name}_valid && !{name}_ready;",
        f"        held_{name} = {{{payload}}};",
        f"        if (probe && {name}_valid) {name}_shown = 1;",
    ]
    return "\n".join(lines)


def _kept(name: str, stream: Stream) -> str:
    """Return the statements that keep what a stream gives."""
    return f"""\
        if ({name}s_valid && {name}s_ready) begin
          {name}s[{name}_count * {stream.width} +: {stream.width}] = {{{_side_by_side(stream)}}};
          {name}_count = {name}_count + 1;
          idle = 0;
          last_clock = clocks;
        end"""


def _side_by_side(stream: Stream) -> str:
    """Return a payload as one word in Verilog, the first port lowest."""
    return ", ".join(port.name for port in reversed(stream.payload))
