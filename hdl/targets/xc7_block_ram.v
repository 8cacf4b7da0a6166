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
  INIT_3C = 256'd0, INIT_3D = 256'd0, INIT_3E = 256'd0, INIT_3F = 256'd0, INIT_40 = 256'd0, INIT_41 = 256'd0, \
  INIT_42 = 256'd0, INIT_43 = 256'd0, INIT_44 = 256'd0, INIT_45 = 256'd0, INIT_46 = 256'd0, INIT_47 = 256'd0, \
  INIT_48 = 256'd0, INIT_49 = 256'd0, INIT_4A = 256'd0, INIT_4B = 256'd0, INIT_4C = 256'd0, INIT_4D = 256'd0, \
  INIT_4E = 256'd0, INIT_4F = 256'd0, INIT_50 = 256'd0, INIT_51 = 256'd0, INIT_52 = 256'd0, INIT_53 = 256'd0, \
  INIT_54 = 256'd0, INIT_55 = 256'd0, INIT_56 = 256'd0, INIT_57 = 256'd0, INIT_58 = 256'd0, INIT_59 = 256'd0, \
  INIT_5A = 256'd0, INIT_5B = 256'd0, INIT_5C = 256'd0, INIT_5D = 256'd0, INIT_5E = 256'd0, INIT_5F = 256'd0, \
  INIT_60 = 256'd0, INIT_61 = 256'd0, INIT_62 = 256'd0, INIT_63 = 256'd0, INIT_64 = 256'd0, INIT_65 = 256'd0, \
  INIT_66 = 256'd0, INIT_67 = 256'd0, INIT_68 = 256'd0, INIT_69 = 256'd0, INIT_6A = 256'd0, INIT_6B = 256'd0, \
  INIT_6C = 256'd0, INIT_6D = 256'd0, INIT_6E = 256'd0, INIT_6F = 256'd0, INIT_70 = 256'd0, INIT_71 = 256'd0, \
  INIT_72 = 256'd0, INIT_73 = 256'd0, INIT_74 = 256'd0, INIT_75 = 256'd0, INIT_76 = 256'd0, INIT_77 = 256'd0, \
  INIT_78 = 256'd0, INIT_79 = 256'd0, INIT_7A = 256'd0, INIT_7B = 256'd0, INIT_7C = 256'd0, INIT_7D = 256'd0, \
  INIT_7E = 256'd0, INIT_7F = 256'd0, INITP_00 = 256'd0, INITP_01 = 256'd0, INITP_02 = 256'd0, INITP_03 = 256'd0, \
  INITP_04 = 256'd0, INITP_05 = 256'd0, INITP_06 = 256'd0, INITP_07 = 256'd0, INITP_08 = 256'd0, INITP_09 = 256'd0, \
  INITP_0A = 256'd0, INITP_0B = 256'd0, INITP_0C = 256'd0, INITP_0D = 256'd0, INITP_0E = 256'd0, INITP_0F = 256'd0
