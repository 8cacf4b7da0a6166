// What is common to our models of Gowin's, Lattice's and AMD's block RAMs. Apache-2.0.
//
// One port writes and one reads, with one clock, and words of one width at both: what Yosys makes of our
// memories, and all that is modelled. Anything else stops the simulation, or isn't elaborated.
//
// What the hardware leaves open is X here: what is read before the first clock, and the bytes that are being
// written, unless the cell is known to read them as they were.
module qlif_block_ram #(
  parameter CELL = "", MODELLED = 1,    // the cell's name, and whether it asks for what is modelled
  parameter BYTES = 2048, BYTE = 9,     // bytes, and their bits; words of 1, 2 and 4 bits lie in the first eight
  parameter WIDTH = 18,                 // bits of a word
  parameter READS_OLD = 0,              // what is being written is read as it was
  parameter INITIAL = {BYTES * BYTE{1'b0}}
) (
  input write_clock,
  input [15:0] write_address,           // of a bit
  input [7:0] write_enable,             // for each byte of a word
  input [71:0] write_data,
  input read_clock, read_enable,
  input [15:0] read_address,
  output [71:0] read_data,
  input not_modelled                    // a reset, or the other direction
);
  localparam PARTS = WIDTH < BYTE ? 1 : WIDTH / BYTE, PART = WIDTH / PARTS;
  localparam LOWEST = WIDTH < 8 ? $clog2(WIDTH) : 3 + $clog2(PARTS), BITS = 3 + $clog2(BYTES) - LOWEST;
  reg [WIDTH-1:0] words [0:(1<<BITS)-1];

  wire [BITS-1:0] written_at = write_address[LOWEST +: BITS], read_at = read_address[LOWEST +: BITS];
  wire [PARTS-1:0] written = write_enable[PARTS-1:0];
  wire [WIDTH-1:0] at_write = words[written_at], at_read = words[read_at];
  wire [WIDTH-1:0] merged, seen;
  genvar part;
  generate
    for (part = 0; part < PARTS; part = part + 1) begin : byte_
      wire clashes = !READS_OLD && written[part] && written_at == read_at;
      assign merged[PART*part +: PART] = written[part] ? write_data[PART*part +: PART] : at_write[PART*part +: PART];
      assign seen[PART*part +: PART] = clashes ? {PART{1'bx}} : at_read[PART*part +: PART];
    end
  endgenerate
  reg [WIDTH-1:0] latch;
  assign read_data = {{72-WIDTH{1'bx}}, latch};
  always @(posedge write_clock) if (written != 0) words[written_at] <= merged;
  always @(posedge read_clock)
    if (not_modelled) latch <= {WIDTH{1'bx}};
    else if (read_enable) latch <= seen;

  generate
`ifdef YOSYS
    if (!MODELLED) $error("a block RAM has two widths, an output register or another choice that isn't modelled");
    // In a proof the words start as anything if INITIAL is 0, for then nobody asked for a first content.
    if (INITIAL != 0) begin : filled
`else
    if (1) begin : filled
`endif
      integer word;
      initial
        for (word = 0; word < 1 << BITS; word = word + 1)
          words[word] = WIDTH < 8
            ? INITIAL[word * WIDTH / 8 * BYTE + word * WIDTH % 8 +: WIDTH]
            : INITIAL[word * WIDTH +: WIDTH];
    end
  endgenerate

`ifndef YOSYS
  initial if (!MODELLED) $fatal(1, "%0s: this width, register or other choice isn't modelled", CELL);
  always @(posedge write_clock or posedge read_clock)
    if (not_modelled !== 1'b0) $fatal(1, "%0s: a reset, or reading and writing at one port, isn't modelled", CELL);
    else if (write_clock !== read_clock) $fatal(1, "%0s: two clocks aren't modelled", CELL);
`endif
endmodule
