// Single-port RAM of Lattice iCE40 UltraPlus, 16,384 words of 16 bits: behavioural model. Apache-2.0.
//
// Written from what is public of the pins: Lattice's SPRAM usage guide. It is the one way in which the explicit variant
// uses it: always on, whole words. What is read in the clock of a write isn't defined: here it is something else than
// before, so that nothing can depend on it.
module SB_SPRAM256KA (
  input [13:0] ADDRESS,
  input [15:0] DATAIN,
  input [3:0] MASKWREN,
  input WREN, CHIPSELECT, CLOCK, STANDBY, SLEEP, POWEROFF,
  output [15:0] DATAOUT
);
  reg [15:0] words [0:16383];
  reg [15:0] latch = 16'd0;
  // POWEROFF is active low. Another way to use it makes the output X, and a simulation stops.
  wire plain = (MASKWREN == 4'd15) & CHIPSELECT & ~STANDBY & ~SLEEP & POWEROFF;
  assign DATAOUT = plain ? latch : 16'dx;
  always @(posedge CLOCK) begin
    if (WREN)
      words[ADDRESS] <= DATAIN;
    latch <= WREN ? ~latch : words[ADDRESS];
  end
endmodule
