// An exported text and an edited one, side by side from reset on: what differs, and in which clock.

`timescale 1ns / 1ps

module side_by_side;
  reg clk = 0, rst = 1, currents_valid = 0, updates_ready = 0, events_ready = 0;
  reg [`CURRENT - 1:0] currents_data = 0;
  wire [2:0] shown[0:1];
  wire [63:0] neuron[0:1], potential[0:1], trace[0:1], whose[0:1], step[0:1];
  wire spike[0:1];

`define PORTS(number) .clk(clk), .rst(rst), .currents_valid(currents_valid), .currents_data(currents_data), \
    .currents_ready(shown[number][0]), .updates_valid(shown[number][1]), .updates_ready(updates_ready), \
    .updates_neuron(neuron[number][`NEURON - 1:0]), .updates_spike(spike[number]), \
    .updates_potential(potential[number][`POTENTIAL - 1:0]), .updates_trace(trace[number][`TRACE - 1:0]), \
    .events_valid(shown[number][2]), .events_ready(events_ready), .events_neuron(whose[number][`NEURON - 1:0]), \
    .events_step(step[number][31:0])
  qlif_population original (`PORTS(0));
  edited_population edited (`PORTS(1));

  wire update_differs = neuron[0] !== neuron[1] || spike[0] !== spike[1] || potential[0] !== potential[1]
    || trace[0] !== trace[1];
  wire event_differs = whose[0] !== whose[1] || step[0] !== step[1];

  integer clocks;
  reg [31:0] kind;
  initial begin
    for (clocks = 0; clocks < `CLOCKS; clocks = clocks + 1) begin
      // Long enough for spikes: a timestep takes as many clocks as the pipeline is long.
      if (clocks % 1024 == 0) kind = $urandom;
      rst = clocks < 2 || $urandom % 1500 == 0;
      currents_valid = kind[0] || $urandom % 4 == 0;
      updates_ready = kind[2:1] != 0 || $urandom % 8 == 0;
      events_ready = kind[4:3] != 0 || $urandom % 16 == 0;
      case (kind[7:5])
        0, 1, 2, 3: currents_data = {1'b0, {(`CURRENT - 1) {1'b1}}} >> (kind[9:8] == 0);
        4: currents_data = {1'b1, {(`CURRENT - 1) {1'b0}}};
        5: currents_data = $signed({$urandom, $urandom}) >>> (32 - `CURRENT + kind[10:8]);
        default: currents_data = {$urandom, $urandom};
      endcase
      // The count of timesteps is nobody's input: it is set ahead in both, to where it wraps.
      if (clocks % 512 == 300) begin
        original.core.outlet.steps.low = 16'hfffc;
        original.core.outlet.steps.full = 0;
        original.core.outlet.steps.high = $urandom;
        edited.core.outlet.steps.low = 16'hfffc;
        edited.core.outlet.steps.full = 0;
        edited.core.outlet.steps.high = original.core.outlet.steps.high;
      end
      #1;
      if (clocks > 1 && (shown[0] !== shown[1] || (shown[0][1] && update_differs)
          || (shown[0][2] && event_differs))) begin
        $display("DIFFERS in clock %0d", clocks);
        $finish;
      end
      clk = 1;
      #1 clk = 0;
    end
    $finish;
  end
endmodule
