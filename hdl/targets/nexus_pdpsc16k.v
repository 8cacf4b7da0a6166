// Nexus' block RAM as Yosys instantiates it for one clock: see block_ram.v. From words of two bytes on, the lowest
// bits of a write's address enable the bytes. What is being written is read as it was. Apache-2.0.
module PDPSC16K #(
  parameter DATA_WIDTH_W = "X36", DATA_WIDTH_R = "X36", OUTREG = "BYPASSED", RESETMODE = "SYNC",
  parameter ASYNC_RST_RELEASE = "SYNC", CSDECODE_W = "111", CSDECODE_R = "111", ECC = "DISABLED", GSR = "DISABLED",
  parameter
    INITVAL_00 = 0, INITVAL_01 = 0, INITVAL_02 = 0, INITVAL_03 = 0, INITVAL_04 = 0, INITVAL_05 = 0, INITVAL_06 = 0,
    INITVAL_07 = 0, INITVAL_08 = 0, INITVAL_09 = 0, INITVAL_0A = 0, INITVAL_0B = 0, INITVAL_0C = 0, INITVAL_0D = 0,
    INITVAL_0E = 0, INITVAL_0F = 0, INITVAL_10 = 0, INITVAL_11 = 0, INITVAL_12 = 0, INITVAL_13 = 0, INITVAL_14 = 0,
    INITVAL_15 = 0, INITVAL_16 = 0, INITVAL_17 = 0, INITVAL_18 = 0, INITVAL_19 = 0, INITVAL_1A = 0, INITVAL_1B = 0,
    INITVAL_1C = 0, INITVAL_1D = 0, INITVAL_1E = 0, INITVAL_1F = 0, INITVAL_20 = 0, INITVAL_21 = 0, INITVAL_22 = 0,
    INITVAL_23 = 0, INITVAL_24 = 0, INITVAL_25 = 0, INITVAL_26 = 0, INITVAL_27 = 0, INITVAL_28 = 0, INITVAL_29 = 0,
    INITVAL_2A = 0, INITVAL_2B = 0, INITVAL_2C = 0, INITVAL_2D = 0, INITVAL_2E = 0, INITVAL_2F = 0, INITVAL_30 = 0,
    INITVAL_31 = 0, INITVAL_32 = 0, INITVAL_33 = 0, INITVAL_34 = 0, INITVAL_35 = 0, INITVAL_36 = 0, INITVAL_37 = 0,
    INITVAL_38 = 0, INITVAL_39 = 0, INITVAL_3A = 0, INITVAL_3B = 0, INITVAL_3C = 0, INITVAL_3D = 0, INITVAL_3E = 0,
    INITVAL_3F = 0
) (
  input CLK, CEW, CER, RST, input [2:0] CSW, CSR, input [13:0] ADW, ADR, input [35:0] DI, output [35:0] DO
);
  // A width is X and its digits. An INITVAL is 0x and 80 digits: 32 bytes of nine bits, ten bits apart.
  function integer width(input [23:0] text);
    width = (text[15:8] == "X" ? 0 : text[15:8] - "0") * 10 + text[7:0] - "0";
  endfunction
  function [287:0] close(input [655:0] text);
    reg [319:0] apart;
    reg [7:0] digit;
    integer i;
    begin
      for (i = 0; i < 80; i = i + 1) begin
        digit = text[8*i +: 8];
        // The low half of a digit is itself; letters begin with 1 there.
        apart[4*i +: 4] = digit[6] ? digit[3:0] + 4'd9 : digit[3:0];
      end
      for (i = 0; i < 32; i = i + 1) close[9*i +: 9] = apart[10*i +: 9];
    end
  endfunction
  localparam WIDTH = width(DATA_WIDTH_W);
  wire [7:0] enable = WIDTH < 18 ? 8'hff : {4'd0, ADW[3:0]};
  wire [71:0] read;
  assign DO = read[35:0];

  qlif_block_ram #(
    .CELL("PDPSC16K"),
    .MODELLED(
      DATA_WIDTH_R == DATA_WIDTH_W && OUTREG == "BYPASSED" && ECC == "DISABLED"
      && CSDECODE_W == "111" && CSDECODE_R == "111"
    ),
    .WIDTH(WIDTH), .READS_OLD(1),
    .INITIAL({
      close(INITVAL_3F), close(INITVAL_3E), close(INITVAL_3D), close(INITVAL_3C), close(INITVAL_3B),
      close(INITVAL_3A), close(INITVAL_39), close(INITVAL_38), close(INITVAL_37), close(INITVAL_36),
      close(INITVAL_35), close(INITVAL_34), close(INITVAL_33), close(INITVAL_32), close(INITVAL_31),
      close(INITVAL_30), close(INITVAL_2F), close(INITVAL_2E), close(INITVAL_2D), close(INITVAL_2C),
      close(INITVAL_2B), close(INITVAL_2A), close(INITVAL_29), close(INITVAL_28), close(INITVAL_27),
      close(INITVAL_26), close(INITVAL_25), close(INITVAL_24), close(INITVAL_23), close(INITVAL_22),
      close(INITVAL_21), close(INITVAL_20), close(INITVAL_1F), close(INITVAL_1E), close(INITVAL_1D),
      close(INITVAL_1C), close(INITVAL_1B), close(INITVAL_1A), close(INITVAL_19), close(INITVAL_18),
      close(INITVAL_17), close(INITVAL_16), close(INITVAL_15), close(INITVAL_14), close(INITVAL_13),
      close(INITVAL_12), close(INITVAL_11), close(INITVAL_10), close(INITVAL_0F), close(INITVAL_0E),
      close(INITVAL_0D), close(INITVAL_0C), close(INITVAL_0B), close(INITVAL_0A), close(INITVAL_09),
      close(INITVAL_08), close(INITVAL_07), close(INITVAL_06), close(INITVAL_05), close(INITVAL_04),
      close(INITVAL_03), close(INITVAL_02), close(INITVAL_01), close(INITVAL_00)
    })
  ) ram (
    .write_clock(CLK), .write_address({2'd0, ADW}), .write_enable({8{CEW && CSW == 3'd7}} & enable),
    .write_data({36'd0, DI}), .read_clock(CLK), .read_enable(CER && CSR == 3'd7), .read_address({2'd0, ADR}),
    .read_data(read), .not_modelled(RST)
  );
endmodule
