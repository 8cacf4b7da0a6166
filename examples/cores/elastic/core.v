// qlif_unit: a neuron between two elastic (valid/ready) channels.
// Verilog-2001. Constants are generics, so that one text serves several cell types.

module qlif_unit #(
    parameter TH_WORD  = 0,
    parameter RES_WORD = 0,
    parameter LO_WORD  = 0,
    parameter BIAS     = 0,
    parameter T_REF    = 0
) (
    input                     CLK,
    input                     CE,
    input                     SRST,
    // stimulus, left aligned: the low byte is not used
    input                     S_VLD,
    output                    S_RDY,
    input      signed [23:0]  S_DAT,
    // result
    output                    M_VLD,
    input                     M_RDY,
    output                    M_SPK,
    output     signed [19:0]  M_POT,   // left aligned, the low four bits are zero
    output            [15:0]  M_TRC
);

    // ---------------------------------------------------------------- state
    reg signed [15:0] pot;
    reg        [2:0]  cnt;
    reg        [15:0] trc;

    // ---------------------------------------------------------------- stage 1: square, current
    reg               s1_full;
    reg signed [31:0] s1_sq;
    reg signed [15:0] s1_cur;

    // ---------------------------------------------------------------- output register
    reg               out_full;
    reg               out_spk;
    reg signed [15:0] out_pot;
    reg        [15:0] out_trc;

    wire out_free = !out_full || M_RDY;
    wire advance  = s1_full && out_free;

    // The next square needs the state that stage 1 is about to write, so one word is in flight at a time.
    assign S_RDY = CE && !s1_full;
    assign M_VLD = out_full && CE;
    assign M_SPK = out_spk;
    assign M_POT = {out_pot, 4'b0000};
    assign M_TRC = out_trc;

    // ---------------------------------------------------------------- update
    // 26 fraction bits; rounded to 10, halves to even
    wire signed [34:0] bias26 = BIAS * 256;
    wire signed [34:0] v26    = {{3{pot[15]}}, pot, 16'b0};
    wire signed [34:0] i26    = {{3{s1_cur[15]}}, s1_cur, 16'b0};
    wire signed [34:0] s26    = {{3{s1_sq[31]}}, s1_sq};
    wire signed [34:0] sum    = v26 + s26 + i26 + bias26;
    wire signed [35:0] rounded = {sum[34], sum} + 36'sh7fff + {35'b0, sum[16]};
    wire signed [19:0] v_wide = rounded[35:16];
    wire signed [15:0] v_sat  = (v_wide[19:15] == 5'b00000 || v_wide[19:15] == 5'b11111)
                              ? v_wide[15:0] : {v_wide[19], {15{~v_wide[19]}}};
    wire               frozen = cnt != 3'd0;
    wire signed [15:0] v_now  = frozen ? pot : v_sat;
    wire               spike  = v_now >= $signed(TH_WORD[15:0]);
    wire signed [15:0] v_res  = spike ? RES_WORD[15:0] : v_now;
    wire signed [15:0] v_new  = (v_res < $signed(LO_WORD[15:0])) ? LO_WORD[15:0] : v_res;
    wire        [2:0]  dec    = frozen ? cnt - 3'd1 : 3'd0;
    wire        [31:0] t_full = trc * 16'd64884;
    wire        [15:0] t_new  = spike ? 16'h1000 : t_full[31:16];

    always @(posedge CLK)
        if (SRST) begin
            pot      <= RES_WORD[15:0];
            cnt      <= 3'd0;
            trc      <= 16'd0;
            s1_full  <= 1'b0;
            out_full <= 1'b0;
        end else if (CE) begin
            if (out_full && M_RDY)
                out_full <= 1'b0;
            if (S_VLD && S_RDY) begin
                s1_full <= 1'b1;
                s1_sq   <= pot * pot;
                s1_cur  <= S_DAT[23:8];
            end
            if (advance) begin
                s1_full  <= 1'b0;
                pot      <= v_new;
                cnt      <= spike ? T_REF[2:0] : (cnt > T_REF[2:0]) ? T_REF[2:0] : dec;
                trc      <= t_new;
                out_full <= 1'b1;
                out_spk  <= spike;
                out_pot  <= v_new;
                out_trc  <= t_new;
            end
        end

endmodule
