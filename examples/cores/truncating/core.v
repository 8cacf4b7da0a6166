// dv = ((v - vr)(v - vc) + I) dt / tau, each result cut to 20 bits: truncated below, wrapped above.
module qif20 (
    input                    clk,
    input                    en,
    input      signed [19:0] I,
    output reg               vld,
    output reg signed [19:0] v
);

localparam signed [19:0] VR = -20'sd65536, VC = 20'sd65536, VTH = 20'sd131072;  // -2, 2, 4 mV
localparam signed [19:0] G = 20'sd328;                                          // dt / tau, 0.01

wire signed [19:0] a  = v - VR, b = v - VC;
wire signed [39:0] ab = a * b;
wire signed [19:0] p  = ab[34:15];
wire signed [39:0] gp = G * p, gi = G * I;
wire signed [19:0] vn = v + $signed(gp[34:15]) + $signed(gi[34:15]);

initial begin
    v   = VR;
    vld = 1'b0;
end

always @(posedge clk) begin
    vld <= en;
    if (en) v <= (vn >= VTH) ? VR : vn;
end

endmodule
