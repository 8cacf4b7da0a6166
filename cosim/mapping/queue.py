"""The adapter's queue: a place for updates and events that come while nobody takes them."""

PLACES = 16
"""Updates in flight and waiting, at most, where the module can't be held up."""

EVENT_PLACES = 64
"""Events waiting, at most. No update begins once a quarter of them is taken."""


def queue_module(name: str) -> str:
    """Return the Verilog of a queue with this name."""
    return f"""\
// Keeps words that come while nobody takes them. One that finds it empty goes through in the same clock.
module {name} #(parameter WIDTH = 1, parameter BITS = 4) (
  input              clk,
  input              rst,
  input              push,
  input  [WIDTH-1:0] in,
  output             valid,
  input              ready,
  output [WIDTH-1:0] out,
  output             low
);
  reg [WIDTH-1:0] words [0:(1 << BITS) - 1];
  reg [BITS-1:0]  first = 0;
  reg [BITS:0]    count = 0;
  wire [BITS-1:0] last = first + count[BITS-1:0];
  wire            empty = count == 0;
  assign valid = !empty || push;
  assign out = empty ? in : words[first];
  assign low = count < (1 << (BITS - 2));
  wire put = push && !(empty && ready);
  wire get = !empty && ready;
  always @(posedge clk) begin
    if (put) words[last] <= in;
    if (rst) begin
      first <= 0;
      count <= 0;
    end else begin
      first <= first + get;
      count <= count + put - get;
    end
  end
endmodule
"""
