// DSP block of Lattice iCE40 UltraPlus as a multiplier of 16 by 16 bits: behavioural model. Apache-2.0.
//
// Written from what is public of the pins: Lattice's DSP usage guide, and the parameters in Yosys and nextpnr. It is
// the one way in which the explicit variant uses the block: a register before, inside and behind the product, which
// is the output. The accumulators behind it aren't modelled, nor is a multiplier of 8 by 8 bits: another parameter
// isn't elaborated. The resets must be 0: else the output is X, and a simulation stops.
module SB_MAC16 (
  input CLK, CE,
  input [15:0] A, B, C, D,
  input AHOLD, BHOLD, CHOLD, DHOLD, IRSTTOP, IRSTBOT, ORSTTOP, ORSTBOT,
  input OLOADTOP, OLOADBOT, ADDSUBTOP, ADDSUBBOT, OHOLDTOP, OHOLDBOT, CI, ACCUMCI, SIGNEXTIN,
  output [31:0] O,
  output CO, ACCUMCO, SIGNEXTOUT
);
  parameter [0:0] A_SIGNED = 0, B_SIGNED = 0;
  parameter [0:0] A_REG = 0, B_REG = 0, TOP_8x8_MULT_REG = 0, BOT_8x8_MULT_REG = 0;
  parameter [0:0] PIPELINE_16x16_MULT_REG1 = 0, PIPELINE_16x16_MULT_REG2 = 0;
  parameter [1:0] TOPOUTPUT_SELECT = 0, BOTOUTPUT_SELECT = 0;
  parameter [0:0] C_REG = 0, D_REG = 0, MODE_8x8 = 0, NEG_TRIGGER = 0;
  parameter [1:0] TOPADDSUB_LOWERINPUT = 0, BOTADDSUB_LOWERINPUT = 0;
  parameter [0:0] TOPADDSUB_UPPERINPUT = 0, BOTADDSUB_UPPERINPUT = 0;
  parameter [1:0] TOPADDSUB_CARRYSELECT = 0, BOTADDSUB_CARRYSELECT = 0;
  localparam [4:0] TOP_ADDER = {TOPADDSUB_LOWERINPUT, TOPADDSUB_UPPERINPUT, TOPADDSUB_CARRYSELECT};
  localparam [4:0] BOT_ADDER = {BOTADDSUB_LOWERINPUT, BOTADDSUB_UPPERINPUT, BOTADDSUB_CARRYSELECT};

  reg [15:0] a = 16'd0, b = 16'd0;
  wire signed [16:0] left = {A_SIGNED & a[15], a}, right = {B_SIGNED & b[15], b};
  wire signed [33:0] product = left * right;
  reg [31:0] pipelined = 32'd0, held = 32'd0;
  always @(posedge CLK)
    if (CE) begin
      if (!AHOLD) a <= A;
      if (!BHOLD) b <= B;
      pipelined <= product[31:0];
      held <= pipelined;
    end

  wire resets = IRSTTOP | IRSTBOT | ORSTTOP | ORSTBOT;
  assign O = resets ? 32'hx : held;
  // These come from the accumulators, or feed another block.
  assign {CO, ACCUMCO, SIGNEXTOUT} = 3'bx;

  // Of what isn't modelled, a simulator is stopped, and Yosys elaborates none (it reads this file with -defer).
`ifdef YOSYS
  `define SB_MAC16_MUST(holds, text) generate if (!(holds)) $error(text); endgenerate
`else
  `define SB_MAC16_MUST(holds, text) initial if (!(holds)) $fatal(1, text);
  always @(posedge CLK) if (resets !== 1'b0) $fatal(1, "SB_MAC16: a reset isn't modelled");
`endif
  `SB_MAC16_MUST(A_REG && B_REG, "SB_MAC16: A_REG and B_REG must be 1")
  `SB_MAC16_MUST(TOP_8x8_MULT_REG && BOT_8x8_MULT_REG, "SB_MAC16: TOP_8x8_MULT_REG and BOT_8x8_MULT_REG must be 1")
  `SB_MAC16_MUST(PIPELINE_16x16_MULT_REG1, "SB_MAC16: PIPELINE_16x16_MULT_REG1 must be 1")
  `SB_MAC16_MUST(PIPELINE_16x16_MULT_REG2, "SB_MAC16: PIPELINE_16x16_MULT_REG2 must be 1")
  `SB_MAC16_MUST(TOPOUTPUT_SELECT == 3 && BOTOUTPUT_SELECT == 3, "SB_MAC16: the OUTPUT_SELECTs must be 3")
  `SB_MAC16_MUST(!MODE_8x8 && !NEG_TRIGGER, "SB_MAC16: MODE_8x8 and NEG_TRIGGER must be 0")
  `SB_MAC16_MUST(!C_REG && !D_REG, "SB_MAC16: C_REG and D_REG must be 0")
  `SB_MAC16_MUST(TOP_ADDER == 0 && BOT_ADDER == 0, "SB_MAC16: the ADDSUB parameters must be 0")
  `undef SB_MAC16_MUST
endmodule
