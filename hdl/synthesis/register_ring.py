"""A ring of registers around a block, so that Fmax is the block's and not the pins'."""

from collections.abc import Sequence

from qlif.hdl.ports import Port

WRAPPER_MODULE = "qlif_wrapper"


def wrapped(module: str, ports: Sequence[Port], clock: str = "clk", reset: str = "rst") -> str:
    """Return a Verilog module that feeds every input from a register and takes every output into one.

    One pin shifts into a register as long as all inputs together. Each output bit is registered, then
    folded into a signature that rotates and leaves by one pin: no output can be optimised away, and what
    it takes to look at them is one LUT deep. The reset is registered too, whether it is active high or low.

    Parameters
    ----------
    module : str
        The block.
    ports : sequence of Port
        Its ports, besides the clock and the reset.
    clock, reset : str
        What it calls them.
    """
    inputs = sum(port.width for port in ports if port.direction == "input")
    outputs = sum(port.width for port in ports if port.direction == "output")
    offset = {"input": 0, "output": 0}
    connections = []
    for port in ports:
        register = "stimulus" if port.direction == "input" else "response"
        low = offset[port.direction]
        connections.append(f"    .{port.name}({register}[{low} +: {port.width}])")
        offset[port.direction] += port.width
    connected = ",\n".join(connections)
    return f"""\
module {WRAPPER_MODULE}(input clk, input rst, input serial_in, output serial_out);
  reg reset;
  reg [{inputs}:0] stimulus;
  wire [{outputs - 1}:0] response;
  reg [{outputs - 1}:0] sampled;
  reg [{outputs}:0] signature;
  assign serial_out = signature[{outputs}];
  always @(posedge clk) begin
    reset <= rst;
    stimulus <= {{stimulus[{inputs - 1}:0], serial_in}};
    sampled <= response;
    signature <= {{signature[{outputs - 1}:0], signature[{outputs}]}} ^ {{1'b0, sampled}};
  end
  {module} block (
    .{clock}(clk), .{reset}(reset),
{connected}
  );
endmodule
"""
