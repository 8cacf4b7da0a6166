// Block RAM of Lattice ECP5: behavioural model for simulation. Apache-2.0.
//
// Written from what is public of the pins: Lattice's memory usage guide and Yosys' mapping. 2048 bytes of 9 bits;
// widths of 1, 2 and 4 leave each byte's ninth bit alone. At width 18 the two lowest address bits enable the
// bytes of a write, at width 36 the four lowest. If one port is 36 wide, port A only writes and port B only reads;
// the low half of 36 bits is at the pins DIA and DOA, and a narrower word is read at DOB.
//
// What the hardware leaves open is X here: a bit that one port reads while the other writes it. (Verilator knows
// no X and gets the complement.) A choice that the model doesn't know stops the simulation.
//
// Yosys, for proofs and bit slices, gets a memory that is written at port A and read at port B, words of one width, as
// the explicit variant and Yosys' own mapping use it. Any other choice isn't elaborated. (It reads this file with
// -defer.)
module DP16KD (
  input
    DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2,
    DIA1, DIA0, ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0,
    CEA, OCEA, CLKA, WEA, RSTA, CSA2, CSA1, CSA0,
  input
    DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2,
    DIB1, DIB0, ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
    CEB, OCEB, CLKB, WEB, RSTB, CSB2, CSB1, CSB0,
  output
    DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2,
    DOA1, DOA0, DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4,
    DOB3, DOB2, DOB1, DOB0
);
  parameter DATA_WIDTH_A = 18, DATA_WIDTH_B = 18;
  parameter REGMODE_A = "NOREG", REGMODE_B = "NOREG";
  parameter WRITEMODE_A = "NORMAL", WRITEMODE_B = "NORMAL";
  parameter CLKAMUX = "CLKA", CLKBMUX = "CLKB";
  parameter CSDECODE_A = "0b000", CSDECODE_B = "0b000";
  parameter RESETMODE = "SYNC", ASYNC_RESET_RELEASE = "SYNC";
  parameter GSR = "ENABLED", INIT_DATA = "STATIC", WID = 0;
  parameter
    INITVAL_00 = 320'h0, INITVAL_01 = 320'h0, INITVAL_02 = 320'h0, INITVAL_03 = 320'h0,
    INITVAL_04 = 320'h0, INITVAL_05 = 320'h0, INITVAL_06 = 320'h0, INITVAL_07 = 320'h0,
    INITVAL_08 = 320'h0, INITVAL_09 = 320'h0, INITVAL_0A = 320'h0, INITVAL_0B = 320'h0,
    INITVAL_0C = 320'h0, INITVAL_0D = 320'h0, INITVAL_0E = 320'h0, INITVAL_0F = 320'h0,
    INITVAL_10 = 320'h0, INITVAL_11 = 320'h0, INITVAL_12 = 320'h0, INITVAL_13 = 320'h0,
    INITVAL_14 = 320'h0, INITVAL_15 = 320'h0, INITVAL_16 = 320'h0, INITVAL_17 = 320'h0,
    INITVAL_18 = 320'h0, INITVAL_19 = 320'h0, INITVAL_1A = 320'h0, INITVAL_1B = 320'h0,
    INITVAL_1C = 320'h0, INITVAL_1D = 320'h0, INITVAL_1E = 320'h0, INITVAL_1F = 320'h0,
    INITVAL_20 = 320'h0, INITVAL_21 = 320'h0, INITVAL_22 = 320'h0, INITVAL_23 = 320'h0,
    INITVAL_24 = 320'h0, INITVAL_25 = 320'h0, INITVAL_26 = 320'h0, INITVAL_27 = 320'h0,
    INITVAL_28 = 320'h0, INITVAL_29 = 320'h0, INITVAL_2A = 320'h0, INITVAL_2B = 320'h0,
    INITVAL_2C = 320'h0, INITVAL_2D = 320'h0, INITVAL_2E = 320'h0, INITVAL_2F = 320'h0,
    INITVAL_30 = 320'h0, INITVAL_31 = 320'h0, INITVAL_32 = 320'h0, INITVAL_33 = 320'h0,
    INITVAL_34 = 320'h0, INITVAL_35 = 320'h0, INITVAL_36 = 320'h0, INITVAL_37 = 320'h0,
    INITVAL_38 = 320'h0, INITVAL_39 = 320'h0, INITVAL_3A = 320'h0, INITVAL_3B = 320'h0,
    INITVAL_3C = 320'h0, INITVAL_3D = 320'h0, INITVAL_3E = 320'h0, INITVAL_3F = 320'h0;

  localparam WIDE = DATA_WIDTH_A == 36 || DATA_WIDTH_B == 36;
  // Sixteen words of 18 bits in each, 20 bits apart.
  localparam INITIAL = {
    INITVAL_3F, INITVAL_3E, INITVAL_3D, INITVAL_3C, INITVAL_3B, INITVAL_3A, INITVAL_39, INITVAL_38,
    INITVAL_37, INITVAL_36, INITVAL_35, INITVAL_34, INITVAL_33, INITVAL_32, INITVAL_31, INITVAL_30,
    INITVAL_2F, INITVAL_2E, INITVAL_2D, INITVAL_2C, INITVAL_2B, INITVAL_2A, INITVAL_29, INITVAL_28,
    INITVAL_27, INITVAL_26, INITVAL_25, INITVAL_24, INITVAL_23, INITVAL_22, INITVAL_21, INITVAL_20,
    INITVAL_1F, INITVAL_1E, INITVAL_1D, INITVAL_1C, INITVAL_1B, INITVAL_1A, INITVAL_19, INITVAL_18,
    INITVAL_17, INITVAL_16, INITVAL_15, INITVAL_14, INITVAL_13, INITVAL_12, INITVAL_11, INITVAL_10,
    INITVAL_0F, INITVAL_0E, INITVAL_0D, INITVAL_0C, INITVAL_0B, INITVAL_0A, INITVAL_09, INITVAL_08,
    INITVAL_07, INITVAL_06, INITVAL_05, INITVAL_04, INITVAL_03, INITVAL_02, INITVAL_01, INITVAL_00
  };

