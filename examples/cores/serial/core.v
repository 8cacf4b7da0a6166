// Quadratic integrate-and-fire cell with one shared multiplier.
//
// A pulse on go starts an update; rdy is high for one clock when the results are out, six clocks later.
// go is ignored while an update runs. Active-low asynchronous reset.

module qif_cell (
    input  wire               ck,
    input  wire               nrst,
    input  wire               go,
    input  wire signed [15:0] i_syn,   // Q11.5, nA
    output reg                rdy,
    output reg                fire,
    output wire signed [15:0] u_mem,   // Q8.8, mV
    output wire        [15:0] x_pre    // Q4.12
);

localparam signed [15:0] U_REST = -16'sd15872;   // -62 mV
localparam signed [15:0] U_CRIT = -16'sd13824;   // -54 mV
localparam signed [15:0] U_FIRE = -16'sd13312;   // -52 mV
localparam        [15:0] K_GAIN =  16'd55924;    // 0.1 ms / 30 ms, Q-8.24
localparam        [15:0] K_DRV  =  16'd52429;    // 60 times that, Q-2.18
localparam        [15:0] K_DEC  =  16'd64884;    // exp(-0.01), Q0.16
localparam        [15:0] X_ONE  =  16'd4096;
localparam        [4:0]  N_REF  =  5'd20;

localparam [2:0] IDLE = 3'd0, SQR = 3'd1, QUAD = 3'd2, DRIVE = 3'd3, DECAY = 3'd4, WRITE = 3'd5;

reg        [2:0]  ph;
reg signed [15:0] u;
reg        [4:0]  ref_ct;
reg        [15:0] x;
reg signed [15:0] i_hold;
reg signed [33:0] prod;
reg signed [51:0] acc;
reg        [15:0] x_new;

assign u_mem = u;
assign x_pre = x;

// The multiplier. Every product of the update passes through it.
reg signed [33:0] ma;
reg signed [16:0] mb;
wire signed [50:0] mp = ma * mb;

always @* begin
    case (ph)
        SQR:     begin ma = u - U_REST;         mb = u - U_CRIT;      end
        QUAD:    begin ma = prod;               mb = {1'b0, K_GAIN};  end
        DRIVE:   begin ma = i_hold;             mb = {1'b0, K_DRV};  end
        default: begin ma = {18'd0, x};         mb = {1'b0, K_DEC};   end
    endcase
end

// u + quadratic term + drive, with 40 fraction bits, rounded half up to 8 and saturated.
wire signed [51:0] total  = acc + (u <<< 32);
wire signed [19:0] u_rnd  = (total + 52'sh0_0000_8000_0000) >>> 32;
wire signed [15:0] u_int  = (u_rnd > 20'sd32767) ? 16'sh7fff : (u_rnd < -20'sd32768) ? 16'sh8000 : u_rnd[15:0];
wire signed [15:0] u_next = (ref_ct == 5'd0) ? u_int : u;
wire               hit    = u_next >= U_FIRE;

always @(posedge ck or negedge nrst)
    if (!nrst) begin
        ph     <= IDLE;
        rdy    <= 1'b0;
        fire   <= 1'b0;
        u      <= U_REST;
        ref_ct <= 5'd0;
        x      <= 16'd0;
        i_hold <= 16'sd0;
        prod   <= 34'sd0;
        acc    <= 52'sd0;
        x_new  <= 16'd0;
    end else begin
        rdy <= 1'b0;
        case (ph)
            IDLE: if (go) begin
                i_hold <= i_syn;
                ph     <= SQR;
            end
            SQR: begin
                prod <= mp[33:0];
                ph   <= QUAD;
            end
            QUAD: begin
                acc <= mp;
                ph  <= DRIVE;
            end
            DRIVE: begin
                acc <= acc + (mp <<< 17);
                ph  <= DECAY;
            end
            DECAY: begin
                x_new <= mp[31:16];
                ph    <= WRITE;
            end
            WRITE: begin
                u      <= hit ? U_REST : u_next;
                x      <= hit ? X_ONE : x_new;
                ref_ct <= hit ? N_REF : (ref_ct == 5'd0) ? 5'd0 : (ref_ct > N_REF) ? N_REF : ref_ct - 5'd1;
                fire   <= hit;
                rdy    <= 1'b1;
                ph     <= IDLE;
            end
            default: ph <= IDLE;
        endcase
    end

endmodule
