// Gowin's block RAMs as Yosys instantiates them: see block_ram.v. Port A writes, and port B reads. A cell with X9 has
// bytes of nine bits; from words of two bytes on, the lowest bits of a write's address enable them. Apache-2.0.
`define QLIF_GOWIN_INITS(zero) \
  INIT_RAM_00 = zero, INIT_RAM_01 = zero, INIT_RAM_02 = zero, INIT_RAM_03 = zero, INIT_RAM_04 = zero, \
  INIT_RAM_05 = zero, INIT_RAM_06 = zero, INIT_RAM_07 = zero, INIT_RAM_08 = zero, INIT_RAM_09 = zero, \
  INIT_RAM_0A = zero, INIT_RAM_0B = zero, INIT_RAM_0C = zero, INIT_RAM_0D = zero, INIT_RAM_0E = zero, \
  INIT_RAM_0F = zero, INIT_RAM_10 = zero, INIT_RAM_11 = zero, INIT_RAM_12 = zero, INIT_RAM_13 = zero, \
  INIT_RAM_14 = zero, INIT_RAM_15 = zero, INIT_RAM_16 = zero, INIT_RAM_17 = zero, INIT_RAM_18 = zero, \
  INIT_RAM_19 = zero, INIT_RAM_1A = zero, INIT_RAM_1B = zero, INIT_RAM_1C = zero, INIT_RAM_1D = zero, \
  INIT_RAM_1E = zero, INIT_RAM_1F = zero, INIT_RAM_20 = zero, INIT_RAM_21 = zero, INIT_RAM_22 = zero, \
  INIT_RAM_23 = zero, INIT_RAM_24 = zero, INIT_RAM_25 = zero, INIT_RAM_26 = zero, INIT_RAM_27 = zero, \
  INIT_RAM_28 = zero, INIT_RAM_29 = zero, INIT_RAM_2A = zero, INIT_RAM_2B = zero, INIT_RAM_2C = zero, \
  INIT_RAM_2D = zero, INIT_RAM_2E = zero, INIT_RAM_2F = zero, INIT_RAM_30 = zero, INIT_RAM_31 = zero, \
  INIT_RAM_32 = zero, INIT_RAM_33 = zero, INIT_RAM_34 = zero, INIT_RAM_35 = zero, INIT_RAM_36 = zero, \
  INIT_RAM_37 = zero, INIT_RAM_38 = zero, INIT_RAM_39 = zero, INIT_RAM_3A = zero, INIT_RAM_3B = zero, \
  INIT_RAM_3C = zero, INIT_RAM_3D = zero, INIT_RAM_3E = zero, INIT_RAM_3F = zero
`define QLIF_GOWIN_INITIAL \
  { INIT_RAM_3F, INIT_RAM_3E, INIT_RAM_3D, INIT_RAM_3C, INIT_RAM_3B, INIT_RAM_3A, INIT_RAM_39, INIT_RAM_38, \
  INIT_RAM_37, INIT_RAM_36, INIT_RAM_35, INIT_RAM_34, INIT_RAM_33, INIT_RAM_32, INIT_RAM_31, INIT_RAM_30, \
  INIT_RAM_2F, INIT_RAM_2E, INIT_RAM_2D, INIT_RAM_2C, INIT_RAM_2B, INIT_RAM_2A, INIT_RAM_29, INIT_RAM_28, \
  INIT_RAM_27, INIT_RAM_26, INIT_RAM_25, INIT_RAM_24, INIT_RAM_23, INIT_RAM_22, INIT_RAM_21, INIT_RAM_20, \
  INIT_RAM_1F, INIT_RAM_1E, INIT_RAM_1D, INIT_RAM_1C, INIT_RAM_1B, INIT_RAM_1A, INIT_RAM_19, INIT_RAM_18, \
  INIT_RAM_17, INIT_RAM_16, INIT_RAM_15, INIT_RAM_14, INIT_RAM_13, INIT_RAM_12, INIT_RAM_11, INIT_RAM_10, \
  INIT_RAM_0F, INIT_RAM_0E, INIT_RAM_0D, INIT_RAM_0C, INIT_RAM_0B, INIT_RAM_0A, INIT_RAM_09, INIT_RAM_08, \
  INIT_RAM_07, INIT_RAM_06, INIT_RAM_05, INIT_RAM_04, INIT_RAM_03, INIT_RAM_02, INIT_RAM_01, INIT_RAM_00 }
