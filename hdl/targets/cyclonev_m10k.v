// MISTRAL_M10K as Yosys instantiates it: one port writes, where A1EN is low, with 40 bits where it is high; the other
// reads the word from before.
module MISTRAL_M10K(CLK1, A1ADDR, A1DATA, A1EN, B1ADDR, B1DATA, B1EN);
  parameter INIT = 10240'b0;
  parameter CFG_ABITS = 10;
  parameter CFG_DBITS = 10;

  input CLK1, A1EN, B1EN;
  input [CFG_ABITS-1:0] A1ADDR, B1ADDR;
  input [CFG_DBITS-1:0] A1DATA;
  output reg [CFG_DBITS-1:0] B1DATA;

  reg [CFG_DBITS-1:0] words [0:2**CFG_ABITS-1];

  integer number;
  initial
    for (number = 0; number < 2**CFG_ABITS; number = number + 1)
      words[number] = INIT[number * CFG_DBITS +: CFG_DBITS];

  always @(posedge CLK1) begin
    if (A1EN == (CFG_DBITS == 40))
      words[A1ADDR] <= A1DATA;
    if (B1EN)
      B1DATA <= words[B1ADDR];
  end
endmodule
