// The block RAMs of AMD's 7 series as Yosys instantiates them: see block_ram.v. The ninth bit of each byte is at a
// pin of its own. Of two true ports A writes and B reads; of a simple dual port B writes and A reads, a word of twice
// the width at the pins of both. A port that reads first lets the other one read the old word. Apache-2.0.
`define QLIF_XC7_INITS_18 \
  INIT_00 = 256'd0, INIT_01 = 256'd0, INIT_02 = 256'd0, INIT_03 = 256'd0, INIT_04 = 256'd0, INIT_05 = 256'd0, \
  INIT_06 = 256'd0, INIT_07 = 256'd0, INIT_08 = 256'd0, INIT_09 = 256'd0, INIT_0A = 256'd0, INIT_0B = 256'd0, \
  INIT_0C = 256'd0, INIT_0D = 256'd0, INIT_0E = 256'd0, INIT_0F = 256'd0, INIT_10 = 256'd0, INIT_11 = 256'd0, \
  INIT_12 = 256'd0, INIT_13 = 256'd0, INIT_14 = 256'd0, INIT_15 = 256'd0, INIT_16 = 256'd0, INIT_17 = 256'd0, \
  INIT_18 = 256'd0, INIT_19 = 256'd0, INIT_1A = 256'd0, INIT_1B = 256'd0, INIT_1C = 256'd0, INIT_1D = 256'd0, \
  INIT_1E = 256'd0, INIT_1F = 256'd0, INIT_20 = 256'd0, INIT_21 = 256'd0, INIT_22 = 256'd0, INIT_23 = 256'd0, \
  INIT_24 = 256'd0, INIT_25 = 256'd0, INIT_26 = 256'd0, INIT_27 = 256'd0, INIT_28 = 256'd0, INIT_29 = 256'd0, \
  INIT_2A = 256'd0, INIT_2B = 256'd0, INIT_2C = 256'd0, INIT_2D = 256'd0, INIT_2E = 256'd0, INIT_2F = 256'd0, \
  INIT_30 = 256'd0, INIT_31 = 256'd0, INIT_32 = 256'd0, INIT_33 = 256'd0, INIT_34 = 256'd0, INIT_35 = 256'd0, \
  INIT_36 = 256'd0, INIT_37 = 256'd0, INIT_38 = 256'd0, INIT_39 = 256'd0, INIT_3A = 256'd0, INIT_3B = 256'd0, \
  INIT_3C = 256'd0, INIT_3D = 256'd0, INIT_3E = 256'd0, INIT_3F = 256'd0, INITP_00 = 256'd0, INITP_01 = 256'd0, \
  INITP_02 = 256'd0, INITP_03 = 256'd0, INITP_04 = 256'd0, INITP_05 = 256'd0, INITP_06 = 256'd0, INITP_07 = 256'd0
`define QLIF_XC7_DATA_18 \
  { INIT_3F, INIT_3E, INIT_3D, INIT_3C, INIT_3B, INIT_3A, INIT_39, INIT_38, INIT_37, INIT_36, INIT_35, INIT_34, \
  INIT_33, INIT_32, INIT_31, INIT_30, INIT_2F, INIT_2E, INIT_2D, INIT_2C, INIT_2B, INIT_2A, INIT_29, INIT_28, \
  INIT_27, INIT_26, INIT_25, INIT_24, INIT_23, INIT_22, INIT_21, INIT_20, INIT_1F, INIT_1E, INIT_1D, INIT_1C, \
  INIT_1B, INIT_1A, INIT_19, INIT_18, INIT_17, INIT_16, INIT_15, INIT_14, INIT_13, INIT_12, INIT_11, INIT_10, \
  INIT_0F, INIT_0E, INIT_0D, INIT_0C, INIT_0B, INIT_0A, INIT_09, INIT_08, INIT_07, INIT_06, INIT_05, INIT_04, \
  INIT_03, INIT_02, INIT_01, INIT_00 }
