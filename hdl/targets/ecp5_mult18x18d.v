// Multiplier of Lattice ECP5, 18 by 18 bits: behavioural model for simulation. Apache-2.0.
//
// Written from what is public of the pins: Lattice's sysDSP usage guide, and the parameters in Yosys and nextpnr. It
// has the operands' input registers, the pipeline register and the output register, each with a clock, an enable
// and a synchronous reset chosen out of four. SIGNEDA and SIGNEDB must not change. The shift chains, the bypass and
// operand C aren't modelled: their use stops the simulation.
module MULT18X18D (
  input
    A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0, B17, B16, B15, B14,
    B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0, C17, C16, C15, C14, C13, C12, C11, C10, C9,
    C8, C7, C6, C5, C4, C3, C2, C1, C0, SIGNEDA, SIGNEDB, SOURCEA, SOURCEB,
  input CLK3, CLK2, CLK1, CLK0, CE3, CE2, CE1, CE0, RST3, RST2, RST1, RST0,
  input
    SRIA17, SRIA16, SRIA15, SRIA14, SRIA13, SRIA12, SRIA11, SRIA10, SRIA9, SRIA8, SRIA7, SRIA6, SRIA5,
    SRIA4, SRIA3, SRIA2, SRIA1, SRIA0, SRIB17, SRIB16, SRIB15, SRIB14, SRIB13, SRIB12, SRIB11, SRIB10,
    SRIB9, SRIB8, SRIB7, SRIB6, SRIB5, SRIB4, SRIB3, SRIB2, SRIB1, SRIB0,
  output
    SROA17, SROA16, SROA15, SROA14, SROA13, SROA12, SROA11, SROA10, SROA9, SROA8, SROA7, SROA6, SROA5,
    SROA4, SROA3, SROA2, SROA1, SROA0, SROB17, SROB16, SROB15, SROB14, SROB13, SROB12, SROB11, SROB10,
    SROB9, SROB8, SROB7, SROB6, SROB5, SROB4, SROB3, SROB2, SROB1, SROB0, ROA17, ROA16, ROA15, ROA14,
    ROA13, ROA12, ROA11, ROA10, ROA9, ROA8, ROA7, ROA6, ROA5, ROA4, ROA3, ROA2, ROA1, ROA0, ROB17, ROB16,
    ROB15, ROB14, ROB13, ROB12, ROB11, ROB10, ROB9, ROB8, ROB7, ROB6, ROB5, ROB4, ROB3, ROB2, ROB1, ROB0,
    ROC17, ROC16, ROC15, ROC14, ROC13, ROC12, ROC11, ROC10, ROC9, ROC8, ROC7, ROC6, ROC5, ROC4, ROC3, ROC2,
    ROC1, ROC0,
  output
    P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18, P17, P16,
    P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0, SIGNEDP
);
  parameter REG_INPUTA_CLK = "NONE", REG_INPUTA_CE = "CE0", REG_INPUTA_RST = "RST0";
  parameter REG_INPUTB_CLK = "NONE", REG_INPUTB_CE = "CE0", REG_INPUTB_RST = "RST0";
  parameter REG_INPUTC_CLK = "NONE", REG_INPUTC_CE = "CE0", REG_INPUTC_RST = "RST0";
  parameter REG_PIPELINE_CLK = "NONE", REG_PIPELINE_CE = "CE0", REG_PIPELINE_RST = "RST0";
  parameter REG_OUTPUT_CLK = "NONE", REG_OUTPUT_CE = "CE0", REG_OUTPUT_RST = "RST0";
  parameter CLK0_DIV = "ENABLED", CLK1_DIV = "ENABLED", CLK2_DIV = "ENABLED", CLK3_DIV = "ENABLED";
  parameter HIGHSPEED_CLK = "NONE", GSR = "ENABLED", CAS_MATCH_REG = "FALSE";
  parameter SOURCEB_MODE = "B_SHIFT", MULT_BYPASS = "DISABLED", RESETMODE = "SYNC";

  wire [3:0] clocks = {CLK3, CLK2, CLK1, CLK0};
  wire [3:0] enables = {CE3, CE2, CE1, CE0};
  wire [3:0] resets = {RST3, RST2, RST1, RST0};

  wire [17:0] a, b;
  ecp5_mult18x18d_register #(18, "REG_INPUTA", REG_INPUTA_CLK, REG_INPUTA_CE, REG_INPUTA_RST) input_a (
    clocks, enables, resets, {
      A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0
    }, a
  );
  ecp5_mult18x18d_register #(18, "REG_INPUTB", REG_INPUTB_CLK, REG_INPUTB_CE, REG_INPUTB_RST) input_b (
    clocks, enables, resets, {
      B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0
    }, b
  );

  wire signed [18:0] left = {SIGNEDA & a[17], a}, right = {SIGNEDB & b[17], b};
  wire signed [37:0] product = left * right;
  wire [35:0] pipelined;
  ecp5_mult18x18d_register #(36, "REG_PIPELINE", REG_PIPELINE_CLK, REG_PIPELINE_CE, REG_PIPELINE_RST) pipeline (
    clocks, enables, resets, product[35:0], pipelined
  );
  ecp5_mult18x18d_register #(36, "REG_OUTPUT", REG_OUTPUT_CLK, REG_OUTPUT_CE, REG_OUTPUT_RST) result (
    clocks, enables, resets, pipelined, {
      P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18, P17, P16,
      P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
    }
  );

  // These feed other DSP cells, which this model has none of.
  assign {SIGNEDP,
    SROA17, SROA16, SROA15, SROA14, SROA13, SROA12, SROA11, SROA10, SROA9, SROA8, SROA7, SROA6, SROA5,
    SROA4, SROA3, SROA2, SROA1, SROA0, SROB17, SROB16, SROB15, SROB14, SROB13, SROB12, SROB11, SROB10,
    SROB9, SROB8, SROB7, SROB6, SROB5, SROB4, SROB3, SROB2, SROB1, SROB0, ROA17, ROA16, ROA15, ROA14,
    ROA13, ROA12, ROA11, ROA10, ROA9, ROA8, ROA7, ROA6, ROA5, ROA4, ROA3, ROA2, ROA1, ROA0, ROB17, ROB16,
    ROB15, ROB14, ROB13, ROB12, ROB11, ROB10, ROB9, ROB8, ROB7, ROB6, ROB5, ROB4, ROB3, ROB2, ROB1, ROB0,
    ROC17, ROC16, ROC15, ROC14, ROC13, ROC12, ROC11, ROC10, ROC9, ROC8, ROC7, ROC6, ROC5, ROC4, ROC3, ROC2,
    ROC1, ROC0
  } = {91{1'bx}};

`ifndef YOSYS
  always @(SOURCEA or SOURCEB)
    if (SOURCEA === 1'b1 || SOURCEB === 1'b1) $fatal(1, "MULT18X18D: the shift chains aren't modelled");

  reg sign_known = 1'b0, signed_a, signed_b;
  always @(posedge CLK0 or posedge CLK1 or posedge CLK2 or posedge CLK3) begin
    if (sign_known && {SIGNEDA, SIGNEDB} !== {signed_a, signed_b})
      $fatal(1, "MULT18X18D: SIGNEDA and SIGNEDB must not change");
    sign_known <= 1'b1;
    signed_a <= SIGNEDA;
    signed_b <= SIGNEDB;
  end

`endif
  // A choice that isn't modelled stops a simulation, and isn't elaborated by Yosys, which reads this file with -defer.
`ifdef YOSYS
  `define MULT18X18D_KNOWS(text, parameter, value) \
    generate if (parameter != value) $error(text); endgenerate
`else
  `define MULT18X18D_KNOWS(text, parameter, value) \
    initial if (parameter != value) $fatal(1, "%s: %s", text, parameter);
`endif
  `MULT18X18D_KNOWS("MULT18X18D: this REG_INPUTC_CLK isn't modelled", REG_INPUTC_CLK, "NONE")
  `MULT18X18D_KNOWS("MULT18X18D: this HIGHSPEED_CLK isn't modelled", HIGHSPEED_CLK, "NONE")
  `MULT18X18D_KNOWS("MULT18X18D: this CAS_MATCH_REG isn't modelled", CAS_MATCH_REG, "FALSE")
  `MULT18X18D_KNOWS("MULT18X18D: this MULT_BYPASS isn't modelled", MULT_BYPASS, "DISABLED")
  `MULT18X18D_KNOWS("MULT18X18D: this RESETMODE isn't modelled", RESETMODE, "SYNC")
  `undef MULT18X18D_KNOWS
endmodule

// One of its registers, or a wire if its clock is NONE.
module ecp5_mult18x18d_register #(
  parameter WIDTH = 18, NAME = "", CLOCK = "NONE", ENABLE = "CE0", RESET = "RST0"
) (
  input [3:0] clocks, enables, resets,
  input [WIDTH-1:0] d,
  output [WIDTH-1:0] q
);
  localparam CLOCK_NUMBER = CLOCK == "CLK3" ? 3 : CLOCK == "CLK2" ? 2 : CLOCK == "CLK1" ? 1 : 0;
  localparam ENABLE_NUMBER = ENABLE == "CE3" ? 3 : ENABLE == "CE2" ? 2 : ENABLE == "CE1" ? 1 : 0;
  localparam RESET_NUMBER = RESET == "RST3" ? 3 : RESET == "RST2" ? 2 : RESET == "RST1" ? 1 : 0;

  generate
    if (CLOCK == "NONE") begin : wired
      assign q = d;
    end else begin : registered
      reg [WIDTH-1:0] held = {WIDTH{1'b0}};
      wire clock = clocks[CLOCK_NUMBER], enable = enables[ENABLE_NUMBER], reset = resets[RESET_NUMBER];
      always @(posedge clock)
        if (reset) held <= {WIDTH{1'b0}};
        else if (enable) held <= d;
      assign q = held;
`ifndef VERILATOR
`ifndef YOSYS
      always @(posedge clock)
        if (enable === 1'bz || reset === 1'bz) $fatal(1, "MULT18X18D: %s's enable or reset is open", NAME);
`endif
`endif
    end
  endgenerate

`ifndef YOSYS
  initial begin
    if (CLOCK != "NONE" && CLOCK != "CLK0" && CLOCK != "CLK1" && CLOCK != "CLK2" && CLOCK != "CLK3")
      $fatal(1, "MULT18X18D: %s_CLK %s isn't modelled", NAME, CLOCK);
    if (ENABLE != "CE0" && ENABLE != "CE1" && ENABLE != "CE2" && ENABLE != "CE3")
      $fatal(1, "MULT18X18D: %s_CE %s isn't modelled", NAME, ENABLE);
    if (RESET != "RST0" && RESET != "RST1" && RESET != "RST2" && RESET != "RST3")
      $fatal(1, "MULT18X18D: %s_RST %s isn't modelled", NAME, RESET);
  end
`endif
endmodule