`define QLIF_XC7_DATA_36 \
  { INIT_7F, INIT_7E, INIT_7D, INIT_7C, INIT_7B, INIT_7A, INIT_79, INIT_78, INIT_77, INIT_76, INIT_75, INIT_74, \
  INIT_73, INIT_72, INIT_71, INIT_70, INIT_6F, INIT_6E, INIT_6D, INIT_6C, INIT_6B, INIT_6A, INIT_69, INIT_68, \
  INIT_67, INIT_66, INIT_65, INIT_64, INIT_63, INIT_62, INIT_61, INIT_60, INIT_5F, INIT_5E, INIT_5D, INIT_5C, \
  INIT_5B, INIT_5A, INIT_59, INIT_58, INIT_57, INIT_56, INIT_55, INIT_54, INIT_53, INIT_52, INIT_51, INIT_50, \
  INIT_4F, INIT_4E, INIT_4D, INIT_4C, INIT_4B, INIT_4A, INIT_49, INIT_48, INIT_47, INIT_46, INIT_45, INIT_44, \
  INIT_43, INIT_42, INIT_41, INIT_40, INIT_3F, INIT_3E, INIT_3D, INIT_3C, INIT_3B, INIT_3A, INIT_39, INIT_38, \
  INIT_37, INIT_36, INIT_35, INIT_34, INIT_33, INIT_32, INIT_31, INIT_30, INIT_2F, INIT_2E, INIT_2D, INIT_2C, \
  INIT_2B, INIT_2A, INIT_29, INIT_28, INIT_27, INIT_26, INIT_25, INIT_24, INIT_23, INIT_22, INIT_21, INIT_20, \
  INIT_1F, INIT_1E, INIT_1D, INIT_1C, INIT_1B, INIT_1A, INIT_19, INIT_18, INIT_17, INIT_16, INIT_15, INIT_14, \
  INIT_13, INIT_12, INIT_11, INIT_10, INIT_0F, INIT_0E, INIT_0D, INIT_0C, INIT_0B, INIT_0A, INIT_09, INIT_08, \
  INIT_07, INIT_06, INIT_05, INIT_04, INIT_03, INIT_02, INIT_01, INIT_00 }
`define QLIF_XC7_PARITY_36 \
  { INITP_0F, INITP_0E, INITP_0D, INITP_0C, INITP_0B, INITP_0A, INITP_09, INITP_08, INITP_07, INITP_06, INITP_05, \
  INITP_04, INITP_03, INITP_02, INITP_01, INITP_00 }

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
  localparam SIMPLE = RAM_MODE == "SDP";
  localparam WRITTEN = SIMPLE ? WRITE_WIDTH_B : WRITE_WIDTH_A, READ = SIMPLE ? READ_WIDTH_A : READ_WIDTH_B;
  function [18431:0] bytes(input [16383:0] data, input [2047:0] parity);
    integer i;
    for (i = 0; i < 2048; i = i + 1) bytes[9*i +: 9] = {parity[i], data[8*i +: 8]};
  endfunction

  wire [17:0] in_a, in_b, out_a, out_b;
  wire [71:0] read;
  assign out_a = SIMPLE ? read[17:0] : 18'dx;
  assign out_b = SIMPLE ? read[35:18] : read[17:0];
  genvar i;
  generate
    for (i = 0; i < 2; i = i + 1) begin : byte_
      assign in_a[9*i +: 9] = {DIPADIP[i], DIADI[8*i +: 8]};
      assign in_b[9*i +: 9] = {DIPBDIP[i], DIBDI[8*i +: 8]};
      assign {DOPADOP[i], DOADO[8*i +: 8]} = out_a[9*i +: 9];
      assign {DOPBDOP[i], DOBDO[8*i +: 8]} = out_b[9*i +: 9];
    end
  endgenerate

  qlif_block_ram #(
    .CELL("RAMB18E1"),
    .MODELLED(
      WRITTEN == READ && WRITTEN != 0 && DOA_REG == 0 && DOB_REG == 0
      && (SIMPLE ? WRITE_WIDTH_A == 0 && READ_WIDTH_B == 0 : READ_WIDTH_A == 0 && WRITE_WIDTH_B == 0)
    ),
    .BYTES(2048), .WIDTH(WRITTEN == 0 ? 9 : WRITTEN),
    .READS_OLD(SIMPLE ? WRITE_MODE_B == "READ_FIRST" : WRITE_MODE_A == "READ_FIRST"),
    .INITIAL(bytes(`QLIF_XC7_DATA_18, `QLIF_XC7_PARITY_18))
  ) ram (
    .write_clock(SIMPLE ? CLKBWRCLK : CLKARDCLK), .read_clock(SIMPLE ? CLKARDCLK : CLKBWRCLK),
    .write_address({2'd0, SIMPLE ? ADDRBWRADDR : ADDRARDADDR}),
    .write_enable(SIMPLE ? {8{ENBWREN}} & {4'd0, WEBWE} : {8{ENARDEN}} & {6'd0, WEA}),
    .write_data(SIMPLE && WRITTEN == 36 ? {36'd0, in_b, in_a} : {54'd0, SIMPLE ? in_b : in_a}),
    .read_enable(SIMPLE ? ENARDEN : ENBWREN), .read_address({2'd0, SIMPLE ? ADDRARDADDR : ADDRBWRADDR}),
    .read_data(read), .not_modelled(RSTRAMARSTRAM || RSTRAMB)
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
  localparam SIMPLE = RAM_MODE == "SDP";
  localparam WRITTEN = SIMPLE ? WRITE_WIDTH_B : WRITE_WIDTH_A, READ = SIMPLE ? READ_WIDTH_A : READ_WIDTH_B;
  function [36863:0] bytes(input [32767:0] data, input [4095:0] parity);
    integer i;
    for (i = 0; i < 4096; i = i + 1) bytes[9*i +: 9] = {parity[i], data[8*i +: 8]};
  endfunction

  wire [35:0] in_a, in_b, out_a, out_b;
  wire [71:0] read;
  assign out_a = SIMPLE ? read[35:0] : 36'dx;
  assign out_b = SIMPLE ? read[71:36] : read[35:0];
  genvar i;
  generate
    for (i = 0; i < 4; i = i + 1) begin : byte_
      assign in_a[9*i +: 9] = {DIPADIP[i], DIADI[8*i +: 8]};
      assign in_b[9*i +: 9] = {DIPBDIP[i], DIBDI[8*i +: 8]};
      assign {DOPADOP[i], DOADO[8*i +: 8]} = out_a[9*i +: 9];
      assign {DOPBDOP[i], DOBDO[8*i +: 8]} = out_b[9*i +: 9];
    end
  endgenerate

  qlif_block_ram #(
    .CELL("RAMB36E1"),
    .MODELLED(
      WRITTEN == READ && WRITTEN != 0 && DOA_REG == 0 && DOB_REG == 0
      && (SIMPLE ? WRITE_WIDTH_A == 0 && READ_WIDTH_B == 0 : READ_WIDTH_A == 0 && WRITE_WIDTH_B == 0)
      && RAM_EXTENSION_A == "NONE" && RAM_EXTENSION_B == "NONE"
    ),
    .BYTES(4096), .WIDTH(WRITTEN == 0 ? 9 : WRITTEN),
    .READS_OLD(SIMPLE ? WRITE_MODE_B == "READ_FIRST" : WRITE_MODE_A == "READ_FIRST"),
    .INITIAL(bytes(`QLIF_XC7_DATA_36, `QLIF_XC7_PARITY_36))
  ) ram (
    .write_clock(SIMPLE ? CLKBWRCLK : CLKARDCLK), .read_clock(SIMPLE ? CLKARDCLK : CLKBWRCLK),
    .write_address({1'd0, SIMPLE ? ADDRBWRADDR[14:0] : ADDRARDADDR[14:0]}),
    .write_enable(SIMPLE ? {8{ENBWREN}} & WEBWE : {8{ENARDEN}} & {4'd0, WEA}),
    .write_data(SIMPLE && WRITTEN == 72 ? {in_b, in_a} : {36'd0, SIMPLE ? in_b : in_a}),
    .read_enable(SIMPLE ? ENARDEN : ENBWREN), .read_address({1'd0, SIMPLE ? ADDRARDADDR[14:0] : ADDRBWRADDR[14:0]}),
    .read_data(read), .not_modelled(RSTRAMARSTRAM || RSTRAMB)
  );
endmodule
