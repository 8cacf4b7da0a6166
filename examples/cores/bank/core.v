// Eight quadratic integrate-and-fire cells that take turns on one datapath. Their state is in a block RAM, a word for
// each, which no reset clears: until a cell was updated once, its word counts as the initial one.
//
// A request takes an amplitude for the cell whose turn it is; the result is held until it is acknowledged.

module cell_bank #(
    parameter CELLS = 8
) (
    input  wire               clk_i,
    input  wire               rst_i,
    input  wire               req_i,
    output wire               gnt_o,
    input  wire signed [15:0] amp_i,   // Q8.8
    output reg                vld_o,
    input  wire               ack_i,
    output reg         [2:0]  id_o,
    output reg                spk_o,
    output reg  signed [15:0] pot_o,   // Q6.10
    output reg         [15:0] trc_o    // Q4.12
);

localparam signed [15:0] V_TH = 16'sd3932, V_RES = -16'sd2621;
localparam signed [35:0] BIAS = -36'sd26844;    // 18 fraction bits
localparam [15:0] DECAY = 16'd64884, TRC_SPIKE = 16'd4096;
localparam [2:0]  N_REF = 3'd5;
localparam [34:0] FRESH = {3'd0, 16'd0, V_RES};

localparam [1:0] WAIT = 2'd0, SQUARE = 2'd1, STORE = 2'd2;

reg [1:0]         ph;
reg [2:0]         turn;                 // whose turn it is
reg               warm;                 // every cell was updated once
reg signed [15:0] amp;
reg signed [31:0] sq;

// The RAM reads the word of the cell whose turn it is in every clock.
reg  [34:0] ram [0:CELLS-1];
reg  [34:0] q;
wire [34:0] now = warm ? q : FRESH;
wire signed [15:0] v   = now[15:0];
wire        [15:0] x   = now[31:16];
wire        [2:0]  cnt = now[34:32];

// 26 fraction bits, rounded half up to 10 and saturated.
wire signed [35:0] total = (amp <<< 11) + (BIAS <<< 8) + (v <<< 16) + sq + 36'sh8000;
wire signed [19:0] v_rnd = total[35:16];
wire signed [15:0] v_sat = v_rnd > 20'sd32767 ? 16'sh7fff : v_rnd < -20'sd32768 ? 16'sh8000 : v_rnd[15:0];
wire signed [15:0] v_new = cnt == 0 ? v_sat : v;
wire               fire  = v_new >= V_TH;
wire        [31:0] faded = x * DECAY;
wire        [15:0] x_end = fire ? TRC_SPIKE : faded[31:16];
wire signed [15:0] v_end = fire ? V_RES : v_new;
wire        [2:0]  c_end = fire ? N_REF : cnt == 0 ? 3'd0 : cnt > N_REF ? N_REF : cnt - 3'd1;

assign gnt_o = ph == WAIT;
wire   store = ph == STORE && !(vld_o && !ack_i);

always @(posedge clk_i) begin
    q <= ram[turn];
    if (store) ram[turn] <= {c_end, x_end, v_end};
end

always @(posedge clk_i)
    if (rst_i) begin
        ph    <= WAIT;
        turn  <= 0;
        warm  <= 0;
        vld_o <= 0;
    end else begin
        if (vld_o && ack_i) vld_o <= 0;
        case (ph)
            WAIT: if (req_i) begin
                amp <= amp_i;
                ph  <= SQUARE;
            end
            SQUARE: begin
                sq <= v * v;
                ph <= STORE;
            end
            STORE: if (store) begin
                vld_o <= 1;
                id_o  <= turn;
                spk_o <= fire;
                pot_o <= v_end;
                trc_o <= x_end;
                turn  <= turn == CELLS - 1 ? 0 : turn + 1;
                if (turn == CELLS - 1) warm <= 1;
                ph    <= WAIT;
            end
            default: ph <= WAIT;
        endcase
    end

endmodule
