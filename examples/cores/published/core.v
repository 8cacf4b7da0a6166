// Quadratic LIF, 20-bit fixed point (5 integer bits, 15 fraction bits), truncating, one update per clock.
// Everything is 20 bits wide and wraps. No reset: the membrane starts at its resting value.

module qlif20 (
    input                    clk,
    input                    en,
    input      signed [15:0] I,
    output reg               vld,
    output reg signed [19:0] v
);

localparam signed [19:0] VTH = 20'sd125829, VR = -20'sd83886, C = -20'sd3355;

wire signed [39:0] vv = v * v;
wire signed [19:0] sq = vv[34:15];                 // 30 fraction bits to 15; wraps from |v| = 4 on
wire signed [19:0] q  = sq >>> 6;
wire signed [19:0] vn = v + q + I + C;

initial begin
    v   = VR;
    vld = 1'b0;
end

always @(posedge clk) begin
    vld <= en;
    if (en) v <= (vn >= VTH) ? VR : vn;
end

endmodule
