// MachXO2's block RAM as Yosys instantiates it: see block_ram.v. Port A writes, and port B reads. Words of 1 and 2
// bits are written at other pins than they are read at; 18 bits at the pins of both ports, the low half at those of
// A, and the lowest bits of the write's address enable the bytes. Apache-2.0.
module DP8KC #(
  parameter DATA_WIDTH_A = 9, DATA_WIDTH_B = 9, REGMODE_A = "NOREG", REGMODE_B = "NOREG",
  parameter WRITEMODE_A = "NORMAL", WRITEMODE_B = "NORMAL", CSDECODE_A = "0b000", CSDECODE_B = "0b000",
  parameter RESETMODE = "SYNC", ASYNC_RESET_RELEASE = "SYNC", GSR = "ENABLED",
  parameter
    INITVAL_00 = 320'd0, INITVAL_01 = 320'd0, INITVAL_02 = 320'd0, INITVAL_03 = 320'd0, INITVAL_04 = 320'd0,
    INITVAL_05 = 320'd0, INITVAL_06 = 320'd0, INITVAL_07 = 320'd0, INITVAL_08 = 320'd0, INITVAL_09 = 320'd0,
    INITVAL_0A = 320'd0, INITVAL_0B = 320'd0, INITVAL_0C = 320'd0, INITVAL_0D = 320'd0, INITVAL_0E = 320'd0,
    INITVAL_0F = 320'd0, INITVAL_10 = 320'd0, INITVAL_11 = 320'd0, INITVAL_12 = 320'd0, INITVAL_13 = 320'd0,
    INITVAL_14 = 320'd0, INITVAL_15 = 320'd0, INITVAL_16 = 320'd0, INITVAL_17 = 320'd0, INITVAL_18 = 320'd0,
    INITVAL_19 = 320'd0, INITVAL_1A = 320'd0, INITVAL_1B = 320'd0, INITVAL_1C = 320'd0, INITVAL_1D = 320'd0,
    INITVAL_1E = 320'd0, INITVAL_1F = 320'd0
) (
  input CLKA, CEA, OCEA, WEA, RSTA, CLKB, CEB, OCEB, WEB, RSTB, CSA2, CSA1, CSA0, CSB2, CSB1, CSB0,
  input ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0, DIA8, DIA7, DIA6, DIA5,
  DIA4, DIA3, DIA2, DIA1, DIA0,
  input ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0, DIB8, DIB7, DIB6, DIB5,
  DIB4, DIB3, DIB2, DIB1, DIB0,
  output DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0,
  output DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0
);
  wire [12:0] address = {ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0};
  wire [17:0] data = {
    DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0
  };
  wire [17:0] word = DATA_WIDTH_A == 1 ? {17'd0, data[1]} : DATA_WIDTH_A == 2 ? {16'd0, data[5], data[2]} : data;
  wire [7:0] enable = DATA_WIDTH_A == 18 ? {6'd0, address[1:0]} : 8'hff;
  wire [71:0] read;

  // Sixteen words of 18 bits, 20 bits apart.
  function [287:0] close(input [319:0] apart);
    integer i;
    for (i = 0; i < 16; i = i + 1) close[18*i +: 18] = apart[20*i +: 18];
  endfunction

  qlif_block_ram #(
    .CELL("DP8KC"),
    .MODELLED(DATA_WIDTH_B == DATA_WIDTH_A && REGMODE_B == "NOREG" && CSDECODE_A == "0b000" && CSDECODE_B == "0b000"),
    .BYTES(1024), .WIDTH(DATA_WIDTH_A),
    .INITIAL({
      close(INITVAL_1F), close(INITVAL_1E), close(INITVAL_1D), close(INITVAL_1C), close(INITVAL_1B),
      close(INITVAL_1A), close(INITVAL_19), close(INITVAL_18), close(INITVAL_17), close(INITVAL_16),
      close(INITVAL_15), close(INITVAL_14), close(INITVAL_13), close(INITVAL_12), close(INITVAL_11),
      close(INITVAL_10), close(INITVAL_0F), close(INITVAL_0E), close(INITVAL_0D), close(INITVAL_0C),
      close(INITVAL_0B), close(INITVAL_0A), close(INITVAL_09), close(INITVAL_08), close(INITVAL_07),
      close(INITVAL_06), close(INITVAL_05), close(INITVAL_04), close(INITVAL_03), close(INITVAL_02),
      close(INITVAL_01), close(INITVAL_00)
    })
  ) ram (
    .write_clock(CLKA), .write_address({3'd0, address}),
    .write_enable({8{CEA && WEA && {CSA2, CSA1, CSA0} == 3'd0}} & enable), .write_data({54'd0, word}),
    .read_clock(CLKB), .read_enable(CEB && {CSB2, CSB1, CSB0} == 3'd0),
    .read_address({
      3'd0, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0
    }),
    .read_data(read), .not_modelled(RSTA || RSTB || CEB && WEB)
  );
  assign {DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0} = DATA_WIDTH_B == 18 ? read[8:0] : 9'dx;
  assign {DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0} = DATA_WIDTH_B == 18 ? read[17:9] : read[8:0];
endmodule
