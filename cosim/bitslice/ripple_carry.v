// How a chain of carries becomes gates for a simulator of single bits: one after another, which takes fewest.
(* techmap_celltype = "$lcu" *)
module ripple_carry (P, G, CI, CO);
  parameter WIDTH = 2;
  input [WIDTH-1:0] P, G;
  input CI;
  output [WIDTH-1:0] CO;
  wire [WIDTH:0] carry;
  assign carry[0] = CI;
  assign CO = carry[WIDTH:1];
  genvar bit_;
  generate
    for (bit_ = 0; bit_ < WIDTH; bit_ = bit_ + 1) begin : chain
      assign carry[bit_+1] = G[bit_] | (P[bit_] & carry[bit_]);
    end
  endgenerate
endmodule
