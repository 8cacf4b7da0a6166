"""A ring of registers around a block, so that Fmax is the block's and not the pins'."""

from qlif.hdl.interface import Interface

WRAPPER_MODULE = "qlif_wrapper"


def wrapped(interface: Interface) -> str:
    """Return a Verilog module that feeds every input from a register and takes every output into one.

    One pin shifts into a register as long as all inputs together. Each output bit is registered, then
    folded into a signature that rotates and leaves by one pin: no output can be optimised away, and what
    it takes to look at them is one LUT deep. The reset is registered too.

    Parameters
    ----------
    interface : Interface
        The block's.
    """
    inputs = sum(port.width for port in interface.inputs)
    outputs = sum(port.width for port in interface.outputs)
    offset = {"input": 0, "output": 0}
    connections = []
    for port in interface.ports:
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
  {interface.module} block (
    .clk(clk), .rst(reset),
{connected}
  );
endmodule
"""