`ifdef YOSYS
  localparam WIDTH = DATA_WIDTH_A;
  localparam LOWEST = WIDTH == 36 ? 5 : WIDTH == 18 ? 4 : WIDTH == 9 ? 3 : WIDTH == 4 ? 2 : WIDTH == 2 ? 1 : 0;
  localparam WORDS = 1 << (14 - LOWEST);
  reg [WIDTH-1:0] words [0:WORDS-1];

  // They start as INITIAL says; as anything if it is 0, for then nobody asked for a first content.
  generate
    if (INITIAL != 0) begin : filled
      integer word;
      initial
        for (word = 0; word < WORDS; word = word + 1)
          if (WIDTH == 36) words[word] = {INITIAL[40 * word + 20 +: 18], INITIAL[40 * word +: 18]};
          else if (WIDTH == 18) words[word] = INITIAL[20 * word +: 18];
          else if (WIDTH == 9) words[word] = INITIAL[20 * (word / 2) + 9 * (word % 2) +: 9];
          else words[word] = INITIAL[20 * (word * WIDTH / 16) + 9 * (word * WIDTH / 8 % 2) + word * WIDTH % 8 +: WIDTH];
    end
  endgenerate

  wire [13:0] address_a = {
    ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0
  };
  wire [13:0] address_b = {
    ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0
  };
  wire [35:0] data = {
    DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0,
    DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0
  };
  wire [13-LOWEST:0] written_at = address_a[13:LOWEST], read_at = address_b[13:LOWEST];
  wire writes = CEA && WEA && {CSA2, CSA1, CSA0} == 3'd0, reads = CEB && {CSB2, CSB1, CSB0} == 3'd0;
  // Without a byte's enable it keeps what it was; if the port is told to do more than write, all is unknown.
  wire [WIDTH-1:0] kept = words[written_at];
  wire [35:0] merged;
  genvar byte_;
  generate
    for (byte_ = 0; byte_ < 4; byte_ = byte_ + 1) begin : bytes
      if (WIDTH > 9 * byte_ + 9 || byte_ > 0 && WIDTH == 9 * byte_ + 9)
        assign merged[9 * byte_ +: 9] = address_a[byte_] ? data[9 * byte_ +: 9] : kept[9 * byte_ +: 9];
      else assign merged[9 * byte_ +: 9] = data[9 * byte_ +: 9];
    end
  endgenerate
  reg [WIDTH-1:0] latch, registered;
  always @(posedge CLKA) if (writes) words[written_at] <= RSTA ? {WIDTH{1'bx}} : merged[WIDTH-1:0];
  always @(posedge CLKB) begin
    if (RSTB || WEB || reads && writes && read_at == written_at) latch <= {WIDTH{1'bx}};
    else if (reads) latch <= words[read_at];
    if (RSTB) registered <= {WIDTH{1'bx}};
    else if (OCEB) registered <= latch;
  end
  // Of 36 bits, the high half is at port B's pins. What an asynchronous reset gives is unknown at once.
  wire [35:0] out = RESETMODE == "ASYNC" && RSTB ? 36'bx : REGMODE_B == "OUTREG" ? registered : latch;
  assign {
    DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0
  } = WIDTH == 36 ? out[17:0] : 18'bx;
  assign {
    DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0
  } = WIDTH == 36 ? out[35:18] : out[17:0];

  generate
    if (WIDTH != 1 && WIDTH != 2 && WIDTH != 4 && WIDTH != 9 && WIDTH != 18 && WIDTH != 36)
      $error("DP16KD: DATA_WIDTH_A must be 1, 2, 4, 9, 18 or 36");
    if (DATA_WIDTH_B != WIDTH) $error("DP16KD: DATA_WIDTH_B must be DATA_WIDTH_A in a proof");
    if (REGMODE_B != "OUTREG" && REGMODE_B != "NOREG") $error("DP16KD: REGMODE_B isn't modelled");
    if (REGMODE_B == "OUTREG" && WIDTH == 36) $error("DP16KD: an output register of 36 bits isn't modelled");
    if (WRITEMODE_A != "NORMAL" || WRITEMODE_B != "NORMAL") $error("DP16KD: WRITEMODE must be NORMAL in a proof");
    if (CLKAMUX != "CLKA" || CLKBMUX != "CLKB") $error("DP16KD: clocks must not be inverted in a proof");
    if (CSDECODE_A != "0b000" || CSDECODE_B != "0b000") $error("DP16KD: CSDECODE must be 0b000 in a proof");
    if (RESETMODE != "SYNC" && RESETMODE != "ASYNC") $error("DP16KD: RESETMODE isn't modelled");
    if (INIT_DATA != "STATIC") $error("DP16KD: INIT_DATA isn't modelled");
  endgenerate
`else
  // Written from two clocks, as a memory with two ports is.
  // verilator lint_off MULTIDRIVEN
  reg [8:0] memory [0:2047];
  // verilator lint_on MULTIDRIVEN

  wire [27:0] addresses = {
    ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0, ADA13, ADA12,
    ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0
  };
  wire [35:0] written = {
    DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2,
    DIB1, DIB0, DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4,
    DIA3, DIA2, DIA1, DIA0
  };
  wire [1:0] clock = {CLKBMUX == "INV" ? ~CLKB : CLKB, CLKAMUX == "INV" ? ~CLKA : CLKA};
  wire [1:0] reset = {RSTB, RSTA};
  wire [1:0] write = {WEB, WEA};
  wire [1:0] output_enable = {OCEB, OCEA};
  wire [1:0] enable = {
    CEB && {CSB2, CSB1, CSB0} == {CSDECODE_B[16], CSDECODE_B[8], CSDECODE_B[0]},
    CEA && {CSA2, CSA1, CSA0} == {CSDECODE_A[16], CSDECODE_A[8], CSDECODE_A[0]}
  };

  integer word;
  initial
    for (word = 0; word < 1024; word = word + 1) begin
      memory[2 * word] = INITIAL[20 * word +: 9];
      memory[2 * word + 1] = INITIAL[20 * word + 9 +: 9];
    end

  genvar p;
  generate
    for (p = 0; p < 2; p = p + 1) begin : port
      localparam WIDTH = p == 1 ? DATA_WIDTH_B : DATA_WIDTH_A;
      localparam BYTES = WIDTH < 9 ? 1 : WIDTH / 9;
      localparam REGISTERED = p == 1 ? REGMODE_B == "OUTREG" : REGMODE_A == "OUTREG";
      localparam NORMAL = p == 1 ? WRITEMODE_B == "NORMAL" : WRITEMODE_A == "NORMAL";
      localparam THROUGH = p == 1 ? WRITEMODE_B == "WRITETHROUGH" : WRITEMODE_A == "WRITETHROUGH";
      // The bits of a word in its first byte; all of them if it has more bytes than one.
      localparam [8:0] WORD = WIDTH == 1 ? 9'h1 : WIDTH == 2 ? 9'h3 : WIDTH == 4 ? 9'hf : 9'h1ff;
      localparam [10:0] ALIGNED = WIDTH == 36 ? 11'h7fc : WIDTH == 18 ? 11'h7fe : 11'h7ff;
      localparam [2:0] IN_BYTE = WIDTH == 1 ? 3'd7 : WIDTH == 2 ? 3'd6 : WIDTH == 4 ? 3'd4 : 3'd0;

      wire [13:0] address = addresses[14 * p +: 14];
      wire [35:0] data = WIDTH == 36 ? written : {18'd0, written[18 * p +: 18]};
      wire [10:0] first = address[13:3] & ALIGNED;
      wire [2:0] offset = address[2:0] & IN_BYTE;
      wire [3:0] enables = WIDTH == 36 ? address[3:0] : WIDTH == 18 ? {2'd0, address[1:0]} : 4'd1;
      wire writes = enable[p] && write[p];
      wire reads = enable[p] && !(WIDE && p == 0) && !(write[p] && NORMAL);

      // What was written last and when, and what was read: at the same time and place it is unknown.
      real write_time = -1, read_time = -2;
      reg [10:0] write_first, read_first;
      reg [3:0] write_enables;
      reg [8:0] write_mask;
      reg [2:0] read_offset;

      integer i, bit_number;
      always @(posedge clock[p])
        if (writes) begin
          for (i = 0; i < BYTES; i = i + 1)
            for (bit_number = 0; bit_number < 9; bit_number = bit_number + 1)
              if (enables[i] && WORD[bit_number])
                memory[first + i[10:0]][{1'b0, offset} + bit_number[3:0]] <= data[9 * i + bit_number];
          write_time <= $realtime;
          write_first <= first;
          write_enables <= enables;
          write_mask <= WORD << offset;
        end

      reg [35:0] value;
      integer j;
      reg [35:0] latch = 36'd0;
      wire clears = RESETMODE == "ASYNC" && reset[p];
      always @(posedge clock[p] or posedge clears)
        if (clears) latch <= 36'd0;
        else if (reset[p]) latch <= 36'd0;
        else if (reads) begin
          value = 36'd0;
          for (j = 0; j < BYTES; j = j + 1)
            value[9 * j +: 9] = THROUGH && write[p] && enables[j]
              ? data[9 * j +: 9] & WORD
              : (memory[first + j[10:0]] >> offset) & WORD;
          latch <= value;
        end
      always @(posedge clock[p])
        if (reads) begin
          read_time <= $realtime;
          read_first <= first;
          read_offset <= offset;
        end

      reg [35:0] known;
      integer k, l;
      always_comb begin
        known = latch;
        if (read_time == port[1 - p].write_time)
          for (k = 0; k < BYTES; k = k + 1)
            for (l = 0; l < 4; l = l + 1)
              if (port[1 - p].write_enables[l] && read_first + k[10:0] == port[1 - p].write_first + l[10:0])
`ifdef VERILATOR
                known[9 * k +: 9] = known[9 * k +: 9] ^ ((port[1 - p].write_mask >> read_offset) & WORD);
`else
                known[9 * k +: 9] = known[9 * k +: 9] ^ ({9{1'bx}} & (port[1 - p].write_mask >> read_offset) & WORD);
`endif
      end

      reg [35:0] registered = 36'd0;
      always @(posedge clock[p]) if (output_enable[p]) registered <= known;
      wire [35:0] out = REGISTERED ? registered : known;

      always @(posedge clock[p]) begin
        if (WIDE && (p == 0) != (write[p] === 1'b1) && enable[p])
          $fatal(1, "DP16KD: with a width of 36 port A must write and port B read, each time it is enabled");
        if (REGISTERED && reset[p]) $fatal(1, "DP16KD: a reset with REGMODE OUTREG isn't modelled");
        if (reset[p] && writes) $fatal(1, "DP16KD: a write during reset isn't modelled");
      end

      initial begin
        if (WIDTH != 1 && WIDTH != 2 && WIDTH != 4 && WIDTH != 9 && WIDTH != 18 && WIDTH != 36)
          $fatal(1, "DP16KD: DATA_WIDTH must be 1, 2, 4, 9, 18 or 36, not %0d", WIDTH);
      end
    end
  endgenerate

  assign {
    DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2,
    DOA1, DOA0
  } = DATA_WIDTH_B == 36 ? port[1].out[17:0] : port[0].out[17:0];
  assign {
    DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2,
    DOB1, DOB0
  } = DATA_WIDTH_B == 36 ? port[1].out[35:18] : port[1].out[17:0];

`ifndef VERILATOR
  always @(posedge CLKA or posedge CLKB)
    if (CEA === 1'bz || WEA === 1'bz || RSTA === 1'bz || {CSA2, CSA1, CSA0} === 3'bz
        || CEB === 1'bz || WEB === 1'bz || RSTB === 1'bz || {CSB2, CSB1, CSB0} === 3'bz
        || REGMODE_A == "OUTREG" && OCEA === 1'bz || REGMODE_B == "OUTREG" && OCEB === 1'bz)
      $fatal(1, "DP16KD: a pin that enables, writes, selects or resets is open");
`endif

  initial begin
    if (REGMODE_A != "NOREG" && REGMODE_A != "OUTREG") $fatal(1, "DP16KD: REGMODE_A %s isn't modelled", REGMODE_A);
    if (REGMODE_B != "NOREG" && REGMODE_B != "OUTREG") $fatal(1, "DP16KD: REGMODE_B %s isn't modelled", REGMODE_B);
    if (DATA_WIDTH_B == 36 && (REGMODE_A != "NOREG" || REGMODE_B != "NOREG"))
      $fatal(1, "DP16KD: an output register of 36 bits isn't modelled");
    if (WRITEMODE_A != "NORMAL" && WRITEMODE_A != "WRITETHROUGH" && WRITEMODE_A != "READBEFOREWRITE")
      $fatal(1, "DP16KD: WRITEMODE_A %s isn't modelled", WRITEMODE_A);
    if (WRITEMODE_B != "NORMAL" && WRITEMODE_B != "WRITETHROUGH" && WRITEMODE_B != "READBEFOREWRITE")
      $fatal(1, "DP16KD: WRITEMODE_B %s isn't modelled", WRITEMODE_B);
    if (CLKAMUX != "CLKA" && CLKAMUX != "INV") $fatal(1, "DP16KD: CLKAMUX %s isn't modelled", CLKAMUX);
    if (CLKBMUX != "CLKB" && CLKBMUX != "INV") $fatal(1, "DP16KD: CLKBMUX %s isn't modelled", CLKBMUX);
    if ($bits(CSDECODE_A) != 40 || $bits(CSDECODE_B) != 40)
      $fatal(1, "DP16KD: CSDECODE must be 0b and three digits");
    if (RESETMODE != "SYNC" && RESETMODE != "ASYNC") $fatal(1, "DP16KD: RESETMODE %s isn't modelled", RESETMODE);
    if (INIT_DATA != "STATIC") $fatal(1, "DP16KD: INIT_DATA %s isn't modelled", INIT_DATA);
    if (GSR != "ENABLED" && GSR != "DISABLED" && GSR != "AUTO") $fatal(1, "DP16KD: GSR %s isn't modelled", GSR);
    if ($bits(INITIAL) != 64 * 320) $fatal(1, "DP16KD: each INITVAL must have 320 bits");
  end
`endif
endmodule