`define QLIF_XC7_PARITY_18 \
  { INITP_07, INITP_06, INITP_05, INITP_04, INITP_03, INITP_02, INITP_01, INITP_00 }
`define QLIF_XC7_INITS_36 \
  `QLIF_XC7_INITS_18, INIT_40 = 256'd0, INIT_41 = 256'd0, INIT_42 = 256'd0, INIT_43 = 256'd0, INIT_44 = 256'd0, \
  INIT_45 = 256'd0, INIT_46 = 256'd0, INIT_47 = 256'd0, INIT_48 = 256'd0, INIT_49 = 256'd0, INIT_4A = 256'd0, \
  INIT_4B = 256'd0, INIT_4C = 256'd0, INIT_4D = 256'd0, INIT_4E = 256'd0, INIT_4F = 256'd0, INIT_50 = 256'd0, \
  INIT_51 = 256'd0, INIT_52 = 256'd0, INIT_53 = 256'd0, INIT_54 = 256'd0, INIT_55 = 256'd0, INIT_56 = 256'd0, \
  INIT_57 = 256'd0, INIT_58 = 256'd0, INIT_59 = 256'd0, INIT_5A = 256'd0, INIT_5B = 256'd0, INIT_5C = 256'd0, \
  INIT_5D = 256'd0, INIT_5E = 256'd0, INIT_5F = 256'd0, INIT_60 = 256'd0, INIT_61 = 256'd0, INIT_62 = 256'd0, \
  INIT_63 = 256'd0, INIT_64 = 256'd0, INIT_65 = 256'd0, INIT_66 = 256'd0, INIT_67 = 256'd0, INIT_68 = 256'd0, \
  INIT_69 = 256'd0, INIT_6A = 256'd0, INIT_6B = 256'd0, INIT_6C = 256'd0, INIT_6D = 256'd0, INIT_6E = 256'd0, \
  INIT_6F = 256'd0, INIT_70 = 256'd0, INIT_71 = 256'd0, INIT_72 = 256'd0, INIT_73 = 256'd0, INIT_74 = 256'd0, \
  INIT_75 = 256'd0, INIT_76 = 256'd0, INIT_77 = 256'd0, INIT_78 = 256'd0, INIT_79 = 256'd0, INIT_7A = 256'd0, \
  INIT_7B = 256'd0, INIT_7C = 256'd0, INIT_7D = 256'd0, INIT_7E = 256'd0, INIT_7F = 256'd0, INITP_08 = 256'd0, \
  INITP_09 = 256'd0, INITP_0A = 256'd0, INITP_0B = 256'd0, INITP_0C = 256'd0, INITP_0D = 256'd0, INITP_0E = 256'd0, \
  INITP_0F = 256'd0
`define QLIF_XC7_DATA_36 \
  { INIT_7F, INIT_7E, INIT_7D, INIT_7C, INIT_7B, INIT_7A, INIT_79, INIT_78, INIT_77, INIT_76, INIT_75, INIT_74, \
  INIT_73, INIT_72, INIT_71, INIT_70, INIT_6F, INIT_6E, INIT_6D, INIT_6C, INIT_6B, INIT_6A, INIT_69, INIT_68, \
  INIT_67, INIT_66, INIT_65, INIT_64, INIT_63, INIT_62, INIT_61, INIT_60, INIT_5F, INIT_5E, INIT_5D, INIT_5C, \
  INIT_5B, INIT_5A, INIT_59, INIT_58, INIT_57, INIT_56, INIT_55, INIT_54, INIT_53, INIT_52, INIT_51, INIT_50, \
  INIT_4F, INIT_4E, INIT_4D, INIT_4C, INIT_4B, INIT_4A, INIT_49, INIT_48, INIT_47, INIT_46, INIT_45, INIT_44, \
  INIT_43, INIT_42, INIT_41, INIT_40, `QLIF_XC7_DATA_18 }
`define QLIF_XC7_PARITY_36 \
  { INITP_0F, INITP_0E, INITP_0D, INITP_0C, INITP_0B, INITP_0A, INITP_09, INITP_08, `QLIF_XC7_PARITY_18 }

module qlif_xc7_ramb #(
  parameter CELL = "", SIZE = 18,  // bits that are at a port's pins
  parameter RAM_MODE = "TDP", WRITE_MODE_A = "WRITE_FIRST", WRITE_MODE_B = "WRITE_FIRST", MODELLED = 1,
  parameter READ_WIDTH_A = 0, READ_WIDTH_B = 0, WRITE_WIDTH_A = 0, WRITE_WIDTH_B = 0,
  parameter DATA = {16 * 1024 * SIZE / 18{1'b0}}, PARITY = {2 * 1024 * SIZE / 18{1'b0}},
  parameter PINS = SIZE / 9, BYTES = 1024 * PINS
) (
  input clock_a, enable_a, reset_a, input [15:0] address_a, input [7:0] write_a,
  input [8*PINS-1:0] data_a, input [PINS-1:0] ninth_a, output [8*PINS-1:0] read_a, output [PINS-1:0] read_ninth_a,
  input clock_b, enable_b, reset_b, input [15:0] address_b, input [7:0] write_b,
  input [8*PINS-1:0] data_b, input [PINS-1:0] ninth_b, output [8*PINS-1:0] read_b, output [PINS-1:0] read_ninth_b
);
  localparam SIMPLE = RAM_MODE == "SDP";
  localparam WRITTEN = SIMPLE ? WRITE_WIDTH_B : WRITE_WIDTH_A, READ = SIMPLE ? READ_WIDTH_A : READ_WIDTH_B;
  function [9*BYTES-1:0] bytes(input [8*BYTES-1:0] data, input [BYTES-1:0] parity);
    integer i;
    for (i = 0; i < BYTES; i = i + 1) bytes[9*i +: 9] = {parity[i], data[8*i +: 8]};
  endfunction

  wire [SIZE-1:0] in_a, in_b, out_a, out_b;
  wire [71:0] read;
  // Twice the width is at the pins of both ports.
  wire [143:0] word = {{144-2*SIZE{1'b0}}, in_b, SIMPLE && WRITTEN <= SIZE ? in_b : in_a};
  assign out_a = SIMPLE ? read[SIZE-1:0] : {SIZE{1'bx}};
  assign out_b = SIMPLE ? read[2*SIZE-1:SIZE] : read[SIZE-1:0];
  genvar i;
  generate
    for (i = 0; i < PINS; i = i + 1) begin : byte_
      assign in_a[9*i +: 9] = {ninth_a[i], data_a[8*i +: 8]};
      assign in_b[9*i +: 9] = {ninth_b[i], data_b[8*i +: 8]};
      assign {read_ninth_a[i], read_a[8*i +: 8]} = out_a[9*i +: 9];
      assign {read_ninth_b[i], read_b[8*i +: 8]} = out_b[9*i +: 9];
    end
  endgenerate

  qlif_block_ram #(
    .CELL(CELL),
    .MODELLED(
      MODELLED && WRITTEN == READ && WRITTEN != 0
      && (SIMPLE ? WRITE_WIDTH_A == 0 && READ_WIDTH_B == 0 : READ_WIDTH_A == 0 && WRITE_WIDTH_B == 0)
    ),
    .BYTES(BYTES), .WIDTH(WRITTEN == 0 ? 9 : WRITTEN),
    .READS_OLD(SIMPLE ? WRITE_MODE_B == "READ_FIRST" : WRITE_MODE_A == "READ_FIRST"),
    .INITIAL(bytes(DATA, PARITY))
  ) ram (
    .write_clock(SIMPLE ? clock_b : clock_a), .write_address(SIMPLE ? address_b : address_a),
    .write_enable(SIMPLE ? {8{enable_b}} & write_b : {8{enable_a}} & write_a), .write_data(word[71:0]),
    .read_clock(SIMPLE ? clock_a : clock_b), .read_enable(SIMPLE ? enable_a : enable_b),
    .read_address(SIMPLE ? address_a : address_b), .read_data(read), .not_modelled(reset_a || reset_b)
  );
endmodule

module RAMB18E1 #(
  parameter RAM_MODE = "TDP", WRITE_MODE_A = "WRITE_FIRST", WRITE_MODE_B = "WRITE_FIRST", DOA_REG = 0, DOB_REG = 0,
  parameter READ_WIDTH_A = 0, READ_WIDTH_B = 0, WRITE_WIDTH_A = 0, WRITE_WIDTH_B = 0,
  parameter INIT_A = 18'd0, INIT_B = 18'd0, SRVAL_A = 18'd0, SRVAL_B = 18'd0, `QLIF_XC7_INITS_18
) (
  input CLKARDCLK, ENARDEN, REGCEAREGCE, RSTRAMARSTRAM, RSTREGARSTREG,
  input CLKBWRCLK, ENBWREN, REGCEB, RSTRAMB, RSTREGB,
  input [13:0] ADDRARDADDR, ADDRBWRADDR, input [1:0] WEA, input [3:0] WEBWE,
  input [15:0] DIADI, DIBDI, input [1:0] DIPADIP, DIPBDIP,
  output [15:0] DOADO, DOBDO, output [1:0] DOPADOP, DOPBDOP
);
  qlif_xc7_ramb #(
    .CELL("RAMB18E1"), .SIZE(18),
    .RAM_MODE(RAM_MODE), .WRITE_MODE_A(WRITE_MODE_A), .WRITE_MODE_B(WRITE_MODE_B),
    .MODELLED(DOA_REG == 0 && DOB_REG == 0),
    .READ_WIDTH_A(READ_WIDTH_A), .READ_WIDTH_B(READ_WIDTH_B),
    .WRITE_WIDTH_A(WRITE_WIDTH_A), .WRITE_WIDTH_B(WRITE_WIDTH_B),
    .DATA(`QLIF_XC7_DATA_18), .PARITY(`QLIF_XC7_PARITY_18)
  ) ram (
    .clock_a(CLKARDCLK), .enable_a(ENARDEN), .reset_a(RSTRAMARSTRAM),
    .address_a({2'd0, ADDRARDADDR}), .write_a({6'd0, WEA}),
    .data_a(DIADI), .ninth_a(DIPADIP), .read_a(DOADO), .read_ninth_a(DOPADOP),
    .clock_b(CLKBWRCLK), .enable_b(ENBWREN), .reset_b(RSTRAMB),
    .address_b({2'd0, ADDRBWRADDR}), .write_b({4'd0, WEBWE}),
    .data_b(DIBDI), .ninth_b(DIPBDIP), .read_b(DOBDO), .read_ninth_b(DOPBDOP)
  );