`define QLIF_GOWIN_ENABLE(write) \
  ({8{CEA && BLKSELA == BLK_SEL_0 && write}} & (BIT_WIDTH_0 < 16 ? 8'hff : {4'd0, ADA[3:0]}))

module DPB #(
  parameter READ_MODE0 = 0, READ_MODE1 = 0, WRITE_MODE0 = 0, WRITE_MODE1 = 0, RESET_MODE = "SYNC",
  parameter BIT_WIDTH_0 = 16, BIT_WIDTH_1 = 16, parameter [2:0] BLK_SEL_0 = 0, BLK_SEL_1 = 0,
  parameter `QLIF_GOWIN_INITS(256'd0)
) (
  input CLKA, CEA, OCEA, WREA, RESETA, CLKB, CEB, OCEB, WREB, RESETB, input [2:0] BLKSELA, BLKSELB,
  input [13:0] ADA, ADB, input [15:0] DIA, DIB, output [15:0] DOA, DOB
);
  wire [71:0] read;
  assign DOA = 16'dx, DOB = read[15:0];
  qlif_block_ram #(
    .CELL("DPB"), .MODELLED(BIT_WIDTH_1 == BIT_WIDTH_0 && READ_MODE1 == 0),
    .BYTE(8), .WIDTH(BIT_WIDTH_0), .INITIAL(`QLIF_GOWIN_INITIAL)
  ) ram (
    .write_clock(CLKA), .write_address({2'd0, ADA}), .write_enable(`QLIF_GOWIN_ENABLE(WREA)),
    .write_data({56'd0, DIA}), .read_clock(CLKB), .read_enable(CEB && BLKSELB == BLK_SEL_1),
    .read_address({2'd0, ADB}), .read_data(read), .not_modelled(RESETA || RESETB || CEB && WREB)
  );
endmodule

module DPX9B #(
  parameter READ_MODE0 = 0, READ_MODE1 = 0, WRITE_MODE0 = 0, WRITE_MODE1 = 0, RESET_MODE = "SYNC",
  parameter BIT_WIDTH_0 = 18, BIT_WIDTH_1 = 18, parameter [2:0] BLK_SEL_0 = 0, BLK_SEL_1 = 0,
  parameter `QLIF_GOWIN_INITS(288'd0)
) (
  input CLKA, CEA, OCEA, WREA, RESETA, CLKB, CEB, OCEB, WREB, RESETB, input [2:0] BLKSELA, BLKSELB,
  input [13:0] ADA, ADB, input [17:0] DIA, DIB, output [17:0] DOA, DOB
);
  wire [71:0] read;
  assign DOA = 18'dx, DOB = read[17:0];
  qlif_block_ram #(
    .CELL("DPX9B"), .MODELLED(BIT_WIDTH_1 == BIT_WIDTH_0 && READ_MODE1 == 0),
    .BYTE(9), .WIDTH(BIT_WIDTH_0), .INITIAL(`QLIF_GOWIN_INITIAL)
  ) ram (
    .write_clock(CLKA), .write_address({2'd0, ADA}), .write_enable(`QLIF_GOWIN_ENABLE(WREA)),
    .write_data({54'd0, DIA}), .read_clock(CLKB), .read_enable(CEB && BLKSELB == BLK_SEL_1),
    .read_address({2'd0, ADB}), .read_data(read), .not_modelled(RESETA || RESETB || CEB && WREB)
  );
endmodule

module SDPB #(
  parameter READ_MODE = 0, RESET_MODE = "SYNC", BIT_WIDTH_0 = 32, BIT_WIDTH_1 = 32,
  parameter [2:0] BLK_SEL_0 = 0, BLK_SEL_1 = 0, parameter `QLIF_GOWIN_INITS(256'd0)
) (
  input CLKA, CEA, RESETA, CLKB, CEB, OCE, RESETB, input [2:0] BLKSELA, BLKSELB,
  input [13:0] ADA, ADB, input [31:0] DI, output [31:0] DO
);
  wire [71:0] read;
  assign DO = read[31:0];
  qlif_block_ram #(
    .CELL("SDPB"), .MODELLED(BIT_WIDTH_1 == BIT_WIDTH_0 && READ_MODE == 0),
    .BYTE(8), .WIDTH(BIT_WIDTH_0), .INITIAL(`QLIF_GOWIN_INITIAL)
  ) ram (
    .write_clock(CLKA), .write_address({2'd0, ADA}), .write_enable(`QLIF_GOWIN_ENABLE(1'b1)),
    .write_data({40'd0, DI}), .read_clock(CLKB), .read_enable(CEB && BLKSELB == BLK_SEL_1),
    .read_address({2'd0, ADB}), .read_data(read), .not_modelled(RESETA || RESETB)
  );
endmodule

module SDPX9B #(
  parameter READ_MODE = 0, RESET_MODE = "SYNC", BIT_WIDTH_0 = 36, BIT_WIDTH_1 = 36,
  parameter [2:0] BLK_SEL_0 = 0, BLK_SEL_1 = 0, parameter `QLIF_GOWIN_INITS(288'd0)
) (
  input CLKA, CEA, RESETA, CLKB, CEB, OCE, RESETB, input [2:0] BLKSELA, BLKSELB,
  input [13:0] ADA, ADB, input [35:0] DI, output [35:0] DO
);
  wire [71:0] read;
  assign DO = read[35:0];
  qlif_block_ram #(
    .CELL("SDPX9B"), .MODELLED(BIT_WIDTH_1 == BIT_WIDTH_0 && READ_MODE == 0),
    .BYTE(9), .WIDTH(BIT_WIDTH_0), .INITIAL(`QLIF_GOWIN_INITIAL)
  ) ram (
    .write_clock(CLKA), .write_address({2'd0, ADA}), .write_enable(`QLIF_GOWIN_ENABLE(1'b1)),
    .write_data({36'd0, DI}), .read_clock(CLKB), .read_enable(CEB && BLKSELB == BLK_SEL_1),
    .read_address({2'd0, ADB}), .read_data(read), .not_modelled(RESETA || RESETB)
  );
endmodule
