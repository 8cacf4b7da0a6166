"""A module around a population that moves many samples for each time that Python wakes up."""

from collections.abc import Mapping
from typing import Any

from qlif.cosim.benches.port_words import UPDATE_PARTS, event_parts

BLOCK_MODULE = "qlif_blocks"

ROWS = 512
"""Rows of currents in a block."""
PLACES = ROWS + 128
"""Places for what comes out meanwhile: what was under way before comes out too."""
PATIENCE = 1000
"""A block ends after so many clocks in which nothing moved."""


def widths(interface: Mapping[str, Any]) -> tuple[int, int, int]:
    """Return the bits of a row of currents, of an update and of an event."""
    of = {port["name"]: int(port["width"]) for port in interface["ports"]}
    return (
        of["currents_data"],
        sum(of[f"updates_{part}"] for part in UPDATE_PARTS),
        sum(of[f"events_{part}"] for part in event_parts(int(interface["lanes"]))),
    )


def block_wrapper(interface: Mapping[str, Any]) -> str:
    """Return Verilog for simulation: it makes the clock itself, and only while a block is under way.

    Each time that `go` changes, `rows` rows of `currents` are sent as fast as they are taken, and whatever
    comes out meanwhile is kept. `finished` changes when all are sent, when there is no place left, or when
    nothing has moved for a long time: for the last block that is how what is still under way comes out.
    No clock passes between blocks, so that the population runs at full speed across them.

    Parameters
    ----------
    interface : mapping
        The population's, as in ``interface.json``; without run-time parameters.
    """
    current, update, event = widths(interface)
    ports = {port["name"]: int(port["width"]) for port in interface["ports"]}
    wires = "\n".join(
        f"  wire [{ports[name] - 1}:0] {name};"
        for name in ports
        if name.startswith(("updates_", "events_")) and not name.endswith("_ready")
    )
    # The first part lowest.
    shown = {
        "update": ", ".join(f"updates_{part}" for part in reversed(UPDATE_PARTS)),
        "event": ", ".join(f"events_{part}" for part in reversed(event_parts(int(interface["lanes"])))),
    }
    connections = ", ".join(
        f".{name}({'1' + chr(39) + 'b1' if name.endswith('s_ready') and name != 'currents_ready' else name})"
        for name in ports
    )
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
  {interface["module"]} population(.clk(clk), .rst(rst), {connections});
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
        if (updates_valid) begin
          updates[update_count * {update} +: {update}] = {{{shown["update"]}}};
          update_count = update_count + 1;
          idle = 0;
          last_clock = clocks;
        end
        if (events_valid) begin
          events[event_count * {event} +: {event}] = {{{shown["event"]}}};
          event_count = event_count + 1;
          idle = 0;
          last_clock = clocks;
        end
        clk = 1; #1; clk = 0;
        if (rst) clocks = 0;
      end
      finished = !finished;
    end
  end
endmodule
"""
