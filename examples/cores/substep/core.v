// Quadratic integrate-and-fire cell that keeps how much of a step was left after a spike, to a quarter of it.
//
// A pulse on go starts an update; done is high for one clock when the results are out, three clocks later. The first
// step after the refractory period is longer by what was left. Synchronous reset.

module substep_cell (
    input  wire               clk,
    input  wire               rst,
    input  wire               go,
    input  wire signed [15:0] cur,     // Q8.8
    output reg                done,
    output reg                fire,
    output reg  signed [15:0] v,       // Q6.10, around the middle between rest and critical potential
    output reg         [1:0]  left     // quarters of a step
);

localparam signed [15:0] V_RST  = -16'sd2621;
localparam signed [15:0] V_TH   =  16'sd3932;
localparam signed [33:0] B_STEP = -34'sd6872064;   // 26 fraction bits, as the increment
localparam        [2:0]  N_REF  =  3'd5;

localparam [1:0] IDLE = 2'd0, ADD = 2'd1, WRITE = 2'd2;

reg        [1:0]  ph;
reg        [2:0]  ref_ct;
reg signed [15:0] i_hold;
reg signed [31:0] sq;
reg signed [33:0] step;

// Half, a quarter and an eighth of the increment, rounded down to 11 fraction bits.
wire signed [17:0] half    = step[33:16];
wire signed [16:0] quarter = step[33:17];
wire signed [15:0] eighth  = step[33:18];

// A step longer by what was left, rounded half up to 10 fraction bits and saturated.
wire signed [18:0] more  = (left[1] ? half : 19'sd0) + (left[0] ? quarter : 19'sd0);
wire signed [35:0] total = (v <<< 16) + step + (more <<< 15) + 36'sd32768;
wire signed [19:0] v_rnd = total[35:16];
wire signed [15:0] v_int = (v_rnd > 20'sd32767) ? 16'sh7fff : (v_rnd < -20'sd32768) ? 16'sh8000 : v_rnd[15:0];

wire               frozen = ref_ct != 3'd0;
wire signed [15:0] v_now  = frozen ? v : v_int;
wire               hit    = v_now >= V_TH;

// How far it went beyond the threshold, in quarters of the increment, to the nearest.
wire signed [20:0] over = (v_rnd - V_TH) <<< 1;
wire        [1:0]  got  = (over >= eighth) + (over >= eighth + quarter) + (over >= eighth + (quarter <<< 1));

always @(posedge clk)
    if (rst) begin
        ph     <= IDLE;
        done   <= 1'b0;
        fire   <= 1'b0;
        v      <= V_RST;
        ref_ct <= 3'd0;
        left   <= 2'd0;
    end else begin
        done <= 1'b0;
        case (ph)
            IDLE: if (go) begin
                sq     <= v * v;
                i_hold <= cur;
                ph     <= ADD;
            end
            ADD: begin
                step <= sq + (i_hold <<< 11) + B_STEP;
                ph   <= WRITE;
            end
            WRITE: begin
                v      <= hit ? V_RST : v_now;
                ref_ct <= hit ? N_REF : !frozen ? 3'd0 : (ref_ct > N_REF) ? N_REF : ref_ct - 3'd1;
                left   <= frozen ? left : hit ? got : 2'd0;
                fire   <= hit;
                done   <= 1'b1;
                ph     <= IDLE;
            end
            default: ph <= IDLE;
        endcase
    end

endmodule
