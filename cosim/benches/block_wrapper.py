"""A wrapper that moves many samples each time Python wakes up."""

from qlif.hdl.interface import Interface
from qlif.hdl.ports import Stream

BLOCK_MODULE = "qlif_blocks"

ROWS = 512
"""Rows of currents in a block."""
PLACES = ROWS + 128
"""Places for what comes out meanwhile: what was under way before comes out too."""
PATIENCE = 1000
"""A block ends after this many clocks without a transfer."""


def block_wrapper(interface: Interface) -> str:
    """Return Verilog for simulation: it makes the clock itself, and only while a block is under way.

    Each time that `go` changes, `rows` rows of `currents` are sent as fast as they are taken, and whatever
    comes out meanwhile is kept. `finished` changes when all are sent, when there is no place left, or when
    nothing has moved for a long time: for the last block that is how what is still under way comes out.
    No clock passes between blocks, so that the population runs at full speed across them.

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
    always = {interface.updates.ready: "1'b1", interface.events.ready: "1'b1"}
    connections = ", ".join(f".{port.name}({always.get(port, port.name)})" for port in interface.ports)
    return f"""\
module {BLOCK_MODULE}(
  input rst, input go, input [31:0] rows, input [{ROWS * current - 1}:0] currents,
  output reg finished, output reg [31:0] sent, output reg [63:0] clocks, output reg [63:0] last_clock,
  output reg [31:0] update_count, output reg [{PLACES * update - 1}:0] updates,
  output reg [31:0] event_count, output reg [{PLACES * event - 1}:0] events
);
  reg clk, currents_valid;
  reg [{current - 1}:0] currents_data;
  wire currents_ready;
{wires}
  integer idle;
  {interface.module} population(.clk(clk), .rst(rst), {connections});
  initial begin
    clk = 0; finished = 0; currents_valid = 0; currents_data = 0; sent = 0; clocks = 0; last_clock = 0;
    update_count = 0; updates = 0; event_count = 0; events = 0;
    forever begin
      @(go);
      sent = 0; update_count = 0; event_count = 0; idle = 0;
      while ((sent != rows || rows == 0) && update_count != {PLACES} && event_count != {PLACES}
             && idle != {PATIENCE}) begin
        currents_valid = sent != rows;
        currents_data = currents[sent * {current} +: {current}];
        // What is seen now is what the next rising edge acts on.
        #1;
        clocks = clocks + 1;
        idle = idle + 1;
        if (currents_valid && currents_ready) begin
          sent = sent + 1;
          idle = 0;
        end
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


def _kept(name: str, stream: Stream) -> str:
    """Return the statements that keep what a stream gives."""
    return f"""\
        if ({name}s_valid) begin
          {name}s[{name}_count * {stream.width} +: {stream.width}] = {{{_side_by_side(stream)}}};
          {name}_count = {name}_count + 1;
          idle = 0;
          last_clock = clocks;
        end"""


def _side_by_side(stream: Stream) -> str:
    """Return a payload as one word in Verilog, the first port lowest."""
    return ", ".join(port.name for port in reversed(stream.payload))