endmodule

module RAMB36E1 #(
  parameter RAM_MODE = "TDP", WRITE_MODE_A = "WRITE_FIRST", WRITE_MODE_B = "WRITE_FIRST", DOA_REG = 0, DOB_REG = 0,
  parameter READ_WIDTH_A = 0, READ_WIDTH_B = 0, WRITE_WIDTH_A = 0, WRITE_WIDTH_B = 0,
  parameter RAM_EXTENSION_A = "NONE", RAM_EXTENSION_B = "NONE",
  parameter INIT_A = 36'd0, INIT_B = 36'd0, SRVAL_A = 36'd0, SRVAL_B = 36'd0, `QLIF_XC7_INITS_36
) (
  input CLKARDCLK, ENARDEN, REGCEAREGCE, RSTRAMARSTRAM, RSTREGARSTREG,
  input CLKBWRCLK, ENBWREN, REGCEB, RSTRAMB, RSTREGB,
  input [15:0] ADDRARDADDR, ADDRBWRADDR, input [3:0] WEA, input [7:0] WEBWE,
  input [31:0] DIADI, DIBDI, input [3:0] DIPADIP, DIPBDIP,
  output [31:0] DOADO, DOBDO, output [3:0] DOPADOP, DOPBDOP
);
  qlif_xc7_ramb #(
    .CELL("RAMB36E1"), .SIZE(36),
    .RAM_MODE(RAM_MODE), .WRITE_MODE_A(WRITE_MODE_A), .WRITE_MODE_B(WRITE_MODE_B),
    .MODELLED(DOA_REG == 0 && DOB_REG == 0 && RAM_EXTENSION_A == "NONE" && RAM_EXTENSION_B == "NONE"),
    .READ_WIDTH_A(READ_WIDTH_A), .READ_WIDTH_B(READ_WIDTH_B),
    .WRITE_WIDTH_A(WRITE_WIDTH_A), .WRITE_WIDTH_B(WRITE_WIDTH_B),
    .DATA(`QLIF_XC7_DATA_36), .PARITY(`QLIF_XC7_PARITY_36)
  ) ram (
    .clock_a(CLKARDCLK), .enable_a(ENARDEN), .reset_a(RSTRAMARSTRAM),
    .address_a({1'd0, ADDRARDADDR[14:0]}), .write_a({4'd0, WEA}),
    .data_a(DIADI), .ninth_a(DIPADIP), .read_a(DOADO), .read_ninth_a(DOPADOP),
    .clock_b(CLKBWRCLK), .enable_b(ENBWREN), .reset_b(RSTRAMB),
    .address_b({1'd0, ADDRBWRADDR[14:0]}), .write_b(WEBWE),
    .data_b(DIBDI), .ninth_b(DIPBDIP), .read_b(DOBDO), .read_ninth_b(DOPBDOP)
  );
endmodule
