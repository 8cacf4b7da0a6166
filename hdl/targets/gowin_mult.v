// Gowin's multipliers as Yosys instantiates them: without their registers and without the shift chains.
module qlif_gowin_mult #(parameter WIDTH = 18) (
  input [WIDTH-1:0] a, b, input a_signed, b_signed, output [2*WIDTH-1:0] product
);
  wire signed [WIDTH:0] left = {a_signed & a[WIDTH-1], a};
  wire signed [WIDTH:0] right = {b_signed & b[WIDTH-1], b};
  wire signed [2*WIDTH+1:0] whole = left * right;
  assign product = whole[2*WIDTH-1:0];
endmodule

module MULT9X9(
  input [8:0] A, SIA, B, SIB, input ASIGN, BSIGN, ASEL, BSEL, CE, CLK, RESET,
  output [17:0] DOUT, output [8:0] SOA, SOB
);
  qlif_gowin_mult #(.WIDTH(9)) multiply(.a(A), .b(B), .a_signed(ASIGN), .b_signed(BSIGN), .product(DOUT));
endmodule

module MULT18X18(
  input [17:0] A, SIA, B, SIB, input ASIGN, BSIGN, ASEL, BSEL, CE, CLK, RESET,
  output [35:0] DOUT, output [17:0] SOA, SOB
);
  qlif_gowin_mult #(.WIDTH(18)) multiply(.a(A), .b(B), .a_signed(ASIGN), .b_signed(BSIGN), .product(DOUT));
endmodule

module MULT36X36(
  input [35:0] A, B, input ASIGN, BSIGN, CE, CLK, RESET, output [71:0] DOUT
);
  qlif_gowin_mult #(.WIDTH(36)) multiply(.a(A), .b(B), .a_signed(ASIGN), .b_signed(BSIGN), .product(DOUT));
endmodule
